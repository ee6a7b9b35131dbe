"""Buy-till-you-die models of purchase timing: BG/NBD and Pareto/NBD, fitted by maximum likelihood.

In: a `Summary` per customer at a cutoff (repeat purchases, last purchase, age), in any one unit of time. Out: frozen
models that give P(alive), P(no purchase in the next h) and expected purchases. Malformed rows are refused when the
`Summary` is made and nothing is imputed; only the mean value may be missing (nan), where no repeat purchase has one.
Fits run on distinct rows with counts, in units of the mean age, so that neither row order nor time unit matters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize
from scipy.special import betaln, expit, exprel, log_expit

from ..errors import ConfigError, DataError, NotEnoughData

Float = NDArray[np.float64]
Int = NDArray[np.int64]
Real = NDArray[np.floating[Any]]

BLOCK = 2048
"""Rows worked on at once, so that rows x nodes stays in the processor's cache."""


@dataclass(frozen=True, eq=False)
class Summary:
    """What buy-till-you-die models know of each customer at a cutoff.

    Parameters
    ----------
    frequency : array of shape (n_customers,), whole, >= 0
        x, the repeat purchases.
    recency : array of shape (n_customers,), unit of time
        t_x, the last purchase less the first; 0 exactly where ``frequency`` is 0.
    T : array of shape (n_customers,), unit of time, >= recency
        The last observed day less the first purchase.
    value : array of shape (n_customers,), currency
        Mean value of the repeat purchases worth more than 0; nan where there is none.
    n_valued : array of shape (n_customers,), whole, >= 0
        How many repeat purchases ``value`` is the mean of.

    Raises
    ------
    DataError
        ``RG050`` for columns that do not fit together, ``RG051`` naming the rows that cannot be.

    Examples
    --------
    >>> s = Summary(frequency=[2, 0], recency=[30, 0], T=[40, 10], value=[9.5, float("nan")], n_valued=[2, 0])
    >>> len(s), s.recency
    (2, array([30.,  0.]))
    """

    frequency: Int
    recency: Float
    T: Float
    value: Float
    n_valued: Int

    def __post_init__(self) -> None:
        names = ("frequency", "recency", "T", "value", "n_valued")
        given = {name: np.asarray(getattr(self, name), np.float64) for name in names}
        shapes = {name: column.shape for name, column in given.items()}
        if len(set(shapes.values())) != 1 or any(len(s) != 1 for s in shapes.values()):
            raise DataError(f"the columns of the summary have shapes {shapes}", needed="one length", code="RG050")
        _refuse(given)
        for name, column in given.items():
            object.__setattr__(self, name, column.astype(np.int64) if name in ("frequency", "n_valued") else column)

    def __len__(self) -> int:
        return len(self.frequency)


def _refuse(column: Mapping[str, Float]) -> None:
    """Raise for the first kind of row that cannot be."""
    x, t_x, T, value, n = (column[k] for k in ("frequency", "recency", "T", "value", "n_valued"))
    # Comparisons are written so that nan and infinity fail them too.
    whole = (x >= 0) & (x == np.floor(x)) & (n >= 0) & (n == np.floor(n)) & (x < 1e15) & (n < 1e15)
    kinds = (
        (~whole, "counts that are negative or not whole"),
        (~((t_x >= 0) & (T >= 0) & np.isfinite(T)), "times that are negative or not finite"),
        (~(t_x <= T), "recency later than T"),
        ((x > 0) & (t_x == 0), "repeat purchases but recency 0"),
        ((x == 0) & (t_x > 0), "recency above 0 without a repeat purchase"),
        (n > x, "more valued than repeat purchases"),
        ((n > 0) & ~((value > 0) & np.isfinite(value)), "valued repeat purchases but no mean value above 0"),
    )
    for bad, words in kinds:
        rows = np.flatnonzero(bad)
        if len(rows):
            shown = [f"row {i}: " + ", ".join(f"{k}={v[i]:g}" for k, v in column.items()) for i in rows]
            do = "collapse purchases to days; recency and T are measured from the first purchase"
            raise DataError(f"{len(rows)} rows have {words}", do=do, offending=shown, code="RG051")


