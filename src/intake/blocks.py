"""Blocks of whole customers.

In: sorted tables, in whatever pieces they arrive. Out: blocks that are cut by the data alone, so that files and hashes
do not depend on the pieces. Nothing is looked at but the customers, none of whom may be missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyarrow as pa
import pyarrow.compute as pc

LINES = 30_000


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
