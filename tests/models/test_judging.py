"""How later rows judge: by what is lost at the right level, and by chance no trial replaces the defaults."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from regulars.models.judging import (
    LOSSES,
    Judges,
    gamma_losses,
    level_of_logits,
    log_losses,
    poisson_losses,
    tweedie_losses,
)
from regulars.models.metrics import sigmoid


def drawn(n: int = 400, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Logits, outcomes and weights."""
    rng = np.random.default_rng(seed)
    z = rng.normal(0, 1.5, n)
    return z, (rng.random(n) < sigmoid(z - 1)).astype(np.float64), rng.uniform(0.5, 2.0, n)


def test_the_level_of_logits_is_that_of_the_least_loss() -> None:
    z, y, weight = drawn()
    share = weight / weight.sum()
    found = minimize_scalar(lambda b: float(share @ (np.logaddexp(0, z + b) - y * (z + b))), tol=1e-12)
    assert level_of_logits(z, y, share) == pytest.approx(found.x, abs=1e-6)
    assert float(share @ sigmoid(z + level_of_logits(z, y, share))) == pytest.approx(float(share @ y), abs=1e-9)


def test_the_factor_of_money_is_that_of_the_least_loss() -> None:
    rng = np.random.default_rng(1)
    z, y, share = rng.normal(0, 1, 300), np.maximum(rng.normal(0.5, 2, 300), 0), np.full(300, 1 / 300)

    def loss(b: float) -> float:  # negative Tweedie log likelihood, power p: -y m^(1-p) / (1-p) + m^(2-p) / (2-p)
        m = np.exp(z + b)
        return float(share @ (-y * m**-0.5 / -0.5 + m**0.5 / 0.5))

    assert float(share @ tweedie_losses(z, y, share)) == pytest.approx(minimize_scalar(loss, tol=1e-12).fun, rel=1e-9)


def test_the_factors_of_counts_and_of_amounts_are_those_of_the_least_loss() -> None:
    rng = np.random.default_rng(1)
    z, share = rng.normal(0, 1, 300), np.full(300, 1 / 300)
    count, paid = rng.poisson(2.0, 300).astype(np.float64), rng.gamma(2.0, 1.0, 300)

    def poisson(b: float) -> float:
        return float(share @ (np.exp(z + b) - count * (z + b)))

    def gamma(b: float) -> float:
        return float(share @ (paid * np.exp(-z - b) + z + b))

    for loss, found in ((poisson, poisson_losses(z, count, share)), (gamma, gamma_losses(z, paid, share))):
        assert float(share @ found) == pytest.approx(minimize_scalar(loss, tol=1e-12).fun, rel=1e-9)


@pytest.mark.parametrize("kind", LOSSES)
def test_a_shift_of_all_predictions_changes_nothing_and_their_order_does(kind: str) -> None:
    z, y, weight = drawn()
    # Amounts are above 0, and follow the links.
    judges = Judges(kind, np.exp(0.5 * z) if kind == "gamma" else y, weight)
    assert judges.loss(z + 3) == pytest.approx(judges.loss(z), rel=1e-9)
    assert judges.loss(-z) > judges.loss(z)


def test_outcomes_of_one_kind_have_no_level() -> None:
    share = np.full(3, 1 / 3)
    assert log_losses(np.zeros(3), np.zeros(3), share) == pytest.approx(np.log(2))
    assert tweedie_losses(np.zeros(3), np.zeros(3), share) == pytest.approx(2.0)
    assert poisson_losses(np.zeros(3), np.zeros(3), share) == pytest.approx(1.0)


def test_extreme_logits_find_their_level() -> None:
    z, y = np.array([-800.0, 0.0, 900.0]), np.array([0.0, 1.0, 1.0])
    shift = level_of_logits(z, y, np.full(3, 1 / 3))
    assert np.isfinite(shift)
    assert sigmoid(z + shift).mean() == pytest.approx(2 / 3, abs=1e-6)


def test_by_chance_one_in_twenty_is_preferred_and_a_real_gain_always() -> None:
    # Of two predictions that err alike and independently, one is better beyond 1.645 standard errors in 5 of 100.
    rng, preferred = np.random.default_rng(2), 0
    for _ in range(300):
        z = rng.normal(0, 1, 500)
        y = (rng.random(500) < sigmoid(z)).astype(np.float64)
        judges = Judges("churn", y, np.ones(500))
        one, other = (z + rng.normal(0, 0.5, 500) for _ in range(2))
        preferred += judges.clearly_prefer(one, other)
        assert judges.clearly_prefer(z, rng.normal(0, 1, 500))
    assert 4 <= preferred <= 27  # 15 expected, 3 standard deviations of 3.8 either way
    assert not judges.clearly_prefer(z, z)
