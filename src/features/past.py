"""What was known about each customer before each cutoff: the only thing a feature family sees.

In: a `History`, cutoffs. Out: `Past`, one row per (customer at risk, cutoff), and on it `Span`, half-open windows of
days in which families count and add. A window that starts before the ledger does is missing (NaN), never truncated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..clock import Cutoff
from .events import Events, Moments
from .groups import Group
from .history import History, ascending
from .reference import Reference
from .shape import Shape
from .track import Edges, Float64, Int64, Track


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

    @cached_property
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
    """

    def __init__(self, track: Track, rows: Rows, offsets: Sequence[int] = ()) -> None:
        self.track, self.rows = track, rows
        self.asked: set[int] = set()
        self._planned = frozenset({0, *offsets})
        self._positions: dict[int, Int64] = {}
        self._at: dict[tuple[str, int | None], Int64] = {}
        self._sums: dict[tuple[str, int | None, int], Float64] = {}
        self._marked: dict[tuple[str, int], tuple[Int64, NDArray[np.bool_]]] = {}
        self._before_ledger: dict[int, Float64 | None] = {}

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
        return np.where(found, _taken(self.track.day, index), np.nan)

    def last_day(self, mark: str) -> Float64:
        """Day number of the customer's last marked day before the cutoff (NaN if none)."""
        return self.at_last(mark, self.track.day)

    def days_since(self, mark: str) -> Float64:
        """Cutoff date minus the date of the last marked day, in calendar days (>= 1; NaN if none)."""
        return np.asarray(self.rows.day - self.last_day(mark))

    def at_last(self, mark: str, values: Int64) -> Float64:
        """A value per cell, taken at the last marked day before the cutoff (NaN if none)."""
        index, found = self._mark(mark, -1)
        return np.where(found, _taken(values, index), np.nan)

    def position(self, offset: int) -> Int64:
        """Per row, the position of the customer's first cell at or after (cutoff - offset days)."""
        self.asked.add(offset)
        if offset not in self._positions:
            # What was planned is looked up at once, as long as nothing else was.
            alone = offset not in self._planned
            plan = _edge_plan(self.rows.cutoff_days, frozenset({offset})) if alone else self._plan
            grid = self.track.before(plan.edges) if alone else self._grid
            place = plan.columns.take(self.rows.cutoff, axis=1)
            place += self.rows.customer * grid.shape[1]
            found = grid.ravel().take(place).astype(np.int64)
            self._positions.update(zip(plan.offsets, found, strict=True))
        return self._positions[offset]

    def at(self, measure: str, offset: int | None) -> Int64:
        """The prefix sum of a measure at a position; None: at the customer's beginning."""
        key = (measure, offset)
        if key not in self._at:
            position = self._start if offset is None else self.position(offset)
            self._at[key] = self.track.prefix(measure).take(position)
        return self._at[key]

    def added(self, measure: str, older: int | None, newer: int) -> Float64:
        """The sum of a measure over [cutoff - older, cutoff - newer) in its unit; NaN where not covered. Read-only."""
        key = (measure, older, newer)
        if key not in self._sums:
            scale = self.track.measure(measure).scale
            exact = self.at(measure, newer) - self.at(measure, older)
            value = exact / scale if scale != 1 else exact.astype(np.float64)
            if (missing := self.before_ledger(older)) is not None:
                value += missing
            value.flags.writeable = False
            self._sums[key] = value
        return self._sums[key]

    def before_ledger(self, older: int | None) -> Float64 | None:
        """Per row NaN where (cutoff - older days) lies before the ledger, else 0; None if it does nowhere."""
        if older is None:
            return None
        if older not in self._before_ledger:
            outside = np.array(self.rows.cutoff_days) - older < self.rows.history_starts
            self._before_ledger[older] = np.where(outside, np.nan, 0.0)[self.rows.cutoff] if outside.any() else None
        return self._before_ledger[older]

    @cached_property
    def _plan(self) -> _EdgePlan:
        return _edge_plan(self.rows.cutoff_days, self._planned)

    @cached_property
    def _grid(self) -> NDArray[np.int32]:
        return self.track.before(self._plan.edges)

    @cached_property
    def _start(self) -> Int64:
        return self.track.starts[self.rows.customer]

    def _mark(self, mark: str, which: int) -> tuple[Int64, NDArray[np.bool_]]:
        """Cell of the first (0) or last (-1) marked day of each row, and whether there is one."""
        if (mark, which) not in self._marked:
            counts, before = self.at(mark, 0), self.at(mark, None)
            found = counts > before
            chosen = before if which == 0 else counts - 1
            cell = _taken(self.track.marks(mark), np.where(found, chosen, 0))
            self._marked[mark, which] = (cell, found)
        return self._marked[mark, which]


