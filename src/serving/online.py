"""What the endpoint recommended, kept as it was said: a line for each customer, in a file for each day.

In: rows as `schema.DECISIONS` has them. Out: ``decisions/online/<day>.jsonl``, the day in UTC. All rows of a request
are one write at the end of the file, so that lines of several workers never mix; half a line, which a full disk left,
is ended by the next writer and passed over by readers. Missing numbers are null.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic_core import to_json

from ..clock import Zone, today
from ..disk.whole import private
from ..errors import StorageError

FOLDER = "online"
SUFFIX = ".jsonl"
PATIENCE_SECONDS = 0.5


@dataclass(frozen=True)
class Online:
    """The recommendations of a server and of those before it.

    Parameters
    ----------
    folder : Path
        ``decisions/online`` beside the configuration.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     log = Online(Path(folder))
    ...     log.add([{"customer_id": "a", "gain": 1.5}])
    ...     log.path.read_text()
    '{"customer_id":"a","gain":1.5}\\n'
    """

    folder: Path

    @property
    def path(self) -> Path:
        """The file of today."""
        return self.folder / f"{today(Zone('UTC'))}{SUFFIX}"

    def add(self, rows: Sequence[Mapping[str, object]]) -> None:
        """Put rows at the end, all or none.

        Raises
        ------
        StorageError
            ``RG455``: they could not be written; whatever was written of them is taken back.
        """
        if not rows:
            return
        lines = b"".join(to_json(row, inf_nan_mode="null") + b"\n" for row in rows)
        try:
            private(self.folder)
            with appending(self.path) as handle:
                _written(handle, lines)
        except OSError as error:
            raise StorageError(
                f"recommendations could not be kept: {error.strerror or type(error).__name__}",
                do="check space and permissions of `decisions/online`",
                code="RG455",
            ) from None


@contextmanager
def appending(path: Path) -> Iterator[int]:
    """The handle of a file that still lies there, for as long as nobody else writes to it.

    Whoever writes it anew (`regulars forget`) holds the old one's lock until the new one has its name: nothing is lost.
    It is not waited for long, as others are served by the same process.
    """
    while True:
        handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            _locked(handle)
            if _lies_at(path, handle):
                yield handle
                return
        finally:
            os.close(handle)


def _locked(handle: int) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                raise
        time.sleep(0.005)


def _written(handle: int, lines: bytes) -> None:
    end = os.fstat(handle).st_size
    ends_well = not end or os.pread(handle, 1, end - 1) == b"\n"
    told = lines if ends_well else b"\n" + lines
    try:
        if os.write(handle, told) < len(told):
            raise OSError("only a part was written")
    except OSError:
        os.ftruncate(handle, end)
        raise


def _lies_at(path: Path, handle: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(handle))
    except FileNotFoundError:
        return False


def moment() -> str:
    """Now, as a UTC instant in ISO text; it is of no account to what is recommended."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
