"""The chapter on follow-ups of a plan: to whom something happened that an offer follows, and what becomes of them.

In: the figures of a plan. Out: a section with a row for each follow-up; none of a plan without follow-ups. What is
missing is a dash.
"""

from __future__ import annotations

from .about_plan import Figures
from .blocks import Cell, Column, Section, Table
from .inputs import branch, entries, number
from .notation import count, percent, plain


def follow_ups(found: Figures) -> Section | None:
    """Who is in the window of each follow-up, who gets it, and why the others do not."""
    rows = entries(found.get("follow_ups"))
    if not rows:
        return None
    inside, given = (sum(number(row.get(name)) or 0 for row in rows) for name in ("in_window", "given"))
    headline = f"{count(given)} follow-ups go out; {count(inside)} could, by what happened of late."
    words = [
        "A follow-up goes only to whom something happened so many days ago, and once each time that it happens. What "
        "somebody was meant to get who was left out by lot counts as if it had been given.",
    ]
    columns = [Column("Offer", False), Column("Follows", False), Column("In its window"), Column("Get it"),
               Column("Others do not", False)]  # fmt: skip
    body = [_row(row) for row in rows]
    return Section("follow-ups", "Who gets a follow-up?", headline, words, (), [Table("Follow-ups", columns, body)])


def _row(row: Figures) -> list[Cell]:
    inside, given = number(row.get("in_window")) or 0, number(row.get("given")) or 0
    held = "; ".join(f"{plain(why)} {count(n)}" for why, n in branch(row, "held_back").items())
    return [
        Cell(plain(row.get("offer") or ""), strong=True),
        Cell(plain(row.get("words") or "")),
        Cell(count(inside)),
        Cell(count(given), percent(given / inside) if inside else ""),
        Cell(held or "–"),
    ]
