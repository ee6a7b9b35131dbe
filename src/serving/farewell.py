"""What callers hear from a server that ends, when no worker takes calls any more.

In: the socket that still listens. Out: a 503 as `application/problem+json` for whoever calls, so that nobody waits for
an answer that never comes. Whoever sends nothing is let go.
"""

from __future__ import annotations

import secrets
import time
from contextlib import suppress
from socket import SHUT_RDWR, SHUT_WR, socket

from .problems import MEDIA, Problem

LISTENS_SECONDS = 0.1
HEARS_SECONDS = 0.2
_HEARD = 1 << 20
LAST_SECONDS = 1.0
"""Whoever calls again at once would keep the server for ever."""
_PIECES = 8
"""So much of a request is let go by: closing on what is unread would take the answer away."""


def turn_away(listening: socket, seconds: float = LISTENS_SECONDS) -> bool:
    """Answer the next call, if there is one soon; whether there was."""
    listening.settimeout(seconds)
    try:
        caller, _ = listening.accept()
    except OSError:
        return False
    with caller:
        with suppress(OSError):
            caller.settimeout(HEARS_SECONDS)
            if caller.recv(_HEARD):
                caller.sendall(ending())
                caller.shutdown(SHUT_WR)
                for _ in range(_PIECES):
                    if not caller.recv(_HEARD):
                        break
        return True


def turn_all_away(listening: socket) -> None:
    """Answer those who called already, and let nobody else call."""
    until = time.monotonic() + LAST_SECONDS
    while turn_away(listening, 0.0) and time.monotonic() < until:
        pass
    with suppress(OSError):
        listening.shutdown(SHUT_RDWR)


def ending() -> bytes:
    """The answer."""
    request_id = secrets.token_hex(8)
    body = Problem(503, "the server is ending", "RG384").body(request_id)
    heads = (
        "HTTP/1.1 503 Service Unavailable",
        f"content-type: {MEDIA}",
        f"content-length: {len(body)}",
        f"x-request-id: {request_id}",
        "retry-after: 1",
        "cache-control: no-store",
        "x-content-type-options: nosniff",
        "connection: close",
        "\r\n",
    )
    return "\r\n".join(heads).encode() + body
