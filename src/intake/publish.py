"""A folder that is there whole or not at all.

In: a target folder and a function that fills a temporary sibling. Out: the target, renamed into place after every file
has reached the disk. A kill leaves the old state or the new one; what it leaves beside them is swept a day later.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from ..errors import StorageError

SEAL = "files.json"
_TEMPORARY = ".tmp-"
_STALE_SECONDS = 86_400


@contextmanager
def published(target: Path, known: Mapping[str, str] | None = None) -> Iterator[Path]:
    """A temporary folder that becomes `target` when the block ends without an error.

    `known` may hold, by then, the digests of files that are links to sealed ones.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with published(Path(folder) / "new") as temporary:
    ...         _ = (temporary / "a.txt").write_text("a")
    ...     is_whole(Path(folder) / "new")
    True
    """
    temporary = target.parent / f"{_TEMPORARY}{target.name}-{secrets.token_hex(6)}"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _sweep(target.parent)
        temporary.mkdir(mode=0o700)
        yield temporary
        _seal(temporary, known or {})
        _move(temporary, target)
    except OSError as error:
        raise StorageError(
            f"`{target}` cannot be written: {error.strerror or error}", do="check space and permissions", code="RG133"
        ) from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def is_whole(folder: Path) -> bool:
    """Whether a published folder holds exactly the bytes that were sealed."""
    try:
        sealed = json.loads((folder / SEAL).read_text(encoding="utf-8"))
        return bool(sealed) and all(_sha256(folder / name) == digest for name, digest in sealed.items())
    except (OSError, ValueError, AttributeError):
        return False


def _seal(folder: Path, known: Mapping[str, str]) -> None:
    files = sorted(f for f in folder.iterdir() if f.is_file())
    for file in files:
        _sync(file)
    seal = folder / SEAL
    seal.write_text(
        json.dumps({f.name: known.get(f.name) or _sha256(f) for f in files}, indent=1) + "\n", encoding="utf-8"
    )
    _sync(seal)
    _sync(folder)


def _move(temporary: Path, target: Path) -> None:
    """Rename into place; a broken target is moved aside first, a whole one made meanwhile by another run stays."""
    if target.exists():
        if is_whole(target):
            return
        removed(target)
    try:
        temporary.rename(target)
    except OSError:
        if not is_whole(target):
            raise
    _sync(target.parent)


def removed(folder: Path) -> None:
    """Take a published folder away: it is gone at once, its files a little later."""
    aside = folder.parent / f"{_TEMPORARY}old-{secrets.token_hex(6)}"
    folder.rename(aside)
    shutil.rmtree(aside, ignore_errors=True)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sweep(folder: Path) -> None:
    """Remove temporary folders that a killed run left more than a day ago."""
    for left in folder.glob(f"{_TEMPORARY}*"):
        try:
            old = time.time() - left.stat().st_mtime > _STALE_SECONDS
        except OSError:
            continue
        if old:
            shutil.rmtree(left, ignore_errors=True)
