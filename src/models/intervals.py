"""Intervals of what each customer will spend: conformal, learnt from earlier predictions whose windows have closed.

In: expected spend, P(spend <= 0) and the spend that came, of rows at one or several earlier cutoffs. Out: `Intervals`,
which turn an expectation and a P(none) into an 80 % interval, a one-sided 90 % bound and a median, in currency. Too few
rows give no interval: every bound is missing (NaN), and `words` says why. A row whose expectation or P(none) is missing
teaches nothing and has no bounds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .metrics import logit, sigmoid
from .periods import Periods

Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]
TAIL = 0.10
LEVEL = 0.80
"""What the two-sided intervals hold."""
UPPER_LEVEL = 0.90
"""How much is no more than the upper bound; the interval of customers who are sure to buy ends there too."""
MIN_ROWS = 50
GROUP_ROWS = 200
MOST_GROUPS = 10
"""Groups of each kind; more of them cover no better on later time."""
MOST_ROWS = 200_000
POINTS = 201
"""Quantiles kept of each group's shape."""
LEAST_SCALE = 0.01
"""Whoever buys is taken to bring at least so much of the unit: shapes are relative, and 0 has none."""
LEAST_P = 1e-4
SLACK = 1e-9
"""Bounds that stand on a value that many have (a fixed price) must hold it whatever the last bit says."""
GRID = np.linspace(0.0, 1.0, POINTS)
LEVELS = np.linspace(0.0, 1.0, 2001)
# Three points whose mean, variance and fourth moment are those of a standard normal (Gauss & Hermite).
NOISE = ((-np.sqrt(3.0), 1 / 6), (0.0, 2 / 3), (np.sqrt(3.0), 1 / 6))


@dataclass(frozen=True)
class Bounds:
    """Per row, in currency, NaN where there is no interval; low <= median <= high <= upper.

    Parameters
    ----------
    low, high : ndarray of float64, shape (n_rows,)
        The 80 % interval, ends included. `low` is 0 where P(none) is a tenth or more, and below 0 only where more than
        a tenth of such customers brought back more than they bought.
    upper : ndarray
        With 90 % the spend is no more than this.
    median : ndarray
        As often more as less; 0 where most spend nothing.
    """

    low: Float64
    high: Float64
    upper: Float64
    median: Float64


