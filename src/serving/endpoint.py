"""What a process that serves is told, so that parent and workers agree.

In: the configuration, where the stages are, the keys that are let in. Out: one frozen value, which travels to the
workers when they start. Of the keys it holds hashes alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from .guard import Keys

if TYPE_CHECKING:
    from ..config import Config

COUNTS = "counts"


@dataclass(frozen=True)
class Endpoint:
    """A server, as its parent and its workers know it.

    Parameters
    ----------
    config : Config
        Its section `serve` says where to listen and how much to take on.
    stages : Path
        The folder of this server alone, from which workers take what they speak with.
    keys : Keys
        Who is let in; none lets in every caller on this machine.
    insecure : bool
        Whether an address that others reach may do without a key.
    log : {"text", "json"}
        How workers say what happens.
    """

    config: Config
    stages: Path
    keys: Keys = field(default_factory=Keys)
    insecure: bool = False
    log: str = "text"

    @property
    def counts(self) -> Path | None:
        """Where workers lay down their figures, so that each can tell those of all; None where there is one worker."""
        return self.stages / COUNTS if self.config.serve.workers > 1 else None
