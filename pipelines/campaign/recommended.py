"""What the endpoint recommended: lines that its processes wrote, each when it answered.

In: the folder `online`, with files of JSON lines, the names of whose keys are those of the decisions, and `at`. Out: a
table, in order of time, each decision once, as it was last told. Half a line, which a killed machine left, was never
answered for, and is passed over; what a line does not tell is empty.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...schema import INSTANT

_TEXTS = ("customer_id", "decision_id", "campaign", "as_of", "arm", "offer", "channel")
ONLINE = pa.schema(
    [
        *((name, pa.string()) for name in _TEXTS),
        ("send_at", INSTANT),
        ("cost", pa.float64()),
        ("at", INSTANT),
    ]
)
"""What is read of each; `send_at` is when it was recommended, and so is `at`."""


def recommended(folder: Path, before: int | None = None) -> pa.Table:
    """The recommendations of a folder, before an instant (UTC microseconds) or all; none where there is no folder.

    Examples
    --------
    >>> recommended(Path("nowhere")).num_rows
    0
    """
    rows = [row for file in sorted(folder.glob("*.jsonl")) for row in _lines(file)]
    columns = {name: [str(row.get(name) or "") for row in rows] for name in _TEXTS}
    at = pa.array([_us(row["at"]) for row in rows], pa.int64()).cast(INSTANT)
    cost = pa.array([float(row.get("cost") or 0.0) for row in rows], pa.float64())
    table = pa.table({**columns, "send_at": at, "cost": cost, "at": at}).cast(ONLINE)
    if before is not None:
        table = table.filter(pc.less(table.column("at").cast(pa.int64()), before))
    return _last(table.sort_by([("at", "ascending"), ("decision_id", "ascending")]))


def half_lines(folder: Path) -> int:
    """How many lines were passed over."""
    return sum(_read(line) is None for file in sorted(folder.glob("*.jsonl")) for line in _texts(file))


def _last(table: pa.Table) -> pa.Table:
    """Each decision once: the same customer may ask again."""
    rows = table.append_column("row", pa.array(np.arange(table.num_rows)))
    kept = rows.group_by("decision_id").aggregate([("row", "max")]).column("row_max").combine_chunks()
    return table.take(pc.take(kept, pc.sort_indices(kept)))


def _texts(file: Path) -> list[bytes]:
    try:
        return file.read_bytes().splitlines()
    except FileNotFoundError:
        return []


def _lines(file: Path) -> Iterator[dict[str, Any]]:
    return (row for line in _texts(file) if (row := _read(line)) is not None)


def _read(line: bytes) -> dict[str, Any] | None:
    """The object of a line; None where the line is not whole."""
    try:
        row = json.loads(line)
        whole = isinstance(row, dict) and bool(row.get("decision_id")) and _us(row["at"]) >= 0
    except (ValueError, KeyError, TypeError):
        return None
    return row if whole else None


def _us(at: object) -> int:
    """Microseconds of an instant, told as such or as ISO text that ends with Z."""
    if isinstance(at, int):
        return at
    if not (isinstance(at, str) and at.endswith("Z")):
        raise ValueError("no instant")
    return int(np.datetime64(at[:-1], "us").astype(np.int64))
