"""A request taken apart in few steps: nothing gets through that the contract's validator would refuse, or the reverse.

Examples of everything that a request can hold are spoilt in one place or several, by values of every kind.
"""

from __future__ import annotations

import copy
import json
import os
import re
from collections import Counter
from functools import cache
from random import Random
from typing import Any

import pytest
from pydantic_core import ValidationError

from regulars.serving.columns import Columns, columns_of
from regulars.serving.contract import Contract, Field

from ..simulated import trained
from .test_contract import contract

KEYS = ("as_of", "customers", "customer_id", "purchases", "events", "customer", "amount", "kind", "value", "note", "")
SCALARS = (None, True, False, 0, 1, -2.5, 10**400, "", "a", "10", " ", "2024-01-05", [], {}, [None], [1], ["a"], [{}])
KEY = re.compile(r'":')
ROW = {"purchased_at": "2024-01-05", "amount": 1, "order_id": "o", "known_at": None, "quantity": None}


@cache
def whole() -> Contract:
    return contract("everything")


@cache
def example() -> dict[str, Any]:
    """Two customers, of whom one is hardly known, with every table; day, outputs and horizons."""
    found: dict[str, Any] = whole().example(trained().model.trained_on)
    second = {**copy.deepcopy(found["customers"][0]), "customer_id": "b", "customer": {}, "offers": []}
    second["purchases"][0]["order_id"] = None
    return {**found, "customers": [*found["customers"], second], "outputs": ["late"], "horizons": [30]}


def places(value: object, place: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Every place within a value but the whole."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [where for key, of in inner for where in [(*place, key), *places(of, (*place, key))]]


def spoilt(chance: Random) -> Any:
    """The example with up to three values, keys or rows that are others, more, or left out."""
    found: Any = json.loads(json.dumps(example()))
    for _ in range(chance.randint(1, 3)):
        way: list[Any] = list(chance.choice(places(found) or [("as_of",)]))
        last, of = way.pop(), found
        for step in way:
            of = of[step]
        what = chance.choice(("other", "less", "more"))
        if what == "less" and (isinstance(of, list) or last in of):
            del of[last]
        elif what == "more" and isinstance(of, dict):
            of[chance.choice(KEYS)] = copy.deepcopy(chance.choice(SCALARS))
        else:
            of[last] = copy.deepcopy(chance.choice(SCALARS))
    return found


@pytest.mark.parametrize("seed", range(60 if os.environ.get("REGULARS_SOAK") == "1" else 3))
def test_whatever_is_spoilt_is_seen_just_when_the_validator_sees_it(seed: int) -> None:
    chance, validator, seen = Random(seed), whole().validator(), Counter[bool]()
    for request in (spoilt(chance) for _ in range(200)):
        try:
            validator.validate_json(json.dumps(request))
            fine = True
        except ValidationError as error:
            # A number too large for a double has another reader, who tells its place.
            fine = {kind["type"] for kind in error.errors()} <= {"finite_number"}
        assert (Columns.of(request, whole()) is not None) == fine, request
        seen[fine] += 1
    # Some of what is spoilt is still as it may be: a row less, another number.
    assert seen[True]
    assert seen[False]


def test_columns_hold_the_values_of_all_rows_and_where_those_of_each_customer_begin() -> None:
    found = Columns.of(example(), whole())
    assert found is not None
    assert (found.as_of, found.outputs, found.horizons) == (str(trained().model.trained_on), ["late"], [30])
    assert found.ids == ["customer-1", "b"]
    assert found.starts == {"purchases": [0, 3, 6], "events": [0, 1, 2], "offers": [0, 1, 1]}
    assert found.tables["purchases"]["amount"] == [19.9] * 6
    # Nobody names an order: the column is as good as not there.
    assert "order_id" not in found.tables["purchases"]
    assert (found.known[0].keys(), found.known[1]) == ({f.name for f in whole().customer}, {})
    assert found.keys == len(KEY.findall(json.dumps(example())))


@pytest.mark.parametrize(
    ("rows", "order"),
    [
        ([ROW, {k: v for k, v in ROW.items() if k != "order_id"}], ["o", None]),
        ([ROW, {**ROW, "order_id": None}], ["o", None]),
    ],
)
def test_what_may_be_left_out_is_none_where_it_is(rows: list[dict[str, object]], order: list[object]) -> None:
    fields = contract("a list of columns").tables["purchases"]
    ours = tuple(f for f in fields if f.name in ROW)
    found = columns_of(rows, ours)
    assert found is not None
    assert found["order_id"] == order
    # Null in all rows is as good as not there.
    assert "quantity" not in found


def test_rows_without_any_are_columns_without_values() -> None:
    assert columns_of([], (Field("amount", "number", "money"),)) == {"amount": []}
