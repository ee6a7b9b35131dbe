"""Any other database that SQLAlchemy reaches by a driver of the user's, as a place that scores go to.

In: a URL of SQLAlchemy. Out: a `Sink`; types and quotes are those of the database. Where making a table ends a
transaction, as in MySQL, an empty table may be seen before it is filled; rows are there all or none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from ..disk.whole import owners_files, private
from ..errors import RegularsError
from ..intake.sources.address import Address
from ..intake.sources.alchemy import engine_of, is_lost
from .sink import Sink, Target, fits_by_name, lost, rows_refused, unwritable

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection

_RULE = "a row breaks a rule of the table"


class _Alchemy:
    """A connection of SQLAlchemy's."""

    indexed = True

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    @property
    def types(self) -> Mapping[str, str]:
        """As the dialect writes them; a key needs a length, and must tell `a` from `A`."""
        from sqlalchemy import BigInteger, Boolean, Double, String, Text
        from sqlalchemy.dialects.mysql import VARCHAR

        binary = VARCHAR(255, charset="utf8mb4", collation="utf8mb4_bin")
        found = {
            "id": String(255).with_variant(binary, "mysql", "mariadb"),
            "day": String(10),
            "text": Text(),
            "integer": BigInteger(),
            "number": Double(),
            "boolean": Boolean(),
        }
        dialect = self.connection.dialect
        return {kind: type_.dialect_impl(dialect).compile(dialect) for kind, type_ in found.items()}

    def quoted(self, name: str) -> str:
        """A name as it stands in a statement."""
        return str(self.connection.dialect.identifier_preparer.quote_identifier(name))

    def place(self, number: int) -> str:
        """What stands in a statement for a value."""
        return f":value_{number}"

    def run(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """The rows of a statement."""
        from sqlalchemy import text
        from sqlalchemy.exc import IntegrityError

        try:
            result = self.connection.execute(text(statement), {f"value_{i}": v for i, v in enumerate(values)})
        except IntegrityError:
            raise rows_refused(_RULE) from None
        return [tuple(row) for row in result] if result.returns_rows else []

    def alone(self, name: str) -> None:
        """No common way to say so; whoever comes second fails at the key of the marker, and tries again."""

    def columns(self, table: Target) -> dict[str, str] | None:
        """The types of a table's columns by name."""
        from sqlalchemy import inspect
        from sqlalchemy.exc import NoSuchTableError

        try:
            found = inspect(self.connection).get_columns(table.name, schema=table.schema or None)
        except NoSuchTableError:
            return None
        return {str(column["name"]): str(column["type"]) for column in found} or None

    def fits(self, kind: str, said: str) -> bool:
        """Whether a column of a type takes values of a kind as they are."""
        return fits_by_name(kind, said)

    def append(self, table: Target, names: Sequence[str], batches: Iterator[pa.RecordBatch]) -> None:
        """Add rows to a table."""
        from sqlalchemy import column, insert
        from sqlalchemy import table as into
        from sqlalchemy.sql import quoted_name

        columns: list[Any] = [column(quoted_name(name, True)) for name in names]
        schema = quoted_name(table.schema, True) if table.schema else None
        statement = insert(into(quoted_name(table.name, True), *columns, schema=schema))
        for batch in batches:
            self.connection.execute(statement, batch.to_pylist())


@contextmanager
def alchemy_sink(address: Address, folder: Path) -> Iterator[Sink]:
    """A connection, in one transaction."""
    from sqlalchemy.exc import SQLAlchemyError

    engine = engine_of(address, lambda url: _file_url(url, folder))
    try:
        with owners_files(), closing(engine.connect()) as connection:
            yield _Alchemy(connection)
            connection.commit()
    except (SQLAlchemyError, OSError) as error:
        raise _told(error, address) from None
    finally:
        engine.dispose()


def _file_url(url: URL, folder: Path) -> URL:
    path = (folder / (url.database or "")).resolve()
    private(path.parent)
    return url.set(database=str(path))


def _told(error: Exception, address: Address) -> RegularsError:
    from sqlalchemy.exc import DataError, IntegrityError

    if isinstance(error, IntegrityError | DataError):
        return rows_refused(_RULE)
    cause = getattr(error, "orig", None) or error
    first = (address.masked(cause).strip().splitlines() or ["no reason was given"])[0].removesuffix(".")
    gone = getattr(error, "connection_invalidated", False) or is_lost(cause)
    # Another run holds the file, or has just made the same table.
    beaten = "database is locked" in first or "already exists" in first
    return lost(first) if gone or beaten else unwritable(first)
