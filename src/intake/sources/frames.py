"""A frame in Python as a part: pandas, Polars, Arrow, a DuckDB relation, or anything with `__arrow_c_stream__`.

In: a frame and the mapping. Out: one `Part` of the mapped columns. What is in memory is read where it is; what streams
is read once and kept on disk. Columns of Python objects are taken value by value. NaN in an id is missing, NaN in money
stays visible.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa

from ...errors import DataError
from .identifiers import quoted
from .parts import BATCH, Part, check_mapped, check_names, is_money, with_lines
from .spool import Spool
from .values import columns_of_values

NEEDED = "a frame of pandas, Polars or Arrow, a DuckDB relation, anything with `__arrow_c_stream__`, or a path"


def frame_part(frame: Any, mapping: Mapping[str, str], name: str = "frame") -> Part:
    """A frame as a `Part`, called by `name` in messages.

    A reader that can be read only once is read here, to its end. A LazyFrame of Polars is collected.

    Examples
    --------
    >>> part = frame_part(pa.table({"id": ["a"]}), {"customer_id": "id"})
    >>> part.types["customer_id"]
    DataType(string)
    """
    where = f"the {name}"
    if hasattr(frame, "iloc"):
        names = _names_of_pandas(frame, where)
        _check(names, mapping, where)
        return _held(_pandas(frame, mapping, names, where), name)
    if hasattr(frame, "collect_schema") and hasattr(frame, "collect"):
        _check(frame.collect_schema().names(), mapping, where)
        frame = frame.select(_wanted(mapping)).collect()
    if hasattr(frame, "get_columns") and hasattr(frame, "to_arrow"):
        _check(frame.columns, mapping, where)
        return _held(_by_role(pa.table(frame.select(_wanted(mapping))), mapping), name)
    if isinstance(frame, pa.RecordBatch):
        frame = pa.Table.from_batches([frame])
    if isinstance(frame, pa.Table):
        _check(frame.schema.names, mapping, where)
        return _held(_by_role(frame, mapping), name)
    return _streamed(_reader(frame, mapping, where), mapping, name)


def _check(names: list[str], mapping: Mapping[str, str], where: str) -> None:
    check_names(names, where)
    check_mapped(mapping, names, where)


def _wanted(mapping: Mapping[str, str]) -> list[str]:
    """The mapped columns, each once."""
    return list(dict.fromkeys(mapping.values()))


def _by_role(table: pa.Table, mapping: Mapping[str, str]) -> pa.Table:
    return pa.table({role: _readable(table.column(column)) for role, column in mapping.items()})


def _readable(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column without dictionaries of string views, as Polars has them, which Arrow cannot unpack."""
    kind = column.type
    if not pa.types.is_dictionary(kind) or not pa.types.is_string_view(kind.value_type):
        return column
    plain = [chunk.dictionary.cast(pa.string()).take(chunk.indices) for chunk in column.chunks]
    return pa.chunked_array(plain, pa.string())


def _held(table: pa.Table, name: str) -> Part:
    """A part of rows that are in memory."""

    def batches() -> Iterator[pa.Table]:
        for first in range(0, table.num_rows, BATCH):
            yield with_lines(table.slice(first, BATCH), first + 1)

    return Part(name, "", _types(table.schema), batches)


def _types(schema: pa.Schema) -> dict[str, pa.DataType]:
    return {field.name: field.type for field in schema if not field.name.endswith("_native")}


def _streamed(reader: pa.RecordBatchReader, mapping: Mapping[str, str], name: str) -> Part:
    """A part of rows that come only once; they are kept on disk."""
    _check(reader.schema.names, mapping, f"the {name}")
    spool, types = Spool(), dict[str, pa.DataType]()
    try:
        for batch in reader:
            rows = _by_role(pa.Table.from_batches([batch]), mapping)
            types = _types(rows.schema)
            spool.write(rows)
        spool.finish()
    except BaseException as error:
        spool.close()
        if isinstance(error, pa.ArrowException | OSError):
            raise DataError(
                f"the {name} cannot be read to its end: {str(error).splitlines()[0]}",
                do="a reader that was read or closed before must be made anew",
                code="RG179",
            ) from None
        raise
    if not spool.rows:
        raise DataError(
            f"no rows: the {name} delivers none",
            do="a reader delivers its rows only once: if it was read before, make it anew",
            code="RG118",
        )

    def batches() -> Iterator[pa.Table]:
        first = 1
        for table in spool.tables():
            yield with_lines(table, first)
            first += table.num_rows

    return Part(name, "", types, batches)


def _reader(frame: Any, mapping: Mapping[str, str], where: str) -> pa.RecordBatchReader:
    """A stream of a frame's rows; only of the mapped columns where it can leave out the others."""
    if hasattr(frame, "to_arrow_reader") and hasattr(frame, "project"):
        _check(frame.columns, mapping, where)
        return frame.project(", ".join(map(quoted, _wanted(mapping)))).to_arrow_reader(BATCH)
    if hasattr(frame, "scanner"):
        _check(frame.schema.names, mapping, where)
        return frame.scanner(columns=_wanted(mapping)).to_reader()
    if hasattr(frame, "to_reader"):
        return frame.to_reader()
    if hasattr(frame, "__arrow_c_stream__"):
        return _opened(frame, where)
    raise DataError(f"a {type(frame).__name__} is not a frame that can be read", needed=NEEDED, code="RG119")


def _opened(frame: Any, where: str) -> pa.RecordBatchReader:
    try:
        return pa.RecordBatchReader.from_stream(frame)
    except (pa.ArrowException, ValueError) as error:
        raise DataError(
            f"{where} cannot be read: {str(error).splitlines()[0]}",
            do="a reader that was read or closed before must be made anew",
            code="RG179",
        ) from None


def _names_of_pandas(frame: Any, where: str) -> list[str]:
    if not hasattr(frame, "columns"):
        raise DataError(f"{where} is a {type(frame).__name__}", needed=NEEDED, code="RG119")
    return [str(c) for c in frame.columns]


def _pandas(frame: Any, mapping: Mapping[str, str], names: list[str], where: str) -> pa.Table:
    columns: dict[str, Any] = {}
    for role, column in mapping.items():
        columns |= _pandas_column(frame.iloc[:, names.index(column)], role, f"column `{column}` of {where}")
    return pa.table(columns)


def _pandas_column(series: Any, role: str, where: str) -> dict[str, Any]:
    """One pandas column as Arrow; objects, and categories of objects, value by value."""
    kind = getattr(getattr(series.dtype, "categories", None), "dtype", series.dtype)
    if str(kind) == "object":
        return columns_of_values(role, series.tolist(), where)
    if str(series.dtype) == "category":
        series = series.astype(kind)
    if getattr(series.dtype, "tz", None) is not None:
        instants = pa.array(series.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy())
        return {role: instants.cast(pa.timestamp(instants.type.unit, "UTC"))}
    try:
        return {role: pa.Array.from_pandas(series)}
    except (pa.ArrowException, TypeError) as error:
        raise DataError(
            f"{where} is of type {series.dtype}, which cannot be read: {str(error).splitlines()[0]}",
            needed="numbers, times or text" if is_money(role) else "text, integers or times",
            do="convert the column with astype",
            code="RG104",
        ) from None
