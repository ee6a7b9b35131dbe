"""Alerts: each rule fires on what it is about and on nothing else; a season is told apart from a model that aged."""

from __future__ import annotations

from typing import Any

import pytest

from regulars.clock import Cutoff
from regulars.models.alerts import (
    Alert,
    Freshness,
    drift_alerts,
    freshness_alerts,
    outcome_alerts,
    verdict,
)
from regulars.models.drift import Apart, Drift, Moved
from regulars.models.matured import Promise
from regulars.production_sections import MonitorConfig

LIMITS = MonitorConfig()
PROMISE = {"auc": Promise(0.85, 0.82, 0.88), "gini": Promise(0.6, 0.5, 0.7)}


def month(**changes: Any) -> dict[str, Any]:
    """A month in which everything came as told."""
    found: dict[str, Any] = {
        "month": "2024-02", "version": "7", "n": 1000, "churned": 0.4, "told": 0.4, "spent": 4000.0,
        "expected": 4000.0, "ece": 0.02, "ece_low": None, "ece_high": None, "naive_auc": 0.7,
        "year_ago": None, "before": 5000.0,
    }  # fmt: skip
    for name, value in {"auc": 0.85, "gini": 0.6, "gap": 0.0, "bias": 1.0, "coverage": 0.8, "auc_gain": 0.1}.items():
        found |= {name: value, f"{name}_low": value - 0.02, f"{name}_high": value + 0.02}
    return found | changes


def rules(found: list[Alert]) -> list[tuple[str, str]]:
    return [(alert.rule, alert.severity) for alert in found]


def outcomes(**changes: Any) -> list[Alert]:
    return list(outcome_alerts(month(**changes), PROMISE, LIMITS))


def test_what_came_as_told_raises_nothing() -> None:
    assert outcomes() == []


def test_an_order_that_is_surely_worse_than_promised_asks_for_a_training() -> None:
    # Promised at least 0.82, tolerated 0.02 less: 0.80 is the bound for the upper end.
    assert outcomes(auc=0.78, auc_low=0.76, auc_high=0.801) == []
    (alert,) = outcomes(auc=0.77, auc_low=0.75, auc_high=0.79)
    assert (alert.rule, alert.severity, alert.retrain) == ("ranking", "alert", True)
    assert "AUC 0.770 (0.750 to 0.790), promised 0.850 (0.820 to 0.880)" in alert.words
    assert verdict([alert]).state == "retrain"


def test_the_order_of_spend_is_judged_likewise() -> None:
    assert rules(outcomes(gini=0.4, gini_low=0.35, gini_high=0.45)) == [("value_ranking", "alert")]


def test_a_model_that_recency_alone_would_beat_is_told() -> None:
    (alert,) = outcomes(auc=0.83, naive_auc=0.86, auc_gain=-0.03, auc_gain_low=-0.04, auc_gain_high=-0.02)
    assert alert.rule == "worse_than_naive"
    assert "AUC 0.860 against 0.830" in alert.words


def test_a_level_that_is_off_while_the_order_holds_is_no_ageing() -> None:
    # Fewer fell silent than told, by 15 points give or take 2: surely more than the 10 allowed.
    changes = {"churned": 0.25, "gap": -0.15, "gap_low": -0.17, "gap_high": -0.13}
    (alert,) = outcomes(**changes)
    assert (alert.rule, alert.severity, alert.retrain) == ("level", "alert", False)
    assert "a season, or the market: the data do not reach back a year" in alert.words
    found = verdict([alert])
    assert found.state == "watch"
    assert "no ageing of the model" in found.words


@pytest.mark.parametrize(
    ("year_ago", "said", "state"),
    [
        (0.27, "a season: in the same days of the year before 27% did", "watch"),
        (0.42, "not a season of every year: in the same days of the year before 42% did", "retrain"),
    ],
)
def test_the_year_before_tells_a_season_from_a_change(year_ago: float, said: str, state: str) -> None:
    changes = {"churned": 0.25, "gap": -0.15, "gap_low": -0.17, "gap_high": -0.13}
    (alert,) = outcomes(**changes, year_ago={"churned": year_ago})
    assert said in alert.words
    assert verdict([alert]).state == state


def test_money_of_a_season_is_told_by_its_growth_over_the_days_before() -> None:
    # 5,000 had been spent before; 4,000 were told, which is 0.8 times as much, and 8,000 came: 1.6 times.
    changes = {"spent": 8000.0, "bias": 0.5, "bias_low": 0.4, "bias_high": 0.6}
    (season,) = outcomes(**changes, year_ago={"churned": 0.4, "growth": 1.5})
    assert (season.rule, season.retrain) == ("bias", False)
    assert "a season: in the same days of the year before 1.50 times as much as before them was" in season.words
    (change,) = outcomes(**changes, year_ago={"churned": 0.4, "growth": 0.9})
    assert change.retrain


