"""A table of a PostgreSQL server, through ADBC.

In: an address and the name of a table, view, partitioned or materialised table. Out: one `Part`. All is read in one
read-only transaction that sees one state of the database; only mapped columns are asked for. Numerics come as text, to
the digit; a time that is infinite or before the year 1 comes as the nearest one, which is not plausible either. NULL is
missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ...errors import ConfigError, DataError, RegularsError, StorageError, masked
from ..casts import as_text, kind_of
from .address import Address
from .identifiers import TableName, quoted, table_among
from .parts import Part, check_mapped, check_names, is_money, is_stamp
from .persistence import CONNECT_SECONDS, ConnectionLost, persistent
from .rows import Read, part_of_rows

_TEXTS = ("text", "varchar", "bpchar", "name", "uuid", "citext")
_TYPES = {
    "int2": pa.int16(),
    "int4": pa.int32(),
    "int8": pa.int64(),
    "float4": pa.float32(),
    "float8": pa.float64(),
    "numeric": pa.decimal128(38, 9),
    "bool": pa.bool_(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
    "timestamptz": pa.timestamp("us", "UTC"),
    **dict.fromkeys(_TEXTS, pa.string()),
}
"""What a type counts as; all others are refused."""

_SESSION = {
    "client_encoding": "UTF8",
    "TimeZone": "UTC",
    "DateStyle": "ISO, YMD",
    # The shortest text that leads back to the same float.
    "extra_float_digits": "3",
    # Rows come in the order in which they are stored, not where another reader happens to be.
    "synchronize_seqscans": "off",
    "max_parallel_workers_per_gather": "0",
}
_STORED_ORDER = {"enable_indexscan": "off", "enable_indexonlyscan": "off", "enable_bitmapscan": "off"}
_VIEW = "v"

_KNOWN_TABLES = """
    SELECT n.nspname::pg_catalog.text, c.relname::pg_catalog.text, pg_catalog.pg_table_is_visible(c.oid),
        c.oid::pg_catalog.int8, c.relkind::pg_catalog.text, c.relispartition
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
        AND n.nspname NOT LIKE 'pg\\_toast%' AND n.nspname NOT LIKE 'pg\\_temp%' ORDER BY 1, 2
"""
_KNOWN_COLUMNS = """
    WITH RECURSIVE kinds (place, name, said, kind) AS (
        SELECT attnum, attname, pg_catalog.format_type(atttypid, atttypmod), atttypid FROM pg_catalog.pg_attribute
        WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped
        UNION ALL SELECT place, name, said, t.typbasetype FROM kinds JOIN pg_catalog.pg_type t ON t.oid = kind
        WHERE t.typtype = 'd'
    )
    SELECT name::pg_catalog.text, said::pg_catalog.text, t.typname::pg_catalog.text, t.typtype::pg_catalog.text
    FROM kinds JOIN pg_catalog.pg_type t ON t.oid = kind WHERE t.typtype <> 'd' ORDER BY place
"""

_TRANSIENT = ("08", "57P01", "57P02", "57P03", "57P05", "53300", "40001", "40P01", "25P03", "55P03")
"""SQLSTATEs (or their classes) after which another attempt may help."""

_OUT_OF_REACH = (
    "connection refused",
    "connection reset",
    "connection timed out",
    "broken pipe",
    "timeout expired",
    "no such file or directory",
    "network is unreachable",
    "no route to host",
    "temporary failure in name resolution",
    "server closed the connection",
    "connection to server was lost",
    "could not receive data",
    "could not send data",
    "no connection to the server",
    "unexpected eof",
    "lost synchronization",
    "ssl connection has been closed",
    "ssl syscall error",
    "the database system is starting up",
    "the database system is shutting down",
    "the database system is in recovery",
    "the database system is not yet accepting",
    "terminating connection",
    "too many clients",
    "remaining connection slots",
)
"""What libpq says, which gives no SQLSTATE for a connection that was not made or is gone."""

_LOGIN = ("authentication failed", "no password supplied", "no pg_hba.conf entry", "does not exist", "not permitted")


@dataclass(frozen=True)
class _Table:
    """A table, with what is needed to read it."""

    name: TableName
    oid: int
    kind: str
    inherited: bool


@dataclass(frozen=True)
class _Column:
    """How the column behind a role is asked for, what it then counts as, and what is left to do with it."""

    sql: str
    type: pa.DataType
    finish: Callable[[pa.ChunkedArray], pa.ChunkedArray] = lambda column: column


def postgres_tables(address: Address) -> list[TableName]:
    """The tables and views of a database, without partitions, which are read through the table they belong to."""

    def read() -> list[TableName]:
        with _connected(address) as db:
            return [table.name for table in _tables(db) if not table.inherited]

    return persistent(read)


def postgres_names(address: Address, table: str) -> list[str]:
    """The names of a table's columns."""

    def read() -> list[str]:
        with _connected(address) as db:
            return [name for name, *_ in _columns(db, _found(db, table))]

    return persistent(read)


