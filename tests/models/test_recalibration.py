"""The line that brings a prior to the level and spread of what really came."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from regulars.models.metrics import sigmoid
from regulars.models.recalibration import Line, gamma_line, logistic_line, poisson_line, tweedie_line

Float64 = NDArray[np.float64]


def churners(n: int = 20_000, seed: int = 0) -> tuple[Float64, Float64]:
    """A prior's logit that is 1.5 times too timid and .5 too low, and what came of it."""
    rng = np.random.default_rng(seed)
    x = rng.normal(0, 1.2, n)
    return x, (rng.random(n) < sigmoid(0.5 + 1.5 * x)).astype(np.float64)


def spenders(n: int = 30_000, seed: int = 0) -> tuple[Float64, Float64]:
    """A prior's log of money and compound Poisson spend (Tweedie of power 1.5) of mean exp(.3 + .8 x)."""
    rng = np.random.default_rng(seed)
    x = rng.normal(0, 0.8, n)
    mu, phi = np.exp(0.3 + 0.8 * x), 1.0
    # Power p = 1.5: N ~ Poisson(mu^.5 / (.5 phi)), each a gamma of shape 1 and scale .5 phi mu^.5 (Jorgensen 1987).
    orders = rng.poisson(2 * np.sqrt(mu) / phi)
    return x, rng.gamma(np.maximum(orders, 1e-9), 0.5 * phi * np.sqrt(mu)) * (orders > 0)


def test_logistic_recalibration_finds_the_coefficients_that_made_the_data() -> None:
    x, y = churners()
    line = logistic_line(x, y, np.ones(len(x)))
    # 20,000 rows know the intercept to about .02 and the slope to about .025.
    assert line.intercept == pytest.approx(0.5, abs=0.07)
    assert line.slope == pytest.approx(1.5, abs=0.09)


def test_tweedie_recalibration_finds_the_coefficients_that_made_the_data() -> None:
    x, y = spenders()
    line = tweedie_line(x, y, np.ones(len(x)))
    assert line.intercept == pytest.approx(0.3, abs=0.04)
    assert line.slope == pytest.approx(0.8, abs=0.05)
    # A regression with log link is right in total.
    assert np.exp(line(x)).sum() == pytest.approx(y.sum(), rel=0.02)


def test_counts_and_amounts_are_recalibrated_to_the_coefficients_that_made_them() -> None:
    rng = np.random.default_rng(3)
    x, one = rng.normal(0, 0.8, 30_000), np.ones(30_000)
    mean = np.exp(0.3 + 0.8 * x)
    # 30,000 rows know the intercept of either to about .006 and the slope to about .008.
    for line in (poisson_line(x, rng.poisson(mean).astype(float), one), gamma_line(x, rng.gamma(2, mean / 2), one)):
        assert (line.intercept, line.slope) == pytest.approx((0.3, 0.8), abs=0.03)


@pytest.mark.parametrize("fit", [logistic_line, tweedie_line])
def test_a_row_of_weight_two_teaches_as_much_as_two_rows(fit: object) -> None:
    x, y = churners(300) if fit is logistic_line else spenders(300)
    line = logistic_line if fit is logistic_line else tweedie_line
    weight = np.where(np.arange(300) % 3 == 0, 2.0, 1.0)
    again = np.repeat(np.arange(300), weight.astype(int))
    found, meant = line(x, y, weight), line(x[again], y[again], np.ones(len(again)))
    assert (found.intercept, found.slope) == pytest.approx((meant.intercept, meant.slope), abs=1e-3)


def test_a_row_without_a_prior_teaches_nothing_and_gets_the_intercept() -> None:
    x, y = churners(2000)
    gone = np.concatenate([x, np.full(500, np.nan)])
    outcome = np.concatenate([y, np.ones(500)])
    line = logistic_line(gone, outcome, np.ones(2500))
    assert (line.intercept, line.slope) == pytest.approx(
        (logistic_line(x, y, np.ones(2000)).intercept, logistic_line(x, y, np.ones(2000)).slope), abs=1e-6
    )
    assert line(np.array([np.nan, np.inf])).tolist() == [line.intercept] * 2


@pytest.mark.parametrize("fit", [logistic_line, tweedie_line])
def test_a_prior_that_says_the_opposite_of_what_came_is_not_turned_round(fit: Callable[..., Line]) -> None:
    x, y = churners(300) if fit is logistic_line else spenders(300)
    line = fit(-x, y, np.ones(300))
    share = y.mean()
    assert line.slope == 0.0
    assert line.intercept == pytest.approx(np.log(share / (1 - share)) if fit is logistic_line else np.log(share))


def test_without_any_prior_the_base_rate_and_the_mean_speak() -> None:
    none, weight = np.full(4, np.nan), np.array([1.0, 1.0, 1.0, 3.0])
    # Weighted share 3 / 6; weighted mean (2 + 3 * 4) / 6.
    rate, mean = (
        logistic_line(none, np.array([0.0, 0, 0, 1]), weight),
        tweedie_line(none, np.array([0.0, 0, 2, 4]), weight),
    )
    assert (rate.intercept, mean.intercept) == pytest.approx((0.0, np.log(14 / 6)), abs=1e-12)
    assert rate.slope == mean.slope == 0.0
    # A prior that says the same of everyone teaches no slope either.
    assert logistic_line(np.ones(4), np.array([0.0, 0, 0, 1]), weight).slope == 0.0
    assert tweedie_line(np.ones(4), np.array([0.0, 0, 2, 4]), weight).slope == 0.0
