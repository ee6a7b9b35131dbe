"""Scores into a table of a database: the rows of a day take the place of those that the table had of it.

In: a published run and `[scores] url` and `table`. Out: the table, with one row per customer and day, and beside it
`<table>_published`, which says of every day which run its rows are. Rows and that mark change in one transaction, so
that a reader sees the old day or the new one, and a commit whose answer was lost is settled by looking at the mark.
NaN becomes NULL.
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from ..config import Config
from ..errors import ConfigError, DataError
from ..intake.sources.address import Address
from ..intake.sources.databases import SUPPORTED
from ..intake.sources.persistence import persistent
from .sink import KEY, RowsRefused, Sink, Target, kind_of, lost, plain_batches, plain_schema, unwritable
from .sink_alchemy import alchemy_sink
from .sink_files import duckdb_sink, sqlite_sink
from .sink_postgres import postgres_sink

if TYPE_CHECKING:
    from .published import Run

PUBLISHED = "_published"
_MARKER = {"as_of": "day", "run": "id", "rows": "integer"}


@dataclass(frozen=True)
class Delivered:
    """What became of a day in a table.

    Parameters
    ----------
    table, as_of, run : str
    rows : int
        One per customer.
    unchanged : bool
        Whether the table had these rows already.

    Examples
    --------
    >>> Delivered("scores", "2024-01-01", "2024-01-01-v3-0a1b2c3d", 7, False).words
    '7 rows of 2024-01-01 are in the table `scores`'
    """

    table: str
    as_of: str
    run: str
    rows: int
    unchanged: bool

    @property
    def words(self) -> str:
        """A sentence."""
        state = "were in the table" if self.unchanged else "are in the table"
        return f"{self.rows:,} rows of {self.as_of} {state} `{self.table}`"

    def figures(self) -> dict[str, object]:
        """As JSON takes it."""
        return {"table": self.table, "as_of": self.as_of, "rows": self.rows, "unchanged": self.unchanged}


@dataclass(frozen=True)
class _Day:
    """The rows that are to be in a table."""

    file: Path
    as_of: str
    run: str
    rows: int
    schema: pa.Schema


def publish(run: Run, config: Config) -> Delivered | None:
    """Put the scores of a run into the table of the configuration; None where it names none.

    The same run again changes nothing. A database that is lost is tried again, five times within a minute.

    Raises
    ------
    ConfigError
        An address that leads nowhere, or a table that Regulars did not make.
    StorageError
        The database cannot be reached or written to, or does not take the rows; the table is as it was.
    """
    if config.scores.url is None or config.scores.table is None:
        return None
    file = run.path("scores.parquet")
    with pq.ParquetFile(file) as source:
        day = _Day(file, str(run.as_of), run.name, source.metadata.num_rows, plain_schema(source.schema_arrow))
    address, target = _address(config.scores.url), Target.of(config.scores.table)
    tried = 0

    def attempt() -> bool:
        nonlocal tried
        tried += 1
        with opened(address, config.folder) as db:
            return _put(db, target, day)

    # An attempt that finds the rows there, after one that was cut off, finds its own.
    changed = persistent(attempt) or tried > 1
    return Delivered(target.shown, day.as_of, day.run, day.rows, not changed)


def erased_from_table(config: Config, ids: Collection[str]) -> int | None:
    """Take customers out of the table of the configuration: how many rows they had; None where it names none.

    Raises
    ------
    StorageError
        The database cannot be reached or written to.
    """
    if config.scores.url is None or config.scores.table is None:
        return None
    address, target = _address(config.scores.url), Target.of(config.scores.table)
    marker = target.beside(PUBLISHED)

    def attempt() -> int:
        with opened(address, config.folder) as db:
            db.alone(marker.shown)
            if db.columns(marker) is None or db.columns(target) is None:
                return 0
            return _taken_out(db, target, ids)

    return persistent(attempt)


def _taken_out(db: Sink, target: Target, ids: Collection[str]) -> int:
    table, marker = target.sql(db.quoted), target.beside(PUBLISHED).sql(db.quoted)
    whose, day, rows = (f"{db.quoted(name)} = {db.place(0)}" for name in ("customer_id", "as_of", "rows"))
    gone = 0
    for name in sorted(ids):
        gone += db.run(f"select count(*) from {table} where {whose}", name)[0][0]
        db.run(f"delete from {table} where {whose}", name)
    if gone:
        days = [str(found) for (found,) in db.run(f"select {db.quoted('as_of')} from {marker}")]
        for one in days:
            left = db.run(f"select count(*) from {table} where {day}", one)[0][0]
            of_day = f"where {db.quoted('as_of')} = {db.place(1)}"
            db.run(f"update {marker} set {rows} {of_day}", left, one)
    return gone


def opened(address: Address, folder: Path) -> AbstractContextManager[Sink]:
    """The database behind an address, in one transaction that lasts as long as the block."""
    if address.text.startswith("sqlite:///"):
        return sqlite_sink(address, folder)
    if address.text.startswith("duckdb:///"):
        return duckdb_sink(address, folder)
    if address.scheme in ("postgresql", "postgres"):
        return postgres_sink(address, folder)
    return alchemy_sink(address, folder)


def _address(url: str) -> Address:
    address = Address.of(url)
    if not address.scheme:
        raise ConfigError(
            "`url` under [scores] is not the address of a database", needed=SUPPORTED, do="check `url`", code="RG343"
        )
    return address


def _put(db: Sink, target: Target, day: _Day) -> bool:
    """Put a day into the table; whether anything had to be done."""
    db.alone(target.beside(PUBLISHED).shown)
    _prepare(db, target, day.schema)
    table, marker = target.sql(db.quoted), target.beside(PUBLISHED).sql(db.quoted)
    of_day = f"where {db.quoted('as_of')} = {db.place(0)}"
    said = f"select {db.quoted('run')}, {db.quoted('rows')} from {marker} {of_day}"
    if [tuple(row) for row in db.run(said, day.as_of)] == [(day.run, day.rows)]:
        return False
    db.run(f"delete from {marker} {of_day}", day.as_of)
    names, places = ", ".join(map(db.quoted, _MARKER)), ", ".join(db.place(i) for i in range(len(_MARKER)))
    _first(db, f"insert into {marker} ({names}) values ({places})", day.as_of, day.run, day.rows)
    db.run(f"delete from {table} {of_day}", day.as_of)
    db.append(target, day.schema.names, plain_batches(day.file))
    there = db.run(f"select count(*) from {table} {of_day}", day.as_of)[0][0]
    if there != day.rows:
        raise unwritable(f"of {day.rows:,} rows of {day.as_of} {there:,} have arrived; nothing was changed")
    return True


def _first(db: Sink, statement: str, *values: object) -> None:
    """Run what only the first of several who write at once can; the others try again, and find it done."""
    try:
        db.run(statement, *values)
    except RowsRefused:
        raise lost("another run was faster") from None


def _prepare(db: Sink, target: Target, schema: pa.Schema) -> None:
    """Make the two tables where they are missing, and add the columns that the scores have and the table has not."""
    marker, wanted = target.beside(PUBLISHED), {f.name: kind_of(f.name, f.type) for f in schema}
    known, marked = db.columns(target), db.columns(marker)
    for table, columns, ours in ((target, known, KEY), (marker, marked, tuple(_MARKER))):
        if columns is not None and (marked is None or not set(ours) <= set(columns)):
            raise ConfigError(
                f"the table `{table.shown}` was not made by Regulars",
                needed=f"a table `{target.shown}` that Regulars makes itself, and `{marker.shown}` beside it",
                do="name another table by `table` under [scores]",
                code="RG344",
            )
    if marked is None:
        _make(db, marker, _MARKER, ("as_of",))
    if known is None:
        # Of a table that was taken away, the marks may be left.
        db.run(f"delete from {marker.sql(db.quoted)}")
        _make(db, target, wanted, KEY)
        if db.indexed:
            index = db.quoted(f"{target.name}_as_of")
            _first(db, f"create index {index} on {target.sql(db.quoted)} ({db.quoted('as_of')})")
        return
    for name, kind in wanted.items():
        if name not in known:
            _first(db, f"alter table {target.sql(db.quoted)} add {db.quoted(name)} {db.types[kind]}")
        elif not db.fits(kind, known[name]):
            raise DataError(
                f"the column `{name}` of the table `{target.shown}` is of type {known[name]}",
                needed=db.types[kind],
                do="change its type back, or name another table by `table` under [scores]",
                code="RG345",
            )


def _make(db: Sink, table: Target, columns: dict[str, str], key: tuple[str, ...]) -> None:
    stated = [f"{db.quoted(n)} {db.types[k]}{' not null' if n in key else ''}" for n, k in columns.items()]
    stated.append(f"primary key ({', '.join(map(db.quoted, key))})")
    _first(db, f"create table {table.sql(db.quoted)} ({', '.join(stated)})")
