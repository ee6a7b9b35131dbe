"""A hash of 64 bits for every line, and one of any number of lines that knows no order.

In: canonical tables. Out: per line two independent hashes of its values; added up modulo 2^64 they make the fingerprint
of a set of lines in which lines may stand several times (Clarke et al. 2003, MSet-Add-Hash), so that two parts' sums
are the whole's. Missing values have a mark of their own. No secret is in it: it finds differences, not forgers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from .shards import one_array

Words = NDArray[np.uint64]
Int32 = NDArray[np.int32]
LANES = 2
_PIECE = 15_000
_CUT = np.array([(1 << (8 * n)) - 1 for n in range(8)] + [(1 << 64) - 1], np.uint64)
"""Masks that keep the first n bytes of a little-endian word."""


@lru_cache(maxsize=4096)
def _odd(*what: object) -> np.uint64:
    """An odd constant that depends on nothing but its name."""
    digest = hashlib.blake2b(repr(what).encode(), digest_size=8).digest()
    return np.uint64(int.from_bytes(digest, "little") | 1)


def _mixed(words: Words) -> Words:
    """Every bit of a word in every bit of the result (the finaliser of SplitMix64), in place."""
    words ^= words >> np.uint64(30)
    words *= np.uint64(0xBF58476D1CE4E5B9)
    words ^= words >> np.uint64(27)
    words *= np.uint64(0x94D049BB133111EB)
    words ^= words >> np.uint64(31)
    return words


def line_hashes(table: pa.Table) -> tuple[Words, ...]:
    """For each lane the hash of every line: its values times constants of the columns' names, added up and mixed.

    Examples
    --------
    >>> a, b = (line_hashes(pa.table({"x": [v]}))[0][0] for v in ("a", "b"))
    >>> bool(a == b)
    False
    """
    sums = tuple(np.full(table.num_rows, _odd("line", lane), np.uint64) for lane in range(LANES))
    for name in table.column_names:
        words = value_words(one_array(table.column(name)))
        for lane, total in enumerate(sums):
            total += words * _odd(name, lane)
    return tuple(_mixed(total) for total in sums)


def value_words(array: pa.Array) -> Words:
    """A word for every value: texts hashed, numbers and instants as they are, missing values alike."""
    words = _texts(array) if pa.types.is_string(array.type) else _integers(array)
    if not array.null_count:
        return words
    return np.where(array.is_null().to_numpy(zero_copy_only=False), _odd("missing"), words)


def _integers(array: pa.Array) -> Words:
    """Decimals as integers of 1/10,000 and instants as microseconds."""
    width = 2 if pa.types.is_decimal(array.type) else 1
    buffer = array.buffers()[1]
    if buffer is None:
        return np.zeros(len(array), np.uint64)
    return np.frombuffer(buffer, np.uint64)[width * array.offset : width * (array.offset + len(array)) : width]


def _texts(array: pa.Array) -> Words:
    """Texts eight bytes at a time, all of them together; the length is in it."""
    filled = pc.fill_null(array, "") if array.null_count else array
    _, offsets, data = filled.buffers()
    bounds = np.frombuffer(offsets, np.int32)[filled.offset : filled.offset + len(filled) + 1]
    sizes = np.diff(bounds)
    total = sizes.astype(np.uint64)
    total *= _odd("length")
    if data is None or not len(sizes) or bounds[0] == bounds[-1]:
        return _mixed(total)
    padded = np.concatenate([np.frombuffer(data, np.uint8)[bounds[0] : bounds[-1]], np.zeros(8, np.uint8)])
    if int(sizes.min()) == int(sizes.max()):
        _add_even(total, padded, int(sizes[0]))
    else:
        _add_uneven(total, padded, bounds[:-1] - bounds[0], sizes)
    return _mixed(total)


def _add_even(total: Words, text: NDArray[np.uint8], size: int) -> None:
    """Add the words of texts of one size, which stand in the buffer at even distances."""
    for done in range(0, size, 8):
        words = np.ndarray((len(total),), "<u8", text, done, (size,)) & _CUT[min(size - done, 8)]
        words *= _odd("text", done)
        total += words


def _add_uneven(total: Words, text: NDArray[np.uint8], starts: Int32, sizes: Int32) -> None:
    """Add the words of texts of any size."""
    every = np.ndarray((len(text) - 7,), "<u8", text, strides=(1,))
    where = np.arange(len(sizes))
    for done in range(0, int(sizes.max()), 8):
        if int(sizes.min()) <= done:
            going = np.flatnonzero(sizes > done)
            where, starts, sizes = where[going], starts[going], sizes[going]
        words = every[starts + done]
        words &= _CUT[np.minimum(sizes - done, 8)]
        words *= _odd("text", done)
        total[where] += words


def order_words(block: pa.Table) -> Words:
    """A word for the order of each customer's line; lines that follow each other in one order give it once."""
    customer, order = (value_words(one_array(block.column(c))) for c in ("customer_id", "order_id"))
    return _without_repeats(_mixed(customer * _odd("customer") + order * _odd("order")))


def ascending(words: Sequence[Words]) -> Words:
    """All words in ascending order, each once.

    Examples
    --------
    >>> ascending([np.array([3, 1], np.uint64), np.array([3], np.uint64)])
    array([1, 3], dtype=uint64)
    """
    return _without_repeats(np.sort(np.concatenate([np.zeros(0, np.uint64), *words])))


def _without_repeats(words: Words) -> Words:
    new = np.ones(len(words), bool)
    np.not_equal(words[1:], words[:-1], out=new[1:])
    return words[new]


class Fingerprint:
    """A hash of lines in no order, to which lines and other such hashes can be added.

    Examples
    --------
    >>> one, two = Fingerprint(), Fingerprint()
    >>> one.add(pa.table({"x": ["a", "b"]}))
    >>> two.add(pa.table({"x": ["b"]})), two.add(pa.table({"x": ["a"]}))
    (None, None)
    >>> one.text("UTC") == two.text("UTC")
    True
    """

    def __init__(self, sums: Sequence[int] = (0,) * LANES, lines: int = 0) -> None:
        self.sums, self.lines = tuple(sums), lines

    def add(self, block: pa.Table) -> None:
        """Take in the lines of one block."""
        # Pieces so small that their arrays are given out again: fresh memory costs more than the arithmetic.
        for first in range(0, block.num_rows, _PIECE):
            found = line_hashes(block.slice(first, _PIECE))
            self.sums = tuple((s + int(w.sum(dtype=np.uint64))) % 2**64 for s, w in zip(self.sums, found, strict=True))
        self.lines += block.num_rows

    def plus(self, other: Fingerprint) -> Fingerprint:
        """The hash of both together."""
        sums = ((a + b) % 2**64 for a, b in zip(self.sums, other.sums, strict=True))
        return Fingerprint(tuple(sums), self.lines + other.lines)

    def text(self, *facts: str) -> str:
        """The hash as 64 hexadecimal digits, with further facts in it."""
        whole = "\0".join((str(self.lines), *map(str, self.sums), *facts))
        return hashlib.sha256(whole.encode()).hexdigest()
