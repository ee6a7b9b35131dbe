"""Habits: how often customers come on each weekday or at each hour, shrunk to what all do.

In: customers and the places (weekdays, hours) of what they did. Out: `Habits` fitted to them: the population's shares,
and how much customers differ, as the Dirichlet-multinomial law has it. A customer of whom nothing is known is like all.

Each customer has shares of their own, drawn from a Dirichlet law with the parameters `alpha`; what they did is drawn
from these shares. Knowing counts c, the expected shares are (alpha + c) / (sum of both): the sum of `alpha`, the
concentration, is how many purchases the population counts for. Fitted by maximum likelihood with Minka's fixed point
(Minka 2000, Estimating a Dirichlet distribution) for the shares and a search for the concentration, in turns.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import betainc, gammaln, psi

from ..features.track import changes

Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]
Whole = NDArray[np.integer]

LEAST, MOST = 0.01, 1e5
"""Between these the concentration is looked for; at the upper end all customers are alike."""
_ROUNDS = 60
_ENOUGH = 1e-7


@dataclass(frozen=True, eq=False)
class Counts:
    """How often customers did something at each place; only counts above 0, sorted by customer, then place.

    Parameters
    ----------
    n_customers, n_places : int
    customer, count : ndarray of int32, shape (n_counts,)
    place : ndarray of int8, shape (n_counts,)

    Examples
    --------
    >>> Counts.of(np.array([1, 0, 1]), np.array([2, 0, 2]), 2, 3).count.tolist()
    [1, 2]
    """

    n_customers: int
    n_places: int
    customer: NDArray[np.int32]
    place: NDArray[np.int8]
    count: NDArray[np.int32]

    @classmethod
    def of(cls, customer: Whole, place: Whole, n_customers: int, n_places: int) -> Counts:
        """From one entry for each thing done; a place of -1 is not known and does not count."""
        known = place >= 0
        key = np.sort(customer[known].astype(np.int64) * n_places + place[known])
        first = np.flatnonzero(changes(key))
        count = np.diff(np.append(first, len(key))).astype(np.int32)
        whose, where = np.divmod(key[first], n_places)
        return cls(n_customers, n_places, whose.astype(np.int32), where.astype(np.int8), count)

    @property
    def totals(self) -> Int64:
        """How often each customer did it at all."""
        return np.bincount(self.customer, self.count, self.n_customers).astype(np.int64)

    def rows(self, begin: int, end: int) -> Float64:
        """The counts of customers [begin, end), a row each."""
        low, high = np.searchsorted(self.customer, (begin, end))
        found = np.zeros((end - begin, self.n_places))
        found[self.customer[low:high] - begin, self.place[low:high]] = self.count[low:high]
        return found

    def at(self, customer: Whole, place: Whole) -> Int64:
        """The counts of some customers at some places."""
        key = self.customer.astype(np.int64) * self.n_places + self.place
        wanted = customer.astype(np.int64) * self.n_places + place
        spot = np.minimum(np.searchsorted(key, wanted), max(len(key) - 1, 0))
        if not len(key):
            return np.zeros(len(wanted), np.int64)
        return np.where(key[spot] == wanted, self.count[spot], 0)


@dataclass(frozen=True, eq=False)
class Habits:
    """What all do, and how much customers differ.

    Parameters
    ----------
    alpha : ndarray of float64, shape (n_places,)
        Parameters of the Dirichlet law; 0 at places where nobody ever did it.

    Examples
    --------
    >>> habits = Habits(np.array([6.0, 2.0]))
    >>> habits.concentration, habits.population.tolist(), habits.expected(np.array([[0.0, 8.0]])).tolist()
    (8.0, [0.75, 0.25], [[0.375, 0.625]])
    """

    alpha: Float64

    @classmethod
    def fitted(cls, counts: Counts) -> Habits | None:
        """By maximum likelihood; None where nobody did anything.

        Where nobody did anything twice nothing tells that customers differ, and they are taken to be alike.

        Examples
        --------
        Two customers who always do the same, each another thing: the population counts for little.

        >>> one = Counts.of(np.array([0, 0, 0, 1, 1, 1]), np.array([0, 0, 0, 1, 1, 1]), 2, 2)
        >>> Habits.fitted(one).concentration
        0.01
        """
        if not len(counts.count):
            return None
        tally = _Tally.of(counts)
        share = np.bincount(counts.place, counts.count, counts.n_places) / counts.count.sum()
        alpha = share * tally.concentration(share)
        for _ in range(_ROUNDS):
            before = alpha
            share = tally.step(alpha)
            share /= share.sum()
            alpha = share * tally.concentration(share)
            if float(np.abs(alpha - before).max()) <= _ENOUGH * float(alpha.sum()):
                break
        return cls(alpha)

    @property
    def concentration(self) -> float:
        """For how many purchases of a customer's own the population counts."""
        return float(self.alpha.sum())

    @property
    def population(self) -> Float64:
        """The mean shares of all customers."""
        return np.asarray(self.alpha / self.alpha.sum())

    @property
    def usual(self) -> int:
        """The place that is best of all for whom nothing is known; of equals the first."""
        return int(self.alpha.argmax())

    def expected(self, counts: Float64) -> Float64:
        """The shares expected of customers with these counts, a row each."""
        after = counts + self.alpha
        return np.asarray(after / after.sum(axis=1, keepdims=True))


