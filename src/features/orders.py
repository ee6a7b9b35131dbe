"""Orders and pairs: lines regrouped by what they belong to.

In: sorted `Lines`. Out: what each line changes about its order (`Orders`), and lines grouped by customer and code
(`Pairs`). An order is a purchase from the first instant on at which it has a line of positive money; it is a return
while it has only negative lines (or negative and zero ones). Both depend on rows up to that instant only, so an order
whose lines come on several days never looks ahead. Lines without a code are left out of pairs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .lines import Int64, Lines


@dataclass(frozen=True)
class Orders:
    """Per line, what it changes: purchases (+1 once an order), returns (+1, and -1 if it becomes a purchase), money."""

    purchase: Int64
    returned: Int64
    purchase_amount: Int64

    @classmethod
    def of(cls, lines: Lines, count_free: bool) -> Orders:
        """Judge every order at the last line of each of its instants, so that order within an instant is free."""
        n = lines.n_lines
        if n == 0:
            none = np.zeros(0, np.int64)
            return cls(none, none, none)
        sort = None if bool((np.diff(lines.order) >= 0).all()) else np.argsort(lines.order, kind="stable")
        order, time, amount = (a if sort is None else a[sort] for a in (lines.order, lines.time, lines.money["amount"]))
        new = np.diff(order, prepend=order[0] - 1) != 0
        begin = np.flatnonzero(new)[np.cumsum(new) - 1]
        last = np.append((np.diff(order) != 0) | (np.diff(time) != 0), True)
        judged = np.flatnonzero(last)
        begin = begin[judged]

        def so_far(values: Int64) -> Int64:
            sums = np.concatenate([[0], np.cumsum(values)])
            return np.asarray(sums[judged + 1] - sums[begin])

        negative = so_far((amount < 0).astype(np.int64)) > 0
        buys = so_far((amount > 0).astype(np.int64)) > 0
        fresh = np.diff(begin, prepend=-1) != 0
        if count_free:
            free = np.concatenate([[0], np.cumsum(~negative & ~buys)])
            buys |= free[1:] > free[np.flatnonzero(fresh)[np.cumsum(fresh) - 1]]
        returns = negative & ~buys
        money = so_far(amount) * buys

        def change(state: Int64) -> Int64:
            before = np.concatenate([[0], state[:-1]])
            out = np.zeros(n, np.int64)
            out[judged if sort is None else sort[judged]] = state - np.where(fresh, 0, before)
            return out

        return cls(change(buys.astype(np.int64)), change(returns.astype(np.int64)), change(money))


@dataclass(frozen=True)
class Pairs:
    """Lines regrouped by (customer, code): `customer` of each pair, and each line's pair and time in pair order."""

    customer: Int64
    pair: Int64
    line: Int64

    @classmethod
    def of(cls, customer: Int64, codes: Int64) -> Pairs:
        """Pairs in order of customer, then code; within a pair, lines in order of time."""
        lines = np.flatnonzero(codes >= 0)
        key = customer[lines] * np.int64(int(codes.max(initial=0)) + 1) + codes[lines]
        sort = np.argsort(key, kind="stable")
        new = np.diff(key[sort], prepend=-1) != 0
        ordered = lines[sort]
        return cls(customer[ordered][new], np.cumsum(new) - 1, ordered)
