"""Files that appear whole or not at all, whatever goes wrong while they are written."""

from __future__ import annotations

import errno
import json
import os
import stat
from pathlib import Path

import pytest

from regulars.errors import StorageError
from regulars.pipelines.files import replaced, strict_json


def names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


def test_a_file_appears_with_its_folders_and_for_its_owner_only(tmp_path: Path) -> None:
    file = tmp_path / "new" / "deep" / "a.txt"
    replaced(file, lambda path: path.write_text("whole"))
    assert file.read_text() == "whole"
    assert names(file.parent) == ["a.txt"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_until_it_is_whole_the_old_one_is_what_readers_see(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("old")

    def write(path: Path) -> None:
        path.write_text("half")
        assert file.read_text() == "old"
        assert path.parent == file.parent
        path.write_text("whole")

    replaced(file, write)
    assert file.read_text() == "whole"
    assert names(tmp_path) == ["a.txt"]


def test_a_full_disk_keeps_the_old_file_says_so_and_leaves_no_half(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("old")

    def write(path: Path) -> None:
        path.write_text("half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(StorageError, match=r"a\.txt could not be written: No space left") as refused:
        replaced(file, write)
    assert refused.value.exit_code == 74
    assert file.read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


@pytest.mark.parametrize("error", [ValueError("a defect"), KeyboardInterrupt()])
def test_any_other_interruption_leaves_no_half_either(tmp_path: Path, error: BaseException) -> None:
    def write(path: Path) -> None:
        path.write_text("half")
        raise error

    with pytest.raises(type(error)):
        replaced(tmp_path / "a.txt", write)
    assert names(tmp_path) == []


def test_an_error_without_a_number_still_says_what_happened(tmp_path: Path) -> None:
    # Arrow raises OSError with a text alone.
    def write(_: Path) -> None:
        raise OSError("the tape is full")

    with pytest.raises(StorageError, match="the tape is full"):
        replaced(tmp_path / "a.txt", write)


def test_a_place_below_a_file_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="could not be written"):
        replaced(tmp_path / "file" / "a.txt", lambda path: path.write_text("x"))


def test_json_is_strict_and_what_is_undefined_is_null() -> None:
    assert json.loads(strict_json({"a": None, "b": [1, 0.5]})) == {"a": None, "b": [1, 0.5]}
    for bad in (float("nan"), float("inf")):
        with pytest.raises(ValueError, match="not JSON compliant"):
            strict_json({"a": bad})
