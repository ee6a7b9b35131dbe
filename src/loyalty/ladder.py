"""Tiers of members: which, until when if nothing more comes, and how far it is to the next.

In: `Cells` and the measure that tiers go by, limits, a day, a grace period. Out: `Ladder`. The rule is that of
`segments.tiers`: a tier is that of the best 365 days that ended within the grace period, so that it rises at once and
never falls sooner than so many days after it was last reached. Whoever is in the base has nothing to lose.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..clock import Cutoff
from ..features.track import Int64
from ..segments.facts import YEAR_DAYS
from ..segments.tiers import Limits, standing
from ..segments.years import year_sums
from .cells import Cells


@dataclass(frozen=True, eq=False)
class Ladder:
    """Tiers of customers; arrays of shape (n,).

    Parameters
    ----------
    place : ndarray of int64
        0 is the highest tier; the last is the base.
    value : ndarray of int64
        What counts, of the last 365 days, in 1/10,000.
    lacks : ndarray of int64
        What lacks of the limit of the own tier, which is kept by grace then; 0 where it is reached.
    to_next : ndarray of int64
        What lacks to the next tier; -1 at the top.
    until : ndarray of int64
        The last day on which the tier is held if nothing more comes; -1 in the base.
    """

    place: Int64
    value: Int64
    lacks: Int64
    to_next: Int64
    until: Int64


def ladder(track: Cells, measure: str, limits: Limits, day: Cutoff, grace_days: int, kept_days: int) -> Ladder:
    """Where each customer stands.

    Parameters
    ----------
    track : Cells
        All before the day.
    grace_days : int
        How far back the best 365 days may have ended, as far as the data go.
    kept_days : int, >= grace_days
        How long a tier is kept from now on.

    Examples
    --------
    Ten points of day 0 are within the last 365 days up to the cutoff of day 365, and the tier is kept 30 days more.

    >>> points = Cells.of(1, np.array([0]), np.array([0]), {"net_points": np.array([10])})
    >>> found = ladder(points, "net_points", Limits(("silver",), (10,)), Cutoff(380), 30, 30)
    >>> found.place.tolist(), found.lacks.tolist(), found.until.tolist()
    ([0], [10], [395])
    """
    # After the day nothing comes, and what is there grows older: what 365 days from then on hold is known today.
    ends = np.arange(day.day - grace_days, day.day + YEAR_DAYS + 1)
    sums = year_sums(track, measure, ends)
    # A copy: a view would keep all of the sums.
    value, held = sums[:, grace_days].copy(), sums[:, : grace_days + 1].max(axis=1)
    stand = standing(limits, value, held)
    reached = sums >= stand.own[:, None]
    last = len(ends) - 1 - reached[:, ::-1].argmax(axis=1)
    base = stand.place == len(limits.names)
    lacks = np.where(base, 0, np.maximum(stand.own - value, 0))
    return Ladder(stand.place, value, lacks, stand.to_next, np.where(base, -1, ends[last] + kept_days))
