"""A table in an SQLite or DuckDB file, opened read-only.

In: a file and a table. Out: one `Part`. SQLite's values have types of their own and are taken one by one; blobs are
refused. DuckDB may look at nothing but its own file. NULL is missing.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa

from ...errors import StorageError
from .identifiers import TableName, quoted, table_among
from .parts import BATCH, Part, Unchanged, check_mapped, check_names, with_lines
from .values import table_of_rows


def file_sha256(path: Path) -> str:
    """The SHA-256 of a file's bytes, with its write-ahead log if there is one."""
    digest = hashlib.sha256()
    for file in (path, *_logs(path)):
        with file.open("rb") as source:
            for chunk in iter(lambda: source.read(1 << 20), b""):
                digest.update(chunk)
    return digest.hexdigest()


def _logs(path: Path) -> list[Path]:
    """The write-ahead logs that hold anything: what a database wrote and has not yet put into its file."""
    logs = (path.with_name(path.name + ending) for ending in ("-wal", ".wal"))
    return [log for log in logs if log.exists() and log.stat().st_size]


def _unchanged(path: Path) -> list[Unchanged]:
    return [Unchanged.now(file) for file in (path, *_logs(path))]


def sqlite_tables(path: Path) -> list[TableName]:
    """The tables and views of an SQLite file, by name."""
    with _sqlite(path) as db:
        return _sqlite_tables(db)


def sqlite_names(path: Path, table: str) -> list[str]:
    """The names of a table's columns."""
    with _sqlite(path) as db:
        return _sqlite_names(db, table_among(table, _sqlite_tables(db), f"`{path.name}`"))


def sqlite_part(path: Path, table: str, mapping: Mapping[str, str]) -> Part:
    """A table of an SQLite file as a `Part`."""
    before, sha256 = _unchanged(path), file_sha256(path)
    where = f"`{table}` in {path.name}"
    with _sqlite(path) as db:
        found = table_among(table, _sqlite_tables(db), f"`{path.name}`")
        names = _sqlite_names(db, found)
        check_names(names, where)
        check_mapped(mapping, names, where)
    chosen = ", ".join(quoted(column) for column in mapping.values())

    def batches() -> Iterator[pa.Table]:
        first = 1
        with _sqlite(path) as db:
            cursor = db.execute(f"select {chosen} from {found.sql}")
            for rows in iter(lambda: cursor.fetchmany(BATCH), []):
                yield with_lines(table_of_rows(rows, mapping, where), first)
                first += len(rows)
        for file in before:
            file.check()

    return Part(f"{path.name}/{found.name}", sha256, dict.fromkeys(mapping, pa.string()), batches)


@contextmanager
def _sqlite(path: Path) -> Iterator[sqlite3.Connection]:
    """An SQLite file, opened to be read; what goes wrong in it is said."""
    try:
        with closing(sqlite3.connect(path.as_uri() + "?mode=ro", uri=True)) as db:
            # A view may call no function that could do more than compute.
            db.execute("pragma trusted_schema = off")
            yield db
    except sqlite3.Error as error:
        raise StorageError(f"`{path.name}` cannot be read: {error}", code="RG114") from None


def _sqlite_tables(db: sqlite3.Connection) -> list[TableName]:
    query = "select name from sqlite_master where type in ('table', 'view') and name not like 'sqlite\\_%' escape '\\'"
    return [TableName("main", name) for (name,) in db.execute(f"{query} order by name")]


def _sqlite_names(db: sqlite3.Connection, table: TableName) -> list[str]:
    return [name for (name,) in db.execute("select name from pragma_table_info(?)", [table.name])]


def duckdb_tables(path: Path) -> list[TableName]:
    """The tables and views of a DuckDB file, by name."""
    with _duckdb(path) as db:
        return _duckdb_tables(db)


def duckdb_names(path: Path, table: str) -> list[str]:
    """The names of a table's columns."""
    with _duckdb(path) as db:
        return _duckdb_names(db, table_among(table, _duckdb_tables(db), f"`{path.name}`"))


def duckdb_part(path: Path, table: str, mapping: Mapping[str, str]) -> Part:
    """A table of a DuckDB file as a `Part`."""
    before, sha256 = _unchanged(path), file_sha256(path)
    where = f"`{table}` in {path.name}"
    chosen = ", ".join(f"{quoted(column)} as {quoted(role)}" for role, column in mapping.items())
    with _duckdb(path) as db:
        found = table_among(table, _duckdb_tables(db), f"`{path.name}`")
        names = _duckdb_names(db, found)
        check_names(names, where)
        check_mapped(mapping, names, where)
        query = f"select {chosen} from {found.sql}"
        schema = db.sql(f"{query} limit 0").to_arrow_table().schema

    def batches() -> Iterator[pa.Table]:
        first = 1
        with _duckdb(path) as db:
            for batch in db.sql(query).to_arrow_reader(BATCH):
                yield with_lines(pa.Table.from_batches([batch]), first)
                first += batch.num_rows
        for file in before:
            file.check()

    return Part(f"{path.name}/{found.shown}", sha256, {f.name: f.type for f in schema}, batches)


@contextmanager
def _duckdb(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB file, opened to be read: no other file, no extension, no variable of Python; what goes wrong is said."""
    settings: dict[str, str | bool | int | float | list[str]] = {
        "enable_external_access": "false",
        "python_enable_replacements": "false",
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
    }
    try:
        with closing(duckdb.connect(str(path), read_only=True, config=settings)) as db:
            db.execute("SET lock_configuration = true")
            yield db
    except duckdb.PermissionException as error:
        raise StorageError(
            f"`{path.name}` wants to read something else: {str(error).splitlines()[0]}",
            needed="a table, or a view over tables of the same file",
            do="write the view's rows into a table",
            code="RG114",
        ) from None
    except duckdb.Error as error:
        raise StorageError(
            f"`{path.name}` cannot be read: {str(error).splitlines()[0]}",
            do="close the program that writes to it, or give a copy",
            code="RG114",
        ) from None


def _duckdb_tables(db: duckdb.DuckDBPyConnection) -> list[TableName]:
    rows = db.execute(
        "select table_schema, table_name from information_schema.tables where table_catalog = current_database() "
        "order by all"
    ).fetchall()
    return [TableName(schema, name, bare=schema == "main") for schema, name in rows]


def _duckdb_names(db: duckdb.DuckDBPyConnection, table: TableName) -> list[str]:
    rows = db.execute(
        "select column_name from information_schema.columns where table_catalog = current_database() "
        "and table_schema = ? and table_name = ? order by ordinal_position",
        [table.schema, table.name],
    ).fetchall()
    return [name for (name,) in rows]
