"""The catalogue: what is read, what it is worth, and how each mistake is refused."""

from __future__ import annotations

import copy
import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest

import regulars.offers
from regulars.config import Config
from regulars.errors import ConfigError
from regulars.offering_section import ContactConfig
from regulars.offers.catalogue import Catalogue
from regulars.offers.follow_up import Trigger
from regulars.offers.offer import NO_VALUE, POINTS, TYPES, Offer, Type
from regulars.offers.ranges import Range

from .catalogues import catalogue, content

EXAMPLE = Path(regulars.offers.__file__).parent / "example.toml"


def offer(**keys: Any) -> Offer:
    return Offer.model_validate({"id": "one", "title": "One", "channels": ["email"]} | keys)


def refused(**changes: Any) -> str:
    with pytest.raises(ConfigError) as found:
        Catalogue.of(content(**changes))
    return str(found.value)


def test_options_stand_in_the_order_of_offers_then_of_their_channels() -> None:
    options = catalogue().options
    assert [o.name for o in options] == ["ten@email", "ten@sms", "gift@email", "call@sms"]
    assert [o.index for o in options] == [0, 1, 2, 3]
    assert options[1].channel.contact_cost(9.0) == 0.1


def test_the_dictionary_of_a_catalogue_gives_the_same_catalogue_and_digest_back() -> None:
    rule = {"any": [{"field": "orders", "op": "in", "value": [1, 2]}, {"not": {"field": "late", "op": "is_missing"}}]}
    limit = {"action": "channel:sms", "count": 10, "period": 30, "entity": "town"}
    one = catalogue(ten={"eligible": rule}, limits=[limit])
    again = Catalogue.of(json.loads(json.dumps(one.to_dict())))
    assert again == one
    assert again.digest == one.digest
    assert one.fields == {"orders", "late", "town"}


def test_a_default_written_out_has_the_same_digest_and_anything_else_another() -> None:
    one = catalogue().digest
    assert catalogue(campaign={"control": 0.10, "purpose": "marketing"}).digest == one
    assert catalogue(ten={"value": 10.0}).digest == one
    others = {
        catalogue(ten={"title": "Ten"}).digest,
        catalogue(ten={"value": 11}).digest,
        catalogue(campaign={"budget": 0}).digest,
    }
    assert len(others | {one}) == 4


def test_the_example_is_a_catalogue_without_a_remark() -> None:
    found = Catalogue.load(EXAMPLE)
    found.check_margins(0.3)
    assert found.warnings(0.3) == ()
    assert {o.type for o in found.offers} == {"percent", "gift", "information", "product_suggestion", "service_call"}


def test_the_catalogue_of_the_page_about_offers_is_one() -> None:
    page = (Path(__file__).parents[2] / "docs" / "offers.md").read_text(encoding="utf-8")
    found = Catalogue.of(tomllib.loads(page.split("```toml\n")[1].split("```")[0]))
    found.check_margins(0.3)
    assert found.warnings(0.3) == ()
    after = tomllib.loads(page.split("```toml\n")[2].split("```")[0])["offers"]["trigger"]
    assert Trigger.model_validate(after).words == "3 to 17 days after the first purchase"
    contact = tomllib.loads(page.split("```toml\n")[3].split("```")[0])["contact"]
    assert len(ContactConfig.model_validate(contact).caps) == 2


def test_the_json_schema_names_the_keys_as_a_user_writes_them() -> None:
    schema = Catalogue.model_json_schema()
    rule = schema["$defs"]["Rule"]["properties"]
    assert set(rule) == {"field", "op", "value", "all", "any", "not"}
    redemption = schema["$defs"]["OfferEconomics"]["properties"]["redemption"]
    assert "number" in json.dumps(redemption)


