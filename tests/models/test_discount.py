"""Discounted expected residual transactions: Tricomi's function, slow integrals, simulated customers."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import hyperu

from regulars.models.bg_nbd import BgNbd
from regulars.models.discount import discounted_survival, force_of
from regulars.models.pareto_nbd import ParetoNbd
from regulars.models.summary import Summary

PARETO = ParetoNbd(r=0.553, alpha=10.578, s=0.606, beta=11.669)
BG = BgNbd(r=0.243, alpha=4.414, a=0.793, b=2.426)
ROWS = Summary([0, 1, 5, 40], [0.0, 20.0, 30.0, 38.0], [10.0, 30.0, 39.0, 39.0])


def test_money_a_year_ahead_counts_one_over_one_plus_the_rate() -> None:
    assert np.exp(-365 * force_of(0.15)) == pytest.approx(1 / 1.15, rel=1e-14)
    assert force_of(0.0) == 0.0


@pytest.mark.parametrize("force", [0.0027, 0.05])
def test_to_infinity_it_is_tricomis_function(force: float) -> None:
    # Fader, Hardie & Lee (2005), formula 5: beta^s delta^(s-1) Psi(s, s; delta (beta + T)) stands for the integral of
    # e^(-delta t) (beta / (beta + t))^s; SciPy's hyperu is sound for these arguments.
    beta, s = np.array([11.669, 50.669, 200.0]), PARETO.s
    z = force * beta
    expected = beta * z ** (s - 1) * hyperu(s, s, z)
    assert discounted_survival(s, beta, (0.0, np.inf), force)[:, 0] == pytest.approx(expected, rel=1e-8)


def test_the_published_annual_rate_of_15_percent_gives_the_formula_customer_by_customer() -> None:
    # DERT = P(alive) (r + x) / (alpha + T) times that integral at beta + T; weeks, delta = .0027 as in the paper.
    b = PARETO.beta + ROWS.T
    lived = b * (0.0027 * b) ** (PARETO.s - 1) * hyperu(PARETO.s, PARETO.s, 0.0027 * b)
    expected = PARETO.p_alive(ROWS) * (PARETO.r + ROWS.frequency) / (PARETO.alpha + ROWS.T) * lived
    assert PARETO.residual_purchases(ROWS, (0.0, np.inf), 0.0027)[:, 0] == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize("s", [1e-3, 1.0, 2.5, 300.0])
@pytest.mark.parametrize("beta", [0.5, 1e5])
def test_slices_agree_with_a_slow_integral(s: float, beta: float) -> None:
    found = discounted_survival(s, np.array([beta]), (0.0, 90.0, 1095.0), 2.6e-4)[0]
    for k, (low, high) in enumerate([(0.0, 90.0), (90.0, 1095.0)]):
        knots = [low + (high - low) * 10.0**-j for j in range(1, 5)]
        slow = quad(
            lambda t: np.exp(-2.6e-4 * t - s * np.log1p(t / beta)), low, high, points=knots, epsabs=0, limit=500
        )
        assert found[k] == pytest.approx(slow[0], rel=1e-8)


@pytest.mark.parametrize("model", [PARETO, BG])
def test_without_discounting_slices_add_up_to_expected_purchases(model: ParetoNbd | BgNbd) -> None:
    found = model.residual_purchases(ROWS, (0.0, 13.0, 39.0, 156.0)).cumsum(axis=1)
    for k, weeks in enumerate((13.0, 39.0, 156.0)):
        assert found[:, k] == pytest.approx(model.expected_purchases(ROWS, weeks), rel=1e-9)


@pytest.mark.parametrize("model", [PARETO, BG])
def test_discounting_agrees_with_a_stieltjes_sum_over_short_steps(model: ParetoNbd | BgNbd) -> None:
    # Steps of half a week, discounted at their middle: off by (.0027 x .5)^2 / 24 = 8e-8 and a little more.
    edges = np.linspace(0.0, 39.0, 79)
    steps = model.residual_purchases(ROWS, edges.tolist())
    slow = steps @ np.exp(-0.0027 * 0.5 * (edges[:-1] + edges[1:]))
    assert model.residual_purchases(ROWS, (0.0, 39.0), 0.0027)[:, 0] == pytest.approx(slow, rel=1e-5)


def test_to_infinity_without_discounting_it_is_finite_only_where_customers_leave_fast_enough() -> None:
    assert np.isinf(PARETO.residual_purchases(ROWS, (0.0, np.inf))).all()  # s < 1
    assert np.isinf(BG.residual_purchases(ROWS, (0.0, np.inf))).all()  # a < 1
    # Of Pareto/NBD with s = 2 the mean life left is (beta + T) / (s - 1); of BG/NBD with a = 2 the purchases left are
    # E[1 / p] = (a + b + x - 1) / (a - 1), both given alive.
    fast, bg = ParetoNbd(0.5, 10.0, 2.0, 20.0), BgNbd(0.5, 10.0, 2.0, 4.0)
    lives = fast.p_alive(ROWS) * (0.5 + ROWS.frequency) / (10.0 + ROWS.T) * (20.0 + ROWS.T)
    assert fast.residual_purchases(ROWS, (0.0, np.inf))[:, 0] == pytest.approx(lives, rel=1e-12)
    assert bg.residual_purchases(ROWS, (0.0, np.inf))[:, 0] == pytest.approx(
        bg.p_alive(ROWS) * (5.0 + ROWS.frequency), rel=1e-12
    )


def test_bg_nbd_to_infinity_is_bounded_by_the_rate_of_the_living() -> None:
    found = BG.residual_purchases(ROWS, (0.0, 39.0, np.inf), 0.0027)
    assert (found > 0).all()
    # Nobody is expected to buy faster than (r + x) / (alpha + T) while alive: at most that over the force.
    assert (found.sum(axis=1) < BG.p_alive(ROWS) * (BG.r + ROWS.frequency) / (BG.alpha + ROWS.T) / 0.0027).all()
    longer = BG.residual_purchases(ROWS, (0.0, 39.0, 5000.0), 0.0027)
    assert found.sum(axis=1) == pytest.approx(longer.sum(axis=1), rel=1e-5)


@pytest.mark.parametrize("model", [ParetoNbd(1.2, 40.0, 1.5, 200.0), BgNbd(1.2, 40.0, 1.0, 6.0)])
def test_squares_are_those_of_simulated_customers(model: ParetoNbd | BgNbd) -> None:
    # Newcomers' next 300 days at a force of .002: the mean of (sum of discounts)^2 is singles + pairs.
    rng, n, days, force = np.random.default_rng(5), 60_000, 300.0, 0.002
    rate = rng.gamma(model.r, 1 / model.alpha, n)
    if isinstance(model, ParetoNbd):
        until, last = rng.exponential(1 / rng.gamma(model.s, 1 / model.beta, n)), np.full(n, np.inf)
    else:
        until, last = np.full(n, np.inf), rng.geometric(np.maximum(rng.beta(model.a, model.b, n), 1e-9)).astype(float)
    total, now, k = np.zeros(n), np.zeros(n), 0
    while True:
        now, k = now + rng.exponential(1 / rate), k + 1
        buys = (now < np.minimum(until, days)) & (k <= last)
        if not buys.any():
            break
        total += np.where(buys, np.exp(-force * np.minimum(now, days)), 0.0)
    new = Summary.newcomers()
    singles, pairs = model.residual_squares(new, days, force, np.ones(1))
    assert total.mean() == pytest.approx(model.residual_purchases(new, (0.0, days), force)[0, 0], rel=0.03)
    assert np.square(total).mean() == pytest.approx(float((singles + pairs)[0]), rel=0.06)
