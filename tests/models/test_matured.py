"""Matured scores: figures of runs by hand, months that are no surer than their runs, promises of a backtest."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from regulars.models import matured
from regulars.models.matured import ROW, Told, by_month, outcome, promised, table

TOLD = Told("2024-02-26-v7-0a1b2c3d", "2024-02-26", "2024-03-27", "7", "run7", 30)


def rows(n: int = 400, seed: int = 0) -> pd.DataFrame:
    """Scores that are right: who falls silent does so with the chance told; who buys spends a gamma."""
    rng = np.random.default_rng(seed)
    p = rng.uniform(0.05, 0.95, n)
    churned = (rng.random(n) < p).astype(float)
    came = np.where(churned == 1, 0.0, rng.gamma(2.0, 20.0, n))
    return pd.DataFrame(
        {
            "customer_id": [f"c{i:05d}" for i in range(n)],
            "p_churn": p,
            "expected_spend": (1 - p) * 40,
            "spend_low": 0.0,
            "spend_high": 90.0,
            "recency_days": rng.integers(1, 100, n),
            "model": "regulars",
            "value_model": "naive",
            "churned": churned,
            "came": came,
            "trailing": rng.gamma(2.0, 20.0, n),
        }
    )


def test_the_figures_of_four_customers_are_those_by_hand() -> None:
    frame = pd.DataFrame(
        {
            "customer_id": list("abcd"),
            "p_churn": [0.9, 0.6, 0.4, 0.1],
            "expected_spend": [1.0, 4.0, 6.0, 9.0],
            "spend_low": [0.0, 0.0, 0.0, 12.0],
            "spend_high": [2.0, 8.0, 8.0, 20.0],
            "recency_days": [9, 3, 8, 1],
            "model": "regulars",
            "value_model": "naive",
            "churned": [1.0, 1.0, 0.0, 0.0],
            "came": [0.0, 0.0, 30.0, 10.0],
            "trailing": [5.0, 0.0, 0.0, 7.0],
        }
    )
    found: Any = outcome(TOLD, frame, forgotten=2)
    assert tuple(found) == ROW
    assert (found["n"], found["forgotten"], found["speaker"], found["value_speaker"]) == (4, 2, "regulars", "naive")
    assert found["month"] == "2024-02"
    assert (found["churned"], found["told"]) == (0.5, 0.5)
    assert found["auc"] == 1.0  # both who fell silent had the higher chances
    assert found["naive_auc"] == 0.75  # silent for 9 and 3 days against 8 and 1: three of four pairs are right
    assert found["gap"] == pytest.approx(0.0, abs=1e-12)
    assert (found["spent"], found["expected"]) == (40.0, 20.0)
    assert found["bias"] == 0.5
    assert found["top_spent"] == 10.0  # one of four, the one of whom most was expected
    assert found["top_share"] == 0.25
    assert found["coverage"] == 0.5  # a and b are inside, c lies above, d below


def test_right_scores_have_intervals_around_the_truth() -> None:
    found: Any = outcome(TOLD, rows(2000), 0)
    assert found["gap_low"] < 0 < found["gap_high"]
    assert found["bias_low"] < 1 < found["bias_high"]
    assert found["auc_low"] < found["auc"] < found["auc_high"]
    assert found["auc_gain_low"] > 0  # days since the last purchase say nothing here
    assert found["ece"] < 0.04


def test_the_order_of_rows_changes_nothing() -> None:
    frame = rows()
    shuffled = frame.sample(frac=1.0, random_state=3)
    assert outcome(TOLD, frame, 0) == outcome(TOLD, shuffled, 0)


def test_nobody_left_in_the_ledger_is_a_row_without_figures() -> None:
    found = outcome(TOLD, rows(4)[:0], forgotten=4)
    assert (found["n"], found["forgotten"], found["auc"]) == (0, 4, None)
    frame = table([found])
    assert frame["auc"].isna().all()
    assert by_month(frame)["auc"].isna().all()


def test_one_outcome_alone_has_no_ranking_and_nothing_spent_has_no_bias() -> None:
    frame = rows(100).assign(churned=1.0, came=0.0)
    found = outcome(TOLD, frame, 0)
    assert found["auc"] is None
    assert found["bias"] is None
    assert found["gini"] is None
    assert found["log_loss"] is not None


def test_many_customers_are_resampled_by_some_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = rows(3000)
    whole: Any = outcome(TOLD, frame, 0)
    monkeypatch.setattr(matured, "RESAMPLED", 750)
    thin: Any = outcome(TOLD, frame, 0)
    assert thin["auc"] == whole["auc"]
    # A quarter of the customers: an interval about twice as wide.
    ratio = (thin["auc_high"] - thin["auc_low"]) / (whole["auc_high"] - whole["auc_low"])
    assert 1.6 < ratio < 2.5
    assert thin["auc_low"] < thin["auc"] < thin["auc_high"]


def test_a_month_of_four_runs_of_the_same_customers_is_no_surer_than_one() -> None:
    one = outcome(TOLD, rows(), 0)
    weeks = [{**one, "run": f"r{k}", "as_of": f"2024-02-{1 + 7 * k:02d}"} for k in range(4)]
    (month,) = by_month(table(weeks)).to_dict("records")
    (alone,) = by_month(table([one])).to_dict("records")
    assert (month["runs"], month["n"], month["first"], month["last"]) == (4, 400, "2024-02-01", "2024-02-22")
    for name in ("auc", "gap", "bias"):
        for end in ("", "_low", "_high"):
            assert month[name + end] == pytest.approx(alone[name + end])
    assert month["spent"] == pytest.approx(4 * alone["spent"])


def test_months_and_versions_are_rows_of_their_own_and_weigh_by_customers() -> None:
    few, many = outcome(TOLD, rows(100), 0), outcome(replace(TOLD, run="other"), rows(300, seed=1), 0)
    next_month = outcome(replace(TOLD, run="x", as_of="2024-03-04"), rows(100), 0)
    other = outcome(replace(TOLD, run="y", version="8", run_id="run8"), rows(100), 0)
    found = by_month(table([next_month, other, few, many]))
    assert found[["month", "version"]].to_numpy().tolist() == [["2024-02", "7"], ["2024-02", "8"], ["2024-03", "7"]]
    a, b = (float(str(part["auc"])) for part in (few, many))
    assert found["auc"].iloc[0] == pytest.approx((100 * a + 300 * b) / 400)


def test_a_promise_reaches_as_far_as_its_interval_and_its_single_days() -> None:
    card = {"auc": 0.8, "log_loss": 0.5, "ece": 0.02, "ci": {"auc": [0.78, 0.82], "log_loss": None}}
    money = {"gini": 0.6, "tweedie_deviance": None, "bias": 1.1, "top_decile_capture": 0.4, "ci": {"gini": [0.5, 0.7]}}
    pooled = {"churn": {"bg_nbd": card}, "value": {"regulars": money}, "base_rate": 0.4, "intervals": None}
    day = {"churn": {"bg_nbd": {"auc": 0.74}}, "value": {"regulars": {"gini": 0.65}}, "base_rate": 0.55}
    found = promised({"pooled": pooled, "origins": [day]}, "bg_nbd", "regulars")
    assert (found["auc"].value, found["auc"].low, found["auc"].high) == (0.8, 0.74, 0.82)
    assert (found["gini"].low, found["gini"].high) == (0.5, 0.7)
    assert (found["churned"].low, found["churned"].high) == (0.4, 0.55)
    assert found["tweedie_deviance"].value is None
    assert found["coverage"].value is None
