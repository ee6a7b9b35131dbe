"""The tables of the report on five rows, by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from regulars.reports.tables import calibration, capture, deciles, gain_curve, levels, tenths, wilson


def five(**columns: object) -> pd.DataFrame:
    given = {
        "cutoff": "2017-06-04",
        "customer_id": list("vwxyz"),
        "churned": [0, 0, 1, 1, 1],
        "spend": [50.0, 30.0, 0.0, 0.0, -5.0],
        "p_churn_regulars": [0.1, 0.2, 0.6, 0.7, 0.9],
        "value_regulars": [40.0, 30.0, 8.0, 2.0, 1.0],
    }
    return pd.DataFrame(given | columns)


def shuffled(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.sample(frac=1.0, random_state=1)


def test_wilson_interval_of_a_half_is_symmetric_and_of_none_is_not_empty() -> None:
    # z = 1.959964, n = 10: half-width = z sqrt(.25/10 + z^2/400) / (1 + z^2/10) = .2634 around .5.
    low, high = wilson(np.array([5.0, 0.0]), np.array([10.0, 10.0]), 0.95)
    assert low.round(4).tolist() == [0.2366, 0.0]
    # With no success the upper end is z^2 / (n + z^2) = 3.8415 / 13.8415.
    assert high.round(4).tolist() == [0.7634, 0.2775]


def test_wilson_interval_of_nobody_is_undefined() -> None:
    low, high = wilson(np.array([0.0]), np.array([0.0]))
    assert np.isnan(low).all()
    assert np.isnan(high).all()


def test_calibration_groups_go_from_safe_to_risky() -> None:
    # Two groups of five: .1 .2 .6 (one of three left) and .7 .9 (both left).
    table = calibration(five(), "regulars", bins=2)
    assert table["n"].tolist() == [3, 2]
    assert table["predicted"].round(6).tolist() == [0.3, 0.8]
    assert table["actual"].round(6).tolist() == [0.333333, 1.0]


def test_calibration_has_as_many_groups_as_rows_when_rows_are_few() -> None:
    assert calibration(five(), "regulars")["n"].tolist() == [1, 1, 1, 1, 1]


def test_calibration_of_a_model_that_is_not_there_is_empty() -> None:
    assert calibration(five(), "other").empty


@pytest.mark.parametrize("table", [lambda f: calibration(f, "regulars", 3), lambda f: deciles(f, "regulars")])
def test_order_of_rows_means_nothing(table) -> None:
    tied = five(p_churn_regulars=[0.5] * 5)
    pd.testing.assert_frame_equal(table(tied), table(shuffled(tied)))


def test_first_tenth_holds_a_tenth_rounded_up() -> None:
    # 11 rows: ceil(11 / 10) = 2 in the first tenth, one in each of the others.
    frame = pd.DataFrame({"cutoff": "a", "customer_id": [f"{i:02d}" for i in range(11)], "s": np.arange(11.0)})
    counts = tenths(frame, "s").value_counts().sort_index()
    assert counts.tolist() == [2, 1, 1, 1, 1, 1, 1, 1, 1, 1]


def test_tenths_are_taken_within_each_cutoff() -> None:
    frame = pd.DataFrame({"cutoff": ["a", "a", "b", "b"], "customer_id": list("xyxy"), "s": [1.0, 2.0, 8.0, 9.0]})
    assert tenths(frame, "s").tolist() == [6, 1, 6, 1]


def test_deciles_show_predicted_and_actual_side_by_side() -> None:
    # Five rows fall into tenths 1, 3, 5, 7, 9, the riskiest (z) first.
    table = deciles(five(), "regulars")
    assert table["tenth"].tolist() == [1, 3, 5, 7, 9]
    assert table["predicted_churn"].tolist() == [0.9, 0.7, 0.6, 0.2, 0.1]
    assert table["actual_churn"].tolist() == [1.0, 1.0, 1.0, 0.0, 0.0]
    assert table["actual_spend"].tolist() == [-5.0, 0.0, 0.0, 30.0, 50.0]


def test_interval_of_the_mean_of_one_customer_is_undefined() -> None:
    assert deciles(five(), "regulars")["spend_low"].isna().all()


def test_interval_of_a_mean_is_the_normal_one() -> None:
    # Two cutoffs put spends 50 and 70 into the first tenth by value: mean 60, sd 14.1421, half = 1.644854 x 10.
    later = five(cutoff="2017-07-04", spend=[70.0, 30.0, 0.0, 0.0, -5.0])
    first = deciles(pd.concat([five(), later]), "regulars", "value").iloc[0]
    assert first["actual_spend"] == 60.0
    assert first["spend_low"] == pytest.approx(60 - 16.44854, abs=1e-4)


def test_gain_curve_counts_those_who_left_from_the_riskiest_on() -> None:
    # Riskiest first: z, y, x left, then w, v stayed: a third of those who left per fifth of the customers.
    curve = gain_curve(five(), "p_churn_regulars", "churned", steps=5)
    assert curve["caught"].round(6).tolist() == [0.0, 0.333333, 0.666667, 1.0, 1.0, 1.0]


def test_tied_customers_share_what_is_caught() -> None:
    # One of two tied customers left: contacting one of them finds half a leaver of the two that there are.
    frame = pd.DataFrame({"cutoff": "a", "customer_id": list("xyz"), "churned": [1, 0, 1], "s": [0.5, 0.5, 0.1]})
    assert gain_curve(frame, "s", "churned", steps=3)["caught"].tolist() == [0.0, 0.25, 0.5, 1.0]


def test_negative_spend_counts_as_none_in_the_gain_curve() -> None:
    # Highest forecast first: 50, 30, 0, 0, -5 of 80 in all.
    curve = gain_curve(five(), "value_regulars", "spend", steps=5)
    assert curve["caught"].tolist() == [0.0, 0.625, 1.0, 1.0, 1.0, 1.0]


def test_gain_curve_ranks_within_the_cutoff() -> None:
    # At "b" every score is higher than at "a"; half of each cutoff is contacted all the same: x of both, both left.
    frame = pd.DataFrame(
        {
            "cutoff": ["a", "a", "b", "b"],
            "customer_id": list("xyxy"),
            "churned": [1, 0, 1, 0],
            "s": [0.2, 0.1, 0.9, 0.8],
        }
    )
    assert gain_curve(frame, "s", "churned", steps=2)["caught"].tolist() == [0.0, 1.0, 1.0]


def test_gain_curve_of_nobody_leaving_is_empty() -> None:
    assert gain_curve(five(churned=0), "p_churn_regulars", "churned").empty


def test_capture_is_the_gain_curve_with_an_interval() -> None:
    found = capture(five(), "p_churn_regulars", "churned", 0.4)
    assert found is not None
    assert found[0] == pytest.approx(2 / 3)
    assert found[1] <= found[0] <= found[2]


def test_interval_of_capture_belongs_to_customers_not_to_rows(report) -> None:
    frame = report.predictions
    once = capture(frame, "p_churn_regulars", "churned", 0.1)
    assert once == pytest.approx(capture(shuffled(frame), "p_churn_regulars", "churned", 0.1))
    # Ten copies of each row are still the same customers: the interval stays as wide.
    copied = pd.concat([frame.assign(cutoff=frame["cutoff"] + str(i)) for i in range(10)])
    assert once == pytest.approx(capture(copied, "p_churn_regulars", "churned", 0.1))


def test_capture_of_nobody_leaving_is_none() -> None:
    assert capture(five(churned=0), "p_churn_regulars", "churned", 0.1) is None


def test_levels_compare_totals_at_each_cutoff() -> None:
    # Mean of .1 .2 .6 .7 .9 is .5; three of five left; 40 + 30 + 8 + 2 + 1 = 81 forecast, 50 + 30 - 5 = 75 spent.
    table = levels(five(), "regulars")
    assert table[["n", "predicted_churn", "actual_churn", "predicted_spend", "actual_spend"]].iloc[0].tolist() == [
        5, 0.5, 0.6, 81.0, 75.0,
    ]  # fmt: skip


def test_levels_without_a_spend_forecast_leave_it_undefined() -> None:
    table = levels(five().drop(columns="value_regulars"), "regulars")
    assert table["predicted_spend"].isna().all()
    assert table["actual_spend"].tolist() == [75.0]
