"""Contributions: they add up to the logit that is shown, row by row, whoever else is asked about."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest

from regulars.config import DataConfig
from regulars.intake import Ledger
from regulars.models.boosted import Setting
from regulars.models.churn import Churn
from regulars.models.contributions import Contributions, of_churn, of_rival
from regulars.models.ensemble import CHURN, as_members
from regulars.models.sample import Sample
from regulars.models.usual import Usual
from regulars.pipelines.train import fit_model

from ..simulated import config_of, rows_now, trained, training_rows
from .test_churn import without_prior

NOWHERE = Setting({"max_depth": 3, "learning_rate": 0.1, "min_child_weight": 1e9, "reg_lambda": 1.0}, rounds=3)
"""No leaf is ever heavy enough: boosters without a split."""


def now() -> Sample:
    return rows_now(trained())


@cache
def stump() -> Churn:
    return Churn.fit(training_rows(trained()), now(), as_members(CHURN, NOWHERE))


def same(one: Contributions, other: Contributions) -> bool:
    fields = ("features", "rhythm", "season", "base")
    return one.names == other.names and all(np.array_equal(getattr(one, f), getattr(other, f)) for f in fields)


def test_they_add_up_to_the_logit_that_is_shown() -> None:
    churn, rows = trained().model.learnt.churn, now()
    parts = of_churn(churn, rows, Usual.of(rows))
    assert parts.features.shape == (rows.n_rows, len(rows.panel.names))
    assert np.abs(parts.logit - churn.logit(rows)).max() < 1e-5
    # The level is the same for all, and so is what is said of nobody.
    assert set(parts.season.tolist()) == {churn.level.shift}
    assert np.ptp(parts.base) < 1e-5
    assert parts.rhythm.std() > 0.1


def test_of_older_rows_they_add_up_too_whatever_is_usual() -> None:
    churn, rows = trained().model.learnt.churn, training_rows(trained())
    rows = rows.take(np.arange(0, rows.n_rows, 9))
    for usual in (Usual.of(now()), Usual(), Usual({}, {30: -7.5})):
        assert np.abs(of_churn(churn, rows, usual).logit - churn.logit(rows)).max() < 1e-5


def test_what_is_usual_moves_from_the_rhythm_to_the_base_only() -> None:
    churn, rows = trained().model.learnt.churn, now()
    here, shifted = (of_churn(churn, rows, Usual({}, {30: z})) for z in (0.0, 1.0))
    assert np.array_equal(here.features, shifted.features)
    # One logit of the prior counts by its own weight w and, in one of three members, by the slope of the seed.
    w, slope = churn.prior_weight, churn.ensemble.seed.line.slope
    meant = w + (1 - w) / 3 * slope
    assert shifted.base - here.base == pytest.approx(meant, abs=1e-9)
    assert here.rhythm - shifted.rhythm == pytest.approx(meant, abs=1e-9)


def test_a_row_alone_has_the_same_contributions_to_the_bit_as_among_others() -> None:
    churn, rows = trained().model.learnt.churn, now()
    usual, whole = Usual.of(rows), of_churn(churn, rows, Usual.of(rows))
    for row in (0, 7, rows.n_rows - 1):
        own = of_churn(churn, rows.take(np.array([row])), usual)
        cut = Contributions(
            whole.names, whole.features[[row]], whole.rhythm[[row]], whole.season[[row]], whole.base[[row]]
        )
        assert same(own, cut)
    turned = of_churn(churn, rows.take(np.arange(rows.n_rows)[::-1]), usual)
    assert np.array_equal(turned.features[::-1], whole.features)


def test_a_horizon_that_the_prior_carries_adds_its_part_to_the_rhythm() -> None:
    found, rows = trained(), now()
    prior = found.model.prior.columns(rows.panel.rhythm, 90)
    longer = replace(rows, priors={30: rows.prior, 90: prior}).over(90)
    usual = Usual.of(longer)
    carried, here = of_churn(found.model.learnt.churn, longer, usual), of_churn(found.model.learnt.churn, rows, usual)
    assert np.abs(carried.logit - found.model.learnt.churn.logit(longer)).max() < 1e-5
    assert np.array_equal(carried.features, here.features)
    # What the prior says of 90 days beyond what it says of 30, against the same of the median customer.
    share = found.model.learnt.churn.share
    beyond = prior.silence(share) - rows.prior.silence(share)
    assert carried.rhythm - here.rhythm == pytest.approx(beyond - (usual.silent[90] - usual.silent[30]), abs=1e-9)


def test_boosters_without_a_split_leave_the_rhythm_alone() -> None:
    churn, rows = stump(), now()
    usual = Usual.of(rows)
    parts = of_churn(churn, rows, usual)
    assert not parts.features.any()
    assert np.abs(parts.logit - churn.logit(rows)).max() < 1e-5
    # By hand: the prior's own weight w, and the margin of the one seeded member of three, intercept + slope x.
    w, slope = churn.prior_weight, churn.ensemble.seed.line.slope
    x = rows.prior.silence(churn.share) - usual.silent[30]
    assert parts.rhythm == pytest.approx((w + (1 - w) / 3 * slope) * x, abs=1e-6)


def test_rows_without_a_prior_have_no_rhythm_but_what_trees_make_of_its_absence() -> None:
    churn, rows = trained().model.learnt.churn, now()
    bare = without_prior(rows, slice(0, 50))
    parts = of_churn(churn, bare, Usual.of(rows))
    assert np.isfinite(parts.logit).all()
    assert np.abs(parts.logit - churn.logit(bare)).max() < 1e-5
    alone = of_churn(stump(), bare, Usual.of(rows))
    assert not alone.rhythm[:50].any()
    assert alone.rhythm[50:].any()


def test_nobody_has_no_contributions() -> None:
    rows = now().take(np.zeros(0, np.int64))
    parts = of_churn(trained().model.learnt.churn, rows, Usual())
    assert parts.features.shape == (0, len(rows.panel.names))
    assert parts.logit.shape == (0,)


def test_of_a_rival_everything_is_rhythm() -> None:
    # logit(.8) = ln 4; the median customer is at 0.
    parts = of_rival(np.array([0.8, 0.5]), 0.0, ("orders",))
    assert parts.rhythm.tolist() == pytest.approx([np.log(4), 0.0])
    assert parts.base.tolist() == [0.0, 0.0]
    assert not parts.features.any()
    assert parts.logit.tolist() == pytest.approx([np.log(4), 0.0])


@pytest.mark.soak
@pytest.mark.parametrize("horizon_days", [30, 90])
def test_on_real_purchases_they_add_up_too(cdnow_sample: pd.DataFrame, horizon_days: int) -> None:
    frame = cdnow_sample.assign(date=cdnow_sample["date"].dt.strftime("%Y-%m-%d"))
    columns = {"customer_id": "customer_id", "purchased_at": "date", "amount": "amount", "quantity": "quantity"}
    config = config_of(horizon_days).model_copy(update={"data": DataConfig.model_validate({"purchases": columns})})
    found = fit_model(Ledger.from_frame(frame[list(columns.values())], config), config)
    rows, churn = rows_now(found), found.model.learnt.churn
    parts = of_churn(churn, rows, found.model.usual)
    assert rows.n_rows > 2000
    assert np.abs(parts.logit - churn.logit(rows)).max() < 1e-5
