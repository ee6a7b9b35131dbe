"""The file of moments: a row a customer, who is due first; Parquet, or a list that no spreadsheet takes for formulas.

In: what was found of each customer. Out: a file with the columns `COLUMNS`, whole or not at all, the same bytes for the
same data. An empty cell, or a missing value, is what is not known: no day of who is not expected within a year or has
no score, no hour where the data hold dates only, no channel where none surely is better.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ..clock import Cutoff, dates
from ..offers.export import write_cells
from ..timing.best_times import BestTimes
from ..timing.channels import Channels
from ..timing.due import Due
from .files import replaced

Int64 = NDArray[np.int64]
Bool = NDArray[np.bool_]
Texts = NDArray[np.object_]
PARQUET, SUFFIXES = ".parquet", (".parquet", ".csv", ".xlsx")
SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("customer_id", "as_of", "due_from", "due", "due_until")),
        ("days_to_due", pa.int32()),
        *((name, pa.bool_()) for name in ("overdue", "late")),
        ("weekday", pa.string()),
        ("weekday_differs", pa.bool_()),
        ("hour", pa.int8()),
        ("hour_differs", pa.bool_()),
        *((name, pa.string()) for name in ("channel", "reason")),
    ]
)
COLUMNS = tuple(SCHEMA.names)
_FAR = np.iinfo(np.int64).max


@dataclass(frozen=True, eq=False)
class List:
    """What is said of each customer, as of a day.

    Parameters
    ----------
    as_of : Cutoff
    ids : ndarray of str
    due : Due or None
    weekday, hour : BestTimes or None
    channels : Channels
    """

    as_of: Cutoff
    ids: NDArray[np.str_]
    due: Due | None
    weekday: BestTimes | None
    hour: BestTimes | None
    channels: Channels

    def table(self, kept: Bool) -> pa.Table:
        """The rows of some customers: who is due first, then by id; those without a day last."""
        n = len(self.ids)
        days = np.full(n, -1) if self.due is None else self.due.middle
        rows = np.flatnonzero(kept)
        rows = rows[np.argsort(np.where(days < 0, _FAR, days)[rows], kind="stable")]
        columns: dict[str, pa.Array] = {
            "customer_id": pa.array(self.ids, pa.string()),
            "as_of": _same(str(self.as_of), n),
            **self._due(n),
            **_place("weekday", self.weekday, n),
            **_place("hour", self.hour, n),
            "channel": _coded(self.channels.at, self.channels.names),
            "reason": self._reasons(),
        }
        return pa.table({name: columns[name].take(pa.array(rows)) for name in COLUMNS}, schema=SCHEMA)

    def _due(self, n: int) -> dict[str, pa.Array]:
        if self.due is None:
            texts = {name: pa.nulls(n, pa.string()) for name in ("due_from", "due", "due_until")}
            flags = {name: pa.nulls(n, pa.bool_()) for name in ("overdue", "late")}
            return {**texts, **flags, "days_to_due": pa.nulls(n, pa.int32())}
        due, unscored = self.due, ~self.due.scored
        told = {"due_from": due.begins, "due": due.middle, "due_until": due.ends}
        return {
            **{name: self._dates(days) for name, days in told.items()},
            "days_to_due": pa.array(due.middle.astype(np.int32), mask=due.middle < 0),
            "overdue": pa.array(due.overdue, mask=unscored),
            "late": pa.array(due.late, mask=unscored),
        }

    def _dates(self, days: Int64) -> pa.Array:
        return pa.array(dates(np.maximum(days, 0) + self.as_of.day), pa.string(), mask=days < 0)

    def _reasons(self) -> pa.Array:
        """Why, in words: each distinct one is written once."""
        n = len(self.ids)
        parts = [self._why_due(n), _why_place(self.weekday, n), _why_place(self.hour, n), self._why_channel()]
        code, words = np.zeros(n, np.int64), [""]
        for part_code, part_words in parts:
            joined = code * len(part_words) + part_code
            known, code = np.unique(joined, return_inverse=True)
            words = [
                "; ".join(filter(None, (words[k // len(part_words)], part_words[k % len(part_words)])))
                for k in known.tolist()
            ]
        return pa.array(words, pa.string()).take(pa.array(code))

    def _why_due(self, n: int) -> tuple[Int64, list[str]]:
        if self.due is None:
            return np.zeros(n, np.int64), [""]
        due, silent = self.due, self.due.overdue
        kind = np.where(~due.scored, 0, np.where(due.late, 1, np.where(silent, 2, 3)))
        reach = int(due.middle.max(initial=0)) + 2
        known, code = np.unique(kind * reach + due.middle + 1, return_inverse=True)
        return np.asarray(code, np.int64), [_due_words(k // reach, k % reach - 1) for k in known.tolist()]

    def _why_channel(self) -> tuple[Int64, list[str]]:
        return self.channels.at + 1, ["", *self.channels.why]


def _due_words(kind: int, days: int) -> str:
    if kind == 0:
        return "no score of this day"
    silent = {1: "late: silent for unusually long", 2: "silent for at least the usual gap", 3: ""}[kind]
    when = "no purchase within a year is likely" if days < 0 else f"next purchase by even odds within {days + 1} days"
    return "; ".join(filter(None, (silent, when)))


def _why_place(times: BestTimes | None, n: int) -> tuple[Int64, list[str]]:
    if times is None:
        return np.zeros(n, np.int64), [""]
    own = [f"buys on {name} rather than {times.usual}" for name in times.names]
    if times.kind == "hour":
        own = [f"buys at {name} rather than {times.usual}" for name in times.names]
    return np.where(times.own.differs, times.own.place + 1, 0), ["", *own]


def _place(name: str, times: BestTimes | None, n: int) -> dict[str, pa.Array]:
    kind = SCHEMA.field(name).type
    if times is None:
        return {name: pa.nulls(n, kind), f"{name}_differs": pa.nulls(n, pa.bool_())}
    hours = times.own.place.astype(np.int8)
    value = pa.array(hours) if times.kind == "hour" else _coded(times.own.place, times.names)
    return {name: value, f"{name}_differs": pa.array(times.own.differs)}


def _coded(at: Int64, names: Sequence[str]) -> pa.Array:
    """Texts by code; -1 is missing."""
    return pa.array([*names, None], pa.string()).take(pa.array(np.where(at < 0, len(names), at)))


def _same(text: str, n: int) -> pa.Array:
    return pa.array([text], pa.string()).take(pa.array(np.zeros(n, np.int64)))


def write_rows(path: Path, found: List, kept: Bool) -> int:
    """Write the rows of some customers; how many."""
    table = found.table(kept)
    if path.suffix.lower() == PARQUET:
        replaced(path, lambda waiting: pq.write_table(table, waiting, compression="zstd"))
    else:
        cells = _cells(table)
        replaced(path, lambda waiting: write_cells(waiting, path.suffix.lower(), COLUMNS, cells))
    return int(table.num_rows)


def _cells(table: pa.Table) -> list[tuple[str, ...]]:
    """Every value as a text; a missing one is empty."""
    columns = [
        [_flag(v) for v in column.to_pylist()]
        if pa.types.is_boolean(column.type)
        else ["" if v is None else str(v) for v in column.to_pylist()]
        for column in table.columns
    ]
    return list(zip(*columns, strict=True))


def _flag(value: bool | None) -> str:
    return "" if value is None else ("yes" if value else "no")