@dataclass(frozen=True)
class Intervals:
    """Shapes and conformal levels of groups of similar rows.

    A row's spend is taken to be at or below 0 with P(none), and else its scale, expected / (1 - P(none)), times a ratio
    distributed as in its group. Where in this distribution a bound stands is calibrated: the least level that held the
    share wanted (distributional conformal prediction: Chernozhukov, Wuthrich & Zhu 2021, doi:10.1073/pnas.2107794118),
    per group (Vovk 2012) and per tail, with the (n + 1) correction (Romano, Patterson & Candes 2019, arXiv:1905.03222).

    Parameters
    ----------
    unit : float
        Median expectation of the calibration rows, in currency; edges are in this unit.
    edges : pair of ndarray of float64
        Between groups by expectation, ascending: of rows whose P(none) is a tenth or more, and of the others.
    ratios : ndarray of float64, shape (n_groups, POINTS)
        Quantiles of spend / scale given any spend; the groups of the first kind first.
    levels : ndarray of float64, shape (n_groups, 4)
        Of low, median, high, upper.
    returned : ndarray of float64, shape (n_groups,)
        Where `low` is below 0: as a share of the scale.
    calibrated_on : tuple of str
        The cutoffs.
    rows : int
        How many rows were learnt from.
    words : str
        What kind of intervals these are, or why there are none.
    """

    unit: float
    edges: tuple[Float64, Float64]
    ratios: Float64
    levels: Float64
    returned: Float64
    calibrated_on: tuple[str, ...]
    rows: int
    words: str

    @property
    def known(self) -> bool:
        """Whether there are intervals at all."""
        return len(self.ratios) > 0

    @classmethod
    def none(cls, words: str, calibrated_on: Sequence[str] = (), rows: int = 0) -> Intervals:
        """No intervals, and why."""
        no, edges = np.zeros((0, 0)), (np.zeros(0), np.zeros(0))
        return cls(0.0, edges, no, no, np.zeros(0), tuple(calibrated_on), rows, words)

    @classmethod
    def fit(cls, expected: Float64, p_none: Float64, spend: Float64, cutoff: NDArray[Any]) -> Intervals:
        """Calibrate on predictions made before their windows began, which have closed.

        Parameters
        ----------
        expected, p_none, spend : ndarray of float64, shape (n_rows,)
            Expected net spend (in currency), P(spend <= 0), and the spend that came.
        cutoff : ndarray, shape (n_rows,)
            The day of each row's prediction; said as `str`.

        Examples
        --------
        >>> rng = np.random.default_rng(0)
        >>> mean, p = rng.uniform(1, 9, 4000), np.full(4000, 0.5)
        >>> spend = np.where(rng.random(4000) < p, 0.0, 2 * mean * rng.exponential(size=4000))
        >>> found = Intervals.fit(mean, p, spend, np.repeat(["2024-01-01", "2024-04-01"], 2000))
        >>> bounds = found.bounds(np.array([4.0]), np.array([0.5]))
        >>> bounds.low.tolist(), bool(abs(bounds.upper[0] - 8 * np.log(5)) < 1)  # .5 exp(-x / 8) = .1
        ([0.0], True)
        """
        return cls._calibrated(expected, p_none, spend, cutoff, Periods.of, "predictions made before")

    @classmethod
    def within(cls, expected: Float64, p_none: Float64, spend: Float64, cutoff: NDArray[Any]) -> Intervals:
        """Calibrate on rows whose customers, but not whose period, were left out of learning.

        They cannot tell how much periods differ, so what is usual is taken.
        """
        found = cls._calibrated(expected, p_none, spend, cutoff, Periods.unseen, "customers left out of learning")
        doubt = "no window had closed since an earlier prediction, so how much periods differ is taken from elsewhere"
        return replace(found, words=f"{found.words}; {doubt}")

    @classmethod
    def _calibrated(
        cls,
        expected: Float64,
        p_none: Float64,
        spend: Float64,
        cutoff: NDArray[Any],
        periods: Callable[[Float64, Float64, Float64, Int64], Periods],
        told: str,
    ) -> Intervals:
        known = np.isfinite(expected) & np.isfinite(p_none) & np.isfinite(spend)
        days, number = np.unique(cutoff[known].astype(str), return_inverse=True)
        on, n = tuple(str(d) for d in days), int(known.sum())
        if n < MIN_ROWS:
            return cls.none(f"no intervals: {n} {told} are fewer than the {MIN_ROWS} they are learnt from", on, n)
        # Sorted, so that the order in which rows come does not matter; thinned evenly.
        order = np.lexsort([spend[known], p_none[known], expected[known], number])
        order = order[np.linspace(0, n - 1, min(n, MOST_ROWS)).round().astype(np.int64)]
        mean, none, came = (np.asarray(a[known][order], np.float64) for a in (expected, p_none, spend))
        spent = came[came > 0]
        unit = _unit(mean, spent)
        rows = _Rows.of(mean, none, came, number[order], unit, periods)
        parts = [_edges(rows, sure) for sure in (False, True)]
        fitted = [rows.take(group).group(bool(sure)) for sure, (_, groups) in enumerate(parts) for group in groups]
        ratios, levels, returned = (np.array(part) for part in zip(*fitted, strict=True))
        words = f"learnt from {n:,} {told} ({', '.join(on)})"
        words += "; all of them as one group, since there are few" if n < GROUP_ROWS else ""
        words += "" if len(spent) else "; nobody spent anything, so all bounds are 0"
        return cls(unit, (parts[0][0], parts[1][0]), ratios, levels, returned, on, n, words)

    def carried(self, factor: float) -> Intervals:
        """The same shapes for another horizon, at which the mean expectation is so many times as large."""
        words = self.words if not self.known else f"{self.words}; at another horizon, and carried to this one"
        return replace(self, unit=self.unit * factor, words=words)

    def bounds(self, expected: Float64, p_none: Float64) -> Bounds:
        """The bounds of rows, from their expected net spend (in currency) and their P(spend <= 0)."""
        if not self.known:
            return Bounds(*(np.full(len(expected), np.nan) for _ in range(4)))
        p, scale = _p_of(p_none), _scale_of(expected, _p_of(p_none), self.unit)
        relative, sure = expected / self.unit, p_none < TAIL
        group = np.searchsorted(self.edges[0], relative, side="right")
        group[sure] = len(self.edges[0]) + 1 + np.searchsorted(self.edges[1], relative[sure], side="right")
        low, median, high, upper = scale * _quantile(self.ratios, group, (self.levels[group].T - p) / (1 - p))
        low = np.where(self.returned[group] < 0, scale * self.returned[group] * (1 + SLACK), low * (1 - SLACK))
        high = np.maximum(high * (1 + SLACK), low)
        median = np.clip(median, low, high)
        return Bounds(low, high, np.maximum(upper * (1 + SLACK), high), median)

    def to_dict(self) -> dict[str, object]:
        """JSON-safe form; `from_dict` gives the same back."""
        return {
            "unit": self.unit,
            "edges": [e.tolist() for e in self.edges],
            "ratios": self.ratios.tolist(),
            "levels": self.levels.tolist(),
            "returned": self.returned.tolist(),
            "calibrated_on": list(self.calibrated_on),
            "rows": self.rows,
            "words": self.words,
        }

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Intervals:
        """The inverse of `to_dict`."""
        edges, ratios, levels, returned = (
            [np.array(e, np.float64) for e in content["edges"]],
            *(np.array(content[name], np.float64) for name in ("ratios", "levels", "returned")),
        )
        on, rows, words = tuple(content["calibrated_on"]), int(content["rows"]), str(content["words"])
        return cls(float(content["unit"]), (edges[0], edges[1]), ratios, levels, returned, on, rows, words)


