"""How long what the learnt model knows of a customer, and the classical prior does not, goes on being true.

In: rows of earlier stands at which windows of h and 2h have closed: what was expected of (0, h] there, out of time, and
what was spent in (h, 2h]. Out: the power to which the ratio of model to prior is raised in the next window, falling
geometrically with time. Each stand's total is set to its truth first, so that a season is not taken for knowledge of
customers. Without such rows the default speaks; rows with nothing expected are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .prior import Float64
from .sample import Sample

USUAL = 0.85
"""What of the log ratio is left in the next window where nothing could be learnt; real shops show .8 to 1."""
USUAL_DEVIATION = 0.2
MOST = 0.95
"""Nothing that is known of a customer stays true for ever."""
WIDEST = 8.0
"""A ratio of model to prior counts as at most so much, or as one part in so many."""
LEAST_OF_MEAN = 0.01
GRID = 39


@dataclass(frozen=True)
class Evidence:
    """What earlier stands tell, a row a customer and stand.

    Parameters
    ----------
    ratio : ndarray of float64
        Model over prior, both of net spend in the first window, > 0.
    expected, spent : ndarray of float64
        The prior's net spend in the second window, and the true one, in currency.
    stand : ndarray of int64
        Which rows belong together.
    """

    ratio: Float64
    expected: Float64
    spent: Float64
    stand: np.ndarray[tuple[int], np.dtype[np.int64]]

    @classmethod
    def none(cls) -> Evidence:
        """No earlier stand."""
        return cls(np.empty(0), np.empty(0), np.empty(0), np.empty(0, np.int64))

    @classmethod
    def of(cls, past: Sample, expected_spend: Float64, net: float) -> Evidence:
        """Of one earlier stand, at which both windows have closed since.

        Parameters
        ----------
        past : Sample
            Its rows with the labels of h and 2h.
        expected_spend : ndarray of float64, shape (past.n_rows,)
            Net spend within h as expected then.
        net : float
            Net over gross spend as known then.
        """
        wide = past.over(2 * past.horizon_days)
        first, both = tail_spend(past), tail_spend(wide)
        known = (first > 0) & (expected_spend > 0) & (both > first) & (net > 0)
        ratio = expected_spend[known] / (net * first[known])
        expected, spent = net * (both - first)[known], (wide.spend - past.spend)[known]
        return cls(ratio, expected, spent, past.panel.cutoff_day[known])

    @classmethod
    def together(cls, several: Sequence[Evidence]) -> Evidence:
        """That of several stands."""
        if not several:
            return cls.none()
        parts = [[getattr(e, name) for e in several] for name in ("ratio", "expected", "spent", "stand")]
        return cls(*(np.concatenate(part) for part in parts))

    @property
    def misses(self) -> list[float]:
        """log of true over expected total of the second window, for each stand where both are above 0."""
        found = []
        for day in np.unique(self.stand).tolist():
            rows = self.stand == day
            spent, expected = float(self.spent[rows].sum()), float(self.expected[rows].sum())
            if spent > 0 and expected > 0:
                found.append(float(np.log(spent / expected)))
        return found


def tail_spend(sample: Sample) -> Float64:
    """What the model that carries the tail expects: Pareto/NBD where there is one."""
    prior = sample.prior
    orders = prior.pareto_orders if np.isfinite(prior.pareto_orders).any() else prior.bg_orders
    return np.nan_to_num(orders * prior.value)


def tempered(ratio: Float64, power: float) -> Float64:
    """The ratios, kept within bounds, to a power.

    Examples
    --------
    >>> tempered(np.array([4.0, 100.0]), 0.5).tolist() == [2.0, WIDEST**0.5]
    True
    """
    return np.asarray(np.clip(ratio, 1.0 / WIDEST, WIDEST) ** power)


def persistence_of(evidence: Evidence) -> tuple[float, bool]:
    """The power in the next window, 0..`MOST`, and whether it was learnt.

    The one with the least Tweedie deviance (power 1.5, in units of its mean), and a normal prior around `USUAL`.

    Examples
    --------
    >>> persistence_of(Evidence.none())
    (0.85, False)
    """
    days = np.unique(evidence.stand)
    usable = [d for d in days.tolist() if np.maximum(evidence.spent[evidence.stand == d], 0).sum() > 0]
    if not usable:
        return USUAL, False
    powers = np.linspace(0.0, MOST, GRID)
    losses = np.sum([_losses(evidence, evidence.stand == day, powers) for day in usable], axis=0)
    scale = float(losses.min()) / int(np.isin(evidence.stand, usable).sum())
    doubted = losses / max(scale, 1e-300) + np.square((powers - USUAL) / USUAL_DEVIATION)
    return float(powers[int(np.argmin(doubted))]), True


def _losses(evidence: Evidence, rows: np.ndarray[tuple[int], np.dtype[np.bool_]], powers: Float64) -> Float64:
    """Total deviance of one stand for each power, its total being given."""
    spent = np.maximum(evidence.spent[rows], 0.0)
    least = LEAST_OF_MEAN * float(spent.mean())
    found = []
    for power in powers.tolist():
        mean = evidence.expected[rows] * tempered(evidence.ratio[rows], power)
        mean = np.maximum(mean * (spent.sum() / mean.sum()), least)
        # 2 [y^.5 / (-.25) + 2 y m^-.5 + 2 m^.5], the deviance at power 1.5.
        found.append(float((4 * (spent / np.sqrt(mean) + np.sqrt(mean) - 2 * np.sqrt(spent))).sum()))
    return np.array(found)
