"""Intervals of spend: by hand, on fresh draws of a known world, and what they must not depend on."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from regulars.models import periods
from regulars.models.intervals import GROUP_ROWS, MIN_ROWS, MOST_GROUPS, Bounds, Intervals

Float64 = NDArray[np.float64]
World = tuple[Float64, Float64, Float64, NDArray[np.object_]]
DAYS = ("2024-01-01", "2024-04-01", "2024-07-01")


def world(n: int, seed: int = 0, days: tuple[str, ...] = DAYS, levels: tuple[float, ...] = (1.0, 1.0, 1.0)) -> World:
    """Expectations, P(none) and spend of n customers a day; what came is `levels` times what was expected."""
    rng = np.random.default_rng(seed)
    p = rng.beta(0.6, 1.2, n * len(days))
    given_any = rng.lognormal(3.0, 1.0, len(p)) * (1.5 - p)
    came = np.where(rng.random(len(p)) < p, 0.0, given_any * rng.gamma(1.5, 1 / 1.5, len(p)))
    day = np.repeat(np.array(days, object), n)
    return given_any * (1 - p), p, came * np.repeat(levels[: len(days)], n), day


def one_day(expected: list[float], p_none: list[float], spend: list[float]) -> Intervals:
    day = np.full(len(spend), DAYS[0], object)
    return Intervals.fit(np.array(expected), np.array(p_none), np.array(spend), day)


def inside(bounds: Bounds, spend: Float64) -> NDArray[np.bool_]:
    return (bounds.low <= spend) & (spend <= bounds.high)


def all_of(bounds: Bounds) -> Float64:
    return np.stack([bounds.low, bounds.median, bounds.high, bounds.upper])


@pytest.fixture
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without noise between periods, so that bounds can be derived by hand."""
    monkeypatch.setattr(periods, "USUAL_LOG", 0.0)
    monkeypatch.setattr(periods, "USUAL_LOGIT", 0.0)


@pytest.mark.usefixtures("still")
def test_bounds_of_sure_buyers_are_order_statistics() -> None:
    # 199 customers, expected 100 each, spend 1, ..., 199. With n + 1 = 200: the 180th is the upper bound and the high
    # (90 %), the 20th the low (10 %), the 100th the median. Someone else of whom twice as much is expected: twice that.
    found = one_day([100.0] * 199, [0.0] * 199, [float(k) for k in range(1, 200)])
    bounds = found.bounds(np.array([100.0, 200.0]), np.array([0.0, 0.0]))
    assert bounds.low == pytest.approx([20, 40], abs=0.3)
    assert bounds.median == pytest.approx([100, 200], abs=0.3)
    assert bounds.high == pytest.approx([180, 360], abs=0.3)
    assert bounds.upper == pytest.approx([180, 360], abs=0.3)


@pytest.mark.usefixtures("still")
def test_bounds_of_those_who_may_spend_nothing_start_at_zero() -> None:
    # 199 customers with P(none) = .5 and 100 expected, so 200 given any: 99 spend nothing, the others 2, 6, ..., 398.
    # Of n + 1 = 200 the upper bound holds 180 = 99 + 81, the 81st of them: 4 x 81 - 2 = 322; the high holds 160 = 99 +
    # 61, so 242; the median 100 = 99 + 1, so 2.
    spend = [0.0] * 99 + [4.0 * k - 2 for k in range(1, 101)]
    bounds = one_day([100.0] * 199, [0.5] * 199, spend).bounds(np.array([100.0]), np.array([0.5]))
    assert bounds.low.tolist() == [0.0]
    assert [bounds.median[0], bounds.high[0], bounds.upper[0]] == pytest.approx([2, 242, 322], abs=1)


@pytest.mark.usefixtures("still")
def test_who_is_less_likely_to_buy_has_lower_bounds_in_the_same_group() -> None:
    spend = [0.0] * 99 + [4.0 * k - 2 for k in range(1, 101)]
    found = one_day([100.0] * 199, [0.5] * 199, spend)
    # The same spend given any (200), with P(none) .5, .7 and .95: the last is above every level, so nothing is certain.
    p = np.array([0.5, 0.7, 0.95])
    bounds = found.bounds(200 * (1 - p), p)
    assert bounds.upper[0] > bounds.upper[1] > 0
    assert all_of(bounds)[:, 2].tolist() == [0.0, 0.0, 0.0, 0.0]


@pytest.mark.usefixtures("still")
def test_where_a_tenth_bring_back_more_than_they_buy_the_low_is_below_zero() -> None:
    # 40 of 199 end at -1, ..., -40; the 20th smallest of n + 1 = 200 is -21. P(none) is .3: 60 of 199.
    spend = [-float(k) for k in range(1, 41)] + [0.0] * 20 + [float(k) for k in range(1, 140)]
    found = one_day([49.0] * 199, [0.3] * 199, spend)
    bounds = found.bounds(np.full(199, 49.0), np.full(199, 0.3))
    assert bounds.low == pytest.approx(-21.0)
    assert 0.80 <= inside(bounds, np.array(spend)).mean() <= 0.82


