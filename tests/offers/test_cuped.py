"""The adjusted difference of two arms: by hand, against an oracle, and how often its interval is right."""

from __future__ import annotations

import numpy as np
import pytest

from regulars.offers.cuped import adjusted, usable

Arrays = tuple[np.ndarray, np.ndarray, np.ndarray]


def _made(n: int = 300, seed: int = 0) -> Arrays:
    rng = np.random.default_rng(seed)
    before = rng.gamma(1.0, 50.0, (n, 2))
    treated = rng.random(n) < 0.3
    return before @ [0.8, 0.1] + 3.0 * treated + rng.normal(0, 5, n), treated, before


def test_without_covariates_it_is_the_difference_of_means_with_neyman_s_error() -> None:
    # Means 4 and 2; variances (n - 1) 2 and 8 in arms of 2 and 2: error sqrt(2 / 2 + 8 / 2) = sqrt(5).
    found = adjusted(np.array([3.0, 5.0, 0.0, 4.0]), np.array([True, True, False, False]))
    assert (found.estimate, found.treated_mean, found.control_mean) == (2.0, 4.0, 2.0)
    assert found.se == pytest.approx(np.sqrt(5))
    # Welch-Satterthwaite: (1 + 4)^2 / (1^2 / 1 + 4^2 / 1) = 25 / 17.
    assert found.degrees == pytest.approx(25 / 17)


def test_it_is_the_interacted_regression_with_errors_hc2() -> None:
    # The oracle: one regression of the outcome on treatment, centred covariates and their products (Lin 2013).
    y, treated, before = _made()
    x = before - before.mean(axis=0)
    t = treated[:, None].astype(float)
    design = np.hstack([np.ones_like(t), t, x, t * x])
    inverse = np.linalg.inv(design.T @ design)
    beta = inverse @ design.T @ y
    leverage = np.einsum("ij,jk,ik->i", design, inverse, design)
    middle = design * ((y - design @ beta) ** 2 / (1 - leverage))[:, None]
    found = adjusted(y, treated, before)
    assert found.estimate == pytest.approx(beta[1])
    assert found.se == pytest.approx(np.sqrt((inverse @ (design.T @ middle) @ inverse)[1, 1]))


def test_weights_make_up_for_chances_that_differ() -> None:
    # Big spenders are treated with chance .8, small ones with .2; nothing works. Unweighted, it looks as if it did.
    big = np.arange(1000) % 2 == 1
    treated = np.arange(1000) // 2 % 5 < np.where(big, 4, 1)
    spend = np.where(big, 100.0, 10.0)
    assert adjusted(spend, treated).estimate == pytest.approx(54.0)
    weight = 1 / np.where(treated, np.where(big, 0.8, 0.2), np.where(big, 0.2, 0.8))
    assert adjusted(spend, treated, weight=weight).estimate == pytest.approx(0.0)


def test_rows_of_one_customer_count_as_one() -> None:
    # Every row stands four times: nothing is learnt by that, and the error must say so (but for the small-sample step).
    y, treated, _ = _made(200)
    once = adjusted(y, treated, cluster=np.arange(200))
    again = adjusted(np.tile(y, 4), np.tile(treated, 4), cluster=np.tile(np.arange(200), 4))
    assert again.se == pytest.approx(once.se, rel=0.02)
    assert adjusted(np.tile(y, 4), np.tile(treated, 4)).se < 0.6 * once.se


def test_a_missing_covariate_is_no_reason_to_lose_a_customer() -> None:
    y, treated, before = _made()
    before[::3, 0] = np.nan
    found = adjusted(y, treated, before)
    # Two covariates and that one is missing.
    assert found.covariates == 3
    assert abs(found.estimate - 3) < 4 * found.se


def test_a_small_arm_carries_few_covariates() -> None:
    # Ten treated cannot carry any; 60 carry 60 / 20 - 1 = 2 of five, the first ones.
    x = np.random.default_rng(1).normal(size=(500, 5))
    assert usable(x, 10, 500).shape == (500, 0)
    kept = usable(x, 60, 500)
    assert kept.shape == (500, 2)
    assert np.corrcoef(kept[:, 1], x[:, 1])[0, 1] == pytest.approx(1)


def test_covariates_that_say_the_same_change_nothing() -> None:
    y, treated, before = _made()
    twice = adjusted(y, treated, np.hstack([before, before[:, :1] * 2 + 1]))
    once = adjusted(y, treated, before)
    assert twice.estimate == pytest.approx(once.estimate)
    assert twice.se == pytest.approx(once.se, rel=0.02)


def test_rounding_is_not_taken_for_an_effect() -> None:
    # Everybody buys once: the regressions differ by 1e-16, and never vary.
    found = adjusted(np.ones(200), np.arange(200) % 3 == 0, np.arange(200.0)[:, None] ** 2)
    assert (found.estimate, found.se, found.p, found.interval) == (0.0, 0.0, 1.0, (0.0, 0.0))


def test_scale_and_order_do_not_matter() -> None:
    y, treated, before = _made()
    one, order = adjusted(y, treated, before), np.random.default_rng(3).permutation(len(y))
    shuffled = adjusted(y[order], treated[order], before[order])
    cents = adjusted(100 * y, treated, 100 * before)
    assert shuffled.estimate == pytest.approx(one.estimate)
    assert (cents.estimate, cents.se) == (pytest.approx(100 * one.estimate), pytest.approx(100 * one.se))


@pytest.mark.parametrize("draws", [200, pytest.param(4000, marks=pytest.mark.soak)])
def test_the_interval_of_a_known_effect_on_heavy_tails_covers_it(draws: int) -> None:
    rng, hit = np.random.default_rng(5), 0
    for _ in range(draws):
        before = rng.lognormal(3, 1, 600)
        treated = np.zeros(600, bool)
        treated[rng.choice(600, 480, replace=False)] = True
        low, high = adjusted(before * rng.gamma(2, 0.5, 600) + 4.0 * treated, treated, before[:, None]).interval
        hit += low <= 4 <= high
    # 95 %, give or take three standard errors of so many draws, and the one or two points that such tails cost.
    assert 0.93 - 3 * np.sqrt(0.05 * 0.95 / draws) <= hit / draws <= 0.95 + 3 * np.sqrt(0.05 * 0.95 / draws)
