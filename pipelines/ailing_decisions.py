"""What may be wrong with the decisions log: waves that are not as they were assigned, events that cannot be read.

In: a configuration. Out: ailments; none where nothing was ever decided. Who was given what cannot be made again:
nothing of it is mended here. What killed writers left is found with all other files.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..config import Config
from .ailment import Ailment
from .campaign.book import FOLDER, Decisions
from .campaign.recommended import half_lines

_LISTED = 3


def unwhole_waves(config: Config) -> Iterator[Ailment]:
    """Waves that are not as they were assigned."""
    for wave in Decisions.of(config).waves():
        wrong = wave.differences()
        if wrong:
            yield Ailment(
                "unwhole-wave",
                f"the wave {FOLDER}/waves/{wave.name} is not as it was assigned: {', '.join(wrong[:_LISTED])}",
                "what was decided, and what is measured by it, cannot be trusted",
                "put it back from a backup: who was given what cannot be made again",
            )


def damaged_events(config: Config) -> Iterator[Ailment]:
    """Events that cannot be read, and lines of the endpoint that are not whole."""
    book = Decisions.of(config)
    for fault in book.store.faults()[:1]:
        yield Ailment(
            "damaged-events",
            f"{FOLDER}/{book.store.path.name} is damaged: {fault}",
            "what happened to decisions cannot be read, and nothing can be measured",
            "put it back from a backup, and log the events since then again: those it knows are not doubled",
        )
    half = half_lines(book.folder / "online")
    if half:
        yield Ailment(
            "half-line",
            f"{half:,} lines in {FOLDER}/online are not whole",
            "a killed server, or a full disk, left them: nobody had been answered yet",
            "nothing need be done: they are passed over",
            slight=True,
        )


def facts(config: Config) -> dict[str, object]:
    """How much was decided, and when for the last time; nothing where nothing was."""
    book = Decisions.of(config)
    latest = book.latest
    if latest is None:
        return {}
    return {"waves": len(book.waves()), "latest wave": f"{latest.campaign} as of {latest.as_of}"}
