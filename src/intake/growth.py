"""The ledgers of one configuration over time: which one new files can be added to, and which are no longer needed.

In: the folder of all ledgers, and the parts that are read today. Out: the whole ledger that covers most of them, under
the same [data] section; and fewer old ones: of every section a present one and three more, beside those of a day. What
was worked out from a ledger goes with it.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..disk.publish import is_whole, removed
from .evidence import Evidence
from .pointer import all_pointed
from .segments import MANIFEST_FILE, evidence_in, line_files
from .sources.parts import Part

GROWN = "-grown"
"""How the name of a ledger with segments ends; without it stands the name of the same in one piece."""

MOST_SEGMENTS = 30
LARGEST_SHARE = 0.25
"""Beyond so many segments, or so many of their lines per line of the base, they are merged into one file."""

KEPT = 3
_DAY = 86_400
_PRIORS = "priors"


@dataclass(frozen=True)
class Earlier:
    """A ledger of some of the parts that are read today."""

    folder: Path
    evidence: Evidence


def earlier_ledgers(root: Path, parts: Sequence[Part], data: str) -> list[Earlier]:
    """Ledgers under the same [data] section whose sources are among the parts; those of most lines first.

    Parts that share a name cannot be told apart in notes and quarantine, so nothing is added to them.
    """
    present = {(part.name, part.sha256) for part in parts}
    if len({part.name for part in parts}) < len(parts):
        return []
    ledgers = ((folder, _evidence(folder)) for folder in _folders(root))
    found = [
        Earlier(folder, evidence)
        for folder, evidence in ledgers
        if evidence is not None and evidence.data == data and {(s.file, s.sha256) for s in evidence.sources} <= present
    ]
    return sorted(found, key=lambda e: (-e.evidence.lines["read"], len(line_files(e.folder)), e.folder.name))


def _folders(root: Path) -> list[Path]:
    """What looks like a ledger."""
    if not root.is_dir():
        return []
    return sorted(f for f in root.iterdir() if f.is_dir() and not f.name.startswith("."))


def _evidence(folder: Path) -> Evidence | None:
    """The evidence of a ledger; None where it is damaged, or of an older format: nobody's base."""
    try:
        return evidence_in(folder)
    except (OSError, ValueError, TypeError, KeyError):
        return None


def base_among(earlier: Sequence[Earlier]) -> Earlier | None:
    """The first that is whole."""
    return next((e for e in earlier if is_whole(e.folder)), None)


def is_ripe(segment_lines: Sequence[int], base_lines: int) -> bool:
    """Whether segments have become so many, or so large, that they are to be merged.

    Examples
    --------
    >>> is_ripe([10, 10], 1_000), is_ripe([10] * 31, 1_000), is_ripe([300], 1_000)
    (False, True, True)
    """
    return len(segment_lines) > MOST_SEGMENTS or sum(segment_lines) > LARGEST_SHARE * base_lines


def sweep(root: Path) -> None:
    """Remove ledgers that are no longer needed; whoever calls this is the only writer.

    Of every [data] section there stay the present ledger, the newest `KEPT` of the others, and any that is less than a
    day old: someone may be reading it. So do those that are damaged or of an older format, taken together.
    """
    present, sections = all_pointed(root), dict[str, list[Path]]()
    for folder in _folders(root):
        evidence = _evidence(folder)
        if folder not in present:
            sections.setdefault("" if evidence is None else evidence.data, []).append(folder)
    for folders in sections.values():
        by_age = sorted(folders, key=lambda folder: (-folder.stat().st_mtime, folder.name))
        for folder in by_age[KEPT:]:
            if time.time() - folder.stat().st_mtime > _DAY:
                removed(folder)
    sweep_priors(root)


def priors_of(root: Path, fingerprint: str) -> Path:
    """The folder of what was fitted to a ledger of this fingerprint.

    Examples
    --------
    >>> priors_of(Path(".regulars/ledger"), 64 * "a").as_posix()
    '.regulars/priors/aaaaaaaaaaaaaaaaaaaa'
    """
    return root.parent / _PRIORS / fingerprint[:20]


def sweep_priors(root: Path) -> None:
    """Remove what was fitted to ledgers that are gone, unless it is less than a day old; it can be fitted again."""
    known = {priors_of(root, _fingerprint(folder)) for folder in _folders(root)}
    for folder in _folders(root.parent / _PRIORS):
        if folder not in known and time.time() - folder.stat().st_mtime > _DAY:
            shutil.rmtree(folder, ignore_errors=True)


def _fingerprint(folder: Path) -> str:
    """A ledger's fingerprint; empty where it is damaged."""
    try:
        return str(json.loads((folder / MANIFEST_FILE).read_text(encoding="utf-8"))["fingerprint"])
    except (OSError, ValueError, TypeError, KeyError):
        return ""
