"""The catalogue: which features there are, from which family, in which unit, meaning what.

In: functions decorated with `@family`, each a generator over a `Past` and a `Reference`. Out: an ordered registry, and
a `Plan`: the features that a given ledger allows, found by running the families once on an empty history.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..clock import Cutoff
from ..errors import ConfigError, did_you_mean
from ..schema import Rules
from .asked import Asked
from .history import Beside, History
from .lines import Lines
from .once import once
from .past import Past
from .reference import Reference
from .shape import Shape

BUILT_IN = (
    "rfm",
    "windows",
    "cadence",
    "basket",
    "calendar",
    "items",
    "engagement",
    "offers",
    "people",
    "season",
)
"""Modules of this folder that register a family each, of the same name, in the order of the panel's columns."""

NEVER = "never missing"
NOT_COVERED = "missing when the window starts before the ledger"


class Feature(NamedTuple):
    """One feature with its values: name, unit, meaning and what a missing value means."""

    name: str
    unit: str
    meaning: str
    values: NDArray[np.float64]
    missing: str = NEVER


@dataclass(frozen=True)
class Entry:
    """A line of the catalogue.

    Examples
    --------
    >>> catalogue()[0].family
    'rfm'
    """

    name: str
    family: str
    unit: str
    meaning: str
    missing: str


FamilyFunction = Callable[[Past, Reference], Iterator[Feature]]


@dataclass(frozen=True)
class Family:
    """A named function from what was known to features; without `default` it is only used when asked for."""

    name: str
    function: FamilyFunction
    default: bool = True


_REGISTERED: dict[str, Family] = {}


def family(name: str, default: bool = True) -> Callable[[FamilyFunction], FamilyFunction]:
    """Register a generator of `Feature` over (Past, Reference) under a name.

    Parameters
    ----------
    default : bool
        Whether it is used unless the user turns it off; otherwise only when turned on.

    Raises
    ------
    ConfigError
        When another function already has the name.
    """

    def register(function: FamilyFunction) -> FamilyFunction:
        known = _REGISTERED.get(name)
        if known is not None and known.function.__module__ != function.__module__:
            raise ConfigError(f"there is already a feature family `{name}`", code="RG030")
        _REGISTERED[name] = Family(name, function, default)
        return function

    return register


def families(names: Sequence[str] = ()) -> tuple[Family, ...]:
    """The families of these names, or all that are used by default; ours first, then the user's, in order.

    Raises
    ------
    ConfigError
        When there is no family of a name.
    """
    for module in BUILT_IN:
        importlib.import_module(f".{module}", __package__)
    for name in names:
        if name not in _REGISTERED:
            hint = did_you_mean(name, _REGISTERED)
            raise ConfigError(f"there is no feature family `{name}`", do=hint, code="RG031")
    wanted = [f for f in _REGISTERED.values() if (f.name in names if names else f.default)]
    return tuple(sorted(wanted, key=lambda f: (*BUILT_IN, *names, f.name).index(f.name)))


def chosen(on: Sequence[str], off: Sequence[str]) -> tuple[str, ...]:
    """The names of the default families with some more and without some.

    Raises
    ------
    ConfigError
        When there is no family of a name, or one is turned off that is not on.
    """
    families((*on, *off))
    usual = tuple(f.name for f in families())
    idle = [n for n in off if n not in (*usual, *on)]
    if idle:
        raise ConfigError("families are turned off that are not on", offending=idle, do="leave them out", code="RG034")
    return tuple(n for n in dict.fromkeys((*usual, *on)) if n not in off)


@dataclass(frozen=True)
class Plan:
    """The features that a shape allows, and what they look at.

    Parameters
    ----------
    shape : Shape
    families : tuple of Family
    entries : tuple of Entry
        The features, in the order of the panel's rows.
    offsets : tuple of int
        Days before a cutoff at which windows begin.
    columns : tuple of str
        Optional columns of the purchases.
    groups : tuple of str
        Columns of the purchases, and groups of customers, whose values the Reference must tell apart.
    asked : Asked
        What the families look up.

    Examples
    --------
    >>> plan = plan_for(Shape(columns=("quantity",)))
    >>> "recency_days" in plan.names, "discount_share" in plan.names
    (True, False)
    """

    shape: Shape
    families: tuple[Family, ...]
    entries: tuple[Entry, ...]
    offsets: tuple[int, ...]
    columns: tuple[str, ...]
    groups: tuple[str, ...]
    asked: Asked = field(default_factory=Asked, compare=False)

    @once
    def names(self) -> tuple[str, ...]:
        """The features' names."""
        return tuple(e.name for e in self.entries)

    def asked_with(self, trailing: tuple[int, ...]) -> Asked:
        """What the families look up, and what the spend of some days before the cutoff needs."""
        if trailing not in self._asked_with:
            self._asked_with[trailing] = self.asked.and_since("spend", trailing)
        return self._asked_with[trailing]

    @once
    def _asked_with(self) -> dict[tuple[int, ...], Asked]:
        return {}


def plan_for(shape: Shape) -> Plan:
    """Plan the features of a ledger of some shape, by running its families once on an empty history."""
    return planned(shape, families(shape.families))


def planned(shape: Shape, chosen: tuple[Family, ...]) -> Plan:
    """Plan the features of some families, registered or not, on a ledger of some shape."""
    history = History(Lines.empty(shape.columns), Rules("UTC"), Cutoff(0), Beside.none(0, shape))
    nobody = Past(history, [Cutoff(10_000)], shape=shape)
    reference = Reference.empty()
    entries = [
        Entry(f.name, chosen_family.name, f.unit, f.meaning, f.missing)
        for chosen_family in chosen
        for f in chosen_family.function(nobody, reference)
    ]
    seen: dict[str, str] = {}
    for entry in entries:
        if entry.name in seen:
            both = f"`{seen[entry.name]}` and `{entry.family}`"
            raise ConfigError(f"the feature `{entry.name}` is yielded twice, by {both}", code="RG032")
        seen[entry.name] = entry.family
    read = tuple(sorted(c for c in nobody.asked_columns if history.has(c)))
    offsets, groups = tuple(sorted(nobody.asked)), tuple(sorted(nobody.asked_groups))
    return Plan(shape, chosen, tuple(entries), offsets, read, groups, nobody.was_asked)


def catalogue() -> tuple[Entry, ...]:
    """Every feature that a ledger with everything allows, the families that are off by default among them."""
    return plan_for(replace(Shape.complete(), families=tuple(f.name for f in all_families()))).entries


def all_families() -> tuple[Family, ...]:
    """Every registered family."""
    families()
    return families(tuple(_REGISTERED))
