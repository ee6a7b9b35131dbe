"""One writer at a time: a lock that the kernel takes back from whoever dies.

In: the folder that is written to, and what for. Out: a block in which nobody else writes there, or `Busy`, which names
the other's host, process and since when. Readers need no lock. What a killed writer left is taken over at once: that
the lock could be had proves that nobody is at work. A file system without locks is refused, because two writers there
would spoil each other's work unseen.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import platform
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import asdict, dataclass
from pathlib import Path

from ..errors import Busy, StorageError
from .whole import TEMPORARY, for_owner_alone, private, room

LOCK = "lock"
_PATIENCE_SECONDS = 0.5
"""How long one waits for whoever only looks whether the lock is free, or has not written its name yet."""
_JOB_SECONDS = 0.1
"""The same for a job, at whose lock few look."""

_held: ContextVar[frozenset[Path]] = ContextVar("_held", default=frozenset())


@dataclass(frozen=True)
class Holder:
    """Who holds a lock, or held it when the machine killed him."""

    host: str
    pid: int
    boot: str
    since: str
    what: str

    @classmethod
    def of_this_process(cls, what: str) -> Holder:
        """This process, from now on."""
        since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        return cls(platform.node(), os.getpid(), _boot(), since, what)

    @classmethod
    def named_in(cls, handle: int) -> Holder | None:
        """Who wrote his name into a lock; None where no whole name stands."""
        try:
            return cls(**json.loads(os.pread(handle, 4096, 0)))
        except (OSError, ValueError, TypeError):
            return None


def _boot() -> str:
    """What tells one start of the machine from the next, where the system says it."""
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return ""


@contextmanager
def writing(regulars: Path, what: str) -> Iterator[Holder | None]:
    """A block in which nobody else changes anything under a `.regulars` folder; gives the killed writer taken over.

    Within one thread of work blocks may lie in one another. Unfinished files and folders that a killed writer left
    among the ledgers are gone when the block begins; ledgers that someone may be reading stay.

    Raises
    ------
    Busy
        Another run is writing there.
    StorageError
        The folder cannot be written to, or its file system has no locks.
    """
    try:
        private(regulars)
        with suppress(PermissionError):  # Another's folder, in which we may write.
            for_owner_alone(regulars, 0o700)
    except OSError as error:
        raise _unwritable(regulars, error) from None
    with locked(regulars / LOCK, what) as killed:
        _sweep(regulars / "ledger")
        yield killed


@contextmanager
def locked(lock: Path, what: str, patience: float = _PATIENCE_SECONDS) -> Iterator[Holder | None]:
    """A block of whoever holds a lock file; the file is gone afterwards.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with locked(Path(folder) / "lock", "an example"):
    ...         print([f.name for f in Path(folder).iterdir()])
    ['lock']
    """
    here = lock.absolute()
    if here in _held.get():
        yield None
        return
    handle = _taken(here, patience)
    try:
        killed = Holder.named_in(handle)
        _sign(handle, here, what)
        token = _held.set(_held.get() | {here})
        try:
            yield killed
        finally:
            _held.reset(token)
    finally:
        # First the name, then the lock: whoever waits for the lock finds that the file is another one by now.
        with suppress(OSError):
            here.unlink()
        os.close(handle)


@contextmanager
def job(regulars: Path, name: str, what: str) -> Iterator[None]:
    """A block in which nobody else does the same kind of work under a `.regulars` folder, however long it takes.

    It needs nothing but the folder's path, so that whoever comes second is told so before anything is loaded or read.
    Blocks of the same name may lie in one another.

    Raises
    ------
    Busy
        Someone else is at it: who, where and since when.
    StorageError
        The folder cannot be written to, or its file system has no locks.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, job(Path(folder) / ".regulars", "score", "scoring"):
    ...     print([f.name for f in (Path(folder) / ".regulars").iterdir()])
    ['score.lock']
    """
    new = not regulars.is_dir()
    try:
        private(regulars)
    except OSError as error:
        raise _unwritable(regulars, error) from None
    try:
        with locked(regulars / f"{name}.lock", what, _JOB_SECONDS):
            yield
    finally:
        if new:  # Whoever was refused before he made anything leaves nothing.
            with suppress(OSError):
                regulars.rmdir()


def check_free(regulars: Path) -> None:
    """Raise `Busy` when someone is writing under a `.regulars` folder."""
    with _looked_at(regulars / LOCK) as (handle, free):
        if not free:
            raise _busy(regulars / LOCK, handle)


def is_abandoned(regulars: Path) -> bool:
    """Whether a writer was killed, and nobody has written since."""
    with _looked_at(regulars / LOCK) as (handle, free):
        return free and handle >= 0


def is_left(lock: Path) -> bool:
    """Whether a lock file lies there that nobody holds: whoever did was killed."""
    with _looked_at(lock) as (handle, free):
        return free and handle >= 0 and lock.absolute() not in _held.get()


def holder_of(lock: Path) -> Holder | None:
    """Who holds a lock now, as far as he has signed it; None where nobody does, or this process itself."""
    with _looked_at(lock) as (handle, free):
        return None if free else Holder.named_in(handle)


@contextmanager
def _looked_at(lock: Path) -> Iterator[tuple[int, bool]]:
    """A lock's handle (-1 where there is no file), and whether the lock is free."""
    try:
        handle = os.open(lock, os.O_RDONLY)
    except OSError:
        yield -1, True
        return
    try:
        yield handle, lock.absolute() in _held.get() or _flocked(handle, fcntl.LOCK_SH, lock)
    finally:
        os.close(handle)


