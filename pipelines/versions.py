"""The versions of the registered model, as people and machines read them.

In: a configuration. Out: a row a version: its aliases, the day of its training, what the gate said, which run made it.
Nothing of a model is loaded. Figures that a training did not note are empty, as JSON null.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..config import Config
from ..models.registry import Registry
from ..models.versions import Version

COLUMNS = ("version", "alias", "trained on", "data up to", "log loss", "grade", "gate", "crowned", "run")


@dataclass(frozen=True)
class Listed:
    """All versions of a model, the newest first.

    Examples
    --------
    >>> version = Version("regulars", "1", "abc", {"gate": "passed", "crowned": "1", "grade.churn": "B"}, ("champion",))
    >>> print(Listed("regulars", (version,)))
    version  alias     trained on  data up to  log loss  grade  gate    crowned  run
    1        champion                                    B/-    passed  1        abc
    """

    name: str
    versions: tuple[Version, ...]

    def __str__(self) -> str:
        if not self.versions:
            return f"no version of {self.name} is registered; `regulars train` makes one"
        rows = [COLUMNS, *(_cells(version) for version in self.versions)]
        widths = [max(len(row[i]) for row in rows) for i in range(len(COLUMNS))]
        return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)

    def figures(self) -> dict[str, object]:
        """As JSON takes it."""
        return {"name": self.name, "versions": [_facts(version) for version in self.versions]}


def listed(config: Config) -> Listed:
    """The versions of a configuration's model."""
    name = config.mlflow.model_name
    return Listed(name, Registry.of(config).versions(name)[::-1])


def _grade(version: Version, kind: str) -> str | None:
    return version.tags.get(f"grade.{kind}")


def _state(version: Version) -> str:
    """What became of it at the gate."""
    if version.rolled_back:
        return "rolled back"
    return "refused" if version.refused else version.gate or ""


def _cells(version: Version) -> Sequence[str]:
    loss = version.log_loss
    grades = [_grade(version, kind) or "-" for kind in ("churn", "value")]
    return (
        version.version,
        ", ".join(version.aliases),
        version.trained_on,
        version.last_day,
        "" if loss is None else f"{loss:.4f}",
        "/".join(grades),
        _state(version),
        str(version.crowned or ""),
        version.run_id,
    )


def _facts(version: Version) -> dict[str, object]:
    return {
        "version": version.version,
        "aliases": list(version.aliases),
        "trained_on": version.trained_on or None,
        "last_day": version.last_day or None,
        "log_loss": version.log_loss,
        "grades": {kind: _grade(version, kind) for kind in ("churn", "value")},
        "state": _state(version) or None,
        "reasons": version.reasons,
        "crowned": version.crowned,
        "run_id": version.run_id,
        "bundle": version.bundle or None,
    }
