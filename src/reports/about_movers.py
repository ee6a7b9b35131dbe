"""The chapter on what has changed since earlier scores.

In: the checked report with its movers (a row a customer who moved; those who joined have nothing before, those who left
nothing now) and their figures. Out: one section in plain words. Without earlier scores it says so.
"""

from __future__ import annotations

import pandas as pd

from .blocks import Cell, Column, Section, Table, pictured
from .inputs import ReportInput, number
from .listing import NONE, first_column, moved_name
from .notation import count, date, money, percent, plain
from .value_figures import moves_picture

TOPIC = "What has changed since last time?"
LISTED = 12
KINDS = {"joined": "new among the scores", "left": "no longer scored", "risk": "risk", "value": "value",
         "segment": "segment"}  # fmt: skip


def movers(report: ReportInput) -> Section:
    """Who joined, who left, whose risk or value changed most."""
    frame, about = report.movers, report.moved or {}
    if frame is None:
        why = plain(about.get("words") or "there are no earlier scores to compare with")
        return Section("movers", TOPIC, f"Who has moved is not told: {why}.")
    since = about.get("since") or (frame["as_of_before"].iloc[0] if len(frame) else None)
    if frame.empty:
        return Section("movers", TOPIC, "Nobody has moved since the last scores.")
    counted = {k: number(about.get(k)) for k in ("joined", "left", "segment")}
    said = [f"{count(n)} {words}" for n, words in zip(counted.values(), _COUNTED, strict=True) if n is not None]
    headline = f"Since {date(since)} {', '.join(said) or f'{count(len(frame))} customers moved'}."
    note = "An arrow a customer, from last time to now: to the right the risk grew, downwards less is expected."
    top = frame.head(LISTED)
    words = [
        "Listed first is where the expected spend changed most. A change may come from what the customer did, from "
        "time that passed in silence, or from another model.",
        *([f"{_sentence(about['words'])}"] if about.get("words") else []),
    ]
    pictures = pictured("The movers on the map", moves_picture(top), note)
    return Section("movers", TOPIC, headline, words, pictures, [_table(report, top)])


_COUNTED = ("joined", "left", "changed their segment")


def _sentence(words: object) -> str:
    text = plain(words)
    return f"{text[:1].upper()}{text[1:]}."


def _table(report: ReportInput, top: pd.DataFrame) -> Table:
    name_of = moved_name(report)
    rows = [
        [
            name_of(r),
            Cell(", ".join(KINDS.get(k, plain(k)) for k in str(r["moved"]).split(", "))),
            _change(_percent(r["p_churn_before"]), _percent(r["p_churn"])),
            _change(_money(r["expected_spend_before"], report), _money(r["expected_spend"], report)),
            _change(plain(r["segment_before"] or NONE), plain(r["segment"] or NONE)),
        ]
        for r in top.to_dict("records")
    ]
    columns = [first_column(report), Column("What moved", False), Column("Chance of not buying", note="below: before"),
               Column("Expected spend", note="below: before"), Column("Segment", False, "below: before")]  # fmt: skip
    return Table(f"The {len(rows)} whose expected spend changed most", columns, rows)


def _percent(value: object) -> str:
    return NONE if number(value) is None else percent(value)


def _money(value: object, report: ReportInput) -> str:
    return NONE if number(value) is None else money(value, report.currency)


def _change(before: str, now: str) -> Cell:
    return Cell(now, before if before != now else "as before")
