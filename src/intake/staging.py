"""The working database of one intake: every line of every part as it came, and the distinct values of a column.

In: parts. Out: the DuckDB table `raw` (one row a line: `seq`, `fault`, `raw`, the roles) that spills to disk when
memory is short; `unclean` names the roles with texts that need cleaning. Plain stamps are microseconds already. The
database reads nothing but the Arrow tables given to it: no files, no network, no Python names.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from ..config import EngineConfig
from ..disk.whole import room
from ..errors import DataError, StorageError, shown
from .casts import TEXT, kind_of, staged
from .plain import is_clean, stamps_sql, uniform_stamps
from .sources.parts import LINE_BITS, Part, is_money, is_stamp, is_text

Connection = duckdb.DuckDBPyConnection

ENOUGH = 4 * 122_880
"""Lines that are inserted together: DuckDB's row groups have 122,880."""


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
            f"the intake ran out of room: {str(error).splitlines()[0]} (`{spill}`: {room(spill)})",
            do="raise `memory` under [engine], or free disk space",
            code="RG120",
        ) from None
    except RuntimeError as error:
        if "interrupted" not in str(error):
            raise
        raise KeyboardInterrupt from None  # DuckDB saw the signal, and lost what it meant.
    except (duckdb.InvalidInputException, duckdb.ConversionException) as error:
        raise DataError(
            f"the source holds values that cannot be processed: {shown(str(error).splitlines()[0])}",
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
    con.execute("CREATE TABLE unclean (role VARCHAR)")
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
    with closing(_ahead(_batches(index, _gathered(part.batches()), kinds, where))) as batches:
        for batch in batches:
            _insert(con, batch)
            n += len(batch.columns["seq"])
    return n


@dataclass(frozen=True)
class _Batch:
    """Lines as `raw` has them, but for stamps that are still `told` as texts; which columns of texts are `unclean`."""

    columns: Mapping[str, Any]
    told: Collection[str]
    unclean: Collection[str]


def _batches(
    index: int, tables: Generator[pa.Table], kinds: Mapping[str, str], where: Mapping[str, str]
) -> Generator[_Batch]:
    for table in tables:
        seq = table.column("line").to_numpy() + (np.int64(index) << LINE_BITS)
        columns: dict[str, Any] = {"seq": seq, "fault": table.column("fault"), "raw": table.column("raw")}
        for role in kinds:
            columns |= staged(role, table.column(role), kinds[role], where[role])
            if f"{role}_native" in table.column_names:  # The source knows it of every value.
                columns[f"{role}_native"] = table.column(f"{role}_native")
        told = {role for role, kind in kinds.items() if is_stamp(role) and kind == TEXT}
        for role in sorted(told):
            if (read := uniform_stamps(role, columns[role])) is not None:
                columns |= read
                told.remove(role)
        yield _Batch(columns, told, [r for r in kinds if is_text(r) and not is_clean(columns[r])])


def _insert(con: Connection, batch: _Batch) -> None:
    """Append a batch to `raw`; stamps told as texts are read where they are plain."""
    columns = batch.columns
    source, chosen = "batch", {c: f"CAST({c} AS VARCHAR)" if is_money(c) else c for c in columns}
    for role in batch.told:
        source = stamps_sql(role, source)
        chosen[role] = f"CASE WHEN {role}_code IS NULL THEN {role} END"
        chosen[f"{role}_us"] = f"CASE WHEN {role}_code IS NOT NULL THEN {role}_at END"
        chosen[f"{role}_basis"] = f"{role}_code"
    con.register("batch", pa.table(columns))
    con.execute(f"INSERT INTO raw SELECT {', '.join(chosen.values())} FROM {source}")
    con.unregister("batch")
    for role in batch.unclean:
        con.execute("INSERT INTO unclean VALUES (?)", [role])


def _ahead(batches: Generator[_Batch]) -> Generator[_Batch]:
    """The same batches, the next of which is read while one is worked on; in one thread from opening to closing."""
    with ThreadPoolExecutor(1) as reading:
        try:
            waiting: Future[_Batch | None] = reading.submit(next, batches, None)
            while (batch := waiting.result()) is not None:
                waiting = reading.submit(next, batches, None)
                yield batch
        finally:
            reading.submit(batches.close).result()


def _gathered(tables: Iterator[pa.Table]) -> Generator[pa.Table]:
    """The same lines in tables of several row groups each: those go into the database without being copied twice."""
    waiting: list[pa.Table] = []
    for table in tables:
        if waiting and table.schema != waiting[0].schema:
            yield pa.concat_tables(waiting)
            waiting = []
        waiting.append(table)
        if sum(t.num_rows for t in waiting) >= ENOUGH:
            yield pa.concat_tables(waiting)
            waiting = []
    if waiting:
        yield pa.concat_tables(waiting)


def fetched(con: Connection, query: str) -> list[tuple[Any, ...]]:
    """The rows of a small query."""
    return con.execute(query).fetchall()
