"""What is recommended of follow-ups is what the plan of the same facts gives, to the bit, and once each time."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from regulars.offers.arms import ARMS
from regulars.offers.past import Past
from regulars.offers.plan import Plan
from regulars.serving.recommend import recommend
from regulars.serving.speaker import Speaker

from .histories import encoded
from .offered import LIMITS, asked, catalogue, config, day, deciding, plan_of, scores


def followed() -> dict[str, Any]:
    """The offers of the shop, each of which follows something; no budget, so that the endpoint decides as the plan."""
    found = catalogue()
    del found["campaign"]["budget"], found["limits"]
    ten, five, call = found["offers"]
    more = {"id": "hello", "type": "information", "title": "Hello", "channels": ["email"], "response": {"save": 0.4}}
    ten["trigger"] = {"after": "late", "within_days": 120}
    five["trigger"] = {"after": "purchase", "from_days": 2, "within_days": 40}
    call["trigger"] = {"after": "complaint_resolved", "within_days": 5}
    found["offers"] += [
        {**more, "trigger": {"after": "first_purchase", "within_days": 300}},
        {**more, "id": "due", "trigger": {"after": "overdue", "within_days": 15}},
    ]
    return found


@pytest.fixture(scope="module")
def wave() -> Plan:
    return plan_of(followed(), config())


@pytest.fixture(scope="module")
def speaker(shop_speaker: Speaker, wave: Plan) -> Speaker:
    return deciding(shop_speaker, policy=wave.policy().to_dict())


def everybody() -> list[str]:
    found: list[str] = scores()["customer_id"].tolist()
    return found


def rows(speaker: Speaker, request: object) -> dict[str, dict[str, Any]]:
    found = json.loads(recommend(speaker, LIMITS, encoded(request), day()).body)
    return {row["customer_id"]: row for row in found["recommendations"]}


def who_gets(wave: Plan, offer: str) -> str:
    """A customer of the chosen who gets an offer."""
    options = [o.index for o in wave.decided_by.catalogue.options if o.offer.id == offer]
    return everybody()[int(np.flatnonzero(np.isin(wave.given, options) & (wave.arm == ARMS.index("chosen")))[0])]


def test_everybody_is_recommended_what_the_wave_gives_follow_ups_included(speaker: Speaker, wave: Plan) -> None:
    policy, ids = wave.policy(), everybody()
    meant = policy.recommend(wave.audience, wave.permitted, Past.of(None, ids, policy.zone))
    np.testing.assert_array_equal(meant.given, wave.given)
    found, options, seen = rows(speaker, asked(ids[::-1])), policy.catalogue.options, set()
    for i, who in enumerate(ids):
        row, option = found[who], int(wave.given[i])
        assert (row["why"], row["propensity"]) == (meant.why[i], meant.propensity[i])
        assert [o["offer"] for o in row["offers"][:1]] == ([] if option < 0 else [options[option].offer.id])
        seen |= {row["why"], *(o["offer"] for o in row["offers"][:1])}
    # Each of the five windows holds somebody, and somebody is in none.
    assert {"ten", "five", "call", "hello", "due", "no follow-up due"} <= seen


def test_an_offer_says_what_it_follows_and_how_long_ago_that_was(speaker: Speaker, wave: Plan) -> None:
    who = who_gets(wave, "five")
    recency = int(scores().set_index("customer_id").loc[who, "recency_days"])
    (row,) = rows(speaker, asked([who])).values()
    told = next(o for o in row["offers"] if o["offer"] == "five")
    assert told["reasons"][0] == f"follow-up: {recency} day{'' if recency == 1 else 's'} after the last purchase"


def test_what_the_caller_has_given_since_is_not_recommended_again(speaker: Speaker, wave: Plan) -> None:
    who = who_gets(wave, "five")
    recency = int(scores().set_index("customer_id").loc[who, "recency_days"])
    # On the day of the purchase it was for the purchase before; on the day after for this one.
    for days_before, again in ((recency, True), (recency - 1, False)):
        request = asked([who])
        sent = {"contacted_at": f"{day().minus(days_before)}T12:00:00", "channel": "email", "offer": "five"}
        request["customers"][0]["contacts"] = [sent]
        (row,) = rows(speaker, request).values()
        assert ("five" in {o["offer"] for o in row["offers"]}) is again


def test_a_complaint_that_was_resolved_this_morning_is_followed_today_and_not_while_it_is_open(
    speaker: Speaker, wave: Plan
) -> None:
    who = who_gets(wave, "call")
    request = asked([who])
    events = request["customers"][0]["events"] = [*request["customers"][0]["events"]]
    events.append({"occurred_at": f"{day()}T08:00:00", "kind": "complaint"})
    (row,) = rows(speaker, request).values()
    assert (row["offers"], row["why"]) == ([], "no follow-up due")
    events.append({"occurred_at": f"{day()}T09:00:00", "kind": "complaint_resolved"})
    (row,) = rows(speaker, request).values()
    said = next(o for o in row["offers"] if o["offer"] == "call")["reasons"]
    assert said[0] == "follow-up: 0 days after a complaint was resolved"
