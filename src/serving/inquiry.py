"""The door for recommendations: what a score needs, and what stands beside it, from one body.

In: the bytes of a request. Out: an `Inquiry`: the request for scores, what was said beside it, and whether the answer
is kept. A body is read once, as strictly as one for scores; all that is wrong with either part is told at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..clock import Zone
from .asides import KEYS, AsideDoor, Asides, also_seen, rows_in
from .body import Door, Request
from .faults import invalid, unlike
from .problems import Fault, Problem
from .strict import Place, doubled, keys_in, keys_told, objects_told, read

DRY = "dry_run"
NEEDED_DRY = "true, or false"
_WRONG = "RG382"


@dataclass(frozen=True)
class Inquiry:
    """What somebody asks for.

    Parameters
    ----------
    request : Request
        For scores.
    asides : Asides
    scored : bool
        Whether scores are asked for as well.
    is_dry : bool
        Whether the answer is not kept, because nobody will act on it.
    """

    request: Request
    asides: Asides
    scored: bool
    is_dry: bool


@dataclass(frozen=True)
class InquiryDoor:
    """Reads requests for recommendations.

    Parameters
    ----------
    door : Door
        Of the model.
    beside : AsideDoor
    zone : Zone
        Of the business.
    """

    door: Door
    beside: AsideDoor
    zone: Zone

    def read(self, body: bytes) -> Inquiry:
        """What a body asks for.

        Raises
        ------
        Problem
            400 (``RG380``), 413 (``RG381``) or 422 (``RG382``).
        """
        limits = self.door.limits
        most = 1 + 3 * limits.max_customers + limits.max_rows
        if objects_told(body, most) > most:
            raise self.door.too_large()
        content, endless = _content(body)
        if not isinstance(content, dict) or not isinstance(content.get("customers"), list):
            self.door.taken(content)
            raise invalid(())
        customers: list[object] = content["customers"]
        if rows_in(customers) > limits.max_rows:
            raise self.door.too_large()
        if keys_told(body) > keys_in(content) and (places := doubled(body)):
            raise invalid([self._doubled(place, key) for place, key in places])
        faults = [*_dry(content), *self._unknown(customers)]
        mine = [of if isinstance(of, dict) else {} for of in customers]
        asides, wrong = self.beside.read(mine, self.zone)
        request = self._request(content, [*faults, *wrong])
        if endless is not None or asides is None:
            raise endless or invalid(())
        return Inquiry(request, asides, "outputs" in content or "horizons" in content, content.get(DRY, False))

    def schema(self) -> dict[str, Any]:
        """The JSON schema of a request."""
        found: dict[str, Any] = self.door.schema()
        dry = {"type": "boolean", "description": "whether nothing is kept, because nobody will act on the answer"}
        found["properties"] = {DRY: dry, **found["properties"]}
        listed = dict(found["properties"]["customers"])
        customer = dict(listed["items"])
        customer["properties"] = {**customer["properties"], **self.beside.schema()}
        customer["properties"]["events"] = also_seen(customer["properties"]["events"])
        if self.beside.items:
            customer["properties"]["purchases"] = self.beside.purchases(customer["properties"]["purchases"])
        listed["items"] = customer
        found["properties"]["customers"] = listed
        return found

    def _request(self, content: Mapping[str, Any], faults: list[Fault]) -> Request:
        """The part for the model's own door, which tells what is wrong with it beside what we found."""
        known = {*self.door.contract.known(("customers",))}
        customers = [
            {name: value for name, value in of.items() if name in known} if isinstance(of, dict) else of
            for of in content["customers"]
        ]
        try:
            found = self.door.taken({**{n: v for n, v in content.items() if n != DRY}, "customers": customers})
        except Problem as problem:
            if problem.code == _WRONG:
                raise invalid(dict.fromkeys([*problem.faults, *faults])) from None
            raise
        if faults:
            raise invalid(faults)
        return found

    def _unknown(self, customers: list[object]) -> list[Fault]:
        """Keys that a customer may not have."""
        known = (*self.door.contract.known(("customers",)), *KEYS)
        return [
            Fault(unlike(name, known, "an unknown key"), i)
            for i, of in enumerate(customers)
            if isinstance(of, dict)
            for name in of
            if name not in known
        ]

    def _doubled(self, place: Place, key: str) -> Fault:
        if len(place) > 2 and place[0] == "customers" and place[2] in KEYS:
            return self.beside.doubled(place, key)
        return self.door.places.fault(place, "each key once", key)


def _dry(content: Mapping[str, object]) -> list[Fault]:
    return [] if isinstance(content.get(DRY, False), bool) else [Fault(NEEDED_DRY, field=DRY)]


def _content(body: bytes) -> tuple[object, Problem | None]:
    """The values of a body, and the refusal of numbers that JSON does not have, if no place of them is told."""
    try:
        return read(body), None
    except Problem as problem:
        try:
            return read(body, infinite=True), problem
        except Problem:
            raise problem from None
