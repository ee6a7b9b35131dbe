"""Files and folders that appear whole or not at all: written beside their place, synced, then moved into it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from ..errors import StorageError


def replaced(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a file beside `path`, then put it in its place; whatever goes wrong leaves no half.

    Raises
    ------
    StorageError
        When the file cannot be written.
    """
    waiting = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(waiting)
        with waiting.open("rb+") as file:
            os.fsync(file.fileno())
        waiting.chmod(0o600)
        waiting.replace(path)
    except BaseException as error:
        with contextlib.suppress(OSError):
            waiting.unlink(missing_ok=True)
        if isinstance(error, OSError):
            said = error.strerror or str(error)
            raise StorageError(f"{path} could not be written: {said}", code="RG074") from None
        raise


T = TypeVar("T")


def folder_replaced(folder: Path, write: Callable[[Path], T]) -> T:
    """Let `write` fill a folder beside `folder`, then put it in its place; a folder of other things is refused.

    Raises
    ------
    StorageError
        When it cannot be written, or what is there now was not made by this.
    """
    if folder.exists() and not (folder.is_dir() and all(_is_part(f) for f in folder.iterdir())):
        raise StorageError(f"{folder} is there already and holds other things", do="name another folder", code="RG074")
    waiting, aside = (folder.with_name(f".{folder.name}.{os.getpid()}.{end}") for end in ("tmp", "old"))
    try:
        waiting.mkdir(parents=True, mode=0o700)
        result = write(waiting)
        for file in waiting.iterdir():
            with file.open("rb+") as opened:
                os.fsync(opened.fileno())
            file.chmod(0o600)
        if folder.exists():
            folder.rename(aside)
        waiting.rename(folder)
        return result
    except OSError as error:
        raise StorageError(f"{folder} could not be written: {error.strerror or error}", code="RG074") from None
    finally:
        if aside.exists() and not folder.exists():
            aside.rename(folder)
        for left in (waiting, aside):
            shutil.rmtree(left, ignore_errors=True)


def _is_part(file: Path) -> bool:
    return file.is_file() and file.suffix == ".parquet" and file.name.startswith("part-")


def strict_json(figures: dict[str, object]) -> str:
    """Figures as JSON text; undefined ones must be None already.

    Examples
    --------
    >>> strict_json({"auc": None})
    '{\\n "auc": null\\n}\\n'
    """
    return json.dumps(figures, indent=1, allow_nan=False) + "\n"
