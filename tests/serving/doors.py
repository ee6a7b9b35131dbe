"""Two doors to try, requests to them, and what they are refused for.

The shop of `tests/simulated.py` knows purchases alone; `BROAD` looks at events, offers and the customers, too.
"""

from __future__ import annotations

import copy
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from regulars.features.shape import Shape
from regulars.models.model import Model
from regulars.serving.body import Door
from regulars.serving.problems import Fault, Problem
from regulars.serving_section import ServeConfig

from ..simulated import trained
from .histories import encoded

LIMITS = ServeConfig(max_customers=3, max_rows=40)


BROAD = Shape(
    kinds=("points_earned", "visit"),
    channels=("app",),
    offers=True,
    attributes=("town", "category"),
    numbers=("age",),
    joined=True,
    referred=True,
)


SECRET = "5ecret"


@cache
def model() -> Model:
    return trained().model


@cache
def broad() -> Model:
    """The same as if it looked at all tables; it can read, not answer."""
    return replace(model(), shape=BROAD)


@cache
def door() -> Door:
    return Door(model(), LIMITS)


@cache
def broad_door() -> Door:
    return Door(broad(), LIMITS)


def example(of: Door | None = None) -> dict[str, Any]:
    return copy.deepcopy((of or door()).example(model().trained_on))


def refusal(request: object, of: Door | None = None) -> Problem:
    """How a request is refused: never with anything of it."""
    body = request if isinstance(request, bytes) else encoded(request)
    with pytest.raises(Problem) as found:
        (of or door()).read(body)
    said = found.value.body("id").decode()
    assert SECRET not in said
    assert "customer-1" not in said
    return found.value


def only(request: object, of: Door | None = None) -> Fault:
    """The one fault of a request."""
    found = refusal(request, of)
    assert (found.status, found.code) == (422, "RG382")
    assert len(found.faults) == 1, found.faults
    return found.faults[0]


BESIDE: dict[str, list[Any]] = {
    "table": [None, "events", "events", "offers", "customers", None],
    "customer_id": ["a", "a", "b", "a", "a", "b"],
    "purchased_at": ["2024-01-05T10:00", None, None, None, None, "2024-01-06"],
    "amount": [1.5, None, None, None, None, 2.0],
    "order_id": [None, None, None, None, None, "o"],
    "occurred_at": [None, "2024-01-06T11:00", "2024-01-07", None, None, None],
    "kind": [None, "visit", "points_earned", None, None, None],
    "channel": [None, "app", None, None, None, None],
    "value": [None, None, 3.5, None, None, None],
    "offered_at": [None, None, None, "2024-01-07", None, None],
    "offer_id": [None, None, None, "x", None, None],
    "redeemed_at": [None, None, None, "2024-01-08T00:30", None, None],
    "joined_at": [None, None, None, None, "2023-12-31", None],
    "referred_by": [None, None, None, None, "b", None],
    "town": [None, None, None, None, "York", None],
    "customers.category": [None, None, None, None, None, None],
    "age": [None, None, None, None, 41.25, None],
}


def two_customers() -> dict[str, Any]:
    """The same as `BESIDE`, as JSON."""
    visit = {"occurred_at": "2024-01-06T11:00", "kind": "visit", "channel": "app", "value": None}
    points = {"occurred_at": "2024-01-07", "kind": "points_earned", "channel": None, "value": 3.5}
    offer = {"offered_at": "2024-01-07", "offer_id": "x", "redeemed_at": "2024-01-08T00:30"}
    of_a = {"joined_at": "2023-12-31", "referred_by": "b", "town": "York", "category": None, "age": 41.25}
    bought = ({"purchased_at": "2024-01-05T10:00", "amount": 1.5}, {"purchased_at": "2024-01-06", "amount": 2})
    a = {"customer_id": "a", "purchases": [bought[0]], "events": [visit], "offers": [offer], "customer": of_a}
    of_b = {"customer_id": "b", "purchases": [{**bought[1], "order_id": "o"}], "events": [points]}
    return {"customers": [a, {**of_b, "offers": [], "customer": {}}]}


def with_row(**values: object) -> dict[str, Any]:
    """The example whose second purchase has other values; `...` leaves a key out."""
    request = example()
    row = {**request["customers"][0]["purchases"][1], **values}
    request["customers"][0]["purchases"][1] = {key: value for key, value in row.items() if value is not ...}
    return request
