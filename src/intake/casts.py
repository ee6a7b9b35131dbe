"""From the types of a source to the few kinds that the intake knows, without losing a digit.

In: Arrow columns of any type. Out: for ids and labels text; for money text, and whether it was a number in the source
(then its grammar is known); for times text, or microseconds with their basis. A type that cannot be read exactly is an
error; a missing value stays missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ..clock import DAY_US
from ..errors import DataError
from .sources.parts import integral_text, is_money, is_stamp, key_of

NUMBER, TEXT, INSTANT, NAIVE, DAY = "number", "text", "instant", "naive", "day"
BASES = {INSTANT: 0, NAIVE: 1, DAY: 2}
"""What a time is told in: an instant, a stamp without a zone, a day without a time."""

_PER_UNIT = {"s": 1_000_000, "ms": 1_000, "us": 1}

INVISIBLE = r"[\s\p{Z}\x{0B}\x{200B}-\x{200F}\x{2060}\x{FEFF}]+"


def kind_of(role: str, kind: pa.DataType, where: str) -> str:
    """How a column of a role is taken, from its Arrow type.

    Examples
    --------
    >>> kind_of("amount", pa.float64(), "here"), kind_of("purchased_at", pa.date32(), "here")
    ('number', 'day')
    """
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if _is_text(kind) or pa.types.is_null(kind):
        return TEXT
    if is_stamp(role):
        if pa.types.is_timestamp(kind):
            return INSTANT if kind.tz is not None else NAIVE
        if pa.types.is_date(kind):
            return DAY
        if pa.types.is_integer(kind) or pa.types.is_floating(kind):
            return TEXT
    elif pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal128(kind):
        return NUMBER if is_money(role) else TEXT
    elif not is_money(role) and (pa.types.is_boolean(kind) or pa.types.is_date(kind)):
        return TEXT
    wanted = {True: "numbers or text"}.get(is_money(role), "times or text" if is_stamp(role) else "text or integers")
    raise DataError(
        f"{where} is of type {kind}, which cannot be read as `{key_of(role)}`",
        needed=wanted,
        do="map another column, or convert it where the data are made",
        code="RG104",
    )


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def staged(role: str, column: pa.ChunkedArray, kind: str, where: str) -> dict[str, Any]:
    """The columns under which a role is staged: itself, and for money and times what its source type told."""
    n = len(column)
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if is_stamp(role):
        if pa.types.is_floating(column.type):
            _check_whole(column, where)
        if kind == TEXT:
            nothing = {f"{role}_us": pa.nulls(n, pa.int64()), f"{role}_basis": pa.nulls(n, pa.int8())}
            return {role: as_text(column, where), **nothing}
        basis = pa.repeat(pa.scalar(BASES[kind], pa.int8()), n)
        return {role: pa.nulls(n, pa.string()), f"{role}_us": microseconds(column, where), f"{role}_basis": basis}
    if is_money(role):
        number = kind == NUMBER
        values = column if number and not _is_text(column.type) else column.cast(pa.string())
        return {role: values, f"{role}_native": pa.repeat(number, n)}
    return {role: as_text(column, where)}


def _check_whole(column: pa.ChunkedArray, where: str) -> None:
    """Refuse times that are fractions of something, whose unit and exactness nobody can tell."""
    values = pc.drop_null(column.cast(pa.float64()))
    odd = values.filter(pc.and_(pc.invert(pc.is_nan(values)), pc.not_equal(pc.floor(values), values)))
    serial = len(odd) and pc.all(pc.and_(pc.greater_equal(odd, 20_000), pc.less(odd, 60_001))).as_py()
    if serial:
        raise excel_serials(where, odd[:3].to_pylist())
    if len(odd):
        raise DataError(
            f"{where} holds times as floating-point numbers with fractions",
            needed="times, text such as 2024-01-31 10:00:00, or whole epoch numbers",
            do="convert the column where the data are made",
            offending=odd[:3].to_pylist(),
            code="RG104",
        )


def excel_serials(where: str, samples: Sequence[object]) -> DataError:
    """What is said of days that are counted from 1900, as spreadsheets do inside."""
    return DataError(
        f"{where} holds Excel's serial numbers instead of dates",
        needed="dates as text, such as 2024-01-31",
        do="give the column the cell format YYYY-MM-DD in the spreadsheet and export it again",
        offending=samples,
        code="RG125",
    )


def as_text(column: pa.ChunkedArray, where: str) -> pa.ChunkedArray:
    """Ids and labels as text; whole floats below 2^53 lose their ``.0``, other floats and decimals are refused.

    Examples
    --------
    >>> as_text(pa.chunked_array([[1.0, None]]), "here").to_pylist()
    ['1', None]
    """
    kind = column.type
    if pa.types.is_floating(kind):
        values = column.cast(pa.float64())
        missing = pc.fill_null(pc.is_nan(values), True)
        values = pc.if_else(missing, pa.scalar(None, pa.float64()), values)
        fine = pc.and_(pc.equal(pc.floor(values), values), pc.less(pc.abs(values), 2.0**53))
        odd = values.filter(pc.invert(pc.fill_null(fine, True)))
        if len(odd):
            integral_text(odd[0].as_py(), where)
        return values.cast(pa.int64()).cast(pa.string())
    if pa.types.is_decimal(kind):
        try:
            return column.cast(pa.decimal128(38, 0)).cast(pa.string())
        except pa.ArrowInvalid:
            raise DataError(
                f"{where} holds ids as decimals that are not whole", do="write them as text", code="RG103"
            ) from None
    try:
        return column.cast(pa.string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise DataError(f"{where} cannot be read as text: {error}", code="RG104") from None


def microseconds(column: pa.ChunkedArray, where: str) -> pa.ChunkedArray:
    """Times and dates as int64 microseconds from 1970; finer than a microsecond is cut off.

    Examples
    --------
    >>> microseconds(pa.chunked_array([pa.array([1], pa.date32())]), "here").to_pylist()
    [86400000000]
    """
    kind = column.type
    if pa.types.is_date(kind):
        return pc.multiply(column.cast(pa.date32()).cast(pa.int32()).cast(pa.int64()), DAY_US)
    values = column.cast(pa.int64())
    if kind.unit == "ns":
        # Arrow divides towards zero; a time before 1970 is thrown out later either way.
        return pc.divide(values, 1_000)
    try:
        return pc.multiply_checked(values, _PER_UNIT[kind.unit])
    except pa.ArrowInvalid:
        raise DataError(f"{where} holds times beyond the year 290000", do="map another column", code="RG104") from None


def cleaned_sql(column: str) -> str:
    """SQL for a text without outer white space and zero-width characters, in Unicode form NFC; empty is NULL.

    The cheap branch is for plain ASCII, where the bytes are as many as the characters.
    """
    return (
        f"nullif(CASE WHEN strlen({column}) = length({column}) THEN CASE WHEN {column} >= '!' "
        f"AND right({column}, 1) >= '!' THEN {column} ELSE trim({column}, E' \\t\\n\\r\\x0B\\f') END "
        f"ELSE nfc_normalize(regexp_replace({column}, '^{INVISIBLE}|{INVISIBLE}$', '', 'g')) END, '')"
    )


def plain_sql(column: str) -> str:
    """SQL for the text of a number or date: outer spaces off, foreign digits and typographic signs as ASCII."""
    digits = "۰۱۲۳۴۵۶۷۸۹٠١٢٣٤٥٦٧٨٩"
    signs = "\u2212\u00a0\u202f\u2009\u2019\u066b\u066c"
    unseen = "\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
    return (
        f"CASE WHEN strlen({column}) = length({column}) THEN trim({column}, E' \\t\\n\\r\\x0B\\f') "
        f"ELSE translate(regexp_replace({column}, '^{INVISIBLE}|{INVISIBLE}$', '', 'g'), "
        f"'{digits}{signs}{unseen}', '01234567890123456789-   ''.''') END"
    )
