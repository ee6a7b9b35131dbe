"""Published scores: a folder of runs that are never changed, and pointers to the newest of each day and of all.

In: a folder, or a run that has been filled. Out: a `Book` of `Run`s: ``runs/<day>-v<version>-<key>/`` with a manifest
of SHA-256 hashes, ``<day>`` and ``latest`` as links that are replaced in one step. A reader who follows a link finds a
whole run, old or new. What a killed writer left is no run, and is swept by the next.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..clock import Cutoff
from ..disk.publish import published, removed
from ..disk.whole import TEMPORARY, private, room, synced
from ..errors import StorageError
from .files import reserved_and_swept

if TYPE_CHECKING:
    import pandas as pd

FOLDER = "scores"
"""Where runs lie beside a configuration, unless another place is named."""
RUNS, LATEST = "runs", "latest"
SCORES, CSV, HORIZONS, PROSPECTS, MOVERS = (
    *("scores.parquet", "scores.csv"),
    *("horizons.parquet", "prospects.parquet", "movers.csv"),
)
ROWS, REFERENCE, FACTS, MANIFEST = "rows.parquet", "reference.json", "run.json", "manifest.json"
FILES = (SCORES, CSV, HORIZONS, PROSPECTS, MOVERS, ROWS, REFERENCE, FACTS)
"""What a run may hold beside its manifest; the first two and the last are always there."""
_NAME = re.compile(r"(\d{4}-\d{2}-\d{2})-v([\w.+~]+)-([0-9a-f]{8})")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True)
class Run:
    """One run of `score`, whole and never changed but by `forget`.

    Parameters
    ----------
    folder : Path

    Examples
    --------
    >>> run = Run(Path("scores/runs/2024-02-26-v7-0a1b2c3d"))
    >>> str(run.as_of), run.version, run.path("scores.csv").name
    ('2024-02-26', '7', 'scores.csv')
    """

    folder: Path

    @property
    def name(self) -> str:
        """Day, version and key, as the folder is called."""
        return self.folder.name

    @property
    def as_of(self) -> Cutoff:
        """The day before which everything was known."""
        return Cutoff.parse(self._part(1))

    @property
    def version(self) -> str:
        """The version of the model that spoke."""
        return self._part(2)

    @property
    def run_id(self) -> str:
        """The training that made it."""
        return str(self.facts["model"]["run_id"])

    def _part(self, number: int) -> str:
        found = _NAME.fullmatch(self.name)
        if found is None:
            needed = "a name such as 2024-02-26-v7-0a1b2c3d"
            raise StorageError(f"`{self.name}` is no run of scores", needed=needed, code="RG330")
        return found[number]

    @cached_property
    def facts(self) -> Mapping[str, Any]:
        """What the run says of itself: `run.json`.

        Raises
        ------
        StorageError
            It cannot be read.
        """
        try:
            found = json.loads(self.path(FACTS).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise StorageError(
                f"the run `{self.name}` cannot be read: {error}", do="score that day again", code="RG330"
            ) from None
        return dict(found)

    def path(self, name: str) -> Path:
        """Where a file of the run lies, if it has it."""
        return self.folder / name

    def has(self, name: str) -> bool:
        """Whether the run holds a file."""
        return self.path(name).is_file()

    def frame(self, columns: Sequence[str] | None = None, name: str = SCORES) -> pd.DataFrame:
        """A table of the run, all columns or some; the scores by default."""
        import pyarrow.parquet as pq

        try:
            table = pq.read_table(self.path(name), columns=None if columns is None else list(columns))
        except (OSError, ValueError) as error:
            raise StorageError(
                f"{name} of the run `{self.name}` cannot be read: {error}", do="score that day again", code="RG330"
            ) from None
        found: pd.DataFrame = table.to_pandas()
        return found

    def content(self, name: str) -> bytes | None:
        """The bytes of a file as it was sealed; None where the run never had it.

        Raises
        ------
        StorageError
            ``RG331``: it is not as it was sealed, or cannot be read.
        """
        try:
            sealed = json.loads(self.path(MANIFEST).read_text(encoding="utf-8"))
            if name not in sealed:
                return None
            found = self.path(name).read_bytes()
            if hashlib.sha256(found).hexdigest() == sealed[name]:
                return found
        except (OSError, ValueError, TypeError):
            pass
        raise StorageError(
            f"{name} of the run `{self.name}` is not as it was published", do="score that day again", code="RG331"
        )

    @property
    def digest(self) -> str:
        """SHA-256 of the manifest: two runs with the same digest hold the same bytes."""
        return _sha256(self.path(MANIFEST))

    def differences(self) -> tuple[str, ...]:
        """Files that are not as they were sealed: changed, missing or added; none of a whole run."""
        try:
            sealed = json.loads(self.path(MANIFEST).read_text(encoding="utf-8"))
            there = {f.name for f in self.folder.iterdir()} - {MANIFEST}
            if not isinstance(sealed, dict) or not {SCORES, CSV, FACTS} <= set(sealed):
                return (MANIFEST,)
            same = {name for name in there & set(sealed) if _sealed(self.path(name), sealed[name])}
        except (OSError, ValueError):
            return (MANIFEST,)
        return tuple(sorted((there | set(sealed)) - same))

    def verified(self) -> Run:
        """Itself, if every file is as it was sealed, and none came in addition.

        Raises
        ------
        StorageError
            ``RG331`` with the names of the files that are not.
        """
        found = self.differences()
        if found:
            raise StorageError(
                f"the run `{self.name}` is not as it was published",
                needed="every file as its manifest has it, and no other",
                do="remove the folder and score that day again",
                offending=found,
                code="RG331",
            )
        return self


def _sealed(file: Path, digest: object) -> bool:
    return not file.is_symlink() and file.is_file() and _sha256(file) == digest


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True)
class Book:
    """All published scores of a folder.

    Parameters
    ----------
    folder : Path
        `scores` beside the configuration, or the place that was named instead.

    Examples
    --------
    >>> Book(Path("nowhere")).runs(), Book(Path("nowhere")).latest
    ((), None)
    """

    folder: Path

    def runs(self) -> tuple[Run, ...]:
        """Every run there is, by day, then name: of a day that was scored again the older ones, too."""
        try:
            found = [Run(f) for f in (self.folder / RUNS).iterdir() if _NAME.fullmatch(f.name) and f.is_dir()]
        except OSError:
            return ()
        return tuple(sorted(found, key=lambda run: run.name))

    def published(self) -> tuple[Run, ...]:
        """The newest run of each day, by day."""
        try:
            days = sorted(f.name for f in self.folder.iterdir() if _DAY.fullmatch(f.name))
        except OSError:
            return ()
        return tuple(run for day in days if (run := self._at(day)) is not None)

    @property
    def latest(self) -> Run | None:
        """The newest run of the latest day; None before the first."""
        return self._at(LATEST)

    def of(self, as_of: Cutoff | str) -> Run | None:
        """The newest run of a day; None where there is none."""
        return self._at(str(as_of))

    def before(self, day: Cutoff) -> Run | None:
        """The newest run of the last day before another; None where there is none."""
        return next((run for run in reversed(self.published()) if run.as_of < day), None)

    def _at(self, link: str) -> Run | None:
        """The run that a link points to, under its own name: it stays the same when the link moves."""
        with suppress(OSError):
            run = Run((self.folder / link).resolve(strict=True))
            within = run.folder.parent == (self.folder / RUNS).resolve()
            if within and _NAME.fullmatch(run.name) and run.has(MANIFEST):
                return run
        return None

    @contextmanager
    def writing(self, what: str) -> Iterator[None]:
        """A block in which nobody else publishes here; what a killed writer left is gone when it begins.

        Raises
        ------
        Busy
            Someone else is at it.
        """
        with reserved_and_swept(self.folder, what, (RUNS,)):
            yield

    @contextmanager
    def filling(self, name: str) -> Iterator[Path]:
        """A temporary folder that becomes the run of a name, sealed, when the block ends without an error."""
        with published(self.folder / RUNS / name, seal=MANIFEST) as temporary:
            yield temporary

    def point(self, run: Run) -> bool:
        """Make a run the newest of its day, and of all unless a later day is there; whether a link was moved.

        Raises
        ------
        StorageError
            The folder takes no links.
        """
        moved = self._linked(str(run.as_of), run)
        there = self.latest
        if there is None or there.as_of <= run.as_of:
            moved |= self._linked(LATEST, run)
        return moved

    def drop_before(self, day: Cutoff, but: Run | None = None) -> int:
        """Remove the runs of all days before one, and the links to them; how many. One run may be spared.

        First the link goes, then the run: who follows a link finds a whole run.
        """
        spared = None if but is None else but.name
        found = self.runs()
        old = [run for run in found if run.as_of < day and run.name != spared]
        for name in {str(run.as_of) for run in old} - {str(run.as_of) for run in found if run not in old}:
            (self.folder / name).unlink(missing_ok=True)
        for run in old:
            removed(run.folder)
        return len(old)

    def _linked(self, link: str, run: Run) -> bool:
        target, place = f"{RUNS}/{run.name}", self.folder / link
        if place.is_symlink() and str(place.readlink()) == target:
            return False
        waiting = self.folder / f"{TEMPORARY}{link}-{secrets.token_hex(4)}"
        try:
            private(self.folder)
            waiting.symlink_to(target)
            waiting.replace(place)
            synced(self.folder)
        except OSError as error:
            raise StorageError(
                f"`{place}` cannot be pointed to `{target}`: {error.strerror or error} ({room(self.folder)})",
                needed="a folder of one's own on a file system with symbolic links",
                do="name another folder with --out",
                code="RG332",
            ) from None
        finally:
            with suppress(OSError):
                waiting.unlink(missing_ok=True)
        return True
