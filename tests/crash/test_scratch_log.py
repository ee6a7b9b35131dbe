"""A kill at any step of train, score, promote, rollback: readers see the old or the new, and nobody need lend a hand.

A command is repeated from the same beginning and killed before its step k, a step being whatever changes the disk: a
file opened, renamed, synced or removed, a link, a database's commit. What readers find must be the champion and the
scores of before or of afterwards, whole. The same command, run again, must end as if nothing had been; and what a dead
process left in the model store is found and mended by `doctor`. Nor is a wave of offers or an event lost, or doubled.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .scenes import SCENES, Scene, Stage, Told

SOAK = os.environ.get("REGULARS_SOAK") == "1"
KILLS = 2
"""So many by default, evenly among the steps; all under soak."""
LATER = ("first training", "train", "promote", "rollback")
"""By default test_registry kills crownings and rollbacks at every step, and test_orphans finds a training's remains."""
AT_RANDOM = {"score": 200, "train": 100, "promote": 100}


def _chosen(steps: list[str]) -> Iterator[tuple[int, str]]:
    """By default some steps, the last one among them: it is there that names are given to what was made."""
    found = list(enumerate(steps, 1))
    yield from found if SOAK else found[:: -(len(found) // KILLS)]


def _champion(seen: Told) -> tuple[Any, ...] | None:
    """Who speaks: two trainings of the same are the same model under two numbers."""
    champion = seen["champion"]
    assert champion is None or "refused" not in champion, champion
    return None if champion is None else (champion["bundle"], champion["speaks"])


def _crownings(seen: Told) -> list[tuple[Any, ...]]:
    return [(entry["what"], entry["verdict"], entry["reasons"]) for entry in seen["audit"]]


def _aliases(seen: Told) -> set[str]:
    return {alias for version in seen["versions"] for alias in version["aliases"]}


def _check_survived(stage: Stage, scene: Scene, before: Told, after: Told, when: object) -> None:
    told = stage.then(scene.does, "doctor --mend", "doctor")
    killed, (again, mended, healthy), end = told["before"], told["told"], told["after"]
    # What readers found: the old or the new.
    assert (killed["latest"], killed["days"]) in [(s["latest"], s["days"]) for s in (before, after)], when
    assert _champion(killed) in (_champion(before), _champion(after)), when
    # The same command again: as if nothing had been.
    assert again[0] in scene.again, (when, again)
    assert (end["latest"], end["days"]) == (after["latest"], after["days"]), when
    assert _champion(end) == _champion(after), when
    assert _crownings(end) == _crownings(after), when
    assert _aliases(end) - scene.spare == _aliases(after), when
    # And nothing is left of whoever was killed.
    assert mended[0] == 0, (when, mended)
    assert healthy[0] == 0, (when, healthy)
    assert end["temporary"] == [], when


def _kill(stage: Stage, scene: Scene, step: int) -> None:
    """Kill before a step. A run that waits for less takes fewer of them, and may end before its last one comes."""
    for _ in range(3):
        stage.begun(*scene.before)
        killed = stage.run(scene.does, fatal=step)
        if killed == {"signal": signal.SIGKILL}:
            return
        assert killed["exit"] == 0, (step, killed)
        assert len(killed["steps"]) < step, (step, killed)
        step = len(killed["steps"])
    raise AssertionError(f"no run came to step {step}")


@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.soak] * (name in LATER)) for name in SCENES])
def test_a_kill_at_any_step_leaves_the_old_or_the_new_and_the_next_run_needs_no_hand(name: str, stage: Stage) -> None:
    scene = SCENES[name]
    before, after, told = stage.undisturbed(name)
    print(f"{name}: {len(told['steps'])} steps in {told['cpu']:.2f} s of CPU")
    for k, step in list(enumerate(told["steps"],1))[18:30]:
        _kill(stage, scene, k)
        _check_survived(stage, scene, before, after, f"step {k}: {step}")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.soak] * (name != "score")) for name in AT_RANDOM]
)
def test_a_kill_at_any_moment_does_no_harm_either(name: str, stage: Stage) -> None:
    scene = SCENES[name]
    before, after, told = stage.undisturbed(name)
    rng = random.Random(7)
    for i in range(AT_RANDOM[name] if SOAK else 2):
        stage.begun(*scene.before)
        stage.run(scene.does, counted=False, die=rng.random() * told["seconds"])
        _check_survived(stage, scene, before, after, i)


@pytest.mark.parametrize(("does", "shop"), [("assign", "new"), ("log", "decided")])
def test_a_kill_while_offers_are_assigned_or_events_logged_loses_nothing_and_doubles_nothing(
    does: str, shop: str, stage: Stage, offering: Path, tmp_path: Path
) -> None:
    root, warm = tmp_path / "shop", stage.warm

    def begun() -> None:
        """The shop at its beginning, always in the same place."""
        shutil.rmtree(root, ignore_errors=True)
        shutil.copytree(offering / shop, root, symlinks=True)

    begun()
    before, told, after = warm.run("decided", root), warm.run(does, root, sql=True), warm.run("decided", root)
    assert told["exit"] == 0, told
    assert (after["temporary"], len(after["waves"]), after["count"] > 0) == ([], 1, does == "log")
    for k, step in list(enumerate(told["steps"],1))[18:30]:
        begun()
        assert warm.run(does, root, sql=True, fatal=k) == {"signal": signal.SIGKILL}, (k, step)
        killed, again = warm.run("decided", root), warm.run(does, root, counted=False)
        assert all(killed[what] in (before[what], after[what]) for what in ("waves", "events", "count")), (k, step)
        # Whatever was refused is kept aside before the others are in.
        assert killed["count"] == 0 or killed["aside"] == after["aside"], (k, step)
        assert (killed["faults"], again["exit"]) == ([], 0), (k, step, again)
        end, ends = warm.run("decided", root, mend=True), ("waves", "events", "aside", "temporary", "faults")
        assert [end[what] for what in ends] == [after[what] for what in ends], (k, step)
