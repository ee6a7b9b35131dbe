"""Buy again: what a customer bought often and lately; optionally what is due goes first.

In: what was known of a block of customers before a day. Out: `Pairs`, one per customer and item, and lists by decayed
frequency: each order with the item counts 2^(-age / half-life), age in days to the cutoff. With `due`, an item bought
at least three times is weighed by min(1, (days since + window) / mean gap): below 1 only while its next purchase is, by
its own rhythm, further away than the window. A customer without a purchase of an item has an empty list.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..clock import Cutoff
from .bought import Bought
from .ranked import K, Ranked, best_of_pairs

Int64 = NDArray[np.int64]
Float64 = NDArray[np.float64]
HALF_LIVES = (60, 30, 120, 240)
"""Days that the backtest chooses from, the usual first: of equal rules the first is taken."""
_RHYTHM = 3
"""Orders with an item from which on its mean gap says something."""


@dataclass(frozen=True)
class AgainRule:
    """How "buy again" orders items.

    Parameters
    ----------
    half_life_days : int
        After so many days an order counts half.
    due : bool
        Whether what is not due yet goes further down.

    Examples
    --------
    >>> AgainRule(60, True).name
    'half-life 60 days, due first'
    """

    half_life_days: int = 60
    due: bool = False

    @property
    def name(self) -> str:
        """In words."""
        return f"half-life {self.half_life_days} days{', due first' if self.due else ''}"


RULES = tuple(AgainRule(days, due) for days in HALF_LIVES for due in (False, True))


@dataclass(frozen=True)
class Pairs:
    """Which customer has bought which item; rows sorted by both.

    Parameters
    ----------
    past : Bought
        The rows before the day, sorted by customer, item, day.
    starts : ndarray of int64, shape (n_pairs,)
        First row of each pair.
    day : Cutoff
        On which one stands.
    """

    past: Bought
    starts: Int64
    day: Cutoff

    @classmethod
    def of(cls, past: Bought, day: Cutoff) -> Pairs:
        """The pairs of what was known before a day."""
        new = np.ones(len(past.customer), bool)
        new[1:] = (past.customer[1:] != past.customer[:-1]) | (past.item[1:] != past.item[:-1])
        return cls(past, np.flatnonzero(new), day)

    @property
    def customer(self) -> Int64:
        """Of each pair."""
        return self.past.customer[self.starts]

    @property
    def item(self) -> Int64:
        """Of each pair."""
        return self.past.item[self.starts]

    @property
    def orders(self) -> Int64:
        """Orders with the item."""
        ends = np.append(self.starts[1:], len(self.past.day))[: len(self.starts)]
        return np.asarray(ends - self.starts, np.int64)

    @property
    def last(self) -> Int64:
        """Day of the last of them."""
        return np.asarray(self.past.day[self.starts + self.orders - 1], np.int64)

    def decayed(self, half_life_days: float) -> Float64:
        """Orders with the item, each worth 2^(-age / half-life)."""
        if not len(self.starts):
            return np.zeros(0)
        worth = np.exp2((self.past.day - self.day.day) / half_life_days)
        return np.asarray(np.add.reduceat(worth, self.starts), np.float64)

    def dueness(self, window_days: int) -> Float64:
        """min(1, (days since + window) / mean gap); 1 where fewer than three orders tell no gap."""
        orders, last = self.orders, self.last
        gap = (last - self.past.day[self.starts]) / np.maximum(orders - 1, 1)
        since = self.day.day - last + window_days
        early = (orders >= _RHYTHM) & (gap > since)
        return np.where(early, since / np.maximum(gap, 1), 1.0)


def buy_again(pairs: Pairs, rule: AgainRule, order: Int64, window_days: int, k: int = K) -> Ranked:
    """The lists of a block of customers.

    Parameters
    ----------
    order : ndarray of int64, shape (n_items,)
        Place of each item by popularity, for ties.
    window_days : int
        Within which something should be bought again.
    """
    score = pairs.decayed(rule.half_life_days)
    if rule.due:
        score = score * pairs.dueness(window_days)
    return best_of_pairs(pairs.past.n_customers, pairs.customer, pairs.item, score, order, k)
