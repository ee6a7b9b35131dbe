"""What buy-till-you-die models know of each customer, and the compressed rows from which they are fitted.

In: repeat purchases, last purchase and age of each customer at a cutoff, in any one unit of time. Out: a `Summary`, and
`Rows`. Malformed rows are refused when the `Summary` is made and nothing is imputed; only the mean value may be missing
(nan), where no repeat purchase has one. Fits run on distinct rows with counts, in units of the mean age, so that
neither row order nor time unit matters.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import DataError, NotEnoughData
from .optimum import WeakPrior

Float = NDArray[np.float64]
Int = NDArray[np.int64]
Real = NDArray[np.floating[Any]]

MOST_ROWS = 100_000
"""Most rows that a fit looks at: the sampling error of four parameters costs a customer 4 / 200,000 in log loss."""

COLUMNS = ("frequency", "recency", "T", "value", "n_valued")


@dataclass(frozen=True, eq=False, init=False, repr=False)
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
    value : array of shape (n_customers,), currency, optional
        Mean value of the repeat purchases worth more than 0; nan where there is none.
    n_valued : array of shape (n_customers,), whole, >= 0, optional
        How many repeat purchases ``value`` is the mean of; as many as ``frequency`` where only ``value`` is given.

    Raises
    ------
    DataError
        ``RG050`` for columns that do not fit together, ``RG051`` naming the rows that cannot be.

    Examples
    --------
    >>> s = Summary(frequency=[2, 0], recency=[30, 0], T=[40, 10], value=[9.5, float("nan")])
    >>> len(s), s.recency, s.n_valued
    (2, array([30.,  0.]), array([2, 0]))
    >>> s
    Summary(2 customers, of whom 1 bought again: 2 repeat purchases in a mean age of 25)
    """

    frequency: Int
    recency: Float
    T: Float
    value: Float
    n_valued: Int

    def __init__(
        self,
        frequency: ArrayLike,
        recency: ArrayLike,
        T: ArrayLike,
        value: ArrayLike | None = None,
        n_valued: ArrayLike | None = None,
    ) -> None:
        x = np.asarray(frequency, np.float64)
        z = np.full(x.shape, np.nan) if value is None else np.asarray(value, np.float64)
        if n_valued is None:
            n_valued = np.where(z > 0, x, 0.0) if z.shape == x.shape else z
        columns = (x, *(np.asarray(c, np.float64) for c in (recency, T)), z, np.asarray(n_valued, np.float64))
        given: dict[str, Float] = dict(zip(COLUMNS, columns, strict=True))
        shapes = {name: column.shape for name, column in given.items()}
        if len(set(shapes.values())) != 1 or any(len(s) != 1 for s in shapes.values()):
            raise DataError(f"the columns of the summary have shapes {shapes}", needed="one length", code="RG050")
        _refuse(given)
        for name, column in given.items():
            object.__setattr__(self, name, column.astype(np.int64) if name in ("frequency", "n_valued") else column)

    @classmethod
    def known(cls, frequency: Int, recency: Float, T: Float, value: Float, n_valued: Int) -> Self:
        """Of columns that are known to be right, as those of a panel and parts of another summary are."""
        found = cls.__new__(cls)
        for name, column in zip(COLUMNS, (frequency, recency, T, value, n_valued), strict=True):
            object.__setattr__(found, name, column)
        return found

    @classmethod
    def newcomers(cls, n: int = 1) -> Self:
        """Customers on the day of their first purchase: no repeat purchase, recency 0 and T 0.

        What a model says of them is what it expects of anyone who has just bought for the first time.

        Examples
        --------
        >>> Summary.newcomers(3)
        Summary(3 customers, of whom 0 bought again: 0 repeat purchases in a mean age of 0)
        """
        return cls(np.zeros(n), np.zeros(n), np.zeros(n))

    def distinct(self) -> tuple[Summary, NDArray[np.int64]]:
        """The rows that differ in x, t_x or T, without their values, and for each customer which of them it has."""
        order = self.order()
        first = self.differs(order)
        at = np.empty(len(self), np.int64)
        at[order] = np.cumsum(first) - 1
        return self._unvalued(order[first]), at

    def ages(self) -> tuple[Summary, NDArray[np.int64]]:
        """The rows that differ in x or T, as if everyone had just bought, and for each customer which of them it has.

        What is asked of later times of those who are still active depends on no more than these.
        """
        order = np.lexsort((self.T, self.frequency))
        first = (np.diff(self.frequency[order], prepend=-1) != 0) | (np.diff(self.T[order], prepend=-1) != 0)
        at = np.empty(len(self), np.int64)
        at[order] = np.cumsum(first) - 1
        x, T = self.frequency[order[first]], self.T[order[first]]
        return Summary(x, np.where(x > 0, T, 0.0), T), at

    def _unvalued(self, rows: NDArray[np.int64]) -> Summary:
        """Some rows without their values."""
        x, n = self.frequency[rows], len(rows)
        return Summary.known(x, self.recency[rows], self.T[rows], np.full(n, np.nan), np.zeros(n, np.int64))

    def order(self) -> NDArray[np.intp]:
        """The customers sorted by x, t_x and T."""
        return np.lexsort((self.T, self.recency, self.frequency))

    def differs(self, order: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Where, in an order, a row differs in x, t_x or T from the one before."""
        steps = [np.diff(column[order], prepend=-1) != 0 for column in (self.frequency, self.recency, self.T)]
        return np.asarray(steps[0] | steps[1] | steps[2], np.bool_)

    def __len__(self) -> int:
        return len(self.frequency)

    def __repr__(self) -> str:
        again, age = int((self.frequency > 0).sum()), float(self.T.mean()) if len(self) else 0.0
        told = f"{len(self):,} customers, of whom {again:,} bought again"
        return f"Summary({told}: {self.frequency.sum():,} repeat purchases in a mean age of {age:.4g})"


def _refuse(column: Mapping[str, Float]) -> None:
    """Raise for the first kind of row that cannot be."""
    x, t_x, T, value, n = (column[k] for k in COLUMNS)
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
    """Distinct (x, t_x, T) with counts; times in units of ``unit``, the mean age of the customers.

    Of more than `MOST_ROWS` distinct rows there are as many customers, evenly spaced when sorted by x, t_x and T.
    """

    x: Int
    t_x: Float
    T: Float
    n: Float
    unit: float

    @property
    def repeat(self) -> float:
        """How many customers bought again; losses are means over them, as the others hardly tell the parameters."""
        return float(self.n[self.x > 0].sum())

    @property
    def rate(self) -> float:
        """Repeat purchases per customer, and so per mean age."""
        return float((self.x * self.n).sum() / self.n.sum())

    def mean_loss(self, log_l: Float, slopes: Float, parameters: Float) -> tuple[float, Float]:
        """Negative log-likelihood per customer who bought again, and its slope in the log parameters."""
        return -float((log_l * self.n).sum() / self.repeat), -(slopes * self.n).sum(axis=1) * parameters / self.repeat

    def log_likelihood(self, loss: float) -> float:
        """The log-likelihood of all customers in the unit of time they came in; an estimate if some stand for all."""
        return float(-loss * self.repeat - (self.x * self.n).sum() * np.log(self.unit))

    def weak_prior(self, leaving: float, likeness: str, length: str) -> WeakPrior:
        """What one would think of four parameters before any data, in units of the mean age.

        Customers differ as exponential distributions do (both shapes 1). They buy at the rate that all of them show
        together, the only median that is read off the data: a shop of grocers and one of sofas differ a thousandfold.
        ``leaving`` is the median of the third over the fourth parameter.
        """
        return WeakPrior(
            (
                ((1.0, 0.0, 0.0, 0.0), 1.0, "how much purchase rates differ"),
                ((1.0, -1.0, 0.0, 0.0), self.rate, "how often customers buy"),
                ((0.0, 0.0, 1.0, 0.0), 1.0, likeness),
                ((0.0, 0.0, 1.0, -1.0), leaving, length),
            )
        )

    @classmethod
    def of(cls, s: Summary) -> Rows:
        repeat = int((s.frequency > 0).sum())
        if repeat == 0:
            found = f"{len(s)} customers, {repeat} with a repeat purchase"
            raise NotEnoughData(
                found, needed="repeat purchases before the cutoff", do="take a later cutoff", code="RG052"
            )
        order = s.order()
        first = s.differs(order)
        each = 1.0
        if first.sum() > MOST_ROWS:
            each = len(order) / MOST_ROWS
            order = order[((np.arange(MOST_ROWS) + 0.5) * each).astype(np.int64)]
            first = s.differs(order)
        x, t_x, T = s.frequency[order][first], s.recency[order][first], s.T[order][first]
        count = each * np.diff(np.r_[np.flatnonzero(first), len(order)])
        unit = float((T * count).sum() / count.sum())
        return cls(x, t_x / unit, T / unit, count, unit)
