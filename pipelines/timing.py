"""The right moment and channel for each customer: when the next purchase is due, which weekday and hour, which channel.

In: a ledger, its configuration, the published scores, the decisions log. Out: `Timed` for a screen and as figures,
which name nobody; and a file with a row a customer. What is missing (scores, times of day, enough history, messages)
switches a part off with a sentence that says what to add.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..clock import Cutoff
from ..config import Config
from ..errors import ConfigError
from ..intake import Ledger
from ..kpis.table import Table
from ..offers.consent import Consent
from ..timing.best_times import BestTimes, backtest, words
from ..timing.channels import Channels
from ..timing.due import SOON, Due, by_week, due_within
from ..timing.evidence import KINDS, WINDOWS, Tried, tried, windows
from ..timing.messages import Stages
from ..timing.response import Response, table_of
from .campaign.agreed import agreed
from .campaign.best_moment import FILE
from .campaign.book import Decisions
from .days import check_covered, usual_day
from .mailing import PURPOSE, Listed, about_ids, may_be_listed
from .published import Book, Run
from .score import scores_folder
from .timing_facts import Read, due_of, read_moments
from .timing_list import SUFFIXES, List, write_rows
from .timing_messages import Sources
from .written import remember

Progress = Callable[[str, float], None]
_SHOWN: Mapping[str, tuple[str, ...]] = {
    "backtest": ("moment", "evidence", "customers", "loss_population", "loss_own", "loss_shrunk", "told", "at_own",
                 "at_usual", "used"),
    "response_by_channel": ("basis", "channel", "message", "stage", "sent", "answered", "estimate", "low", "high",
                            "best"),
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Timed:
    """Moments and channels as of a day.

    Parameters
    ----------
    as_of : Cutoff
    read : Read
    weekday, hour : BestTimes or None
        None where no purchase tells it.
    channels : Channels
    tables : tuple of Table
    off : mapping of str to str
        What the data do not allow, and what to add.
    notes : tuple of str
    """

    as_of: Cutoff
    read: Read
    weekday: BestTimes | None
    hour: BestTimes | None
    channels: Channels
    tables: tuple[Table, ...]
    off: Mapping[str, str]
    notes: tuple[str, ...]

    @property
    def due(self) -> Due | None:
        """When customers are due; None without scores."""
        return self.read.due

    @property
    def headline(self) -> str:
        """What a marketer would read first."""
        told = []
        if self.due is not None:
            late = int(self.due.late.sum())
            told.append(f"{int(self.due.within(SOON).sum()):,} customers are due within {SOON} days, {late:,} are late")
        if self.weekday is not None:
            when = self.weekday.usual + ("" if self.hour is None else f", most in the hour from {self.hour.usual}")
            told.append(f"most purchases are made on a {when}; {self._own():,} customers keep to times of their own")
        return "; ".join(told) or "nobody has bought yet"

    def _own(self) -> int:
        """Customers with a weekday or an hour of their own."""
        own = np.zeros(len(self.read.ids), bool)
        for times in (self.weekday, self.hour):
            own = own if times is None else own | times.own.differs
        return int(own.sum())

    @property
    def lines(self) -> list[str]:
        """For a screen."""
        found = [f"{len(self.read.ids):,} customers as of {self.as_of}", self.headline]
        for table in self.tables:
            names = _SHOWN.get(table.name, tuple(column.name for column in table.columns))
            found += ["", f"{table.name}: {table.about}", *table.lines(names)]
        return found + ["", *(f"{part} is left out: {why}" for part, why in self.off.items())] * bool(self.off)

    def figures(self) -> dict[str, object]:
        """As JSON takes it: nobody is named."""
        return {
            "as_of": str(self.as_of),
            "headline": self.headline,
            "customers": len(self.read.ids),
            "tables": {table.name: table.figures() for table in self.tables},
            "channels": {"best": self.channels.figures(), "said": list(self.channels.words)},
            "off": dict(self.off),
            "notes": list(self.notes),
        }


def timing(ledger: Ledger, config: Config, day: Cutoff | None = None, progress: Progress | None = None) -> Timed:
    """When and by which channel to write to each customer, as of a day; nothing is written.

    Parameters
    ----------
    ledger : Ledger
    config : Config
    day : Cutoff, optional
        Default: the day of the newest scores, else the day after the purchases.
    progress : callable, optional

    Raises
    ------
    ConfigError
        ``RG497``: a day outside the ledger.
    """
    tell, book = progress or _silent, Book(scores_folder(config))
    day = day or usual_day(ledger, book)
    check_covered(ledger, day, "RG497")
    begins = windows(ledger.history_starts, day)
    tell("purchases", 0.0)
    ids, known = read_moments(ledger, begins, day)
    off: dict[str, str] = {}
    run = book.of(day)
    due, notes = _due(run, ids, off, day)
    tell("habits", 0.0)
    found = [tried(kind, known, begins, day) for kind in KINDS] if begins else []
    known = {day: known[day]}
    times, said = _times(Read(ids, known, due), day, found, off)
    tell("channels", 0.0)
    horizon = config.target.primary if run is None else int(run.facts["horizon_days"])
    stages = Stages(known[day].purchases, horizon, ledger.history_starts.day)
    messages, left_out = Sources(ledger, Decisions.of(config), day, ids, stages).all()
    responses = [Response(one) for one in messages]
    off |= {f"response, {name}": why for name, why in left_out.items()}
    channels = Channels.of(responses, stages.on(np.arange(len(ids)), np.full(len(ids), day.day)))
    tables = [] if due is None else [by_week(due), due_within(due)]
    tables += [one.table for one in times.values() if one is not None]
    tables += [backtest(found)] if any(one.judged is not None for one in found) else []
    tables += [table_of(responses)] if responses else []
    all_notes = [*notes, *said, *channels.words, *_guests(ledger)]
    return Timed(
        day, Read(ids, known, due), times["weekday"], times["hour"], channels, tuple(tables), off, tuple(all_notes)
    )


def _silent(_: str, __: float) -> None:
    """The progress of someone who does not want to know."""


def _due(run: Run | None, ids: NDArray[np.str_], off: dict[str, str], day: Cutoff) -> tuple[Due | None, list[str]]:
    """What the scores of the day say; without them that part is off."""
    if run is None:
        off["due"] = f"there are no scores of {day}; `regulars score` makes them"
        return None, []
    due, unknown = due_of(run.verified(), ids)
    if not unknown:
        return due, []
    return due, [f"{unknown:,} customers of the scores have no purchase in the ledger as of this day and are left out"]


def _times(
    read: Read, day: Cutoff, found: Sequence[Tried], off: dict[str, str]
) -> tuple[dict[str, BestTimes | None], list[str]]:
    """Weekdays and hours, with what is said of each; hours are off where the data hold dates only."""
    evidence, times, said = read.known[day], dict[str, BestTimes | None](), list[str]()
    by_kind = {one.kind: one for one in found}
    if not len(evidence.purchases.day):
        off["weekday and hour"] = f"nobody bought before {day}"
        return dict.fromkeys(KINDS), said
    for kind in KINDS:
        if kind == "hour" and not evidence.purchases.tell_hours:
            times[kind] = None
            off["hour"] = (
                "most purchases tell a date and no time of day: map a column with the time in [data.purchases]"
            )
            continue
        times[kind] = told = BestTimes.of(kind, evidence, by_kind.get(kind))
        if told is not None and kind in by_kind:
            said.append(words(by_kind[kind], told))
    if not found:
        off["own weekday and hour"] = (
            f"the data cover less than {2 * WINDOWS[-1]} days before {day}, so whether customers keep to times of "
            "their own cannot be tried; all have the same"
        )
    return times, said


def _guests(ledger: Ledger) -> list[str]:
    told = {name: (count, money) for name, count, money in ledger.manifest.reconciliation()}
    count, money = told.get("guest", (0, 0))
    return [f"{count:,} lines of guests ({money:,.2f} in all of the ledger) are in no table"] if count else []


def write_timing(
    ledger: Ledger, config: Config, found: Timed, path: Path | None = None, channel: str | None = None
) -> Listed:
    """Write a row a customer, who is due first; whoever must not be contacted is left out.

    Parameters
    ----------
    path : Path, optional
        A .parquet, .csv or .xlsx; default: ``timing.parquet`` beside the configuration.
    channel : str, optional
        Only those who have agreed to marketing on it; where the ledger has no consent nothing is written.

    Raises
    ------
    ConfigError
        ``RG498``: another kind of file; ``RG428``: more rows than a sheet holds.
    """
    path = path or config.folder / FILE
    if path.suffix.lower() not in SUFFIXES:
        needed = f"one of {', '.join(SUFFIXES)}"
        raise ConfigError(f"moments cannot be written as `{path.suffix}`", needed=needed, code="RG498")
    ids = found.read.ids.tolist()
    may, notes = may_be_listed(ledger, config, ids, channel)
    if may is None:
        return Listed(path, 0, notes, written=False)
    consent = Consent.of(agreed(ledger, Decisions.of(config)), ids, None, ledger.zone)
    channels = found.channels.agreed(lambda name: consent.given(name, PURPOSE)) if consent.known else found.channels
    remember(config.folder, "timing", path)
    rows = List(found.as_of, found.read.ids, found.due, found.weekday, found.hour, channels)
    return Listed(path, write_rows(path, rows, may), (*notes, *about_ids(config)))
