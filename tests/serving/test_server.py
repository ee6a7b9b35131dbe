"""The server as processes: several workers, one that dies, the end of all; and what keeps it from beginning."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import urllib3

from regulars.errors import ConfigError, RegularsError
from regulars.serving import farewell, server, supervisor
from regulars.serving.guard import Keys
from regulars.serving.logs import JsonLines, Plain, settings
from regulars.serving.supervisor import Supervisor

from .played import SECRET, PlayedWorker, endpoint_of

PLAYED = Path(__file__).with_name("played.py")
ROOT = PLAYED.parents[2]
PATIENCE_S = 60


@contextmanager
def running(folder: Path, workers: int = 1) -> Iterator[subprocess.Popen[str]]:
    """A server in processes of its own."""
    known = os.pathsep.join([str(ROOT / ".imports"), os.environ.get("PYTHONPATH", "")])
    process = subprocess.Popen(
        [sys.executable, PLAYED, folder, str(workers)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": known},
    )
    try:
        with process:
            yield process
    finally:
        process.kill()


def test_a_dead_worker_is_replaced_all_are_counted_and_what_is_under_way_is_answered_at_the_end(tmp_path: Path) -> None:
    with running(tmp_path, workers=2) as process, urllib3.PoolManager(retries=False) as pool:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        before = workers_of(process.pid)
        assert len(before) == 2
        for _ in range(3):
            assert pool.request("GET", f"{url}/ping").status == 200
        page = pool.request("GET", f"{url}/metrics").data.decode()
        assert 'regulars_requests_total{route="/ping",status="200"} 3.0' in page
        assert "_created" not in page

        os.kill(min(before), signal.SIGKILL)
        wait_for(lambda: len(workers_of(process.pid) - before) == 1)
        replaced = workers_of(process.pid)
        assert len(replaced) == 2

        where = urlsplit(url)
        with socket.create_connection((where.hostname or "", where.port or 0)) as under_way:
            head = b"POST /v1/score HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: "
            under_way.sendall(head + b"70000\r\n\r\n!slow" + b" " * 69_995)
            time.sleep(0.05)
            process.terminate()
            answer = b""
            while piece := under_way.recv(65_536):
                answer += piece
        assert b"[!slow" in answer
        assert process.wait(PATIENCE_S) == 0
        wait_for(lambda: not any(Path(f"/proc/{worker}").exists() for worker in replaced))


def test_a_worker_that_cannot_begin_says_why_without_anybodys_data(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "silent").touch()
    sent: list[dict[str, str]] = []

    async def receive() -> dict[str, str]:
        return {"type": "lifespan.startup"}

    async def send(message: dict[str, str]) -> None:
        sent.append(message)

    async def lived() -> None:
        await PlayedWorker(endpoint_of(tmp_path))({"type": "lifespan"}, receive, send)

    with caplog.at_level(logging.ERROR):
        asyncio.run(lived())
    assert sent == [{"type": "lifespan.startup.failed", "message": "Problem"}]
    assert "Problem on the beginning at played.py:" in caplog.text
    assert SECRET not in caplog.text


class Paper:
    """A worker that is none: it lives, or ended with a code."""

    def __init__(self, *_: object, code: int | None = None) -> None:
        self.pid, self.exitcode, self.process = 1, code, self

    def is_alive(self, timeout: float = 0) -> bool:
        return self.exitcode is None

    is_ready = is_alive

    def nothing(self) -> None:
        """What is asked of it does nothing."""

    start = kill = join = terminate = nothing


@pytest.mark.parametrize(
    ("codes", "replaced", "failed"),
    [
        # -9 is a worker that was killed, 3 what uvicorn calls a failure at the start.
        ([None, -9], [False, True], False),
        ([-9], [True], False),
        ([None, 3], [False, True], False),
        ([3], [False], True),
        ([3, 3], [False, False], True),
    ],
)
def test_a_worker_that_cannot_begin_is_tried_again_while_others_serve_and_ends_the_server_when_none_does(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    codes: list[int | None],
    replaced: list[bool],
    failed: bool,
) -> None:
    before: list[Any] = [Paper(code=code) for code in codes]
    monkeypatch.setattr(supervisor, "Process", Paper)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    endpoint = endpoint_of(tmp_path, port=0)
    with server.bound("127.0.0.1", 0) as listening:
        kept = Supervisor(supervisor.settings_of(endpoint, None), listening, endpoint, print)
        kept.processes = list(before)
        kept.keep_subprocess_alive()
        assert [a is not b for a, b in zip(kept.processes, before, strict=True)] == replaced
        assert (kept.failed, kept.should_exit.is_set()) == (failed, failed)


def test_a_server_none_of_whose_workers_can_begin_ends_with_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Supervisor, "run", lambda self: setattr(self, "failed", True))
    monkeypatch.setattr(server, "_lay_out", lambda endpoint: None)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    with pytest.raises(RegularsError, match="RG384: no worker could begin to serve"):
        server.serve(endpoint_of(tmp_path, port=0), print)


def test_whoever_calls_when_the_server_ends_is_told_so() -> None:
    with server.bound("127.0.0.1", 0) as listening:
        listening.listen()
        with socket.create_connection(listening.getsockname()) as caller:
            caller.sendall(b"GET /ping HTTP/1.1\r\n\r\n")
            caller.shutdown(socket.SHUT_WR)
            farewell.turn_all_away(listening)
            answer = caller.recv(65_536)
        assert answer.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
        assert b'"code": "RG384"' in answer
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(listening.getsockname())


def test_an_address_that_is_taken_or_not_here_is_told() -> None:
    with server.bound("127.0.0.1", 0) as listening:
        listening.listen()
        with pytest.raises(ConfigError, match=r"RG384.*0 takes any port"):
            server.bound("127.0.0.1", listening.getsockname()[1])
        assert server.url_of(listening).startswith("http://127.0.0.1:")
    with pytest.raises(ConfigError, match="RG384"):
        server.bound("192.0.2.1", 0)


def test_a_server_that_others_reach_does_not_begin_without_a_key() -> None:
    with pytest.raises(ConfigError, match="RG385"):
        server.serve(endpoint_of(keys=Keys(), host="0.0.0.0"), print)


def test_packages_that_are_missing_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "NEEDED", ("uvicorn", "no_such_package"))
    with pytest.raises(ConfigError, match=r"Seen: no_such_package\. Do: pip install 'regulars\[serve\]'"):
        server.check_installed()


def test_the_log_tells_the_kind_of_an_error_and_never_what_it_says() -> None:
    try:
        raise KeyError(SECRET)
    except KeyError:
        record = logging.LogRecord("x", logging.ERROR, __file__, 1, "it went %s", ("wrong",), sys.exc_info())
    assert Plain().format(record) == "error: it went wrong: KeyError"
    told = json.loads(JsonLines().format(record))
    assert (told["text"], told["error"], told["level"]) == ("it went wrong", "KeyError", "error")
    assert SECRET not in str(told)
    assert {s["level"] for s in settings("json")["loggers"].values()} == {"ERROR", "INFO"}


def workers_of(parent: int) -> set[int]:
    """The processes that a server has for serving."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            above = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            if above == parent and b"spawn_main" in (folder / "cmdline").read_bytes():
                found.add(int(folder.name))
        except (OSError, ValueError):
            continue
    return found


def wait_for(found: Callable[[], bool]) -> None:
    """Wait for what other processes do."""
    until = time.monotonic() + PATIENCE_S
    while not found():
        assert time.monotonic() < until
        time.sleep(0.05)