class _Rows(NamedTuple):
    """Distinct (x, t_x, T) with counts; times in units of ``unit``."""

    x: Int
    t_x: Float
    T: Float
    n: Float
    unit: float

    @classmethod
    def of(cls, s: Summary) -> _Rows:
        repeat = int((s.frequency > 0).sum())
        if repeat == 0:
            found = f"{len(s)} customers, {repeat} with a repeat purchase"
            raise NotEnoughData(
                found, needed="repeat purchases before the cutoff", do="take a later cutoff", code="RG052"
            )
        order = np.lexsort((s.T, s.recency, s.frequency))
        x, t_x, T = s.frequency[order], s.recency[order], s.T[order]
        first = np.r_[True, (np.diff(x) != 0) | (np.diff(t_x) != 0) | (np.diff(T) != 0)]
        count = np.diff(np.r_[np.flatnonzero(first), len(x)]).astype(np.float64)
        unit = float((T[first] * count).sum() / len(x))
        return cls(x[first], t_x[first] / unit, T[first] / unit, count, unit)


Objective = Callable[[Float], tuple[float, Float]]


class Optimum(NamedTuple):
    """Log parameters, the loss there, whether the slope vanished, and that in words."""

    theta: Float
    loss: float
    converged: bool
    message: str


def least_loss(
    objective: Objective, starts: Sequence[Sequence[float]], bounds: Sequence[tuple[float, float]]
) -> Optimum:
    """The least of a smooth function of log parameters; a later start is tried only when the earlier failed."""
    box = np.log(np.asarray(bounds))
    best: Optimum | None = None
    for start in starts:
        options = {"ftol": 1e-15, "gtol": 1e-7, "maxiter": 500, "maxcor": 12}
        found = minimize(objective, np.log(start), jac=True, method="L-BFGS-B", bounds=box, options=options)
        theta = np.clip(found.x, box[:, 0], box[:, 1])
        loss, gradient = objective(theta)
        # A line search that ends in rounding noise at the optimum reports failure, so the slope decides, not the flag.
        slope = float(np.abs(np.clip(theta - gradient, box[:, 0], box[:, 1]) - theta).max())
        words = "converged" if slope < 1e-5 else f"did not converge: slope {slope:.1e} after {found.nit} iterations"
        if best is None or loss < best.loss or (slope < 1e-5 and not best.converged):
            best = Optimum(theta, float(loss), slope < 1e-5, words)
        if best.converged:
            break
    if best is None:
        raise AssertionError("at least one start is given")
    return best


def _rising(r: float, x: Int) -> tuple[Float, Float]:
    """log Gamma(r + x) / Gamma(r) and its derivative in r; a sum over whole x has no cancellation, unlike gammaln."""
    steps = r + np.arange(x.max(initial=0), dtype=np.float64)
    return np.r_[0.0, np.cumsum(np.log(steps))][x], np.r_[0.0, np.cumsum(1.0 / steps)][x]


def _horizon(horizon_days: float) -> float:
    if not (np.isfinite(horizon_days) and horizon_days > 0):
        raise ConfigError(f"horizon {horizon_days} cannot be", needed="a finite time above 0", code="RG053")
    return float(horizon_days)


def _inside(p: ArrayLike) -> Float:
    """Probabilities kept off 0 and 1, so that their logits are finite."""
    return np.clip(np.asarray(p, np.float64), 1e-300, np.nextafter(1.0, 0.0))


