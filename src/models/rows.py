"""Rows of a request: columns of plain Python values -> arrays, with every unreadable value noted by its place.

In: a list per column, as JSON or a frame gives them. Out: exact integers of money, UTC microseconds, texts. What cannot
be read is noted in `Faults` and read as nothing, so that all bad rows of a request are told at once; `settle` refuses
it. Missing is None or NaN: empty for texts; where a value is needed it is a fault, too. Nothing is guessed: texts are
no numbers, numbers no texts, truth values neither.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple, Self, cast

import numpy as np
from numpy.typing import NDArray

from ..clock import Zone
from ..errors import SHOWN, DataError, did_you_mean, masked, shown
from ..features.lines import Float64, Int64
from ..schema import SCALE

if TYPE_CHECKING:
    import pandas as pd

AT_ONCE = int(np.iinfo(np.int64).min)
"""When a row became known that does not say so."""
MOST = 9e11
"""Money must be smaller: 1/10,000 of it is told apart by a double that is whole."""
_DAY, _CLOCK = "[0-9]{4}-[0-9]{2}-[0-9]{2}", r"[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?"
TIME = f"{_DAY}({_CLOCK}(Z|[+-][0-9]{{2}}:?[0-9]{{2}})?)?"
"""How an instant is written; which of these there are, the calendar says."""
NEEDED_TIME = "ISO text from 1990 to 2099, such as 2024-01-31T18:30:00+01:00"
NEEDED_NUMBER = "a finite number smaller than 9e11"
NEEDED_DECIMALS = "at most four decimals"
NEEDED_TEXT = "a text of Unicode characters"
NEEDED_WORD = "a text that is not empty"
NEEDED_ID = "a text that is not empty, without control characters"
_IDS = ("customer_id", "referred_by")
_TIME = re.compile(TIME).fullmatch
_NAIVE = re.compile(f"({_DAY}({_CLOCK})?\n)*").fullmatch
_UTC = re.compile(f"({_DAY}{_CLOCK}Z\n)*").fullmatch
_EPOCH, _US = dt.datetime(1970, 1, 1), dt.timedelta(microseconds=1)
_EPOCH_UTC = _EPOCH.replace(tzinfo=dt.UTC)
_FIRST, _END = ((dt.datetime(year, 1, 1) - _EPOCH) // _US for year in (1990, 2100))
_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff"))
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_DUST = 1e-3
"""So far a number of four decimals may be from a whole one of 1/10,000."""
_SURE, _EXACT = 2.0**40, 2.0**50
"""Up to there it never is; up to here it rounds to the one that was meant. Beyond, only whole numbers surely do."""


class BadRow(NamedTuple):
    """One unreadable value: its table, row (from 0) and column, and what was needed."""

    table: str
    row: int
    field: str
    problem: str


class Unreadable(DataError):
    """Rows of a request cannot be read; the sentence shows the first few, `faults` are all."""

    def __init__(
        self, found: str, *, needed: str, faults: Sequence[BadRow], offending: Sequence[str], code: str = "RG082"
    ) -> None:
        self.faults = tuple(faults)
        super().__init__(found, needed=needed, offending=offending, code=code)


class Faults:
    """What is wrong with the rows of a request, noted while they are read.

    Examples
    --------
    >>> faults = Faults()
    >>> Rows({"amount": [1.0, "2"]}, np.arange(2), faults=faults).money("amount").tolist()
    [10000, 0]
    >>> faults.settle()  # doctest: +IGNORE_EXCEPTION_DETAIL
    Traceback (most recent call last):
        ...
    Unreadable: RG082: 1 rows have an unreadable `amount`. Needed: a finite number ...
    """

    def __init__(self) -> None:
        self._rows: dict[tuple[str, int, str], BadRow] = {}
        self._told: Unreadable | None = None

    def add(self, rows: Sequence[BadRow], told: Sequence[str], found: str = "", code: str = "RG082") -> None:
        """Note rows that lack the same, with how the first of them are shown to people."""
        for row in rows:
            # A value that was no text at all is not told to be an empty one, too.
            self._rows.setdefault(row[:3], row)
        if self._told is None:
            found = found or f"{len(rows)} rows have an unreadable `{rows[0].field}`"
            self._told = Unreadable(found, needed=rows[0].problem, faults=(), offending=told, code=code)

    def settle(self) -> None:
        """Refuse the request when anything was noted."""
        if self._told is not None:
            self._told.faults = tuple(self._rows.values())
            raise self._told


@dataclass(frozen=True)
class Rows:
    """Rows of a request, all or those of one table.

    Parameters
    ----------
    columns : dict of str to list
        Plain values, all of the same length.
    number : ndarray of int64, shape (n_rows,)
        Where each stands in the request.
    table : str
    faults : Faults
        Where unreadable values are noted.
    """

    columns: Mapping[str, Sequence[object]]
    number: Int64
    table: str = "purchases"
    faults: Faults = field(default_factory=Faults)

    @classmethod
    def of(cls, columns: Mapping[str, Sequence[object]], table: str = "purchases") -> Self:
        """All rows of a table of plain values."""
        return cls(columns, np.arange(len(next(iter(columns.values()), ()))), table)

    @classmethod
    def of_frame(cls, frame: pd.DataFrame) -> Self:
        """All rows of a frame.

        Raises
        ------
        DataError
            When a column stands in it twice.
        """
        twice = sorted({str(c) for c in frame.columns[frame.columns.duplicated()]})
        if twice:
            raise DataError("columns stand twice in the purchases", needed="each once", offending=twice, code="RG080")
        return cls({str(name): _plain(frame[name]) for name in frame.columns}, np.arange(len(frame)))

    def __len__(self) -> int:
        return len(self.number)

    def has(self, column: str) -> bool:
        """Whether there is such a column."""
        return column in self.columns

    def needs(self, *columns: str) -> None:
        """Refuse rows without some columns."""
        for name in columns:
            if len(self) and not self.has(name):
                hint = did_you_mean(name, self.columns)
                raise DataError(f"the {self.table} lack `{name}`", needed="this column", do=hint, code="RG080")

    def take(self, rows: NDArray[np.bool_], table: str) -> Rows:
        """Some of the rows, as those of a table."""
        if rows.all():
            return Rows(self.columns, self.number, table, self.faults)
        chosen = np.flatnonzero(rows).tolist()
        columns = {name: [values[i] for i in chosen] for name, values in self.columns.items()}
        return Rows(columns, self.number[rows], table, self.faults)

    def texts(self, column: str) -> list[str]:
        """Texts; missing is empty."""
        if not self.has(column):
            return [""] * len(self)
        values = self.columns[column]
        if set(map(type, values)) <= {str}:
            found = cast(list[str], values)
        else:
            found = [value if isinstance(value, str) else "" for value in values]
            odd = [i for i, v in enumerate(values) if not isinstance(v, str) and not _missing(v)]
            self.refuse(odd, column, NEEDED_TEXT)
        if _encodable("".join(found)):
            return found
        self.refuse([i for i, text in enumerate(found) if not _encodable(text)], column, NEEDED_TEXT)
        return [text if _encodable(text) else "" for text in found]

    def words(self, column: str) -> list[str]:
        """Texts of which none is empty."""
        return self._without(_blank, self.texts(column), column, NEEDED_WORD)

    def ids(self, column: str) -> list[str]:
        """Texts of which none is empty or holds a control character."""
        return self._without(_obeyed, self.words(column), column, NEEDED_ID)

    def _without(self, odd: Callable[[str], bool], texts: list[str], column: str, needed: str) -> list[str]:
        """Texts, none of which is odd; most come again and again, and are looked at once."""
        bad = {text for text in set(texts) if odd(text)}
        if bad:
            self.refuse([i for i, text in enumerate(texts) if text in bad], column, needed)
        return texts

    def instants_or(self, column: str, zone: Zone, missing: int) -> Int64:
        """As `instants`, with a number of microseconds where there is none."""
        if not self.has(column):
            return np.full(len(self), missing, np.int64)
        values = self.columns[column]
        told = np.array([not _missing(value) and value != "" for value in values], bool)
        if not told.any():
            return np.full(len(self), missing, np.int64)
        return np.where(told, self._instants(column, zone, told), missing)

    def instants(self, column: str, zone: Zone) -> Int64:
        """UTC microseconds of ISO texts or datetimes."""
        found = _quick(self.columns[column], zone)
        return found if found is not None else self._instants(column, zone, None)

    def _instants(self, column: str, zone: Zone, told: NDArray[np.bool_] | None) -> Int64:
        values = self.columns[column]
        found, aware, bad = [0] * len(values), [False] * len(values), list[int]()
        for i, value in enumerate(values):
            if told is not None and not told[i]:
                continue
            moment = _moment(value)
            if moment is not None:
                if moment.tzinfo is None:
                    found[i] = (moment - _EPOCH) // _US
                else:
                    found[i], aware[i] = (moment - _EPOCH_UTC) // _US, True
            if not _FIRST <= found[i] < _END:
                found[i] = 0
                bad.append(i)
        self.refuse(bad, column, NEEDED_TIME)
        instants = np.array(found, np.int64)
        if True not in aware:
            return zone.to_utc(instants)
        return np.where(np.array(aware, bool), instants, zone.to_utc(instants))

    def money(self, column: str) -> Int64:
        """Exact integers of 1/10,000; a missing one is refused."""
        numbers, told = _numbers(self.columns[column])
        return self._units(column, numbers if told.all() else np.where(told, numbers, np.inf))

    def money_or_none(self, column: str) -> tuple[Int64, NDArray[np.bool_]]:
        """Exact integers of 1/10,000, and whether there is one; 0 where there is none."""
        if not self.has(column):
            return np.zeros(len(self), np.int64), np.zeros(len(self), bool)
        numbers, told = _numbers(self.columns[column])
        return self._units(column, numbers), told

    def _units(self, column: str, numbers: Float64) -> Int64:
        if not np.abs(numbers).max(initial=0.0) < MOST:
            large = ~(np.abs(numbers) < MOST)
            self.refuse(np.flatnonzero(large).tolist(), column, NEEDED_NUMBER)
            numbers = np.where(large, 0.0, numbers)
        scaled = numbers * SCALE
        whole = np.rint(scaled)
        size, off = np.abs(whole), np.abs(scaled - whole)
        if not (size.max(initial=0.0) < _SURE and off.max(initial=0.0) <= _DUST):
            # The product is off by half a unit in its last place, and so was the number itself.
            fine = (off > _DUST + size * 2.0**-52) | ((size >= _EXACT) & (numbers != np.rint(numbers)))
            self.refuse(np.flatnonzero(fine).tolist(), column, NEEDED_DECIMALS)
        return whole.astype(np.int64)

    def refuse(self, bad: Sequence[int], column: str, needed: str) -> None:
        """Note that some rows (by their place among these) have a bad value."""
        if not bad:
            return
        tell = masked if column in _IDS else shown
        values = self.columns.get(column, ())
        told = [f"row {self.number[i]}: {tell(repr(values[i] if values else None))}" for i in bad[:SHOWN]]
        self.faults.add([BadRow(self.table, int(self.number[i]), column, needed) for i in bad], told)


def come_again(texts: Sequence[str]) -> list[int]:
    """Where a text stands that has come before.

    Examples
    --------
    >>> come_again(["a", "b", "a"])
    [2]
    """
    first: dict[str, int] = {}
    return [i for i, text in enumerate(texts) if first.setdefault(text, i) != i]


def _plain(values: pd.Series) -> list[object]:
    """A column of a frame; None for what is missing and no number."""
    found = values.to_list()
    if values.dtype.kind in "iufb":
        return found
    return [None if absent and not isinstance(v, float) else v for v, absent in zip(found, values.isna(), strict=True)]


def _missing(value: object) -> bool:
    return value is None or (isinstance(value, float) and value != value)


def _blank(text: str) -> bool:
    """Whether a text shows nothing; most are plain, and need no closer look."""
    return text.isspace() or not text or (not text.isprintable() and not text.translate(_INVISIBLE).strip())


def _encodable(text: str) -> bool:
    """Whether a text is Unicode: half a surrogate pair is not."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _obeyed(text: str) -> bool:
    """Whether a text holds a control character."""
    return not text.isprintable() and _CONTROL.search(text) is not None


