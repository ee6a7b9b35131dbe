"""A table of what did best, in which luck counts for less: estimates drawn together as far as they are unsure.

In: names, effects and their standard errors. Out: a `League` with a row each, the best first: the effect as it was
measured, and as it is best believed, with a 95 % interval. Missing effects are left out. With fewer than three rows
nothing can be learnt about how far they differ, and each stands for itself.

A normal hierarchy with a flat common mean and a half-Cauchy spread, summed over a grid of spreads, so that not knowing
the spread widens the intervals: Gelman (2006), doi:10.1214/06-BA117A. Whether there is a spread at all: Cochran (1954).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc, ndtr, ndtri

from .spoken import amount, between

Float64 = NDArray[np.float64]
LEAST = 3
"""Rows from which on they are drawn together."""
_HALF = float(ndtri(0.975))
_SPREADS = np.concatenate([[0.0], np.geomspace(0.01, 30, 120)])
"""Spreads that are looked at, in the scale of the rows."""


@dataclass(frozen=True)
class Place:
    """A row of a league.

    Parameters
    ----------
    name : str
    n : int
        Treated customers.
    measured : float
        The effect per customer by itself.
    estimate, low, high : float
        As it is best believed, and the 95 % interval of that.
    """

    name: str
    n: int
    measured: float
    estimate: float
    low: float
    high: float

    def words(self, unit: str) -> str:
        """As a sentence."""
        ends = between(self.low, self.high, unit)
        zero = "" if self.low > 0 or self.high < 0 else ", not distinguishable from zero"
        return f"{self.name}: {amount(self.estimate, unit)} per customer ({ends}){zero}."


@dataclass(frozen=True)
class League:
    """Rows, the best first.

    Parameters
    ----------
    places : tuple of Place
    p : float
        Chance of rows that differ so much where their true effects are the same; 1 with fewer than two.
    unit : str
    """

    places: tuple[Place, ...]
    p: float
    unit: str = ""

    @property
    def words(self) -> str:
        """What the table as a whole says."""
        if len(self.places) < 2:
            return "There is nothing to compare."
        if self.p >= 0.05:
            return "The differences between the rows are no larger than chance makes them: do not read their order."
        return "The rows differ by more than chance makes them; rows whose intervals overlap widely may still be alike."

    def figures(self) -> list[dict[str, Any]]:
        """As plain values for JSON."""
        return [vars(place) | {"words": place.words(self.unit)} for place in self.places]


def league(
    names: Sequence[str], estimates: Sequence[float], errors: Sequence[float], counts: Sequence[int], unit: str = ""
) -> League:
    """Draw effects together and put them in order; ties by name.

    Examples
    --------
    >>> found = league(["a", "b", "c"], [2.0, 1.0, 0.0], [1.0, 0.1, 1.0], [100, 9000, 100])
    >>> [(p.name, round(p.estimate, 1)) for p in found.places], found.p > 0.05
    ([('a', 1.2), ('b', 1.0), ('c', 0.8)], True)
    """
    y, e = np.asarray(estimates, np.float64), np.asarray(errors, np.float64)
    known = np.flatnonzero(np.isfinite(y) & np.isfinite(e) & (e > 0))
    y, e = y[known], e[known]
    middle, low, high = _drawn_together(y, e) if len(known) >= LEAST else (y, y - _HALF * e, y + _HALF * e)
    rows = zip(known.tolist(), y.tolist(), middle.tolist(), low.tolist(), high.tolist(), strict=True)
    places = [Place(names[i], int(counts[i]), *figures) for i, *figures in rows]
    return League(tuple(sorted(places, key=lambda p: (-round(p.estimate, 9), p.name))), _alike(y, e), unit)


def _alike(y: Float64, e: Float64) -> float:
    """Cochran's Q as a chance."""
    if len(y) < 2:
        return 1.0
    weight = 1 / e**2
    return float(chdtrc(len(y) - 1, (weight * (y - (weight * y).sum() / weight.sum()) ** 2).sum()))


def _drawn_together(y: Float64, e: Float64) -> tuple[Float64, Float64, Float64]:
    """Posterior mean and 95 % interval of each true effect: a mixture of normals over spreads."""
    scale = max(float(y.std()), float(e.mean()))
    spread = scale * _SPREADS[:, None]
    precision = 1 / (e**2 + spread**2)
    mean = (precision * y).sum(1, keepdims=True) / precision.sum(1, keepdims=True)
    unsure = 1 / precision.sum(1, keepdims=True)
    fit = 0.5 * (np.log(precision).sum(1) + np.log(unsure[:, 0]) - (precision * (y - mean) ** 2).sum(1))
    width = np.gradient(_SPREADS)
    chance = np.exp(fit - fit.max()) * width / (1 + _SPREADS**2)
    chance /= chance.sum()
    pull = e**2 * precision
    middle, error = (1 - pull) * y + pull * mean, np.sqrt((1 - pull) * e**2 + pull**2 * unsure)
    ends = [_quantile(chance, middle, error, share) for share in (0.025, 0.975)]
    return chance @ middle, ends[0], ends[1]


def _quantile(chance: Float64, middle: Float64, error: Float64, share: float) -> Float64:
    """Where a mixture of normals, one a column, has a share below."""
    low, high = (middle - 9 * error).min(0), (middle + 9 * error).max(0)
    for _ in range(60):
        half = (low + high) / 2
        below = chance @ ndtr((half - middle) / error) < share
        low, high = np.where(below, half, low), np.where(below, high, half)
    return np.asarray((low + high) / 2)
