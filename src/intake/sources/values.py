"""A column of Python values, each of a type of its own, as the intake takes it.

In: what a driver or a frame of objects holds, and the role of the column. Out: text, value by value, so that `5` and
`"5"` are one customer and `5.5` is refused; of money also which values were numbers; times in ISO form. None, NaN and
NaT are missing; NaN in money stays visible.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from uuid import UUID

import pyarrow as pa

from ...errors import DataError
from .parts import integral_text, is_money, is_stamp, number_of, text_of


def columns_of_values(role: str, values: Sequence[object], where: str) -> dict[str, pa.Array]:
    """The columns of a part under which the values of a role stand.

    Examples
    --------
    >>> columns_of_values("amount", [1.5, "2,50", None], "here")["amount_native"].to_pylist()
    [True, False, False]
    >>> columns_of_values("customer_id", [7, "7", 7.0], "here")["customer_id"].to_pylist()
    ['7', '7', '7']
    """
    if is_money(role):
        texts = pa.array([_number(value, where) for value in values], pa.string())
        numbers = [isinstance(v, int | float | Decimal) or hasattr(v, "__index__") for v in values]
        return {role: texts, f"{role}_native": pa.array(numbers, pa.bool_())}
    if is_stamp(role):
        _check_whole(values, where)
    return {role: pa.array([_text(value, where) for value in values], pa.string())}


def table_of_rows(rows: Sequence[Sequence[object]], mapping: Mapping[str, str], where: str) -> pa.Table:
    """Rows, at least one, whose values stand in the order of the mapped columns."""
    columns: dict[str, pa.Array] = {}
    for (role, column), values in zip(mapping.items(), zip(*rows, strict=True), strict=True):
        columns |= columns_of_values(role, values, f"column `{column}` of {where}")
    return pa.table(columns)


def _number(value: object, where: str) -> str | None:
    if isinstance(value, bool):
        raise DataError(
            f"{where} holds true and false", needed="numbers or text", do="map another column", code="RG104"
        )
    if isinstance(value, Decimal):
        return format(value, "f")
    return None if _is_missing(value) else number_of(value, where)


def _text(value: object, where: str) -> str | None:
    if _is_missing(value):
        return None
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, Decimal):
        if value.is_nan():
            return None
        if value.is_infinite() or value != value.to_integral_value():
            integral_text(float(value) if value.is_finite() else 0.5, where)
        return format(value.to_integral_value(), "f")
    return text_of(value, where)


def _is_missing(value: object) -> bool:
    return value is None or type(value).__name__ in ("NAType", "NaTType")


def _check_whole(values: Sequence[object], where: str) -> None:
    """Refuse times that are fractions of something, whose unit and exactness nobody can tell."""
    odd = [v for v in values if isinstance(v, float | Decimal) and v == v and v % 1 != 0]
    if odd:
        raise DataError(
            f"{where} holds times as numbers with fractions",
            needed="times, text such as 2024-01-31 10:00:00, or whole epoch numbers",
            do="convert the column where the data are made",
            offending=odd[:3],
            code="RG104",
        )
