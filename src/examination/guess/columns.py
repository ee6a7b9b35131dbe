"""What the columns of a sample hold: how often filled, how many different values, times, numbers, addresses, signs.

In: an Arrow table of any types. Out: one `Column` a column, whose shares are of the filled lines. Empty texts and nulls
count as missing; a column of a type that no role can take (lists, blobs) is of kind `other` and holds nothing.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ...config import EngineConfig
from ...errors import DataError
from ...intake.casts import plain_sql
from ...intake.dates import EITHER, FORMATS
from ...intake.marks import Marks, bare_numbers
from ...intake.notation import OTHER, Notation, Signs, seen_texts
from ...intake.sources.parts import Places
from ...intake.staging import Connection, fetched, working_database

NUMBER, TEXT, TIME, OTHER_KIND = "number", "text", "time", "other"
_LISTED = 60


@dataclass(frozen=True)
class Column:
    """What a column of the sample holds.

    Parameters
    ----------
    name : str
    kind : {"text", "number", "time", "other"}
        What the source says it is.
    rows, filled, distinct : int
        Lines, lines with a value, different values.
    samples : tuple of str
        Up to three values.
    top : float
        Share of the most frequent value.
    formats : mapping of str to float
        The share of the values that are written in each format of a time.
    years : tuple of int or None
        The first and last year of four digits at the edge of a text, as in 1403/02/15.
    numeric, whole, negative, positive : float
        Share of the values that are numbers; and of the numbers those without a fraction, below and above zero.
    low, high : float
        The least and the greatest number.
    decimal : str or None
        The decimal sign that the texts prove; None where they are ambiguous.
    unclear : str
        A number that can be read in two ways, if there is one and no other tells.
    currency : str
        The code of the sign that stands beside its numbers; a dollar is taken for that of the United States.
    emails, codes, letters : float
        Share of e-mail addresses, of words of three capitals, and of values that hold a letter.
    listed : tuple of (str, int)
        All values with their counts, when they are few.
    keys, values : array
        A number for each value (-1: missing), and the numbers themselves (NaN: none), line by line.
    words : pyarrow.Array
        The different values; a key is a place in it.
    """

    name: str
    kind: str
    rows: int
    filled: int = 0
    distinct: int = 0
    samples: tuple[str, ...] = ()
    top: float = 0.0
    formats: Mapping[str, float] = field(default_factory=dict)
    years: tuple[int, int] | None = None
    numeric: float = 0.0
    whole: float = 0.0
    negative: float = 0.0
    positive: float = 0.0
    low: float = 0.0
    high: float = 0.0
    decimal: str | None = "."
    unclear: str = ""
    currency: str = ""
    emails: float = 0.0
    codes: float = 0.0
    letters: float = 0.0
    listed: tuple[tuple[str, int], ...] = ()
    keys: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64), repr=False, compare=False)
    values: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0), repr=False, compare=False)
    words: pa.Array = field(default_factory=lambda: pa.array([], pa.string()), repr=False, compare=False)

    @property
    def share_filled(self) -> float:
        """The share of the lines that have a value."""
        return self.filled / self.rows if self.rows else 0.0

    @property
    def unique(self) -> bool:
        """Whether no value stands twice."""
        return self.distinct == self.filled > 1

    @property
    def constant(self) -> bool:
        """Whether all lines that have a value have the same."""
        return self.filled > 0 and self.distinct == 1

    @property
    def format(self) -> str:
        """The format in which nine in ten of the values are times; nothing where there is none."""
        best = max(self.formats, key=lambda name: self.formats[name], default="")
        return best if best and self.formats[best] >= 0.9 else ""


def columns_of(table: pa.Table) -> list[Column]:
    """What each column of a table holds.

    Examples
    --------
    >>> (column,) = columns_of(pa.table({"when": ["31/12/2024", "01/02/2024", ""]}))
    >>> column.filled, column.format, column.letters
    (2, 'a/b/YYYY', 0.0)
    """
    coded = [_coded(column) for column in table.columns]
    with tempfile.TemporaryDirectory(prefix="regulars-") as spill, working_database(EngineConfig(), Path(spill)) as con:
        told = _told(con, coded)
        pairs = enumerate(zip(table.column_names, table.columns, coded, strict=True))
        return [_column(con, i, name, column, words, told.get(i, {})) for i, (name, column, words) in pairs]


def kind_of(kind: pa.DataType) -> str:
    """What an Arrow type is to the guess.

    Examples
    --------
    >>> kind_of(pa.int64()), kind_of(pa.timestamp("us")), kind_of(pa.list_(pa.int8()))
    ('number', 'time', 'other')
    """
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return NUMBER
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return TIME
    texts = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view, pa.types.is_null)
    return TEXT if any(is_text(kind) for is_text in texts) or pa.types.is_boolean(kind) else OTHER_KIND


def texts_of(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column as text; whole floats without their ``.0``, whole seconds without their fraction."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_floating(column.type):
        column = pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)
        return pc.replace_substring_regex(column.cast(pa.string()), r"\.0$", "")
    if pa.types.is_timestamp(column.type):
        return pc.replace_substring_regex(column.cast(pa.string()), r"\.0+(Z?)$", r"\1")
    return column.cast(pa.string())


def _coded(column: pa.ChunkedArray) -> pa.DictionaryArray:
    """A column as keys of its different texts; empty texts are missing."""
    if kind_of(column.type) == OTHER_KIND:
        column = pa.chunked_array([pa.nulls(len(column), pa.string())])
    texts = pc.utf8_trim_whitespace(texts_of(column))
    filled = pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts)
    return pa.concat_arrays(filled.chunks or [pa.array([], pa.string())]).dictionary_encode()


def _told(con: Connection, coded: list[pa.DictionaryArray]) -> dict[int, dict[str, Any]]:
    """What the texts of all columns tell of times, addresses, codes and digits, by the number of the column."""
    con.execute("CREATE TABLE told (c INTEGER, v VARCHAR, n BIGINT, first BIGINT, p VARCHAR)")
    for i, words in enumerate(coded):
        counts = np.bincount(_keys(words) + 1, minlength=len(words.dictionary) + 1)[1:]
        con.register("words", pa.table({"v": words.dictionary, "n": counts, "first": np.arange(len(counts))}))
        con.execute(f"INSERT INTO told SELECT {i}, v, n, first, {plain_sql('v')} FROM words")
        con.unregister("words")
    shapes = {name: f"regexp_full_match(p, '{pattern}')" for name, pattern in FORMATS.items()}
    others = {
        "emails": r"regexp_full_match(p, '[^@\s]+@[^@\s]+[.][^@\s]+')",
        "codes": "regexp_full_match(p, '[A-Z]{3}')",
        "letters": r"regexp_matches(p, '\p{L}')",
        "digits": "regexp_matches(p, '[0-9]')",
    }
    shares = ", ".join(f"coalesce(sum(n) FILTER ({c}), 0) / sum(n)" for c in (*shapes.values(), *others.values()))
    year = r"TRY_CAST(regexp_extract(p, '^(\d{4})[-/.]\d', 1) AS INTEGER)"
    found = {}
    for i, low, high, *row in fetched(con, f"SELECT c, min({year}), max({year}), {shares} FROM told GROUP BY c"):
        formats = {name: share for name, share in zip(shapes, row, strict=False) if share}
        found[i] = {"formats": formats, **dict(zip(others, row[len(shapes) :], strict=True))}
        found[i]["years"] = None if low is None else (low, high)
    return found


def _keys(coded: pa.DictionaryArray) -> NDArray[np.int64]:
    keys: NDArray[np.int64] = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    return keys


def _column(
    con: Connection, i: int, name: str, column: pa.ChunkedArray, coded: pa.DictionaryArray, told: dict[str, Any]
) -> Column:
    kind, keys, words = kind_of(column.type), _keys(coded), coded.dictionary
    numbers: dict[str, Any] = {"values": np.full(len(keys), np.nan)}
    if not len(words):
        return Column(name, kind, len(column), keys=keys, **numbers)
    counts = np.bincount(keys[keys >= 0], minlength=len(words))
    order, filled = np.argsort(-counts, kind="stable"), int(counts.sum())
    if kind == TIME:
        told = {"formats": {"times": 1.0}}
    elif kind == NUMBER or told["digits"] >= 0.5:
        numbers = _numbers(con, i, filled, kind, keys)
    return Column(
        name,
        kind,
        len(column),
        filled=filled,
        distinct=len(words),
        samples=tuple(words[place].as_py() for place in dict.fromkeys((0, len(words) // 2, len(words) - 1))),
        top=float(counts.max() / filled),
        listed=tuple((words[int(at)].as_py(), int(counts[at])) for at in order) if len(words) <= _LISTED else (),
        keys=keys,
        words=words,
        **{key: value for key, value in told.items() if key != "digits"},
        **numbers,
    )


def _numbers(con: Connection, i: int, filled: int, kind: str, keys: NDArray[np.int64]) -> dict[str, Any]:
    """What the texts tell as numbers, their currency signs and accounting brackets off."""
    con.execute(
        "CREATE OR REPLACE TABLE found AS SELECT v, n, first, p, "
        f"{'true' if kind == NUMBER else 'false'} AS native FROM told WHERE c = {i}"
    )
    # Several signs, or percentages, are for the intake to refuse; the numbers of `found` are bare all the same.
    marks = Marks()
    with suppress(DataError):
        marks = bare_numbers(con, "", Places(("",), ("row",)))
    rows = seen_texts(con)
    decimal = Signs.of(rows).decimal(None)
    unclear = next((r.value for r in rows if r.kind.startswith("either")), "") if decimal is None else ""
    mark = decimal or "."
    pattern, groups = Notation(mark).pattern(), OTHER[mark]
    number = (
        "TRY_CAST(v AS DOUBLE)"
        if kind == NUMBER
        else "CASE WHEN regexp_full_match(p, $1) THEN "
        f"TRY_CAST(replace(translate(p, '{groups} ''', ''), '{mark}', '.') AS DOUBLE) END"
    )
    query = f"SELECT {number} AS x, n FROM found ORDER BY first"
    out = con.sql(query, params=None if kind == NUMBER else [pattern]).to_arrow_table()
    x = out.column("x").to_numpy().astype(np.float64)
    n, finite = out.column("n").to_numpy(), np.isfinite(x)
    count = int(n[finite].sum())
    values = np.append(x, np.nan)[keys]
    if not count:
        return {"values": values}

    def share(where: NDArray[np.bool_]) -> float:
        return float(n[finite & where].sum() / count)

    return {
        "values": values,
        "numeric": count / filled,
        "whole": share(np.floor(x) == x),
        "negative": share(x < 0),
        "positive": share(x > 0),
        "low": float(x[finite].min()),
        "high": float(x[finite].max()),
        "decimal": decimal,
        "unclear": unclear,
        "currency": marks.currency or ("USD" if marks.signs and marks.signs[0].startswith("$") else ""),
    }


def order_of(column: Column, texts: pa.ChunkedArray) -> tuple[str, str]:
    """What texts with two small numbers and a year prove: ``day first``, ``month first``, ``both`` or nothing.

    Parameters
    ----------
    column : Column
    texts : pyarrow.ChunkedArray
        More of its texts than the column was looked at with.

    Returns
    -------
    tuple of str
        The order, and a text that proves it.

    Examples
    --------
    >>> table = pa.table({"when": ["03/04/2024", "25/12/2024"]})
    >>> order_of(columns_of(table)[0], table.column(0))
    ('day first', '25/12/2024')
    """
    if column.format not in EITHER:
        return "", ""
    sign = f"[{EITHER[column.format]}]"
    unique = pc.unique(texts)
    pieces = pc.extract_regex(unique, f"^\\s*(?P<a>[0-9]{{1,2}}){sign}(?P<b>[0-9]{{1,2}}){sign}")
    proofs = {}
    for name, order in (("a", "day first"), ("b", "month first")):
        above = pc.greater(pc.struct_field(pieces, name).cast(pa.int8()), 12)
        shown = unique.filter(above)
        if len(shown):
            proofs[order] = str(shown[0])
    if len(proofs) == 2:
        return "both", "; ".join(proofs.values())
    return next(iter(proofs.items()), ("", ""))
