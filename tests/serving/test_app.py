"""The application: pages, methods, types, sizes, turns; one answer in any case, by one speaker."""

from __future__ import annotations

import asyncio
import logging
import threading
from dataclasses import replace
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from regulars.serving.app import SMALL, App
from regulars.serving.arrival import Arrival
from regulars.serving.guard import Keys
from regulars.serving.problems import MEDIA, Problem
from regulars.serving.turns import Turns

from .asgi import ask, asked
from .played import HANDLERS, KEY, SECRET, Played, app_of, endpoint_of, score, speaker_of

EVERY = {"x-request-id", "x-model-version", "x-reference-date", "cache-control", "x-content-type-options"}


@pytest.fixture
def app() -> App:
    return app_of(endpoint_of())


def figures(app: App) -> dict[tuple[str, ...], float]:
    """What is counted: name and labels to value."""
    families = text_string_to_metric_families(ask(app, "GET", "/metrics").body.decode())
    return {(s.name, *s.labels.values()): s.value for family in families for s in family.samples}


def test_every_answer_says_who_spoke_and_is_kept_by_nobody(app: App) -> None:
    for method, path in [("POST", "/v1/score"), ("GET", "/ping"), ("GET", "/nowhere"), ("PUT", "/health")]:
        reply = ask(app, method, path, b"{}")
        assert set(reply.headers) >= EVERY, path
        assert reply.headers["x-model-version"] == "7"
        assert reply.headers["x-reference-date"] == "2024-01-31"
        assert reply.headers["cache-control"] == "no-store"
        assert int(reply.headers["content-length"]) == len(reply.body)
    assert ask(app, "GET", "/ping").headers["x-request-id"] != ask(app, "GET", "/ping").headers["x-request-id"]


def test_a_request_id_of_the_caller_is_not_taken_over(app: App) -> None:
    assert ask(app, "GET", "/ping", headers={"x-request-id": "mine"}).headers["x-request-id"] != "mine"


def test_mlflows_page_speaks_as_of_the_day_of_training(app: App) -> None:
    reply = ask(app, "POST", "/invocations", b"a,b", {"content-type": "text/csv; charset=UTF-8"})
    assert (reply.body, reply.headers["x-reference-date"]) == (b"text/csv", "2024-01-01")


@pytest.mark.parametrize(
    ("method", "path", "status", "body"),
    [
        ("POST", "/v1/score", 200, b"[{}] by 7"),
        ("GET", "/v1/customers/a%2Fb", 200, b"a%2Fb"),
        ("GET", "/openapi.json", 200, b"7 False"),
        ("GET", "/ping?since=1", 200, b"\n"),
        ("HEAD", "/health", 200, b'{"status":"ok","model_version":"7","reference":"2024-01-31"}'),
        ("GET", "/v1/customers/", 404, None),
        ("GET", "/v1/customers/a/b", 404, None),
        ("GET", "/v1/score/", 404, None),
        ("GET", "/", 404, None),
        ("GET", "/docs", 404, None),
        ("GET", "/v1/score", 405, None),
        ("HEAD", "/invocations", 405, None),
        ("POST", "/ping", 405, None),
        ("OPTIONS", "/v1/score", 405, None),
        ("DELETE", "/v1/customers/a", 405, None),
    ],
)
def test_pages_and_methods_are_those_that_there_are(
    app: App, method: str, path: str, status: int, body: bytes | None
) -> None:
    reply = ask(app, method, path, b"{}")
    assert reply.status == status
    if body is not None:
        assert reply.body == body
        return
    assert reply.headers["content-type"] == MEDIA
    assert reply.json()["status"] == status
    assert reply.json()["request_id"] == reply.headers["x-request-id"]
    if status == 405:
        assert reply.headers["allow"] == ("POST" if path in ("/v1/score", "/invocations") else "GET, HEAD")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"content-type": "application/json"}, 200),
        ({"content-type": 'Application/JSON ; charset="UTF-8"'}, 200),
        ({"content-type": "application/json; charset=latin-1"}, 415),
        ({"content-type": "text/csv"}, 415),
        ({"content-type": "text/plain"}, 415),
        ({"content-type": ""}, 415),
        ({"content-type": "application/json", "content-encoding": "gzip"}, 415),
    ],
)
def test_a_body_is_json_in_utf_8_as_it_is(app: App, headers: dict[str, str], status: int) -> None:
    assert ask(app, "POST", "/v1/score", b"{}", headers).status == status


