"""Who brought whom: chains of referrals, with what cannot be one taken out.

In: for each customer the place of who referred them. Out: `Chains`. Somebody who is said to have referred themselves,
and people who are said to have referred one another in a circle, were referred by nobody here: that is counted. A
referrer whom the ledger does not know begins a chain without a name.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .dealings import NEVER, Bool, Int64


@dataclass(frozen=True, eq=False)
class Chains:
    """Referrals; every array has the shape (n_customers,).

    Parameters
    ----------
    referrer : ndarray of int64
        The place of who referred the customer; -1 for nobody, -2 for somebody unknown.
    depth : ndarray of int64
        0 for who was not referred, 1 for whom one of those referred, and so on; 1 where the referrer is unknown.
    themselves, circles : int
        Customers who are said to have referred themselves, or stand in a circle.

    Examples
    --------
    0 refers 1, 1 refers 2; 3 and 4 each other, and 4 also 5; 6 themselves; 7 is referred by somebody unknown.

    >>> found = Chains.of(np.array([-1, 0, 1, 4, 3, 4, 6, -2]))
    >>> found.depth.tolist(), found.themselves, found.circles
    ([0, 1, 2, 0, 0, 1, 0, 1], 1, 2)
    """

    referrer: Int64
    depth: Int64
    themselves: int
    circles: int

    @classmethod
    def of(cls, told: Int64) -> Chains:
        """From the place of each referrer, as the table of customers tells it."""
        own = told == np.arange(len(told))
        referrer = np.where(own, NEVER, told)
        around = _in_circles(referrer)
        referrer = np.where(around, NEVER, referrer)
        return cls(referrer, _depth(referrer), int(own.sum()), int(around.sum()))

    @property
    def referred(self) -> Bool:
        """Who was referred, by whomever."""
        return np.asarray(self.referrer != NEVER)

    def per_referrer(self, values: Int64) -> Int64:
        """Values of those referred, added up for who referred them."""
        found, known = np.zeros(len(self.referrer), np.int64), self.referrer >= 0
        np.add.at(found, self.referrer[known], values[known])
        return found

    @property
    def brought(self) -> Int64:
        """How many customers each has referred."""
        return self.per_referrer(np.ones(len(self.referrer), np.int64))


def _in_circles(referrer: Int64) -> Bool:
    """Who comes back to themselves by going from referrer to referrer."""
    n = len(referrer)
    # One more place, from which nothing leads on, stands for nobody and for somebody unknown.
    step = np.append(np.where(referrer >= 0, referrer, n), n)
    far = step
    for _ in range(max(n, 1).bit_length()):
        far = far[far]
    # After n steps or more one is at the end, or on a circle; and each place of a circle is reached from itself.
    found = np.zeros(n + 1, bool)
    found[far] = True
    return found[:n]


def _depth(referrer: Int64) -> Int64:
    """How many referrals lie behind each, where there are no circles: steps are doubled until all are at the end."""
    n = len(referrer)
    far = np.append(np.where(referrer >= 0, referrer, n), n)
    depth = np.append((referrer != NEVER).astype(np.int64), 0)
    for _ in range(max(n, 1).bit_length()):
        depth = depth + depth[far]
        far = far[far]
    return np.asarray(depth[:n])
