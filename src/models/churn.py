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

from ..clock import Cutoff
from ..errors import NotEnoughData
from .boosted import Setting
from .ensemble import CHURN, Ensemble
from .level import HALF, Level
from .metrics import log_losses, sigmoid
from .sample import Sample

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
    def fit(cls, train: Sample, now: Sample, settings: Mapping[str, Setting], lag_days: int = 0) -> Churn:
        """Fit on matured rows; the level is learnt on the rows of the day on which one stands.

        Parameters
        ----------
        train, now : Sample
            Where they differ in horizon, the model is trained at the one and speaks of the other. The share of the
            two classical models is that of `train`.
        lag_days : int
            Days until a label is known.

        Raises
        ------
        NotEnoughData
            When a prior is needed to carry the horizon, and none could be fitted.
        """
        ensemble, now = Ensemble.fit(CHURN, train, settings), replace(now, share=train.share)
        bare = cls(ensemble, prior_weight(train), train.horizon_days, train.share, Level(0.0))
        here = now.over(train.horizon_days)
        z = bare.logit(here)
        if now.horizon_days == train.horizon_days:
            return replace(bare, level=Level.fit(train, now, z, _swallowed(bare, train, now, settings, lag_days)))
        _carriers(now, train.horizon_days)
        off = "no twin: what is learnt at a shorter horizon says nothing of the season of the longer one"
        # Over a longer window seasons even out, so that few training cutoffs are no reason to doubt their level more.
        return replace(bare, level=Level.fit(train, here, z, off, anchor=HALF))

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


def market_wide(sample: Sample) -> list[str]:
    """Features that say the same of everybody at each cutoff, and differ between cutoffs: they name the cutoff."""
    order = np.argsort(sample.panel.cutoff_day, kind="stable")
    day = sample.panel.cutoff_day[order]
    starts = np.flatnonzero(np.diff(day, prepend=day[:1] - 1))
    if len(starts) < 2:
        return []
    size = np.diff(np.append(starts, len(day)))

    def named(values: NDArray[np.float32]) -> bool:
        first = values[order[starts]]
        # Missing for all at early cutoffs, and one value ever after, is the left edge of the history: no season.
        if len(np.unique(first[~np.isnan(first)])) < 2:
            return False
        return np.array_equal(values[order], np.repeat(first, size), equal_nan=True)

    return [name for name, values in zip(sample.panel.names, sample.panel.values, strict=True) if named(values)]


def _swallowed(bare: Churn, train: Sample, now: Sample, settings: Mapping[str, Setting], lag_days: int) -> str:
    """Why the twin may not speak: features that name the cutoff have taken the level in, and past days show it.

    Boosters with such features may already say what the twin says. Only then is the twin put to the test, at the last
    cutoff whose labels are known: it stays only where it lowers the log loss there.
    """
    named = market_wide(train)
    if not named or Level.fit(train, now, bare.logit(now)).twin is None:
        return ""
    said = f"off: {', '.join(named[:3])}{', ...' if len(named) > 3 else ''} say the same of everybody on a day"
    last = Cutoff(int(train.panel.cutoff_day.max()))
    past, judge = train.matured_before(last, lag_days), train.at((last,))
    if past.n_rows == 0 or np.ptp(past.churned) == 0:
        return f"{said}, and there is no past day to try the twin at"
    tried = replace(bare, ensemble=Ensemble.fit(CHURN, past, settings), prior_weight=prior_weight(past))
    z = tried.logit(judge)
    levels = [Level.fit(past, judge, z, off) for off in ("", "off")]
    if levels[0].twin is None:
        return f"{said}, and the twin could not be tried at {last}: {levels[0].words}"
    with_twin, without = (float(log_losses(judge.churned, sigmoid(z + level.shift)).mean()) for level in levels)
    return "" if with_twin < without else f"{said}; at {last} the twin made log loss {with_twin:.4f} of {without:.4f}"
