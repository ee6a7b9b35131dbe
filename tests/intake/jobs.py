"""What the processes of `tests/warm.py` do for the tests of the intake: build, merge, hold a lock, write outputs.

In: a job with its folder. Out: what the job tells. Segments are merged when a job says that they are `ripe`.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from regulars import cli
from regulars.config import Config
from regulars.disk import lock
from regulars.intake import build_ledger, compact, growth
from regulars.intake.pointer import current_ledger
from regulars.pipelines import check
from regulars.pipelines.files import folder_replaced, replaced

SECONDS = 60
LOADED = (check, duckdb, np, pd, pq)
"""What DuckDB and the command line would look for: better once than in every child."""

Answer = dict[str, Any]


def _build(job: Answer) -> Answer:
    config = Config.load(Path(job["root"]) / "regulars.toml")
    said = list[str]()
    ledger = build_ledger(config, said.append)
    return {"folder": ledger.folder.name if ledger.folder else "", "said": said}


def _compact(job: Answer) -> Answer:
    ledger = current_ledger(Config.load(Path(job["root"]) / "regulars.toml"))
    return {"folder": str(compact(ledger).folder) if ledger else ""}


def _hold(job: Answer) -> Answer:
    with lock.writing(Path(job["root"]) / ".regulars", "an example"):
        Path(job["root"], "held").touch()
        time.sleep(SECONDS)
    return {}


def _command(job: Answer) -> Answer:
    sys.argv = ["regulars", *job["arguments"]]
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)
    cli.main()
    return {}


def _file(job: Answer) -> Answer:
    replaced(Path(job["root"]) / "out" / "a.txt", lambda path: path.write_text(job["text"] * 1_000))
    return {}


def _folder(job: Answer) -> Answer:
    def write(folder: Path) -> None:
        for number in range(3):
            (folder / f"part-{number}.parquet").write_text(job["text"])

    folder_replaced(Path(job["root"]) / "out" / "features", write)
    return {}


def _at_size(do: Callable[[Answer], Answer], job: Answer) -> Answer:
    """The same where segments of any size stay apart, unless the job says that they are ripe."""
    if not job.get("ripe"):
        growth.LARGEST_SHARE = 1_000
    return do(job)


DO: dict[str, Callable[[Answer], Answer]] = {
    name: partial(_at_size, do)
    for name, do in {
        "build": _build,
        "compact": _compact,
        "hold": _hold,
        "command": _command,
        "file": _file,
        "folder": _folder,
    }.items()
}
