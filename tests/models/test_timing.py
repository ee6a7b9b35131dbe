"""P(purchase within some days): what is learnt, what is carried, what is kept, and that nothing later is seen."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from regulars.models.boosted import Setting, Shelf
from regulars.models.churn import Churn, prior_weight
from regulars.models.ensemble import CHURN, Ensemble, as_members
from regulars.models.examples import Examples
from regulars.models.metrics import auc, log_losses, logit, sigmoid
from regulars.models.pieces import Put, Taken
from regulars.models.prior import PriorColumns
from regulars.models.sample import Sample
from regulars.models.splits import TIMING
from regulars.models.timing import LIGHT, Timing

from ..simulated import trained

Float64 = NDArray[np.float64]
SETTINGS = as_members(CHURN, Setting(rounds=25))


@cache
def rows() -> tuple[Sample, Sample]:
    """What one learns from at the shop's first origin, and the rows there, with labels of 30 days and shorter."""
    return trained().prepared.rows(trained().enough.chosen[0])


@cache
def fitted() -> tuple[Timing, Churn]:
    """Both models of that day."""
    train, now = rows()
    shelf = Shelf()
    churn = Churn.fit(train, now, SETTINGS, shelf=shelf)
    return Timing.fit(train, now, SETTINGS, shelf=shelf), churn


def said(sample: Sample) -> dict[int, Float64]:
    """P(no purchase) within each of its horizons."""
    timing, churn = fitted()
    return timing.p_no_purchase(sample, churn.p_churn(sample))


def test_it_speaks_of_every_horizon_but_those_that_have_models_of_their_own() -> None:
    train, now = rows()
    assert fitted()[0].days == tuple(d for d in TIMING if d != 30)
    assert Timing.fit(train, now, SETTINGS, others=(7, 14, 60, 365)).days == (90,)
    assert list(said(now)) == [7, 14, 60, 90]


def test_each_horizon_has_the_boosters_that_an_ensemble_of_its_own_would_learn() -> None:
    # The matrix is shared, and the prior's columns are those of 30 days for all; the trees are the same to the bit.
    train, now = rows()
    here = replace(train.over(14), share=train.share)
    columns = replace(CHURN.columns(train), prior=here.silent)
    alone = Ensemble.learnt(LIGHT, Examples(columns, here.churned, here.weight, columns.silent()), SETTINGS)
    within = fitted()[0].learnt[14]
    assert [b.saved() for b in within.ensemble.boosters.values()] == [b.saved() for b in alone.boosters.values()]
    asked = replace(CHURN.columns(now), prior=now.over(14).silent)
    meant = alone.blend(asked, prior_weight(train)) + within.level.shift
    assert said(now)[14] == pytest.approx(sigmoid(meant), rel=1e-12)


def test_probabilities_of_the_shop_are_calibrated_and_rank_at_least_as_the_prior_does() -> None:
    # 355 customers at the origin of whom 8 % buy within a week: sanity bounds, not a claim.
    now = rows()[1]
    for d in (7, 14):
        here = now.over(d)
        y, p = here.churned, said(now)[d]
        raw = sigmoid(here.silent)
        assert p.mean() == pytest.approx(y.mean(), abs=0.05)
        assert log_losses(y, p).mean() < log_losses(y, raw).mean() + 0.01
        assert (auc(y, p) or 0) > 0.6


def test_a_horizon_without_two_closed_windows_is_carried_by_the_prior() -> None:
    train, now = rows()
    days = np.unique(train.panel.cutoff_day)
    # Cutoffs at which 30 days have closed but 60 and 90 have not, or only once.
    late = train.take(train.panel.cutoff_day + 60 > now.day.day - int(days[-1] - days[-2]))
    timing = Timing.fit(late, now, SETTINGS)
    assert set(timing.learnt) == {7, 14}
    p = np.linspace(0.05, 0.95, now.n_rows)
    found = timing.p_no_purchase(now, p)
    for d in (60, 90):
        share = now.over(d).prior.silence(late.share) - now.prior.silence(late.share)
        assert logit(found[d]) == pytest.approx(logit(p) + share, abs=1e-9)
        assert (found[d] <= p).all()


def test_without_a_prior_what_is_not_learnt_goes_on_at_an_even_pace() -> None:
    now = rows()[1]
    none = PriorColumns(*[np.full(now.n_rows, np.nan)] * 5)
    mute = replace(now, priors=dict.fromkeys(now.priors, none))
    timing = replace(fitted()[0], learnt={})
    # .8 in 30 days: .64 in 60.
    assert timing.p_no_purchase(mute, np.full(now.n_rows, 0.8))[60] == pytest.approx(np.full(now.n_rows, 0.64))
    learnt = said(mute)
    assert all(((p > 0) & (p < 1)).all() for p in learnt.values())


def pieces(timing: Timing) -> tuple[dict[str, Any], dict[str, bytes]]:
    """What a bundle keeps of it: plain values, and files by name."""
    taken = Taken()
    return taken.timing(timing), taken.files


def test_what_is_kept_gives_the_same_back_to_the_bit() -> None:
    timing, churn = fitted()
    now = rows()[1]
    plain, files = pieces(timing)
    assert sorted(files) == sorted(f"timing_{d}_{m}.ubj" for d in timing.learnt for m in ("rich", "seeded"))
    back = Put(files).timing(json.loads(json.dumps(plain, sort_keys=True)))
    found = back.p_no_purchase(now, churn.p_churn(now))
    assert {d: p.tobytes() for d, p in found.items()} == {d: p.tobytes() for d, p in said(now).items()}
    assert pieces(back) == (plain, files)


def test_one_row_alone_is_told_what_it_is_told_among_all() -> None:
    now, timing = rows()[1], fitted()[0]
    p = fitted()[1].p_churn(now)
    one = timing.p_no_purchase(now.take(np.array([5])), p[5:6])
    assert {d: v.tolist() for d, v in one.items()} == {d: v[5:6].tolist() for d, v in said(now).items()}


def test_labels_of_windows_that_were_still_open_do_not_count() -> None:
    # Targets of 60 and 90 days of cutoffs whose windows end after the day on which one stands are turned round.
    train, now = rows()
    targets = dict(train.panel.targets)
    for d in (60, 90):
        label = train.over(d).label
        open_ = train.panel.cutoff_day + d > now.day.day
        assert open_.any()
        future = targets[label]
        targets[label] = replace(future, orders=np.where(open_, 1 - np.minimum(future.orders, 1), future.orders))
    other = replace(train, panel=replace(train.panel, targets=targets))
    again = Timing.fit(other, now, SETTINGS)
    assert pieces(again) == pieces(fitted()[0])
