"""What timing asks for: when customers bought and came, as known on some days, and what the scores expect of them.

In: a ledger, days, perhaps a run of scores. Out: `Read`, a place for each customer with a line before the day. Rows
that became known on a day or later do not count on it. No events: nobody came but to buy. Whom the scores know and the
ledger does not is left out and counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ..clock import Cutoff
from ..engines.local import reader, shards_of
from ..features.family import plan_for
from ..features.shape import Shape
from ..intake import Ledger
from ..offers.past import microseconds, rows_of
from ..timing.due import Due, money
from ..timing.evidence import Evidence
from ..timing.moments import Moments, purchases_of
from .published import Run

Int64 = NDArray[np.int64]
CHANCES = (7, 14, 30, 60)
"""Days within which the scores tell the chance of a purchase."""
_SCORES = (
    *("customer_id", "next_order_from", "next_order_p50", "next_order_until", "usual_gap_days", "late"),
    *("recency_days", "expected_spend"),
)


@dataclass(frozen=True, eq=False)
class Read:
    """What was known of customers.

    Parameters
    ----------
    ids : ndarray of str, shape (n_customers,)
        Ascending.
    known : mapping of Cutoff to Evidence
        As of each day that was asked for.
    due : Due or None
        None without scores.
    notes : tuple of str
    """

    ids: NDArray[np.str_]
    known: Mapping[Cutoff, Evidence]
    due: Due | None
    notes: tuple[str, ...] = field(default=())


def read_moments(
    ledger: Ledger, days: Sequence[Cutoff], day: Cutoff
) -> tuple[NDArray[np.str_], dict[Cutoff, Evidence]]:  # fmt: skip
    """Who had a line before a day, and their moments as known then and on earlier days."""
    plan = plan_for(Shape())
    read, ids, so_far = reader(ledger, plan), [np.zeros(0, np.str_)], 0
    parts: dict[Cutoff, list[Moments]] = {one: [] for one in (*days, day)}
    for shard in shards_of(ledger, plan):
        history = read(shard)
        ids.append(history.lines.customer_ids.astype(str))
        found = purchases_of(history, so_far)
        for one, moments in parts.items():
            then = purchases_of(history.known_before(one), so_far) if history.two_clocks else found
            moments.append(then.before(one.day))
        so_far += history.n_customers
    names = np.concatenate(ids)
    bought = {one: Moments.joined(moments) for one, moments in parts.items()}
    there = np.zeros(len(names), bool)
    there[bought[day].customer] = True
    place = np.cumsum(there) - 1
    found_ids = names[there]
    visits = _visits(ledger, found_ids, list(parts))
    known = {
        one: Evidence(len(found_ids), _moved(moments, there, place), visits[one]) for one, moments in bought.items()
    }
    return found_ids, known


def _moved(moments: Moments, there: NDArray[np.bool_], place: Int64) -> Moments:
    """Those of customers who are there on the day, at their places then."""
    kept = moments.where(there[moments.customer])
    return Moments.told(place[kept.customer], kept.day, kept.hour)


def _visits(ledger: Ledger, ids: NDArray[np.str_], days: Sequence[Cutoff]) -> dict[Cutoff, Moments]:
    """What customers began themselves, as known on some days."""
    if not ledger.has_table("events"):
        return dict.fromkeys(days, Moments.none())
    late = "known_at" in ledger.manifest.tables["events"].columns
    columns = ["customer_id", "occurred_at", "initiated_by", *(["known_at"] if late else [])]
    rows = ledger.rows_of("events", columns=columns)
    rows = rows.filter(pc.equal(rows.column("initiated_by"), "customer"))
    who, at = rows_of(rows.column("customer_id"), ids.tolist()), microseconds(rows.column("occurred_at"))
    told = np.maximum(at, microseconds(rows.column("known_at"))) if late else at
    found = {}
    for day in days:
        kept = (who >= 0) & (told < day.instant(ledger.zone))
        found[day] = Moments.of(who[kept], at[kept], ledger.zone)
    return found


def places_of(ids: pa.ChunkedArray, known: NDArray[np.str_]) -> Int64:
    """The place of each id; who is not known gets one behind all who are, the same for the same id."""
    found = rows_of(ids, known.tolist())
    others = np.flatnonzero(found < 0)
    if len(others):
        names = ids.combine_chunks().cast(pa.string()).take(pa.array(others)).dictionary_encode()
        found[others] = len(known) + names.indices.to_numpy(zero_copy_only=False)
    return found


def due_of(run: Run, ids: NDArray[np.str_]) -> tuple[Due, int]:
    """What the scores say of customers, and of how many the ledger does not know."""
    import pyarrow.parquet as pq

    there = set(pq.read_schema(run.path("scores.parquet")).names)
    chances = [days for days in CHANCES if f"p_purchase_{days}d" in there]
    scores = run.frame((*_SCORES, *(f"p_purchase_{days}d" for days in chances)))
    at = rows_of(pa.chunked_array([pa.array(scores["customer_id"].to_numpy(object), pa.string())]), ids.tolist())
    kept = at >= 0
    n, place = len(ids), at[kept]

    def number(name: str) -> NDArray[np.float64]:
        found = np.full(n, np.nan)
        found[place] = scores[name].to_numpy(np.float64, na_value=np.nan)[kept]
        return found

    def days_until(name: str) -> Int64:
        found = np.full(n, -1, np.int64)
        texts = scores[name].fillna("").to_numpy(object)[kept]
        days = {text: Cutoff.parse(text).day - run.as_of.day if text else -1 for text in set(texts.tolist())}
        found[place] = [days[text] for text in texts.tolist()]
        return found

    scored = np.zeros(n, bool)
    scored[place] = True
    recency, late = number("recency_days"), number("late")
    return Due(
        scored,
        days_until("next_order_from"),
        days_until("next_order_p50"),
        days_until("next_order_until"),
        np.where(scored, np.nan_to_num(recency, nan=-1.0), -1).astype(np.int64),
        number("usual_gap_days"),
        np.asarray(late == 1),
        money(number("expected_spend")),
        {days: number(f"p_purchase_{days}d") for days in chances},
    ), int((~kept).sum())
