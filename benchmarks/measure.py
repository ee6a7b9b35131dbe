"""One way of computing, once, in a process of its own: what it costs.

In: the name of a way, the job's folder, and how many cutoffs if others than the job's. Out: a line of JSON: wall
seconds, CPU seconds (user and system, all threads and processes), peak memory of this process, rows. The clock runs
from the Parquet file, which the system has cached, to the result; imports are not timed, but their memory counts. With
a file named as well, the features are written to it after that line, for the comparison. Run as `python -m
benchmarks.measure WAY FOLDER [--cutoffs N] [--table FILE]`.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from .job import Job
from .tree import cpu_seconds


@dataclass(frozen=True)
class Way:
    """How to compute, how many rows that gave, and the features as an Arrow table."""

    compute: Callable[[Job], Any]
    rows: Callable[[Any], int]
    table: Callable[[Job, Any], Any] | None = None


def _sort() -> Way:
    from .with_duckdb import duckdb_sorted

    return Way(duckdb_sorted, int)


def _duckdb() -> Way:
    from .with_duckdb import duckdb_features

    # The features are FLOAT, as ours; what is compared is the same statement's DOUBLE.
    return Way(duckdb_features, lambda table: int(table.num_rows), lambda job, table: duckdb_features(job, "DOUBLE"))


def _kernel(name: str) -> Callable[[], Way]:
    def way() -> Way:
        import_module("pandas")  # PyArrow would load it when it first converts a value, and imports are not timed
        from . import kernel

        kernel.plan_of_the_80()  # loads the families
        return Way(getattr(kernel, name), lambda panel: panel.n_rows, lambda job, panel: kernel.panel_table(panel))

    return way


def _parquet() -> Way:
    import_module("pandas")
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    from .kernel import plan_of_the_80, to_parquet

    plan_of_the_80()  # loads the families
    folder = tempfile.TemporaryDirectory(prefix="regulars-bench-")

    def table(job: Job, rows: int) -> Any:
        written = pq.read_table(folder.name)
        days = pc.cast(pc.cast(written["cutoff"], pa.int32()), pa.int64())
        return written.set_column(written.column_names.index("cutoff"), "cutoff", days)

    return Way(lambda job: to_parquet(job, Path(folder.name)), int, table)


def _pandas(name: str) -> Callable[[], Way]:
    def way() -> Way:
        import pyarrow as pa

        from . import with_pandas

        return Way(getattr(with_pandas, name), len, lambda job, frame: pa.Table.from_pandas(frame))

    return way


WAYS: dict[str, Callable[[], Way]] = {
    "sort": _sort,
    "memory": _kernel("from_unsorted"),
    "parquet": _parquet,
    "ledger": _kernel("from_ledger"),
    "duckdb": _duckdb,
    "pandas": _pandas("pandas_features"),
    "pandas_lines": _pandas("pandas_from_lines"),
}
"""Each loads only what it needs when it is called."""


def measured(way: Way, job: Job) -> tuple[dict[str, float], Any]:
    """What computing costs, and what it gives."""
    cpu, start = cpu_seconds(), time.perf_counter()
    result = way.compute(job)
    wall, cpu = time.perf_counter() - start, cpu_seconds() - cpu
    # Linux counts in KiB, macOS in bytes.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    return {"wall_s": wall, "cpu_s": cpu, "peak_mb": peak, "rows": way.rows(result)}, result


def main(given: list[str] | None = None) -> None:
    """Measure, print, and write the features if a file is named."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.measure")
    parser.add_argument("way", choices=list(WAYS))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cutoffs", type=int)
    parser.add_argument("--table", type=Path)
    options = parser.parse_args(given)
    job = Job.load(options.folder)
    if options.cutoffs:
        job = job.at(options.cutoffs)
    way = WAYS[options.way]()
    costs, result = measured(way, job)
    print(json.dumps(costs), flush=True)
    if options.table and way.table:
        import pyarrow.parquet as pq

        pq.write_table(way.table(job, result), options.table, compression="none", use_dictionary=["customer_id"])


if __name__ == "__main__":
    main()
