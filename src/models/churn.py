"""Churn: the mean of logits of boosters, with and without the classical prior, and of the prior itself.

In: training rows of matured cutoffs, and the rows of the day on which one stands (without labels). Out: P(no purchase
in the horizon). The prior's weight falls with data; the level is that of `Level`. Where no prior could be fitted, the
boosters speak alone. A horizon of which no window has closed is learnt at a shorter one: what the blend says beyond the
prior there is added, in logits, to what the prior says of the longer one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..errors import NotEnoughData
from .boosted import Setting, Shelf
from .ensemble import CHURN, Ensemble
from .level import CARRIED, HALF, Level
from .market import swallowed
from .metrics import sigmoid
from .sample import Sample
from .scales import LOGIT

Float64 = NDArray[np.float64]
PRIOR_CUSTOMERS = 300.0
"""With so many customers the prior weighs half."""


def prior_weight(sample: Sample) -> float:
    """Weight of the classical prior in a mean with boosters: 300 / (300 + customers); 0 where there is none."""
    if not np.isfinite(sample.silent).any():
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
    horizon_days : int
        The horizon of the training labels; other horizons are carried by the prior.
    share : float
        Of Pareto/NBD against BG/NBD in the prior.
    level : Level
    """

    ensemble: Ensemble
    prior_weight: float
    horizon_days: int
    share: float
    level: Level

    @classmethod
    def fit(
        cls,
        train: Sample,
        now: Sample,
        settings: Mapping[str, Setting],
        lag_days: int = 0,
        shelf: Shelf | None = None,
    ) -> Churn:
        """Fit on matured rows; the level is learnt on the rows of the day on which one stands.

        Parameters
        ----------
        train, now : Sample
            Where they differ in horizon, the model is trained at the one and speaks of the other. The share of the
            two classical models is that of `train`.
        lag_days : int
            Days until a label is known.
        shelf : Shelf, optional
            Where matrices lie that other models read, too.

        Raises
        ------
        NotEnoughData
            When a prior is needed to carry the horizon, and none could be fitted.
        """
        ensemble, now = Ensemble.fit(CHURN, train, settings, shelf), replace(now, share=train.share)
        bare = cls(ensemble, prior_weight(train), train.horizon_days, train.share, Level(0.0))
        if now.horizon_days != train.horizon_days:
            return bare.carried(train, now)
        z = bare.logit(now)

        def learnt(past: Sample, judge: Sample) -> Float64:
            tried = replace(bare, ensemble=Ensemble.fit(CHURN, past, settings), prior_weight=prior_weight(past))
            return tried.logit(judge)

        return replace(bare, level=Level.fit(train, now, z, swallowed(train, now, z, LOGIT, lag_days, learnt)))

    def carried(self, train: Sample, now: Sample) -> Churn:
        """The same boosters, speaking of a horizon that they were not trained at, at a level for it.

        Parameters
        ----------
        train : Sample
            The rows it was trained on.
        now : Sample
            The rows of the day on which one stands, of the horizon to be spoken of.

        Raises
        ------
        NotEnoughData
            When no prior could be fitted that carries it there.
        """
        now = replace(now, share=self.share)
        _carriers(now, self.horizon_days)
        here, bare = now.over(self.horizon_days), replace(self, level=Level(0.0))
        # Over a longer window seasons even out, so that few training cutoffs are no reason to doubt their level more.
        return replace(bare, level=Level.fit(replace(train, share=self.share), here, bare.logit(here), CARRIED, HALF))

    def logit(self, sample: Sample) -> Float64:
        """The blend's logit per row, for the horizon of the sample."""
        sample = replace(sample, share=self.share)
        learnt = sample.over(self.horizon_days)
        z = self.ensemble.blend(CHURN.columns(learnt), self.prior_weight) + self.level.shift
        if sample.horizon_days == self.horizon_days:
            return z
        return np.asarray(z + sample.silent - learnt.silent)

    def p_churn(self, sample: Sample) -> Float64:
        """P(no purchase in the horizon) per row."""
        return sigmoid(self.logit(sample))


def _carriers(now: Sample, trained_days: int) -> None:
    """Refuse to speak of a horizon that was not trained at where there is no prior to carry it."""
    lacking = ~(np.isfinite(now.silent) & np.isfinite(now.over(trained_days).silent))
    if lacking.any():
        raise NotEnoughData(
            f"no two windows of {now.horizon_days} days have closed, and no classical model could be fitted",
            needed=f"closed windows, or a classical model to carry those of {trained_days} days to {now.horizon_days}",
            do=f"set horizon_days = {trained_days}, or bring a longer history",
            code="RG045",
        )
