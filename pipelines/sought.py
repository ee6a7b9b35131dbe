"""Whom one looks for in files, and where in a file they stand: every cell decoded, every byte looked at.

In: the ids of those who are to be forgotten, with their pseudonyms, and any file. Out: places, in words that name no
one. Cells of columns that hold customers, and whole texts of a page, are compared whole. An id that could be a number
or a product's code as well is looked for nowhere else; any other one, in all texts and in the bytes of the file as they
are.
"""

from __future__ import annotations

import csv
import gzip
import html
import io
import json
import re
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ..config import Config
from ..intake.privacy import cleaned_ids
from ..intake.sources.identifiers import quoted
from ..offers.harmless import as_it_was
from ..offers.workbook import cells_of_workbook

TELLING, TELLING_DIGITS = 8, 12
"""An id of so many characters, or of so many digits and nothing else, stands nowhere by chance."""

CUSTOMERS = ("customer_id", "referred_by")
"""The columns that hold ids of customers, wherever Regulars writes."""


@dataclass(frozen=True)
class Sought:
    """The ids that are looked for.

    Parameters
    ----------
    ids : frozenset of str
        As the intake keeps them, and their pseudonyms.
    source_columns : frozenset of str
        The columns of customers in the source, under whose names a quarantined line tells them.

    Examples
    --------
    >>> sought = Sought(frozenset({"12346", "ann-of-the-hill"}))
    >>> sought.telling, sought.stands_in("for ann-of-the-hill, 12346"), sought.stands_in("12346")
    (('ann-of-the-hill',), True, False)
    """

    ids: frozenset[str]
    source_columns: frozenset[str] = frozenset()

    @classmethod
    def of(cls, config: Config, ids: frozenset[str]) -> Sought:
        """With the columns that a configuration maps."""
        sections = [config.data.purchases, *(s for several in config.data.beside().values() for s in several)]
        mapped = [s.roles() for s in sections]
        return cls(ids, frozenset(roles[role] for roles in mapped for role in CUSTOMERS if role in roles))

    @cached_property
    def telling(self) -> tuple[str, ...]:
        """The ids that are looked for in every text, not in columns of customers alone."""
        return tuple(sorted(filter(self.is_telling, self.ids)))

    @staticmethod
    def is_telling(name: str) -> bool:
        """Whether an id is so long that it stands nowhere by chance."""
        return len(name) >= (TELLING_DIGITS if name.isdigit() else TELLING)

    @cached_property
    def shown(self) -> re.Pattern[str]:
        """The ids as the whole text of an element of a page."""
        return re.compile(r">\s*(?:" + "|".join(re.escape(html.escape(i)) for i in sorted(self.ids)) + r")\s*<")

    @cached_property
    def pattern(self) -> str:
        """A regular expression of the telling ids, as they are or as JSON and HTML write them; empty for none."""
        forms = {form for i in self.telling for form in (i, json.dumps(i)[1:-1], html.escape(i))}
        return "|".join(re.escape(form) for form in sorted(forms))

    def is_in_bytes(self, file: IO[bytes]) -> bool:
        """Whether a telling id stands in the bytes of a file."""
        wanted = re.compile(self.pattern.encode()) if self.pattern else None
        return wanted is not None and any(wanted.search(piece) for piece in _overlapping(file))

    def stands_in(self, text: str) -> bool:
        """Whether a telling id stands in a text."""
        return any(i in text or i in html.unescape(text) for i in self.telling)

    def is_cell(self, column: str, value: object) -> bool:
        """Whether a cell is about one of them: a whole cell of a customers' column, or a text with a telling id."""
        if column in CUSTOMERS and value is not None and (str(value) in self.ids or as_it_was(str(value)) in self.ids):
            return True
        return isinstance(value, str) and self.stands_in(value)

    def rows(self, table: pa.Table) -> pa.ChunkedArray:
        """For each row whether it is about one of them."""
        found = pa.chunked_array([pa.repeat(False, table.num_rows)])
        for name, column in zip(table.column_names, table.columns, strict=True):
            texts = _texts(column)
            if texts is None:
                continue
            if name in CUSTOMERS:
                found = pc.or_(found, pc.is_in(texts, pa.array(sorted(self.ids), pa.string())))
            if self.pattern:
                found = pc.or_(found, pc.fill_null(pc.match_substring_regex(texts, self.pattern), False))
        if {"reason", "text"} <= set(table.column_names):
            found = pc.or_(found, pa.chunked_array([self._quarantined(table.column("text").to_pylist())]))
        return found

    def _quarantined(self, lines: list[str | None]) -> pa.Array:
        """For each line in quarantine, kept as JSON, whether it is theirs under the names of the source."""
        told = [json.loads(line) if line is not None else {} for line in lines]
        cells = [str(fields[c]) for fields in told for c in self.source_columns if fields.get(c) is not None]
        theirs = {cell for cell, clean in zip(cells, cleaned_ids(cells), strict=True) if clean in self.ids}
        return pa.array([any(str(fields.get(c)) in theirs for c in self.source_columns) for fields in told], pa.bool_())


