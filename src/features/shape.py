"""The shape of a ledger: what it has beside the required columns, and so which features there are.

In: the facts of a ledger, and what the user says of points and holidays. Out: a frozen `Shape` that travels with the
panel and the model as JSON; the same shape gives the same features in the same order everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from .lines import MONEYS, TEXTS


@dataclass(frozen=True)
class Shape:
    """What the families can work with.

    Parameters
    ----------
    families : tuple of str
        The feature families that are wanted; none named: those that are used by default.
    columns : tuple of str
        Optional canonical columns of the purchases.
    kinds, channels : tuple of str
        Kinds and channels of events that may be features, each in order of the alphabet. What the company initiates is
        not among them unless the user says so: a model would learn the marketing calendar.
    offers : bool
        Whether there is a log of offers.
    attributes, numbers : tuple of str
        Text and number columns of the customers that may be features; sensitive ones never are.
    company_events : bool
        Whether events that the company initiated count as well.
    joined, referred : bool
        Whether the customers' table says when each joined, and who referred them.
    points_expire_days : int or None
        After how many days points expire.
    holidays : tuple of int
        Day numbers.

    Examples
    --------
    >>> Shape(kinds=("visit",)) == Shape.from_dict(Shape(kinds=("visit",)).to_dict())
    True
    """

    families: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    offers: bool = False
    attributes: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    company_events: bool = False
    joined: bool = False
    referred: bool = False
    points_expire_days: int | None = None
    holidays: tuple[int, ...] = ()

    @classmethod
    def complete(cls) -> Shape:
        """One with everything, as an example for the catalogue."""
        return cls(
            columns=(*MONEYS[1:], *TEXTS),
            kinds=KINDS,
            channels=("app", "email", "store"),
            offers=True,
            attributes=("acquisition_channel",),
            numbers=("age",),
            joined=True,
            referred=True,
            points_expire_days=365,
            holidays=(0,),
        )

    @property
    def beside(self) -> tuple[str, ...]:
        """The tables beside the purchases that the features look at."""
        events, customers = bool(self.kinds), bool(self.attributes or self.numbers or self.joined or self.referred)
        needed = {"events": events, "offers": self.offers, "customers": customers}
        return tuple(name for name, is_needed in needed.items() if is_needed)

    def to_dict(self) -> dict[str, Any]:
        """JSON-safe form; `from_dict` gives the same back."""
        return {name: list(v) if isinstance(v, tuple) else v for name, v in asdict(self).items()}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Shape:
        """The inverse of `to_dict`."""
        values: dict[str, Any] = {n: tuple(v) if isinstance(v, list) else v for n, v in content.items()}
        return cls(**values)


KINDS = (
    "complaint",
    "complaint_resolved",
    "email_click",
    "email_open",
    "points_earned",
    "points_expired",
    "points_spent",
    "referral",
    "social",
    "support",
    "support_resolved",
    "survey",
    "visit",
)
"""Kinds of events whose meaning is known; any other kind is counted all the same."""
