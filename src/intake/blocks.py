"""Blocks of whole customers, and the fingerprint of a sorted ledger.

In: sorted tables, in whatever pieces they arrive. Out: blocks that are cut by the data alone, so that files and hashes
do not depend on the pieces; and a SHA-256 over values, not over buffers. Missing values have marks of their own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

LINES = 30_000
_MISSING = np.iinfo(np.int64).min


def customer_blocks(tables: Iterable[pa.Table], lines: int = LINES) -> Iterator[pa.Table]:
    """Consecutive blocks of whole customers: each the shortest with at least `lines` lines; the last may be shorter.

    Examples
    --------
    >>> table = pa.table({"customer_id": ["a", "a", "b", "c"]})
    >>> [b.num_rows for b in customer_blocks([table.slice(0, 1), table.slice(1)], 1)]
    [2, 1, 1]
    """
    pieces: list[pa.Table] = []
    for table in tables:
        waiting = pa.concat_tables([*pieces, table])
        while (cut := _cut(waiting, lines)) is not None:
            yield waiting.slice(0, cut)
            waiting = waiting.slice(cut)
        pieces = [waiting]
    if pieces and pieces[0].num_rows:
        yield pieces[0]


def _cut(table: pa.Table, lines: int) -> int | None:
    """The first boundary between customers at or after so many lines."""
    if table.num_rows <= lines:
        return None
    customers = table.column("customer_id").slice(max(lines, 1) - 1).combine_chunks()
    change = pc.not_equal(customers.slice(1), customers.slice(0, len(customers) - 1))
    at = pc.index(change, True).as_py()
    return None if at < 0 else max(lines, 1) + at


class Fingerprint:
    """A hash of the values of sorted blocks, column by column."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()

    def add(self, block: pa.Table) -> None:
        """Take in one block."""
        self._digest.update(f"{block.num_rows}".encode())
        for name in block.column_names:
            self._digest.update(name.encode())
            for piece in _canonical(block.column(name)):
                self._digest.update(piece)

    def text(self, *facts: str) -> str:
        """The hash, with further facts in it."""
        whole = self._digest.copy()
        for fact in facts:
            whole.update(fact.encode() + b"\0")
        return whole.hexdigest()


def _canonical(column: pa.ChunkedArray) -> Iterator[bytes | memoryview]:
    whole = column.combine_chunks()
    array = whole.combine_chunks() if isinstance(whole, pa.ChunkedArray) else whole
    if pa.types.is_string(array.type):
        lengths = pc.fill_null(pc.binary_length(array).cast(pa.int32()), -1)
        yield np.asarray(lengths.to_numpy(zero_copy_only=False), dtype="<i4").tobytes()
        filled = pc.fill_null(array, "") if array.null_count else array
        _, offsets, data = filled.buffers()
        bounds = np.frombuffer(offsets, np.int32)[filled.offset : filled.offset + len(filled) + 1]
        if data is not None and len(bounds):
            yield memoryview(data)[int(bounds[0]) : int(bounds[-1])]
        return
    yield np.asarray(_integers(array), dtype="<i8").tobytes()


def _integers(array: pa.Array) -> NDArray[np.int64]:
    """Decimals as integers of 1/10,000 and instants as microseconds; missing as the least int64."""
    if array.null_count == len(array):
        return np.full(len(array), _MISSING, np.int64)
    if pa.types.is_decimal(array.type):
        words = np.frombuffer(array.buffers()[1], np.int64)
        values = words[2 * array.offset : 2 * (array.offset + len(array)) : 2]
    else:
        values = np.frombuffer(array.buffers()[1], np.int64)[array.offset : array.offset + len(array)]
    if not array.null_count:
        return values
    return np.where(array.is_null().to_numpy(zero_copy_only=False), _MISSING, values)
