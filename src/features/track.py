"""A track: what happened to each customer on each local day, as exact integers.

In: cells, one per (customer, local day) on which something happened, in that order. Out: for every measure one integer
per cell and its prefix sums, and the positions of day edges among the cells. Cutoffs and window edges are local
midnights, so nothing finer than a day is ever asked for; sums over days are differences of integer prefix sums, so one
customer alone, a shard and the whole give the same bits. A cell without any of a measure has 0 of it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError
from .once import once

Int64 = NDArray[np.int64]
Float64 = NDArray[np.float64]


@dataclass(frozen=True)
class Measure:
    """Something counted or added up per cell: its scale (divisor to the shown unit) and its definition."""

    scale: int
    of: Callable[[Any], Int64]


class Track(ABC):
    """Cells (customer, local day), ascending.

    Parameters
    ----------
    n_customers : int
    customer, day : ndarray of int64, shape (n_cells,)
        The customer's index and the day number of each cell, sorted by both; no cell twice.
    """

    def __init__(self, n_customers: int, customer: Int64, day: Int64) -> None:
        self.n_customers, self.customer, self.day = n_customers, customer, day
        self._values: dict[str, Int64] = {}
        self._prefixes: dict[str, Int64] = {}
        self._marks: dict[str, Int64] = {}

    @abstractmethod
    def measure(self, name: str) -> Measure:
        """The measure of a name."""

    @property
    def n_cells(self) -> int:
        """How many cells."""
        return len(self.day)

    @once
    def starts(self) -> Int64:
        """Where each customer's cells begin, shape (n_customers + 1,)."""
        starts = np.zeros(self.n_customers + 1, np.int64)
        np.bincount(self.customer, minlength=self.n_customers).cumsum(out=starts[1:])
        return starts

    def values(self, measure: str) -> Int64:
        """One integer per cell of a measure."""
        if measure not in self._values:
            self._values[measure] = self.measure(measure).of(self)
        return self._values[measure]

    def prefix(self, measure: str) -> Int64:
        """Sum of a measure over all cells before each position, shape (n_cells + 1,)."""
        if measure not in self._prefixes:
            sums = np.zeros(self.n_cells + 1, np.int64)
            self.values(measure).cumsum(out=sums[1:])
            self._prefixes[measure] = sums
        return self._prefixes[measure]

    def prefixes(self, measures: Sequence[str]) -> Int64:
        """The same of several measures at once, shape (n_measures, n_cells + 1)."""
        sums = np.zeros((len(measures), self.n_cells + 1), np.int64)
        if measures and self.n_cells:
            np.array([self.values(name) for name in measures]).cumsum(axis=1, out=sums[:, 1:])
        return sums

    def marks(self, measure: str) -> Int64:
        """Positions of the cells at which a 0/1 measure is 1; its prefix sums count them."""
        if measure not in self._marks:
            values = self.values(measure)
            self._marks[measure] = values.nonzero()[0]
            if len(self._marks[measure]) != values.sum():
                raise DataError(f"`{measure}` does not mark days with 0 and 1", code="RG028")
        return self._marks[measure]

    def before(self, edges: Edges) -> NDArray[np.int32]:
        """Cells of all earlier customers plus the customer's own before each edge, shape (n_customers, n_edges + 1).

        The last column counts all of the customer's cells.
        """
        width = len(edges.days) + 1
        # The cells ascend in (customer, edges reached): the number before each place of the grid is a staircase.
        place = self.customer * width
        place += edges.reached(self.day)
        steps = np.empty(self.n_cells + 1, np.int64)
        steps[:-1], steps[-1] = place, self.n_customers * width
        steps[1:] -= place
        stairs = np.arange(self.n_cells + 1, dtype=np.int32)
        return stairs.repeat(steps).reshape(self.n_customers, width)


def added_up(values: Int64 | NDArray[np.bool_], first: Int64) -> Int64:
    """Sums of runs that begin at `first` (ascending, from 0 on), exact.

    Examples
    --------
    >>> added_up(np.array([1, 2, 4, 8]), np.array([0, 3])).tolist()
    [7, 8]
    """
    return np.add.reduceat(values, first, dtype=np.int64) if len(first) else np.zeros(0, np.int64)


def changes(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Whether each value differs from the one before it; the first always does.

    Examples
    --------
    >>> changes(np.array([4, 4, 5])).tolist()
    [True, False, True]
    """
    changed = np.empty(len(values), bool)
    changed[:1] = True
    np.not_equal(values[1:], values[:-1], out=changed[1:])
    return changed


class Edges:
    """Days, ascending, each once, at which windows begin or end.

    Examples
    --------
    >>> Edges(np.array([3, 7])).reached(np.array([2, 3, 6, 7, 99])).tolist()
    [0, 1, 1, 2, 2]
    """

    def __init__(self, days: Int64) -> None:
        self.days = days
        self._day0 = int(days[0]) - 1 if len(days) else 0
        self._table = np.cumsum(np.bincount(days - self._day0)) if len(days) else np.zeros(1, np.int64)

    def reached(self, day: Int64) -> Int64:
        """How many edges lie at or before each day: a day at an edge is not before it."""
        return self._table.take(day - self._day0, mode="clip")
