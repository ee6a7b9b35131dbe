"""A track seen from the rows of a panel: only days before each row's cutoff, in half-open windows of days.

In: a `Track`, rows (customer, cutoff). Out: `View`, and on it `Span`, windows in which families count and add: sums of
exact integers, each a difference of prefix sums. A window that starts before the ledger does is missing (NaN), never
truncated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .asked import Asked, EdgePlan, Known, Sum, edge_plan, edges_before
from .history import History
from .once import once
from .track import Float64, Int64, Track

FEW = 2**15
"""Numbers that are worked out at once."""


@dataclass(frozen=True)
class Rows:
    """Which customer each row is about, and as of which of the cutoffs (day numbers, ascending)."""

    customer: Int64
    cutoff: Int64
    cutoff_days: tuple[int, ...]
    history_starts: int

    @property
    def n(self) -> int:
        """How many rows."""
        return len(self.customer)

    @once
    def day(self) -> Int64:
        """The cutoff's day number, per row."""
        return np.array(self.cutoff_days, np.int64)[self.cutoff]


class View:
    """A track seen from rows: only days before each row's cutoff.

    Parameters
    ----------
    track : Track
    rows : Rows
    offsets : sequence of int
        Days before the cutoff at which windows will begin; others are worked out when asked for, more slowly.
    planned : Asked, optional
        What will be asked; of a few rows it is looked up at once.
    """

    def __init__(self, track: Track, rows: Rows, offsets: Sequence[int] = (), planned: Asked | None = None) -> None:
        self.track, self.rows = track, rows
        self.asked: set[int] = set()
        self._planned = frozenset({0, *offsets, *(planned.offsets if planned else ())})
        self._positions: dict[int, Int64] = {}
        self._at: dict[tuple[str, int | None], Int64] = {}
        self._sums: dict[tuple[str, int | None, int], Float64] = {}
        self._marked: dict[tuple[str, int], tuple[Int64, NDArray[np.bool_]]] = {}
        self._before_ledger: dict[int, Float64 | None] = {}
        self._known: Known | None = None
        if planned:
            self._look_up(planned)

    @property
    def was_asked(self) -> Asked:
        """What was asked so far."""
        return Asked.of(self._at, self._scaled())

    @property
    def n_rows(self) -> int:
        """How many rows."""
        return self.rows.n

    @property
    def cutoff_day(self) -> Int64:
        """The cutoff's day number, per row."""
        return self.rows.day

    def all(self) -> Span:
        """Everything before the cutoff."""
        return Span(self, None, 0)

    def last(self, days: int) -> Span:
        """[cutoff - days, cutoff)."""
        return Span(self, days, 0)

    def between(self, older: int, newer: int) -> Span:
        """[cutoff - older, cutoff - newer), in days."""
        return Span(self, older, newer)

    def until(self, newer: int) -> Span:
        """Everything before (cutoff - newer days)."""
        return Span(self, None, newer)

    def first_day(self, mark: str) -> Float64:
        """Day number of the customer's first marked day before the cutoff (NaN if none)."""
        index, found = self._mark(mark, 0)
        return np.where(found, taken(self.track.day, index), np.nan)

    def last_day(self, mark: str) -> Float64:
        """Day number of the customer's last marked day before the cutoff (NaN if none)."""
        return self.at_last(mark, self.track.day)

    def days_since(self, mark: str) -> Float64:
        """Cutoff date minus the date of the last marked day, in calendar days (>= 1; NaN if none)."""
        return np.asarray(self.rows.day - self.last_day(mark))

    def at_last(self, mark: str, values: Int64) -> Float64:
        """A value per cell, taken at the last marked day before the cutoff (NaN if none)."""
        index, found = self._mark(mark, -1)
        return np.where(found, taken(values, index), np.nan)

    def position(self, offset: int) -> Int64:
        """Per row, the position of the customer's first cell at or after (cutoff - offset days)."""
        self.asked.add(offset)
        if offset not in self._positions:
            # What was planned is looked up at once, as long as nothing else was.
            if offset in self._planned:
                self._positions.update(zip(self._plan.offsets, self._placed(self._plan, self._grid), strict=True))
            else:
                alone = edge_plan(self.rows.cutoff_days, frozenset({offset}))
                self._positions[offset] = self._placed(alone, self.track.before(alone.edges))[0]
        return self._positions[offset]

    def _placed(self, plan: EdgePlan, grid: NDArray[np.int32]) -> Int64:
        """Where the offsets of a plan are among the cells, shape (n_offsets, n_rows)."""
        place = plan.columns.take(self.rows.cutoff, axis=1)
        place += self.rows.customer * grid.shape[1]
        return np.asarray(grid.ravel().take(place).astype(np.int64))

    def _look_up(self, planned: Asked) -> None:
        """All that was planned, if the rows are few: of many it would not fit into the processor's caches."""
        rows, plan = self.rows, self._plan
        if not 0 < rows.n * len(planned.counts) <= FEW:
            return
        position = self._placed(plan, self._grid)
        self._positions.update(zip(plan.offsets, position, strict=True))
        if plan.offsets != planned.offsets:
            position = position[[plan.offsets.index(offset) for offset in planned.offsets]]
        outside = planned.uncovered(np.array(rows.cutoff_days), rows.history_starts)
        missing = np.where(outside, np.nan, 0.0)[:, rows.cutoff]
        some: list[bool] = np.logical_or.reduce(outside, axis=1).tolist()
        for k, older in enumerate(planned.olders):
            if older is not None:
                self._before_ledger[older] = missing[k] if some[k] else None
        self._known = planned.read(self.track, self._start, position, missing if any(some) else None)

    def at(self, measure: str, offset: int | None) -> Int64:
        """The prefix sum of a measure at a position; None: at the customer's beginning."""
        key = (measure, offset)
        found = self._at.get(key)
        if found is None:
            found = self._known.count(key) if self._known else None
            if found is None:
                position = self._start if offset is None else self.position(offset)
                found = self.track.prefix(measure).take(position)
            self._at[key] = found
        return found

    def at_each(self, measure: str, offsets: tuple[int, ...]) -> Int64:
        """The prefix sums of a measure at several positions, shape (n_offsets, n_rows)."""
        found = self._known.block(measure, offsets) if self._known else None
        if found is None:
            found = np.array([self.at(measure, offset) for offset in offsets], np.int64)
        return found.reshape(len(offsets), self.n_rows)

    def added(self, measure: str, older: int | None, newer: int) -> Float64:
        """The sum of a measure over [cutoff - older, cutoff - newer) in its unit; NaN where not covered. Read-only."""
        key = (measure, older, newer)
        found = self._sums.get(key)
        if found is None:
            found = self._known.sum(key) if self._known else None
            if found is None:
                found = self._added(measure, older, newer)
            self._sums[key] = found
        return found

    def _added(self, measure: str, older: int | None, newer: int) -> Float64:
        scale = self.track.measure(measure).scale
        exact = self.at(measure, newer) - self.at(measure, older)
        value = exact / scale if scale != 1 else exact.astype(np.float64)
        if (missing := self.before_ledger(older)) is not None:
            value += missing
        value.flags.writeable = False
        return value

    def before_ledger(self, older: int | None) -> Float64 | None:
        """Per row NaN where (cutoff - older days) lies before the ledger, else 0; None if it does nowhere."""
        if older is None:
            return None
        if older not in self._before_ledger:
            outside = np.array(self.rows.cutoff_days) - older < self.rows.history_starts
            self._before_ledger[older] = np.where(outside, np.nan, 0.0)[self.rows.cutoff] if outside.any() else None
        return self._before_ledger[older]

    def _scaled(self) -> dict[Sum, int]:
        return {added: self.track.measure(added[0]).scale for added in self._sums}

    @once
    def _plan(self) -> EdgePlan:
        return edge_plan(self.rows.cutoff_days, self._planned)

    @once
    def _grid(self) -> NDArray[np.int32]:
        return self.track.before(self._plan.edges)

    @once
    def _start(self) -> Int64:
        return self.track.starts[self.rows.customer]

    def _mark(self, mark: str, which: int) -> tuple[Int64, NDArray[np.bool_]]:
        """Cell of the first (0) or last (-1) marked day of each row, and whether there is one."""
        if (mark, which) not in self._marked:
            counts, before = self.at(mark, 0), self.at(mark, None)
            found = counts > before
            chosen = before if which == 0 else counts - 1
            cell = taken(self.track.marks(mark), np.where(found, chosen, 0))
            self._marked[mark, which] = (cell, found)
        return self._marked[mark, which]


