"""Concentration: the fewest who hold 80 % of the future value, and the segments that follow, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from regulars.models.concentration import SEGMENTS, concentration, segments


def test_the_fewest_who_hold_four_fifths_are_counted_from_the_top() -> None:
    # 50 + 20 = 70 of 100 are too little, with 15 more it is enough.
    found = concentration(np.array([15.0, 50.0, 5.0, 20.0, 10.0]))
    assert (found.n, found.customers, found.share) == (3, 5, 0.6)
    assert (found.threshold, found.total) == (15.0, 100.0)
    assert found.figures()["n"] == 3


def test_exactly_four_fifths_is_enough_even_where_tenths_do_not_add_up() -> None:
    # Ten times .1 is .9999999999999999 in floats; eight of ten hold four fifths.
    assert concentration(np.full(10, 0.1)).n == 8
    assert concentration(np.full(5, 1.0)).n == 4


def test_equals_at_the_edge_are_in_one_segment_whatever_their_order() -> None:
    # All alike: four of five hold 80 %, and the fifth brings no less than they.
    money = np.full(5, 2.0)
    assert concentration(money).n == 4
    assert set(segments(money, np.zeros(5), concentration(money).threshold)) == {"high value, steady"}


def test_a_customer_alone_is_in_the_segment_that_he_is_in_among_all() -> None:
    rng = np.random.default_rng(0)
    money, p = rng.integers(0, 5, 200).astype(float), rng.uniform(size=200)
    edge = concentration(money).threshold
    found = segments(money, p, edge)
    assert [segments(money[[i]], p[[i]], edge)[0] for i in range(200)] == found.tolist()
    assert set(found) == set(SEGMENTS)


def test_who_is_expected_to_bring_nothing_or_less_is_of_low_value() -> None:
    # 8 of 8 lie in one hand; minus 3 and the unknown count as nothing.
    money = np.array([8.0, -3.0, np.nan, 0.0, 0.0])
    found = segments(money, np.zeros(5), concentration(money).threshold)
    assert found.tolist() == ["high value, steady"] + ["low value, steady"] * 4
    assert concentration(money).total == 8.0


@pytest.mark.parametrize("money", [np.zeros(5), np.full(5, -1.0), np.full(5, np.nan), np.zeros(0)])
def test_where_nothing_is_expected_nobody_is_of_high_value(money: np.ndarray) -> None:
    found = concentration(money)
    assert (found.n, found.threshold, found.total) == (0, None, 0.0)
    assert found.words == "nothing is expected to be spent"
    assert set(segments(money, np.zeros(len(money)), found.threshold)) <= {"low value, steady"}


def test_at_risk_begins_at_one_half() -> None:
    found = segments(np.array([90.0, 5.0, 5.0]), np.array([0.49, 0.5, 0.1]), 90.0)
    assert found.tolist() == ["high value, steady", "low value, at risk", "low value, steady"]


def test_a_giant_customer_is_the_only_one_of_high_value() -> None:
    money = np.append(np.ones(100), 1e6)
    assert (concentration(money).n, concentration(money).threshold) == (1, 1e6)


def test_a_scale_of_money_changes_no_segment() -> None:
    rng = np.random.default_rng(1)
    money, p = rng.gamma(0.5, 20.0, 300), rng.uniform(size=300)
    found = [segments(unit * money, p, concentration(unit * money).threshold).tolist() for unit in (1, 100)]
    assert found[0] == found[1]