def test_what_a_redemption_takes_follows_from_type_and_value() -> None:
    # 10 % of 50 = 5; a gift of 4 is 4; 200 points of .01 = 2; double points, 3 a unit of money, .01 each:
    # (2 - 1) x 3 x .01 = 3 % of 50 = 1.50.
    assert offer(type="percent", value=10).taken.of(50) == 5
    assert offer(type="gift", value=4).taken.of(50) == 4
    assert offer(type="points", value=200, point_value=0.01).taken.of(50) == 2
    double = offer(type="points_multiplier", value=2, point_value=0.01, points_per_unit=3)
    assert double.taken.of(50) == pytest.approx(1.5)
    assert offer(type="percent", value=10, economics={"cost_per_redemption": 3}).taken.of(50) == 3
    assert [offer(type=t, value=4).in_price for t in ("amount", "bogo", "free_shipping", "gift")] == [True] * 3 + [
        False
    ]


def test_every_type_can_be_offered() -> None:
    assert get_args(Type) == tuple(TYPES)
    for name in TYPES:
        keys: dict[str, Any] = {} if name in NO_VALUE else {"value": 5}
        keys |= {"point_value": 0.01} if name in POINTS else {}
        keys |= {"points_per_unit": 1} if name == "points_multiplier" else {}
        found = offer(type=name, **keys)
        assert found.redemption == Range.of(0 if name in NO_VALUE else 1)
        assert (found.taken == (0, 0)) == (name in NO_VALUE)


def test_one_number_is_a_range_without_width() -> None:
    found = offer(type="percent", value=5, economics={"redemption": 0.2}, response={"save": [-0.1, 0, 0.1]})
    assert found.redemption == Range(0.2, 0.2, 0.2)
    assert found.response.save == Range(-0.1, 0.0, 0.1)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"type": "service_call", "value": 5}, "a service call offers no discount"),
        ({"type": "information", "value": 5}, "`value` does nothing for information"),
        ({"type": "percent"}, "percent needs a `value` above 0"),
        ({"type": "percent", "value": 101}, "101 per cent cannot be taken off"),
        ({"type": "amount", "value": 10, "minimum_spend": 5}, "10 are taken off an order of 5: a gift of money"),
        ({"type": "points", "value": 10}, "points needs `point_value`"),
        ({"type": "gift", "value": 1, "point_value": 1}, "gift has no `point_value`"),
        ({"type": "points_multiplier", "value": 2, "point_value": 1}, "needs `points_per_unit`"),
        ({"type": "points_multiplier", "value": 1, "point_value": 1, "points_per_unit": 1}, "above 1, such as 2"),
        ({"type": "gift", "value": 1, "channels": []}, "no channel carries it"),
        ({"type": "gift", "value": 1, "channels": ["sms", "sms"]}, "names `sms` twice"),
        ({"type": "gift", "value": 1, "economics": {"redemption": [0.3, 0.2, 0.4]}}, "does not ascend"),
        ({"type": "gift", "value": 1, "economics": {"redemption": [0.1, 0.2]}}, "one number, or three"),
        ({"type": "gift", "value": 1, "economics": {"redemption": 1.5}}, "1.5 is not within 0 to 1"),
        ({"type": "gift", "value": 1, "economics": {"redemption": "often"}}, "a number, or three of them"),
        ({"type": "gift", "value": 1, "response": {"basis": "experiment"}}, "say in `source`"),
    ],
)
def test_an_offer_that_contradicts_itself_says_what_to_do(keys: dict[str, Any], said: str) -> None:
    message = refused(ten={"value": 0} | keys)
    assert said in message
    assert "of `ten`" in message
    assert message.startswith("RG413")


