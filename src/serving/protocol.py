"""HTTP on one connection, bounded: how long a request may take to arrive, how large its head, how many connections.

In: bytes from a caller. Out: requests for the application; `application/problem+json` and an end of the connection for
whatever is none, comes too slowly, or never ends. Whoever does not read his answer is cut off after the same time. On
the way out a connection may bring one more request, so that none is lost between two.
"""

from __future__ import annotations

import asyncio
import re
from asyncio.events import TimerHandle
from typing import Any, cast

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from .app import Scope, Send
from .arrival import Receive
from .problems import Problem
from .worker import Worker

HEAD = 65_536
"""Bytes of a request's line and headers."""
ASIDE = 128
"""So many connections beyond those allowed are told so; others are closed without a word."""
PIPELINED = 32
"""Requests that a caller may send ahead of their answers."""
CHUNKED = 8
"""What comes in chunks may be so many times as long as its content."""
GRACE_SECONDS = 1.0
"""A connection on which nothing is under way is kept for so long when the server ends."""


_OFFER = re.compile(rb"\r\nupgrade(?=:[ \t]*h2c\b)", re.IGNORECASE)
"""Java's client offers HTTP/2 on every first request, and the parser would take it for the end of HTTP."""


class BoundedProtocol(HttpToolsProtocol):
    """A connection.

    Parameters are those of uvicorn.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        # Uvicorn hands on what it was given, and it was given a Worker.
        self._worker = cast(Worker, self.app)
        bounds = self._worker.endpoint.config.serve
        self._seconds, self._most = bounds.read_seconds, bounds.max_connections
        self._chunked_most = HEAD + CHUNKED * 1024 * bounds.max_kilobytes
        self._deadline: TimerHandle | None = None
        self._cut: TimerHandle | None = None
        self._crowded = False
        self._begun, self._in_head, self._whole, self._chunked, self._last = False, True, False, False, False
        self._head = self._fed = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection; where there is no room for it, to say so."""
        super().connection_made(cast(asyncio.Transport, transport))
        self._deadline = self.loop.call_later(self._seconds, self._late)
        self._crowded = len(self.connections) > self._most
        if len(self.connections) > self._most + ASIDE:
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is waited for any more."""
        self._on_time()
        self.resume_writing()
        self._spared()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on; whatever is not whole by then has until its deadline."""
        if self.transport.is_closing():
            return
        if b"h2c" in data and not (self._begun and not self._in_head):
            head, end, rest = data.partition(b"\r\n\r\n")
            data = _OFFER.sub(b"\r\nx-offer", head) + end + rest
        self._whole = False
        self._fed += len(data)
        super().data_received(data)
        if self._whole or self.transport.is_closing():
            return
        if self._in_head and self._fed > HEAD:
            self._end(_head_too_large())
        elif self._chunked and self._fed > self._chunked_most:
            self._end(Problem(413, "what comes in chunks must not be so much longer than its content", "RG381"))
        elif self._deadline is None:
            self._deadline = self.loop.call_later(self._seconds, self._late)

    def on_message_begin(self) -> None:
        """Another request begins."""
        super().on_message_begin()
        self._begun, self._in_head, self._whole, self._chunked = True, True, False, False
        self._head = self._fed = 0

    def on_url(self, url: bytes) -> None:
        """A piece of the request's line."""
        self._head += len(url)
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header, or what follows the chunks of a body, which nobody needs."""
        self._head += len(name) + len(value) + 4
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is whole: the application begins."""
        self._chunked = any(name == b"transfer-encoding" for name, _ in self.headers)
        if len(self.pipeline) >= PIPELINED:
            raise httptools.HttpParserError("too many requests ahead")
        if self._head > HEAD:
            self.app = self._refusing(_head_too_large())
        elif self._crowded:
            self.app = self._refusing(_crowded())
        try:
            super().on_headers_complete()
        finally:
            self.app = cast(Any, self._worker)
        self._in_head = False
        if self._last:
            self.cycle.keep_alive = False

    def on_message_complete(self) -> None:
        """The request is whole."""
        self._begun, self._whole = False, True
        self._on_time()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """An answer is given; where it is the last, it must also be taken."""
        super().on_response_complete()
        if self._last and not self.pipeline:
            self.transport.close()
        if self.transport.is_closing():
            self._cut_off_later()

    def pause_writing(self) -> None:
        """The caller does not read: he gets as long as for sending."""
        super().pause_writing()
        self._cut_off_later()

    def resume_writing(self) -> None:
        """He reads again; the end of a connection still waits no longer for him."""
        super().resume_writing()
        if not self.transport.is_closing():
            self._spared()

    def timeout_keep_alive_handler(self) -> None:
        """Nothing has come for long."""
        super().timeout_keep_alive_handler()
        self._cut_off_later()

    def shutdown(self) -> None:
        """The server ends: what is under way is answered, and one more request that may be on its way."""
        self._worker.app.draining = self._last = True
        if self._under_way:
            self.cycle.keep_alive = False
        elif not self._begun:
            self._unset_keepalive_if_required()
            self.timeout_keep_alive_task = self.loop.call_later(GRACE_SECONDS, self.timeout_keep_alive_handler)

    def send_400_response(self, msg: str) -> None:
        """What came is no HTTP."""
        self._end(Problem(400, "this is no HTTP/1.1 that can be read", "RG387"))

    def _unsupported_upgrade_warning(self) -> None:
        """It speaks HTTP/1.1 here, whatever else was offered; what follows could be anything."""
        self.cycle.keep_alive = False

    @property
    def _under_way(self) -> bool:
        """Whether a request has no answer yet."""
        # Before the first request there is none, whatever uvicorn's types say.
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is not None and not cycle.response_complete

    def _on_time(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _spared(self) -> None:
        if self._cut is not None:
            self._cut.cancel()
            self._cut = None

    def _cut_off_later(self) -> None:
        if self._cut is None:
            self._cut = self.loop.call_later(self._seconds, self.transport.abort)

    def _late(self) -> None:
        """The time is over, and no request is whole."""
        self._deadline = None
        if self._begun:
            self._end(Problem(408, f"a request must have arrived within {self._seconds:g} seconds", "RG387"))
        elif not self._under_way:
            self.transport.close()

    def _end(self, problem: Problem) -> None:
        """Refuse, and end the connection; unless another answer is under way on it, which is then the last word."""
        # Of what is under way, only a request whose body is still coming can be the one that is refused.
        mine = not self._in_head and not self.pipeline
        if self._under_way and not mine:
            self._last = True
            self.pipeline.clear()
            self.flow.pause_reading()
            return
        # Who has his answer and goes on sending gets no second one.
        answered = not self._in_head and (not self._under_way or self.cycle.response_started)
        if not answered:
            headers, body = self._worker.app.refusal(problem)
            lines = [name + b": " + value + b"\r\n" for name, value in [*self.server_state.default_headers, *headers]]
            self.transport.write(b"".join([STATUS_LINE[problem.status], *lines, b"\r\n", body]))
        if self._under_way:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.transport.close()
        self._cut_off_later()

    def _refusing(self, problem: Problem) -> Any:
        """An application that answers with a refusal."""

        async def refuse(_: Scope, __: Receive, send: Send) -> None:
            headers, body = self._worker.app.refusal(problem)
            await send({"type": "http.response.start", "status": problem.status, "headers": headers})
            await send({"type": "http.response.body", "body": body})

        return refuse


def _crowded() -> Problem:
    return Problem(503, "too many connections are open", "RG384", headers={"retry-after": "1"})


def _head_too_large() -> Problem:
    return Problem(431, f"the headers of a request may hold {HEAD // 1024} KiB", "RG387")
