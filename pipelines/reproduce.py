"""Reproduce: a training done again from its recipe and its data, and whether every byte of the model is the same.

In: a run or a version. Out: `Reproduced`: the same, or which files differ, with the versions of code that do. The
ledger is that of the recorded fingerprint: one that is still kept, else it is built from the sources, and refused where
these are not what they were. Studies that the clock ended are repeated by the number of trials that they finished.
Nothing is registered, and nothing is kept.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..config import Config
from ..disk.publish import is_whole
from ..disk.whole import TEMPORARY, private
from ..errors import DataError, NoModel
from ..intake import Ledger, build_ledger
from ..intake.ledger import opened
from ..intake.pointer import ledgers_of
from ..progress import Progress
from .contestants import Entry, entry_of
from .files import strict_json
from .recipe import RECIPE, TrainingRecipe, facts_of
from .train import fit_model

if TYPE_CHECKING:
    from ..models.registry import Registry
    from ..models.versions import Version

FOLDER = f"{TEMPORARY}reproduce-"
_SAME = ("fingerprint", "tables", "history_starts", "ends")


@dataclass(frozen=True)
class Reproduced:
    """A training done again.

    Parameters
    ----------
    name : str
        What was done again.
    differing : tuple of str
        Files of the bundle that are not the same, or that only one of the two has.
    files : int
        How many files the bundle has.
    examined_alike : bool
        Whether the figures of the examination are the same, too.
    versions : tuple of str
        In which versions of code this one differs from what trained it.
    fingerprint : str
        Of the ledger.
    """

    name: str
    differing: tuple[str, ...]
    files: int
    examined_alike: bool
    versions: tuple[str, ...]
    fingerprint: str

    @property
    def same(self) -> bool:
        """Whether every byte of the model, and every figure, is the same."""
        return not self.differing and self.examined_alike

    @property
    def words(self) -> list[str]:
        """What was found, a line each."""
        found = [f"{self.name} again: {'the same to the byte' if self.same else 'not the same'}, {self.files} files"]
        if self.differing:
            found.append(f"differing: {', '.join(self.differing)}")
        if not self.examined_alike:
            found.append("the figures of the examination differ")
        return [*found, *(f"note: trained with {text} here" for text in self.versions)]

    def figures(self) -> dict[str, Any]:
        """As plain values for JSON."""
        return {
            "name": self.name,
            "same": self.same,
            "differing": list(self.differing),
            "files": self.files,
            "examined_alike": self.examined_alike,
            "versions": list(self.versions),
            "fingerprint": self.fingerprint,
        }


def reproduce(config: Config, named: str, progress: Progress | None = None) -> Reproduced:
    """Train a version, an alias or a run again and compare the bundle's files.

    Raises
    ------
    NoModel
        There is no such training, or it is registered nowhere, or its recipe was not kept.
    DataError
        ``RG322`` when the data are not what they were.
    """
    from ..models.registry import Registry

    registry = Registry.of(config)
    entry = entry_of(registry, config.mlflow.model_name, named)
    recipe, version = entry.recipe, entry.version
    if recipe is None or version is None:
        lacking = f"recipe ({RECIPE})" if recipe is None else "registered version"
        raise NoModel(f"{entry.name} has no {lacking}", do="name a version that was registered", code="RG324")
    with tempfile.TemporaryDirectory(prefix=FOLDER, dir=_regulars(config)) as folder:
        again = recipe.config(config, Path(folder) / "modules")
        ledger = ledger_like(recipe, config)
        return _compared(registry, entry, version, recipe, _repeating(recipe, again), ledger, Path(folder), progress)


def _regulars(config: Config) -> Path:
    private(config.folder / ".regulars")
    return config.folder / ".regulars"


def _repeating(recipe: TrainingRecipe, config: Config) -> Config:
    trials = recipe.repeated_trials
    listed = tuple(trials) if isinstance(trials, list) else trials
    tuning = config.tuning.model_copy(update={"trials": listed, "seconds": None})
    return config.model_copy(update={"tuning": tuning})


def _compared(
    registry: Registry,
    entry: Entry,
    version: Version,
    recipe: TrainingRecipe,
    config: Config,
    ledger: Ledger,
    folder: Path,
    progress: Progress | None,
) -> Reproduced:
    from ..models.bundle import card_in, save

    trained = fit_model(ledger, config, None, progress)
    with registry.folder(version) as kept:
        bundle = kept / "artifacts" / "bundle"
        # What the card says beside the model is of the training's surroundings, and no part of what was learnt.
        save(trained.model, folder / "bundle", card_in(bundle))
        there, here = _hashes(bundle), _hashes(folder / "bundle")
    differing = tuple(name for name in sorted({*there, *here}) if there.get(name) != here.get(name))
    alike = json.loads(strict_json(trained.backtest.figures)) == dict(entry.backtest)
    now = TrainingRecipe.of(ledger, config, recipe.trials)
    return Reproduced(
        entry.name, differing, len(there), alike, tuple(recipe.versions_unlike(now)), str(recipe.ledger["fingerprint"])
    )


def _hashes(bundle: Path) -> Mapping[str, str]:
    return dict(json.loads((bundle / "manifest.json").read_text(encoding="utf-8"))["sha256"])


def ledger_like(recipe: TrainingRecipe, config: Config) -> Ledger:
    """The ledger that a recipe names: one that is kept, else built from the sources.

    Raises
    ------
    DataError
        ``RG322`` with both fingerprints, when the sources are not what they were.
    ConfigError
        A password that stood in the configuration is needed and not there.
    """
    meant = {name: recipe.ledger[name] for name in _SAME}
    root = ledgers_of(config)
    for folder in sorted(f for f in root.iterdir() if f.is_dir()) if root.is_dir() else []:
        if _says(folder, meant) and is_whole(folder):
            return opened(folder)
    built = build_ledger(recipe.reading(config))
    facts = facts_of(built)
    if {name: facts[name] for name in _SAME} != meant:
        raise DataError(
            f"the data are not those of the training: fingerprint {facts['fingerprint']}, then {meant['fingerprint']} "
            f"({facts['first_day']} to {facts['last_day']}, then {recipe.ledger['first_day']} to "
            f"{recipe.ledger['last_day']})",
            needed="the sources as they were, or the ledger under .regulars/ledger that was made of them",
            do="bring them back and run it again",
            code="RG322",
        )
    return built


def _says(folder: Path, meant: Mapping[str, Any]) -> bool:
    """Whether a ledger's manifest names the same content."""
    try:
        facts = facts_of(opened(folder))
    except (OSError, ValueError, TypeError, KeyError):
        return False
    return {name: facts[name] for name in _SAME} == meant
