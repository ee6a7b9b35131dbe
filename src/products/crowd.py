"""What all customers did before a day: how many bought each item, and which items the same people bought.

In: blocks of `Bought`, one after the other. Out: `Demand` (buyers of 28 days, of the 28 before, of 90) and `Together`
(how many share two items) over the most popular items. Whole numbers are added, so that the order of blocks never
matters. A window that starts before the history does is not covered, and what rests on it is missing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..clock import Cutoff
from .bought import Bought

Int64 = NDArray[np.int64]
Float64 = NDArray[np.float64]
WINDOW_DAYS = 28
POPULAR_DAYS = 90
MOST = 1000
"""So many of the most popular items can be new for somebody or go with another."""


@dataclass(frozen=True)
class Demand:
    """How many customers bought each item; every array has the shape (n_items,).

    Parameters
    ----------
    day : Cutoff
    buyers, buyers_before, popular : ndarray of int64
        Customers in the 28 days before the day, in the 28 before those, in the last 90 (which breaks ties).
    covered : bool
        Whether the history covers both windows of 28 days.
    """

    day: Cutoff
    buyers: Int64
    buyers_before: Int64
    popular: Int64
    covered: bool

    @cached_property
    def weight(self) -> Float64:
        """Buyers of 28 days; a fraction below 1 tells apart, by buyers of 90 days, items that have as many."""
        return np.asarray(self.buyers + self.popular / (1.0 + self.popular.max(initial=0)))

    @cached_property
    def by_popularity(self) -> Int64:
        """Items bought in the last 90 days, those with most buyers in 28 first, ties by buyers in 90, then name."""
        sorting = np.argsort(-self.weight, kind="stable")
        return sorting[self.popular[sorting] > 0]

    @cached_property
    def order(self) -> Int64:
        """Place of each item by popularity."""
        place = np.empty(len(self.popular), np.int64)
        place[np.argsort(-self.weight, kind="stable")] = np.arange(len(place))
        return place

    def growth(self, prior_buyers: float = 20.0) -> Float64:
        """Buyers of 28 days for each of the 28 before, less 1; drawn to the growth of all as if by 20 more buyers.

        NaN where the windows are not covered or nobody bought anything in the one before.
        """
        all_before = int(self.buyers_before.sum())
        if not self.covered or not all_before:
            return np.full(len(self.buyers), np.nan)
        overall = self.buyers.sum() / all_before
        return np.asarray((self.buyers + prior_buyers * overall) / (self.buyers_before + prior_buyers) - 1)


def demand(blocks: Iterable[Bought], n_items: int, day: Cutoff, history_starts: Cutoff) -> Demand:
    """The demand as of a day."""
    counts = np.zeros((3, n_items), np.int64)
    windows = ((0, WINDOW_DAYS), (WINDOW_DAYS, 2 * WINDOW_DAYS), (0, POPULAR_DAYS))
    for block in blocks:
        past = block.before(day)
        for row, (newest, oldest) in enumerate(windows):
            within = past.between(day.minus(oldest), day.minus(newest), day)
            counts[row] += np.bincount(within.pairs(n_items) % max(n_items, 1), minlength=n_items)
    return Demand(day, counts[0], counts[1], counts[2], day.minus(2 * WINDOW_DAYS).day >= history_starts.day)


@dataclass(frozen=True)
class Together:
    """How often two items have something in common.

    Parameters
    ----------
    items : ndarray of int64, shape (n,)
        Which items, the most popular first.
    both : ndarray of int64, shape (n, n)
        Groups (customers or orders) with both; on the diagonal those with the one.
    groups : int
        All groups with an item.
    """

    items: Int64
    both: Int64
    groups: int

    @cached_property
    def cosine(self) -> NDArray[np.float32]:
        """both / sqrt(one x other), 0 on the diagonal (Sarwar et al. 2001, doi:10.1145/371920.372071)."""
        alone = np.sqrt(np.maximum(np.diag(self.both), 1).astype(np.float64))
        found = self.both / alone[:, None] / alone[None, :]
        np.fill_diagonal(found, 0.0)
        return found.astype(np.float32)


class Counting:
    """Counts pairs of items block by block.

    Parameters
    ----------
    chosen : ndarray of int64
        The items that count.
    n_items : int
        Of all.
    """

    def __init__(self, chosen: Int64, n_items: int) -> None:
        self.chosen = chosen
        self.column = np.full(n_items, -1, np.int64)
        self.column[chosen] = np.arange(len(chosen))
        self.both = np.zeros((len(chosen), len(chosen)), np.int64)
        self.groups = 0

    def add(self, group: Int64, item: Int64) -> None:
        """Groups (customers, or orders of customers) of one block and their items."""
        from scipy.sparse import csr_matrix

        if not len(group):
            return
        row = np.zeros(len(group), np.int64)
        sorting = np.argsort(group, kind="stable")
        row[1:] = np.cumsum(np.diff(group[sorting]) != 0)
        self.groups += int(row[-1]) + 1
        column = self.column[item[sorting]]
        kept, shape = column >= 0, (int(row[-1]) + 1, len(self.chosen))
        matrix = csr_matrix((np.ones(int(kept.sum()), np.int64), (row[kept], column[kept])), shape)
        matrix.data[:] = 1  # An item that a group has twice was added up.
        found = (matrix.T @ matrix).tocoo()
        self.both[found.row, found.col] += found.data

    def told(self) -> Together:
        """All that was counted."""
        return Together(self.chosen, self.both, self.groups)


def shared_by_customers(blocks: Iterable[Bought], demanded: Demand) -> Together:
    """How many customers ever bought both of two popular items."""
    counting = Counting(demanded.by_popularity[:MOST], len(demanded.popular))
    for block in blocks:
        past = block.before(demanded.day)
        counting.add(past.customer, past.item)
    return counting.told()
