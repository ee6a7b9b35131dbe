"""The endpoint as an ASGI application: which page is asked for, whether it may be, and one answer in any case.

In: requests. Out: JSON, or `application/problem+json`; never a trace, nor anything of the caller's in a refusal. Each
answer is by one speaker and says which. What is small is computed at once, one at a time; what is large in one thread,
so that small ones are served meanwhile; reading published scores in another.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any, Protocol

from ..clock import Cutoff, today
from .arrival import CSV, JSON, Arrival, Gone, Receive, Unread, drained, type_of
from .counters import MEDIA as COUNTED
from .counters import Counters
from .endpoint import Endpoint
from .guard import check_host
from .logs import defect
from .pages import Handlers, health, version
from .problems import MEDIA, Problem
from .turns import Turns

if TYPE_CHECKING:
    from .speaker import Speaker

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Pairs = list[tuple[bytes, bytes]]

SCORE, RECOMMENDATIONS = "/v1/score", "/v1/recommendations"
INVOCATIONS, CUSTOMER = "/invocations", "/v1/customers/{id}"
PING, HEALTH, VERSION, METRICS, OPENAPI = "/ping", "/health", "/version", "/metrics", "/openapi.json"
PAGES = {page.encode(): page for page in (SCORE, RECOMMENDATIONS, INVOCATIONS, PING, HEALTH, VERSION, METRICS, OPENAPI)}
POSTED = (SCORE, RECOMMENDATIONS, INVOCATIONS)
OPEN = (PING, HEALTH)
"""Without a key: who keeps the server alive needs them."""
NOWHERE = "other"
_CUSTOMERS = b"/v1/customers/"
SMALL = 65_536
"""Bytes of a body up to which it is computed at once; a larger one would keep others waiting."""
LARGE_WAIT = 8
"""A large one takes so many times as long, so that only a part of those that may wait may be large."""
DRAIN_SECONDS = 1.0
"""So long goes by what is still sent of a body that was refused, so that the caller comes to read why."""
HUNG_UP = 499
ALWAYS: Pairs = [(b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff")]


class Speaks(Protocol):
    """Who speaks in a worker, one after the other."""

    swaps: int

    @property
    def speaker(self) -> Speaker: ...

    @property
    def trouble(self) -> str: ...


@dataclass(frozen=True)
class Answer:
    """What a caller gets.

    Parameters
    ----------
    body : bytes
    speaker : Speaker
        Who gave it.
    media : str
    status : int
    headers : pairs
        Beside those of every answer.
    unread : bool
        Whether the caller is still sending.
    size : int
        Bytes of the body that was read.
    """

    body: bytes
    speaker: Speaker
    media: str = JSON
    status: int = 200
    headers: tuple[tuple[bytes, bytes], ...] = ()
    unread: bool = False
    size: int = 0


class App:
    """The application of a worker.

    Parameters
    ----------
    endpoint : Endpoint
    speaking : Speaks
    counters : Counters
    handlers : Handlers
    day : callable, optional
        What day it is; by default as the clock says in the business time zone.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        speaking: Speaks,
        counters: Counters | None = None,
        handlers: Handlers | None = None,
        day: Callable[[], Cutoff] | None = None,
    ) -> None:
        config = endpoint.config.serve
        self._config, self._keys, self._insecure = config, endpoint.keys, endpoint.insecure
        self._speaking, self._handlers = speaking, handlers or Handlers()
        self.counters = counters or Counters()
        self._day = day or partial(today, endpoint.config.zone)
        most = config.max_kilobytes * 1024
        self._arrival = Arrival(most, most * config.max_waiting)
        self._small, self._large = Turns(config.max_waiting), Turns(max(1, config.max_waiting // LARGE_WAIT))
        self._reading = Turns(config.max_waiting)
        self._computer, self._reader = ThreadPoolExecutor(1, "large"), ThreadPoolExecutor(1, "scores")
        self._number, self._prefix = count(1), secrets.token_hex(6)
        self._described: tuple[Speaker, bytes] | None = None
        self.draining = False
        """Whether this worker is about to end."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        began, request_id = time.perf_counter(), self.request_id()
        path: bytes = scope["raw_path"]
        page = PAGES.get(path) or (CUSTOMER if _is_customer(path) else NOWHERE)
        self.counters.began()
        answer = Answer(b"", self._speaking.speaker, status=HUNG_UP)
        try:
            answer = await self._answered(scope, page, receive)
        except Gone:
            return
        except Problem as problem:
            answer = self._refusal(problem, request_id)
            if (b"expect", b"100-continue") in scope["headers"]:  # It may send its body now, or not at all.
                answer = replace(answer, unread=True)
        except asyncio.CancelledError:
            answer = self._refusal(Problem(503, "the server is ending", "RG384"), request_id)
        except Exception as error:
            defect(error, request_id, page)
            answer = self._refusal(Problem(500, "nothing is wrong with the request", "RG070"), request_id)
        finally:
            waiting = self._small.waiting + self._large.waiting + self._reading.waiting
            self.counters.ended(page, answer.status, time.perf_counter() - began, answer.size, waiting)
        await _sent(answer, _told_of(answer.speaker, request_id, page), receive, send)

    async def _answered(self, scope: Scope, page: str, receive: Receive) -> Answer:
        headers: dict[bytes, bytes] = dict(scope["headers"])
        self._admit(page, scope["method"], headers)
        if page == SCORE:
            type_of(headers, (JSON,))
            body = await self._arrival.body(headers, receive)
            return await self._computed(body, lambda s: self._handlers.score(s, self._config, body, self._day()))
        if page == RECOMMENDATIONS:
            type_of(headers, (JSON,))
            body = await self._arrival.body(headers, receive)
            return await self._computed(body, lambda s: self._recommended(s, body))
        if page == INVOCATIONS:
            kind = type_of(headers, (JSON, CSV))
            body = await self._arrival.body(headers, receive)
            return await self._computed(body, lambda s: self._handlers.invocations(s, self._config, body, kind))
        if page == CUSTOMER:
            return await self._looked_up(scope["raw_path"].removeprefix(_CUSTOMERS))
        return self._told(page)

    def _admit(self, page: str, method: str, headers: Mapping[bytes, bytes]) -> None:
        """Refuse what needs no look at the body."""
        if page == NOWHERE:
            raise Problem(404, "there is no such page; /openapi.json lists those that there are", "RG389")
        methods = ("POST",) if page in POSTED else ("GET", "HEAD")
        if method not in methods:
            allowed = ", ".join(methods)
            raise Problem(405, f"this page takes {allowed}", "RG387", headers={"allow": allowed})
        if page not in OPEN:
            self._keys.check(headers)
            if not self._keys and not self._insecure:
                check_host(headers)

    async def _computed(self, body: bytes, work: Callable[[Speaker], bytes]) -> Answer:
        """What takes computing: at once, or in its thread."""
        if len(body) <= SMALL:
            async with self._small:
                speaker = self._speaking.speaker
                return Answer(work(speaker), speaker, size=len(body))
        async with self._large:
            speaker = self._speaking.speaker
            done = await asyncio.get_running_loop().run_in_executor(self._computer, work, speaker)
            return Answer(done, speaker, size=len(body))

    def _recommended(self, speaker: Speaker, body: bytes) -> bytes:
        """What is recommended to whom, and counted."""
        found = self._handlers.recommend(speaker, self._config, body, self._day())
        self.counters.recommended(found.arms)
        return found.body

    async def _looked_up(self, raw: bytes) -> Answer:
        """What is read from published scores."""
        async with self._reading:
            speaker = self._speaking.speaker
            loop = asyncio.get_running_loop()
            return Answer(await loop.run_in_executor(self._reader, self._handlers.customer, speaker, raw), speaker)

    def _told(self, page: str) -> Answer:
        """What is known without computing."""
        speaker = self._speaking.speaker
        if page == METRICS:
            return Answer(self.counters.page(), speaker, COUNTED)
        if page == OPENAPI:
            return Answer(self._description(speaker), speaker)
        if page == VERSION:
            return Answer(version(speaker), speaker)
        if self.draining:
            raise Problem(503, "the server is ending", "RG384")
        return Answer(b"\n" if page == PING else health(speaker, self._speaking.trouble), speaker)

    def _description(self, speaker: Speaker) -> bytes:
        if self._described is None or self._described[0] is not speaker:
            self._described = (speaker, self._handlers.openapi(speaker, self._config, bool(self._keys)))
        return self._described[1]

    def request_id(self) -> str:
        """What an answer is called in our log."""
        return f"{self._prefix}-{next(self._number):x}"

    def _refusal(self, problem: Problem, request_id: str) -> Answer:
        self.counters.refused(problem.code)
        return Answer(
            problem.body(request_id),
            self._speaking.speaker,
            MEDIA,
            problem.status,
            tuple((name.encode(), value.encode()) for name, value in problem.headers.items()),
            unread=isinstance(problem, Unread),
        )

    def refusal(self, problem: Problem) -> tuple[Pairs, bytes]:
        """Headers and content of a refusal by whoever holds the connection, which ends with it."""
        request_id = self.request_id()
        answer = self._refusal(problem, request_id)
        return [*_heads(answer), *_told_of(answer.speaker, request_id), (b"connection", b"close")], answer.body


def _is_customer(path: bytes) -> bool:
    rest = path.removeprefix(_CUSTOMERS)
    return rest != path and rest != b"" and b"/" not in rest


def _told_of(speaker: Speaker, request_id: str, page: str = NOWHERE) -> Pairs:
    """The headers of every answer: its name in our log, and who spoke."""
    # MLflow's page answers as the model alone does, with the other customers of its own day.
    day = speaker.model.trained_on if page == INVOCATIONS else speaker.reference_day
    return [
        (b"x-request-id", request_id.encode()),
        (b"x-model-version", speaker.version.encode()),
        (b"x-reference-date", str(day).encode()),
        *ALWAYS,
    ]


def _heads(answer: Answer) -> Pairs:
    return [
        (b"content-type", answer.media.encode()),
        (b"content-length", str(len(answer.body)).encode()),
        *answer.headers,
    ]


async def _sent(answer: Answer, headers: Pairs, receive: Receive, send: Send) -> None:
    """Give an answer; whoever is still sending gets it whole before the connection ends."""
    heads = [*_heads(answer), *headers]
    if answer.unread:
        heads.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": answer.status, "headers": heads})
    if not answer.unread:
        await send({"type": "http.response.body", "body": answer.body})
        return
    await send({"type": "http.response.body", "body": answer.body, "more_body": True})
    with suppress(TimeoutError):
        await asyncio.wait_for(drained(receive), DRAIN_SECONDS)
    await send({"type": "http.response.body", "body": b""})
