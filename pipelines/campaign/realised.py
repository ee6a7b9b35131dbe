"""What customers really bought within windows: read off the ledger, exactly, in one pass for any number of windows.

In: a ledger, and `Asked` windows, each of some customers. Out: `Realised` sums of money in 1/10,000, and orders. Lines
that became known only after a window was closed do not count, so that a figure never changes. A customer who is not in
the ledger is not `known` and has 0, as one who bought nothing. Costs are there if every line has one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ...clock import Cutoff
from ...engines.local import reader, shards_of
from ...features.family import plan_for
from ...features.history import History
from ...features.shape import Shape
from ...features.track import Edges
from ...intake import Ledger

Int64 = NDArray[np.int64]


@dataclass(frozen=True)
class Asked:
    """A window of some customers.

    Parameters
    ----------
    ids : ndarray of str, shape (n,)
        Ascending, each once.
    begins, ends : Cutoff
        [begins, ends): half-open local days.
    closed_on : Cutoff
        What became known on this day or later does not count.
    """

    ids: NDArray[np.str_]
    begins: Cutoff
    ends: Cutoff
    closed_on: Cutoff


@dataclass(frozen=True)
class Realised:
    """What came of a window; every array has the shape (n,).

    Parameters
    ----------
    known : ndarray of bool
        Whether the customer is in the ledger.
    orders, returns : ndarray of int64
        Purchases, and orders that only gave back.
    spend, cost : ndarray of int64, in 1/10,000
        Net spend, and what the goods cost; no costs (None) where the ledger has none, or lacks some.
    """

    known: NDArray[np.bool_]
    orders: Int64
    returns: Int64
    spend: Int64
    cost: Int64 | None


def realised(ledger: Ledger, windows: Sequence[Asked]) -> tuple[list[Realised], int]:
    """What came of windows, in their order; and how many lines lack a cost where others have one."""
    plan = plan_for(Shape())
    costs = "cost" in ledger.columns
    plan = replace(plan, columns=(*plan.columns, "cost")) if costs else plan
    found = [_Sums(window) for window in windows]
    read, lacking = reader(ledger, plan), 0
    for shard in shards_of(ledger, plan):
        lacking += shard["cost"].null_count if costs else 0
        history = read(shard)
        for one in found:
            one.add(history, costs)
    return [one.told(costs and not lacking) for one in found], lacking


class _Sums:
    def __init__(self, window: Asked) -> None:
        n = len(window.ids)
        self.window = window
        self.known = np.zeros(n, bool)
        self.sums = np.zeros((4, n), np.int64)

    def add(self, history: History, costs: bool) -> None:
        """Take note of what the customers of one block bought."""
        ids, window = self.window.ids, self.window
        there = history.lines.customer_ids.astype(str)
        if not len(there) or not len(ids):
            return
        low, high = np.searchsorted(ids, there[0]), np.searchsorted(ids, there[-1], side="right")
        if low == high:
            return
        at = np.minimum(np.searchsorted(there, ids[low:high]), len(there) - 1)
        same = there[at] == ids[low:high]
        rows, customer = np.arange(low, high)[same], at[same]
        self.known[rows] = True
        then = history.known_before(window.closed_on)
        cells = then.before(Edges(np.array([window.begins.day, window.ends.day])))
        first, last = cells[customer, 0], cells[customer, 1]
        prefixes = [then.prefix("purchase"), then.prefix("return"), then.prefix("spend")]
        if costs:
            daily = then.daily(then.lines.money["cost"])
            prefixes.append(np.concatenate([[0], np.cumsum(daily)]))
        for place, prefix in enumerate(prefixes):
            self.sums[place, rows] = prefix[last] - prefix[first]

    def told(self, costs: bool) -> Realised:
        orders, returns, spend, cost = self.sums
        return Realised(self.known, orders, returns, spend, cost if costs else None)


YEAR_DAYS = 365


def return_rate(ledger: Ledger, ids: Sequence[str], day: Cutoff) -> float:
    """Returns for each purchase of some customers in the year before a day; 0 where nothing was bought."""
    window = Asked(np.array(sorted(ids), np.str_), day.minus(YEAR_DAYS), day, day)
    (found,), _ = realised(ledger, [window])
    return float(found.returns.sum()) / max(int(found.orders.sum()), 1)
