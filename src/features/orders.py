"""Orders and pairs: lines regrouped by what they belong to.

In: sorted `Lines`. Out: what each line changes about its order (`Orders`), and lines grouped by customer and code
(`Pairs`). An order is a purchase from the first instant on at which it has a line of positive money; it is a return
while it has only negative lines (or negative and zero ones). Both depend on rows up to that instant only, so an order
whose lines come on several days never looks ahead. Lines without a code are left out of pairs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .lines import Int64, Lines


@dataclass(frozen=True)
class Orders:
    """Per line, what it changes: purchases (+1 once an order), returns (+1, and -1 if it becomes a purchase), value.

    The value of a purchase is the money of the order's lines on the local day on which it became one. What is booked
    under its id on later days (a refund, say) is spend of those days, not value of a purchase.
    """

    purchase: Int64
    returned: Int64
    purchase_amount: Int64

    @classmethod
    def of(cls, lines: Lines, day: Int64, count_free: bool) -> Orders:
        """Judge every order at the last line of each of its instants, so that order within an instant is free."""
        n = lines.n_lines
        if n == 0:
            none = np.zeros(0, np.int64)
            return cls(none, none, none)
        sort = None if bool((np.diff(lines.order) >= 0).all()) else np.argsort(lines.order, kind="stable")
        columns = (lines.order, lines.time, day, lines.money["amount"])
        order, time, on, amount = columns if sort is None else (c[sort] for c in columns)
        new_order = _starts(order)
        new_day = new_order | _starts(on)
        judged = np.flatnonzero(np.append((new_order | _starts(time))[1:], True))

        def so_far(values: Int64, since: NDArray[np.bool_]) -> Int64:
            """Sum from the last line at which `since` holds up to each judged line."""
            sums = np.concatenate([[0], np.cumsum(values)])
            return np.asarray(sums[judged + 1] - sums[_latest(since)[judged]])

        negative = so_far((amount < 0).astype(np.int64), new_order) > 0
        buys = so_far((amount > 0).astype(np.int64), new_order) > 0
        first = _starts(_latest(new_order)[judged])
        if count_free:
            free = np.concatenate([[0], np.cumsum(~negative & ~buys)])
            buys |= free[1:] > free[_latest(first)]
        first_of_day = _starts(_latest(new_day)[judged])
        bought_earlier = _before(buys, first)[_latest(first_of_day)]
        value = so_far(amount, new_day) * (buys & ~bought_earlier)

        def change(state: Int64, since: NDArray[np.bool_]) -> Int64:
            out = np.zeros(n, np.int64)
            out[judged if sort is None else sort[judged]] = state - _before(state, since)
            return out

        returns = (negative & ~buys).astype(np.int64)
        return cls(change(buys.astype(np.int64), first), change(returns, first), change(value, first_of_day))


def _starts(values: Int64) -> NDArray[np.bool_]:
    """Whether each value differs from the one before it; the first always does."""
    return np.append(np.ones(1, bool), values[1:] != values[:-1])


def _latest(marks: NDArray[np.bool_]) -> Int64:
    """Position of the last mark at or before each position; the first position is marked."""
    return np.asarray(np.flatnonzero(marks)[np.cumsum(marks) - 1])


def _before(state: NDArray[Any], first: NDArray[np.bool_]) -> NDArray[Any]:
    """The state at the position before, and nothing at the first of each run."""
    return np.where(first, state.dtype.type(0), np.roll(state, 1))


@dataclass(frozen=True)
class Pairs:
    """Lines regrouped by (customer, code).

    Parameters
    ----------
    bounds : ndarray of int64, shape (n_customers + 1,)
        Where each customer's pairs begin.
    first_line : ndarray of int64, shape (n_pairs,)
        Where each pair's lines begin, in the order of `line`.
    pair, line : ndarray of int64, shape (n_lines with a code,)
        Each line's pair, and its position among all lines; within a pair in order of time.
    """

    bounds: Int64
    first_line: Int64
    pair: Int64
    line: Int64

    @classmethod
    def of(cls, customer: Int64, n_customers: int, codes: Int64) -> Pairs:
        """Pairs in order of customer, then code; lines without a code are left out."""
        lines = np.flatnonzero(codes >= 0)
        key = customer[lines] * np.int64(int(codes.max(initial=0)) + 1) + codes[lines]
        sort = np.argsort(key, kind="stable")
        line = lines[sort]
        first = np.flatnonzero(np.diff(key[sort], prepend=-1))
        pairs_of = np.bincount(customer[line[first]], minlength=n_customers)
        pair = np.repeat(np.arange(len(first)), np.diff(first, append=len(line)))
        return cls(np.concatenate([[0], np.cumsum(pairs_of)]).astype(np.int64), first, pair, line)