def test_a_level_that_is_half_as_far_off_is_watched() -> None:
    assert rules(outcomes(churned=0.47, gap=0.07, gap_low=0.06, gap_high=0.08)) == [("level", "watch")]
    assert outcomes(churned=0.47, gap=0.07, gap_low=0.04, gap_high=0.10) == []  # it may be 0.04 only


def test_money_is_judged_by_its_nearer_end() -> None:
    assert rules(outcomes(bias=1.5, bias_low=1.35, bias_high=1.65)) == [("bias", "alert")]
    assert rules(outcomes(bias=1.25, bias_low=1.2, bias_high=1.3)) == [("bias", "watch")]
    # Half as much as came: log(1 / 0.6) = 0.51 is more than log(1.3) = 0.26.
    assert rules(outcomes(bias=0.5, bias_low=0.4, bias_high=0.6)) == [("bias", "alert")]
    assert outcomes(bias=float("nan")) == []


def test_chances_of_the_wrong_shape_and_narrow_intervals_are_watched() -> None:
    # Of 1,000 customers chance alone makes at most sqrt(2 / pi * .25 * 10 / 1000) = .04 of the error.
    assert outcomes(ece=0.08) == []
    assert rules(outcomes(ece=0.1)) == [("calibration", "watch")]
    assert rules(outcomes(coverage=0.66, coverage_high=0.69)) == [("coverage", "watch")]


def test_few_customers_raise_nothing() -> None:
    assert outcomes(n=199, auc=0.5, auc_high=0.55) == []


def test_without_a_promise_the_order_is_not_judged() -> None:
    assert list(outcome_alerts(month(auc=0.5, auc_high=0.55), {}, LIMITS)) == []


def day(text: str) -> Cutoff:
    return Cutoff.parse(text)


def test_what_is_fresh_raises_nothing_and_what_is_old_says_how_old() -> None:
    fresh = Freshness(day("2024-03-10"), day("2024-03-10"), day("2024-03-09"), day("2024-03-01"))
    assert list(freshness_alerts(fresh, LIMITS)) == []
    old = Freshness(day("2024-09-10"), day("2024-09-01"), day("2024-09-01"), day("2024-03-01"))
    found = list(freshness_alerts(old, LIMITS))
    assert rules(found) == [("data_old", "alert"), ("scores_old", "alert"), ("model_old", "watch")]
    # The ledger ends before 1 September: its last day is 31 August; nine days are one more than allowed.
    assert found[0].words == "the last purchase is of 2024-08-31, 9 days before 2024-09-10"
    assert verdict(found).state == "retrain"
    assert verdict(found).reasons == ("model_old",)


def test_never_scored_is_an_alert_of_its_own() -> None:
    fresh = Freshness(day("2024-03-10"), day("2024-03-10"), None, None)
    assert rules(list(freshness_alerts(fresh, LIMITS))) == [("no_scores", "alert")]


def moved(name: str, size: str = "major", gain: float | None = 0.1, gone: float = 0.0, psi: float = 0.4) -> Moved:
    return Moved(name, name, psi, 0.05, None, gain, 0.6, 0.0, gone, size)


def drift(*features: Moved, predictions: tuple[Moved, ...] = (), **more: Any) -> list[Alert]:
    return list(drift_alerts(Drift(features, predictions, more.get("apart"), more.get("new_values", {})), LIMITS))


def test_a_feature_or_two_are_watched_and_many_that_the_model_leans_on_are_an_alert() -> None:
    assert drift(moved("a", "none")) == []
    assert rules(drift(moved("a"))) == [("drift_features", "watch")]
    (alert,) = drift(moved("a"), moved("b"))
    assert (alert.severity, alert.retrain) == ("alert", True)
    assert alert.figures == {"features": ["a", "b"], "gain_share": 0.2}


def test_what_was_not_delivered_is_no_reason_to_train() -> None:
    (alert,) = drift(moved("a", gone=0.5))
    assert (alert.rule, alert.severity, alert.retrain) == ("features_lost", "alert", False)


def test_predictions_that_moved_are_an_alert() -> None:
    assert rules(drift(predictions=(moved("p_churn"),))) == [("drift_predictions", "alert")]
    assert drift(predictions=(moved("p_churn", "none"),)) == []


def test_two_worlds_and_new_values_have_two_bounds() -> None:
    apart = Apart(0.8, 0.78, 0.82, 500, 500, 9, ("a",))
    assert rules(drift(apart=apart)) == [("drift_apart", "alert")]
    assert rules(drift(apart=Apart(0.66, 0.64, 0.68, 500, 500, 9, ("a",)))) == [("drift_apart", "watch")]
    assert drift(apart=Apart(0.6, 0.58, 0.62, 500, 500, 9, ("a",))) == []
    values = {"category": {"values": ["wine"], "n": 1, "share": 0.3}}
    (alert,) = drift(new_values=values)
    assert alert.words == "30% of what is known of `category` has values never learnt, such as `wine`"
    assert rules(drift(new_values={"category": {**values["category"], "share": 0.1}})) == [("new_values", "watch")]
    assert drift(new_values={"category": {**values["category"], "share": 0.01}}) == []
