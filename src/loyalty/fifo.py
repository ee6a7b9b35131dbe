"""First in, first out: what expires unused, what is left of each batch, and what became of a balance.

In: `Cells` of points. Out: entries of what expired, and per customer exact sums. A batch is what was earned on a day;
it can be used up to and with the day so many days later, and expires at that day's end. On one day what is earned
comes first, then what is spent and taken back, then what expires. What is spent beyond all that was earned is owed:
the points earned next pay it.

With G what was earned up to a batch and R all that was spent, taken back and has expired, of the batch is left
min(max(G - R, 0), the batch): no queue has to be walked through. What expires by the end of a day is what brings R up
to G of the batches that are too old then, so that up to any day it is the largest of (G of the batches due by then
less all that was spent before), over the days on which a batch was due.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..clock import Cutoff
from ..features.track import Int64
from .cells import Cells, key_of

NEAR_DAYS = 30
"""Days ahead within which points count as about to expire."""


@dataclass(frozen=True, eq=False)
class Balances:
    """Points of each customer as of a day; arrays of shape (n,), in 1/10,000.

    Parameters
    ----------
    earned, spent, taken_back, expired, balance, overdrawn : ndarray of int64
        earned + overdrawn = spent + taken_back + expired + balance.
    expiring : ndarray of int64
        Of the balance: what expires within 30 days unless it is used; 0 where nothing expires.
    overdue : ndarray of int64
        Of the balance: what is too old, but no event has taken away.
    expires_on : ndarray of int64
        The last day on which the oldest points can be used, from the day on; -1 where none expire.
    old_earned, old_expired : ndarray of int64
        What was earned so long ago that it is used or expired by now, and what of it expired.
    then_balance, then_expired : ndarray of int64
        The balance so many days ago as points last, and what of it expired since.
    last_used : ndarray of int64
        The last day on which points were earned or spent; -1 without one.
    entered : ndarray of bool
        Whether there is any entry.
    """

    earned: Int64
    spent: Int64
    taken_back: Int64
    expired: Int64
    balance: Int64
    overdrawn: Int64
    expiring: Int64
    overdue: Int64
    expires_on: Int64
    old_earned: Int64
    old_expired: Int64
    then_balance: Int64
    then_expired: Int64
    last_used: Int64
    entered: NDArray[np.bool_]


def with_expiries(points: Cells, expire_days: int, day: Cutoff) -> Cells:
    """The same with what expired unused before a day, entered on the last day on which it could be used.

    Examples
    --------
    Five points of day 0 last till day 9; two are spent on it, three expire at its end.

    >>> zero = np.zeros(2, np.int64)
    >>> told = {"earned": np.array([5, 0]), "spent": np.array([0, 2]), "taken_back": zero, "expired": zero}
    >>> found = with_expiries(Cells.of(1, np.array([0, 0]), np.array([0, 9]), told), 9, Cutoff(10))
    >>> found.day.tolist(), found.values("expired").tolist()
    ([0, 9], [0, 3])
    """
    batch = np.flatnonzero(points.values("earned") > 0)
    who, due = points.customer[batch], points.day[batch] + expire_days
    over = due < day.day
    batch, who, due = batch[over], who[over], due[over]
    begins = points.starts[who]
    by_then = np.searchsorted(points.key, key_of(who, due), side="right")
    earned, lost = points.prefix("earned"), points.prefix("lost")
    excess = np.maximum(earned[batch + 1] - earned[begins] - (lost[by_then] - lost[begins]), 0)
    so_far = _highest_so_far(who, excess)
    before = np.zeros_like(so_far)
    again = who[1:] == who[:-1]
    before[1:][again] = so_far[:-1][again]
    some = so_far > before
    return points.with_more(who[some], due[some], {"expired": (so_far - before)[some]})


def _highest_so_far(who: Int64, values: Int64) -> Int64:
    """The largest value of each customer up to and with each place; customers ascend."""
    levels, rank = np.unique(values, return_inverse=True)
    base = who * len(levels)
    return np.asarray(levels[np.maximum.accumulate(base + rank) - base]) if len(levels) else values


def balances(points: Cells, expire_days: int | None, day: Cutoff) -> Balances:
    """Who has what as of a day.

    Parameters
    ----------
    points : Cells
        All before the day, with what expired.
    expire_days : int or None
        None: nothing is known of when points expire.
    """
    n = points.n_customers
    earned, spent, taken, expired, lost = (
        points.totals(name) for name in ("earned", "spent", "taken_back", "expired", "lost")
    )
    last_used = [points.first_and_last(name)[1] for name in ("earned", "spent")]
    nothing = np.zeros(n, np.int64)
    ages = (nothing, nothing, nothing - 1, nothing, nothing, nothing, nothing)
    if expire_days is not None:
        ages = (*_ahead(points, lost, expire_days, day), *_behind(points, earned, expire_days, day))
    return Balances(
        earned,
        spent,
        taken,
        expired,
        np.maximum(earned - lost, 0),
        np.maximum(lost - earned, 0),
        *ages,
        np.maximum(*last_used),
        np.diff(points.starts) > 0,
    )


def _ahead(points: Cells, lost: Int64, expire_days: int, day: Cutoff) -> tuple[Int64, Int64, Int64]:
    """What expires soon, what is overdue, and the next day on which some can be used for the last time."""
    batch = np.flatnonzero(points.values("earned") > 0)
    who, due, size = points.customer[batch], points.day[batch] + expire_days, points.values("earned")[batch]
    total = points.prefix("earned")[batch + 1] - points.prefix("earned")[points.starts[who]]
    left = np.clip(total - lost[who], 0, size)
    n = points.n_customers
    expiring, overdue = np.zeros(n, np.int64), np.zeros(n, np.int64)
    soon = (due >= day.day) & (due < day.day + NEAR_DAYS)
    np.add.at(expiring, who[soon], left[soon])
    np.add.at(overdue, who[due < day.day], left[due < day.day])
    ahead = np.flatnonzero((left > 0) & (due >= day.day))[::-1]
    upon = np.full(n, -1, np.int64)
    # Batches ascend within a customer: written from the last to the first, the first stays.
    upon[who[ahead]] = due[ahead]
    return expiring, overdue, upon


def _behind(points: Cells, earned: Int64, expire_days: int, day: Cutoff) -> tuple[Int64, Int64, Int64, Int64]:
    """Earned long enough ago, what of it expired; the balance as many days ago, what of it expired since."""
    # As of `long_ago` all that had been earned is too old by now: earned on a day < day - expire_days.
    long_ago = np.array([day.day - expire_days], np.int64)
    old = points.until("earned", long_ago)[:, 0]
    lost_then = points.until("lost", long_ago)[:, 0]
    expired_old = expired_of(points, old)
    return (
        old,
        expired_old,
        np.maximum(old - lost_then, 0),
        expired_old - expired_of(points, np.minimum(lost_then, old)),
    )


def expired_of(points: Cells, first: Int64) -> Int64:
    """How much of the first points that each customer earned has expired, rather than been spent or taken back.

    Parameters
    ----------
    first : ndarray of int64, shape (n,)
        The first so many points, in 1/10,000.
    """
    lost, expired = points.prefix("lost"), points.prefix("expired")
    used = np.append(points.values("spent") + points.values("taken_back"), 0)
    begins, ends = points.starts[:-1], points.starts[1:]
    # Points leave in the order in which they came: the k-th that is earned is the k-th that leaves.
    left = np.minimum(lost[begins] + first, lost[ends])
    cell = np.searchsorted(lost, left, side="right") - 1
    within = np.maximum(left - lost[cell] - used[cell], 0)
    return np.asarray(expired[cell] + within - expired[begins])