def postgres_part(
    address: Address, table: str, mapping: Mapping[str, str], folder: Path, rows: int | None = None
) -> Part:
    """A table, or so many of its rows, as a `Part`; they lie in `folder` meanwhile."""

    def read(sink: Callable[[pa.Table], None]) -> Read:
        with _connected(address) as db:
            found = _found(db, table)
            columns = _chosen(_columns(db, found), mapping, f"`{table}`")
            if found.kind != _VIEW:
                _set(db, _STORED_ORDER)
            chosen = ", ".join(f"{column.sql} AS {quoted(role)}" for role, column in columns.items())
            db.execute(f"SELECT {chosen} FROM {found.name.sql}" + (f" LIMIT {rows:d}" if rows is not None else ""))
            for batch in db.fetch_record_batch():
                read = pa.Table.from_batches([batch])
                sink(pa.table({role: column.finish(read.column(role)) for role, column in columns.items()}))
            # It fails when the server has ended the transaction: then the rows may not be all.
            db.execute("COMMIT")
        types = {role: column.type for role, column in columns.items()}
        return Read(f"{found.name.schema}.{found.name.name}", types)

    return part_of_rows(read, folder)


@contextmanager
def _connected(address: Address) -> Iterator[Any]:
    """A cursor inside a transaction that reads one state of the database; what goes wrong is said, without secrets."""
    address.check_form()
    try:
        from adbc_driver_manager import Error
        from adbc_driver_postgresql import dbapi
    except ImportError:
        raise ConfigError(
            "PostgreSQL needs a driver that is not installed",
            do="pip install 'regulars[postgres]'",
            code="RG172",
        ) from None
    try:
        with (
            closing(dbapi.connect(with_limits(address.text), autocommit=True)) as connection,
            closing(connection.cursor()) as cursor,
        ):
            cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            _set(cursor, _SESSION)
            yield cursor
    except (Error, pa.ArrowException, OSError) as error:
        raise _told(error, address) from None


def with_limits(url: str) -> str:
    """The URL with limits to waiting, unless it has its own: a server that says nothing is not waited for for ever."""
    limits = {
        "connect_timeout": CONNECT_SECONDS,
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
        "application_name": "regulars",
    }
    added = "&".join(f"{name}={value}" for name, value in limits.items() if f"{name}=" not in url)
    return f"{url}{'&' if '?' in url else '?'}{added}" if added else url


def _set(cursor: Any, settings: Mapping[str, str]) -> None:
    for name, value in settings.items():
        cursor.execute(f"SET LOCAL {name} TO '{value}'")


def _tables(cursor: Any) -> list[_Table]:
    cursor.execute(_KNOWN_TABLES)
    return [
        _Table(TableName(schema, name, bare), oid, kind, inherited)
        for schema, name, bare, oid, kind, inherited in cursor.fetchall()
    ]


def _found(cursor: Any, said: str) -> _Table:
    tables = _tables(cursor)
    name = table_among(said, [table.name for table in tables], "the database")
    return next(table for table in tables if table.name == name)


def _columns(cursor: Any, table: _Table) -> list[tuple[str, str, str, str]]:
    """Of each column the name, the type as it is written, the type below all domains, and whether it is an enum."""
    cursor.execute(_KNOWN_COLUMNS, (table.oid,))
    return [(name, said, kind, category) for name, said, kind, category in cursor.fetchall()]


def _chosen(columns: list[tuple[str, str, str, str]], mapping: Mapping[str, str], where: str) -> dict[str, _Column]:
    names = [name for name, *_ in columns]
    check_names(names, where)
    check_mapped(mapping, names, where)
    known = {column[0]: column for column in columns}
    return {role: _column(role, known[column], where) for role, column in mapping.items()}


