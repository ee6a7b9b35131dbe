"""Figures of the time to the next purchase: concordance against counting pairs, calibration by hand."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.models.splits import TIMING
from regulars.models.timing_card import c_index, expected_days, timing_card

ROWS = st.lists(st.tuples(st.none() | st.integers(0, 5), st.integers(0, 4)), min_size=2, max_size=14)


def counted(day: list[float], expected: list[float]) -> float | None:
    """Every pair in turn."""
    score, pairs = 0.0, 0
    for i in range(len(day)):
        for j in range(len(day)):
            # i bought, and j later or not at all.
            if np.isnan(day[i]) or not (np.isnan(day[j]) or day[j] > day[i]):
                continue
            pairs += 1
            score += 1.0 if expected[i] < expected[j] else 0.5 if expected[i] == expected[j] else 0.0
    return score / pairs if pairs else None


@given(ROWS)
def test_concordance_is_what_counting_pairs_gives(rows: list[tuple[int | None, int]]) -> None:
    day = [np.nan if d is None else float(d) for d, _ in rows]
    expected = [float(e) for _, e in rows]
    assert c_index(np.array(day), np.array(expected)) == pytest.approx(counted(day, expected))


def test_rows_of_which_nothing_was_said_are_left_out() -> None:
    # a against c only; b, who would be the wrong way round, has no expectation.
    assert c_index(np.array([1.0, 2.0, np.nan]), np.array([3.0, np.nan, 8.0])) == 1.0
    assert c_index(np.array([np.nan, np.nan]), np.array([3.0, 8.0])) is None


def test_expected_days_are_the_area_under_silence() -> None:
    # 7 (1 + .8) / 2 + 7 (.8 + .6) / 2 = 11.2
    assert expected_days({14: np.array([0.4]), 7: np.array([0.2])}) == pytest.approx([11.2])


def frame(n: int = 4) -> pd.DataFrame:
    """Four customers: two buy on day 3, one on day 40, one not at all; windows of 90 days are not closed yet."""
    days = np.array([3.0, 3.0, 40.0, np.nan])
    columns = {"days_to_next": days}
    for d in TIMING:
        columns[f"bought_{d}d"] = np.where(days < d, 1.0, 0.0) if d < 90 else np.full(n, np.nan)
        columns[f"p_purchase_{d}d"] = np.array([0.9, 0.5, 0.4, 0.1]) * d / 90
    return pd.DataFrame(columns)


def test_figures_per_horizon_are_those_of_the_rows_that_have_an_outcome() -> None:
    card = timing_card(frame())
    by_days = card["by_days"]
    assert isinstance(by_days, list)
    assert [row["days"] for row in by_days] == list(TIMING)
    assert [row["n"] for row in by_days] == [4, 4, 4, 4, 0]
    # 30 days: a third of (.9, .5, .4, .1), of whom the first two bought.
    assert by_days[2]["predicted"] == pytest.approx(1.9 / 12)
    assert (by_days[2]["actual"], by_days[2]["auc"]) == (0.5, 1.0)
    p = np.array([0.9, 0.5, 0.4, 0.1]) / 3
    assert by_days[2]["log_loss"] == pytest.approx(-(np.log(p[:2]).sum() + np.log1p(-p[2:]).sum()) / 4)
    assert by_days[4]["log_loss"] is None
    # Five pairs buy at different times: all are in the right order.
    assert card["c_index"] == 1.0
    json.dumps(card)


def test_an_outcome_of_one_kind_has_no_ranking() -> None:
    one = frame().assign(days_to_next=np.nan, bought_7d=0.0)
    card = timing_card(one)
    by_days = card["by_days"]
    assert isinstance(by_days, list)
    assert by_days[0]["auc"] is None
    assert card["c_index"] is None
