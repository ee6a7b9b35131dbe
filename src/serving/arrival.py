"""The body of a request as it comes in: not larger than allowed, and of a type that is read here.

In: headers and ASGI's `receive`. Out: all bytes, or a `Problem`: 413 before the rest has come, 415, 503 where too much
is being received at once. `Gone` where the caller hung up. A body that is not there is empty.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from .problems import Problem

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Headers = Mapping[bytes, bytes]
JSON, CSV = "application/json", "text/csv"


class Gone(Exception):
    """The caller does not listen any more."""


class Unread(Problem):
    """A refusal while the rest of the body was still to come."""


class Arrival:
    """Bodies on their way.

    Parameters
    ----------
    most : int
        Bytes of one.
    together : int
        Bytes of all that are not whole yet.
    """

    def __init__(self, most: int, together: int) -> None:
        self._most, self._together, self._held = most, together, 0

    async def body(self, headers: Headers, receive: Receive) -> bytes:
        """All of a body.

        Raises
        ------
        Problem
            413 as soon as it is known to be too large, 503 where others fill the memory.
        Gone
            When the caller hung up.
        """
        self._check(int(headers.get(b"content-length", b"0")))
        part = await _part(receive)
        if part.get("more_body"):
            return await self._pieced(part, receive)
        body: bytes = part.get("body", b"")
        self._check(len(body))
        return body

    async def _pieced(self, part: Message, receive: Receive) -> bytes:
        """What comes in several pieces."""
        found = bytearray()
        try:
            while True:
                found += part.get("body", b"")
                self._held += len(part.get("body", b""))
                self._check(len(found))
                if not part.get("more_body"):
                    return bytes(found)
                part = await _part(receive)
        finally:
            self._held -= len(found)

    def _check(self, size: int) -> None:
        if size > self._most:
            raise Unread(413, f"a body may hold {self._most // 1024} KiB; send fewer customers at a time", "RG381")
        if self._held > self._together:
            raise Unread(503, "too much is being sent at once", "RG384", headers={"retry-after": "1"})


async def drained(receive: Receive) -> None:
    """Let the rest of a body go by."""
    try:
        while (await _part(receive)).get("more_body"):
            pass
    except Gone:
        return


async def _part(receive: Receive) -> Message:
    part = await receive()
    if part["type"] == "http.disconnect":
        raise Gone
    return part


def type_of(headers: Headers, known: tuple[str, ...]) -> str:
    """The type of a body, one of those known.

    Raises
    ------
    Problem
        415 for another type, another encoding than UTF-8, and compressed content.

    Examples
    --------
    >>> type_of({b"content-type": b"application/json; charset=utf-8"}, (JSON,))
    'application/json'
    """
    kind, *parameters = headers.get(b"content-type", b"").decode("latin-1").lower().split(";")
    charsets = {p.partition("=")[2].strip().strip('"') for p in parameters if p.partition("=")[0].strip() == "charset"}
    if kind.strip() not in known or not charsets <= {"utf-8", "utf8"}:
        raise Problem(415, f"send {' or '.join(known)}, in UTF-8", "RG380")
    if headers.get(b"content-encoding", b"identity").lower() != b"identity":
        raise Problem(415, "send it as it is, not compressed", "RG380")
    return kind.strip()
