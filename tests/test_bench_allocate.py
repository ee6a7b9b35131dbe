"""The benchmark of the allocation compares like with like: all ways see the same caps, and none passes the bound."""

from __future__ import annotations

import numpy as np

from benchmarks.allocate import caps_for, greedy, measured, of_allocate, world
from regulars.offers.caps import Cap


def test_no_way_passes_the_bound_and_greedy_ways_fall_short() -> None:
    figures = measured(2_500, 10)
    assert 0 <= figures["gap"] <= 2e-3
    assert min(figures["thrifty_gap"], figures["naive_gap"]) > 0.01
    assert figures["caps"] == 11
    assert 0.99 < figures["fullest"] <= 1 + 1e-9
    assert "2,500 customers x 10 options, a budget and 10 caps" in of_allocate(figures)


def test_a_greedy_pass_gives_in_turn_what_still_fits() -> None:
    gains, cost = np.array([[6.0, 5.0], [4.0, 1.0], [-1.0, 3.0]]), np.array([[4.0, 1.0], [2.0, 1.0], [1.0, 1.0]])
    # Highest gain first: 6 for 4, then 4 for 2 no longer fits into 5, then 3 for 1.
    assert greedy(gains, cost, [Cap("budget", 5.0, money=True)]) == 9
    # For its cost: 5 for 1, 3 for 1, 4 for 2.
    assert greedy(gains, cost, [Cap("budget", 5.0, money=True)], for_its_cost=True) == 12


def test_the_caps_of_the_benchmark_bind() -> None:
    gains, cost = world(2_000, 10)
    names = [cap.name for cap in caps_for(gains, cost)]
    assert len(names) == 11
    assert greedy(gains, cost, []) > greedy(gains, cost, caps_for(gains, cost))
