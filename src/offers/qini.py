"""Who would respond because of the offer? Qini: How well a ranking finds those, beside another ranking of them.

In: an outcome, who was treated (by chance), and scores. Out: the Qini coefficient, and the difference of two with the
interval of a bootstrap that draws the same people for both. Ties stand in one group, so that their order counts
nothing. Radcliffe 2007, "Using control groups to target on predicted lift".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .lesson import Flags, Float

DRAWS = 500


@dataclass(frozen=True)
class Compared:
    """Qini of two rankings, and the difference with its 95 % interval.

    Parameters
    ----------
    ours, theirs : float
        Extra outcomes a treated customer, averaged over all depths of targeting, beyond those of a random order.
    low, high : float
        Of ``ours - theirs``.
    """

    ours: float
    theirs: float
    low: float
    high: float

    @property
    def words(self) -> str:
        """In a sentence.

        Examples
        --------
        >>> Compared(0.004, 0.001, -0.001, 0.007).words
        'Qini 0.00400 against 0.00100: +0.00300 (95 %: -0.00100 to +0.00700), not distinguishable from zero'
        """
        told = f"Qini {self.ours:.5f} against {self.theirs:.5f}: {self.ours - self.theirs:+.5f}"
        shown = self.low > 0 or self.high < 0
        told = f"{told} (95 %: {self.low:+.5f} to {self.high:+.5f})"
        return told if shown else f"{told}, not distinguishable from zero"


def qini(outcome: Float, treated: Flags, score: Float) -> float:
    """The Qini coefficient: the area between the curve of extra outcomes by depth and that of a random order.

    Parameters
    ----------
    outcome : array of shape (n,)
    treated : bool array of shape (n,)
    score : array of shape (n,)
        Whom one would treat first has the highest.

    Examples
    --------
    >>> outcome, treated = np.array([1.0, 0.0, 0.0, 0.0]), np.array([True, False, True, False])
    >>> qini(outcome, treated, np.array([2.0, 2.0, 1.0, 1.0]))  # 1/2 extra at half depth, as at full: 3/8 less 1/4
    0.125
    """
    return _area(outcome, treated, _groups(score), np.ones(len(outcome)))


def _groups(score: Float) -> NDArray[np.int64]:
    """Place of each in the order of treatment; the same score is the same place."""
    return np.unique(-score, return_inverse=True)[1]


def _area(outcome: Float, treated: Flags, group: NDArray[np.int64], weight: Float) -> float:
    each = (weight, weight * treated, weight * treated * outcome, weight * outcome)
    everyone, given, took, bought = (np.concatenate([[0.0], np.cumsum(np.bincount(group, part))]) for part in each)
    alone = everyone - given
    expected = np.where(alone > 0, (bought - took) * given / np.maximum(alone, 1), 0.0)
    curve = (took - expected) / max(given[-1], 1.0)
    return float(np.trapezoid(curve, everyone / everyone[-1]) - curve[-1] / 2)


def compared(outcome: Float, treated: Flags, ours: Float, theirs: Float, seed: int = 0, draws: int = DRAWS) -> Compared:
    """Two rankings of the same people, with the paired interval of a bootstrap."""
    draw, n, places = np.random.default_rng(seed), len(outcome), (_groups(ours), _groups(theirs))
    found: NDArray[np.float64] = np.empty((draws, 2))
    for i in range(draws):
        weight = np.bincount(draw.integers(0, n, n), minlength=n).astype(np.float64)
        found[i] = [_area(outcome, treated, place, weight) for place in places]
    low, high = np.quantile(found[:, 0] - found[:, 1], [0.025, 0.975])
    mine, other = (_area(outcome, treated, place, np.ones(n)) for place in places)
    return Compared(mine, other, float(low), float(high))
