"""Small sums that grow stretch by stretch: histograms of logarithms, the largest values, numbers for texts.

In: arrays of one stretch after the other. Out: counts that do not depend on how the stretches were cut. Missing values
are left out by the caller.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from ..features.lines import Float64, Int64
from ..intake.hashes import Words

LOWEST, HIGHEST = -4, 14
"""Decades of money: from 1/10,000 to beyond what DECIMAL(18, 4) holds."""


def bin_of(decades: Float64, per_decade: int) -> Int64:
    """The number of the bin of a decimal logarithm, `per_decade` of them to a decade.

    Examples
    --------
    >>> bin_of(np.array([-4.0, 0.0, 1.05]), 10).tolist()
    [0, 40, 50]
    """
    found = np.floor((decades - LOWEST) * per_decade + 1e-9).astype(np.int64)
    return np.clip(found, 0, (HIGHEST - LOWEST) * per_decade - 1)


def median_of_counts(counts: Int64 | Float64) -> float:
    """The median of whole numbers of which 0 occurs `counts[0]` times, 1 `counts[1]` times, and so on.

    Examples
    --------
    >>> median_of_counts(np.array([0, 1, 2, 0, 0, 1])), median_of_counts(np.array([0, 2, 0, 0, 2]))
    (2.0, 2.5)
    """
    sums = np.cumsum(counts)
    low, high = np.searchsorted(sums, [(sums[-1] - 1) // 2, sums[-1] // 2], side="right")
    return float(low + high) / 2


class Histogram:
    """Counts of positive values by their logarithm.

    Examples
    --------
    >>> h = Histogram(64)
    >>> h.add(np.log10(np.array([1.0] * 99 + [1000.0])))
    >>> 0.98 < h.quantile(0.5) < 1.04, 990 < h.quantile(0.995) < 1040
    (True, True)
    """

    def __init__(self, per_decade: int) -> None:
        self.per_decade = per_decade
        self.counts = np.zeros((HIGHEST - LOWEST) * per_decade, np.int64)

    def add(self, decades: Float64) -> None:
        """Take in values, given by their decimal logarithm."""
        self.counts += np.bincount(bin_of(decades, self.per_decade), minlength=len(self.counts))

    def quantile(self, share: float) -> float:
        """The middle of the bin that holds a quantile, in money; 0 when there is nothing."""
        total = int(self.counts.sum())
        if not total:
            return 0.0
        at = int(np.searchsorted(np.cumsum(self.counts), share * total, side="left"))
        return float(10 ** (LOWEST + (at + 0.5) / self.per_decade))

    def coarse(self, per_decade: int) -> tuple[tuple[float, int], ...]:
        """The middle and the count of wider bins, from the first to the last that is not empty."""
        edges = np.arange(len(self.counts)) * per_decade // self.per_decade
        counts = np.bincount(edges, weights=self.counts).astype(np.int64)
        some = np.flatnonzero(counts)
        if not len(some):
            return ()
        shown = range(int(some[0]), int(some[-1]) + 1)
        return tuple((float(10 ** (LOWEST + (i + 0.5) / per_decade)), int(counts[i])) for i in shown)


class Largest:
    """The rows with the largest keys seen so far, at most so many; ties go to those seen first."""

    def __init__(self, most: int, *names: str) -> None:
        self.most, self.names = most, names
        self.rows = np.zeros((0, 1 + len(names)), np.int64)

    def add(self, key: Int64, *columns: Int64) -> None:
        """Take in rows."""
        floor = self.rows[-1, 0] if len(self.rows) == self.most else np.iinfo(np.int64).min
        above = np.flatnonzero(key > floor)
        if len(above) > self.most:
            above = above[np.argsort(-key[above], kind="stable")[: self.most]]
            above.sort()
        if len(above):
            new = np.column_stack([key[above], *(c[above] for c in columns)])
            both = np.concatenate([self.rows, new])
            self.rows = both[np.argsort(-both[:, 0], kind="stable")[: self.most]]

    def column(self, name: str) -> Int64:
        """One of the columns, of the largest first."""
        return np.asarray(self.rows[:, 1 + self.names.index(name)])

    @property
    def keys(self) -> Int64:
        """The keys, the largest first."""
        return np.asarray(self.rows[:, 0])


class Numbering:
    """Numbers for distinct texts, in order of first appearance; texts are told apart by a hash of 64 bits.

    Examples
    --------
    >>> n = Numbering()
    >>> n.of(pa.array(["x", "y"]), np.array([7, 3], np.uint64)), n.of(pa.array(["y"]), np.array([3], np.uint64))
    (array([0, 1]), array([1]))
    >>> n.texts().to_pylist()
    ['x', 'y']
    """

    def __init__(self) -> None:
        self._words, self._numbers = np.zeros(0, np.uint64), np.zeros(0, np.int64)
        self._names: list[pa.Array] = []
        self.last_new = pa.array([], pa.string())

    def __len__(self) -> int:
        return len(self._words)

    def of(self, names: pa.Array, words: Words) -> Int64:
        """The numbers of distinct texts; those seen for the first time are then in `last_new`."""
        at = np.searchsorted(self._words, words)
        known = np.zeros(len(words), bool)
        inside = at < len(self._words)
        known[inside] = self._words[at[inside]] == words[inside]
        numbers = np.empty(len(words), np.int64)
        numbers[known] = self._numbers[at[known]]
        fresh = np.flatnonzero(~known)
        numbers[fresh] = len(self._words) + np.arange(len(fresh))
        self.last_new = names.take(pa.array(fresh))
        if len(fresh):
            self._names.append(self.last_new)
            sort = np.argsort(words[fresh], kind="stable")
            place = at[fresh][sort]
            self._words = np.insert(self._words, place, words[fresh][sort])
            self._numbers = np.insert(self._numbers, place, numbers[fresh][sort])
        return numbers

    def texts(self) -> pa.Array:
        """All texts, by number."""
        return pa.concat_arrays([pa.array([], pa.string()), *self._names])


def grown(values: Int64, size: int) -> Int64:
    """An array with zeros at its end up to a size; with room to spare, so that it seldom grows.

    Examples
    --------
    >>> grown(np.array([1]), 2)[:2].tolist()
    [1, 0]
    """
    if len(values) >= size:
        return values
    longer = np.zeros(max(size, 2 * len(values)), np.int64)
    longer[: len(values)] = values
    return longer
