"""Factors of items by alternating least squares, where the package `implicit` is installed (`regulars[implicit]`).

In: blocks of `Bought` and the demand on a day. Out: an array of shape (n, k) for the most popular items, or None where
the package is missing. It is seeded, runs on one thread and sees what was known before the day; only whether a customer
owns an item counts. What is kept are the items' factors, so that a list needs no more than plain arrays afterwards.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .bought import Bought
from .crowd import MOST, Demand
from .fitting import FACTOR_PENALTY

Float32 = NDArray[np.float32]
_FACTORS = 32
"""At most; of few items a quarter as many, since as many factors as items would only tell each item from all others."""
_ROUNDS = 10
_SEED = 0


def installed() -> bool:
    """Whether the package is there."""
    return find_spec("implicit") is not None


def factors(blocks: Iterable[Bought], demanded: Demand) -> Float32 | None:
    """The factors of the most popular items, in their order; None where nobody owns one or the package is missing."""
    chosen = demanded.by_popularity[:MOST]
    if not installed() or not len(chosen):
        return None
    from scipy.sparse import csr_matrix, vstack

    column = np.full(len(demanded.popular), -1, np.int64)
    column[chosen] = np.arange(len(chosen))
    parts = []
    for block in blocks:
        who, item = np.divmod(block.before(demanded.day).pairs(len(column)), len(column))
        kept = column[item] >= 0
        ones = np.ones(int(kept.sum()), np.float32)
        parts.append(csr_matrix((ones, (who[kept], column[item[kept]])), (block.n_customers, len(chosen))))
    owned = vstack(parts, "csr") if parts else csr_matrix((0, len(chosen)), dtype=np.float32)
    return _fitted(owned) if owned.nnz else None


def _fitted(owned: Any) -> Float32:
    from implicit.cpu.als import AlternatingLeastSquares
    from threadpoolctl import threadpool_limits

    model = AlternatingLeastSquares(
        factors=max(min(_FACTORS, owned.shape[1] // 4), 1),
        regularization=FACTOR_PENALTY,
        alpha=1.0,  # What is owned weighs as much as what is not: the fold-in is then linear.
        iterations=_ROUNDS,
        num_threads=1,
        random_state=_SEED,
    )
    # It warns of several threads of BLAS, which there are not.
    with threadpool_limits(1, user_api="blas"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(owned, show_progress=False)
    return np.asarray(model.item_factors, np.float32)
