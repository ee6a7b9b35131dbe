"""One customer explained: the scores' own numbers, the past by hand, who is refused, and nobody else is named."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from functools import cache
from pathlib import Path

import pandas as pd
import pytest

import regulars
from regulars.engines import panel_of, reference_of
from regulars.errors import ConfigError
from regulars.features.family import plan_for
from regulars.intake.keys import key_of
from regulars.models.model import Model
from regulars.models.reasons import reasons_of
from regulars.pipelines.explain import _names, explain
from regulars.pipelines.score import score
from regulars.reports.explanation import NOT_CAUSES, Explanation

from ..simulated import PLANTED, config_of, purchases, shop, trained

WHO = f"{PLANTED}00005"


@cache
def speaking() -> Model:
    """The trained model, speaking for itself whatever its grade."""
    return replace(trained().model, speaker="regulars")


@cache
def found() -> Explanation:
    return explain(shop(), speaking(), WHO, currency="USD")


def others_in(text: str) -> list[str]:
    ids = set(purchases()["customer_id"]) - {WHO}
    return [name for name in sorted(ids) if name in text]


def test_the_numbers_are_those_of_the_scores_and_the_parts_lead_from_the_usual_customer_to_them() -> None:
    scores = score(shop(), speaking())
    (row,) = scores[scores["customer_id"] == WHO].to_dict("records")
    for name in ("p_churn", "expected_orders", "expected_spend", "recency_days", "last_purchase"):
        assert found().scores[name] == row[name]
    assert found().p_churn == pytest.approx(row["p_churn"], abs=1e-6)
    steps, base = found().steps(), 1 / (1 + math.exp(-found().reasons.base))
    assert base + math.fsum(s.moved for s in steps) == pytest.approx(found().p_churn, abs=1e-12)
    assert steps[-1].reached == pytest.approx(found().p_churn, abs=1e-12)


def test_the_reasons_are_those_of_the_whole_population_at_once() -> None:
    model, ledger = speaking(), shop()
    plan = plan_for(model.shape)
    panel = panel_of(ledger, plan, reference_of(ledger, [ledger.ends], plan), [ledger.ends], (), 1, None, model.days)
    lines = dict(zip(panel.customer_id.tolist(), reasons_of(model, model.sample_of(panel), "USD"), strict=True))
    assert found().reasons.line() == lines[WHO]


def test_the_past_is_told_in_three_lines() -> None:
    frame = purchases()
    own = frame[frame["customer_id"] == WHO].assign(day=lambda f: f["purchased_at"].str[:10])
    sold = own[own["amount"] > 0]
    first, last, n = sold["day"].min(), sold["day"].max(), sold["order_id"].nunique()
    days = sold["day"].nunique()
    gap = (pd.Timestamp(last) - pd.Timestamp(first)).days / (days - 1)
    ends = pd.Timestamp(str(shop().ends))
    silent, recent = (ends - pd.Timestamp(last)).days, own[pd.to_datetime(own["day"]) >= ends - pd.Timedelta(days=30)]
    assert found().past == (
        f"First bought on {first}, last on {last}, {silent} days before {shop().ends}.",
        f"{n} purchases on {days} days, every {gap:.1f} days on average, USD {own['amount'].sum():,.0f} in all, "
        "less returns.",
        f"USD {recent['amount'].sum():.2f} of it in the last 30 days.",
    )


def test_as_of_a_day_only_what_was_before_it_is_told() -> None:
    frame = purchases()
    first = frame[(frame["customer_id"] == WHO) & (frame["amount"] > 0)]["purchased_at"].min()[:10]
    day = str((pd.Timestamp(first) + pd.Timedelta(days=1)).date())
    early = explain(shop(), speaking(), WHO, day)
    assert early.past[0] == f"First bought on {first}, last on {first}, 1 day before {day}."
    assert early.past[1].startswith("1 purchase on 1 day, ")
    assert "how long this customer usually waits: there is one purchase day only" in early.unknown
    assert f"what a model of that day would say: this one was trained on {speaking().trained_on}" in early.unknown


def test_what_nobody_can_know_is_said() -> None:
    assert f"what happened before {shop().history_starts}, where the purchases begin" in found().unknown
    said = "what they do beside buying, who they are, what they were offered: there is no such table"
    assert said in found().unknown


def test_the_text_the_page_and_the_figures_say_the_same_and_name_nobody_else() -> None:
    text, page = str(found()), found()._repr_html_()
    figures = json.dumps(found().figures(), allow_nan=False)
    for reason in (*found().reasons.raising(), *found().reasons.lowering()):
        assert reason.words in text
        assert reason.words in figures
    assert NOT_CAUSES in text
    assert NOT_CAUSES in page
    for said in (text, page, figures):
        assert WHO in said
        assert others_in(said) == []
        assert "nan" not in said
    assert text.isascii()
    assert json.loads(figures)["logit"]["shown"] == found().reasons.logit


def test_a_name_that_looks_like_markup_is_only_text() -> None:
    odd = replace(found(), customer="<script>\x1b[2J")
    assert "<script>" not in odd._repr_html_()
    assert "\x1b" not in str(odd)


def test_a_score_that_is_missing_is_left_out() -> None:
    bare = replace(found(), scores={"expected_orders": None, "expected_spend": math.nan, "late": False})
    assert [what for what, _ in bare.said()] == ["chance of no purchase in 30 days"]
    whole = replace(
        found(),
        scores={
            "expected_orders": 1.24,
            "expected_spend": 33.0,
            "spend_low": 0.0,
            "spend_high": 90.5,
            "lifetime_value": 250.0,
            "next_order_from": "2024-03-01",
            "next_order_until": "2024-03-20",
            "usual_gap_days": 17.0,
            "late": True,
            "segment": "high value, at risk",
        },
    )
    assert list(whole.said())[1:] == [
        ("purchases expected in 30 days", "1.24"),
        ("spend expected in 30 days", "USD 33.00"),
        ("8 of 10 such customers spend", "USD 0 to USD 90.50"),
        ("lifetime value", "USD 250"),
        ("next purchase expected", "2024-03-01 to 2024-03-20"),
        ("usual pause, the median", "17 days, late now"),
        ("segment", "high value, at risk"),
    ]


def test_who_is_not_known_is_refused_without_a_name() -> None:
    for name in (f"{PLANTED}99999", "a", "\uffff", WHO.upper(), WHO[:-1]):
        with pytest.raises(ConfigError, match="RG291: no customer is called") as refused:
            explain(shop(), speaking(), name)
        assert PLANTED not in str(refused.value)


def test_who_had_not_bought_before_the_day_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"RG292: customer .* had not bought anything before 2023-01-04"):
        explain(shop(), speaking(), WHO, "2023-01-04")


def test_who_is_silent_for_too_long_to_have_a_score_is_refused() -> None:
    strict = replace(speaking(), active_within_days=1)
    with pytest.raises(ConfigError, match=r"RG293: customer .* has no score: the last purchase was 3 days before"):
        explain(shop(), strict, WHO)


def test_a_customer_is_looked_for_by_the_id_of_the_source_and_by_the_pseudonym(tmp_path: Path) -> None:
    plain = config_of().model_copy(update={"folder": tmp_path})
    assert _names(plain, f" {WHO}\u00a0") == (WHO,)
    private = config_of(privacy={"pseudonyms": True}).model_copy(update={"folder": tmp_path})
    pseudonym = key_of(private).pseudonyms()(WHO)
    assert _names(private, WHO) == (pseudonym, WHO)
    # As a file of scores has it.
    assert pseudonym in _names(private, pseudonym)
    with pytest.raises(ConfigError, match="RG290"):
        _names(plain, "  ")


def test_it_is_public() -> None:
    assert regulars.explain is explain
