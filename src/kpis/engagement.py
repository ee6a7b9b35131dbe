"""Engagement and satisfaction by month or quarter: who did something beside buying, and what they answered.

In: events of the ledger, with `Purchases` and `Periods`. Out: a `Table`. A period that the log of events does not
cover from its first day to its last is missing; so is the response rate where no invitation was logged, and the share
of detractors where nobody said which answers are theirs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ..clock import Cutoff, Zone
from ..features.lines import instants_of, units_of
from ..schema import SCALE
from .by_period import Window
from .periods import Periods
from .purchases import Purchases
from .table import Column, Row, Table, Value, ratio

Int64 = NDArray[np.int64]
Bool = NDArray[np.bool_]

SURVEY = "survey"
"""The kind of event that is a survey: with a value an answer; the company's without a value an invitation."""
READ = ("customer_id", "occurred_at", "kind", "initiated_by", "value", "channel")
"""Columns of events; the last two only where there are any."""
OPTIONAL = READ[-2:]


def columns(by: str, detractors_up_to: float | None) -> tuple[Column, ...]:
    """The definitions; `detractors_up_to` is the highest answer that counts as one of a detractor."""
    unhappy = "of a detractor" if detractors_up_to is None else f"of {detractors_up_to:g} or less"
    return (
        Column("period", "text", f"the {by}, in local days"),
        Column("complete", "flag", "whether the data cover every day of it, purchases and events"),
        Column("at_risk", "count", "customers at risk at its begin: who had bought before"),
        Column("engaged", "count", "of them: with at least one event in it that they began themselves"),
        Column("engagement_rate", "share", "engaged / at_risk"),
        Column("answers", "count", "answers to surveys, whoever gave them"),
        Column("satisfaction", "number", "mean answer: sum of the values / answers"),
        Column("asked", "count", "who was invited to a survey in it"),
        Column("response_rate", "share", "who was invited and answered in the same period / asked"),
        Column("detractor_share", "share", f"answers {unhappy} / answers"),
    )


@dataclass(frozen=True, eq=False)
class Deeds:
    """Events in the order in which they lie in the ledger; arrays of shape (n_events,).

    Parameters
    ----------
    customer : ndarray of int64
        Place among the customers with purchase lines; those without one follow them.
    day : ndarray of int64
    own : ndarray of bool
        Whether the customer began it.
    answer, invitation : ndarray of bool
    value : ndarray of int64, in 1/10,000
    channel : ndarray of int64
        Place among `channels`; -1 where it is not known.
    channels : tuple of str
    """

    customer: Int64
    day: Int64
    own: Bool
    answer: Bool
    invitation: Bool
    value: Int64
    channel: Int64
    channels: tuple[str, ...]

    @classmethod
    def of(cls, rows: pa.Table, purchases: Purchases, zone: Zone) -> Deeds:
        """From rows of the ledger's events with the columns `READ`, without those of `OPTIONAL` that are not there."""
        told = np.zeros(rows.num_rows, bool)
        value = np.zeros(rows.num_rows, np.int64)
        if "value" in rows.column_names and rows.num_rows:
            told = np.asarray(rows["value"].is_valid())
            value = units_of(rows["value"])
        own, survey = (_is(rows[name], text) for name, text in (("initiated_by", "customer"), ("kind", SURVEY)))
        customer = _places(rows["customer_id"], purchases.ids)
        day = zone.local_day(instants_of(rows["occurred_at"])) if rows.num_rows else np.zeros(0, np.int64)
        channel, channels = _channels(rows)
        return cls(customer, day, own, survey & told, survey & ~told & ~own, value, channel, channels)


def _is(column: pa.ChunkedArray, text: str) -> Bool:
    return np.asarray(pc.equal(column, text).to_numpy(), bool)


def _channels(rows: pa.Table) -> tuple[Int64, tuple[str, ...]]:
    if "channel" not in rows.column_names:
        return np.full(rows.num_rows, -1, np.int64), ()
    names = sorted(name for name in pc.unique(rows["channel"]).to_pylist() if name)
    place = pc.index_in(rows["channel"], value_set=pa.array(names, pa.string()), skip_nulls=True)
    return np.asarray(pc.fill_null(place, -1).to_numpy(), np.int64), tuple(names)