def _unit(expected: Float64, spent: Float64) -> float:
    """The median of expectations above 0, which one giant customer does not move.

    Where nothing is expected of anybody, the least scale is what those brought who spent something all the same.
    """
    if (expected > 0).any():
        return float(np.median(expected[expected > 0]))
    return float(spent.mean()) / LEAST_SCALE if len(spent) else 1.0


def _p_of(p_none: Float64) -> Float64:
    return np.clip(p_none, LEAST_P, 1 - LEAST_P)


def _scale_of(expected: Float64, p: Float64, unit: float) -> Float64:
    """Expected spend given any, kept above 0."""
    return np.maximum(expected / (1 - p), LEAST_SCALE * unit)


def _quantile(ratios: Float64, group: Int64, share: Float64) -> Float64:
    """The ratio at shares of each row's shape, linear between its points; 0 at shares of 0 and below, NaN at NaN.

    The shares have the shape (n_shares, n_rows).
    """
    at = np.clip(share, 0.0, 1.0) * (POINTS - 1)
    left = np.minimum(np.where(np.isnan(at), 0.0, at).astype(np.int64), POINTS - 2)
    flat, here = ratios.ravel(), group * POINTS + left
    below = flat[here]
    found = below + (at - left) * (flat[here + 1] - below)
    return np.where(share <= 0, 0.0, found)


