"""CSV records one by one, with every fault.

In: a block of lines, and those that follow while a record is open. Out: a table of the roles; blank lines are counted,
ragged records and broken quotes become faults with their raw text, and a quote that swallows lines is an error: one
that never ends well, or that spans lines which would be records by themselves. Other texts may span lines.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from operator import itemgetter

import pyarrow as pa

from ...errors import DataError
from .parts import is_money, is_stamp

_LINE_END = re.compile(r"\r\n|\r|\n")
_LONGEST = 40
_NUMBER = re.compile(r"\D{0,8}\d[\d.,' ]*\D{0,8}")
_TIME = re.compile(r"(?:\D*\d){4}.*")
"""What may be a number, and what may be a time, however they are written."""


def lines_of(block: bytes) -> Iterator[str]:
    """The lines of a block with their ends: a line feed, a carriage return, or both.

    Examples
    --------
    >>> list(lines_of(b"a\\r\\nb\\rc"))
    ['a\\r\\n', 'b\\r', 'c']
    """
    return iter(io.TextIOWrapper(io.BytesIO(block), encoding="utf-8", newline=""))


class _Feed:
    """The lines of a block, then those of the blocks that follow, one at a time."""

    def __init__(self, block: bytes, following: Iterator[bytes]) -> None:
        self.following = following
        self.last = ""
        self.nul = b"\0" in block
        self._lines = lines_of(block)
        self._coming = next(self._lines, None)

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self._coming is None:
            block = next(self.following)
            self.nul = self.nul or b"\0" in block
            self._lines = lines_of(block)
            self._coming = next(self._lines, None)
        if self._coming is None:
            raise StopIteration
        self.last, self._coming = self._coming, next(self._lines, None)
        return self.last

    @property
    def done(self) -> bool:
        """Whether all lines of the blocks so far are out."""
        return self._coming is None


class CarefulReader:
    """Reads what nobody knows yet to be well-formed.

    Parameters
    ----------
    file : str
        The name in messages.
    delimiter : str
    width : int
        How many fields a record has.
    positions : mapping
        Which of them is each role's.

    Examples
    --------
    >>> reader = CarefulReader("a.csv", ",", 2, {"amount": 1})
    >>> table, n_lines = reader.read(b"a,1\\n\\nb\\n", 2, iter(()))
    >>> table.column("amount").to_pylist(), table.column("line").to_pylist(), n_lines, reader.blank
    (['1', None], [2, 4], 3, 1)
    """

    def __init__(self, file: str, delimiter: str, width: int, positions: Mapping[str, int]) -> None:
        self.file, self.delimiter, self.width, self.positions = file, delimiter, width, positions
        at = list(positions.values())
        self.pick = itemgetter(*at) if len(at) > 1 else lambda row: (row[at[0]],)
        self.tells = [
            (i, _TIME if is_stamp(r) else _NUMBER) for r, i in positions.items() if is_stamp(r) or is_money(r)
        ]
        self.blank = 0
        self._clear()

    def _clear(self) -> None:
        self.rows: list[tuple[str | None, ...]] = []
        self.lines: list[int] = []
        self.faults: dict[int, tuple[str, str]] = {}

    def read(self, block: bytes, first: int, following: Iterator[bytes]) -> tuple[pa.Table, int]:
        """The records of a block that begins at line `first`, and the number of lines that they take."""
        feed = _Feed(block, following)
        reader = csv.reader(feed, delimiter=self.delimiter, strict=True)
        width, pick, add_row, add_line = self.width, self.pick, self.rows.append, self.lines.append
        before = first - 1
        end = before
        while not feed.done:
            try:
                for row in reader:
                    line, end = end + 1, before + reader.line_num
                    if (len(row) != width or end != line or feed.nul) and self._is_odd(row, line, end):
                        row = []
                    if row:
                        add_row(pick(row))
                        add_line(line)
                    if feed.done:
                        break
            except csv.Error as error:
                line, end = end + 1, before + reader.line_num
                self._broken(error, line, end, feed.last)
        table = self._table()
        self._clear()
        return table, end - before

    def _is_odd(self, row: list[str], line: int, last: int) -> bool:
        """Whether a record is not taken: it is blank, ragged, or holds a NUL byte; one that swallowed others raises."""
        if not row:
            self.blank += 1
            return True
        if last != line and self.width > 1 and self._swallows(row):
            raise self._swallowed(line, last)
        why = f"has {len(row)} fields where the header has {self.width}" if len(row) != self.width else ""
        raw = self.delimiter.join(row)
        why = "holds a NUL byte" if "\0" in raw else why
        if why:
            self._fault(line, why, raw)
        return bool(why)

    def _swallows(self, row: list[str]) -> bool:
        """Whether lines that a record spans are records: one inside a field, or the first and the last.

        A text that spans lines makes the first line look like a record, or the last, but not both.
        """
        if len(row) != self.width:
            pieces = (piece for field in row for piece in field.splitlines()[1:])
            return any(piece.count(self.delimiter) >= self.width - 1 for piece in pieces)
        inside = (line for field in row for line in _LINE_END.split(field)[1:-1])
        lines = _LINE_END.split(self.delimiter.join(row))
        ends = self._is_like_a_record(lines[0]) and self._is_like_a_record(lines[-1])
        return ends or any(map(self._is_like_a_record, inside))

    def _is_like_a_record(self, line: str) -> bool:
        """Whether a line alone has the fields of a record, with times and numbers where these belong."""
        fields = line.split(self.delimiter)
        if len(fields) != self.width:
            return False
        told = [(fields[i].strip(' "'), pattern) for i, pattern in self.tells]
        filled = [len(text) <= _LONGEST and pattern.fullmatch(text) is not None for text, pattern in told if text]
        return all(filled) and bool(filled or not told)

    def _broken(self, error: csv.Error, line: int, last: int, raw: str) -> None:
        if "field limit" in str(error) and '"' not in raw:
            raise DataError(
                f"{self.file}:{line} has a field of more than {csv.field_size_limit():,} characters",
                needed="a table as text, one record a line",
                do="check how the file is made",
                code="RG151",
            )
        if last > line or "end of data" in str(error) or "field limit" in str(error):
            raise self._swallowed(line, last)
        self._fault(line, "has a quote inside a quoted field", raw.rstrip("\r\n"))

    def _fault(self, line: int, why: str, raw: str) -> None:
        self.faults[len(self.rows)] = (why, raw.replace("\0", "\\0"))
        self.rows.append((None,) * len(self.positions))
        self.lines.append(line)

    def _swallowed(self, line: int, last: int) -> DataError:
        return DataError(
            f"{self.file}:{line} opens a quote that swallows whole lines (up to line {last})",
            needed='quotes in pairs; a quote inside a quoted field is written twice ("")',
            do=f"repair the quotes of line {line} where the file is made",
            code="RG109",
        )

    def _table(self) -> pa.Table:
        n = len(self.rows)
        values = list(zip(*self.rows, strict=True)) or [()] * len(self.positions)
        columns = {role: pa.array(v, pa.string()) for role, v in zip(self.positions, values, strict=True)}
        whys: list[str | None] = [None] * n
        raws: list[str | None] = [None] * n
        for i, (why, raw) in self.faults.items():
            whys[i], raws[i] = why, raw
        columns["line"] = pa.array(self.lines, pa.int64())
        columns["fault"], columns["raw"] = pa.array(whys, pa.string()), pa.array(raws, pa.string())
        return pa.table(columns)
