"""A shop's folder at the beginning of a scene, and the same folder again and again.

In: which commands came before. Out: a `Stage`, whose folder can be put back to any of its beginnings: in its old place,
for an MLflow store knows by absolute paths where its artifacts lie.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..simulated import purchases, written
from ..warm import Warm

Told = dict[str, Any]


@dataclass(frozen=True)
class Scene:
    """What a command does where some others have been run before."""

    before: tuple[str, ...]
    does: str
    again: tuple[int, ...] = (0,)
    """How the same command may end when it is run again."""
    spare: frozenset[str] = frozenset()
    """Aliases that may be given then, too: whoever was killed had done all there was to do."""


SCENES = {
    "first training": Scene((), "train", spare=frozenset({"challenger"})),
    "score": Scene(("train", "score --as-of 2024-02-12"), "score"),
    "train": Scene(("train", "score"), "train"),
    "promote": Scene(("train", "score", "train"), "promote --force because", (0, 6)),
    "rollback": Scene(("train", "score", "train", "promote --force because"), "rollback", (0, 6)),
}
"""6: what was to be done had been done, and there is no challenger, or nobody to go back to, any more."""


@dataclass
class Stage:
    """One shop's folder and its saved beginnings."""

    warm: Warm
    root: Path
    saved: Path
    trained: Path
    known: dict[str, tuple[Told, Told, Told]] = field(default_factory=dict)

    @property
    def config(self) -> Path:
        """The shop's configuration."""
        return self.root / "regulars.toml"

    def arguments(self, command: str) -> list[str]:
        """A command as the command line takes it."""
        name, *more = command.split()
        return [name, str(self.config), *more]

    def run(self, command: str, **how: object) -> Told:
        """One command in a process of its own, its steps counted."""
        return self.warm.run("command", self.root, arguments=self.arguments(command), trained=str(self.trained), **how)

    def then(self, *commands: str) -> Told:
        """What readers see, some commands, and what readers see afterwards."""
        given = [self.arguments(command) for command in commands]
        told = self.warm.run("commands", self.root, commands=given, trained=str(self.trained), counted=False)
        assert told["exit"] == 0, told
        return told

    def undisturbed(self, name: str) -> tuple[Told, Told, Told]:
        """What readers see before a scene and after it, and what its command told, when nobody is killed."""
        if name not in self.known:
            scene = SCENES[name]
            self.begun(*scene.before)
            before = self.then()["before"]
            told = self.run(scene.does)
            assert told["exit"] == 0, told
            self.known[name] = before, self.then()["before"], told
        return self.known[name]

    def begun(self, *before: str) -> None:
        """The folder as it is after some commands, the last of which was run once."""
        place = self.saved / (" ".join(before).replace("/", "-") or "nothing")
        if not place.exists():
            if before:
                self.begun(*before[:-1])
                told = self.run(before[-1], counted=False)
                assert told["exit"] == 0, told
            else:
                self._opened()
            shutil.copytree(self.root, place, symlinks=True)
        shutil.rmtree(self.root, ignore_errors=True)
        shutil.copytree(place, self.root, symlinks=True, dirs_exist_ok=True)  # It may be a disk of its own.

    def _opened(self) -> None:
        """A shop with its ledger, which knows of no model yet."""
        shutil.rmtree(self.root, ignore_errors=True)
        written(self.root, purchases())
        told = self.warm.run("build", self.root, counted=False)
        assert told["exit"] == 0, told
