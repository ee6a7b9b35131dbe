"""A request for recommendations is read whole, or refused with the place of everything that is wrong with it."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from regulars.clock import Zone
from regulars.serving.asides import AsideDoor
from regulars.serving.inquiry import Inquiry, InquiryDoor
from regulars.serving.problems import Fault, Problem

from .doors import BROAD, SECRET, broad_door, door, example
from .histories import encoded

ZONE = Zone("America/New_York")
BESIDE = AsideDoor(("town",), ("age",))
YES = {"recorded_at": "2024-01-05", "channel": "email", "purpose": "marketing", "status": "granted"}
MAIL = {"contacted_at": "2024-01-06T10:00:00Z", "channel": "email"}


def inquiry_door() -> InquiryDoor:
    return InquiryDoor(door(), BESIDE, ZONE)


def request(**customer: object) -> dict[str, Any]:
    """The example, its customer with more."""
    found = example()
    found["customers"][0] |= customer
    return found


def read(asked: object) -> Inquiry:
    return inquiry_door().read(asked if isinstance(asked, bytes) else encoded(asked))


def refusal(asked: object, of: InquiryDoor | None = None) -> Problem:
    """How a request is refused: never with anything of it."""
    body = asked if isinstance(asked, bytes) else encoded(asked)
    with pytest.raises(Problem) as found:
        (of or inquiry_door()).read(body)
    said = found.value.body("id").decode()
    assert SECRET not in said
    assert "customer-1" not in said
    return found.value


def faults(asked: object) -> list[Fault]:
    found = refusal(asked)
    assert (found.status, found.code) == (422, "RG382")
    return list(found.faults)


def test_what_stands_beside_purchases_is_read_with_its_customer_and_its_instant() -> None:
    asked = request(consent=[YES], contacts=[MAIL, {**MAIL, "offer": "ten"}], attributes={"town": "York", "age": 41.5})
    second = {**asked["customers"][0], "customer_id": "b", "consent": [{**YES, "status": "withdrawn"}]}
    asked["customers"].append({**second, "contacts": [], "attributes": {"town": None, "age": None, "more": [1]}})
    found = read(asked)
    assert found.asides.consent.customer.tolist() == [0, 1]
    assert found.asides.consent.texts["status"] == ["granted", "withdrawn"]
    # Midnight of 5 January in New York is 5:00 in UTC.
    assert found.asides.consent.at[0] == np.datetime64("2024-01-05T05:00", "us").astype(np.int64)
    assert found.asides.contacts.customer.tolist() == [0, 0]
    assert found.asides.contacts.texts["offer"] == ["", "ten"]
    assert found.asides.contacts.at[0] == np.datetime64("2024-01-06T10:00", "us").astype(np.int64)
    assert found.asides.attributes["town"].tolist() == ["York", None]
    np.testing.assert_array_equal(found.asides.attributes["age"], [41.5, np.nan])
    assert (found.is_dry, found.scored) == (False, False)


def test_the_part_for_the_model_is_read_as_by_its_own_door() -> None:
    asked = {**example(), "outputs": ["p_churn"]}
    mine, own = read({**asked, "dry_run": True}), door().read(encoded(asked))
    assert (mine.request.as_of, mine.request.wanted, mine.request.ids) == (own.as_of, own.wanted, own.ids)
    np.testing.assert_array_equal(mine.request.lines.time, own.lines.time)
    np.testing.assert_array_equal(mine.request.lines.money["amount"], own.lines.money["amount"])
    assert (mine.is_dry, mine.scored) == (True, True)


def test_nothing_said_is_no_permission_no_contact_and_nothing_known() -> None:
    for attributes in ({}, {"attributes": {}}):
        found = read(request(**attributes)).asides
        assert len(found.consent.at) == len(found.contacts.at) == len(found.events.at) == 0
        assert found.attributes["town"].tolist() == [None]
        assert np.isnan(found.attributes["age"]).all()


def test_complaints_and_what_the_company_did_are_seen_though_the_model_does_not_look_at_events() -> None:
    events = [
        {"occurred_at": "2024-01-06", "kind": "complaint"},
        {"occurred_at": "2024-01-07", "kind": "visit"},
        {"occurred_at": "2024-01-08", "kind": "call", "initiated_by": "company", "channel": "phone"},
    ]
    found = read(request(events=events)).asides.events
    assert found.texts["kind"] == ["complaint", "call"]
    assert found.texts["channel"] == ["", "phone"]
    bad = faults(
        request(events=[{"occurred_at": SECRET, "kind": "visit"}, {"occurred_at": SECRET, "kind": "complaint"}])
    )
    assert [(f.customer, f.table, f.row, f.field) for f in bad] == [(0, "events", 1, "occurred_at")]


def test_what_the_door_of_the_model_says_of_the_same_row_is_said_once() -> None:
    of = InquiryDoor(broad_door(), BESIDE, ZONE)
    asked = example(broad_door())
    asked["customers"][0]["events"] = [{"occurred_at": SECRET, "kind": "complaint", "channel": None, "value": None}]
    assert BROAD.kinds == ("points_earned", "visit")
    assert [(f.table, f.row, f.field) for f in refusal(asked, of).faults] == [("events", 0, "occurred_at")]


def test_every_fault_of_both_parts_is_told_at_once_by_its_place() -> None:
    asked = request(
        consent=[YES, {**YES, "recorded_at": "soon", "status": SECRET}, {"channel": "email"}],
        contacts=[{**MAIL, SECRET: 1}],
        attributes={"town": 5},
    )
    asked["customers"][0]["purchases"][1]["amount"] = "1"
    found = {(f.table, f.row, f.field) for f in faults(asked)}
    # The form is looked at first: what has another one cannot be read further.
    assert found == {
        ("purchases", 1, "amount"),
        ("consent", 2, "recorded_at"),
        ("consent", 2, "purpose"),
        ("consent", 2, "status"),
        ("contacts", 0, ""),
        ("attributes", None, "town"),
    }
    asked = request(consent=[YES, {**YES, "recorded_at": "soon", "status": SECRET}], attributes={"town": "York"})
    found = {(f.table, f.row, f.field) for f in faults(asked)}
    assert found == {("consent", 1, "recorded_at"), ("consent", 1, "status"), ("attributes", None, "age")}


@pytest.mark.parametrize(
    ("customer", "place"),
    [
        ({"consent": None}, ("", "consent")),
        ({"consent": {}}, ("", "consent")),
        ({"consent": [5]}, ("consent", "")),
        ({"contacts": "often"}, ("", "contacts")),
        ({"contacts": [{**MAIL, "channel": ""}]}, ("contacts", "channel")),
        ({"contacts": [{**MAIL, "contacted_at": "2024-02-30"}]}, ("contacts", "contacted_at")),
        ({"consent": [{**YES, "purpose": " "}]}, ("consent", "purpose")),
        ({"consent": [{**YES, "status": "yes"}]}, ("consent", "status")),
        ({"attributes": []}, ("", "attributes")),
        ({"attributes": {"town": "York", "age": "41"}}, ("attributes", "age")),
        ({"attributes": {"town": "York", "age": True}}, ("attributes", "age")),
        ({"consents": []}, ("", "")),
    ],
)
def test_another_form_is_refused_at_its_place(customer: dict[str, object], place: tuple[str, str]) -> None:
    (found,) = faults(request(**customer))
    assert (found.customer, (found.table, found.field)) == (0, place)


def test_an_unknown_key_is_told_with_the_nearest_that_there_is() -> None:
    assert "did you mean `consent` or `contacts`?" in faults(request(consents=[]))[0].problem
    assert "did you mean `status`?" in faults(request(consent=[{**YES, "statuss": 1}]))[0].problem


@pytest.mark.parametrize("value", ["yes", 1, None, []])
def test_dry_run_is_true_or_false(value: object) -> None:
    (found,) = faults({**example(), "dry_run": value})
    assert (found.customer, found.field) == (None, "dry_run")


def test_a_key_that_stands_twice_is_refused_wherever_it_is() -> None:
    body = encoded(request(consent=[YES], attributes={"town": "York", "age": 1}))
    for old, new in [
        (b'"status": "granted"', b'"status": "granted", "status": "granted"'),
        (b'"town": "York"', b'"town": "York", "town": "Hull"'),
        (b'"consent": [', b'"consent": [], "consent": ['),
        (b'"amount"', b'"amount": 1, "amount"'),
    ]:
        assert body.count(old) >= 1
        assert faults(body.replace(old, new, 1))[0].problem == "each key once"


def test_numbers_that_json_does_not_have_are_refused_wherever_they_stand() -> None:
    body = encoded(request(attributes={"town": "York", "age": 12345, "more": 6789}))
    assert [refusal(body.replace(b"12345", n)).status for n in (b"NaN", b"-Infinity", b"1e400")] == [422] * 3
    assert [refusal(body.replace(b"6789", n)).status for n in (b"NaN", b"Infinity")] == [400, 400]


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b"{}", b'{"customers": 5}', b'{"customers": [5]}', b"{", b"\xff"]
)
def test_what_is_no_request_is_refused(body: bytes) -> None:
    assert refusal(body).status in (400, 422)


def test_rows_of_permissions_and_contacts_count_among_those_that_a_request_may_hold() -> None:
    # 40 rows may be sent, and 3 are purchases.
    assert len(read(request(consent=[YES] * 37)).asides.consent.at) == 37
    assert refusal(request(consent=[YES] * 18, contacts=[MAIL] * 20)).status == 413
    assert refusal({"customers": [{}] * 2000}).status == 413
    assert json.loads(refusal(request(consent=[YES] * 38)).body("id"))["code"] == "RG381"


def test_the_schema_tells_what_stands_beside_purchases() -> None:
    found = inquiry_door().schema()
    customer = found["properties"]["customers"]["items"]
    assert customer["properties"]["consent"]["items"]["properties"]["status"]["enum"] == ["granted", "withdrawn"]
    assert set(customer["properties"]["attributes"]["properties"]) == {"town", "age"}
    assert "consent" not in customer["required"]
    assert found["properties"]["dry_run"]["type"] == "boolean"
    assert "consent" not in door().schema()["properties"]["customers"]["items"]["properties"]
