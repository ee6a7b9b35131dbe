"""Five years of the present customers: how many stay, what they bring, and what would change if more of them did.

In: what each is expected to bring to a horizon (lifetime value), how old a customer he is, the lifetime model. Out: a
`Future`: margin year by year, discounted, and the share that stays. New customers are not in it. Nothing is missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..models.discount import YEAR_DAYS, discounted_survival
from ..models.pareto_nbd import ParetoNbd
from .saved import Float

Int = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Future:
    """Present customers and the years to come.

    Parameters
    ----------
    model : ParetoNbd
        Who stays how long; a customer of age T who is one still is so t days later with chance
        ((beta + T) / (beta + T + t))^s.
    ages : ndarray of float64, shape (n_customers,)
        T, in days.
    value : ndarray of float64, shape (n_customers,)
        Expected discounted margin of the first `known_days`.
    known_days : int
    years : int
    force : float
        Of interest, a day.

    Examples
    --------
    >>> model = ParetoNbd(r=1.0, alpha=30.0, s=1.0, beta=365.0)
    >>> future = Future(model, np.zeros(1), np.array([100.0]), known_days=365, years=2, force=0.0)
    >>> future.retention.round(3).tolist()  # 1 / 2, and (1 / 3) / (1 / 2)
    [[0.5, 0.667]]
    >>> future.margin.round(1).tolist()  # 100, and 100 x log(3 / 2) / log 2
    [[100.0, 58.5]]
    """

    model: ParetoNbd
    ages: Float
    value: Float
    known_days: int
    years: int
    force: float

    @property
    def retention(self) -> Float:
        """Of those who are customers when a year begins: who still are when it ends, shape (n_customers, n_years)."""
        ages, at = np.unique(self.ages, return_inverse=True)
        return np.asarray(self._retention(ages)[at])

    def _retention(self, ages: Float) -> Float:
        begins = self.model.beta + ages[:, None] + YEAR_DAYS * np.arange(self.years)
        return np.asarray(np.exp(-self.model.s * np.log1p(YEAR_DAYS / begins)))

    @property
    def margin(self) -> Float:
        """Expected discounted margin, shape (n_customers, n_years).

        The lifetime value sets the height, the model the shape: purchases are as many as there is time to live, so what
        a year brings is to what the known days bring as the discounted time lived in both.
        """
        ages, at = np.unique(self.ages, return_inverse=True)
        return np.asarray(self.value[:, None] * self._shape(ages)[at])

    def _shape(self, ages: Float) -> Float:
        edges = (YEAR_DAYS * np.arange(self.years + 1)).tolist()
        beta = self.model.beta + ages
        lived = discounted_survival(self.model.s, beta, edges, self.force)
        known = discounted_survival(self.model.s, beta, (0.0, float(self.known_days)), self.force)
        return np.asarray(lived / known)

    def retained(self, points: float) -> Float:
        """What the margin of each year is multiplied with when retention is so many points higher in every year.

        Of every hundred customers of an age who are there when a year begins `points` more are there when it ends, at
        most all (and at least nobody). Within a year they leave evenly, as of a constant hazard: with retention r the
        mean of those there is (r - 1) / log r. Shape (n_customers, n_years).
        """
        ages, at = np.unique(self.ages, return_inverse=True)
        return np.asarray(self._factor(ages, points)[at])

    def _factor(self, ages: Float, points: float) -> Float:
        stays = self._retention(ages)
        changed = np.clip(stays + points / 100.0, 0.0, 1.0)
        before = np.cumprod(changed / stays, axis=1)
        there = np.concatenate([np.ones((len(ages), 1)), before[:, :-1]], axis=1)
        return np.asarray(there * mean_there(changed) / mean_there(stays))

    def totals(self, points: float, models: Sequence[ParetoNbd], place: Int, n_places: int) -> Float:
        """All years of the customers of each place, as they are and with so many points more, by other models.

        The height stays: what is expected in the known days. Shape (n_models, n_places, 2).
        """
        ages, at = np.unique(self.ages, return_inverse=True)
        flat = np.bincount(place * len(ages) + at, self.value, n_places * len(ages))
        height = flat.reshape(n_places, len(ages))
        found = []
        for model in models:
            other = Future(model, ages, np.ones(len(ages)), self.known_days, self.years, self.force)
            shape = other._shape(ages)
            more = shape * other._factor(ages, points)
            found.append(np.stack([height @ shape.sum(axis=1), height @ more.sum(axis=1)], axis=1))
        return np.asarray(found)


def mean_there(retention: Float) -> Float:
    """Of those there when a year begins, the mean share there in it, leaving at a constant hazard.

    Examples
    --------
    >>> mean_there(np.array([0.0, 0.5, 1.0])).round(4).tolist()  # 0.5 / log 2 in the middle
    [0.0, 0.7213, 1.0]
    """
    safe = np.clip(retention, 1e-300, 1.0 - 1e-12)
    inside = np.where(retention > 0, (safe - 1.0) / np.log(safe), 0.0)
    # Near 1 the ratio is 0 / 0, and its first terms are exact enough.
    return np.where(retention >= 1.0 - 1e-9, (1.0 + retention) / 2, inside)
