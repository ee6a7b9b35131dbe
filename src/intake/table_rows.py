"""Any stretch of customers of a table beside the purchases, without reading the rest of it.

In: the record of a table and its sorted file, or the table in memory. Out: the rows of the customers from one id to
another, in bytewise order of ids, with the columns asked for; sensitive ones only by name. Missing values stay missing.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ..errors import ConfigError, StorageError, did_you_mean
from ..schema import BESIDE, table_schema
from .lines import QUARANTINE
from .manifest import Manifest, TableManifest
from .shards import KEY
from .sorted_files import SortedFile, footer_of


def file_of(table: str) -> str:
    """The name of a table's file in the ledger's folder.

    Examples
    --------
    >>> file_of("events")
    'events.parquet'
    """
    return f"{table}.parquet"


def quarantine_file(table: str) -> str:
    """The name of the file of a table's quarantined lines."""
    return f"quarantine_{table}.parquet"


def schema_of_table(table: str, manifest: TableManifest, columns: Sequence[str] | None) -> pa.Schema:
    """The schema of some columns of a table; by default of all but the sensitive ones."""
    declared = (manifest.attributes, manifest.numbers, manifest.sensitive)
    whole = table_schema(table, manifest.columns, *declared)
    if columns is None:
        return table_schema(table, manifest.columns, *declared[:2])
    for name in columns:
        if name not in whole.names:
            raise ConfigError(
                f"the table of {table} has no column `{name}`", do=did_you_mean(name, whole.names), code="RG141"
            )
    return pa.schema([whole.field(name) for name in columns])


def record_of(manifest: Manifest, table: str) -> TableManifest:
    """The record of a table that must be there."""
    if table not in BESIDE:
        raise ConfigError(f"there is no kind of table `{table}`", do=did_you_mean(table, BESIDE), code="RG141")
    if table not in manifest.tables:
        raise ConfigError(
            f"this ledger has no table of {table}",
            needed=f"the section [data.{table}] in the configuration",
            do="name its source and its columns there, and build the ledger again",
            code="RG141",
        )
    return manifest.tables[table]


def stored_rows(path: Path, schema: pa.Schema, first: str | None, last: str | None) -> pa.Table:
    """The rows of the customers from `first` to `last`, from a file; only row groups that may hold them are read."""
    needed = schema if KEY in schema.names else schema.insert(0, pa.field(KEY, pa.string()))
    try:
        with closing(SortedFile(path, needed)) as file:
            end = last if last is not None else max(footer_of(path).last, default="")
            pieces = file.between(first or "", end)
            return pa.concat_tables([needed.empty_table(), *pieces]).select(schema.names)
    except (OSError, pa.ArrowInvalid) as error:
        raise StorageError(f"`{path}` cannot be read: {error}", do="build the ledger again", code="RG131") from None


def held_rows(table: pa.Table, schema: pa.Schema, first: str | None, last: str | None) -> pa.Table:
    """The same from a table in memory, without a copy."""
    names, n = table.column(KEY), table.num_rows
    begin = bisect_left(range(n), first or "", key=lambda i: names[i].as_py())
    end = n if last is None else bisect_right(range(n), last, key=lambda i: names[i].as_py())
    return table.select(schema.names).slice(begin, max(end - begin, 0))


def stored_quarantine(path: Path) -> pa.Table:
    """The quarantined lines of a table; none when there is no file."""
    return pq.read_table(path, schema=QUARANTINE) if path.exists() else QUARANTINE.empty_table()