def test_a_gift_of_money_is_let_through_with_words() -> None:
    why = {"at_a_loss": "who comes back stays for years"}
    found = catalogue(ten={"type": "amount", "value": 10, "minimum_spend": 5, "economics": why})
    assert any("who comes back stays for years" in said for said in found.warnings())


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"channels": [{"name": "email"}, {"name": "sms"}, {"name": "sms"}]}, "2 channels have the name `sms`"),
        ({"gift": {"id": "ten"}}, "2 offers have the id `ten`"),
        ({"gift": {"channels": ["emial"]}}, "there is no [[channels]] entry `emial`. Do: did you mean `email`?"),
        ({"gift": {"group": "coupon"}}, "`group` does nothing while `cool_down_days` is 0"),
        ({"limits": [{"action": "offer:tem", "count": 1}]}, "there is no offer `tem`. Do: did you mean `ten`?"),
        ({"limits": [{"action": "type:bogo", "count": 1}]}, "`type:bogo` does nothing"),
        ({"limits": [{"action": "group:x", "count": 1}]}, "no offer has a `group`"),
        ({"limits": [{"action": "everything", "count": 1}]}, "limits[0].action"),
        ({"limits": [{"count": 1, "money": 1}]}, "give `count` or `money`, and not both"),
        ({"limits": [{}]}, "give `count` or `money`, and not both"),
        ({"limits": [{"count": 1, "period": "week"}]}, "limits[0].period"),
        ({"limits": [{"count": 1, "period": 0}]}, '"campaign", or 1 to 3650 days'),
        ({"channels": [{"name": "E-Mail"}]}, "write `e-mail`: channels are compared without capitals"),
        ({"channels": [{"name": "a/b"}]}, "channels[0].name"),
        ({"campaign": {"control": 0.8, "explore": 0.2}}, "less than a tenth to choose for"),
        ({"campaign": {"send_weekdays": ["munday"]}}, "there is no day `munday`. Do: did you mean"),
        ({"campaign": {"send_from": "17:00", "send_until": "09:00"}}, "nothing could ever be sent"),
        ({"campaign": {"budget": -1}}, "campaign.budget"),
        ({"campaign": {"name": "Spring"}}, "campaign.name"),
        ({"offers": []}, "offers"),
    ],
)
def test_a_catalogue_that_contradicts_itself_says_what_to_do(changes: dict[str, Any], said: str) -> None:
    assert said in refused(**changes)


def test_two_limits_on_the_same_contradict_each_other_and_on_another_period_do_not() -> None:
    one = {"action": "offer:ten", "count": 500}
    both = refused(limits=[one, one | {"count": 100}])
    assert "two limits say how much of `offer:ten` there may be, 100 and 500" in both
    assert (
        len(catalogue(limits=[one, one | {"count": 100, "period": 30}, {"action": "offer:ten", "money": 5}]).limits)
        == 3
    )


def test_a_limit_of_nothing_beside_an_offer_that_it_shuts_out_is_a_contradiction() -> None:
    # The gift goes by e-mail only; ten goes by sms, too.
    said = refused(limits=[{"action": "channel:email", "count": 0}])
    assert "offer `gift` stands in the catalogue, and the limit `channel:email` of 0 shuts it out" in said
    assert catalogue(limits=[{"action": "channel:sms", "money": 0}]).limits  # The call by sms costs nothing.


def test_a_limit_that_never_bites_is_remarked() -> None:
    found = catalogue(limits=[{"count": 10}, {"action": "offer:ten", "count": 50}])
    assert "the limit `offer:ten` of 50 never bites: all together are 10" in found.warnings()


@pytest.mark.parametrize(
    ("changes", "code", "said"),
    [
        ({"ten": {"valu": 3}}, "RG411", "`offers[0].valu` of `ten` in the catalogue. Do: did you mean `value`?"),
        ({"campaign": {"nam": "x"}}, "RG411", "`campaign.nam` in the catalogue. Do: did you mean `name`?"),
        ({"limit": []}, "RG411", "`limit` in the catalogue. Do: did you mean `limits`?"),
        ({"ten": {"eligible": {"fild": "a"}}}, "RG411", "`offers[0].eligible.fild` of `ten`"),
        ({"offers": [{"id": "a", "type": "gift", "title": "A"}]}, "RG412", "Needed: the channels that carry it"),
        (
            {"ten": {"type": "percnt"}},
            "RG413",
            "type` of `ten` in the catalogue is `percnt`. Do: did you mean `percent`?",
        ),
        ({"ten": {"title": ""}}, "RG413", "title` of `ten` in the catalogue is empty. Needed: what the customer reads"),
        ({"ten": {"value": "much"}}, "RG413", "is `much`. Needed: what it is worth; its unit follows type; a number"),
        ({"ten": {"valid_days": 0}}, "RG413", "valid_days` of `ten` in the catalogue is `0`. Needed: "),
        ({"ten": {"channels": "email"}}, "RG413", "is `email`. Needed: the channels that carry it, by name; a list"),
        ({"ten": {"economics": {"at_a_loss": "why"}}}, "RG413", "in a sentence; at least 10 characters"),
        ({"campaign": {"budget": float("nan")}}, "RG413", "is `nan`. Needed: money for all its waves"),
        ({"campaign": []}, "RG413", "`campaign` in the catalogue is a list. Needed: a table"),
        (
            {"limits": [{"count": 1, "period": "week"}]},
            "RG413",
            "`limits[0].period` in the catalogue is `week`. Needed",
        ),
    ],
)
def test_unknown_missing_and_wrong_keys_are_named_as_they_are_written(
    changes: dict[str, Any], code: str, said: str
) -> None:
    message = refused(**changes)
    assert message.startswith(code)
    assert said in message


