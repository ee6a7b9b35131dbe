"""Two models on the same rows: gains by hand, who has no partner, and when one is shown to be worse."""

from __future__ import annotations

from collections.abc import Callable
from math import log

import numpy as np
import pandas as pd
import pytest

from regulars.models.budget import Budget
from regulars.models.paired import SAME, Comparison, Paired, said

N = 100


def frame(
    p: Callable[[int], float], spend: Callable[[int], float], n: int = N, cutoff: str = "2024-01-01"
) -> pd.DataFrame:
    """Customers of whom every second one churns; the others spend 4; 10 is at stake with each."""
    churned = [float(i % 2) for i in range(n)]
    return pd.DataFrame(
        {
            "cutoff": cutoff,
            "customer_id": [f"c{i:04d}" for i in range(n)],
            "churned": churned,
            "spend": [4.0 * (1 - gone) for gone in churned],
            "at_stake": 10.0,
            "p_churn": [p(i % 2) for i in range(n)],
            "expected_spend": [spend(i % 2) for i in range(n)],
        }
    )


def sharp(n: int = N) -> pd.DataFrame:
    return frame(lambda gone: 0.8 if gone else 0.2, lambda gone: 0.0 if gone else 4.0, n)


def dull(n: int = N) -> pd.DataFrame:
    return frame(lambda _: 0.5, lambda _: 1.0, n)


def compared(ours: pd.DataFrame, theirs: pd.DataFrame, share: float = 0.1) -> Comparison:
    return Comparison.of(Paired.of(ours, theirs), Budget(share=share, save_rate=0.1), 0)


def test_the_gain_in_log_loss_is_the_share_of_it_that_is_gone() -> None:
    found = compared(sharp(), dull()).churn
    assert found is not None
    # Everybody's loss is -log(.8) instead of log(2), so that whoever is drawn the gain is the same.
    assert found.percent == pytest.approx(100 * (1 + log(0.8) / log(2)))
    assert found.ci == pytest.approx((found.percent, found.percent))


def test_the_gain_in_deviance_counts_what_is_expected_of_those_who_spend_nothing() -> None:
    found = compared(sharp(), dull())
    # Expected 1: deviance 4 of whoever spends 4, and 4 sqrt(1) of whoever spends nothing. Expected 4 and 0: 0 of the
    # one; of the other 4 sqrt(.02), as a hundredth of the mean of 2 is the least that counts.
    assert found.losses["deviance"] == pytest.approx({"ours": 0.5 * 4 * 0.02**0.5, "theirs": 4.0})
    assert found.value is not None
    assert found.value.percent == pytest.approx(100 * (1 - 0.5 * 0.02**0.5))


def test_the_money_is_what_either_list_of_contacts_would_have_brought() -> None:
    money = compared(sharp(), dull()).money
    assert money is not None
    # Ten contacts. Ours are all with churners, of whose 10 a tenth is saved; of theirs, the first ten, five are.
    assert (money["ours"]["gain"], money["theirs"]["gain"], money["more"]) == pytest.approx((10.0, 5.0, 5.0))


def test_each_cutoff_has_a_budget_of_its_own() -> None:
    later = [one.assign(cutoff="2024-02-01") for one in (sharp(), dull())]
    found = compared(pd.concat([sharp(), later[0]]), pd.concat([dull(), later[1]]))
    assert found.money is not None
    assert found.money["ours"]["contacted"] == 20.0
    assert (found.rows, found.customers, found.cutoffs) == (2 * N, N, ("2024-01-01", "2024-02-01"))


def test_a_model_beside_itself_is_the_same_to_the_last_digit() -> None:
    found = compared(sharp(), sharp())
    assert all(SAME in words for words in found.words)
    assert len(found.words) == 3
    assert found.worse(0.0) == ()


def test_whoever_is_surely_worse_is_worse_in_all_three() -> None:
    found = compared(dull(), sharp(), share=0.3).worse(1.0)
    assert len(found) == 3
    assert "log loss" in found[0]
    assert "larger" in found[0]
    assert "deviance" in found[1]
    assert "less" in found[2]


def test_a_point_beyond_the_tolerance_is_too_much_even_where_nothing_is_shown() -> None:
    # Two of a hundred are told wrongly for once: the interval spans 0 by far.
    worse = sharp()
    worse.loc[[0, 1], "p_churn"] = [0.5, 0.5]
    found = compared(worse, sharp())
    assert found.churn is not None
    assert found.churn.ci is not None
    # (2 log 2 + 98 x .22314) over 100 x .22314 is 4.2 % more.
    assert found.churn.percent == pytest.approx(-100 * (2 * log(2) / -log(0.8) - 2) / 100)
    assert found.churn.ci[1] > 0
    assert len(found.worse(0.04)) == 1
    assert "4 % are tolerated" in found.worse(0.04)[0]
    assert found.worse(0.05) == ()


def test_only_customers_of_both_count_and_the_others_are_counted() -> None:
    pairs = Paired.of(sharp(70), dull(60).iloc[10:])
    assert (len(pairs.rows), pairs.customers, pairs.alone) == (50, 50, (20, 0))


def test_cutoffs_that_only_one_of_them_has_are_left_out() -> None:
    pairs = Paired.of(sharp(), dull().assign(cutoff="2024-02-01"))
    assert (pairs.cutoffs, pairs.customers, pairs.alone) == ([], 0, (0, 0))


def test_what_came_is_taken_from_ours() -> None:
    theirs = dull().assign(churned=np.nan, spend=np.nan)
    assert Paired.of(sharp(), theirs).rows["churned"].tolist() == sharp()["churned"].tolist()


def test_the_order_of_rows_changes_nothing() -> None:
    once = compared(sharp(), dull()).figures()
    shuffled = [one.sample(frac=1.0, random_state=k) for k, one in enumerate((sharp(), dull()))]
    assert compared(shuffled[0], shuffled[1]).figures() == once


def test_where_nothing_was_spent_there_is_no_deviance() -> None:
    found = compared(sharp().assign(spend=0.0), dull())
    assert found.value is None
    assert found.figures()["deviance"] == {"ours": None, "theirs": None, "gain_percent": None, "ci": None}


def test_where_nobody_has_anything_at_stake_there_is_no_money() -> None:
    assert compared(sharp().assign(at_stake=0.0), dull()).money is None


def test_a_classical_model_that_could_not_be_fitted_at_a_cutoff_gives_way_to_the_simple_rule() -> None:
    told = pd.DataFrame(
        {
            **{"cutoff": ["1", "2"], "customer_id": "a", "churned": 0.0, "spend": 1.0, "at_stake": 1.0},
            **{"p_churn_pareto_nbd": [0.3, np.nan], "p_churn_naive": 0.6},
            **{"value_regulars": 5.0, "value_naive": 6.0},
        }
    )
    found = said(told, "pareto_nbd", "regulars")
    assert found["p_churn"].tolist() == [0.3, 0.6]
    assert found["expected_spend"].tolist() == [5.0, 5.0]
