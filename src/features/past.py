"""What was known about each customer before each cutoff: the only thing a feature family sees.

In: a `History`, cutoffs. Out: `Past`, one row per (customer at risk, cutoff), and on it `Span`, half-open windows of
days in which families count and add. A window that starts before the ledger does is missing (NaN), never truncated.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..clock import Cutoff
from .history import MEASURES, History, ascending, positions
from .lines import Float64, Int64
from .orders import Pairs


class Past:
    """One row per (customer at risk, cutoff), sorted by customer, then cutoff; sees only rows before the cutoff.

    Parameters
    ----------
    history : History
    cutoffs : sequence of Cutoff, ascending
    offsets : sequence of int
        Days before the cutoff at which windows will begin; others are worked out when asked for, more slowly.
    """

    def __init__(self, history: History, cutoffs: Sequence[Cutoff], offsets: Sequence[int] = ()) -> None:
        ascending(cutoffs)
        self.history = history
        self._cutoff_days = np.array([c.day for c in cutoffs], np.int64)
        self.asked: set[int] = set()
        self.asked_columns: set[str] = set()
        self._edges = self._edges_of({0, *offsets})
        self._grid = positions(history.customer, history.lines.n_customers, history.lines.time, self._edges)
        self.row_customer, self.row_cutoff = self._at_risk()
        self.cutoff_day: Int64 = self._cutoff_days[self.row_cutoff]
        self._start = history.lines.starts[self.row_customer]
        self._rows: dict[int, Int64] = {}
        self._pair_grids: dict[tuple[str, int], Int64] = {}

    @property
    def n_rows(self) -> int:
        """How many rows are at risk."""
        return len(self.row_customer)

    @property
    def customer_id(self) -> NDArray[np.object_]:
        """Whose row it is, shape (n_rows,)."""
        return self.history.lines.customer_ids[self.row_customer]

    def has(self, column: str) -> bool:
        """Whether the source has an optional column; only columns asked for here are read from the ledger."""
        self.asked_columns.add(column)
        return self.history.has(column)

    def _instants(self, offset: int) -> Int64:
        return np.array([self.history.zone.midnight(int(d) - offset) for d in self._cutoff_days], np.int64)

    def _edges_of(self, offsets: set[int]) -> Int64:
        return np.unique(np.concatenate([self._instants(o) for o in sorted(offsets)]))

    def _at_risk(self) -> tuple[Int64, Int64]:
        """Customer and cutoff of each row: whoever has a purchase before the cutoff."""
        bought = self.history.prefix("purchase")
        end = self._grid[:, np.searchsorted(self._edges, self._instants(0))]
        rows = np.nonzero(bought[end] > bought[self.history.lines.starts[:-1, None]])
        return rows[0], rows[1]

    def position(self, offset: int) -> Int64:
        """Per row, the position of the first line at or after (cutoff - offset days)."""
        self.asked.add(offset)
        if offset not in self._rows:
            instants = self._instants(offset)
            edge = np.searchsorted(self._edges, instants)
            known = bool((edge < len(self._edges)).all()) and bool((self._edges[edge] == instants).all())
            if known:
                grid = self._grid
            else:
                edges = np.unique(instants)
                lines = self.history.lines
                grid = positions(self.history.customer, lines.n_customers, lines.time, edges)
                edge = np.searchsorted(edges, instants)
            self._rows[offset] = grid[self.row_customer, edge[self.row_cutoff]]
        return self._rows[offset]

    def pair_grid(self, column: str, offset: int) -> Int64:
        """Per pair (customer, code) and cutoff, the number of pair lines before (cutoff - offset days), cumulated."""
        if (column, offset) not in self._pair_grids:
            pairs = self.history.pairs(column)
            edges = self._instants(offset)
            grid = positions(pairs.pair, len(pairs.first_line), self.history.lines.time[pairs.line], edges)
            self._pair_grids[column, offset] = grid
        return self._pair_grids[column, offset]

    def all(self) -> Span:
        """Everything before the cutoff."""
        return Span(self, None, 0)

    def last(self, days: int) -> Span:
        """[cutoff - days, cutoff)."""
        return Span(self, days, 0)

    def between(self, older: int, newer: int) -> Span:
        """[cutoff - older, cutoff - newer), in days."""
        return Span(self, older, newer)

    def first_day(self, mark: str) -> Float64:
        """Day number of the customer's first marked line before the cutoff (NaN if none)."""
        index, found = self._mark(mark, 0)
        return np.where(found, self._taken(self.history.day, index), np.nan)

    def last_day(self, mark: str) -> Float64:
        """Day number of the customer's last marked line before the cutoff (NaN if none)."""
        index, found = self._mark(mark, -1)
        return np.where(found, self._taken(self.history.day, index), np.nan)

    def days_since(self, mark: str) -> Float64:
        """Cutoff date minus the date of the last marked line, in calendar days (>= 1; NaN if none)."""
        return np.asarray(self.cutoff_day - self.last_day(mark))

    def at_last(self, mark: str, values: Int64) -> Float64:
        """A value per line, taken at the last marked line before the cutoff (NaN if none)."""
        index, found = self._mark(mark, -1)
        return np.where(found, self._taken(values, index), np.nan)

    def _mark(self, mark: str, which: int) -> tuple[Int64, NDArray[np.bool_]]:
        """Index of the first (0) or last (-1) marked line of each row, and whether there is one."""
        marks, sums = self.history.marks(mark), self.history.prefix(mark)
        counts, before = sums[self.position(0)], sums[self._start]
        found = counts > before
        chosen = before if which == 0 else counts - 1
        return self._taken(marks, np.where(found, chosen, 0)), found

    @staticmethod
    def _taken(values: Int64, index: Int64) -> Int64:
        """values[index], or zeros where there is nothing to take from."""
        return values[index] if len(values) else np.zeros(len(index), np.int64)


