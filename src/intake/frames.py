"""A frame in memory (pandas, pyarrow, or anything with `__arrow_c_stream__`) as a part.

In: a frame and the mapping. Out: one `Part`. Columns of Python objects are turned into text value by value, so that
`5` and `"5"` are one customer and `5.5` is refused; NaN in an id is missing, NaN in money stays visible.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa

from ..errors import DataError
from .parts import BATCH, MONEY, STAMPS, Part, check_mapped, check_names, number_of, text_of, with_lines

WHERE = "the frame"
Typed = tuple["pa.Array | pa.ChunkedArray", pa.DataType]


def frame_part(frame: Any, mapping: Mapping[str, str]) -> Part:
    """A frame as a `Part`.

    Examples
    --------
    >>> part = frame_part(pa.table({"id": ["a"]}), {"customer_id": "id"})
    >>> part.types["customer_id"]
    DataType(string)
    """
    columns = _pandas(frame, mapping) if hasattr(frame, "iloc") else _arrow(frame, mapping)
    table = pa.table({role: values for role, (values, _) in columns.items()})

    def batches() -> Iterator[pa.Table]:
        for first in range(0, table.num_rows, BATCH):
            yield with_lines(table.slice(first, BATCH), first + 1)

    return Part("frame", "", {role: kind for role, (_, kind) in columns.items()}, batches)


def _arrow(frame: Any, mapping: Mapping[str, str]) -> dict[str, Typed]:
    if not isinstance(frame, pa.Table):
        if not hasattr(frame, "__arrow_c_stream__"):
            raise DataError(
                f"a {type(frame).__name__} is not a frame that can be read",
                needed="a pandas, pyarrow or polars frame, or a path",
                code="RG119",
            )
        frame = pa.table(frame)
    check_names(frame.schema.names, WHERE)
    check_mapped(mapping, frame.schema.names, WHERE)
    return {role: (frame.column(column), frame.schema.field(column).type) for role, column in mapping.items()}


def _pandas(frame: Any, mapping: Mapping[str, str]) -> dict[str, Typed]:
    names = [str(c) for c in frame.columns]
    check_names(names, WHERE)
    check_mapped(mapping, names, WHERE)
    return {role: _pandas_column(frame.iloc[:, names.index(column)], role, column) for role, column in mapping.items()}


def _pandas_column(series: Any, role: str, column: str) -> Typed:
    """One pandas column as Arrow, with the type it counts as; objects value by value."""
    if getattr(series.dtype, "tz", None) is not None:
        instants = pa.array(series.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy())
        return instants, pa.timestamp(instants.type.unit, "UTC")
    if str(series.dtype) != "object":
        values = pa.Array.from_pandas(series)
        return values, values.type
    objects, where = series.tolist(), f"column `{column}` of {WHERE}"
    typed = not any(isinstance(v, str) for v in objects)
    if role in STAMPS and typed:
        times = _stamps(objects, where)
        return times, times.type
    convert = number_of if role in MONEY else text_of
    texts = pa.array([convert(v, where) for v in objects], pa.string())
    return texts, pa.float64() if role in MONEY and typed else pa.string()


def _stamps(values: list[Any], where: str) -> pa.Array:
    try:
        return pa.array(values, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise DataError(
            f"{where} cannot be read as times: {error}", do="convert it with pandas.to_datetime", code="RG104"
        ) from None