def _places(ids: pa.ChunkedArray, known: NDArray[np.object_]) -> Int64:
    """The place of each id; an id that never bought gets a place behind all of those who did."""
    there = pc.index_in(ids, value_set=pa.array(known, pa.string()))
    found = np.asarray(pc.fill_null(there, -1).to_numpy(), np.int64)
    code = np.asarray(pc.rank(ids.combine_chunks(), tiebreaker="min"), np.int64) if len(found) else found
    return np.where(found >= 0, found, len(known) + code)


def engagement(
    deeds: Deeds,
    covered: tuple[Cutoff, Cutoff],
    purchases: Purchases,
    periods: Periods,
    window: Window,
    detractors_up_to: float | None = None,
) -> Table:
    """The table, a row for each period.

    Parameters
    ----------
    deeds : Deeds
    covered : (Cutoff, Cutoff)
        From the day of the first event to the day after the last.
    window : Window
        Says who is at risk.
    detractors_up_to : float, optional
        The highest answer that a detractor gives, such as 6 on a scale of 0 to 10 (Reichheld 2003, The one number you
        need to grow, Harvard Business Review 81(12)).
    """
    at, rows = periods.at(deeds.day), list[Row]()
    for i, name in enumerate(periods.names):
        within = covered[0].day <= periods.begins(i).day and periods.ends(i).day <= covered[1].day
        whole = periods.complete[i] and within
        here = at == i
        found = {
            **_engaged(deeds, here, purchases, periods.begins(i).day, window),
            **_answered(deeds, here, detractors_up_to),
        }
        nothing: dict[str, Value] = dict.fromkeys(found)
        rows.append({"period": name, "complete": whole, **(found if whole else nothing)})
    about = f"a {periods.by}; only those that purchases and events cover wholly are counted"
    return Table("engagement", about, columns(periods.by, detractors_up_to), tuple(rows))


def at_risk_on(purchases: Purchases, day: int, window: Window) -> Int64 | None:
    """Places of the customers at risk on a day, ascending; None where the data do not reach back far enough to say."""
    reach = window.active_within
    if reach is not None and day - reach < window.starts.day:
        return None
    return np.unique(purchases.days.customer[purchases.days.last_before(day, reach)])


def _engaged(deeds: Deeds, here: Bool, purchases: Purchases, begins: int, window: Window) -> dict[str, Value]:
    at_risk = at_risk_on(purchases, begins, window)
    if at_risk is None:
        return {"at_risk": None, "engaged": None, "engagement_rate": None}
    if not deeds.own.any():
        return {"at_risk": len(at_risk), "engaged": None, "engagement_rate": None}
    engaged = np.intersect1d(at_risk, deeds.customer[here & deeds.own])
    return {
        "at_risk": len(at_risk),
        "engaged": len(engaged),
        "engagement_rate": ratio(len(engaged), len(at_risk)),
    }


def _answered(deeds: Deeds, here: Bool, detractors_up_to: float | None) -> dict[str, Value]:
    invited = bool(deeds.invitation.any())
    given = here & deeds.answer
    n, total = int(given.sum()), int(deeds.value[given].sum())
    asked = np.unique(deeds.customer[here & deeds.invitation])
    came = np.intersect1d(asked, deeds.customer[given])
    unhappy = None if detractors_up_to is None else int((deeds.value[given] <= detractors_up_to * SCALE).sum())
    return {
        "answers": n if deeds.answer.any() else None,
        "satisfaction": total / (n * SCALE) if n else None,
        "asked": len(asked) if invited else None,
        "response_rate": ratio(len(came), len(asked)) if invited else None,
        "detractor_share": None if unhappy is None else ratio(unhappy, n),
    }


def unsaid(deeds: Deeds, detractors_up_to: float | None) -> list[str]:
    """What these events cannot tell, in sentences."""
    found = [] if deeds.own.any() else ["No engagement: no event was begun by a customer (`initiated_by`)."]
    if not deeds.answer.any():
        return [*found, f"No satisfaction: no event of the kind `{SURVEY}` has a value."]
    if not deeds.invitation.any():
        how = f"an event of the kind `{SURVEY}`, begun by the company, without a value"
        found.append(f"No response rate: no invitation is logged ({how}).")
    if detractors_up_to is None:
        found.append("No share of detractors: --detractors-up-to says which answers are theirs, such as 6 of 0 to 10.")
    return found