def _texts(column: pa.ChunkedArray) -> pa.ChunkedArray | None:
    """A column as text where it holds texts or whole numbers, such as ids that were cast."""
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_integer(kind):
        return column.cast(kind).cast(pa.string())
    return None


def leaves(content: object, key: str = "") -> Iterator[tuple[str, object]]:
    """Every value of JSON, its own keys among them, with the key under which it stands."""
    if isinstance(content, Mapping):
        for name, value in content.items():
            yield "", name
            yield from leaves(value, str(name))
    elif isinstance(content, list | tuple):
        for value in content:
            yield from leaves(value, key)
    else:
        yield key, content


def places_in(path: Path, sought: Sought) -> list[str]:
    """Where in a file those who are sought stand; nowhere in a file that is gone.

    Raises
    ------
    OSError, ValueError
        A file that cannot be read, or decoded as what its name says.
    """
    if not path.is_file():
        return []
    with path.open("rb") as file:
        found = list(_places(path.name, file, path, sought))
    with path.open("rb") as file:
        if sought.is_in_bytes(file):
            found.append("its bytes")
    return [f"{path}: {place}" for place in dict.fromkeys(found)]


def _overlapping(file: IO[bytes], size: int = 1 << 24, overlap: int = 1 << 12) -> Iterator[bytes]:
    """The bytes of a file in pieces, each with the end of the one before it."""
    before = b""
    while piece := file.read(size):
        yield before + piece
        before = piece[-overlap:]


def _places(name: str, file: IO[bytes], path: Path, sought: Sought) -> Iterator[str]:
    lower = name.lower()
    if lower.endswith(".gz"):
        with gzip.open(file) as inner:
            yield from _places(name[:-3], io.BytesIO(inner.read()), path, sought)
        return
    reader = next((read for ends, read in _READERS.items() if lower.endswith(ends)), _bytes_places)
    yield from reader(file, path, sought)


def _parquet_places(file: IO[bytes], _: Path, sought: Sought) -> Iterator[str]:
    source = pq.ParquetFile(file)
    texts = [f.name for f in source.schema_arrow if pa.types.is_string(f.type) or pa.types.is_large_string(f.type)]
    coded = pq.ParquetFile(file, read_dictionary=texts)
    for i in range(source.num_row_groups):
        table = coded.read_row_group(i)
        for chunk, name in ((c, n) for n in table.column_names for c in table.column(n).chunks):
            # A dictionary may hold what no row says any more.
            if pa.types.is_dictionary(chunk.type) and pc.any(_told(chunk.dictionary, name, sought)).as_py():
                yield f"column `{name}`"
        if pc.any(sought.rows(table)).as_py():
            yield f"rows of group {i}"