class _Timing:
    """What both models share once the odds of having died and the silence of the living are known."""

    def __post_init__(self) -> None:
        given = dict(list(self.to_dict().items())[:4])
        if not all(isinstance(v, (int, float)) and np.isfinite(v) and v > 0 for v in given.values()):
            raise ConfigError(f"the parameters are {given}", needed="finite numbers above 0", code="RG054")

    def _log_dead_odds(self, s: Summary) -> Float:
        raise NotImplementedError

    def _log_silence(self, s: Summary, h: float) -> Float:
        raise NotImplementedError

    def p_alive(self, summary: Summary) -> Float:
        """P(alive at T | x, t_x, T), in [0, 1]."""
        return np.asarray(expit(-self._log_dead_odds(summary)), np.float64)

    def p_no_purchase(self, summary: Summary, horizon_days: float) -> Float:
        """P(no purchase in (T, T + h]) = L(x, t_x, T + h) / L(x, t_x, T), in (0, 1), falling with h.

        Raises `ConfigError` ``RG053`` unless the horizon, in the unit of the fit, is above 0.
        """
        # L is the sum of "still alive" and "died before T"; a longer silence changes the first term alone.
        z, log_q = self._log_dead_odds(summary), self._log_silence(summary, _horizon(horizon_days))
        return _inside(np.exp(np.logaddexp(log_expit(z), log_expit(-z) + log_q)))

    def to_dict(self) -> dict[str, Any]:
        """The model as JSON-safe values."""
        return asdict(self)  # type: ignore[call-overload,no-any-return]

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """The model that `to_dict` wrote."""
        try:
            return cls(**content)
        except TypeError as error:
            raise ConfigError(f"these are not the parameters of {cls.__name__}: {error}", code="RG054") from None


