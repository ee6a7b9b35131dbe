"""What may be wrong with files beside a configuration: what killed runs left, links to nothing, rights of others.

In: a configuration. Out: ailments with their cures. While somebody is at work nothing is said of what is unfinished,
because it may be his. A run of scores that is not as it was published is removed by its cure: it can be scored again.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

from ..config import Config
from ..disk.lock import Holder, holder_of, is_left, locked
from ..disk.publish import removed
from ..disk.whole import TEMPORARY, for_owner_alone
from ..errors import RegularsError
from ..models.registry import Registry
from .ailment import Ailment
from .campaign.book import Decisions
from .published import LATEST, RUNS, Book
from .score import scores_folder
from .serve import FOLDER as SERVE
from .serve import abandoned, swept
from .written import remembered

_LISTED = 3


def books(config: Config) -> tuple[Book, ...]:
    """Every folder into which scores were published."""
    named = [config.folder / w.path for w in remembered(config.folder) if w.kind == "scores"]
    folders = dict.fromkeys(folder.absolute() for folder in (scores_folder(config), *named))
    return tuple(Book(folder) for folder in folders if (folder / RUNS).is_dir())


def places(config: Config) -> tuple[Path, ...]:
    """The folders that Regulars writes to, which are there."""
    store = Registry.of(config).store.folder
    decided = Decisions.of(config).folder
    found = (config.folder / ".regulars", *(book.folder for book in books(config)), decided, store)
    return tuple(dict.fromkeys(folder for folder in found if folder is not None and folder.is_dir()))


def at_work(config: Config) -> tuple[Holder, ...]:
    """Who holds any of the locks now, but for this process."""
    return tuple(who for lock in _locks(config) if (who := holder_of(lock)) is not None and who.pid != os.getpid())


def _locks(config: Config) -> list[Path]:
    beside = config.folder.glob(f"{TEMPORARY}*.lock")
    return sorted({*beside, *(f for place in places(config) for f in (*place.rglob("*.lock"), *place.rglob("lock")))})


def left_behind(config: Config) -> Iterator[Ailment]:
    """Locks that nobody holds, and what was not finished; nothing while somebody is at work."""
    if at_work(config):
        return
    for lock in filter(is_left, _locks(config)):
        yield Ailment(
            "stale-lock",
            f"the lock {_near(lock, config)} is held by nobody",
            "its holder was killed; the next run takes it over",
            "it is removed",
            partial(_unlocked, lock),
            slight=True,
        )
    beside = config.folder.glob(f"{TEMPORARY}*")
    served = config.folder / ".regulars" / SERVE  # A server that lives may be writing there.
    halves = {f for place in places(config) for f in place.rglob(f"{TEMPORARY}*") if not f.is_relative_to(served)}
    for half in sorted({*beside, *halves}):
        if half.suffix != ".lock" and not any(parent in halves for parent in half.parents):
            yield Ailment(
                "unfinished-file",
                f"{_near(half, config)} was left unfinished",
                "a killed run left it: it takes room, and may hold customers' ids",
                "it is removed",
                partial(_gone, half),
            )


def _unlocked(lock: Path) -> None:
    with locked(lock, "tidying up"):
        pass


def _gone(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def left_stages(config: Config) -> Iterator[Ailment]:
    """What servers that were killed had laid ready; a server that lives has his own."""
    for stages in abandoned(config.folder):
        yield Ailment(
            "left-stage",
            f"{_near(stages, config)} was left by a server that was killed",
            "it holds a copy of a model, and takes room until a server is started",
            "it is removed",
            partial(swept, stages),
        )


def unwhole_runs(config: Config) -> Iterator[Ailment]:
    """Runs of scores that are not as they were published, then links that lead to no run."""
    for book in books(config):
        for run in book.runs():
            wrong = run.differences()
            if wrong:
                yield Ailment(
                    "unwhole-run",
                    f"the run {_near(run.folder, config)} is not as it was published: {', '.join(wrong[:_LISTED])}",
                    "its scores cannot be trusted",
                    f"it is removed; `regulars score --as-of {run.as_of}` makes that day again",
                    partial(_removed, book, run.folder),
                )
        for link in _links(book):
            if not (link / "manifest.json").is_file():
                yield Ailment(
                    "dangling-link",
                    f"{_near(link, config)} leads to no run",
                    "readers find nothing there",
                    "it is pointed to the newest whole run that there is, or removed",
                    partial(_linked, book, link),
                )


def _links(book: Book) -> list[Path]:
    return sorted(f for f in book.folder.iterdir() if f.is_symlink() and not f.name.startswith(TEMPORARY))


def _removed(book: Book, folder: Path) -> None:
    with book.writing("removing a run that is not whole"):
        removed(folder)


def _linked(book: Book, link: Path) -> None:
    """Point a link to the newest whole run of its day, or of the latest day there is; remove it where there is none."""
    with book.writing("mending a link"):
        link.unlink(missing_ok=True)
        able = [run for run in book.runs() if link.name in (LATEST, str(run.as_of)) and not run.differences()]
        if able:
            book.point(max(able, key=lambda run: (run.as_of, run.folder.stat().st_mtime_ns, run.name)))


def open_to_others(config: Config) -> Iterator[Ailment]:
    """Private files and folders that others on the machine may read or write."""
    for place in places(config):
        found = [f for f in (place, *place.rglob("*")) if _is_open(f)]
        if found:
            more = f" and {len(found) - 1:,} more" if len(found) > 1 else ""
            yield Ailment(
                "open-file",
                f"{_near(found[0], config)}{more}: others may read or write",
                "purchases, scores and models are for their owner alone",
                "the rights of others are taken away",
                partial(_closed, found),
            )


def _is_open(path: Path) -> bool:
    with suppress(OSError):
        found = path.lstat()
        return not path.is_symlink() and found.st_uid == os.getuid() and bool(found.st_mode & 0o077)
    return False


def _closed(paths: list[Path]) -> None:
    for path in paths:
        with suppress(FileNotFoundError):
            for_owner_alone(path, 0o700 if path.is_dir() else 0o600)


def damaged_ledger(config: Config) -> Iterator[Ailment]:
    """A present ledger that cannot be opened."""
    from ..intake import current_ledger

    try:
        current_ledger(config)
    except RegularsError as error:
        yield Ailment("damaged-ledger", error.found, "nothing can be read from it", error.do or "build it again")


def _near(path: Path, config: Config) -> str:
    """A path as seen from the configuration's folder."""
    return str(path.relative_to(config.folder)) if path.is_relative_to(config.folder) else str(path)
