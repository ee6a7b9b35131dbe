"""Value: net money in any currency, never below nothing when nothing is returned, and right in total."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest

from regulars.intake import Ledger
from regulars.models.ensemble import VALUE
from regulars.models.prior import PriorColumns
from regulars.models.value import MOST
from regulars.pipelines.score import score
from regulars.pipelines.train import Trained, fit_model

from ..simulated import config_of, purchases, rows_now, shop, trained, training_rows


@cache
def shop_without_returns() -> Trained:
    return fit_model(shop(returns=False), config_of())


@cache
def shop_in_cents() -> tuple[Ledger, Trained]:
    frame = purchases()
    cents = {name: (frame[name] * 100).round(0) for name in ("amount", "discount")}
    ledger = Ledger.from_frame(frame.assign(**cents), config_of())
    return ledger, fit_model(ledger, config_of())


def test_net_is_what_is_left_of_the_gross_after_returns() -> None:
    found = trained()
    spend = training_rows(found).spend
    assert (spend < 0).any()
    assert found.model.value.net == pytest.approx(spend.sum() / spend[spend > 0].sum(), rel=1e-12)
    assert 0.5 < found.model.value.net < 1.0
    assert shop_without_returns().model.value.net == 1.0


def test_every_members_money_is_its_link_times_unit_times_net() -> None:
    value, now = trained().model.value, rows_now(trained())
    for member in ("plain", "seeded"):
        meant = value.net * value.ensemble.seed.unit * np.exp(value.ensemble.link(member, now))
        assert value.member(member, now) == pytest.approx(meant, rel=1e-12)


def test_expected_spend_is_the_weighted_mean_of_members_and_recalibrated_prior() -> None:
    value, now = trained().model.value, rows_now(trained())
    trees = (value.member("plain", now) + value.member("seeded", now)) / 2
    prior = value.net * value.ensemble.seed.unit * np.exp(value.ensemble.seed.margin(VALUE, now))
    w = value.prior_weight
    assert 0 < w < 1
    assert value.expected_spend(now) == pytest.approx((1 - w) * trees + w * prior, rel=1e-12)


def test_expected_spend_is_positive_and_finite_where_nothing_is_returned() -> None:
    found = shop_without_returns()
    now = rows_now(found)
    assert (training_rows(found).spend >= 0).all()
    spend = found.model.value.expected_spend(now)
    assert (spend > 0).all()
    assert np.isfinite(spend).all()


def test_nonsense_on_the_log_scale_is_cut_and_not_infinite() -> None:
    value = trained().model.value
    assert value._money(np.array([800.0, MOST]))[0] == value._money(np.array([MOST]))[0]
    assert np.isfinite(value._money(np.array([1e6]))).all()


@pytest.mark.soak  # It trains twice.
def test_the_same_shop_in_cents_is_worth_a_hundred_times_as_much_and_as_likely_to_stay() -> None:
    # Not promised to the bit: money features are float32, so cents round elsewhere than dollars, and Gamma-Gamma is
    # found by an optimiser. In practice both stay far within a millionth.
    ledger, found = shop_in_cents()
    dollars, cents = score(shop(), trained().model, threads=1), score(ledger, found.model, threads=1)
    assert cents["customer_id"].tolist() == dollars["customer_id"].tolist()
    ratio = cents["expected_spend"] / dollars["expected_spend"]
    assert ratio.to_numpy() == pytest.approx(np.full(len(ratio), 100.0), rel=1e-6)
    assert cents["spend"].to_numpy() == pytest.approx(100 * dollars["spend"].to_numpy(), rel=1e-12)
    assert cents["p_churn"].to_numpy() == pytest.approx(dollars["p_churn"].to_numpy(), abs=1e-6)
    assert cents["expected_orders"].to_numpy() == pytest.approx(dollars["expected_orders"].to_numpy(), rel=1e-6)


def test_figures_without_a_unit_are_the_same_in_cents() -> None:
    _, found = shop_in_cents()
    ours, theirs = (t.backtest.figures["pooled"]["value"]["regulars"] for t in (trained(), found))
    for figure in ("gini", "top_decile_capture", "bias", "wape", "spearman"):
        assert theirs[figure] == pytest.approx(ours[figure], rel=1e-6)
    assert theirs["mae"] == pytest.approx(100 * ours["mae"], rel=1e-6)
    # Deviance of power 1.5 has the unit of money to the power of one half.
    assert theirs["tweedie_deviance"] == pytest.approx(10 * ours["tweedie_deviance"], rel=1e-6)


@pytest.mark.soak  # By default the whole backtest is shuffled, in test_no_leakage.py.
def test_the_order_of_rows_in_the_source_does_not_matter() -> None:
    shuffled = purchases().sample(frac=1, random_state=11)
    ledger = Ledger.from_frame(shuffled, config_of())
    found = fit_model(ledger, config_of())
    boosters = {**trained().model.churn.ensemble.boosters, "v": trained().model.value.ensemble.boosters["seeded"]}
    again = {**found.model.churn.ensemble.boosters, "v": found.model.value.ensemble.boosters["seeded"]}
    assert {n: b.saved() for n, b in again.items()} == {n: b.saved() for n, b in boosters.items()}
    pd.testing.assert_frame_equal(
        score(ledger, found.model, threads=1), score(shop(), trained().model, threads=1), check_exact=True
    )


def test_expected_orders_are_the_priors_brought_to_the_training_total() -> None:
    value, rows = trained().model.value, training_rows(trained())
    assert value.expected_orders(rows).sum() == pytest.approx(rows.orders.sum(), rel=1e-9)
    assert value.orders_mean == pytest.approx(rows.orders.mean())
    none = np.full(rows.n_rows, np.nan)
    bare = replace(rows, priors={rows.horizon_days: PriorColumns(none, none, none, none, none)})
    assert set(value.expected_orders(bare).tolist()) == {value.orders_mean}


def test_another_horizon_is_reached_by_the_purchases_that_the_prior_expects() -> None:
    value, now = trained().model.value, rows_now(trained())
    twice = replace(now.prior, bg_orders=2 * now.prior.bg_orders, pareto_orders=2 * now.prior.pareto_orders)
    both = replace(now, priors={30: now.prior, 90: twice}).over(90)
    # Twice as many purchases, so twice the money and the orders, of the trees and of the prior alike.
    assert value.expected_spend(both) == pytest.approx(2 * value.expected_spend(now), rel=1e-12)
    assert value.expected_orders(both) == pytest.approx(2 * value.expected_orders(now), rel=1e-12)


def test_the_forecast_is_right_in_total_out_of_time_on_simulated_truth() -> None:
    # A sanity bound on one origin of 399 customers.
    figures = trained().backtest.figures["pooled"]["value"]["regulars"]
    assert figures["bias"] == pytest.approx(1.0, abs=0.25)
    assert figures["gini"] > 0.7
