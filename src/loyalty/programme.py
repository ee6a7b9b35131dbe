"""A programme as of a day: its rules, where its points come from, and which days are known of it.

In: a configuration and what a ledger holds. Out: a frozen `Programme`. A window is known when it begins at `starts`
or later: before the first day of a programme nothing was earned, so that its windows are known however long they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Literal

from ..clock import Cutoff
from ..loyalty_section import LoyaltyConfig
from ..schema import SCALE
from ..segments.tiers import Limits
from ..segments.years import grace_of

EVER = Cutoff(0)
"""The data say all of the days from here on: a programme that began later had nothing before."""

Source = Literal["events", "purchases", ""]


@dataclass(frozen=True)
class Programme:
    """The rules as of a day.

    Parameters
    ----------
    rules : LoyaltyConfig
    day : Cutoff
        All happened, and was known, before it.
    horizon_days : int
        What counts as silence.
    currency : str
    source : {"events", "purchases", ""}
        Where points come from; "" where there are none.
    expire_days : int or None
        None: nothing is known of when points expire.
    expiry_told : bool
        Whether events say what expired; else it is worked out.
    data_start : Cutoff
        The first day that the purchases cover.
    points_known : (Cutoff, Cutoff)
        Points are known of the days [first, second).
    """

    rules: LoyaltyConfig
    day: Cutoff
    horizon_days: int
    currency: str
    source: Source
    expire_days: int | None
    expiry_told: bool
    data_start: Cutoff
    points_known: tuple[Cutoff, Cutoff]

    @property
    def starts(self) -> Cutoff | None:
        """The first day of the programme, if it is said."""
        return None if self.rules.starts is None else Cutoff.parse(self.rules.starts)

    @property
    def stamps_from(self) -> Cutoff:
        """The first day on which a purchase got a stamp."""
        named = self.rules.stamps_start or self.rules.starts
        return self.data_start if named is None else max(Cutoff.parse(named), self.data_start)

    @cached_property
    def limits(self) -> Limits:
        """Of the tiers."""
        return Limits(tuple(name for name, _ in self.rules.steps), tuple(floor for _, floor in self.rules.steps))

    @cached_property
    def tier_names(self) -> tuple[str, ...]:
        """The highest first, the base last."""
        return (*(name for name, _ in self.limits.steps), self.rules.base_tier)

    @property
    def tiers_by(self) -> str:
        """What tiers go by, in words."""
        what = "points earned, less those taken back," if self.rules.tier_by == "points" else "net spend"
        return f"{what} in the 365 days before the day"

    def grace(self) -> int | None:
        """How many days a tier is kept, as far as the data go; None where they do not cover 365 days."""
        by_points = self.rules.tier_by == "points"
        known = self.points_known[0] if by_points else self.data_start
        if self.starts is not None and self.starts >= known:
            known = EVER
        return grace_of(self.day, known, self.rules.grace_days)

    @property
    def rate(self) -> int:
        """Points for one unit of money, in 1/10,000."""
        return int(Fraction(str(self.rules.points_per_unit or 0)) * SCALE)

    @property
    def minimum_spend(self) -> int:
        """Of a purchase that gets a stamp, in 1/10,000."""
        return int(Fraction(str(self.rules.stamp_minimum_spend or 0)) * SCALE)

    def worth(self, points: int) -> int | None:
        """What points are worth, in 1/10,000 of the currency, halves to even; None where that is not known."""
        return None if self.rules.point_value is None else round(points * Fraction(str(self.rules.point_value)))

    def reward(self, cards: Fraction) -> int | None:
        """What full cards are worth, in 1/10,000 of the currency."""
        value = self.rules.stamp_reward_value
        return None if value is None else round(cards * Fraction(str(value)) * SCALE)
