"""What is wrong with a request is told by its place, all of it at once, and nothing that was sent is repeated."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from typing import Any

import pytest

from regulars.models.rows import Rows
from regulars.serving.body import refused

from .doors import (
    SECRET,
    broad_door,
    door,
    example,
    only,
    refusal,
    with_row,
)
from .histories import encoded

BAD_VALUES: list[tuple[str, object]] = [
    ("amount", "10"),
    ("amount", True),
    ("amount", None),
    ("amount", float("nan")),
    ("amount", float("-inf")),
    ("amount", 10**400),
    ("amount", 1e13),
    ("amount", 1.00001),
    ("amount", [1.0]),
    ("amount", {"value": 1}),
    ("quantity", "1"),
    ("quantity", False),
    ("discount", -0.01),
    ("product_id", 7),
    ("product_id", ""),
    ("category", ["x"]),
    ("order_id", 7),
    ("order_id", ""),
    ("purchased_at", None),
    ("purchased_at", ""),
    ("purchased_at", 1704412800000),
    ("purchased_at", "1704412800000"),
    ("purchased_at", "05/01/2024"),
    ("purchased_at", "2023-02-29"),
    ("purchased_at", "1989-12-31"),
    ("purchased_at", "2100-01-01"),
    ("purchased_at", f"2024-01-05 {SECRET}"),
    ("known_at", "soon"),
]


@pytest.mark.parametrize(("field", "value"), BAD_VALUES, ids=[f"{field}-{value!r:.20}" for field, value in BAD_VALUES])
def test_a_value_that_is_none_of_its_kind_is_told_by_customer_row_and_field(field: str, value: object) -> None:
    found = only(with_row(**{field: value}))
    assert (found.customer, found.table, found.row, found.field) == (0, "purchases", 1, field)
    assert found.problem


def test_a_number_too_large_for_a_double_is_told_by_its_place() -> None:
    body = encoded(with_row(amount=7.25)).replace(b"7.25", b"1e400")
    assert (only(body).row, only(body).field) == (1, "amount")


@pytest.mark.parametrize("field", ["amount", "purchased_at", "quantity", "discount", "product_id", "category"])
def test_what_the_model_looks_at_must_stand_in_every_row(field: str) -> None:
    found = only(with_row(**{field: ...}))
    assert (found.row, found.field, found.problem) == (1, field, "needed, and left out")


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("amuont", "an unknown key; did you mean `amount`?"),
        ("chanel", "an unknown key; did you mean `channel`?"),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest_that_we_know(key: str, said: str) -> None:
    found = only(with_row(**{key: SECRET}))
    assert (found.row, found.field, found.problem) == (1, "", said)


@pytest.mark.parametrize("key", [SECRET, SECRET * 2_000, "p_churn\x00", "\u202e"])
def test_an_unknown_key_is_never_repeated(key: str) -> None:
    for request in (
        with_row(**{key: 1}),
        {**example(), key: 1},
        {"customers": [{**example()["customers"][0], key: 1}]},
    ):
        assert only(request).problem.startswith("an unknown key")


BAD_CUSTOMERS: dict[str, object] = {
    "empty": "",
    "blank": "  ",
    "zero width": "\u200b",
    "a number": 5,
    "null": None,
    "a line break": f"{SECRET}\n",
    "a null": f"{SECRET}\x00",
    "an escape": f"\x1b[2J{SECRET}",
}


@pytest.mark.parametrize("kind", BAD_CUSTOMERS)
def test_an_id_that_can_be_none_is_told_once(kind: str) -> None:
    request = example()
    request["customers"][0]["customer_id"] = BAD_CUSTOMERS[kind]
    found = only(request)
    assert (found.customer, found.table, found.row, found.field) == (0, "", None, "customer_id")


def test_the_same_customer_twice_is_refused_where_he_comes_again() -> None:
    request = example()
    found = only({"customers": request["customers"] * 2})
    assert (found.customer, found.field) == (1, "customer_id")
    twice = example(broad_door())
    assert only({"customers": twice["customers"] * 2}, broad_door()).customer == 1


ODD: dict[str, tuple[object, str]] = {
    "a list": ([], ""),
    "nothing": (None, ""),
    "no customers": ({}, "customers"),
    "customers that are none": ({"customers": []}, "customers"),
    "customers by name": ({"customers": {"a": []}}, "customers"),
    "a customer that is a text": ({"customers": [SECRET]}, ""),
    "no day": ({**{"customers": [{"customer_id": "a", "purchases": []}]}, "as_of": "2024-02-30"}, "as_of"),
    "a day as a number": ({**{"customers": [{"customer_id": "a", "purchases": []}]}, "as_of": 20240105}, "as_of"),
    "a day of long ago": ({**{"customers": [{"customer_id": "a", "purchases": []}]}, "as_of": "1989-12-31"}, "as_of"),
    "null for a day": ({**{"customers": [{"customer_id": "a", "purchases": []}]}, "as_of": None}, "as_of"),
}


@pytest.mark.parametrize("kind", ODD)
def test_a_request_of_another_build_is_refused_by_field(kind: str) -> None:
    request, field = ODD[kind]
    assert only(request).field == field


@pytest.mark.parametrize(
    ("key", "value", "place"),
    [
        ("outputs", ["p_churn", f"p_{SECRET}"], 1),
        ("outputs", "p_churn", None),
        ("outputs", [5], 0),
        ("horizons", [30, 31], 1),
        ("horizons", ["30"], 0),
        ("horizons", [30.5], 0),
        ("horizons", [True], 0),
        ("horizons", 30, None),
        ("horizons", [30] * 101, None),
        ("outputs", ["late"] * 101, None),
    ],
)
def test_outputs_and_horizons_that_there_are_not_are_told_by_their_place(
    key: str, value: object, place: int | None
) -> None:
    found = only({**example(), key: value})
    assert (found.field, found.row) == (key, place)


@pytest.mark.parametrize(
    ("more", "code"), [({"outputs": []}, "RG395"), ({"outputs": ["late"], "horizons": [30]}, "RG396")]
)
def test_outputs_that_say_nothing_are_refused(more: Mapping[str, object], code: str) -> None:
    assert refusal({**example(), **more}).code == code


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        (b'"as_of":', b'"as_of": "2024-01-01", "as_of":', (None, "", None, "as_of")),
        (b'"customer_id":', b'"customer_id": "x", "customer_id":', (0, "", None, "customer_id")),
        (b'"amount":', b'"amount": 5, "\\u0061mount" :', (0, "purchases", 0, "amount")),
    ],
)
def test_a_key_that_stands_twice_is_told_by_its_place(old: bytes, new: bytes, place: tuple[Any, ...]) -> None:
    found = only(encoded(example()).replace(old, new, 1))
    assert (found.customer, found.table, found.row, found.field) == place


def test_every_fault_of_a_request_is_told_in_the_order_of_its_rows() -> None:
    request = example()
    rows = request["customers"][0]["purchases"]
    rows[0]["amount"], rows[0]["purchased_at"], rows[2]["discount"] = 1.00001, "soon", -1
    second = {**copy.deepcopy(request["customers"][0]), "customer_id": "b"}
    found = refusal({"as_of": "never", "customers": [request["customers"][0], second]})
    assert [(f.customer, f.row, f.field) for f in found.faults] == [
        (None, None, "as_of"),
        *((c, *place) for c in (0, 1) for place in ((0, "purchased_at"), (0, "amount"), (2, "discount"))),
    ]
    types = with_row(amount="1", quantity="2", category=3)
    assert {f.field for f in refusal(types).faults} == {"amount", "quantity", "category"}


def test_many_faults_are_counted_and_the_first_listed() -> None:
    request = example()
    request["customers"][0]["purchases"] = [{"amount": SECRET}] * 40
    said = json.loads(refusal(request).body("id"))
    # Each row lacks five keys, and its amount is a text.
    assert (len(said["errors"]), said["more"]) == (20, 40 * 6 - 20)
    assert {error["row"] for error in said["errors"]} == {0, 1, 2, 3}


BAD_BESIDE: list[tuple[str, int | None, str, object]] = [
    ("events", 0, "kind", " "),
    ("events", 0, "occurred_at", "soon"),
    ("events", 0, "value", "3"),
    ("events", 0, "value", ...),
    ("events", 0, "channel", ...),
    ("events", 0, "initiated_by", SECRET),
    ("offers", 0, "redeemed_at", "2000-01-01"),
    ("offers", 0, "redeemed_at", ...),
    ("offers", 0, "offer_id", None),
    ("customers", None, "joined_at", "soon"),
    ("customers", None, "age", 1.00001),
    ("customers", None, "category", ""),
    ("customers", None, "town", ...),
    ("customers", None, "referred_by", 5),
]


@pytest.mark.parametrize(("table", "row", "field", "value"), BAD_BESIDE)
def test_bad_rows_beside_the_purchases_are_told_by_their_place(
    table: str, row: int | None, field: str, value: object
) -> None:
    request = example(broad_door())
    second = {**request["customers"][0], "customer_id": "b"}
    request["customers"].append(copy.deepcopy(second))
    of = request["customers"][1]
    place = of["customer"] if table == "customers" else of[table][0]
    place[field] = value
    if value is ...:
        del place[field]
    found = only(request, broad_door())
    assert (found.customer, found.table, found.row, found.field) == (1, table, row, field)


def test_limits_count_customers_and_rows_of_all_tables_before_they_are_read() -> None:
    customer = example()["customers"][0]
    three = [{**customer, "customer_id": str(i)} for i in range(3)]
    assert len(door().read(encoded({"customers": three})).ids) == 3
    row = customer["purchases"][0]
    full = [{**customer, "purchases": [row] * 40}]
    assert door().read(encoded({"customers": full})).lines.n_lines == 40
    for customers in ([*three, customer], [{**customer, "purchases": [row] * 41}], [5] * 4, [{"purchases": [5] * 41}]):
        found = refusal({"customers": customers})
        assert (found.status, found.code) == (413, "RG381")
    # More objects than there may be: it is not even JSON.
    assert refusal(b"{" * 100).status == 413
    # A text without an end is looked at once, however many marks it holds.
    assert refusal(b"{" * 90 + b'"' + b'\\"' * 500_000).status == 413
    # Braces in texts are none.
    assert door().read(encoded(with_row(category="{" * 100))).ids == ["customer-1"]


def test_what_is_no_json_is_a_400() -> None:
    body = encoded(example())
    for bad in (b"", body[:-1], b"\xef\xbb\xbf" + body, body.replace(b"customer-1", b"\xff"), b"[" * 1_000):
        assert (refusal(bad).status, refusal(bad).code) == (400, "RG380")


def test_rows_of_one_table_are_refused_by_their_place_in_it() -> None:
    rows = Rows.of({"amount": [1.0, SECRET]})
    rows.money("amount")
    with pytest.raises(ValueError, match="amount") as error:
        rows.faults.settle()
    found = refused(error.value)
    assert [(f.customer, f.table, f.row, f.field) for f in found.faults] == [(None, "purchases", 1, "amount")]
    assert SECRET not in found.body("id").decode()
