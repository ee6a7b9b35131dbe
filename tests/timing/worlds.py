"""Made-up customers whose habits are known: shares drawn from a Dirichlet law, purchases from the shares.

In: how many customers, a mean share for each place, a concentration, a seed. Out: places by customer, early and late.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from regulars.timing.habits import Counts

WEEK = np.array([0.12, 0.10, 0.11, 0.13, 0.16, 0.22, 0.16])


@dataclass(frozen=True)
class World:
    """Shares of every customer, and what they did before a day and after it."""

    shares: NDArray[np.float64]
    before: Counts
    customer: NDArray[np.int64]
    place: NDArray[np.int64]


def world(
    n: int, concentration: float, seed: int, mean: NDArray[np.float64] = WEEK, times: float = 30.0, later: float = 6.0
) -> World:
    """Customers come a Poisson number of times, which varies between them as a gamma law does."""
    rng = np.random.default_rng(seed)
    shares = rng.dirichlet(concentration * mean, n) if np.isfinite(concentration) else np.tile(mean, (n, 1))
    pace = rng.gamma(2.0, 0.5, n)
    early, late = (_drawn(rng, shares, rng.poisson(pace * often)) for often in (times, later))
    return World(shares, Counts.of(*early, n, len(mean)), *late)


def _drawn(
    rng: np.random.Generator, shares: NDArray[np.float64], times: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    who = np.repeat(np.arange(len(shares)), times)
    return who, (rng.random(len(who))[:, None] > np.cumsum(shares, axis=1)[who]).sum(axis=1)
