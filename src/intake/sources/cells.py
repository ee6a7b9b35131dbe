"""The cells of one column of a sheet, as the intake takes them.

In: what calamine reads, cell by cell: numbers, texts, dates, truth values. Out: Arrow columns of a role. Whether an
amount was a number is told by its own cell; a column that is all times comes as such, and among texts times are texts
in ISO form. None is missing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa

from ...errors import DataError
from .parts import is_money, is_stamp, number_of, text_of


@dataclass(frozen=True)
class Cells:
    """A column of cells, None where there is nothing.

    Parameters
    ----------
    values : sequence
    lines : sequence of int
        The row of each, as Excel numbers them.
    column, place : str
        The name of the column, and of its sheet, in messages.

    Examples
    --------
    >>> Cells([1.5, "2,50"], [2, 3], "price", "a.xlsx/Sales").arrays("amount")[0]["amount_native"].to_pylist()
    [True, False]
    """

    values: Sequence[object]
    lines: Sequence[int]
    column: str
    place: str

    def arrays(self, role: str) -> tuple[dict[str, pa.Array], pa.DataType]:
        """As Arrow, and the type that the column counts as."""
        if is_stamp(role):
            times = self._times()
            return {role: times}, times.type
        if not is_money(role):
            return {role: self._texts(text_of)}, pa.string()
        native = [isinstance(v, int | float) and not isinstance(v, bool) for v in self.values]
        kind = pa.float64() if all(n or v is None for n, v in zip(native, self.values, strict=True)) else pa.string()
        return {role: self._texts(number_of), f"{role}_native": pa.array(native, pa.bool_())}, kind

    def _texts(self, convert: Callable[[object, str], str | None]) -> pa.Array:
        where = f"column `{self.column}` of {self.place}"
        try:
            return pa.array([convert(v, where) for v in self.values], pa.string())
        except DataError:
            for value, line in zip(self.values, self.lines, strict=True):
                convert(value, f"{self.place} row {line}: column `{self.column}`")
            raise

    def _times(self) -> pa.Array:
        """Days where no cell has a time of day."""
        there = [v for v in self.values if v is not None]
        timed = any(isinstance(v, dt.datetime) for v in there)
        values = [_midnight(v) for v in self.values] if timed else list(self.values)
        if there and all(isinstance(v, dt.date) for v in there):  # A datetime is a date.
            return pa.array(values, pa.timestamp("us") if timed else pa.date32())
        return Cells([_said(v) for v in values], self.lines, self.column, self.place)._texts(text_of)

    def notes(self, role: str) -> Iterator[str]:
        """What looks like the work of Excel's own guesses."""
        dates = [i for i, v in enumerate(self.values) if isinstance(v, dt.date | dt.time | dt.timedelta)]
        if dates and not is_stamp(role):
            yield (
                f"{len(dates)} cells of column `{self.column}` of {self.place} hold dates or times, the first in "
                f"row {self.lines[dates[0]]}; Excel makes them of texts such as 3-1 and of numbers such as 1.5"
            )


def _midnight(value: object) -> object:
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return dt.datetime(value.year, value.month, value.day)
    return value


def _said(value: object) -> object:
    """A time among texts; a number stays one to the last digit, so that serial numbers are known as such."""
    if isinstance(value, float) and not value.is_integer():
        return repr(value)
    return value.isoformat(" ") if isinstance(value, dt.datetime) else value
