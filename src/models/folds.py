"""Predictions of customers left out of learning: what intervals are learnt from where no earlier day can teach them.

In: matured training rows, and a way to learn from some of them and speak of others. Out: predictions of the last
training cutoff, each by models that have not seen its customer, with the spend that came. The folds depend on nothing
but the customer id. Such predictions know the period they speak of, so they tell nothing of how periods differ.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..clock import Cutoff
from .intervals import Intervals
from .sample import Sample

Float64 = NDArray[np.float64]
FOLDS = 2
"""Each customer's models learn from half of the others: a little worse than the model in use, so a little too wide."""
Speak = Callable[[Sample], tuple[Float64, Float64]]
"""From rows to their expected net spend, in currency, and their P(spend <= 0)."""


def fold_of(customer_id: NDArray[np.object_], folds: int = FOLDS) -> NDArray[np.int64]:
    """The fold of each customer, 0 to `folds` - 1, by a hash of the id that is the same on every machine.

    Examples
    --------
    >>> fold_of(np.array(["anna", "emil", "anna"], object)).tolist()
    [1, 0, 1]
    """
    return np.asarray(pd.util.hash_array(customer_id.astype(str).astype(object)) % folds, np.int64)


@dataclass(frozen=True)
class LeftOut:
    """Predictions of rows by models that have not seen their customers, and what came.

    Parameters
    ----------
    expected, p_none, spend : ndarray of float64, shape (n_rows,)
    cutoff : Cutoff
        The day of the predictions.
    """

    expected: Float64
    p_none: Float64
    spend: Float64
    cutoff: Cutoff

    @classmethod
    def of(cls, train: Sample, learnt: Callable[[Sample], Speak], folds: int = FOLDS) -> LeftOut:
        """Learn from the rows of all customers but a fold's, and speak of that fold at the last training cutoff.

        Parameters
        ----------
        train : Sample
            Rows whose labels are known.
        learnt : callable
            Learns from rows and gives a way to speak of others; without the level of any later day. It may raise
            `NotEnoughData`.
        """
        last = Cutoff(int(train.panel.cutoff_day.max()))
        there = train.at((last,))
        of_train, of_there = fold_of(train.panel.customer_id, folds), fold_of(there.panel.customer_id, folds)
        expected, p_none = np.full(there.n_rows, np.nan), np.full(there.n_rows, np.nan)
        for fold in np.unique(of_there).tolist():
            speak = learnt(train.take(of_train != fold))
            rows = np.flatnonzero(of_there == fold)
            expected[rows], p_none[rows] = speak(there.take(rows))
        return cls(expected, p_none, there.spend, last)

    def intervals(self) -> Intervals:
        """Intervals learnt from them, widened by what periods usually differ by."""
        day = np.full(len(self.spend), str(self.cutoff), object)
        return Intervals.within(self.expected, self.p_none, self.spend, day)
