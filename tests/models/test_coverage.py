"""Coverage of intervals, together and by fifths of predicted value, by hand."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from regulars.models.coverage import coverage_card, quintile_of


def frame(n: int = 10) -> pd.DataFrame:
    """Customers of whom 1, 2, ..., n is expected, with bounds 0 to twice that, and thrice that as the upper one."""
    value = np.arange(1.0, n + 1)
    return pd.DataFrame(
        {
            "cutoff": "2024-01-01",
            "customer_id": [f"c{k:02d}" for k in range(n)],
            "value_regulars": value,
            "p_none": 0.25,
            "spend": value,
            "spend_low": 0.0,
            "spend_high": 2 * value,
            "spend_upper": 3 * value,
        }
    )


def test_coverage_is_told_of_all_and_of_each_fifth() -> None:
    rows = frame()
    # The two best spend 25 (above 18 and 20, below 27 and 30) and 31 (above everything); the worst brings 1 back.
    rows.loc[8, "spend"], rows.loc[9, "spend"], rows.loc[0, "spend"] = 25.0, 31.0, -1.0
    card = coverage_card(rows, 0.8)
    assert card is not None
    assert (card["level"], card["n"], card["coverage"], card["upper_coverage"]) == (0.8, 10, 0.7, 0.9)
    parts = pd.DataFrame(card["by_quintile"])
    assert parts["quintile"].tolist() == [1, 2, 3, 4, 5]
    assert parts["n"].tolist() == [2] * 5
    assert parts["coverage"].tolist() == [0.5, 1.0, 1.0, 1.0, 0.0]
    assert parts["upper_coverage"].tolist() == [1.0, 1.0, 1.0, 1.0, 0.5]
    assert parts["share_none"].tolist() == [0.5, 0.0, 0.0, 0.0, 0.0]
    assert parts["mean_predicted"].tolist() == [1.5, 3.5, 5.5, 7.5, 9.5]
    assert parts["mean_high"].tolist() == [3.0, 7.0, 11.0, 15.0, 19.0]
    assert parts["mean_upper"].tolist() == [4.5, 10.5, 16.5, 22.5, 28.5]
    assert parts["mean_low"].tolist() == [0.0] * 5
    assert parts["p_none"].tolist() == [0.25] * 5
    assert json.loads(json.dumps(card)) == card


def test_both_ends_belong_to_the_interval() -> None:
    rows = frame().assign(spend_low=lambda f: f["spend"], spend_high=lambda f: f["spend"], spend_upper=0.5)
    card = coverage_card(rows, 0.8)
    assert card is not None
    assert (card["coverage"], card["upper_coverage"]) == (1.0, 0.0)


def test_ties_go_by_customer_id_whatever_the_order_of_rows() -> None:
    rows = frame().assign(value_regulars=1.0)
    shuffled = rows.sample(frac=1.0, random_state=3)
    assert quintile_of(rows).tolist() == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert dict(zip(shuffled["customer_id"], quintile_of(shuffled), strict=True)) == dict(
        zip(rows["customer_id"], quintile_of(rows), strict=True)
    )


def test_rows_without_an_interval_are_not_counted() -> None:
    rows = pd.concat([frame(), frame(7).assign(cutoff="2024-04-01", spend_low=np.nan)], ignore_index=True)
    assert coverage_card(rows, 0.8) == coverage_card(frame(), 0.8)


@pytest.mark.parametrize("n", [0, 4])
def test_without_any_interval_there_is_no_card(n: int) -> None:
    assert coverage_card(frame(n).assign(spend_low=np.nan, spend_high=np.nan, spend_upper=np.nan), 0.8) is None


def test_fewer_than_five_rows_leave_fifths_out() -> None:
    # Three rows at positions 0, 1, 2 of 3 lie in the fifths floor(0), floor(5/3), floor(10/3), counted from 1.
    card = coverage_card(frame(3), 0.8)
    assert card is not None
    assert pd.DataFrame(card["by_quintile"])["quintile"].tolist() == [1, 2, 4]
