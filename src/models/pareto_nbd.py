"""Pareto/NBD: purchases at a rate of one's own, and a death at any time.

In: a `Summary` per customer. Out: a fitted model: P(alive), P(no purchase in the next h), expected purchases.
Source: Schmittlein, Morrison & Colombo (1987), doi:10.1287/mnsc.33.1.1. Nothing is missing: malformed rows make no
`Summary`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, NamedTuple, Self

import numpy as np
from scipy.special import expit, exprel

from .btyd import BLOCK, BuyTillYouDie, horizon_of, rising
from .discount import annuity, discounted_survival, integral
from .optimum import settled
from .summary import Float, Int, Real, Rows, Summary


@dataclass(frozen=True)
class ParetoNbd(BuyTillYouDie):
    """Pareto/NBD: Poisson purchases until an exponential, unseen death; both rates differ between customers.

    Parameters
    ----------
    r, alpha : float
        Purchase rates are gamma distributed with shape r and rate alpha (unit of time).
    s, beta : float
        Death rates are gamma distributed with shape s and rate beta (unit of time).
    log_likelihood, weak_prior, message, n_customers
        As in `BgNbd`.

    References
    ----------
    Schmittlein, Morrison, Colombo (1987), Management Science 33(1), doi:10.1287/mnsc.33.1.1.

    Examples
    --------
    >>> model = ParetoNbd(r=0.553, alpha=10.578, s=0.606, beta=11.669)
    >>> s = Summary(frequency=[2, 0], recency=[30, 0], T=[39, 39], value=[float("nan")] * 2, n_valued=[0, 0])
    >>> bool((model.p_no_purchase(s, 39) > model.p_no_purchase(s, 78)).all())
    True
    """

    name: ClassVar[str] = "Pareto/NBD"

    r: float
    alpha: float
    s: float
    beta: float
    log_likelihood: float = 0.0
    weak_prior: bool = False
    message: str = "given"
    n_customers: int = 0

    @classmethod
    def fit(cls, summary: Summary) -> Self:
        """Maximum likelihood, or with a weak prior, as in `BgNbd.fit`."""
        rows = Rows.of(summary)

        def objective(theta: Float) -> tuple[float, Float]:
            r, alpha, s, beta = np.exp(theta)
            log_l, slopes = _pareto_log_l(r, alpha, s, beta, rows.x, rows.t_x, rows.T)
            return rows.mean_loss(log_l, slopes, np.exp(theta))

        rate = rows.rate
        weak = rows.weak_prior(1.0, "how much lifetimes differ", "how long customers stay")
        starts = ((0.5, 0.5 / rate, 0.5, 0.5), (2.0, 2.0 / rate, 0.5, 5.0), (0.1, 0.1 / rate, 2.0, 2.0))
        bounds = ((1e-3, 1e3), (1e-5, 1e5), (1e-5, 1e3), (1e-5, 1e5))
        found = settled(objective, starts, bounds, weak, rows.repeat)
        r, alpha, s, beta = (float(v) for v in np.exp(found.theta))
        notes = [found.message]
        if s * np.log1p(1 / beta) < 1e-2:
            notes.append("these data show hardly any dying: below one customer in a hundred over the mean age")
        if r > 100:
            notes.append("all customers buy at nearly the same rate")
        if s > 100:
            notes.append("all customers die at nearly the same rate")
        unit, log_l, words = rows.unit, rows.log_likelihood(found.loss), "; ".join(notes)
        return cls(r, alpha * unit, s, beta * unit, log_l, found.weak_prior, words, len(summary))

    def row_log_likelihood(self, summary: Summary) -> Float:
        """log L(x, t_x, T) of each customer."""
        return _pareto_log_l(self.r, self.alpha, self.s, self.beta, summary.frequency, summary.recency, summary.T)[0]

    def _log_dead_odds(self, s: Summary) -> Float:
        m, at, bt, silence = self.r + s.frequency, self.alpha + s.recency, self.beta + s.recency, s.T - s.recency
        log_k = _log_decay_integral(m, at, self.s + 1, bt, silence)
        begins = np.log(self.s) - np.log(bt) + log_k
        return np.asarray(begins + m * np.log1p(silence / at) + self.s * np.log1p(silence / bt), np.float64)

    def _log_silence(self, s: Summary, h: float) -> Float:
        m = self.r + s.frequency
        lived = -m * np.log1p(h / (self.alpha + s.T)) - self.s * np.log1p(h / (self.beta + s.T))
        log_k = _log_decay_integral(m, self.alpha + s.T, self.s + 1, self.beta + s.T, np.full(len(s), h))
        return np.asarray(np.logaddexp(lived, np.log(self.s) - np.log(self.beta + s.T) + log_k), np.float64)

    def expected_purchases(self, summary: Summary, horizon_days: float, dead: Float | None = None) -> Float:
        """Expected repeat purchases in (T, T + h], >= 0, rising with h.

        P(alive) (r + x) / (alpha + T) x mean time lived in the window; the latter is written with exprel, which has no
        hole at s = 1.
        """
        log_ratio = np.log1p(horizon_of(horizon_days) / (self.beta + summary.T))
        lived = (self.beta + summary.T) * log_ratio * exprel(-(self.s - 1) * log_ratio)
        rate = (self.r + summary.frequency) / (self.alpha + summary.T)
        return np.asarray(self.p_alive(summary, dead) * rate * lived, np.float64)

    def residual_purchases(
        self, summary: Summary, edges: Sequence[float], force: float = 0.0, alive: Float | None = None
    ) -> Float:
        """Discounted expected repeat purchases after T, slice by slice, as described in `BuyTillYouDie`.

        P(alive) (r + x) / (alpha + T) x the discounted time lived. From 0 to infinity these are the discounted
        expected residual transactions of Fader, Hardie & Lee (2005), doi:10.1509/jmkr.2005.42.4.415, which without
        discounting are finite for s > 1 only.
        """
        ages, age = np.unique(summary.T, return_inverse=True)
        lived = discounted_survival(self.s, self.beta + ages, edges, force)[age]
        rate = (self.r + summary.frequency) / (self.alpha + summary.T)
        lives = self.p_alive(summary) if alive is None else alive
        return np.asarray((lives * rate)[:, None] * lived, np.float64)

    def residual_squares(self, summary: Summary, days: float, force: float, alive: Float) -> tuple[Float, Float]:
        """As described in `BuyTillYouDie`: Poisson purchases while one lives, gamma rates of both buying and dying."""
        ages, age = np.unique(summary.T, return_inverse=True)
        beta = self.beta + ages
        singles = discounted_survival(self.s, beta, (0.0, days), 2 * force)[age, 0]

        def later(rows: Int, t: Float) -> Float:
            return np.asarray(annuity(t, force) * np.exp(-force * t - self.s * np.log1p(t / beta[rows, None])))

        pairs = 2 * integral(later, float(days), 1.0 / (force + max(self.s, 1.0) / beta))
        m, longer = self.r + summary.frequency, self.alpha + summary.T
        return np.asarray(alive * m / longer * singles), np.asarray(alive * m * (m + 1) / longer**2 * pairs[age])

    def slopes(self, rows: Rows) -> Float:
        """As described in `BuyTillYouDie`."""
        r, alpha, s, beta = self.r, self.alpha / rows.unit, self.s, self.beta / rows.unit
        given = np.array([[r], [alpha], [s], [beta]])
        return np.asarray(_pareto_log_l(r, alpha, s, beta, rows.x, rows.t_x, rows.T)[1] * given)


def _pareto_log_l(r: float, alpha: float, s: float, beta: float, x: Int, t_x: Float, T: Float) -> tuple[Float, Float]:
    """log L(x, t_x, T) and its derivatives in r, alpha, s, beta (four rows)."""
    log_rising, d_rising = rising(r, x)
    z, dz = _pareto_log_odds(r, alpha, s, beta, x, t_x, T)
    log_l = log_rising - r * np.log1p(T / alpha) - x * np.log(alpha + T) - s * np.log1p(T / beta) + np.logaddexp(0.0, z)
    alive = np.stack(
        (
            d_rising - np.log1p(T / alpha),
            r / alpha - (r + x) / (alpha + T),
            -np.log1p(T / beta),
            s / beta - s / (beta + T),
        )
    )
    return log_l, alive + expit(z) * dz


def _pareto_log_odds(
    r: float, alpha: float, s: float, beta: float, x: Int, t_x: Float, T: Float
) -> tuple[Float, Float]:
    """log P(dead) / P(alive) (minus infinity at t_x = T) and its derivatives in r, alpha, s, beta."""
    m, at, bt = r + x, alpha + t_x, beta + t_x
    long_a, long_b = np.log1p((T - t_x) / at), np.log1p((T - t_x) / bt)
    log_k, slope = _decay_integral(m, at, s + 1, bt, T - t_x)
    z = np.log(s) - np.log(bt) + log_k + m * long_a + s * long_b
    dz = np.stack(
        (
            long_a - slope[0],
            m * (1 / (alpha + T) - 1 / at) + m / at * slope[2],
            1 / s + long_b - slope[1],
            -1 / bt + s * (1 / (beta + T) - 1 / bt) + (s + 1) / bt * slope[3],
        )
    )
    return z, dz


NODES = ((1.5, 12), (3.0, 16), (6.0, 32), (np.inf, 64))
"""Gauss-Legendre nodes by the length of the interval in u; 1e-11 relative at worst (see the test of the integral)."""
UPPER = np.array([upper for upper, _ in NODES])


@lru_cache(maxsize=8)
def _legendre(n: int) -> tuple[Float, Float]:
    """Gauss-Legendre nodes and weights; kept, as they cost more than one customer's integral."""
    node, weight = np.polynomial.legendre.leggauss(n)
    return np.asarray(node), np.asarray(weight)


