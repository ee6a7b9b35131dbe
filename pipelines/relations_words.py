"""What is said of relations: the sentence to read first, and what to keep in mind.

In: `Dealings`, `Costs`, tables, how margins are known. Out: sentences that name nobody.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..clock import Cutoff
from ..intake import Ledger
from ..kpis.table import Row, Table
from ..relations.acquisition import won
from ..relations.cost import DISCOUNTS, Costs
from ..relations.dealings import NEVER, Dealings
from ..relations.served import Asked
from .relations_read import Earned

APART = 0.05
"""A stated margin that lies so far from the one that the lines show is told."""


def headline(tables: Sequence[Table], costs: Costs, n_costly: int | None) -> str:
    """What a marketer would read first."""
    by_name = {table.name: table.rows for table in tables}
    told = [_of_costs(by_name["cost_to_serve"][0], costs)]
    if n_costly is not None:
        told.append(f"{counted(n_costly)} more than they bring, for a person to look at")
    every = next(iter(by_name.get("acquisition", ())), None)
    if every is not None and every["clv_to_cost"] is not None:
        told.append(f"a customer is worth {every['clv_to_cost']:.1f} times what it cost to win one")
    if every is not None and every["payback"]:
        told.append(f"that is paid back {every['payback']}")
    said = "; ".join(told)
    return f"{said[:1].upper()}{said[1:]}."


def counted(n: int) -> str:
    """So many relations, as the beginning of a sentence.

    Examples
    --------
    >>> counted(1), counted(2)
    ('1 relation costs', '2 relations cost')
    """
    return "1 relation costs" if n == 1 else f"{n:,} relations cost"


def _of_costs(row: Row, costs: Costs) -> str:
    if not costs.parts:
        return "what serving customers costs is not known"
    share = row["cost_share"]
    if share is None:
        return f"in {costs.days} days nothing was earned"
    what = "discounts and service" if DISCOUNTS in costs.parts else "serving customers"
    return f"{what} took {share:.1%} of the margin of {costs.days} days"


def notes_of(
    ledger: Ledger, dealings: Dealings, asked: Asked, earned: Earned, stated: float | None, wanted_days: int
) -> list[str]:
    """What to keep in mind.

    Parameters
    ----------
    stated : float or None
        The margin that the configuration states, if it does.
    wanted_days : int
        How long the period should have been.
    """
    notes = [_about_margin(earned, stated)]
    if dealings.period_days < wanted_days:
        notes.append(f"The data cover {dealings.period_days:,} days before {dealings.day}: the period is that long.")
    notes += _about_events(ledger, asked)
    unpriced = int(dealings.served.unpriced.sum())
    if unpriced and (dealings.served.contact_cost.any() or dealings.served.complaint_cost.any()):
        notes.append(f"{unpriced:,} contacts and complaints have neither a cost nor a price, and count as free.")
    count, money = ledger.manifest.lines["guest"], ledger.manifest.money["guest"]
    if count:
        notes.append(f"{count:,} lines of guests ({float(money):,.2f} in all of the ledger) are nobody's.")
    return notes


def _about_margin(earned: Earned, stated: float | None) -> str:
    share = f"{earned.share:.1%}"
    if not earned.costs:
        if stated is None:
            return "Nothing says what is earned: margin is net spend; set `margin` under [economics], or map `cost`."
        return f"Margin is {share} of net spend, as `margin` under [economics] says."
    return f"Margin is the money of a line less its cost, and {share} of a line that says no cost."


def apart(measured: float | None, stated: float | None) -> list[str]:
    """What is said where the lines show another margin than the configuration states."""
    if measured is None or stated is None or abs(measured - stated) < APART:
        return []
    return [
        f"The lines show a margin of {measured:.1%}, `margin` under [economics] says {stated:.1%}: what was earned "
        "goes by the lines, what is expected by [economics]."
    ]


def _about_events(ledger: Ledger, asked: Asked) -> list[str]:
    if not ledger.has_table("events") or not ledger.manifest.tables["events"].first_day:
        return []
    about = ledger.manifest.tables["events"]
    first, last = Cutoff.parse(about.first_day), Cutoff.parse(about.last_day)
    if first <= asked.begins and last >= asked.day.minus(1):
        return []
    return [
        f"Events are known from {first} to {last} only: what contacts, complaints and returns cost in the rest of the "
        "period is not known, so costs are too low."
    ]


def about_winning(dealings: Dealings) -> list[str]:
    """What to keep in mind of acquisition."""
    notes, came, who = [], dealings.came, won(dealings)
    before = int(((came != NEVER) & (came < dealings.starts.day)).sum())
    if before:
        notes.append(f"{before:,} customers came before the data begin: what they brought first is not known, so they "
                     "are not in the tables of acquisition.")  # fmt: skip
    undated = int((who & (came == NEVER)).sum())
    if undated:
        notes.append(f"{undated:,} people have neither a day of joining nor a purchase: they cost what they cost, and "
                     "have brought nothing so far.")  # fmt: skip
    if dealings.foreseen is not None:
        silent = int((who & ~np.isfinite(dealings.foreseen.lifetime)).sum())
        if silent:
            notes.append(f"{silent:,} of those who were won have no score: nothing more is expected of them.")
    return notes
