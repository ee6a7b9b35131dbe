"""One writer at a time; readers go on; whoever dies is taken over; whoever is told to stop cleans up."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import platform
import re
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from regulars.disk.lock import LOCK, is_abandoned, locked, writing
from regulars.errors import Busy, StorageError
from regulars.intake import build_ledger, current_ledger

from ..warm import Warm
from .shelves import Shelf

SOAK = os.environ.get("REGULARS_SOAK") == "1"


@contextmanager
def _held(warm: Warm, shelf: Shelf) -> Iterator[int]:
    """Another process holds the lock; its id."""
    (pid,) = warm.start({"do": "hold", "root": str(shelf.root), "counted": False})
    while not (shelf.root / "held").exists():
        time.sleep(0.01)
    (shelf.root / "held").unlink()
    try:
        yield pid
    finally:
        warm.kill(pid, signal.SIGKILL)
        assert warm.end(pid) == [{"signal": signal.SIGKILL}]


def test_a_second_writer_is_refused_and_told_who_where_and_since_when(shelf: Shelf, warm: Warm) -> None:
    with _held(warm, shelf) as pid:
        with pytest.raises(Busy) as refused:
            build_ledger(shelf.config)
        wanted = rf"RG210: .*an example, host {re.escape(platform.node())}, pid {pid}, since 20\d\d-\d\d-\d\dT[\d:]+Z"
        assert re.search(wanted, str(refused.value))
        assert refused.value.exit_code == 75
        told = warm.run("command", shelf.root, arguments=["check", str(shelf.root / "regulars.toml")])
        assert told["exit"] == 75
        assert shelf.lines() is None
    assert list(shelf.tree()) == [".regulars", f".regulars/{LOCK}"]


def test_a_writer_that_was_killed_is_taken_over_at_once_and_leaves_nothing(shelf: Shelf, warm: Warm) -> None:
    with _held(warm, shelf) as pid:
        (shelf.regulars / "ledger" / ".tmp-half" / "spill").mkdir(parents=True)
        (shelf.regulars / "ledger" / ".tmp-text").write_text("half")
    assert is_abandoned(shelf.regulars)
    said = list[str]()
    assert build_ledger(shelf.config, said.append).table().num_rows == 5
    assert any(s.startswith(f"taking over from a run that was killed: pid {pid}") for s in said)
    assert [name for name in shelf.tree() if ".tmp-" in name or name.endswith(LOCK)] == []


def test_readers_need_no_lock(shelf: Shelf, warm: Warm) -> None:
    first = build_ledger(shelf.config)
    with _held(warm, shelf):
        assert build_ledger(shelf.config).folder == first.folder
        found = current_ledger(shelf.config)
        assert found is not None
        assert found.folder == first.folder
        shelf.add(2)
        with pytest.raises(Busy):
            build_ledger(shelf.config)
        assert shelf.lines() == 5
    assert build_ledger(shelf.config).table().num_rows == 10


@pytest.mark.parametrize("n", [2, 8])
def test_of_several_who_start_at_once_one_publishes_and_the_others_find_it_or_are_refused(
    shelf: Shelf, warm: Warm, tmp_path: Path, n: int
) -> None:
    alone = shelf.copied(tmp_path / "alone")
    warm.run("build", alone.root)
    for _ in range(10 if SOAK else 1):
        twin = shelf.copied(tmp_path / f"twin {time.time_ns()}")
        told = warm.end(*warm.start(*[{"do": "build", "root": str(twin.root), "counted": False}] * n))
        assert {t["exit"] for t in told} <= {0, 75}, told
        assert sum("reading 01.csv" in t.get("said", ()) for t in told) == 1
        assert twin.tree() == alone.tree()
    print(f"{n} at once: refused after at most {max((t['seconds'] for t in told if t['exit']), default=0):.2f} s")


def test_a_run_that_has_nothing_to_do_changes_nothing(shelf: Shelf, warm: Warm) -> None:
    found = list[object]()
    for _ in range(3):
        assert warm.run("build", shelf.root)["exit"] == 0
        found.append((shelf.tree(), [(p, p.stat().st_mtime_ns) for p in sorted(shelf.regulars.rglob("*.*"))]))
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_run_that_is_told_to_stop_leaves_nothing(shelf: Shelf, warm: Warm, number: int, code: int) -> None:
    for step in (3, 40, 90) if not SOAK else range(1, 130, 3):
        config = str(shelf.root / "regulars.toml")
        told = warm.run("command", shelf.root, arguments=["check", config], fatal=step, signal=number)
        assert told["exit"] == code
        assert set(shelf.tree()) <= {".regulars", ".regulars/ledger"}, told["steps"][step - 1]


def test_the_lock_tells_who_holds_it_and_is_gone_afterwards(tmp_path: Path) -> None:
    with writing(tmp_path / ".regulars", "an example"):
        lock = tmp_path / ".regulars" / LOCK
        holder = json.loads(lock.read_text())
        assert (holder["pid"], holder["what"]) == (os.getpid(), "an example")
        assert {"host", "boot", "since"} < set(holder)
        assert lock.stat().st_mode & 0o777 == 0o600
        with writing(tmp_path / ".regulars", "a part of the same work"):
            pass
        assert lock.exists()
    assert list((tmp_path / ".regulars").iterdir()) == []


def test_another_thread_is_another_writer(tmp_path: Path) -> None:
    found = list[BaseException]()

    def also() -> None:
        try:
            with locked(tmp_path / LOCK, "the same"):
                pass
        except Busy as error:
            found.append(error)

    with locked(tmp_path / LOCK, "an example"):
        thread = threading.Thread(target=also)
        thread.start()
        thread.join()
    assert len(found) == 1


def test_a_lock_that_its_holder_removes_meanwhile_is_not_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Between opening the file and locking it, the holder ends: the file locked then lies nowhere, and locks nobody out.
    flock, path, times = fcntl.flock, tmp_path / LOCK, iter([True])

    def late(handle: int, kind: int) -> None:
        if next(times, False):
            path.unlink()
        flock(handle, kind)

    monkeypatch.setattr(fcntl, "flock", late)
    with locked(path, "an example"):
        assert path.exists()


def test_a_file_system_without_locks_is_refused(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    def unsupported(*_: object) -> None:
        raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))

    monkeypatch.setattr(fcntl, "flock", unsupported)
    with pytest.raises(StorageError, match=r"RG211: the file system of .* has no locks"):
        build_ledger(shelf.config)