@dataclass(frozen=True)
class BgNbd(_Timing):
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
    converged, message : bool, str
        Whether the slope vanished, and what is peculiar about the fit.
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
    """

    r: float
    alpha: float
    a: float
    b: float
    log_likelihood: float = 0.0
    converged: bool = True
    message: str = "given"
    n_customers: int = 0

    @classmethod
    def fit(cls, summary: Summary) -> Self:
        """Maximum likelihood; raises `NotEnoughData` ``RG052`` without any repeat purchase."""
        rows = _Rows.of(summary)

        def objective(theta: Float) -> tuple[float, Float]:
            r, alpha, a, b = np.exp(theta)
            log_l, slopes = _bg_log_l(r, alpha, a, b, rows.x, rows.t_x, rows.T)
            return _mean_loss(log_l, slopes, rows.n, np.exp(theta))

        rate = float((rows.x * rows.n).sum() / rows.n.sum())
        starts = ((0.5, 0.5 / rate, 0.7, 2.5), (2.0, 2.0 / rate, 0.1, 5.0), (0.1, 0.1 / rate, 2.0, 2.0))
        bounds = ((1e-3, 1e3), (1e-5, 1e5), (1e-6, 1e4), (1e-4, 1e5))
        found = least_loss(objective, starts, bounds)
        r, alpha, a, b = (float(v) for v in np.exp(found.theta))
        notes = [found.message]
        if a < 1e-3 * b:
            notes.append("these data show hardly any dropping out: below one purchase in a thousand is a last one")
        if r > 100:
            notes.append("all customers buy at nearly the same rate")
        if a > 1e3:
            notes.append("all customers drop out with nearly the same chance")
        log_l = -found.loss * len(summary) - float((rows.x * rows.n).sum()) * np.log(rows.unit)
        return cls(r, alpha * rows.unit, a, b, float(log_l), found.converged, "; ".join(notes), len(summary))

    def row_log_likelihood(self, summary: Summary) -> Float:
        """log L(x, t_x, T) of each customer."""
        return _bg_log_l(self.r, self.alpha, self.a, self.b, summary.frequency, summary.recency, summary.T)[0]

    def _log_dead_odds(self, s: Summary) -> Float:
        return _bg_log_odds(self.r, self.alpha, self.a, self.b, s.frequency, s.recency, s.T)

    def _log_silence(self, s: Summary, h: float) -> Float:
        return np.asarray(-(self.r + s.frequency) * np.log1p(h / (self.alpha + s.T)), np.float64)

    def expected_purchases(self, summary: Summary, horizon_days: float) -> Float:
        """Expected repeat purchases in (T, T + h], >= 0, rising with h.

        Given alive, the rate is gamma(r + x, alpha + T) and the chance of dropping out p is beta(a, b + x). The mean
        over the rate is closed, (1 - (1 + p h / (alpha + T))^-(r + x)) / p; that over p is a sum over nodes with
        weights above 0, which cannot overflow or turn negative as the hypergeometric form does for large x.
        """
        h = _horizon(horizon_days)
        kinds, kind = np.unique(summary.frequency, return_inverse=True)
        p, weight, at_0, at_1 = _beta_nodes(self.a, self.b + kinds)
        mean = np.empty(len(summary))
        for start in range(0, len(summary), BLOCK):
            rows = slice(start, start + BLOCK)
            k, m, eta = kind[rows], self.r + summary.frequency[rows], h / (self.alpha + summary.T[rows])
            inner = -np.expm1(-m[:, None] * np.log1p(p[k] * eta[:, None])) / p[k]
            mean[rows] = (weight[k] * inner).sum(axis=1) + at_0[k] * m * eta - at_1[k] * np.expm1(-m * np.log1p(eta))
        return self.p_alive(summary) * mean


def _mean_loss(log_l: Float, slopes: Float, count: Float, parameters: Float) -> tuple[float, Float]:
    """Mean negative log-likelihood per customer and its slope in the log parameters."""
    n = count.sum()
    return -float((log_l * count).sum() / n), -(slopes * count).sum(axis=1) * parameters / n


def _bg_log_odds(r: float, alpha: float, a: float, b: float, x: Int, t_x: Float, T: Float) -> Float:
    """log P(dropped out) / P(alive); minus infinity at x = 0."""
    last = np.log(a) - np.log(b + np.maximum(x, 1) - 1) + (r + x) * np.log1p((T - t_x) / (alpha + t_x))
    return np.where(x > 0, last, -np.inf)


def _bg_log_l(r: float, alpha: float, a: float, b: float, x: Int, t_x: Float, T: Float) -> tuple[Float, Float]:
    """log L(x, t_x, T) and its derivatives in r, alpha, a, b (four rows)."""
    log_rising, d_rising = _rising(r, x)
    i = np.arange(x.max(initial=0), dtype=np.float64)
    # B(a, b + x) / B(a, b) = product over i < x of (b + i) / (a + b + i): exact where a -> 0 or b -> infinity.
    survived = -np.r_[0.0, np.cumsum(np.log1p(a / (b + i)))][x]
    d_a = -np.r_[0.0, np.cumsum(1 / (a + b + i))][x]
    d_b = np.r_[0.0, np.cumsum(a / ((b + i) * (a + b + i)))][x]
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


@dataclass(frozen=True)
class ParetoNbd(_Timing):
    """Pareto/NBD: Poisson purchases until an exponential, unseen death; both rates differ between customers.

    Parameters
    ----------
    r, alpha : float
        Purchase rates are gamma distributed with shape r and rate alpha (unit of time).
    s, beta : float
        Death rates are gamma distributed with shape s and rate beta (unit of time).
    log_likelihood, converged, message, n_customers
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

    r: float
    alpha: float
    s: float
    beta: float
    log_likelihood: float = 0.0
    converged: bool = True
    message: str = "given"
    n_customers: int = 0

    @classmethod
    def fit(cls, summary: Summary) -> Self:
        """Maximum likelihood; raises `NotEnoughData` ``RG052`` without any repeat purchase."""
        rows = _Rows.of(summary)

        def objective(theta: Float) -> tuple[float, Float]:
            r, alpha, s, beta = np.exp(theta)
            log_l, slopes = _pareto_log_l(r, alpha, s, beta, rows.x, rows.t_x, rows.T)
            return _mean_loss(log_l, slopes, rows.n, np.exp(theta))

        rate = float((rows.x * rows.n).sum() / rows.n.sum())
        starts = ((0.5, 0.5 / rate, 0.5, 0.5), (2.0, 2.0 / rate, 0.5, 5.0), (0.1, 0.1 / rate, 2.0, 2.0))
        found = least_loss(objective, starts, ((1e-3, 1e3), (1e-5, 1e5), (1e-5, 1e3), (1e-5, 1e5)))
        r, alpha, s, beta = (float(v) for v in np.exp(found.theta))
        notes = [found.message]
        if s * np.log1p(1 / beta) < 1e-3:
            notes.append("these data show hardly any dying: below one customer in a thousand over the mean age")
        if r > 100:
            notes.append("all customers buy at nearly the same rate")
        if s > 100:
            notes.append("all customers die at nearly the same rate")
        unit = rows.unit
        log_l = -found.loss * len(summary) - float((rows.x * rows.n).sum()) * np.log(unit)
        return cls(r, alpha * unit, s, beta * unit, float(log_l), found.converged, "; ".join(notes), len(summary))

    def row_log_likelihood(self, summary: Summary) -> Float:
        """log L(x, t_x, T) of each customer."""
        return _pareto_log_l(self.r, self.alpha, self.s, self.beta, summary.frequency, summary.recency, summary.T)[0]

    def _log_dead_odds(self, s: Summary) -> Float:
        return _pareto_log_odds(self.r, self.alpha, self.s, self.beta, s.frequency, s.recency, s.T)[0]

    def _log_silence(self, s: Summary, h: float) -> Float:
        m = self.r + s.frequency
        lived = -m * np.log1p(h / (self.alpha + s.T)) - self.s * np.log1p(h / (self.beta + s.T))
        log_k, _ = _decay_integral(m, self.alpha + s.T, self.s + 1, self.beta + s.T, np.full(len(s), h))
        return np.asarray(np.logaddexp(lived, np.log(self.s) - np.log(self.beta + s.T) + log_k), np.float64)

    def expected_purchases(self, summary: Summary, horizon_days: float) -> Float:
        """Expected repeat purchases in (T, T + h], >= 0, rising with h.

        P(alive) (r + x) / (alpha + T) x mean time lived in the window; the latter is written with exprel, which has no
        hole at s = 1.
        """
        log_ratio = np.log1p(_horizon(horizon_days) / (self.beta + summary.T))
        lived = (self.beta + summary.T) * log_ratio * exprel(-(self.s - 1) * log_ratio)
        rate = (self.r + summary.frequency) / (self.alpha + summary.T)
        return np.asarray(self.p_alive(summary) * rate * lived, np.float64)


