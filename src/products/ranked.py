"""The best few items of each customer, and how many of them were bought.

In: scores by customer and item. Out: (n_customers, k) item indices, -1 where there are no more. Ties go to the more
popular item, then by name, so that the order of rows never matters.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Int64 = NDArray[np.int64]
Float64 = NDArray[np.float64]
K = 10
"""Items of a list."""


@dataclass(frozen=True)
class Ranked:
    """Lists of one block of customers.

    Parameters
    ----------
    item : ndarray of int64, shape (n_customers, k)
        Best first; -1 behind the last.
    score : ndarray of float64, shape (n_customers, k)
        What they were ordered by; NaN behind the last.
    """

    item: Int64
    score: Float64


def best_of_pairs(n_customers: int, customer: Int64, item: Int64, score: Float64, order: Int64, k: int = K) -> Ranked:
    """Lists from one score per (customer, item) pair.

    Parameters
    ----------
    order : ndarray of int64, shape (n_items,)
        Place of each item when all are ordered by popularity: the lower goes first in a tie.

    Examples
    --------
    >>> one = np.array([0, 0, 0])
    >>> best_of_pairs(2, one, np.array([0, 1, 2]), np.array([1.0, 3.0, 1.0]), np.array([2, 1, 0]), 2).item.tolist()
    [[1, 2], [-1, -1]]
    """
    sorting = np.lexsort((order[item], -score, customer))
    customer, item, score = customer[sorting], item[sorting], score[sorting]
    starts = np.searchsorted(customer, np.arange(n_customers))
    place = np.arange(len(customer)) - starts[customer]
    kept = place < k
    found = Ranked(np.full((n_customers, k), -1, np.int64), np.full((n_customers, k), np.nan))
    found.item[customer[kept], place[kept]] = item[kept]
    found.score[customer[kept], place[kept]] = score[kept]
    return found


def best_of_scores(scores: NDArray[np.float32], items: Int64, k: int = K) -> Ranked:
    """Lists from a table of scores, which is used up; only scores above 0 are listed.

    Parameters
    ----------
    scores : ndarray of float32, shape (n_customers, n)
        Columns by popularity: of equal scores the first goes first.
    items : ndarray of int64, shape (n,)
        Which item each column is.
    """
    n = len(scores)
    found = Ranked(np.full((n, k), -1, np.int64), np.full((n, k), np.nan))
    every = np.arange(n)
    for place in range(min(k, len(items))):
        at = scores.argmax(axis=1)
        score = scores[every, at]
        listed = score > 0
        found.item[listed, place], found.score[listed, place] = items[at[listed]], score[listed]
        scores[every, at] = 0
    return found


def recall(ranked: Ranked, customer: Int64, item: Int64, n_items: int) -> tuple[Int64, Float64]:
    """Of each customer who bought something, hits / min(k, distinct items bought); no list holds an item twice.

    Parameters
    ----------
    customer, item : ndarray of int64
        Distinct pairs that were bought.

    Returns
    -------
    customers : ndarray of int64
        Who bought, ascending.
    recalls : ndarray of float64, 0..1

    Examples
    --------
    >>> ranked = Ranked(np.array([[4, 2], [1, -1]]), np.zeros((2, 2)))
    >>> recall(ranked, np.array([0, 0, 0]), np.array([1, 2, 3]), 5)[1].tolist()
    [0.5]
    """
    sizes = np.bincount(customer, minlength=len(ranked.item))
    bought = np.sort(customer * n_items + item)
    rows, places = np.nonzero(ranked.item >= 0)
    listed = rows * n_items + ranked.item[rows, places]
    at = np.searchsorted(bought, listed)
    there = at < len(bought)
    hit = rows[there][bought[at[there]] == listed[there]]
    who = np.flatnonzero(sizes)
    hits = np.bincount(hit, minlength=len(ranked.item))[who]
    return who, hits / np.minimum(sizes[who], ranked.item.shape[1])
