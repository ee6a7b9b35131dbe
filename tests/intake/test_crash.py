"""A kill at any step that changes the disk: readers see the old or the new, and the next run needs no hand.

A run is repeated from the same beginning and killed before its step k. What a reader then finds must be the ledger of
before or that of afterwards, whole; and another run, undisturbed, must leave exactly the files of one that was never
killed: same names, modes and bytes, nothing besides. By default every thirtieth step is tried, and not the scenes that
are parts of others; all of them under soak.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ..warm import Warm
from .shelves import Shelf

SOAK = os.environ.get("REGULARS_SOAK") == "1"
EVERY, AT_RANDOM = (1, 200) if SOAK else (30, 4)


@dataclass
class Scene:
    """A beginning, what is done then, and what a reader sees before and after."""

    do: str
    start: Shelf
    seen: tuple[int | None, int]
    more: Mapping[str, object] = field(default_factory=dict)


def _fresh(shelf: Shelf, warm: Warm) -> Scene:
    """Five lines; no ledger before."""
    return Scene("build", shelf, (None, 5))


def _grow(shelf: Shelf, warm: Warm) -> Scene:
    """A second day is added to the ledger of the first."""
    warm.run("build", shelf.root)
    shelf.add(2)
    return Scene("build", shelf, (5, 10))


def _ripe(shelf: Shelf, warm: Warm) -> Scene:
    """A second day is added, and the segments are merged at once: it is as large as the first."""
    warm.run("build", shelf.root)
    shelf.add(2)
    return Scene("build", shelf, (5, 10), {"ripe": True})


def _merge(shelf: Shelf, warm: Warm) -> Scene:
    """Two days are merged into one file."""
    warm.run("build", shelf.root)
    shelf.add(2)
    warm.run("build", shelf.root)
    return Scene("compact", shelf, (10, 10))


def _beside(shelf: Shelf, warm: Warm) -> Scene:
    """Purchases and events."""
    made = Shelf(shelf.root.with_name("beside"), beside=True)
    made.add(1)
    return Scene("build", made, (None, 5))


MAKE: dict[str, Callable[[Shelf, Warm], Scene]] = {
    "fresh": _fresh,
    "grow": _grow,
    "ripe": _ripe,
    "merge": _merge,
    "beside": _beside,
}


def _undisturbed(scene: Scene, warm: Warm, root: Path) -> tuple[dict[str, tuple[int, str]], list[str]]:
    """What lies there after a run that was left in peace, and its steps."""
    whole = scene.start.copied(root)
    told = warm.run(scene.do, whole.root, **scene.more)
    assert told["exit"] == 0, told
    assert whole.lines() == scene.seen[1]
    return whole.tree(), told["steps"]


def _check_survived(scene: Scene, warm: Warm, killed: Shelf, whole: Mapping[str, object], when: object) -> None:
    assert killed.lines() in scene.seen, when
    told = warm.run(scene.do, killed.root, counted=False, **scene.more)
    assert told["exit"] == 0, (when, told)
    assert killed.tree() == whole, when


def _chosen(steps: list[str]) -> Iterator[tuple[int, str]]:
    """By default every thirtieth step that writes, and every 150th statement of the database."""
    for name, every in (("duckdb", EVERY * 5), ("", EVERY)):
        found = [(k, s) for k, s in enumerate(steps, 1) if s.startswith("duckdb") == bool(name)]
        yield from found[:: 1 if SOAK else every]


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.soak] * (name in ("fresh", "grow", "ripe"))) for name in MAKE]
)
def test_a_kill_at_any_step_leaves_the_old_or_the_new_and_the_next_run_ends_as_if_nothing_had_been(
    name: str, shelf: Shelf, warm: Warm, tmp_path: Path
) -> None:
    scene = MAKE[name](shelf, warm)
    whole, steps = _undisturbed(scene, warm, tmp_path / "whole")
    print(f"{name}: {len(steps)} steps, {sum(not s.startswith('duckdb') for s in steps)} of them write")
    for k, step in _chosen(steps):
        killed = scene.start.copied(tmp_path / f"killed {k}")
        told = warm.run(scene.do, killed.root, fatal=k, **scene.more)
        assert told == {"signal": signal.SIGKILL}, (k, step, told)
        _check_survived(scene, warm, killed, whole, f"step {k}: {step}")


def test_a_kill_at_any_moment_does_no_harm_either(shelf: Shelf, warm: Warm, tmp_path: Path) -> None:
    scene = _grow(shelf, warm)
    whole, _ = _undisturbed(scene, warm, tmp_path / "whole")
    seconds = warm.run("build", scene.start.copied(tmp_path / "timed").root, counted=False)["seconds"]
    rng, found = random.Random(7), list[dict[str, Any]]()
    for i in range(AT_RANDOM):
        killed = scene.start.copied(tmp_path / f"killed {i}")
        job = {"do": "build", "root": str(killed.root), "counted": False, "die": rng.random() * seconds}
        found += warm.end(*warm.start(job))
        _check_survived(scene, warm, killed, whole, i)
    assert any(told == {"signal": signal.SIGALRM} for told in found)


@pytest.mark.parametrize("do", ["file", "folder"])
def test_outputs_are_the_old_or_the_new_at_every_step(warm: Warm, tmp_path: Path, do: str) -> None:
    def seen(root: Path) -> set[str]:
        """What the output says, told once."""
        place = root / "out" / {"file": "a.txt", "folder": "features"}[do]
        texts = {p.read_text() for p in ([place] if do == "file" else place.glob("*"))}
        return {text[:3] for text in texts}

    start = tmp_path / "start"
    assert warm.run(do, start, text="old")["exit"] == 0
    shutil.copytree(start, tmp_path / "whole")
    steps = warm.run(do, tmp_path / "whole", text="new")["steps"]
    assert seen(tmp_path / "whole") == {"new"}
    for k in range(1, len(steps) + 1, 1 if SOAK else 3):
        root = tmp_path / f"killed {k}"
        shutil.copytree(start, root)
        assert warm.run(do, root, text="new", fatal=k) == {"signal": signal.SIGKILL}
        assert seen(root) in ({"old"}, {"new"}), steps[k - 1]
        assert warm.run(do, root, text="new")["exit"] == 0
        assert seen(root) == {"new"}
        assert len(list((root / "out").iterdir())) == 1
