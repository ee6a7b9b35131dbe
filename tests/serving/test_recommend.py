"""What is recommended is what the plan of the same facts gives, to the bit; whom to leave alone is left alone."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from regulars.clock import Cutoff
from regulars.errors import ConfigError
from regulars.intake import keys
from regulars.intake.keys import Key
from regulars.offers.arms import ARMS
from regulars.offers.past import Past
from regulars.pipelines.campaign.recommended import recommended
from regulars.schema import DECISIONS
from regulars.serving.offering import Offering, _own_name, marks
from regulars.serving.problems import Problem
from regulars.serving.recommend import Recommended, recommend
from regulars.serving.score import score
from regulars.serving.speaker import Speaker, speaker_of
from regulars.serving.speaking import _tried
from regulars.serving.stage import LEFT_ALONE, Stages

from ..simulated import trained
from .histories import encoded
from .offered import LIMITS, asked, catalogue, config, day, deciding, plan, scores


@pytest.fixture(scope="module")
def speaker(shop_speaker: Speaker) -> Speaker:
    """Whoever speaks, and decides by the plan; nothing is kept."""
    return deciding(shop_speaker)


@pytest.fixture(scope="module")
def all_rows(speaker: Speaker) -> dict[str, dict[str, Any]]:
    """What is recommended to everybody, asked at once in another order."""
    return rows(speaker, asked(everybody()[::-1]))


def everybody() -> list[str]:
    found: list[str] = scores()["customer_id"].tolist()
    return found


def answered(speaker: Speaker, request: object, today: Cutoff | None = None) -> Recommended:
    return recommend(speaker, LIMITS, encoded(request), today or day())


def told(speaker: Speaker, request: object) -> Any:
    return json.loads(answered(speaker, request).body)


def rows(speaker: Speaker, request: object) -> dict[str, dict[str, Any]]:
    return {row["customer_id"]: row for row in told(speaker, request)["recommendations"]}


def refused(speaker: Speaker, request: object, today: Cutoff | None = None) -> Problem:
    with pytest.raises(Problem) as found:
        answered(speaker, request, today)
    return found.value


def given(arm: str = "chosen") -> str:
    """A customer of an arm who gets something, and may be told of by name in a test."""
    mine = (plan().arm == ARMS.index(arm)) & (plan().given >= 0)
    return everybody()[int(np.flatnonzero(mine)[0])]


def test_everybody_is_recommended_what_the_policy_gives_in_the_batch_to_the_bit(
    all_rows: dict[str, dict[str, Any]],
) -> None:
    found, ids = all_rows, everybody()
    policy, wave = plan().policy(), plan()
    meant = policy.recommend(wave.audience, wave.permitted, Past.of(None, ids, policy.zone))
    # The wave itself repairs what prices alone would exceed; what it means, and what explorers get, is the same.
    np.testing.assert_array_equal(meant.meant, wave.meant)
    cost, options = meant.cost(), policy.catalogue.options
    for i, who in enumerate(ids):
        row, option = found[who], int(meant.given[i])
        assert (row["arm"], row["recommendation_id"]) == (ARMS[meant.arm[i]], meant.decision_id[i])
        assert (row["propensity"], row["why"]) == (meant.propensity[i], meant.why[i])
        if option < 0:
            assert row["offers"] == []
            continue
        first = row["offers"][0]
        assert (first["offer"], first["channel"]) == (options[option].offer.id, options[option].channel.name)
        money = [first[name] for name in ("gain_low", "expected_gain", "gain_high", "cost")]
        assert money == [meant.low[i], meant.gain[i], meant.high[i], cost[i]]
    assert {row["arm"] for row in found.values() if row["offers"]} == {"chosen", "explore"}


def test_the_plan_of_the_wave_is_what_the_endpoint_says_of_nearly_all_of_the_chosen(
    all_rows: dict[str, dict[str, Any]],
) -> None:
    chosen = np.flatnonzero(plan().arm == ARMS.index("chosen"))
    ids, options = everybody(), plan().policy().catalogue.options
    wave = ["" if plan().given[i] < 0 else options[plan().given[i]].offer.id for i in chosen]
    said = [next((o["offer"] for o in all_rows[ids[i]]["offers"]), "") for i in chosen]
    # A budget is used up to the last cent by few who would not pay at the price.
    assert np.mean(np.array(wave) == np.array(said)) > 0.95
    assert "five" in said


def test_a_customer_alone_gets_what_he_gets_among_others_and_in_the_same_bytes_twice(
    speaker: Speaker, all_rows: dict[str, dict[str, Any]]
) -> None:
    ids = [given(), given("explore"), everybody()[0], everybody()[1]]
    for who in ids:
        request = asked([who])
        first, second = answered(speaker, request).body, answered(speaker, request).body
        assert first == second
        assert json.loads(first)["recommendations"] == [all_rows[who]]


def test_what_else_would_pay_comes_after_what_counts_the_best_first(all_rows: dict[str, dict[str, Any]]) -> None:
    several = [row["offers"] for row in all_rows.values() if len(row["offers"]) > 1]
    assert several
    for offers in several:
        assert len({(o["offer"], o["channel"]) for o in offers}) == len(offers) <= 3
        assert all(o["expected_gain"] > 0 for o in offers)
    assert {len(row["offers"]) for row in all_rows.values() if row["arm"] == "explore"} == {0, 1}


def test_an_offer_comes_with_its_words_its_interval_its_badge_and_its_validity(
    all_rows: dict[str, dict[str, Any]],
) -> None:
    ten = next(o for row in all_rows.values() for o in row["offers"] if o["offer"] == "ten")
    assert ten["gain_low"] <= ten["expected_gain"] <= ten["gain_high"]
    assert (ten["type"], ten["title"], ten["basis"]) == ("percent", "10 % off", "assumed")
    # Quiet until 8:00 in New York, which is 13:00 in UTC in February; fourteen days, that of sending included.
    assert ten["send_at"] == f"{day()}T13:00:00.000000Z"
    assert ten["valid_until"] == str(day().plus(13))
    assert any("keeps 20.0% of those who would fall silent" in reason for reason in ten["reasons"])
    drawn = next(o for row in all_rows.values() if row["arm"] == "explore" for o in row["offers"])
    assert drawn["reasons"][0] == "drawn at random, so that it can be measured"


def test_without_consent_nobody_gets_anything_and_is_told_why(speaker: Speaker) -> None:
    request = asked(everybody()[:60])
    for customer in request["customers"]:
        del customer["consent"]
    found = rows(speaker, request)
    assert not any(row["offers"] for row in found.values())
    chosen = {row["why"] for row in found.values() if row["arm"] == "chosen"}
    assert chosen == {"no consent"}


def test_a_permission_taken_back_on_the_very_day_counts_and_one_of_the_day_after_does_not(speaker: Speaker) -> None:
    who = given()
    for days, offered in ((0, False), (1, True)):
        request = asked([who])
        back = {**request["customers"][0]["consent"][0], "status": "withdrawn"}
        request["customers"][0]["consent"].append({**back, "recorded_at": f"{day().plus(days)}T10:00:00"})
        found = told(speaker, request)
        assert bool(found["recommendations"][0]["offers"]) is offered
        assert found["ignored_rows"] == days


def test_who_complained_this_morning_gets_a_call_and_nothing_else(speaker: Speaker) -> None:
    who = given("explore")
    request = asked([who])
    request["customers"][0]["events"] = [{"occurred_at": f"{day()}T09:00:00", "kind": "complaint"}]
    (row,) = told(speaker, request)["recommendations"]
    assert {o["offer"] for o in row["offers"]} <= {"call"}
    solved = {"occurred_at": f"{day()}T11:00:00", "kind": "complaint_resolved"}
    request["customers"][0]["events"].append(solved)
    assert told(speaker, request)["recommendations"][0] == rows(speaker, asked([who]))[who]


def test_contacts_of_all_kinds_fill_the_same_queue(speaker: Speaker) -> None:
    who, at = given(), f"{day().minus(3)}T12:00:00Z"
    mail = {"contacted_at": at, "channel": "email"}
    call = {"occurred_at": at, "kind": "call", "initiated_by": "company", "channel": "phone"}
    sent = {"offered_at": at, "offer_id": "x", "redeemed_at": None}
    # Two contacts in 14 days are the most.
    for more in (
        {"contacts": [mail, {**mail, "channel": "sms"}]},
        {"contacts": [mail], "events": [call]},
        {"contacts": [{**mail, "offer": "ten"}], "events": [call]},
        {"offers": [sent, {**sent, "offered_at": f"{day().minus(4)}"}]},
    ):
        request = asked([who])
        request["customers"][0] |= more
        (row,) = told(speaker, request)["recommendations"]
        assert (row["offers"], row["why"]) == ([], "too many contacts"), more


def test_an_offer_that_was_given_of_late_cools_down(shop_speaker: Speaker) -> None:
    policy = plan().policy().to_dict()
    content = catalogue()
    for offer in content["offers"]:
        offer |= {"cool_down_days": 30}
    from regulars.offers.catalogue import Catalogue

    cooling = Catalogue.of(content)
    policy |= {"catalogue": cooling.to_dict(), "catalogue_digest": cooling.digest}
    speaker, who = deciding(shop_speaker, policy=policy), given()
    request = asked([who])
    before = {o["offer"] for o in told(speaker, request)["recommendations"][0]["offers"]}
    for offer in before:
        request["customers"][0]["contacts"] = [
            {"contacted_at": f"{day().minus(20)}T12:00:00Z", "channel": "email", "offer": offer}
        ]
        after = {o["offer"] for o in told(speaker, request)["recommendations"][0]["offers"]}
        assert offer not in after


def test_scores_that_are_asked_for_are_those_of_the_other_page(speaker: Speaker) -> None:
    request = asked(everybody()[:3], outputs=["segment", "p_churn"])
    found = told(speaker, request)
    for customer in request["customers"]:
        for name in ("consent", "contacts"):
            del customer[name]
    scored = json.loads(score(speaker, LIMITS, encoded(request), day()))
    beside = [{"customer_id": row["customer_id"], **row["scores"]} for row in found["recommendations"]]
    assert beside == scored["scores"]
    assert [list(row["scores"]) for row in found["recommendations"]] == [["segment", "p_churn"]] * 3
    assert {name: found[name] for name in ("as_of", "reference", "model")} == {
        name: scored[name] for name in ("as_of", "reference", "model")
    }
    assert "scores" not in told(speaker, asked(everybody()[:1]))["recommendations"][0]


def test_who_cannot_be_scored_is_told_with_the_reason(speaker: Speaker) -> None:
    request = asked(everybody()[:2])
    request["customers"][0]["purchases"] = []
    found = told(speaker, request)
    assert [row["customer_id"] for row in found["not_scored"]] == everybody()[:1]
    assert [row["customer_id"] for row in found["recommendations"]] == everybody()[1:2]
    late = request["customers"][1]["purchases"]
    request["customers"][1]["purchases"] = [{**row, "purchased_at": f"{day()}T10:00:00"} for row in late]
    found = told(speaker, request)
    assert (found["recommendations"], len(found["not_scored"])) == ([], 2)


def test_what_is_recommended_is_kept_once_answered_controls_included(shop_speaker: Speaker, tmp_path: Path) -> None:
    speaker, ids = deciding(shop_speaker, tmp_path / "online"), [everybody()[0], given(), given("explore")]
    found = rows(speaker, asked(ids))
    answered(speaker, {**asked(everybody()[3:6]), "dry_run": True})
    (file,) = (tmp_path / "online").iterdir()
    kept = [json.loads(line) for line in file.read_text().splitlines()]
    assert [set(row) for row in kept] == [{*(c.name for c in DECISIONS if c.name != "permitted"), "at", "day"}] * 3
    for row in kept:
        said = found[row["customer_id"]]
        names = ("decision_id", "arm", "propensity", "why")
        assert [row[n] for n in names] == [said[n] for n in ("recommendation_id", "arm", "propensity", "why")]
        first = said["offers"][0] if said["offers"] else {"offer": "", "channel": "", "expected_gain": 0.0, "cost": 0.0}
        money = [first[n] for n in ("offer", "channel", "expected_gain", "cost")]
        assert [row["offer"], row["channel"], row["gain"], row["cost"]] == money
        assert (row["campaign"], row["as_of"], row["day"]) == ("spring", str(day()), str(day()))
    assert file.stat().st_mode & 0o077 == 0
    # As the decisions log reads them; asked again, a decision stays one.
    answered(speaker, asked(ids))
    read = recommended(tmp_path / "online")
    assert sorted(read.column("customer_id").to_pylist()) == sorted(ids)


def test_nothing_is_recommended_that_cannot_be_kept(shop_speaker: Speaker, tmp_path: Path) -> None:
    (tmp_path / "online").write_text("in the way")
    speaker = deciding(shop_speaker, tmp_path / "online")
    found = refused(speaker, asked(everybody()[:1]))
    assert (found.status, found.code, found.headers["retry-after"]) == (503, "RG455", "1")
    assert everybody()[0] not in found.body("id").decode()
    dry = {**asked(everybody()[:1]), "dry_run": True}
    assert len(told(speaker, dry)["recommendations"]) == 1


def test_arms_are_counted_but_not_of_dry_runs(speaker: Speaker) -> None:
    request = asked(everybody()[:60])
    found = answered(speaker, request).arms
    assert sum(found.values()) == 60
    assert found["chosen", True] > 0
    assert ("control", True) not in found
    assert answered(speaker, {**request, "dry_run": True}).arms == {}


def test_where_nobody_decides_on_offers_that_is_said_with_the_reason(shop_speaker: Speaker) -> None:
    found = refused(shop_speaker, {"customers": []})
    assert (found.status, found.code) == (404, "RG456")
    assert "no wave was assigned" in found.detail
    assert refused(replace(shop_speaker, no_offers="RG431: it was changed"), {}).detail.endswith(
        "RG431: it was changed"
    )


def test_a_day_before_the_wave_or_after_its_read_out_is_refused(speaker: Speaker) -> None:
    fresh = replace(speaker, reference_day=day().plus(29), reference=speaker.reference)
    request = asked([given()])
    early = refused(replace(speaker, reference_day=day().minus(3)), {**request, "as_of": str(day().minus(1))})
    assert (early.status, early.code) == (409, "RG458")
    # The window is 30 days: the last is the 29th after the day of the wave.
    late = refused(fresh, {**request, "as_of": str(day().plus(30))})
    assert (late.status, late.code) == (409, "RG458")
    assert "assign another one" in late.detail
    assert answered(fresh, {**request, "as_of": str(day().plus(29))}).body
    assert refused(speaker, request | {"as_of": str(day().minus(1))}).code == "RG383"


def test_whom_nobody_may_contact_is_found_by_a_mark_that_tells_nothing(speaker: Speaker) -> None:
    assert speaker.offering is not None
    who, salt = given(), speaker.offering.policy.salt
    listed = replace(speaker, offering=replace(speaker.offering, left_alone=frozenset(marks([who], salt))))
    found = rows(listed, asked([who, given("explore")]))
    assert (found[who]["offers"], found[who]["why"]) == ([], "do not contact")
    assert found[given("explore")]["offers"]
    assert who not in str(listed.offering)


def test_a_pseudonym_stands_for_the_same_customer(speaker: Speaker, monkeypatch: pytest.MonkeyPatch) -> None:
    key = Key(b"k" * 32)
    monkeypatch.setattr(keys, "key_of", lambda _: key)
    hidden = config().model_copy(update={"privacy": config().privacy.model_copy(update={"pseudonyms": True})})
    own_name = _own_name(hidden)
    assert speaker.offering is not None
    named = replace(speaker, offering=replace(speaker.offering, own_name=own_name))
    ids = everybody()[:20]
    pseudonyms = [key.pseudonyms()(who) for who in ids]
    plain, again = rows(named, asked(ids)), asked(ids)
    for customer, name in zip(again["customers"], pseudonyms, strict=True):
        customer["customer_id"] = name
    found = rows(named, again)
    for who, name in zip(ids, pseudonyms, strict=True):
        assert plain[who]["recommendation_id"] == found[name]["recommendation_id"]
        assert plain[who]["arm"] == found[name]["arm"]
    # Both names in one request are the same customer twice.
    again["customers"].append(asked(ids[:1])["customers"][0])
    (fault,) = refused(named, again).faults
    assert (fault.customer, fault.field) == (20, "customer_id")


def test_a_policy_for_a_window_that_the_model_has_not_learnt_is_left_aside(shop_speaker: Speaker) -> None:
    policy = plan().policy().to_dict()
    with pytest.raises(ConfigError, match=r"RG457.*looks 45 days ahead.*window of 30 days"):
        deciding(shop_speaker, policy={**policy, "horizon_days": 45})
    with pytest.raises(ConfigError, match=r"RG457.*EUR.*USD"):
        deciding(shop_speaker, policy={**policy, "currency": "EUR"})


def test_of_another_window_its_own_scores_are_looked_at(speaker: Speaker) -> None:
    assert speaker.offering is not None
    offering: Offering = replace(speaker.offering, primary_days=90)
    assert offering.wanted.horizons == (30,)
    names = [*offering.wanted.columns]
    assert {"p_churn_30d", "expected_orders_30d", "expected_spend_30d"} <= set(names)
    found = offering.columns({name: np.full(1, float(i)) for i, name in enumerate(names)})
    assert found["p_churn"][0] == names.index("p_churn_30d")
    # What is said of no horizon in particular is the same for all.
    assert found["orders"][0] == names.index("orders")


def test_a_policy_on_stage_is_taken_with_the_model_and_one_that_cannot_be_leaves_scores_alone(
    shop_endpoint: Any, tmp_path: Path
) -> None:
    from regulars.serving.here import laid

    stages = Stages(tmp_path)
    laid(stages, trained().model, policy=plan().policy().to_dict())
    who = given()
    (stages.stage().folder / LEFT_ALONE).write_text(json.dumps({"marks": marks([who], plan().policy().salt)}))
    speaker = _tried(speaker_of(stages.stage(), config()), config())
    assert speaker.offering is not None
    assert speaker.offering.online is None
    assert rows(speaker, asked([who]))[who]["why"] == "do not contact"
    laid(stages, trained().model, policy={**plan().policy().to_dict(), "format": 0})
    silent = _tried(speaker_of(stages.stage(), config(), speaker), config())
    assert silent.model is speaker.model
    assert silent.offering is None
    assert silent.no_offers.startswith("RG423")
    # One that is whole, and fails all the same when it is tried.
    laid(stages, trained().model, policy={**plan().policy().to_dict(), "prices": {"budget": "dear"}})
    assert _tried(speaker_of(stages.stage(), config()), config()).no_offers.startswith("RG423")
