"""The catalogue: which features there are, from which family, in which unit, meaning what.

In: functions decorated with `@family`, each a generator over a `Past` and a `Reference`. Out: an ordered registry, and
a `Plan`: the features that a given ledger allows, found by running the families once on an empty history.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..clock import Cutoff
from ..errors import ConfigError, did_you_mean
from ..schema import Rules
from .history import History
from .lines import MONEYS, TEXTS, Lines
from .past import Past
from .reference import Reference

BUILT_IN = ("rfm", "windows", "cadence", "basket", "calendar")
"""Modules of this folder that register families, in the order of the panel's columns."""

NEVER = "never missing"
NOT_COVERED = "missing when the window starts before the ledger"


@dataclass(frozen=True)
class Feature:
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
    """A named function from what was known to features."""

    name: str
    function: FamilyFunction


_REGISTERED: dict[str, Family] = {}


def family(name: str) -> Callable[[FamilyFunction], FamilyFunction]:
    """Register a generator of `Feature` over (Past, Reference) under a name.

    Raises
    ------
    ConfigError
        When another function already has the name.
    """

    def register(function: FamilyFunction) -> FamilyFunction:
        known = _REGISTERED.get(name)
        if known is not None and known.function.__module__ != function.__module__:
            raise ConfigError(f"there is already a feature family `{name}`", code="RG030")
        _REGISTERED[name] = Family(name, function)
        return function

    return register


def families(names: Sequence[str] | None = None) -> tuple[Family, ...]:
    """The registered families, all or by name, in order of registration."""
    for module in BUILT_IN:
        importlib.import_module(f".{module}", __package__)
    if names is None:
        # Ours first and in their own order, whoever was imported first; then the user's.
        return tuple(sorted(_REGISTERED.values(), key=lambda f: (*BUILT_IN, f.name).index(f.name)))
    for name in names:
        if name not in _REGISTERED:
            hint = did_you_mean(name, _REGISTERED)
            raise ConfigError(f"there is no feature family `{name}`", do=hint, code="RG031")
    return tuple(_REGISTERED[n] for n in names)


@dataclass(frozen=True)
class Plan:
    """The features that a ledger with certain columns allows, the window edges and the columns they look at.

    Examples
    --------
    >>> plan = plan_for(("quantity",))
    >>> "recency_days" in plan.names, "discount_share" in plan.names
    (True, False)
    """

    families: tuple[Family, ...]
    entries: tuple[Entry, ...]
    offsets: tuple[int, ...]
    columns: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The features' names, in the order of the panel's rows."""
        return tuple(e.name for e in self.entries)


def plan_for(columns: Sequence[str], names: Sequence[str] | None = None) -> Plan:
    """Plan the features of a ledger that has the given columns, from all families or those named."""
    chosen = families(names)
    nobody = Past(History(Lines.empty(tuple(columns)), Rules("UTC"), Cutoff(0)), [Cutoff(10_000)])
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
    read = tuple(sorted(c for c in nobody.asked_columns if nobody.history.has(c)))
    return Plan(chosen, tuple(entries), tuple(sorted(nobody.asked)), read)


def catalogue() -> tuple[Entry, ...]:
    """Every feature that a ledger with all optional columns allows."""
    return plan_for((*MONEYS, *TEXTS)).entries