def _moment(value: object) -> dt.datetime | None:
    """A value as an instant, if it can be read as one."""
    if isinstance(value, str):
        try:
            return dt.datetime.fromisoformat(value) if _TIME(value) else None
        except ValueError:
            return None
    if isinstance(value, dt.datetime):
        return value
    return dt.datetime(value.year, value.month, value.day) if isinstance(value, dt.date) else None


def _quick(values: Sequence[object], zone: Zone) -> Int64 | None:
    """UTC microseconds of texts that are all written alike and all good; otherwise each needs a look."""
    if not set(map(type, values)) <= {str}:
        return None
    texts = cast(list[str], values)
    lines = "\n".join([*texts, ""])
    aware = lines.endswith("Z\n")
    if not (_UTC if aware else _NAIVE)(lines):
        return None
    try:
        moments = np.array([text[:-1] for text in texts] if aware else texts, "datetime64[us]").view(np.int64)
    except ValueError:
        return None
    if moments.size and not _FIRST <= moments.min() <= moments.max() < _END:
        return None
    return moments if aware else zone.to_utc(moments)


def _numbers(values: Sequence[object]) -> tuple[Float64, NDArray[np.bool_]]:
    """Doubles, 0 where there is none and infinite where there is no number, and whether there is one."""
    if set(map(type, values)) <= {float, int} and (found := _doubles(values)) is not None:
        told = ~np.isnan(found)
        return found if told.all() else np.where(told, found, 0.0), told
    told = np.array([not _missing(value) for value in values], bool)
    return np.array([0.0 if _missing(value) else _number(value) for value in values], np.float64), told


def _doubles(values: Sequence[object]) -> Float64 | None:
    """Numbers as doubles; None where one is too large to be one."""
    try:
        return np.array(values, np.float64)
    except OverflowError:
        return None


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating | Decimal):
        return np.inf
    try:
        return float(value)
    except (OverflowError, ValueError):
        return np.inf
