"""What the jobs of the night would read and write, said without doing any of it: for `regulars plan` and `--dry-run`.

In: a configuration. Out: a `Plan` in words and figures: sources with their sizes, the ledger, who would speak, which
days, which files. Nothing is built, fetched, locked or written. What only the work itself can tell (a source behind an
address, the days of a ledger that is not there yet) is said to be unknown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..clock import Cutoff
from ..config import Config
from ..disk.whole import bytes_in
from ..examination.enough import Enough, enough_for
from ..intake import Ledger, built, current_ledger
from ..intake.sources.found import files_of
from ..intake.sources.remote import is_remote, masked
from ..models.registry import Registry
from ..models.splits import final
from ..models.versions import CHALLENGER, CHAMPION, Version
from ..sections import TableSection
from .catch_up import missed_days
from .prepare import span_of
from .published import CSV, FACTS, FOLDER, HORIZONS, MANIFEST, REFERENCE, ROWS, RUNS, SCORES, Book

JOBS = ("train", "promote", "score")
_LISTED = 3


@dataclass(frozen=True)
class Read:
    """A table's files, or its address, and what they weigh; None where that is not known from here."""

    table: str
    names: tuple[str, ...]
    n_bytes: int | None

    @property
    def words(self) -> str:
        """One line."""
        more = f" and {len(self.names) - _LISTED:,} more" if len(self.names) > _LISTED else ""
        size = "not looked at" if self.n_bytes is None else f"{self.n_bytes:,} bytes"
        return f"{self.table}: {', '.join(self.names[:_LISTED])}{more}, {size}"


@dataclass(frozen=True)
class Job:
    """What one job would do, and which files it would write."""

    name: str
    does: tuple[str, ...]
    writes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """What would be read, and what each job would do."""

    folder: Path
    reads: tuple[Read, ...]
    ledger: str
    jobs: tuple[Job, ...]

    @property
    def lines(self) -> list[str]:
        """For people."""
        found = ["reads", *(f"  {read.words}" for read in self.reads), f"  {self.ledger}"]
        for job in self.jobs:
            found += [f"{job.name}", *(f"  {said}" for said in job.does)]
            found += [f"  writes {self._near(path)}" for path in job.writes]
        return [*found, "nothing was written"]

    def _near(self, path: str) -> str:
        """A path as seen from the configuration's folder."""
        return path.removeprefix(f"{self.folder}/")

    def figures(self) -> dict[str, object]:
        """As plain values for JSON."""
        reads = [{"table": r.table, "names": list(r.names), "bytes": r.n_bytes} for r in self.reads]
        jobs = {job.name: {"does": list(job.does), "writes": list(job.writes)} for job in self.jobs}
        return {"reads": reads, "ledger": self.ledger, "jobs": jobs}


def planned(config: Config, jobs: Sequence[str] = JOBS, as_of: Cutoff | None = None, out: Path | None = None) -> Plan:
    """What jobs would do now.

    Parameters
    ----------
    jobs : sequence of str
        Of `JOBS`, or `catch-up`.
    as_of, out
        As `score` takes them.

    Raises
    ------
    ConfigError, DataError, StorageError
        There is no such source, or the present ledger or the model store cannot be read.
    """
    ledger, said = _ledger(config)
    versions = Registry.of(config).versions(config.mlflow.model_name)
    able = {
        "train": lambda: _train(config, ledger, versions),
        "promote": lambda: _promote(config, versions),
        "score": lambda: _score(config, ledger, versions, as_of, out),
        "catch-up": lambda: _catch_up(config, ledger, out),
    }
    return Plan(config.folder, tuple(_reads(config)), said, tuple(able[name]() for name in jobs))


def _reads(config: Config) -> list[Read]:
    tables: dict[str, tuple[TableSection, ...]] = {"purchases": (config.data.purchases,), **config.data.beside()}
    return [_read(name, section, config.folder) for name, sections in tables.items() for section in sections]


def _read(table: str, section: TableSection, folder: Path) -> Read:
    if section.url is not None:
        return Read(table, (f"{masked(section.url, section.url)} {section.table}",), None)
    if section.path is None:
        return Read(table, ("a frame",), None)
    if is_remote(section.path):
        return Read(table, (masked(section.path, section.path),), None)
    files = files_of(section.path, folder)
    return Read(table, tuple(f.name for f in files), sum(f.stat().st_size for f in files))


def _is_here(config: Config) -> bool:
    """Whether all sources are files on this machine, which can be looked at without fetching them."""
    sections = [config.data.purchases, *(s for several in config.data.beside().values() for s in several)]
    return all(s.path is not None and not is_remote(s.path) for s in sections)


