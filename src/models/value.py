"""Value: expected net spend in the horizon, and expected orders.

In: training rows of matured cutoffs. Out: the mean of Tweedie boosters, one of them boosted from the classical
expectation, learnt on max(spend, 0) and brought to net by one factor; expected orders from the prior, brought to the
training total. Where no prior could be fitted, the boosters and the mean number of orders speak. Another horizon than
that of the training is reached by the ratio of purchases that the prior expects in the two.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .boosted import Setting
from .churn import prior_weight
from .ensemble import VALUE, Ensemble
from .sample import Sample

Float64 = NDArray[np.float64]
MOST = 30.0
"""Predictions on the log scale, in units of the mean, are cut here: e^30 of anything is nonsense."""


@dataclass(frozen=True)
class Value:
    """A fitted value model.

    Parameters
    ----------
    ensemble : Ensemble
    prior_weight : float
        Weight of the recalibrated prior in the mean, 0..1.
    net : float
        sum(spend) / sum(max(spend, 0)) over the training rows.
    orders_factor, orders_mean : float
        From expected purchase days to orders; and what is said without a prior.
    horizon_days : int
        The horizon of the training labels.
    """

    ensemble: Ensemble
    prior_weight: float
    net: float
    orders_factor: float
    orders_mean: float
    horizon_days: int

    @classmethod
    def fit(cls, train: Sample, settings: Mapping[str, Setting]) -> Value:
        """Fit on matured rows."""
        gross = float(np.maximum(train.spend, 0).sum())
        known = np.isfinite(train.prior.orders)
        expected = float(train.prior.orders[known].sum())
        return cls(
            Ensemble.fit(VALUE, train, settings),
            prior_weight(train),
            float(train.spend.sum()) / gross if gross > 0 else 1.0,
            float(train.orders[known].sum()) / expected if expected > 0 else 1.0,
            float(train.orders.mean()),
            train.horizon_days,
        )

    def member(self, name: str, sample: Sample) -> Float64:
        """One member's expected net spend per row."""
        learnt = sample.over(self.horizon_days)
        return self._carried(self._money(self.ensemble.link(name, learnt)), sample)

    def expected_spend(self, sample: Sample) -> Float64:
        """Expected net spend in the horizon of the sample per row, in currency."""
        learnt = sample.over(self.horizon_days)
        trees = np.mean([self._money(self.ensemble.link(name, learnt)) for name in self.ensemble.boosters], axis=0)
        prior = self._money(self.ensemble.seed.margin(VALUE, learnt))
        return self._carried(np.asarray((1 - self.prior_weight) * trees + self.prior_weight * prior), sample)

    def expected_orders(self, sample: Sample) -> Float64:
        """Expected purchases in the horizon of the sample per row."""
        known = np.isfinite(sample.prior.orders)
        return np.where(known, self.orders_factor * sample.prior.orders, self.orders_mean)

    def _carried(self, money: Float64, sample: Sample) -> Float64:
        """Money of the training horizon brought to that of the sample."""
        if sample.horizon_days == self.horizon_days:
            return money
        return np.asarray(money * sample.prior.orders / sample.over(self.horizon_days).prior.orders)

    def _money(self, link: Float64) -> Float64:
        return np.asarray(self.net * self.ensemble.seed.unit * np.exp(np.minimum(link, MOST)))