def _taken(lock: Path, patience: float) -> int:
    """The handle of a lock file that is ours, and that still lies there."""
    until = time.monotonic() + patience
    while True:
        try:
            handle = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise _unwritable(lock, error) from None
        try:
            if _flocked(handle, fcntl.LOCK_EX, lock):
                if _lies_at(lock, handle):
                    return handle
            elif time.monotonic() > until:
                raise _busy(lock, handle)
        except BaseException:
            _left(lock, handle)
            raise
        os.close(handle)
        time.sleep(0.02)


def _left(lock: Path, handle: int) -> None:
    """Close a lock file that we did not come to hold, and take it away unless it is someone's."""
    with suppress(OSError):
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if _lies_at(lock, handle):
            lock.unlink()
    os.close(handle)


def _flocked(handle: int, kind: int, lock: Path) -> bool:
    try:
        fcntl.flock(handle, kind | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
            return False
        raise StorageError(
            f"the file system of `{lock.parent}` has no locks: {error.strerror}",
            needed="a file system on which one writer can keep the others out",
            do="put the folder on a local disk, or mount the share with locks",
            code="RG211",
        ) from None
    return True


def _lies_at(lock: Path, handle: int) -> bool:
    """Whether the file was not taken away by its last holder meanwhile."""
    try:
        return os.path.samestat(lock.stat(), os.fstat(handle))
    except FileNotFoundError:
        return False


def _sign(handle: int, lock: Path, what: str) -> None:
    name = json.dumps(asdict(Holder.of_this_process(what))).encode()
    try:
        os.ftruncate(handle, 0)
        os.pwrite(handle, name, 0)
    except OSError as error:
        raise _unwritable(lock, error) from None


def _busy(lock: Path, handle: int) -> Busy:
    """Whoever has just got the lock signs it within an instant; until then it has no name."""
    until = time.monotonic() + _PATIENCE_SECONDS / 5
    while (holder := Holder.named_in(handle)) is None and time.monotonic() < until:
        time.sleep(0.01)
    who = "" if holder is None else f": {holder.what}, host {holder.host}, pid {holder.pid}, since {holder.since}"
    return Busy(
        f"another run is writing to `{lock.parent}`{who}",
        needed="one writer at a time",
        do="run again when it has ended; if it hangs, end that process: its lock ends with it",
        code="RG210",
    )


def _unwritable(path: Path, error: OSError) -> StorageError:
    return StorageError(
        f"`{path}` cannot be written: {error.strerror or error} ({room(path)})",
        do="check space and permissions",
        code="RG212",
    )


def _sweep(ledgers: Path) -> None:
    """Remove what a killed writer left unfinished."""
    for left in ledgers.glob(f"{TEMPORARY}*"):
        if left.is_dir() and not left.is_symlink():
            shutil.rmtree(left, ignore_errors=True)
        else:
            with suppress(OSError):
                left.unlink()
