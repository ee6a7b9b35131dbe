"""The kernel: what is counted on each order line, as exact integers.

In: sorted `Lines` of whole customers and the counting rules. Out: one exact integer per line for everything that is
counted (`MEASURES`), their prefix sums, and `Future`, the targets. Sums over time are differences of integer prefix
sums, so one customer alone, a shard and the whole give the same bits. `past.py` looks at it from cutoffs.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..clock import DAY_US, Cutoff, Zone
from ..errors import DataError
from ..schema import SCALE, Rules
from .lines import Float64, Int64, Lines
from .orders import Orders, Pairs

HOUR_US = 3_600_000_000
DAY_PARTS = ((6, 12), (12, 18), (18, 24))
"""Local hours [from, to): morning, afternoon, evening; the rest is night."""


class History:
    """Order lines of whole customers with everything that is counted on them, as exact integers per line.

    Examples
    --------
    >>> History(Lines.empty(), Rules("UTC"), Cutoff(0)).prefix("purchase").tolist()
    [0]
    """

    def __init__(self, lines: Lines, rules: Rules, history_starts: Cutoff) -> None:
        self.lines, self.rules, self.history_starts = lines, rules, history_starts
        self.zone = Zone(rules.timezone)
        if sum(int(np.abs(v).max(initial=0)) * len(v) >= 2**62 for v in lines.money.values()):
            raise DataError("money is too large to be added exactly", needed="less than 4e14 per block", code="RG022")
        self.customer = np.repeat(np.arange(lines.n_customers), np.diff(lines.starts))
        self.day = self.zone.local_day(lines.time)
        self._values: dict[str, Int64] = {}
        self._prefixes: dict[str, Int64] = {}
        self._marks: dict[str, Int64] = {}
        self._pairs: dict[str, Pairs] = {}

    def has(self, column: str) -> bool:
        """Whether the source has an optional column."""
        return column in self.lines.money or column in self.lines.codes

    def values(self, measure: str) -> Int64:
        """One integer per line of a measure (see `MEASURES`)."""
        if measure not in self._values:
            self._values[measure] = MEASURES[measure].of(self)
        return self._values[measure]

    def prefix(self, measure: str) -> Int64:
        """Sum of a measure over all lines before each position, shape (n_lines + 1,)."""
        if measure not in self._prefixes:
            sums = np.zeros(self.lines.n_lines + 1, np.int64)
            np.cumsum(self.values(measure), out=sums[1:])
            self._prefixes[measure] = sums
        return self._prefixes[measure]

    def marks(self, measure: str) -> Int64:
        """Positions of the lines at which a 0/1 measure is 1; its prefix sums count them."""
        if measure not in self._marks:
            self._marks[measure] = np.flatnonzero(self.values(measure))
            if len(self._marks[measure]) != self.prefix(measure)[-1]:
                raise DataError(f"`{measure}` does not mark lines with 0 and 1", code="RG028")
        return self._marks[measure]

    def pairs(self, column: str) -> Pairs:
        """Lines regrouped by (customer, code of a column); lines without a code are left out."""
        if column not in self._pairs:
            self._pairs[column] = Pairs.of(self.customer, self.lines.n_customers, self.lines.codes[column])
        return self._pairs[column]

    @cached_property
    def orders(self) -> Orders:
        """What each line changes about its order."""
        return Orders.of(self.lines, self.day, self.rules.count_free)

    @cached_property
    def gap(self) -> Int64:
        """At the first purchase of a purchase day: days since the purchase day before (0 at the very first)."""
        marks = self.marks("day")
        gaps = np.zeros(self.lines.n_lines, np.int64)
        step = np.diff(self.day[marks], prepend=0)
        same = np.diff(self.customer[marks], prepend=-1) == 0
        gaps[marks] = np.where(same, step, 0)
        return gaps

    @cached_property
    def longest_gap(self) -> Int64:
        """Longest gap of the customer up to and with each line."""
        base = self.customer * np.int64(1_000_000)
        return np.asarray(np.maximum.accumulate(base + self.gap) - base)

    @cached_property
    def repeat_day_value(self) -> Int64:
        """On the last line of a purchase day after the customer's first: the value of that day's purchases."""
        totals = np.zeros(self.lines.n_lines, np.int64)
        if self.lines.n_lines == 0:
            return totals
        change = (np.diff(self.customer, prepend=-1) != 0) | (np.diff(self.day, prepend=-1) != 0)
        first = np.flatnonzero(change)
        value = np.add.reduceat(self.values("purchase_amount"), first)
        new_day = self.prefix("day")
        last = np.append(first[1:], self.lines.n_lines)
        n_days = new_day[last] - new_day[self.lines.starts[self.customer[first]]]
        bought = new_day[last] > new_day[first]
        totals[last - 1] = np.where(bought & (n_days > 1), value, 0)
        return totals

    def known_before(self, cutoff: Cutoff) -> History:
        """The same without rows that became known at or after a cutoff; itself when the source has no `known_at`."""
        if self.lines.known_at is None:
            return self
        kept = self.lines.kept(self.lines.known_at < cutoff.instant(self.zone))
        return History(kept, self.rules, self.history_starts)

    def future(self, row_customer: Int64, cutoff_day: Int64, horizon_days: int) -> Future:
        """The targets of rows (index of the customer, cutoff's day number) over [cutoff, cutoff + horizon)."""
        days, row = np.unique(cutoff_day, return_inverse=True)
        bounds = np.array([[self.zone.midnight(d), self.zone.midnight(d + horizon_days)] for d in days.tolist()])
        edges, edge = np.unique(bounds.reshape(-1, 2), return_inverse=True)
        grid = positions(self.customer, self.lines.n_customers, self.lines.time, edges.astype(np.int64))
        edge = edge.reshape(-1, 2)[row]
        start, end = grid[row_customer, edge[:, 0]], grid[row_customer, edge[:, 1]]
        orders, spend = self.prefix("purchase"), self.prefix("spend")
        return Future((orders[end] - orders[start]).astype(np.int32), (spend[end] - spend[start]) / SCALE)


@dataclass(frozen=True)
class Future:
    """Targets of panel rows: purchases and signed spend in the window (`orders` int32, `spend` float64)."""

    orders: NDArray[np.int32]
    spend: Float64


@dataclass(frozen=True)
class Measure:
    """Something counted or added per line: its scale (divisor to the shown unit) and its definition."""

    scale: int
    of: Callable[[History], Int64]


def _hours(history: History, start: int, end: int) -> Int64:
    hour = np.floor_divide(np.mod(history.zone.to_local(history.lines.time), DAY_US), HOUR_US)
    return np.asarray(history.values("purchase") * ((hour >= start) & (hour < end)))


def weekday(day: Int64) -> Int64:
    """0 = Monday ... 6 = Sunday of day numbers (1970-01-01 was a Thursday).

    Examples
    --------
    >>> weekday(np.array([0, 4])).tolist()
    [3, 0]
    """
    return np.mod(day + 3, 7)


def _flag(condition: NDArray[np.bool_]) -> Int64:
    return condition.astype(np.int64)


def _new_day(history: History) -> Int64:
    marks = history.marks("purchase")
    new = (np.diff(history.customer[marks], prepend=-1) != 0) | (np.diff(history.day[marks], prepend=-1) != 0)
    flags = np.zeros(history.lines.n_lines, np.int64)
    flags[marks[new]] = 1
    return flags


def _spend(history: History) -> Int64:
    amount = history.lines.money["amount"]
    return np.maximum(amount, 0) if history.rules.returns == "separate" else amount


MEASURES: dict[str, Measure] = {
    "line": Measure(1, lambda h: np.ones(h.lines.n_lines, np.int64)),
    "purchase_line": Measure(1, lambda h: _flag(h.lines.money["amount"] > 0)),
    "purchase": Measure(1, lambda h: h.orders.purchase),
    "return": Measure(1, lambda h: h.orders.returned),
    "day": Measure(1, _new_day),
    "gap": Measure(1, lambda h: h.gap),
    "gap_ended": Measure(1, lambda h: _flag(h.gap > 0)),
    "gap_squared": Measure(1, lambda h: h.gap * h.gap),
    "weekend": Measure(1, lambda h: h.values("purchase") * (weekday(h.day) >= 5)),
    "morning": Measure(1, lambda h: _hours(h, *DAY_PARTS[0])),
    "afternoon": Measure(1, lambda h: _hours(h, *DAY_PARTS[1])),
    "evening": Measure(1, lambda h: _hours(h, *DAY_PARTS[2])),
    "spend": Measure(SCALE, _spend),
    "purchase_amount": Measure(SCALE, lambda h: h.orders.purchase_amount),
    "repeat_day_value": Measure(SCALE, lambda h: np.maximum(h.repeat_day_value, 0)),
    "repeat_day_valued": Measure(1, lambda h: _flag(h.repeat_day_value > 0)),
    "returned": Measure(SCALE, lambda h: np.maximum(-h.lines.money["amount"], 0)),
    "sold": Measure(SCALE, lambda h: np.maximum(h.lines.money["amount"], 0)),
    "quantity": Measure(SCALE, lambda h: np.where(h.lines.money["amount"] > 0, h.lines.money["quantity"], 0)),
    "discount": Measure(SCALE, lambda h: h.lines.money["discount"]),
    "discounted": Measure(1, lambda h: _flag(h.lines.money["discount"] > 0)),
    "named_category": Measure(1, lambda h: _flag(h.lines.codes["category"] >= 0)),
    "named_product_id": Measure(1, lambda h: _flag(h.lines.codes["product_id"] >= 0)),
    "named_channel": Measure(1, lambda h: _flag(h.lines.codes["channel"] >= 0)),
    "free_line": Measure(1, lambda h: _flag(h.lines.money["amount"] == 0)),
}


def positions(segment: Int64, n_segments: int, time: Int64, edges: Int64) -> Int64:
    """Lines in all earlier segments plus those of the segment before each edge; shape (n_segments, n_edges)."""
    width = len(edges) + 1
    bucket = np.searchsorted(edges, time, side="right")
    counts = np.bincount(segment * width + bucket, minlength=n_segments * width)
    return np.cumsum(counts).reshape(n_segments, width)[:, :-1]


def ascending(cutoffs: Sequence[Cutoff]) -> None:
    """Refuse cutoffs that are not in order, each once."""
    if any(a.day >= b.day for a, b in itertools.pairwise(cutoffs)):
        raise DataError("the cutoffs are not ascending", needed="each cutoff once, in order", code="RG023")
