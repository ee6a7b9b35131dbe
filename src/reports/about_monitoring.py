"""The chapter on what became of earlier scores, and whether the customers are still those of the training.

In: the checked report with the figures of monitoring. Out: one section in plain words, with what was told and what came
by month, and what moved most. Without published scores, or before the first has matured, it says so.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from markupsafe import Markup

from .bars import WIDE, Bar, Group, draw_bars, height_of
from .blocks import Cell, Column, Picture, Section, Table, pictured
from .figures import WIDTH
from .inputs import ReportInput, branch, entries, interval, number
from .notation import MONTHS, NBSP, count, figure, money, percent, plain, short_money
from .panels import draw_forecasts, share_text
from .style import BLUE, ORANGE, svg
from .value_panels import Track, draw_coverage

TOPIC = "Did earlier scores come true?"
SHOWN = 12
"""So many months, and so many features."""
STATES = {"retrain": "train again", "watch": "watch", "fine": ""}


def monitoring(report: ReportInput) -> Section:
    """What came of published scores by month; what drifted; whether to train again."""
    found = report.monitoring or {}
    months, drift = entries(found.get("months"))[-SHOWN:], branch(found, "drift")
    if not months and not drift:
        why = "no scores were published yet" if not found else "none of the published scores has matured yet"
        return Section("monitoring", TOPIC, f"That is not known: {why}.")
    state = str(branch(found, "verdict").get("state") or "fine")
    pictures = [*_came_true(months), *_kept(found, months), *_moved(drift)]
    tables = [*_months(report, months), *_features(drift)]
    return Section(
        "monitoring", TOPIC, _headline(months), _words(found), pictures, tables, STATES.get(state, ""),
    )  # fmt: skip


def month_name(text: object) -> str:
    """A month in words.

    Examples
    --------
    >>> month_name("2024-02").replace(NBSP, " "), month_name("soon")
    ('Feb 2024', 'soon')
    """
    year, _, month = str(text).partition("-")
    known = month.isdigit() and 1 <= int(month) <= 12
    return f"{MONTHS[int(month) - 1]}{NBSP}{plain(year)}" if known else plain(text)


def _headline(months: Sequence[dict[str, object]]) -> str:
    if not months:
        return "None of the published scores has matured yet."
    last = months[-1]
    came, told = percent(last.get("churned")), percent(last.get("told"))
    return f"Of the scores of {month_name(last.get('month'))} {came} did not buy again; {told} had been told."


def _words(found: dict[str, object]) -> list[str]:
    said = [branch(found, "verdict").get("words"), *_listed(found.get("words")), *_alerts(found)]
    return [
        *(plain(text) for text in said if text),
        "A score has matured when its days have passed: then it is known who bought and for how much. What was "
        "promised are the checks in the past of the training that made the scores. Weekly scores of the same customers "
        "are nearly the same evidence: the intervals of a month are those of one set of scores.",
        "Drift compares customers of now with those of the day of training. Up to a PSI of 0.1 they are alike, above "
        "0.25 they are not; what chance alone or the year before the training made as large is not counted.",
    ]


def _listed(value: object) -> list[str]:
    return [str(v) for v in value] if isinstance(value, (list, tuple)) else []


def _alerts(found: dict[str, object]) -> list[str]:
    return [f"{str(a.get('severity')).capitalize()}: {a.get('words')}." for a in entries(found.get("alerts"))]


def _came_true(months: Sequence[dict[str, object]]) -> list[Picture]:
    """Told and actual share of those who fell silent, and spend, by month of the scores."""
    if not months:
        return []
    ends = month_name(months[0].get("month")), "months of the scores", month_name(months[-1].get("month"))
    silent = pd.DataFrame([_share(m) for m in months])
    spend = pd.DataFrame([_spend(m) for m in months])
    note = "Where bar and tick meet, so many fell silent as had been told."
    says = "Told and actual share of customers who did not buy, by month of the scores; also in the table"
    drawn = _forecasts(silent, "did not buy", ends, says, money_shown=False)
    said = "Told and actual spend, by month of the scores"
    paid = _forecasts(spend, "spent", ends, said, money_shown=True)
    return [
        *pictured("Told, and what came", drawn, note),
        *pictured("Spend that was told, and that came", paid, "All customers together, a set of scores on average."),
    ]


def _share(month: dict[str, object]) -> dict[str, object]:
    told, gap = number(month.get("told")), interval([month.get("gap_low"), month.get("gap_high")])
    ends = (np.nan, np.nan) if told is None or gap is None else (told + gap[0], told + gap[1])
    return {
        "group": _number_of(month), "predicted": told, "actual": number(month.get("churned")),
        "low": ends[0], "high": ends[1],
    }  # fmt: skip


def _spend(month: dict[str, object]) -> dict[str, object]:
    runs = max(number(month.get("runs")) or 1.0, 1.0)
    told, came = (number(month.get(name)) for name in ("expected", "spent"))
    return {
        "group": _number_of(month), "predicted": told and told / runs, "actual": came and came / runs,
        "low": np.nan, "high": np.nan,
    }  # fmt: skip


def _number_of(month: dict[str, object]) -> int:
    text = str(month.get("month"))[5:7]
    return int(text) if text.isdigit() else 0


def _forecasts(
    table: pd.DataFrame, bar: str, ends: tuple[str, str, str], says: str, money_shown: bool
) -> Markup | None:
    table = table.astype(float).dropna(subset=["predicted", "actual"])
    text = short_money if money_shown else _whole
    return None if table.empty else svg(lambda c: draw_forecasts(c, table, bar, text, ends), WIDTH, 300, says)


def _whole(value: float) -> str:
    return share_text(round(value, 2))


def _kept(found: dict[str, object], months: Sequence[dict[str, object]]) -> list[Picture]:
    """AUC and Gini by month, with what was promised."""
    promised = branch(found, "promised", str(months[-1].get("run_id"))) if months else {}
    tracks = []
    for name, called, colour in (("gini", "Gini, spend", ORANGE), ("auc", "AUC, silence", BLUE)):
        target = number(branch(promised, name).get("value"))
        values = [number(m.get(name)) for m in months]
        if target is not None and all(v is not None for v in values):
            tracks.append(Track(called, [float(v) for v in values if v is not None], target, colour))
    if not tracks:
        return []
    groups = [str(_number_of(m)) for m in months]
    ends = (month_name(months[0].get("month")), "months of the scores", month_name(months[-1].get("month")))
    says = "AUC and Gini of matured scores by month, and what the checks had promised; also in the table"
    picture = svg(lambda c: draw_coverage(c, groups, tracks, ends), WIDTH, 300, says)
    return pictured("Is the order still right?", picture, "Dashed: what the checks in the past had promised.")


def _moved(drift: dict[str, object]) -> list[Picture]:
    """The features that moved most, as bars; they are named in the table."""
    features = entries(drift.get("features"))[:SHOWN]
    bars = [
        Bar(f"no. {k}", number(f.get("psi")), None, None, f.get("size") != "none", figure(f.get("psi"), 2))
        for k, f in enumerate(features, start=1)
    ]
    if not bars:
        return []
    groups = [Group("", "", bars)]
    says = "Population stability index of the features that moved most; the table names them"
    picture = svg(lambda c: draw_bars(c, groups, None, WIDE), WIDTH, height_of(groups), says)
    return pictured("What moved most since the training", picture, "PSI; the table names them. Grey is not counted.")


def _months(report: ReportInput, months: Sequence[dict[str, object]]) -> list[Table]:
    if not months:
        return []
    rows = [
        [
            Cell(month_name(m.get("month")), f"version {plain(m.get('version'))}, {_runs(m)}"),
            Cell(count(m.get("n"))),
            Cell(percent(m.get("churned")), f"{percent(m.get('told'))} told"),
            Cell(figure(m.get("auc")), _ends(m, "auc")),
            Cell(money(m.get("spent"), report.currency), f"{money(m.get('expected'), report.currency)} told"),
            Cell(figure(m.get("gini")), _ends(m, "gini")),
            Cell(percent(m.get("top_share")), f"{percent(m.get('naive_top_share'))} by past spend"),
            Cell(percent(m.get("coverage"))),
        ]
        for m in months
    ]
    columns = [Column("Month of the scores", False), Column("Customers"), Column("Did not buy"), Column("AUC"),
               Column("Spent", note="all its scores"), Column("Gini"), Column("Spend of the top tenth"),
               Column("Within 80\u00a0% interval")]  # fmt: skip
    return [Table("What came of published scores", columns, rows)]


def _runs(month: dict[str, object]) -> str:
    n = count(month.get("runs"))
    return f"{n} {'run' if n == '1' else 'runs'}"


def _ends(month: dict[str, object], name: str) -> str:
    ends = interval([month.get(f"{name}_low"), month.get(f"{name}_high")])
    return "" if ends is None else f"{figure(ends[0], 2)} to {figure(ends[1], 2)}"


def _features(drift: dict[str, object]) -> list[Table]:
    features = entries(drift.get("features"))[:SHOWN]
    rows = [
        [
            Cell(str(k)),
            Cell(plain(f.get("meaning")), plain(f.get("name"))),
            Cell(figure(f.get("psi"), 2), strong=f.get("size") != "none"),
            Cell("–" if number(f.get("usual")) is None else figure(f.get("usual"), 2)),
            Cell(percent(f.get("missing_now")), f"{percent(f.get('missing_then'))} in training"),
        ]
        for k, f in enumerate(features, start=1)
    ]
    columns = [Column("No."), Column("What moved", False), Column("PSI"),
               Column("In the year before", note="at most"), Column("Missing")]  # fmt: skip
    return [Table("The features that moved most", columns, rows, folded=True)] if rows else []
