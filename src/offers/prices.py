"""The price of each cap: what one more unit of it would bring, found from the dual of the allocation.

In: a `Problem`. Out: prices >= 0, and an upper bound on what any allocation can gain. Lagrangian relaxation (Fisher
1981, doi:10.1287/mnsc.27.1.1) by cutting planes within a box (Marsten, Hogan and Blankenship 1975,
doi:10.1287/opre.23.3.389): at prices everybody takes the best option, which is a plane below the dual function; a tiny
linear program, solved by HiGHS, finds the lowest point of all planes. A sample finds the neighbourhood first.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import linprog

from .problem import ROUNDING, Chosen, Options, Prices, Problem

_SAMPLE = 16_384
"""Customers of whom the neighbourhood of the prices is known to a few percent."""
_NEAR = 0.15
"""How far from the sample's prices those of all are looked for at first, as a share."""
_ENOUGH = 1e-5
"""The dual is solved to this share of itself: a hundredth of the gap that is to be reached."""
_MANY, _NEARLY = 2_000, 2e-4
"""A linear program of more unknowns is solved by an interior point, which is faster then, and less sharply."""
_ROUNDS = 120
_FAR = 1e4
"""Prices so many times as high as the gains are not looked for: there the dual is flat."""
_GOLDEN = 0.6180339887498949
_PLANES, _KEPT = 6_000, 12


@dataclass(frozen=True, eq=False)
class Priced:
    """Prices of all caps, the bound they prove, and a mixture of earlier prices that meets all caps on average.

    `mixture` holds (prices, share of each block): the primal solution of the last linear program.
    """

    prices: Prices
    bound: float
    best: Chosen
    mixture: tuple[tuple[Prices, NDArray[np.float64]], ...] = ()
    rounds: int = 0

    def mixed(self, problem: Problem) -> Options:
        """Everybody's option at one of the prices of the mixture, each as often as its share says."""
        option = np.full(len(problem.gains), -1, np.int16)
        block = problem.block[problem.group]
        # Multiples of the golden ratio spread evenly over 0..1, whichever customers a block holds.
        at = np.arange(1, len(option) + 1) * _GOLDEN % 1.0
        begin = np.zeros(block.max(initial=0) + 1)
        for prices, share in self.mixture:
            end = begin + share
            its = (begin[block] <= at) & (at < end[block])
            option[its] = problem.choose(prices).option[its]
            begin = end
        return option


class _Planes:
    """What each look at the customers has said of each block: its gains, and its uses of the caps."""

    def __init__(self, limits: NDArray[np.float64], scale: NDArray[np.float64]) -> None:
        self.limits, self.scale = limits, scale
        self.looks: list[tuple[Prices, NDArray[np.float64], sparse.csr_array]] = []
        self.weights = np.zeros((0, 0))

    def add(self, prices: Prices, chosen: Chosen) -> None:
        """One more look; the gains of what was chosen follow from what prices left of them."""
        self.looks.append((prices, chosen.dual + chosen.used @ prices, chosen.used))

    def lowest(self, low: Prices, high: Prices) -> tuple[Prices, float]:
        """The lowest point of all planes within a box, and its height."""
        looks, blocks = len(self.looks), len(self.looks[0][1])
        heights = np.concatenate([gains for _, gains, _ in self.looks])
        unit = max(float(heights.sum()) / looks, 1e-300)
        slopes = sparse.vstack([used for _, _, used in self.looks]).multiply(self.scale[None, :] / unit)
        which = sparse.csc_array(
            (np.ones(looks * blocks), (np.arange(looks * blocks), np.tile(np.arange(blocks), looks)))
        )
        bounds = np.concatenate(
            [np.tile([0.0, np.inf], (blocks, 1)), np.column_stack([low, high]) / self.scale[:, None]]
        )
        found = linprog(
            np.concatenate([np.ones(blocks), self.limits * self.scale / unit]),
            A_ub=-sparse.hstack([which, slopes], format="csc"),
            b_ub=-heights / unit,
            bounds=bounds,
            method="highs-ds" if len(bounds) <= _MANY else "highs-ipm",
        )
        if found.x is None:
            return low, -np.inf
        weights = np.maximum(-found.ineqlin.marginals, 0.0).reshape(looks, blocks)
        if looks * blocks > max(_PLANES, _KEPT * blocks):
            recent = np.arange(looks) >= looks - 4
            self.looks = [look for look, kept in zip(self.looks, recent | weights.any(axis=1), strict=True) if kept]
            weights = weights[recent | weights.any(axis=1)]
        self.weights = weights
        return np.clip(found.x[blocks:] * self.scale, low, high), float(found.fun) * unit


