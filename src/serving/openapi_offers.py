"""What the description says of recommendations: requests, answers, an example that is answered.

In: who speaks and decides on offers. Out: parts of OpenAPI. Every permission, contact and attribute of a request is
described as the catalogue of the newest wave looks at it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ..offers.arms import ARMS
from ..offers.responses import BASES
from .contract import closed
from .problems import Problem
from .recommend import recommend

if TYPE_CHECKING:
    from ..serving_section import ServeConfig
    from .offering import Offering
    from .speaker import Speaker

SUMMARY = "Which offer pays for whom: the policy of the newest wave, with what is known of the customer now."
_TEXT = {"type": "string"}
_DAY = {"type": "string", "format": "date"}
_NUMBER = {"type": "number"}
_HEX = {"type": "string", "pattern": "^[0-9a-f]+$"}


def examples(speaker: Speaker, offering: Offering, config: ServeConfig) -> tuple[dict[str, Any], dict[str, Any]]:
    """A request, of which nothing is kept, and how it is answered; no answer where the wave is read out."""
    asked = offering.example(speaker.reference_day)
    try:
        found = recommend(speaker, config, json.dumps(asked).encode(), speaker.reference_day)
    except Problem:
        return {"example": asked}, {}
    return {"example": asked}, {"example": json.loads(found.body)}


def schemas(offering: Offering) -> dict[str, Any]:
    """Of requests and answers."""
    return {
        "RecommendationRequest": offering.door.schema(),
        "RecommendationAnswer": _answer(),
        "Recommendation": _recommendation(),
        "Offered": _offered(),
    }


def _answer() -> dict[str, object]:
    model = _whole(name=_TEXT, version=_TEXT, run_id=_TEXT, trained_on=_DAY)
    policy = _whole(campaign=_TEXT, as_of=_DAY, catalogue=_HEX, responses=_HEX)
    silent = _whole(customer_id=_TEXT, why=_TEXT)
    return _whole(
        as_of=_DAY,
        reference=_DAY,
        model=model,
        policy=policy,
        recommendations={"type": "array", "items": {"$ref": "#/components/schemas/Recommendation"}},
        not_scored={"type": "array", "items": silent},
        ignored_rows={"type": "integer", "minimum": 0, "description": "rows at or after as_of"},
    )


def _recommendation() -> dict[str, object]:
    offers = {
        "type": "array",
        "items": {"$ref": "#/components/schemas/Offered"},
        "description": "the best first, which is the one that counts; none for who gets nothing",
    }
    needed: dict[str, Any] = {
        "customer_id": _TEXT,
        "recommendation_id": {**_HEX, "description": "what events refer to: `decision_id` of `log-events`"},
        "arm": {"enum": list(ARMS), "description": "drawn before anything is decided"},
        "propensity": {"type": "number", "minimum": 0, "maximum": 1, "description": "chance of what is given"},
        "offers": offers,
        "why": {"type": "string", "description": "why nothing is given; empty where something is"},
    }
    scores = {"allOf": [{"type": "object"}], "description": "what was asked for in `outputs`"}
    return closed({**needed, "scores": scores}, list(needed))


def _offered() -> dict[str, object]:
    money = {"description": "in currency"}
    return _whole(
        offer=_TEXT,
        channel=_TEXT,
        type=_TEXT,
        title=_TEXT,
        text=_TEXT,
        terms=_TEXT,
        items={"type": "array", "items": _TEXT, "description": "products that go with it, as the ledger names them"},
        expected_gain={**_NUMBER, "description": "expected incremental profit, in currency"},
        gain_low={**_NUMBER, **money},
        gain_high={**_NUMBER, **money},
        cost={**_NUMBER, "description": "expected: contact and what is redeemed, in currency"},
        basis={"enum": list(BASES), "description": "where the gain comes from"},
        reasons={
            "type": "array",
            "items": _TEXT,
            "description": "in words: what was drawn, what a follow-up follows, what is expected and believed",
        },
        send_at={"type": "string", "format": "date-time", "description": "the earliest that quiet hours allow, in UTC"},
        valid_until={"type": ["string", "null"], "format": "date"},
    )


def _whole(**properties: Any) -> dict[str, object]:
    return closed(properties, list(properties))
