"""Qini by hand, and beside another ranking of the same people."""

from __future__ import annotations

import numpy as np
import pytest

from regulars.offers.qini import compared, qini


def test_qini_is_the_area_over_a_random_order() -> None:
    # Ranked by score: treated buyer, control, treated, control buyer. Extra buyers per treated (of 2) by depth: 1/4 in:
    # 1/2 (no control yet); 1/2: 1/2 - 0; 3/4: 1/2 - 0; 1: 1/2 - 1/2 = 0. Area: .25 x (.25 + .5 + .5 + .25) = .375,
    # and the straight line to 0 has none.
    outcome, treated = np.array([1.0, 0, 0, 1]), np.array([True, False, True, False])
    assert qini(outcome, treated, np.array([4.0, 3, 2, 1])) == pytest.approx(0.375)


def test_scores_that_are_all_the_same_are_a_random_order() -> None:
    outcome, treated = np.array([1.0, 0, 0, 1, 1]), np.array([True, False, True, False, True])
    assert qini(outcome, treated, np.ones(5)) == pytest.approx(0)


def test_the_better_ranking_is_shown_to_be_better() -> None:
    # The offer moves those with x above a half, by .4; who buys anyway has nothing to do with it.
    draw = np.random.default_rng(0)
    x, treated = draw.random(4000), draw.random(4000) < 0.5
    outcome = (draw.random(4000) < 0.2 + 0.4 * treated * (x > 0.5)).astype(np.float64)
    found = compared(outcome, treated, x, draw.random(4000), draws=60)
    assert found.low > 0
    assert found.low < found.ours - found.theirs < found.high
    assert "not distinguishable" not in found.words


def test_two_rankings_that_are_the_same_do_not_differ() -> None:
    draw = np.random.default_rng(1)
    x, treated = draw.random(500), draw.random(500) < 0.5
    outcome = (draw.random(500) < 0.3).astype(np.float64)
    found = compared(outcome, treated, x, x, draws=20)
    assert (found.low, found.high) == (0, 0)
    assert "not distinguishable" in found.words
