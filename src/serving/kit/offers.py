"""That offers are recommended as they may be: with consent, never to a control, alike whenever it is asked.

In: a `Caller`. Out: checks by their sentences. All of them are dry runs, so that nothing is kept. A server without a
policy, or whose wave is read out, must say so, and nothing else is asked of it.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

from .caller import MARK, Broken, Caller

PAGE = "/v1/recommendations"
SUGGESTION = "product_suggestion"
MANY = 40
"""Customers of other names, so that some fall into every arm."""
IDLE = ("holdout", "control")
Asked = dict[str, Any]


def _inquiry(caller: Caller) -> Asked | None:
    """The example of the description; where there is none, no wave was assigned, or it is read out, which is said."""
    asked = caller.inquiry()
    if asked is None:
        caller.post(PAGE, caller.example()).expect(404, 409)
    return asked


def _several(caller: Caller, asked: Asked, first_name: int = 0) -> Asked:
    """The example's customer under as many names as the server takes at once, each with every consent there is."""
    (first,) = asked["customers"]
    said = {**first["consent"][0], "channel": "all", "purpose": "all", "status": "granted"}
    rows = sum(len(of) for of in first.values() if isinstance(of, list))
    many = min(MANY, caller.limit("max_customers"), caller.limit("max_rows") // max(1, rows + 1))
    each = (
        {**copy.deepcopy(first), "customer_id": f"kit {first_name + at:02d}", "consent": [said]} for at in range(many)
    )
    return {**asked, "customers": list(each)}


def _rows(caller: Caller, asked: Asked) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = caller.post(PAGE, asked).expect(200).json["recommendations"]
    if [row["customer_id"] for row in found] != [one["customer_id"] for one in asked["customers"]]:
        raise Broken("not every customer of the request is told of, in its order")
    return found


def _answered(caller: Caller) -> None:
    asked = _inquiry(caller)
    if asked is None:
        return
    for row in _rows(caller, asked):
        if bool(row["offers"]) == bool(row["why"]) or not 0 < row["propensity"] <= 1:
            raise Broken("a customer gets an offer and a reason why not, or neither, or by no chance at all")


def _without_consent(caller: Caller) -> None:
    asked = _inquiry(caller)
    if asked is None:
        return
    asked = _several(caller, asked)
    taken_back = [{**asked["customers"][0]["consent"][0], "status": "withdrawn"}]
    for consent in ([], taken_back, None):
        for customer in asked["customers"]:
            customer["consent"] = consent
            if consent is None:
                del customer["consent"]
        if any(row["offers"] or not row["why"] for row in _rows(caller, asked)):
            raise Broken("who gave no consent is offered something, or is not told why not")


def _arms(caller: Caller) -> None:
    asked = _inquiry(caller)
    if asked is None:
        return
    found: list[dict[str, Any]] = []
    while len(found) < MANY:
        found += _rows(caller, _several(caller, asked, len(found)))
    if any(row["offers"] or not row["why"] for row in found if row["arm"] in IDLE):
        raise Broken("a control, or who is held out, is offered something")
    if len({row["recommendation_id"] for row in found}) < len(found):
        raise Broken("two customers have the same recommendation id")


def _same(caller: Caller) -> None:
    asked = _inquiry(caller)
    if asked is None:
        return
    asked = _several(caller, asked)
    first, second = (caller.post(PAGE, asked).expect(200).body for _ in range(2))
    if first != second:
        raise Broken("the same request is answered otherwise the second time")
    together = {row["customer_id"]: row for row in _rows(caller, asked)}
    for customer in asked["customers"][::7]:
        (alone,) = _rows(caller, {**asked, "customers": [customer]})
        if alone != together[customer["customer_id"]]:
            raise Broken("a customer alone is offered something else than among others")


def _products(caller: Caller) -> None:
    asked = _inquiry(caller)
    if asked is None:
        return
    for row in _rows(caller, _several(caller, asked)):
        for offer in row["offers"]:
            items = offer["items"]
            if items and offer["type"] != SUGGESTION:
                raise Broken("products go with an offer that suggests none")
            if len(set(items)) < len(items) or not all(isinstance(item, str) and item for item in items):
                raise Broken("the products of an offer are not each a name, and each once")


def _refused(caller: Caller) -> None:
    asked = _inquiry(caller)
    if asked is None:
        return
    (customer,) = asked["customers"]
    customer["customer_id"] = MARK
    good = customer["consent"][0]
    bad: tuple[Asked, ...] = (
        {"consent": [{**good, "status": MARK}]},
        {"consent": [{**good, "recorded_at": MARK}]},
        {"consent": [{**good, MARK: 1}]},
        {"consent": [{name: value for name, value in good.items() if name != "channel"}]},
        {"consent": MARK},
        {"contacts": [{"contacted_at": "2024-02-30", "channel": MARK}]},
        {"attributes": [MARK]},
        {MARK: []},
    )
    for change in bad:
        reply = caller.post(PAGE, {**asked, "customers": [{**customer, **change}]}).expect(422)
        if [error.get("customer") for error in reply.json.get("errors", ())] != [0]:
            raise Broken("what is wrong with a customer is refused without its place")
    caller.post(PAGE, {**asked, "dry_run": MARK}).expect(422)


OFFERS: Mapping[str, Callable[[Caller], None]] = {
    "recommendations are given, or it is said why there are none": _answered,
    "without consent nobody is offered anything": _without_consent,
    "controls and held out customers are offered nothing": _arms,
    "recommendations are the same twice, and for a customer alone": _same,
    "products go with offers that suggest some, each once": _products,
    "permissions that cannot be read are refused with their place": _refused,
}
