"""The door: what a request says is read as the batch reads it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from regulars.features.events import Events
from regulars.models.outputs import USUAL
from regulars.models.request import lines_of
from regulars.models.request_beside import request_of
from regulars.serving.body import Door

from ..simulated import purchases
from .doors import (
    BESIDE,
    BROAD,
    LIMITS,
    broad,
    broad_door,
    door,
    example,
    model,
    only,
    two_customers,
    with_row,
)
from .histories import encoded, request_of_frame


def test_the_example_is_read() -> None:
    found = door().read(encoded(example()))
    assert (found.as_of, found.ids, found.wanted.outputs) == (model().trained_on, ["customer-1"], USUAL)
    # Three purchases: 1, 20 and 45 days before.
    assert found.lines.n_lines == 3
    assert found.beside is None
    assert broad_door().read(encoded(example(broad_door()))).beside is not None


def same_lines(left: Any, right: Any) -> None:
    assert left.customer_ids.tolist() == right.customer_ids.tolist()
    assert (left.known_at is None) == (right.known_at is None)
    for a, b in ((left.starts, right.starts), (left.time, right.time), (left.order, right.order)):
        assert a.tobytes() == b.tobytes()
    assert {k: v.tolist() for k, v in left.money.items()} == {k: v.tolist() for k, v in right.money.items()}
    assert {k: v.tolist() for k, v in left.codes.items()} == {k: v.tolist() for k, v in right.codes.items()}


def test_lines_are_those_of_a_frame_whatever_the_order_of_customers_and_rows() -> None:
    frame, ids = purchases(), ["0shopper00007", "0shopper00002", "0shopper00011"]
    assert frame["customer_id"].isin(ids).sum() <= LIMITS.max_rows
    request = request_of_frame(frame, door().contract, ids)
    mine = frame[frame["customer_id"].isin(ids)]
    meant = lines_of(mine, model().plan.columns, model().rules)
    found = door().read(encoded(request))
    assert found.ids == ids
    same_lines(found.lines, meant)
    for customer in request["customers"]:
        customer["purchases"].reverse()
    request["customers"].reverse()
    turned = door().read(encoded(request))
    assert turned.ids == ids[::-1]
    same_lines(turned.lines, meant)


def test_tables_beside_the_purchases_are_read_as_from_one_frame() -> None:
    frame = pd.DataFrame(BESIDE).astype(object)
    lines, beside = request_of(frame, broad().plan.columns, BROAD, broad().rules, {})
    found = Door(replace(broad(), begins={}), LIMITS).read(encoded(two_customers()))
    same_lines(found.lines, lines)
    assert found.beside is not None
    assert beside is not None
    for a, b in ((found.beside.events, beside.events), (found.beside.offers, beside.offers)):
        same_events(a, b)
    assert found.beside.traits.numbers["age"].tolist()[0] == beside.traits.numbers["age"].tolist()[0] == 41.25
    # Of b nothing is known, not even that nobody referred him.
    assert np.isnan(found.beside.traits.referred).tolist() == [False, True]
    assert np.array_equal(found.beside.traits.joined_day, beside.traits.joined_day, equal_nan=True)
    assert {k: v.tolist() for k, v in found.beside.traits.codes.items()} == {"town": [0, -1], "category": [-1, -1]}


def same_events(a: Events, b: Events) -> None:
    for left, right in zip(
        (a.customer, a.time, a.kind, a.channel, a.value, a.told),
        (b.customer, b.time, b.kind, b.channel, b.value, b.told),
        strict=True,
    ):
        assert left.tobytes() == right.tobytes()


def test_a_customer_without_purchases_has_no_lines_and_keeps_his_place() -> None:
    request = example()
    request["customers"].insert(0, {"customer_id": "nobody", "purchases": []})
    found = door().read(encoded(request))
    assert (found.ids, found.lines.customer_ids.tolist()) == (["nobody", "customer-1"], ["customer-1"])
    alone = door().read(encoded({"customers": request["customers"][:1]}))
    assert (alone.lines.n_customers, alone.lines.n_lines, alone.as_of) == (0, 0, None)


def test_null_says_that_something_is_not_known_where_that_may_be() -> None:
    nothing = with_row(quantity=None, discount=None, product_id=None, category=None, order_id=None, known_at=None)
    lines = door().read(encoded(nothing)).lines
    # The second purchase, 20 days before, is the second line.
    assert (lines.money["quantity"][1], lines.codes["product_id"][1]) == (0, -1)
    assert lines.known_at is None


def test_a_column_that_only_other_models_look_at_is_passed_over_but_not_of_another_type() -> None:
    assert door().read(encoded(with_row(channel="store"))).lines.n_lines == 3
    found = only(with_row(channel=5))
    assert (found.row, found.field, found.problem) == (1, "channel", "a text of Unicode characters, not empty, or null")


@pytest.mark.parametrize("table", ["events", "offers", "customer"])
def test_a_table_that_the_model_does_not_look_at_is_passed_over_and_one_that_it_does_is_needed(table: str) -> None:
    request = example()
    request["customers"][0][table] = {"town": "York"} if table == "customer" else [{"kind": "visit", "of": {"a": 1}}]
    assert door().read(encoded(request)).lines.n_lines == 3
    request["customers"][0][table] = 5
    needed = "an object with what is known of the customer, or {}" if table == "customer" else "a list of rows"
    assert only(request).field == table
    assert only(request).problem.startswith(needed)
    lacking = example(broad_door())
    del lacking["customers"][0][table]
    found = only(lacking, broad_door())
    assert "customers" if table == "customer" else table in (found.table, found.field)


def test_what_is_asked_for_is_what_is_wanted() -> None:
    found = door().read(encoded({**example(), "outputs": ["late", "p_churn"], "horizons": [30]}))
    assert list(found.wanted.columns) == ["late", "p_churn", "p_churn_30d"]
