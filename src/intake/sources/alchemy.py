"""A table of any other database that SQLAlchemy reaches by a driver of the user's.

In: a URL of SQLAlchemy and the name of a table or view. Out: one `Part`. One statement reads all rows, and streams them
where the driver can. Values come as the driver gives them and are taken one by one. None is missing; binary values are
refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from ...errors import ConfigError, RegularsError, StorageError
from .address import Address
from .identifiers import TableName, table_among
from .parts import Part, check_mapped, check_names
from .persistence import ConnectionLost, persistent
from .rows import Read, part_of_rows
from .values import table_of_rows

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, Engine

ROWS = 10_000
"""So many rows are fetched at a time."""

_DRIVERS = {
    "psycopg2": "psycopg2-binary",
    "psycopg": "psycopg[binary]",
    "MySQLdb": "mysqlclient",
    "mysql": "mysql-connector-python",
    "cx_Oracle": "cx-Oracle",
    "snowflake": "snowflake-sqlalchemy",
}
"""The packages of drivers whose module is called otherwise."""

_INTERNAL = frozenset({"information_schema", "pg_catalog", "sys", "mysql", "performance_schema"})

_LOST = ("08", "57P01", "57P02", "57P03", "53300", "40001", "40P01")
_LOST_NUMBERS = frozenset({2002, 2003, 2006, 2013, 1205, 1213})
"""MySQL's: no server, server gone, connection lost, and waits that ended in a lock."""


def alchemy_tables(address: Address, folder: Path) -> list[TableName]:
    """The tables and views of a database; those outside its default schema under their schema's name."""

    def read() -> list[TableName]:
        with _connected(address, folder) as db:
            return _tables(db)

    return persistent(read)


def alchemy_names(address: Address, table: str, folder: Path) -> list[str]:
    """The names of a table's columns."""

    def read() -> list[str]:
        with _connected(address, folder) as db:
            return _names(db, _found(db, table))

    return persistent(read)


def alchemy_part(
    address: Address, table: str, mapping: Mapping[str, str], folder: Path, scratch: Path, rows: int | None = None
) -> Part:
    """A table, or so many of its rows, as a `Part`.

    A database that is a file is looked for from `folder`, and the rows lie in `scratch`.
    """

    def read(sink: Callable[[pa.Table], None]) -> Read:
        with _connected(address, folder) as db:
            found, where = _found(db, table), f"`{table}`"
            names = _names(db, found)
            check_names(names, where)
            check_mapped(mapping, names, where)
            for some in _rows(db, found, list(mapping.values()), rows):
                sink(table_of_rows(some, mapping, where))
        return Read(found.shown, dict.fromkeys(mapping, pa.string()))

    return part_of_rows(read, scratch)


@contextmanager
def _connected(address: Address, folder: Path) -> Iterator[Connection]:
    """A connection that is only read from; what goes wrong is said, without secrets."""
    from sqlalchemy.exc import SQLAlchemyError

    engine = engine_of(address, lambda url: _file_url(url, folder))
    try:
        with closing(engine.connect()) as connection:
            yield connection
    except (SQLAlchemyError, OSError) as error:
        raise _told(error, address) from None
    finally:
        engine.dispose()


def engine_of(address: Address, file_url: Callable[[URL], URL]) -> Engine:
    """The engine of an address, without a pool; `file_url` settles how an SQLite file is opened.

    Raises
    ------
    ConfigError
        An address that is none, or whose dialect or driver is not installed.
    """
    from sqlalchemy import create_engine
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError
    from sqlalchemy.pool import NullPool

    address.check_form()
    try:
        url = make_url(address.text)
        if url.get_backend_name() == "sqlite":
            url = file_url(url)
        return create_engine(url, poolclass=NullPool, hide_parameters=True)
    except NoSuchModuleError:
        raise ConfigError(
            f"`url` with `{address.masked(address.scheme)}` is of no kind that can be read",
            needed="sqlite:///, duckdb:///, postgresql://, or a URL whose dialect SQLAlchemy knows",
            do="install the package that brings the dialect, or export the table to Parquet or CSV and give `path`",
            code="RG112",
        ) from None
    except ModuleNotFoundError as error:
        module = (error.name or address.scheme).split(".")[0]
        raise ConfigError(
            f"`url` with `{address.masked(address.scheme)}` needs a driver that is not installed",
            do=f"pip install {_DRIVERS.get(module, module)}",
            code="RG172",
        ) from None
    except (ArgumentError, ValueError, TypeError) as error:
        if isinstance(error, RegularsError):
            raise
        raise ConfigError(
            "`url` is not a URL that SQLAlchemy can read",
            needed="dialect+driver://user:password@host:port/database, user and password percent-encoded",
            do="write the password as ${NAME} and export NAME=...: then it is encoded for you",
            code="RG171",
        ) from None


