"""What offers do is learnt from chance alone: against a slow reckoning, with a known truth, never from too little."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from regulars.errors import DataError
from regulars.offers.baseline import WITHIN, Baseline
from regulars.offers.calibration import ALL, SAME_TYPE, Posterior, Prior, added, calibrated
from regulars.offers.catalogue import Catalogue
from regulars.offers.lesson import Lesson
from regulars.simulation.campaign import Effect, OfferWorld

EFFECTS = (
    Effect(save=0.10, extra_spend=0.05, redemption=0.4, percent=10),
    Effect(save=0.0, extra_spend=0.0, redemption=0.3, beside=3),
)
TRUTH = np.array([0.10, 0.0, 0.05, 0.0])
"""`save` of both, then `extra_spend` of both."""


def _catalogue() -> Catalogue:
    def offer(name: str, kind: str) -> dict[str, Any]:
        return {"id": name, "type": kind, "value": 3, "title": name, "channels": ["email"]}

    content = {"campaign": {"name": "c"}, "channels": [{"name": "email"}]}
    return Catalogue.of({**content, "offers": [offer("ten", "percent"), offer("gift", "gift")]})


OFFERS = [option.offer for option in _catalogue().options]


def lesson_of(world: OfferWorld, wave: int, seed: int = 0) -> Lesson:
    """A wave in which a third each gets nothing, the first option, the second, whatever is meant for them."""
    given = np.random.default_rng([seed, wave]).integers(-1, 2, world.n_customers).astype(np.int16)
    told, came = world.columns(wave), world.answers(wave, given)
    meant = np.where(np.asarray(told["p_churn"], np.float64) > 0.4, 0, 1).astype(np.int16)
    return Lesson(
        str(wave),
        world.customer_ids,
        given,
        meant,
        np.full(len(given), 1 / 3),
        told,
        came.spend + came.discount,
        came.bought,
        came.redeemed,
        came.discount + came.beside,
        came.complained,
        np.ones((len(given), 2), bool),
    )


def _prior(sd: float = 0.1) -> Prior:
    return Prior.of(np.zeros((2, 2)), np.full((2, 2), sd), ["ten", "gift"], ["percent", "gift"])


def _found(seed: int, customers: int = 3000, waves: int = 1) -> Posterior:
    world = OfferWorld(customers, EFFECTS, seed=seed)
    return calibrated([lesson_of(world, wave, seed) for wave in range(waves)], OFFERS, _prior())


def test_the_baseline_is_taken_out_as_by_a_regression_written_out_in_full() -> None:
    lesson = lesson_of(OfferWorld(400, EFFECTS), 0)
    ground = Baseline.of(lesson).scattering(np.linspace(-1, 1, 400))
    x, n = ground.base, len(lesson)
    # A column for each of 4 parts of the wave, and of each of the 2 meant options; the latter have a prior around 0.
    whole = np.hstack([x, *(x * (lesson.meant == meant)[:, None] for meant in (0, 1))])
    scale = WITHIN * np.array([x[:, 1].mean(), 1, 1, 1])
    precision = np.diag(np.concatenate([np.zeros(4), 1 / scale**2, 1 / scale**2]))
    weight = np.diag(1 / ground.variance)
    told = np.linalg.solve(whole.T @ weight @ whole + precision, whole.T @ weight @ lesson.gross)
    assert ground.without(lesson.gross[:, None])[:, 0] == pytest.approx(lesson.gross - whole @ told, abs=1e-6)
    assert n == 400


def test_a_truth_is_found_within_what_is_said_of_its_doubt() -> None:
    # 16 worlds x 4 effects: 80 % intervals hold 51 of 64 on average, with a standard deviation of 3.2; the draws of one
    # world hang together, so four of these are allowed.
    apart = np.array([(one.mean - TRUTH) / one.sd for one in map(_found, range(16))])
    inside = int((np.abs(apart) < 1.2816).sum())
    assert 38 <= inside <= 63
    assert abs(apart.mean()) < 0.6


@pytest.mark.soak
def test_a_truth_is_found_in_two_hundred_worlds() -> None:
    apart = np.array([(one.mean - TRUTH) / one.sd for one in (_found(seed, 5000, 2) for seed in range(200))])
    assert (np.abs(apart) < 1.96).mean() >= 0.93
    assert 0.75 <= (np.abs(apart) < 1.2816).mean() <= 0.87


def test_what_was_assumed_stays_where_nobody_was_treated() -> None:
    lesson = lesson_of(OfferWorld(500, EFFECTS), 0)
    nobody = replace(lesson, given=np.full(500, -1, np.int16))
    found = calibrated([nobody], OFFERS, _prior())
    assert found.mean == pytest.approx(np.zeros(4), abs=1e-12)
    assert found.sd == pytest.approx(np.full(4, 0.1))
    assert found.treated.tolist() == [0, 0]


def test_who_could_get_only_one_thing_teaches_nothing() -> None:
    lesson = lesson_of(OfferWorld(500, EFFECTS), 0)
    certain = replace(lesson, propensity=np.ones(500))
    assert calibrated([certain], OFFERS, _prior()).sd == pytest.approx(np.full(4, 0.1))


def test_a_model_that_is_wrong_of_everybody_alike_does_no_harm() -> None:
    # All spend half as much again as the model says: the baseline takes it, effects grow by the half of themselves.
    lesson = lesson_of(OfferWorld(20_000, EFFECTS, seed=1), 0)
    plain = calibrated([lesson], OFFERS, _prior(1.0)).mean
    more = calibrated([replace(lesson, gross=1.5 * lesson.gross)], OFFERS, _prior(1.0)).mean
    assert more == pytest.approx(1.5 * plain, abs=0.004)


def test_the_same_people_twice_are_not_twice_as_many() -> None:
    # The very same outcomes again: twice the information by count, none by sense. 1 / sqrt(2) would be believing it.
    lesson = lesson_of(OfferWorld(3000, EFFECTS), 0)
    once = calibrated([lesson], OFFERS, _prior(1.0)).sd
    twice = calibrated([lesson, replace(lesson, wave="again")], OFFERS, _prior(1.0)).sd
    strangers = replace(lesson, wave="again", customers=np.arange(3000, 6000).astype(str).astype(object))
    apart = calibrated([lesson, strangers], OFFERS, _prior(1.0)).sd
    assert (apart < 0.78 * once).all()
    assert (twice > 0.92 * once).all()


def test_an_offer_that_nobody_got_is_believed_in_less_when_others_fail() -> None:
    # Assumed: both save a tenth. The first turns out to be worth nothing; the second, of another type, shares ALL of
    # the doubt, so it falls by about that share of what the first falls.
    lesson = lesson_of(OfferWorld(20_000, (EFFECTS[1], EFFECTS[1]), seed=5), 0)
    only = lesson.of_rows(lesson.given != 1)
    prior = Prior.of(np.full((2, 2), 0.1), np.full((2, 2), 0.05), ["ten", "gift"], ["percent", "gift"])
    found = calibrated([only], OFFERS, prior).mean
    fell = 0.1 - found
    assert fell[0] > 0.03
    assert fell[1] == pytest.approx(ALL * fell[0], rel=0.05)


def test_options_share_their_doubt_by_offer_and_by_type() -> None:
    shared = Prior.of(np.zeros((2, 3)), np.ones((2, 3)), ["a", "a", "b"], ["gift", "gift", "gift"]).covariance
    assert shared[0, :3].round(9).tolist() == [1.0, 0.8, 0.5]
    assert shared[0, 2] == pytest.approx(ALL + SAME_TYPE)
    assert shared[0, 3:].tolist() == [0.0, 0.0, 0.0]


def test_an_offer_adds_what_the_plan_counts_with() -> None:
    # p .5, spend 40 (80 if active): 40 at stake by `save`, 40 reached by `extra_spend`; nothing where nothing is given.
    columns = {"p_churn": np.full(2, 0.5), "expected_orders": np.ones(2), "expected_spend": np.full(2, 40.0)}
    given = np.array([1, -1], np.int16)
    lesson = Lesson("w", np.arange(2), given, given, np.full(2, 0.5), columns, np.ones(2), np.ones(2, bool))
    assert added(lesson, OFFERS).tolist() == [[0, 40, 0, 40], [0, 0, 0, 0]]


def test_a_lesson_with_something_missing_is_refused() -> None:
    lesson = lesson_of(OfferWorld(10, EFFECTS), 0)
    with pytest.raises(DataError, match="RG450"):
        replace(lesson, gross=np.full(10, np.nan))
    with pytest.raises(DataError, match="expected_orders"):
        replace(lesson, columns={k: v for k, v in lesson.columns.items() if k != "expected_orders"})
    with pytest.raises(DataError, match="bought"):
        replace(lesson, bought=np.ones(9, bool))
