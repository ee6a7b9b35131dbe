"""The kernel: purchases of a block of customers, compressed to days, and the targets.

In: sorted `Lines` of whole customers, the counting rules, and what stands beside the purchases. Out: a `Track` of cells
(customer, local day) with every measure of `measures.MEASURES`, and `Future`, the targets. `past.py` looks at it from
cutoffs.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..clock import Cutoff, Zone
from ..errors import DataError
from ..schema import SCALE, Rules
from .events import RECEIVED, REDEEMED, Events, Traits
from .lines import Float64, Int64, Lines
from .measures import MEASURES, value_above_first
from .once import once
from .orders import Orders
from .pairs import Pairs
from .shape import Shape
from .track import Edges, Measure, Track, added_up


class History(Track):
    """Purchases of whole customers, with everything that is counted on them as exact integers per day.

    Parameters
    ----------
    lines : Lines
    rules : Rules
    history_starts : Cutoff
        The first day that the data cover; earlier windows are missing.
    beside : Beside, optional
        Events, offers and traits of the same customers.

    Examples
    --------
    >>> History(Lines.empty(), Rules("UTC"), Cutoff(0)).prefix("purchase").tolist()
    [0]
    """

    def __init__(self, lines: Lines, rules: Rules, history_starts: Cutoff, beside: Beside | None = None) -> None:
        self.lines, self.rules, self.history_starts = lines, rules, history_starts
        self.beside = beside or Beside(Events.none(), Events.none(), Traits())
        self.zone = Zone(rules.timezone)
        if any(_largest(v) * len(v) >= 2**62 for v in lines.money.values()):
            raise DataError(
                "money is too large to be added exactly",
                needed="less than 4e14 per block of customers",
                do="look at the giant amounts that `regulars check` lists, or count in thousands",
                code="RG022",
            )
        self.line_customer = np.repeat(np.arange(lines.n_customers), np.diff(lines.starts))
        self.line_day = self.zone.local_day(lines.time)
        new = np.ones(lines.n_lines, bool)
        np.not_equal(self.line_day[1:], self.line_day[:-1], out=new[1:])
        new[lines.starts[:-1][lines.starts[:-1] < lines.n_lines]] = True
        self.first_line = np.flatnonzero(new)
        self._new = new
        self._pairs: dict[str, Pairs] = {}
        self._occurrences: dict[str, Int64] = {}
        super().__init__(lines.n_customers, self.line_customer[self.first_line], self.line_day[self.first_line])

    def measure(self, name: str) -> Measure:
        """One of `MEASURES`."""
        return MEASURES[name]

    def has(self, column: str) -> bool:
        """Whether the source has an optional column."""
        return column in self.lines.money or column in self.lines.codes

    def daily(self, values: Int64 | NDArray[np.bool_]) -> Int64:
        """Values per line, added up per cell."""
        return added_up(values, self.first_line)

    def daily_orders(self, values: Int64) -> Int64:
        """Values per group of `orders`, added up per cell."""
        return added_up(values, self.orders.first)

    @once
    def orders(self) -> Orders:
        """What the lines of one order on one day are together."""
        return Orders.of(self.lines, self.line_cell, self.rules.count_free)

    @once
    def line_cell(self) -> Int64:
        """The cell of each line."""
        return np.cumsum(self._new) - 1

    @once
    def above_first(self) -> Int64:
        """Per group of `orders`: a purchase's value less what one was worth on the customer's first purchase day."""
        return value_above_first(self)

    def pairs(self, column: str) -> Pairs:
        """Lines regrouped by (customer, code of a column); lines without a code are left out."""
        if column not in self._pairs:
            self._pairs[column] = Pairs.of(self.line_customer, self.lines.codes[column])
        return self._pairs[column]

    def occurrence(self, column: str) -> Int64:
        """Per line: how many lines of this customer with the same code come before it; -1 without a code."""
        if column not in self._occurrences:
            pairs = self.pairs(column)
            self._occurrences[column] = np.full(self.lines.n_lines, -1, np.int64)
            self._occurrences[column][pairs.line] = pairs.occurrence
        return self._occurrences[column]

    @property
    def two_clocks(self) -> bool:
        """Whether any row may have become known later than it happened."""
        known = (self.lines.known_at, self.beside.events.known_at, self.beside.offers.known_at)
        return any(k is not None for k in known)

    def known_before(self, cutoff: Cutoff) -> History:
        """The same without rows that became known at or after a cutoff; itself when no table has `known_at`."""
        if not self.two_clocks:
            return self
        limit, lines = cutoff.instant(self.zone), self.lines
        if lines.known_at is not None:
            lines = lines.kept(lines.known_at < limit)
        return History(lines, self.rules, self.history_starts, self.beside.known_before(limit))

    def future(self, row_customer: Int64, cutoff_day: Int64, horizon_days: int) -> Future:
        """The targets of rows (index of the customer, cutoff's day number) over [cutoff, cutoff + horizon)."""
        edges, edge = np.unique(np.stack([cutoff_day, cutoff_day + horizon_days]), return_inverse=True)
        grid, edge = self.before(Edges(edges)), edge.reshape(2, -1)
        start, end = grid[row_customer, edge[0]], grid[row_customer, edge[1]]
        orders, spend, bought = self.prefix("purchase"), self.prefix("spend"), self.prefix("day")
        first = np.full(len(start), -1, np.int32)
        some = np.flatnonzero(bought[end] > bought[start])
        first[some] = self.day[self.marks("day")[bought[start[some]]]] - cutoff_day[some]
        return Future((orders[end] - orders[start]).astype(np.int32), (spend[end] - spend[start]) / SCALE, first)


@dataclass(frozen=True)
class Beside:
    """What is known of a block's customers beside their purchases."""

    events: Events
    offers: Events
    traits: Traits

    @classmethod
    def none(cls, n_customers: int, shape: Shape) -> Beside:
        """Nothing of what a shape allows."""
        offers = Events.none((RECEIVED, REDEEMED)) if shape.offers else Events.none()
        return cls(Events.none(shape.kinds, shape.channels), offers, Traits.none(n_customers, shape))

    def known_before(self, limit: int) -> Beside:
        """Without events that became known at or after an instant."""
        events, offers = (e if e.known_at is None else e.take(e.known_at < limit) for e in (self.events, self.offers))
        return Beside(events, offers, self.traits)


@dataclass(frozen=True)
class Future:
    """Targets of panel rows.

    Parameters
    ----------
    orders : ndarray of int32
        Purchases in the window.
    spend : ndarray of float64
        Signed spend in it.
    first : ndarray of int32
        Days from the cutoff to the first purchase in it, 0 if that is on the very day; -1 without one.
    """

    orders: NDArray[np.int32]
    spend: Float64
    first: NDArray[np.int32]

    @classmethod
    def empty(cls, n: int) -> Future:
        """Room for the targets of so many rows."""
        return cls(np.empty(n, np.int32), np.empty(n), np.empty(n, np.int32))

    def take(self, rows: NDArray[np.bool_] | Int64 | slice) -> Future:
        """The targets of some rows."""
        return Future(self.orders[rows], self.spend[rows], self.first[rows])

    def unknown(self, rows: NDArray[np.bool_]) -> Future:
        """The same with those of some rows marked as unknown: -1 orders, NaN spend, -1 days."""
        orders, first = (np.where(rows, np.int32(-1), values) for values in (self.orders, self.first))
        return Future(orders, np.where(rows, np.nan, self.spend), first)


def _largest(values: Int64) -> int:
    return max(int(values.max(initial=0)), -int(values.min(initial=0)))


def ascending(cutoffs: Sequence[Cutoff]) -> None:
    """Refuse cutoffs that are not in order, each once."""
    if any(a.day >= b.day for a, b in itertools.pairwise(cutoffs)):
        raise DataError("the cutoffs are not ascending", needed="each cutoff once, in order", code="RG023")
