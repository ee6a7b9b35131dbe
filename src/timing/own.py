"""A place of one's own: the weekday or hour that is surely better for a customer than the one that is best for all.

In: counts and fitted `Habits`. Out: `Own`, a place per customer, with whether it differs. It differs where the shrunk
shares have their best elsewhere and the chance that this share truly is larger than that of the population's best is
above a limit. Everybody else, who did nothing at all among them, has the population's best.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .habits import Counts, Habits, chance_of_more

Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]
Bool = NDArray[np.bool_]

LIMIT = 0.9
"""The chance above which a customer's own place is told."""
_BLOCK = 65_536


@dataclass(frozen=True, eq=False)
class Own:
    """Where each customer is best met; arrays of shape (n_customers,).

    Parameters
    ----------
    place : ndarray of int64
        The own place where it differs, else the best of all.
    differs : ndarray of bool
    share : ndarray of float64
        The expected share of the place.
    usual : int
        The best place of all.
    """

    place: Int64
    differs: Bool
    share: Float64
    usual: int

    @classmethod
    def alike(cls, habits: Habits, n_customers: int) -> Own:
        """Everybody has the best place of all."""
        share = float(habits.population[habits.usual])
        usual = np.full(n_customers, habits.usual, np.int64)
        return cls(usual, np.zeros(n_customers, bool), np.full(n_customers, share), habits.usual)


def own_places(counts: Counts, habits: Habits, limit: float = LIMIT) -> Own:
    """The place of each customer.

    Parameters
    ----------
    counts : Counts
    habits : Habits
    limit : float, in (0.5, 1)
        The chance that the own share is truly larger, above which it is told.

    Examples
    --------
    All prefer the first of three places; one came nine times to the third, another twice:

    >>> habits, times = Habits(np.array([4.0, 2.0, 2.0])), np.repeat([0, 1], [9, 2])
    >>> found = own_places(Counts.of(times, np.full(11, 2), 3, 3), habits)
    >>> found.place.tolist(), found.differs.tolist()
    ([2, 0, 0], [True, False, False])
    """
    found, usual = Own.alike(habits, counts.n_customers), habits.usual
    for begin in range(0, counts.n_customers, _BLOCK):
        end = min(begin + _BLOCK, counts.n_customers)
        after = counts.rows(begin, end) + habits.alpha
        best = after.argmax(axis=1)
        most = after[np.arange(end - begin), best]
        differs = best != usual
        differs[differs] = chance_of_more(most[differs], after[differs, usual]) > limit
        found.place[begin:end][differs] = best[differs]
        found.differs[begin:end] = differs
        found.share[begin:end] = np.where(differs, most, after[:, usual]) / after.sum(axis=1)
    return found
