"""One offer of the catalogue: what it is, what it is worth, to whom it may go, and what it is expected to do.

In: an entry `[[offers]]`. Out: a frozen `Offer`. What contradicts itself (a service call with a discount, a gift of
money larger than the least basket) is refused with what to do. An offer without a response is expected to do nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, Self

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from ..sections import Section
from .follow_up import Trigger
from .ranges import Change, Range, Saved, Share
from .rules import Rule

SLUG = r"^[a-z0-9][a-z0-9_-]{0,49}$"
NAME = r"^[a-z0-9][a-z0-9-]{0,49}$"

Type = Literal[
    "percent",
    "amount",
    "free_shipping",
    "bogo",
    "gift",
    "points",
    "points_multiplier",
    "stamp_card",
    "milestone",
    "referral",
    "product_suggestion",
    "invitation",
    "partner",
    "donation",
    "information",
    "service_call",
]

TYPES: Mapping[str, str] = {
    "percent": "value: per cent off the price",
    "amount": "value: money off the price",
    "free_shipping": "value: what the shipping costs you",
    "bogo": "value: what the free item costs you",
    "gift": "value: what the gift costs you",
    "points": "value: points; point_value: what a point costs you",
    "points_multiplier": "value: the factor, 2 for double; point_value: what a point costs you; points_per_unit",
    "stamp_card": "value: what a full card costs you",
    "milestone": "value: what the reward costs you",
    "referral": "value: what a successful referral costs you",
    "product_suggestion": "no value; suggest, items, least_items: which products go with it",
    "invitation": "no value",
    "partner": "value: what the partner's service costs, funding: the part that the partner pays",
    "donation": "value: what is given to the good cause",
    "information": "no value",
    "service_call": "no value",
}
IN_PRICE = frozenset({"percent", "amount", "bogo", "free_shipping"})
"""What redemption takes off these lies in the price: the ledger's amounts are net of it."""
NO_VALUE = frozenset({"product_suggestion", "invitation", "information", "service_call"})
POINTS = frozenset({"points", "points_multiplier"})
SUGGESTION = "product_suggestion"
BUY_AGAIN, NEW_FOR_YOU = "buy again", "new for you"
MOST_ITEMS = 10
LATER: Mapping[str, object] = {"suggest": None, "items": 3, "least_items": 1, "trigger": None}
"""Keys that came after catalogues had been kept: one that says its default is left out of what is kept, so that the
digests of those still hold."""


class Taken(NamedTuple):
    """What one redemption takes off or costs, before a partner's share: `money + share x spend at list price`.

    Examples
    --------
    >>> Taken(0.0, 0.1).of(50.0)
    5.0
    """

    money: float
    share: float

    def of(self, spend: float) -> float:
        """In currency, for a spend in currency."""
        return self.money + self.share * spend


class OfferEconomics(Section):
    """What an offer costs and earns."""

    redemption: Share | None = Field(
        default=None, description="share of those who get it that redeem it if they buy: a number or [low, base, high]"
    )
    margin: float | None = Field(
        default=None, ge=0, le=1, description="share of what is bought with it that is earned; default: [economics]"
    )
    funding: float = Field(default=0.0, ge=0, le=1, description="share of the offer's cost that a partner pays")
    cost_per_redemption: float | None = Field(
        default=None, ge=0, allow_inf_nan=False, description="money a redemption costs; default: from type and value"
    )
    at_a_loss: str | None = Field(
        default=None, min_length=10, description="why it is given although it costs more than it earns, in a sentence"
    )


class OfferResponse(Section):
    """What an offer is expected to do."""

    basis: Literal["assumed", "experiment", "model"] = Field(
        default="assumed", description="where the numbers are from"
    )
    save: Saved = Field(
        default=Range.of(0), description="share kept, of those who would have fallen silent: [low, base, high]"
    )
    extra_spend: Change = Field(
        default=Range.of(0), description="what is bought beyond the usual, as a share of it: [low, base, high]"
    )
    complaints: Share = Field(default=Range.of(0), description="complaints per contact")
    source: str | None = Field(default=None, min_length=3, description="the experiment or model that says so")

    @model_validator(mode="after")
    def _sourced(self) -> Self:
        if self.basis != "assumed" and self.source is None:
            raise ValueError(f'basis is "{self.basis}": say in `source` which one it was')
        return self


