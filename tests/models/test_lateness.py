"""Late for this customer: the law by hand, and on simulated customers of whom it is known who is still active."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from regulars import simulate
from regulars.features.panel import Rhythm
from regulars.models.bg_nbd import BgNbd
from regulars.models.lateness import MOST_DAYS, Lateness, days_late, days_overdue
from regulars.models.pareto_nbd import ParetoNbd
from regulars.models.prior import Prior

PARETO = ParetoNbd(r=1.0, alpha=10.0, s=1.0, beta=100.0)


def rhythm(x: list[float], t_x: list[float], age: list[float]) -> Rhythm:
    frequency = np.array(x)
    return Rhythm(frequency, np.array(t_x), np.array(age), frequency, frequency)


def test_a_silence_is_as_likely_as_the_rates_known_at_the_last_purchase_make_it() -> None:
    # r + x = 2, alpha + t_x = 20: after 20 more days (20 / 40)^2 = 1/4; half of the gaps end within 20 (sqrt(2) - 1).
    found = Lateness.of(Prior(None, PARETO, None, 1.0), rhythm([1], [10], [30]))
    assert found.p_so_late == pytest.approx([0.25])
    assert found.usual_gap_days == pytest.approx([20 * (2**0.5 - 1)])
    assert found.late.tolist() == [False]


def test_late_begins_where_fewer_than_one_in_ten_would_be_silent_for_so_long() -> None:
    # x = 0: 10 / (10 + T) falls below 1/10 beyond T = 90.
    found = Lateness.of(Prior(None, PARETO, None, 1.0), rhythm([0, 0, 0], [0, 0, 0], [0, 89, 91]))
    assert found.p_so_late == pytest.approx([1.0, 10 / 99, 10 / 101])
    assert found.late.tolist() == [False, False, True]


def test_without_pareto_the_other_model_speaks_and_without_any_nobody_is_late() -> None:
    rows = rhythm([1], [10], [3000])
    bg = BgNbd(r=1.0, alpha=10.0, a=1.0, b=1.0)
    assert Lateness.of(Prior(bg, None, None, 1.0), rows).p_so_late == pytest.approx([(20 / 3010) ** 2])
    none = Lateness.of(Prior(None, None, None, 1.0), rows)
    assert np.isnan([none.p_so_late[0], none.usual_gap_days[0]]).all()
    assert none.late.tolist() == [False]


def test_a_usual_gap_is_finite_even_where_hardly_anybody_comes_back() -> None:
    rare = ParetoNbd(r=1e-3, alpha=10.0, s=1.0, beta=100.0)
    assert Lateness.of(Prior(None, rare, None, 1.0), rhythm([0], [0], [5])).usual_gap_days.tolist() == [MOST_DAYS]


def active(seed: int, n_customers: int) -> tuple[NDArray[np.bool_], Lateness]:
    """Simulated customers in the middle of what is simulated: who is really active, and how late each is."""
    frequent = {"r": 1.2, "alpha": 40.0, "s": 1.0, "beta": 300.0}
    world = simulate(n_customers, days=730, parameters=frequent, seed=seed)
    truth = world.truth(world.starts.plus(540), 90)
    x, t_x, age = (truth[name].to_numpy(np.float64) for name in ("frequency", "recency", "T"))
    model = ParetoNbd.from_dict(frequent)
    found = Lateness.of(Prior(None, model, None, 1.0), Rhythm(x, t_x, age, x, x))
    return truth["alive"].to_numpy(bool), found


def test_one_in_ten_of_the_active_is_late_and_most_of_those_who_left_are() -> None:
    # 1,500 customers, about half of them active: the share has a standard error of about .011.
    alive, found = active(3, 1500)
    assert found.late[alive].mean() == pytest.approx(0.10, abs=0.035)
    assert found.late[~alive].mean() > 4 * found.late[alive].mean()


def test_days_late_count_from_the_first_silence_that_is_late_and_grow_by_one_a_day() -> None:
    # x = 0: 10 / (10 + s) is below 1/10 beyond s = 90, so that 91 whole days of silence, 92 days after, are the first.
    silent = np.array([10.0, 89.0, 91.0, 92.0, 120.0])
    found = Lateness.of(Prior(None, PARETO, None, 1.0), rhythm([0] * 5, [0] * 5, silent.tolist()))
    late = days_late(silent + 1, found.usual_gap_days, found.p_so_late)
    np.testing.assert_array_equal(late, [np.nan, np.nan, 1, 2, 30])
    # Half of the gaps end within 10 (2 - 1) = 10 days: 11 whole days are the first beyond.
    np.testing.assert_array_equal(days_overdue(np.array([11.0, 12.0, 13.0]), np.full(3, 10.0)), [np.nan, 1, 2])


def test_days_late_are_found_from_two_points_of_any_law() -> None:
    # The bound of the law itself: b (10^(1 / a) - 1) days of silence.
    rng = np.random.default_rng(11)
    shape, scale = rng.gamma(2.0, 3.0, 3000) + 0.05, rng.gamma(1.0, 100.0, 3000) + 0.01
    silent = rng.integers(0, 900, 3000).astype(np.float64)
    usual, p = scale * np.expm1(np.log(2) / shape), np.exp(-shape * np.log1p(silent / scale))
    bound = np.floor(scale * np.expm1(np.log(10) / shape))
    late = days_late(silent + 1, usual, p)
    assert 500 < np.isfinite(late).sum() < 3000
    np.testing.assert_array_equal(late, np.where(p < 0.1, silent - bound, np.nan))


def test_of_whom_nothing_is_known_no_days_are() -> None:
    nothing = np.full(2, np.nan)
    assert np.isnan(days_late(np.array([5.0, 900.0]), nothing, nothing)).all()
    assert np.isnan(days_overdue(np.array([5.0, 900.0]), nothing)).all()


@pytest.mark.soak
def test_one_in_ten_of_the_active_is_late_over_many_worlds() -> None:
    share = [found.late[alive].mean() for alive, found in (active(seed, 4000) for seed in range(20))]
    assert np.mean(share) == pytest.approx(0.10, abs=0.015)
