"""Contributions: of what the logit that a customer is shown is made.

In: a fitted churn model, the rows asked for, and what is usual. Out: for each row what every feature adds or takes
away, by exact tree contributions; what the classical prior does (rhythm); the level (season); and the base, which is
the same for every row that has a prior. They add up to the logit of `Churn.logit`. A missing feature contributes as
what it is: missing. Nothing about a row depends on the other rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .churn import Churn
from .ensemble import CHURN
from .metrics import logit
from .sample import Sample
from .usual import Usual

Float64 = NDArray[np.float64]


@dataclass(frozen=True)
class Contributions:
    """Parts of logits, each of shape (n_rows,) unless said otherwise.

    Parameters
    ----------
    names : tuple of str
        Features of the panel.
    features : ndarray of shape (n_rows, n_names)
        What each adds to the logit of a row.
    rhythm : ndarray
        What the classical models add, against what they say of the median customer: as the margin of a booster, by a
        weight of their own, by the features made of them, and where they carry the logit to another horizon.
    season : ndarray
        The shift of the level.
    base : ndarray
        What remains: the customer of whom nothing is said.
    """

    names: tuple[str, ...]
    features: Float64
    rhythm: Float64
    season: Float64
    base: Float64

    @property
    def logit(self) -> Float64:
        """The sum."""
        return np.asarray(self.base + self.season + self.rhythm + self.features.sum(axis=1))


def of_rival(silent: Float64, usual_silent: float, names: Sequence[str]) -> Contributions:
    """Of a model without trees: all that differs from the median customer is rhythm.

    Parameters
    ----------
    silent : ndarray of shape (n_rows,)
        P(no purchase in the horizon) as the model says it.
    """
    z = logit(silent)
    base = np.full(len(z), usual_silent)
    return Contributions(tuple(names), np.zeros((len(z), len(names))), z - base, np.zeros(len(z)), base)


def of_churn(churn: Churn, sample: Sample, usual: Usual) -> Contributions:
    """Of the blend: Shapley values of its trees (Lundberg et al. 2020, doi:10.1038/s42256-019-0138-9), and the rest.

    The mean of the members, and the prior's weight against them, are those of `Ensemble.blend`.
    """
    sample = replace(sample, share=churn.share)
    learnt = sample.over(churn.horizon_days)
    columns, n = CHURN.columns(learnt), sample.n_rows
    known = np.isfinite(columns.prior)
    own = np.where(known, churn.prior_weight, 0.0)
    middle = usual.of_prior(churn.horizon_days)
    of_prior = own * np.where(known, columns.prior - middle, 0.0)
    base, rhythm = own * middle, of_prior
    features = np.zeros((n, len(columns.names)))
    place = {name: i for i, name in enumerate(columns.names)}
    share = (1 - own) / len(churn.ensemble.boosters)
    for member, booster in churn.ensemble.boosters.items():
        margin = churn.ensemble.seed.of(columns.prior) if booster.seeded else None
        there = frozenset(columns.names_for(member))
        names = tuple(name for name in booster.names if name in there)
        parts = booster.contributions(names, columns.read(names), margin)
        for i, name in enumerate(names):
            if name in place:
                features[:, place[name]] += share * parts[:, i]
            else:
                rhythm = rhythm + share * parts[:, i]
        base = base + share * parts[:, -1]
        if margin is not None:
            away = np.where(known, margin - churn.ensemble.seed.of(np.array([middle]))[0], 0.0)
            base, rhythm = base - share * away, rhythm + share * away
    if sample.horizon_days != churn.horizon_days:
        beyond = usual.of_prior(sample.horizon_days) - middle
        base, rhythm = base + beyond, rhythm + (sample.silent - learnt.silent - beyond)
    return Contributions(columns.names, features, rhythm, np.full(n, churn.level.shift), base)
