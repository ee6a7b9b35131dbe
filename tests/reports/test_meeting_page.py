"""The page of the weekly meeting: each part has its chapter, what is off says why, nothing runs, nobody is named."""

from __future__ import annotations

import re
from typing import Any

import pytest

from regulars.reports.about_figures import chapter, table_of
from regulars.reports.meeting_page import render_meeting
from regulars.reports.notation import NBSP

MONTHS: dict[str, Any] = {
    "about": "a month",
    "definitions": {"period": "the month", "spend": "net spend", "growth": "on the month before"},
    "kinds": {"period": "text", "complete": "flag", "customers": "count", "spend": "money", "growth": "share",
              "growth_year": "share", "churn_rate": "share"},
    "rows": [
        {"period": "2024-01", "complete": True, "customers": 40, "spend": 2000.0, "growth": None, "growth_year": None,
         "churn_rate": 0.25},
        {"period": "2024-02", "complete": True, "customers": 50, "spend": 2500.0, "growth": 0.25, "growth_year": None,
         "churn_rate": None},
        {"period": "2024-03", "complete": False, "customers": None, "spend": None, "growth": None, "growth_year": None,
         "churn_rate": None},
    ],
}  # fmt: skip
COHORTS: dict[str, Any] = {
    "about": "a cohort", "definitions": {}, "kinds": {"cohort": "text", "age": "count", "retention": "share"},
    "rows": [
        {"cohort": "2024-01", "age": 1, "customers": 40, "bought": 10, "retention": 0.25, "complete": True},
        {"cohort": "2024-01", "age": 2, "customers": 40, "bought": None, "retention": None, "complete": False},
    ],
}  # fmt: skip
FUNNEL: dict[str, Any] = {
    "about": "a way", "definitions": {}, "kinds": {"cohort": "text", "second_share": "share", "third_share": "share"},
    "rows": [{"cohort": "all", "second_share": 0.4, "third_share": 0.5}],
}  # fmt: skip
LIFECYCLE: dict[str, Any] = {
    "scheme": "lifecycle",
    "segments": [
        {"segment": "active", "rule": "everybody else", "customers": 30, "share": 0.75, "n_scored": 30,
         "expected_spend": 900.0, "p_churn": 0.1, "spend_year": 4000.0},
        {"segment": "late", "rule": "silent for long", "customers": 10, "share": 0.25, "n_scored": 10,
         "expected_spend": 100.0, "p_churn": 0.6, "spend_year": 500.0},
    ],
    "notes": [],
    "moved": {"since": "2024-02-01", "as_of": "2024-03-01", "moved": 3,
              "flows": [{"from": "active", "to": "late", "customers": 3},
                        {"from": "late", "to": "late", "customers": 7}]},
}  # fmt: skip
PARTS: dict[str, Any] = {
    "kpis": {
        "by": "month", "horizon_days": 30, "currency": "USD", "notes": ["2024-03 is not over"],
        "off": {"engagement": "No engagement: there are no events ([data.events]).",
                "problems": "No table of problems: there are no complaints.",
                "campaigns": "No campaigns: nothing was decided."},
        "headlines": {},
        "tables": {"by_month": MONTHS, "by_cohort": COHORTS, "funnel": FUNNEL},
    },
    "segments": {"as_of": "2024-03-01", "horizon_days": 30, "currency": "USD", "customers": 40, "notes": [],
                 "schemes": [LIFECYCLE, {"scheme": "tiers", "off": "the ledger has less than 365 days"}]},
    "products": {"headline": "", "notes": [], "tables": {
        "backtest": {"about": "a rule", "definitions": {}, "kinds": {"rule": "text", "of": "text", "recall": "share"},
                     "rows": [{"rule": "popular", "of": "all", "recall": 0.15},
                              {"rule": "half-life 60 days", "of": "all", "recall": 0.38}]}},
        "rules": {"buy_again": "half-life 60 days"}},
    "timing": {"headline": "7 customers are due this week", "notes": [], "off": {}, "tables": {}},
    "loyalty": {"notes": [], "off": {"loyalty": "nothing is said of a programme: add [loyalty]"}, "tables": {}},
    "relations": {"headline": "<script>alert(1)</script>", "notes": [], "off": {}, "tables": {}},
    "whatif": {"headline": "", "notes": ["too few customers"], "off": {}, "tables": {}},
}  # fmt: skip


@pytest.fixture(scope="module")
def page() -> str:
    return render_meeting(PARTS, "2024-03-01", [("Who is about to leave", "report.html")])


def test_every_part_has_a_chapter_and_what_is_off_says_why(page: str) -> None:
    anchors = re.findall(r'<section id="([^"]+)">', page)
    assert anchors == ["growth", "cohorts", "engagement", "segments-lifecycle", "segments-tiers", "timing", "products",
                       "problems", "loyalty", "campaigns", "relations", "whatif", "reading"]  # fmt: skip
    for said in ("there are no events", "there are no complaints", "nothing was decided", "add [loyalty]",
                 "less than 365 days", "Too few customers."):  # fmt: skip
        assert said in page


def test_the_headlines_tell_the_last_whole_month_and_not_the_open_one(page: str) -> None:
    # February: 2,500 after 2,000 is a quarter more; March is not over and is not told.
    assert f"In 2024-02 50 customers spent USD{NBSP}2,500: +25{NBSP}% on the period before." in page
    assert f"40{NBSP}% of new customers buy a second time within 30 days, and 50{NBSP}% of those a third time." in page
    # 900 of 1,000 expected.
    assert f"75{NBSP}% of the customers are “active”: they hold 90{NBSP}% of what is expected." in page
    assert f"Ten items to buy again held 38{NBSP}% of what customers then bought" in page
    # Churn is that of January, the last month whose window is over.
    assert "of those at risk on the first of 2024-01 bought nothing in 30 days" in page


def test_streams_between_segments_are_told_without_those_who_stayed(page: str) -> None:
    assert "Who moved since" in page
    rows = re.findall(r"<bdi[^>]*>(active|late)</bdi>\s*</td>\s*<td>\s*<bdi[^>]*>(active|late)</bdi>", page)
    assert rows == [("active", "late")]


def test_the_page_loads_nothing_runs_nothing_and_escapes_what_it_is_given(page: str) -> None:
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert not re.search(r"https?://(?!www\.w3\.org)", page)
    assert page == render_meeting(PARTS, "2024-03-01", [("Who is about to leave", "report.html")])


def test_nothing_at_all_is_still_a_page() -> None:
    nothing: dict[str, Any] = {key: {} for key in PARTS}
    page = render_meeting(nothing, "2024-03-01")
    assert "No period is over yet" in page
    assert "nan" not in re.sub(r"<style.*?</style>", "", page, flags=re.S).lower().replace("finance", "")


def test_a_column_without_a_value_is_left_out_and_a_missing_one_is_a_dash() -> None:
    shown = table_of(MONTHS)
    assert [column.name for column in shown.columns] == [
        "period",
        "complete",
        "customers",
        "spend",
        "growth",
        "churn rate",
    ]
    assert [cell.text for cell in shown.rows[2]] == ["2024-03", "no", "–", "–", "–", "–"]
    assert [cell.text for cell in shown.rows[1]] == ["2024-02", "yes", "50", "2,500", f"25{NBSP}%", "–"]


def test_a_chapter_without_a_headline_takes_what_is_off_and_does_not_say_it_twice() -> None:
    found = chapter("a", "Topic", {"off": {"x": "there are no events"}, "notes": ["there are no events", "mind this"]})
    assert (found.headline, list(found.words)) == ("There are no events.", ["Mind this."])
