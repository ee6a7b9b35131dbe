"""Churn: the weight of the prior, the level, horizons carried by the prior, probabilities that are probabilities."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from regulars.errors import NotEnoughData
from regulars.models.churn import Churn, prior_weight
from regulars.models.ensemble import CHURN, Recipe, settings_for
from regulars.models.metrics import auc, logit, sigmoid
from regulars.models.prior import PriorColumns
from regulars.models.sample import Sample

from ..simulated import rows_now, trained, training_rows


def without_prior(sample: Sample, rows: slice = slice(None)) -> Sample:
    """The same rows, some of them without a prior."""
    columns = {}
    for name in PriorColumns.__dataclass_fields__:
        values = getattr(sample.prior, name).copy()
        values[rows] = np.nan
        columns[name] = values
    return replace(sample, priors={sample.horizon_days: PriorColumns(**columns)})


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
    churn = trained().model.churn
    now = replace(rows_now(trained()), share=churn.share)
    trees = sum(churn.ensemble.link(m, now) for m in ("plain", "rich", "seeded")) / 3
    w = churn.prior_weight
    meant = (1 - w) * trees + w * now.prior.silence(churn.share) + churn.level.shift
    assert churn.logit(now) == pytest.approx(meant, abs=1e-12)
    assert churn.p_churn(now) == pytest.approx(1 / (1 + np.exp(-meant)), rel=1e-9)


def test_the_published_level_lies_between_the_blends_and_the_priors_on_the_day_one_stands() -> None:
    churn, now = trained().model.churn, rows_now(trained())
    bare = sigmoid(churn.logit(now) - churn.level.shift).mean()
    prior = sigmoid(now.prior.silence(churn.share) + churn.level.bias).mean()
    # 420 days: the training cutoffs span less than a year, and no twin has half a year of history behind it.
    assert churn.level.twin is None
    assert 0.5 < churn.level.anchor < 1.0
    anchor = churn.level.anchor
    assert churn.p_churn(now).mean() == pytest.approx((1 - anchor) * bare + anchor * prior, abs=1e-9)


def test_what_is_learnt_at_one_horizon_is_carried_to_another_by_the_prior() -> None:
    churn, now, prior = trained().model.churn, rows_now(trained()), trained().model.prior
    both = replace(now, priors={30: now.prior, 90: prior.columns(now.panel.rhythm, 90)}).over(90)
    beyond = churn.logit(now) - now.prior.silence(churn.share)
    assert churn.logit(both) - both.prior.silence(churn.share) == pytest.approx(beyond, abs=1e-12)
    # Longer silence is never more likely, and for most it is less.
    assert (churn.p_churn(both) <= churn.p_churn(now)).all()
    assert (churn.p_churn(both) < churn.p_churn(now)).mean() > 0.9


def test_a_horizon_is_not_carried_without_a_prior() -> None:
    train, now = training_rows(trained()), rows_now(trained())
    settings = settings_for(CHURN, train, Recipe(trials=0))[0]
    both = replace(now, priors={30: now.prior, 90: without_prior(now).prior}).over(90)
    with pytest.raises(NotEnoughData, match="no two windows of 90 days have closed"):
        Churn.fit(train, both, settings)


def test_where_there_is_no_prior_the_trees_speak_alone() -> None:
    churn, now = trained().model.churn, rows_now(trained())
    some = without_prior(now, slice(0, 5))
    trees = np.mean([churn.ensemble.link(m, some) for m in ("plain", "rich", "seeded")], axis=0) + churn.level.shift
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
