"""The policy says of one customer what the plan said of all, after a journey through JSON."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from regulars.errors import DataError
from regulars.offers.arms import CHOSEN
from regulars.offers.audience import Audience
from regulars.offers.permitted import Permitted
from regulars.offers.plan import Plan
from regulars.offers.policy import Policy
from regulars.offers.responses import Responses

from .wholes import FIVE, GIFT, TEN, all_may, catalogue_of, five, plan_of, shop

LIMITS = ({"action": "offer:gift", "count": 10}, {"action": "any", "count": 20, "entity": "town"})


@pytest.fixture(scope="module")
def plan() -> Plan:
    """A shop of 100 under a budget and limits, one of them for each town."""
    audience = shop(100, seed=3)
    catalogue = catalogue_of(TEN, GIFT, FIVE, limits=LIMITS, budget=30.0, control=0.1, explore=0.2)
    reason = all_may(audience, catalogue).reason.copy()
    reason[::7, 1] = 3
    return plan_of(audience, catalogue, Permitted.of(reason), holdout=0.05)


@pytest.fixture(scope="module")
def policy(plan: Plan) -> Policy:
    """Its policy, as the endpoint reads it."""
    return Policy.of_dict(json.loads(json.dumps(plan.policy().to_dict(), allow_nan=False)))


def one(audience: Audience, row: int) -> Audience:
    """A customer alone, with the columns that the policy needs."""
    columns = {name: values[[row]] for name, values in audience.columns.items()}
    return Audience([audience.customer_ids[row]], audience.as_of, 30, "EUR", columns)


def test_one_customer_alone_is_told_what_the_batch_meant_to_the_last_bit(plan: Plan, policy: Policy) -> None:
    table = plan.decisions().to_pylist()
    explored = 0
    assert any(price > 0 for price in policy.prices.values())
    for row in range(plan.audience.n):
        found = policy.recommend(one(plan.audience, row), Permitted.of(plan.permitted.reason[[row]]))
        assert (found.arm[0], found.meant[0]) == (plan.arm[row], plan.meant[row])
        assert found.decision_id == [table[row]["decision_id"]]
        if plan.arm[row] != CHOSEN or plan.given[row] == plan.meant[row]:
            explored += plan.arm[row] != CHOSEN and plan.given[row] >= 0
            assert found.given[0] == plan.given[row]
            assert (found.low[0], found.gain[0], found.high[0]) == tuple(plan.ranges[:, row].astype(float))
            assert found.cost()[0] == plan.cost[row]
            assert found.propensity[0] == plan.propensity[row]
    assert explored


def test_all_customers_at_once_are_told_the_same_as_one_by_one(plan: Plan, policy: Policy) -> None:
    together = policy.recommend(plan.audience, plan.permitted)
    assert together.meant.tolist() == plan.meant.tolist()
    assert together.arm.tolist() == plan.arm.tolist()
    nothing = together.given < 0
    assert [bool(why) for why in together.why] == nothing.tolist()


def test_what_is_ranked_first_is_what_is_meant_and_its_gain_is_that_of_the_batch(plan: Plan, policy: Policy) -> None:
    found = policy.recommend(plan.audience, plan.permitted)
    several = 0
    for row in range(plan.audience.n):
        ranked = found.ranked(row)
        several += len(ranked) > 1
        assert (ranked[0][0] if ranked else -1) == found.meant[row]
        for _, gain, low, high in ranked:
            assert low <= gain <= high
            assert gain > 0
        if ranked and found.given[row] == ranked[0][0]:
            assert ranked[0][1:] == (found.gain[row], found.low[row], found.high[row])
    assert several


def test_what_the_policy_needs_are_scores_and_the_fields_of_rules_and_limits(policy: Policy) -> None:
    assert policy.needs == ("p_churn", "expected_orders", "expected_spend", "town")


def test_a_policy_comes_back_from_json_as_it_went(plan: Plan, policy: Policy) -> None:
    assert policy.to_dict() == plan.policy().to_dict()


@pytest.mark.parametrize(
    "change",
    [
        {"format": 99},
        {"catalogue_digest": "0" * 64},
        {"prices": None},
        {"responses": {"options": {"ten@email": {"save": 1}}, "personal": None}},
    ],
)
def test_a_policy_that_was_tampered_with_is_refused(plan: Plan, change: dict[str, Any]) -> None:
    with pytest.raises(DataError, match="RG423"):
        Policy.of_dict({**plan.policy().to_dict(), **change})


def test_a_later_customer_of_a_town_without_a_price_is_under_no_limit_of_it(policy: Policy) -> None:
    columns = {**one(shop(1), 0).columns, "town": np.array(["Elsewhere"], object)}
    stranger = Audience(["zoe"], policy.as_of, 30, "EUR", columns)
    found = policy.recommend(stranger, Permitted.of(np.zeros((1, 3), np.uint8)))
    assert [cap.name for cap in found.caps] == ["budget", "contacts with offer gift in the campaign"]


def test_responses_come_back_from_json_and_an_option_that_is_not_known_is_assumed() -> None:
    catalogue = catalogue_of(TEN, GIFT)
    every = Responses.assumed(catalogue)
    again = Responses.of_dict(json.loads(json.dumps(every.to_dict())))
    assert (again, again.digest) == (every, every.digest)
    some = Responses({"ten@email": every.by_option["ten@email"]})
    assert some.for_options(catalogue) == every.for_options(catalogue)
    assert some.digest != every.digest
    assert plan_of(five(), catalogue).responses.digest == every.digest
