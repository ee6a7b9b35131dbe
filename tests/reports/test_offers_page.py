"""The pages on offers: every figure is told, assumptions wear their badge, nothing is run, nothing missing breaks them."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest

from regulars.reports.offers_page import render_measured, render_plan

# 100 customers: 5 held out, 10 controls, 5 explorers, 80 chosen; 30 get one of two offers for 50 dollars.
PLAN: Mapping[str, object] = {
    "campaign": "spring",
    "as_of": "2024-03-01",
    "window_days": 30,
    "read_out": "2024-03-31",
    "currency": "USD",
    "customers": 100,
    "arms": {"holdout": 5, "control": 10, "explore": 5, "chosen": 80},
    "given": 30,
    "cost": 50.0,
    "gain": [10.0, 115.5, 190.0],
    "gap": 0.0,
    "exact": True,
    "budget": {"limit": 50.0, "used": 50.0, "price": 2.31, "words": "the next USD would return 2.31"},
    "limits": [{"name": "channel:mail: 40 contacts in the campaign", "used": 10, "limit": 40, "price": 0.0}],
    "offers": [
        {"offer": "ten", "channel": "email", "title": "10 % off", "basis": "assumed", "given": 20, "permitted": 60,
         "cost": 40.0, "gain": [5.0, 75.5, 120.0]},
        {"offer": "gift", "channel": "mail", "title": "A gift", "basis": "measured", "given": 10, "permitted": 55,
         "cost": 10.0, "gain": [5.0, 40.0, 70.0]},
        {"offer": "call", "channel": "phone", "title": "A call", "basis": "assumed", "given": 0, "permitted": 0,
         "cost": 0.0, "gain": [0.0, 0.0, 0.0], "why_not": {"no consent": 90, "not eligible": 10}},
    ],
    "segments": [{"segment": "high value, at risk", "customers": 20, "given": 15, "cost": 30.0, "gain": [4, 80, 130]}],
    "why": [{"why": "does not pay", "customers": 45}, {"why": "control", "customers": 10},
            {"why": "no consent", "customers": 15}],
    "detectable": {"words": "a difference of USD 4.10 per customer would be seen"},
    "responses": [{"offer": "ten", "channel": "email", "title": "10 % off", "basis": "assumed", "save": [0, 0.03, 0.06],
                   "extra_spend": [0, 0.01, 0.02], "redemption": [0.05, 0.1, 0.2], "complaints": 0.001, "source": ""}],
    "warnings": ["the offer `ten` earns little"],
    "basis": {"assumed": 20, "measured": 10},
    "words": [],
    "catalogue": "a" * 64,
}  # fmt: skip

MEASURED: Mapping[str, object] = {
    "campaign": "spring",
    "today": "2024-04-02",
    "currency": "USD",
    "read_out": "2024-03-31",
    "profit": {"total": 410.0, "low": 20.0, "high": 800.0, "words": "the campaign gained USD 410, between 20 and 800"},
    "effects": [
        {"name": "ten", "outcome": "spend", "treated": 400, "control": 100, "estimate": 1.5, "low": 0.5, "high": 2.5,
         "p": 0.003, "p_holm": 0.006, "unit": "per customer", "words": "between 0.50 and 2.50 per customer"},
        {"name": "gift", "outcome": "spend", "treated": 200, "control": 60, "estimate": -0.2, "low": -1.0, "high": 0.6,
         "p": 0.6, "p_holm": 0.6, "unit": "per customer", "words": "not distinguishable from zero"},
    ],
    "league": {"offers": [{"name": "ten", "n": 400, "estimate": 1.2, "low": 0.3, "high": 2.1},
                          {"name": "gift", "n": 200, "estimate": 0.1, "low": -0.7, "high": 0.9}]},
    "funnel": [{"offer": "ten", "channel": "email", "given": 400, "sent": 398, "opened": 150, "redeemed": 40,
                "complained": 1}],
    "waves": [{"as_of": "2024-03-01", "read_out": "2024-03-31", "arms": {"holdout": 5, "control": 10, "chosen": 80},
               "sample_ratio": {"p": 0.42, "ok": True}}],
    "variance_reduction": 0.41,
    "words": [],
    "warnings": [],
}  # fmt: skip


def text(html: str) -> str:
    """What a reader sees, on one line."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", re.sub(r"<style.*?</style>", "", html, flags=re.S)))


