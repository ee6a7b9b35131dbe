"""Value: expected net spend in the horizon, and expected orders.

In: training rows of matured cutoffs. Out: the mean of Tweedie boosters, one of them boosted from the classical
expectation, learnt on max(spend, 0) and brought to net by one factor; expected orders from the prior, brought to the
training total. Where no prior could be fitted, the boosters and the mean number of orders speak.
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
    """

    ensemble: Ensemble
    prior_weight: float
    net: float
    orders_factor: float
    orders_mean: float

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
        )

    def member(self, name: str, sample: Sample) -> Float64:
        """One member's expected net spend per row."""
        return self._money(self.ensemble.link(name, sample))

    def expected_spend(self, sample: Sample) -> Float64:
        """Expected net spend in the horizon per row, in currency."""
        trees = np.mean([self.member(name, sample) for name in self.ensemble.boosters], axis=0)
        prior = self._money(self.ensemble.seed.margin(VALUE, sample))
        return np.asarray((1 - self.prior_weight) * trees + self.prior_weight * prior)

    def expected_orders(self, sample: Sample) -> Float64:
        """Expected purchases in the horizon per row."""
        known = np.isfinite(sample.prior.orders)
        return np.where(known, self.orders_factor * sample.prior.orders, self.orders_mean)

    def _money(self, link: Float64) -> Float64:
        return np.asarray(self.net * self.ensemble.seed.unit * np.exp(np.minimum(link, MOST)))