def test_a_key_is_asked_for_except_by_whoever_keeps_the_server_alive() -> None:
    app = app_of(endpoint_of(keys=Keys.of(KEY)))
    for path in ("/version", "/metrics", "/openapi.json", "/v1/customers/a"):
        assert ask(app, "GET", path).status == 401, path
        assert ask(app, "GET", path, headers={"x-api-key": KEY + "x"}).status == 403, path
        assert ask(app, "GET", path, headers={"x-api-key": KEY, "host": "example.org"}).status == 200, path
    assert ask(app, "POST", "/v1/score", b"{}").headers["www-authenticate"] == "Bearer"
    assert [ask(app, "GET", path, headers={"host": "10.1.1.1"}).status for path in ("/ping", "/health")] == [200, 200]


def test_without_a_key_only_this_machine_calls_unless_that_is_said_to_be_insecure() -> None:
    elsewhere = {"host": "example.org"}
    assert ask(app_of(endpoint_of()), "POST", "/v1/score", b"{}", elsewhere).status == 421
    assert ask(app_of(endpoint_of(insecure=True)), "POST", "/v1/score", b"{}", elsewhere).status == 200


def test_a_body_of_the_largest_size_is_read_and_one_byte_more_is_not() -> None:
    app = app_of(endpoint_of(max_kilobytes=1))
    assert ask(app, "POST", "/v1/score", b"x" * 1024).status == 200
    reply = ask(app, "POST", "/v1/score", b"x" * 1025)
    assert (reply.status, reply.headers["connection"], reply.json()["code"]) == (413, "close", "RG381")


def test_a_body_that_says_that_it_is_too_large_is_not_waited_for() -> None:
    # What would be read next is the end of the connection, so that nothing was read before the answer.
    reply = ask(app_of(endpoint_of(max_kilobytes=1)), "POST", "/v1/score", b"", {"content-length": "1025"})
    assert reply.status == 413


def test_a_body_in_pieces_is_refused_with_the_piece_that_is_too_much() -> None:
    app = app_of(endpoint_of(max_kilobytes=1))
    assert asyncio.run(asked(app, "POST", "/v1/score", [b"x" * 512] * 2)).body == b"[" + b"x" * 100 + b"] by 7"
    assert asyncio.run(asked(app, "POST", "/v1/score", [b"x" * 512] * 3)).status == 413


def test_bodies_on_their_way_fill_no_more_memory_than_is_set() -> None:
    # Of 1,500 bytes for all, the first half of one takes 900: another of 900 is refused until that one is whole.
    arrival, rest = Arrival(most=2000, together=1500), asyncio.Event()

    async def begun(waits: bool) -> int:
        pieces = [b"x" * 900, b"y"]

        async def receive() -> dict[str, object]:
            if waits and len(pieces) == 1:
                await rest.wait()
            return {"type": "http.request", "body": pieces.pop(0), "more_body": bool(pieces)}

        return len(await arrival.body({}, receive))

    async def three() -> None:
        first = asyncio.create_task(begun(waits=True))
        await asyncio.sleep(0)
        with pytest.raises(Problem) as refused:
            await begun(waits=False)
        assert (refused.value.status, refused.value.headers["retry-after"]) == (503, "1")
        rest.set()
        assert (await first, await begun(waits=False)) == (901, 901)

    asyncio.run(three())


def test_whoever_hangs_up_gets_nothing_and_is_counted(app: App) -> None:
    assert asyncio.run(asked(app, "POST", "/v1/score", [])).status == 0
    assert figures(app)["regulars_requests_total", "/v1/score", "499"] == 1


