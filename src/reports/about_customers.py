"""The chapters on the scored customers: who is at risk, what they are worth, whom to look at first.

In: the checked report and its valued customers. Out: tiles and sections in plain words. With nobody scored, the
sections say so.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..models.concentration import HELD
from .blocks import Cell, Column, Section, Table, Tile, pictured
from .customers import (
    ALMOST_GONE,
    AT_RISK,
    RISK_BANDS,
    VALUE_BANDS,
    can_be_kept,
    concentration,
    risk_value_grid,
    silence,
    value_floors,
    worth_keeping,
)
from .figures import concentration_curves, gain_picture, risk_value_map
from .grades import SPOKEN, as_spoken, instead
from .inputs import ReportInput
from .listing import expected, first_column, has, naming, next_order, silent, so_far, why
from .notation import count, days, money, percent, plain
from .panels import share_text
from .tables import levels
from .value import holders

LISTED = 20
MEAN = (
    "Expected spend is a mean: where most spend nothing and a few much, it can lie above the interval, which holds "
    "eight of ten such customers."
)


def tiles(report: ReportInput, customers: pd.DataFrame) -> list[Tile]:
    """The four figures to be seen first."""
    ahead = f"next {days(report.horizon_days)}"
    share = customers["p_churn"].mean() if len(customers) else None
    expected = customers["expected_spend"].sum(min_count=1)
    stake = customers.loc[can_be_kept(customers), "at_stake"].sum()
    return [
        Tile(count(len(customers)), _scored(customers)),
        Tile(percent(share), f"will probably not buy in the {ahead}", warm=True),
        Tile(money(expected, report.currency), f"expected spend, {ahead}"),
        Tile(money(stake, report.currency), "at stake with those who can still be kept", warm=True),
    ]


def _scored(customers: pd.DataFrame) -> str:
    n = holders(customers["expected_spend"])
    few = f"; {count(n)} of them hold {share_text(HELD)} of the expected spend" if n else ""
    return f"customer{'' if len(customers) == 1 else 's'} scored{few}"


def at_risk(report: ReportInput, customers: pd.DataFrame) -> Section:
    """How many will probably not buy, and where they sit by risk and worth."""
    ahead = days(report.horizon_days)
    if customers.empty:
        return Section("risk", "Who is at risk?", "No customer was scored, so nobody can be called at risk.")
    silent, n = customers["p_churn"].sum(), len(customers)
    headline = (
        f"{percent(silent / n)} of your customers, about {count(silent)} of {count(n)}, "
        f"will probably not buy in the next {ahead}."
    )
    grid, floors = risk_value_grid(customers), value_floors(customers)
    certain = int((customers["p_churn"] >= ALMOST_GONE).sum())
    words = [
        "Each customer has a chance of not buying; the number above is the sum of these chances. "
        + past_misses(report),
        "The orange cells of the map are where money may be lost and can still be kept. The blue column will most "
        f"likely buy anyway. The grey column holds {count(certain)} customers who are almost certainly gone "
        f"({percent(ALMOST_GONE)} and over); winning those back is a task of its own.",
        *_said(instead(report)),
    ]
    note = f"The number of customers, and the money at stake{_in(report)}. The deeper the orange, the more money."
    return Section(
        "risk",
        "Who is at risk?",
        headline,
        words,
        pictured("Risk and worth", risk_value_map(grid, floors, report.horizon_days), note),
        [_silence_table(report, customers), _grid_table(report, grid)],
    )


def _said(text: str) -> list[str]:
    return [text] if text else []


def past_misses(report: ReportInput) -> str:
    """How far off the forecast was at the checks in the past; that is the interval a level can honestly have."""
    table = levels(as_spoken(report), SPOKEN)
    table = table[table["actual_churn"] > 0]
    if table.empty:
        return "No past check tells how far off such a number can be."
    off = table["predicted_churn"] / table["actual_churn"] - 1
    if len(off) == 1:
        return f"At the one check in the past the forecast was {_off(off.iloc[0])}."
    return f"At the {len(off)} checks in the past the forecast was between {_off(off.min())} and {_off(off.max())}."


def _off(share: float) -> str:
    if abs(share) < 0.005:
        return "right"
    return f"{percent(abs(share))} too {'high' if share > 0 else 'low'}"


def _in(report: ReportInput) -> str:
    return f" in {plain(report.currency)}" if report.currency else ""


def _silence_table(report: ReportInput, customers: pd.DataFrame) -> Table:
    table = silence(customers)
    most = max(int(table["n"].max()), 1) if len(table) else 1
    rows = [
        [
            Cell(str(r["days"])),
            Cell(count(r["n"])),
            Cell("", bar=float(r["n"]) / most),
            Cell(percent(r["p_churn"])),
            Cell(money(r["at_stake"], report.currency)),
        ]
        for r in table.to_dict("records")
    ]
    days_since, count_bar = Column("Days since the last purchase", numeric=False), Column("", numeric=False)
    columns = [days_since, Column("Customers"), count_bar, Column("Mean chance of not buying"), Column("At stake")]
    return Table("Silence and risk", columns, rows)


def _grid_table(report: ReportInput, grid: pd.DataFrame) -> Table:
    cells = {(int(r["value_band"]), int(r["risk_band"])): r for r in grid.to_dict("records")}
    rows = [
        [Cell(band)]
        + [
            Cell(count(cells[v, r]["n"]), money(cells[v, r]["at_stake"], report.currency))
            for r in range(len(RISK_BANDS))
        ]
        for v, band in enumerate(VALUE_BANDS)
    ]
    columns = [Column("Worth", False), *(Column(b) for b in RISK_BANDS)]
    return Table("The map as a table: customers and money at stake by chance of not buying", columns, rows, folded=True)


def to_keep(report: ReportInput, customers: pd.DataFrame) -> Section:
    """How much is at stake, how few hold it, and the list to begin with."""
    topic = "Who is worth keeping?"
    at_stake = customers["at_stake"].where(can_be_kept(customers), 0.0)
    total = float(at_stake.sum())
    if total <= 0:
        return Section("keep", topic, "No money is at stake: nobody who can still be kept has past spend to lose.")
    stake = concentration(at_stake)
    half = float(np.interp(0.5, stake["money"], stake["customers"]))
    ahead = f"the next {days(report.horizon_days)}"
    headline = (
        f"{money(total, report.currency)} is at stake in {ahead} with customers who can still be kept; "
        f"half of it sits with {percent(half)} of your customers."
    )
    curves = concentration_curves(stake, concentration(customers["expected_spend"]))
    picture = gain_picture(curves, "share of customers, those with most first", None, "Concentration of money")
    return Section(
        "keep",
        topic,
        headline,
        _keep_words(report, customers),
        pictured(
            "How few hold what is at stake", picture, "The steeper the line, the fewer customers one has to keep."
        ),
        [_keep_table(report, customers)],
    )


def _keep_words(report: ReportInput, customers: pd.DataFrame) -> list[str]:
    gone = customers[customers["p_churn"] >= ALMOST_GONE]
    words = [
        f"Worth if kept is what a customer usually spends in {days(report.horizon_days)}: the mean order times the "
        "usual number of orders, at least one, because who is kept places an order. At stake is that worth times the "
        "chance of not buying.",
        "It says where to look first. It does not say what an offer would save: some would have come back anyway, "
        "others will not come back for any offer.",
        f"Counted and listed are customers who can still be kept: with a chance from {percent(AT_RISK)} to "
        f"{percent(ALMOST_GONE)}.",
    ]
    if len(gone):
        words[-1] += (
            f" Above it are {count(len(gone))} customers, with {money(gone['at_stake'].sum(), report.currency)} at "
            "stake on paper; below it, customers who will most likely buy anyway."
        )
    if has(customers, "reasons"):
        words.append(
            "Below each customer stands what raises or lowers the chance most, as the forecast sees it; that is no "
            "cause that one could change."
        )
    words += _said(instead(report, "value"))
    if not report.ids_shown:
        words.append(
            "Customers stand here by their rows in scores.csv, which `regulars score` writes as of the same day, so "
            "that this page can be passed on without naming anyone."
        )
    return words


def _keep_table(report: ReportInput, customers: pd.DataFrame) -> Table:
    table, unit = worth_keeping(customers, LISTED), report.currency
    name_of, reasons, window = naming(report), has(table, "reasons"), has(table, "next_order_p50")
    most = float(table["at_stake"].max()) if len(table) else 1.0
    rows = [
        [
            name_of(r), Cell(percent(r["p_churn"])), silent(r),
            *([next_order(r)] if window else []), expected(r, unit), so_far(r, unit),
            Cell(money(r["at_stake"], unit), f"of {money(r['worth_if_kept'])}", True, float(r["at_stake"]) / most),
        ]
        for r in table.to_dict("records")
    ]  # fmt: skip
    ends = "80\u00a0% interval" if has(table, "spend_low") else ""
    columns = [
        first_column(report), Column("Chance of not buying"), Column("Last purchase"),
        *([Column("Next order", note="half of them before")] if window else []),
        Column("Expected spend", note=ends), Column("Spent so far"), Column("At stake", note="of worth if kept"),
    ]  # fmt: skip
    caption = f"The {len(rows)} at risk with the most at stake" if rows else "At risk with the most at stake"
    note = MEAN if ends else ""
    return Table(
        caption, columns, rows, note=note, remarks=[why(r) for r in table.to_dict("records")] if reasons else ()
    )