def _told(values: pa.Array, name: str, sought: Sought) -> pa.ChunkedArray:
    return sought.rows(pa.table({name: values}))


def _csv_places(file: IO[bytes], _: Path, sought: Sought) -> Iterator[str]:
    text = io.TextIOWrapper(file, encoding="utf-8", errors="replace", newline="")
    rows = csv.reader(text)
    header = next(rows, [])
    for row in rows:
        if any(sought.is_cell(name, cell) for name, cell in zip(header, row, strict=False)):
            yield f"line {rows.line_num}"
    text.detach()  # The file is someone else's to close.


def _json_places(file: IO[bytes], _: Path, sought: Sought) -> Iterator[str]:
    text = file.read().decode()
    for number, line in enumerate(text.splitlines() if _is_lines(text) else [text], start=1):
        if any(sought.is_cell(key, value) for key, value in leaves(json.loads(line))):
            yield f"value {number}"


def _is_lines(text: str) -> bool:
    """Whether a text holds JSON line by line."""
    try:
        json.loads(text)
    except ValueError:
        return True
    return False


def _text_places(file: IO[bytes], _: Path, sought: Sought) -> Iterator[str]:
    for number, line in enumerate(file.read().decode("utf-8", "replace").splitlines(), start=1):
        if sought.stands_in(line):
            yield f"line {number}"


def _page_places(file: IO[bytes], path: Path, sought: Sought) -> Iterator[str]:
    """A page of ours shows an id as the whole text of an element, however short the id is."""
    text = file.read().decode("utf-8", "replace")
    if sought.ids and sought.shown.search(text):
        yield "a text of the page"
    yield from _text_places(io.BytesIO(text.encode()), path, sought)


def _array_places(file: IO[bytes], _: Path, sought: Sought) -> Iterator[str]:
    values = np.load(file, allow_pickle=False)
    if values.dtype.kind in "US" and any(str(v) in sought.ids or sought.stands_in(str(v)) for v in values.ravel()):
        yield "its values"


def _database_places(_: IO[bytes], path: Path, sought: Sought) -> Iterator[str]:
    for table, column, _rowid, value in cells_of(path):
        if sought.is_cell(column, value):
            yield f"table `{table}`, column `{column}`"


def cells_of(path: Path) -> Iterator[tuple[str, str, int, Any]]:
    """Every text of an SQLite file: table, column, row, value."""
    with closing(sqlite3.connect(path.as_uri() + "?mode=ro", uri=True)) as db:
        tables = [t for (t,) in db.execute("select name from sqlite_master where type = 'table'").fetchall()]
        for table in tables:
            columns = [c for (c,) in db.execute("select name from pragma_table_info(?)", [table]).fetchall()]
            for row in db.execute(f"select rowid, * from {quoted(table)}"):
                for column, value in zip(columns, row[1:], strict=True):
                    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
                    if isinstance(text, str) or column in CUSTOMERS:
                        yield table, column, row[0], text


def _workbook_places(file: IO[bytes], _: Path, sought: Sought) -> Iterator[str]:
    """A list for a channel: other workbooks are not ours."""
    rows = cells_of_workbook(file)
    header = next(rows, [])
    for number, row in enumerate(rows, start=2):
        if any(sought.is_cell(name, cell) for name, cell in zip(header, row, strict=False)):
            yield f"row {number}"


def _bytes_places(_: IO[bytes], __: Path, ___: Sought) -> Iterator[str]:
    yield from ()


_READERS: dict[tuple[str, ...], Callable[[IO[bytes], Path, Sought], Iterator[str]]] = {
    (".parquet", ".pq"): _parquet_places,
    (".csv", ".tsv"): _csv_places,
    (".json", ".jsonl"): _json_places,
    (".html", ".svg"): _page_places,
    (".txt", ".md", ".toml", ".yaml", ".yml", ".py"): _text_places,
    (".npy",): _array_places,
    (".db", ".sqlite"): _database_places,
    (".xlsx",): _workbook_places,
}