def _ledger(config: Config) -> tuple[Ledger | None, str]:
    """The ledger from which days can be told, and what is to be said of it."""
    known = built(config) if _is_here(config) else None
    if known is not None:
        return known, f"ledger: there already, {_about(known)}"
    present = current_ledger(config)
    if present is None:
        return None, "ledger: to be built first; its days are not known before"
    why = "the sources have changed since" if _is_here(config) else "whether the sources have changed is not known"
    return present, f"ledger: {why}; days are told from the present one, {_about(present)}"


def _about(ledger: Ledger) -> str:
    manifest = ledger.manifest
    size = 0 if ledger.folder is None else bytes_in(ledger.folder)
    days = f"{manifest.first_day} to {manifest.last_day}"
    return f"{manifest.n_customers:,} customers, {manifest.lines['used']:,} lines, {days}, {size:,} bytes"


def _train(config: Config, ledger: Ledger | None, versions: Sequence[Version]) -> Job:
    champion = _of(versions, CHAMPION)
    number = max((v.number for v in versions), default=0) + 1
    place = "becomes champion, if the gate lets it through" if champion is None else "becomes the challenger"
    regulars = config.folder / ".regulars"
    writes = (
        f"a run and version {number} in {Registry.of(config).store.shown}: it {place}",
        str(regulars / "backtests" / "<run>.parquet"),
        str(regulars / "priors"),
    )
    if ledger is None:
        return Job("train", ("reads the ledger first: whether it is enough, is not known before",), writes)
    enough = enough_for(ledger, config, span_of(ledger, config), None)
    return Job("train", tuple(_lessons(ledger, config, enough)), writes if enough.enough else ())


def _lessons(ledger: Ledger, config: Config, enough: Enough) -> list[str]:
    if not enough.enough:
        return [f"would be refused: {enough.words}"]
    last = final(span_of(ledger, config))
    learnt = f"learns at {len(last.training)} days from {last.training[0]} to {last.training[-1]}"
    return [f"is judged on {', '.join(enough.origins)}", f"{learnt}, as of {ledger.ends}", *enough.lines]


def _promote(config: Config, versions: Sequence[Version]) -> Job:
    champion, challenger = _of(versions, CHAMPION), _of(versions, CHALLENGER)
    if challenger is None:
        return Job("promote", ("there is no challenger: nothing to promote",))
    judged = "by itself: there is no champion" if champion is None else f"against version {champion.version}"
    does = (f"judges version {challenger.version}, trained on {challenger.trained_on}, {judged}",)
    store = Registry.of(config).store.shown
    return Job("promote", does, (f"aliases and tags in {store}", str(config.folder / ".regulars" / "registry.jsonl")))


def _score(
    config: Config, ledger: Ledger | None, versions: Sequence[Version], as_of: Cutoff | None, out: Path | None
) -> Job:
    champion = _of(versions, CHAMPION)
    if champion is None:
        return Job("score", ("would be refused: there is no champion; train a model first",))
    day = as_of or (None if ledger is None else ledger.ends)
    if day is None:
        return Job("score", (f"version {champion.version} speaks, of the day after the last purchase",))
    book = Book(out or config.folder / FOLDER)
    run = f"{day}-v{champion.version}-<key>"
    there = [r.name for r in book.runs() if r.as_of == day and r.version == champion.version]
    does = [f"version {champion.version}, trained on {champion.trained_on}, speaks as of {day}"]
    if there:
        does.append(f"there is {', '.join(there)}: if nothing has changed since, nothing is written")
    files = [SCORES, CSV, FACTS, ROWS, REFERENCE, MANIFEST, *([HORIZONS] if config.target.further else [])]
    links = [str(book.folder / str(day))]
    if book.latest is None or book.latest.as_of <= day:
        links.append(str(book.folder / "latest"))
    if config.scores.table is not None:
        links.append(f"the rows of {day} in the table `{config.scores.table}`")
    return Job("score", tuple(does), (*(str(book.folder / RUNS / run / name) for name in files), *links))


def _catch_up(config: Config, ledger: Ledger | None, out: Path | None) -> Job:
    if ledger is None:
        return Job("catch-up", ("which days were missed is not known before there is a ledger",))
    book, registry = Book(out or config.folder / FOLDER), Registry.of(config)
    does, writes = [], []
    for day in missed_days(book, ledger.ends, config.scores.every_days):
        version = registry.champion_for(config.mlflow.model_name, day)
        does.append(f"{day}: {'there was no champion' if version is None else f'version {version.version} speaks'}")
        writes += [] if version is None else [str(book.folder / RUNS / f"{day}-v{version.version}-<key>")]
    return Job("catch-up", tuple(does) or ("no day was missed",), tuple(writes))


def _of(versions: Sequence[Version], alias: str) -> Version | None:
    return next((v for v in versions if alias in v.aliases), None)
