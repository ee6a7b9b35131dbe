"""An endpoint whose answers are played, so that its server can be tried without a model; run by path it serves.

In: the limits of `[serve]`. Out: a `Worker` whose speaker is a name, and whose answer to a body is that body in
brackets; `!boom` goes wrong, `!slow` takes a moment. As ``python played.py FOLDER WORKERS`` it is a server, and says
where.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from regulars.clock import Cutoff
from regulars.config import Config
from regulars.serving.app import App
from regulars.serving.counters import Counters
from regulars.serving.endpoint import Endpoint
from regulars.serving.guard import Keys
from regulars.serving.pages import Handlers
from regulars.serving.problems import Problem
from regulars.serving.recommend import Recommended
from regulars.serving.worker import Worker

KEY = "correct-horse-battery"
SECRET = "someone@example.org"
"""What an error may hold, and no answer or log."""


def speaker_of(version: str = "7") -> Any:
    """One who does nothing but be named."""
    return SimpleNamespace(
        name="regulars",
        version=version,
        run_id="0a1b",
        reference_day=Cutoff.parse("2024-01-31"),
        model=SimpleNamespace(trained_on="2024-01-01"),
        offering=None,
        no_offers="",
    )


class Played:
    """Who speaks, for as long as nobody else is put there."""

    def __init__(self) -> None:
        self.speaker = speaker_of()
        self.swaps = 0
        self.trouble = ""

    async def watch(self) -> None:
        """Nobody else comes."""


def score(speaker: Any, config: Any, body: bytes, day: Any) -> bytes:
    """The body in brackets, and by whom."""
    if body == b"!boom":
        raise KeyError(SECRET)
    if body.startswith(b"!slow"):
        time.sleep(0.2)
    if body == b"!wrong":
        raise Problem(422, "rows cannot be taken", "RG382")
    return b"[" + body[:100] + b"] by " + speaker.version.encode()


def customer(speaker: Any, raw: bytes) -> bytes:
    """The id as it was sent."""
    return raw


def recommend(speaker: Any, config: Any, body: bytes, day: Any) -> Recommended:
    """The body, to two of whom something is given, and one control."""
    if body == b"!wrong":
        raise Problem(404, "nobody decides on offers here", "RG456")
    return Recommended(body, {("chosen", True): 2, ("control", False): 1})


HANDLERS = Handlers(
    score=score,
    recommend=recommend,
    invocations=lambda speaker, config, body, kind: kind.encode(),
    customer=customer,
    openapi=lambda speaker, config, keyed: f"{speaker.version} {keyed}".encode(),
)


def endpoint_of(
    folder: Path = Path("nowhere"), keys: Keys | None = None, insecure: bool = False, **serve: Any
) -> Endpoint:
    """An endpoint with such limits."""
    return Endpoint(Config.of(serve=serve), folder, keys or Keys(), insecure)


def app_of(endpoint: Endpoint, played: Any = None, handlers: Handlers = HANDLERS) -> App:
    """Its application."""
    return App(endpoint, played or Played(), Counters(endpoint.counts), handlers, lambda: Cutoff.parse("2024-02-01"))


class PlayedWorker(Worker):
    """A process in which it is played."""

    def _begin(self) -> None:
        if (self.endpoint.stages / "silent").exists():
            raise Problem(503, SECRET, "RG384")
        self._speaking: Any = Played()
        self.app = app_of(self.endpoint, self._speaking)


def main(folder: Path, workers: int) -> None:
    """Serve."""
    from regulars.serving import server, supervisor

    supervisor.Worker = PlayedWorker
    endpoint = endpoint_of(folder, workers=workers, port=0, drain_seconds=5)
    server.serve(endpoint, lambda url: print(url, flush=True))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
