"""Segments of a ledger: every scheme as of a day, who moved since another, and lists with the reason for each customer.

In: a ledger, its configuration, the published scores. Out: `Segmented` for a screen and as figures, which name nobody;
and lists as .csv or .xlsx files that no spreadsheet takes for formulas. What is missing (scores, a year of history,
consent) switches a scheme or a list off with a sentence.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..clock import Cutoff
from ..config import Config
from ..errors import ConfigError, did_you_mean
from ..intake import Ledger
from ..schema import SCALE
from ..segments import lifecycle, rfm, tiers, value_churn
from ..segments.facts import Facts
from ..segments.moves import COLUMNS as MOVED_COLUMNS
from ..segments.moves import Moves, moves
from ..segments.scheme import Assigned, Off
from ..segments.table import lines, ranks, table
from ..segments.tiers import Limits
from .days import check_covered, usual_day
from .mailing import Listed, about_ids, may_be_listed, write_rows
from .published import Book, Run
from .score import scores_folder
from .segment_facts import GRACE_DAYS, FactsOfDay, facts_of

SCHEMES = (rfm.NAME, value_churn.NAME, lifecycle.NAME, tiers.NAME, tiers.EXPECTED)
LIST_COLUMNS = (
    *("customer_id", "scheme", "segment", "rank", "reason", "as_of", "orders", "recency_days", "spend_365d"),
    *("expected_spend", "p_churn", "to_next"),
)
"""Of a list, in this order; an empty cell is a number that is not known."""


@dataclass(frozen=True, eq=False)
class Segmented:
    """Schemes as of a day.

    Parameters
    ----------
    facts : Facts
    schemes : mapping of str to Assigned or Off
    moved : mapping of str to Moves
        Since another day; empty where none was named or a scheme cannot be compared.
    notes : tuple of str
        Of all schemes.
    guests : str
        The guests with their money, who are in no segment.
    """

    facts: Facts
    schemes: Mapping[str, Assigned | Off]
    moved: Mapping[str, Moves]
    notes: tuple[str, ...]
    guests: str

    @property
    def lines(self) -> list[str]:
        """For a screen."""
        told = [f"{self.facts.n:,} customers as of {self.facts.as_of}, prospects among them; {self.guests}"]
        for name, found in self.schemes.items():
            told += ["", name]
            if isinstance(found, Off):
                told.append(f"is left out: {found.why}")
                continue
            told += [*lines(table(self.facts, found)), *(f"note: {note}" for note in found.notes)]
            told += self.moved[name].lines if name in self.moved else []
        return told

    def figures(self) -> dict[str, object]:
        """As JSON takes it: nobody is named."""
        schemes = [self._figures(name, found) for name, found in self.schemes.items()]
        day = {"as_of": self.facts.as_of, "horizon_days": self.facts.horizon_days, "currency": self.facts.currency}
        said = {"customers": self.facts.n, "prospects": int((~self.facts.bought).sum()), "guests": self.guests}
        return {**day, **said, "notes": list(self.notes), "schemes": schemes}

    def _figures(self, name: str, found: Assigned | Off) -> dict[str, object]:
        if isinstance(found, Off):
            return {"scheme": name, "off": found.why}
        rows = [row.figures() for row in table(self.facts, found)]
        moved = self.moved[name].figures() if name in self.moved else None
        return {"scheme": name, "segments": rows, "notes": list(found.notes), "moved": moved}

    def assigned(self, name: str) -> Assigned:
        """A scheme that is told.

        Raises
        ------
        ConfigError
            ``RG476``: it is left out, or not one of those that were asked for.
        """
        found = self.schemes.get(name)
        if isinstance(found, Assigned):
            return found
        why = found.why if found is not None else "it was not asked for"
        raise ConfigError(f"the scheme `{name}` is left out: {why}", do="name another --scheme", code="RG476")


def segments(
    ledger: Ledger,
    config: Config,
    scheme: str | None = None,
    as_of: Cutoff | None = None,
    since: Cutoff | None = None,
    limits: Limits | None = None,
    grace_days: int = GRACE_DAYS,
) -> Segmented:
    """All schemes, or one, as of a day.

    Parameters
    ----------
    scheme : str, optional
        Of `SCHEMES`; default: all.
    as_of : Cutoff, optional
        Default: the day of the newest scores, else the day after the purchases.
    since : Cutoff, optional
        An earlier day: who moved between the two, by the limits of the later one.
    limits : Limits, optional
        Of tiers; default: those of the day.
    grace_days : int
        How long a tier by spend is kept.

    Raises
    ------
    ConfigError
        ``RG475``: a day outside the ledger, or `since` not before `as_of`; ``RG476``: no such scheme.
    """
    names = SCHEMES if scheme is None else (_known(scheme),)
    book = Book(scores_folder(config))
    day = as_of or usual_day(ledger, book)
    for one in (day, *([since] if since is not None else [])):
        check_covered(ledger, one, "RG475")
    if since is not None and not since < day:
        do = "name an earlier day with --since, or a later one with --as-of"
        raise ConfigError(f"{since} is not before {day}", do=do, code="RG475")
    now, run = _facts(ledger, config, book, day, grace_days)
    schemes = {name: _scheme(now.facts, name, limits) for name in names}
    moved: dict[str, Moves] = {}
    notes = [*now.notes, *_unscored(book, run, day)]
    if not ledger.has_table("customers"):
        notes.append("there is no table of customers: who neither bought nor gave back is not known")
    if since is not None:
        then, earlier = _facts(ledger, config, book, since, grace_days)
        notes += [f"of {since}: {note}" for note in (*then.notes, *_unscored(book, earlier, since))]
        moved, left_out = _moved(then.facts, now.facts, schemes, limits)
        notes += left_out
    return Segmented(now.facts, schemes, moved, tuple(notes), _guests(ledger))


def _known(scheme: str) -> str:
    name = scheme.strip().casefold()
    if name not in SCHEMES:
        do = did_you_mean(name, SCHEMES)
        raise ConfigError(f"there is no scheme `{scheme}`", needed=f"one of {', '.join(SCHEMES)}", do=do, code="RG476")
    return name


def _facts(
    ledger: Ledger, config: Config, book: Book, day: Cutoff, grace_days: int
) -> tuple[FactsOfDay, Run | None]:  # fmt: skip
    run = book.of(day)
    return facts_of(ledger, config, day, None if run is None else run.verified(), grace_days), run


def _unscored(book: Book, run: Run | None, day: Cutoff) -> list[str]:
    if run is not None:
        return []
    days = [str(one.as_of) for one in book.published()][-3:]
    return [f"no scores of {day} are published" + (f"; the newest are of {', '.join(days)}" if days else "")]


def _scheme(facts: Facts, name: str, limits: Limits | None) -> Assigned | Off:
    if name == tiers.NAME:
        return tiers.spend_tiers(facts, limits)
    if name == tiers.EXPECTED:
        return tiers.expected_tiers(facts, limits)
    return {rfm.NAME: rfm.rfm, value_churn.NAME: value_churn.value_churn, lifecycle.NAME: lifecycle.lifecycle}[name](
        facts
    )


def _moved(
    then: Facts, now: Facts, schemes: Mapping[str, Assigned | Off], limits: Limits | None
) -> tuple[dict[str, Moves], list[str]]:
    """Who moved in each scheme that is told on both days, and why others are not."""
    found, left_out = {}, []
    for name, today in schemes.items():
        own = limits
        if own is None and name in (tiers.NAME, tiers.EXPECTED):
            own = tiers.spend_limits(now) if name == tiers.NAME else tiers.expected_limits(now)
        before = _scheme(then, name, own)
        nobody = f"nobody is said to have moved in `{name}`"
        if isinstance(before, Off):
            left_out.append(f"{nobody}: of {then.as_of} it is left out: {before.why}")
        elif isinstance(today, Assigned) and today.basis == before.basis:
            found[name] = moves((then, before), (now, today))
        elif isinstance(today, Assigned):
            left_out.append(f"{nobody}: of {then.as_of} it rests on {before.basis}, of {now.as_of} on {today.basis}")
    return found, left_out


def _guests(ledger: Ledger) -> str:
    told = {name: (count, money) for name, count, money in ledger.manifest.reconciliation()}
    count, money = told.get("guest", (0, 0))
    if not count:
        return "the ledger has no guests"
    return f"{count:,} lines of guests ({money:,.2f} in all of the ledger) are in no segment"


def write_list(
    ledger: Ledger, config: Config, found: Segmented, scheme: str, segment: str, path: Path, channel: str | None = None
) -> Listed:
    """Write the customers of a segment, the highest rank first; whoever must not be contacted is left out.

    Parameters
    ----------
    channel : str, optional
        Only those who have agreed to marketing on it; where the ledger has no consent nothing is written.

    Raises
    ------
    ConfigError
        ``RG477``: no such segment; ``RG428``: neither .csv nor .xlsx.
    """
    assigned = found.assigned(_known(scheme))
    rank = ranks(found.facts, assigned)
    rows = np.flatnonzero(assigned.of(segment))
    rows = rows[np.argsort(rank[rows], kind="stable")]
    ids = found.facts.ids[rows].tolist()
    may, notes = may_be_listed(ledger, config, ids, channel)
    if may is None:
        return Listed(path, 0, notes, written=False)
    write_rows(config, path, LIST_COLUMNS, list(_cells(found.facts, assigned, rank, rows[may])))
    return Listed(path, int(may.sum()), (*notes, *about_ids(config)))


def write_moved(config: Config, found: Segmented, scheme: str, path: Path) -> Listed:
    """Write who is in another segment of a scheme than on the day before, with why they are there now.

    Raises
    ------
    ConfigError
        ``RG476``: the scheme is not told on both days; ``RG428``: neither .csv nor .xlsx.
    """
    name = _known(scheme)
    if name not in found.moved:
        why = "; ".join(found.notes) or "no earlier day was named"
        do = "name another day with --since"
        raise ConfigError(f"nobody is said to have moved in `{name}`: {why}", do=do, code="RG476")
    rows = list(found.moved[name].rows())
    write_rows(config, path, MOVED_COLUMNS, rows)
    return Listed(path, len(rows))


def _cells(
    facts: Facts, assigned: Assigned, rank: NDArray[np.int64], rows: NDArray[np.int64]
) -> Iterator[list[str]]:  # fmt: skip
    for at in rows.tolist():
        year = None if facts.spend_year is None else int(facts.spend_year[at])
        lacking = -1 if assigned.to_next is None else int(assigned.to_next[at])
        yield [
            str(facts.ids[at]),
            assigned.scheme,
            assigned.segments[assigned.place[at]].name,
            str(rank[at]),
            str(assigned.reasons[at]),
            facts.as_of,
            str(facts.orders[at]),
            str(facts.recency_days[at]) if facts.recency_days[at] >= 0 else "",
            _money(year),
            _number(float(facts.expected_spend[at]), 2),
            _number(float(facts.p_churn[at]), 4),
            _money(lacking) if lacking >= 0 else "",
        ]


def _money(value: int | None) -> str:
    return "" if value is None else f"{value / SCALE:.2f}"


def _number(value: float, digits: int) -> str:
    return f"{value:.{digits}f}" if np.isfinite(value) else ""
