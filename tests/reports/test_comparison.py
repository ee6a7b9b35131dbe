"""What the report says about rivals follows the figures and their intervals."""

from __future__ import annotations

from dataclasses import replace

from regulars.reports import ReportInput
from regulars.reports.about_comparison import comparison, verdict
from regulars.reports.comparison import VALUE_METRICS, best, best_classic, gain_over, gains, known_models
from regulars.reports.panels import Gain


def test_gain_whose_interval_holds_zero_is_not_called_better() -> None:
    assert verdict(Gain("x", 2.0, (-0.1, 4.0)), "x").startswith("not distinguishable from x")


def test_gain_below_zero_is_called_worse() -> None:
    assert verdict(Gain("x", -3.0, (-5.0, -1.0)), "x").startswith("3.0 % worse than x")


def test_gain_without_an_interval_says_so() -> None:
    assert verdict(Gain("x", 2.0, None), "x") == "2.0 % better than x (no interval)"


def test_rival_that_was_not_measured_is_not_compared() -> None:
    assert verdict(None, "x") == "not compared with x"


def test_best_bias_is_the_one_nearest_to_one() -> None:
    figures = {"a": {"bias": 1.3}, "b": {"bias": 0.8}, "c": {"bias": None}}
    assert best(figures, VALUE_METRICS[3], list(figures)) == "b"


def test_best_of_figures_that_are_all_missing_is_nobody() -> None:
    assert best({"a": {"bias": None}, "b": None}, VALUE_METRICS[3], ["a", "b"]) is None


def test_negative_deviance_can_be_the_best() -> None:
    assert best({"a": {"tweedie_deviance": -2.0}, "b": {"tweedie_deviance": 1.0}}, VALUE_METRICS[0], ["a", "b"]) == "a"


def test_better_classic_is_the_one_with_less_log_loss(report: ReportInput) -> None:
    assert best_classic(report) == "bg_nbd"  # .34 against .35


def test_better_classic_without_figures_is_still_named(report: ReportInput) -> None:
    assert best_classic(replace(report, backtest={})) == "bg_nbd"


def test_missing_gain_is_left_out(report: ReportInput) -> None:
    backtest = {"gain": {"churn": {"naive": {"log_loss_gain_percent": None, "ci": None}, "bg_nbd": None}}}
    assert gains(replace(report, backtest=backtest)) == []


def test_gain_is_found_by_its_rival(report: ReportInput) -> None:
    assert gain_over(report, "naive") == Gain("Simple rule", 20.0, (18.0, 22.0))


def test_product_comes_first_among_models() -> None:
    assert known_models({"zeta": 1, "naive": 1, "bg_nbd": 1, "regulars": 1}) == ["regulars", "bg_nbd", "naive", "zeta"]


def test_headline_quotes_the_interval_against_the_simple_rule(report: ReportInput) -> None:
    headline = comparison(report).headline.replace("\u00a0", " ")
    assert headline == "The churn forecast is 20.0 % better than a simple rule (90 % interval 18.0 to 22.0 %)."


def test_tables_show_every_model_pooled_and_at_each_check(report: ReportInput) -> None:
    pooled, by_check, *_ = comparison(report).tables
    assert pooled.rows[0][0].text == "Regulars"
    assert len(pooled.rows) == 5
    assert len(by_check.rows) == 15