def chance_of_more(one: Float64, other: Float64) -> Float64:
    """P(one share is larger than another) of a Dirichlet law, by the parameters of both.

    One share, of the sum of the two, has a beta law with these parameters.

    Examples
    --------
    >>> chance_of_more(np.array([3.0, 9.0]), np.array([3.0, 1.0])).round(3).tolist()
    [0.5, 0.998]
    """
    return np.asarray(betainc(other, one, 0.5))


@dataclass(frozen=True, eq=False)
class _Tally:
    """Counts as the likelihood asks for them: how many customers have each count at each place, and each total."""

    places: tuple[tuple[Float64, Float64], ...]
    totals: tuple[Float64, Float64]

    @classmethod
    def of(cls, counts: Counts) -> _Tally:
        totals = counts.totals
        found = []
        for place in range(counts.n_places):
            found.append(_values(counts.count[counts.place == place]))
        return cls(tuple(found), _values(totals[totals > 0]))

    def log_likelihood(self, alpha: Float64) -> float:
        """Of the law of Polya, without the terms that do not depend on alpha."""
        s = float(alpha.sum())
        n, times = self.totals
        found = float((times * (gammaln(s) - gammaln(s + n))).sum())
        for a, (count, often) in zip(alpha.tolist(), self.places, strict=True):
            if len(count):
                found += float((often * (gammaln(a + count) - gammaln(a))).sum())
        return found

    def step(self, alpha: Float64) -> Float64:
        """Minka's fixed point, up to a factor that is the same for every place."""
        found = np.zeros(len(alpha))
        for place, (count, often) in enumerate(self.places):
            if len(count):
                a = alpha[place]
                found[place] = a * float((often * (psi(a + count) - psi(a))).sum())
        return found

    def concentration(self, share: Float64) -> float:
        """The likeliest sum of the parameters, whose proportions are known."""
        if not bool((self.totals[0] > 1).any()):
            return MOST
        ends = np.log([LEAST, MOST])
        found = minimize_scalar(
            lambda x: -self.log_likelihood(np.exp(x) * share), bounds=tuple(ends), method="bounded",
            options={"xatol": 1e-6},
        )  # fmt: skip
        best = float(np.exp(found.x))
        # The search never reaches an end itself.
        tried = {s: self.log_likelihood(s * share) for s in (MOST, best, LEAST)}
        return max(tried, key=lambda s: tried[s])


def _values(counts: Whole) -> tuple[Float64, Float64]:
    """The distinct counts and how often each occurs."""
    value, often = np.unique(counts, return_counts=True)
    return value.astype(np.float64), often.astype(np.float64)
