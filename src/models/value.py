"""Value: what each customer is expected to spend in the horizon, before and after returns, in the ledger's currency.

In: training rows of matured cutoffs, the rows of the day on which one stands, the churn model. Out: the mean of two
Tweedie boosters (one reads the classical expectation, one is boosted from it), of a hurdle that weighs as much as both
(P(spend > 0) x what those spend who do), and with a weight of its own of that expectation; all learnt on max(spend, 0);
one level for all; one factor from there to net. Where no prior could be fitted, the boosters speak alone. Another
horizon than that of the training is reached by the ratio of purchases that the prior expects in the two. Where nothing
was spent in the training windows, or returns outweighed what was, the model says 0 and why.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .boosted import Setting, Shelf
from .churn import Churn, prior_weight
from .ensemble import GAMMA, ORDERS, VALUE, Ensemble
from .level import Level
from .metrics import sigmoid
from .sample import Sample
from .scales import MONEY

Float64 = NDArray[np.float64]
MOST = 30.0
"""Predictions on the log scale, in units of the mean, are cut here: e^30 of anything is nonsense."""
BLENDED = ("rich", "seeded")
"""The Tweedie boosters in the mean; `plain` is a rival."""
SPENT_NOTHING = "nobody spent anything in the training windows: the expected spend is 0"
SENT_BACK = "returns outweighed purchases in the training windows: the expected net spend is 0"


@dataclass(frozen=True)
class Value:
    """A fitted value model.

    Parameters
    ----------
    ensemble : Ensemble
        Of max(spend, 0); without boosters where nobody spent anything.
    amounts : Ensemble
        Of spend where it is above 0.
    prior_weight : float
        Weight of the classical expectation in the mean, 0..1.
    net : float
        sum(spend) / sum(max(spend, 0)) over the training rows; 0 where returns outweigh.
    kept : float
        Of those who buy, the share whose spend is above 0 after returns.
    horizon_days : int
        The horizon of the training labels.
    level : Level
        On the log of money.
    """

    ensemble: Ensemble
    amounts: Ensemble
    prior_weight: float
    net: float
    kept: float
    horizon_days: int
    level: Level

    @classmethod
    def fit(
        cls,
        train: Sample,
        now: Sample,
        settings: Mapping[str, Setting],
        churn: Churn,
        shelf: Shelf | None = None,
    ) -> Value:
        """Fit on matured rows; the level is learnt on the rows of the day on which one stands.

        Parameters
        ----------
        train, now : Sample
            Where they differ in horizon, the model is trained at the one and speaks of the other.
        settings : dict of str to Setting
            Those of value, that of `gamma` among them.
        churn : Churn
            Fitted on the same rows. Where its twin may not speak, that of money may not.
        shelf : Shelf, optional
            Of matrices that other models of the same rows share.
        """
        gross, bought = float(np.maximum(train.spend, 0).sum()), float((1 - train.churned).sum())
        bare = cls(
            Ensemble.fit(VALUE, train, settings, shelf),
            Ensemble.fit(GAMMA, train, dict.fromkeys(GAMMA.members, settings[GAMMA.name]), shelf),
            prior_weight(train),
            max(float(train.spend.sum()), 0.0) / gross if gross > 0 else 1.0,
            min(float((train.spend > 0).sum()) / bought, 1.0) if bought > 0 else 1.0,
            train.horizon_days,
            Level(0.0),
        )
        if now.horizon_days != train.horizon_days:
            return bare.carried(train, now, churn)
        off = churn.level.words if churn.level.words.startswith("off") else ""
        z = bare._log_gross(now, churn)
        return bare if z is None else replace(bare, level=Level.fit(train, now, z, off, scale=MONEY))

    def carried(self, train: Sample, now: Sample, churn: Churn) -> Value:
        """The same boosters, speaking of a horizon that they were not trained at, at a level for it.

        Parameters
        ----------
        train : Sample
            The rows it was trained on.
        now : Sample
            The rows of the day on which one stands, of the horizon to be spoken of.
        churn : Churn
            Trained at the same horizon as this, and able to speak of the other.
        """
        bare = replace(self, level=Level(0.0))
        z = bare._log_gross(now, churn)
        return bare if z is None else replace(bare, level=Level.carried(train, now, z, MONEY))

    def _log_gross(self, sample: Sample, churn: Churn) -> Float64 | None:
        gross = self.gross(sample, churn.p_churn(sample))
        return np.log(gross) if self.ensemble.boosters and gross.min(initial=1.0) > 0 else None

    @property
    def words(self) -> str:
        """Why it says 0 of everybody; empty where it does not."""
        if not self.ensemble.boosters:
            return SPENT_NOTHING
        return "" if self.net > 0 else SENT_BACK

    def member(self, name: str, sample: Sample) -> Float64:
        """One Tweedie booster's expected net spend per row, before the level."""
        if not self.ensemble.boosters:
            return np.zeros(sample.n_rows)
        learnt = sample.over(self.horizon_days)
        return self.net * _money(self.ensemble, self.ensemble.link(name, learnt)) * self._longer(sample)

    def gross(self, sample: Sample, p_churn: Float64) -> Float64:
        """Expected max(spend, 0) in the horizon of the sample per row, in currency, >= 0.

        Parameters
        ----------
        p_churn : ndarray of shape (n_rows,)
            P(no purchase in the horizon of the sample), as the churn model says it.
        """
        if not self.ensemble.boosters:
            return np.zeros(sample.n_rows)
        learnt = sample.over(self.horizon_days)
        longer = self._longer(sample)
        columns = VALUE.columns(learnt)
        tweedies = [_money(self.ensemble, self.ensemble.link_of(name, columns)) * longer for name in BLENDED]
        # What those spend who do grows with their purchases, not with how many they are.
        fuller = longer * _active(learnt) / _active(sample) if sample.horizon_days != self.horizon_days else longer
        amount = _money(self.amounts, self.amounts.link(GAMMA.members[0], learnt)) * fuller
        trees = 0.5 * np.mean(tweedies, axis=0) + 0.5 * (1 - self.p_none(p_churn)) * amount
        prior = np.exp(VALUE.prior(sample))
        weight = np.where(np.isfinite(prior), self.prior_weight, 0.0)
        blend = (1 - weight) * trees + weight * np.where(np.isfinite(prior), prior, 0.0)
        return np.asarray(np.exp(self.level.shift) * blend)

    def expected_spend(self, sample: Sample, p_churn: Float64) -> Float64:
        """Expected net spend in the horizon of the sample per row, in currency."""
        return self.net * self.gross(sample, p_churn)

    def p_none(self, p_churn: Float64) -> Float64:
        """P(spend <= 0): no purchase, or one that returns outweigh."""
        return np.asarray(1 - self.kept * (1 - p_churn))

    def _longer(self, sample: Sample) -> Float64:
        """Purchases in the horizon of the sample for one in that of the training."""
        if sample.horizon_days == self.horizon_days:
            return np.ones(sample.n_rows)
        return np.asarray(np.exp(ORDERS.prior(sample) - ORDERS.prior(sample.over(self.horizon_days))))


def _active(sample: Sample) -> Float64:
    """P(a purchase in the horizon), as the prior says it."""
    return sigmoid(-sample.prior.silent)


def _money(ensemble: Ensemble, link: Float64) -> Float64:
    return np.asarray(ensemble.seed.unit * np.exp(np.minimum(link, MOST)))
