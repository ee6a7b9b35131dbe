"""The sections `[offers]` and `[contact]` of `regulars.toml`: who is left alone, and how often one may write.

In: what the user wrote. Out: frozen settings with their defaults. A setting that would do nothing, and one that
contradicts another, is an error. What is offered stands in a catalogue of its own, `offers.toml`.
"""

from __future__ import annotations

import re
from typing import Self

from pydantic import Field, field_validator, model_validator

from .sections import Section

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")


class OfferingConfig(Section):
    """Where offers stand, and who is left alone by all campaigns."""

    catalogue: str = Field(
        default="offers.toml", min_length=1, description="the catalogue; relative to the configuration file"
    )
    holdout: float = Field(
        default=0.05, ge=0, le=0.5, description="share of the customers whom no campaign ever reaches: what all bring"
    )
    salt: str = Field(
        default="regulars",
        min_length=1,
        max_length=100,
        description="goes into the draw of hold-out, control and exploration; another one draws anew",
    )


class ContactCap(Section):
    """At most so many contacts with a customer in so many days."""

    contacts: int = Field(ge=0, description="contacts with one customer")
    days: int = Field(gt=0, le=3650, description="in so many days, the day of the plan included")
    channel: str | None = Field(default=None, min_length=1, description="on this channel; default: on all together")


class ContactConfig(Section):
    """How often and when customers may be written to, whichever department does so."""

    caps: tuple[ContactCap, ...] = Field(
        default=(), description="contacts of all departments together: campaigns, and what the company does in events"
    )
    quiet_from: str | None = Field(default=None, description="nothing is sent from this local time on, such as 20:00")
    quiet_until: str | None = Field(default=None, description="until this local time, such as 08:00")
    quiet_weekdays: tuple[str, ...] = Field(default=(), description="nothing is sent on these, such as sunday")
    do_not_contact: str | None = Field(
        default=None, description="a text file with an id a line, of whom is never contacted; beside the configuration"
    )
    complaint_days: int = Field(
        default=90, gt=0, description="a complaint that nobody resolved counts as open for so many days"
    )

    @field_validator("quiet_from", "quiet_until")
    @classmethod
    def _time(cls, value: str | None) -> str | None:
        if value is not None and not _TIME.fullmatch(value):
            raise ValueError("a local time such as 20:00")
        return value

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        if (self.quiet_from is None) != (self.quiet_until is None):
            raise ValueError("`quiet_from` and `quiet_until` go together")
        if self.quiet_from is not None and self.quiet_from == self.quiet_until:
            raise ValueError("`quiet_from` and `quiet_until` are the same: nothing could ever be sent")
        unknown = [day for day in self.quiet_weekdays if day not in WEEKDAYS]
        if unknown:
            raise ValueError(f"`quiet_weekdays` takes {', '.join(WEEKDAYS)}; not {', '.join(unknown)}")
        if set(self.quiet_weekdays) == set(WEEKDAYS):
            raise ValueError("every day is quiet: nothing could ever be sent")
        return self
