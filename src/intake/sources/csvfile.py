"""One CSV file, read without guessing and without losing a line.

In: a path and the mapping. Out: a `Part` of text columns, each record with the number of the physical line it starts
on. Records with the wrong number of fields, a broken quote or a NUL byte become faults with their raw text; a quote
that swallows lines is an error. Nothing is taken for missing here: an empty field is the empty string.
"""

from __future__ import annotations

import csv
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path

import pyarrow as pa

from ...errors import DataError
from .ahead import ahead
from .careful import CarefulReader, lines_of
from .kinds import Kind, Look, Reading
from .packed import endings
from .parts import Part, Unchanged, check_mapped, check_names, with_lines
from .quickcsv import quick_table
from .scan import Scan, Text, cut, scan, text_of

DELIMITERS = (",", ";", "\t", "|")
_SMALL = 1 << 15


@dataclass(frozen=True)
class Header:
    """The first record of a CSV file: what separates the fields, their names, and where it ends."""

    delimiter: str
    names: Sequence[str]
    n_lines: int
    n_bytes: int


def names(path: Path, reading: Reading) -> list[str]:
    """The names of the columns of a CSV file."""
    return list(header_of(text_of(path, reading.encoding), {}).names)


def look(path: Path, mapping: Mapping[str, str], reading: Reading) -> Look:
    """Scan a CSV file."""
    before = Unchanged.now(path)
    found = scan(path, reading.encoding)
    if not found.filled or not _has_records(found.text):
        return Look(None, list)
    return Look(found.content, lambda: [part(found, mapping, before)])


def _has_records(text: Text) -> bool:
    """Whether anything but blank lines follows the first line."""
    with closing(text.blocks()) as blocks:
        first = next(blocks, b"")
        rest = first.replace(b"\r", b"\n").partition(b"\n")[2]
        return any(block and not block.isspace() for block in chain([rest], blocks))


def part(found: Scan, mapping: Mapping[str, str], before: Unchanged) -> Part:
    """A CSV file as a `Part`; its header names every column and decides the delimiter."""
    text = found.text
    header = header_of(text, mapping)
    check_names(header.names, f"`{text.path.name}`")
    check_mapped(mapping, header.names, f"`{text.path.name}`")
    notes = list(found.notes)

    def batches() -> Iterator[pa.Table]:
        yield from tables(text, header, mapping, notes)
        before.check()

    return Part(text.path.name, found.sha256, dict.fromkeys(mapping, pa.string()), batches, unit="line", notes=notes)


def header_of(text: Text, mapping: Mapping[str, str]) -> Header:
    """The header, under the delimiter that finds the most mapped columns in it."""
    with closing(text.blocks()) as blocks:
        first = next(blocks, b"")
    readings, broken = [], ""
    for delimiter in DELIMITERS:
        lines = list[str]()
        reader = csv.reader(map(partial(_kept, lines), lines_of(first)), delimiter=delimiter, strict=True)
        try:
            found = [name.strip() for name in next(reader, [])]
        except csv.Error as error:  # Quotes fit the right delimiter only.
            broken = str(error)
            continue
        header = Header(delimiter, found, len(lines), len("".join(lines).encode()))
        readings.append((len(set(mapping.values()) & set(found)), len(found), header))
    if not readings:
        raise DataError(
            f"{text.path.name}:1 is not a header: {broken}",
            needed="the names of the columns",
            do="repair it",
            code="RG108",
        )
    return max(readings, key=lambda r: r[:2])[2]


def _kept(lines: list[str], line: str) -> str:
    lines.append(line)
    return line


def tables(text: Text, header: Header, mapping: Mapping[str, str], notes: list[str]) -> Iterator[pa.Table]:
    """The records, a table a block: read by Arrow where that is proved to be the same, else one by one."""
    records = _Records(text.path.name, header, mapping)
    with closing(_blocks(text, header)) as blocks, closing(ahead(blocks, records.quick)) as ready:
        for block, result in ready:
            yield records.table(block, result.result(), (following for following, _ in ready))
    if records.careful.blank:
        notes.append(f"{records.careful.blank} blank lines in {text.path.name} were passed over")


class _Records:
    """The records of one file, block after block."""

    def __init__(self, file: str, header: Header, mapping: Mapping[str, str]) -> None:
        self.delimiter, self.width = header.delimiter, len(header.names)
        self.positions = {role: header.names.index(column) for role, column in mapping.items()}
        self.careful = CarefulReader(file, self.delimiter, self.width, self.positions)
        self.line = header.n_lines + 1

    def quick(self, block: bytes) -> pa.Table | None:
        """A block read by Arrow, or None; may be called in any thread."""
        return quick_table(block, self.delimiter, self.width, list(self.positions.values()))

    def table(self, block: bytes, quick: pa.Table | None, following: Iterator[bytes]) -> pa.Table:
        """A block, and of those that follow as much as belongs to its last record."""
        if quick is not None:
            return self._numbered(quick)
        # A bad line shall make slow no more than the lines around it.
        pieces = cut(block, _SMALL)
        return pa.concat_tables([self._small(piece, chain(pieces, following)) for piece in pieces])

    def _small(self, piece: bytes, following: Iterator[bytes]) -> pa.Table:
        quick = self.quick(piece)
        if quick is not None:
            return self._numbered(quick)
        table, n_lines = self.careful.read(piece, self.line, following)
        self.line += n_lines
        return table

    def _numbered(self, quick: pa.Table) -> pa.Table:
        table = with_lines(pa.table({r: quick.column(str(i)) for r, i in self.positions.items()}), self.line)
        self.line += table.num_rows
        return table


def _blocks(text: Text, header: Header) -> Generator[bytes, None, None]:
    """The blocks behind the header."""
    blocks = text.blocks()
    first = next(blocks, b"")[header.n_bytes :]
    if first:
        yield first
    yield from blocks


CSV = Kind("CSV", endings(".csv", ".tsv", ".txt"), look, names, ("encoding",), strays=endings(".tsv", ".txt"))
