"""Worth, money at stake, the map and the list, by hand."""

from __future__ import annotations

import pandas as pd

from regulars.clock import Cutoff
from regulars.reports.customers import (
    concentration,
    risk_value_grid,
    silence,
    value_floors,
    valued,
    worth_if_kept,
    worth_keeping,
)

AS_OF, SINCE = Cutoff(100), Cutoff(0)


def scores(**columns: object) -> pd.DataFrame:
    given = {
        "customer_id": list("abcde"),
        "p_churn": [0.05, 0.2, 0.5, 0.95, 0.4],
        "orders": [10.0, 1.0, 2.0, 4.0, 0.0],
        "spend": [500.0, 80.0, -5.0, 400.0, 0.0],
        "recency_days": [1.0, 8.0, 30.0, 400.0, float("nan")],
    }
    return pd.DataFrame(given | columns)


def test_worth_is_the_usual_spend_and_at_least_one_order() -> None:
    # a: 500/10 per order x 10 orders / 100 days x 30 days = 150. b: .3 orders are usual, one is assumed: 80.
    # c: net spend is negative: 0. d: 100 per order x 1.2 orders = 120. e: never bought: 0.
    assert worth_if_kept(scores(), AS_OF, SINCE, 30).tolist() == [150.0, 80.0, 0.0, 120.0, 0.0]


def test_worth_without_a_first_day_is_one_mean_order() -> None:
    assert worth_if_kept(scores(), AS_OF, None, 30).tolist() == [50.0, 80.0, 0.0, 100.0, 0.0]


def test_money_at_stake_is_the_chance_times_the_worth() -> None:
    assert valued(scores(), AS_OF, SINCE, 30)["at_stake"].round(9).tolist() == [7.5, 16.0, 0.0, 114.0, 0.0]


def test_missing_money_is_nothing_at_stake() -> None:
    assert valued(scores(spend=float("nan")), AS_OF, SINCE, 30)["at_stake"].tolist() == [0.0] * 5


def test_bands_are_half_open() -> None:
    customers = valued(scores(p_churn=[0.0, 0.1, 0.3, 0.9, 1.0]), AS_OF, SINCE, 30)
    assert customers["risk_band"].tolist() == [0, 1, 2, 4, 4]


def test_every_customer_is_in_one_cell_of_the_map() -> None:
    # By worth: a is among the top 20 % (next 15 % ends at 25 %), d 40 %, b 60 %, c and e tied at 100 %.
    customers = valued(scores(), AS_OF, SINCE, 30)
    assert customers["value_band"].tolist() == [1, 3, 3, 2, 3]
    grid = risk_value_grid(customers)
    assert len(grid) == 20
    assert int(grid["n"].sum()) == 5
    assert float(grid["at_stake"].sum()) == 7.5 + 16.0 + 114.0
    assert grid.loc[(grid["value_band"] == 2) & (grid["risk_band"] == 4), "n"].tolist() == [1]


def test_customers_worth_the_same_are_in_the_same_band() -> None:
    customers = valued(scores(spend=100.0, orders=1.0), AS_OF, SINCE, 30)
    assert customers["value_band"].tolist() == [3] * 5


def test_floor_of_an_empty_band_is_undefined() -> None:
    assert value_floors(valued(scores(), AS_OF, SINCE, 30)) == [None, 150.0, 120.0, 0.0]


def test_list_leaves_out_the_safe_and_the_gone() -> None:
    # a is safe (5 %), d is gone (95 %), c and e have nothing at stake.
    assert worth_keeping(valued(scores(), AS_OF, SINCE, 30))["customer_id"].tolist() == ["b"]


def test_list_breaks_ties_by_customer() -> None:
    tied = valued(scores(p_churn=0.5, orders=1.0, spend=10.0), AS_OF, SINCE, 30).sample(frac=1, random_state=3)
    assert worth_keeping(tied, limit=3)["customer_id"].tolist() == ["a", "b", "c"]


def test_concentration_starts_with_those_who_hold_most() -> None:
    # 60, 30, 10, 0 (the negative counts as none) of 100.
    table = concentration(pd.Series([10.0, -5.0, 60.0, 30.0]), steps=4)
    assert table["money"].tolist() == [0.0, 0.6, 0.9, 1.0, 1.0]


def test_concentration_without_money_is_empty() -> None:
    assert concentration(pd.Series([0.0, -1.0, float("nan")])).empty


def test_silence_counts_buyers_by_days_and_leaves_out_those_who_never_bought() -> None:
    table = silence(valued(scores(), AS_OF, SINCE, 30))
    assert table["days"].tolist() == ["1 to 7", "8 to 14", "15 to 30", "over 365"]
    assert table["n"].tolist() == [1, 1, 1, 1]
