"""Files that appear whole or not at all: written beside their place, synced, then moved into it."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable
from pathlib import Path

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


def strict_json(figures: dict[str, object]) -> str:
    """Figures as JSON text; undefined ones must be None already.

    Examples
    --------
    >>> strict_json({"auc": None})
    '{\\n "auc": null\\n}\\n'
    """
    return json.dumps(figures, indent=1, allow_nan=False) + "\n"
