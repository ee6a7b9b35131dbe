"""A shop in which it is known to the cent what a campaign did: everybody spends in a window what he spent before it.

In: waves, and by how much those who were given an offer spend more. Out: a configuration whose decisions log holds the
waves, and a ledger in memory. Customer i spends 10 + i % 7 in every 30 days, on one day; who is in the arm `chosen` and
was given an offer spends `lift` more in the window after it. Nothing else is random but the draw of the arms.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from regulars.clock import Cutoff
from regulars.config import Config
from regulars.intake import Ledger
from regulars.offers.arms import ARMS, decision_ids, draw
from regulars.offers.catalogue import Catalogue
from regulars.pipelines.campaign.book import Decisions
from regulars.pipelines.campaign.draft import Draft, decisions_of
from regulars.schema import MONEY

from .decided import config_in

WINDOW = 30
FIRST = Cutoff.parse("2024-01-01")
DAY = Cutoff.parse("2024-03-31")
"""Of the first wave: ninety days, three windows, after the first purchase."""
LAST = Cutoff.parse("2024-05-30")
LONGEST = LAST.plus(WINDOW)
SHARES = {"holdout": 0.1, "control": 0.3, "explore": 0.0}
EARNED = {"margin": 0.5, "contact_cost": 0.1, "complaint_cost": 2.0}


def catalogue(name: str = "spring") -> dict[str, Any]:
    """Tea as a gift, and two off the price, both by mail."""
    gift = {"id": "tea", "type": "gift", "title": "A tea", "value": 1.0, "channels": ["mail"], "message": "thanks"}
    off = {"id": "two", "type": "amount", "title": "Two off", "value": 2.0, "minimum_spend": 5.0, "channels": ["mail"]}
    content = {
        "campaign": {"name": name, "control": SHARES["control"], "explore": SHARES["explore"]},
        "channels": [{"name": "mail"}],
        "offers": [gift, off],
    }
    return Catalogue.of(content).to_dict()


def ids_of(n: int) -> list[str]:
    """Customers, in order."""
    return [f"c{i:05d}" for i in range(n)]


def meant_offers(n: int, nobody: Sequence[int] = ()) -> list[str]:
    """Tea for even customers, two off for odd ones, nothing for some."""
    return ["" if i in set(nobody) else ("tea", "two")[i % 2] for i in range(n)]


def draft(
    n: int,
    day: Cutoff,
    meant: list[str],
    name: str = "spring",
    keep: Sequence[bool] | None = None,
    drawn: str | None = None,
) -> Draft:
    """A wave for the first n customers.

    `keep` leaves customers out, as if lost after the draw; `drawn` names the campaign whose arms they are, if another.
    """
    ids = ids_of(n)
    arm = np.array(ARMS, object)[draw(ids, "salt", drawn or name, *SHARES.values())]
    offer = np.where(arm == "chosen", np.array(meant, object), "")
    gives = offer != ""
    texts = {
        "campaign": name,
        "as_of": str(day),
        "catalogue": "c",
        "responses": "r",
        "model_version": "1",
        "run_id": "r",
    }
    at = day.day * 86_400_000_000 + 12 * 3_600_000_000
    columns = {
        "customer_id": ids,
        "decision_id": decision_ids(name, str(day), ids, "salt"),
        **{column: [value] * n for column, value in texts.items()},
        "arm": arm.tolist(),
        "meant_offer": meant,
        "meant_channel": ["mail" if m else "" for m in meant],
        "offer": offer.tolist(),
        "channel": np.where(gives, "mail", "").tolist(),
        "send_at": pa.array([at if g else None for g in gives], pa.timestamp("us", "UTC")),
        "valid_until": pa.array([None] * n, pa.string()),
        "propensity": np.full(n, 0.5),
        **{column: np.where(gives, value, 0.0) for column, value in (("gain_low", 1.0), ("gain", 2.0), ("cost", 0.6))},
        "gain_high": np.where(gives, 3.0, 0.0),
        "meant_gain": np.array([2.0 if m else 0.0 for m in meant]),
        "basis": np.where(gives, "assumed", "").tolist(),
        "why": np.where(gives, "", "control").tolist(),
        "expected_spend": 10.0 + np.arange(n) % 7,
        "p_churn": np.full(n, 0.3),
    }
    table = pa.table(columns)
    table = table if keep is None else table.filter(pa.array(list(keep)))
    policy = {
        "campaign": name,
        "horizon_days": WINDOW,
        "currency": "EUR",
        "shares": SHARES,
        "economics": EARNED,
        "catalogue": catalogue(name),
    }
    return Draft(name, day, decisions_of(table, name, day), policy, {}, {})


def settings(folder: Path) -> Config:
    """A shop in Berlin with a margin of a half."""
    config = config_in(folder)
    economics = config.economics.model_copy(update=EARNED)
    target = config.target.model_copy(update={"horizon_days": (WINDOW,)})
    return config.model_copy(update={"economics": economics, "target": target})


def assign(config: Config, *drafts: Draft) -> Decisions:
    """Let waves stand."""
    book = Decisions.of(config)
    for number, one in enumerate(drafts):
        with book.writing("a test"):
            book.assign(one, f"{number:08x}", {"inputs": {}})
    return book


def arms(n: int, name: str = "spring") -> np.ndarray:
    """The arm of each customer."""
    return draw(ids_of(n), "salt", name, *SHARES.values())


def base(config: Config, n: int) -> Ledger:
    """What everybody buys anyway, window by window, to the end of `LONGEST`."""
    days = [DAY.plus(WINDOW * number + 5) for number in range(-3, (LONGEST.day - DAY.day) // WINDOW)]
    level = 10.0 + np.arange(n) % 7
    frame = pd.concat(
        pd.DataFrame({"customer_id": ids_of(n), "purchased_at": str(day), "amount": level}) for day in days
    )
    bounds = {"history_starts": str(FIRST), "history_ends": str(LONGEST.minus(1))}
    data = config.data.model_copy(update=bounds)
    return Ledger.from_frame(frame, config.model_copy(update={"data": data}))


def ledger(
    plain: Ledger, lift: Mapping[int, np.ndarray] | None = None, last: Cutoff = LAST, skip: Sequence[int] = ()
) -> Ledger:
    """The same up to a day; `lift`: what each customer spends more in a window, by its number.

    Windows are numbered from the first wave: 0 is that of the wave, -1 the one before. `skip` names customers who are
    not there any more.
    """
    lines = plain.table()
    day = plain.zone.local_day(lines["purchased_at"].cast(pa.int64()).to_numpy())
    who = np.array([int(c[1:]) for c in lines["customer_id"].to_pylist()])
    amount = lines["amount"].cast(pa.float64()).to_numpy().copy()
    for number, more in (lift or {}).items():
        here = (day - DAY.day) // WINDOW == number
        amount[here] += more[who[here]]
    place = lines.column_names.index("amount")
    lines = lines.set_column(place, lines.field("amount"), pa.array([Decimal(f"{a:.2f}") for a in amount], MONEY))
    kept = (day < last.day) & ~np.isin(who, list(skip))
    return replace(plain, _lines=lines.filter(pa.array(kept))).covering(last.minus(1))
