"""A PostgreSQL server that scores go to, through ADBC.

In: an address. Out: a `Sink` whose rows arrive by COPY, so that a million of them are seconds. Readers see the old rows
until the transaction has ended. Two who write the same table wait for one another, some seconds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa

from ..errors import ConfigError, RegularsError
from ..intake.sources.address import Address
from ..intake.sources.identifiers import quoted
from ..intake.sources.postgres import first_line, is_lost, with_limits
from .sink import Sink, Target, lost, rows_refused, unwritable

_TEXTS = ("id", "day", "text")
_FITTING = {
    **dict.fromkeys(_TEXTS, ("text", "character varying", "character(")),
    # COPY sends the bytes as they are: eight of a number would be taken for a whole number, unseen.
    **{"integer": ("bigint",), "number": ("double precision",), "boolean": ("boolean",)},
}
_WAIT = "SET LOCAL lock_timeout TO '5s'"
_REFUSES = ("22", "23", "44", "P0")
"""Classes of SQLSTATE whose words may hold values: data, constraints, views, triggers."""


class _Postgres:
    """A connection to a server."""

    types: Mapping[str, str] = {kind: names[0] for kind, names in _FITTING.items()}
    indexed = True

    def __init__(self, cursor: Any) -> None:
        self.cursor = cursor

    def quoted(self, name: str) -> str:
        """A name as it stands in a statement."""
        return quoted(name)

    def place(self, number: int) -> str:
        """What stands in a statement for a value."""
        return f"${number + 1}"

    def run(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """The rows of a statement."""
        self.cursor.execute(statement, values or None)
        return [tuple(row) for row in self.cursor.fetchall()] if self.cursor.description else []

    def alone(self, name: str) -> None:
        """Wait until no other transaction has said the same name; what it committed is seen afterwards."""
        self.run("SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended($1, 0))::pg_catalog.text", name)

    def columns(self, table: Target) -> dict[str, str] | None:
        """The types of a table's columns by name; without a schema, of the table that its name alone leads to."""
        rows = self.run(
            "SELECT attname::pg_catalog.text, pg_catalog.format_type(atttypid, atttypmod) "
            "FROM pg_catalog.pg_attribute WHERE attrelid = pg_catalog.to_regclass($1) AND attnum > 0 "
            "AND NOT attisdropped ORDER BY attnum",
            table.sql(quoted),
        )
        return dict(rows) or None

    def fits(self, kind: str, said: str) -> bool:
        """Whether a column of a type takes values of a kind as they are."""
        return said.startswith(_FITTING[kind])

    def append(self, table: Target, names: Sequence[str], batches: Iterator[pa.RecordBatch]) -> None:
        """Add rows to a table."""
        first = next(batches, None)
        if first is None:
            return

        def all_of_them() -> Iterator[pa.RecordBatch]:
            yield first
            yield from batches

        rows = pa.RecordBatchReader.from_batches(first.schema, all_of_them())
        self.cursor.adbc_ingest(table.name, rows, mode="append", db_schema_name=table.schema or None)


@contextmanager
def postgres_sink(address: Address, _: Path) -> Iterator[Sink]:
    """A connection to a server, in one transaction."""
    address.check_form()
    try:
        from adbc_driver_manager import Error
        from adbc_driver_postgresql import dbapi
    except ImportError:
        raise ConfigError(
            "PostgreSQL needs a driver that is not installed", do="pip install 'regulars[postgres]'", code="RG172"
        ) from None
    try:
        with closing(dbapi.connect(with_limits(address.text))) as connection, closing(connection.cursor()) as cursor:
            cursor.execute(_WAIT)
            yield _Postgres(cursor)
            connection.commit()
    except (Error, pa.ArrowException, OSError) as error:
        raise _told(error, address) from None


def _told(error: Exception, address: Address) -> RegularsError:
    state, said = getattr(error, "sqlstate", None) or "", address.masked(error)
    if is_lost(state, said.lower()):
        return lost(first_line(said))
    if state.startswith(_REFUSES):
        return rows_refused(f"SQLSTATE {state}")
    return unwritable(first_line(said))
