"""How many rows and customers of both kinds there are: those who bought in a window, and those who did not.

In: whole customers, and questions: a horizon, some cutoffs, who counts as at risk. Out: for each question the customers
at risk and the silent ones at each cutoff, and the different customers of either kind over all of them. A cutoff before
the first purchase counts nobody. Purchases that became known late count as if they had been known at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ..clock import Cutoff
from ..features.lines import Int64
from .stretch import Bool, Stretch


@dataclass(frozen=True)
class Asked:
    """A question: of a horizon at some cutoffs, ascending; whose window has closed, all of them inside the data."""

    horizon_days: int
    cutoffs: tuple[Cutoff, ...]
    active_days: int | None = None


@dataclass(frozen=True)
class Kinds:
    """The answer.

    Parameters
    ----------
    at_risk, silent : tuple of int
        By cutoff: customers at risk, and those of them who bought nothing in the horizon.
    gone, stayed : int
        Different customers who were silent at one of the cutoffs at least, and who bought after one at least.
    """

    at_risk: tuple[int, ...]
    silent: tuple[int, ...]
    gone: int
    stayed: int

    @property
    def rows(self) -> int:
        """Pairs of a customer and a cutoff."""
        return sum(self.at_risk)

    @property
    def silent_rows(self) -> int:
        """Those without a purchase in the horizon."""
        return sum(self.silent)

    @property
    def bought_rows(self) -> int:
        """Those with one."""
        return self.rows - self.silent_rows


class _Count:
    """The sums of one question."""

    def __init__(self, asked: Asked, first: int, ends: int) -> None:
        self.asked, self.ends = asked, ends
        days = np.array([c.day for c in asked.cutoffs], np.int64)
        self.first = first
        # By day from the first on: how many of the cutoffs are not later.
        self.upto = np.searchsorted(days, np.arange(first, ends + 1), side="right")
        self.at_risk, self.silent = np.zeros(len(days) + 1, np.int64), np.zeros(len(days) + 1, np.int64)
        self.gone = self.stayed = 0

    def add(self, customer: Int64, day: Int64, after: Int64) -> None:
        """Take in purchase days and the day of the next purchase, or one beyond the data."""
        until = np.minimum(after, self.ends)
        quiet = until - self.asked.horizon_days
        if self.asked.active_days is not None:
            until = np.minimum(until, day + self.asked.active_days)
        begin, end = self._upto(day), self._upto(until)
        end_silent = np.maximum(self._upto(np.minimum(until, quiet)), begin)
        _spread(self.at_risk, begin, end)
        _spread(self.silent, begin, end_silent)
        self.gone += _different(customer, end_silent > begin)
        self.stayed += _different(customer, end > end_silent)

    def _upto(self, day: Int64) -> Int64:
        return np.asarray(self.upto[np.maximum(day - self.first, 0)])

    def kinds(self) -> Kinds:
        """The answer."""
        at_risk, silent = np.cumsum(self.at_risk)[:-1], np.cumsum(self.silent)[:-1]
        return Kinds(tuple(at_risk.tolist()), tuple(silent.tolist()), self.gone, self.stayed)


def _spread(sums: Int64, begin: Int64, end: Int64) -> None:
    """Add one to the places from `begin` to before `end`, as differences."""
    sums += np.bincount(begin, minlength=len(sums)) - np.bincount(end, minlength=len(sums))


def _different(customer: Int64, chosen: Bool) -> int:
    """How many different customers, given in order."""
    some = customer[chosen]
    return int((some[1:] != some[:-1]).sum()) + 1 if len(some) else 0


class Buyers:
    """Counts of customers by their purchases, and the answers to questions.

    Parameters
    ----------
    first, ends : int
        The first day with a line, and the day after the last that the data cover.
    asked : iterable of Asked
    """

    def __init__(self, first: int, ends: int, asked: Iterable[Asked]) -> None:
        self.first, self.ends = first, ends
        self._counts = {question: _Count(question, first, ends) for question in asked}
        self._joined = np.zeros(ends - first + 1, np.int64)
        self._latest = first
        self.n = self.repeaters = self.paid = self.free_orders = self.returns = 0

    def add(self, stretch: Stretch) -> None:
        """Take in a stretch."""
        self.paid += int((stretch.orders.amount[stretch.orders.bought] > 0).sum())
        others = stretch.orders.amount[~stretch.orders.bought]
        self.free_orders += int((others >= 0).sum())
        self.returns += int((others < 0).sum())
        customer, day, _ = stretch.bought_days
        if not len(day):
            return
        new = np.r_[True, customer[1:] != customer[:-1]]
        after = np.r_[day[1:], self.ends]
        # Beyond the end of the data nobody is seen to buy.
        after[np.r_[new[1:], True]] = self.ends
        self._joined += np.bincount(day[new] - self.first, minlength=len(self._joined))
        self._latest = max(self._latest, int(day.max()))
        self.n += int(new.sum())
        self.repeaters += int((new[:-1] & ~new[1:]).sum())
        for count in self._counts.values():
            count.add(customer, day, after)

    def kinds(self, asked: Asked) -> Kinds:
        """The answer to a question."""
        return self._counts[asked].kinds()

    def joined_before(self, day: int) -> int:
        """How many customers bought for the first time before a day."""
        return int(self._joined[: max(day - self.first, 0)].sum())

    @property
    def first_purchase(self) -> Cutoff:
        """The day of the first purchase of all; the end of the data without one."""
        return Cutoff(self.first + int(np.argmax(self._joined > 0))) if self.n else Cutoff(self.ends)

    @property
    def last_purchase(self) -> Cutoff:
        """The day of the last purchase of all; the first day without one."""
        return Cutoff(self._latest)