def _file_url(url: URL, folder: Path) -> URL:
    """The URL of an SQLite file so that it starts at `folder`, is there already, and is only read."""
    path = (folder / (url.database or "")).resolve()
    if not path.is_file():
        raise ConfigError(f"there is no file `{path}`", do="check `url`", code="RG111")
    return url.set(database=path.as_uri(), query={**url.query, "mode": "ro", "uri": "true"})


def _tables(connection: Connection) -> list[TableName]:
    from sqlalchemy import inspect

    inspector = inspect(connection)
    default = inspector.default_schema_name
    found = []
    for schema in inspector.get_schema_names():
        if schema.lower() in _INTERNAL:
            continue
        names = {*inspector.get_table_names(schema=schema), *inspector.get_view_names(schema=schema)}
        found += [TableName(schema, name, bare=schema == default) for name in names]
    return sorted(found, key=lambda table: (table.schema, table.name))


def _found(connection: Connection, said: str) -> TableName:
    return table_among(said, _tables(connection), "the database")


def _names(connection: Connection, table: TableName) -> list[str]:
    from sqlalchemy import inspect

    return [str(column["name"]) for column in inspect(connection).get_columns(table.name, schema=table.schema)]


def _rows(
    connection: Connection, table: TableName, columns: Sequence[str], most: int | None
) -> Iterator[Sequence[Any]]:
    """All rows, or so many, some thousands at a time; names are quoted as the database wants it."""
    from sqlalchemy import column, select
    from sqlalchemy import table as from_clause
    from sqlalchemy.sql import quoted_name

    source = from_clause(quoted_name(table.name, True), schema=quoted_name(table.schema, True))
    chosen: list[Any] = [column(quoted_name(name, True)).label(f"column_{i}") for i, name in enumerate(columns)]
    result = connection.execution_options(stream_results=True, yield_per=ROWS).execute(
        select(*chosen).select_from(source).limit(most)
    )
    yield from result.partitions()


def _told(error: Exception, address: Address) -> RegularsError:
    """An error of the driver in the house's words, and whether another attempt may help."""
    cause = getattr(error, "orig", None) or error
    said = address.masked(cause).strip() or "no reason was given"
    first = said.splitlines()[0].removesuffix(".")
    if getattr(error, "connection_invalidated", False) or is_lost(cause):
        return ConnectionLost(
            f"the database was not reached, or was lost while it was read: {first}",
            do="run again when the server can be reached; nothing of this read was kept",
            code="RG173",
        )
    return StorageError(
        f"the database cannot be read: {first}",
        do="check user, password, database and rights; a password comes best from ${NAME}",
        code="RG176",
    )


def is_lost(error: BaseException | None) -> bool:
    """Whether an error, or what led to it, is a connection that was refused or broke."""
    if error is None:
        return False
    state = str(getattr(error, "sqlstate", None) or getattr(error, "pgcode", None) or "")
    number = error.args[0] if error.args else None
    if isinstance(number, dict):
        state = str(number.get("C", ""))
    if isinstance(error, ConnectionError | TimeoutError) or (state and state.startswith(_LOST)):
        return True
    if isinstance(number, int) and number in _LOST_NUMBERS:
        return True
    return is_lost(error.__cause__ or error.__context__)
