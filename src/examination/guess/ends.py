"""The last lines of a long file, which may prove what the first ones do not.

In: a file whose first lines were read, and the names of the columns wanted. Out: a table of its end, or nothing where
that would mean reading all of it (packed files), or where the lines there do not fit the header.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ...intake.sources.csvfile import CSV, header_of
from ...intake.sources.encodings import marked
from ...intake.sources.found import kind_of
from ...intake.sources.packed import is_packed
from ...intake.sources.parquet import PARQUET
from ...intake.sources.scan import text_of

_BYTES, _LINES = 1 << 22, 32_768


def end_of(path: Path, names: Sequence[str], encoding: str | None) -> pa.Table | None:
    """The columns at the end of a file; None where its end cannot be had cheaply."""
    kind = kind_of(path).name
    if kind == PARQUET.name:
        return _parquet(path, names)
    if kind != CSV.name or is_packed(path) or path.stat().st_size < 2 * _BYTES:
        return None
    with path.open("rb") as file:
        if marked(file.read(4)):
            return None
        file.seek(-_BYTES, 2)
        # What is left of the first line is half a line.
        lines = file.read().split(b"\n")[1:-1]
    return _records([line.decode(encoding or "utf-8", "replace") for line in lines[-_LINES:]], path, names, encoding)


def _records(lines: Sequence[str], path: Path, names: Sequence[str], encoding: str | None) -> pa.Table | None:
    header = header_of(text_of(path, encoding), {})
    rows = [row for row in csv.reader(lines, delimiter=header.delimiter) if len(row) == len(header.names)]
    # Where a quote swallows lines, or begins before the first of them, few rows are left.
    if len(rows) < 0.9 * len(lines) or not rows:
        return None
    found = dict(zip(header.names, zip(*rows, strict=True), strict=True))
    return pa.table({name: pa.array(found[name], pa.string()) for name in names})


def _parquet(path: Path, names: Sequence[str]) -> pa.Table:
    file = pq.ParquetFile(path)
    last = file.read_row_group(file.num_row_groups - 1, columns=list(names)).select(list(names))
    return last.slice(max(0, last.num_rows - _LINES))
