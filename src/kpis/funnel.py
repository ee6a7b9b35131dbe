"""The funnel of a new relationship: from the first purchase to the second and the third, how many and how soon.

In: `Purchases`, `Periods`, within how many days a step counts. Out: a `Table` with a row for each cohort of first
purchase, and one for all cohorts together whose both steps are over. Counted are purchase days: two orders on one day
are no step. A step that not everybody of a cohort has had the time for is missing.
"""

from __future__ import annotations

import numpy as np

from ..clock import Cutoff
from ..features.track import changes
from .periods import Periods
from .purchases import Int64, Purchases
from .table import Column, Row, Table, Value, ratio

ALL = "all"
"""The name of the row of all cohorts whose windows are over."""


def columns(h: int, by: str) -> tuple[Column, ...]:
    """The definitions."""
    return (
        Column(
            "cohort", "text", f"the {by} of the first purchase; `{ALL}`: all cohorts together whose both steps are over"
        ),
        Column("customers", "count", "customers of the cohort"),
        Column("second", "count", f"of them: who bought again on a later day, at most {h} days after the first"),
        Column("second_share", "share", "second / customers"),
        Column("second_days", "days", "median days from the first purchase to the second, of those in `second`"),
        Column("third", "count", f"of those in `second`: who bought on a third day, at most {h} days after the second"),
        Column("third_share", "share", "third / second"),
        Column("third_days", "days", "median days from the second purchase to the third, of those in `third`"),
    )


def funnel(purchases: Purchases, periods: Periods, h: int, ends: Cutoff) -> Table:
    """The table, cohort by cohort.

    Parameters
    ----------
    h : int
        A step counts if it takes at most so many days.
    ends : Cutoff
        The day after the last that the data cover.
    """
    cohort, to_second, to_third = _steps(purchases, periods)
    rows: list[Row] = []
    over = np.zeros(len(periods), bool)
    for i, name in enumerate(periods.names):
        if not periods.complete[i] or not (cohort == i).any():
            continue
        # Whoever bought first on the last day of the cohort has had h days since, and as many again for the third.
        closed = [periods.ends(i).plus(steps * h).day <= ends.day for steps in (1, 2)]
        over[i] = closed[1]
        here = cohort == i
        rows.append({"cohort": name, **_row(to_second[here], to_third[here], h, closed)})
    here = over[cohort]
    if here.any():
        rows.append({"cohort": ALL, **_row(to_second[here], to_third[here], h, [True, True])})
    about = f"customers by the {periods.by} of their first purchase, and their way to a second and a third"
    return Table("funnel", about, columns(h, periods.by), tuple(rows))


def _steps(purchases: Purchases, periods: Periods) -> tuple[Int64, Int64, Int64]:
    """For everybody who ever bought: the cohort, days to the second purchase day, days from there to the third."""
    days = purchases.days
    first = np.flatnonzero(changes(days.customer))
    size = np.diff(np.append(first, len(days.day)))
    after = days.after - days.day
    second = np.minimum(first + 1, max(len(days.day) - 1, 0))
    to_third = np.where(size > 1, after[second], after[first])
    return periods.at(days.day[first]), after[first], to_third


def _row(to_second: Int64, to_third: Int64, h: int, closed: list[bool]) -> dict[str, Value]:
    second = to_second <= h
    third = second & (to_third <= h)
    n, n_second, n_third = len(to_second), int(second.sum()), int(third.sum())
    return {
        "customers": n,
        "second": n_second if closed[0] else None,
        "second_share": ratio(n_second, n) if closed[0] else None,
        "second_days": _median(to_second[second]) if closed[0] else None,
        "third": n_third if closed[1] else None,
        "third_share": ratio(n_third, n_second) if closed[1] else None,
        "third_days": _median(to_third[third]) if closed[1] else None,
    }


def _median(days: Int64) -> float | None:
    return float(np.median(days)) if len(days) else None
