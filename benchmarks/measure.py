"""One way of computing, once, in a process of its own: what it costs.

In: the name of a way and the job's folder. Out: a line of JSON: wall seconds, CPU seconds (user and system, all
threads), peak memory of the process, rows and features. The clock runs from the ledger's Parquet file, which the
system has cached, to the features in memory; imports are not timed, but their memory counts. With a file named as
well, the features are written to it afterwards, for the comparison. Run as `python -m benchmarks.measure WAY FOLDER
[FILE]`.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from .job import NAMES, Job


@dataclass(frozen=True)
class Way:
    """How to compute, how many rows and features that gave, and the 25 as an Arrow table."""

    compute: Callable[[Job], Any]
    size: Callable[[Any], tuple[int, int]]
    table: Callable[[Job, Any], Any]


def _regulars() -> Way:
    import_module("pandas")  # PyArrow would load it when it first converts a value, and imports are not timed
    from .kernel import kernel_25, kernel_exact

    return Way(kernel_25, lambda panel: (panel.n_rows, len(panel.names)), kernel_exact)


def _catalogue() -> Way:
    import_module("pandas")
    from .kernel import kernel_catalogue

    return Way(kernel_catalogue, lambda panel: (panel.n_rows, len(panel.names)), lambda job, panel: None)


def _pandas() -> Way:
    import pyarrow as pa

    from .with_pandas import pandas_25

    return Way(pandas_25, lambda frame: (len(frame), len(NAMES)), lambda job, frame: pa.Table.from_pandas(frame))


def _duckdb() -> Way:
    from .with_duckdb import duckdb_25

    return Way(duckdb_25, lambda table: (table.num_rows, len(NAMES)), lambda job, table: table)


WAYS: dict[str, Callable[[], Way]] = {
    "regulars": _regulars,
    "pandas": _pandas,
    "duckdb": _duckdb,
    "catalogue": _catalogue,
}
"""Each loads only what it needs when it is called."""


def measured(way: Way, job: Job) -> tuple[dict[str, float], Any]:
    """What computing costs, and what it gives."""
    before, start = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    result = way.compute(job)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    # Linux counts in KiB, macOS in bytes.
    peak = after.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    rows, features = way.size(result)
    return {"wall_s": wall, "cpu_s": cpu, "peak_mb": peak, "rows": rows, "features": features}, result


def main(name: str, folder: str, file: str | None = None) -> None:
    """Measure, print, and write the features if a file is named."""
    way, job = WAYS[name](), Job.load(Path(folder))
    costs, result = measured(way, job)
    table = way.table(job, result) if file else None
    if file and table is not None:
        import pyarrow.parquet as pq

        pq.write_table(table, file)
    print(json.dumps(costs))


if __name__ == "__main__":
    main(*sys.argv[1:])