class Past(View):
    """One row per (customer at risk, cutoff), sorted by customer, then cutoff; sees only rows before the cutoff.

    Parameters
    ----------
    history : History
    cutoffs : sequence of Cutoff, ascending
    offsets : sequence of int
        Days before the cutoff at which windows will begin.
    shape : Shape, optional
        What the ledger has.
    """

    def __init__(
        self, history: History, cutoffs: Sequence[Cutoff], offsets: Sequence[int] = (), shape: Shape | None = None
    ) -> None:
        ascending(cutoffs)
        self.history, self.shape = history, shape or Shape()
        self.asked_groups: set[str] = set()
        self.asked_columns: set[str] = set()
        self._views: dict[tuple[int, tuple[str, ...], str | None], View] = {}
        days = tuple(c.day for c in cutoffs)
        nobody = np.zeros(0, np.int64)
        super().__init__(history, Rows(nobody, nobody, days, history.history_starts.day), offsets)
        # At risk is whoever has a purchase before the cutoff.
        now = self._grid[:, self._plan.columns[self._plan.offsets.index(0)]]
        bought = history.prefix("purchase")
        at_risk = bought[now] > bought[history.starts[:-1, None]]
        customer, cutoff = np.nonzero(at_risk)
        self.rows = Rows(customer, cutoff, days, history.history_starts.day)

    @property
    def row_customer(self) -> Int64:
        """Index of the customer, per row."""
        return self.rows.customer

    @property
    def customer_id(self) -> NDArray[np.object_]:
        """Whose row it is, shape (n_rows,)."""
        return self.history.lines.customer_ids[self.rows.customer]

    def has(self, column: str) -> bool:
        """Whether the source has an optional column; only columns asked for here are read from the ledger."""
        self.asked_columns.add(column)
        return self.history.has(column)

    def events(self, *kinds: str, channel: str | None = None) -> View:
        """Events of some of the shape's kinds (all without one), on one channel or on any; measures of `events.py`."""
        return self._moments(self.history.beside.events, kinds, channel)

    def offers(self, kind: str) -> View:
        """Offers ``received`` or ``redeemed``; measures of `events.py`."""
        return self._moments(self.history.beside.offers, (kind,), None)

    def group(self, name: str, reference: Reference) -> Group:
        """What the Reference tells about a column or a group of customers; only those asked for are counted."""
        self.asked_groups.add(name)
        return reference.group(name)

    def bought(self, column: str, days: int) -> tuple[Int64, Int64]:
        """The row and the code of each line of positive money in [cutoff - days, cutoff) that has a code."""
        history, width = self.history, len(self.rows.cutoff_days)
        codes = history.lines.codes[column]
        line = np.flatnonzero((codes >= 0) & (history.lines.money["amount"] > 0))
        cutoffs = np.array(self.rows.cutoff_days)
        since = Edges(cutoffs).reached(history.line_day[line])
        seen = np.maximum(Edges(cutoffs - days).reached(history.line_day[line]) - since, 0)
        first = np.cumsum(seen) - seen
        cutoff = np.arange(int(seen.sum())) - np.repeat(first - since, seen)
        row_of = np.full(history.n_customers * width, -1, np.int64)
        row_of[self.rows.customer * width + self.rows.cutoff] = np.arange(self.n_rows)
        return row_of[np.repeat(history.line_customer[line], seen) * width + cutoff], np.repeat(codes[line], seen)

    def trait(self, values: NDArray[Any]) -> NDArray[Any]:
        """A value per customer, per row."""
        return _taken(values, self.rows.customer)

    def _moments(self, events: Events, kinds: tuple[str, ...], channel: str | None) -> View:
        key = (id(events), kinds, channel)
        if key not in self._views:
            history, rows = self.history, self.rows
            if events.starts is not None and events.starts.day > rows.history_starts:
                rows = replace(rows, history_starts=events.starts.day)
            chosen = events.chosen(kinds or events.kinds, channel)
            self._views[key] = View(Moments(chosen, history.n_customers, history.zone), rows)
        return self._views[key]


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
        pairs, days = history.pairs(column), np.array(self.view.rows.cutoff_days)
        # A line speaks for its code at the cutoffs that it is the window's last such line of: [since, until).
        day = history.line_day[pairs.line]
        following = pairs.next_of(history.line_day, np.iinfo(np.int64).max)
        ends = Edges(days - self.newer)
        since, until = ends.reached(day), ends.reached(following)
        if self.older is not None:
            until = np.minimum(until, Edges(days - self.older).reached(day))
        speaks = until > since
        width = len(days) + 1
        first = history.line_customer[pairs.line[speaks]] * width
        size = history.n_customers * width
        change = np.bincount(first + since[speaks], minlength=size) - np.bincount(first + until[speaks], minlength=size)
        value = np.cumsum(change).astype(np.float64)[self.view.rows.customer * width + self.view.rows.cutoff]
        missing = self.view.before_ledger(self.older)
        return np.asarray(value if missing is None else value + missing)


@dataclass(frozen=True)
class _EdgePlan:
    """All edges of some cutoffs and offsets; where they stand among them has the shape (n_offsets, n_cutoffs)."""

    edges: Edges
    offsets: tuple[int, ...]
    columns: Int64


@lru_cache(maxsize=64)
def _edge_plan(cutoff_days: tuple[int, ...], offsets: frozenset[int]) -> _EdgePlan:
    days = np.array(cutoff_days, np.int64)
    edges = np.unique(np.concatenate([days - offset for offset in offsets]))
    return _EdgePlan(Edges(edges), tuple(offsets), np.stack([np.searchsorted(edges, days - o) for o in offsets]))


def _taken(values: Int64, index: Int64) -> Int64:
    """values[index], or zeros where there is nothing to take from."""
    return values.take(index) if len(values) else np.zeros(len(index), values.dtype)


def ratio(part: Float64 | Int64, whole: Float64 | Int64) -> Float64:
    """part / whole where whole > 0, else NaN.

    Examples
    --------
    >>> ratio(np.array([1.0, 1.0]), np.array([4.0, 0.0])).tolist()
    [0.25, nan]
    """
    # Dividing by NaN is four times as fast as dividing where a mask says so, and gives the same.
    return np.asarray(part / np.where(whole > 0, whole, np.nan))
