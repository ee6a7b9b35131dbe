"""How a worker decides on offers: the policy of the newest wave, what its rules look at, where its word is kept.

In: what is on stage, the model that speaks, the configuration. Out: an `Offering`, read once and never changed. A
policy that does not fit the model is a `ConfigError` (RG457); scores are given without it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..clock import Cutoff
from ..errors import ConfigError
from ..models.outputs import OUTPUTS, Wanted
from ..offers.arms import decision_ids
from ..offers.audience import FACTS, LOYALTY, LOYALTY_TEXTS, UNSURE
from ..offers.economics import EXPECTED
from ..offers.policy import Policy
from .asides import AsideDoor
from .inquiry import InquiryDoor
from .online import Online
from .shelved import Shelf

if TYPE_CHECKING:
    from ..config import Config
    from ..models.model import Model
    from ..products.kept import Kept
    from .body import Door
    from .stage import Facts

_STOP = "do not contact"
"""No campaign is called so."""
MOST = 3
"""So many offers are told: the one that counts, and what else would pay."""


@dataclass(frozen=True)
class Offering:
    """Whoever decides on offers in a worker.

    Parameters
    ----------
    policy : Policy
    door : InquiryDoor
        Reads requests.
    primary_days : int
        The primary horizon of the model.
    left_alone : frozenset of str
        Marks of whom nobody may contact; see `marks`.
    online : Online or None
        Where recommendations are kept; None where they are not.
    own_name : callable
        What a customer is called in ledger and decisions.
    shelf : Shelf
        What is known of products.
    """

    policy: Policy
    door: InquiryDoor
    primary_days: int
    left_alone: frozenset[str] = field(repr=False)
    online: Online | None
    own_name: Callable[[str], str] = field(repr=False)
    shelf: Shelf

    @classmethod
    def of(
        cls,
        said: Mapping[str, Any],
        left_alone: Sequence[str],
        facts: Facts,
        model: Model,
        door: Door,
        config: Config,
        kept: Kept | None = None,
    ) -> Offering:
        """From the policy of a stage.

        Raises
        ------
        DataError
            ``RG423``: it cannot be read.
        ConfigError
            ``RG457``: the model cannot say what it needs; ``RG503``: what is kept of products is not the wave's.
        """
        policy = Policy.of_dict(said)
        _check(policy, model)
        shelf = Shelf.of(policy, kept)
        return cls(
            policy=policy,
            door=InquiryDoor(door, replace(beside_of(policy.needs, config), items=shelf.columns), policy.zone),
            primary_days=model.horizon_days,
            left_alone=frozenset(left_alone),
            online=Online(Path(facts.online)) if facts.online else None,
            own_name=_own_name(config),
            shelf=shelf,
        )

    @property
    def as_of(self) -> Cutoff:
        """The day of the wave."""
        return self.policy.as_of

    @property
    def last(self) -> Cutoff:
        """The last day on which it recommends: then the wave is read out."""
        return self.policy.as_of.plus(self.policy.horizon_days - 1)

    @cached_property
    def decided_by(self) -> dict[str, str]:
        """What every answer tells of it."""
        policy = self.policy
        digests = {"catalogue": policy.catalogue.digest, "responses": policy.responses.digest}
        return {"campaign": policy.campaign, "as_of": str(policy.as_of), **digests}

    @cached_property
    def badges(self) -> tuple[str, ...]:
        """Where the gain of each option comes from."""
        return self.policy.responses.badges(self.policy.catalogue)

    @cached_property
    def wanted(self) -> Wanted:
        """What the model must say of a customer before anything is decided."""
        outputs = tuple(name for name in self.policy.needs if name in OUTPUTS)
        further = () if self.policy.horizon_days == self.primary_days else (self.policy.horizon_days,)
        return Wanted(outputs, further)

    def columns(self, said: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """What an audience needs, from what the model said: numbers, texts, of the window of the campaign."""
        of = {name: f"{name}_{days}d" for days in self.wanted.horizons for name in (*EXPECTED, *UNSURE)}
        return {name: plain(said[of.get(name, name)]) for name in self.wanted.outputs}

    def marked(self, names: Sequence[str]) -> NDArray[np.bool_]:
        """Whom nobody may contact."""
        found = (mark in self.left_alone for mark in marks(names, self.policy.salt))
        return np.fromiter(found, bool, len(names)) if self.left_alone else np.zeros(len(names), bool)

    def example(self, reference_day: Cutoff) -> dict[str, Any]:
        """A request that is answered with a row, of which nothing is kept: of the first day that others fit."""
        day = max(self.as_of, reference_day)
        found: dict[str, Any] = self.door.door.example(day)
        (customer,) = found["customers"]
        self.shelf.example(customer["purchases"])
        channel = self.policy.catalogue.channels[0]
        consent = {
            "recorded_at": f"{day.minus(30)}T12:00:00",
            "channel": channel.name,
            "purpose": self.policy.catalogue.purpose_of(channel),
            "status": "granted",
        }
        beside = self.door.beside
        attributes: dict[str, object] = {**dict.fromkeys(beside.texts), **dict.fromkeys(beside.numbers)}
        told = {**customer, "consent": [consent], "contacts": [], "attributes": attributes}
        return {"dry_run": True, **found, "customers": [told]}


def beside_of(needs: Sequence[str], config: Config) -> AsideDoor:
    """What the caller must say of customers: fields that neither the model nor the request's own rows tell.

    Examples
    --------
    >>> from regulars.config import Config
    >>> found = beside_of(("p_churn", "open_complaint", "town", "points_balance"), Config.of())
    >>> found.texts, found.numbers
    (('town',), ('points_balance',))
    """
    unsaid = [name for name in needs if name not in OUTPUTS and name not in FACTS]
    people = config.data.customers
    attributes, own = ((), ()) if people is None else (people.attributes, people.numbers)
    loyal = {name for name in LOYALTY if name not in LOYALTY_TEXTS and name not in attributes}
    numbers = {"acquisition_cost", *own, *loyal}
    texts = tuple(name for name in unsaid if name not in numbers)
    return AsideDoor(texts, tuple(name for name in unsaid if name in numbers))


def marks(names: Sequence[str], salt: str) -> list[str]:
    """Customers as marks, which tell nothing of them to whoever lacks the salt.

    Examples
    --------
    >>> marks(["ann"], "salt") == marks(["bob"], "salt")
    False
    """
    return decision_ids(_STOP, "", names, salt)


def plain(values: NDArray[Any]) -> NDArray[Any]:
    """A column of scores as an audience has it: numbers are doubles; a text that is empty is None."""
    if values.dtype.kind == "O":
        return np.array([*(value or None for value in values.tolist()), None], object)[:-1]
    return values if values.dtype.kind == "b" else values.astype(np.float64)


def _check(policy: Policy, model: Model) -> None:
    """Refuse a policy that the model cannot serve."""
    if policy.horizon_days not in model.learnt.horizons:
        raise ConfigError(
            f"the policy of the newest wave looks {policy.horizon_days} days ahead, and the model that speaks does not",
            needed=f"a window of {', '.join(map(str, sorted(model.learnt.horizons)))} days",
            do="assign a wave with the scores of this model: `regulars offers assign`",
            code="RG457",
        )
    if policy.currency and model.currency and policy.currency != model.currency:
        raise ConfigError(
            f"the policy of the newest wave reckons in {policy.currency}, and the model in {model.currency}",
            do="assign a wave with the scores of this model: `regulars offers assign`",
            code="RG457",
        )


def _own_name(config: Config) -> Callable[[str], str]:
    """From an id as callers know it to that of the ledger; a pseudonym stays what it is."""
    if not config.privacy.pseudonyms:
        return str
    from ..intake.keys import PREFIX, key_of

    pseudonym, form = key_of(config).pseudonyms(), re.compile(PREFIX + "[0-9a-f]{32}")

    def own_name(customer: str) -> str:
        return customer if form.fullmatch(customer) else pseudonym(customer)

    return own_name
