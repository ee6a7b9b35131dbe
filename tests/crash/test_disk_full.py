"""A full disk at night: exit 74 with the place and the bytes, yesterday's scores and champion stay, and it goes on.

The disk is one of 12 MiB in memory, mounted where the shop's folder lies and filled up to some KiB; or a limit on the
size of files, which works everywhere and makes every write beyond it fail in the same way. When there is room again,
the same command ends as if nothing had been, and `doctor` finds nothing that it cannot put right.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..disks import small_disk_at
from .scenes import SCENES, Stage, Told

# By default, with less, tests/pipelines/test_score.py and test_cli.py fill the disk.
pytestmark = pytest.mark.soak
# The largest file of the scores has about 200 KB, the model store's database 1,200 KB, a bundle's file 300 KB.
LARGEST = {"score": (1_000, 20_000, 60_000, 150_000), "train": (200_000, 20_000, 600_000)}
FREE = {"score": (128, 0, 64, 256), "train": range(0, 2_000, 200)}
"""KiB; scores take about 400 of them, a training 2,400."""
SCENES_TRIED = ["score", "train"]


@pytest.fixture
def small_disk(stage: Stage) -> Iterator[Stage]:
    """The shop's folder on a disk of 12 MiB."""
    shutil.rmtree(stage.root, ignore_errors=True)
    stage.root.mkdir(parents=True)
    with small_disk_at(stage.root):
        yield stage


def _check_refused(stage: Stage, told: Told, when: object) -> None:
    assert told["exit"] == 74, (when, told)
    last = [line for line in told["said"].splitlines() if line.startswith("RG")][-1]
    assert re.search(r"[\d,]+ bytes free", last), last
    assert str(stage.root) in last


def _check_goes_on(stage: Stage, name: str, when: object) -> list[tuple[int, str]]:
    """Nothing was lost, and the command ends as if nothing had been; what the doctor says afterwards."""
    before, after, _ = stage.undisturbed(name)
    told = stage.then(SCENES[name].does, "doctor --mend", "doctor")
    kept, end = told["before"], told["after"]
    assert [kept[what] for what in ("latest", "days", "champion")] == [
        before[what] for what in ("latest", "days", "champion")
    ], when
    assert told["told"][0][0] == 0, (when, told["told"])
    assert (end["latest"], end["days"], end["champion"]) == (after["latest"], after["days"], after["champion"]), when
    assert end["temporary"] == [], when
    return [(code, said) for code, said in told["told"][1:]]


@pytest.mark.parametrize("name", SCENES_TRIED)
def test_a_file_that_cannot_grow_ends_the_night_and_nothing_is_lost(stage: Stage, name: str) -> None:
    stage.undisturbed(name)
    for limit in LARGEST[name]:
        stage.begun(*SCENES[name].before)
        _check_refused(stage, stage.run(SCENES[name].does, counted=False, bytes=limit), limit)
        found = _check_goes_on(stage, name, limit)
        assert [code for code, _ in found] == [0, 0], (limit, found)


@pytest.mark.parametrize("name", SCENES_TRIED)
def test_a_full_disk_ends_the_night_and_nothing_is_lost(small_disk: Stage, name: str) -> None:
    small_disk.undisturbed(name)
    for free in FREE[name]:
        small_disk.begun(*SCENES[name].before)
        ballast = small_disk.root / "ballast"
        with ballast.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, shutil.disk_usage(small_disk.root).free - free * 1024)
        told = small_disk.run(SCENES[name].does, counted=False)
        _check_refused(small_disk, told, free)
        ballast.unlink()
        mended, healthy = _check_goes_on(small_disk, name, free)
        # So small a disk is itself what is wrong, and all that is.
        assert mended[0] == healthy[0] == 7, (free, healthy)
        assert "bytes are free where" in healthy[1], (free, healthy)
        assert "\n1 wrong\n" in healthy[1], (free, healthy)


@pytest.mark.parametrize(
    ("does", "shop", "limits"), [("assign", "new", (200, 8_000)), ("log", "decided", (200, 20_000))]
)
def test_a_file_that_cannot_grow_assigns_and_logs_nothing_and_the_next_run_does_all(
    does: str, shop: str, limits: tuple[int, ...], stage: Stage, offering: Path, tmp_path: Path
) -> None:
    for limit in limits:
        root = tmp_path / f"shop-{limit}"
        shutil.copytree(offering / shop, root, symlinks=True)
        before = stage.warm.run("decided", root)
        told = stage.warm.run(does, root, counted=False, bytes=limit)
        assert told["exit"] == 74, told
        assert re.search(r"[\d,]+ bytes free", told["error"]), told
        after = stage.warm.run("decided", root)
        assert [after[what] for what in ("waves", "events")] == [before[what] for what in ("waves", "events")], limit
        assert stage.warm.run(does, root, counted=False)["exit"] == 0
        assert stage.warm.run("decided", root)["waves"] != [], limit
