"""Members of a programme as of a day, and customers who are none.

In: what blocks of customers gave: who joined, what was bought, points, tiers. Out: `Members`, one place per customer in
order of ids. A part that the data or the rules do not allow is None. A member is who has an entry of points or, where
no events tell of points, has bought since the programme began; and, where the rules say so, who joined.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ..features.track import Int64
from ..schema import SCALE
from .bought import Bought
from .fifo import Balances
from .ladder import Ladder
from .milestones import Reached, anniversaries, counted
from .programme import Programme
from .stamps import NEARLY, on_card

Bool = NDArray[np.bool_]
T = TypeVar("T", Bought, Balances, Ladder)

ENDS_SOON_DAYS = 30
"""A tier that ends within so many days ends soon."""


@dataclass(frozen=True, eq=False)
class Members:
    """Customers as of the day of a programme; every array has the shape (n,).

    Parameters
    ----------
    programme : Programme
    ids : ndarray of str
        Ascending.
    joined : ndarray of int64
        The day of joining; -1 where it is not known.
    bought : Bought
    points : Balances or None
    ladder : Ladder or None
    """

    programme: Programme
    ids: NDArray[np.str_]
    joined: Int64
    bought: Bought
    points: Balances | None
    ladder: Ladder | None

    @cached_property
    def member(self) -> Bool:
        """Who is a member."""
        found = (self.joined >= 0) & self.programme.rules.joined_are_members
        if self.programme.source == "events" and self.points is not None:
            return np.asarray(found | self.points.entered)
        starts = self.programme.starts or self.programme.data_start
        return np.asarray(found | (self.bought.last_day >= starts.day))

    @property
    def known(self) -> Bool:
        """Who is a customer at all: a member, or somebody with a purchase or a return."""
        return np.asarray(self.member | self.bought.there)

    @property
    def active(self) -> Bool:
        """Which members bought, earned or spent points within the horizon."""
        last = self.bought.last_day if self.points is None else np.maximum(self.bought.last_day, self.points.last_used)
        return np.asarray(self.member & (last >= self.programme.day.day - self.programme.horizon_days))

    @cached_property
    def on_card(self) -> Int64 | None:
        """Stamps on the card that is being filled; None without stamp cards."""
        size = self.programme.rules.stamps
        return None if size is None else on_card(self.bought.stamps, size)

    @cached_property
    def filled_lately(self) -> Bool:
        """Who filled a card within the last 28 days."""
        size = self.programme.rules.stamps
        if size is None:
            return np.zeros(len(self.ids), bool)
        return np.asarray(self.bought.stamps // size > self.bought.stamps_then // size)

    @cached_property
    def milestones(self) -> tuple[Reached, ...]:
        """Of purchases, spend and years, as far as the rules name any."""
        rules, bought, found = self.programme.rules, self.bought, list[Reached]()
        if rules.milestone_purchases:
            steps = (bought.purchases, bought.purchases_then)
            found.append(counted("purchases", rules.milestone_purchases, *steps))
        if rules.milestone_spend:
            found.append(counted("spend", rules.milestone_spend, bought.spend, bought.spend_then, SCALE))
        if rules.milestone_years:
            since = np.where(self.joined >= 0, self.joined, bought.first_day)
            found.append(anniversaries(rules.milestone_years, since, self.programme.day))
        return tuple(found)

    def who(self, name: str) -> Bool:
        """The members of one of `LISTS`."""
        found = {
            "everybody": np.ones(len(self.ids), bool),
            "expiring": self._expiring,
            "card": self._card,
            "falling": self._falling,
            "milestone": self._milestone,
        }[name]
        return np.asarray(self.member & found)

    @property
    def _expiring(self) -> Bool:
        return self._nobody if self.points is None else np.asarray(self.points.expiring > 0)

    @property
    def _card(self) -> Bool:
        on, size = self.on_card, self.programme.rules.stamps
        return self._nobody if on is None or size is None else np.asarray((on > 0) & (size - on <= NEARLY))

    @property
    def _falling(self) -> Bool:
        if self.ladder is None:
            return self._nobody
        until = self.ladder.until
        return np.asarray((until >= 0) & (until < self.programme.day.day + ENDS_SOON_DAYS))

    @property
    def _milestone(self) -> Bool:
        found = self.filled_lately
        for one in self.milestones:
            found = found | one.lately
        return found

    @property
    def _nobody(self) -> Bool:
        return np.zeros(len(self.ids), bool)


LISTS = {
    "everybody": "all members",
    "expiring": "whose points expire within 30 days unless they are used",
    "card": "whose stamp card lacks one or two stamps",
    "falling": "whose tier ends within 30 days if nothing more comes",
    "milestone": "who reached a milestone, or filled a card, within the last 28 days",
}
"""Whom a list can hold, by name."""


def stacked(parts: Sequence[T]) -> T:
    """Arrays of blocks, one after the other."""
    kind = type(parts[0])
    return kind(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(kind)))