class _Block(NamedTuple):
    """Some customers' integrand times the weights of the nodes, its sum, and d / at, d / bt and their log1p there."""

    rows: Int
    f: Float
    total: Float
    log_a: Float
    log_b: Float
    over_a: Float
    over_b: Float


def _log_decay_integral(m: Real, at: Real, k: float, bt: Real, length: Real) -> Float:
    """log of the integral of (1 + d / at)^-m (1 + d / bt)^-k over d in (0, length).

    With d = c (e^u - 1), c the scale on which the integrand starts to fall, every feature has a width of about 1 in u,
    so a few Gauss-Legendre nodes suffice for any m (as c <= at and c <= bt, the poles at d = -at and d = -bt keep their
    distance too).
    """
    c, span = _scale(m, at, k, bt, length)
    log_mean = np.empty(len(m))
    for block in _blocks(m, at, k, bt, c, span):
        log_mean[block.rows] = np.log(block.total)
    return _log_integral(c, span, log_mean)


def _decay_integral(m: Real, at: Real, k: float, bt: Real, length: Real) -> tuple[Float, Float]:
    """The same, and means under its integrand, which take as long again.

    The means (four rows) are those of log(1 + d / at), log(1 + d / bt), d / (at + d) and d / (bt + d), which give all
    derivatives.
    """
    c, span = _scale(m, at, k, bt, length)
    log_mean, means = np.empty(len(m)), np.empty((4, len(m)))
    for block in _blocks(m, at, k, bt, c, span):
        log_mean[block.rows] = np.log(block.total)
        share_a, share_b = block.over_a / (1.0 + block.over_a), block.over_b / (1.0 + block.over_b)
        for row, g in enumerate((block.log_a, block.log_b, share_a, share_b)):
            means[row, block.rows] = (block.f * g).sum(axis=1) / block.total
    return _log_integral(c, span, log_mean), means