class Offer(Section):
    """An offer as the catalogue has it.

    Examples
    --------
    >>> offer = Offer(id="ten", type="percent", value=10, title="10 % off", channels=("email",))
    >>> offer.taken, offer.in_price
    (Taken(money=0.0, share=0.1), True)
    """

    id: str = Field(pattern=SLUG, description="small letters, digits, - and _; never reused for another offer")
    type: Type = Field(description="; ".join(f"{name} ({said})" for name, said in TYPES.items()))
    title: str = Field(min_length=1, max_length=200, description="what the customer reads first")
    text: str = Field(default="", max_length=2000, description="what the customer reads below the title")
    terms: str = Field(default="", max_length=2000, description="the small print")
    message: str = Field(
        default="", max_length=50, description="kind of message, such as reminder; compared in reports"
    )
    value: float = Field(default=0.0, ge=0, allow_inf_nan=False, description="what it is worth; its unit follows type")
    point_value: float | None = Field(
        default=None, gt=0, allow_inf_nan=False, description="of points: what one point costs you, in currency"
    )
    points_per_unit: float | None = Field(
        default=None, gt=0, allow_inf_nan=False, description="of points_multiplier: points for one unit of money"
    )
    minimum_spend: float = Field(
        default=0.0, ge=0, allow_inf_nan=False, description="the least order it can be redeemed with, in currency"
    )
    valid_days: int | None = Field(
        default=None, gt=0, le=3650, description="so many days it can be redeemed, the day of sending included"
    )
    channels: tuple[str, ...] = Field(description="the channels that carry it, by name")
    eligible: Rule | None = Field(default=None, description="for whom it is; default: for all")
    cool_down_days: int = Field(default=0, ge=0, le=3650, description="days until the same customer may get it again")
    trigger: Trigger | None = Field(
        default=None, description="what it follows: it goes to whom that happened so many days ago, once each time"
    )
    group: str | None = Field(
        default=None, pattern=SLUG, description="of offers that share a group, a customer gets one within the cool-down"
    )
    suggest: Literal["buy again", "new for you"] | None = Field(
        default=None,
        description="of product_suggestion: the list its products come from; default: buy again, where products are "
        "named",
    )
    items: int = Field(default=3, ge=1, le=MOST_ITEMS, description="of product_suggestion: at most so many products")
    least_items: int = Field(
        default=1, ge=1, le=MOST_ITEMS, description="of product_suggestion: who has fewer does not get it"
    )
    economics: OfferEconomics = OfferEconomics()
    response: OfferResponse = OfferResponse()

    @model_serializer(mode="wrap")
    def _told(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        found: dict[str, Any] = handler(self)
        return {name: value for name, value in found.items() if name not in LATER or value != LATER[name]}

    @property
    def suggests(self) -> bool:
        """Whether products may go with it."""
        return self.type == SUGGESTION

    @property
    def in_price(self) -> bool:
        """Whether what redemption takes off lies in the price, so that the ledger's amounts are net of it."""
        return self.type in IN_PRICE

    @property
    def is_service(self) -> bool:
        """Whether it may go to a customer with an open complaint."""
        return self.type == "service_call"

    @property
    def redemption(self) -> Range:
        """The share that redeems it, of those who get it and buy; all where nothing says otherwise."""
        return self.economics.redemption or Range.of(0 if self.type in NO_VALUE else 1)

    @property
    def taken(self) -> Taken:
        """What one redemption takes off or costs, before a partner's share."""
        if self.economics.cost_per_redemption is not None:
            return Taken(self.economics.cost_per_redemption, 0.0)
        if self.type == "percent":
            return Taken(0.0, self.value / 100)
        if self.type == "points":
            return Taken(self.value * (self.point_value or 0.0), 0.0)
        if self.type == "points_multiplier":
            return Taken(0.0, (self.value - 1) * (self.points_per_unit or 0.0) * (self.point_value or 0.0))
        return Taken(self.value, 0.0)

    def margin(self, default: float) -> float:
        """The share of spend that is earned with this offer."""
        return default if self.economics.margin is None else self.economics.margin

    def given_away(self, spend: float) -> float:
        """What a redemption costs the company, as a share of an order of some size at list price.

        Examples
        --------
        >>> Offer(id="gift", type="gift", value=4, title="A gift", channels=("email",)).given_away(40.0)
        0.1
        """
        return (1 - self.economics.funding) * self.taken.of(spend) / spend

    @property
    def given_always(self) -> float:
        """The same of any order, however large."""
        return (1 - self.economics.funding) * self.taken.share

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        complaints = (
            self._value_fits(),
            self._points_fit(),
            self._minimum_fits(),
            self._items_fit(),
            self._channels_fit(),
        )
        for complaint in complaints:
            if complaint:
                raise ValueError(complaint)
        return self

    def _value_fits(self) -> str:
        if self.is_service and (self.value or self.minimum_spend or self.group):
            return "a service call offers no discount: leave out `value`, `minimum_spend` and `group`"
        if self.type in NO_VALUE and "value" in self.model_fields_set and self.value:
            return f"`value` does nothing for {self.type}; what it costs goes to economics.cost_per_redemption"
        if self.type not in NO_VALUE and not self.value:
            return f"{self.type} needs a `value` above 0 ({TYPES[self.type]})"
        if self.type == "percent" and self.value > 100:
            return f"{self.value:g} per cent cannot be taken off a price; needed: at most 100"
        if self.type == "points_multiplier" and self.value <= 1:
            return f"a factor of {self.value:g} gives no more points than usual; needed: above 1, such as 2"
        return ""

    def _points_fit(self) -> str:
        if (self.type in POINTS) != (self.point_value is not None):
            needs = "needs `point_value`: what a point costs you" if self.type in POINTS else "has no `point_value`"
            return f"{self.type} {needs}"
        if (self.type == "points_multiplier") != (self.points_per_unit is not None):
            many = self.type == "points_multiplier"
            needs = "needs `points_per_unit`: points for one unit of money" if many else "has no `points_per_unit`"
            return f"{self.type} {needs}"
        return ""

    def _minimum_fits(self) -> str:
        if self.type == "amount" and 0 < self.minimum_spend < self.value and not self.economics.at_a_loss:
            return (
                f"{self.value:g} are taken off an order of {self.minimum_spend:g}: a gift of money; raise "
                "`minimum_spend`, or say why in economics.at_a_loss"
            )
        return ""

    def _items_fit(self) -> str:
        told = [f"`{name}`" for name in ("suggest", "items", "least_items") if name in self.model_fields_set]
        if told and not self.suggests:
            return f"{', '.join(told)} would do nothing for {self.type}: only {SUGGESTION} carries products"
        if self.least_items > self.items:
            return f"`least_items` is {self.least_items} and `items` is {self.items}: nobody could ever get it"
        return ""

    def _channels_fit(self) -> str:
        if not self.channels:
            return "no channel carries it, so nobody could get it; name one in `channels`"
        twice = sorted({c for c in self.channels if self.channels.count(c) > 1})
        return f"`channels` names {', '.join(f'`{c}`' for c in twice)} twice" if twice else ""
