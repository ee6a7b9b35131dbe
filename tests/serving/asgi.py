"""A caller of an ASGI application in this process, without a socket.

In: a method, a page, a body, headers. Out: the status, the headers and the body of the answer.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

LOCAL = {"host": "localhost"}
Application = Callable[..., Awaitable[None]]


@dataclass(frozen=True)
class Reply:
    """What the application answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body, read."""
        return json.loads(self.body)


def ask(app: Application, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Reply:
    """One request, in a loop of its own."""
    return asyncio.run(asked(app, method, path, [body], headers))


async def asked(
    app: Application, method: str, path: str, pieces: Iterable[bytes] = (b"",), headers: Mapping[str, str] | None = None
) -> Reply:
    """One request, whose body comes in pieces; JSON, from this machine, if nothing else is said."""
    told = {"content-type": "application/json", **LOCAL, **(headers or {})}
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.partition("?")[0].encode(),
        "query_string": path.partition("?")[2].encode(),
        "headers": [(name.encode(), value.encode()) for name, value in told.items()],
    }
    coming, sent = list(pieces), []

    async def receive() -> dict[str, object]:
        if not coming:
            return {"type": "http.disconnect"}
        piece = coming.pop(0)
        return {"type": "http.request", "body": piece, "more_body": bool(coming)}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await app(scope, receive, send)
    if not sent:
        return Reply(0, {}, b"")
    found = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return Reply(sent[0]["status"], found, b"".join(m.get("body", b"") for m in sent[1:]))
