"""A frame in memory (pandas, pyarrow, or anything with `__arrow_c_stream__`) as a part.

In: a frame and the mapping. Out: one `Part`. Columns of Python objects are turned into text value by value, so that
`5` and `"5"` are one customer and `5.5` is refused; NaN in an id is missing, NaN in money stays visible.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa

from ...errors import DataError
from .parts import BATCH, Part, check_mapped, check_names, is_money, is_stamp, number_of, text_of, with_lines

Typed = tuple["pa.Array | pa.ChunkedArray", pa.DataType]


def frame_part(frame: Any, mapping: Mapping[str, str], name: str = "frame") -> Part:
    """A frame as a `Part`, called by `name` in messages.

    Examples
    --------
    >>> part = frame_part(pa.table({"id": ["a"]}), {"customer_id": "id"})
    >>> part.types["customer_id"]
    DataType(string)
    """
    read = _pandas if hasattr(frame, "iloc") else _arrow
    columns = read(frame, mapping, f"the {name}")
    table = pa.table({role: values for role, (values, _) in columns.items()})

    def batches() -> Iterator[pa.Table]:
        for first in range(0, table.num_rows, BATCH):
            yield with_lines(table.slice(first, BATCH), first + 1)

    return Part(name, "", {role: kind for role, (_, kind) in columns.items()}, batches)


def _arrow(frame: Any, mapping: Mapping[str, str], where: str) -> dict[str, Typed]:
    if not isinstance(frame, pa.Table):
        if not hasattr(frame, "__arrow_c_stream__"):
            raise DataError(
                f"a {type(frame).__name__} is not a frame that can be read",
                needed="a pandas, pyarrow or polars frame, or a path",
                code="RG119",
            )
        frame = pa.table(frame)
    check_names(frame.schema.names, where)
    check_mapped(mapping, frame.schema.names, where)
    return {role: (frame.column(column), frame.schema.field(column).type) for role, column in mapping.items()}


def _pandas(frame: Any, mapping: Mapping[str, str], where: str) -> dict[str, Typed]:
    names = [str(c) for c in frame.columns]
    check_names(names, where)
    check_mapped(mapping, names, where)
    return {
        role: _pandas_column(frame.iloc[:, names.index(column)], role, f"column `{column}` of {where}")
        for role, column in mapping.items()
    }


def _pandas_column(series: Any, role: str, where: str) -> Typed:
    """One pandas column as Arrow, with the type it counts as; objects value by value."""
    if getattr(series.dtype, "tz", None) is not None:
        instants = pa.array(series.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy())
        return instants, pa.timestamp(instants.type.unit, "UTC")
    if str(series.dtype) != "object":
        values = pa.Array.from_pandas(series)
        return values, values.type
    objects = series.tolist()
    typed = not any(isinstance(v, str) for v in objects)
    if is_stamp(role) and typed:
        times = _stamps(objects, where)
        return times, times.type
    convert = number_of if is_money(role) else text_of
    texts = pa.array([convert(v, where) for v in objects], pa.string())
    return texts, pa.float64() if is_money(role) and typed else pa.string()


def _stamps(values: list[Any], where: str) -> pa.Array:
    try:
        return pa.array(values, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise DataError(
            f"{where} cannot be read as times: {error}", do="convert it with pandas.to_datetime", code="RG104"
        ) from None
