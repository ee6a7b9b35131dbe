"""From a CSV file to a ledger, beside DuckDB reading the same file as text and sorting it.

In: a folder and how many lines; or a way and a folder. Out: `purchases.csv`, as a shop would export it; or a line of
JSON with what the way costs, once, in a process of its own. The clock runs from the file, which the system has cached;
imports are not timed. Run as `python -m benchmarks.intake write FOLDER LINES`, `... duckdb FOLDER` or `... ledger
FOLDER`.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as csv

from .purchases import pieces
from .tree import cpu_seconds

COLUMNS = ("customer_id", "purchased_at", "order_id", "amount", "quantity", "product_id", "category", "discount")
TIMEZONE = "Europe/Berlin"
_FILE = "purchases.csv"


def write(folder: Path, lines: int) -> None:
    """Write the file: stamps to the second in local time, money with two decimals."""
    schema = pa.schema([(name, pa.string()) for name in COLUMNS])
    with csv.CSVWriter(folder / _FILE, schema, write_options=csv.WriteOptions(quoting_style="none")) as writer:
        for piece in pieces(lines):
            columns = [_text(piece.column(name)) for name in COLUMNS]
            writer.write_table(pa.table(columns, names=list(COLUMNS)))
    os.sync()  # Whoever is measured first must not wait for this file to reach the disk.


def _text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_timestamp(column.type):
        seconds = pc.floor_temporal(column, unit="second").cast(pa.timestamp("s"))
        return pc.strftime(seconds, format="%Y-%m-%d %H:%M:%S")
    return column.cast(pa.decimal128(18, 2)).cast(pa.string()) if pa.types.is_decimal(column.type) else column


def sorted_by_duckdb(folder: Path) -> int:
    """Read all columns as text, sort by all of them, fetch batch by batch and drop; how many lines."""
    import duckdb

    order = f"SELECT * FROM read_csv($file, all_varchar = true) ORDER BY {', '.join(COLUMNS)}"
    with duckdb.connect() as connection:
        batches = connection.sql(order, params={"file": str(folder / _FILE)}).to_arrow_reader(100_000)
        return sum(batch.num_rows for batch in batches)


def ledger_of(folder: Path) -> int:
    """Read, cast, judge, look for lines that stand twice, sort and write a ledger; how many lines it has."""
    from regulars.config import Config
    from regulars.intake import build_ledger

    mapped: dict[str, object] = {"path": str(folder / _FILE), **{c: c for c in COLUMNS}}
    with tempfile.TemporaryDirectory(prefix="regulars-bench-", dir=folder) as name:
        config = Config.of(timezone=TIMEZONE, purchases=mapped).model_copy(update={"folder": Path(name)})
        return build_ledger(config).manifest.lines["used"]


WAYS: dict[str, Callable[[Path], int]] = {"duckdb": sorted_by_duckdb, "ledger": ledger_of}


def measured(way: str, folder: Path) -> dict[str, float]:
    """What one way costs."""
    import pandas as pd  # noqa: F401  # PyArrow would load it when it first converts a value

    import regulars.intake  # noqa: F401

    cpu, start = cpu_seconds(), time.perf_counter()
    rows = WAYS[way](folder)
    wall, cpu = time.perf_counter() - start, cpu_seconds() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    return {"wall_s": wall, "cpu_s": cpu, "peak_mb": peak, "rows": rows}


if __name__ == "__main__":
    if sys.argv[1] == "write":
        write(Path(sys.argv[2]), int(sys.argv[3]))
    else:
        print(json.dumps(measured(sys.argv[1], Path(sys.argv[2]))), flush=True)
