"""Gamma-Gamma: the published estimates, hand-derived values, simulated truth, refusals."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from regulars.errors import ConfigError, NotEnoughData
from regulars.models import gamma_gamma
from regulars.models.gamma_gamma import GammaGamma
from regulars.models.summary import Summary

PUBLISHED = GammaGamma(p=6.25, q=3.74, gamma=15.44)


def values(n: Any, value: Any) -> Summary:
    """Customers with n valued repeat purchases of a mean value."""
    n = np.asarray(n)
    return Summary(n, np.where(n > 0, 5.0, 0.0), np.full(len(n), 9.0), np.asarray(value, float), n)


def simulated(truth: GammaGamma, n_customers: int, seed: int) -> Summary:
    rng = np.random.default_rng(seed)
    n = rng.geometric(0.3, n_customers)
    nu = rng.gamma(truth.q, 1 / truth.gamma, n_customers)
    return values(n, rng.gamma(truth.p * n, 1 / (nu * n)))


def test_fit_gives_the_published_estimates_of_cdnow(cdnow_sample: pd.DataFrame) -> None:
    # Fader, Hardie (2013), "The Gamma-Gamma model": p 6.25, q 3.74, gamma 15.44 on 946 repeat buyers.
    before = cdnow_sample[cdnow_sample["date"] < pd.Timestamp("1997-10-01")]
    days = before.groupby(["customer_id", "date"], as_index=False)["amount"].sum()
    first = days.groupby("customer_id")["date"].transform("min")
    repeat = days[(days["date"] > first) & (days["amount"] > 0)].groupby("customer_id")["amount"].agg(["mean", "count"])
    model = GammaGamma.fit(values(repeat["count"].to_numpy(), repeat["mean"].to_numpy()))
    assert (round(model.p, 2), round(model.q, 2), round(model.gamma, 2)) == (6.25, 3.74, 15.44)
    assert (model.n_customers, model.weak_prior, model.message) == (946, False, "converged")


def test_expected_value_lies_between_own_mean_and_population_mean() -> None:
    # Population 6.25 x 15.44 / 2.74 = 35.219; one purchase of 50: 6.25 (15.44 + 50) / 8.99 = 45.495.
    expected = PUBLISHED.expected_value(values([0, 1, 1000], [np.nan, 50.0, 50.0]))
    np.testing.assert_allclose(expected[:2], [35.219, 45.495], atol=1e-3)
    assert 49.9 < expected[2] < 50


def test_likelihood_of_one_purchase_by_hand() -> None:
    # p = 1, q = 2, gamma = 1, n = 1: density of z is 2 / (1 + z)^3 (Lomax); at z = 1 it is 1/4.
    loss, _ = gamma_gamma._mean_loss(1.0, 2.0, 1.0, np.array([1.0]), np.array([1]))
    assert np.exp(-loss) == pytest.approx(1 / 4, rel=1e-12)


def test_slopes_agree_with_finite_differences() -> None:
    z, n = np.array([0.3, 1.0, 4.0, 1.2]), np.array([1, 7, 2, 300])
    for theta in np.log([(3.0, 2.0, 1.0), (0.5, 0.1, 20.0), (40.0, 9.0, 0.2)]):

        def loss(t: np.ndarray) -> tuple[float, np.ndarray]:
            return gamma_gamma._mean_loss(np.exp(t[0]), 1 + np.exp(t[1]), np.exp(t[2]), z, n)

        numeric = [(loss(theta + e)[0] - loss(theta - e)[0]) / 2e-5 for e in 1e-5 * np.eye(3)]
        np.testing.assert_allclose(loss(theta)[1], numeric, rtol=1e-6, atol=1e-7)


def test_fit_recovers_simulated_truth() -> None:
    s = simulated(PUBLISHED, 8000, seed=1)
    model = GammaGamma.fit(s)
    n, z = s.n_valued, s.value
    truth = -gamma_gamma._mean_loss(PUBLISHED.p, PUBLISHED.q, PUBLISHED.gamma, z, n)[0] * len(z)
    # Twice the gain over the truth is chi-squared with 3 degrees of freedom: above 22 once in 15,000 draws.
    assert 0 <= model.log_likelihood - truth < 11
    np.testing.assert_allclose(model.expected_value(s), PUBLISHED.expected_value(s), rtol=0.1)


def test_row_order_does_not_matter_and_other_customers_take_no_part() -> None:
    s = simulated(PUBLISHED, 300, seed=2)
    order = np.random.default_rng(0).permutation(300)
    shuffled = values(np.r_[0, s.n_valued[order], 0], np.r_[np.nan, s.value[order], np.nan])
    assert GammaGamma.fit(s) == GammaGamma.fit(shuffled)


def test_value_scales_with_the_currency() -> None:
    s = simulated(PUBLISHED, 300, seed=3)
    cents = values(s.n_valued, s.value * 100)
    euros, in_cents = GammaGamma.fit(s), GammaGamma.fit(cents)
    np.testing.assert_allclose(in_cents.expected_value(cents), 100 * euros.expected_value(s), rtol=1e-6)
    assert euros.log_likelihood - in_cents.log_likelihood == pytest.approx(300 * np.log(100), rel=1e-9)


def test_tail_without_a_mean_gives_a_finite_model_that_says_so() -> None:
    # Values 1 / u^2 have no mean; q is held where the population mean exists.
    rng = np.random.default_rng(4)
    s = values(np.ones(500, int), rng.uniform(size=500) ** -2.0)
    model = GammaGamma.fit(s)
    assert model.q >= gamma_gamma.Q_LEAST * (1 - 1e-12)
    assert "q is at its least" in model.message
    assert np.isfinite(model.expected_value(s)).all()


def test_customers_who_always_pay_the_same_are_said_to() -> None:
    # With p large a mean of n purchases is that of one, whatever n: spread between customers only.
    truth = GammaGamma(p=1e5, q=5.0, gamma=4e-3)
    model = GammaGamma.fit(simulated(truth, 400, seed=5))
    assert "nearly one value" in model.message
    # A single purchase then tells nearly all: own value, not the population's 1e5 x 4e-3 / 4 = 100.
    assert model.expected_value(values([1], [300.0]))[0] == pytest.approx(300, rel=0.06)


def test_single_purchases_leave_open_how_much_one_customer_varies_and_the_weak_prior_settles_it() -> None:
    # One purchase each cannot tell spread within customers from spread between them: in 20 values of 10 and 20 alike
    # any p fits that the between-part makes up for. The population mean is told all the same: 15.
    model = GammaGamma.fit(values([1] * 20, [10.0, 20.0] * 10))
    assert model.weak_prior
    assert "the plain fit did not settle" in model.message
    assert "fitted with a weak prior" in model.message
    own = model.expected_value(values([0, 1, 1], [np.nan, 10.0, 20.0]))
    assert own[0] == pytest.approx(15, rel=0.1)
    assert 10 < own[1] < own[0] < own[2] < 20


def test_ten_customers_are_told_apart_no_more_than_the_weak_prior_allows() -> None:
    # Plain maximum likelihood takes ten customers for perfectly steady (p at its bound) as often as not.
    for seed in range(8):
        model = GammaGamma.fit(simulated(PUBLISHED, 10, seed))
        assert 0.5 < model.p < 200
        assert np.isfinite(model.expected_value(simulated(PUBLISHED, 50, 99))).all()


@pytest.mark.parametrize("n_customers", [0, 1, 9])
def test_fewer_than_ten_valued_repeat_buyers_are_not_enough(n_customers: int) -> None:
    s = values([0] * 50 + [2] * n_customers, [np.nan] * 50 + list(range(1, n_customers + 1)))
    with pytest.raises(NotEnoughData, match=f"{n_customers} customers") as caught:
        GammaGamma.fit(s)
    assert caught.value.code == "RG056"


def test_equal_values_are_not_enough() -> None:
    with pytest.raises(NotEnoughData, match="are equal"):
        GammaGamma.fit(values([1] * 40, [9.99] * 40))


def test_notebooks_show_parameters_and_what_is_to_be_said() -> None:
    shown = PUBLISHED._repr_html_()
    assert "<caption>Gamma-Gamma</caption>" in shown
    assert "<th>gamma</th><td>15.44</td>" in shown
    assert "not fitted; given" in shown


def test_model_survives_json() -> None:
    model = GammaGamma.fit(simulated(PUBLISHED, 100, seed=6))
    assert GammaGamma.from_dict(json.loads(json.dumps(model.to_dict(), allow_nan=False))) == model


@pytest.mark.parametrize("content", [{}, {"p": 1, "q": 1, "gamma": 1}, {"p": -1, "q": 2, "gamma": 1},
                                     {"p": 1, "q": 2, "gamma": "1"}, {"p": 1, "q": 2, "gamma": 1, "r": 1}])  # fmt: skip
def test_parameters_that_cannot_be_are_refused(content: dict[str, Any]) -> None:
    with pytest.raises(ConfigError) as caught:
        GammaGamma.from_dict(content)
    assert caught.value.code == "RG055"
