"""JSON as strict as it should be: what cannot be read in one way only is refused before anything looks at it.

In: the bytes of a body. Out: plain values. Refused are what is no UTF-8, begins with a mark, is nested too deeply,
holds NaN or an infinity, half a surrogate pair, or the same key twice in an object. Nothing of the
body is repeated: a problem says line and column.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from operator import itemgetter
from typing import NamedTuple

from pydantic_core import from_json

from .problems import Fault, Problem

Place = tuple[str | int, ...]
_WHERE = re.compile(r"at (line [0-9]+ column [0-9]+)$")
_TEXT = re.compile(rb'"(?:[^"\\]|\\.)*(?:"|\\?\Z)', re.DOTALL)
"""A text, or what would be one if it ended: so nothing is looked at twice, whatever is sent."""


def parsed(body: bytes) -> object:
    """The value of a body; a number too large for a double is infinite, which whoever reads it tells by its place.

    Raises
    ------
    Problem
        400, ``RG380``, for what is no JSON, or is nested too deeply; 422, ``RG382``, for a key that stands twice.

    Examples
    --------
    >>> parsed(b'{"amount": [1, 2.5]}')
    {'amount': [1, 2.5]}
    """
    found = read(body)
    if keys_told(body) > keys_in(found) and (places := doubled(body)):
        raise Problem(422, "a key stands twice in an object", "RG382", [Fault("each key once") for _ in places])
    return found


def read(body: bytes, infinite: bool = False) -> object:
    """As `parsed`; of a key that stands twice the last counts, and NaN and infinities may be numbers."""
    try:
        return from_json(body, allow_inf_nan=infinite)
    except ValueError as error:
        raise unreadable(str(error)) from None


def keys_in(value: object) -> int:
    """So many keys stand in a value, at any depth."""
    if isinstance(value, dict):
        return len(value) + sum(map(keys_in, value.values()))
    return sum(map(keys_in, value)) if isinstance(value, list) else 0


def unreadable(told: str) -> Problem:
    """The refusal of what is no JSON, from what the parser says, of which only the place is repeated."""
    where = _WHERE.search(told)
    if "recursion limit" in told:
        return Problem(400, "the body is nested too deeply", "RG380")
    return Problem(400, f"the body is no JSON in UTF-8{f' ({where[1]})' if where else ''}", "RG380")


def keys_told(body: bytes) -> int:
    """At least as many keys as stand in a body, and more only where a text looks like one.

    Examples
    --------
    >>> keys_told(b'{"a": 1, "a": 2}'), keys_told(b'{"a": ":"}')
    (2, 2)
    """
    return body.translate(None, b" \t\r\n").count(b'":')


def objects_told(body: bytes, most: int) -> int:
    """How many objects begin in a body; looked at closely only where it could be more than so many."""
    told = body.count(b"{")
    return told if told <= most else _TEXT.sub(b"", body).count(b"{")


class _Doubled(NamedTuple):
    """Stands for an object in which a key stands twice."""

    key: str


def doubled(body: bytes) -> list[tuple[Place, str]]:
    """The objects of a body, which can be read, in which a key stands twice, and the key."""
    found = json.loads(body, object_pairs_hook=_pairs)
    return [(place, value.key) for place, value in _walked(found) if isinstance(value, _Doubled)]


def _pairs(pairs: list[tuple[str, object]]) -> object:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    left = list(map(itemgetter(0), pairs))
    for key in found:
        left.remove(key)
    return _Doubled(left[0])


def _walked(value: object) -> Iterator[tuple[Place, object]]:
    """Every value within a value, and its place; the value itself first."""
    waiting: list[tuple[Place, object]] = [((), value)]
    while waiting:
        place, value = waiting.pop()
        yield place, value
        if isinstance(value, dict):
            waiting += [((*place, key), inner) for key, inner in value.items()]
        elif isinstance(value, list):
            waiting += [((*place, i), inner) for i, inner in enumerate(value)]
