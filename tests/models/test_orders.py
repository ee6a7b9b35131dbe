"""Orders: more for those who buy more often, at the right level, positive, and carried where no window has closed."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np

from regulars.models import metrics
from regulars.models.boosted import Setting
from regulars.models.level import CARRIED, Level
from regulars.models.orders import MOST, Orders
from regulars.models.prior import PriorColumns
from regulars.models.sample import Sample

from ..simulated import rows_now, trained, training_rows

SETTINGS = {"orders": Setting({**Setting().params, "max_depth": 3}, rounds=40)}


@cache
def fitted() -> Orders:
    return Orders.fit(training_rows(trained()), rows_now(trained()), SETTINGS)


def test_expected_orders_are_above_zero_and_rank_customers_as_well_as_the_prior() -> None:
    rows = training_rows(trained())
    said = fitted().expected(rows)
    assert (said > 0).all()
    assert (metrics.gini(rows.orders, said) or 0) > (metrics.gini(rows.orders, rows.prior.orders) or 1)


def test_the_boosters_total_is_that_of_the_training_rows_before_the_level() -> None:
    rows = training_rows(trained())
    said = replace(fitted(), level=Level(0.0)).expected(rows)
    # Shrunk leaves leave the weighted total off by little.
    assert abs((rows.weight * said).sum() / (rows.weight * rows.orders).sum() - 1) < 0.02


def test_one_shift_brings_all_to_their_level() -> None:
    now, orders = rows_now(trained()), fitted()
    bare = replace(orders, level=Level(0.0)).expected(now)
    np.testing.assert_allclose(orders.expected(now), np.exp(orders.level.shift) * bare, rtol=1e-12)


def test_without_a_prior_it_starts_from_the_mean() -> None:
    def bare(sample: Sample) -> Sample:
        none = np.full(sample.n_rows, np.nan)
        return replace(sample, priors={sample.horizon_days: PriorColumns(none, none, none, none, none)})

    rows, now = bare(training_rows(trained())), bare(rows_now(trained()))
    found = Orders.fit(rows, now, SETTINGS)
    assert found.level.shift == 0.0
    said = found.expected(now)
    assert np.isfinite(said).all()
    assert 0.5 < said.mean() / rows.orders.mean() < 2


def test_another_horizon_is_reached_by_the_purchases_that_the_prior_expects() -> None:
    now, rows = rows_now(trained()), training_rows(trained())
    thrice = replace(now.prior, bg_orders=3 * now.prior.bg_orders, pareto_orders=3 * now.prior.pareto_orders)
    further = replace(now, priors={30: now.prior, 90: thrice}).over(90)
    carried = fitted().carried(rows, further)
    assert carried.ensemble is fitted().ensemble
    assert carried.level.words == CARRIED
    np.testing.assert_allclose(carried.expected(further), 3 * carried.expected(now), rtol=1e-9)


def test_nonsense_is_cut_and_not_infinite() -> None:
    said = replace(fitted(), level=Level(1e6)).expected(rows_now(trained()))
    np.testing.assert_allclose(said, np.exp(MOST))
