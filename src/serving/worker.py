"""One process that serves: it takes what is on stage, answers, follows the stage, and ends with its parent.

In: the endpoint. Out: an ASGI application with a lifespan. Where nothing on stage can speak it does not begin, and says
why. What was loaded is taken out of the garbage collector's sight: it need not look through it while others wait.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import multiprocessing
import signal
import sys
from collections.abc import Awaitable
from contextlib import suppress
from typing import TYPE_CHECKING

from ..errors import RegularsError
from .app import App, Scope, Send
from .arrival import Receive
from .counters import Counters
from .endpoint import Endpoint
from .logs import NAME, defect

if TYPE_CHECKING:
    from .speaking import Speaking

SWITCH_SECONDS = 0.0005
"""A thread that computes something large gives way so soon to whoever answers something small."""
LOOKS_SECONDS = 0.25
FILES = 256
"""So many open files beside the connections."""


class Worker:
    """The application of one process, once it has begun.

    Parameters
    ----------
    endpoint : Endpoint
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.app: App
        self._speaking: Speaking
        self._alone = multiprocessing.parent_process() is not None
        """Whether the process is for nothing else; a notebook's is."""
        if self._alone:
            sys.setswitchinterval(SWITCH_SECONDS)
            _allow_files(endpoint.config.serve.max_connections + FILES)

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        return self._live(receive, send) if scope["type"] == "lifespan" else self.app(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        """From the beginning of the process to its end."""
        await receive()
        try:
            self._begin()
        except Exception as error:
            if not isinstance(error, RegularsError):
                defect(error, "-", "the beginning")
            said = str(error) if isinstance(error, RegularsError) else type(error).__name__
            await send({"type": "lifespan.startup.failed", "message": said})
            return
        tasks = [asyncio.create_task(self._speaking.watch()), asyncio.create_task(self._follow())]
        _end_with_parent()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await send({"type": "lifespan.shutdown.complete"})

    def _begin(self) -> None:
        # Not before now: until then the parent waits to hear that the process lives.
        from .speaking import Speaking
        from .stage import Stages

        endpoint, log = self.endpoint, logging.getLogger(NAME)
        self._speaking = Speaking(Stages(endpoint.stages), endpoint.config, log.info)
        self.app = App(endpoint, self._speaking, Counters(endpoint.counts))
        self._settled(swaps=0)

    async def _follow(self) -> None:
        """Count whoever takes over."""
        seen = self._speaking.swaps
        while True:
            await asyncio.sleep(LOOKS_SECONDS)
            swaps = self._speaking.swaps - seen
            if swaps:
                seen += swaps
                self._settled(swaps)

    def _settled(self, swaps: int) -> None:
        """Another one speaks: whoever was before can go, and the new one stays."""
        self.app.counters.speaks(self._speaking.speaker, swaps)
        if self._alone:
            gc.unfreeze()
            gc.collect()
            gc.freeze()


def _allow_files(needed: int) -> None:
    """Let the process open as many files as it may have connections."""
    with suppress(ImportError, ValueError, OSError):  # Where there are no such limits, or they are fixed.
        import resource

        now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        if now < needed:
            resource.setrlimit(resource.RLIMIT_NOFILE, (needed if most < 0 else min(needed, most), most))


def _end_with_parent() -> None:
    """End as soon as whoever started this process is gone: nobody else would."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    loop = asyncio.get_running_loop()

    def orphaned() -> None:
        loop.remove_reader(parent.sentinel)
        signal.raise_signal(signal.SIGTERM)

    loop.add_reader(parent.sentinel, orphaned)
