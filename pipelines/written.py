"""The outputs that were written anywhere: so that whoever is forgotten is found in them, too.

In: a configuration's folder and the files or folders that are about to be written. Out: `.regulars/written.json`, which
names each once, with its kind; relative to the folder where it lies in it. A file that was never written, or is gone,
may stand in it; nothing of the data does.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from ..errors import StorageError
from .files import replaced, reserved

FILE = "written.json"
USUAL = (("scores", "scores"), ("report.html", "report"), ("check.html", "check"))
"""Where outputs go unless another place is named, and what they are."""


@dataclass(frozen=True)
class Written:
    """A file or folder, and what it is: scores, features, report, check, figures."""

    path: str
    kind: str


def remember(folder: Path, kind: str, *paths: Path) -> None:
    """Note that something is about to be written; what is known already is not noted again.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     remember(Path(folder), "scores", Path(folder) / "a.csv", Path(folder) / "a.csv")
    ...     [w.path for w in remembered(Path(folder))]
    ['a.csv']
    """
    here = folder.resolve()
    new = [Written(_named(path, here), kind) for path in paths]
    if set(new) <= set(remembered(folder)):
        return
    file = folder / ".regulars" / FILE
    with reserved(file.with_name("written"), "noting an output"):
        known = dict.fromkeys([*remembered(folder), *new])
        text = json.dumps([asdict(written) for written in known], indent=1) + "\n"
        replaced(file, lambda waiting: waiting.write_text(text, encoding="utf-8"))


def _named(path: Path, folder: Path) -> str:
    there = path.resolve()
    return str(there.relative_to(folder)) if there.is_relative_to(folder) else str(there)


def remembered(folder: Path) -> list[Written]:
    """What was ever noted, in the order in which it was."""
    file = folder / ".regulars" / FILE
    try:
        return [Written(**entry) for entry in json.loads(file.read_text(encoding="utf-8"))]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError) as error:
        raise StorageError(
            f"{file} cannot be read: {error}",
            needed="the record of the outputs that were written",
            do="remove it; outputs in other folders are then no longer known",
            code="RG228",
        ) from None
