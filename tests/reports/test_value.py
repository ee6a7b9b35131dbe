"""The tables of future value on a few rows, by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from regulars.models.concentration import SEGMENTS
from regulars.reports.value import (
    holders,
    lifetime_tenths,
    segment_table,
    value_cells,
    value_line,
    value_tenths,
)


def customers(**columns: object) -> pd.DataFrame:
    given = {
        "customer_id": list("abcde"),
        "p_churn": [0.1, 0.9, 0.5, 0.2, 1.0],
        "expected_spend": [100.0, 50.0, 20.0, 10.0, 0.0],
        "spend": [10.0, 500.0, 0.0, 40.0, 7.0],
        "segment": [SEGMENTS[0], SEGMENTS[1], SEGMENTS[3], SEGMENTS[2], SEGMENTS[3]],
    }
    return pd.DataFrame(given | columns)


def outcomes(**columns: object) -> pd.DataFrame:
    given = {
        "cutoff": "2017-06-04",
        "customer_id": list("vwxyz"),
        "spend": [50.0, 30.0, 0.0, 0.0, -5.0],
        "v": [40.0, 30.0, 8.0, 2.0, 1.0],
    }
    return pd.DataFrame(given | columns)


def test_holders_of_four_fifths_are_as_few_as_can_be() -> None:
    # 100 + 50 = 150 of 180 are 83 %; 100 alone are 56 %.
    assert holders(customers()["expected_spend"]) == 2
    # Five alike hold a fifth each: four hold 80 %, exactly.
    assert holders(pd.Series([1.0] * 5)) == 4
    assert holders(pd.Series([np.nan, -3.0, 0.0])) == 0


def test_segments_add_up_what_is_expected_and_what_was_spent() -> None:
    table = segment_table(customers()).set_index("segment")
    assert table.index.tolist() == list(SEGMENTS)
    assert table["n"].tolist() == [1, 1, 1, 2]
    assert table["expected"].tolist() == [100.0, 50.0, 10.0, 20.0]
    assert table["spent"].tolist() == [10.0, 500.0, 40.0, 7.0]
    # Low value, at risk: .5 and 1.
    assert table["p_churn"].tolist() == [0.1, 0.9, 0.2, 0.75]


def test_segment_without_customers_is_a_row_of_nothing() -> None:
    table = segment_table(customers(segment=SEGMENTS[0]))
    assert table["n"].tolist() == [5, 0, 0, 0]
    assert table["expected"].tolist() == [180.0, 0.0, 0.0, 0.0]
    assert segment_table(customers().drop(columns="segment")).empty


def test_line_of_high_value_is_the_least_of_those_above_it() -> None:
    assert value_line(customers()) == 50.0
    assert value_line(customers(segment=SEGMENTS[2])) is None
    assert value_line(customers().drop(columns="segment")) is None


def test_map_counts_everybody_once() -> None:
    # Columns of 5 %: .1 is the third, .9 and .5 the nineteenth and eleventh, .2 the fifth, 1 falls into the last.
    cells = value_cells(customers())
    assert cells["left"].tolist() == [0.1, 0.2, 0.5, 0.9, 0.95]
    assert cells["n"].sum() == 5
    # Rows from 100 down to a thousandth of it, twelve of equal ratio: 100 is in the highest, 0 in the lowest.
    top, lowest = cells.iloc[0], cells.iloc[-1]
    assert top["top"] == pytest.approx(100.0)
    assert lowest["bottom"] == pytest.approx(0.1)
    assert top["top"] / top["bottom"] == pytest.approx(1000 ** (1 / 12))


def test_map_of_nothing_expected_is_empty() -> None:
    assert value_cells(customers(expected_spend=0.0)).empty
    assert value_cells(customers().iloc[:0]).empty


def test_tenths_tell_forecast_actual_ratio_and_share() -> None:
    # Five rows fall into tenths 1, 3, 5, 7, 9. 50 of the 80 that came are 62.5 %, and 40 forecast of 50 are .8.
    table = value_tenths(outcomes(), "v")
    assert table["tenth"].tolist() == [1, 3, 5, 7, 9]
    assert table["predicted"].tolist() == [40.0, 30.0, 8.0, 2.0, 1.0]
    assert table["actual"].tolist() == [50.0, 30.0, 0.0, 0.0, -5.0]
    assert table["ratio"].tolist()[:2] == [0.8, 1.0]
    assert table["ratio"].isna().tolist() == [False, False, True, True, True]
    assert table["share"].tolist() == [0.625, 0.375, 0.0, 0.0, 0.0]
    assert table["cumulative"].tolist() == [0.625, 1.0, 1.0, 1.0, 1.0]


def test_tenths_are_ranked_within_their_check() -> None:
    # At the later check everybody is forecast ten times as much, and v is still the first of five.
    later = outcomes(cutoff="2017-07-04", v=[400.0, 300.0, 80.0, 20.0, 10.0])
    table = value_tenths(pd.concat([outcomes(), later], ignore_index=True), "v")
    assert table["n"].tolist() == [2] * 5
    assert table["predicted"].iloc[0] == 220.0


def test_tenths_of_no_spend_have_no_share_and_of_no_forecast_no_rows() -> None:
    assert value_tenths(outcomes(spend=-1.0), "v")["share"].isna().all()
    assert value_tenths(outcomes(), "other").empty
    assert value_tenths(outcomes(v=np.nan), "v").empty


def test_lifetime_tenths_are_means_of_values_and_of_their_ends() -> None:
    # Two of twenty in a tenth: the highest are 20 and 19, of 210 in all.
    n = np.arange(1.0, 21.0)
    frame = pd.DataFrame(
        {"customer_id": [f"{i:02.0f}" for i in n], "lifetime_value": n, "lifetime_low": n / 2, "lifetime_high": n * 2}
    )
    table = lifetime_tenths(frame.sample(frac=1, random_state=1))
    assert len(table) == 10
    assert table.iloc[0][["group", "n", "value", "low", "high"]].tolist() == [1.0, 2.0, 19.5, 9.75, 39.0]
    assert table["share"].iloc[0] == pytest.approx(39 / 210)


def test_lifetime_without_intervals_has_no_ends_and_without_values_no_rows() -> None:
    frame = pd.DataFrame({"customer_id": ["a"], "lifetime_value": [3.0]})
    assert lifetime_tenths(frame)[["low", "high"]].isna().all(axis=None)
    assert lifetime_tenths(frame.drop(columns="lifetime_value")).empty
    assert lifetime_tenths(frame.assign(lifetime_value=np.nan)).empty
