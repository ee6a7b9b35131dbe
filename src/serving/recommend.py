"""The answer to who may be offered what: for every customer an arm, an offer that pays or none, and why.

In: who speaks and decides, the body of a request, today. Out: JSON, and how many of each arm got something. What is
recommended is what a plan of the same facts gives, to the bit, and is kept before it is answered, unless it is a dry
run. Who cannot be scored is told with the reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from pydantic_core import to_json

from ..clock import Cutoff
from ..errors import DataError, StorageError
from ..models.outputs import Wanted
from ..models.statements import Said
from ..serving_section import ServeConfig
from .body import refused
from .faults import invalid
from .inquiry import Inquiry
from .offering import Offering
from .permissions import Asked
from .problems import Fault, Problem
from .score import fits, head, ignored, not_scored, scores
from .told import Told, told_of

if TYPE_CHECKING:
    from .speaker import Speaker

_TWICE = "each customer once; this one has come before, perhaps under a pseudonym"


@dataclass(frozen=True)
class Recommended:
    """An answer.

    Parameters
    ----------
    body : bytes
    arms : mapping of (str, bool) to int
        Customers by arm, and whether they got something.
    """

    body: bytes
    arms: Mapping[tuple[str, bool], int]


def recommend(speaker: Speaker, config: ServeConfig, body: bytes, today: Cutoff) -> Recommended:
    """The answer to the body of a request.

    Raises
    ------
    Problem
        404 (``RG456``) where nobody decides on offers; 409 (``RG383``, ``RG458``) for a day that what other customers
        tell, or the wave, does not fit; 503 (``RG455``) where it could not be kept; and as for scores.
    """
    offering = speaker.offering
    if offering is None:
        raise Problem(404, _nobody(speaker.no_offers), "RG456")
    inquiry = offering.door.read(body)
    request, as_of = inquiry.request, inquiry.request.as_of or today
    fits(speaker.reference_day, as_of, config.reference_days)
    _in_time(offering, as_of)
    names = _names(offering, request.ids)
    wanted = _both(offering.wanted, request.wanted) if inquiry.scored else offering.wanted
    try:
        known = speaker.reference.at(as_of.day)
        said = speaker.model.said(request.lines, as_of, wanted, known, request.beside)
    except DataError as error:
        raise refused(error) from None
    found = _told(speaker, offering, inquiry, said, names, as_of)
    if offering.online is not None and not inquiry.is_dry:
        try:
            offering.online.add([one.kept for one in found.values()])
        except StorageError as error:
            why = f"{error.found}; nothing was recommended"
            raise Problem(503, why, error.code, headers={"retry-after": "1"}) from None
    beside = scores(request, said) if inquiry.scored else {}
    asked = ("customer_id", *request.wanted.columns)
    rows = []
    for who in (who for who in request.ids if who in found):
        row = {"customer_id": who, **found[who].answer}
        if inquiry.scored:
            row["scores"] = {name: beside[who][name] for name in asked[1:]}
        rows.append(row)
    answer = {
        **head(speaker, as_of),
        "policy": offering.decided_by,
        "recommendations": rows,
        "not_scored": not_scored(request, said, as_of, speaker.model.active_within_days),
        "ignored_rows": ignored(request, speaker.model, as_of) + _late(inquiry, offering, as_of),
    }
    arms = Counter((one.arm, one.given) for one in found.values())
    return Recommended(to_json(answer, inf_nan_mode="null"), {} if inquiry.is_dry else arms)


def _told(
    speaker: Speaker, offering: Offering, inquiry: Inquiry, said: Said, names: list[str], as_of: Cutoff
) -> dict[str, Told]:
    """What is recommended to each customer who has scores."""
    ids = inquiry.request.ids
    places = {who: i for i, who in enumerate(ids)}
    mine = inquiry.request.lines.customer_ids[said.customer].tolist()
    if not mine:
        return {}
    place = np.array([places[who] for who in mine], np.int64)
    asked = Asked.of(offering, names, place, said.columns, inquiry.asides, as_of)
    found = offering.policy.recommend(asked.audience, asked.permitted, asked.past)
    told = told_of(offering, asked, found, speaker)
    return {ids[at]: one for at, one in zip(asked.place.tolist(), told, strict=True)}


def _names(offering: Offering, ids: list[str]) -> list[str]:
    """The customers as the ledger has them, each once."""
    names = [offering.own_name(who) for who in ids]
    if len(set(names)) < len(names):
        first: dict[str, int] = {}
        again = [i for i, name in enumerate(names) if first.setdefault(name, i) != i]
        raise invalid([Fault(_TWICE, i, field="customer_id") for i in again])
    return names


def _in_time(offering: Offering, as_of: Cutoff) -> None:
    """Refuse a day on which the wave had not begun, or is read out."""
    if as_of < offering.as_of:
        why = f"the newest wave is of {offering.as_of}; it has seen what came after {as_of}"
        raise Problem(409, f"{why}: ask for a later `as_of`", "RG458")
    if as_of > offering.last:
        why = f"the newest wave is of {offering.as_of}, and is read out after {offering.last}"
        raise Problem(409, f"{why}: assign another one by `regulars offers assign`", "RG458")


def _both(needed: Wanted, asked: Wanted) -> Wanted:
    outputs = tuple(dict.fromkeys((*needed.outputs, *asked.outputs)))
    return Wanted(outputs, tuple(dict.fromkeys((*needed.horizons, *asked.horizons))))


def _late(inquiry: Inquiry, offering: Offering, as_of: Cutoff) -> int:
    """Permissions, contacts and complaints after the day asked for."""
    limit, asides = as_of.plus(1).instant(offering.policy.zone), inquiry.asides
    return sum(len(told) - len(told.before(limit)) for told in (asides.consent, asides.contacts))


def _nobody(why: str) -> str:
    said = "nobody decides on offers here"
    return f"{said}: {why}" if why else f"{said}: no wave was assigned; run `regulars offers assign`"
