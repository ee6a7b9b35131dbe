"""Value tiers: by the spend of the last year, or by what is expected; with how far it is to the next, in money.

In: `Facts`, and limits: what the user wrote, or those of the day (the upper 50, 20 and 5 % of who spent
anything, to two digits). Out: `Assigned`, or `Off` where the window is not covered or nobody was scored. A tier by
spend is kept for a grace period: it is that of the best 365 days that ended within it, so that by the same limits it
never falls sooner than so many days after it was last reached. Equal spend is in equal tiers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..errors import ConfigError
from ..schema import SCALE
from .facts import YEAR_DAYS, Bool, Facts, Int64
from .scheme import Assigned, Off, Segment, first_that_holds

NAME, EXPECTED = "tiers", "expected-tiers"
BASE = "bronze"
USUAL = (("silver", 0.50), ("gold", 0.20), ("platinum", 0.05))
"""Tiers above the base, and which part of those who spent anything is to be in it or above."""
_TAKEN = ("prospect", "not scored", BASE)
_DIGITS = 2
_MOST = 10**13
"""Limits stay below this, in currency: 64 bits hold them in 1/10,000."""


@dataclass(frozen=True)
class Limits:
    """From how much on a customer is in a tier.

    Parameters
    ----------
    names : tuple of str
        Tiers above the base, the lowest first.
    floors : tuple of int
        In 1/10,000 of the currency, above 0 and ascending.

    Examples
    --------
    >>> Limits.parse("silver=200, gold=1000").floors
    (2000000, 10000000)
    """

    names: tuple[str, ...]
    floors: tuple[int, ...]

    @classmethod
    def parse(cls, text: str) -> Limits:
        """From ``name=money,name=money``.

        Raises
        ------
        ConfigError
            ``RG478``: it does not say that, or limits do not ascend.
        """
        pairs = [part.partition("=") for part in text.split(",")]
        names = tuple(name.strip().casefold() for name, _, _ in pairs)
        try:
            floors = tuple(round(float(money) * SCALE) if float(money) < _MOST else 0 for _, _, money in pairs)
        except (ValueError, OverflowError):
            floors = (0,)
        ascends = all(low < high for low, high in zip((0, *floors), floors, strict=False))
        if not ascends or "" in names or len(set(names) | set(_TAKEN)) < len(names) + len(_TAKEN):
            raise ConfigError(
                f"`{text}` says no tiers",
                needed="names and the money from which on, the lowest first, each higher than the one before",
                do=f"write such as silver=200,gold=1000; `{BASE}` is everybody below",
                code="RG478",
            )
        return cls(names, floors)

    @classmethod
    def of_day(cls, values: Int64) -> Limits:
        """Those of the values of a day; none where nobody has any.

        Examples
        --------
        Of 1 to 100 (in currency) the upper half begins at 51, the upper fifth at 81, the upper twentieth at 96.

        >>> [floor // 10_000 for floor in Limits.of_day(10_000 * np.arange(1, 101)).floors]
        [51, 81, 96]
        """
        some = np.sort(values[values > 0])
        names: list[str] = []
        floors: list[int] = []
        for name, share in USUAL:
            at = len(some) - max(int(share * len(some)), 1)
            floor = _rounded(int(some[at])) if len(some) else 0
            if floor > (floors[-1] if floors else 0):
                names.append(name)
                floors.append(floor)
        return cls(tuple(names), tuple(floors))

    @property
    def text(self) -> str:
        """As `parse` reads it."""
        return ",".join(f"{name}={floor / SCALE:.10g}" for name, floor in zip(self.names, self.floors, strict=True))

    @property
    def steps(self) -> list[tuple[str, int]]:
        """The tiers above the base with their floors, the highest first."""
        return [*zip(self.names, self.floors, strict=True)][::-1]


def spend_tiers(facts: Facts, limits: Limits | None = None) -> Assigned | Off:
    """Tiers by the spend of the last 365 days, with the grace period of the facts.

    Parameters
    ----------
    facts : Facts
    limits : Limits, optional
        Default: those of the day.
    """
    if facts.spend_year is None:
        return Off(NAME, f"the ledger has less than {YEAR_DAYS} days before this day")
    own = limits or spend_limits(facts)
    held = facts.spend_year if facts.best_year is None else facts.best_year
    scale = _Scale(f"net spend of the last {YEAR_DAYS} days", own, (~facts.bought,))
    found = _tiered(facts, NAME, scale, facts.spend_year, held)
    notes = () if limits else (_kept_still(own),)
    if facts.best_year is None or not facts.grace_days:
        kept = "there is no grace period: a tier falls on the day on which the spend does"
    else:
        n = int((found.place != scale.places(facts.spend_year)).sum())
        kept = f"{n:,} customers keep a tier for the grace period of {facts.grace_days} days"
    return replace(found, notes=(*notes, kept))


def expected_tiers(facts: Facts, limits: Limits | None = None) -> Assigned | Off:
    """Tiers by what is expected to be spent within the horizon; without a grace period.

    Parameters
    ----------
    facts : Facts
    limits : Limits, optional
        Default: those of the day.
    """
    if not facts.has_scores:
        return Off(EXPECTED, "there are no scores of this day; `regulars score` makes them")
    told, values = _expected(facts)
    own = limits or expected_limits(facts)
    scale = _Scale(f"expected net spend within {facts.horizon_days} days", own, (~facts.bought, ~told))
    found = _tiered(facts, EXPECTED, scale, values, values)
    return replace(found, notes=() if limits else (_kept_still(own),), basis=f"{facts.horizon_days} days")


def spend_limits(facts: Facts) -> Limits:
    """The limits of the day for tiers by spend; none where the year is not covered."""
    return Limits((), ()) if facts.spend_year is None else Limits.of_day(facts.spend_year[facts.bought])


def expected_limits(facts: Facts) -> Limits:
    """The limits of the day for tiers by what is expected of those who have bought."""
    told, values = _expected(facts)
    return Limits.of_day(values[facts.bought & told])


def _expected(facts: Facts) -> tuple[Bool, Int64]:
    """Of whom something is expected, and how much, in 1/10,000."""
    told = facts.scored & np.isfinite(facts.expected_spend)
    return told, np.rint(np.where(told, facts.expected_spend, 0.0) * SCALE).astype(np.int64)


def _kept_still(limits: Limits) -> str:
    if not limits.names:
        return "nobody has spent anything, so there is one tier"
    return f"the limits are those of this day; --tiers {limits.text} keeps them so"


_APART = (
    Segment("prospect", "no purchase before the day"),
    Segment("not scored", "has bought, but the model did not speak of them that day"),
)
_WHY_APART = ("has not bought yet", "no score of this day")


@dataclass(frozen=True, eq=False)
class Standing:
    """Where customers stand on a ladder of limits; every array has the shape (n,).

    Parameters
    ----------
    place : ndarray of int64
        0 is the highest tier, the last the base; before them come those who have no tier.
    own : ndarray of int64
        From how much on a customer is in the tier; the smallest integer in the base, -1 without a tier.
    to_next : ndarray of int64
        How much lacks to the next higher one; -1 where there is none.
    following : ndarray of object
        The name of the next higher one; "" where there is none, -1 without a tier.
    """

    place: Int64
    own: Int64
    to_next: Int64
    following: NDArray[np.object_]


def standing(limits: Limits, values: Int64, held: Int64, apart: tuple[Bool, ...] = ()) -> Standing:
    """Tiers by what is held; how far it is to the next, by the values.

    Parameters
    ----------
    values : ndarray of int64
        Of the last 365 days.
    held : ndarray of int64
        The largest of any 365 days that ended within the grace period.
    apart : tuple of ndarray of bool
        Who has no tier.

    Examples
    --------
    >>> two = Limits(("silver", "gold"), (50, 90))
    >>> found = standing(two, np.array([95, 60, 10]), np.array([95, 95, 10]))
    >>> found.place.tolist(), found.to_next.tolist(), found.following.tolist()
    ([0, 0, 2], [-1, -1, 40], ['', '', 'silver'])
    """
    rules = (*apart, *(held >= floor for _, floor in limits.steps))
    place = first_that_holds(rules) if rules else np.zeros(len(held), np.int64)
    none, floors = [-1] * len(apart), [floor for _, floor in limits.steps]
    own = np.array([*none, *floors, np.iinfo(np.int64).min], np.int64)[place]
    above = np.array([*none, -1, *floors], np.int64)[place]
    to_next = np.where(above < 0, -1, np.maximum(above - values, 0))
    following = np.array([*none, "", *(name for name, _ in limits.steps)], object)[place]
    return Standing(place, own, to_next, following)


@dataclass(frozen=True, eq=False)
class _Scale:
    """What is measured, the limits on it, and who has no tier: of as many as `_APART` are asked for."""

    what: str
    limits: Limits
    apart: tuple[Bool, ...]

    def places(self, values: Int64) -> Int64:
        """Those who have no tier, then the highest tier, ..., then the base."""
        return standing(self.limits, values, values, self.apart).place

    def segments(self, money: str) -> tuple[Segment, ...]:
        """With their rules in words."""
        steps = self.limits.steps
        tiers = [Segment(name, f"{self.what} of at least {floor / SCALE:,.2f}{money}") for name, floor in steps]
        rest = Segment(BASE, f"everybody else with a purchase, by {self.what}")
        return (*_APART[: len(self.apart)], *tiers, rest)


def _tiered(facts: Facts, scheme: str, scale: _Scale, values: Int64, held: Int64) -> Assigned:
    """Tiers by what is held; what is told, and how far it is to the next, by the values."""
    found, money = standing(scale.limits, values, held, scale.apart), f" {facts.currency}".rstrip()
    told = []
    columns = (found.place, values, found.own, found.to_next, found.following)
    for at, value, floor, lacking, higher in zip(*(column.tolist() for column in columns), strict=True):
        if at < len(scale.apart):
            told.append(_WHY_APART[at])
            continue
        words = f"{scale.what}: {value / SCALE:,.2f}{money}"
        if value < floor:
            more = f"{(floor - value) / SCALE:,.2f}{money} more keep it"
            words += f", the tier is kept for a grace of {facts.grace_days} days; {more}"
        told.append(words + (f"; {lacking / SCALE:,.2f}{money} to {higher}" if lacking >= 0 else ""))
    return Assigned(scheme, scale.segments(money), found.place, np.array(told, object), found.to_next)


def _rounded(value: int) -> int:
    """To two digits, downwards, so that who set the limit stays in.

    Examples
    --------
    >>> _rounded(12_345_678), _rounded(99)
    (12000000, 99)
    """
    step = int(10 ** max(len(str(value)) - _DIGITS, 0))
    return value // step * step
