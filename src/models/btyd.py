"""What the buy-till-you-die models share: the summary they read, its compressed rows, the fit, the probabilities.

In: a `Summary` per customer at a cutoff (repeat purchases, last purchase, age), in any one unit of time. Out: the
base of `BgNbd` and `ParetoNbd`, and their optimiser. Malformed rows are refused when the
`Summary` is made and nothing is imputed; only the mean value may be missing (nan), where no repeat purchase has one.
Fits run on distinct rows with counts, in units of the mean age, so that neither row order nor time unit matters.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize
from scipy.special import expit, log_expit

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


class Rows(NamedTuple):
    """Distinct (x, t_x, T) with counts; times in units of ``unit``."""

    x: Int
    t_x: Float
    T: Float
    n: Float
    unit: float

    @classmethod
    def of(cls, s: Summary) -> Rows:
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


def rising(r: float, x: Int) -> tuple[Float, Float]:
    """log Gamma(r + x) / Gamma(r) and its derivative in r; a sum over whole x has no cancellation, unlike gammaln."""
    steps = r + np.arange(x.max(initial=0), dtype=np.float64)
    return np.r_[0.0, np.cumsum(np.log(steps))][x], np.r_[0.0, np.cumsum(1.0 / steps)][x]


def horizon_of(horizon_days: float) -> float:
    """A horizon as a float; `ConfigError` ``RG053`` unless it is finite and above 0."""
    if not (np.isfinite(horizon_days) and horizon_days > 0):
        raise ConfigError(f"horizon {horizon_days} cannot be", needed="a finite time above 0", code="RG053")
    return float(horizon_days)


def inside(p: ArrayLike) -> Float:
    """Probabilities kept off 0 and 1, so that their logits are finite."""
    return np.clip(np.asarray(p, np.float64), 1e-300, np.nextafter(1.0, 0.0))


class Timing(ABC):
    """What both models share once the odds of having died and the silence of the living are known."""

    def __post_init__(self) -> None:
        given = dict(list(self.to_dict().items())[:4])
        if not all(isinstance(v, (int, float)) and np.isfinite(v) and v > 0 for v in given.values()):
            raise ConfigError(f"the parameters are {given}", needed="finite numbers above 0", code="RG054")

    @abstractmethod
    def _log_dead_odds(self, s: Summary) -> Float:
        """log of P(died before T) / P(alive at T)."""

    @abstractmethod
    def _log_silence(self, s: Summary, h: float) -> Float:
        """log P(no purchase in (T, T + h] | alive at T)."""

    def p_alive(self, summary: Summary) -> Float:
        """P(alive at T | x, t_x, T), in [0, 1]."""
        return np.asarray(expit(-self._log_dead_odds(summary)), np.float64)

    def p_no_purchase(self, summary: Summary, horizon_days: float) -> Float:
        """P(no purchase in (T, T + h]) = L(x, t_x, T + h) / L(x, t_x, T), in (0, 1), falling with h.

        Raises `ConfigError` ``RG053`` unless the horizon, in the unit of the fit, is above 0.
        """
        # L is the sum of "still alive" and "died before T"; a longer silence changes the first term alone.
        z, log_q = self._log_dead_odds(summary), self._log_silence(summary, horizon_of(horizon_days))
        return inside(np.exp(np.logaddexp(log_expit(z), log_expit(-z) + log_q)))

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


def mean_loss(log_l: Float, slopes: Float, count: Float, parameters: Float) -> tuple[float, Float]:
    """Mean negative log-likelihood per customer and its slope in the log parameters."""
    n = count.sum()
    return -float((log_l * count).sum() / n), -(slopes * count).sum(axis=1) * parameters / n
