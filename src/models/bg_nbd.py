"""BG/NBD: purchases at a rate of one's own, and a chance of dropping out after each.

In: a `Summary` per customer. Out: a fitted model: P(alive), P(no purchase in the next h), expected purchases.
Source: Fader, Hardie & Lee (2005), doi:10.1287/mksc.1040.0098. Nothing is missing: malformed rows make no `Summary`.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaln, expit, log_expit

from ..features.once import once
from .btyd import BLOCK, TABLE, BuyTillYouDie, beyond, horizon_of, rising
from .discount import FORGOTTEN, annuity, integral
from .optimum import settled
from .summary import Float, Int, Real, Rows, Summary

NODES_BY_PARTS = 6
"""Of the integral by parts, on each panel: 1e-9 of the total to a horizon of years, 3e-8 to infinity."""


FEW_KINDS, MOST_KEPT = 64, 1024
"""Nodes for so few numbers of purchases are looked up among the kept, which are not many more than so many."""


@dataclass(frozen=True)
class BgNbd(BuyTillYouDie):
    """BG/NBD: Poisson purchases, a chance of dropping out after each; both differ between customers.

    Parameters
    ----------
    r, alpha : float
        Purchase rates are gamma distributed with shape r and rate alpha (unit of time).
    a, b : float
        The chance of dropping out after a purchase is beta(a, b); the first purchase is never the last of the dead, so
        a customer with x = 0 is alive.
    log_likelihood : float
        Of all customers' (x, t_x, T), in the unit of time of the fit; 0, that of no customers, when not fitted.
    weak_prior, message : bool, str
        Whether a weak prior had a say, as the data alone left the parameters open, and what is peculiar about the fit.
    n_customers : int

    References
    ----------
    Fader, Hardie, Lee (2005), Marketing Science 24(2), doi:10.1287/mksc.1040.0098.

    Examples
    --------
    >>> model = BgNbd(r=0.243, alpha=4.414, a=0.793, b=2.426)
    >>> s = Summary(frequency=[2], recency=[30.43], T=[38.86], value=[float("nan")], n_valued=[0])
    >>> model.expected_purchases(s, 39).round(3)  # 1.226 in the paper
    array([1.226])

    Of someone who bought for the first time today, in the next 4 and 39 weeks:

    >>> new = Summary.newcomers()
    >>> [model.p_no_purchase(new, weeks)[0].round(2).item() for weeks in (4, 39)]
    [0.85, 0.57]

    Where the data leave a parameter open, a weak prior settles it, and the model says so:

    >>> BgNbd.fit(Summary(frequency=[1, 0, 0], recency=[5, 0, 0], T=[9, 30, 20])).weak_prior
    True
    """

    name: ClassVar[str] = "BG/NBD"

    r: float
    alpha: float
    a: float
    b: float
    log_likelihood: float = 0.0
    weak_prior: bool = False
    message: str = "given"
    n_customers: int = 0

    @classmethod
    def fit(cls, summary: Summary) -> Self:
        """Maximum likelihood; with a weak prior where the data leave a parameter open (see `optimum.settled`).

        Raises `NotEnoughData`: ``RG052`` without any repeat purchase, ``RG153`` where even that does not settle.
        """
        rows = Rows.of(summary)

        def objective(theta: Float) -> tuple[float, Float]:
            r, alpha, a, b = np.exp(theta)
            log_l, slopes = _bg_log_l(r, alpha, a, b, rows.x, rows.t_x, rows.T)
            return rows.mean_loss(log_l, slopes, np.exp(theta))

        rate = rows.rate
        # At most even odds that a purchase is the last: one loss in a mean age where customers buy often.
        weak = rows.weak_prior(1 / (1 + rate), "how much the chances of leaving differ", "how many customers leave")
        starts = ((0.5, 0.5 / rate, 0.7, 2.5), (2.0, 2.0 / rate, 0.1, 5.0), (0.1, 0.1 / rate, 2.0, 2.0))
        bounds = ((1e-3, 1e3), (1e-5, 1e5), (1e-6, 1e4), (1e-4, 1e5))
        found = settled(objective, starts, bounds, weak, rows.repeat)
        r, alpha, a, b = (float(v) for v in np.exp(found.theta))
        notes = [found.message]
        if a < 1e-3 * b:
            notes.append("these data show hardly any dropping out: below one purchase in a thousand is a last one")
        if r > 100:
            notes.append("all customers buy at nearly the same rate")
        if a > 1e3:
            notes.append("all customers drop out with nearly the same chance")
        log_l, words = rows.log_likelihood(found.loss), "; ".join(notes)
        return cls(r, alpha * rows.unit, a, b, log_l, found.weak_prior, words, len(summary))

    def row_log_likelihood(self, summary: Summary) -> Float:
        """log L(x, t_x, T) of each customer."""
        return _bg_log_l(self.r, self.alpha, self.a, self.b, summary.frequency, summary.recency, summary.T)[0]

    def _log_dead_odds(self, s: Summary) -> Float:
        return _bg_log_odds(self.r, self.alpha, self.a, self.b, s.frequency, s.recency, s.T)

    def _log_silence(self, s: Summary, h: float) -> Float:
        return np.asarray(-(self.r + s.frequency) * np.log1p(h / (self.alpha + s.T)), np.float64)

    def expected_purchases(self, summary: Summary, horizon_days: float, dead: Float | None = None) -> Float:
        """Expected repeat purchases in (T, T + h], >= 0, rising with h.

        Given alive, the rate is gamma(r + x, alpha + T) and the chance of dropping out p is beta(a, b + x). The mean
        over the rate is closed, (1 - (1 + p h / (alpha + T))^-(r + x)) / p; that over p is a sum over nodes with
        weights above 0, which cannot overflow or turn negative as the hypergeometric form does for large x.
        """
        h = np.full((len(summary), 1), horizon_of(horizon_days))
        return self.p_alive(summary, dead) * self._of_the_living(summary.frequency, summary.T, h)[:, 0]

    def _of_the_living(self, x: Int, T: Float, t: Float) -> Float:
        """E[purchases in (T, T + t] | alive at T] at the times t, shape (n_rows, n_times)."""
        kinds, kind = np.unique(x, return_inverse=True)
        p, weight, at_0, at_1 = self._nodes(kinds)
        mean = np.empty(t.shape)
        for start in range(0, len(x), BLOCK):
            rows = slice(start, start + BLOCK)
            k, m = kind[rows], self.r + x[rows]
            for column in range(t.shape[1]):
                eta = t[rows, column] / (self.alpha + T[rows])
                inner = -np.expm1(-m[:, None] * np.log1p(p[k] * eta[:, None])) / p[k]
                ends = at_0[k] * m * eta - at_1[k] * np.expm1(-m * np.log1p(eta))
                mean[rows, column] = (weight[k] * inner).sum(axis=1) + ends
        return mean

    @once
    def _kept(self) -> dict[int, tuple[Float, Float, float, float]]:
        """Nodes by the number of purchases: to find them takes longer than all else that is asked of one customer."""
        return {}

    def _nodes(self, kinds: Int) -> tuple[Float, Float, Float, Float]:
        """`_beta_nodes` of those who bought so often."""
        if not 0 < len(kinds) <= FEW_KINDS:
            return _beta_nodes(self.a, self.b + kinds)
        known, wanted = self._kept, kinds.tolist()
        lacking = [x for x in wanted if x not in known]
        made = zip(*_beta_nodes(self.a, self.b + np.array(lacking)), strict=True) if lacking else ()
        new = dict(zip(lacking, made, strict=True))
        p, weight, at_0, at_1 = zip(*(new[x] if x in new else known[x] for x in wanted), strict=True)
        if len(known) < MOST_KEPT:
            known.update(new)
        return np.stack(p), np.stack(weight), np.array(at_0), np.array(at_1)

    def residual_purchases(
        self, summary: Summary, edges: Sequence[float], force: float = 0.0, alive: Float | None = None
    ) -> Float:
        """Discounted expected repeat purchases after T, slice by slice, as described in `BuyTillYouDie`.

        The Stieltjes integral of e^(-force t) over E[X(t)], by parts: what is left to integrate is force times a smooth
        function. To infinity it converges whenever force > 0, as nobody is expected to buy faster than the living do,
        (r + x) / (alpha + T); without discounting it is E[1 / p] = (a + b + x - 1) / (a - 1) for a > 1, else infinite.
        """
        pairs, row = np.unique(np.stack([summary.frequency.astype(np.float64), summary.T]), axis=1, return_inverse=True)
        x, T = pairs[0].astype(np.int64), pairs[1]
        endless = (self.a + self.b + x - 1) / (self.a - 1) if self.a > 1 else np.full(len(x), np.inf)
        scale = (self.alpha + T) / (self.r + x)
        out = np.empty((len(x), len(edges) - 1))
        before = self._of_the_living(x, T, np.full((len(x), 1), float(edges[0])))[:, 0]
        for k, (low, high) in enumerate(itertools.pairwise(edges)):
            until = min(high, low + FORGOTTEN / force) if force else high
            if np.isinf(until):
                out[:, k] = endless - before
                break
            after = self._of_the_living(x, T, np.full((len(x), 1), float(until)))[:, 0]
            out[:, k] = np.exp(-force * until) * after - np.exp(-force * low) * before
            if force:

                def bought(rows: Int, t: Float, low: float = low) -> Float:
                    return np.asarray(np.exp(-force * t) * self._of_the_living(x[rows], T[rows], low + t))

                inner = integral(bought, until - low, scale + low, NODES_BY_PARTS)
                out[:, k] += force * np.exp(-force * low) * inner
            before = after
        lives = self.p_alive(summary) if alive is None else alive
        return np.asarray(lives[:, None] * np.maximum(out, 0.0)[row.ravel()], np.float64)

    def residual_squares(self, summary: Summary, days: float, force: float, alive: Float) -> tuple[Float, Float]:
        """As described in `BuyTillYouDie`.

        Of one with rate l and chance p of leaving, purchases at u < v have the density l^2 (1 - p) e^(-l p v).
        """
        pairs, row = np.unique(np.stack([summary.frequency.astype(np.float64), summary.T]), axis=1, return_inverse=True)
        x, T = pairs[0].astype(np.int64), pairs[1]
        kinds, kind = np.unique(x, return_inverse=True)
        p, weight, at_0, _ = self._nodes(kinds)
        m, longer = self.r + x, self.alpha + T

        def later(rows: Int, t: Float) -> Float:
            k, found = kind[rows], np.empty(t.shape)
            for column in range(t.shape[1]):
                apart = (t[:, column] / longer[rows])[:, None]
                of_p = np.exp(-(m[rows] + 2)[:, None] * np.log1p(p[k] * apart)) * (1 - p[k])
                found[:, column] = (weight[k] * of_p).sum(axis=1) + at_0[k]
            return np.asarray(annuity(t, force) * np.exp(-force * t) * found)

        both = integral(later, float(days), longer / m, NODES_BY_PARTS)
        singles = self.residual_purchases(summary, (0.0, days), 2 * force, alive)[:, 0]
        return singles, np.asarray(alive * (2 * m * (m + 1) / longer**2 * both)[row.ravel()])

    def slopes(self, rows: Rows) -> Float:
        """As described in `BuyTillYouDie`."""
        r, alpha, a, b = self.r, self.alpha / rows.unit, self.a, self.b
        given = np.array([[r], [alpha], [a], [b]])
        return np.asarray(_bg_log_l(r, alpha, a, b, rows.x, rows.t_x, rows.T)[1] * given)


def _bg_log_odds(r: float, alpha: float, a: float, b: float, x: Int, t_x: Float, T: Float) -> Float:
    """log P(dropped out) / P(alive); minus infinity at x = 0."""
    last = np.log(a) - np.log(b + np.maximum(x, 1) - 1) + (r + x) * np.log1p((T - t_x) / (alpha + t_x))
    return np.where(x > 0, last, -np.inf)


def _bg_log_l(r: float, alpha: float, a: float, b: float, x: Int, t_x: Float, T: Float) -> tuple[Float, Float]:
    """log L(x, t_x, T) and its derivatives in r, alpha, a, b (four rows)."""
    log_rising, d_rising = rising(r, x)
    survived, d_a, d_b = _surviving(a, b, x)
    z = _bg_log_odds(r, alpha, a, b, x, t_x, T)
    dead, m = expit(z), r + x
    log_l = log_rising + survived - r * np.log1p(T / alpha) - x * np.log(alpha + T) + np.logaddexp(0.0, z)
    slopes = np.stack(
        (
            d_rising - np.log1p(T / alpha) + dead * np.log1p((T - t_x) / (alpha + t_x)),
            r / alpha - m / (alpha + T) + dead * m * (1 / (alpha + T) - 1 / (alpha + t_x)),
            d_a + dead / a,
            d_b - dead / (b + np.maximum(x, 1) - 1),
        )
    )
    return log_l, slopes


def _surviving(a: float, b: float, x: Int) -> tuple[Float, Float, Float]:
    """log B(a, b + x) / B(a, b), the chance of not having dropped out after x purchases; its derivatives in a and b.

    It is the product over i < x of (b + i) / (a + b + i), a sum of logs that is exact where a -> 0 or b -> infinity.
    """
    near, far = np.minimum(x, TABLE), x > TABLE
    i = np.arange(near.max(initial=0), dtype=np.float64)
    terms = (-np.log1p(a / (b + i)), -1 / (a + b + i), a / ((b + i) * (a + b + i)))
    log_share, d_a, d_b = (np.r_[0.0, np.cumsum(term)][near] for term in terms)
    (top, d_top), (bottom, d_bottom) = beyond(b, x[far]), beyond(a + b, x[far])
    log_share[far] += top - bottom
    d_a[far] -= d_bottom
    d_b[far] += d_top - d_bottom
    return log_share, d_a, d_b


def _beta_nodes(a: float, b: Real, n: int = 128, most: float = 1e8) -> tuple[Float, Float, Float, Float]:
    """Nodes and weights on (0, 1) for means over beta(a, b), one row for each b, and weights of two atoms at 0 and 1.

    A trapezoid rule in the logit of p, where the density falls exponentially on both sides. The atoms make the total
    and the mean exact, so what the nodes must carry is the function less its chord; `most` bounds its slope at 0 (the
    purchases expected of one who never drops out). That is what may be cut off at the edges of the rule.
    """
    log_beta = betaln(a, b)

    def too_small(y: Float) -> NDArray[np.bool_]:
        log_p, log_1p = log_expit(y), log_expit(-y)
        chord = np.minimum(0.0, np.log(most) + log_p) + log_1p
        return np.asarray(a * log_p + b * log_1p - log_beta + chord < -37.0)

    edges = []
    for side in (-1.0, 1.0):
        near = np.log((a + 1) / (b + 1))
        far = near + side * 130.0
        for _ in range(40):  # the integrand is log-concave: one edge on each side
            middle = 0.5 * (near + far)
            out = too_small(middle)
            near, far = np.where(out, near, middle), np.where(out, middle, far)
        edges.append(far)
    low, high = edges
    y = low[:, None] + (high - low)[:, None] * np.linspace(0.0, 1.0, n)
    p, q = expit(y), expit(-y)
    density = a * log_expit(y) + b[:, None] * log_expit(-y) - log_beta[:, None]
    weight = np.exp(density) * ((high - low) / (n - 1))[:, None]
    # Where nothing is cut off the sum is known to be 1, and betaln of large arguments is the larger error.
    whole = (a >= 2) & (b >= 2)
    weight = np.where(whole[:, None], weight / weight.sum(axis=1, keepdims=True), weight)
    at_0 = np.maximum(b / (a + b) - (weight * q).sum(axis=1), 0.0)
    at_1 = np.maximum(a / (a + b) - (weight * p).sum(axis=1), 0.0)
    return p, weight, at_0, at_1
