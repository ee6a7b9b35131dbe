"""Products to suggest: lists for every customer by rules that the ledger's own past has chosen, and what sells.

In: a ledger, its configuration, a day, what an item is, names to leave out. Out: `Suggested`: sentences, tables
without anybody's id, and one file of lists. What the data do not allow is a sentence under `off`; without products and
categories there is nothing to suggest at all.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..clock import Cutoff
from ..config import Config
from ..errors import ConfigError
from ..intake import Ledger
from ..kpis.table import Table
from ..products.bought import Blocks
from ..products.crowd import POPULAR_DAYS, WINDOW_DAYS
from ..products.fresh import Shelf, needs
from ..products.items import items_before, kind_of
from ..products.kept import FILE as SHELF
from ..products.kept import Kept
from ..progress import Progress
from .files import replaced
from .product_choice import Chosen, GoTogether, Stand
from .product_tables import backtest_table, demand_table, pairs_table
from .suggestions import Lists, write_lists
from .written import remember

FILE = "products.parquet"
NOTHING = (
    "nothing to suggest: the purchases name neither products nor categories; map `product_id` or `category` in "
    "[data.purchases]"
)


@dataclass(frozen=True)
class Suggested:
    """What was found and written.

    Parameters
    ----------
    lines, notes : tuple of str
        For people; names of products stand in them, ids of customers never.
    told : dict
        The figures.
    """

    lines: tuple[str, ...]
    notes: tuple[str, ...]
    told: dict[str, Any]

    def figures(self) -> dict[str, Any]:
        """The same as JSON takes it."""
        return self.told


@dataclass(frozen=True)
class Asked:
    """What was asked for.

    Parameters
    ----------
    kind : {"product", "category"}, optional
        Default: products where the ledger has them.
    exclude : collection of str
        Products and categories to leave out, such as bags and deposits.
    window_days : int
        Days of a window of the backtest; within so many days something should be bought again.
    backtest_only : bool
        Whether to judge the rules and write no lists.
    """

    kind: str | None = None
    exclude: Collection[str] = ()
    window_days: int = WINDOW_DAYS
    backtest_only: bool = False


def suggest(
    ledger: Ledger, config: Config, day: Cutoff | None = None, asked: Asked | None = None, out: Path | None = None,
    progress: Progress | None = None,
) -> Suggested:  # fmt: skip
    """Choose the rules, judge them, and write the lists of all customers as of a day (default: the end of the data).

    Raises
    ------
    ConfigError
        ``RG480``: a name to leave out was never bought; ``RG481``: an unknown kind; ``RG482``: the day lies after the
        data's end; ``RG483``: a file of another kind.
    """
    asked, day, tell = asked or Asked(), day or ledger.ends, progress or _silent
    if day > ledger.ends:
        raise ConfigError(
            f"the data end before {ledger.ends}, so that nothing is known of the days till {day}",
            do="leave --as-of out, or say `history_ends` in [data] if nothing was sold",
            code="RG482",
        )
    file = out or config.folder / FILE
    if file.suffix not in (".parquet", ".csv"):
        raise ConfigError(f"lists cannot be written as `{file.suffix}`", needed=".parquet or .csv", code="RG483")
    kind = kind_of(ledger, asked.kind)
    if kind is None:
        return _nothing(day, NOTHING if asked.kind is None else _not_there(asked.kind))
    tell("items", 0.0)
    begins = day.minus(asked.window_days)
    earlier = (begins, begins.minus(asked.window_days))
    items, *then = items_before(ledger, kind, day, asked.exclude, earlier)
    if not len(items):
        return _nothing(day, f"nothing to suggest: no {kind} was bought before {day}")
    return _of_items(
        Stand(Blocks(ledger, items), dict(zip((day, *earlier), (items, *then), strict=True)), day, asked.window_days),
        config,
        None if asked.backtest_only else file,
        tell,
    )


def _of_items(stand: Stand, config: Config, file: Path | None, tell: Progress) -> Suggested:
    chosen = stand.chosen(tell)
    tell("what sells", 0.0)
    shelf = stand.shelf(stand.day, learnt="factors" in needs(chosen.new))
    found = stand.together(shelf.demand, None if chosen.judging is None else chosen.judging.shelf.demand)
    tables, off = _tables(chosen, shelf, found)
    notes = list(chosen.notes)
    if not shelf.demand.covered:
        notes.append(f"growth is not known: the data do not cover {2 * WINDOW_DAYS} days before the day")
    told: dict[str, Any] = {
        "as_of": str(stand.day),
        "items_by": stand.items.kind,
        "items": len(stand.items),
        "left_out": len(stand.items.excluded),
        "window_days": stand.window_days,
        **chosen.figures(),
        "goes_with_later": found.later,
        "headline": chosen.headline or next(iter(chosen.notes), ""),
        "tables": {table.name: table.figures() for table in tables},
        "off": off,
        "notes": notes,
    }
    lines = [*chosen.lines, *_demand_words(tables), *found.words]
    if file is not None:
        remember(config.folder, "suggestions", file)
        kept = Kept(shelf, chosen.again, chosen.new, stand.window_days)
        counts = write_lists(stand.blocks.all(), Lists(kept), file, tell)
        replaced(config.folder / SHELF, lambda waiting: waiting.write_bytes(kept.content()))
        told |= {**counts, "file": file.name, "shelf": SHELF}
        again, new = counts["customers_again"], counts["customers_new"]
        lines.append(f"buy again for {again:,} customers, new for you for {new:,}: {file}")
        lines.append(f"for offers that suggest products: {config.folder / SHELF}")
    return Suggested(tuple(lines), tuple(notes), told)


def _tables(chosen: Chosen, shelf: Shelf, found: GoTogether) -> tuple[list[Table], dict[str, str]]:
    """The tables that the data allow, and a sentence for each that they do not."""
    tables, off = [demand_table(shelf.demand, shelf.items)], dict[str, str]()
    if not tables[0].rows:
        tables, off["in_demand"] = [], f"nothing is in demand: nothing was bought in the last {POPULAR_DAYS} days"
    if found.pairs:
        tables.append(pairs_table(found.pairs, shelf.items))
    else:
        off["goes_with"] = found.words[0]
    if chosen.judging is not None:
        tables.append(backtest_table(chosen.judging, chosen.names))
    else:
        off["backtest"] = chosen.notes[0]
    return tables, off


def _demand_words(tables: list[Table]) -> list[str]:
    rows = [row for table in tables if table.name == "in_demand" for row in table.rows]
    first = [f"{row['item']} ({row['buyers']:,} buyers)" for row in rows[:3]]
    return [f"in demand, last {WINDOW_DAYS} days: {', '.join(first)}"] if first else []


def _nothing(day: Cutoff, said: str) -> Suggested:
    figures = {"as_of": str(day), "items": 0, "rules": None, "judged_on": None, "headline": said}
    return Suggested((said,), (), {**figures, "tables": {}, "off": {"products": said}, "notes": []})


def _not_there(kind: str) -> str:
    return f"nothing to suggest by {kind}: the purchases name none; map it in [data.purchases]"


def _silent(_: str, __: float) -> None:
    """The progress of someone who does not want to know."""
