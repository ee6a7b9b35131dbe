"""Under load nothing is lost: the model is exchanged again and again, callers that never finish are sent away.

In: the shop's model on a stage, a server, clients that ask without a pause. Out: sentences. By default for as long as a
few exchanges take, in a thread of this process; in soak for ten minutes, against two processes.
"""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from benchmarks.load import Load, request
from benchmarks.tree import pss_bytes
from regulars.config import Config
from regulars.models.model import Model
from regulars.serving.endpoint import Endpoint
from regulars.serving.here import laid, standing
from regulars.serving.stage import Stages

from ..simulated import config_of, trained

SWAPS, CLIENTS, SLOW = 3, 4, 20
SOAK_SECONDS, SWAP_SECONDS, SOAK_SLOW = 600.0, 2.0, 500
SEGMENTS = {"1": "high value", "2": "low value"}
"""What each version says of everybody."""
HALVES = {
    "nothing": b"",
    "half a head": b"POST /v1/score HTTP/1.1\r\nHost: localhost\r\nContent-Type: appl",
    "half a body": request("/v1/score", b'{"customers": ')[:-5],
}


def model_of(version: str) -> Model:
    """By the first everybody is of high value, by the second nobody."""
    return replace(trained().model, high_value=0.0 if version == "1" else 1e9)


def body_about(customers: int) -> bytes:
    """A request about so many; 100 are more than what is computed at once."""
    line = {"amount": 9.5, "quantity": 1, "discount": 0, "product_id": "p1", "category": "milk"}
    some = [
        {
            "customer_id": f"c{number}",
            "purchases": [{"purchased_at": f"2023-{month:02}-11T10:00:00", **line} for month in range(1, 9)],
        }
        for number in range(customers)
    ]
    return json.dumps({"as_of": str(trained().model.trained_on), "customers": some}).encode()


REQUESTS = [(1, 7), (100, 1)]
"""Customers in a request, and how often it is sent in turn."""


def requests() -> list[bytes]:
    """Small ones, and now and then a large one."""
    return [request("/v1/score", body_about(size)) for size, times in REQUESTS for _ in range(times)]


class Watch:
    """Looks at every answer, whether all of it is by one version and the same as ever; and lays the other version."""

    def __init__(self, stages: Stages) -> None:
        self.stages, self.on_stage, self.taken = stages, "1", 0
        self.said = dict[tuple[str, int], bytes]()

    def __call__(self, answer: bytes) -> bool:
        """An answer has come; whether it is by the version laid last."""
        head, _, body = answer.partition(b"\r\n\r\n")
        headers = dict(line.lower().split(": ", 1) for line in head.decode().split("\r\n")[1:])
        found = json.loads(body)
        version = found["model"]["version"]
        assert headers["x-model-version"] == version
        assert {row["segment"].split(",")[0] for row in found["scores"]} == {SEGMENTS[version]}
        assert self.said.setdefault((version, len(found["scores"])), body) == body
        return bool(version == self.on_stage)

    def lay_other(self) -> None:
        """Put the version on stage that does not speak."""
        self.on_stage = "2" if self.on_stage == "1" else "1"
        laid(self.stages, model_of(self.on_stage), self.on_stage)
        self.taken += 1


@pytest.fixture
def stages(tmp_path: Path) -> Stages:
    found = Stages(tmp_path / "server")
    laid(found, model_of("1"), "1")
    return found


def port_of(url: str) -> int:
    port = urlsplit(url).port
    assert port is not None
    return port


def test_the_model_is_exchanged_under_load_and_nothing_is_lost(stages: Stages) -> None:
    watch = Watch(stages)

    def answered(answer: bytes) -> None:
        if not watch(answer):
            return
        if watch.taken == SWAPS:
            load.stop()
        else:
            watch.lay_other()

    with standing(Endpoint(config_of(), stages.folder)) as url:
        load = Load(port_of(url), requests(), CLIENTS, answered)
        out = load.run(60)
    assert watch.taken == SWAPS
    assert (set(out.statuses), out.failed) == ({"200"}, 0)


def test_callers_that_never_finish_are_sent_away_and_others_are_served(stages: Stages) -> None:
    config = limited(read_seconds=1.0)
    with standing(Endpoint(config, stages.folder)) as url:
        sent_away(port_of(url), SLOW, config.serve.read_seconds)


def limited(**given: object) -> Config:
    """The shop's configuration with other limits."""
    config = config_of()
    return config.model_copy(update={"serve": config.serve.model_copy(update=given)})


def sent_away(port: int, many: int, seconds: float) -> None:
    """So many half-open connections end by themselves, while one caller is served as ever."""
    with ExitStack() as stack:
        begun = time.monotonic()
        slow = [stack.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(many)]
        for number, connection in enumerate(slow):
            connection.sendall(list(HALVES.values())[number % len(HALVES)])
            connection.settimeout(10 * seconds)
        out = Load(port, requests(), 1).run(2 * seconds, most=20)
        assert (set(out.statuses), out.failed) == ({"200"}, 0)
        ends = [_until_closed(connection) for connection in slow]
        # Half a request is told so; who has said nothing is told nothing.
        assert [end[9:12] for end in ends] == [b"" if n % len(HALVES) == 0 else b"408" for n in range(many)]
        assert time.monotonic() - begun > 0.9 * seconds


def _until_closed(connection: socket.socket) -> bytes:
    found = b""
    while piece := connection.recv(65536):
        found += piece
    return found


@contextmanager
def process(config: Config, stages: Stages) -> Iterator[tuple[int, int]]:
    """A server in processes of its own, as `regulars serve` starts it: its port and its id; ends well or fails."""
    code = (
        "import json, sys; from pathlib import Path; from regulars.config import Config; "
        "from regulars.serving.endpoint import Endpoint; from regulars.serving.server import serve; "
        "config = Config.of(serve=json.loads(sys.argv[1])); "
        "serve(Endpoint(config, Path(sys.argv[2])), lambda url: print(url, flush=True))"
    )
    command = [sys.executable, "-c", code, config.serve.model_dump_json(), str(stages.folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        try:
            yield port_of(running.stdout.readline().strip()), running.pid
            running.send_signal(signal.SIGTERM)
            assert running.wait(60) == 0
        finally:
            running.kill()


@pytest.mark.soak
def test_ten_minutes_of_load_with_exchanges_lose_nothing_and_memory_stays(stages: Stages) -> None:
    watch, memory = Watch(stages), list[int]()
    every: list[Callable[[], object]] = [watch.lay_other, lambda: memory.append(pss_bytes(pid))]
    due = time.monotonic() + SWAP_SECONDS

    def answered(answer: bytes) -> None:
        nonlocal due
        watch(answer)
        if time.monotonic() >= due:
            due += SWAP_SECONDS
            for step in every:
                step()

    with process(limited(workers=2, port=0), stages) as (port, pid):
        out = Load(port, requests(), 2 * CLIENTS, answered).run(SOAK_SECONDS)
    assert (set(out.statuses), out.failed) == ({"200"}, 0)
    assert len(memory) == watch.taken > 0.5 * SOAK_SECONDS / SWAP_SECONDS
    # The first tenth is the warming up.
    tenth = len(memory) // 10
    assert sorted(memory[-tenth:])[tenth // 2] < 1.05 * sorted(memory[tenth : 2 * tenth])[tenth // 2]


@pytest.mark.soak
def test_five_hundred_callers_that_never_finish_keep_nobody_from_being_served(stages: Stages) -> None:
    with process(limited(port=0), stages) as (port, _):
        sent_away(port, SOAK_SLOW, limited().serve.read_seconds)
