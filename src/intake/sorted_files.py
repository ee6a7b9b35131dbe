"""Sorted files of lines, read block by block, several of them as if they were one.

In: Parquet files, each sorted, with whole customers in every row group. Out: the lines of any blocks, those of all
files merged; only the row groups that hold them are read, and of each file no more than one is held. Missing values
stay missing; texts are plain or, on request, dictionaries as they lie in the file.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ..errors import StorageError
from .shards import KEY, Block, Int64, counted, in_order, joined, one_array, schema_of, typed


@dataclass(frozen=True)
class _Footer:
    """A file's metadata, and for each row group its number of lines, first and last customer."""

    metadata: pq.FileMetaData
    lines: tuple[int, ...]
    first: tuple[str, ...]
    last: tuple[str, ...]


@lru_cache(maxsize=64)
def _footer(path: Path, _stamp: tuple[int, int]) -> _Footer:
    with pq.ParquetFile(path) as file:
        metadata = file.metadata
        groups = [metadata.row_group(i) for i in range(metadata.num_row_groups)]
        at = metadata.schema.names.index(KEY)
        bounds = []
        for i, group in enumerate(groups):
            found = group.column(at).statistics
            if found is not None and found.has_min_max:
                bounds.append((found.min, found.max))
            else:  # Ids of more than 4,096 bytes are too long for the statistics.
                names = file.read_row_group(i, columns=[KEY]).column(KEY)
                bounds.append((names[0].as_py(), names[-1].as_py()))
        first, last = zip(*bounds, strict=True) if bounds else ((), ())
        return _Footer(metadata, tuple(g.num_rows for g in groups), tuple(first), tuple(last))


def footer_of(path: Path) -> _Footer:
    """The footer of a file, read once per process and state of the file."""
    stat = path.stat()
    return _footer(path, (stat.st_size, stat.st_mtime_ns))


def group_blocks(path: Path) -> tuple[Block, ...]:
    """The row groups of a file as blocks."""
    footer = footer_of(path)
    return tuple(Block(*b) for b in zip(footer.first, footer.last, footer.lines, strict=True))


class SortedFile:
    """One sorted file whose row groups are whole customers, read forwards a row group at a time."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self.schema, self.footer = schema, footer_of(path)
        texts = [f.name for f in schema if pa.types.is_dictionary(f.type)]
        self.file = pq.ParquetFile(path, read_dictionary=texts, metadata=self.footer.metadata)
        self.held: tuple[int, pa.Table, list[str], Int64] | None = None

    def between(self, first: str, last: str) -> list[pa.Table]:
        """The lines of the customers from `first` to `last`, both included."""
        begin, end = bisect_left(self.footer.last, first), bisect_right(self.footer.first, last)
        return [t for group in range(begin, end) if (t := self._part(group, first, last)).num_rows]

    def _part(self, group: int, first: str, last: str) -> pa.Table:
        if first <= self.footer.first[group] and self.footer.last[group] <= last:
            return self._read(group)
        if self.held is None or self.held[0] != group:
            table = self._read(group)
            counts = counted(table if KEY in table.column_names else self.file.read_row_group(group, columns=[KEY]))
            ends = np.cumsum(counts.column("lines").to_numpy())
            self.held = (group, table, counts.column(KEY).to_pylist(), np.concatenate([[0], ends]))
        _, table, names, starts = self.held
        begin, end = starts[bisect_left(names, first)], starts[bisect_right(names, last)]
        return _slim(table.slice(begin, end - begin))

    def _read(self, group: int) -> pa.Table:
        if self.held is not None and self.held[0] == group:
            return self.held[1]
        table = self.file.read_row_group(group, columns=self.schema.names, use_threads=False)
        return table if table.schema.equals(self.schema) else table.cast(self.schema)

    def close(self) -> None:
        """Close the file."""
        self.file.close()


def read_blocks(
    paths: Sequence[Path], blocks: Sequence[Block], columns: tuple[str, ...], encoded: bool, sort_by: tuple[str, ...]
) -> Iterator[pa.Table]:
    """The lines of the given blocks, from all files together, in the order of the ledger.

    Parameters
    ----------
    paths : sequence of Path
        The base, then the segments in the order in which they were added.
    blocks : sequence of Block
    columns : tuple of str
        Canonical columns, in canonical order.
    encoded : bool
        Texts as dictionaries. A dictionary may hold texts that no line of the block has.
    sort_by : tuple of str
        What the files' lines are brought into order by. The customer alone, when every file holds later lines than
        all those before it; else all of the ledger's columns.
    """
    several = len(paths) > 1
    needed = in_order((*columns, *sort_by)) if several else columns
    as_stored = encoded and (not several or sort_by == (KEY,))
    wanted, files = schema_of(columns, encoded), list[SortedFile]()
    try:
        files.extend(SortedFile(path, schema_of(needed, as_stored)) for path in paths)
        for block in blocks:
            pieces = [t for file in files for t in file.between(block.first_customer, block.last_customer)]
            whole = joined(pieces)
            if several and len(pieces) > 1:
                whole = whole.take(_order(whole, sort_by))
            _check(whole, block)
            yield typed(whole.select(list(columns)), wanted)
    except (OSError, pa.ArrowInvalid) as error:
        raise StorageError(f"the ledger in `{paths[0].parent}` cannot be read: {error}", code="RG131") from None
    finally:
        for file in files:
            file.close()


def _slim(table: pa.Table) -> pa.Table:
    """Dictionaries that are longer than the lines are many, cut down to the texts that the lines have."""
    for i, column in enumerate(table.columns):
        if pa.types.is_dictionary(column.type) and table.num_rows:
            whole = one_array(column)
            if len(whole) < len(whole.dictionary):
                table = table.set_column(i, table.field(i), whole.dictionary_decode().dictionary_encode())
    return table


def _order(table: pa.Table, sort_by: tuple[str, ...]) -> pa.Array:
    """Where each line goes; lines that are equal in all of `sort_by` keep their order."""
    if sort_by != (KEY,):
        return pc.sort_indices(table, [(name, "ascending") for name in sort_by])
    names = one_array(table.column(KEY))
    coded = names if pa.types.is_dictionary(names.type) else pc.dictionary_encode(names)
    rank = np.empty(len(coded.dictionary), np.int64)
    rank[pc.array_sort_indices(coded.dictionary).to_numpy()] = np.arange(len(rank))
    return pa.array(np.argsort(rank[coded.indices.to_numpy(zero_copy_only=False)], kind="stable"))


def _check(table: pa.Table, block: Block) -> None:
    if table.num_rows != block.lines:
        raise StorageError(
            f"the ledger holds {table.num_rows} lines where its index says {block.lines}",
            do="build it again: the source is not changed by that",
            code="RG131",
        )
