"""What relationships cost and bring: cost to serve, acquisition and payback, referrals; and two lists of customers.

In: a ledger, its configuration, the published scores of the day. Out: `Relations` for a screen and as figures, which
name nobody; and lists as .csv or .xlsx. What the data lack switches a part off with a sentence that says what to add.
Whoever costs more than they bring is shown to a person; nothing follows from it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..clock import Cutoff
from ..config import Config
from ..errors import ConfigError, did_you_mean
from ..intake import Ledger
from ..kpis.table import Table
from ..models.margins import measured_margin
from ..models.terms import Terms
from ..relations import candidates, costly
from ..relations.acquisition import acquisition_table, payback_table, watched_groups
from ..relations.cost import Costs, cost_table, costs_of
from ..relations.dealings import Dealings
from ..relations.served import Asked
from .days import check_covered, usual_day
from .mailing import Listed, about_ids, may_be_listed, write_rows
from .published import Book
from .relations_known import known_of
from .relations_read import Earned, dealings_of, prices_of
from .relations_referred import Referred, referred_of
from .relations_stages import stages_of
from .relations_words import about_winning, apart, headline, notes_of
from .score import scores_folder

Progress = Callable[[str, float], None]

DAYS = 365
"""The period, unless another one is named or the data cover less."""
COSTLY, REFERRERS = "costly", "referrers"
LISTS = (COSTLY, REFERRERS)
"""Customers who cost more than they bring, for a person to look at; whom to ask to bring a friend."""
_SHOWN = {
    "cost_to_serve": (
        *("by", "segment", "customers", "margin", "cost", "cost_share", "net", "net_per_customer", "negative"),
        "expected_margin",
    ),
    "acquisition": (
        *("by", "name", "customers", "cost_per_customer", "clv_per_customer", "clv_to_cost", "low", "high", "payback"),
    ),
}
_NOT_SHOWN = ("payback",)
"""A picture says more than this table: the screen leaves it out."""


@dataclass(frozen=True, eq=False)
class Relations:
    """What relationships cost and bring, and what to keep in mind about it.

    Parameters
    ----------
    dealings : Dealings
    costs : Costs
    tables : tuple of Table
        Those that the data allow.
    off : mapping of str to str
        What is left out, and what to add.
    notes : tuple of str
    headline : str
    referred : Referred
        Whom to ask to bring a friend.
    """

    dealings: Dealings
    costs: Costs
    tables: tuple[Table, ...]
    off: Mapping[str, str]
    notes: tuple[str, ...]
    headline: str
    referred: Referred

    def table(self, name: str) -> Table | None:
        """A table, if the data allow it."""
        return next((table for table in self.tables if table.name == name), None)

    @property
    def lines(self) -> list[str]:
        """For a screen."""
        told = [self.headline]
        for table in self.tables:
            if table.name not in _NOT_SHOWN:
                names = _SHOWN.get(table.name, tuple(column.name for column in table.columns))
                told += ["", f"{table.name}: {table.about}", *table.lines(names)]
        return [*told, "", *(f"{part} is left out: {why}" for part, why in self.off.items())]

    def figures(self) -> dict[str, object]:
        """As JSON takes it: nobody is named."""
        return {
            "headline": self.headline,
            "as_of": str(self.dealings.day),
            "from": str(self.dealings.begins),
            "days": self.dealings.period_days,
            "currency": self.dealings.currency,
            "horizon_days": self.dealings.horizon_days,
            "tables": {table.name: table.figures() for table in self.tables},
            "off": dict(self.off),
            "notes": list(self.notes),
        }


def relations(
    ledger: Ledger,
    config: Config,
    as_of: Cutoff | None = None,
    days: int = DAYS,
    progress: Progress | None = None,
) -> Relations:
    """What relationships cost and bring as of a day.

    Parameters
    ----------
    as_of : Cutoff, optional
        Default: the day of the newest scores, else the day after the purchases.
    days : int, >= 1
        How many days before it count for costs; customers are watched for a payback for at most so many, too.

    Raises
    ------
    ConfigError
        ``RG490``: a day that the ledger does not cover; ``RG492``: a period of less than a day.
    """
    if days < 1:
        raise ConfigError(
            f"the period is {days} days", needed="at least 1", do="name so many with --days", code="RG492"
        )
    book = Book(scores_folder(config))
    day = as_of or usual_day(ledger, book)
    covered = day.day - ledger.history_starts.day
    check_covered(ledger, day, "RG490")
    run = book.of(day)
    run = None if run is None else run.verified()
    measured = measured_margin(ledger, day)
    stated = config.economics.margin if "margin" in config.economics.model_fields_set else None
    earned = Earned(Terms.of(config, measured).margin, "cost" in ledger.columns)
    asked = Asked(
        day.minus(min(days, covered)), day, ledger.zone, prices_of(ledger, config, day), config.contact.complaint_days
    )
    dealings = dealings_of(ledger, config, asked, earned, run, progress)
    known = known_of(ledger, config, asked.prices, dealings)
    costs = costs_of(dealings, known.costs, known.counts, asked.prices.ret)
    stages = stages_of(ledger, config, day, run, dealings.ids)
    # Half of what the data cover: so that at least the customers of the other half are watched for so long.
    watch = max(1, min(days, covered // 2))
    tables, off = [cost_table(dealings, costs, stages.schemes)], {**known.off, **stages.off}
    notes = notes_of(ledger, dealings, asked, earned, stated, days) + apart(measured, stated)
    won, why = _won(ledger, config, dealings, watch)
    tables += won
    off |= why
    notes += about_winning(dealings) if won else []
    referred = referred_of(ledger, dealings, stages.stage, watch)
    tables, off, notes = [*tables, *referred.tables], {**off, **referred.off}, [*notes, *referred.notes]
    n_costly = None
    if run is None:
        off[COSTLY] = f"what customers will still bring is not known; `regulars score --as-of {day}` says it"
    else:
        n_costly = int(costly.costly(dealings, costs).sum())
    return Relations(
        dealings, costs, tuple(tables), off, tuple(notes), headline(tables, costs, n_costly), referred
    )  # fmt: skip


def _won(ledger: Ledger, config: Config, dealings: Dealings, watch: int) -> tuple[list[Table], dict[str, str]]:
    """The tables of acquisition, and what is left out of them."""
    about = ledger.manifest.tables.get("customers")
    has = set() if about is None else {"acquisition_channel", "acquisition_cost"} & set(about.columns)
    if not has:
        what = "who brought the customers, and what they cost, is not known; add `acquisition_channel` and"
        return [], {"acquisition": f"{what} `acquisition_cost` to [data.customers]"}
    off = {}
    if "acquisition_channel" not in has:
        off["acquisition by channel"] = "add `acquisition_channel` to [data.customers]"
    if dealings.foreseen is None:
        off["clv_to_cost"] = f"what is still to come is not known; `regulars score --as-of {dealings.day}` says it"
    groups = watched_groups(dealings, watch)
    if not groups:
        return [], {"acquisition": "nobody is known to have come since the data begin"}
    table = acquisition_table(dealings, groups, config.lifetime.horizon_days, config.seed)
    if not dealings.people.cost_known.any():
        off["payback"] = "what it cost to win customers is not known; add `acquisition_cost` to [data.customers]"
        return [table], off
    return [table, payback_table(groups)], off


def write_list(
    ledger: Ledger, config: Config, found: Relations, name: str, path: Path, channel: str | None = None
) -> Listed:  # fmt: skip
    """Write a list of customers, one row each.

    Parameters
    ----------
    name : str
        Of `LISTS`.
    channel : str, optional
        Of `referrers`: only those who have agreed to marketing on it. `costly` is no list for a channel.

    Raises
    ------
    ConfigError
        ``RG491``: no such list, or a channel for `costly`; ``RG428``: neither .csv nor .xlsx.
    """
    if name not in LISTS:
        do = did_you_mean(name, LISTS)
        raise ConfigError(f"there is no list `{name}`", needed=f"one of {', '.join(LISTS)}", do=do, code="RG491")
    if name == COSTLY:
        return _write_costly(config, found, path, channel)
    dealings, referred = found.dealings, found.referred
    margin = dealings.bought.summed(dealings.bought.margin, dealings.n)
    rows = candidates.best_first(referred.candidates, margin)
    may, notes = may_be_listed(ledger, config, [str(i) for i in dealings.ids[rows]], channel)
    if may is None:
        return Listed(path, 0, notes, written=False)
    rows = rows[may]
    cells = candidates.cells(dealings, referred.candidates, rows, margin, referred.brought, referred.of_theirs)
    write_rows(config, path, candidates.COLUMNS, list(cells))
    return Listed(path, len(rows), (*notes, *about_ids(config)))


def _write_costly(config: Config, found: Relations, path: Path, channel: str | None) -> Listed:
    if channel is not None:
        raise ConfigError(
            f"`{COSTLY}` is for a person to look at, and for no channel",
            do="leave --channel out",
            code="RG491",
        )
    if COSTLY in found.off:
        return Listed(path, 0, (found.off[COSTLY],), written=False)
    rows = costly.worst_first(found.dealings, found.costs)
    write_rows(config, path, costly.COLUMNS, list(costly.cells(found.dealings, found.costs, rows)))
    note = "this list is for a person to look at: it is no mailing list, and nothing follows from standing in it"
    return Listed(path, len(rows), (note, *about_ids(config)))
