"""What fits to what a customer owns: how much owning one popular item speaks for another.

In: how many customers own both of two items (`Together`), or the factors of a matrix factorisation. Out: a table of
shape (n, n), zero on its diagonal; the row of what is owned is added up. Two ways:

- `regression`: each item is predicted from all others by least squares with a quadratic penalty, in closed form (Steck
  2019, doi:10.1145/3308558.3313710). Other than a cosine it knows that two items which everybody buys say nothing
  about each other, and that several items may say the same.
- `of_factors`: what the factors of items make of a customer in the last half-step of alternating least squares (Hu,
  Koren and Volinsky 2008, doi:10.1109/ICDM.2008.22), every item that is not owned counting as much as one that is.

An item without a customer fits to nothing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from .crowd import Together

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
PENALTY = 3.0
"""Of the regression, in owners of the mean item; measured in docs/products.md."""
FACTOR_PENALTY = 0.1
_PRIOR = 5.0
"""Owners at the mean rate that each item has besides its own, when it is asked how many of them bought it of late."""


def regression(together: Together, penalty: float = PENALTY) -> Float32:
    """How much owning one item (row) speaks for another (column).

    Examples
    --------
    >>> alike = Together(np.array([0, 1, 2]), np.array([[4, 4, 0], [4, 4, 0], [0, 0, 4]]), 8)
    >>> regression(alike, 1.0)[0].round(2).tolist()
    [0.0, 0.5, -0.0]
    """
    shared = together.both.astype(np.float64)
    if not len(shared):
        return np.zeros((0, 0), np.float32)
    shared[np.diag_indices_from(shared)] += penalty * max(float(np.diag(shared).mean()), 1.0)
    # One thread: with several the last bits would depend on the machine.
    with threadpool_limits(1, user_api="blas"):
        inverse = np.linalg.inv(shared)
    found = -inverse / np.diag(inverse)
    np.fill_diagonal(found, 0.0)
    return np.asarray(found, np.float32)


def of_factors(factors: Float32, penalty: float = FACTOR_PENALTY) -> Float32:
    """The same by factors of shape (n, k): Y (Y'Y + penalty)^-1 Y'.

    Examples
    --------
    >>> of_factors(np.array([[1.0], [1.0]], np.float32), 0.0).tolist()
    [[0.0, 0.5], [0.5, 0.0]]
    """
    items = factors.astype(np.float64)
    with threadpool_limits(1, user_api="blas"):
        inner = items.T @ items + penalty * np.eye(items.shape[1])
        found = items @ np.linalg.solve(inner, items.T)
    np.fill_diagonal(found, 0.0)
    return np.asarray(found, np.float32)


def selling(buyers: Float64, together: Together) -> Float64:
    """How many of an item's owners bought it of late, drawn to the mean of all items as if by five owners more.

    Parameters
    ----------
    buyers : ndarray of float64, shape (n,)
        Of late, of the items of `together`.

    Examples
    --------
    >>> owned = Together(np.array([0, 1]), np.array([[15, 0], [0, 5]]), 20)
    >>> selling(np.array([4.0, 1.0]), owned).tolist()
    [0.2625, 0.225]
    """
    owners = np.diag(together.both).astype(np.float64)
    mean = buyers.sum() / max(owners.sum(), 1.0)
    return np.asarray((buyers + _PRIOR * mean) / (owners + _PRIOR))
