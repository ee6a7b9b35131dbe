"""HTTP on a connection: what is no request, comes too slowly or never ends is refused, and the others are served."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from itertools import repeat

import pytest
from uvicorn import Server

from regulars.serving.protocol import BoundedProtocol
from regulars.serving.server import bound
from regulars.serving.supervisor import settings_of

from . import played
from .played import endpoint_of

SECONDS = 1.0
"""A request must have arrived in so many."""
CUT = r"reset|pipe"
PING = b"GET /ping HTTP/1.1\r\nhost: localhost\r\n\r\n"
POST = b"POST /v1/score HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"


@contextmanager
def serving(monkeypatch: pytest.MonkeyPatch, **limits: float) -> Iterator[tuple[Server, int]]:
    """A server in a thread; it, and its port."""
    monkeypatch.setattr("regulars.serving.supervisor.Worker", played.PlayedWorker)
    with closing(bound("127.0.0.1", 0)) as listening:
        limits = {"read_seconds": SECONDS, "drain_seconds": 2, **limits}
        server = Server(settings_of(endpoint_of(**limits), None))
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        try:
            while not server.started:
                time.sleep(0.005)
            yield server, listening.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with pytest.MonkeyPatch.context() as patch, serving(patch, max_kilobytes=1) as (_, found):
        yield found


def called(port: int) -> socket.socket:
    """A connection."""
    found = socket.create_connection(("127.0.0.1", port))
    found.settimeout(10)
    return found


def heard(connection: socket.socket) -> bytes:
    """All that comes until the end of the connection."""
    found = b""
    with closing(connection):
        while piece := connection.recv(65_536):
            found += piece
    return found


def told(port: int, *pieces: bytes) -> bytes:
    """What is answered to bytes until the server ends the connection."""
    connection = called(port)
    for piece in pieces:
        connection.sendall(piece)
    return heard(connection)


def statuses(answers: bytes) -> list[int]:
    """Of one answer after the other."""
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", answers)]


CLOSE = PING.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n")


@pytest.mark.parametrize(
    ("sent", "answered"),
    [
        (PING + PING + CLOSE, [200, 200, 200]),
        (b"GET /ping HTTP/1.0\r\n\r\n", [200]),
        (b"\r\n" + CLOSE, [200]),
        (b"GET http://localhost/ping HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n", [200]),
        (b"nonsense\r\n\r\n", [400]),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", [400]),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", [400]),
        (b"CONNECT example.org:443 HTTP/1.1\r\nhost: example.org\r\n\r\n", [400]),
        (b"GET /\xff HTTP/1.1\r\nhost: localhost\r\n\r\n", [400]),
        (POST + b"content-length: -1\r\n\r\n", [400]),
        (POST + b"content-length: 2\r\ncontent-length: 3\r\n\r\n{}", [400]),
        (POST + b"content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n{}", [400]),
        (POST + b"transfer-encoding: chunked\r\n\r\nx\r\n", [400]),
        # What is no request ends the connection after the answers to those before it.
        (PING + b"nonsense\r\n\r\n", [200]),
        (PING.replace(b"\r\n\r\n", b"\r\nx: " + b"y" * 70_000 + b"\r\n\r\n"), [431]),
        (PING.replace(b"\r\n\r\n", b"".join(b"\r\nx%d: y" % i for i in range(9_000)) + b"\r\n\r\n"), [431]),
    ],
)
def test_what_is_no_request_is_refused_and_the_connection_ends(port: int, sent: bytes, answered: list[int]) -> None:
    answers = told(port, sent)
    assert statuses(answers) == answered
    assert b"nonsense" not in answers
    assert b"\r\nx-request-id: " in answers
    if answered[-1] >= 400:
        assert b"\r\ncontent-type: application/problem+json\r\n" in answers


def test_an_offer_of_http_2_is_passed_over_and_the_body_is_read(port: int) -> None:
    # So does the client of Java on its first request.
    offer = (
        b"connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nhttp2-settings: AAMAAABkAAQ\r\ncontent-length: 2\r\n"
    )
    with closing(called(port)) as connection:
        connection.sendall(POST + offer + b"\r\n{}")
        assert b"[{}] by 7" in connection.recv(65_536)


def send_on(connection: socket.socket, pieces: Iterable[bytes], pause: float = 0.0) -> None:
    """Send one piece after the other, whatever comes back."""
    for piece in pieces:
        time.sleep(pause)
        connection.sendall(piece)


def test_a_head_that_never_ends_is_refused(port: int) -> None:
    connection = called(port)
    connection.sendall(b"GET /ping HTTP/1.1\r\nx: ")
    with pytest.raises(OSError, match=CUT):
        send_on(connection, [b"y" * 65_536] * 1000)
    connection.close()


@pytest.mark.parametrize(
    "sent",
    [
        POST + b"content-length: 20000\r\n\r\n" + b"x" * 20_000,
        POST + b"content-length: 60000000\r\n\r\n",
        POST + b"transfer-encoding: chunked\r\n\r\n" + b"400\r\n" + b"x" * 1024 + b"\r\n1\r\nx\r\n",
        POST + b"expect: 100-continue\r\ncontent-length: 60000000\r\n\r\n",
    ],
)
def test_a_body_that_is_too_large_is_refused_before_it_has_come(
    port: int, sent: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("regulars.serving.app.DRAIN_SECONDS", 0.05)
    answers = told(port, sent)
    assert statuses(answers) == [413]
    assert b"\r\nconnection: close\r\n" in answers


def test_who_is_still_sending_when_he_is_refused_comes_to_read_it(port: int) -> None:
    # Much more than the buffers of both sides hold: without reading on, sending it would fail.
    assert statuses(told(port, POST + b"content-length: 8000000\r\n\r\n", b"x" * 8_000_000)) == [413]


def test_what_follows_the_chunks_of_a_body_is_not_kept_without_end(port: int) -> None:
    connection = called(port)
    connection.sendall(POST + b"transfer-encoding: chunked\r\n\r\n0\r\nx: ")
    with pytest.raises(OSError, match=CUT):
        send_on(connection, [b"y" * 65_536] * 1000)
    connection.close()


def test_who_waits_for_a_sign_to_send_his_body_gets_it(port: int) -> None:
    with closing(called(port)) as connection:
        connection.sendall(POST + b"expect: 100-continue\r\ncontent-length: 2\r\n\r\n")
        assert connection.recv(65_536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"{}")
        assert b"[{}] by 7" in connection.recv(65_536)


def test_what_does_not_arrive_in_time_is_refused_while_others_are_served(port: int) -> None:
    late = {
        "nothing": (called(port), b"", []),
        "an empty line": (called(port), b"\r\n", []),
        "half a head": (called(port), b"GET /ping HT", [408]),
        "half a body": (called(port), POST + b"content-length: 20\r\n\r\n{", [408]),
        "half a body for nobody": (called(port), b"POST /nowhere HTTP/1.1\r\ncontent-length: 20\r\n\r\n{", [404]),
        "another half": (called(port), PING + b"GET /pi", [200, 408]),
    }
    for connection, sent, _ in late.values():
        connection.sendall(sent)
    assert statuses(told(port, CLOSE)) == [200]
    found = {name: statuses(heard(connection)) for name, (connection, _, _) in late.items()}
    assert found == {name: answered for name, (_, _, answered) in late.items()}


def test_who_drips_his_request_has_no_more_time_than_others(port: int) -> None:
    connection, began = called(port), time.monotonic()
    connection.sendall(b"GET /ping HTTP/1.1\r\n")
    with pytest.raises(OSError, match=CUT):
        send_on(connection, [b"x%d: y\r\n" % n for n in range(100)], SECONDS / 10)
    assert time.monotonic() - began >= SECONDS
    connection.close()


def test_who_does_not_read_his_answers_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    # Some hundred thousand answers fit into no buffer: the server stops reading, and then waiting. What the caller's
    # own system tells him of it, and when, is not the server's to say, so the server's side is looked at.
    with serving(monkeypatch) as (server, port), closing(called(port)) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(0.5)
        while not server.server_state.connections:
            time.sleep(0.005)
        with contextlib.suppress(OSError):
            send_on(connection, repeat(PING * 20, 1_000_000))
        until = time.monotonic() + 10
        while server.server_state.connections and time.monotonic() < until:
            time.sleep(0.005)
        assert not server.server_state.connections


def test_a_connection_that_ends_is_cut_off_although_a_little_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    class Ending:
        def is_closing(self) -> bool:
            return True

    class Flow:
        def resume_writing(self) -> None: ...

    ending, cut = BoundedProtocol.__new__(BoundedProtocol), asyncio.new_event_loop()
    with closing(cut):
        ending.transport, ending.flow, ending._cut = Ending(), Flow(), cut.call_later(1, print)
        ending.resume_writing()
        # Whoever reads some of what is left, and then nothing, would keep the connection for good.
        assert not ending._cut.cancelled()
        monkeypatch.setattr(Ending, "is_closing", lambda _: False)
        ending.resume_writing()
        assert ending._cut is None


def test_more_connections_than_allowed_are_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(monkeypatch, max_connections=1) as (_, port), closing(called(port)) as first:
        first.sendall(PING)
        assert statuses(first.recv(65_536)) == [200]
        answers = told(port, PING)
        assert statuses(answers) == [503]
        assert b"\r\nretry-after: 1\r\n" in answers


def test_what_is_under_way_and_one_more_request_is_answered_when_the_server_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with serving(monkeypatch, read_seconds=5) as (server, port):
        idle, slow, fresh = called(port), called(port), called(port)
        idle.sendall(PING)
        assert statuses(idle.recv(65_536)) == [200]
        # As large as this it is computed in a thread.
        slow.sendall(POST + b"content-length: 70000\r\n\r\n!slow" + b" " * 69_995)
        until(lambda: len(server.server_state.tasks) > 0)
        server.should_exit = True
        until(lambda: not server.servers[0].is_serving())
        idle.sendall(PING)
        fresh.sendall(PING)
        for connection, status in ((idle, 503), (fresh, 503), (slow, 200)):
            answer = heard(connection)
            assert statuses(answer) == [status]
            assert b"\r\nconnection: close\r\n" in answer


def until(found: Callable[[], bool]) -> None:
    """Wait for something that another thread does."""
    while not found():
        time.sleep(0.005)
