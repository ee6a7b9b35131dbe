"""Naive rules: what a thoughtful marketer would do without a model.

In: recency and trailing spend at matured training cutoffs. Out: churn probabilities of "no purchase in h, h/2 or h/4
days means gone", each cell's probability being its own churn share; and value as trailing spend or monthly spend,
rescaled to the training total. The better rule, in training, speaks. A customer never lacks a prediction.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .metrics import deviance, log_losses

Float64 = NDArray[np.float64]


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

    @classmethod
    def fit(cls, recency_days: Float64, churned: Float64, horizon_days: int) -> NaiveChurn:
        """The best of the three thresholds in training log loss; shares are shrunk by one row of each outcome."""

        def share(rows: NDArray[np.bool_]) -> float:
            return float((churned[rows].sum() + 1) / (rows.sum() + 2))

        rules = []
        for days in (horizon_days, horizon_days / 2, horizon_days / 4):
            silent = recency_days > days
            rule = cls(float(days), share(silent), share(~silent))
            rules.append((float(log_losses(churned, rule.p_churn(recency_days)).mean()), rule))
        return min(rules, key=lambda found: found[0])[1]

    def p_churn(self, recency_days: Float64) -> Float64:
        """Probability of no purchase in the horizon."""
        return np.where(recency_days > self.days, self.silent, self.active)


@dataclass(frozen=True)
class NaiveValue:
    """Trailing spend, or spend per day of age, times a factor, floored at a small share of the mean."""

    monthly: bool
    factor: float

    @classmethod
    def fit(cls, trailing: Float64, per_day: Float64, spend: Float64, horizon_days: int, floor: float) -> NaiveValue:
        """The better of the two rules in training deviance, each rescaled to the training total."""
        rules = []
        for monthly in (False, True):
            total = float(np.maximum(per_day * horizon_days if monthly else trailing, 0).sum())
            rule = cls(monthly, float(max(spend.sum(), 0.0) / total) if total > 0 else 0.0)
            predicted = np.maximum(rule.value(trailing, per_day, horizon_days), max(floor, 1e-9))
            rules.append((float(deviance(spend, predicted).mean()), rule))
        return min(rules, key=lambda found: found[0])[1]

    def value(self, trailing: Float64, per_day: Float64, horizon_days: int) -> Float64:
        """Expected spend in the horizon."""
        return self.factor * np.maximum(per_day * horizon_days if self.monthly else trailing, 0)
