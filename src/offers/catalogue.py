"""`offers.toml` -> a frozen catalogue: the campaign, its channels, its offers and its limits.

In: a path, or a dictionary. Out: a `Catalogue` whose digest goes on every decision. Unknown keys, contradictions and
what would do nothing are a `ConfigError` that says what to do. No offer at all always exists and is not written down.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator

from ..config import Config
from ..errors import ConfigError, did_you_mean
from ..offering_section import WEEKDAYS
from ..sections import Section
from .contradictions import contradictions, remarks
from .eligibility import check_known, check_sensitive
from .explained import explained
from .follow_up import Trigger, with_sources
from .offer import NAME, Offer

NOTHING = -1
"""The index of no offer, which always exists."""
_TIME = r"^([01]\d|2[0-3]):[0-5]\d$"


class Campaign(Section):
    """What one tries to find out, and with how much money."""

    name: str = Field(pattern=NAME, description="small letters, digits and -; another name draws other controls")
    purpose: str = Field(default="marketing", min_length=1, description="for which consent is needed")
    control: float = Field(default=0.10, ge=0, le=0.9, description="share of the customers who get nothing, by draw")
    explore: float = Field(default=0.05, ge=0, le=0.9, description="share who get any permitted offer, by draw")
    window_days: int | None = Field(
        default=None, gt=0, le=3650, description="days until it is read out; default: the horizon of the scores"
    )
    budget: float | None = Field(
        default=None,
        ge=0,
        allow_inf_nan=False,
        description="money for all its waves; 0 spends nothing; default: no limit",
    )
    send_weekdays: tuple[str, ...] = Field(default=(), description="days of sending; default: every day")
    send_from: str | None = Field(default=None, pattern=_TIME, description="earliest local time, such as 09:00")
    send_until: str | None = Field(default=None, pattern=_TIME, description="latest local time, such as 17:00")

    @field_validator("send_weekdays")
    @classmethod
    def _weekdays(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for day in value:
            if day not in WEEKDAYS:
                raise ValueError(f"there is no day `{day}`; {did_you_mean(day, WEEKDAYS)}")
        return value

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        if self.control + self.explore > 0.9:
            raise ValueError("control and explore together leave less than a tenth to choose for; lower one of them")
        if self.send_from is not None and self.send_until is not None and self.send_from >= self.send_until:
            raise ValueError("`send_from` is not before `send_until`: nothing could ever be sent")
        return self


class Channel(Section):
    """How offers reach people."""

    name: str = Field(
        pattern=r"^[^\W_][\w .-]{0,49}$",
        description="as in the tables of consent and events, such as email; no capitals",
    )
    cost: float | None = Field(
        default=None, ge=0, allow_inf_nan=False, description="of one contact; default: [economics] contact_cost"
    )
    purpose: str | None = Field(default=None, min_length=1, description="of its consent; default: the campaign's")

    @field_validator("name")
    @classmethod
    def _without_capitals(cls, value: str) -> str:
        if value != value.casefold():
            raise ValueError(f"write `{value.casefold()}`: channels are compared without capitals")
        return value

    def contact_cost(self, default: float) -> float:
        """What one contact costs, in currency."""
        return default if self.cost is None else self.cost


class Limit(Section):
    """At most so many, or so much money, of something."""

    action: str = Field(
        default="any",
        pattern=r"^(any|(offer|type|channel|group):.+)$",
        description="any, offer:ID, type:TYPE, channel:NAME or group:NAME",
    )
    count: int | None = Field(default=None, ge=0, le=10**12, description="at most so many contacts")
    money: float | None = Field(default=None, ge=0, allow_inf_nan=False, description="at most so much expected cost")
    period: Literal["campaign"] | int = Field(
        default="campaign", description="campaign (all its waves), or so many days of all campaigns, this one included"
    )
    entity: str = Field(default="all", min_length=1, description="all, customer, or a field: a limit for each value")

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        if (self.count is None) == (self.money is None):
            raise ValueError("give `count` or `money`, and not both")
        if not isinstance(self.period, str) and not 0 < self.period <= 3650:
            raise ValueError('`period` is "campaign", or 1 to 3650 days')
        return self

    @property
    def amount(self) -> float:
        """The limit as a number."""
        return float(self.count if self.count is not None else self.money or 0.0)

    @property
    def name(self) -> str:
        """What is limited, in words: no other limit of a catalogue has the same.

        Examples
        --------
        >>> Limit(action="channel:phone", count=50, period=7).name
        'contacts by phone in 7 days'
        """
        return self.name_for({"all": "", "customer": " a customer"}.get(self.entity, f" for each {self.entity}"))

    def name_for(self, whom: str) -> str:
        """The same for some of the customers."""
        kind, _, name = self.action.partition(":")
        how = {"channel": f" by {name}", "offer": f" with offer {name}"}.get(kind, f" with {kind} {name}")
        unit = "contacts" if self.count is not None else "money"
        period = "in the campaign" if self.period == "campaign" else f"in {self.period} days"
        return f"{unit}{how if name else ''}{whom} {period}"

    def covers(self, option: Option) -> bool:
        """Whether it limits an option."""
        kind, _, name = self.action.partition(":")
        of = {"offer": option.offer.id, "type": option.offer.type, "channel": option.channel.name}
        return kind == "any" or name == of.get(kind, option.offer.group)


@dataclass(frozen=True)
class Option:
    """An offer on a channel; `index` is its place in `Catalogue.options`."""

    offer: Offer
    channel: Channel
    index: int

    @property
    def name(self) -> str:
        """Such as `ten@email`."""
        return f"{self.offer.id}@{self.channel.name}"


class Catalogue(Section):
    """The whole of `offers.toml`.

    Examples
    --------
    >>> ten = {"id": "ten", "type": "percent", "value": 10, "title": "10 % off", "channels": ["email"]}
    >>> content = {"campaign": {"name": "spring"}, "channels": [{"name": "email"}], "offers": [ten]}
    >>> catalogue = Catalogue.of(content)
    >>> [option.name for option in catalogue.options], len(catalogue.digest)
    (['ten@email'], 64)
    """

    campaign: Campaign
    channels: tuple[Channel, ...] = Field(min_length=1, description="at least one, as [[channels]]")
    offers: tuple[Offer, ...] = Field(min_length=1, description="at least one, as [[offers]]")
    limits: tuple[Limit, ...] = Field(default=(), description="limits, as [[limits]]")

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        for complaint in contradictions(self):
            raise ValueError(complaint)
        return self

    @classmethod
    def load(cls, path: str | Path) -> Catalogue:
        """Read a TOML file.

        Raises
        ------
        ConfigError
            ``RG410`` for a file that is not there or is not TOML; ``RG411`` for an unknown key, ``RG412`` for a missing
            one, ``RG413`` for what contradicts itself.
        """
        try:
            content = tomllib.loads(Path(path).read_text(encoding="utf-8"))
        except FileNotFoundError:
            do = "begin with `regulars offers init CONFIG`, or name another in [offers] catalogue"
            raise ConfigError(f"there is no catalogue `{path}`", do=do, code="RG410") from None
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"the catalogue `{path}` cannot be read: {error}", code="RG410") from None
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            raise ConfigError(f"the catalogue `{path}` is not TOML: {error}", code="RG410") from None
        return cls._checked(content, str(path))

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> Catalogue:
        """From what `to_dict` gave, or what a TOML file holds."""
        return cls._checked(content, "the catalogue")

    @classmethod
    def of_config(cls, config: Config) -> Catalogue:
        """The catalogue of a configuration, held against its margin and its sensitive columns.

        Raises
        ------
        ConfigError
            As `load`; ``RG415`` for a rule on a sensitive column; ``RG416`` for an offer that loses on every order;
            ``RG500`` for a follow-up of customers who have no score any more.
        """
        found = cls.load(config.folder / config.offers.catalogue)
        people = config.data.customers
        found.check_sensitive(people.sensitive if people is not None else ())
        found.check_margins(config.economics.margin)
        found.check_follow_ups(config.target.active_within_days)
        return found

    @classmethod
    def _checked(cls, content: Mapping[str, Any], where: str) -> Catalogue:
        try:
            return cls.model_validate(content)
        except ValidationError as error:
            raise explained(error, cls, where, content) from None

    @cached_property
    def options(self) -> tuple[Option, ...]:
        """Every offer on every channel that carries it, in the order in which they are written."""
        by_name = {c.name: c for c in self.channels}
        pairs = [(offer, by_name[name]) for offer in self.offers for name in offer.channels]
        return tuple(Option(offer, channel, i) for i, (offer, channel) in enumerate(pairs))

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the canonical JSON; a default written out is the same as one left out."""
        text = json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def fields(self) -> frozenset[str]:
        """Every field that a rule, a follow-up or a limit looks at, and the scores from which it is reckoned."""
        rules = [offer.eligible.fields for offer in self.offers if offer.eligible is not None]
        rules += [trigger.fields for trigger in self.follow_ups.values()]
        return with_sources(frozenset().union(*rules, {m.entity for m in self.limits} - {"all", "customer"}))

    @property
    def follow_ups(self) -> dict[str, Trigger]:
        """What offers follow, by their ids; those are left out that follow nothing."""
        return {offer.id: offer.trigger for offer in self.offers if offer.trigger is not None}

    def offer(self, name: str) -> Offer:
        """The offer of an id."""
        found = next((o for o in self.offers if o.id == name), None)
        if found is None:
            hint = did_you_mean(name, [o.id for o in self.offers])
            raise ConfigError(f"there is no offer `{name}` in the catalogue", do=hint, code="RG414")
        return found

    def purpose_of(self, channel: Channel) -> str:
        """The purpose for which a channel needs consent."""
        return channel.purpose or self.campaign.purpose

    def to_dict(self) -> dict[str, Any]:
        """JSON-safe form, with every default; `of` gives the same back."""
        return self.model_dump(mode="json", by_alias=True)

    def check_fields(self, known: Collection[str], sensitive: Collection[str] = ()) -> None:
        """Refuse a rule or a limit on a field that there is not (``RG414``) or that is sensitive (``RG415``)."""
        self.check_sensitive(sensitive)
        for where, field in self._looks():
            check_known(field, known, where)

    def check_sensitive(self, sensitive: Collection[str]) -> None:
        """Refuse a rule or a limit on a column that is declared sensitive (``RG415``)."""
        for where, field in self._looks():
            check_sensitive(field, sensitive, where)

    def _looks(self) -> list[tuple[str, str]]:
        """Who looks at what, in the order of the file."""
        rules = [
            (f"`eligible` of the offer `{o.id}`", str(c.field))
            for o in self.offers
            if o.eligible is not None
            for c in o.eligible.comparisons()
        ]
        limits = [(f"the limit `{m.action}`", m.entity) for m in self.limits if m.entity not in ("all", "customer")]
        return rules + limits

    def check_margins(self, margin: float) -> None:
        """Refuse an offer that loses money on every order it is redeemed with, unless it says why (``RG416``)."""
        for offer in self.offers:
            own, given = offer.margin(margin), offer.given_always
            if 0 < given >= own and offer.economics.at_a_loss is None:
                raise ConfigError(
                    f"the offer `{offer.id}` gives away {100 * given:g} % of an order, of which {100 * own:g} % are "
                    "earned: every order with it loses money",
                    do="lower `value`, or say why in `at_a_loss` under [offers.economics]",
                    code="RG416",
                )

    def check_follow_ups(self, active_within_days: int | None) -> None:
        """Refuse a follow-up that begins when its customers are silent for too long to be scored (``RG500``)."""
        for name, trigger in self.follow_ups.items():
            most = active_within_days
            if most is not None and trigger.is_of_silence and trigger.from_days > most:
                raise ConfigError(
                    f"the offer `{name}` goes {trigger.words}, and who is silent for more than {most} days has no "
                    "score",
                    needed="a window in which there are scores: nobody could ever get it",
                    do="lower `from_days`, or raise `active_within_days` under [target], train and score",
                    code="RG500",
                )

    def warnings(self, margin: float = 1.0) -> tuple[str, ...]:
        """What is allowed and yet worth a second look, in words."""
        return tuple(remarks(self, margin))
