"""Files of JSON lines that only grow: what was said once stays, whoever is killed meanwhile.

In: a path and an object. Out: a line at its end that has reached the disk before anybody goes on. Half a line, which a
full disk or a killed machine left, was never acknowledged: the next writer takes it away, and readers pass over it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import StorageError
from .lock import locked
from .publish import lock_of
from .whole import private, room, synced

_BLOCK = 65536


def append(path: Path, entry: Mapping[str, object]) -> None:
    """Put an object as one line at the end of a file.

    Raises
    ------
    StorageError
        When it cannot be written; the file is as it was then.
    Busy
        When someone else is writing to it.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     append(Path(folder) / "a.jsonl", {"what": "crown"})
    ...     entries(Path(folder) / "a.jsonl")
    ({'what': 'crown'},)
    """
    line = json.dumps(entry, allow_nan=False).encode("ascii") + b"\n"
    try:
        private(path.parent)
        with locked(lock_of(path), f"writing {path.name}"):
            _written(path, line)
    except OSError as error:
        said = f"{error.strerror or error} ({room(path.parent)})"
        raise StorageError(f"{path} could not be written: {said}", do="check space and permissions") from None


def _written(path: Path, line: bytes) -> None:
    new = not path.exists()
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        end = _whole_bytes(handle)
        try:
            if os.pwrite(handle, line, end) < len(line):
                raise OSError(f"only a part of {len(line)} bytes was written")
            os.ftruncate(handle, end + len(line))
            os.fsync(handle)
        except OSError:
            os.ftruncate(handle, end)
            raise
    finally:
        os.close(handle)
    if new:
        synced(path.parent)


def _whole_bytes(handle: int) -> int:
    """How far the whole lines of a file reach."""
    end = os.fstat(handle).st_size
    while end:
        start = max(0, end - _BLOCK)
        found = os.pread(handle, end - start, start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0


def entries(path: Path) -> tuple[dict[str, Any], ...]:
    """The objects of a file, the oldest first; none where there is no file."""
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return ()
    return tuple(json.loads(line) for line in text[: text.rfind(b"\n") + 1].splitlines())
