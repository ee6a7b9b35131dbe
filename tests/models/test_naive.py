"""The naive rules, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from regulars.models.metrics import deviance
from regulars.models.naive import NaiveChurn, NaiveValue

FLOOR = 0.1


def test_silent_for_longer_than_the_days_means_gone_and_on_the_day_itself_not() -> None:
    # recency 40 at h = 40: the last purchase is the window's first day, so there was one in the last 40 days.
    rule = NaiveChurn(40.0, silent=0.9, active=0.1)
    assert rule.p_churn(np.array([1.0, 40.0, 41.0])).tolist() == [0.1, 0.1, 0.9]


def test_the_threshold_with_the_least_training_loss_speaks() -> None:
    # h = 40. Of 8 rows those silent for more than 10 days churn, and no other: h / 4 divides them without error.
    recency = np.array([1.0, 5, 9, 10, 11, 15, 30, 60])
    churned = np.array([0.0, 0, 0, 0, 1, 1, 1, 1])
    rule = NaiveChurn.fit(recency, churned, 40)
    # Both cells hold 4 rows and are shrunk by one row of each outcome: (4 + 1) / 6 and (0 + 1) / 6.
    assert rule == NaiveChurn(10.0, 5 / 6, 1 / 6)


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
    # The same for everyone per day is the worse rule: it says 5 for each.
    rule = NaiveValue.fit(trailing, np.full(4, 0.1), spend, 50, FLOOR)
    assert rule == NaiveValue(monthly=False, factor=0.5)
    assert rule.value(trailing, np.full(4, 0.1), 50).tolist() == [15.0, 5.0, 0.0, 0.0]


def test_spend_per_day_speaks_when_trailing_spend_misleads() -> None:
    # Trailing spend is nothing for those who then spend, so its deviance is huge; per day 1, 2, 3 over 10 days is
    # 60 in all; spent 12: a fifth.
    trailing, per_day, spend = np.array([0.0, 0, 40]), np.array([1.0, 2, 3]), np.array([2.0, 4, 6])
    rule = NaiveValue.fit(trailing, per_day, spend, 10, FLOOR)
    assert rule == NaiveValue(monthly=True, factor=0.2)
    assert rule.value(trailing, per_day, 10).tolist() == pytest.approx([2.0, 4.0, 6.0])


def test_the_better_value_rule_is_the_one_of_less_training_deviance() -> None:
    rng = np.random.default_rng(0)
    trailing, per_day, spend = rng.gamma(1, 30, 50), rng.gamma(1, 1, 50), rng.gamma(1, 20, 50)
    costs = {}
    for monthly, found in ((False, trailing), (True, per_day * 30)):
        predicted = found * spend.sum() / found.sum()
        costs[monthly] = deviance(spend, np.maximum(predicted, FLOOR)).mean()
    assert NaiveValue.fit(trailing, per_day, spend, 30, FLOOR).monthly == (costs[True] < costs[False])


def test_nothing_spent_before_or_after_is_a_forecast_of_nothing() -> None:
    none = np.zeros(3)
    assert NaiveValue.fit(none, none, np.ones(3), 30, FLOOR).value(np.ones(3), none, 30).tolist() == [0.0] * 3
    assert NaiveValue.fit(np.ones(3), none, np.full(3, -2.0), 30, FLOOR).factor == 0.0
