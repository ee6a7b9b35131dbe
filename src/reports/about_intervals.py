"""The chapter on how sure a single forecast is: did the intervals of spend hold, and did the chance of no spend?

In: the checked report. Out: one section in plain words, by fifths of forecast spend, because an average hides where
intervals fail. Without intervals it is said why there are none.
"""

from __future__ import annotations

import pandas as pd

from .blocks import Column, Section, Table, pictured, row
from .inputs import ReportInput, branch, entries, number
from .notation import NBSP, count, date, money, percent, plain
from .panels import share_text
from .value_figures import coverage_picture, none_picture

TOPIC = "How sure is it of one customer?"
UPPER = 0.90
"""What the one-sided bound is meant to hold."""
MISS = 0.03
"""A fifth that is covered by so much less than promised is named."""
FIGURES = (
    "p_none",
    "share_none",
    "coverage",
    "upper_coverage",
    "mean_predicted",
    "mean_low",
    "mean_high",
    "mean_upper",
)


def quintiles(card: dict[str, object]) -> pd.DataFrame:
    """The fifths of an `intervals` card, the lowest forecast first; a figure that is missing is NaN.

    Examples
    --------
    >>> quintiles({"by_quintile": [{"quintile": 2, "n": 5, "coverage": 0.8}]})[["quintile", "coverage"]].values.tolist()
    [[2.0, 0.8]]
    """
    found = [p for p in entries(card.get("by_quintile")) if number(p.get("quintile")) is not None]
    figures = [{name: number(p.get(name)) for name in ("quintile", "n", *FIGURES)} for p in found]
    return pd.DataFrame(figures, columns=["quintile", "n", *FIGURES], dtype=float).sort_values("quintile")


def intervals(report: ReportInput) -> Section:
    """Whether the spend of customers lay within their intervals as often as promised."""
    pooled = branch(report.backtest, "pooled")
    card = branch(pooled, "intervals")
    covered, below = number(card.get("coverage")), number(card.get("upper_coverage"))
    if covered is None or below is None:
        why = plain(branch(pooled, "undefined").get("intervals") or "they were not measured at any check")
        return Section("intervals", TOPIC, f"How sure it is of one customer is not defined here: {why}.")
    level, table = number(card.get("level")) or 0.8, quintiles(card)
    headline = (
        f"{percent(covered)} of the customers spent within their {share_text(level)} interval, and {percent(below)} "
        f"no more than their {share_text(UPPER)} bound."
    )
    pictures = [
        *pictured(
            "Did the intervals hold?", coverage_picture(table, level, UPPER),
            "Dots on their dashed line: kept as promised. Below it: too narrow.",
        ),
        *pictured(
            "Who spends nothing", none_picture(table),
            "Where bar and tick meet, the chance of no spend may be taken at its word.",
        ),
    ]  # fmt: skip
    return Section("intervals", TOPIC, headline, _words(card, table, level), pictures, [_table(report, table, level)])


def _words(card: dict[str, object], table: pd.DataFrame, level: float) -> list[str]:
    words = [
        "One customer mostly spends nothing, or more than the mean. So each forecast of spend has a chance of no "
        f"spend, an interval meant to hold {share_text(level)} of such customers, and a bound that {share_text(UPPER)} "
        "should not exceed. Where nearly everybody spends nothing, the interval holds more than it promises."
    ]
    low = table[table["coverage"] < level - MISS]
    if len(low):
        named = ", ".join(
            f"{percent(c)} in fifth {int(q)}" for q, c in zip(low["quintile"], low["coverage"], strict=True)
        )
        words.append(f"Narrower than promised: {named}. Trust these intervals less.")
    elif len(table):
        words.append(f"In no fifth does the interval hold less than {percent(table['coverage'].min())}.")
    days = card.get("calibrated_on")
    dates = [date(d) for d in days] if isinstance(days, (list, tuple)) else []
    if dates:
        rows = number(card.get("calibrated_rows"))
        of = "" if rows is None else f" (up to {count(rows)} forecasts)"
        span = dates[0] if len(dates) == 1 else f"{len(dates)} days from {dates[0]} to {dates[-1]}"
        words.append(f"The intervals were learnt from how far off earlier forecasts were, made on {span}{of}.")
    return words


def _table(report: ReportInput, table: pd.DataFrame, level: float) -> Table:
    columns = [Column("Fifth", False, "1 = lowest forecast"), Column("Forecasts"),
               Column("Expected spend", note="mean"), Column("Chance of no spend", note="forecast"),
               Column("Spent nothing"), Column(f"{share_text(level)} interval", note="mean ends"), Column("Within it"),
               Column(f"{share_text(UPPER)} bound", note="mean"), Column("Below it")]  # fmt: skip
    rows = [
        row(
            int(r["quintile"]), count(r["n"]), money(r["mean_predicted"], report.currency), percent(r["p_none"]),
            percent(r["share_none"]), f"{money(r['mean_low'])} to{NBSP}{money(r['mean_high'])}", percent(r["coverage"]),
            money(r["mean_upper"]), percent(r["upper_coverage"]),
        )
        for r in table.to_dict("records")
    ]  # fmt: skip
    return Table("The fifths by forecast spend, all checks together", columns, rows, folded=True)
