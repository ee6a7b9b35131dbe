"""Points: the balance of a loyalty programme, and what of it is about to expire, first in, first out.

In: events of the kinds `points_earned`, `points_spent`, `points_expired`, and after how many days points expire. Out:
points per row. What expired unused is taken from the events; where they do not tell, it is worked out. Earned points
that were taken back (below 0) are lost as if spent; a missing number of points is 0.
"""

from __future__ import annotations

import numpy as np

from .past import Past
from .track import Float64, Int64
from .view import View

EARNED, EXPIRED = "points_earned", "points_expired"
KINDS = (EARNED, "points_spent", EXPIRED)
NEAR = 30
"""Days ahead within which points count as about to expire."""
_FIRST_DAY, _DAYS = -1_000_000, 2_000_000


class Points:
    """The points of each row, as exact integers in 1/10,000.

    Parameters
    ----------
    past : Past
        With the kind `points_earned` in its shape.
    """

    def __init__(self, past: Past) -> None:
        kinds = past.shape.kinds
        self.view = past.events(*(k for k in KINDS if k in kinds))
        self.expire_days = past.shape.points_expire_days
        gone = self.view.all().integer("lost")
        if self.expire_days is not None and EXPIRED not in kinds:
            gone = gone + _lapsed(self.view, self.expire_days)
        self._gone = gone

    @property
    def balance(self) -> Int64:
        """Points at hand, at least 0."""
        return np.asarray(np.maximum(self.view.all().integer("gained") - self._gone, 0))

    @property
    def near_expiry(self) -> Int64:
        """Of the balance, what will have become too old within `NEAR` days unless spent; 0 if points do not expire."""
        if self.expire_days is None:
            return np.zeros_like(self._gone)
        old = self.view.until(self.expire_days - NEAR) if self.expire_days > NEAR else self.view.all()
        return np.asarray(np.clip(old.integer("gained") - self._gone, 0, self.balance))


def _lapsed(view: View, days: int) -> Int64:
    """What expired unused: the most by which what was too old on some day exceeded what was lost before it.

    What was too old only grows between two days on which points were lost, so that these and the cutoff are enough.
    """
    track, now = view.track, view.until(days).integer("gained") - view.all().integer("lost")
    if not track.n_cells:
        return np.asarray(np.maximum(now, 0))
    key = track.customer * _DAYS + (track.day - _FIRST_DAY)
    old, begins = np.searchsorted(key, key - days), track.starts[track.customer]
    gained, lost = track.prefix("gained"), track.prefix("lost")
    excess = gained[old] - gained[begins] - (lost[:-1] - lost[begins])
    levels, rank = np.unique(excess, return_inverse=True)
    base = track.customer * len(levels)
    highest = levels[np.maximum.accumulate(base + rank) - base]
    before: Float64 = np.nan_to_num(view.at_last("day", highest), nan=0)
    return np.asarray(np.maximum(np.maximum(now, before.astype(np.int64)), 0))
