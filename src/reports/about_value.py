"""The chapter on future value: who will bring the money, and which of them are at risk.

In: the checked report and its valued customers. Out: one section in plain words. Spent so far stands beside what is
expected, and is never called a forecast. Without segments the map is left out, and it is said why.
"""

from __future__ import annotations

import pandas as pd

from ..models.concentration import AT_RISK, HELD, SEGMENTS
from .blocks import Cell, Column, Section, Table, pictured
from .inputs import ReportInput
from .notation import count, days, money, percent, plain
from .panels import share_text
from .value import holders, segment_table, value_line
from .value_figures import held_picture, value_map

TOPIC = "Who will bring the money?"
URGENT = SEGMENTS[1]


def value(report: ReportInput, customers: pd.DataFrame) -> Section:
    """How few customers hold most of the expected spend, and how many of them are at risk."""
    n, total = holders(customers["expected_spend"]), customers["expected_spend"].clip(lower=0.0).sum()
    ahead = days(report.horizon_days)
    if not n:
        return Section("value", TOPIC, f"No spend is expected of anybody in the next {ahead}.")
    headline = (
        f"{count(n)} of {count(len(customers))} customers, {percent(n / len(customers))}, hold {share_text(HELD)} of "
        f"the {money(total, report.currency)} expected in the next {ahead}."
    )
    picture = held_picture(
        [("expected", customers["expected_spend"]), ("spent so far", customers["spend"])],
        "Share of the expected spend held by the customers of whom most is expected",
    )
    concentrated = "The further the line bows to the upper left, the fewer customers hold the money."
    note = (
        "Upwards: expected spend. Read the upper right first: much is expected there, and it may not come. The deeper "
        "a square, the more customers."
    )
    return Section(
        "value", TOPIC, headline, _words(report, customers),
        [*pictured("The value map", value_map(customers, report.horizon_days), note),
         *pictured("How few hold how much", picture, concentrated)],
        _segments(report, customers),
    )  # fmt: skip


def _words(report: ReportInput, customers: pd.DataFrame) -> list[str]:
    table = segment_table(customers)
    words = [
        f"Expected is a forecast for the next {days(report.horizon_days)}, returns subtracted. Spent so far is history "
        "and stands beside it for comparison only: it predicts nothing by itself."
    ]
    if table.empty:
        return [*words, "These scores have no segments, so the map of value and risk is left out."]
    urgent = customers[customers["segment"] == URGENT]
    both = (
        f"Both at once: {count(len(urgent))} {'customer' if len(urgent) == 1 else 'customers'}, of whom "
        f"{money(urgent['expected_spend'].sum(), report.currency)} is expected all the same, and who spent "
        f"{money(urgent['spend'].sum(), report.currency)} so far."
    )
    at_risk = f"At risk: with a chance of not buying of {share_text(AT_RISK)} or more."
    high = f"High value: {_high(report, customers)}. {at_risk} {both if len(urgent) else 'Nobody is both.'}"
    return [*words, high]


def _high(report: ReportInput, customers: pd.DataFrame) -> str:
    """From how much on a customer is of high value."""
    least = value_line(customers)
    held = f"that held {share_text(HELD)} of what was expected when the model was trained"
    return "nobody" if least is None else f"expected to spend {money(least, report.currency)} or more, a line {held}"


def _segments(report: ReportInput, customers: pd.DataFrame) -> list[Table]:
    table, unit = segment_table(customers), report.currency
    if table.empty:
        return []
    n, whole = max(len(customers), 1), float(table["expected"].sum())
    rows = [
        [
            Cell(plain(str(r["segment"]).capitalize()), strong=r["segment"] == URGENT),
            Cell(count(r["n"]), percent(r["n"] / n)),
            Cell(money(r["expected"], unit), percent(r["expected"] / whole) if whole > 0 else "", strong=True),
            Cell(money(r["expected"] / r["n"], unit) if r["n"] else "–"),
            Cell(percent(r["p_churn"]) if r["n"] else "–"),
            Cell(money(r["spent"], unit)),
        ]
        for r in table.to_dict("records")
    ]
    ahead = f"next {days(report.horizon_days)}"
    columns = [Column("Segment", False), Column("Customers", note="of all"), Column("Expected spend", note=ahead),
               Column("Expected per customer"), Column("Mean chance of not buying"),
               Column("Spent so far", note="no forecast")]  # fmt: skip
    return [Table("The four segments", columns, rows)]
