"""How sure a ratio of two sums over customers is: by drawing the customers anew, with a seed.

In: two numbers a customer, a seed. Out: the middle 95 % of the ratio over the draws; None of too few customers, or
where a draw has nothing to divide by. Many customers are first dealt into hands, at random and evenly, and hands are
drawn: sums of customers who are alike by chance differ as the customers do, at a fraction of the work.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .dealings import Float64

FEWEST = 30
"""Customers from which on an interval is told."""
DRAWS, HANDS = 1000, 500
LEVEL = 0.95


def interval(top: Float64, bottom: Float64, seed: Sequence[int]) -> tuple[float, float] | None:
    """The interval of sum(top) / sum(bottom).

    Parameters
    ----------
    top, bottom : ndarray of float64, shape (n_customers,)
    seed : sequence of int, >= 0

    Notes
    -----
    Percentile bootstrap (Efron 1979, doi:10.1214/aos/1176344552). Draws of more than `HANDS` customers are draws of
    `HANDS` sums; with h hands the variance is that of the customers' own draws times about 1 - 1 / h.

    Examples
    --------
    >>> interval(np.full(40, 6.0), np.full(40, 2.0), [1])
    (3.0, 3.0)
    """
    n = len(top)
    if n < FEWEST:
        return None
    chance = np.random.default_rng(list(seed))
    hands = min(n, HANDS)
    hand = chance.permutation(n) % hands
    above, below = (np.bincount(hand, values, hands) for values in (top, bottom))
    drawn = chance.integers(0, hands, (DRAWS, hands))
    sums = below[drawn].sum(axis=1)
    if not (sums > 0).all():
        return None
    low, high = np.quantile(above[drawn].sum(axis=1) / sums, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]).tolist()
    return low, high
