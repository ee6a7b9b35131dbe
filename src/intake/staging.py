"""The working database of one intake: every line of every part as it came, and the distinct values of a column.

In: parts. Out: the DuckDB table `raw` (one row a line: `seq`, `fault`, `raw`, the roles) that spills to disk when
memory is short. The database reads nothing but the Arrow tables given to it: no files, no network, no Python names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from ..config import EngineConfig
from ..errors import DataError, StorageError
from .casts import kind_of, staged
from .sources.parts import LINE_BITS, Part, is_money, is_stamp

Connection = duckdb.DuckDBPyConnection


@contextmanager
def working_database(engine: EngineConfig, spill: Path, readable: Sequence[Path] = ()) -> Iterator[Connection]:
    """A private in-memory database that spills to `spill`, closed at the end; it sees no folder but `readable`'s."""
    settings: dict[str, str | bool | int | float | list[str]] = {
        "temp_directory": str(spill),
        "python_enable_replacements": "false",
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
    }
    if engine.threads is not None:
        settings["threads"] = str(engine.threads)
    if engine.memory is not None:
        settings["memory_limit"] = engine.memory
    con = duckdb.connect(":memory:", config=settings)
    try:
        # In a notebook without ipywidgets DuckDB cannot draw a bar, and says so when asked not to.
        with suppress(duckdb.InvalidInputException):
            con.execute("SET enable_progress_bar=false")
        if readable:
            con.execute("SET allowed_directories=?", [sorted({str(path.resolve().parent) for path in readable})])
        con.execute("SET enable_external_access=false; SET lock_configuration=true")
        yield con
    except (duckdb.OutOfMemoryException, duckdb.IOException) as error:
        raise StorageError(
            f"the intake ran out of room: {str(error).splitlines()[0]}",
            do="raise `memory` under [engine], or free disk space",
            code="RG120",
        ) from None
    except (duckdb.InvalidInputException, duckdb.ConversionException) as error:
        raise DataError(
            f"the source holds values that cannot be processed: {str(error).splitlines()[0]}",
            do="look for broken text (not UTF-8) or exotic types in the mapped columns",
            code="RG134",
        ) from None
    finally:
        con.close()


def stage(
    con: Connection, parts: Sequence[Part], mapping: Mapping[str, str], progress: Callable[[str], None]
) -> list[int]:
    """Fill `raw` from all parts; the number of lines of each."""
    roles = list(mapping)
    con.execute(f"CREATE TABLE raw (seq BIGINT, fault VARCHAR, raw VARCHAR, {', '.join(_columns(roles))})")
    return [_stage_part(con, index, part, mapping, progress) for index, part in enumerate(parts)]


def _columns(roles: Sequence[str]) -> Iterator[str]:
    for role in roles:
        yield f"{role} VARCHAR"
        if is_money(role):
            yield f"{role}_native BOOLEAN"
        if is_stamp(role):
            yield f"{role}_us BIGINT"
            yield f"{role}_basis TINYINT"


def _stage_part(
    con: Connection, index: int, part: Part, mapping: Mapping[str, str], progress: Callable[[str], None]
) -> int:
    progress(f"reading {part.name}")
    where = {role: f"column `{column}` of {part.name}" for role, column in mapping.items()}
    kinds = {role: kind_of(role, part.types[role], where[role]) for role in mapping}
    n = 0
    for table in part.batches():
        seq = table.column("line").to_numpy() + (np.int64(index) << LINE_BITS)
        columns: dict[str, Any] = {"seq": seq, "fault": table.column("fault"), "raw": table.column("raw")}
        for role in mapping:
            columns |= staged(role, table.column(role), kinds[role], where[role])
        con.register("batch", pa.table(columns))
        chosen = ", ".join(f"CAST({c} AS VARCHAR)" if is_money(c) else c for c in columns)
        con.execute(f"INSERT INTO raw SELECT {chosen} FROM batch")
        con.unregister("batch")
        n += table.num_rows
    return n


def fetched(con: Connection, query: str) -> list[tuple[Any, ...]]:
    """The rows of a small query."""
    return con.execute(query).fetchall()
