"""SQLite and DuckDB files that scores go to.

In: a path; the file is made, for its owner alone, when it is missing. Out: a `Sink`. SQLite's readers see the old rows
until the new ones are whole; a DuckDB file has no readers while it is written. A file that someone else is writing is
waited for, some seconds at a time.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from ..disk.whole import owners_files, private
from ..intake.sources.address import Address
from ..intake.sources.identifiers import quoted
from ..intake.sources.persistence import CONNECT_SECONDS
from .sink import Sink, Target, fits_by_name, lost, rows_refused, unwritable

_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_TEXTS = ("id", "day", "text")
_INCOMING = "incoming"
_SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": "false",
    "python_enable_replacements": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}


class _Sqlite:
    """An SQLite file."""

    types: Mapping[str, str] = {
        **dict.fromkeys(_TEXTS, "text"),
        **{"integer": "integer", "number": "double", "boolean": "boolean"},
    }
    indexed = True

    def __init__(self, db: sqlite3.Connection) -> None:
        self.db = db

    def quoted(self, name: str) -> str:
        """A name as it stands in a statement."""
        return quoted(name)

    def place(self, number: int) -> str:
        """What stands in a statement for a value."""
        return f"?{number + 1}"

    def run(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """The rows of a statement."""
        return self.db.execute(statement, values).fetchall()

    def alone(self, name: str) -> None:
        """Nobody else is: the transaction has the file to itself."""

    def columns(self, table: Target) -> dict[str, str] | None:
        """The types of a table's columns by name."""
        schema = table.schema or "main"
        rows = self.run("select name, type from pragma_table_info(?1, ?2)", table.name, schema)
        return dict(rows) or None

    def fits(self, kind: str, said: str) -> bool:
        """Whether a column of a type takes values of a kind as they are."""
        return fits_by_name(kind, said)

    def append(self, table: Target, names: Sequence[str], batches: Iterator[pa.RecordBatch]) -> None:
        """Add rows to a table."""
        columns, places = ", ".join(map(quoted, names)), ", ".join("?" * len(names))
        statement = f"insert into {table.sql(quoted)} ({columns}) values ({places})"
        for batch in batches:
            self.db.executemany(statement, zip(*(c.to_pylist() for c in batch.columns), strict=True))


@contextmanager
def sqlite_sink(address: Address, folder: Path) -> Iterator[Sink]:
    """An SQLite file, in one transaction that nobody else can write beside."""
    path = _path(address, folder)
    try:
        with owners_files(), closing(sqlite3.connect(path, CONNECT_SECONDS, isolation_level=None)) as db:
            db.execute("pragma trusted_schema = off")
            # Pages that a forgotten customer stood on hold zeros afterwards.
            db.execute("pragma secure_delete = on")
            db.execute("begin immediate")
            yield _Sqlite(db)
            db.execute("commit")
    except sqlite3.IntegrityError:
        raise rows_refused("a row breaks a rule of the table") from None
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        said = f"{path.name}: {error}"
        raise (lost(said) if code in _BUSY else unwritable(said)) from None


class _Duckdb:
    """A DuckDB file."""

    types: Mapping[str, str] = {
        **dict.fromkeys(_TEXTS, "varchar"),
        **{"integer": "bigint", "number": "double", "boolean": "boolean"},
    }
    # Rows of a day lie together, and DuckDB knows the least and greatest of each stretch of rows.
    indexed = False

    def __init__(self, db: duckdb.DuckDBPyConnection) -> None:
        self.db = db

    def quoted(self, name: str) -> str:
        """A name as it stands in a statement."""
        return quoted(name)

    def place(self, number: int) -> str:
        """What stands in a statement for a value."""
        return f"${number + 1}"

    def run(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """The rows of a statement."""
        return self.db.execute(statement, list(values)).fetchall()

    def alone(self, name: str) -> None:
        """Nobody else is: the process has the file to itself."""

    def columns(self, table: Target) -> dict[str, str] | None:
        """The types of a table's columns by name."""
        rows = self.run(
            "select column_name, data_type from information_schema.columns where table_catalog = current_database() "
            "and table_schema = $1 and table_name = $2 order by ordinal_position",
            table.schema or "main",
            table.name,
        )
        return dict(rows) or None

    def fits(self, kind: str, said: str) -> bool:
        """Whether a column of a type takes values of a kind as they are."""
        return fits_by_name(kind, said)

    def append(self, table: Target, names: Sequence[str], batches: Iterator[pa.RecordBatch]) -> None:
        """Add rows to a table."""
        columns, first = ", ".join(map(quoted, names)), next(batches, None)
        if first is None:
            return
        self.db.register(_INCOMING, pa.RecordBatchReader.from_batches(first.schema, _chained(first, batches)))
        self.db.execute(f"insert into {table.sql(quoted)} ({columns}) select {columns} from {_INCOMING}")
        self.db.unregister(_INCOMING)


def _chained(first: pa.RecordBatch, others: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    yield first
    yield from others


@contextmanager
def duckdb_sink(address: Address, folder: Path) -> Iterator[Sink]:
    """A DuckDB file, in one transaction."""
    path = _path(address, folder)
    try:
        with owners_files(), closing(duckdb.connect(str(path), config=_SETTINGS)) as db:
            db.execute("set lock_configuration = true")
            db.execute("begin")
            yield _Duckdb(db)
            db.execute("commit")
    except duckdb.ConstraintException:
        raise rows_refused("a row breaks a rule of the table") from None
    except duckdb.Error as error:
        said = str(error).splitlines()[0]
        taken = isinstance(error, duckdb.TransactionException) or "Could not set lock on file" in said
        # The lock's words name the other process and its program: of no use to whoever waits for a nightly job.
        raise (lost(f"{path.name} is being written") if taken else unwritable(f"{path.name}: {said}")) from None


def _path(address: Address, folder: Path) -> Path:
    path = (folder / address.text.partition(":///")[2]).resolve()
    try:
        private(path.parent)
    except OSError as error:
        raise unwritable(f"{path.parent}: {error.strerror or error}") from None
    return path
