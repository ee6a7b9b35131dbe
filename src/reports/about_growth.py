"""The chapters on whether relationships grow: by month, by cohort and on the way to a third purchase, engagement.

In: the figures of `regulars kpis`. Out: sections. A period that the data do not cover wholly is not told; what the data
lack is said in a sentence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pandas as pd

from .about_figures import LONG, chapter, defined, said, table_of
from .about_plan import Figures
from .blocks import Cell, Column, Section, Table, Tile, pictured
from .figures import months_picture
from .inputs import branch, entries, number
from .notation import count, money, percent

_BY = ("by_month", "by_quarter")
_MONTH = (
    *("period", "customers", "new", "returning", "reactivated", "orders", "spend", "growth", "growth_year"),
    *("average_order_value", "repeat_purchase_rate", "return_share", "churn_rate"),
)
_AGES = (1, 2, 3, 6, 9, 12)
_PERIODS = 24
"""So many of the last periods are drawn."""


def periods(found: Figures) -> tuple[str, Figures]:
    """The table by period, with its name; empty where there is none."""
    tables = branch(found, "tables")
    name = next((n for n in _BY if n in tables), _BY[0])
    return name, branch(tables, name)


def whole(found: Figures) -> list[dict[str, object]]:
    """The periods that are over, the oldest first."""
    return [row for row in entries(periods(found)[1].get("rows")) if row.get("complete")]


def tiles(found: Figures) -> list[Tile]:
    """The last whole period in figures."""
    rows, unit = whole(found), str(found.get("currency") or "")
    if not rows:
        return []
    last = rows[-1]
    churn = next((r for r in reversed(rows) if number(r.get("churn_rate")) is not None), None)
    told = [
        Tile(money(last.get("spend"), unit), f"spent in {last.get('period')}"),
        Tile(count(last.get("customers")), f"customers bought in {last.get('period')}"),
    ]
    if churn is not None:
        days = f"{found.get('horizon_days')} days"
        label = f"of those at risk on the first of {churn.get('period')} bought nothing in {days}"
        told.append(Tile(percent(churn.get("churn_rate")), label, warm=True))
    return told


def growth(found: Figures) -> Section:
    """Who bought and what they spent, period by period."""
    _, table = periods(found)
    rows, unit = whole(found), str(found.get("currency") or "")
    pictures = []
    if rows:
        frame = pd.DataFrame(
            {
                "month": [str(r.get("period")) for r in rows],
                "spend": [number(r.get("spend")) or 0.0 for r in rows],
                "customers": [number(r.get("customers")) or 0.0 for r in rows],
            }
        ).tail(_PERIODS)
        measures = [("spend", "Net spend"), ("customers", "Customers who bought")]
        pictures = pictured("Period by period", months_picture(frame, measures))
    part = {"notes": [note for note in _notes(found) if note not in branch(found, "off").values()]}
    section = chapter("growth", "How is it going?", part, headline=_grown(rows, unit), pictures=pictures)
    shown = [table_of(table, _MONTH, LONG, "The last periods, the newest at the end"), *defined([table])]
    return replace(section, tables=shown if rows else [])


def _grown(rows: Sequence[Figures], unit: str) -> str:
    if not rows:
        return "No period is over yet: nothing is counted."
    last = rows[-1]
    first = f"In {last.get('period')} {count(last.get('customers'))} customers spent {money(last.get('spend'), unit)}"
    before, year = number(last.get("growth")), number(last.get("growth_year"))
    grown = [f"{_signed(v)} {than}" for v, than in ((before, "on the period before"), (year, "on the year before"))
             if v is not None]  # fmt: skip
    return f"{first}: {' and '.join(grown)}." if grown else f"{first}."


def _signed(share: float) -> str:
    return ("+" if share > 0 else "") + percent(share)


def loyalty_of_cohorts(found: Figures) -> Section:
    """Who comes back: cohorts by age, and the way to a second and a third purchase."""
    tables = branch(found, "tables")
    funnel = branch(tables, "funnel")
    every = next((r for r in entries(funnel.get("rows")) if r.get("cohort") == "all"), {})
    second, third = number(every.get("second_share")), number(every.get("third_share"))
    days = found.get("horizon_days")
    headline = (
        f"{percent(second)} of new customers buy a second time within {days} days"
        + (f", and {percent(third)} of those a third time." if third is not None else ".")
        if second is not None
        else "It is too early to say how many buy a second time."
    )
    grid = _cohorts(branch(tables, "by_cohort"))
    way = table_of(funnel, (), LONG, "The way to a second and a third purchase, by the month of the first")
    shown = [*([grid] if grid is not None else []), *([way] if way.rows else [])]
    said_too = ["A cohort is everybody whose first purchase lies in the same period. What a cohort did is counted over "
                "all of it, also over those who have left."]  # fmt: skip
    return Section("cohorts", "Do new customers come back?", headline, said_too, (), shown)


def _cohorts(found: Figures) -> Table | None:
    """Share of each cohort that bought again, a column an age in periods."""
    rows = [r for r in entries(found.get("rows")) if r.get("complete")]
    cells: dict[str, dict[int, Mapping[str, object]]] = {}
    for row in rows:
        cells.setdefault(str(row.get("cohort")), {})[int(number(row.get("age")) or 0)] = row
    ages = [age for age in _AGES if any(age in of for of in cells.values())]
    if not ages:
        return None
    body = []
    for cohort, of in list(cells.items())[-LONG:]:
        size = next(iter(of.values())).get("customers")
        shares = [number(of[age].get("retention")) if age in of else None for age in ages]
        told = [Cell(said(share, "share"), bar=share) for share in shares]
        body.append([Cell(cohort, strong=True), Cell(count(size)), *told])
    columns = [Column("First purchase in", False), Column("Customers"), *(Column(f"{age} later") for age in ages)]
    return Table("Of a cohort: who bought in the period so many periods later", columns, body)


def engagement(found: Figures) -> Section:
    """Who does something beside buying, and how content they are."""
    table = branch(found, "tables", "engagement")
    rows = [r for r in entries(table.get("rows")) if r.get("complete")]
    last = rows[-1] if rows else {}
    rate, mean = number(last.get("engagement_rate")), number(last.get("satisfaction"))
    told = [f"{percent(rate)} of those at risk did something beside buying" if rate is not None else "",
            f"the mean answer was {said(mean, 'number')}" if mean is not None else ""]  # fmt: skip
    known = [text for text in told if text]
    headline = f"In {last.get('period')} {' and '.join(known)}." if known else ""
    off = branch(found, "off").get("engagement")
    by_channel = branch(found, "tables", "engagement_by_channel")
    tables = {"engagement": table if rows else {}, "engagement_by_channel": by_channel}
    part = {"tables": {n: t for n, t in tables.items() if t}, "off": {"engagement": off} if off else {}}
    return chapter("engagement", "Are they engaged and content?", part, headline=headline)


def _notes(found: Figures) -> list[str]:
    notes = found.get("notes")
    return [str(note) for note in notes] if isinstance(notes, (list, tuple)) else []
