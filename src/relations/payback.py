"""Payback: after how many days what customers brought has paid for what it cost to win them.

In: `Dealings`, and groups of customers with the number of days that each is watched. Out: a `Curve` for each group: its
mean margin up to each age. Only customers who came at least so long ago, and not before the data begin, are watched, so
that every age of every one of them is complete. What is not paid back by the end of that time is not paid back *within*
it; whether it ever will be is not known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .dealings import NEVER, Bool, Dealings, Int64


@dataclass(frozen=True, eq=False)
class Curve:
    """A group by age.

    Parameters
    ----------
    customers : int
        Who is watched, those who never bought included.
    days : int
        For how long: ages 0 to days - 1, age 0 being the day on which a customer came.
    cost : int
        What it cost to win them, in 1/10,000.
    margin : ndarray of int64, shape (days,)
        What they had brought by the end of each age, in 1/10,000.
    paid : int
        How many of them have each brought what they cost, at the last age.
    """

    customers: int
    days: int
    cost: int
    margin: Int64
    paid: int

    @property
    def after_days(self) -> int | None:
        """The first age at which the margin covers the cost; None within the days watched."""
        if not self.customers:
            return None
        covered = np.flatnonzero(self.margin >= self.cost)
        return int(covered[0]) if len(covered) else None

    @property
    def words(self) -> str:
        """The same in words."""
        if not self.customers:
            return "too young to tell"
        after = self.after_days
        if after is None:
            return f"not within {self.days} days"
        return {0: "on the first day", 1: "after 1 day"}.get(after, f"after {after} days")


def watched(dealings: Dealings, days: Int64) -> Bool:
    """Whose first days, so many of each, are all known.

    Who never bought, and of whom nobody knows when they joined, is watched, too: they cost something, and brought
    nothing.

    Parameters
    ----------
    days : ndarray of int64, shape (n_customers,)
        0 for who is not looked at.
    """
    came = dealings.came
    whole = (came >= dealings.starts.day) & (came + days <= dealings.day.day)
    return np.asarray((days > 0) & (whole | (came == NEVER)) & dealings.people.cost_known)


def curves(dealings: Dealings, group: Int64, days: Sequence[int]) -> list[Curve]:
    """The curve of each group.

    Parameters
    ----------
    group : ndarray of int64, shape (n_customers,)
        The place of the group; -1 for none.
    days : sequence of int
        How long each group is watched; 0 for one that is too young.
    """
    n, longest = len(days), max([*days, 1])
    own = np.append(np.asarray(days, np.int64), 0)[group]
    who, bought = watched(dealings, own), dealings.bought
    age = bought.day - dealings.came[bought.customer]
    # What came back before anything was bought is of the first day.
    age = np.maximum(age, 0)
    kept = who[bought.customer] & (age < own[bought.customer])
    total = np.zeros(n * longest, np.int64)
    np.add.at(total, group[bought.customer[kept]] * longest + age[kept], bought.margin[kept])
    brought = bought.summed(bought.margin, dealings.n, kept)
    paid = who & (brought >= dealings.people.cost)
    found = total.reshape(n, longest).cumsum(axis=1)
    counts, paying = (np.bincount(group[these], minlength=n).tolist() for these in (who, paid))
    costs = np.zeros(n, np.int64)
    np.add.at(costs, group[who], dealings.people.cost[who])
    return [Curve(counts[i], days[i], int(costs[i]), found[i, : days[i]], paying[i]) for i in range(n)]