def test_an_error_that_nobody_foresaw_is_told_in_the_log_without_its_data(
    app: App, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        reply = ask(app, "POST", "/v1/score", b"!boom")
    assert reply.status == 500
    assert SECRET not in reply.body.decode() + caplog.text
    assert "KeyError on /v1/score at played.py:" in caplog.text
    assert reply.headers["x-request-id"] in caplog.text


def test_refusals_and_requests_are_counted_by_names_of_ours(app: App) -> None:
    for path, body in [("/v1/score", b"{}"), ("/v1/score", b"!wrong"), (f"/{SECRET}", b""), ("/nowhere", b"")]:
        ask(app, "POST", path, body)
    found = figures(app)
    assert found["regulars_requests_total", "/v1/score", "200"] == 1
    assert found["regulars_requests_total", "/v1/score", "422"] == 1
    assert found["regulars_requests_total", "other", "404"] == 2
    assert found["regulars_refusals_total", "RG382"] == 1
    assert found["regulars_refusals_total", "RG389"] == 2
    assert found["regulars_body_bytes_total",] == 2  # That of the request that was answered.
    assert found["regulars_request_seconds_count", "/v1/score"] == 2
    assert found["regulars_requests_under_way",] == 1  # The one that asks.
    assert SECRET not in str(found)


def test_recommendations_are_counted_by_arm_and_refused_by_reason(app: App) -> None:
    assert ask(app, "POST", "/v1/recommendations", b"{}").body == b"{}"
    assert ask(app, "POST", "/v1/recommendations", b"!wrong").json()["code"] == "RG456"
    assert ask(app, "GET", "/v1/recommendations").headers["allow"] == "POST"
    assert ask(app, "POST", "/v1/recommendations", b"{}", {"content-type": "text/csv"}).status == 415
    found = figures(app)
    assert found["regulars_recommendations_total", "chosen", "yes"] == 2
    assert found["regulars_recommendations_total", "control", "no"] == 1
    assert found["regulars_refusals_total", "RG456"] == 1


def test_health_tells_why_it_is_not_the_champion_who_speaks() -> None:
    played = Played()
    app = app_of(endpoint_of(), played)
    played.trouble = "RG394: what is on stage cannot speak"
    assert ask(app, "GET", "/health").json()["trouble"] == played.trouble
    assert ask(app, "GET", "/health").json()["status"] == "degraded"


def test_a_worker_that_ends_says_so_to_whoever_looks_after_it(app: App) -> None:
    app.draining = True
    assert [ask(app, "GET", path).status for path in ("/health", "/ping")] == [503, 503]
    assert ask(app, "POST", "/v1/score", b"{}").status == 200


def test_an_answer_is_by_one_speaker_though_another_takes_over_meanwhile() -> None:
    played, begun, go_on = Played(), threading.Event(), threading.Event()

    def slowly(speaker: Any, *rest: Any) -> bytes:
        begun.set()
        assert go_on.wait(10)
        return score(speaker, *rest)

    app = app_of(endpoint_of(), played, replace(HANDLERS, score=slowly))

    async def swapped() -> None:
        large = asyncio.create_task(asked(app, "POST", "/v1/score", [b"x" * (SMALL + 1)]))
        await asyncio.to_thread(begun.wait, 10)
        played.speaker = speaker_of("8")
        # What is small is answered while the large one is computed.
        assert (await asked(app, "GET", "/ping")).headers["x-model-version"] == "8"
        go_on.set()
        reply = await large
        assert (reply.body[-4:], reply.headers["x-model-version"]) == (b"by 7", "7")

    asyncio.run(swapped())


def test_one_computes_at_a_time_in_the_order_of_arrival_and_who_is_too_many_is_told_at_once() -> None:
    # Of five at once the first has the turn and two may wait; the others are refused before anybody has computed more.
    turns, order = Turns(most=2), []

    async def one(name: str) -> str:
        try:
            async with turns:
                order.append(name)
                await asyncio.sleep(0.001)
                order.append(name)
        except Problem as problem:
            return f"{problem.status} {problem.headers['retry-after']}"
        return "done"

    async def five() -> list[str]:
        return list(await asyncio.gather(*(one(name) for name in "abcde")))

    assert asyncio.run(five()) == ["done", "done", "done", "503 1", "503 1"]
    assert order == ["a", "a", "b", "b", "c", "c"]


def test_who_gives_up_waiting_does_not_keep_the_turn() -> None:
    turns = Turns(most=5)

    async def tried() -> str:
        async with turns:
            given_up = asyncio.create_task(waits())
            other = asyncio.create_task(waits())
            await asyncio.sleep(0)
            given_up.cancel()
        await asyncio.sleep(0)
        return await other

    async def waits() -> str:
        async with turns:
            return "done"

    assert asyncio.run(tried()) == "done"


def test_at_most_so_many_requests_wait() -> None:
    app = app_of(endpoint_of(max_waiting=3))

    async def ten() -> list[int]:
        return [r.status for r in await asyncio.gather(*(asked(app, "POST", "/v1/score", [b"{}"]) for _ in range(10)))]

    assert asyncio.run(ten()) == [200] * 4 + [503] * 6
