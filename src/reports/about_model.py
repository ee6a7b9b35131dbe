"""The chapters on the model: does the ranking find those who leave, do its figures hold, what does it look at.

In: the checked report. Out: sections in plain words. What was not measured is called so; nothing is rounded up to
good news: the verdicts follow the intervals.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from .blocks import Cell, Column, Picture, Section, Table, pictured, row
from .comparison import RULE, best_classic
from .figures import (
    HIGHLIGHT,
    calibration_picture,
    churn_curves,
    found_text,
    gain_picture,
    spend_picture,
    value_curves,
)
from .grades import SPOKEN, as_spoken, called, instead, speaker
from .inputs import PRODUCT, ReportInput, number
from .notation import count, date, days, figure, money, percent, plain
from .panels import Curve
from .tables import calibration, capture, deciles, levels
from .value import value_tenths

NO_CHECK = "There are no predictions of the past yet that could be compared with what then happened."
SHOWN_FEATURES = 12
LOOKS = ("how often each customer bought, when first, and when last", "how long ago each customer bought last")
"""What a classical model and the simple rule look at."""


def _ends(found: tuple[float, float, float]) -> str:
    return f"90\u00a0%\u00a0interval {percent(found[1])} to {percent(found[2])}"


def _others(curves: Sequence[Curve]) -> str:
    """What the other curves find at the same effort."""
    said = [f"{c.name} {percent(np.interp(HIGHLIGHT, c.x, c.y))}" for c in curves[1:] if c.name != "perfect"]
    return "With the same effort: " + ", ".join(said) + "." if said else ""


def _perfect(curves: Sequence[Curve]) -> float | None:
    """What nobody can beat; None when it was not drawn."""
    return next((float(np.interp(HIGHLIGHT, c.x, c.y)) for c in curves if c.name == "perfect"), None)


def ranking(report: ReportInput) -> Section:
    """How many of those who leave are found among the customers ranked highest."""
    topic, p, spoken = "Does the ranking find them?", f"p_churn_{SPOKEN}", as_spoken(report)
    found = capture(spoken, p, "churned", HIGHLIGHT) if p in spoken.columns else None
    if found is None:
        nobody = "Nobody left at any check, so there was nobody to find." if len(report.predictions) else NO_CHECK
        return Section("ranking", topic, nobody)
    curves = churn_curves(report.predictions, best_classic(report), speaker(report))
    picture = gain_picture(
        curves, "share of customers contacted, riskiest first", (HIGHLIGHT, found_text(curves[0])),
        "Gain curve: share of those who left, found by contacting the riskiest share of customers",
    )  # fmt: skip
    words = [
        f"Whoever contacts the {percent(HIGHLIGHT)} with the highest chance reaches {percent(found[0])} of all who "
        f"then did not buy ({_ends(found)}, drawn over customers). {_others(curves)}",
        f"A perfect ranking, the dotted line, would reach {percent(_perfect(curves))}.",
        *_instead(report),
    ]
    headline = f"The ranking finds {percent(found[0])} of those leaving in the top {percent(HIGHLIGHT)}."
    table = deciles(spoken, SPOKEN)
    return Section(
        "ranking", topic, headline, words,
        pictured("Who is found first", picture, "Share of those who left that is found. Checks in the past, pooled."),
        [_decile_table(report, table, "Tenths by chance of not buying, riskiest first")],
    )  # fmt: skip


def _instead(report: ReportInput, target: str = "churn") -> list[str]:
    said = instead(report, target)
    return [said] if said else []


def _decile_table(report: ReportInput, table: pd.DataFrame, caption: str) -> Table:
    columns = [Column("Tenth", False), Column("Customers"), Column("Forecast not to buy"), Column("Did not buy"),
               Column("Forecast spend", note="per customer"), Column("Spent", note="per customer")]  # fmt: skip
    rows = [
        row(
            int(r["tenth"]), count(r["n"]), percent(r["predicted_churn"]), percent(r["actual_churn"]),
            money(r["predicted_spend"], report.currency), money(r["actual_spend"], report.currency),
        )
        for r in table.to_dict("records")
    ]  # fmt: skip
    return Table(caption, columns, rows, folded=True)


def trust(report: ReportInput) -> Section:
    """Whether a forecast percentage came true."""
    topic, table = "Do the percentages hold?", calibration(as_spoken(report), SPOKEN)
    if table.empty:
        return Section("trust", topic, NO_CHECK)
    held = int(((table["predicted"] >= table["low"]) & (table["predicted"] <= table["high"])).sum())
    forecast = float(np.average(table["predicted"], weights=table["n"]))
    actual = float(np.average(table["actual"], weights=table["n"]))
    headline = (
        f"The forecast was that {percent(forecast)} leave, and {percent(actual)} left; in {held} of {len(table)} "
        "groups it lies within the interval of what happened."
    )
    words = [
        "Customers are put into groups of equal size by their forecast chance. The bar is the share that then did not "
        "buy, the orange tick is the forecast. Where they meet, a percentage may be taken at its word.",
        "The interval covers the luck of the draw among customers (Wilson). It does not cover that one season differs "
        "from the next; for that, look at the checks one by one.",
        *_instead(report),
    ]
    picture = calibration_picture(table)
    return Section(
        "trust", topic, headline, words, pictured("Forecast and actual", picture, "All checks pooled."),
        [_level_table(report), _group_table(table)],
    )  # fmt: skip


def _level_table(report: ReportInput) -> Table:
    columns = [Column("Check at", False), Column("Customers"), Column("Forecast not to buy"),
               Column("Did not buy", note="base rate"), Column("Forecast spend"), Column("Spent")]  # fmt: skip
    rows = [
        row(
            date(r["cutoff"]), count(r["n"]), percent(r["predicted_churn"]), percent(r["actual_churn"]),
            money(r["predicted_spend"], report.currency), money(r["actual_spend"], report.currency),
        )
        for r in levels(as_spoken(report), SPOKEN).to_dict("records")
    ]  # fmt: skip
    note = "At each check the model knew only what was known that day."
    return Table(f"The level at each check, {days(report.horizon_days)} ahead", columns, rows, note=note)


def _group_table(table: pd.DataFrame) -> Table:
    columns = [Column("Group", False), Column("Customers"), Column("Forecast"), Column("Did not buy"),
               Column("90 % interval")]  # fmt: skip
    rows = [
        row(
            int(r["group"]),
            count(r["n"]),
            percent(r["predicted"]),
            percent(r["actual"]),
            f"{percent(r['low'])} to {percent(r['high'])}",
        )
        for r in table.to_dict("records")
    ]
    return Table("The groups as a table, safest first", columns, rows, folded=True)


def worth(report: ReportInput) -> Section:
    """Whether the forecast spend finds the customers who spend."""
    topic, value, spoken = "Is the money where it says?", f"value_{SPOKEN}", as_spoken(report)
    found = capture(spoken, value, "spend", HIGHLIGHT) if value in spoken.columns else None
    if found is None:
        made = value in spoken.columns
        nothing = "No spend was observed at any check." if made else "No forecast of spend was made at any check."
        return Section("money", topic, NO_CHECK if report.predictions.empty else nothing)
    curves, table = (
        value_curves(report.predictions, best_classic(report, "value"), speaker(report, "value")),
        deciles(spoken, SPOKEN, "value"),
    )
    totals = levels(spoken, SPOKEN)
    actual = float(totals["actual_spend"].sum())
    level = (
        f"Over all checks {percent(totals['predicted_spend'].sum() / actual)} of the money that came had been forecast."
        if actual > 0
        else ""
    )
    picture = gain_picture(
        curves, "share of customers, highest forecast first", (HIGHLIGHT, found_text(curves[0])),
        "Share of the money spent by the customers with the highest forecast spend",
    )  # fmt: skip
    pictures: list[Picture] = [
        *pictured("Who brings the money", picture, "Share of the money then spent. Checks in the past, pooled."),
        *pictured(
            "Forecast and actual spend",
            spend_picture(table),
            f"Per customer{_unit(report)}. Checks in the past, pooled.",
        ),
    ]
    return Section(
        "money", topic,
        f"The {percent(HIGHLIGHT)} with the highest forecast spend brought {percent(found[0])} of the money.",
        [f"{_ends(found).capitalize()}, drawn over customers. {_others(curves)} {level}".strip(),
         *_instead(report, "value")],
        pictures, [_value_table(report, value_tenths(spoken, value))],
    )  # fmt: skip


def _value_table(report: ReportInput, table: pd.DataFrame) -> Table:
    """Tenths by forecast spend: forecast, actual, their ratio, and the money they hold."""
    columns = [Column("Tenth", False, "1 = highest"), Column("Customers"), Column("Expected spend", note="per head"),
               Column("Then spent", note="per head"), Column("Expected / spent", note="1 is right"),
               Column("Share of all money"), Column("This and above")]  # fmt: skip
    rows = [
        [
            *row(int(r["tenth"]), count(r["n"]), money(r["predicted"], report.currency),
                 money(r["actual"], report.currency), figure(r["ratio"], 2)),
            Cell(percent(r["share"]), bar=number(r["share"])), Cell(percent(r["cumulative"])),
        ]
        for r in table.to_dict("records")
    ]  # fmt: skip
    note = "All checks together. In the shares a return counts as nothing."
    return Table("Tenths by forecast spend", columns, rows, note=note)


def _unit(report: ReportInput) -> str:
    return f", in {plain(report.currency)}" if report.currency else ""


def _said(feature: Mapping[str, object]) -> str:
    """A feature's meaning and its name, or its name alone."""
    name, meaning = plain(feature.get("name")), plain(feature.get("meaning") or "")
    return f"{meaning} ({name})" if meaning else name