def test_further_problems_are_counted_once_each() -> None:
    message = refused(ten={"valu": 3}, campaign={"nam": "x"})
    assert "(and 1 more: `offers[0].valu` of `ten`)" in message


def _places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if place:
        yield place
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, below in inner:
        yield from _places(below, (*place, key))


@pytest.mark.parametrize("junk", [None, float("nan"), 10**400, "", [{}], {"a": 1}], ids=str)
def test_whatever_stands_anywhere_is_taken_or_refused_in_plain_words(junk: Any) -> None:
    limit = {"action": "any", "count": 5, "period": 30, "entity": "customer"}
    rule = {"any": [{"field": "a", "op": ">", "value": 1}, {"not": {"field": "b", "op": "in", "value": ["x"]}}]}
    whole = content(limits=[limit], ten={"eligible": rule, "economics": {"redemption": [0.1, 0.2, 0.3]}})
    refused = []
    for place in _places(whole):
        changed = copy.deepcopy(whole)
        section: Any = changed
        for step in place[:-1]:
            section = section[step]
        section[place[-1]] = junk
        try:
            Catalogue.of(changed).warnings()
        except ConfigError as error:
            refused.append(str(error))
    assert len(refused) > 30
    assert [said for said in refused if re.search("Input should|pydantic|valid |Value error", said)] == []


def test_a_discount_above_the_margin_is_refused_unless_it_says_why() -> None:
    # 10 % off at a margin of 8 %: each order with it loses 2 %. A partner who pays half: 5 % < 8 %.
    lossy = catalogue()
    with pytest.raises(ConfigError, match=r"RG416.*`ten` gives away 10 % of an order, of which 8 % are earned"):
        lossy.check_margins(0.08)
    lossy.check_margins(0.12)
    catalogue(ten={"economics": {"funding": 0.5}}).check_margins(0.08)
    catalogue(ten={"economics": {"margin": 0.5}}).check_margins(0.08)
    on_purpose = catalogue(ten={"economics": {"at_a_loss": "it brings people to the shop"}})
    on_purpose.check_margins(0.08)
    assert "offer `ten` is given at a loss on purpose: it brings people to the shop" in on_purpose.warnings(0.08)


def test_a_fixed_sum_is_held_against_the_least_order() -> None:
    # 4 of at least 40 is 10 %, of 80 it is 5 %: at a margin of 9 % only the larger order pays, which is no mistake.
    gift = content(offers=[content()["offers"][1]], channels=[{"name": "email"}])
    Catalogue.of(gift).check_margins(0.09)
    assert Catalogue.of(gift).warnings(0.11) == ()
    (said,) = Catalogue.of(gift).warnings(0.09)
    assert "costs 10 % of an order of 40, the least it is for, of which 9 % are earned: only larger orders pay" in said
    del gift["offers"][0]["minimum_spend"]
    (said,) = Catalogue.of(gift).warnings(0.11)
    assert "has no `minimum_spend`" in said


def test_no_control_and_no_exploration_are_allowed_and_remarked() -> None:
    said = " ".join(catalogue(campaign={"control": 0, "explore": 0}).warnings())
    assert "nobody to compare with" in said
    assert "nothing is learnt of them" in said


def test_an_offer_without_a_response_is_remarked() -> None:
    assert any("`ten` is said to bring nothing" in said for said in catalogue(ten={"response": {}}).warnings())


