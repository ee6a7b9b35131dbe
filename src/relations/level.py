"""The level of what the model says of buying instead of silence: what really came of the customers of a past day.

In: what a model said of them that day, who bought in the window, what each spent in the year that began with it. Out: a
`Level` with its error. Before any year was seen it is net over gross money, and unsure; cells of alike customers in
which hardly anybody bought, or hardly anybody did not, tell nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .saved import Float, Twins

Bool = NDArray[np.bool_]
Int = NDArray[np.int64]

UNSURE = 0.2
"""Deviation of the level, as a share of net over gross money, before any year was seen."""
PER_CELL, CELLS, FEWEST = 100, (10, 5), 5
"""Customers of a cell of alike ones; how many cells there are at most by chance and by gain; the least of either kind
of customers in one."""


@dataclass(frozen=True)
class Level:
    """Net money over what the model says of it, with the deviation of that.

    Parameters
    ----------
    level, error : float
    customers : int
        In cells with both who bought and who did not; 0 where no past year was looked at.
    """

    level: float
    error: float
    customers: int = 0

    @classmethod
    def unseen(cls, net: float) -> Level:
        """Before anything was seen: net over gross money, and unsure."""
        return cls(net, UNSURE * net)

    def seen(self, found: Twins, value: Float, bought: Bool, spend: Float) -> Level:
        """The same after what came of the customers of a past day.

        Within cells of customers alike in chance and gain, the money of those who bought in the window less that of
        those who did not is set against what the model says of the same two groups. What is sure of it has its weight.

        Parameters
        ----------
        found : Twins
            Of these customers as of that day.
        value : ndarray of float64
            Expected value of a purchase day as of that day, in currency.
        bought : ndarray of bool
            Who bought in the window.
        spend : ndarray of float64
            What each then spent in all of the year, net.
        """
        came = said = variance = 0.0
        counted = 0
        for cell in cells(found):
            one, none = cell[bought[cell]], cell[~bought[cell]]
            if min(len(one), len(none)) < FEWEST:
                continue
            weight = float(value[cell].mean()) * len(one) * len(none) / len(cell)
            (a, spread_a), (b, spread_b) = (_per_value(spend, value, rows) for rows in (one, none))
            said += weight * (_mean(found.bought, value, one) - _mean(found.silent, value, none))
            came += weight * (a - b)
            variance += weight**2 * (spread_a + spread_b)
            counted += len(cell)
        if not (said > 0 and variance > 0 and self.error > 0):
            return self
        sure, before = (said / np.sqrt(variance)) ** 2, 1.0 / self.error**2
        level = (came / said * sure + self.level * before) / (sure + before)
        return Level(float(max(level, 0.0)), float((sure + before) ** -0.5), counted)


def cells(found: Twins) -> list[Int]:
    """Customers alike: by their chance of silence, and within it by what buying goes along with."""
    n = len(found.p_silent)
    most, within = CELLS
    rows = int(np.clip(n // (PER_CELL * 4), 1, most))
    columns = int(np.clip(n // (PER_CELL * rows), 1, within))
    parts = np.array_split(np.argsort(found.p_silent, kind="stable"), rows)
    return [
        cell
        for part in parts
        for cell in np.array_split(part[np.argsort(found.difference[part], kind="stable")], columns)
    ]


def _per_value(spend: Float, value: Float, rows: Int) -> tuple[float, float]:
    """Money per expected value of a purchase day, and the variance of that ratio (linearised)."""
    total = float(value[rows].sum())
    each = float(spend[rows].sum()) / total
    rest = spend[rows] - each * value[rows]
    return each, float((rest**2).sum()) / total**2


def _mean(purchases: Float, value: Float, rows: Int) -> float:
    return float((purchases[rows] * value[rows]).sum() / value[rows].sum())
