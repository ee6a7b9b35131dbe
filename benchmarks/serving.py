"""The part of the benchmark about the endpoint: ours, MLflow's own, and the least there can be, side by side.

In: a folder, how many rounds, seconds a way and round. Out: answers a second, milliseconds and the servers' processor
time of every round, as the JSON shows them, and their table. All servers stand at once and are asked in turn, the idle
ones doing nothing; all answer of the same customers with the same bundle, and agree before anything is measured. The
bare app is sent features that are ready. None may start threads of OpenMP, which would cost MLflow's server the more.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .bare_app import FOLDER
from .load import HOST
from .run import ROOT, Cost, Costs, module, say
from .tables import WIDE, medians
from .tree import seconds_of

CLIENTS, WARM = 8, 1.0
SIZES = (1, 100)
READY_S, STOP_S = 180.0, 30.0
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
NUMBERS = ("p_churn", "expected_orders", "expected_spend", "spend_low", "spend_high")
"""What ours and MLflow's must say alike, to the bit."""


@dataclass(frozen=True)
class Way:
    """A server to be asked.

    Parameters
    ----------
    name : str
        As the table has it.
    bodies : str
        How the files of its requests begin.
    path : str
    command : tuple of str
        With ``{port}`` where that belongs.
    """

    name: str
    bodies: str
    path: str
    command: tuple[str, ...]


_SERVE = ("-m", "regulars.cli", "serve", "regulars.toml", "--port", "{port}", "--workers")
WAYS = {
    "stock": Way(
        "mlflow models serve, the same bundle",
        "stock",
        "/invocations",
        (
            "-m",
            "mlflow",
            "models",
            "serve",
            "-m",
            "models:/regulars@champion",
            "-p",
            "{port}",
            "--env-manager",
            "local",
        ),
    ),
    "bare": Way(
        "FastAPI, the same boosters, features ready",
        "bare",
        "/score",
        ("-m", "uvicorn", "--factory", "benchmarks.bare_app:app", "--port", "{port}", "--log-level", "warning"),
    ),
    "ours": Way("regulars serve, one worker", "ours", "/v1/score", (*_SERVE, "1")),
    "two": Way("regulars serve, two workers", "ours", "/v1/score", (*_SERVE, "2")),
}


@dataclass(frozen=True)
class Server:
    """A server that stands."""

    way: Way
    port: int
    pid: int

    def asked(self, body: bytes) -> Any:
        """What it answers to one request."""
        url = f"http://{HOST}:{self.port}{self.way.path}"
        sent = urllib.request.Request(url, body, {"Content-Type": "application/json"})
        with DIRECT.open(sent, timeout=READY_S) as answer:
            return json.load(answer)


@contextmanager
def standing(way: Way, folder: Path) -> Iterator[Server]:
    """A server for as long as the block lasts; `SystemExit` when it does not come up."""
    port = _free_port()
    command = [sys.executable, *(part.format(port=port) for part in way.command)]
    uri = json.loads((folder / "about.json").read_text(encoding="utf-8"))["tracking_uri"]
    paths = os.pathsep.join([str(ROOT), str(ROOT / ".imports"), os.environ.get("PYTHONPATH", "")])
    told = {
        "MLFLOW_TRACKING_URI": uri,
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
        # MLflow starts uvicorn by its name.
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
        "PYTHONPATH": paths.rstrip(os.pathsep),
        "OMP_NUM_THREADS": "1",
        FOLDER: str(folder / "bare"),
    }
    log = folder / f"{way.bodies}-{port}.log"
    with log.open("wb") as noise:
        process = subprocess.Popen(
            command, cwd=folder, env={**os.environ, **told}, stdout=noise, stderr=noise, start_new_session=True
        )
    try:
        _await(process, port, log)
        yield Server(way, port, process.pid)
    finally:
        _end(process)


