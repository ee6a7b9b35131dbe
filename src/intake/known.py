"""What a ledger tells of itself as of a day: not what came later, and not what became known later.

In: a ledger and a day. Out: the same rows under a manifest that has only what was known before that day: where the
history and each log begin, and how many events there were of each kind. A table without a row known by then begins
nowhere. Without `known_at`, and with all rows before the day, nothing is read and the ledger is as it was.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..clock import Cutoff
from ..schema import INSTANT, TIME_OF
from .ledger import Ledger
from .manifest import Kind, TableManifest

_LOGS = ("events", "offers")
_KNOWN = "known_at"
_NEXT = "\0"
"""Behind an id, the first text after it in the order of bytes."""


def known_before(ledger: Ledger, day: Cutoff) -> Ledger:
    """The ledger as far as it was known before a day; its rows are all there still, for whoever looks at times.

    Examples
    --------
    >>> from ..config import Config
    >>> rows = {"customer_id": ["a", "b"], "purchased_at": ["2024-01-05", "2024-01-09"], "amount": ["9.90", "1"]}
    >>> late = {"known_at": ["2024-03-01", "2024-01-09"]}
    >>> ledger = Ledger.from_frame(pa.table(rows | late), Config.of(purchases={"known_at": "known_at"}))
    >>> [str(known_before(ledger, Cutoff.parse(day)).history_starts) for day in ("2024-02-01", "2024-04-01")]
    ['2024-01-09', '2024-01-05']
    """
    manifest, starts = ledger.manifest, ledger.manifest.history_starts
    if _KNOWN in ledger.columns and starts == manifest.first_day:
        starts = _first_day(ledger, day) or starts
    tables = {name: _table_before(ledger, name, table, day) for name, table in manifest.tables.items()}
    return replace(ledger, manifest=replace(manifest, tables=tables, history_starts=starts))


def _first_day(ledger: Ledger, day: Cutoff) -> str:
    """The local day of the first purchase that was known before a day; empty without one."""
    first: int | None = None
    for shard in ledger.shards(columns=("purchased_at", _KNOWN)):
        first = _earlier(first, _known(shard, "purchased_at", day.instant(ledger.zone))["purchased_at"])
    return _local(ledger, first)


def _table_before(ledger: Ledger, name: str, table: TableManifest, day: Cutoff) -> TableManifest:
    """The record of a table as it would have been on a day; tables that are no logs stay."""
    time = TIME_OF[name] if name in _LOGS else None
    late = _KNOWN in table.columns
    if time is None or not table.first_day or (not late and Cutoff.parse(table.last_day) < day):
        return table
    counted = [column for column in ("kind", "channel") if table.kinds and column in table.columns]
    wanted = [time, *([_KNOWN] if late else []), *counted, *(["initiated_by"] if counted else [])]
    first: int | None = None
    counts: dict[str, Counter[tuple[str, str]]] = {column: Counter() for column in counted}
    for rows in _pieces(ledger, name, wanted):
        known = _known(rows, time, day.instant(ledger.zone))
        first = _earlier(first, known[time])
        for column, count in counts.items():
            for found in known.group_by([column, "initiated_by"]).aggregate([([], "count_all")]).to_pylist():
                if found[column] is not None:
                    count[found[column], found["initiated_by"]] += found["count_all"]
    told = {column: _kinds(count) for column, count in counts.items()}
    return replace(
        table,
        first_day=_local(ledger, first),
        kinds=told.get("kind", table.kinds),
        channels=told.get("channel", table.channels),
    )


def _kinds(count: Counter[tuple[str, str]]) -> tuple[Kind, ...]:
    names = sorted({name for name, _ in count})
    return tuple(Kind(n, count[n, "customer"] + count[n, "company"], count[n, "company"]) for n in names)


def _pieces(ledger: Ledger, name: str, columns: Sequence[str]) -> Iterator[pa.Table]:
    """A table's rows, also of those who never bought, some customers at a time."""
    first = None
    for block in ledger.blocks()[:-1]:
        yield ledger.rows_of(name, first, block.last_customer, columns)
        first = block.last_customer + _NEXT
    yield ledger.rows_of(name, first, None, columns)


def _known(rows: pa.Table, time: str, limit: int) -> pa.Table:
    """The rows of before an instant that were known before it; without a time of their own they were so at once."""
    end = pa.scalar(limit, INSTANT)
    before = pc.less(rows[time], end)
    if _KNOWN in rows.column_names:
        before = pc.and_(before, pc.fill_null(pc.less(rows[_KNOWN], end), True))
    return rows.filter(before)


def _earlier(first: int | None, times: pa.ChunkedArray) -> int | None:
    least = pc.min(times.cast(pa.int64())).as_py()
    return least if first is None else first if least is None else min(first, least)


def _local(ledger: Ledger, instant: int | None) -> str:
    return "" if instant is None else str(Cutoff(int(ledger.zone.local_day(np.array([instant]))[0])))
