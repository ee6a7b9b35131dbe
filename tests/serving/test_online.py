"""Recommendations are kept whole, whoever writes at the same time, and whatever was left half."""

from __future__ import annotations

import fcntl
import json
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from regulars.errors import StorageError
from regulars.pipelines.campaign.recommended import half_lines, recommended
from regulars.serving import online
from regulars.serving.online import Online, appending


def row(i: int, size: int = 10) -> dict[str, object]:
    return {"customer_id": f"c{i}", "decision_id": f"{i:032x}", "why": "x" * size, "at": "2024-01-05T10:00:00Z"}


def test_lines_of_several_writers_do_not_mix(tmp_path: Path) -> None:
    log = Online(tmp_path)
    # Long ones, so that a write that is not one would show.
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: log.add([row(2 * i, 20_000), row(2 * i + 1, 20_000)]), range(40)))
    kept = [json.loads(line)["customer_id"] for line in log.path.read_text().splitlines()]
    assert sorted(kept) == sorted(f"c{i}" for i in range(80))
    # The two of one request stand one after the other.
    assert all(int(b[1:]) == int(a[1:]) + 1 for a, b in zip(kept[::2], kept[1::2], strict=True))


def test_half_a_line_is_ended_and_passed_over(tmp_path: Path) -> None:
    log = Online(tmp_path)
    log.add([row(1)])
    with log.path.open("ab") as file:
        file.write(b'{"customer_id": "c2", "deci')
    log.add([row(3)])
    assert recommended(tmp_path).column("customer_id").to_pylist() == ["c1", "c3"]
    assert half_lines(tmp_path) == 1


def test_nothing_to_keep_makes_no_file(tmp_path: Path) -> None:
    Online(tmp_path / "online").add([])
    assert not (tmp_path / "online").exists()


def test_a_full_disk_leaves_nothing_of_the_request(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = Online(tmp_path)
    log.add([row(1)])
    before, write = log.path.read_bytes(), os.write

    def half(handle: int, data: bytes) -> int:
        return write(handle, data[: len(data) // 2])

    monkeypatch.setattr(online.os, "write", half)
    with pytest.raises(StorageError, match=r"RG455.*could not be kept"):
        log.add([row(2), row(3)])
    assert log.path.read_bytes() == before


def test_a_file_that_is_written_anew_meanwhile_loses_no_line(tmp_path: Path) -> None:
    log = Online(tmp_path)
    log.add([row(1), row(2)])
    with appending(log.path) as handle:
        # Whoever forgets a customer holds the old file until the new one has its name.
        writer = threading.Thread(target=log.add, args=([row(3)],))
        writer.start()
        new = tmp_path / "new"
        new.write_text(json.dumps(row(2)) + "\n")
        new.replace(log.path)
        fcntl.flock(handle, fcntl.LOCK_UN)
        writer.join()
    assert recommended(tmp_path).column("customer_id").to_pylist() == ["c2", "c3"]


def test_who_holds_the_file_for_long_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(online, "PATIENCE_SECONDS", 0.02)
    log = Online(tmp_path)
    log.add([row(1)])
    with appending(log.path), pytest.raises(StorageError, match="RG455"):
        log.add([row(2)])
    log.add([row(3)])
    assert recommended(tmp_path).column("customer_id").to_pylist() == ["c1", "c3"]
