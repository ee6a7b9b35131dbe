"""The naive rules, worked out by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from regulars.models.metrics import deviance
from regulars.models.naive import NaiveChurn, NaiveValue, usual_of, usual_spend

from ..simulated import purchases, trained, training_rows

FLOOR = 0.1


def test_silent_for_longer_than_the_days_means_gone_and_on_the_day_itself_not() -> None:
    # recency 40 at h = 40: the last purchase is the window's first day, so there was one in the last 40 days.
    rule = NaiveChurn(40.0, silent=0.9, active=0.1, horizon_days=40)
    assert rule.p_churn(np.array([1.0, 40.0, 41.0])).tolist() == [0.1, 0.1, 0.9]


def test_another_horizon_is_more_of_the_same_pace() -> None:
    # Two windows of silence in a row: .9 x .9 and .1 x .1.
    rule = NaiveChurn(40.0, silent=0.9, active=0.1, horizon_days=40)
    assert rule.p_churn(np.array([41.0, 1.0]), 80).tolist() == pytest.approx([0.81, 0.01])


def test_the_threshold_with_the_least_training_loss_speaks() -> None:
    # h = 40. Of 8 rows those silent for more than 10 days churn, and no other: h / 4 divides them without error.
    recency = np.array([1.0, 5, 9, 10, 11, 15, 30, 60])
    churned = np.array([0.0, 0, 0, 0, 1, 1, 1, 1])
    rule = NaiveChurn.fit(recency, churned, 40)
    # Both cells hold 4 rows and are shrunk by one row of each outcome: (4 + 1) / 6 and (0 + 1) / 6.
    assert rule == NaiveChurn(10.0, 5 / 6, 1 / 6, 40)


def test_half_the_horizon_speaks_when_it_divides_better() -> None:
    recency = np.array([1.0, 12, 15, 20, 21, 22, 30, 60])
    churned = np.array([0.0, 0, 0, 0, 1, 1, 1, 1])
    assert NaiveChurn.fit(recency, churned, 40).days == 20.0


def test_a_cell_that_nobody_is_in_says_one_half() -> None:
    # Nobody is silent for longer than 40, 20 or 10 days: (0 + 1) / (0 + 2).
    rule = NaiveChurn.fit(np.array([1.0, 2, 3]), np.array([0.0, 1, 1]), 40)
    assert rule.silent == 0.5
    assert rule.active == pytest.approx(3 / 5)


def test_trailing_spend_is_brought_to_the_training_total() -> None:
    # Trailing 30, 10, 0 and a return of -5 (counts 0): 40; spent afterwards 20: half of it.
    trailing, spend = np.array([30.0, 10, 0, -5]), np.array([14.0, 6, 0, 0])
    # The same for everyone is the worse rule: it says 5 for each.
    rule = NaiveValue.fit(trailing, np.full(4, 5.0), spend, FLOOR)
    assert rule == NaiveValue(usually=False, factor=0.5)
    assert rule.value(trailing, np.full(4, 5.0)).tolist() == [15.0, 5.0, 0.0, 0.0]


def test_usual_spend_speaks_when_trailing_spend_misleads() -> None:
    # Trailing spend is nothing for those who then spend, so its deviance is huge; usual spend is 10, 20 and 30, 60 in
    # all; spent 12: a fifth.
    trailing, usual, spend = np.array([0.0, 0, 40]), np.array([10.0, 20, 30]), np.array([2.0, 4, 6])
    rule = NaiveValue.fit(trailing, usual, spend, FLOOR)
    assert rule == NaiveValue(usually=True, factor=0.2)
    assert rule.value(trailing, usual).tolist() == pytest.approx([2.0, 4.0, 6.0])


def test_the_better_value_rule_is_the_one_of_less_training_deviance() -> None:
    rng = np.random.default_rng(0)
    trailing, usual, spend = rng.gamma(1, 30, 50), rng.gamma(1, 30, 50), rng.gamma(1, 20, 50)
    costs = {}
    for usually, found in ((False, trailing), (True, usual)):
        predicted = found * spend.sum() / found.sum()
        costs[usually] = deviance(spend, np.maximum(predicted, FLOOR)).mean()
    assert NaiveValue.fit(trailing, usual, spend, FLOOR).usually == (costs[True] < costs[False])


def test_nothing_spent_before_or_after_is_a_forecast_of_nothing() -> None:
    none = np.zeros(3)
    assert NaiveValue.fit(none, none, np.ones(3), FLOOR).value(np.ones(3), none).tolist() == [0.0] * 3
    assert NaiveValue.fit(np.ones(3), none, np.full(3, -2.0), FLOOR).factor == 0.0


def test_usual_spend_is_the_monthly_average_for_the_months_of_the_horizon_and_those_who_stay() -> None:
    # 90 in 90 days are 30 a month; over 60 days 60, of which those who stay, half, bring 30. Who came 3 days ago has
    # spent 90 in a month, not 90 in 3 days: 180, of which half.
    found = usual_spend(np.array([90.0, 90.0, -6.0]), np.array([90.0, 3.0, 30.0]), 60, np.full(3, 0.5))
    assert found.tolist() == [30.0, 90.0, -6.0]


def test_usual_spend_of_rows_is_that_of_what_was_known_before_the_cutoff() -> None:
    rows = training_rows(trained())
    rule = NaiveChurn(20.0, silent=0.75, active=0.25, horizon_days=rows.horizon_days)
    frame, cutoff = purchases(), rows.panel.cutoff_day[0]
    of = (rows.panel.customer_id == rows.panel.customer_id[0]) & (rows.panel.cutoff_day == cutoff)
    day = pd.to_datetime(frame["purchased_at"], format="ISO8601").to_numpy("datetime64[D]").astype(np.int64)
    known = frame[(frame["customer_id"] == rows.panel.customer_id[0]) & (day < cutoff)]
    bought = day[known.index][known["amount"] > 0]
    months = max((cutoff - bought.min()) / 30, 1)
    stays = 0.25 if cutoff - bought.max() > 20 else 0.75
    assert usual_of(rule, rows)[of].tolist() == pytest.approx([known["amount"].sum() / months * stays])