class Span:
    """A half-open window of days before each row's cutoff.

    Sums are float64 in the measure's unit, exact integers divided once; NaN where the window starts before the ledger.
    """

    def __init__(self, view: View, older: int | None, newer: int) -> None:
        self.view, self.older, self.newer = view, older, newer

    @property
    def covered(self) -> NDArray[np.bool_]:
        """Whether the ledger covers the whole window."""
        missing = self.view.before_ledger(self.older)
        return np.ones(self.view.n_rows, bool) if missing is None else ~np.isnan(missing)

    def integer(self, measure: str) -> Int64:
        """The exact sum of a measure, in its stored scale, whether covered or not."""
        return self.view.at(measure, self.newer) - self.view.at(measure, self.older)

    def sum(self, measure: str) -> Float64:
        """The sum of a measure over the window (see `measures.MEASURES`); not to be changed in place."""
        return self.view.added(measure, self.older, self.newer)

    def distinct(self, column: str) -> Float64:
        """How many different codes of a column occur on the window's lines; lines without one do not count."""
        history = self.view.track
        if not isinstance(history, History):
            raise TypeError("only purchases have codes")
        if self.older is None and self.newer == 0:
            return self.sum(f"new_{column}")
        pairs, days = history.pairs(column), self.view.rows.cutoff_days
        # A line speaks for its code at the cutoffs that it is the window's last such line of: [since, until).
        day = history.line_day[pairs.line]
        following = pairs.next_of(history.line_day, np.iinfo(np.int64).max)
        ends = edges_before(days, self.newer)
        since, until = ends.reached(day), ends.reached(following)
        if self.older is not None:
            until = np.minimum(until, edges_before(days, self.older).reached(day))
        speaks = until > since
        width = len(days) + 1
        first = history.line_customer[pairs.line[speaks]] * width
        size = history.n_customers * width
        change = np.bincount(first + since[speaks], minlength=size) - np.bincount(first + until[speaks], minlength=size)
        value = change.cumsum().astype(np.float64)[self.view.rows.customer * width + self.view.rows.cutoff]
        missing = self.view.before_ledger(self.older)
        return np.asarray(value if missing is None else value + missing)


def taken(values: Int64, index: Int64) -> Int64:
    """values[index], or zeros where there is nothing to take from."""
    return values.take(index) if len(values) else np.zeros(len(index), values.dtype)
