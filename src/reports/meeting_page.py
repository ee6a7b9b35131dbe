"""The weekly meeting on one page: how it goes, who is where, what to do next, what relationships cost and bring.

In: the figures of every part, by name. Out: HTML that loads nothing, runs nothing, escapes everything and names no
customer; the same bytes for the same figures. A part that the data do not allow is a sentence on what to add.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from . import about_growth
from .about_figures import LONG, bars_of, chapter
from .about_groups import groups
from .about_plan import Figures
from .about_shelf import shelf
from .blocks import Cell, Column, Section, Table, further
from .inputs import branch
from .notation import date
from .page import stylesheet, template

Parts = Mapping[str, Figures]
"""Figures by the name of the command that tells them."""
_WORDS = (
    ("At risk", "Who has bought before, and so could be lost."),
    ("Churn", "No purchase for a number of days, which is always named: nobody ends a contract here."),
    ("Expected", "By the model whose backtest stands in the customer report."),
    ("Association", "What goes together. It does not say that one brings the other; only a draw by lot can."),
    ("95 % interval", "Of a hundred such intervals about 95 hold the true figure."),
    ("–", "Not known: nothing to divide by, or a period that is not over."),
)


_SHOWN: Mapping[str, Sequence[str]] = {
    "backtest": ("moment", "evidence", "customers", "loss_own", "loss_shrunk", "loss_population", "gain", "used"),
    "response_by_channel": ("channel", "message", "stage", "basis", "sent", "estimate", "low", "high", "best"),
    "problems": ("name", "by", "complaints", "returns", "problem_share", "given_back", "days_to_resolve", "silent_with",
                 "silent_without", "low", "high"),
    "cost_to_serve": ("segment", "by", "customers", "margin", "discounts", "contact_cost", "complaint_cost",
                      "return_cost", "net"),
    "campaigns": ("campaign", "read_out", "waves_due", "customers", "cost", "gain", "gain_low", "gain_high", "roi"),
}  # fmt: skip
"""Of wide tables the columns that a meeting looks at; the commands tell all."""
_NOT_SHOWN = ("by_hour", "points_rates")


def render_meeting(parts: Parts, as_of: str, beside: Sequence[tuple[str, str]] = ()) -> str:
    """The page of a meeting.

    Parameters
    ----------
    parts : mapping of str to mapping
        `kpis`, `segments`, `products`, `timing`, `loyalty`, `relations`, `whatif`: the figures that each command tells.
    as_of : str
        ISO date of the meeting.
    beside : sequence of (str, str)
        Further pages: what they tell, and the name of their file beside this one.
    """
    return template("offers.html").render(
        title="How are we doing with our customers?",
        topic="The weekly meeting",
        facts=f"As of {date(as_of)} · every figure is defined below its table",
        style=stylesheet(),
        tiles=about_growth.tiles(parts["kpis"]),
        sections=[*_chapters(parts), replace(_reading(beside), part="What it rests on")],
    )


def headlines(parts: Parts) -> list[tuple[str, str]]:
    """The question of every chapter, and its answer in one sentence."""
    return [(section.topic, section.headline) for section in _chapters(parts)]


def _chapters(parts: Parts) -> list[Section]:
    kpis = parts["kpis"]
    told = {
        "How it goes": [
            about_growth.growth(kpis),
            about_growth.loyalty_of_cohorts(kpis),
            about_growth.engagement(kpis),
        ],
        "Who is where": groups(parts["segments"]),
        "What to do next": [
            _pictured("timing", "When and how to reach them?", parts, ("by_weekday", "weekday", "share")),
            shelf(parts["products"]),
            _table_of_kpis("problems", "What bothers them?", kpis),
            _pictured("loyalty", "Who collects, and what is owed?", parts, ("points_by_month", "month", "balance")),
            _table_of_kpis("campaigns", "Did offers pay?", kpis),
        ],
        "What it costs and brings": [
            _pictured("relations", "What do relationships cost?", parts, ("cost_to_serve", "segment", "net")),
            _pictured(
                "whatif",
                "What would it be worth to keep more?",
                parts,
                ("silence_in_money", "segment", "one_point"),
                ("low", "high"),
            ),
        ],
    }
    return [replace(section, part=part) for part, group in told.items() for section in group]


def _pictured(
    name: str, topic: str, parts: Parts, shown: tuple[str, str, str], ends: tuple[str, str] | None = None
) -> Section:
    """A chapter with the bars of one column: of which table, what a bar is called, how long it is."""
    table, label, value = shown
    bars = bars_of(branch(parts[name], "tables", table), label, value, ends, LONG)
    there = [each for each in branch(parts[name], "tables") if each not in _NOT_SHOWN]
    return chapter(name, topic, parts[name], names=_SHOWN, tables=there, pictures=bars)


def _table_of_kpis(name: str, topic: str, kpis: Figures) -> Section:
    """A chapter of one table of the key figures; its headline is that of the table."""
    table = branch(kpis, "tables", name)
    off = branch(kpis, "off").get(name)
    part = {"tables": {name: table} if table else {}, "off": {name: off} if off else {}}
    return chapter(name, topic, part, names=_SHOWN, headline=str(branch(kpis, "headlines").get(name) or ""))


def _reading(beside: Sequence[tuple[str, str]]) -> Section:
    rows = [[Cell(word, strong=True), Cell(meaning)] for word, meaning in _WORDS]
    words = Table("Words", [Column("Word", False), Column("Meaning", False)], rows)
    said = "What the words mean, and where more stands."
    return Section("reading", "How to read this?", said, (), (), [*further(beside), words])
