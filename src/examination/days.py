"""Purchases day by day: how many, for how much, of what size, at which hour.

In: stretches. Out: arrays over the local days of the ledger, and the instants of all orders. A day without lines has
zeros; free and returned lines count as lines but have no part in the sizes.
"""

from __future__ import annotations

import numpy as np

from ..features.lines import Int64
from .stretch import Stretch
from .tallies import HIGHEST, LOWEST, bin_of

PER_DECADE = 10
BINS = (HIGHEST - LOWEST) * PER_DECADE


class Days:
    """Sums by local day.

    Parameters
    ----------
    first, last : int
        Day numbers of the first and last line.
    """

    def __init__(self, first: int, last: int) -> None:
        self.first, self.n = first, last - first + 1
        self.lines, self.purchases, self.buyers, self.money, self.midnight = np.zeros((5, self.n), np.int64)
        self.sizes = np.zeros((self.n, BINS), np.int64)
        self._times: list[Int64] = []

    def add(self, stretch: Stretch) -> None:
        """Take in a stretch."""
        at = stretch.day - self.first
        self.lines += np.bincount(at, minlength=self.n)
        self.midnight += np.bincount(at[stretch.clock == 0], minlength=self.n)
        np.add.at(self.money, at, stretch.amount)
        positive = stretch.amount > 0
        cells = at[positive] * BINS + bin_of(stretch.decades[positive], PER_DECADE)
        np.add.at(self.sizes.reshape(-1), cells, 1)
        _, day, n = stretch.bought_days
        np.add.at(self.purchases, day - self.first, n)
        self.buyers += np.bincount(day - self.first, minlength=self.n)
        self._times.append(stretch.orders.time)

    @property
    def order_times(self) -> Int64:
        """The first instants of all orders, ascending, in UTC microseconds."""
        return np.sort(np.concatenate([np.zeros(0, np.int64), *self._times]))

    @property
    def days(self) -> Int64:
        """The day numbers."""
        return self.first + np.arange(self.n)

    @property
    def months(self) -> Int64:
        """For each day its month, counted from January 1970."""
        return self.days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)

    def typical(self, rows: Int64) -> float:
        """The median size of a positive line on the given days (by place), in money; 0 without one."""
        return median_size(self.sizes[rows].sum(axis=0))


def median_size(counts: Int64) -> float:
    """The median of a histogram of sizes, interpolated inside its bin.

    Examples
    --------
    >>> counts = np.zeros(BINS, np.int64)
    >>> counts[40:50] = 1
    >>> round(median_size(counts), 2)
    3.16
    """
    total = int(counts.sum())
    if not total:
        return 0.0
    sums = np.cumsum(counts)
    at = int(np.searchsorted(sums, total / 2))
    inside = (total / 2 - (sums[at] - counts[at])) / counts[at]
    return float(10 ** (LOWEST + (at + inside) / PER_DECADE))


def month_name(month: int) -> str:
    """A month counted from January 1970, as 2011-12.

    Examples
    --------
    >>> month_name(0), month_name(503)
    ('1970-01', '2011-12')
    """
    return f"{1970 + month // 12}-{month % 12 + 1:02d}"