def _await(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    over = time.monotonic() + READY_S
    while process.poll() is None and time.monotonic() < over:
        try:
            with DIRECT.open(f"http://{HOST}:{port}/ping", timeout=READY_S):
                return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
    raise SystemExit(f"{log.read_text(errors='replace')}\na server did not come up")


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ask the server to end, and then end whatever of its own session is left."""
    process.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        say("a server did not end when it was asked to")
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            break
        time.sleep(0.5)
    process.wait()


def _free_port() -> int:
    with socket.create_server((HOST, 0)) as found:
        return int(found.getsockname()[1])


def served(folder: Path, repeats: int, seconds: float, ways: Sequence[str] = tuple(WAYS)) -> dict[str, Any]:
    """Every way, round by round: by customers a request, then by way and clients.

    Returns
    -------
    dict
        ``about``, and for each size the costs of every round: ``ours``, and ``ours, alone`` by one client.
    """
    say("training a small shop, registering its model, publishing its scores")
    module("serving_shop", folder)
    with ExitStack() as stack:
        servers = {}
        for name in ways:
            say(f"starting: {WAYS[name].name}")
            servers[name] = stack.enter_context(standing(WAYS[name], folder))
        agree(servers, folder)
        found = {str(size): _rounds(servers, folder, size, repeats, seconds) for size in SIZES}
    return {"about": json.loads((folder / "about.json").read_text(encoding="utf-8")), **found}


def agree(servers: Mapping[str, Server], folder: Path) -> None:
    """`SystemExit` unless ours says what MLflow's server says of some customers, and the bare app speaks of all."""
    said = {}
    for name, server in servers.items():
        with (folder / f"{server.way.bodies}-{SIZES[-1]}.jsonl").open("rb") as file:
            said[name] = server.asked(file.readline().strip())
    rows = {name: answer["scores"] for name, answer in said.items() if "scores" in answer}
    if "stock" in said:
        rows["stock"] = said["stock"]["predictions"]
    told = {name: [[row[n] for n in NUMBERS] for row in found] for name, found in rows.items()}
    speaks = {name: len(answer["predictions"] if name == "bare" else rows[name]) for name, answer in said.items()}
    if any(found != next(iter(told.values())) for found in told.values()) or set(speaks.values()) != {SIZES[-1]}:
        raise SystemExit(f"the servers do not say the same of the same {SIZES[-1]} customers")
    say(f"{', '.join(told)}: the same to the bit of {SIZES[-1]} customers")


def _rounds(servers: Mapping[str, Server], folder: Path, size: int, repeats: int, seconds: float) -> Costs:
    asked = {(name, CLIENTS): name for name in servers} | ({("ours", 1): "ours, alone"} if "ours" in servers else {})
    costs: Costs = {name: [] for name in asked.values()}
    for turn in range(repeats):
        for (way, clients), name in asked.items():
            costs[name].append(_measured(servers[way], folder, size, clients, seconds))
            spent = costs[name][-1]
            say(
                f"round {turn + 1} of {repeats}: {size} customers: {name}: {spent['per_second']:.0f} answers/s, "
                f"p50 {spent['p50_ms']:.1f} ms, p99 {spent['p99_ms']:.1f} ms, {spent['cpu_ms']:.2f} ms of CPU"
            )
    return costs


def _measured(server: Server, folder: Path, size: int, clients: int, seconds: float) -> Cost:
    file, path = folder / f"{server.way.bodies}-{size}.jsonl", server.way.path
    given = (server.port, file, "--path", path, "--clients", clients)
    module("load", *given, "--seconds", WARM, "--warm", 0)
    before = seconds_of(server.pid)
    found: Cost = json.loads(module("load", *given, "--seconds", seconds, "--warm", 0))
    if found["failed"] or not found["answers"]:
        raise SystemExit(f"{found['failed']:.0f} requests to `{server.way.name}` failed")
    return {**found, "cpu_ms": 1e3 * (seconds_of(server.pid) - before) / found["answers"]}


def of_serving(found: Mapping[str, Any]) -> str:
    """The servers against each other."""
    about = found["about"]
    out = [
        f"an endpoint, {about['features']} features, {about['boosters']} boosters for the usual outputs; "
        f"20 purchases a customer, {CLIENTS} clients"
    ]
    for size in map(str, SIZES):
        costs = medians(found[size])
        out.append(f"{f'{size} customers a request' if size != '1' else 'one customer a request':{WIDE - 8}}{_HEAD}")
        out += [_line(name, cost, costs, size) for name, cost in costs.items()]
    return "\n".join(out)


_HEAD = f"{'req/s':>8}{'x stock':>9}{'x bare':>8}{'p50 ms':>8}{'p99 ms':>8}{'CPU ms':>8}  goal"


def _line(name: str, cost: Cost, costs: Mapping[str, Cost], size: str) -> str:
    way, _, alone = name.partition(", ")
    shown = f"{WAYS[way].name}{', one client' if alone else ''}"
    per = cost["per_second"]
    ratios = "".join(
        f"{per / costs[other]['per_second']:{wide}.2f}" if other in costs else " " * wide
        for other, wide in (("stock", 9), ("bare", 8))
    )
    goals = {
        ("ours", "1"): ">= 6 x stock, >= .4 x bare",
        ("ours, alone", "1"): "p50 <= 5 ms, p99 <= 25 ms",
        ("ours, alone", "100"): "p50 <= 20 ms",
        ("two", "1"): _scaled(costs),
    }
    spent = f"{cost['p50_ms']:8.2f}{cost['p99_ms']:8.2f}{cost['cpu_ms']:8.2f}"
    return f"{shown:{WIDE - 8}}{per:8.0f}{ratios}{spent}  {goals.get((name, size), '')}".rstrip()


def _scaled(costs: Mapping[str, Cost]) -> str:
    if "ours" not in costs or "two" not in costs:
        return ""
    return f"{costs['two']['per_second'] / costs['ours']['per_second']:.2f} x one worker (>= 1.6 x on free cores)"
