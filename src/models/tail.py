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
from .doubt import alike, covariance
from .gamma_gamma import GammaGamma
from .pareto_nbd import ParetoNbd
from .prior import Prior
from .summary import Float, Summary

DRAWS = 32
DRAWN_ON = 2000
"""Customers, evenly spaced, on whom the doubt about parameters is worked out; it is relative."""
UNEVEN = 1.5
"""E[Z^2] / E[Z]^2 of purchases' values where no Gamma-Gamma could be fitted: a deviation of .7 times the mean."""


@dataclass(frozen=True)
class Outcome:
    """What is spent after today, discounted, in currency.

    Parameters
    ----------
    slices : ndarray of float64, shape (n_customers, n_slices)
        Expected gross spend by slice of time.
    mean, square : ndarray of float64, shape (n_customers,)
        Expected spend, and its second moment, up to the end of the last slice but one.
    p_none : ndarray of float64
        The chance of no purchase until then.
    """

    slices: Float
    mean: Float
    square: Float
    p_none: Float


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

    def outcome(self, summary: Summary, edges: Sequence[float], force: float) -> Outcome:
        """What is spent in each slice from the edges on, the last one without end, and how it varies until that."""
        rows, at = summary.distinct()
        value, days, dead = self.value(summary), edges[-1], self.timing.log_dead_odds(rows)
        alive = self.timing.p_alive(rows, dead)
        one, two = self.gamma.second_moments(summary) if self.gamma else (UNEVEN * value**2, value**2)
        singles, pairs = self.timing.residual_squares(rows, days, force, alive)
        purchases = self.timing.residual_purchases(rows, (0.0, *edges, np.inf), force, alive)
        none = self.timing.p_no_purchase(rows, days, dead)
        slices = np.asarray(purchases[:, 1:][at] * value[:, None])
        mean = purchases[:, :-1].sum(axis=1)[at] * value
        return Outcome(slices, np.asarray(mean), np.asarray(singles[at] * one + pairs[at] * two), none[at])

    def doubt(self, summary: Summary, edges: Sequence[float], force: float) -> float:
        """Deviation of the log of the total of all slices that the parameters' own doubt brings."""
        rows = np.linspace(0, len(summary) - 1, min(len(summary), DRAWN_ON)).astype(np.int64)
        some = Summary(*(getattr(summary, name)[rows] for name in summary.__dataclass_fields__))
        timings = alike(self.timing, covariance(self.timing, summary), DRAWS)
        known = bool((summary.n_valued > 0).any())
        gammas = [self.gamma] * DRAWS
        if self.gamma and known:
            gammas = [*reversed(alike(self.gamma, covariance(self.gamma, summary), DRAWS))]
        # Taken the other way round, the two sets of draws do not move together.
        drawn = (Tail(t, g, self.mean_value) for t, g in zip(timings, gammas, strict=True))
        totals = np.array([float(tail.spend(some, edges, force).sum()) for tail in drawn])
        return float(np.log(np.maximum(totals, 1e-300)).std()) if (totals > 0).all() else 0.0
