"""One block of whole customers with what every part of the examination looks at.

In: encoded blocks of a ledger. Out: `Stretch`: sorted lines, their local days, their orders, the days on which each
customer bought, and the texts that occur. A missing text has the code -1; a missing number counts as 0, and what is
missing is counted from the table itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..clock import DAY_US
from ..features.lines import Float64, Int64, Lines
from ..intake import Ledger
from ..intake.hashes import Words, value_words
from ..intake.sources.ahead import ahead
from ..schema import SCALE

Bool = NDArray[np.bool_]


_TOGETHER = 8
"""Blocks that are read in one go."""


@dataclass(frozen=True)
class OrderTable:
    """The orders of a stretch in order of first appearance: sorted by customer and first instant.

    Parameters
    ----------
    customer : ndarray of int64
        The customer's place in the stretch.
    line : ndarray of int64
        Some line of the order.
    first, last : ndarray of int64
        Local days.
    time : ndarray of int64
        The first instant, UTC microseconds.
    amount : ndarray of int64
        In 1/10,000.
    bought : ndarray of bool
        Whether it is a purchase.
    """

    customer: Int64
    line: Int64
    first: Int64
    last: Int64
    time: Int64
    amount: Int64
    bought: Bool

    @classmethod
    def of(cls, lines: Lines, day: Int64, customer: Int64, count_free: bool) -> OrderTable:
        """From the lines of whole customers."""
        order, amount = lines.order, lines.money["amount"]
        sort = np.arange(len(order))
        if not bool((order[1:] >= order[:-1]).all()):
            sort = np.argsort(order, kind="stable")
        coded = order[sort]
        start = np.flatnonzero(np.r_[True, coded[1:] != coded[:-1]]) if len(coded) else np.zeros(0, np.int64)
        end = np.r_[start[1:], len(coded)] - 1
        positive = _any(amount[sort] > 0, start)
        bought = positive | ~_any(amount[sort] < 0, start) if count_free else positive
        # Lines of one customer ascend in time, and so do those of an order: the first and the last are at its ends.
        return cls(
            customer=customer[sort[start]],
            line=sort[start],
            first=day[sort[start]],
            last=day[sort[end]],
            time=lines.time[sort[start]],
            amount=np.add.reduceat(amount[sort], start) if len(start) else amount[:0],
            bought=bought,
        )


def _any(flag: Bool, start: Int64) -> Bool:
    return np.logical_or.reduceat(flag, start) if len(start) else flag[:0]


@dataclass(frozen=True)
class Texts:
    """The texts of a column in a stretch: each line's code among them (-1 is missing), the texts, their hashes."""

    code: Int64
    names: pa.Array
    words: Words


@dataclass(frozen=True)
class Stretch:
    """A block of whole customers.

    Parameters
    ----------
    table : pyarrow.Table
        Encoded lines.
    lines : Lines
    day : ndarray of int64
        Local day numbers.
    customers_before : int
        How many customers the stretches before have.
    """

    table: pa.Table
    lines: Lines
    day: Int64
    clock: Int64
    customers_before: int
    count_free: bool

    @property
    def amount(self) -> Int64:
        """Money of each line, in 1/10,000."""
        return self.lines.money["amount"]

    @cached_property
    def customer(self) -> Int64:
        """The place of each line's customer in the stretch."""
        return np.repeat(np.arange(self.lines.n_customers), np.diff(self.lines.starts))

    @cached_property
    def decades(self) -> Float64:
        """The decimal logarithm of each line's money without its sign; of nothing, that of 1/10,000."""
        return np.asarray(np.log10(np.maximum(np.abs(self.amount), 1) / SCALE))

    @cached_property
    def orders(self) -> OrderTable:
        """The orders."""
        return OrderTable.of(self.lines, self.day, self.customer, self.count_free)

    @cached_property
    def bought_days(self) -> tuple[Int64, Int64, Int64]:
        """Customer, local day and number of purchases of every day on which somebody bought, in this order."""
        customer, day = self.orders.customer[self.orders.bought], self.orders.first[self.orders.bought]
        if not len(day):
            return customer, day, day
        start = np.flatnonzero(np.r_[True, (customer[1:] != customer[:-1]) | (day[1:] != day[:-1])])
        return customer[start], day[start], np.diff(np.r_[start, len(day)])

    def texts(self, column: str) -> Texts:
        """The texts of a column that occur here; the same object each time."""
        if column not in self._texts:
            code, names = self.lines.codes[column], self.lines.names[column]
            used = np.bincount(code[code >= 0], minlength=len(names)) > 0
            place = np.cumsum(used) - 1
            kept = names.filter(pa.array(used))
            self._texts[column] = Texts(
                np.where(code >= 0, place[code], -1) if len(place) else code, kept, value_words(kept)
            )
        return self._texts[column]

    @cached_property
    def _texts(self) -> dict[str, Texts]:
        return {}


def stretches(ledger: Ledger, columns: Sequence[str] | None = None) -> Iterator[Stretch]:
    """All lines of a ledger, or these columns of them, stretch by stretch; the next ones are read meanwhile."""
    blocks, before = range(len(ledger.blocks())), 0
    groups = (blocks[i : i + _TOGETHER] for i in range(0, len(blocks), _TOGETHER))
    for _, read in ahead(groups, lambda group: list(ledger.shards(columns=columns, blocks=group, encoded=True))):
        for table in read.result():
            lines = Lines.from_arrow(table)
            day = ledger.zone.local_day(lines.time)
            clock = ledger.zone.to_local(lines.time) - day * DAY_US
            yield Stretch(table, lines, day, clock, before, ledger.rules.count_free)
            before += lines.n_customers
