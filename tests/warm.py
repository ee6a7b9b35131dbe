"""A process that has loaded everything and then forks one child a job: a hundred kills cost seconds.

In: one JSON request a line on standard input. Out: one JSON answer a line. Jobs run in a child of their own, in which
every step that changes the disk is counted; at the step wished for the child kills itself, as a power cut would. Which
jobs there are is told by a module's `DO`. Nothing here connects to a database or starts a thread before it forks.
"""

from __future__ import annotations

import errno
import json
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from regulars.errors import RegularsError

SECONDS = 60
CHANGES = {
    "open",
    "os.rename",
    "os.remove",
    "os.mkdir",
    "os.rmdir",
    "os.link",
    "os.symlink",
    "os.chmod",
    "os.truncate",
    "fcntl.flock",
}
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
FROZEN = 1_790_000_000  # 21 September 2026
ROOT = Path(__file__).resolve().parents[1]

Answer = dict[str, Any]


class Warm:
    """Runs jobs of a module in children of one process that has everything loaded."""

    def __init__(self, jobs: str) -> None:
        paths = os.pathsep.join([str(ROOT / ".imports"), *filter(None, [os.environ.get("PYTHONPATH")])])
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.warm", jobs],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": paths},
        )
        assert self._answer() == "ready"

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())

    def _asked(self, **request: object) -> Any:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def start(self, *jobs: Mapping[str, object]) -> list[int]:
        """Start jobs at once; their process ids."""
        return list(self._asked(start=jobs))

    def end(self, *pids: int) -> list[dict[str, Any]]:
        """Wait for jobs; what each told, or the signal that ended it."""
        return list(self._asked(end=pids))

    def run(self, do: str, root: Path, **more: object) -> dict[str, Any]:
        """One job from beginning to end."""
        (told,) = self.end(*self.start({"do": do, "root": str(root), **more}))
        return told

    def kill(self, pid: int, number: int) -> None:
        """Send a signal to a job that was not waited for yet."""
        self._asked(kill=pid, signal=number)

    def close(self) -> None:
        """Let it end."""
        self._process.communicate(timeout=60)


class Steps:
    """Counts the steps that change the disk under a folder, and sends this process a signal before one of them."""

    def __init__(self, root: str, fatal: int | None, number: int) -> None:
        self.root, self.fatal, self.number, self.names = root, fatal, number, list[str]()

    def step(self, name: str) -> None:
        self.names.append(name)
        if len(self.names) == self.fatal:
            os.kill(os.getpid(), self.number)

    def audit(self, event: str, args: tuple[Any, ...]) -> None:
        """What Python itself tells of: every opening for writing, renaming, linking, removing, wherever it stands."""
        if event not in CHANGES or not args:
            return
        path = os.fsdecode(args[0]) if isinstance(args[0], str | bytes | os.PathLike) else ""
        # Paths within an open folder, and handles, are those of what is written here.
        elsewhere = path.startswith("/") and not path.startswith(self.root)
        if not elsewhere and (event != "open" or (path and isinstance(args[2], int) and args[2] & _WRITING)):
            self.step(event)

    def counted(self, owner: Any, name: str) -> None:
        """Let a step precede, and another follow, every call of a function."""
        original = getattr(owner, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            self.step(name)
            result = original(*args, **kwargs)
            self.step(f"{name} done")
            return result

        setattr(owner, name, call)

    def halved(self) -> None:
        """Texts are written in two halves, with a step between them."""
        steps = self

        def write_text(path: Path, data: str, encoding: str | None = None, **_: Any) -> int:
            with path.open("w", encoding=encoding) as file:
                file.write(data[: len(data) // 2])
                file.flush()
                steps.step("half a text")
                return file.write(data[len(data) // 2 :])

        setattr(Path, "write_text", write_text)  # noqa: B010

    def traced(self) -> None:
        """A step precedes every statement that SQLite is given."""
        connect = sqlite3.connect

        def opened(*args: Any, **kwargs: Any) -> sqlite3.Connection:
            db = connect(*args, **kwargs)
            db.set_trace_callback(lambda _: self.step("sqlite"))
            return db

        sqlite3.connect = opened

    def install(self) -> None:
        """From now on."""
        import duckdb
        import numpy as np
        import pyarrow.parquet as pq

        for owner, name in ((os, "fsync"), (np, "save"), (pq, "write_table"), (os, "pwrite")):
            self.counted(owner, name)
        for name in ("__init__", "write_table", "close"):
            self.counted(pq.ParquetWriter, name)
        if "sqlalchemy" in sys.modules:
            self.counted(import_module("sqlalchemy.engine.default").DefaultDialect, "do_commit")
        self.halved()
        connect = duckdb.connect
        setattr(duckdb, "connect", lambda *a, **k: _Counted(connect(*a, **k), self))  # noqa: B010
        sys.addaudithook(self.audit)


class _Counted:
    """A database each of whose statements is a step: it may spill."""

    def __init__(self, con: Any, steps: Steps) -> None:
        self.con, self.steps = con, steps

    def __getattr__(self, name: str) -> Any:
        if name in ("execute", "sql"):
            self.steps.step(f"duckdb {name}")
        return getattr(self.con, name)


def _child(job: Answer, do: Mapping[str, Callable[[Answer], Answer]], pipe: int) -> None:
    """Do one job and tell what became of it; never returns."""
    # Nobody catches this signal: like SIGKILL it gives no time to clean up.
    signal.setitimer(signal.ITIMER_REAL, job.get("die", SECONDS))
    os.umask(0o022)
    begun, answer, steps = (
        time.monotonic(),
        Answer(),
        Steps(job["root"], job.get("fatal"), job.get("signal", signal.SIGKILL)),
    )
    if "bytes" in job:
        resource.setrlimit(resource.RLIMIT_FSIZE, (job["bytes"], job["bytes"]))
    setattr(time, "time_ns", lambda: FROZEN * 10**9)  # noqa: B010
    if job.get("nobody"):
        os.setgroups([])
        os.setgid(65_534)
        os.setuid(65_534)
    if job.get("counted", True):
        steps.install()
    if job.get("sql"):
        steps.traced()
    try:
        answer = do[job["do"]](job)
    except RegularsError as error:
        answer = {"exit": error.exit_code, "error": str(error)}
    except SystemExit as end:
        answer = {"exit": end.code}
    except BaseException as error:
        answer = {"exit": 70, "error": f"{type(error).__name__}: {error}"}
    names = list(steps.names)
    answer = {"exit": 0, **answer, "steps": names, "seconds": time.monotonic() - begun, "cpu": time.process_time()}
    os.write(pipe, json.dumps(answer).encode() + b"\n")
    os._exit(0)


def _start(job: Answer, do: Mapping[str, Callable[[Answer], Answer]], running: dict[int, int]) -> int:
    out, into = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(out)
        _child(job, do, into)
    os.close(into)
    running[pid] = out
    return pid


def _end(pid: int, running: dict[int, int]) -> Answer:
    with os.fdopen(running.pop(pid), "rb") as pipe:
        told = pipe.read()
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        return {"signal": os.WTERMSIG(status)}
    return dict(json.loads(told))


def main(jobs: str) -> None:
    """Answer requests until there are no more."""
    do, running = import_module(jobs).DO, dict[int, int]()
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        if "start" in request:
            answer: Any = [_start(job, do, running) for job in request["start"]]
        elif "kill" in request:
            try:
                os.kill(request["kill"], request["signal"])
                answer = True
            except OSError as error:
                answer = error.errno != errno.ESRCH
        else:
            answer = [_end(pid, running) for pid in request["end"]]
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
