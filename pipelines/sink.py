"""Sinks: what a database must be able to do so that scores can be put into one of its tables.

In: statements in plain SQL, rows in Arrow batches. Out: the same table in every database: texts, whole numbers, numbers
and truth values under the names of the scores. NaN becomes NULL, as SQL knows no other missing number. Errors never
show a value of a row.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ..errors import RegularsError, StorageError
from ..intake.sources.address import Address
from ..intake.sources.persistence import ConnectionLost

ROWS = 20_000
"""So many rows are on their way at a time."""

KEY = ("customer_id", "as_of")


class RowsRefused(StorageError):
    """The database does not take the rows: another attempt would not help."""


class Sink(Protocol):
    """One connection to a database, inside a transaction that ends with the block in which it was opened."""

    @property
    def types(self) -> Mapping[str, str]:
        """How the kinds `id`, `day`, `text`, `integer`, `number`, `boolean` are written when a column is made."""
        ...

    @property
    def indexed(self) -> bool:
        """Whether finding the rows of a day needs an index of its own."""
        ...

    def quoted(self, name: str) -> str:
        """A name as it stands in a statement."""
        ...

    def place(self, number: int) -> str:
        """What stands in a statement for its value of this number, from 0."""
        ...

    def run(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """The rows of a statement, which may have none."""
        ...

    def alone(self, name: str) -> None:
        """Wait until nobody else is inside a transaction that has said the same name, where the database can."""
        ...

    def columns(self, table: Target) -> dict[str, str] | None:
        """The types of a table's columns by name; None when there is no such table."""
        ...

    def fits(self, kind: str, said: str) -> bool:
        """Whether a column of a type takes values of a kind as they are."""
        ...

    def append(self, table: Target, names: Sequence[str], batches: Iterator[pa.RecordBatch]) -> None:
        """Add rows to a table."""
        ...


Opened = Callable[[Address, Path], AbstractContextManager[Sink]]
"""Opens a sink; what stands beside the configuration starts at its folder."""


@dataclass(frozen=True)
class Target:
    """A table that scores go to.

    Examples
    --------
    >>> Target.of("shop.scores").beside("_published").shown
    'shop.scores_published'
    """

    schema: str
    name: str

    @classmethod
    def of(cls, said: str) -> Target:
        """From `name` or `schema.name`."""
        schema, _, name = said.rpartition(".")
        return cls(schema, name)

    def beside(self, ending: str) -> Target:
        """The table of the same name with an ending."""
        return Target(self.schema, self.name + ending)

    @property
    def shown(self) -> str:
        """As it stands in the configuration."""
        return f"{self.schema}.{self.name}" if self.schema else self.name

    def sql(self, quoted: Callable[[str], str]) -> str:
        """As it stands in a statement."""
        return ".".join(quoted(part) for part in (self.schema, self.name) if part)


_OF_TYPES = {
    "boolean": re.compile(r"\bbool|^tinyint\(1\)|\bbit\b"),
    "integer": re.compile(r"\b(tiny|small|medium|big|huge)?int(eger)?[248]?\b"),
    "number": re.compile(r"\b(double|float|real|numeric|decimal|number)"),
    "text": re.compile(r"\b(n?(var)?char|text|string|clob|character)|^(tiny|medium|long)text"),
}
_WIDER = {"boolean": ("boolean", "integer"), "integer": ("integer", "number"), "number": ("number",)}


def fits_by_name(kind: str, said: str) -> bool:
    """Whether a type's name says that it takes values of a kind, converted by the database.

    Examples
    --------
    >>> fits_by_name("text", "VARCHAR(40)"), fits_by_name("integer", "DOUBLE"), fits_by_name("number", "BIGINT")
    (True, True, False)
    """
    wanted = _WIDER.get(kind, ("text",))
    return any(_OF_TYPES[name].search(said.lower()) for name in wanted)


def kind_of(name: str, type_: pa.DataType) -> str:
    """What a column of scores is in a database.

    Examples
    --------
    >>> kind_of("as_of", pa.string()), kind_of("p_churn", pa.float64()), kind_of("late", pa.bool_())
    ('day', 'number', 'boolean')
    """
    if name in KEY:
        return "day" if name == "as_of" else "id"
    if pa.types.is_boolean(type_):
        return "boolean"
    if pa.types.is_integer(type_):
        return "integer"
    return "number" if pa.types.is_floating(type_) else "text"


_ARROW = {"boolean": pa.bool_(), "integer": pa.int64(), "number": pa.float64()}


def plain_schema(schema: pa.Schema) -> pa.Schema:
    """The columns of scores as they go to a database."""
    return pa.schema([(f.name, _ARROW.get(kind_of(f.name, f.type), pa.string())) for f in schema])


def plain_batches(file: Path) -> Iterator[pa.RecordBatch]:
    """The rows of scores, some thousands at a time."""
    with pq.ParquetFile(file) as source:
        schema = plain_schema(source.schema_arrow)
        for batch in source.iter_batches(ROWS):
            yield pa.RecordBatch.from_arrays(
                [_plain(c, f.type) for c, f in zip(batch.columns, schema, strict=True)], schema=schema
            )


def _plain(column: pa.Array, type_: pa.DataType) -> pa.Array:
    found = column.cast(type_)
    return pc.if_else(pc.is_nan(found), None, found) if pa.types.is_floating(type_) else found


def lost(said: str) -> ConnectionLost:
    """The error after which another attempt may help."""
    return ConnectionLost(
        f"the database of the scores was not reached, or was lost while they were written: {said}",
        needed="a database that can be reached and written to",
        do="run the same again when it can: the files of the scores are there, and the table is whole, old or new",
        code="RG340",
    )


def rows_refused(what: str) -> RowsRefused:
    """The error of rows that a database does not take; what it says of them may name someone."""
    return RowsRefused(
        f"the database does not take the scores: {what}",
        needed="a table with the columns and the key that Regulars gave it, and no rules beside them",
        do="take away what was added to the table, or name another by `table` under [scores]",
        code="RG341",
    )


def unwritable(said: str) -> RegularsError:
    """The error of a database that cannot be written to, whatever one tries."""
    return StorageError(
        f"the scores cannot be written to the database: {said}",
        do="check `url` and `table` under [scores], and the rights and the room there",
        code="RG342",
    )
