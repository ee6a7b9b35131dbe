"""What the processes of `tests/warm.py` do with the decisions log: assign, log events, and look at what readers find.

In: a job with a shop's folder. Out: whether a wave is new, how many events are, or the digest of all that readers see.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq

from regulars.config import Config
from regulars.intake import build_ledger, current_ledger
from regulars.pipelines.ailing_files import left_behind
from regulars.pipelines.campaign.assign import assign
from regulars.pipelines.campaign.book import Decisions
from regulars.pipelines.campaign.events import log_events

LOADED = (pd, pq, build_ledger)

Answer = dict[str, Any]


def _config(job: Answer) -> Config:
    return Config.load(Path(job["root"]) / "regulars.toml")


def _assign(job: Answer) -> Answer:
    config = _config(job)
    ledger = current_ledger(config)
    assert ledger is not None
    found = assign(ledger, config)
    return {"unchanged": found.unchanged}


def _log(job: Answer) -> Answer:
    found = log_events(_config(job), Path(job["root"]) / "events.csv")
    return {"new": found.new, "again": found.again, "refused": found.refused}


def _decided(job: Answer) -> Answer:
    """What readers find; perhaps what a killed writer left is swept before, as the doctor does."""
    config = _config(job)
    for ailment in left_behind(config) if job.get("mend") else ():
        assert ailment.cure is not None
        ailment.cure()
    book = Decisions.of(config)
    events = book.events().to_pylist()
    aside = sorted((book.folder / "quarantine").glob("[0-9a-f]*.parquet"))
    left = [str(p.relative_to(book.folder.parent)) for p in book.folder.parent.rglob(".tmp-*")]
    return {
        "waves": [wave.verified().digest for wave in book.waves()],
        "events": hashlib.sha256(repr(events).encode()).hexdigest() if events else "",
        "count": len(events),
        "aside": [pq.read_table(file).num_rows for file in aside],
        "temporary": left,
        "faults": book.store.faults(),
    }


DO: dict[str, Callable[[Answer], Answer]] = {"assign": _assign, "log": _log, "decided": _decided}
