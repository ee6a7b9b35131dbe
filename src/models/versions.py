"""Versions of the registered model: what the registry knows of each without looking into it.

In: what MLflow keeps of a version. Out: its aliases, and from its tags the day of its training, what the gate said,
whether and in which order it was crowned, its seal. What a version was never given is None or empty.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

CHAMPION, CHALLENGER, PREVIOUS = "champion", "challenger", "previous"
ALIASES = (CHAMPION, CHALLENGER, PREVIOUS)
GATE, REASONS, REFUSED, CROWNED, ROLLED_BACK = "gate", "gate.reasons", "gate.refused", "crowned", "rolled_back"
SEAL, BUNDLE_DIGEST, TRAINED_ON, LAST_DAY = "seal", "bundle", "trained_on", "data.last_day"
LOG_LOSS = "backtest.log_loss"
Said = Literal["passed", "forced"]


@dataclass(frozen=True)
class Registered:
    """A registered model's version, the run that made it, its bundle and the day of its training.

    Examples
    --------
    >>> Registered("regulars", "3", "run").uri
    'models:/regulars@champion'
    """

    name: str
    version: str
    run_id: str
    bundle: str = ""
    trained_on: str = ""

    @property
    def uri(self) -> str:
        """What `mlflow models serve -m` takes to serve whoever is champion."""
        return f"models:/{self.name}@{CHAMPION}"


@dataclass(frozen=True)
class Version:
    """A version of the registered model, whoever is the champion now.

    Parameters
    ----------
    tags : mapping
        What was noted with it.
    aliases : tuple of str
        In alphabetical order.

    Examples
    --------
    >>> version = Version("regulars", "3", "run", {"gate": "passed", "crowned": "2"}, ("champion",))
    >>> version.number, version.crowned, version.gate, version.seal, version.label
    (3, 2, 'passed', None, 'version 3 (champion)')
    """

    name: str
    version: str
    run_id: str
    tags: Mapping[str, str]
    aliases: tuple[str, ...] = ()

    @property
    def number(self) -> int:
        """Its number: versions are counted from 1."""
        return int(self.version)

    @property
    def registered(self) -> Registered:
        """What those need who make something with it."""
        return Registered(self.name, self.version, self.run_id, self.bundle, self.trained_on)

    @property
    def trained_on(self) -> str:
        """The day of its training: it has seen no label of a window that ends later."""
        return self.tags.get(TRAINED_ON, "")

    @property
    def last_day(self) -> str:
        """The last day of its data."""
        return self.tags.get(LAST_DAY, "")

    @property
    def log_loss(self) -> float | None:
        """Out of time, as its own training told it."""
        try:
            return float(self.tags.get(LOG_LOSS, ""))
        except ValueError:
            return None

    @property
    def seal(self) -> str | None:
        """The number that all its files make."""
        return self.tags.get(SEAL)

    @property
    def bundle(self) -> str:
        """The number that the manifest of its bundle makes."""
        return self.tags.get(BUNDLE_DIGEST, "")

    @property
    def gate(self) -> str | None:
        """What the gate said when it was crowned: passed or forced."""
        return self.tags.get(GATE)

    @property
    def reasons(self) -> str:
        """Why the gate let it through, or did not."""
        return self.tags.get(REFUSED) or self.tags.get(REASONS, "")

    @property
    def refused(self) -> bool:
        """Whether the gate did not let it through when it was last asked."""
        return REFUSED in self.tags

    @property
    def crowned(self) -> int | None:
        """The how-manyth crowning its last one was."""
        found = self.tags.get(CROWNED, "")
        return int(found) if found.isdigit() else None

    @property
    def rolled_back(self) -> bool:
        """Whether it was champion and was left."""
        return ROLLED_BACK in self.tags

    @property
    def label(self) -> str:
        """How a sentence calls it."""
        return f"version {self.version}" + (f" ({', '.join(self.aliases)})" if self.aliases else "")


@dataclass(frozen=True)
class Crowned:
    """What a crowning did.

    Parameters
    ----------
    version : Version
        The champion now.
    before : str or None
        The version that was champion before; itself where nothing had to be done.
    """

    version: Version
    before: str | None

    @property
    def unchanged(self) -> bool:
        """Whether it was champion already."""
        return self.before == self.version.version
