"""Who gets what: every cap is met, nothing better is overlooked, and prices say what one more of a cap would bring.

In: made-up gains, costs and caps. Out: sentences; the truth is found by trying every allocation of a tiny set.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from regulars.errors import ConfigError
from regulars.offers.allocate import Allocation, allocate, meant
from regulars.offers.caps import Cap

Floats = NDArray[np.float64]


def _uses(cap: Cap, cost: Floats, shape: tuple[int, int]) -> Floats:
    """What everybody would use of a cap with every option, spelled out."""
    use = np.broadcast_to(np.ones(shape[1]) if cap.use is None else cap.use, shape)
    held = np.ones(shape[0], bool)
    if cap.rows is not None:
        held = cap.rows if cap.rows.dtype == bool else np.isin(np.arange(shape[0]), cap.rows)
    return use * (np.broadcast_to(cost, shape) if cap.money else 1.0) * held[:, None]


def _within(
    option: Sequence[int] | NDArray[np.int16], cost: Floats, caps: Sequence[Cap], shape: tuple[int, int]
) -> bool:
    given = [(row, one) for row, one in enumerate(option) if one >= 0]
    return all(
        sum(uses[pair] for pair in given) <= max(cap.limit, 0.0) * (1 + 1e-9)
        for cap, uses in ((cap, _uses(cap, cost, shape)) for cap in caps)
    )


def _best(gains: Floats, cost: Floats, caps: Sequence[Cap]) -> float:
    """The most that any allocation gains, by trying all."""
    n, k = gains.shape
    allowed = [[-1, *np.flatnonzero(gains[row] > -np.inf)] for row in range(n)]
    worth = sorted(
        ((sum(gains[row, one] for row, one in enumerate(o) if one >= 0), o) for o in itertools.product(*allowed)),
        reverse=True,
    )
    return float(next(value for value, option in worth if _within(option, cost, caps, (n, k))))


def _world(seed: int, n: int, k: int) -> tuple[Floats, Floats, list[Cap]]:
    """Gains with holes and ties, costs of nothing, caps that overlap, shut and never bind."""
    rng = np.random.default_rng(seed)
    gains = [rng.normal(1, 2, (n, k)), rng.integers(-1, 4, (n, k)).astype(float), np.ones((n, k))][seed % 3]
    gains[rng.random((n, k)) < 0.2] = [-np.inf, np.nan][seed % 2]
    cost = rng.uniform(0, 2, (n, k)) if seed % 5 else rng.integers(0, 3, k).astype(float)
    caps = []
    for number in range(rng.integers(0, 6)):
        use = [None, rng.integers(0, 2, k).astype(float), rng.uniform(0, 2, (n, k)).round(1)][rng.integers(3)]
        rows = None if rng.random() < 0.5 else rng.random(n) < 0.5
        limit = float(rng.choice([-1, 0, 0.5, 1, 2, 3.3, 5, np.inf]))
        caps.append(Cap(f"cap {number}", limit, use, rows, money=bool(rng.random() < 0.4)))
    return gains, cost, caps


def _is_the_best(seed: int) -> None:
    gains, cost, caps = _world(seed, seed % 6, 1 + seed % 3)
    found = allocate(gains, cost, caps)
    assert _within(found.choice, cost, caps, gains.shape)
    assert found.exact
    assert found.value == pytest.approx(_best(gains, cost, caps), abs=1e-9)
    assert found.bound == found.value


def test_of_a_tiny_set_nothing_better_can_be_found_by_trying_all() -> None:
    for seed in range(42):
        _is_the_best(seed)


@pytest.mark.soak
def test_of_thousands_of_tiny_sets_nothing_better_can_be_found_by_trying_all() -> None:
    for seed in range(42, 6_000):
        _is_the_best(seed)


def _crowd(n: int, seed: int = 0) -> tuple[Floats, Floats]:
    """Gains and costs as offers have them: the better a customer, the higher both; three in ten are not permitted."""
    rng = np.random.default_rng(seed)
    spend, silent = rng.lognormal(4, 1, (n, 1)), rng.beta(2, 2, (n, 1))
    cost = rng.uniform(0.02, 1, 6) + rng.uniform(0, 0.1, 6) * spend * (1 - silent)
    gains = 0.3 * spend * (rng.uniform(0.02, 0.12, 6) * silent + rng.uniform(0.01, 0.1, 6)) - cost / 2
    gains[rng.random((n, 6)) < 0.3] = -np.inf
    return gains * rng.uniform(0.5, 1.5, (n, 6)), cost


def _caps(n: int, budget: float) -> list[Cap]:
    offers = [Cap(f"offer:{one}", n // 12, use=np.eye(6)[one]) for one in range(3)]
    kinds = Cap("type:gift", n / 40, use=np.array([0.0, 0, 1, 1, 1, 0]), money=True)
    return [Cap("budget", budget, money=True), Cap("any", n // 4), *offers, kinds]


def _checked(gains: Floats, cost: Floats, caps: Sequence[Cap]) -> Allocation:
    found = allocate(gains, cost, caps)
    assert _within(found.choice, cost, caps, gains.shape)
    assert found.value <= found.bound
    given = np.flatnonzero(found.choice >= 0)
    assert (gains[given, found.choice[given]] > 0).all()
    assert all(found.used[cap.name] <= max(cap.limit, 0) * (1 + 1e-9) for cap in caps)
    return found


def test_a_crowd_comes_within_a_tenth_of_a_percent_of_the_bound() -> None:
    gains, cost = _crowd(8_000)
    found = _checked(gains, cost, _caps(8_000, 1_200.0))
    assert 0 <= found.gap <= 1e-3
    assert found.cost == pytest.approx(found.used["budget"])


def test_the_same_question_gets_the_same_answer_whatever_the_kind_of_float_and_hole() -> None:
    gains, cost = _crowd(5_000)
    caps = _caps(5_000, 800.0)
    found, again = allocate(gains, cost, caps), allocate(np.where(np.isinf(gains), np.nan, gains), cost, caps)
    assert (found.choice == again.choice).all()
    assert found.prices == again.prices
    narrow = _checked(gains.astype(np.float32).astype(float), cost, caps)
    assert narrow.value == pytest.approx(found.value, rel=2e-3)


def test_a_larger_budget_never_brings_less() -> None:
    gains, cost = _crowd(150)
    found = [_checked(gains, cost, _caps(150, budget)) for budget in (0.0, 1.0, 5.0, 20.0, 100.0)]
    assert all(one.exact for one in found)
    assert sorted(one.value for one in found) == [one.value for one in found]
    assert found[0].value == 0 < found[1].value
    # The price is what the next unit brings: it falls as the best uses of the money are taken.
    prices = [one.prices["budget"] for one in found]
    assert sorted(prices, reverse=True) == prices


def test_prices_foretell_what_one_more_of_a_cap_brings() -> None:
    gains, cost = _crowd(8_000)
    found, more = (allocate(gains, cost, _caps(8_000, budget)) for budget in (800.0, 900.0))
    # 100 more at falling prices: between what the last and the first of them bring; the gaps blur it by a little.
    slack = found.bound - found.value + more.bound - more.value
    assert 100 * more.prices["budget"] - slack <= more.value - found.value <= 100 * found.prices["budget"] + slack


def test_at_the_stored_prices_nearly_everybody_is_meant_to_get_what_is_given() -> None:
    gains, cost = _crowd(8_000)
    caps = _caps(8_000, 800.0)
    found = allocate(gains, cost, caps)
    again = meant(gains, cost, caps, found.prices)
    assert (again == found.choice).mean() > 0.99
    # One alone gets the same answer as among all.
    alone = [meant(gains[row : row + 1], cost[row : row + 1], caps, found.prices)[0] for row in range(100)]
    assert alone == again[:100].tolist()


def test_when_all_are_alike_the_earlier_customer_and_the_lower_option_get_it() -> None:
    found = _checked(np.ones((5_000, 3)), np.ones(3), [Cap("budget", 2_000.0, money=True)])
    assert found.exact
    assert found.choice.tolist() == [0] * 2_000 + [-1] * 3_000
    # All stand at the margin: everybody is meant to get it, and the budget alone says who does not.
    assert (meant(np.ones((9, 3)), np.ones(3), [Cap("budget", 2_000.0, money=True)], found.prices) == 0).all()


def test_huge_ties_under_many_caps_leave_no_gap() -> None:
    rng = np.random.default_rng(1)
    gains, cost = rng.integers(1, 4, (8_000, 5)).astype(float), rng.integers(1, 3, (8_000, 5)).astype(float)
    caps = [Cap("budget", 4_000.0, money=True), Cap("any", 2_400)]
    found = _checked(gains, cost, [*caps, *(Cap(f"offer:{one}", 800, use=np.eye(5)[one]) for one in range(5))])
    # 800 of each offer could go to people who gain 3; 2,400 contacts of 3 each, at a cost of 1: nothing is better.
    assert found.value == 7_200 == pytest.approx(found.bound)


def test_what_costs_nothing_is_given_whatever_the_budget() -> None:
    gains = np.array([[2.0, 3.0]] * 1_200)
    found = _checked(gains, np.array([0.0, 5.0]), [Cap("budget", 7.0, money=True)])
    # One of them gets the better one, which leaves 2; all others the free one.
    assert (found.choice == 1).sum() == 1
    assert found.value == 2 * 1_199 + 3


def test_a_customer_who_costs_more_than_the_budget_gets_nothing_and_takes_nothing_from_others() -> None:
    gains, cost = np.array([[1e9], [1.0], [1.0]]), np.array([[100.0], [3.0], [3.0]])
    found = _checked(gains, cost, [Cap("budget", 7.0, money=True)])
    assert found.choice.tolist() == [-1, 0, 0]
    assert found.exact


def test_a_budget_of_nothing_gives_nothing_and_says_what_the_first_unit_would_bring() -> None:
    gains, cost = np.array([[6.0, 1.0], [2.0, -1.0]]), np.array([2.0, 4.0])
    found = _checked(gains, cost, [Cap("budget", 0.0, money=True), Cap("any", 5)])
    assert found.choice.tolist() == [-1, -1]
    # 6 for 2 is 3 for 1.
    assert found.prices == {"budget": 3.0, "any": 0.0}
    assert found.words == (
        "budget: there is none of it, so nothing is given; the next 1.00 returns 3.00 beyond itself",
        "any: 0 of 5 is used; more of it would return nothing",
        "no option gains anything for anybody who may get it",
    )
    assert meant(gains, cost, [Cap("budget", 0.0, money=True)], found.prices).tolist() == [-1, -1]


def test_a_cap_that_past_campaigns_have_used_up_and_more_shuts_its_option_alone() -> None:
    found = _checked(np.array([[5.0, 4.0]]), np.ones(2), [Cap("offer:0", -3, use=np.array([1.0, 0.0]))])
    assert found.choice.tolist() == [1]


def test_where_nothing_gains_nothing_is_given() -> None:
    gains, cost = _crowd(1_500)
    found = _checked(-np.abs(gains), cost, _caps(1_500, 50.0))
    assert (found.choice == -1).all()
    assert (found.value, found.bound, found.gap) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize("shape", [(0, 3), (4, 0), (0, 0)])
def test_nobody_and_nothing_to_give_are_no_error(shape: tuple[int, int]) -> None:
    caps = [Cap("budget", 5.0, money=True), Cap("some", 1, rows=np.zeros(shape[0], bool))]
    found = allocate(np.ones(shape), np.ones(shape), caps)
    assert found.choice.tolist() == [-1] * shape[0]
    assert meant(np.ones(shape), np.ones(shape[1]), caps, found.prices).tolist() == [-1] * shape[0]


def test_hundreds_of_stores_each_keep_to_their_cap() -> None:
    gains, cost = _crowd(8_000)
    store = np.random.default_rng(2).integers(0, 200, 8_000)
    stores = [Cap(f"store:{one}", 1 + one % 5, rows=np.flatnonzero(store == one)) for one in range(200)]
    found = allocate(gains, cost, [Cap("budget", 800.0, money=True), *stores])
    given = np.bincount(store[found.choice >= 0], minlength=200)
    assert (given <= 1 + np.arange(200) % 5).all()
    assert found.cost <= 800 * (1 + 1e-9)
    assert found.gap <= 2e-3
    # The crowded ones have a price of their own, which the endpoint needs.
    assert sum(found.prices[f"store:{one}"] > 0 for one in range(200)) > 20


def test_caps_that_overlap_are_all_met() -> None:
    gains, cost = _crowd(4_000)
    rng = np.random.default_rng(3)
    caps = [Cap(f"region:{one}", 30, rows=rng.random(4_000) < 0.2) for one in range(8)]
    caps += [Cap("own", 300.0, use=rng.random((4_000, 6))), Cap("spent", 99.0, use=rng.random((4_000, 6)), money=True)]
    assert _checked(gains, cost, [*caps, *_caps(4_000, 400.0)]).gap <= 1e-2


@pytest.mark.parametrize(
    ("cap", "said"),
    [
        (Cap("a", float("nan")), "has no limit"),
        (Cap("a", 1, use=np.array([1.0, -1.0])), "below 0"),
        (Cap("a", 1, use=np.ones(3)), "shape"),
        (Cap("a", 1, rows=np.array([7])), "rows that do not exist"),
        (Cap("b", 1), "twice"),
    ],
)
def test_a_cap_that_makes_no_sense_is_refused(cap: Cap, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        allocate(np.ones((4, 2)), np.ones(2), [Cap("b", 1), cap])


def test_costs_that_fit_no_option_or_give_money_back_are_refused() -> None:
    for cost in (np.ones(3), np.array([-1.0, 1.0])):
        with pytest.raises(ConfigError, match="RG427"):
            allocate(np.ones((4, 2)), cost)


def test_an_option_without_a_cost_is_not_given() -> None:
    found = allocate(np.ones((2, 1)), np.array([[np.inf], [1.0]]), [Cap("budget", 9.0, money=True)])
    assert found.choice.tolist() == [-1, 0]


def test_what_the_solver_prints_stays_off_the_screen(capfd: pytest.CaptureFixture[str]) -> None:
    gains, cost = _crowd(400, seed=3)
    store = np.random.default_rng(3).integers(0, 40, 400)
    allocate(gains, cost, [*_caps(400, 20.0), *(Cap(f"s{one}", 2, rows=store == one) for one in range(40))])
    print("still there")
    assert capfd.readouterr().out == "still there\n"


def test_the_callers_tables_stay_as_they_are() -> None:
    gains, cost = _crowd(200)
    gains[5, 0], before = np.nan, gains.copy()
    gains.flags.writeable = cost.flags.writeable = False
    allocate(gains, cost, _caps(200, 30.0))
    assert np.array_equal(gains[6:], before[6:])
