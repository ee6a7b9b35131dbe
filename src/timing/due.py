"""Due: when the next purchase of each customer is expected, and how many are due in each week to come.

In: dates and rhythm as the scores tell them, as of their day. Out: `Due` with days counted from that day, and tables.
Missing: who is not expected to buy within a year has no day (-1); a chance or a gap that no model told is NaN. Expected
spend is of whom the scores know; guests are in no table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..kpis.table import Column, Row, Table
from ..schema import SCALE

Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]
Bool = NDArray[np.bool_]

WEEKS = 8
SOON = 7
BY_WEEK = (
    Column("week", "text", "days from the day of the scores, or what else is said of the next purchase"),
    Column("customers", "count", "whose next purchase comes by even odds on one of these days"),
    Column("overdue", "count", "of them: silent for at least their usual gap"),
    Column("late", "count", "of them: an active customer like them is silent for so long at most one time in ten"),
    Column("expected_spend", "money", "sum of their expected spend within the horizon of the scores"),
)
WITHIN = (
    Column("within", "text", "days from the day of the scores"),
    Column("due", "count", "customers whose next purchase comes by even odds within them"),
    Column("expected", "number", "customers expected to buy within them: sum of all chances, of those due or not"),
    Column("customers", "count", "customers with a score"),
    Column("share", "share", "expected / customers"),
)


@dataclass(frozen=True, eq=False)
class Due:
    """What the scores tell of the next purchase, each array of shape (n_customers,).

    Parameters
    ----------
    scored : ndarray of bool
        Whether the scores know the customer.
    begins, middle, ends : ndarray of int64
        Days from the day of the scores: the middle half of the days of the next purchase and its median; -1 for none.
    recency_days : ndarray of int64
        Days since the last purchase; -1 without a score.
    usual_gap_days : ndarray of float64
    late : ndarray of bool
    expected_spend : ndarray of int64
        Within the horizon, in 1/10,000; 0 without a score.
    chances : mapping of int to ndarray of float64
        P(a purchase within so many days), as far as the scores say.
    """

    scored: Bool
    begins: Int64
    middle: Int64
    ends: Int64
    recency_days: Int64
    usual_gap_days: Float64
    late: Bool
    expected_spend: Int64
    chances: Mapping[int, Float64]

    @property
    def overdue(self) -> Bool:
        """Who has been silent for at least their usual gap."""
        return np.asarray(self.scored & (self.recency_days >= self.usual_gap_days))

    def within(self, days: int) -> Bool:
        """Whose next purchase comes by even odds within so many days."""
        return np.asarray((self.middle >= 0) & (self.middle < days))


def by_week(due: Due) -> Table:
    """The table of weeks ahead; the last rows are later days, and nobody's days.

    Examples
    --------
    >>> one, none = np.array([3]), np.array([np.nan])
    >>> due = Due(one > 0, one, one, one, one, none, one < 0, one * 10_000, {})
    >>> rows = by_week(due).rows
    >>> [(row["week"], row["customers"]) for row in rows][:2], rows[-1]["week"]
    ([('0-6', 1), ('7-13', 0)], 'not within a year')
    """
    week = np.minimum(due.middle // 7, WEEKS)
    rows = [_row(f"{7 * i}-{7 * i + 6}", due.scored & (due.middle >= 0) & (week == i), due) for i in range(WEEKS)]
    rows.append(_row(f"{7 * WEEKS} and later", due.scored & (due.middle >= 0) & (week == WEEKS), due))
    rows.append(_row("not within a year", due.scored & (due.middle < 0), due))
    return Table("due_by_week", "customers by the days until their next purchase", BY_WEEK, tuple(rows))


def _row(name: str, here: Bool, due: Due) -> Row:
    return {
        "week": name,
        "customers": int(here.sum()),
        "overdue": int((here & due.overdue).sum()),
        "late": int((here & due.late).sum()),
        "expected_spend": int(due.expected_spend[here].sum()),
    }


def due_within(due: Due) -> Table:
    """Counts of those due beside the number who are expected to buy: the latter is what a till will see."""
    rows = []
    for days, chance in sorted(due.chances.items()):
        known = due.scored & np.isfinite(chance)
        n, expected = int(known.sum()), float(chance[known].sum())
        share = expected / n if n else None
        row: Row = {"within": f"{days} days", "due": int(due.within(days).sum()), "expected": expected if n else None,
                    "customers": n, "share": share}  # fmt: skip
        rows.append(row)
    return Table("due_within", "customers due and purchases expected", WITHIN, tuple(rows))


def money(amounts: Float64) -> Int64:
    """Amounts in currency as integers of 1/10,000; what is missing is 0.

    Examples
    --------
    >>> money(np.array([1.5, np.nan])).tolist()
    [15000, 0]
    """
    return np.rint(np.nan_to_num(amounts, nan=0.0) * SCALE).astype(np.int64)
