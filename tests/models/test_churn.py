"""Churn: the weight of the prior, the level halfway to it, and probabilities that are probabilities."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.models.churn import halfway, prior_weight
from regulars.models.metrics import auc, logit, sigmoid
from regulars.models.prior import PriorColumns
from regulars.models.sample import Sample

from ..simulated import rows_now, trained, training_rows

LOGITS = st.lists(st.floats(-6, 6), min_size=1, max_size=20)


def without_prior(sample: Sample, rows: slice = slice(None)) -> Sample:
    """The same rows, some of them without a prior."""
    columns = {}
    for name in PriorColumns.__dataclass_fields__:
        values = getattr(sample.prior, name).copy()
        values[rows] = np.nan
        columns[name] = values
    return replace(sample, prior=PriorColumns(**columns))


@given(LOGITS, st.floats(-4, 4))
def test_the_level_ends_halfway_between_the_two_means(logits: list[float], moved: float) -> None:
    z = np.array(logits)
    prior = z + moved
    shift = halfway(z, prior)
    target = 0.5 * (sigmoid(z).mean() + sigmoid(prior).mean())
    assert sigmoid(z + shift).mean() == pytest.approx(target, abs=1e-9)
    assert shift * moved >= -1e-9


def test_rows_without_a_prior_have_no_say_in_the_level() -> None:
    # From 1/2 halfway to 3/4 is 5/8: log(5 / 3), whatever the second row says.
    assert halfway(np.array([0.0, 5.0]), np.array([np.log(3), np.nan])) == pytest.approx(np.log(5 / 3))
    assert halfway(np.array([0.0, 5.0]), np.full(2, np.nan)) == 0.0


def test_agreement_moves_nothing() -> None:
    z = np.array([-1.0, 0.3, 2.0])
    assert halfway(z, z) == pytest.approx(0.0, abs=1e-12)


def test_the_priors_weight_falls_with_customers_not_with_rows() -> None:
    sample = training_rows(trained())
    customers = np.unique(sample.panel.customer_id.astype(str))
    assert sample.n_rows > 2 * len(customers)
    assert prior_weight(sample) == pytest.approx(300 / (300 + len(customers)))
    one = sample.take(sample.panel.customer_id == customers[0])
    assert prior_weight(one) == pytest.approx(300 / 301)
    half = sample.take(np.isin(sample.panel.customer_id.astype(str), customers[::2]))
    assert prior_weight(sample) < prior_weight(half) < prior_weight(one)
    assert prior_weight(without_prior(sample)) == 0.0


def test_the_blend_is_the_weighted_mean_of_the_members_mean_logit_and_the_priors() -> None:
    churn, now = trained().model.churn, rows_now(trained())
    trees = sum(churn.ensemble.link(m, now) for m in ("plain", "rich", "seeded")) / 3
    w = churn.prior_weight
    meant = (1 - w) * trees + w * now.prior.silent + churn.shift
    assert churn.logit(now) == pytest.approx(meant, abs=1e-12)
    assert churn.p_churn(now) == pytest.approx(1 / (1 + np.exp(-meant)), rel=1e-9)


def test_the_published_level_is_halfway_to_the_priors_on_the_day_one_stands() -> None:
    churn, now = trained().model.churn, rows_now(trained())
    bare = sigmoid(churn.logit(now) - churn.shift).mean()
    prior = sigmoid(now.prior.silent).mean()
    assert churn.p_churn(now).mean() == pytest.approx((bare + prior) / 2, abs=1e-9)


def test_where_there_is_no_prior_the_trees_speak_alone() -> None:
    churn, now = trained().model.churn, rows_now(trained())
    some = without_prior(now, slice(0, 5))
    trees = np.mean([churn.ensemble.link(m, some) for m in ("plain", "rich", "seeded")], axis=0) + churn.shift
    assert churn.logit(some)[:5] == pytest.approx(trees[:5], abs=1e-12)
    assert churn.logit(some)[5:].tobytes() == churn.logit(now)[5:].tobytes()


def test_probabilities_lie_inside_zero_and_one_and_their_logits_are_finite() -> None:
    for sample in (rows_now(trained()), training_rows(trained())):
        p = trained().model.churn.p_churn(sample)
        assert ((p > 0) & (p < 1)).all()
        assert np.isfinite(logit(p)).all()


def test_the_model_ranks_and_levels_the_simulated_truth_out_of_time() -> None:
    # Sanity bounds on 399 customers of one origin, not a claim: the truth is BTYD's own story, so AUC is high.
    predicted = trained().backtest.predictions
    y, p = predicted["churned"].to_numpy(np.float64), predicted["p_churn_regulars"].to_numpy(np.float64)
    assert (auc(y, p) or 0) > 0.85
    assert p.mean() == pytest.approx(y.mean(), abs=0.06)


def test_longer_silence_means_more_churn_among_simulated_customers() -> None:
    now = rows_now(trained())
    p, recency = trained().model.churn.p_churn(now), now.panel.recency_days
    order = np.argsort(recency)
    thirds = [p[part].mean() for part in np.array_split(order, 3)]
    assert thirds == sorted(thirds)