def test_every_fifth_of_fresh_customers_is_covered() -> None:
    # 6,000 rows teach, 20,000 judge: a fifth has 4,000 rows, so three standard errors are 3 x sqrt(.8 x .2 / 4000) =
    # .019, and as much again for what was learnt. Where hardly anybody buys a bound of 0 holds more than asked.
    bounds_of = Intervals.fit(*world(2000))
    expected, p, spend, _ = world(20_000, seed=1, days=DAYS[:1])
    bounds = bounds_of.bounds(expected, p)
    fifth = np.argsort(np.argsort(expected)) * 5 // len(expected)
    for k in range(5):
        here = fifth == k
        assert inside(bounds, spend)[here].mean() > 0.80 - 0.025
        assert (spend <= bounds.upper)[here].mean() > 0.90 - 0.02
    sure = p < 0.1
    assert inside(bounds, spend)[sure].mean() == pytest.approx(0.80, abs=0.03)
    assert (spend <= bounds.upper)[sure].mean() == pytest.approx(0.90, abs=0.02)
    assert (spend <= bounds.median)[p < 0.4].mean() == pytest.approx(0.50, abs=0.03)


@given(st.integers(0, 10_000), st.floats(0.01, 0.999))
@settings(max_examples=15, deadline=None)
def test_bounds_stand_in_order(seed: int, p: float) -> None:
    found = Intervals.fit(*world(150, seed))
    bounds = all_of(found.bounds(np.geomspace(1e-6, 1e6, 50), np.full(50, p)))
    assert (np.diff(bounds, axis=0) >= 0).all()


def test_money_in_hundredths_has_bounds_a_hundred_times_as_large() -> None:
    expected, p, spend, day = world(700)
    one = Intervals.fit(expected, p, spend, day).bounds(expected, p)
    hundred = Intervals.fit(100 * expected, p, 100 * spend, day).bounds(100 * expected, p)
    np.testing.assert_allclose(all_of(hundred), 100 * all_of(one), rtol=1e-9)


def test_bounds_of_a_customer_do_not_depend_on_who_else_is_asked_for() -> None:
    expected, p, spend, day = world(700)
    found = Intervals.fit(expected, p, spend, day)
    together, alone = all_of(found.bounds(expected, p)), all_of(found.bounds(expected[7:8], p[7:8]))
    assert np.array_equal(together[:, 7:8], alone)


def test_the_order_of_rows_does_not_matter() -> None:
    expected, p, spend, day = world(400)
    k = np.random.default_rng(5).permutation(len(p))
    found = Intervals.fit(expected, p, spend, day)
    assert Intervals.fit(expected[k], p[k], spend[k], day[k]).to_dict() == found.to_dict()


def test_intervals_survive_json_to_the_bit() -> None:
    rows = world(400)
    found = Intervals.fit(*rows)
    kept = Intervals.from_dict(json.loads(json.dumps(found.to_dict())))
    assert np.array_equal(all_of(kept.bounds(*rows[:2])), all_of(found.bounds(*rows[:2])))
    assert (kept.words, kept.calibrated_on, kept.rows) == (found.words, DAYS, 1200)


def test_groups_are_large_and_not_too_many() -> None:
    expected, p, spend, day = world(2000)
    found = Intervals.fit(expected, p, spend, day)
    for sure, edges in enumerate(found.edges):
        here = expected[(p < 0.1) == bool(sure)] / found.unit
        sizes = np.bincount(np.searchsorted(edges, here, side="right"))
        assert len(sizes) <= MOST_GROUPS
        assert sizes.min() >= GROUP_ROWS


def test_equal_predictions_share_a_group() -> None:
    # A rule says one of two numbers: there is at most one edge between them.
    expected, spend = np.repeat([1.0, 3.0], 500), np.tile([0.0, 4.0], 500)
    found = Intervals.fit(expected, np.full(1000, 0.5), spend, np.full(1000, DAYS[0], object))
    assert found.edges[0].tolist() == [pytest.approx(2.0 / 2.0)]


def test_few_rows_are_one_group_and_say_so() -> None:
    found = Intervals.fit(*world(40))
    assert len(found.edges[0]) == len(found.edges[1]) == 0
    assert "one group" in found.words


def test_too_few_rows_have_no_intervals_and_it_is_said() -> None:
    rows = world(MIN_ROWS - 1, days=DAYS[:1])
    found = Intervals.fit(*rows)
    assert not found.known
    assert np.isnan(all_of(found.bounds(*rows[:2]))).all()
    assert "no intervals" in found.words
    assert "49" in found.words
    assert not Intervals.from_dict(json.loads(json.dumps(found.to_dict()))).known


