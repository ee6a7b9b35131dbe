"""One CSV file (plain or gzip), read without guessing and without losing a line.

In: a path and the mapping. Out: a `Part` of text columns, each record with the number of the physical line it starts
on. Records with the wrong number of fields or a broken quote become faults with their raw text; a quote that swallows
lines is an error. Nothing is taken for missing here: an empty field is the empty string.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import hashlib
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import IO, TextIO, cast

import pyarrow as pa

from ...errors import DataError, StorageError
from .parts import BATCH, Part, Unchanged, check_mapped, check_names

DELIMITERS = (",", ";", "\t", "|")
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Scan:
    """What a first pass over the bytes tells: hashes of file and text, and how the text ends."""

    sha256: str
    content: str
    empty: bool
    ends_with_newline: bool


def scan_csv(path: Path) -> Scan:
    """Hash a CSV file, prove that it is UTF-8 without NUL bytes, and see how it ends."""
    file_hash, text_hash = hashlib.sha256(), hashlib.sha256()
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    lines, last, filled = 0, b"", False
    try:
        if path.suffix.lower() == ".gz":
            with path.open("rb") as raw:
                for chunk in iter(lambda: raw.read(_CHUNK), b""):
                    file_hash.update(chunk)
        with _bytes_of(path) as source:
            for chunk in iter(lambda: source.read(_CHUNK), b""):
                text_hash.update(chunk)
                _check_text(decoder, chunk, lines, path)
                lines += chunk.count(b"\n")
                filled = filled or bool(chunk.strip(b"\xef\xbb\xbf \t\r\n"))
                last = chunk
        _check_text(decoder, b"", lines, path)
    except (EOFError, gzip.BadGzipFile) as error:
        raise DataError(
            f"`{path.name}` is not a whole gzip file: {error}", do="copy the file again", code="RG106"
        ) from None
    except OSError as error:
        raise StorageError(f"`{path}` cannot be read: {error}", code="RG105") from None
    content = text_hash.hexdigest()
    sha256 = file_hash.hexdigest() if path.suffix.lower() == ".gz" else content
    return Scan(sha256, content, not filled, last.endswith((b"\n", b"\r")))


def _bytes_of(path: Path) -> IO[bytes]:
    return cast(IO[bytes], gzip.open(path, "rb")) if path.suffix.lower() == ".gz" else path.open("rb")


def _text_of(path: Path) -> TextIO:
    if path.suffix.lower() == ".gz":
        return cast(TextIO, gzip.open(path, "rt", encoding="utf-8-sig", newline=""))
    return path.open("r", encoding="utf-8-sig", newline="")


def _check_text(decoder: codecs.IncrementalDecoder, chunk: bytes, lines_before: int, path: Path) -> None:
    pending = decoder.getstate()[0]
    try:
        decoder.decode(chunk, final=not chunk)
    except UnicodeDecodeError as error:
        seen = bytes(pending) + chunk
        line = lines_before + 1 + seen.count(b"\n", 0, error.start)
        begin = seen.rfind(b"\n", 0, error.start) + 1
        piece = seen[max(begin, error.start - 20) : error.start + 20].split(b"\n")[0]
        if seen.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) and lines_before == 0:
            readings = ["UTF-16"]
        else:
            readings = [f"as {name}: {piece.decode(name, 'replace')!r}" for name in ("cp1252", "cp1256")]
        raise DataError(
            f"{path.name}:{line} is not UTF-8",
            needed="text in UTF-8",
            do="convert it, as by `iconv -f CP1252 -t UTF-8 old.csv > new.csv`, with the encoding that reads right",
            offending=readings,
            code="RG107",
        ) from None
    zero = chunk.find(b"\0")
    if zero >= 0:
        raise DataError(
            f"{path.name}:{lines_before + 1 + chunk.count(bytes([10]), 0, zero)} holds a NUL byte",
            needed="text in UTF-8",
            do="if the file is UTF-16, convert it to UTF-8; else write it again",
            code="RG107",
        )


def has_records(path: Path) -> bool:
    """Whether anything but blank lines follows the first line."""
    with _text_of(path) as text:
        next(text, "")
        return any(line.strip() for line in text)


def csv_part(path: Path, scan: Scan, mapping: Mapping[str, str]) -> Part:
    """A CSV file as a `Part`; its header names every column and decides the delimiter."""
    before = Unchanged.now(path)
    delimiter, header = _header_of(path, mapping)
    check_names(header, f"`{path.name}`")
    check_mapped(mapping, header, f"`{path.name}`")
    notes: list[str] = []
    if not scan.ends_with_newline:
        notes.append(f"the last line of {path.name} has no line end; make sure that the file is not cut")

    def batches() -> Iterator[pa.Table]:
        with _text_of(path) as text:
            yield from _Records(text, path, delimiter, header, mapping, notes).tables()
        before.check()

    return Part(path.name, scan.sha256, dict.fromkeys(mapping, pa.string()), batches, unit="line", notes=notes)


def _header_of(path: Path, mapping: Mapping[str, str]) -> tuple[str, list[str]]:
    """The delimiter under which the header holds the most mapped columns, and the header's names."""
    readings, broken = [], ""
    for delimiter in DELIMITERS:
        with _text_of(path) as text:
            try:
                header = [name.strip() for name in next(csv.reader(text, delimiter=delimiter, strict=True), [])]
            except csv.Error as error:  # Quotes fit the right delimiter only.
                broken = str(error)
                continue
        readings.append((len(set(mapping.values()) & set(header)), len(header), delimiter, header))
    if not readings:
        raise DataError(
            f"{path.name}:1 is not a header: {broken}", needed="the names of the columns", do="repair it", code="RG108"
        )
    best = max(readings, key=lambda r: (r[0], r[1]))
    return best[2], best[3]


