"""The pages on offers: every figure is told, assumptions wear their badge, nothing runs, nothing missing breaks it."""

from __future__ import annotations

import re
from typing import Any

import pytest

from regulars.offers.limits import BUDGET
from regulars.offers.why import FIXED
from regulars.reports.about_plan import REASONS
from regulars.reports.offers_page import render_measured, render_plan

# 100 customers: 5 held out, 10 controls, 5 explorers, 80 chosen; 30 get one of two offers for 50 dollars.
PLAN: dict[str, Any] = {
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
    "budget": {"limit": 50.0, "used": 50.0, "price": 2.31, "money": True,
               "words": "50.00 USD of 50.00 USD are used; the next USD returns 2.31 USD"},
    "explored": {"given": 4, "cost": 6.0, "gain": [-1.0, 3.0, 9.0]},
    "limits": [{"name": "contacts by mail in the campaign", "used": 10, "limit": 40, "price": 0.0}],
    "offers": [
        {"offer": "ten", "channel": "email", "title": "10 % off", "basis": "assumed", "given": 20, "permitted": 60,
         "cost": 40.0, "gain": [5.0, 75.5, 120.0],
         "response": {"save": [0, 0.03, 0.06], "extra_spend": [-0.01, 0.01, 0.02], "redemption": [0.05, 0.1, 0.2],
                      "complaints": 0.001, "basis": "assumed", "source": "a guess"}},
        {"offer": "gift", "channel": "mail", "title": "A gift", "basis": "measured", "given": 10, "permitted": 55,
         "cost": 10.0, "gain": [5.0, 40.0, 70.0]},
        {"offer": "call", "channel": "phone", "title": "A call", "basis": "assumed", "given": 0, "permitted": 0,
         "cost": 0.0, "gain": [0.0, 0.0, 0.0], "why_not": {"no consent": 90, "not eligible": 10}},
    ],
    "segments": [{"segment": "high value, at risk", "customers": 20, "given": 15, "cost": 30.0, "gain": [4, 80, 130]}],
    "why": [{"why": "does not pay", "customers": 45}, {"why": "control", "customers": 10},
            {"why": "no consent", "customers": 15}],
    "detectable": {"words": "a difference of USD 4.10 per customer would be seen"},
    "groups": [{"column": "age", "group": "19-24", "customers": 40, "permitted": 30, "given": 10, "rate": 0.25},
               {"column": "age", "group": None, "customers": 60, "permitted": 40, "given": 20, "rate": 1 / 3}],
    "warnings": ["the offer `ten` earns little"],
    "basis": {"assumed": 20, "measured": 10},
    "words": [],
    "catalogue": "a" * 64,
}  # fmt: skip