@dataclass(frozen=True)
class _Rows:
    """Calibration rows, each cutoff brought to the level that it should have had."""

    relative: Float64
    p: Float64
    scale: Float64
    spend: Float64
    sure: NDArray[np.bool_]
    logit_spread: float
    log_spread: float

    @classmethod
    def of(
        cls,
        expected: Float64,
        p_none: Float64,
        spend: Float64,
        cutoff: Int64,
        unit: float,
        periods: Callable[[Float64, Float64, Float64, Int64], Periods],
    ) -> _Rows:
        p = _p_of(p_none)
        scale = _scale_of(expected, p, unit)
        told = periods(p, scale, spend, cutoff)
        p, scale = _p_of(sigmoid(logit(p) + told.logit)), scale * np.exp(told.log)
        return cls(expected / unit, p, scale, spend, p_none < TAIL, told.logit_spread, told.log_spread)

    def take(self, rows: Int64) -> _Rows:
        names = ("relative", "p", "scale", "spend", "sure")
        return replace(self, **{name: getattr(self, name)[rows] for name in names})

    def group(self, sure: bool) -> tuple[Float64, list[float], float]:
        """Shape, levels and what is returned, of rows that are all the same group."""
        spent, n = self.spend > 0, len(self.spend)
        ratio = self.spend[spent] / self.scale[spent]
        shape = np.quantile(ratio, GRID, method="weibull") if len(ratio) else np.zeros(POINTS)
        shape[0] = 0.0
        held = np.sum([weight * self._held(shape, z) for z, weight in NOISE], axis=0)
        returned, lost = self._returned()
        low = 0.0
        if sure and not returned < 0:
            low, lost = _last(held, (TAIL * (n + 1) - 1) / n), TAIL
        median, high, upper = (_first(held, share * (n + 1) / n) for share in (0.5, LEVEL + lost, UPPER_LEVEL))
        return shape, [low, median, min(high, upper), upper], returned

    def _held(self, shape: Float64, z: float) -> Float64:
        """The share of rows that lie at or below each of `LEVELS` of their predictive distributions.

        The distributions are what they would have been if predictions had been off by z times what cutoffs are off by.
        Of a row that spent nothing it is only known that it lies in [0, P(none)], so it counts for its part of that
        (Czado, Gneiting & Held 2009, doi:10.1111/j.1541-0420.2009.01191.x): counted whole, customers who hardly ever
        buy, whom any bound holds, would make up for others whose bounds are too low.
        """
        p, spent = _p_of(sigmoid(logit(self.p) + z * self.logit_spread)), self.spend > 0
        money = self.scale[spent] * np.exp(-z * self.log_spread)
        reached = np.sort(p[spent] + (1 - p[spent]) * np.interp(self.spend[spent] / money, shape, GRID))
        none = np.sort(p[~spent])
        whole = np.searchsorted(none, LEVELS, side="right")
        rest = np.append(np.cumsum((1 / none)[::-1])[::-1], 0.0)[whole]
        return np.asarray((np.searchsorted(reached, LEVELS, side="right") + whole + LEVELS * rest) / len(p))

    def _returned(self) -> tuple[float, float]:
        """Where a low below 0 stands, as a share of the scale (0 without one), and the share of rows below it."""
        n = len(self.spend)
        ratio = np.sort(np.minimum(self.spend, 0) / self.scale)
        low = float(ratio[max(int(TAIL * (n + 1) + 1e-9) - 1, 0)])
        return low, float((ratio < low).mean())


def _edges(rows: _Rows, sure: bool) -> tuple[Float64, list[Int64]]:
    """Edges between groups of similar expectation, and the rows of each; ties stay together.

    Where a kind has less than a group of rows, those nearest to it by P(none) stand for it.
    """
    here = np.flatnonzero(rows.sure == sure)
    if len(here) < GROUP_ROWS:
        order = np.argsort(rows.p if sure else -rows.p, kind="stable")
        return np.zeros(0), [np.sort(order[:GROUP_ROWS])]
    value = rows.relative[here]
    wanted = min(MOST_GROUPS, len(here) // GROUP_ROWS)
    edges = _between(np.sort(value), wanted)
    group = np.searchsorted(edges, value, side="right")
    return edges, [here[group == g] for g in range(len(edges) + 1)]


def _between(value: Float64, wanted: int) -> Float64:
    """Edges half-way between neighbours, so that at least `GROUP_ROWS` rows lie between two of them."""
    edges: list[float] = []
    last = 0
    for k in range(1, wanted):
        at = int(np.searchsorted(value, value[k * len(value) // wanted], side="left"))
        if at - last >= GROUP_ROWS and len(value) - at >= GROUP_ROWS:
            edges.append(float(0.5 * (value[at - 1] + value[at])))
            last = at
    return np.array(edges)


def _first(held: Float64, share: float) -> float:
    """The least level that holds a share."""
    return float(LEVELS[min(int(np.searchsorted(held, share - 1e-12)), len(LEVELS) - 1)])


def _last(held: Float64, share: float) -> float:
    """The largest level that holds no more than a share."""
    return float(LEVELS[max(int(np.searchsorted(held, share + 1e-12)) - 1, 0)])
