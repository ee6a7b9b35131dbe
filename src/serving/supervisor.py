"""The parent of the processes that serve: it starts them, replaces those that die, and ends when they have.

In: uvicorn's settings, a socket, the endpoint. Out: whether any worker could begin. Uvicorn's own supervisor does the
work; here it also says when all answer, and does not wait for ever for one that does not end.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from socket import socket
from typing import Any

from uvicorn.config import STARTUP_FAILURE, Config
from uvicorn.supervisors.multiprocess import Multiprocess, Process

from .endpoint import Endpoint
from .farewell import turn_all_away, turn_away
from .logs import NAME
from .protocol import BoundedProtocol
from .server import url_of
from .worker import Worker

KEPT_SECONDS = 65
"""A connection on which nothing comes is kept for so long: longer than balancers in front keep theirs."""
HUNG_SECONDS = 15
"""A worker that does not answer its parent for so long is replaced."""
AGAIN_SECONDS = 5
"""Where a worker could not begin, the next one tries after so long."""
BEYOND_SECONDS = 5
"""A worker may take so much longer than for its last answers to end."""
BACKLOG = 2048


def settings_of(endpoint: Endpoint, logged: dict[str, Any] | None) -> Config:
    """Uvicorn's settings for an endpoint, and those of `logging`; with None, that is left as it is."""
    serving = endpoint.config.serve
    return Config(
        partial(Worker, endpoint),
        factory=True,
        interface="asgi3",
        http=BoundedProtocol,
        loop="uvloop" if find_spec("uvloop") else "asyncio",
        ws="none",
        lifespan="on",
        log_config=logged,
        access_log=False,  # It would hold the ids of customers.
        proxy_headers=False,
        server_header=False,
        workers=serving.workers,
        backlog=BACKLOG,
        timeout_keep_alive=KEPT_SECONDS,
        timeout_graceful_shutdown=math.ceil(serving.drain_seconds),
        timeout_worker_healthcheck=HUNG_SECONDS,
    )


class Supervisor(Multiprocess):
    """The parent.

    Parameters
    ----------
    config : uvicorn.Config
    listening : socket
    endpoint : Endpoint
    ready : callable
        Told the address once all workers answer.
    """

    def __init__(self, config: Config, listening: socket, endpoint: Endpoint, ready: Callable[[str], object]) -> None:
        super().__init__(config, [listening])
        self._endpoint, self._ready, self._told = endpoint, ready, False
        self._again = 0.0
        self.failed = False
        """Whether it ended because no worker could begin."""
        self._url = url_of(listening)

    def keep_subprocess_alive(self) -> None:
        """Replace the dead; say when all answer; end where none is left and none can begin."""
        for place, process in enumerate(self.processes):
            if not self.should_exit.is_set() and not process.is_alive(HUNG_SECONDS):
                ended = process.exitcode
                process.kill()
                process.join()
                why = f"did not answer for {HUNG_SECONDS} s" if ended is None else f"ended with {ended}"
                logging.getLogger(NAME).warning("a worker %s and is replaced", why)
                self._replace(place, process)
        if not self._told and all(process.is_ready() for process in self.processes):
            self._told = True
            self._ready(self._url)

    def _replace(self, place: int, dead: Process) -> None:
        self._forget(dead.pid)
        if dead.exitcode == STARTUP_FAILURE:
            # What kept it from beginning may pass, while others serve.
            if not any(process.process.is_alive() for process in self.processes):
                self.failed = True
                self.should_exit.set()
                return
            if time.monotonic() < self._again:
                return
            self._again = time.monotonic() + AGAIN_SECONDS
        self.processes[place] = Process(self.config, self.sockets)
        self.processes[place].start()

    def join_all(self) -> None:
        """Wait for the workers, but not for ever; whoever calls meanwhile is told."""
        until = time.monotonic() + self._endpoint.config.serve.drain_seconds + BEYOND_SECONDS
        while any(process.process.is_alive() for process in self.processes) and time.monotonic() < until:
            turn_away(self.sockets[0])
        for process in self.processes:
            if process.process.is_alive():
                process.process.kill()
            process.process.join()
        turn_all_away(self.sockets[0])

    def _forget(self, pid: int | None) -> None:
        """What a dead worker said of the present counts no more."""
        if self._endpoint.counts is not None and pid is not None:
            from prometheus_client.multiprocess import mark_process_dead

            mark_process_dead(pid, str(self._endpoint.counts))
