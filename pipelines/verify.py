"""Verify families of features: does one break a rule, and on which few purchases?

In: a ledger, whose shape is what counts, a configuration, names of families. Out: `Verified`: findings by family, as
words and as figures. Nothing of the ledger's rows is looked at: the purchases are made up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..config import Config
from ..errors import ConfigError
from ..features.family import all_families, families
from ..features.modules import register
from ..features.verify import CASES, Finding, verify
from ..intake import Ledger
from ..progress import Progress
from .prepare import shape_of

ALL = "all"


@dataclass(frozen=True)
class Verified:
    """What was found, by family.

    Parameters
    ----------
    findings : dict of str to tuple of Finding
    """

    findings: Mapping[str, tuple[Finding, ...]]

    @property
    def broken(self) -> tuple[str, ...]:
        """The families that break a rule."""
        return tuple(name for name, found in self.findings.items() if not all(f.only_warns for f in found))

    @property
    def figures(self) -> dict[str, Any]:
        """Everything, as JSON takes it."""
        found = {name: [f.to_dict() for f in every] for name, every in self.findings.items()}
        return {"families": found, "broken": list(self.broken)}

    def __str__(self) -> str:
        return "\n".join(
            "\n\n".join(map(str, found)) + "\n" if found else f"OK  {name}: keeps every rule on {CASES} made-up ledgers"
            for name, found in self.findings.items()
        )

    def check(self) -> None:
        """Refuse families that break a rule.

        Raises
        ------
        ConfigError
            When there is one.
        """
        if self.broken:
            names = ", ".join(f"`{name}`" for name in self.broken)
            raise ConfigError(f"{names} {'breaks' if len(self.broken) == 1 else 'break'} a rule", code="RG038")


def verified(ledger: Ledger, config: Config, wanted: Sequence[str] = (), progress: Progress | None = None) -> Verified:
    """Try families on made-up ledgers of the same shape.

    Parameters
    ----------
    wanted : sequence of str
        Names of families; ``all`` stands for every one. Default: those of the configuration's modules.

    Raises
    ------
    ConfigError
        When there is no family of a name, or none to verify.
    """
    shape = shape_of(ledger, config)
    names = tuple(wanted) or register([str(config.folder / module) for module in config.features.modules])
    if ALL in names:
        names = tuple(family.name for family in all_families())
    if not names:
        hint = f"name your files in [features] modules, or give --family {ALL}"
        raise ConfigError("there is no family of your own to verify", do=hint, code="RG039")
    families(names)
    found = {}
    for i, name in enumerate(names):
        if progress:
            progress(f"verifying {name}", i / len(names))
        found[name] = verify(name, shape, config.seed)
    return Verified(found)
