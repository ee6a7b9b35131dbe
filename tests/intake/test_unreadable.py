"""What cannot be read is said, and nothing waits for ever: no rights, folders, links to nothing, pipes."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from regulars.errors import RegularsError
from regulars.intake import build_ledger

from ..warm import Warm
from .shelves import Shelf


def _folder(path: Path) -> None:
    path.mkdir()


def _to_nothing(path: Path) -> None:
    path.symlink_to("nowhere.csv")


def _in_a_circle(path: Path) -> None:
    path.symlink_to(path)


ODD: dict[str, tuple[Callable[[Path], None], str]] = {
    "folder": (_folder, "folder"),
    "link to nothing": (_to_nothing, "link to nothing"),
    "link in a circle": (_in_a_circle, "link to nothing"),
    "pipe": (os.mkfifo, "neither a file nor a folder"),
}


def _pointed_at(shelf: Shelf, name: str) -> Path:
    toml = shelf.root / "regulars.toml"
    toml.write_text(toml.read_text().replace('"data"', f'"{name}"'))
    return shelf.root / name


@pytest.mark.parametrize(("make", "words"), ODD.values(), ids=ODD)
@pytest.mark.parametrize("name", ["odd.csv", "odd.parquet", "odd.csv.gz"])
def test_a_path_that_is_no_file_is_said(shelf: Shelf, make: Callable[[Path], None], words: str, name: str) -> None:
    make(_pointed_at(shelf, name))
    with pytest.raises(RegularsError, match=words) as refused:
        build_ledger(shelf.config)
    assert name in str(refused.value)
    assert not (shelf.regulars / "ledger").exists()


@pytest.mark.parametrize("make", [_to_nothing, _in_a_circle, os.mkfifo])
@pytest.mark.parametrize("path", ["data", "data/*.csv"])
def test_among_others_it_is_an_error_too_because_its_lines_are_missing(
    shelf: Shelf, make: Callable[[Path], None], path: str
) -> None:
    make(shelf.root / "data" / "02.csv")
    _pointed_at(shelf, path)
    with pytest.raises(RegularsError, match=r"02\.csv"):
        build_ledger(shelf.config)


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.parquet", "a.jsonl"])
def test_a_file_without_the_right_to_read_it_is_said(warm: Warm, tmp_path: Path, name: str) -> None:
    # Under root everything can be read, so somebody else tries; and somebody else may not enter pytest's own folders.
    if os.geteuid():
        pytest.skip("only root can become somebody else")
    root = Path(tempfile.gettempdir()) / f"regulars-{tmp_path.parent.name}-{name}"
    shelf = Shelf(root)
    try:
        path = _pointed_at(shelf, name)
        path.write_bytes(b"id,when,money\n")
        path.chmod(0o000)
        root.chmod(0o777)
        told = warm.run("build", root, nobody=True, counted=False)
        assert told["exit"] in (3, 74), told
        assert "cannot be read" in told["error"]
        assert "ermission denied" in told["error"]
        assert name in told["error"]
    finally:
        shutil.rmtree(root)
