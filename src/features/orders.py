"""Orders: what the lines of one order on one local day are together.

In: sorted `Lines`, and where each cell (customer, day) begins. Out: one group per (order, day) with what it changes: a
purchase, a return, its value. An order is a purchase from the first day on at whose end it has a line of positive
money; it is a return while it has only negative lines (or negative and zero ones). Both depend on rows up to that day
only, so an order whose lines come on several days never looks ahead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .lines import Int64, Lines
from .track import added_up, changes


@dataclass(frozen=True)
class Orders:
    """Groups (order, local day), cell by cell.

    The value of a purchase is the money of the order's lines on the local day on which it became one. What is booked
    under its id on later days (a refund, say) is spend of those days, not value of a purchase.

    Parameters
    ----------
    first : ndarray of int64, shape (n_cells,)
        Where each cell's groups begin.
    purchase, returned : ndarray of int64, shape (n_groups,)
        +1 where the order becomes a purchase (a return), -1 where a return becomes a purchase after all.
    value : ndarray of int64
        Its money if it became a purchase here, else 0.
    time : ndarray of int64
        The instant of its first line on that day.
    """

    first: Int64
    purchase: Int64
    returned: Int64
    value: Int64
    time: Int64

    @classmethod
    def of(cls, lines: Lines, cell: Int64, count_free: bool) -> Orders:
        """From lines, the number of each line's cell, and whether an order of zero money is a purchase."""
        if not lines.n_lines:
            none = np.zeros(0, np.int64)
            return cls(none, none, none, none, none)
        amount = lines.money["amount"]
        first = np.flatnonzero(changes(lines.order) | changes(cell))
        groups = _Groups(
            lines.order[first],
            cell[first],
            added_up(amount, first),
            added_up(amount > 0, first) > 0,
            added_up(amount < 0, first) > 0,
            lines.time[first],
        )
        # As many runs as orders means that no order comes back; most often their codes count up.
        if bool((groups.order[1:] - groups.order[:-1] == 1).all()) or bool(changes(np.sort(groups.order)).all()):
            return groups.judged_alone(count_free)
        return groups.gathered().judged(count_free)


@dataclass(frozen=True)
class _Groups:
    """Lines of one order on one day: their money together, whether any is positive or negative, the first instant."""

    order: Int64
    cell: Int64
    amount: Int64
    sold: NDArray[np.bool_]
    back: NDArray[np.bool_]
    time: Int64

    def gathered(self) -> _Groups:
        """Sorted by order, then day, each once."""
        sort = np.argsort(self.order, kind="stable")
        order, cell = self.order[sort], self.cell[sort]
        first = np.flatnonzero(changes(order) | changes(cell))
        return _Groups(
            order[first],
            cell[first],
            added_up(self.amount[sort], first),
            added_up(self.sold[sort], first) > 0,
            added_up(self.back[sort], first) > 0,
            self.time[sort][first],
        )

    def judged_alone(self, count_free: bool) -> Orders:
        """When every order is one group, already cell by cell."""
        purchase = self.sold | ~self.back if count_free else self.sold
        first = np.flatnonzero(changes(self.cell))
        bought = purchase.astype(np.int64)
        return Orders(first, bought, (self.back & ~purchase).astype(np.int64), self.amount * bought, self.time)

    def judged(self, count_free: bool) -> Orders:
        """When orders have groups on several days, sorted by order: the state on each day, and what it changed."""
        new = changes(self.order)
        start = np.flatnonzero(new)[np.cumsum(new) - 1]
        negative, buys = _any_since(self.back, start), _any_since(self.sold, start)
        if count_free:
            buys = _any_since(buys | ~negative, start)
        state = np.where(buys, 0, negative).astype(np.int64)
        purchase = (buys & ~_one_before(buys, new)).astype(np.int64)
        returned = state - _one_before(state, new)
        sort = np.argsort(self.cell, kind="stable")
        first = np.flatnonzero(changes(self.cell[sort]))
        parts = (purchase, returned, self.amount * purchase, self.time)
        return Orders(first, *(part[sort] for part in parts))


def _one_before(values: NDArray[Any], new: NDArray[np.bool_]) -> NDArray[Any]:
    """The value one position earlier; 0 where something new begins."""
    earlier = np.zeros_like(values)
    earlier[1:] = values[:-1]
    earlier[new] = 0
    return earlier


def _any_since(flag: NDArray[np.bool_], start: Int64) -> NDArray[np.bool_]:
    """Whether a flag was up at any position from `start` on up to each position."""
    counts = np.concatenate([[0], np.cumsum(flag)])
    return np.asarray(counts[1:] > counts[start])
