"""The chapter on matured scores: what came true, what drifted, in words, pictures and tables."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from regulars.reports import ReportInput, render
from regulars.reports.about_monitoring import monitoring


def month(name: str, **changes: object) -> dict[str, object]:
    figures: dict[str, object] = {
        "month": name, "version": "3", "run_id": "8d2f7c", "runs": 4, "n": 150, "churned": 0.5, "told": 0.4,
        "gap": 0.1, "gap_low": 0.06, "gap_high": 0.14, "auc": 0.81, "auc_low": 0.78, "auc_high": 0.84,
        "spent": 4000.0, "expected": 3000.0, "gini": 0.6, "gini_low": 0.5, "gini_high": 0.7, "coverage": 0.79,
        "top_share": 0.45, "naive_top_share": 0.4,
    }  # fmt: skip
    return {**figures, **changes}


def feature(name: str, size: str = "major") -> dict[str, object]:
    return {"name": name, "meaning": f"meaning of {name}", "psi": 0.4, "usual": None, "size": size,
            "missing_then": 0.0, "missing_now": 0.1}  # fmt: skip


@pytest.fixture(scope="module")
def seen() -> dict[str, object]:
    said = "more fell silent than told, 50% instead of 40%"
    return {
        "months": [month("2017-06"), month("2017-07", churned=0.41)],
        "drift": {"features": [feature("orders_90d"), feature("spend_90d", "none")]},
        "promised": {"8d2f7c": {"auc": {"value": 0.84}, "gini": {"value": 0.62}}},
        "words": ["Matured scores of 2017-07."],
        "alerts": [{"severity": "alert", "words": said}],
        "verdict": {"state": "retrain", "words": "Retrain now: it aged."},
    }


def test_the_headline_sets_what_came_beside_what_was_told(report: ReportInput, seen: dict[str, object]) -> None:
    section = monitoring(replace(report, monitoring=seen))
    assert section.headline.replace("\u00a0", " ") == (
        "Of the scores of Jul 2017 41 % did not buy again; 40 % had been told."
    )
    assert section.badge == "train again"
    assert section.words[0] == "Retrain now: it aged."
    assert "Alert: more fell silent than told, 50% instead of 40%." in section.words


def test_told_and_actual_order_and_drift_are_drawn_and_listed(report: ReportInput, seen: dict[str, object]) -> None:
    section = monitoring(replace(report, monitoring=seen))
    assert [p.title for p in section.pictures] == [
        "Told, and what came",
        "Spend that was told, and that came",
        "Is the order still right?",
        "What moved most since the training",
    ]
    months, features = section.tables
    assert [row[0].text.replace("\u00a0", " ") for row in months.rows] == ["Jun 2017", "Jul 2017"]
    # A set of scores: 4000 / 4 runs were spent.
    assert "1.0k" in section.pictures[1].svg
    assert [(row[1].below, row[2].strong) for row in features.rows] == [("orders_90d", True), ("spend_90d", False)]
    assert "orders_90d" not in section.pictures[3].svg  # names of the data stay in the page


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (None, "That is not known: no scores were published yet."),
        ({"months": [], "drift": None}, "That is not known: none of the published scores has matured yet."),
        ({"months": [], "drift": {"features": []}}, "None of the published scores has matured yet."),
    ],
)
def test_what_is_not_known_is_one_sentence(report: ReportInput, given: Any, said: str) -> None:
    section = monitoring(replace(report, monitoring=given))
    assert section.headline == said
    assert not section.pictures


def test_figures_that_are_not_defined_leave_pictures_out(report: ReportInput, seen: dict[str, object]) -> None:
    hollow = month("2017-06", auc=None, gini=None, told=None, expected=None, coverage=None)
    section = monitoring(replace(report, monitoring={**seen, "months": [hollow], "drift": None}))
    assert section.pictures == []
    assert section.tables[0].rows[0][3].text == "not defined here"


def test_the_chapter_stands_in_the_page_and_texts_stay_texts(report: ReportInput, seen: dict[str, object]) -> None:
    alerts = [{"severity": "alert", "words": "<script>alert(1)</script>"}]
    drift = {"features": [feature("<b>mine</b>")]}
    html = render(replace(report, monitoring={**seen, "alerts": alerts, "drift": drift}))
    assert 'id="monitoring"' in html
    assert "<script" not in html
    assert "&lt;b&gt;mine&lt;/b&gt;" in html
