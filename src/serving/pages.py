"""The pages of the endpoint that tell of itself, and who computes those that tell of customers.

In: who speaks, what keeps a newer one from it. Out: JSON. Nothing here needs the caller's data; a trouble is said in
words of ours.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .. import __version__
from ..clock import Cutoff

if TYPE_CHECKING:
    from ..serving_section import ServeConfig
    from .recommend import Recommended
    from .speaker import Speaker


def _score(speaker: Speaker, config: ServeConfig, body: bytes, day: Cutoff) -> bytes:
    from .score import score

    return score(speaker, config, body, day)


def _recommend(speaker: Speaker, config: ServeConfig, body: bytes, day: Cutoff) -> Recommended:
    from .recommend import recommend

    return recommend(speaker, config, body, day)


def _invocations(speaker: Speaker, config: ServeConfig, body: bytes, kind: str) -> bytes:
    from .invocations import invocations

    return invocations(speaker, config, body, kind)


def _customer(speaker: Speaker, raw: bytes) -> bytes:
    from .customers import customer, customer_id_of

    return customer(speaker, customer_id_of(raw))


def _openapi(speaker: Speaker, config: ServeConfig, keyed: bool) -> bytes:
    from .openapi import openapi

    return openapi(speaker, config, keyed)


@dataclass(frozen=True)
class Handlers:
    """Who computes an answer: functions of who speaks, the limits, and what was sent. A test may put others here.

    Parameters
    ----------
    score : callable
        Of a body and today.
    recommend : callable
        Of a body and today.
    invocations : callable
        Of a body and its type.
    customer : callable
        Of an id as it stands in a path.
    openapi : callable
        Of whether a key is needed.
    """

    score: Callable[[Speaker, ServeConfig, bytes, Cutoff], bytes] = field(default=_score)
    recommend: Callable[[Speaker, ServeConfig, bytes, Cutoff], Recommended] = field(default=_recommend)
    invocations: Callable[[Speaker, ServeConfig, bytes, str], bytes] = field(default=_invocations)
    customer: Callable[[Speaker, bytes], bytes] = field(default=_customer)
    openapi: Callable[[Speaker, ServeConfig, bool], bytes] = field(default=_openapi)


def health(speaker: Speaker, trouble: str) -> bytes:
    """That the server is ready, who speaks and decides on offers, and why it is not the champion or the newest wave."""
    found: dict[str, object] = {
        "status": "degraded" if trouble else "ok",
        "model_version": speaker.version,
        "reference": str(speaker.reference_day),
    }
    if speaker.offering is not None:
        found["policy"] = {"campaign": speaker.offering.policy.campaign, "as_of": str(speaker.offering.as_of)}
    elif speaker.no_offers:
        found["no_offers"] = speaker.no_offers
    return _json(found | ({"trouble": trouble} if trouble else {}))


def version(speaker: Speaker) -> bytes:
    """Of the package and of the model."""
    model = {
        "name": speaker.name,
        "version": speaker.version,
        "run_id": speaker.run_id,
        "trained_on": str(speaker.model.trained_on),
    }
    return _json({"regulars": __version__, "model": model, "reference": str(speaker.reference_day)})


def _json(found: dict[str, object]) -> bytes:
    return json.dumps(found, ensure_ascii=False, separators=(",", ":")).encode()
