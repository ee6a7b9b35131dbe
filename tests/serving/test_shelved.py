"""The products of an offer: what the endpoint suggests is what the wave of the same lines suggests, to the bit."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from regulars.errors import ConfigError
from regulars.offers.catalogue import Catalogue
from regulars.offers.item_lists import items_of
from regulars.offers.plan import Plan
from regulars.offers.responses import Responses
from regulars.pipelines.campaign.recommended import recommended
from regulars.products.again import AgainRule
from regulars.products.bought import bought
from regulars.products.crowd import demand, shared_by_customers
from regulars.products.fresh import Shelf
from regulars.products.items import items_before
from regulars.products.kept import FILE, Kept
from regulars.serving.here import laid
from regulars.serving.problems import Problem
from regulars.serving.recommend import recommend
from regulars.serving.speaker import Speaker, speaker_of
from regulars.serving.stage import Stages

from ..simulated import shop
from .histories import encoded
from .offered import LIMITS, asked, catalogue, config, day, deciding, plan_of, scores

SAVE = {"response": {"save": [0.3, 0.4, 0.5]}, "channels": ["email"], "type": "product_suggestion"}
AGAIN = {"id": "again", "title": "Time for these?", "items": 3, "least_items": 3, **SAVE}
FRESH = {"id": "fresh", "title": "New for you", "suggest": "new for you", "items": 2, **SAVE}
FRESH |= {"response": {"save": [0.3, 0.39, 0.5]}}


@pytest.fixture(scope="module")
def kept() -> Kept:
    """What `regulars products` would keep of the shop ten days before the wave."""
    then = day().minus(10)
    (items,) = items_before(shop(), "product", then, ["soap"])
    blocks = list(bought(shop(), items))
    found = demand(blocks, len(items), then, shop().history_starts)
    return Kept(Shelf(items, found, shared_by_customers(blocks, found)), AgainRule(30, True), "similar", 28)


@pytest.fixture(scope="module")
def wave(kept: Kept, tmp_path_factory: pytest.TempPathFactory) -> Plan:
    """A wave of one offer with a discount and two that suggest products."""
    folder = tmp_path_factory.mktemp("shelf")
    (folder / FILE).write_bytes(kept.content())
    return plan_of(offers(), config().model_copy(update={"folder": folder}))


def offers() -> dict[str, Any]:
    """No budget, which a wave uses up to the last cent where prices alone do not."""
    return {**catalogue(), "offers": [catalogue()["offers"][0], AGAIN, FRESH], "limits": [], "campaign": CAMPAIGN}


CAMPAIGN = {"name": "spring", "control": 0.2, "explore": 0.2}


@pytest.fixture(scope="module")
def speaker(shop_speaker: Speaker, wave: Plan, kept: Kept) -> Speaker:
    """Whoever decides by that wave."""
    return deciding(shop_speaker, policy=wave.policy().to_dict(), kept=Kept.of_content(kept.content()))


def rows(speaker: Speaker, request: object) -> dict[str, dict[str, Any]]:
    body = recommend(speaker, LIMITS, encoded(request), day()).body
    return {row["customer_id"]: row for row in json.loads(body)["recommendations"]}


def everybody() -> list[str]:
    return [str(who) for who in scores()["customer_id"]]


@pytest.fixture(scope="module")
def all_rows(speaker: Speaker) -> dict[str, dict[str, Any]]:
    """What everybody is recommended."""
    return rows(speaker, asked(everybody()[::-1]))


def test_everybody_is_suggested_by_the_endpoint_what_the_wave_suggests(
    wave: Plan, all_rows: dict[str, dict[str, Any]]
) -> None:
    decided = wave.decisions().to_pylist()
    for row in decided:
        said = all_rows[row["customer_id"]]
        first = said["offers"][0] if said["offers"] else {"offer": "", "items": items_of(row["items"])}
        assert (first["offer"], first["items"]) == (row["offer"], items_of(row["items"]))
        assert said["why"] == row["why"]
    given = {row["offer"]: items_of(row["items"]) for row in decided if row["offer"]}
    assert {name: len(items) for name, items in given.items()} | {"ten": 0} == {"ten": 0, "again": 3, "fresh": 2}
    # Controls are drawn before anything is known of products, and what was meant for them has its products, too.
    assert any(row["items"] for row in decided if row["arm"] == "control")
    # Some have bought fewer than three different products.
    assert wave.figures()["offers"][1]["why_not"]["nothing to suggest"] > 0


def test_a_customer_alone_is_suggested_what_he_is_among_others(
    speaker: Speaker, all_rows: dict[str, dict[str, Any]]
) -> None:
    for who in everybody()[::60]:
        assert rows(speaker, asked([who]))[who] == all_rows[who]


def test_purchases_that_name_no_product_suggest_nothing_and_it_is_said(speaker: Speaker, wave: Plan) -> None:
    chosen = [row for row in wave.decisions().to_pylist() if row["offer"] == "again" and row["arm"] == "chosen"]
    request = asked([row["customer_id"] for row in chosen[:5]])
    assert {row["offers"][0]["offer"] for row in rows(speaker, request).values()} == {"again"}
    for customer in request["customers"]:
        customer["purchases"] = [{**row, "product_id": None} for row in customer["purchases"]]
    assert {offer["offer"] for row in rows(speaker, request).values() for offer in row["offers"]} <= {"ten"}
    # Without the discount there is nothing else.
    assert speaker.offering is not None
    policy = replace(wave.policy(), catalogue=Catalogue.of({**offers(), "offers": [AGAIN, FRESH]}))
    policy = replace(policy, responses=Responses.assumed(policy.catalogue))
    found = rows(deciding(speaker, policy=policy.to_dict(), kept=speaker.offering.shelf.kept), request)
    assert {row["why"] for row in found.values()} == {
        "nothing to suggest: no purchase that was told names `product_id`"
    }


def test_products_that_are_left_out_or_unknown_are_not_suggested(speaker: Speaker, kept: Kept) -> None:
    assert "soap" in kept.shelf.items.excluded
    (who,) = everybody()[:1]
    request = asked([who])
    first = {"amount": 5.0, "quantity": 1.0, "discount": 0.0, "purchased_at": f"{day().minus(3)}T10:00:00"}
    bought_now = [("p001", "bread"), ("p002", "soap"), ("nobody knows it", "bread"), ("p003", None), ("p004", "milk")]
    lines = [{**first, "order_id": None, "product_id": item, "category": kind} for item, kind in bought_now]
    request["customers"][0]["purchases"] = [*lines, {**lines[0], "product_id": "p005", "amount": -5.0}]
    request["customers"][0]["consent"] = [
        {"recorded_at": "2023-01-01T00:00:00Z", "channel": "all", "purpose": "all", "status": "granted"}
    ]
    assert speaker.offering is not None
    inquiry = speaker.offering.door.read(encoded(request))
    assert inquiry.asides.bought.texts["product_id"] == ["p001", "p002", "nobody knows it", "p003", "p004"]
    said = [offer for offer in rows(speaker, request)[who]["offers"] if offer["offer"] == "again"]
    # All were bought once, three days ago: by popularity. p002 was soap, p005 came back.
    place = {kept.names[at]: i for i, at in enumerate(kept.shelf.demand.by_popularity.tolist())}
    for offer in said:
        assert offer["items"] == sorted(["p001", "p003", "p004"], key=lambda name: place[name])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("product_id", 5),
        ("purchased_at", "yesterday"),
        ("purchased_at", 5),
        ("amount", "1"),
        ("amount", 1.00001),
        ("known_at", 5),
        ("order_id", 5),
    ],
)
def test_a_purchase_that_cannot_be_read_is_refused_once_and_by_its_place(
    speaker: Speaker, field: str, value: object
) -> None:
    request = asked(everybody()[:1])
    line = {"product_id": "p001", **request["customers"][0]["purchases"][0]}
    request["customers"][0]["purchases"] = [line, {**line, field: value}]
    with pytest.raises(Problem) as found:
        recommend(speaker, LIMITS, json.dumps(request).encode(), day())
    places = [(fault.customer, fault.table, fault.row, fault.field) for fault in found.value.faults]
    assert places == [(0, "purchases", 1, field)]


def test_a_shelf_that_is_not_the_waves_is_refused(shop_speaker: Speaker, wave: Plan, kept: Kept) -> None:
    policy = wave.policy().to_dict()
    for other in (None, replace(kept, window_days=7)):
        with pytest.raises(ConfigError, match="RG503: the shelf of products on stage is not the one"):
            deciding(shop_speaker, policy=policy, kept=other)


def test_without_a_shelf_the_endpoint_suggests_nothing_as_the_wave_did(shop_speaker: Speaker, tmp_path: Path) -> None:
    wave = plan_of({**offers(), "offers": [AGAIN]}, config().model_copy(update={"folder": tmp_path}))
    assert wave.notes[0] == "nobody gets again: nothing is kept of what to suggest; run `regulars products` first"
    found = rows(deciding(shop_speaker, policy=wave.policy().to_dict()), asked(everybody()[:20]))
    assert not any(row["offers"] for row in found.values())
    assert "nothing to suggest: the wave was assigned without a shelf of products" in {
        row["why"] for row in found.values()
    }


def test_what_was_suggested_is_kept_with_the_recommendation(
    shop_speaker: Speaker, wave: Plan, kept: Kept, tmp_path: Path
) -> None:
    speaker = deciding(shop_speaker, tmp_path / "online", wave.policy().to_dict(), kept)
    found = rows(speaker, asked(everybody()[:30]))
    (file,) = (tmp_path / "online").iterdir()
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    told = {line["customer_id"]: items_of(line["items"]) for line in lines if line["offer"]}
    assert told == {who: row["offers"][0]["items"] for who, row in found.items() if row["offers"]}
    assert any(told.values())
    assert recommended(tmp_path / "online").num_rows == 30


def test_the_description_says_that_offers_look_at_products_and_its_example_has_some(speaker: Speaker) -> None:
    assert speaker.offering is not None
    schema = speaker.offering.door.schema()
    row = schema["properties"]["customers"]["items"]["properties"]["purchases"]["items"]["properties"]
    assert row["product_id"]["description"].endswith("offers that suggest products look at it")
    assert row["category"]["description"].endswith("offers that suggest products look at it")
    assert "offers" not in row["amount"]["description"]
    (customer,) = speaker.offering.example(day())["customers"]
    assert all(line["product_id"] in speaker.offering.shelf.kept.names for line in customer["purchases"])


def test_a_shelf_that_was_tampered_with_lets_scores_be_given_without_offers(
    shop_speaker: Speaker, wave: Plan, kept: Kept, tmp_path: Path
) -> None:
    content = bytearray(kept.content())
    content[len(content) // 2] ^= 1
    stages = Stages(tmp_path / "server")
    laid(stages, shop_speaker.model, policy=wave.policy().to_dict(), shelf=bytes(content))
    found = speaker_of(stages.stage(), config(), shop_speaker)
    assert found.offering is None
    assert found.no_offers.startswith("RG502: what was kept of the products to suggest cannot be read")
