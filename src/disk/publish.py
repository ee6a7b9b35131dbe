"""A file or folder that is there whole or not at all.

In: a target and a function that fills a temporary sibling. Out: the target, renamed into place after every byte has
reached the disk, for its owner alone. A kill leaves the old state or the new one; what it leaves beside them is swept
by the next who writes to the same place.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from ..errors import StorageError
from .lock import locked
from .whole import TEMPORARY, bytes_in, for_owner_alone, private, room, synced

SEAL = "files.json"


@contextmanager
def published(target: Path, known: Mapping[str, str] | None = None, seal: str = SEAL) -> Iterator[Path]:
    """A temporary folder that becomes `target` when the block ends without an error.

    `known` may hold, by then, the digests of files that are links to sealed ones; `seal` names the file of digests.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with published(Path(folder) / "new") as temporary:
    ...         _ = (temporary / "a.txt").write_text("a")
    ...     is_whole(Path(folder) / "new")
    True
    """
    temporary = target.parent / f"{TEMPORARY}{target.name}-{secrets.token_hex(6)}"
    try:
        private(target.parent)
        temporary.mkdir(mode=0o700)
        yield temporary
        sealed(temporary, seal, known)
        _move(temporary, target, seal)
    except OSError as error:
        raise StorageError(
            f"`{target}` cannot be written: {error.strerror or error} "
            f"({bytes_in(temporary):,} bytes were written, {room(target.parent)})",
            do="check space and permissions",
            code="RG133",
        ) from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def replaced(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a file beside `path`, then put it in its place; whatever goes wrong leaves no half.

    Raises
    ------
    StorageError
        When the file cannot be written.
    Busy
        When someone else is writing the same file.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     replaced(Path(folder) / "a.txt", lambda waiting: waiting.write_text("whole"))
    ...     [f.name for f in Path(folder).iterdir()]
    ['a.txt']
    """
    waiting = path.with_name(f"{TEMPORARY}{path.name}")
    try:
        private(path.parent)
        with locked(lock_of(path), f"writing {path.name}"):
            try:
                waiting.unlink(missing_ok=True)
                os.close(os.open(waiting, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
                write(waiting)
                for_owner_alone(waiting)
                synced(waiting)
                waiting.replace(path)
                synced(path.parent)
            finally:
                with suppress(OSError):
                    waiting.unlink(missing_ok=True)
    except OSError as error:
        said = f"{error.strerror or error} ({room(path.parent)})"
        raise StorageError(f"{path} could not be written: {said}", do="check space and permissions") from None


def lock_of(path: Path) -> Path:
    """The lock of whoever writes a file or folder."""
    return path.with_name(f"{TEMPORARY}{path.name}.lock")


def is_whole(folder: Path, seal: str = SEAL) -> bool:
    """Whether a published folder holds exactly the bytes that were sealed."""
    try:
        sealed = json.loads((folder / seal).read_text(encoding="utf-8"))
        return bool(sealed) and all(_sha256(folder / name) == digest for name, digest in sealed.items())
    except (OSError, ValueError, AttributeError):
        return False


def sealed(folder: Path, seal: str = SEAL, known: Mapping[str, str] | None = None) -> None:
    """Write the digest of every file of a folder into it; all of them are the owner's alone, and on the disk then."""
    known = known or {}
    files = sorted(f for f in folder.iterdir() if f.is_file() and f.name != seal)
    for file in files:
        for_owner_alone(file)
        synced(file)
    digests = folder / seal
    digests.write_text(
        json.dumps({f.name: known.get(f.name) or _sha256(f) for f in files}, indent=1) + "\n", encoding="utf-8"
    )
    for_owner_alone(digests)
    synced(digests)
    synced(folder)


def _move(temporary: Path, target: Path, seal: str) -> None:
    """Rename into place; a broken target is moved aside first, a whole one made meanwhile by another run stays."""
    if target.exists():
        if is_whole(target, seal):
            return
        removed(target)
    try:
        temporary.rename(target)
    except OSError:
        if not is_whole(target, seal):
            raise
    synced(target.parent)


def removed(folder: Path) -> None:
    """Take a published folder away: it is gone at once, its files a little later."""
    aside = folder.parent / f"{TEMPORARY}old-{secrets.token_hex(6)}"
    folder.rename(aside)
    shutil.rmtree(aside, ignore_errors=True)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
