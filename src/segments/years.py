"""Sums over the 365 days before each of some days: what tiers with a grace period go by.

In: a `Track` and one of its measures. Out: exact integers. What lies before a track's first cell counts as nothing:
whether the data cover those days is for the caller to know.
"""

from __future__ import annotations

import numpy as np

from ..clock import Cutoff
from ..features.track import Edges, Int64, Track
from .facts import YEAR_DAYS


def year_sums(track: Track, measure: str, ends: Int64) -> Int64:
    """A measure, added up over the 365 days before each of some days.

    Parameters
    ----------
    ends : ndarray of int64, shape (n_ends,)
        Day numbers: the sum of `end` is over [end - 365, end).

    Returns
    -------
    ndarray of int64, shape (n_customers, n_ends)
    """
    edges = np.union1d(ends - YEAR_DAYS, ends)
    cells = track.before(Edges(edges))
    sums = track.prefix(measure)
    begin, end = np.searchsorted(edges, ends - YEAR_DAYS), np.searchsorted(edges, ends)
    return np.asarray(sums[cells[:, end]] - sums[cells[:, begin]])


def grace_of(day: Cutoff, starts: Cutoff, wanted_days: int) -> int | None:
    """How many days of grace the data allow; None where they do not cover the 365 days before the day.

    Examples
    --------
    >>> grace_of(Cutoff(400), Cutoff(0), 90), grace_of(Cutoff(364), Cutoff(0), 90)
    (35, None)
    """
    covered = day.day - YEAR_DAYS - starts.day
    return min(wanted_days, covered) if covered >= 0 else None