def _column(role: str, found: tuple[str, str, str, str], where: str) -> _Column:
    """How a column is asked for; a type that cannot be read exactly as this role is refused before anything is read."""
    column, said, kind, category = found
    place = f"column `{column}` of {where}"
    counts_as = pa.string() if category == "e" else _TYPES.get(kind)
    if counts_as is None:
        raise DataError(
            f"{place} is of type {said}, which is not read",
            needed="text, numbers, dates or timestamps",
            do=f"make a view with {column}::{'numeric' if kind == 'money' else 'text'}, and name the view by `table`",
            code="RG104",
        )
    kind_of(role, counts_as, place)
    name, text = quoted(column), f"{quoted(column)}::pg_catalog.text"
    if is_stamp(role) and kind in ("date", "timestamp", "timestamptz"):
        return _time(name, kind)
    if is_money(role):
        return _Column(text, pa.string() if pa.types.is_string(counts_as) else pa.float64())
    if kind == "numeric":
        return _Column(text, pa.string(), lambda values: _whole(values, place))
    if kind in ("float4", "float8"):
        return _Column(f"{name}::pg_catalog.float8", pa.string(), lambda values: as_text(values, place))
    return _Column(text, pa.string())


def _time(name: str, kind: str) -> _Column:
    """A time between the years 1 and 9999: others, and the infinite ones, become the nearest of these."""
    zone = "+00" if kind == "timestamptz" else ""
    first, last = f"0001-01-01 00:00:00{zone}", f"9999-12-31 23:59:59.999999{zone}"
    cast = f"pg_catalog.{kind}"
    least = f"LEAST({name}, '{last[:10] if kind == 'date' else last}'::{cast})"
    within = f"GREATEST({least}, '{first[:10] if kind == 'date' else first}'::{cast})"
    # LEAST and GREATEST pass over NULL.
    sql = f"CASE WHEN {name} IS NOT NULL THEN {within} END"
    if kind == "date":
        return _Column(sql, pa.date64(), lambda days: days.cast(pa.date64()))
    return _Column(sql, pa.timestamp("us", "UTC") if zone else pa.timestamp("us"))


def _whole(values: pa.ChunkedArray, where: str) -> pa.ChunkedArray:
    """Ids that are stored as numerics; the zeros behind the point are the type's, not the id's."""
    fine = pc.match_substring_regex(values, r"^-?\d+(\.0*)?$")
    odd = values.filter(pc.invert(pc.fill_null(fine, True)))
    if len(odd):
        raise DataError(
            f"{where} holds ids as numerics that are not whole",
            needed="text or whole numbers",
            do="map another column, or make a view with the id as text",
            offending=[masked(value) for value in odd[:3].to_pylist()],
            code="RG103",
        )
    return pc.replace_substring_regex(values, r"\..*$", "")


def _told(error: Exception, address: Address) -> RegularsError:
    """An error of the driver in the house's words, and whether another attempt may help."""
    state = getattr(error, "sqlstate", None) or ""
    said = address.masked(error)
    words = said.lower()
    first = first_line(said)
    if is_lost(state, words):
        return ConnectionLost(
            f"the database was not reached, or was lost while it was read: {first}",
            do="run again when the server can be reached; nothing of this read was kept",
            code="RG173",
        )
    if state == "57014" or "canceling statement" in words:
        return StorageError(
            f"the server ended the read: {first}",
            do="raise statement_timeout for this user, or read a view with fewer rows",
            code="RG176",
        )
    if state == "42501" or "permission denied" in words:
        return StorageError(f"the table may not be read: {first}", do="GRANT SELECT on it to this user", code="RG176")
    if "failed to connect" in words and any(sign in words for sign in _LOGIN):
        return ConfigError(
            f"the server refused the login: {first}",
            needed="a user, password and database that it knows",
            do="check `url`; a password comes best from ${NAME}, PGPASSWORD or ~/.pgpass",
            code="RG174",
        )
    return StorageError(f"the database cannot be read: {first}", do="check `url` and the table", code="RG176")


def is_lost(state: str, words: str) -> bool:
    """Whether another attempt may help, by the SQLSTATE or, without one, by what was said in small letters."""
    return state.startswith(_TRANSIENT) or (not state and any(sign in words for sign in _OUT_OF_REACH))


def first_line(said: str) -> str:
    """What went wrong, without the driver's prefixes, the statement, and hints for programmers."""
    line = said.strip().splitlines()[0] if said.strip() else "no reason was given"
    for prefix in (
        "[libpq] ",
        "Failed to connect: ",
        "Failed to execute query: ",
        "could not begin COPY: ",
        "ERROR:  ",
    ):
        line = line.partition(prefix)[2] or line
    return line.removesuffix(".")
