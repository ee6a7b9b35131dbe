"""Dealings made by hand: a few customers, what they bought on which day, who they are; no ledger, no events.

In: cells (customer, day, spend, margin), and what is named beside them. Out: `Dealings` whose data begin on day 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from regulars.clock import Cutoff
from regulars.relations.dealings import NEVER, Bought, Dealings, Foreseen, Heard, People, Served
from regulars.schema import SCALE

Cell = tuple[int, int, float, float]


def bought(cells: Sequence[Cell]) -> Bought:
    """Cells in order; whoever spends more than 0 on a day has a purchase, whoever gets something back a return."""
    customer, day, spend, margin = (np.array(column) for column in zip(*sorted(cells), strict=True))
    money = [np.rint(values * SCALE).astype(np.int64) for values in (spend, margin)]
    return Bought(
        customer.astype(np.int64),
        day.astype(np.int64),
        (spend > 0).astype(np.int64),
        (spend < 0).astype(np.int64),
        *money,
        np.zeros(len(day), np.int64),
    )


def dealings(n: int, cells: Sequence[Cell], day: int = 1000, **given: Any) -> Dealings:
    """Customers c0, c1, ...; silence is 90 days, the period the last 365 days.

    Parameters
    ----------
    given : columns of `People`, `Heard`, `Foreseen` or `Served` by name, money in currency
    """
    nothing = np.zeros(n, np.int64)
    never = np.full(n, NEVER, np.int64)
    costs = np.array([np.nan if v is None else v for v in given.get("cost", [None] * n)], np.float64)
    people = People(
        np.array(given.get("there", [True] * n)),
        np.array(given.get("joined", never)),
        np.array(given.get("channel", [""] * n), object),
        np.rint(np.nan_to_num(costs) * SCALE).astype(np.int64),
        np.isfinite(costs),
        np.array(given.get("referrer", never)),
    )
    heard = Heard(
        np.array(given.get("answer", [np.nan] * n), np.float64),
        np.array(given.get("answer_day", never)),
        np.array(given.get("complaint_day", never)),
        np.array(given.get("asked_day", never)),
        np.array(given.get("open_complaint", [False] * n)),
        np.array(given.get("referrals", nothing)),
    )
    names = list(Served.__dataclass_fields__)
    scales = [SCALE if name.endswith("cost") else 1 for name in names]
    told = [np.array(given.get(name, nothing), np.float64) for name in names]
    served = Served(*(np.rint(values * by).astype(np.int64) for values, by in zip(told, scales, strict=True)))
    foreseen = None
    if "lifetime" in given or "margin" in given:
        columns = [np.array(given.get(name, [np.nan] * n), np.float64) for name in ("margin", "lifetime", "p_churn")]
        foreseen = Foreseen(*columns)
    ids = np.array([f"c{i}" for i in range(n)], object)
    begins = Cutoff(max(day - 365, 0))
    return Dealings(Cutoff(day), begins, Cutoff(0), 90, "EUR", ids, bought(cells), served, heard, people, foreseen)