def _feature(feature: Mapping[str, object]) -> Cell:
    """The meaning, and below it the name and the unit; without a meaning, the name alone."""
    name, unit = plain(feature.get("name")), plain(feature.get("unit") or "")
    about = f"{name} · {unit}" if unit else name
    return Cell(plain(feature["meaning"]), about) if feature.get("meaning") else Cell(about)


def drivers(report: ReportInput) -> Section:
    """What the boosted trees look at."""
    topic = "What does the forecast look at?"
    known = [f for f in report.features if (number(f.get("gain_share")) or 0.0) > 0]
    if not known:
        return Section("drivers", topic, "Which features matter is not defined here: no trees were trained.")
    shares = [number(f.get("gain_share")) or 0.0 for f in known]
    first = min(3, len(known))
    headline = (
        f"What matters most: {_said(known[0])}. The first {first} of {len(known)} features give "
        f"{percent(sum(shares[:first]))} of what the trees gain."
    )
    rows = [
        [_feature(f), Cell(percent(share), bar=share / shares[0])]
        for f, share in zip(known[:SHOWN_FEATURES], shares, strict=False)
    ]
    columns = [Column("What it looks at", numeric=False), Column("Share of the gain")]
    words = [
        "The share says how much a feature helped the trees to tell customers apart. It does not say in which "
        "direction, and it is no cause: changing the number would not change the customer."
    ]
    table = Table("The features that matter most", columns, rows)
    who = speaker(report)
    if who != PRODUCT:
        headline = f"{called(who)[:1].upper()}{called(who)[1:]} speaks, and looks only at {LOOKS[who == RULE]}."
        words.insert(0, "The table is what Regulars' own trees look at. They do not speak now.")
        table = replace(table, caption="The features that matter most to the trees that do not speak", folded=True)
    return Section("drivers", topic, headline, words, (), [table])
