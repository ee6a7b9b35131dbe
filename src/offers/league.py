"""A table of what did best, in which luck counts for less: estimates drawn together as far as they are unsure.

In: names, effects and their standard errors. Out: a `League` with a row each, the best first: the effect as it was
measured, and as it is best believed, with a 95 % interval. Missing effects are left out. With fewer than three rows
nothing can be learnt about how far they differ, and nothing is drawn together.

Paule & Mandel (1982), doi:10.6028/jres.087.022, for how far the true effects differ; Morris (1983),
doi:10.1080/01621459.1983.10477920, for the shrunken estimates and intervals that allow for what is not known of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from .spoken import amount, between

Float64 = NDArray[np.float64]
LEAST = 3
"""Rows from which on they are drawn together."""


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
    spread : float
        By how much the true effects differ (standard deviation); 0 where none is seen.
    together : bool
        Whether estimates were drawn together.
    unit : str
    """

    places: tuple[Place, ...]
    spread: float
    together: bool
    unit: str = ""

    @property
    def words(self) -> str:
        """What the table as a whole says."""
        if len(self.places) < 2:
            return "There is nothing to compare."
        if not self.together:
            return "With two rows, each stands for itself."
        if not self.spread:
            return "The differences between the rows are no larger than chance makes them: the order means nothing."
        return f"The rows truly differ, by about {amount(self.spread, self.unit)} per customer."

    def figures(self) -> list[dict[str, Any]]:
        """As plain values for JSON."""
        return [vars(place) | {"words": place.words(self.unit)} for place in self.places]


def league(
    names: Sequence[str], estimates: Sequence[float], errors: Sequence[float], counts: Sequence[int], unit: str = ""
) -> League:
    """Draw effects together and put them in order; ties by name.

    Examples
    --------
    >>> found = league(["a", "b", "c"], [3.0, 1.0, -1.0], [1.5, 0.5, 1.5], [100, 900, 100])
    >>> [(p.name, round(p.estimate, 2)) for p in found.places], found.spread
    ([('a', 1.0), ('b', 1.0), ('c', 1.0)], 0.0)
    """
    y, e = np.asarray(estimates, np.float64), np.asarray(errors, np.float64)
    known = np.flatnonzero(np.isfinite(y) & np.isfinite(e) & (e > 0))
    y, e = y[known], e[known]
    together = len(known) >= LEAST
    spread = _spread(y, e) if together else 0.0
    middle, error = _drawn_together(y, e, spread) if together else (y, e)
    half = float(ndtri(0.975)) * error
    rows = zip(known.tolist(), y.tolist(), middle.tolist(), half.tolist(), strict=True)
    places = [Place(names[i], int(counts[i]), raw, mid, mid - h, mid + h) for i, raw, mid, h in rows]
    return League(tuple(sorted(places, key=lambda p: (-round(p.estimate, 9), p.name))), spread, together, unit)


def _spread(y: Float64, e: Float64) -> float:
    """Standard deviation of the true effects: that at which weighted squares are as large as they should be."""

    def excess(variance: float) -> float:
        weight = 1 / (e**2 + variance)
        return float((weight * (y - (weight * y).sum() / weight.sum()) ** 2).sum()) - (len(y) - 1)

    if excess(0.0) <= 0:
        return 0.0
    low, high = 0.0, float(np.var(y) + (e**2).max()) * 4
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if excess(middle) > 0 else (low, middle)
    return float(np.sqrt((low + high) / 2))


def _drawn_together(y: Float64, e: Float64, spread: float) -> tuple[Float64, Float64]:
    """Estimates moved to their common mean, and errors that allow for not knowing mean and spread."""
    k = len(y)
    weight = 1 / (e**2 + spread**2)
    mean = float((weight * y).sum() / weight.sum())
    share = (k - 3) / (k - 1) if k > LEAST else 0.5
    pull = e**2 / (e**2 + spread**2)
    shrunk = pull if spread == 0 else share * pull
    found = mean + (1 - shrunk) * (y - mean)
    usual = float((weight * e**2).sum() / weight.sum())
    # Morris (1983, eq. 1.19): sampling error that is left, the error of the mean, and that of the spread.
    unsure = 2 / max(k - 3, 1) * shrunk**2 * (usual + spread**2) / (e**2 + spread**2) * (y - mean) ** 2
    return found, np.sqrt(e**2 * (1 - (k - 1) / k * shrunk) + unsure)
