"""The chapter on time: how many buy within days, did such forecasts hold, who is late for an own rhythm.

In: the checked report and its customers. Out: one section in plain words. What the scores or the checks do not have is
left out with a sentence.
"""

from __future__ import annotations

import pandas as pd

from .blocks import Cell, Column, Picture, Section, Table, pictured, row
from .columns import purchase_days
from .figures import calibration_picture
from .inputs import ReportInput, branch, entries, number
from .listing import first_column, has, lateness, naming, next_order, silent, so_far
from .notation import count, days, figure, money, percent
from .tables import calibration
from .value_figures import purchase_picture

TOPIC = "When will they buy, and who is late?"
LISTED = 10
SHOWN_DAYS = 30
"""The calibration is drawn for the number of days nearest to this."""
CALLED = "timing"


def timing(report: ReportInput, customers: pd.DataFrame) -> Section:
    """Purchases within days, now and at the checks; the customers who are late."""
    ahead = purchase_days(customers)
    ahead = [d for d in ahead if has(customers, f"p_purchase_{d}d")]
    if not ahead:
        return Section("timing", TOPIC, "When customers buy next is not forecast in these scores.")
    late = _late(customers)
    soon = [d for d in ahead if d in (7, SHOWN_DAYS)] or ahead[:1]
    said = [f"{count(customers[f'p_purchase_{d}d'].sum())} within {days(d)}" for d in soon]
    headline = f"Of {count(len(customers))} customers about {' and '.join(said)} will buy again"
    headline += (
        "." if late is None else f"; {count(len(late))} {'is' if len(late) == 1 else 'are'} late by their own rhythm."
    )
    pictures = [
        *pictured(
            "Forecast and actual, by days", purchase_picture(by_days(report)),
            "Where bar and tick meet, so many bought within the days as had been forecast.",
        ),
        *_calibrated(report),
    ]  # fmt: skip
    tables = [*_late_table(report, late), _days_table(report, customers, ahead)]
    return Section("timing", TOPIC, headline, _words(report, late), pictures, tables)


def by_days(report: ReportInput) -> pd.DataFrame:
    """Forecast and actual share who bought within days, over all checks.

    Returns
    -------
    DataFrame with columns group (days), n, predicted, actual, log_loss, auc, low, high (NaN)
    """
    found = entries(branch(report.backtest, "pooled", CALLED).get("by_days"))
    names = ("days", "n", "predicted", "actual", "log_loss", "auc")
    table = pd.DataFrame([{k: number(p.get(k)) for k in names} for p in found], columns=list(names), dtype=float)
    table = table.dropna(subset=["days", "predicted", "actual"]).rename(columns={"days": "group"})
    return table.assign(low=float("nan"), high=float("nan")).sort_values("group").reset_index(drop=True)


def _calibrated(report: ReportInput) -> list[Picture]:
    """Groups by chance of a purchase within about thirty days, from the checks."""
    frame = report.predictions
    known = [d for d in purchase_days(frame) if f"bought_{d}d" in frame.columns]
    if not known:
        return []
    shown = min(known, key=lambda d: (abs(d - SHOWN_DAYS), d))
    renamed = frame[["cutoff", "customer_id"]].assign(
        churned=frame[f"bought_{shown}d"], p_churn_bought=frame[f"p_purchase_{shown}d"]
    )
    picture = calibration_picture(
        calibration(renamed, "bought"), "bought", ("least likely", "groups of equal size", "most likely")
    )
    note = f"Customers in groups of equal size by their chance; where bar and tick meet, it held. Within {days(shown)}."
    return pictured(f"Did a chance of buying within {days(shown)} hold?", picture, note)


def _late(customers: pd.DataFrame) -> pd.DataFrame | None:
    """The late customers, those with most expected spend first; None when scores do not say who is late."""
    if "late" not in customers.columns:
        return None
    late = customers[customers["late"]]
    return late.sort_values(["expected_spend", "customer_id"], ascending=[False, True])


def _words(report: ReportInput, late: pd.DataFrame | None) -> list[str]:
    words = [
        "Each chance is that of a purchase within so many days from the day of the scores, given how long the customer "
        "has been silent already. The window of the next order holds the middle half of such orders; half come "
        "before its middle day."
    ]
    if late is None:
        words.append("Who is late by an own rhythm is not told in these scores.")
    else:
        words.append(
            "Late is who has been silent for longer than nine of ten gaps of this customer would last, however often "
            "others buy. Many of them can still be reminded in time."
        )
    c_index = number(branch(report.backtest, "pooled", CALLED).get("c_index"))
    if c_index is not None:
        words.append(
            f"Of two customers, the one forecast to buy earlier did so in {percent(c_index)} of the cases (c-index "
            f"{figure(c_index, 2)}; 0.50 is chance)."
        )
    if by_days(report).empty:
        words.append("No check in the past tells how good these chances are.")
    return words


def _late_table(report: ReportInput, late: pd.DataFrame | None) -> list[Table]:
    if late is None or late.empty:
        return []
    top, name_of = late.head(LISTED), naming(report)
    chance = f"p_purchase_{SHOWN_DAYS}d"
    soon, window = has(top, chance), has(top, "next_order_p50")
    columns = [first_column(report), Column("Last purchase"), Column("Chance of such silence", note="if still active"),
               Column("Chance of not buying"), *([Column(f"Chance of buying in {days(SHOWN_DAYS)}")] if soon else []),
               *([Column("Next order", note="half of them before")] if window else []),
               Column("Expected spend"), Column("Spent so far")]  # fmt: skip
    rows = [
        [
            name_of(r), silent(r), lateness(r), Cell(percent(r["p_churn"])),
            *([Cell(percent(r[chance]))] if soon else []), *([next_order(r)] if window else []),
            Cell(money(r["expected_spend"], report.currency), strong=True), so_far(r, report.currency),
        ]
        for r in top.to_dict("records")
    ]  # fmt: skip
    return [Table(f"Late by their own rhythm: the {len(rows)} with the most expected spend", columns, rows)]


def _days_table(report: ReportInput, customers: pd.DataFrame, ahead: list[int]) -> Table:
    past = {int(r["group"]): r for r in by_days(report).to_dict("records")}
    columns = [Column("Within", False), Column("Will buy now", note="customers"), Column("Share now"),
               Column("Forecast", note="at the checks"), Column("Bought", note="at the checks"), Column("Log loss"),
               Column("AUC")]  # fmt: skip
    rows = []
    for d in ahead:
        chance, then = customers[f"p_purchase_{d}d"], past.get(d, {})
        checked = [percent(then.get("predicted")), percent(then.get("actual"))]
        scored = [figure(then.get("log_loss"), 4), figure(then.get("auc"))]
        rows.append(row(days(d), count(chance.sum()), percent(chance.mean()), *checked, *scored))
    return Table("Purchases within days, now and at the checks", columns, rows, folded=True)
