"""Files of JSON lines that only grow: whole lines stay, half ones never count."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from regulars.disk import appended
from regulars.disk.appended import append, entries
from regulars.errors import StorageError


def test_lines_come_back_in_the_order_in_which_they_were_said(tmp_path: Path) -> None:
    file = tmp_path / "there" / "audit.jsonl"
    assert entries(file) == ()
    for number in range(3):
        append(file, {"number": number, "said": "ä\n"})
    assert entries(file) == tuple({"number": number, "said": "ä\n"} for number in range(3))
    assert file.stat().st_mode & 0o777 == 0o600
    assert [p.name for p in file.parent.iterdir()] == ["audit.jsonl"]


@pytest.mark.parametrize("left", [b"", b'{"number": 0}\n'])
def test_half_a_line_is_passed_over_and_taken_away_by_the_next_one(tmp_path: Path, left: bytes) -> None:
    file = tmp_path / "audit.jsonl"
    file.write_bytes(left + b'{"number": 1')
    before = entries(file)
    assert before == tuple({"number": 0} for _ in left.splitlines())
    append(file, {"number": 2})
    assert entries(file) == (*before, {"number": 2})
    assert file.read_bytes() == left + b'{"number": 2}\n'


def test_a_line_longer_than_what_is_read_at_once_is_found_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(appended, "_BLOCK", 4)
    file = tmp_path / "audit.jsonl"
    append(file, {"number": 1})
    with file.open("ab") as half:
        half.write(b"x" * 50)
    append(file, {"number": 2})
    assert entries(file) == ({"number": 1}, {"number": 2})


def test_a_disk_that_is_full_leaves_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "audit.jsonl"
    append(file, {"number": 1})
    before, write = file.read_bytes(), os.pwrite

    def full(handle: int, data: bytes, at: int) -> int:
        if b"number" not in data:
            return write(handle, data, at)  # The name in the lock.
        write(handle, data[:5], at)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(StorageError, match="No space left on device") as refused:
        append(file, {"number": 2})
    assert refused.value.exit_code == 74
    assert file.read_bytes() == before