def test_a_field_that_there_is_not_is_named_with_the_nearest() -> None:
    found = catalogue(ten={"eligible": {"not": {"field": "p_chrn", "op": ">", "value": 0.5}}})
    with pytest.raises(ConfigError, match=r"RG414.*offer `ten` looks at `p_chrn`.*did you mean `p_churn`\?"):
        found.check_fields({"p_churn", "orders"})
    by_town = catalogue(limits=[{"count": 3, "entity": "town"}])
    with pytest.raises(ConfigError, match="the limit `any` looks at `town`"):
        by_town.check_fields({"twon"})


def test_a_sensitive_field_is_refused_even_if_it_is_known() -> None:
    found = catalogue(ten={"eligible": {"field": "Gender", "op": "==", "value": "f"}})
    with pytest.raises(ConfigError, match=r"RG415.*declared sensitive"):
        found.check_fields({"Gender"}, sensitive=["gender"])


def test_files_that_cannot_be_read_say_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"RG410.*there is no catalogue"):
        Catalogue.load(tmp_path / "offers.toml")
    (tmp_path / "offers.toml").write_text("[campaign\n")
    with pytest.raises(ConfigError, match=r"RG410.*is not TOML"):
        Catalogue.load(tmp_path / "offers.toml")
    (tmp_path / "offers.toml").write_text("a = " + "[" * 3000 + "]" * 3000)
    with pytest.raises(ConfigError, match=r"RG410.*is not TOML"):
        Catalogue.load(tmp_path / "offers.toml")
    (tmp_path / "offers.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match=r"RG410.*cannot be read"):
        Catalogue.load(tmp_path / "offers.toml")


def test_a_configuration_gives_its_catalogue_held_against_margin_and_sensitive_columns(tmp_path: Path) -> None:
    (tmp_path / "offers.toml").write_text(EXAMPLE.read_text(encoding="utf-8"), encoding="utf-8")
    config = Config.of(economics={"margin": 0.3}).model_copy(update={"folder": tmp_path})
    assert Catalogue.of_config(config).to_dict() == Catalogue.of(tomllib.loads(EXAMPLE.read_text())).to_dict()
    people = {"path": "people.csv", "customer_id": "id", "sensitive": ["orders"]}
    private = Config.of(data={"customers": people}).model_copy(update={"folder": tmp_path})
    with pytest.raises(ConfigError, match="RG415"):
        Catalogue.of_config(private)


def test_an_unknown_offer_is_named_with_the_nearest() -> None:
    assert catalogue().offer("gift").value == 4
    with pytest.raises(ConfigError, match=r"there is no offer `gist`.*did you mean `gift`"):
        catalogue().offer("gist")


def test_products_go_with_suggestions_alone() -> None:
    assert "only product_suggestion carries products" in refused(ten={"items": 2})
    assert "`suggest`, `least_items` would do nothing for percent" in refused(
        ten={"suggest": "buy again", "least_items": 1}
    )
    suggestion = {"id": "one", "type": "product_suggestion", "title": "One", "channels": ["email"]}
    for keys, said in (
        ({"items": 11}, "at most 10"),
        ({"items": 0}, "at least 1"),
        ({"items": 2, "least_items": 3}, "`least_items` is 3 and `items` is 2: nobody could ever get it"),
        ({"suggest": "buy agian"}, "did you mean `buy again`"),
    ):
        assert said in refused(offers=[{**suggestion, **keys}])


def test_a_catalogue_from_before_there_were_products_has_the_digest_that_it_had() -> None:
    # What came later is left out where it says nothing: waves keep the digest of their catalogue.
    assert not {"suggest", "items", "least_items"} & set(catalogue().to_dict()["offers"][0])
    plain = {"id": "one", "type": "product_suggestion", "title": "One", "channels": ["email"]}
    digests = [Catalogue.of(content(offers=[{**plain, **keys}])).digest for keys in ({}, {"items": 3}, {"items": 4})]
    assert digests[0] == digests[1] != digests[2]
    told = Catalogue.of(content(offers=[{**plain, "suggest": "buy again", "items": 4}])).to_dict()
    assert Catalogue.of(told).offers[0].items == 4
