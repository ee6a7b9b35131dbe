"""What every writer of files needs: folders for their owner alone, bytes that have reached the disk, room that is left.

In: paths. Out: folders with mode 0700, synced files and folders, and the words about space for an error. Nothing is
replaced here, and nothing is locked.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

TEMPORARY = ".tmp-"
"""How the name of what is not whole yet begins."""


def private(folder: Path) -> None:
    """Make a folder, and those above it that are missing, for their owner alone."""
    missing = [f for f in (folder, *folder.parents) if not f.exists()]
    for one in reversed(missing):
        one.mkdir(mode=0o700, exist_ok=True)
    if not folder.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder))


def for_owner_alone(path: Path, mode: int = 0o600) -> None:
    """Take the rights of all others away from a file that is the owner's (0600), or a folder (0700)."""
    if path.stat().st_mode & 0o777 != mode:
        path.chmod(mode)


def all_for_owner_alone(folder: Path) -> None:
    """The same for a folder and everything in it; what is another's, or is gone by then, stays as it is."""
    for path in [folder, *folder.rglob("*")]:
        with suppress(PermissionError, FileNotFoundError):
            if not path.is_symlink():
                for_owner_alone(path, 0o700 if path.is_dir() else 0o600)


@contextmanager
def owners_files() -> Iterator[None]:
    """A block in which whatever this process makes, by whichever library, is for its owner alone from the first byte.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, owners_files():
    ...     _ = (Path(folder) / "a.txt").write_text("a")
    ...     oct((Path(folder) / "a.txt").stat().st_mode & 0o777)
    '0o600'
    """
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


def synced(path: Path) -> None:
    """Wait until a file's bytes, or a folder's names, have reached the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def bytes_in(folder: Path) -> int:
    """How much a file, or the files anywhere in a folder, take up; what vanishes meanwhile takes up nothing."""
    total = 0
    for file in [folder, *folder.rglob("*")]:
        try:
            total += file.stat().st_size if file.is_file() else 0
        except OSError:
            continue
    return total


def room(path: Path) -> str:
    """How much is free where a path lies, in words.

    Examples
    --------
    >>> room(Path("nowhere/at/all")).endswith(" bytes free")
    True
    """
    for folder in (path, *path.absolute().parents):
        try:
            return f"{shutil.disk_usage(folder).free:,} bytes free"
        except OSError:
            continue
    return "space unknown"
