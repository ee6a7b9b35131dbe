"""Naive rules: what a thoughtful marketer would do without a model.

In: recency and past spend at matured training cutoffs. Out: churn probabilities of "no purchase in h, h/2 or h/4 days
means gone", each cell's probability being its own churn share; and value as trailing spend, or as average monthly spend
x months x retention, rescaled to the training total. The better rule, in training, speaks. A customer never lacks a
prediction. A rule learnt at one horizon speaks of another as if the same pace went on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .metrics import deviance, log_losses
from .sample import Sample

Float64 = NDArray[np.float64]
MONTH_DAYS = 30.0


@dataclass(frozen=True)
class NaiveChurn:
    """Silent for `days` or more: probability `silent`; else `active`.

    Examples
    --------
    >>> rule = NaiveChurn.fit(np.array([1.0, 2.0, 50.0, 60.0]), np.array([0.0, 0.0, 1.0, 1.0]), 40)
    >>> rule.days, rule.p_churn(np.array([99.0])).round(2).tolist()
    (40.0, [0.75])
    """

    days: float
    silent: float
    active: float
    horizon_days: int

    @classmethod
    def fit(cls, recency_days: Float64, churned: Float64, horizon_days: int) -> NaiveChurn:
        """The best of the three thresholds in training log loss; shares are shrunk by one row of each outcome."""

        def share(rows: NDArray[np.bool_]) -> float:
            return float((churned[rows].sum() + 1) / (rows.sum() + 2))

        rules = []
        for days in (horizon_days, horizon_days / 2, horizon_days / 4):
            silent = recency_days > days
            rule = cls(float(days), share(silent), share(~silent), horizon_days)
            rules.append((float(log_losses(churned, rule.p_churn(recency_days)).mean()), rule))
        return min(rules, key=lambda found: found[0])[1]

    def p_churn(self, recency_days: Float64, horizon_days: int | None = None) -> Float64:
        """Probability of no purchase in a horizon; default: the one learnt."""
        share = np.where(recency_days > self.days, self.silent, self.active)
        return np.asarray(share ** ((horizon_days or self.horizon_days) / self.horizon_days))


def usual_spend(spend: Float64, age_days: Float64, horizon_days: int, retention: Float64) -> Float64:
    """Average monthly spend x months in the horizon x retention, per customer and in currency.

    A customer younger than a month has spent all of it in one month.

    Parameters
    ----------
    spend : ndarray
        Signed spend before the cutoff.
    age_days : ndarray
        Days since the first purchase, >= 1.
    retention : ndarray
        P(a purchase in the horizon), by the churn rule.

    Examples
    --------
    >>> usual_spend(np.array([120.0, 120.0]), np.array([60.0, 10.0]), 90, np.array([0.5, 0.5])).tolist()
    [90.0, 180.0]
    """
    months = np.maximum(age_days / MONTH_DAYS, 1.0)
    return np.asarray(spend / months * (horizon_days / MONTH_DAYS) * retention)


@dataclass(frozen=True)
class NaiveValue:
    """Trailing spend, or usual spend, times a factor; nothing for those who returned more than they bought."""

    usually: bool
    factor: float

    @classmethod
    def fit(cls, trailing: Float64, usual: Float64, spend: Float64, floor: float) -> NaiveValue:
        """The better of the two rules in training deviance, each rescaled to the training total.

        Parameters
        ----------
        trailing : ndarray
            Signed spend in as many days before the cutoff as the horizon has.
        usual : ndarray
            What `usual_spend` says.
        spend : ndarray
            Signed spend in the horizon.
        floor : float
            The least prediction that counts in the deviance.
        """
        rules = []
        for usually in (False, True):
            total = float(np.maximum(usual if usually else trailing, 0).sum())
            rule = cls(usually, float(max(spend.sum(), 0.0) / total) if total > 0 else 0.0)
            predicted = np.maximum(rule.value(trailing, usual), max(floor, 1e-9))
            rules.append((float(deviance(spend, predicted).mean()), rule))
        return min(rules, key=lambda found: found[0])[1]

    def value(self, trailing: Float64, usual: Float64) -> Float64:
        """Expected spend in the horizon."""
        return self.factor * np.maximum(usual if self.usually else trailing, 0)


def usual_of(rule: NaiveChurn, sample: Sample) -> Float64:
    """The usual spend of a sample's rows, retained as a churn rule says."""
    panel, h = sample.panel, sample.horizon_days
    retention = 1 - rule.p_churn(panel.recency_days, h)
    return usual_spend(panel.totals.spend, panel.rhythm.T + 1, h, retention)
