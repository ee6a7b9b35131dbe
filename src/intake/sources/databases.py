"""Tables in databases: one door over every kind of address.

In: the address of a database and a table. Out: one `Part`, the names of a table's columns, or of all tables. Files of
SQLite and DuckDB and PostgreSQL's servers have readers of their own, which are exact about types; any other database is
read by SQLAlchemy. No message shows a password.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ...errors import ConfigError
from . import alchemy, embedded, postgres
from .address import Address
from .identifiers import TableName
from .parts import Part

SUPPORTED = "sqlite:///file.db, duckdb:///file.duckdb, postgresql://user@host/database, or a URL of SQLAlchemy"

_SPOOLED = ".regulars"
"""Rows of a server lie beside the ledgers while they are read: where there is room for a ledger, there is for them."""


@dataclass(frozen=True)
class _File:
    """The reader of a kind of database that is a file."""

    scheme: str
    part: Callable[[Path, str, Mapping[str, str]], Part]
    tables: Callable[[Path], list[TableName]]
    names: Callable[[Path, str], list[str]]


_FILES = (
    _File("sqlite:///", embedded.sqlite_part, embedded.sqlite_tables, embedded.sqlite_names),
    _File("duckdb:///", embedded.duckdb_part, embedded.duckdb_tables, embedded.duckdb_names),
)
_POSTGRES = ("postgresql", "postgres")


def database_part(url: str, table: str, folder: Path, mapping: Mapping[str, str], rows: int | None = None) -> Part:
    """The table behind an address as a `Part`; relative files start at `folder`.

    Parameters
    ----------
    rows : int, optional
        So many of a server's rows are enough, whichever: for whoever only looks. A file is read as far as it is wanted.

    Raises
    ------
    ConfigError
        An address that leads nowhere, a variable that is not set, a driver that is not installed, a login refused.
    DataError
        No such table or column, or a column of a type that cannot be read exactly.
    StorageError
        The database cannot be read, or was lost while it was.
    """
    address = _address(url)
    if file := _file_of(address):
        return file.part(_path(address, file, folder), table, mapping)
    if address.scheme in _POSTGRES:
        return postgres.postgres_part(address, table, mapping, folder / _SPOOLED, rows)
    return alchemy.alchemy_part(address, table, mapping, folder, folder / _SPOOLED, rows)


def tables_at(url: str, folder: Path) -> list[str]:
    """The tables and views of a database, as they can be named by `table`, in order."""
    address = _address(url)
    if file := _file_of(address):
        found = file.tables(_path(address, file, folder))
    elif address.scheme in _POSTGRES:
        found = postgres.postgres_tables(address)
    else:
        found = alchemy.alchemy_tables(address, folder)
    return [table.shown for table in found]


def names_at(url: str, table: str, folder: Path) -> list[str]:
    """The names of a table's columns, in order."""
    address = _address(url)
    if file := _file_of(address):
        return file.names(_path(address, file, folder), table)
    if address.scheme in _POSTGRES:
        return postgres.postgres_names(address, table)
    return alchemy.alchemy_names(address, table, folder)


def _file_of(address: Address) -> _File | None:
    return next((file for file in _FILES if address.text.startswith(file.scheme)), None)


def _path(address: Address, file: _File, folder: Path) -> Path:
    path = (folder / address.text.removeprefix(file.scheme)).resolve()
    if not path.is_file():
        raise ConfigError(f"there is no file `{path}`", do="check `url`", code="RG111")
    return path


def _address(url: str) -> Address:
    address = Address.of(url)
    if not address.scheme:
        raise ConfigError("`url` is not the address of a database", needed=SUPPORTED, do="check `url`", code="RG112")
    return address
