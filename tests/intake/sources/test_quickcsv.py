"""The fast way to read CSV gives what the careful one gives, or nothing."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from regulars.errors import DataError
from regulars.intake.sources import csvfile, packed
from regulars.intake.sources.kinds import Reading
from regulars.intake.sources.quickcsv import quick_table

MAPPING = {"second": "y", "first": "x"}
PIECES = (
    *("a,b\n", "c,\n", ",\n", 'd,"e"\n', '"f,g",h\n', '"i""j",k\r\n', "l,é\n", '5" pipe,m\n', "n,o\r\n"),
    *("\n", "\r\n", "\r", '"', '""', ",", "p", " ", "\ufeff", "\0", "q,r,s\n", "t\n", '"u\nv",w\n', '"x"y,z\n'),
)
PLAIN = 9
"""So many of the pieces are whole lines without a fault."""

dirty = st.lists(st.one_of(st.sampled_from(PIECES[:PLAIN]), st.sampled_from(PIECES)), max_size=25).map("".join)


def _read(text: str, piece: int, quick: bool) -> tuple[list[dict[str, Any]] | str, list[str], int]:
    """All rows, or the error; the notes; and how many blocks were read quickly."""
    found = 0

    def tried(block: bytes, delimiter: str, width: int, positions: Sequence[int]) -> pa.Table | None:
        nonlocal found
        table = quick_table(block, delimiter, width, positions) if quick else None
        found += table is not None
        return table

    with TemporaryDirectory() as folder:
        file = Path(folder) / "a.csv"
        file.write_bytes(f"x,y\n{text}".encode())
        with (
            patch.object(packed, "PIECE", piece),
            patch.object(csvfile, "_SMALL", 10),
            patch.object(csvfile, "quick_table", tried),
        ):
            try:
                look = csvfile.look(file, MAPPING, Reading())
                (part,) = look.parts() if look.content else (None,)
                rows = [row for table in part.batches() for row in table.to_pylist()] if part else []
                return rows, part.notes if part else [], found
            except DataError as error:
                return str(error), [], found


# Pieces smaller than the longest mark would hide it.
@settings(max_examples=5 * settings().max_examples)
@given(text=dirty, piece=st.sampled_from([4, 5, 8, 13, 40, 4_000]))
@example(text="a,b\n\ufeffc,d\n", piece=8)
@example(text='a,"b\n' * 3 + 'c",d\n', piece=13)
@example(text="a,b\n" * 4 + 'c"",d\n', piece=8)
@example(text='"a"",b\n"",c\n', piece=4_000)
@example(text="a,b\r\rc,d\n", piece=5)
@example(text='"a\n\0b",c\nd,e\n', piece=5)
@example(text="\0", piece=4)
def test_dirty_text_is_read_alike_both_ways(text: str, piece: int) -> None:
    rows, notes, _ = _read(text, piece, quick=True)
    assert (rows, notes) == _read(text, 4_000, quick=False)[:2]
    if isinstance(rows, list):
        assert [(r["first"], r["second"]) for r in rows if r["fault"] is None] == _expected(text)


def _expected(text: str) -> list[tuple[str, str]]:
    """The records of the right width, by nothing but Python's reader; a line with a quote out of place is none."""
    # Where every line ends with a carriage return alone the header does not, so that there is nothing to translate.
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    found = []
    while True:
        try:
            for row in reader:
                if len(row) == 2 and "\0" not in "".join(row):
                    found.append((row[0], row[1]))
            return found
        except csv.Error:
            continue


CLEAN = "".join(f'c{i},"{i},5"\n' for i in range(500))


def test_clean_text_is_read_the_fast_way_and_a_bad_line_makes_slow_only_those_around_it() -> None:
    # 500 lines of 9 to 13 bytes in pieces of 500 bytes: about a dozen blocks. That of the bad line is read in pieces
    # of two lines, of which all but one are read quickly.
    rows, _, clean = _read(CLEAN, 500, quick=True)
    broken, _, with_pieces = _read(CLEAN.replace('c250,"250,5"', "c250"), 500, quick=True)
    assert clean > 10
    assert with_pieces > clean + 10
    assert isinstance(rows, list)
    assert isinstance(broken, list)
    assert rows[250] == {"second": "250,5", "first": "c250", "line": 252, "fault": None, "raw": None}
    assert broken[250]["fault"] == "has 1 fields where the header has 2"
    assert broken[:250] + broken[251:] == rows[:250] + rows[251:]


def test_a_field_longer_than_the_careful_reader_takes_is_left_to_it() -> None:
    short, long = b"a,b\n" * 20_000 + b"c" * 60_000 + b",d\n", b"a,b\n" * 20_000 + b"c" * 140_000 + b",d\n"
    assert quick_table(short, ",", 2, [0]) is not None
    assert quick_table(long, ",", 2, [0]) is None


@pytest.mark.parametrize("width", [1, 2])
def test_blank_lines_are_left_to_the_careful_reader(width: int) -> None:
    line = b",".join([b"a"] * width) + b"\n"
    assert quick_table(line * 3, ",", width, [0]) is not None
    assert quick_table(line + b"\n" + line, ",", width, [0]) is None


def test_a_column_that_is_mapped_twice_is_read_once() -> None:
    table = quick_table(b"a,b\n", ",", 2, [1, 1])
    assert table is not None
    assert table.to_pydict() == {"1": ["b"]}
