"""Who speaks in a worker now, and that it becomes somebody else when the stage does.

In: the stages of a server. Out: one `Speaker` at a time, exchanged in one step: whoever has begun an answer ends it
with the one that he took. A new one is loaded and tried on its own example beside the work; one that cannot be is left,
and said, and the one before goes on.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

from .. import clock
from ..errors import RegularsError
from ..models.outputs import OUTPUTS
from .problems import Problem
from .score import score
from .stage import Stages

if TYPE_CHECKING:
    from ..config import Config
    from .offering import Offering
    from .speaker import Speaker

LOOKS_SECONDS = 0.25
AGAIN_SECONDS = 10.0
"""After so long a stage that could not be taken is tried once more: a full memory may pass."""


def nobody_listens(_: str) -> None:
    """Where nothing needs to be said."""


class Speaking:
    """The speaker of a worker.

    Parameters
    ----------
    stages : Stages
    config : Config
    say : callable
        What is worth a line in the log goes there.

    Raises
    ------
    RegularsError
        Nobody can speak yet.
    """

    def __init__(self, stages: Stages, config: Config, say: Callable[[str], None] = nobody_listens) -> None:
        self._stages, self._config, self._say = stages, config, say
        stage = stages.stage()
        self.speaker = _tried(stage.speaker(config), config)
        """Take it once for each answer."""
        self.swaps = 0
        self._name, self._failed, self._failure, self._tried_at = stage.name, "", "", 0.0

    @property
    def trouble(self) -> str:
        """Why it is not the registry's champion that speaks; empty when it is."""
        return self._failure or self._stages.trouble()

    @property
    def behind(self) -> bool:
        """Whether another stage counts by now, which may be tried."""
        now = self._stages.current()
        if now in ("", self._name):
            return False
        return now != self._failed or time.monotonic() - self._tried_at >= AGAIN_SECONDS

    def renew(self) -> bool:
        """Let whoever is on stage speak; whether that could be done."""
        name = self._stages.current()
        try:
            stage = self._stages.stage()
            name, before = stage.name, self.speaker
            self.speaker = _tried(stage.speaker(self._config, before), self._config)
        except Exception as error:  # Whatever it is, the one before goes on.
            self._failed, self._tried_at, self._failure = name, time.monotonic(), _why(error)
            self._say(f"warning: {self._failure}")
            return False
        self._name, self._failed, self._failure = name, "", ""
        self.swaps += 1
        self._say(f"version {self.speaker.version} speaks, with other customers as of {self.speaker.reference_day}")
        return True

    async def watch(self) -> None:
        """Look for another stage, for as long as the worker lives."""
        while True:
            await asyncio.sleep(LOOKS_SECONDS)
            if self.behind:
                # XGBoost keeps what it told a thread for as long as that lives, so this one ends with its work.
                with ThreadPoolExecutor(1, "renewal") as apart:
                    await asyncio.get_running_loop().run_in_executor(apart, self.renew)


def _tried(speaker: Speaker, config: Config) -> Speaker:
    """A speaker that has said all it can of its own example: nothing has to be made ready while a caller waits."""
    usual = speaker.example()
    everything = {**usual, "outputs": [*OUTPUTS], "horizons": [*speaker.model.learnt.horizons]}
    for asked in (usual, everything):
        score(speaker, config.serve, json.dumps(asked).encode(), clock.today(config.zone))
    return speaker if speaker.offering is None else _tried_offers(speaker, config, speaker.offering)


def _tried_offers(speaker: Speaker, config: Config, offering: Offering) -> Speaker:
    """The same, having recommended something; where it cannot, it speaks without offers and says why."""
    from .recommend import recommend

    asked = offering.example(speaker.reference_day)
    try:
        recommend(speaker, config.serve, json.dumps(asked).encode(), speaker.reference_day)
    except Exception as error:  # Whatever it is, scores are given all the same.
        if isinstance(error, Problem) and error.status == 409:  # The wave is read out: whoever asks is told.
            return speaker
        return replace(speaker, offering=None, no_offers=_why(error))
    return speaker


def _why(error: Exception) -> str:
    """What keeps the new one away, without anything of the data."""
    if isinstance(error, RegularsError):
        return f"{error.code}: {error.found}"
    said = error.detail if isinstance(error, Problem) else type(error).__name__
    return f"RG394: what is on stage cannot speak: {said}"
