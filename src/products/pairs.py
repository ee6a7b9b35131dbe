"""Goes with: items that stand in one basket more often than chance would have it.

In: blocks of `Bought` and a window of days. Out: `Pair`s with lift = P(both) / (P(one) P(other)) over the orders of the
window (Brin et al. 1997, doi:10.1145/253260.253325), for pairs with a minimum support; the surest first, which is by
the lower limit of the lift, sqrt of the count of both being its error. Free and returned lines are in no basket.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..clock import Cutoff
from .bought import Bought
from .crowd import MOST, Counting, Demand, Together

BASKET_DAYS = 180
SUPPORT = 20
"""Orders that must hold both items."""
_Z = 1.645


@dataclass(frozen=True)
class Pair:
    """Two items that go together; each pair is told once, the more popular item first.

    Parameters
    ----------
    item, other : int
        Which items.
    orders : int
        Orders with both.
    lift, lift_low : float
        How many times as often as by chance, and its lower limit (one-sided 95 %).
    """

    item: int
    other: int
    orders: int
    lift: float
    lift_low: float


def baskets(
    blocks: Iterable[Bought], demanded: Demand, n_items: int, begins: Cutoff, ends: Cutoff, known_on: Cutoff
) -> Together:
    """How many orders of [begins, ends) hold two of the popular items, as known before a day."""
    counting = Counting(demanded.by_popularity[:MOST], n_items)
    for block in blocks:
        within = block.between(begins, ends, known_on)
        width = int(within.order.max(initial=0)) + 1
        counting.add(within.customer * width + within.order, within.item)
    return counting.told()


def lifts(together: Together) -> NDArray[np.float64]:
    """The lift of each two items; NaN where one of them was never bought.

    Examples
    --------
    >>> lifts(Together(np.array([0, 1]), np.array([[4, 3], [3, 6]]), 10))[0, 1]
    np.float64(1.25)
    """
    alone = np.diag(together.both).astype(np.float64)
    alone[alone == 0] = np.nan
    return np.asarray(together.both * together.groups / alone[:, None] / alone[None, :])


def goes_with(together: Together, most: int = 200, support: int = SUPPORT) -> list[Pair]:
    """The surest pairs with enough orders and a lower limit of the lift above 1."""
    lift = lifts(together)
    count = together.both.astype(np.float64)
    low = lift * np.maximum(1 - _Z / np.sqrt(np.maximum(count, 1)), 0)
    one, other = np.nonzero(np.triu((count >= support) & (low > 1), 1))
    sorting = np.lexsort((other, one, -low[one, other]))[:most]
    return [
        Pair(int(together.items[i]), int(together.items[j]), int(count[i, j]), float(lift[i, j]), float(low[i, j]))
        for i, j in zip(one[sorting], other[sorting], strict=True)
    ]


def held(pairs: list[Pair], later: Together) -> tuple[int, int]:
    """Of pairs told on a day, how many could be looked at later (both items bought), and how many had lift > 1."""
    place = {int(item): i for i, item in enumerate(later.items)}
    lift = lifts(later)
    found = [lift[place[pair.item], place[pair.other]] for pair in pairs]
    known = [value for value in found if not np.isnan(value)]
    return len(known), sum(bool(value > 1) for value in known)
