"""The section `[loyalty]` of `regulars.toml`: the rules of a programme of points, tiers, stamps and milestones.

In: what the user wrote. Out: frozen settings. Nothing is set by default, so that nothing is told of a programme that
there is not. A setting that would do nothing, and one that contradicts another, is an error.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from .clock import parse_date
from .schema import SCALE
from .sections import Section

Positive = Annotated[int, Field(gt=0)]
MOST = 10**9
"""Limits, rates and amounts stay below this: 64 bits hold what comes of them in 1/10,000."""
_TIER_KEYS = ("tier_by", "grace_days", "base_tier")
_STAMP_KEYS = ("stamp_reward_value", "stamp_minimum_spend", "stamps_start")


def _date_text(value: Any) -> Any:
    """TOML has dates of its own; inside, a date is its ISO text."""
    return value if value is None or isinstance(value, str) else str(value)


class LoyaltyConfig(Section):
    """Points, tiers, stamps and milestones of a programme.

    Examples
    --------
    >>> LoyaltyConfig(tiers={"gold": 2000, "silver": 500}).steps
    (('silver', 5000000), ('gold', 20000000))
    """

    starts: Annotated[str | None, BeforeValidator(_date_text)] = Field(
        default=None,
        description="first day of the programme (YYYY-MM-DD): there are no points, and no spend of tiers, before it",
    )
    expire_days: Positive | None = Field(
        default=None,
        description="points can be used for so many days after they were earned; default: features.points_expire_days",
    )
    points_per_unit: float | None = Field(
        default=None,
        gt=0,
        le=10**6,
        description="points for one unit of money of purchases: reckons points where no events of points tell them",
    )
    point_value: float | None = Field(
        default=None, gt=0, le=10**6, description="money of one point, in the ledger's currency: for the liability"
    )
    joined_are_members: bool = Field(
        default=False,
        description="whether a day of joining in [data.customers] makes a member, even without points or a purchase",
    )
    tiers: dict[str, float] = Field(
        default_factory=dict, description="tiers of members and from how much on: {silver = 500, gold = 2000}"
    )
    tier_by: Literal["points", "spend"] = Field(
        default="points", description="what tiers go by: points earned, or net spend, of the last 365 days"
    )
    grace_days: int = Field(
        default=90, ge=0, le=365, description="a tier falls no sooner than so many days after it was last reached"
    )
    base_tier: str = Field(default="bronze", min_length=1, description="the tier of everybody below the lowest limit")
    stamps: int | None = Field(default=None, ge=2, le=1000, description="stamps of a full card; one a purchase")
    stamp_reward_value: float | None = Field(
        default=None, gt=0, lt=MOST, description="what a full card is worth, in the ledger's currency"
    )
    stamp_minimum_spend: float | None = Field(
        default=None, gt=0, lt=MOST, description="a purchase of less money gets no stamp"
    )
    stamps_start: Annotated[str | None, BeforeValidator(_date_text)] = Field(
        default=None, description="first day of the stamp card (YYYY-MM-DD); default: `starts`, else that of the data"
    )
    milestone_purchases: tuple[Positive, ...] = Field(default=(), description="the n-th purchases that are milestones")
    milestone_spend: tuple[Annotated[float, Field(gt=0, lt=MOST)], ...] = Field(
        default=(), description="amounts of net spend of all times that are milestones, in the ledger's currency"
    )
    milestone_years: tuple[Annotated[int, Field(gt=0, le=100)], ...] = Field(
        default=(), description="years since joining, or since the first purchase, that are milestones"
    )

    @property
    def is_set(self) -> bool:
        """Whether anything is said of a programme."""
        return any(self._says(key) for key in type(self).model_fields)

    def _says(self, key: str) -> bool:
        """Whether a setting is another than by default: a configuration that was dumped names them all."""
        return bool(getattr(self, key) != type(self).model_fields[key].get_default(call_default_factory=True))

    @property
    def steps(self) -> tuple[tuple[str, int], ...]:
        """Tiers above the base and from how much on, in 1/10,000, the lowest first."""
        exact = {name: int(Fraction(str(floor)) * SCALE) for name, floor in self.tiers.items()}
        return tuple(sorted(exact.items(), key=lambda step: step[1]))

    def check_beside(self, usual_expire_days: int | None, has_events: bool, has_joined: bool) -> None:
        """Refuse what contradicts `features.points_expire_days`, and rules of points where there can be none."""
        own = self.expire_days
        if self.joined_are_members and not has_joined:
            raise ValueError("`loyalty.joined_are_members` does nothing: [data.customers] maps no `joined_at`")
        if own is not None and usual_expire_days is not None and own != usual_expire_days:
            raise ValueError(
                f"`loyalty.expire_days` is {own}, and `features.points_expire_days` {usual_expire_days}; say it once"
            )
        if has_events or self.points_per_unit is not None:
            return
        idle = [key for key in ("expire_days", "point_value") if getattr(self, key) is not None]
        if idle or (self.tiers and self.tier_by == "points"):
            raise ValueError(
                f"`loyalty.{idle[0] if idle else 'tiers'}` asks for points: there is no [data.events], and no "
                "`points_per_unit` to reckon them by"
            )

    @field_validator("points_per_unit", "stamp_minimum_spend")
    @classmethod
    def _four_decimals(cls, value: float | None) -> float | None:
        if value is not None and (Fraction(str(value)) * SCALE).denominator != 1:
            raise ValueError("at most four decimals")
        return value

    @field_validator("tiers")
    @classmethod
    def _limits(cls, tiers: dict[str, float]) -> dict[str, float]:
        if any(not 0 < floor < MOST or (Fraction(str(floor)) * SCALE).denominator != 1 for floor in tiers.values()):
            raise ValueError(f"limits are above 0 and below {MOST:,}, with at most four decimals")
        if len(set(tiers.values())) < len(tiers):
            raise ValueError("two tiers begin at the same limit; leave one out")
        if any(not name.strip() for name in tiers):
            raise ValueError("a tier needs a name")
        return tiers

    @field_validator("milestone_purchases", "milestone_spend", "milestone_years")
    @classmethod
    def _ascending(cls, values: tuple[float, ...]) -> tuple[float, ...]:
        if any(low >= high for low, high in pairwise(values)):
            raise ValueError("milestones ascend, each once")
        if any((Fraction(str(value)) * SCALE).denominator != 1 for value in values):
            raise ValueError("at most four decimals")
        return values

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        for day in (self.starts, self.stamps_start):
            if day is not None:
                parse_date(day)
        idle = [key for key in _TIER_KEYS if not self.tiers and self._says(key)]
        if idle:
            raise ValueError(f"`{idle[0]}` does nothing without `tiers`")
        idle = [key for key in _STAMP_KEYS if self.stamps is None and self._says(key)]
        if idle:
            raise ValueError(f"`{idle[0]}` does nothing without `stamps`")
        if self.base_tier.casefold() in {name.casefold() for name in self.tiers}:
            raise ValueError(f"`{self.base_tier}` is the tier of everybody below; give `base_tier` another name")
        return self