def _pareto_log_l(r: float, alpha: float, s: float, beta: float, x: Int, t_x: Float, T: Float) -> tuple[Float, Float]:
    """log L(x, t_x, T) and its derivatives in r, alpha, s, beta (four rows)."""
    log_rising, d_rising = _rising(r, x)
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


@lru_cache(maxsize=8)
def _legendre(n: int) -> tuple[Float, Float]:
    """Gauss-Legendre nodes and weights; kept, as they cost more than one customer's integral."""
    node, weight = np.polynomial.legendre.leggauss(n)
    return np.asarray(node), np.asarray(weight)


def _decay_integral(m: Real, at: Real, k: float, bt: Real, length: Real) -> tuple[Float, Float]:
    """log of the integral of (1 + d / at)^-m (1 + d / bt)^-k over d in (0, length), and means under its integrand.

    With d = c (e^u - 1), c the scale on which the integrand starts to fall, every feature has a width of about 1 in u,
    so a few Gauss-Legendre nodes suffice for any m (as c <= at and c <= bt, the poles at d = -at and d = -bt keep their
    distance too). The means (four rows) are those of log(1 + d / at),
    log(1 + d / bt), d / (at + d) and d / (bt + d), which give all derivatives.
    """
    c = 1.0 / (np.maximum(m, 1.0) / at + k / bt)
    span = np.log1p(length / c)
    log_mean, means = np.empty(len(m)), np.empty((4, len(m)))
    lower = 0.0
    for upper, n in NODES:
        rows = np.flatnonzero((span >= lower) & (span < upper))
        lower = upper
        node, weight = _legendre(n)
        for start in range(0, len(rows), BLOCK):
            i = rows[start : start + BLOCK]
            growth = np.exp(span[i, None] * (0.5 * (1.0 + node)))
            over_a, over_b = (growth - 1.0) * (c / at)[i, None], (growth - 1.0) * (c / bt)[i, None]
            log_a, log_b = np.log(1.0 + over_a), np.log(1.0 + over_b)
            f = growth * np.exp(-m[i, None] * log_a - k * log_b) * (0.5 * weight)
            total = f.sum(axis=1)
            log_mean[i] = np.log(total)
            over_a /= 1.0 + over_a
            over_b /= 1.0 + over_b
            for row, g in enumerate((log_a, log_b, over_a, over_b)):
                means[row, i] = (f * g).sum(axis=1) / total
    with np.errstate(divide="ignore"):  # an interval of no length: log 0 = -inf is the right answer
        return np.log(c) + np.log(span) + log_mean, means