def test_a_plan_says_who_gets_what_for_how_much_and_what_the_next_unit_returns() -> None:
    said = text(render_plan(PLAN))
    assert "30 customers get an offer; for USD 50.00 USD 116 is expected to be gained" in said.replace("\xa0", " ")
    assert "the next USD would return 2.31" in said
    assert "No other choice of offers gains more: this is the exact optimum." in said
    # 40 dollars bring 75.50: 1.89 for each.
    assert "1.89" in said


def test_what_is_assumed_wears_a_badge_and_what_was_measured_does_not() -> None:
    assumed = render_plan(PLAN)
    assert assumed.count('<span class="badge">assumed</span>') == 4
    assert "For 20 of 30 customers the effect is assumed, not measured." in text(assumed)
    measured = render_plan({**PLAN, "basis": {"measured": 30}})
    assert 'class="badge"' not in measured
    assert "Every effect that is counted with was measured here." in text(measured)


def test_an_offer_that_nobody_gets_says_why() -> None:
    assert "Nobody gets it: no consent 90; not eligible 10." in text(render_plan(PLAN))


def test_reasons_stand_with_the_most_frequent_first() -> None:
    said = text(render_plan(PLAN))
    assert "70 customers get nothing, most of them (45) because of: does not pay." in said
    assert said.index("does not pay 45") < said.index("no consent 15") < said.index("control 10")


def test_a_plan_with_nothing_in_it_says_so() -> None:
    nothing = {**PLAN, "given": 0, "cost": 0.0, "gain": [0, 0, 0], "offers": [], "basis": {}, "segments": []}
    said = text(render_plan(nothing))
    assert "Nobody gets an offer in this plan." in said
    assert "Nothing is given, so nothing is counted on." in said


def test_a_measurement_tells_what_is_clear_from_what_is_not() -> None:
    said = text(render_measured(MEASURED))
    assert "The campaign gained USD 410, between 20 and 800." in said
    assert "1 of 2 effects can be told from zero." in said
    assert "not distinguishable from zero" in said
    # 150 of 400 opened it, 40 redeemed it.
    assert "150 38 %" in said.replace("\xa0", " ")
    assert "40 10 %" in said.replace("\xa0", " ")


def test_before_its_day_a_measurement_shows_counts_and_when_the_result_is_known() -> None:
    early = {k: v for k, v in MEASURED.items() if k not in ("profit", "effects", "league", "variance_reduction")}
    said = text(render_measured(early)).replace("\xa0", " ")
    assert "The result is known on 31 Mar 2024." in said
    assert "95 % interval" not in said.split("How to read this?")[0].split("What came back?")[0]


def test_groups_that_are_not_as_drawn_are_named() -> None:
    unfair = [{"as_of": "2024-03-01", "arms": {}, "sample_ratio": {"p": 0.0001, "ok": False}}]
    html = render_measured({**MEASURED, "waves": unfair})
    assert "The groups are not as they were drawn." in text(html)
    assert '<span class="badge">not fair</span>' in html


def test_a_page_runs_nothing_loads_nothing_and_escapes_what_others_wrote() -> None:
    evil = "<script>alert(1)</script>"
    html = render_plan({**PLAN, "offers": [{"offer": evil, "title": evil, "given": 1, "gain": [0, 1, 2]}]})
    html += render_measured({**MEASURED, "funnel": [{"offer": evil, "given": 3, "sent": 2}]})
    assert "<script" not in html
    assert "http:" not in html
    assert "https:" not in html


@pytest.mark.parametrize("key", sorted(PLAN))
def test_a_figure_that_is_missing_breaks_no_page(key: str) -> None:
    without = {k: v for k, v in PLAN.items() if k != key}
    assert render_plan(without).count("<section") >= 6


@pytest.mark.parametrize("key", sorted(MEASURED))
def test_a_figure_that_is_missing_breaks_no_page_of_effects(key: str) -> None:
    assert render_measured({k: v for k, v in MEASURED.items() if k != key}).count("<section") >= 3


def test_the_same_figures_give_the_same_bytes() -> None:
    assert render_plan(PLAN) == render_plan(dict(reversed(PLAN.items())))
    assert render_measured(MEASURED) == render_measured(dict(reversed(MEASURED.items())))
