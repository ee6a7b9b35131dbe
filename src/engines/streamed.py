"""The panel, streamed to Parquet by several processes.

In: a ledger on disk, a plan, cutoffs. Out: a folder of Parquet parts, rows by customer, then cutoff, the parts in order
of their names. Each part is made of a fixed number of shards, so that the number of processes changes no byte;
a process reads its own blocks, and holds one part at a time. Missing values are NaN.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ..clock import Cutoff
from ..features.family import Plan
from ..features.panel import Panel, panel_block
from ..features.reference import Reference
from ..intake import Ledger
from .local import LINES, Progress, reader, shards_of

SHARDS_PER_PART = 16


@dataclass(frozen=True)
class Job:
    """What every process needs to know."""

    ledger: Ledger
    plan: Plan
    reference: Reference
    cutoffs: tuple[Cutoff, ...]
    folder: str
    lines: int


def write_panel(
    ledger: Ledger,
    plan: Plan,
    reference: Reference,
    cutoffs: Sequence[Cutoff],
    folder: Path,
    processes: int = 1,
    progress: Progress | None = None,
    lines: int = LINES,
) -> int:
    """Write the panel's features into an empty folder, as `part-00000.parquet` and on; how many rows.

    Parameters
    ----------
    lines : int
        Lines of a shard; a part is made of `SHARDS_PER_PART` of them.
    """
    job = Job(ledger, plan, reference, tuple(sorted(cutoffs)), str(folder), lines)
    parts = range(max(-(-len(ledger.blocks(lines)) // SHARDS_PER_PART), 1))
    used, rows, done = max(ledger.manifest.lines["used"], 1), 0, 0
    for part_rows, part_lines in _results(job, parts, processes if ledger.folder else 1):
        rows, done = rows + part_rows, done + part_lines
        if progress:
            progress(f"features: {rows:,} rows", done / used)
    return rows


def _results(job: Job, parts: range, processes: int) -> Iterator[tuple[int, int]]:
    """Rows and lines of each part, in whatever order they are done."""
    if processes == 1 or len(parts) == 1:
        yield from (write_part(job, number) for number in parts)
        return
    import joblib

    # Its own types are those of the defaults only.
    parallel: Any = joblib.Parallel
    run = parallel(processes, return_as="generator_unordered", batch_size=1, pre_dispatch=2 * processes)
    yield from run(joblib.delayed(write_part)(job, number) for number in parts)


def write_part(job: Job, number: int) -> tuple[int, int]:
    """Compute and write one part; its rows and lines."""
    plan, ledger, lines = job.plan, job.ledger, 0
    history_of = reader(ledger, plan)

    def blocks() -> Iterator[Panel]:
        nonlocal lines
        first = number * SHARDS_PER_PART
        numbers = range(first, min(first + SHARDS_PER_PART, len(ledger.blocks(job.lines))))
        for shard in shards_of(ledger, plan, numbers, job.lines):
            lines += shard.num_rows
            yield panel_block(history_of(shard), plan, job.reference, job.cutoffs)

    panels = list(blocks())
    panel = Panel.gathered(panels, sum(p.n_rows for p in panels))
    path = Path(job.folder) / f"part-{number:05d}.parquet"
    keys: Any = ["customer_id", "cutoff"]
    pq.write_table(table_of(panel), path, compression="zstd", compression_level=1, use_dictionary=keys)
    return panel.n_rows, lines


def table_of(panel: Panel) -> pa.Table:
    """customer_id, cutoff (date) and one float32 column per feature."""
    return pa.table(
        {
            "customer_id": pa.array(panel.customer_id, pa.string()),
            "cutoff": pa.array(panel.cutoff_day.astype(np.int32)).cast(pa.date32()),
            **dict(zip(panel.names, map(pa.array, panel.values), strict=True)),
        }
    )
