"""The tail: what the classical prior expects of the time beyond the horizons that are learnt.

In: a prior, customers' summaries. Out: discounted expected spend slice by slice (Pareto/NBD, which extrapolates better;
BG/NBD where that could not be fitted), and what the spread of what is really spent rests on. Values follow Gamma-Gamma,
or the mean where that could not be fitted. Without either model of time there is no tail.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .bg_nbd import BgNbd
from .doubt import alike
from .gamma_gamma import GammaGamma
from .pareto_nbd import ParetoNbd
from .prior import Prior
from .summary import Float, Summary

DRAWS = 32
DRAWN_ON = 2000
"""Customers, evenly spaced, on whom the doubt about parameters is worked out; it is relative."""
UNEVEN = 1.5
"""E[Z^2] / E[Z]^2 of purchases' values where no Gamma-Gamma could be fitted: a deviation of seven tenths of the mean."""


@dataclass(frozen=True)
class Spread:
    """The chance of no purchase, the mean and the second moment of what is spent, each of shape (n_customers,)."""

    p_none: Float
    mean: Float
    square: Float


@dataclass(frozen=True)
class Tail:
    """The classical models as they speak of later times.

    Examples
    --------
    >>> tail = Tail(ParetoNbd(r=0.55, alpha=74.0, s=0.61, beta=82.0), GammaGamma(p=6.25, q=3.74, gamma=15.44), 0.0)
    >>> tail.spend(Summary.newcomers(), (0.0, 90.0, 365.0), 0.0).round(2)  # purchases times 35.22
    array([[18.44, 33.16]])
    """

    timing: BgNbd | ParetoNbd
    gamma: GammaGamma | None
    mean_value: float

    @classmethod
    def of(cls, prior: Prior) -> Tail | None:
        """What a prior has to say; None if it has no model of time."""
        timing = prior.pareto or prior.bg
        return None if timing is None else cls(timing, prior.gamma, prior.mean_value)

    def value(self, summary: Summary) -> Float:
        """Mean value of a purchase, as `Prior.columns` says it."""
        if self.gamma is None:
            return np.where(np.isfinite(summary.value), summary.value, self.mean_value)
        return self.gamma.expected_value(summary)

    def spend(self, summary: Summary, edges: Sequence[float], force: float) -> Float:
        """Discounted expected gross spend, in currency, shape (n_customers, n_edges - 1)."""
        rows, at = summary.distinct()
        return np.asarray(self.timing.residual_purchases(rows, edges, force)[at] * self.value(summary)[:, None])

    def spread(self, summary: Summary, days: float, force: float) -> Spread:
        """What is spent in so many days, discounted: how it differs from its mean."""
        rows, at = summary.distinct()
        value = self.value(summary)
        one, two = self.gamma.second_moments(summary) if self.gamma else (UNEVEN * value**2, value**2)
        singles, pairs = self.timing.residual_squares(rows, days, force)
        mean = self.timing.residual_purchases(rows, (0.0, days), force)[:, 0]
        none = self.timing.p_no_purchase(rows, days)
        return Spread(none[at], mean[at] * value, np.asarray(singles[at] * one + pairs[at] * two))

    def doubt(self, summary: Summary, edges: Sequence[float], force: float) -> float:
        """Deviation of the log of the total of all slices that the parameters' own doubt brings."""
        rows = np.linspace(0, len(summary) - 1, min(len(summary), DRAWN_ON)).astype(np.int64)
        some = Summary(*(getattr(summary, name)[rows] for name in summary.__dataclass_fields__))
        timings = alike(self.timing, summary, DRAWS)
        known = bool((summary.n_valued > 0).any())
        gammas = alike(self.gamma, summary, DRAWS)[::-1] if self.gamma and known else [self.gamma] * DRAWS
        # Taken the other way round, the two sets of draws do not move together.
        drawn = (Tail(t, g, self.mean_value) for t, g in zip(timings, gammas, strict=True))
        totals = np.array([float(tail.spend(some, edges, force).sum()) for tail in drawn])
        return float(np.log(np.maximum(totals, 1e-300)).std()) if (totals > 0).all() else 0.0
