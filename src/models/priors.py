"""The classical priors of several cutoffs, each fitted once: what was kept of a ledger's cutoffs is read again.

In: a panel, the days of its cutoffs, perhaps a folder of the ledger. Out: a `Prior` per day. What is kept in another
format, or is broken, counts as missing and is fitted anew.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from pathlib import Path

from ..clock import Cutoff
from ..disk.publish import replaced
from ..errors import Busy
from ..features.panel import Panel
from .prior import FORMAT, Prior


def priors_at(
    panel: Panel,
    days: list[int],
    cache: Path | None = None,
    progress: Callable[[str, float], None] | None = None,
) -> dict[int, Prior]:
    """The prior at each cutoff of a panel, by day number; read from, and kept in, a folder of the ledger if given."""
    found: dict[int, Prior] = {}
    for done, day in enumerate(days):
        file = cache / f"{Cutoff(day)}.json" if cache else None
        kept = _kept(file)
        found[day] = kept or Prior.fit(panel.rhythm.take(panel.cutoff_day == day), Cutoff(day))
        if file is not None and kept is None:
            _keep(file, found[day])
        if progress:
            progress("classical models", (done + 1) / len(days))
    return found


def _kept(file: Path | None) -> Prior | None:
    """A prior kept earlier, in today's format."""
    if file is None:
        return None
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return Prior.from_dict(content) if isinstance(content, dict) and content.get("format") == FORMAT else None


def _keep(file: Path, prior: Prior) -> None:
    with contextlib.suppress(Busy):  # Another run keeps the same.
        replaced(file, lambda waiting: waiting.write_text(json.dumps(prior.to_dict()), encoding="utf-8"))
