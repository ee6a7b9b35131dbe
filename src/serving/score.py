"""The answer to purchase histories: what was asked for of every customer, as JSON.

In: who speaks, the body of a request, today. Out: the body of the answer; its scores are those of the batch of the same
day to the bit, in the order of the request. Who cannot be scored is told with the reason. Missing numbers are null.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pydantic_core import to_json

from ..clock import Cutoff, Zone
from ..errors import DataError
from ..features.lines import Int64
from ..models.model import Model
from ..models.statements import Said
from ..serving_section import ServeConfig
from .body import Request, refused
from .problems import Problem

if TYPE_CHECKING:
    from .speaker import Speaker


def score(speaker: Speaker, config: ServeConfig, body: bytes, today: Cutoff) -> bytes:
    """The answer to the body of a request.

    Raises
    ------
    Problem
        For a body that cannot be read, and 409 (``RG383``) for a day that what other customers tell does not fit.
    """
    request = speaker.door.read(body)
    as_of = request.as_of or today
    fits(speaker.reference_day, as_of, config.reference_days)
    try:
        known = speaker.reference.at(as_of.day)
        said = speaker.model.said(request.lines, as_of, request.wanted, known, request.beside)
    except DataError as error:
        raise refused(error) from None
    found = scores(request, said)
    told = {
        **head(speaker, as_of),
        "scores": [found[who] for who in request.ids if who in found],
        "not_scored": not_scored(request, said, as_of, speaker.model.active_within_days),
        "ignored_rows": ignored(request, speaker.model, as_of),
    }
    return to_json(told, inf_nan_mode="null")


def head(speaker: Speaker, as_of: Cutoff) -> dict[str, object]:
    """Who speaks, of which day."""
    return {
        "as_of": str(as_of),
        "reference": str(speaker.reference_day),
        "model": {
            "name": speaker.name,
            "version": speaker.version,
            "run_id": speaker.run_id,
            "trained_on": str(speaker.model.trained_on),
        },
    }


def fits(reference_day: Cutoff, as_of: Cutoff, reference_days: int | None) -> None:
    """Refuse a day that what other customers tell does not fit: it is older than allowed, or has seen what came after.

    Examples
    --------
    >>> fits(Cutoff(10), Cutoff(18), 8)
    """
    if as_of < reference_day:
        why = f"what other customers tell is of {reference_day}; it has seen what came after {as_of}"
        raise Problem(409, f"{why}: ask for a later `as_of`", "RG383")
    if reference_days is not None and reference_day.plus(reference_days) < as_of:
        why = f"what other customers tell is of {reference_day}, more than {reference_days} days before {as_of}"
        raise Problem(409, f"{why}: publish scores anew with `regulars score`, or ask for an earlier `as_of`", "RG383")


def scores(request: Request, said: Said) -> dict[str, dict[str, object]]:
    """What is said of each customer, by id."""
    names = ("customer_id", *said.columns)
    ids = request.lines.customer_ids[said.customer].tolist()
    columns = [ids, *(values.tolist() for values in said.columns.values())]
    return {row[0]: dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)}


def not_scored(request: Request, said: Said, as_of: Cutoff, active_within_days: int | None) -> list[dict[str, str]]:
    """Who has no score, and why, in the order of the request."""
    there = set(request.lines.customer_ids[said.customer].tolist())
    why = f"no purchase before {as_of}"
    silent = set(request.lines.customer_ids[said.silent].tolist())
    quiet = f"silent for more than {active_within_days} days"
    left = [who for who in request.ids if who not in there]
    return [{"customer_id": who, "why": quiet if who in silent else why} for who in left]


def ignored(request: Request, model: Model, as_of: Cutoff) -> int:
    """Rows that happened, or became known, at or after the day."""
    limit, lines, beside = as_of.instant(Zone(model.rules.timezone)), request.lines, request.beside
    count = _late(lines.time, lines.known_at, limit)
    if beside is not None:
        received = beside.offers.take(beside.offers.kind == 0)
        count += sum(_late(of.time, of.known_at, limit) for of in (beside.events, received))
    return count


def _late(time: Int64, known_at: Int64 | None, limit: int) -> int:
    late = time >= limit
    return int(np.count_nonzero(late if known_at is None else late | (known_at >= limit)))
