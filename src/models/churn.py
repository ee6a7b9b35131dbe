"""Churn: the mean of logits of boosters, with and without the classical prior, and of the prior itself.

In: training rows of matured cutoffs, and the rows of the day on which one stands (without labels). Out: P(no purchase
in the horizon). The prior's weight falls with data; the average level is then moved halfway to the prior's own. Where
no prior could be fitted, the boosters speak alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .boosted import Setting
from .ensemble import CHURN, Ensemble
from .metrics import sigmoid
from .sample import Sample

Float64 = NDArray[np.float64]
PRIOR_CUSTOMERS = 300.0
"""With so many customers the prior weighs half."""


def prior_weight(sample: Sample) -> float:
    """Weight of the classical prior in a mean with boosters: 300 / (300 + customers); 0 where there is none."""
    if not np.isfinite(sample.prior.silent).any():
        return 0.0
    customers = len(np.unique(sample.panel.customer_id.astype(str)))
    return PRIOR_CUSTOMERS / (PRIOR_CUSTOMERS + customers)


@dataclass(frozen=True)
class Churn:
    """A fitted churn model.

    Parameters
    ----------
    ensemble : Ensemble
    prior_weight : float
        Weight of the raw prior's logit in the mean, 0..1.
    shift : float
        Added to every logit: the level.
    """

    ensemble: Ensemble
    prior_weight: float
    shift: float

    @classmethod
    def fit(cls, train: Sample, now: Sample, settings: Mapping[str, Setting]) -> Churn:
        """Fit on matured rows; the level is learnt on the rows of the day on which one stands."""
        bare = cls(Ensemble.fit(CHURN, train, settings), prior_weight(train), 0.0)
        return replace(bare, shift=halfway(bare.logit(now), now.prior.silent))

    def logit(self, sample: Sample) -> Float64:
        """The blend's logit per row."""
        trees = np.mean([self.ensemble.link(member, sample) for member in self.ensemble.boosters], axis=0)
        prior = sample.prior.silent
        blend = np.where(np.isfinite(prior), (1 - self.prior_weight) * trees + self.prior_weight * prior, trees)
        return np.asarray(blend + self.shift)

    def p_churn(self, sample: Sample) -> Float64:
        """P(no purchase in the horizon) per row."""
        return sigmoid(self.logit(sample))


def halfway(z: Float64, prior: Float64) -> float:
    """The shift of logits that brings their mean probability halfway to a prior's; 0 without a prior.

    Examples
    --------
    >>> round(halfway(np.array([0.0]), np.array([np.log(3.0)])), 4)  # from 1/2 halfway to 3/4: logit(5/8)
    0.5108
    """
    known = np.isfinite(prior)
    if not known.any():
        return 0.0
    target = 0.5 * (sigmoid(z[known]).mean() + sigmoid(prior[known]).mean())
    low, high = -8.0, 8.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if sigmoid(z[known] + middle).mean() < target else (low, middle)
    return 0.5 * (low + high)