def priced(problem: Problem) -> Priced:
    """Prices at which what everybody takes by himself comes as near to the caps as it can.

    Examples
    --------
    Three customers, one option that costs 1, a budget of 2: the third is the marginal one, and the price of the budget
    lies between the gains of the second and the third; the bound is what the two best gain.

    >>> from regulars.offers.caps import Cap
    >>> gains = np.array([[5.0], [4.0], [3.0]])
    >>> found = priced(Problem(gains, np.array([1.0]), [Cap("budget", 2.0, money=True)]))
    >>> bool(3 <= found.prices[0] <= 4), round(found.bound, 6)
    (True, 9.0)
    """
    start = np.zeros(len(problem.caps))
    free = problem.choose(start)
    used = problem.totals(free.option)
    if not free.dual.sum() > 0 or (used <= problem.limits * (1 + ROUNDING)).all():
        return Priced(start, float(free.dual.sum()), free)
    scale = free.dual.sum() / np.maximum(used, 1e-3 * np.where(_live(problem), problem.limits, 1.0))
    step = len(problem.gains) // (_SAMPLE * max(1, len(free.dual) // 32))
    if step < 4:
        return _descended(problem, start, scale, scale)
    near = _descended(problem.sample(step), start, scale, scale).prices
    return _descended(problem, near, scale, _NEAR * np.maximum(near, _NEAR * scale))


def _live(problem: Problem) -> NDArray[np.bool_]:
    """Caps that can have a price: one without an end has none, and what one of nothing shuts is not to be had."""
    return (problem.limits > 0) & (problem.limits < np.inf)


def _descended(problem: Problem, start: Prices, scale: Prices, reach: Prices) -> Priced:
    """From a first guess to the lowest point of the dual; the box around the best point so far grows and shrinks."""
    live = _live(problem)
    limits = np.where(live, problem.limits, 0.0)
    planes = _Planes(limits, scale)
    centre, chosen = np.where(live, start, 0.0), problem.choose(np.where(live, start, 0.0))
    bound = float(chosen.dual.sum() + limits @ centre)
    planes.add(centre, chosen)
    enough = _ENOUGH if len(chosen.dual) + len(limits) <= _MANY else _NEARLY
    rounds = 1
    while rounds < _ROUNDS:
        low, high = np.maximum(centre - reach, 0.0) * live, (centre + reach) * live
        prices, height = planes.lowest(low, high)
        edge = bool((((prices <= low) & (low > 0)) | ((prices >= high) & live)).any())
        if bound - height <= enough * abs(bound):
            if not edge or bool((reach > _FAR * scale).all()):
                break
            reach = reach * 4.0
            continue
        seen = problem.choose(prices)
        rounds += 1
        planes.add(prices, seen)
        height_there = float(seen.dual.sum() + limits @ prices)
        if height_there < bound:
            if edge and bound - height_there > 0.5 * (bound - height):
                reach = reach * 2.0
            centre, bound, chosen = prices, height_there, seen
        else:
            reach = reach * 0.6
    mixture = tuple((p, w) for (p, _, _), w in zip(planes.looks, planes.weights, strict=False) if w.any())
    return Priced(centre, bound, chosen, mixture, rounds)