@pytest.mark.parametrize("expected", [5.0, 0.0])
def test_where_nobody_spent_anything_all_bounds_are_zero(expected: float) -> None:
    found = one_day([expected] * 100, [0.5] * 100, [0.0] * 100)
    assert all_of(found.bounds(np.array([expected]), np.array([0.5]))).tolist() == [[0.0]] * 4
    assert "nobody spent anything" in found.words


def test_money_that_nobody_expected_is_still_held() -> None:
    # Expected 0 of everybody, yet half spend 1, ..., 50: what a bound holds is learnt in units of what came.
    spend = [0.0] * 50 + [float(k) for k in range(1, 51)]
    bounds = one_day([0.0] * 100, [0.5] * 100, spend).bounds(np.zeros(100), np.full(100, 0.5))
    assert 0.88 <= (np.array(spend) <= bounds.upper).mean() <= 0.96


@pytest.mark.usefixtures("still")
def test_a_fixed_price_is_held_by_bounds_that_stand_on_it() -> None:
    # Everybody who is sure pays 9.99, so that bounds stand on it whatever the last bit says.
    price = np.full(300, 9.99)
    bounds = one_day([9.99] * 300, [0.0] * 300, [9.99] * 300).bounds(price, np.zeros(300))
    assert inside(bounds, price).all()
    assert bounds.low == pytest.approx(price, rel=0.03)
    assert bounds.high == pytest.approx(price, rel=0.001)


def test_a_row_without_a_prediction_teaches_nothing_and_has_no_bounds() -> None:
    expected, p, spend, day = world(300)
    lacking = (np.append(expected, np.nan), np.append(p, 0.5), np.append(spend, 1e9), np.append(day, DAYS[0]))
    found = Intervals.fit(*lacking)
    assert found.to_dict() == Intervals.fit(expected, p, spend, day).to_dict()
    bounds = all_of(found.bounds(np.array([np.nan, 5.0, 5.0]), np.array([0.5, np.nan, 0.5])))
    assert np.isnan(bounds[:, :2]).all()
    assert np.isfinite(bounds[:, 2]).all()


def test_a_bad_period_is_no_bias_but_noise() -> None:
    # At one of three cutoffs half as much came as was expected: the median of a day to come stays where it was (a
    # mixture of the three would lower it by a sixth or more), while its interval grows wider.
    expected, p = np.full(1, 20.0), np.full(1, 0.05)
    steady = Intervals.fit(*world(1500)).bounds(expected, p)
    shaken = Intervals.fit(*world(1500, levels=(1.0, 0.5, 1.0))).bounds(expected, p)
    assert shaken.median == pytest.approx(steady.median, rel=0.06)
    assert (shaken.high - shaken.low)[0] > 1.02 * (steady.high - steady.low)[0]


def test_one_giant_customer_moves_nobody_elses_bounds() -> None:
    # The best of all brings 10,000 times what was expected of him; a third of his group of 200 or more would have to.
    expected, p, spend, day = world(700)
    giant = spend.copy()
    giant[int(np.argmax(expected))] = 1e4 * expected.max()
    calm, shaken = (all_of(Intervals.fit(expected, p, y, day).bounds(expected, p)) for y in (spend, giant))
    known = calm > 0
    assert np.median(shaken[known] / calm[known]) == pytest.approx(1.0, abs=0.03)
    assert (shaken[known] / calm[known]).max() < 1.5


def test_what_all_cutoffs_missed_alike_is_learnt() -> None:
    # At each of three cutoffs twice as much came as was expected: bounds move up with it, most of the way.
    expected, p = np.full(1, 20.0), np.full(1, 0.05)
    honest = Intervals.fit(*world(1500)).bounds(expected, p)
    low = Intervals.fit(*world(1500, levels=(2.0, 2.0, 2.0))).bounds(expected, p)
    assert low.median[0] == pytest.approx(2 * honest.median[0], rel=0.1)


def test_another_horizon_has_the_same_shapes_around_its_own_expectations() -> None:
    expected, p, spend, day = world(500)
    found = Intervals.fit(expected, p, spend, day)
    # Three times as much is expected of everybody: groups move along, and so do bounds.
    carried = found.carried(3.0)
    np.testing.assert_allclose(
        all_of(carried.bounds(3 * expected, p)), 3 * all_of(found.bounds(expected, p)), rtol=1e-9
    )
    assert "carried" in carried.words


def test_rows_whose_period_was_learnt_from_give_wider_intervals() -> None:
    # They agree with their period by construction, so the noise between periods is taken from elsewhere.
    rows, at = world(1500, days=DAYS[:1]), (np.full(1, 20.0), np.full(1, 0.05))
    before, within = Intervals.fit(*rows).bounds(*at), Intervals.within(*rows).bounds(*at)
    assert (within.high - within.low)[0] > (before.high - before.low)[0]
    assert "taken from elsewhere" in Intervals.within(*rows).words
