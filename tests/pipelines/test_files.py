"""Files that appear whole or not at all, whatever goes wrong while they are written."""

from __future__ import annotations

import errno
import json
import os
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from regulars.errors import Busy, StorageError
from regulars.pipelines import files
from regulars.pipelines.files import folder_replaced, replaced, reserved, strict_json


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

    with pytest.raises(
        StorageError, match=r"a\.txt could not be written: No space left on device \([\d,]+ bytes free\)"
    ) as refused:
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


def part(folder: Path, text: str) -> int:
    (folder / "part-00000.parquet").write_text(text)
    return 7


def test_a_folder_is_replaced_as_a_whole_and_is_for_its_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "features"
    for text in ("first", "second"):
        assert folder_replaced(folder, lambda waiting, text=text: part(waiting, text)) == 7
        assert (folder / "part-00000.parquet").read_text() == text
    assert names(folder.parent) == ["features"]
    modes = [stat.S_IMODE(f.stat().st_mode) for f in (folder.parent, folder, folder / "part-00000.parquet")]
    assert modes == [0o700, 0o700, 0o600]


def test_where_folders_cannot_change_names_in_one_step_two_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_exchanged", lambda *_: False)
    folder = tmp_path / "features"
    for text in ("first", "second"):
        folder_replaced(folder, lambda waiting, text=text: part(waiting, text))
    assert (folder / "part-00000.parquet").read_text() == "second"
    # A kill between the two steps: the old folder lies beside its place, and is put back before anything else.
    folder.rename(tmp_path / ".old-features")
    with pytest.raises(StorageError, match="No space"):
        folder_replaced(folder, full)
    assert (folder / "part-00000.parquet").read_text() == "second"
    assert names(tmp_path) == ["features"]


def full(path: Path) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_what_a_killed_writer_left_is_swept_by_the_next_one(tmp_path: Path) -> None:
    (tmp_path / ".tmp-a.txt").write_text("half")
    (tmp_path / ".tmp-a.txt.lock").write_text("{}")
    (tmp_path / ".tmp-features").mkdir()
    part(tmp_path / ".tmp-features", "half")
    replaced(tmp_path / "a.txt", lambda path: path.write_text("whole"))
    folder_replaced(tmp_path / "features", lambda waiting: part(waiting, "whole"))
    assert names(tmp_path) == ["a.txt", "features"]


def test_two_who_write_the_same_at_once_do_not_mix(tmp_path: Path) -> None:
    refused = list[Busy]()

    def other(write: Callable[[], object]) -> None:
        try:
            write()
        except Busy as error:
            refused.append(error)

    def while_writing(write: Callable[[], object]) -> None:
        thread = threading.Thread(target=other, args=(write,))
        thread.start()
        thread.join()

    def first(path: Path) -> None:
        path.write_text("first")
        while_writing(lambda: replaced(tmp_path / "a.txt", lambda p: p.write_text("second")))

    replaced(tmp_path / "a.txt", first)
    with reserved(tmp_path / "features", "an example"):
        while_writing(lambda: folder_replaced(tmp_path / "features", lambda p: part(p, "second")))
        folder_replaced(tmp_path / "features", lambda p: part(p, "first"))
    assert (tmp_path / "a.txt").read_text() == "first"
    assert (tmp_path / "features" / "part-00000.parquet").read_text() == "first"
    assert [error.exit_code for error in refused] == [75, 75]
    assert "writing a.txt" in str(refused[0])
    assert names(tmp_path) == ["a.txt", "features"]


def test_json_is_strict_and_what_is_undefined_is_null() -> None:
    assert json.loads(strict_json({"a": None, "b": [1, 0.5]})) == {"a": None, "b": [1, 0.5]}
    for bad in (float("nan"), float("inf")):
        with pytest.raises(ValueError, match="not JSON compliant"):
            strict_json({"a": bad})
