"""What happened to decisions: an SQLite file that only grows, each event once, whoever tells it how often.

In: events whose decisions are known. Out: how many were new, how many were there already, which contradict one that is
there; and all of them as a table. A file of events goes in whole or not at all, and has reached the disk when that is
said. A value that is not known is missing. Whoever is forgotten leaves a hash behind, so that nothing of him returns.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...disk.whole import owners_files, private, room
from ...errors import StorageError
from ...schema import INSTANT, RESPONSE_KINDS, RESPONSES, SCALE

FORMAT = 1
_EVER = np.iinfo(np.int64).max
HELD = pa.schema(
    [
        *((name, pa.string()) for name in ("event_id", "decision_id", "kind")),
        ("occurred_at", pa.int64()),
        ("value", pa.int64()),
    ]
)
"""Events as they are kept: UTC microseconds, and money in 1/10,000."""
SHOWN = pa.schema([(column.name, column.type) for column in RESPONSES])
_TABLES = """
create table if not exists events (
    event_id text primary key, decision_id text not null, kind text not null, occurred_at integer not null,
    value integer
);
create index if not exists events_of on events (decision_id);
create table if not exists forgotten (hash text primary key);
"""
_OTHER = (
    "e.decision_id <> i.decision_id or e.kind <> i.kind or e.occurred_at <> i.occurred_at or e.value is not i.value"
)


@dataclass(frozen=True)
class Added:
    """What became of a file of events.

    Parameters
    ----------
    new, again : int
        Events that were not there before, and that were.
    contradicting : list of int
        Rows whose event is there and says something else; they did not go in.
    """

    new: int
    again: int
    contradicting: list[int]


@dataclass(frozen=True)
class EventStore:
    """The events of a decisions log.

    Parameters
    ----------
    path : Path
        The file; it is made with the first events.

    Examples
    --------
    >>> EventStore(Path("nowhere.db")).count()
    0
    """

    path: Path

    def add(self, events: pa.Table, before_it_stands: Callable[[list[int]], None] = lambda _: None) -> Added:
        """Take events in, as `HELD` has them, in one step; each event id stands once among them.

        Parameters
        ----------
        before_it_stands : callable, optional
            Is told the rows that contradict what is there, and do what must be done before the others are in.

        Raises
        ------
        StorageError
            ``RG433``: the file cannot be written; nothing has changed then.
        """
        with self._opened() as db, db:
            db.execute("begin immediate")
            db.execute(
                "create temp table incoming (row integer primary key, event_id text, decision_id text, kind text, "
                "occurred_at integer, value integer)"
            )
            columns = [column.to_pylist() for column in events.select(HELD.names).columns]
            rows = zip(range(events.num_rows), *columns, strict=True)
            db.executemany("insert into temp.incoming values (?, ?, ?, ?, ?, ?)", rows)
            odd = f"select i.row from temp.incoming i join events e using (event_id) where {_OTHER}"
            contradicting = [row for (row,) in db.execute(f"{odd} order by i.row")]
            before_it_stands(contradicting)
            new = db.execute(
                "insert or ignore into events select event_id, decision_id, kind, occurred_at, value "
                "from temp.incoming order by row"
            ).rowcount
        return Added(new, events.num_rows - new - len(contradicting), contradicting)

    def table(
        self,
        decision_ids: pa.Array | pa.ChunkedArray | None = None,
        before: int | None = None,
        kinds: Sequence[str] = RESPONSE_KINDS,
    ) -> pa.Table:
        """Events as `schema.RESPONSES` has them, by time, then by id: of some decisions, before an instant, or all."""
        if not self.path.is_file():
            return SHOWN.empty_table()
        asked = f"kind in ({', '.join('?' * len(kinds))}) and occurred_at < ?"
        query = f"select {', '.join(HELD.names)} from events where {asked} order by occurred_at, event_id"
        with self._opened() as db:
            some = _some(db.execute(query, [*kinds, _EVER if before is None else before]))
            parts = [pa.table(dict(zip(HELD.names, zip(*rows, strict=True), strict=True)), HELD) for rows in some]
        found = pa.concat_tables([HELD.empty_table(), *parts])
        if decision_ids is not None:
            found = found.filter(pc.is_in(found.column("decision_id"), pa.array(decision_ids.to_pylist(), pa.string())))
        return _shown(found)

    def count(self, before: int = _EVER) -> int:
        """How many events there are, before an instant or ever."""
        if not self.path.is_file():
            return 0
        with self._opened() as db:
            return int(db.execute("select count(*) from events where occurred_at < ?", [before]).fetchone()[0])

    def rejected(self, unless: Sequence[str], before: int = _EVER) -> pa.Array:
        """The decisions that an event calls rejected before an instant, and no event is of one of some other kinds."""
        if not self.path.is_file():
            return pa.array([], pa.string())
        reached = "select 1 from events o where o.decision_id = e.decision_id and o.occurred_at < ?1 and o.kind in "
        with self._opened() as db:
            found = db.execute(
                f"select distinct decision_id from events e where kind = 'rejected' and occurred_at < ?1 "
                f"and not exists ({reached} ({', '.join('?' * len(unless))})) order by decision_id",
                [before, *unless],
            )
            return pa.array([decision for (decision,) in found], pa.string())

    def forgotten(self) -> pa.Array:
        """Hashes (SHA-256) of the decisions about whoever was forgotten."""
        if not self.path.is_file():
            return pa.array([], pa.string())
        with self._opened() as db:
            return pa.array([h for (h,) in db.execute("select hash from forgotten order by hash")], pa.string())

    def erase(self, event_ids: list[str], hashes: list[str]) -> int:
        """Take events out for good, and keep hashes of decisions, nothing about which may come in again; how many went.

        Nothing of them is left in free pages, or in the journal.
        """
        with self._opened() as db:
            with db:
                db.execute("begin immediate")
                db.executemany("insert or ignore into forgotten values (?)", [(h,) for h in hashes])
                before = db.total_changes
                db.executemany("delete from events where event_id = ?", [(e,) for e in event_ids])
                taken = db.total_changes - before
            db.execute("vacuum")
            db.execute("pragma wal_checkpoint(truncate)")
        return taken

    def faults(self) -> list[str]:
        """What SQLite finds wrong in the file; nothing in a sound one, or where there is none."""
        if not self.path.is_file():
            return []
        try:
            with self._opened() as db:
                found = [str(text) for (text,) in db.execute("pragma quick_check")]
        except StorageError as error:
            return [error.found]
        return [] if found == ["ok"] else found

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        try:
            with owners_files():
                private(self.path.parent)
                db = sqlite3.connect(self.path, timeout=10, isolation_level=None)
                try:
                    # Readers are not kept waiting by whoever writes; what was said to be in is on the disk.
                    db.execute("pragma journal_mode = wal")
                    db.execute("pragma synchronous = full")
                    db.execute("pragma secure_delete = on")
                    db.execute("pragma temp_store = memory")
                    if db.execute("pragma user_version").fetchone()[0] < FORMAT:
                        db.executescript(f"begin; {_TABLES} pragma user_version = {FORMAT}; commit;")
                    yield db
                finally:
                    db.close()
        except (sqlite3.Error, OSError) as error:
            raise StorageError(
                f"`{self.path}` cannot be read or written: {error} ({room(self.path.parent)})",
                do="check space and permissions; if the file is damaged, put it back from a backup",
                code="RG433",
            ) from None


def _some(rows: sqlite3.Cursor, size: int = 100_000) -> Iterator[list[tuple[object, ...]]]:
    while found := rows.fetchmany(size):
        yield found


def _shown(held: pa.Table) -> pa.Table:
    """Events as others see them: instants and money."""
    at = held.column("occurred_at").cast(INSTANT)
    value = held.column("value").cast(pa.decimal128(19, 0))
    money = pc.multiply(value, pa.scalar(1 / Decimal(SCALE), pa.decimal128(5, 4)))
    return held.set_column(3, "occurred_at", at).set_column(4, "value", money).cast(SHOWN)