def _scale(m: Real, at: Real, k: float, bt: Real, length: Real) -> tuple[Float, Float]:
    """c, and the length of the interval in u."""
    c = 1.0 / (np.maximum(m, 1.0) / at + k / bt)
    return np.asarray(c, np.float64), np.asarray(np.log1p(length / c), np.float64)


def _log_integral(c: Float, span: Float, log_mean: Float) -> Float:
    with np.errstate(divide="ignore"):  # an interval of no length: log 0 = -inf is the right answer
        return np.asarray(np.log(c) + np.log(span) + log_mean, np.float64)


def _blocks(m: Real, at: Real, k: float, bt: Real, c: Float, span: Float) -> Iterator[_Block]:
    """The integrand at the nodes, block by block."""
    group = np.searchsorted(UPPER, span, side="right")
    for which in np.flatnonzero(np.bincount(group)[: len(NODES)]).tolist():
        rows = np.flatnonzero(group == which)
        node, weight = _legendre(NODES[which][1])
        for start in range(0, len(rows), BLOCK):
            i = rows[start : start + BLOCK]
            growth = np.exp(span[i, None] * (0.5 * (1.0 + node)))
            over_a, over_b = (growth - 1.0) * (c / at)[i, None], (growth - 1.0) * (c / bt)[i, None]
            log_a, log_b = np.log(1.0 + over_a), np.log(1.0 + over_b)
            f = growth * np.exp(-m[i, None] * log_a - k * log_b) * (0.5 * weight)
            yield _Block(i, f, f.sum(axis=1), log_a, log_b, over_a, over_b)
