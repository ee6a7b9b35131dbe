"""Backtest: do customers keep to weekdays and hours of their own, or is what all do the better guess?

In: what customers did before a day, with the habits fitted to that, and what they did in the window after it. Out:
`Judged`: the log loss of the later places by three rules, paired by customer, and whether those who would have been
told a place of their own came there more often. Customers who did nothing before or nothing after are left out. With
fewer than `ENOUGH` customers nothing is sure.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .habits import Counts, Habits, Whole
from .own import LIMIT, own_places

Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]

ENOUGH = 30
"""Customers from which on a mean is taken to vary like a normal one."""
_HALF = 1.959963984540054
_HALF_A_TIME = 0.5


@dataclass(frozen=True)
class Mean:
    """A mean over customers with its 95 % interval.

    Examples
    --------
    >>> Mean.of(np.array([1.0, 3.0])).value, round(Mean.of(np.array([1.0, 3.0])).low, 2)
    (2.0, 0.04)
    """

    value: float
    low: float
    high: float
    n: int

    @classmethod
    def of(cls, values: Float64) -> Mean:
        """Of at least two values."""
        half = _HALF * float(values.std(ddof=1)) / len(values) ** 0.5
        middle = float(values.mean())
        return cls(middle, middle - half, middle + half, len(values))


@dataclass(frozen=True)
class Shown:
    """Those who would have been told a place of their own, and how often they came there later.

    Parameters
    ----------
    customers : int
    own, usual, expected : float or None
        The share of their later times at their own place, at the population's best, and the former as it was expected.
    gain : Mean or None
        By customer, the first less the second; None with fewer than two.
    """

    customers: int
    own: float | None = None
    usual: float | None = None
    expected: float | None = None
    gain: Mean | None = None


@dataclass(frozen=True)
class Judged:
    """How well later places were foretold: mean log loss in nats, each customer counted once.

    Parameters
    ----------
    customers, times : int
        Who is judged, and how often they came in the window.
    concentration : float
        For how many purchases the population counts.
    own, shrunk, population : float
        The loss by a customer's own shares (half a time added to each place, else it is infinite), by these shrunk to
        the population's, and by the population's alone.
    gain, gain_own : Mean
        Loss of the population's, and of the own shares, less that of the shrunk ones.
    shown : Shown
    """

    customers: int
    times: int
    concentration: float
    own: float
    shrunk: float
    population: float
    gain: Mean
    gain_own: Mean
    shown: Shown

    @property
    def sure(self) -> bool:
        """Whether the shrunk shares are surely better than the population's: the interval lies above 0."""
        return self.gain.n >= ENOUGH and self.gain.low > 0


def judged(before: Counts, habits: Habits, customer: Whole, place: Whole, limit: float = LIMIT) -> Judged | None:
    """Judge on what came after; None where fewer than two customers did something before and after.

    Parameters
    ----------
    before : Counts
    habits : Habits
        Fitted to what was before.
    customer, place : ndarray of integers, shape (n_later,)
        What was done in the window; a place of -1 is not known and does not count.
    limit : float
        As in `own_places`.

    Examples
    --------
    Forty customers, each ten times at one of two places, and once more at the same:

    >>> who, where = np.arange(40), np.arange(40) % 2
    >>> before = Counts.of(np.repeat(who, 10), np.repeat(where, 10), 40, 2)
    >>> found = judged(before, Habits.fitted(before), who, where)
    >>> found.sure, found.shown.customers, found.shown.own, found.shown.usual
    (True, 20, 1.0, 0.0)
    """
    totals = before.totals
    kept = (place >= 0) & (totals[customer] > 0)
    customer, place = customer[kept], place[kept]
    who, at, times = np.unique(customer, return_inverse=True, return_counts=True)
    if len(who) < 2:
        return None
    count, total = before.at(customer, place).astype(np.float64), totals[customer]
    chances = (
        (count + _HALF_A_TIME) / (total + _HALF_A_TIME * before.n_places),
        (count + habits.alpha[place]) / (total + habits.concentration),
        habits.population[place],
    )
    own, shrunk, population = (np.bincount(at, _loss(chance)) / times for chance in chances)
    return Judged(
        customers=len(who),
        times=len(customer),
        concentration=habits.concentration,
        own=float(own.mean()),
        shrunk=float(shrunk.mean()),
        population=float(population.mean()),
        gain=Mean.of(population - shrunk),
        gain_own=Mean.of(own - shrunk),
        shown=_shown(before, habits, who, at, place, times, limit),
    )


def _loss(chance: Float64) -> Float64:
    """Log loss; what the population never did before is taken to have a chance of one in a million."""
    return np.asarray(-np.log(np.maximum(chance, 1e-6)))


def _shown(
    before: Counts, habits: Habits, who: Whole, at: Int64, place: Whole, times: Int64, limit: float
) -> Shown:  # fmt: skip
    """Of those who would have been told a place of their own: how often they came there."""
    own = own_places(before, habits, limit)
    shown = own.differs[who]
    n, all_times = int(shown.sum()), int(times[shown].sum())
    if not n:
        return Shown(0)
    hit_own = np.bincount(at, place == own.place[who][at])
    hit_usual = np.bincount(at, place == habits.usual)
    gain = (hit_own / times - hit_usual / times)[shown]
    return Shown(
        n,
        float(hit_own[shown].sum() / all_times),
        float(hit_usual[shown].sum() / all_times),
        float((own.share[who] * times)[shown].sum() / all_times),
        Mean.of(gain) if n > 1 else None,
    )
