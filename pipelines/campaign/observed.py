"""A log of offers that somebody chose to send: how far their receivers stood above the others before they got anything.

In: a ledger with a table of offers. Out: figures of the most-sent offers: the gap in spend before and after the day of
sending, and the refusal to call either an effect. Receivers are those of an offer's busiest day; an offer whose windows
the ledger does not cover, or with fewer than ten receivers, is left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ...clock import Cutoff
from ...errors import NotEnoughData
from ...intake import Ledger
from ...offers.cuped import adjusted
from ...offers.itt import LEAST
from ...offers.spoken import amount, between
from ...offers.trial import Trial
from ...offers.verdict import NOT_DRAWN, measured
from ...schema import SCALE
from .realised import Asked, Realised, realised

SHOWN = 10
"""So many offers are looked at, those with the most receivers."""


@dataclass(frozen=True)
class Sent:
    """An offer on the day on which most got it."""

    offer: str
    day: Cutoff
    receivers: NDArray[np.str_]


def observed(ledger: Ledger, days: int) -> dict[str, Any]:
    """What the log shows, in windows of so many days before and after.

    Raises
    ------
    NotEnoughData
        ``RG444``: no offer of the log has ten receivers and windows that the ledger covers.
    """
    sent = _sent(ledger, days)
    if not sent:
        raise NotEnoughData(
            "nothing was ever assigned, and no offer of the log can be looked at",
            needed=f"{LEAST} receivers on a day with {days} days of purchases before and after it",
            do="assign a wave: `regulars offers assign CONFIG`",
            code="RG444",
        )
    ids = _customers(ledger)
    windows = []
    for one in sent:
        windows += [_asked(ids, one.day.minus(days), days), _asked(ids, one.day, days)]
    found, _ = realised(ledger, windows)
    pairs = zip(sent, found[::2], found[1::2], strict=True)
    currency = ledger.manifest.currency or ""
    rows = [_row(one, ids, before, after, days, currency) for one, before, after in pairs]
    return {
        "campaign": "",
        "today": str(ledger.ends),
        "currency": currency,
        "read_out": None,
        "observed": rows,
        "waves": [],
        "effects": [],
        "profit": None,
        "refused": NOT_DRAWN,
        "verdict": "No effect is concluded.",
        "words": ["No effect is concluded.", NOT_DRAWN, *(row["words"] for row in rows)],
        "warnings": ["Effects need a control group: assign a wave, and `measure` compares it by lot."],
    }


def _sent(ledger: Ledger, days: int) -> list[Sent]:
    table = ledger.rows_of("offers", columns=("customer_id", "offered_at", "offer_id"))
    day = ledger.zone.local_day(np.asarray(table.column("offered_at").cast(pa.int64()).to_numpy(), np.int64))
    offer = np.asarray(table.column("offer_id").to_pylist(), object).astype(str)
    ids = np.asarray(table.column("customer_id").to_pylist(), object).astype(str)
    inside = (day - days >= ledger.history_starts.day) & (day + days <= ledger.ends.day)
    found = []
    for name in np.unique(offer[inside]).tolist():
        here = inside & (offer == name)
        known, counts = np.unique(day[here], return_counts=True)
        busiest = int(known[counts.argmax()])
        receivers = np.unique(ids[here & (day == busiest)])
        if len(receivers) >= LEAST:
            found.append(Sent(name, Cutoff(busiest), receivers))
    return sorted(found, key=lambda one: (-len(one.receivers), one.offer))[:SHOWN]


def _customers(ledger: Ledger) -> NDArray[np.str_]:
    parts = [pc.unique(shard.column("customer_id")) for shard in ledger.shards(columns=("customer_id",))]
    return np.unique(np.concatenate([np.asarray(part.to_pylist(), object).astype(str) for part in parts]))


def _asked(ids: NDArray[np.str_], begins: Cutoff, days: int) -> Asked:
    return Asked(ids, begins, begins.plus(days), begins.plus(days))


def _row(
    one: Sent, ids: NDArray[np.str_], before: Realised, after: Realised, days: int, currency: str
) -> dict[str, Any]:
    treated = np.isin(ids, one.receivers)
    was, came = before.spend / SCALE, after.spend / SCALE
    trial = Trial(("others", one.offer), treated.astype(np.int64), {"spend": came}, was[:, None], ("spend",), None)
    said = measured(trial)
    gaps = {name: adjusted(values, treated) for name, values in (("before", was), ("after", came))}
    figures = {
        name: {"gap": gap.estimate, "low": gap.interval[0], "high": gap.interval[1]} for name, gap in gaps.items()
    }
    words = (
        f"{one.offer} ({one.day}): its {treated.sum():,} receivers spent "
        f"{amount(gaps['after'].estimate, currency)} more than the others in {days} days afterwards, and already "
        f"{amount(gaps['before'].estimate, currency)} more in {days} days before "
        f"({between(*gaps['before'].interval, currency)}): the gap was there before the offer and says nothing of it."
    )
    return {
        "offer": one.offer,
        "day": str(one.day),
        "treated": int(treated.sum()),
        "others": int((~treated).sum()),
        **figures,
        "refused": said.refused,
        "words": words,
    }
