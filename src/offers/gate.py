"""The gate of a personalised policy: does it earn more than the best single offer, on randomised customers?

In: what customers brought, what they were given and by which chance, what a model (that never saw them) expects of
every option, and what two policies would have given. Out: a `Gain` of one policy over the other by the doubly robust
estimate (Dudík, Langford and Li 2011, doi:10.48550/arXiv.1103.4601), with its interval and words; the same person
counts once. Nothing is missing; who could only get one thing is left out by the caller.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .lesson import Float, Options

NORMAL_95 = 1.959963984540054


@dataclass(frozen=True)
class Gain:
    """What one policy brings more than another, per customer.

    Parameters
    ----------
    estimate, se : float
    customers : int
        How many different people it rests on.
    differ : float
        Share of customers to whom the policies give different things.
    """

    estimate: float
    se: float
    customers: int
    differ: float

    @property
    def low(self) -> float:
        """Lower end of the 95 % interval."""
        return self.estimate - NORMAL_95 * self.se

    @property
    def high(self) -> float:
        """Upper end of the 95 % interval."""
        return self.estimate + NORMAL_95 * self.se

    @property
    def shown(self) -> bool:
        """Whether the whole interval is above 0."""
        return self.low > 0

    def words(self, over: str, unit: str = "") -> str:
        """In a sentence.

        Examples
        --------
        >>> Gain(0.0024, 0.0018, 32000, 0.4).words("the best single offer", " visits")
        '+0.0024 visits a customer over the best single offer (95 %: -0.0011 to +0.0059): not distinguishable from zero'
        """
        told = f"{self.estimate:+.4f}{unit} a customer over {over} (95 %: {self.low:+.4f} to {self.high:+.4f})"
        return told if self.shown or self.high < 0 else f"{told}: not distinguishable from zero"

    def to_dict(self) -> dict[str, Any]:
        """As JSON takes it."""
        return {
            "estimate": self.estimate,
            "se": self.se,
            "low": self.low,
            "high": self.high,
            "customers": self.customers,
            "differ": self.differ,
        }


def scores(reward: Float, given: Options, propensity: Float, expected: Float, choice: Options) -> Float:
    """What a policy is estimated to bring of each customer.

    Parameters
    ----------
    reward : array of shape (n,)
        What each brought under what was given.
    given, choice : int arrays of shape (n,)
        What was given, what the policy would give; -1 for nothing.
    propensity : array of shape (n,)
        Chance of what was given.
    expected : array of shape (n, 1 + n_options)
        What a model expects of each given nothing, then given each option.

    Examples
    --------
    >>> given, one = np.array([0, -1], np.int16), np.ones(2)
    >>> scores(np.array([3.0, 1.0]), given, one / 2, np.ones((2, 2)), np.array([0, 0], np.int16)).tolist()
    [5.0, 1.0]
    """
    row = np.arange(len(reward))
    same = given == choice
    return np.asarray(expected[row, choice + 1] + np.where(same, (reward - expected[row, given + 1]) / propensity, 0.0))


def gain_over(ours: Float, theirs: Float, who: NDArray[np.generic], differ: float) -> Gain:
    """By how much a policy's scores exceed another's; rows of one person move together.

    Examples
    --------
    >>> gain_over(np.array([1.0, 2.0]), np.zeros(2), np.array(["a", "a"]), 1.0)
    Gain(estimate=1.5, se=inf, customers=1, differ=1.0)
    """
    more = ours - theirs
    mean = float(more.mean())
    people, person = np.unique(who, return_inverse=True)
    together = np.bincount(person, more - mean, len(people))
    n = len(people)
    se = float(np.sqrt(np.square(together).sum() * n / (n - 1))) / len(more) if n > 1 else float("inf")
    return Gain(mean, se, n, differ)
