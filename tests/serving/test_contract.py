"""What a request must say: one list of fields for the parser, the JSON schema and the example."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from regulars.features.shape import Shape
from regulars.models.model import Model
from regulars.models.outputs import OUTPUTS
from regulars.models.request import columns_of_request
from regulars.serving.columns import Columns
from regulars.serving.contract import BESIDE_US, Contract
from regulars.serving_section import ServeConfig

from ..simulated import trained

LIMITS = ServeConfig(max_customers=7, max_rows=11)
SHAPES = {
    "purchases alone": Shape(),
    "a list of columns": Shape(columns=("quantity", "product_id", "channel")),
    "events": Shape(kinds=("visit",)),
    "points on channels": Shape(kinds=("points_earned",), channels=("app", "store")),
    "offers": Shape(offers=True),
    "customers": Shape(attributes=("town", "amount"), numbers=("age",), joined=True),
    "everything": Shape.complete(),
}


@cache
def contract(kind: str) -> Contract:
    return Contract.of(model(kind))


@cache
def model(kind: str) -> Model:
    return replace(trained().model, shape=SHAPES[kind])


@pytest.mark.parametrize("kind", SHAPES)
def test_the_example_fits_the_schema_and_the_parser(kind: str) -> None:
    schema = contract(kind).schema(LIMITS)
    Draft202012Validator.check_schema(schema)
    example = contract(kind).example(trained().model.trained_on)
    Draft202012Validator(schema).validate(example)
    assert contract(kind).validator().validate_python(example) == example
    assert Columns.of(example, contract(kind)) is not None


@pytest.mark.parametrize("kind", SHAPES)
def test_every_column_of_a_request_in_one_table_has_its_field(kind: str) -> None:
    columns = {c.name for c in columns_of_request(model(kind).plan.columns, model(kind).shape)}
    tables = contract(kind).tables.values()
    named = {
        f.column or f.name
        for fields in (*tables, contract(kind).customer)
        for f in fields
        if BESIDE_US not in f.meaning
    }
    # The others say whose row it is and of which table, or are of things that the model does not look at.
    assert named <= columns
    assert columns - named <= {"customer_id", "table", "referred_by", "joined_at", "channel"}


@pytest.mark.parametrize(
    ("kind", "tables"),
    [
        ("purchases alone", ["customer_id", "purchases"]),
        ("events", ["customer_id", "purchases", "events"]),
        ("customers", ["customer_id", "purchases", "customer"]),
        ("everything", ["customer_id", "purchases", "events", "offers", "customer"]),
    ],
)
def test_a_table_is_needed_exactly_when_the_model_looks_at_it(kind: str, tables: list[str]) -> None:
    customer: Any = contract(kind).schema(LIMITS)["properties"]["customers"]["items"]
    assert customer["required"] == tables
    assert set(customer["properties"]) == {"customer_id", "purchases", "events", "offers", "customer"}
    assert customer["additionalProperties"] is False


def test_the_value_and_the_channel_of_an_event_are_needed_where_features_look_at_them() -> None:
    needed = {
        kind: {f.name for f in contract(kind).tables["events"] if f.required}
        for kind in SHAPES
        if "e" in kind and "events" in contract(kind).tables
    }
    assert needed["events"] == {"occurred_at", "kind"}
    assert contract("points on channels").tables["events"][2].required
    names = {f.name for f in contract("points on channels").tables["events"] if f.required}
    assert names == {"occurred_at", "kind", "channel", "value"}


def test_limits_outputs_and_horizons_stand_in_the_schema() -> None:
    properties: Any = contract("purchases alone").schema(LIMITS)["properties"]
    assert properties["customers"]["maxItems"] == 7
    assert properties["customers"]["items"]["properties"]["purchases"]["maxItems"] == 11
    assert properties["outputs"]["items"]["enum"] == list(OUTPUTS)
    assert properties["horizons"]["items"]["enum"] == [30]


def test_an_empty_object_says_that_nothing_is_known_of_a_customer() -> None:
    schema = Draft202012Validator(contract("customers").schema(LIMITS))
    example: Any = contract("customers").example(trained().model.trained_on)
    example["customers"][0]["customer"] = {}
    schema.validate(example)
    example["customers"][0]["customer"] = {"town": "York"}
    assert not schema.is_valid(example)


def test_what_any_model_may_look_at_may_stand_in_every_request() -> None:
    whole, bare = contract("everything"), contract("purchases alone")
    assert {f.name for f in whole.tables["purchases"]} == {f.name for f in bare.tables["purchases"]}
    assert set(whole.of_customer) == {*bare.of_customer, *bare.passed_over}
