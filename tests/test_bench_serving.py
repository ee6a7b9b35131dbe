"""The part of the benchmark about the endpoint counts what it should, and sends the bare app what the model reads.

In: servers of a few lines, the small shop's model. Out: sentences; nothing is timed.
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import xgboost as xgb

from benchmarks import serving
from benchmarks.bare_app import app
from benchmarks.load import LOST, Load, Outcome, request
from benchmarks.serving_shop import Heard

from .serving.asgi import ask

ANSWERS = {
    b"fine": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
    b"full": b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n",
    b"gone": b"",
}


@contextmanager
def answering(pieces: int = 1) -> Iterator[int]:
    """A server that says what its caller names in the body, in so many pieces; to `gone` it closes the connection."""

    def talk(connection: socket.socket) -> None:
        with connection:
            while asked := connection.recv(65536):
                answer = ANSWERS[asked.rpartition(b"\r\n")[2]]
                if not answer:
                    return
                size = -(-len(answer) // pieces)
                for start in range(0, len(answer), size):
                    connection.sendall(answer[start : start + size])

    def listen() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threads.append(threading.Thread(target=talk, args=(connection,)))
            threads[-1].start()

    threads: list[threading.Thread] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        accepting = threading.Thread(target=listen)
        accepting.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
    for thread in (accepting, *threads):
        thread.join(5)


def test_every_request_is_counted_by_what_became_of_it() -> None:
    heard: list[bytes] = []
    with answering(pieces=7) as port:
        bodies = [request("/", body) for body in (b"fine", b"full", b"fine", b"gone", b"fine")]
        out = Load(port, bodies, clients=1, answered=heard.append).run(60, most=10)
    # Ten of five in turn: twice three fine ones, one refused, one whose connection was closed and is made anew.
    assert out.statuses == {"200": 6, "503": 2, LOST: 2}
    assert (out.failed, len(out.milliseconds)) == (4, 6)
    assert heard.count(ANSWERS[b"fine"]) == 6
    assert out.figures()["answers"] == 6


def test_clients_ask_at_once_and_stop_when_told() -> None:
    with answering() as port:
        out = Load(port, [request("/", b"fine")], clients=3).run(60, most=2)
        assert out.statuses == {"200": 2}  # Two requests are two clients' alone.
        assert Load(port, [request("/", b"fine")], clients=3).run(0.0).statuses == {"200": 3}  # One is always sent.


def test_a_percentile_is_a_time_that_was_seen() -> None:
    out = Outcome(2.0, [float(ms) for ms in range(100, 0, -1)])
    assert [out.percentile(share) for share in (0.5, 0.99, 1.0)] == [50.0, 99.0, 100.0]
    assert out.figures()["per_second"] == 50.0
    assert Outcome().percentile(0.5) == np.inf


def test_the_bare_app_is_sent_what_the_boosters_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 40)).astype(np.float32)
    b[3] = np.nan
    wide = xgb.train({"nthread": 1}, xgb.DMatrix(np.stack([a, b], 1), label=a, feature_names=["a", "b"]), 2)
    one = xgb.train({"nthread": 1}, xgb.DMatrix(b[:, None], label=a, feature_names=["b"]), 2)
    heard, margin = Heard(), np.arange(40.0)
    with heard.listening():
        first = wide.inplace_predict(np.stack([a, b], 1), predict_type="margin", validate_features=False)
        second = one.inplace_predict(b[:, None], predict_type="margin", base_margin=margin, validate_features=False)
    rows = heard.save(tmp_path / "bare")
    assert rows[3]["features"] == [float(a[3]), None]
    assert rows[3]["margins"] == [3.0]
    monkeypatch.setenv("REGULARS_BARE", str(tmp_path / "bare"))
    asked = {name: [row[name] for row in rows] for name in ("features", "margins")}
    said = ask(app(), "POST", "/score", json.dumps(asked).encode()).json()["predictions"]
    assert [row["0.ubj"] for row in said] == first.tolist()
    assert [row["1.ubj"] for row in said] == second.tolist()


def test_the_table_of_servers_is_in_units_of_the_others() -> None:
    def cost(per_second: float, p50: float) -> list[dict[str, float]]:
        return [{"per_second": per_second, "p50_ms": p50, "p99_ms": 2 * p50, "cpu_ms": 1.0, "answers": 9, "failed": 0}]

    one = {"stock": cost(40, 200), "bare": cost(600, 12), "ours": cost(300, 25), "ours, alone": cost(250, 4)}
    found = {"1": {**one, "two": cost(510, 15)}, "100": one, "about": {"features": 107, "boosters": 7}}
    shown = serving.of_serving(found).splitlines()
    (ours,) = (line for line in shown if line.startswith("regulars serve, one worker") and ">= 6 x" in line)
    assert ours.split()[4:10] == ["300", "7.50", "0.50", "25.00", "50.00", "1.00"]  # 300 / 40, 300 / 600
    (two,) = (line for line in shown if line.startswith("regulars serve, two workers"))
    assert "1.70 x one worker" in two  # 510 / 300
    assert sum("p50 <= 20 ms" in line for line in shown) == 1
