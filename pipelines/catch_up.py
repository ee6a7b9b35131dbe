"""Catching up: the days on which nobody scored, made good in order, each as it would have been made then.

In: a ledger, the runs that were published, the registry. Out: one run for every day missed since the newest one, by
whoever was champion with what was known then, each published (and put into the table, if one is named) before the next
is begun: whoever is killed goes on where he stopped. A day for which there was no champion yet is said and left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..clock import Cutoff
from ..config import Config
from ..disk.lock import job
from ..engines import usable_threads
from ..errors import NoModel
from ..intake import Ledger
from ..progress import Progress
from .published import Book
from .score import Published, publish_day, scores_folder
from .score_table import Delivered, publish

if TYPE_CHECKING:
    from ..models.model import Model
    from ..models.registry import Registry
    from ..models.versions import Version


@dataclass(frozen=True)
class CaughtUp:
    """What was made good.

    Parameters
    ----------
    made : tuple of Published
        The runs, in order of their days.
    skipped : tuple of str
        ISO dates for which there was no champion.
    until : str
        The day up to which nothing is missing now, but for those skipped.
    delivered : tuple of Delivered
        What went to the table of a database.
    """

    made: tuple[Published, ...]
    skipped: tuple[str, ...]
    until: str
    delivered: tuple[Delivered, ...] = ()

    @property
    def notes(self) -> list[str]:
        """What to keep in mind, said once however many days it holds for."""
        return list(dict.fromkeys(note for done in self.made for note in done.run.facts["notes"]))

    @property
    def words(self) -> list[str]:
        """Sentences: a day each, and what is left out."""
        found = [
            f"{done.run.facts['customers']:,} customers scored as of {done.run.as_of} in {done.run.folder}"
            for done in self.made
        ]
        if not self.made and not self.skipped:
            found.append(f"no day was missed up to {self.until}")
        found += [f"{day} is left out: no version that was champion had been trained by then" for day in self.skipped]
        return [*found, *(one.words for one in self.delivered if not one.unchanged)]

    def figures(self) -> dict[str, Any]:
        """As JSON takes it."""
        days = [done.figures() for done in self.made]
        tables = [one.figures() for one in self.delivered]
        return {"days": days, "made": len(days), "skipped": list(self.skipped), "as_of": self.until, "tables": tables}


def missed_days(book: Book, ends: Cutoff, every_days: int = 1) -> tuple[Cutoff, ...]:
    """The days after the newest published one up to the end of the ledger; of an empty book the last day alone.

    Parameters
    ----------
    ends : Cutoff
        The day after the ledger's last.
    every_days : int
        Days from one run to the next.

    Examples
    --------
    >>> [str(day) for day in missed_days(Book(Path("nowhere")), Cutoff.parse("2024-02-26"))]
    ['2024-02-26']
    """
    latest = book.latest
    return (ends,) if latest is None else tuple(_days(latest.as_of.plus(every_days), ends, every_days))


def _days(first: Cutoff, last: Cutoff, every_days: int) -> Iterator[Cutoff]:
    while first <= last:
        yield first
        first = first.plus(every_days)


def catch_up(ledger: Ledger, config: Config, out: Path | None = None, progress: Progress | None = None) -> CaughtUp:
    """Score the days missed.

    Raises
    ------
    NoModel
        ``RG346`` when there was no champion for any of them.
    Busy
        Someone else is scoring beside the same configuration.
    """
    from ..models.registry import Registry

    with job(config.folder / ".regulars", "score", "catching up"):
        book, champions = Book(scores_folder(config, out)), _Champions(Registry.of(config), config)
        made: list[Published] = []
        skipped: list[str] = []
        # Whoever was killed between the files and the table has left the newest day out of it.
        delivered = [] if book.latest is None else [publish(book.latest, config)]
        for day in missed_days(book, ledger.ends, config.scores.every_days):
            version = champions.of(day)
            if version is None:
                skipped.append(str(day))
                continue
            told = None if progress is None else _of_day(progress, day)
            model = champions.model(version)
            made.append(publish_day(ledger, config, model, version.registered, day, book.folder, told))
            delivered.append(publish(made[-1].run, config))
        if skipped and not made:
            raise NoModel(
                f"on none of the {len(skipped)} days missed up to {skipped[-1]} was there a champion",
                needed="a promoted version that was trained on that day or before",
                do="`regulars train`, or `regulars score --as-of` a day by the champion of today",
                code="RG346",
            )
        until = max((str(run.as_of) for run in (book.latest,) if run is not None), default=str(ledger.ends))
    return CaughtUp(tuple(made), tuple(skipped), until, tuple(one for one in delivered if one is not None))


def _of_day(progress: Progress, day: Cutoff) -> Progress:
    return lambda what, share: progress(f"{day}: {what}", share)


class _Champions:
    """Who was champion when; the model of the last one asked for is kept."""

    def __init__(self, registry: Registry, config: Config) -> None:
        self.registry, self.name = registry, config.mlflow.model_name
        self.threads = usable_threads(config.engine.threads)
        self.kept: tuple[Version, Model] | None = None

    def of(self, day: Cutoff) -> Version | None:
        """The version that would have spoken on a day."""
        return self.registry.champion_for(self.name, day)

    def model(self, version: Version) -> Model:
        """Its model, checked."""
        if self.kept is None or self.kept[0].version != version.version:
            self.kept = version, self.registry.load(version, self.threads)
        return self.kept[1]