class Span:
    """A half-open window of days before each row's cutoff.

    Sums are float64 in the measure's unit, exact integers divided once; NaN where the window starts before the ledger.
    """

    def __init__(self, past: Past, older: int | None, newer: int) -> None:
        self.past = past
        self.older, self.newer = older, newer
        self._from = past._start if older is None else past.position(older)
        self._to = past.position(newer)

    @property
    def covered(self) -> NDArray[np.bool_]:
        """Whether the ledger covers the whole window."""
        if self.older is None:
            return np.ones(self.past.n_rows, bool)
        return np.asarray(self.past.cutoff_day - self.older >= self.past.history.history_starts.day)

    def integer(self, measure: str) -> Int64:
        """The exact sum of a measure, in its stored scale, whether covered or not."""
        sums = self.past.history.prefix(measure)
        return sums[self._to] - sums[self._from]

    def sum(self, measure: str) -> Float64:
        """The sum of a measure over the window (see `MEASURES`)."""
        value = self.integer(measure) / MEASURES[measure].scale
        return value if self.older is None else np.where(self.covered, value, np.nan)

    def distinct(self, column: str) -> Float64:
        """How many different codes of a column occur on the window's lines; lines without one do not count."""
        pairs, counts = self._pair_counts(column)
        seen = np.zeros((len(counts) + 1, counts.shape[1]), np.int64)
        np.cumsum(counts > 0, axis=0, out=seen[1:])
        return self._of_customers(seen[pairs.bounds[1:]] - seen[pairs.bounds[:-1]])

    def top_share(self, column: str) -> Float64:
        """Share of the window's lines (with a code) that carry the most frequent code; NaN without any."""
        pairs, counts = self._pair_counts(column)
        top = np.zeros((len(pairs.bounds) - 1, counts.shape[1]), np.int64)
        some = np.diff(pairs.bounds) > 0
        if some.any():
            top[some] = np.maximum.reduceat(counts, pairs.bounds[:-1][some], axis=0)
        return ratio(self._of_customers(top), self.sum(f"named_{column}"))

    def _pair_counts(self, column: str) -> tuple[Pairs, Int64]:
        """The window's lines of each pair (customer, code) at each cutoff, shape (n_pairs, n_cutoffs)."""
        pairs = self.past.history.pairs(column)
        since = pairs.first_line[:, None] if self.older is None else self.past.pair_grid(column, self.older)
        return pairs, self.past.pair_grid(column, self.newer) - since

    def _of_customers(self, table: Int64) -> Float64:
        """Rows of a table of customers x cutoffs; NaN where the window is not covered."""
        value = table[self.past.row_customer, self.past.row_cutoff].astype(np.float64)
        return value if self.older is None else np.where(self.covered, value, np.nan)


def ratio(part: Float64, whole: Float64) -> Float64:
    """part / whole where whole > 0, else NaN.

    Examples
    --------
    >>> ratio(np.array([1.0, 1.0]), np.array([4.0, 0.0])).tolist()
    [0.25, nan]
    """
    positive = whole > 0
    return np.where(positive, part / np.where(positive, whole, 1.0), np.nan)
