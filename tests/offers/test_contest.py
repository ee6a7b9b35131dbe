"""A personalised policy has to earn more on customers whom it has not seen; else it is refused, in words."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from regulars.clock import Cutoff
from regulars.config import Config
from regulars.errors import DataError
from regulars.models.uplift import LEAST_ROWS, Uplift
from regulars.offers.audience import Audience
from regulars.offers.catalogue import Catalogue
from regulars.offers.contest import Contest, Rules, contest, realised
from regulars.offers.economics import Economics
from regulars.offers.gate import gain_over, scores
from regulars.offers.learn import prior_of
from regulars.offers.lesson import Lesson
from regulars.offers.past import Past
from regulars.offers.permitted import Permitted
from regulars.offers.personal import Personal
from regulars.offers.plan import planned
from regulars.offers.policy import Policy
from regulars.offers.responses import Responses
from regulars.simulation.campaign import Effect, OfferWorld

from .test_calibration import lesson_of

LEANING = (
    Effect(save=0.2, extra_spend=0.5, redemption=0.5, beside=8, lean=1.0),
    Effect(save=0.2, extra_spend=0.5, redemption=0.5, beside=8, lean=-1.0),
)
"""One for the club only, one for all others only: who knows the club earns twice as much."""


def _rules() -> Rules:
    response = {"save": [0.1, 0.2, 0.3], "extra_spend": [0.3, 0.5, 0.7]}
    shared = {"type": "gift", "value": 8, "channels": ["email"], "economics": {"redemption": 0.5}, "response": response}
    offers = [{"id": name, "title": name, **shared} for name in ("one", "two")]
    catalogue = Catalogue.of({"campaign": {"name": "c"}, "channels": [{"name": "email"}], "offers": offers})
    return Rules(catalogue, Economics(margin=0.4), prior_of(catalogue), Responses.assumed(catalogue), seed=0)


@pytest.fixture(scope="module")
def lesson() -> Lesson:
    found = lesson_of(OfferWorld(7500, LEANING, noise=0.2, seed=1), 0)
    return replace(found, columns={name: found.columns[name] for name in (*_NEEDED, "club")})


_NEEDED = ("p_churn", "expected_orders", "expected_spend")


@pytest.fixture(scope="module")
def passed(lesson: Lesson) -> Contest:
    return contest(_rules(), [lesson])


def test_a_policy_that_knows_whom_an_offer_moves_passes(passed: Contest, lesson: Lesson) -> None:
    assert passed.personal is not None
    assert all(gain.shown for gain in passed.gains.values())
    assert passed.why.startswith("personalised: +")
    # It found out that the first offer is for the club.
    gains, club = passed.personal.gains(lesson.columns), lesson.columns["club"] == 1
    assert (gains[club, 0] > gains[club, 1]).mean() > 0.9
    assert (gains[~club, 0] < gains[~club, 1]).mean() > 0.9


def test_a_policy_that_has_nothing_to_find_is_refused_in_words(lesson: Lesson) -> None:
    blind = replace(lesson, columns={name: lesson.columns[name] for name in _NEEDED})
    found = contest(_rules(), [blind])
    assert found.personal is None
    assert "it is not shown to earn more" in found.why
    assert "not distinguishable from zero" in found.why or "-" in found.why


def test_few_customers_are_refused_with_their_number(lesson: Lesson) -> None:
    found = contest(_rules(), [lesson.of_rows(np.arange(900))])
    assert found.personal is None
    assert f"{2 * LEAST_ROWS:,} of both are needed" in found.why


def test_waves_that_do_not_say_what_could_have_been_given_are_refused(lesson: Lesson) -> None:
    found = contest(_rules(), [replace(lesson, permitted=None)])
    assert (found.personal, found.gains) == (None, {})
    assert "do not say what could have been given" in found.why


def test_personal_answers_come_back_from_json_to_the_bit(passed: Contest, lesson: Lesson) -> None:
    assert passed.personal is not None
    again = Personal.of_dict(json.loads(json.dumps(passed.personal.to_dict(), allow_nan=False)))
    assert (again.gains(lesson.columns) == passed.personal.gains(lesson.columns)).all()
    assert again.needs == (*_NEEDED, "club")
    json.dumps(passed.to_dict(), allow_nan=False)


def test_a_plan_goes_by_what_passed_says_so_and_the_policy_says_the_same_to_the_bit(
    passed: Contest, lesson: Lesson
) -> None:
    rules, n = _rules(), 400
    assumed = rules.responses.by_option
    told = {name: replace(one, basis="measured") for name, one in assumed.items()}
    responses = Responses.of_dict(json.loads(json.dumps(Responses(told, passed.personal).to_dict(), allow_nan=False)))
    config = Config.of(currency="EUR", economics={"margin": 0.4}, offers={"salt": "s"})
    columns = {name: values[:n] for name, values in lesson.columns.items()}
    ids = [f"c{i:04d}" for i in range(n)]
    audience = Audience(ids, Cutoff.parse("2024-03-01"), 30, "EUR", columns)
    everything = Permitted.of(np.zeros((n, 2), np.uint8))
    draft = Policy.draft(rules.catalogue, responses, config, audience, ("1", "run"))
    plan = planned(audience, everything, Past.of(None, ids, draft.zone), draft)
    rows, club = plan.decisions().to_pandas(), columns["club"] == 1
    chosen = (rows["arm"] == "chosen").to_numpy() & (rows["offer"] != "").to_numpy()
    assert set(rows["basis"][chosen]) == {"modelled"}
    # Without a budget everybody gets what brings most: the club the first offer, the others the second.
    assert (rows["offer"][chosen & club] == "one").mean() > 0.9
    assert (rows["offer"][chosen & ~club] == "two").mean() > 0.9
    policy = Policy.of_dict(json.loads(json.dumps(plan.policy().to_dict(), allow_nan=False)))
    assert "club" in policy.needs
    said = policy.recommend(audience, everything)
    assert (said.meant == plan.meant).all()
    assert (said.gain[chosen] == rows["gain"][chosen]).all()


def test_trees_without_their_numbers_say_which(passed: Contest) -> None:
    assert passed.personal is not None
    with pytest.raises(DataError, match="club"):
        passed.personal.gains({name: np.ones(1) for name in _NEEDED})


def test_trees_need_customers_who_were_given_nothing() -> None:
    with pytest.raises(DataError, match="RG451"):
        Uplift.fit(["x"], np.ones((600, 1)), np.zeros(600, np.int16), np.ones(600), 1)


def test_profit_is_margin_less_what_was_given_away(lesson: Lesson) -> None:
    # 100 at list price, 8 for the gift, margin .4: 40 - 8, and nothing off where nothing was given.
    given = np.array([0, -1], np.int16)
    two = replace(
        lesson.of_rows(np.arange(2)), given=given, gross=np.full(2, 100.0), taken=np.array([8.0, 0.0]), complained=None
    )
    assert realised(two, _rules().catalogue, Economics(margin=0.4)).tolist() == [32.0, 40.0]


def test_what_is_bought_anyway_is_worth_the_same_whatever_was_given(lesson: Lesson) -> None:
    # An offer with a margin of .5 where .4 is usual, meant for the first two, given to the first: .5 x 100 of both.
    content = _rules().catalogue.to_dict()
    content["offers"][0]["economics"]["margin"] = 0.5
    given, meant = np.array([0, -1, -1], np.int16), np.array([0, 0, -1], np.int16)
    three = replace(
        lesson.of_rows(np.arange(3)), given=given, meant=meant, gross=np.full(3, 100.0), taken=None, complained=None
    )
    assert realised(three, Catalogue.of(content), Economics(margin=0.4)).tolist() == [50.0, 50.0, 40.0]


def test_a_policy_is_worth_what_chance_says_it_is() -> None:
    # Four customers, each given one thing with a chance of a half; the policy gives the offer to all. Where it was
    # given, what came beyond the model counts twice: 2 + (5 - 2) / .5 = 8 and 2 + (1 - 2) / .5 = 0; else the model: 2.
    reward, given = np.array([5.0, 1.0, 9.0, 9.0]), np.array([0, 0, -1, -1], np.int16)
    expected = np.tile([1.0, 2.0], (4, 1))
    told = scores(reward, given, np.full(4, 0.5), expected, np.zeros(4, np.int16))
    assert told.tolist() == [8.0, 0.0, 2.0, 2.0]


def test_rows_of_one_person_count_as_one() -> None:
    # Differences 1, 1, 3, 3 of two people: mean 2, sums of deviations -2 and 2; se = sqrt(8 x 2 / 1) / 4 = 1. As four
    # people it would be sqrt(4 x 4 / 3) / 4 = .577.
    more = np.array([1.0, 1.0, 3.0, 3.0])
    assert gain_over(more, 0 * more, np.array(["a", "a", "b", "b"]), 1.0).se == pytest.approx(1.0)
    assert gain_over(more, 0 * more, np.arange(4), 1.0).se == pytest.approx(np.sqrt(16 / 3) / 4)
