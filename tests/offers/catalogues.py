"""Small catalogues for tests: parts that can be changed one at a time."""

from __future__ import annotations

import copy
from typing import Any

from regulars.offers.catalogue import Catalogue

TEN: dict[str, Any] = {
    "id": "ten",
    "type": "percent",
    "value": 10,
    "title": "10 % off",
    "channels": ["email", "sms"],
    "response": {"save": [0.0, 0.05, 0.1]},
}
GIFT: dict[str, Any] = {
    "id": "gift",
    "type": "gift",
    "value": 4,
    "minimum_spend": 40,
    "title": "A gift",
    "channels": ["email"],
    "response": {"extra_spend": 0.02},
}
CALL: dict[str, Any] = {"id": "call", "type": "service_call", "title": "We call", "channels": ["sms"]}
WHOLE: dict[str, Any] = {
    "campaign": {"name": "spring"},
    "channels": [{"name": "email", "cost": 0.01}, {"name": "sms", "cost": 0.1}],
    "offers": [TEN, GIFT, CALL],
}
"""Options: ten@email, ten@sms, gift@email, call@sms."""


def content(**changes: Any) -> dict[str, Any]:
    """The whole with other sections; `ten={...}` changes single keys of the first offer."""
    found = copy.deepcopy(WHOLE)
    found["offers"][0].update(changes.pop("ten", {}))
    found["offers"][1].update(changes.pop("gift", {}))
    if isinstance(changes.get("campaign"), dict):
        found["campaign"].update(changes.pop("campaign"))
    return found | changes


def catalogue(**changes: Any) -> Catalogue:
    """The same, checked."""
    return Catalogue.of(content(**changes))
