"""Orders: how many purchases each customer is expected to make in the horizon.

In: training rows of matured cutoffs, and the rows of the day on which one stands. Out: a Poisson booster seeded with
the classical expectation, brought to the right level. Where no prior could be fitted it starts from the mean. Another
horizon than that of the training is reached by the ratio of purchases that the prior expects in the two.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .boosted import Setting, Shelf
from .ensemble import ORDERS, Ensemble
from .level import Level
from .market import swallowed
from .sample import Sample
from .scales import ORDERS as ON_ORDERS

Float64 = NDArray[np.float64]
MOST = 12.0
"""Logarithms of counts are cut here: nobody buys 160,000 times in a horizon."""


@dataclass(frozen=True)
class Orders:
    """A fitted model of the number of purchases.

    Parameters
    ----------
    ensemble : Ensemble
    horizon_days : int
        The horizon of the training labels.
    level : Level
    """

    ensemble: Ensemble
    horizon_days: int
    level: Level

    @classmethod
    def fit(
        cls,
        train: Sample,
        now: Sample,
        settings: Mapping[str, Setting],
        lag_days: int = 0,
        shelf: Shelf | None = None,
    ) -> Orders:
        """Fit on matured rows; the level is learnt on the rows of the day on which one stands.

        Parameters
        ----------
        train, now : Sample
            Where they differ in horizon, the model is trained at the one and speaks of the other.
        settings : dict of str to Setting
            Those of value, that of `orders` among them.
        lag_days : int
            Days until a label is known.
        shelf : Shelf, optional
            Of matrices that other models of the same rows share.
        """
        mine = dict.fromkeys(ORDERS.members, settings[ORDERS.name])
        bare = cls(Ensemble.fit(ORDERS, train, mine, shelf), train.horizon_days, Level(0.0))
        if now.horizon_days != train.horizon_days:
            return bare.carried(train, now)

        def learnt(past: Sample, judge: Sample) -> Float64:
            return replace(bare, ensemble=Ensemble.fit(ORDERS, past, mine))._link(judge)

        z = bare._link(now)
        off = swallowed(train, now, z, ON_ORDERS, lag_days, learnt)
        return replace(bare, level=Level.fit(train, now, z, off, scale=ON_ORDERS))

    def carried(self, train: Sample, now: Sample) -> Orders:
        """The same boosters, speaking of a horizon that they were not trained at, at a level for it.

        Parameters
        ----------
        train : Sample
            The rows it was trained on.
        now : Sample
            The rows of the day on which one stands, of the horizon to be spoken of.
        """
        bare = replace(self, level=Level(0.0))
        return replace(self, level=Level.carried(train, now, np.log(bare.expected(now)), ON_ORDERS))

    def expected(self, sample: Sample) -> Float64:
        """Expected purchases in the horizon of the sample per row, > 0."""
        learnt = sample.over(self.horizon_days)
        found = np.exp(np.minimum(self._link(learnt) + self.level.shift, MOST))
        if sample.horizon_days == self.horizon_days:
            return np.asarray(found)
        return np.asarray(found * np.exp(ORDERS.prior(sample) - ORDERS.prior(learnt)))

    def _link(self, learnt: Sample) -> Float64:
        return self.ensemble.link(ORDERS.members[0], learnt)
