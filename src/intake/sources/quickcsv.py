"""A block of CSV lines, read by Arrow where it is proved to read them as the careful reader does.

In: a block of whole lines that begins with a record. Out: its columns of text, one row a line; or nothing, when a line
may be blank, ragged or longer than the careful reader takes, when a record may span lines, or when a quote, NUL byte or
carriage return stands where readers differ. Empty fields are empty texts.
"""

from __future__ import annotations

import codecs
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.csv
from numpy.typing import NDArray

from .encodings import n_feeds

_WINDOW = 1 << 16
"""Where every such stretch holds a line end, no field reaches the limit of Python's reader, which is twice that."""

_FEED, _RETURN, _QUOTE = b'\n\r"'


def quick_table(block: bytes, delimiter: str, width: int, positions: Sequence[int]) -> pa.Table | None:
    """The columns at `positions` (named ``0``, ``1``, ... by their position), or None where that is not proved.

    Examples
    --------
    >>> quick_table(b'a,"1,5"\\nb,\\n', ",", 2, [1]).to_pydict()
    {'1': ['1,5', '']}
    >>> quick_table(b'a,1\\nb\\n', ",", 2, [1]) is None
    True
    """
    lines = _lines(block)
    quotes = _quotes(block, ord(delimiter)) if lines else None
    if lines is None or quotes is None:
        return None
    wanted = [str(i) for i in dict.fromkeys(positions)]
    try:
        table = pa.csv.read_csv(
            pa.BufferReader(block),
            pa.csv.ReadOptions(
                use_threads=False, block_size=len(block) + 1, column_names=[str(i) for i in range(width)]
            ),
            pa.csv.ParseOptions(delimiter=delimiter, quote_char='"' if quotes else False, double_quote=quotes),
            pa.csv.ConvertOptions(
                column_types=dict.fromkeys(wanted, pa.string()),
                include_columns=wanted,
                strings_can_be_null=False,
                check_utf8=False,
            ),
        )
    except pa.ArrowInvalid:
        return None
    # Arrow passes over blank lines: with one among them, the rows are fewer.
    return table if table.num_rows == lines else None


def _lines(block: bytes) -> int | None:
    """The number of lines, if they all end with a line feed and none is too long."""
    if not block or b"\0" in block or block.startswith(codecs.BOM_UTF8):
        return None
    if b"\r" in block and block.count(b"\r") != block.count(b"\r\n"):
        return None
    if any(block.find(b"\n", i, i + _WINDOW) < 0 for i in range(0, len(block) - _WINDOW + 1, _WINDOW)):
        return None
    return n_feeds(block) + (not block.endswith(b"\n"))


def _quotes(block: bytes, delimiter: int) -> bool | None:
    """Whether quotes have a meaning; None where they stand in other than whole fields, or around a line end."""
    if b'"' not in block:
        return False
    text = np.frombuffer(b"\n" + block + b"\n", np.uint8)
    places = np.flatnonzero(text == _QUOTE)
    begins = _is_any(text[places - 1], delimiter, _FEED)
    if not begins.any():
        return False  # None begins a field, so all of them are letters like any other.
    if len(places) % 2:
        return None
    opening, closing = places[::2], places[1::2]
    # A quote that is written twice closes, and opens again at once.
    fine = begins[::2] | (text[opening - 1] == _QUOTE)
    fine &= _is_any(text[closing + 1], delimiter, _FEED, _RETURN, _QUOTE)
    feeds = np.flatnonzero(text == _FEED)
    return True if fine.all() and not (np.searchsorted(places, feeds) % 2).any() else None


def _is_any(values: NDArray[np.uint8], *wanted: int) -> NDArray[np.bool_]:
    found = np.zeros(len(values), np.bool_)
    for one in wanted:
        found |= values == one
    return found
