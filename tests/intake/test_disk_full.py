"""A full disk: exit 74 with the place and the bytes, the old ledger whole, and nothing left after the next run."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..disks import small_disk_at
from ..warm import Warm
from .shelves import Shelf

SOAK = os.environ.get("REGULARS_SOAK") == "1"
# The largest file of these ledgers has about 4,000 bytes.
LARGEST = range(0, 4_200, 100) if SOAK else (0, 300)
FREE = range(0, 128, 4) if SOAK else (0, 48)
"""KiB; what is written takes about 60 of them."""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 12 MiB in memory."""
    place = tmp_path / "disk"
    place.mkdir()
    with small_disk_at(place):
        yield place


def _check_refused(told: dict[str, object], shelf: Shelf) -> None:
    """The message names the place and how much room there is."""
    said = str(told["error"])
    assert told["exit"] == 74, told
    assert re.search(r"RG(133|074|120|212): .*[\d,]+ bytes free", said), said
    assert str(shelf.root) in said


def _check_goes_on(shelf: Shelf, warm: Warm, whole: dict[str, tuple[int, str]]) -> None:
    told = warm.run("build", shelf.root, counted=False)
    assert told["exit"] == 0, told
    assert shelf.tree() == whole


def test_a_file_that_cannot_grow_stops_the_run_and_nothing_is_lost(shelf: Shelf, warm: Warm, tmp_path: Path) -> None:
    # A limit on the size of files works everywhere, and makes every write beyond it fail as on a full disk.
    warm.run("build", shelf.root)
    shelf.add(2)
    whole = shelf.copied(tmp_path / "whole")
    warm.run("build", whole.root)
    refused = 0
    for limit in LARGEST:
        full = shelf.copied(tmp_path / f"full {limit}")
        told = warm.run("build", full.root, counted=False, bytes=limit)
        if told["exit"]:
            refused += 1
            _check_refused(told, full)
            assert full.lines() == 5
        assert [name for name in full.tree() if ".tmp-" in name] == []
        _check_goes_on(full, warm, whole.tree())
    assert refused > 1


def test_a_full_disk_stops_the_run_and_the_old_ledger_stays(warm: Warm, small_disk: Path, tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "shelf", beside=True)
    shelf.add(1)
    warm.run("build", shelf.root)
    shelf.add(2)
    whole = shelf.copied(tmp_path / "whole")
    warm.run("build", whole.root)
    exits = set()
    for free in FREE:
        full, ballast = shelf.copied(small_disk / f"full {free}"), small_disk / "ballast"
        left = shutil.disk_usage(small_disk).free - free * 1024
        with ballast.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, left)
        told = warm.run("build", full.root, counted=False)
        exits.add(told["exit"])
        if told["exit"]:
            _check_refused(told, full)
            assert full.lines() in (5, 10)  # 10: there was room for the ledger, and none to go on.
        ballast.unlink()
        _check_goes_on(full, warm, whole.tree())
    assert exits == ({0, 74} if SOAK else {74})


def test_a_working_database_that_finds_no_room_to_spill_is_a_full_disk_too(
    warm: Warm, small_disk: Path, tmp_path: Path
) -> None:
    n = 200_000
    shelf = Shelf(small_disk / "shelf")
    toml = (shelf.root / "regulars.toml").read_text()
    data = tmp_path / "many.csv"
    (shelf.root / "regulars.toml").write_text(
        toml.replace("threads = 1", 'threads = 1\nmemory = "24MB"').replace('"data"', f'"{data}"')
    )
    text = "".join(f"{hash_of(i)},2024-03-01 10:00,{i % 97}.50\n" for i in range(n))
    data.write_text(f"id,when,money\n{text}")
    told = warm.run("build", shelf.root, counted=False)
    _check_refused(told, shelf)
    assert "RG120" in told["error"]
    assert set(shelf.tree()) == {".regulars", ".regulars/ledger"}


def hash_of(i: int) -> str:
    """Ids that do not compress."""
    return f"{i * 0x9E3779B97F4A7C15 % 2**64:016x}{i * 0xC2B2AE3D27D4EB4F % 2**64:016x}"
