"""What saving a silent customer brings, the level of a past year, and one point less silence: by hand."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from regulars.models.bg_nbd import BgNbd
from regulars.models.pareto_nbd import ParetoNbd
from regulars.models.prior import Prior
from regulars.models.summary import Summary
from regulars.relations.level import Level, cells
from regulars.relations.saved import Twins, saved, timing_of, twins
from regulars.relations.silence import Present, Worth, all_of, silence_table, worth_of
from regulars.schema import SCALE

RATE, DEATH, LEAVES = 0.01, 0.002, 0.2
WINDOW, YEAR = 90, 365
NEW = Summary.newcomers()
PARETO = ParetoNbd(r=0.55, alpha=74.0, s=0.61, beta=82.0)


def steps(until: float) -> tuple[Any, float]:
    """Middles of fine slices of time, and their width."""
    width = until / 20_000
    return (np.arange(20_000) + 0.5) * width, width


def test_the_saved_of_like_customers_who_die_buy_at_their_own_rate() -> None:
    # All have one rate and one death rate. Expected purchases in the t days that follow a moment at which one is a
    # customer: rate / death x (1 - e^(-death t)).
    def ahead(t: Any) -> Any:
        return RATE / DEATH * (1 - np.exp(-DEATH * t))

    # The first purchase of the saved comes at t within the window with density ~ e^(-(rate + death) t).
    t, width = steps(WINDOW)
    density = np.exp(-(RATE + DEATH) * t)
    first = float((density * (1 + ahead(YEAR - t))).sum() / density.sum())
    # Of the silent these are still customers: e^(-(rate + death) h), against death before any purchase.
    still = math.exp(-(RATE + DEATH) * WINDOW)
    died = DEATH * float(density.sum()) * width
    expected = first - still / (still + died) * float(ahead(YEAR - WINDOW))
    alike = ParetoNbd(r=1e6, alpha=1e6 / RATE, s=1e6, beta=1e6 / DEATH)
    found, _ = saved(alike, NEW, WINDOW, YEAR, seed=0, draws=4000)
    assert found[0] == pytest.approx(expected, rel=2e-3)


def test_the_saved_of_like_customers_who_leave_after_a_purchase_may_do_so_again() -> None:
    # Nobody has left before a repeat purchase, so all silent ones still are customers. The j-th purchase to come is
    # made with chance (1 - p)^(j - 1): expected purchases in t days are (1 - e^(-rate p t)) / p.
    def ahead(t: Any) -> Any:
        return (1 - np.exp(-RATE * LEAVES * t)) / LEAVES

    t, _ = steps(WINDOW)
    density = np.exp(-RATE * t)
    expected = float((density * (1 + (1 - LEAVES) * ahead(YEAR - t))).sum() / density.sum()) - ahead(YEAR - WINDOW)
    alike = BgNbd(r=1e6, alpha=1e6 / RATE, a=LEAVES * 1e6, b=(1 - LEAVES) * 1e6)
    found, _ = saved(alike, NEW, WINDOW, YEAR, seed=0, draws=4000)
    assert found[0] == pytest.approx(float(expected), rel=2e-3)


def test_one_who_has_left_for_sure_gains_all_that_the_saved_buy() -> None:
    # A frequent buyer who has been away for ten years. If silent he brings nothing, so the gain is all that a customer
    # with his rate brings, 40 purchases in 400 days: some 36 in a year, less for who leaves within it.
    gone = Summary([40], [400.0], [4050.0])
    gain, square = saved(PARETO, gone, WINDOW, YEAR, seed=0)
    assert 10 < gain[0] < 40
    assert square[0] >= gain[0] ** 2
    assert twins(PARETO, gone, WINDOW, YEAR).p_silent[0] > 0.999


def test_the_likelier_model_of_time_speaks() -> None:
    bg = BgNbd(r=1.0, alpha=30.0, a=1.0, b=3.0, log_likelihood=-90.0)
    assert timing_of(Prior(bg, PARETO, None, 10.0)) is PARETO  # likelihood 1 when it was not fitted: log 0 > -90
    assert timing_of(Prior(bg, None, None, 10.0)) is bg
    assert timing_of(Prior(None, None, None, 10.0)) is None


def some(p: float, bought: float, silent: float, n: int) -> Twins:
    return Twins(np.full(n, p), np.full(n, bought), np.full(n, silent))


def test_the_level_is_what_came_over_what_was_said_as_far_as_it_is_sure() -> None:
    value, bought = np.full(10, 10.0), np.arange(10) < 5
    spend = np.array([20.0, 30, 30, 30, 40, 0, 10, 10, 10, 20])
    # Per 10 of value: bought 3, silent 1, so 2 came; said were 5 - 1 = 4: half. Squares of what is left over: 200 in
    # either group, over 50^2, so a variance of .16 in all; 4^2 / .16 = 100 is its weight, 1 / .2^2 = 25 that of before.
    found = Level.unseen(1.0).seen(some(0.5, 5.0, 1.0, 10), value, bought, spend)
    assert found.level == pytest.approx((0.5 * 100 + 1.0 * 25) / 125)
    assert found.error == pytest.approx(125**-0.5)
    assert found.customers == 10


def test_a_cell_without_either_kind_of_customers_tells_nothing() -> None:
    value, spend = np.full(10, 10.0), np.arange(10.0)
    for bought in (np.ones(10, bool), np.zeros(10, bool), np.arange(10) < 4):
        assert Level.unseen(0.9).seen(some(0.5, 5.0, 1.0, 10), value, bought, spend) == Level.unseen(0.9)


def test_every_customer_is_in_one_cell_with_alike_ones() -> None:
    stream = np.random.default_rng(3)
    found = Twins(stream.random(1000), 1.0 + stream.random(1000), np.zeros(1000))
    parts = cells(found)
    assert len(parts) == 2 * 5  # 1000 // 400 by chance, 1000 // 200 within
    assert np.sort(np.concatenate(parts)).tolist() == list(range(1000))
    assert found.p_silent[np.concatenate(parts[:5])].max() <= found.p_silent[np.concatenate(parts[5:])].min()


def test_no_more_can_be_saved_than_are_silent() -> None:
    assert Worth("a", 200, 0.7, 30.0).one_point == 2 * 30 * SCALE
    assert Worth("a", 200, 0.005, 30.0).one_point == 1 * 30 * SCALE
    assert Worth("a", 200, 0.0, None).one_point is None


def present(p: list[float], prior: Prior, value: float = 10.0) -> Present:
    n = len(p)
    summary = Summary(np.arange(n) + 1, np.full(n, 100.0), np.full(n, 150.0), np.full(n, value))
    return Present.of(summary, prior, PARETO, WINDOW, np.array(p))


PRIOR = Prior(None, PARETO, None, 10.0)


def test_all_is_the_sum_of_the_segments_and_money_scales_it() -> None:
    here = present([0.2, 0.5, 0.8, 0.9], PRIOR)
    place = np.array([0, 0, 2, 2])
    found = worth_of(here, place, ("steady", "nobody", "late"), Level(0.8, 0.1, 10), 0.9, 0.5)
    assert [one.segment for one in found] == ["steady", "late"]
    rows = silence_table(found, WINDOW, "margin", True).rows
    assert [row["customers"] for row in rows] == [2, 2, 4]
    points = [int(row["one_point"] or 0) for row in rows]
    assert points[0] + points[1] == points[2] > 0
    for row in rows:
        assert int(row["low"] or 0) < int(row["one_point"] or 0) < int(row["high"] or 0)
        # The level is 0.8 of money where the model alone says 0.9 of it.
        assert int(row["by_model"] or 0) == pytest.approx(int(row["one_point"] or 0) * 0.9 / 0.8, abs=2)
    twice = worth_of(present([0.2, 0.5, 0.8, 0.9], PRIOR, 20.0), place, ("steady", "nobody", "late"), Level(0.8, 0.1),
                     0.9, 0.5)  # fmt: skip
    assert [one.each for one in twice] == pytest.approx([2 * (one.each or 0) for one in found])


def test_nobody_is_saved_whose_silence_is_certain() -> None:
    # Two customers of whom one is surely silent: the other alone counts, as if she were the only one.
    both = worth_of(present([0.5, 1.0], PRIOR), np.zeros(2, np.int64), ("a",), Level(1.0, 0.1), 1.0, 1.0)[0]
    here = present([0.5, 1.0], PRIOR)
    gain = saved(PARETO, here.summary, WINDOW, YEAR, seed=0)[0]
    assert both.each == pytest.approx(10.0 * gain[0])
    certain = worth_of(present([1.0, 0.0], PRIOR), np.zeros(2, np.int64), ("a",), Level(1.0, 0.1), 1.0, 1.0)[0]
    assert certain.each is None
    assert silence_table([certain], WINDOW, "margin", False).rows[-1]["one_point"] is None


def test_segments_err_in_common_as_far_as_they_share_the_level() -> None:
    # Each 100 with 10 % in common and none of its own: the sum of 200 is off by 10 %, and not by 7.
    two = [Worth("a", 100, 0.5, 100.0, 0.0, 0.1), Worth("b", 100, 0.5, 100.0, 0.0, 0.1)]
    total, low, high = all_of(two)
    assert total == 200 * SCALE
    assert high == pytest.approx(200 * SCALE * math.exp(0.1 * 1.2815515655), abs=1)
    assert low == pytest.approx(200 * SCALE * math.exp(-0.1 * 1.2815515655), abs=1)
    assert all_of([])[0] is None
