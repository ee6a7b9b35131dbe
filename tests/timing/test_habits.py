"""Habits on worlds whose truth is known: recovered, never made up, better than what all do where they are strong."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import gammaln

from regulars.timing.habits import MOST, Counts, Habits, chance_of_more
from regulars.timing.judged import ENOUGH, Judged, judged
from regulars.timing.own import LIMIT, Own, own_places

from .worlds import WEEK, World, world

HOURS = np.array(
    [0.001] * 7 + [0.03, 0.05, 0.07, 0.09, 0.09, 0.08, 0.07, 0.07, 0.08, 0.1, 0.1, 0.08, 0.05] + [0.01] * 4
)
HOURS = HOURS / HOURS.sum()


def fitted(counts: Counts) -> Habits:
    found = Habits.fitted(counts)
    assert found is not None
    return found


def judge(of: World) -> Judged:
    found = judged(of.before, fitted(of.before), of.customer, of.place)
    assert found is not None
    return found


@pytest.mark.parametrize("mean", [WEEK, HOURS], ids=["weekdays", "hours"])
@pytest.mark.parametrize("concentration", [2.0, 20.0, 100.0])
def test_the_concentration_is_recovered(concentration: float, mean: np.ndarray) -> None:
    for seed in (1, 2):
        found = fitted(world(3000, concentration, seed, mean).before)
        assert found.concentration == pytest.approx(concentration, rel=0.2)
        assert found.population == pytest.approx(mean, abs=0.01)


def test_the_fit_is_the_highest_of_the_law_of_polya() -> None:
    counts = world(60, 5.0, 3).before
    best = fitted(counts).alpha

    def log_likelihood(alpha: np.ndarray) -> float:
        """Customer by customer, as the law is written: the number of orders of the draws is left out."""
        c, s = counts.rows(0, counts.n_customers), alpha.sum()
        each = gammaln(s) - gammaln(s + c.sum(1)) + (gammaln(alpha + c) - gammaln(alpha)).sum(1)
        return float(each.sum())

    top = log_likelihood(best)
    for place in range(7):
        for factor in (0.97, 1.03):
            other = best.copy()
            other[place] *= factor
            assert log_likelihood(other) < top


def test_where_all_are_alike_nobody_is_told_anything_of_their_own() -> None:
    told = n = 0
    for seed in range(8):
        alike = world(1000, np.inf, 10 + seed)
        found = fitted(alike.before)
        assert found.concentration > 300
        told, n = told + int(own_places(alike.before, found).differs.sum()), n + 1000
        assert not judge(alike).sure or judge(alike).gain.value < 0.001
    # A share of 1 - LIMIT could be wrong at most; where nobody differs the fit finds out, and next to none is.
    assert told / n <= 0.001 < 1 - LIMIT


def test_who_is_told_a_place_of_their_own_truly_prefers_it() -> None:
    true, n = 0, 0
    for seed in range(4):
        strong = world(1500, 8.0, 20 + seed)
        habits = fitted(strong.before)
        own = own_places(strong.before, habits)
        rows = np.flatnonzero(own.differs)
        assert len(rows) > 150
        true += int((strong.shares[rows, own.place[rows]] > strong.shares[rows, habits.usual]).sum())
        n += len(rows)
    # Each was told with a chance above LIMIT.
    assert true / n > LIMIT


def test_shrunk_habits_beat_raw_ones_and_the_population_where_habits_are_strong() -> None:
    found = judge(world(1500, 8.0, 31))
    assert found.sure
    assert found.shrunk < found.population
    assert found.gain_own.low > 0
    shown = found.shown
    assert shown.own is not None
    assert shown.usual is not None
    assert shown.gain is not None
    assert shown.own > shown.usual
    assert shown.gain.low > 0
    # What was expected of those who are told came true, but for chance.
    assert shown.expected == pytest.approx(shown.own, abs=0.03)


def test_raw_habits_are_worse_than_none_where_there_are_few_purchases_and_weak_habits() -> None:
    found = judge(world(1500, 60.0, 32, times=8.0))
    assert found.own > found.population > found.shrunk


def test_a_backtest_by_hand() -> None:
    # Ann came three times to place 0, Bob once to place 1; alpha is (3, 1). Later Ann comes to both, Bob to 1.
    before = Counts.of(np.array([0, 0, 0, 1]), np.array([0, 0, 0, 1]), 3, 2)
    found = judged(before, Habits(np.array([3.0, 1.0])), np.array([0, 0, 1, 2]), np.array([0, 1, 1, 1]))
    assert found is not None
    # Cat (2) did nothing before and is left out. Shrunk: Ann 6/7 and 1/7, Bob 2/5. Own: 3.5/4, 0.5/4, 1.5/2.
    assert (found.customers, found.times, found.shown.customers) == (2, 3, 0)
    losses = -np.log([[6 / 7, 1 / 7, 2 / 5], [3.5 / 4, 0.5 / 4, 1.5 / 2], [3 / 4, 1 / 4, 1 / 4]])
    shrunk, own, population = ((ann0 + ann1) / 2 / 2 + bob / 2 for ann0, ann1, bob in losses)
    assert (found.shrunk, found.own, found.population) == pytest.approx((shrunk, own, population))
    assert found.gain.value == pytest.approx(population - shrunk)
    # Two customers are not enough, whatever they did.
    assert (found.gain.n, found.sure) == (2, False)
    assert ENOUGH == 30


def test_nothing_done_and_nothing_done_twice_say_nothing_of_habits() -> None:
    none = np.zeros(0, np.int64)
    assert Habits.fitted(Counts.of(none, none, 3, 7)) is None
    once = fitted(Counts.of(np.array([0, 1, 2]), np.array([0, 0, 5]), 3, 7))
    assert once.concentration == MOST
    assert judged(Counts.of(none, none, 3, 7), once, np.array([0]), np.array([1])) is None


def test_a_place_that_is_not_known_does_not_count() -> None:
    counts = Counts.of(np.array([0, 0, 1]), np.array([-1, 3, -1]), 2, 7)
    assert (counts.customer.tolist(), counts.place.tolist(), counts.totals.tolist()) == ([0], [3], [1, 0])


def test_the_chance_to_be_larger_is_that_of_draws() -> None:
    draws = np.random.default_rng(5).dirichlet([4.0, 2.0, 6.0], 200_000)
    share = float((draws[:, 0] > draws[:, 1]).mean())
    assert chance_of_more(np.array([4.0]), np.array([2.0]))[0] == pytest.approx(share, abs=0.005)


def test_who_did_nothing_has_the_place_of_all_and_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    of = world(300, 5.0, 8)
    habits = fitted(of.before)
    whole = own_places(of.before, habits)
    monkeypatch.setattr("regulars.timing.own._BLOCK", 7)
    parts = own_places(of.before, habits)
    assert np.array_equal(whole.place, parts.place)
    assert np.array_equal(whole.share, parts.share)
    idle = of.before.totals == 0
    assert idle.any()
    assert (whole.place[idle] == habits.usual).all()
    assert not Own.alike(habits, 3).differs.any()
