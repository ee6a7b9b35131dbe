"""Files and folders that appear whole or not at all: written beside their place, synced, then moved into it.

In: a target and a function that fills its temporary sibling. Out: the target, for its owner alone. Two who write to the
same place at once do not mix: the second is refused. What a killed writer left is swept by the next one.
"""

from __future__ import annotations

import ctypes
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from ..disk.lock import locked
from ..disk.publish import lock_of, replaced
from ..disk.whole import TEMPORARY, for_owner_alone, private, room, synced
from ..errors import StorageError

__all__ = ["folder_replaced", "replaced", "reserved", "reserved_and_swept", "strict_json"]

_HERE, _EXCHANGE = -100, 2
"""AT_FDCWD and RENAME_EXCHANGE of Linux."""

T = TypeVar("T")


@contextmanager
def reserved(path: Path, what: str) -> Iterator[None]:
    """A block in which nobody else makes the same output, however long that takes.

    Raises
    ------
    Busy
        Someone else is at it.
    """
    try:
        private(path.parent)
    except OSError as error:
        raise _unwritable(path, error) from None
    with locked(lock_of(path), what):
        yield


@contextmanager
def reserved_and_swept(folder: Path, what: str, below: Iterable[str] = ()) -> Iterator[None]:
    """A block in which nobody else writes in a folder; what a killed writer left in it, or `below` it, is gone then.

    Raises
    ------
    Busy
        Someone else is at it.
    """
    with reserved(folder, what):
        for place in (folder, *(folder / name for name in below)):
            for left in place.glob(f"{TEMPORARY}*"):
                if left.is_dir() and not left.is_symlink():
                    shutil.rmtree(left, ignore_errors=True)
                elif left.suffix != ".lock":
                    left.unlink(missing_ok=True)
        yield


def folder_replaced(folder: Path, write: Callable[[Path], T], is_ours: Callable[[Path], bool] | None = None) -> T:
    """Let `write` fill a folder beside `folder`, then put it in its place; a folder of other things is refused.

    Parameters
    ----------
    is_ours : callable, optional
        Whether a file may lie in the folder that is replaced; by default parts of a Parquet data set may.

    Raises
    ------
    StorageError
        When it cannot be written, or what is there now was not made by this.
    Busy
        When someone else is writing the same folder.
    """
    waiting = folder.with_name(f"{TEMPORARY}{folder.name}")
    with reserved(folder, f"writing {folder.name}"):
        try:
            _recover(folder)
            _refuse_others(folder, is_ours or _is_part)
            shutil.rmtree(waiting, ignore_errors=True)
            waiting.mkdir(mode=0o700)
            result = write(waiting)
            for file in waiting.iterdir():
                for_owner_alone(file)
                synced(file)
            synced(waiting)
            _put(waiting, folder)
            synced(folder.parent)
            return result
        except OSError as error:
            raise _unwritable(folder, error) from None
        finally:
            shutil.rmtree(waiting, ignore_errors=True)


def _refuse_others(folder: Path, is_ours: Callable[[Path], bool]) -> None:
    if folder.exists() and not (folder.is_dir() and all(is_ours(f) for f in folder.iterdir())):
        raise StorageError(f"{folder} is there already and holds other things", do="name another folder", code="RG074")


def _is_part(file: Path) -> bool:
    return file.is_file() and file.suffix == ".parquet" and file.name.startswith("part-")


def _put(waiting: Path, folder: Path) -> None:
    """Put a folder in its place; the old one, if any, lies at `waiting` then, or is gone."""
    if not folder.exists():
        waiting.rename(folder)
    elif not _exchanged(waiting, folder):
        folder.rename(_aside(folder))
        waiting.rename(folder)
        shutil.rmtree(_aside(folder), ignore_errors=True)


def _exchanged(one: Path, other: Path) -> bool:
    """Let two folders change names in one step; false where the system has no such step."""
    exchange = getattr(ctypes.CDLL(None), "renameat2", None)
    return exchange is not None and not exchange(_HERE, os.fsencode(one), _HERE, os.fsencode(other), _EXCHANGE)


def _aside(folder: Path) -> Path:
    return folder.with_name(f".old-{folder.name}")


def _recover(folder: Path) -> None:
    """Where two steps were needed, a kill between them has left the old folder beside its place."""
    aside = _aside(folder)
    if aside.exists() and not folder.exists():
        aside.rename(folder)
    shutil.rmtree(aside, ignore_errors=True)


def _unwritable(path: Path, error: OSError) -> StorageError:
    said = f"{error.strerror or error} ({room(path.parent)})"
    return StorageError(f"{path} could not be written: {said}", do="check space and permissions", code="RG074")


def strict_json(figures: dict[str, object]) -> str:
    """Figures as JSON text; undefined ones must be None already.

    Examples
    --------
    >>> strict_json({"auc": None})
    '{\\n "auc": null\\n}\\n'
    """
    return json.dumps(figures, indent=1, allow_nan=False) + "\n"
