"""Key figures of a configuration: by month or quarter, by cohort, as a funnel, by segment, of engagement.

In: a ledger and its configuration; the newest published scores, if there are any. Out: `Kpis`, whose tables name
nobody, and a folder of CSV files. What the data lack (events, surveys, scores) switches a table off with a sentence.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..clock import Cutoff
from ..config import Config
from ..engines.local import histories
from ..errors import ConfigError
from ..features.family import plan_for
from ..features.shape import Shape
from ..intake import Ledger
from ..kpis.by_period import Window, by_period
from ..kpis.cohorts import by_cohort
from ..kpis.funnel import funnel
from ..kpis.periods import Periods
from ..kpis.purchases import FAR, Purchases
from ..kpis.table import Table
from ..offers.harmless import harmless
from .campaign.returns import returns
from .files import folder_replaced
from .kpi_parts import Part, event_parts, relation_parts, segment_part
from .problems import problems_of

Progress = Callable[[str, float], None]

NAMES = (
    *("by_month", "by_quarter", "by_cohort", "funnel", "by_segment", "engagement", "engagement_by_channel"),
    *("problems", "campaigns", "cost_to_serve", "acquisition"),
)
"""Of tables, and of the files they are written to."""
DEFINITIONS = "definitions"
CENSORED = 0.3
"""Share of customers first seen in the first h days from which on that is said."""
_LAST = 14
_IN_TIME = ("by_month", "by_quarter", "by_cohort", "funnel", "engagement")
"""Of these a terminal shows the last rows only."""
_RETURNS = ("returns", "return_share")
_SHOWN = {
    "by_month": ("period", "customers", "new", "returning", "reactivated", "orders", "spend", "growth", "churn_rate"),
    "by_cohort": ("cohort", "age", "customers", "retention", "spend_per_customer"),
    "funnel": ("cohort", "customers", "second_share", "second_days", "third_share", "third_days"),
    "by_segment": ("segment", "customers", "share", "bought_share", "spend", "spend_share", "spend_per_customer"),
    "engagement_by_channel": ("period", "channel", "at_risk", "engaged", "engagement_rate", "deeds_share"),
    "engagement": ("period", "at_risk", "engagement_rate", "answers", "satisfaction", "response_rate"),
    "problems": ("by", "name", "complaints", "returns", "problem_share", "given_back", "silent_with", "difference"),
    "campaigns": ("campaign", "read_out", "waves_due", "customers", "cost", "gain", "gain_low", "gain_high", "roi"),
    "cost_to_serve": ("by", "segment", "customers", "margin", "cost", "cost_share", "net", "net_per_customer"),
    "acquisition": (
        *("by", "name", "customers", "cost_per_customer", "margin_per_customer", "clv_to_cost", "low", "high"),
        "payback",
    ),
}


@dataclass(frozen=True)
class Kpis:
    """Key figures, and what to keep in mind about them.

    Parameters
    ----------
    by : {"month", "quarter"}
    horizon_days : int
        What counts as silence.
    currency : str
    starts, ends : Cutoff
        The data cover the days [starts, ends).
    tables : tuple of Table
        Those that the data allow, by period first.
    notes : tuple of str
    off : mapping of str to str
        Why a table is left out, by its name.
    headlines : mapping of str to str
        What is said of a table first, by its name.
    """

    by: str
    horizon_days: int
    currency: str
    starts: Cutoff
    ends: Cutoff
    tables: tuple[Table, ...]
    notes: tuple[str, ...]
    off: Mapping[str, str] = field(default_factory=dict)
    headlines: Mapping[str, str] = field(default_factory=dict)

    def table(self, name: str) -> Table | None:
        """A table, if the data allow it."""
        return next((table for table in self.tables if table.name == name), None)

    def beside(self, parts: Mapping[str, Part]) -> Kpis:
        """The same with more tables, or with why they are left out."""
        off = {name: part.said[0] for name, part in parts.items() if part.table is None and part.said}
        return replace(
            self,
            tables=(*self.tables, *(part.table for part in parts.values() if part.table is not None)),
            notes=(*self.notes, *(said for part in parts.values() for said in part.said)),
            off={**self.off, **off},
            headlines={**self.headlines, **{n: part.headline for n, part in parts.items() if part.headline}},
        )

    @property
    def lines(self) -> list[str]:
        """The tables as a terminal shows them: the last periods, and of cohorts the first ages only."""
        found: list[str] = []
        for table in self.tables:
            table = _few(table, self.by)
            every = [column.name for column in table.columns]
            names = _SHOWN.get("by_month" if table.name.startswith("by_quarter") else table.name, every)
            last = _LAST if table.name in _IN_TIME else None
            found += [
                f"{table.name}: {table.about}",
                *(table.lines(names, last) if table.rows else ["nothing is over yet"]),
                *([self.headlines[table.name]] if table.name in self.headlines else []),
                "",
            ]
        money = f" in {self.currency}" if self.currency else ""
        return [*found, f"money{money}; `-` is not known or not over; silence is more than {self.horizon_days} days"]

    def figures(self) -> dict[str, object]:
        """As JSON takes it; nobody is named."""
        return {
            "by": self.by,
            "horizon_days": self.horizon_days,
            "currency": self.currency,
            "from": str(self.starts),
            "to": str(self.ends.minus(1)),
            "notes": list(self.notes),
            "off": dict(self.off),
            "headlines": dict(self.headlines),
            "tables": {table.name: table.figures() for table in self.tables},
        }

    def write(self, folder: Path) -> None:
        """One CSV for each table, and one of the definitions; the folder appears whole, or stays as it was."""

        def fill(waiting: Path) -> None:
            for table in self.tables:
                head = [column.name for column in table.columns]
                _write(waiting / f"{table.name}.csv", head, [list(row.values()) for row in table.shown()])
            said: list[list[object]] = [[t.name, c.name, c.kind, c.meaning] for t in self.tables for c in t.columns]
            _write(waiting / f"{DEFINITIONS}.csv", ["table", "column", "kind", "meaning"], said)

        folder_replaced(folder, fill, _is_ours)


def kpis(
    ledger: Ledger,
    config: Config,
    by: str = "month",
    detractors_up_to: float | None = None,
    progress: Progress | None = None,
    scheme: str | None = None,
) -> Kpis:
    """The key figures of a ledger.

    Parameters
    ----------
    by : {"month", "quarter"}
    detractors_up_to : float, optional
        The highest answer to a survey that counts as one of a detractor.
    scheme : str, optional
        Of `regulars segments`, for the table by segment; default: the segments of the published scores.

    Raises
    ------
    ConfigError
        ``RG470``: there is no such kind of period. ``RG471``: detractors were asked for without events. ``RG476``:
        there is no such scheme.
    """
    periods = Periods.of(ledger.history_starts, ledger.ends, by)
    if detractors_up_to is not None and not ledger.has_table("events"):
        raise ConfigError(
            "the detractors' answers are told, but there are no events", do="add [data.events]", code="RG471"
        )
    if progress:
        progress("key figures", 0.0)
    target = config.target
    purchases = Purchases.of(histories(ledger, plan_for(Shape())))
    window = Window(
        target.primary, ledger.history_starts, ledger.ends, target.active_within_days, target.label_lag_days
    )
    tables = (
        by_period(purchases, periods, window, _RETURNS if ledger.rules.returns == "drop" else ()),
        by_cohort(purchases, periods),
        funnel(purchases, periods, window.days, ledger.ends),
    )
    parts = {
        "by_segment": segment_part(ledger, config, purchases, window, scheme),
        **event_parts(ledger, purchases, periods, window, detractors_up_to),
        "problems": Part.of(*problems_of(ledger, purchases, window)),
        "campaigns": Part.of(*returns(ledger, config)),
    }
    if progress:
        progress("key figures", 1.0)
    notes = tuple(_about_data(ledger, periods, purchases, window))
    span = (ledger.history_starts, ledger.ends)
    return Kpis(by, window.days, config.data.currency, *span, tables, notes).beside(parts)


def with_relations(found: Kpis, ledger: Ledger, config: Config, progress: Progress | None = None) -> Kpis:
    """The same with what relationships cost and bring, as `regulars relations` tells it."""
    return found.beside(relation_parts(ledger, config, progress))


def _about_data(ledger: Ledger, periods: Periods, purchases: Purchases, window: Window) -> list[str]:
    open_ones = [name for name, whole in zip(periods.names, periods.complete, strict=True) if not whole]
    found = []
    if open_ones:
        found.append(
            f"The data do not cover all of {', '.join(open_ones)}: nothing is counted there, nor grows from there."
        )
    guests = ledger.manifest.lines["guest"]
    if guests:
        money = f"{float(ledger.manifest.money['guest']):,.2f}"
        found.append(f"{guests:,} lines of guests ({money} in all) are in no table: nobody knows who they are.")
    first = purchases.days.first
    known = first < FAR
    early = int((first[known] < window.starts.day + window.days).sum())
    if known.any() and early > CENSORED * int(known.sum()):
        found.append(
            f"{early / int(known.sum()):.0%} of the customers first appear in the first {window.days} days: many who "
            "look new then are old customers (left-censored), and the first cohorts are mixed."
        )
    if ledger.rules.returns == "drop":
        found.append("Returns were dropped when the data were read: there is no share of returns, and spend is gross.")
    if ledger.rules.returns == "separate":
        found.append('Spend counts positive lines only, as `returns = "separate"` says.')
    return found


def _few(table: Table, by: str) -> Table:
    """The rows that a screen has room for; the files and the figures have all."""
    rows = table.rows
    if table.name == "by_cohort":
        # The first period after the one of the first purchase and a year later, where they are known.
        rows = tuple(row for row in rows if row["age"] in (1, 12 if by == "month" else 4) and row["complete"])
    elif table.name == "engagement_by_channel":
        rows = tuple(row for row in rows if row["period"] == rows[-1]["period"])
    elif table.name == "acquisition":
        rows = tuple(row for row in rows if row["by"] != "month")
    return Table(table.name, table.about, table.columns, rows)


def _write(path: Path, head: list[str], rows: list[list[object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(head)
        # Numbers stay numbers: a minus sign of their own is no formula.
        writer.writerows([harmless(cell) if isinstance(cell, str) else cell for cell in row] for row in rows)


def _is_ours(file: Path) -> bool:
    return file.is_file() and file.suffix == ".csv" and file.stem in (*NAMES, DEFINITIONS)
