"""Discounting: what later purchases are worth today, and the nodes at which their expectations are integrated.

In: an annual rate, edges of slices of time from now on. Out: the force of interest a day; means of a smooth function
that decays with time, slice by slice. Nothing is missing; the last slice may reach to infinity.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
from scipy.special import exprel

from .summary import Float, Int

YEAR_DAYS = 365.0
FORGOTTEN = 45.0
"""Where e^-x is taken for nothing: 3e-20."""
NODES, WIDTH = 16, 1.5
"""Gauss-Legendre nodes on a panel, and how wide, in log time, a panel is at most."""


def force_of(discount_rate: float) -> float:
    """The force of interest a day: money t days ahead counts e^(-force t) = (1 + rate)^(-t / 365) times.

    Examples
    --------
    >>> round(float(np.exp(-365 * force_of(0.25))), 12)
    0.8
    """
    return float(np.log1p(discount_rate)) / YEAR_DAYS


def annuity(t: Float, force: float) -> Float:
    """What 1 a day until a time t is worth now: (1 - e^(-force t)) / force, and t without discounting.

    Examples
    --------
    >>> annuity(np.array([10.0]), 0.0).tolist()
    [10.0]
    """
    return np.asarray(t * exprel(-force * t), np.float64)


@lru_cache(maxsize=8)
def legendre(n: int) -> tuple[Float, Float]:
    """Gauss-Legendre nodes and weights on (0, 1)."""
    node, weight = np.polynomial.legendre.leggauss(n)
    return np.asarray(0.5 * (node + 1.0)), np.asarray(0.5 * weight)


def integral(of: Callable[[Int, Float], Float], length: float, scale: Float, n: int = NODES) -> Float:
    """Integrals from 0 to a length of what changes on a scale, shape (n_rows,).

    In u = log(1 + t / scale) a function like (1 + t / b)^-k e^(-force t) with scale <= b / max(k, 1), 1 / force varies
    on a width of about 1, and so do panels of Gauss-Legendre nodes: 1e-12 relative for any k (see the tests). How many
    panels a row has depends on nothing but the row, so that alone it gets the same to the bit.

    Parameters
    ----------
    of : callable
        From positions of rows and their times, shape (n, n_nodes), to the values there.
    length : float
    scale : ndarray of shape (n_rows,)
    """
    width, out = np.log1p(length / scale), np.empty(len(scale))
    panels, (node, weight) = np.maximum(np.ceil(width / WIDTH), 1.0).astype(np.int64), legendre(n)
    for count in np.unique(panels).tolist():
        rows = np.flatnonzero(panels == count)
        wide, unit = width[rows, None], scale[rows, None]
        u = wide * ((np.arange(count)[:, None] + node).ravel() / count)
        step = unit * np.exp(u) * wide * np.tile(weight / count, count)
        out[rows] = (step * of(rows, unit * np.expm1(u))).sum(axis=1)
    return out


def discounted_survival(s: float, beta: Float, edges: Sequence[float], force: float) -> Float:
    """Integral of e^(-force t) (1 + t / beta)^-s over each slice, shape (n_rows, n_edges - 1).

    From 0 to infinity it is beta (force beta)^(s - 1) Psi(s, s; force beta), Tricomi's function of Fader, Hardie & Lee
    (2005), formula 5, and without discounting beta / (s - 1); infinite where s <= 1 then. The quadrature neither
    overflows nor cancels.

    Examples
    --------
    >>> discounted_survival(2.0, np.array([10.0]), (0.0, 10.0, np.inf), 0.0).round(9)  # 10 (1 - 1/2), and the rest
    array([[5., 5.]])
    """
    out = np.empty((len(beta), len(edges) - 1))
    for k, (low, high) in enumerate(itertools.pairwise(edges)):
        # Of those who live to `low` life goes on with beta + low instead of beta.
        until, b = high - low, beta + low
        reached = np.exp(-force * low - s * np.log1p(low / beta))
        if np.isinf(until) and force == 0.0:
            out[:, k] = reached * b / (s - 1.0) if s > 1 else np.inf
            continue
        length = min(until, FORGOTTEN / force) if force else until

        def left(rows: Int, t: Float, b: Float = b) -> Float:
            return np.asarray(np.exp(-force * t - s * np.log1p(t / b[rows, None])))

        out[:, k] = reached * integral(left, length, 1.0 / (force + max(s, 1.0) / b))
    return out