class _Records:
    """The records of an open CSV file, a table at a time."""

    def __init__(
        self, text: TextIO, path: Path, delimiter: str, header: list[str], mapping: Mapping[str, str], notes: list[str]
    ) -> None:
        self.path, self.delimiter, self.width, self.notes = path, delimiter, len(header), notes
        self.roles = list(mapping)
        positions = [header.index(column) for column in mapping.values()]
        self.pick = itemgetter(*positions)
        self.reader = csv.reader(text, delimiter=delimiter, strict=True)
        next(self.reader)
        self.rows: list[tuple[str | None, ...]] = []
        self.lines: list[int] = []
        self.faults: dict[int, tuple[str, str]] = {}
        self.blank = 0

    def tables(self) -> Iterator[pa.Table]:
        done = False
        while not done:
            done = self._fill()
            if self.rows:
                yield self._table()
        if self.blank:
            self.notes.append(f"{self.blank} blank lines in {self.path.name} were passed over")

    def _fill(self) -> bool:
        """Read up to a batch; true at the end of the file."""
        reader, width, pick = self.reader, self.width, self.pick
        add_row, add_line = self.rows.append, self.lines.append
        previous = reader.line_num
        while True:
            try:
                for row in reader:
                    line = previous + 1
                    previous = reader.line_num
                    if len(row) != width or previous != line:
                        self._odd(row, line, previous)
                        if len(row) != width:
                            continue
                    add_row(pick(row))
                    add_line(line)
                    if len(self.rows) >= BATCH:
                        return False
                return True
            except csv.Error as error:
                self._broken(error, previous + 1, reader.line_num)
                previous = reader.line_num

    def _odd(self, row: list[str], line: int, last: int) -> None:
        """A record that is blank, ragged, or spans several lines."""
        if not row:
            self.blank += 1
            return
        if last != line:
            pieces = self.delimiter.join(row).splitlines()[1:]
            if self.width > 1 and any(p.count(self.delimiter) >= self.width - 1 for p in pieces):
                raise self._swallowed(line, last)
        if len(row) != self.width:
            raw = self.delimiter.join(row)
            self._fault(line, f"has {len(row)} fields where the header has {self.width}", raw)

    def _broken(self, error: csv.Error, line: int, last: int) -> None:
        if last > line or "end of data" in str(error) or "field limit" in str(error):
            raise self._swallowed(line, last)
        with _text_of(self.path) as text:
            raw = next(itertools.islice(text, line - 1, None), "").rstrip("\r\n")
        self._fault(line, "has a quote inside a quoted field", raw)

    def _fault(self, line: int, why: str, raw: str) -> None:
        self.faults[len(self.rows)] = (why, raw)
        self.rows.append((None,) * len(self.roles))
        self.lines.append(line)

    def _swallowed(self, line: int, last: int) -> DataError:
        return DataError(
            f"{self.path.name}:{line} opens a quote that swallows whole lines (up to line {last})",
            needed='quotes in pairs; a quote inside a quoted field is written twice ("")',
            do=f"repair the quotes of line {line} where the file is made",
            code="RG109",
        )

    def _table(self) -> pa.Table:
        n = len(self.rows)
        columns = {
            role: pa.array(c, pa.string()) for role, c in zip(self.roles, zip(*self.rows, strict=True), strict=True)
        }
        columns["line"] = pa.array(self.lines, pa.int64())
        nothing = pa.nulls(n, pa.string())
        whys: list[str | None] = [None] * n if self.faults else []
        raws: list[str | None] = [None] * n if self.faults else []
        for i, (why, raw) in self.faults.items():
            whys[i], raws[i] = why, raw
        columns["fault"] = pa.array(whys, pa.string()) if whys else nothing
        columns["raw"] = pa.array(raws, pa.string()) if raws else nothing
        self.rows.clear()
        self.lines.clear()
        self.faults.clear()
        return pa.table(columns)
