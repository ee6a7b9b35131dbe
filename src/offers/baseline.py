"""What customers of a wave spend without an offer, and how far that scatters: the ground that effects stand on.

In: a lesson. Out: a `Baseline` that takes its part out of any column. It is a line in what the model expected, one
for the whole wave, from which customers of each meant option may differ by some five per cent (a normal prior: with
few customers they hardly do, with many they differ as they like). So no meant option lives on its few controls alone.
Nothing is missing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .lesson import Float, Lesson

BINS = 20
WITHIN = 0.05
"""Standard deviation of how far the customers of a meant option differ from the wave, as a share of expected spend."""


@dataclass(frozen=True, eq=False)
class Baseline:
    """The ground of one wave.

    Parameters
    ----------
    base : array of shape (n, 4)
        A level, and what the model expected: spend, spend at stake, and one order of each who buys.
    meant : int array of shape (n,)
        Place of the meant option.
    variance : array of shape (n,)
        Of spend around what is expected.
    """

    base: Float
    meant: NDArray[np.int64]
    variance: Float
    size: Float

    @classmethod
    def of(cls, lesson: Lesson) -> Baseline:
        """Before it is known how far spend scatters: everybody's as far as all."""
        told = lesson.expected
        base = np.column_stack(
            [np.ones(len(lesson)), told.spend, told.silent * told.active, (1 - told.silent) * told.order]
        )
        even = np.full(len(lesson), float(np.var(lesson.gross)) + 1e-12)
        return cls(base, np.unique(lesson.meant, return_inverse=True)[1], even, told.spend * told.active)

    def scattering(self, rest: Float) -> Baseline:
        """The same with variances from what is left of spend, by bins of spend x active spend.

        Who buys with chance 1 - p, and then for some A, has a mean square of spend of (1 - p) A A, which is spend x
        active spend. A bin has at least a hundredth of the mean of all.
        """
        edges = np.quantile(self.size, np.linspace(0, 1, BINS + 1)[1:-1])
        place = np.searchsorted(edges, self.size, side="right")
        count = np.maximum(np.bincount(place, minlength=BINS), 1)
        mean = np.bincount(place, rest**2, BINS) / count
        return replace(self, variance=np.maximum(mean, 0.01 * np.mean(rest**2) + 1e-12)[place])

    def without(self, columns: Float) -> Float:
        """Columns less the baseline that fits them best, shape (n, m): weighted least squares with a prior."""
        gram, product = self._sums(columns)
        groups, size = gram.shape[:2]
        whole = np.zeros(((groups + 1) * size, (groups + 1) * size))
        whole[:size, :size] = gram.sum(axis=0)
        mean = max(float(self.base[:, 1].mean()), 1e-12)
        prior = np.diag(1 / (WITHIN * np.array([mean, 1.0, 1.0, 1.0])) ** 2)
        for group in range(groups):
            own = slice((group + 1) * size, (group + 2) * size)
            whole[own, own] = gram[group] + prior
            whole[:size, own] = whole[own, :size] = gram[group]
        right = np.concatenate([product.sum(axis=0), *product])
        found = np.linalg.lstsq(whole, right, rcond=None)[0].reshape(groups + 1, size, -1)
        out = np.empty_like(columns)
        for group in range(groups):
            rows = np.flatnonzero(self.meant == group)
            out[rows] = columns[rows] - self.base[rows] @ (found[0] + found[1 + group])
        return out

    def _sums(self, columns: Float) -> tuple[Float, Float]:
        """X'WX and X'WY of each meant option, shapes (groups, 4, 4) and (groups, 4, m)."""
        groups, size = int(self.meant.max()) + 1, self.base.shape[1]
        gram, product = np.zeros((groups, size, size)), np.zeros((groups, size, columns.shape[1]))
        for group in range(groups):
            rows = np.flatnonzero(self.meant == group)
            weighted = (self.base[rows] / self.variance[rows, None]).T
            gram[group], product[group] = weighted @ self.base[rows], weighted @ columns[rows]
        return gram, product
