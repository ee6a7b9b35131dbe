"""The model card: what is known of a model stands in it, what nobody told is said so, and nobody is named."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from regulars.features.modules import Source
from regulars.models.bundle import card_in, save
from regulars.models.card import FACTS, INTENDED, NOT_FOR, card_of, card_text
from regulars.pipelines.register import card_for

from ..simulated import PLANTED, config_of, purchases, shop, trained


@pytest.fixture(scope="module")
def card() -> dict[str, Any]:
    return card_for(shop(), config_of(), trained())


def test_the_card_tells_the_data_the_model_learnt_from(card: dict[str, Any]) -> None:
    lines = purchases()
    assert list(card["data"]) == list(FACTS)
    assert card["data"]["first_day"] == "2023-01-02"
    assert card["data"]["lines"] == len(lines)
    assert card["data"]["customers"] == lines["customer_id"].nunique()
    assert card["data"]["fingerprint"] == shop().manifest.fingerprint
    assert card["trained_on"] == str(shop().ends)


def test_the_figures_are_those_of_whoever_speaks(card: dict[str, Any]) -> None:
    pooled, found = trained().backtest.figures["pooled"], card["out_of_time"]
    # Of the shop's customers, who do what Pareto/NBD says, the classical model speaks.
    assert card["speaks"] == {"churn": "pareto_nbd", "value": "pareto_nbd"}
    assert found["churn"]["log_loss"] == pooled["churn"]["pareto_nbd"]["log_loss"]
    assert found["churn"]["ci"] == pooled["churn"]["pareto_nbd"]["ci"]
    assert found["value"]["gini"] == pooled["value"]["pareto_nbd"]["gini"]
    assert found["money"]["gain"] == pooled["money"]["pareto_nbd"]["gain"]
    assert (found["customers"], len(found["days"])) == (pooled["n"], 1)
    assert {kind: grade["grade"] for kind, grade in card["grade"].items()} == {"churn": "C", "value": "C"}


def test_money_is_judged_by_the_learnt_model_where_two_speak() -> None:
    model = replace(trained().model, speaker="regulars")
    found = card_of(model, trained().backtest.figures)["out_of_time"]
    assert (found["churn"]["by"], found["value"]["by"], found["money"]["by"]) == ("regulars", "pareto_nbd", "regulars")


def test_limits_features_and_purpose_are_said(card: dict[str, Any]) -> None:
    assert set(trained().notes) <= set(card["limits"])
    assert "it knows nothing of what happened before 2023-01-02" in card["limits"]
    assert sum(card["features"].values()) == len(trained().prepared.plan.names)
    assert (card["intended_use"], card["not_for"]) == (list(INTENDED), list(NOT_FOR))
    model = replace(trained().model, active_within_days=200, trust={}, modules=(Source("mine.py", "x = 1"),))
    limits = card_of(model)["limits"]
    assert "customers silent for more than 200 days get no score" in limits
    assert "some features are the user's own: mine.py" in limits
    assert any("no intervals" in limit for limit in limits)


def test_sensitive_columns_are_named_as_no_features() -> None:
    assert "None was declared." in card_text(card_of(trained().model))
    text = card_text(card_of(trained().model, facts={"sensitive": ["gender", "age"], "fairness": {"gender": "0.98"}}))
    assert "Declared sensitive, and never a feature: gender, age. - gender: 0.98" in text


def test_a_model_of_which_nobody_told_has_a_card_that_says_so() -> None:
    text = card_text(card_of(trained().model))
    assert "## Data\n\nnot told" in text
    assert "## How good it was on later time\n\nnot examined" in text
    assert "| of |" not in text


def test_the_text_says_what_the_plain_values_say(card: dict[str, Any]) -> None:
    text = card_text(card)
    loss, (low, high) = card["out_of_time"]["churn"]["log_loss"], card["out_of_time"]["churn"]["ci"]["log_loss"]
    assert f"| churn | log loss | {loss:.4g} | {low:.4g} to {high:.4g} |" in text
    assert "Of churn speaks Pareto/NBD." in text
    assert all(f"- {limit}" in text for limit in card["limits"])


def test_the_card_travels_in_the_bundle_and_names_nobody(card: dict[str, Any], tmp_path: Path) -> None:
    save(trained().model, tmp_path, card)
    assert card_in(tmp_path) == json.loads(json.dumps(card))
    assert (tmp_path / "card.md").read_text(encoding="utf-8") == card_text(card)
    assert PLANTED not in json.dumps(card)
