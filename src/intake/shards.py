"""Which customers stand in which block, and the shape of the tables that blocks are.

In: sorted lines, or the number of lines of every customer. Out: blocks cut by the data alone, columns in canonical
order and in one piece, texts plain or as dictionaries. Missing values stay missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ..schema import PURCHASES, purchases_schema

KEY = "customer_id"
COUNTS = pa.schema([(KEY, pa.string()), ("lines", pa.int64())])
"""What the index of a ledger holds: every customer, in order, with the number of lines."""

Int64 = NDArray[np.int64]


@dataclass(frozen=True)
class Block:
    """Consecutive customers and how many lines they have together.

    Examples
    --------
    >>> Block("a", "c", 7).lines
    7
    """

    first_customer: str
    last_customer: str
    lines: int


def counted(table: pa.Table) -> pa.Table:
    """The customers of sorted lines, each with the number of lines; the schema is `COUNTS`.

    Examples
    --------
    >>> counted(pa.table({"customer_id": ["a", "a", "b"]})).to_pydict()
    {'customer_id': ['a', 'b'], 'lines': [2, 1]}
    """
    if not table.num_rows:
        return COUNTS.empty_table()
    names = one_array(table.column(KEY))
    if pa.types.is_dictionary(names.type):
        codes = names.indices.to_numpy(zero_copy_only=False)
        changes = codes[1:] != codes[:-1]
    else:
        changes = pc.not_equal(names.slice(1), names.slice(0, len(names) - 1)).to_numpy(zero_copy_only=False)
    starts = np.concatenate([[0], np.flatnonzero(changes) + 1])
    return pa.table([names.take(pa.array(starts)).cast(pa.string()), np.diff(starts, append=len(names))], schema=COUNTS)


def one_array(column: pa.ChunkedArray) -> pa.Array:
    """A column in one piece."""
    if column.num_chunks == 1:
        return column.chunk(0)
    if pa.types.is_dictionary(column.type):
        column = column.unify_dictionaries()
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)


def blocks_of(counts: pa.Table, lines: int) -> tuple[Block, ...]:
    """The blocks into which `blocks.customer_blocks` cuts the lines that were counted.

    Examples
    --------
    >>> blocks_of(counted(pa.table({"customer_id": ["a", "a", "b", "c"]})), 1)[0]
    Block(first_customer='a', last_customer='a', lines=2)
    """
    names, sizes = counts.column(KEY), counts.column("lines").to_numpy()
    ends, done = cuts_of(sizes, lines), np.concatenate([[0], np.cumsum(sizes)])
    starts = np.concatenate([[0], ends[:-1]]) if len(ends) else ends
    first, last = names.take(pa.array(starts)), names.take(pa.array(ends - 1))
    return tuple(map(Block, first.to_pylist(), last.to_pylist(), (done[ends] - done[starts]).tolist()))


def cuts_of(sizes: Int64, lines: int) -> Int64:
    """After which customers blocks are cut: each block is the shortest of at least so many lines.

    Examples
    --------
    >>> cuts_of(np.array([2, 1, 1, 5, 1]), 3)
    array([2, 4, 5])
    """
    total, cuts, done = np.cumsum(sizes), list[int](), 0
    while not cuts or cuts[-1] < len(sizes):
        cuts.append(min(int(np.searchsorted(total, done + max(lines, 1))) + 1, len(sizes)))
        done = int(total[cuts[-1] - 1]) if len(sizes) else 0
    return np.array(cuts if len(sizes) else [], np.int64)


def schema_of(columns: tuple[str, ...], encoded: bool) -> pa.Schema:
    """The schema of blocks with the given columns; encoded texts are dictionaries of int32."""
    plain = purchases_schema(columns)
    code = pa.dictionary(pa.int32(), pa.string())
    return pa.schema([pa.field(f.name, code if encoded and f.type == pa.string() else f.type) for f in plain])


def in_order(columns: Iterable[str]) -> tuple[str, ...]:
    """Canonical columns in canonical order, each once.

    Examples
    --------
    >>> in_order(["amount", "customer_id", "amount"])
    ('customer_id', 'amount')
    """
    wanted = set(columns)
    return tuple(c.name for c in PURCHASES if c.name in wanted)


def joined(pieces: Sequence[pa.Table]) -> pa.Table:
    """Tables below each other, every column in one piece, with one dictionary.

    Examples
    --------
    >>> joined([pa.table({"x": [1]}), pa.table({"x": [2]})]).column("x").num_chunks
    1
    """
    if len(pieces) == 1 and all(column.num_chunks == 1 for column in pieces[0].columns):
        return pieces[0]
    whole = pa.concat_tables(pieces)
    return pa.table([one_array(column) for column in whole.columns], schema=whole.schema)


def typed(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """A table with the columns of a schema, texts as plain or as dictionaries as it says."""
    if table.schema.equals(schema):
        return table
    columns = []
    for field in schema:
        column = table.column(field.name)
        code = pa.types.is_dictionary(field.type) and not pa.types.is_dictionary(column.type)
        columns.append(column.dictionary_encode().unify_dictionaries() if code else column.cast(field.type))
    return pa.table(columns, schema=schema)