MEASURED: dict[str, Any] = {
    "campaign": "spring",
    "today": "2024-04-02",
    "currency": "USD",
    "read_out": "2024-03-31",
    "verdict": "The campaign gained USD 410, between 20 and 800.",
    "profit": {"total": 410.0, "low": 20.0, "high": 800.0, "words": "the campaign gained USD 410, between 20 and 800"},
    "effects": [
        {"what": "ten", "outcome": "profit", "treated": 400, "control": 100, "estimate": 1.5, "low": 0.5, "high": 2.5,
         "p": 0.003, "p_holm": 0.006, "sure": True, "unit": "per customer", "words": "0.50 to 2.50 per customer"},
        {"what": "gift", "outcome": "profit", "treated": 200, "control": 60, "estimate": -0.2, "low": -1.0, "high": 0.6,
         "p": 0.6, "p_holm": 0.6, "sure": False, "unit": "per customer", "words": "not distinguishable from zero"},
    ],
    "league": {"offers": [{"name": "new", "n": 50, "estimate": 0.9, "low": -0.5, "high": 2.5},
                          {"name": "ten", "n": 400, "estimate": 1.2, "low": 0.3, "high": 2.1},
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
    assert "30 customers get an offer: expected cost USD 50.00, expected gain USD 116" in said.replace("\xa0", " ")
    assert "50.00 USD of 50.00 USD are used; the next USD returns 2.31 USD." in said
    assert "Among them are 4 who get any permitted offer by lot" in said
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


def test_what_each_offer_is_taken_to_do_is_shown_with_its_range() -> None:
    said = text(render_plan(PLAN)).replace("\xa0", " ")
    assert "10 % off (email) a guess 3.0 % 0 % to 6.0 % 1.0 % −1.0 % to 2.0 % 10 % 5.0 % to 20 % 0.1 % assumed" in said


def test_an_offer_that_nobody_gets_says_why() -> None:
    assert "Nobody gets it: no consent 90; not eligible 10." in text(render_plan(PLAN))


def test_how_offers_fall_among_sensitive_groups_is_shown() -> None:
    said = text(render_plan(PLAN)).replace("\xa0", " ")
    assert "19-24 age 40 30 10 25 %" in said
    assert "not known age 60 40 20 33 %" in said
    assert "Do offers fall evenly?" not in text(render_plan({**PLAN, "groups": []}))


def test_reasons_stand_with_the_most_frequent_first() -> None:
    said = text(render_plan(PLAN))
    assert "70 customers get nothing, 45 of them because no offer is expected to earn what it costs." in said
    assert said.index("does not pay 45") < said.index("no consent 15") < said.index("control 10")


def test_every_reason_of_a_plan_is_said_in_words() -> None:
    assert set(REASONS) == {*FIXED, BUDGET} - {""}
    limit = {**PLAN, "why": [{"why": "limit: channel:mail: 40 contacts", "customers": 3}]}
    assert "3 of them because a limit is reached: channel:mail: 40 contacts." in text(render_plan(limit))


def test_a_plan_with_nothing_in_it_says_so() -> None:
    nothing = {**PLAN, "given": 0, "cost": 0.0, "gain": [0, 0, 0], "offers": [], "basis": {}, "segments": []}
    said = text(render_plan(nothing))
    assert "Nobody gets an offer in this plan." in said
    assert "Nothing is given, so nothing is counted on." in said


def test_a_measurement_tells_what_is_clear_from_what_is_not() -> None:
    said = text(render_measured(MEASURED))
    assert "The campaign gained USD 410, between 20 and 800." in said
    assert "Of 2 offers 1 is shown to bring more profit." in said
    assert "not distinguishable from zero" in said
    # 150 of 400 opened it, 40 redeemed it.
    assert "150 38 %" in said.replace("\xa0", " ")
    assert "40 10 %" in said.replace("\xa0", " ")


def test_what_is_no_money_is_not_said_in_a_currency() -> None:
    further = {"what": "all", "treated": 600, "control": 160, "p": 0.2, "p_holm": 0.2, "sure": False}
    orders = {**further, "outcome": "orders", "unit": "per customer", "estimate": 0.01, "low": -0.02, "high": 0.04}
    bought = {**further, "outcome": "bought", "unit": "points", "estimate": 1.5, "low": -0.5, "high": 3.5}
    effects = [*MEASURED["effects"], orders, bought]
    said = text(render_measured({**MEASURED, "effects": effects})).replace("\xa0", " ")
    assert "All together Orders 600 160 without 0.010 −0.020 to 0.040 0.200" in said
    assert "All together Customers who bought 600 160 without 1.50 points" in said


def test_before_its_day_a_measurement_shows_counts_and_when_the_result_is_known() -> None:
    early = {k: v for k, v in MEASURED.items() if k not in ("profit", "verdict", "effects", "league")}
    said = text(render_measured(early)).replace("\xa0", " ")
    assert "The result is known on 31 Mar 2024." in said
    assert "95 % interval" not in said.split("How to read this?")[0].split("What came back?")[0]


def test_a_log_of_offers_that_nobody_drew_shows_the_gap_before_and_no_effect() -> None:
    gap = {"gap": 120.0, "low": 100.0, "high": 140.0}
    row = {"offer": "13", "day": "2017-08-08", "treated": 900, "others": 1500, "before": gap, "after": gap}
    chosen = {"currency": "USD", "today": "2018-01-01", "verdict": "No effect is concluded.", "observed": [row]}
    html = render_measured({**chosen, "words": ["No effect is concluded.", "somebody chose"]})
    said = text(html).replace("\xa0", " ")
    assert "Those who got an offer differed from the others before they got it." in said
    assert "USD 120 100 to 140 USD 120 100 to 140" in said
    assert "Somebody chose." in said
    assert "Waves and groups" not in said


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
    assert render_plan(PLAN) == render_plan(dict(reversed(list(PLAN.items()))))
    assert render_measured(MEASURED) == render_measured(dict(reversed(list(MEASURED.items()))))
