"""A table in an SQLite or DuckDB file, opened read-only.

In: a `sqlite:///` or `duckdb:///` address and a table. Out: one `Part`. SQLite's values have types of their own, so a
column counts as numbers only when every value in it is one; otherwise it is text. Blobs are refused.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

import duckdb
import pyarrow as pa

from ...errors import ConfigError, DataError, StorageError, did_you_mean
from .parts import BATCH, Part, Unchanged, check_mapped, check_names, is_money, number_of, text_of, with_lines

SUPPORTED = "sqlite:///file.db or duckdb:///file.duckdb"


def quoted(name: str) -> str:
    """A name as an SQL identifier: the only way a name from outside gets into a statement.

    Examples
    --------
    >>> quoted('amount") --')
    '"amount"") --"'
    """
    if "\0" in name:
        raise ConfigError(f"`{name!r}` is not a name of a column or table", code="RG110")
    return '"' + name.replace('"', '""') + '"'


def database_part(url: str, table: str, folder: Path, mapping: Mapping[str, str]) -> Part:
    """The table behind an address as a `Part`; relative files start at `folder`."""
    for scheme, opener in (("sqlite:///", _sqlite_part), ("duckdb:///", _duckdb_part)):
        if url.startswith(scheme):
            path = (folder / url.removeprefix(scheme)).resolve()
            if not path.is_file():
                raise ConfigError(f"there is no file `{path}`", do="check `url`", code="RG111")
            return opener(path, table, mapping)
    scheme = url.split(":", 1)[0]
    raise ConfigError(
        f"`url` with `{scheme}` is not supported",
        needed=SUPPORTED,
        do="export the table to Parquet or CSV and give `path`",
        code="RG112",
    )


def file_sha256(path: Path) -> str:
    """The SHA-256 of a file's bytes, with its write-ahead log if there is one."""
    digest = hashlib.sha256()
    for file in (path, path.with_name(path.name + "-wal"), path.with_name(path.name + ".wal")):
        if file.exists():
            with file.open("rb") as source:
                for chunk in iter(lambda: source.read(1 << 20), b""):
                    digest.update(chunk)
    return digest.hexdigest()


def _check_table(table: str, known: list[str], where: str) -> None:
    if table not in known:
        hint = did_you_mean(table, known) if known else "it holds no table"
        raise DataError(f"{where} has no table `{table}`", do=hint, code="RG113")


def _sqlite_part(path: Path, table: str, mapping: Mapping[str, str]) -> Part:
    before, sha256 = Unchanged.now(path), file_sha256(path)
    where = f"`{table}` in {path.name}"
    try:
        with closing(_sqlite(path)) as db:
            known = [r[0] for r in db.execute("select name from sqlite_master where type in ('table', 'view')")]
            _check_table(table, known, f"`{path.name}`")
            names = [r[0] for r in db.execute("select name from pragma_table_info(?)", [table])]
            check_names(names, where)
            check_mapped(mapping, names, where)
            types = {role: _sqlite_type(db, table, column, role, where) for role, column in mapping.items()}
    except sqlite3.Error as error:
        raise StorageError(f"`{path.name}` cannot be read: {error}", code="RG114") from None
    chosen = ", ".join(quoted(column) for column in mapping.values())

    def batches() -> Iterator[pa.Table]:
        first = 1
        with closing(_sqlite(path)) as db:
            cursor = db.execute(f"select {chosen} from {quoted(table)}")
            for rows in iter(lambda: cursor.fetchmany(BATCH), []):
                columns = zip(*rows, strict=True)
                yield with_lines(pa.table(_texts(mapping, columns, where)), first)
                first += len(rows)
        before.check()

    return Part(f"{path.name}/{table}", sha256, types, batches)


def _sqlite(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path.as_uri() + "?mode=ro", uri=True)


def _sqlite_type(db: sqlite3.Connection, table: str, column: str, role: str, where: str) -> pa.DataType:
    """The kind of a column: `float64` where all its values are numbers of a money role, else text."""
    name = quoted(column)
    kinds = {r[0] for r in db.execute(f"select distinct typeof({name}) from {quoted(table)} where {name} is not null")}
    if "blob" in kinds:
        raise DataError(
            f"column `{column}` of {where} holds blobs", needed="text or numbers", do="map another column", code="RG104"
        )
    return pa.float64() if is_money(role) and kinds and kinds <= {"integer", "real"} else pa.string()


def _texts(mapping: Mapping[str, str], columns: Iterator[tuple[object, ...]], where: str) -> dict[str, pa.Array]:
    out = {}
    for (role, column), values in zip(mapping.items(), columns, strict=True):
        convert, place = (number_of if is_money(role) else text_of), f"column `{column}` of {where}"
        out[role] = pa.array([convert(v, place) for v in values], pa.string())
    return out


def _duckdb_part(path: Path, table: str, mapping: Mapping[str, str]) -> Part:
    before, sha256 = Unchanged.now(path), file_sha256(path)
    where = f"`{table}` in {path.name}"
    chosen = ", ".join(f"{quoted(column)} as {quoted(role)}" for role, column in mapping.items())
    query = f"select {chosen} from {quoted(table)}"
    with closing(_duckdb(path)) as db:
        known = [r[0] for r in db.execute("select table_name from information_schema.tables").fetchall()]
        _check_table(table, known, f"`{path.name}`")
        found = db.execute("select column_name from information_schema.columns where table_name = ?", [table])
        names = [r[0] for r in found.fetchall()]
        check_names(names, where)
        check_mapped(mapping, names, where)
        schema = db.sql(f"{query} limit 0").to_arrow_table().schema

    def batches() -> Iterator[pa.Table]:
        first = 1
        with closing(_duckdb(path)) as db:
            for batch in db.sql(query).to_arrow_reader(BATCH):
                yield with_lines(pa.Table.from_batches([batch]), first)
                first += batch.num_rows
        before.check()

    return Part(f"{path.name}/{table}", sha256, {f.name: f.type for f in schema}, batches)


def _duckdb(path: Path) -> duckdb.DuckDBPyConnection:
    settings: dict[str, str | bool | int | float | list[str]] = {
        "python_enable_replacements": "false",
        "autoinstall_known_extensions": "false",
    }
    try:
        return duckdb.connect(str(path), read_only=True, config=settings)
    except duckdb.Error as error:
        raise StorageError(
            f"`{path.name}` cannot be opened: {str(error).splitlines()[0]}",
            do="close the program that writes to it, or give a copy",
            code="RG114",
        ) from None
