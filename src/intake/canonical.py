"""Canonical purchases, sorted into blocks of whole customers without a ledger in between.

In: Parquet files in the types of `schema.PURCHASES`, in any order. Out: blocks as `Ledger.shards` gives them, straight
from one sort that spills to disk. Customers and frequent texts travel through the sort as numbers, which makes it
cheaper than a sort of the texts. Missing optional values stay missing; lines that break the contract stop the run.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ..config import EngineConfig
from ..errors import StorageError
from ..schema import PURCHASES
from .blocks import LINES
from .contract import canonical_lines
from .shards import cuts_of, in_order, one_array, schema_of
from .staging import Connection, fetched

FREQUENT = 10_000
"""A column with at most so many different texts is sorted as numbers."""

_BATCH = 65_536
_ALWAYS = ("customer_id", "purchased_at", "order_id", "amount")
_TEXTS = tuple(c.name for c in PURCHASES if c.type == pa.string() and c.name not in _ALWAYS)


@contextmanager
def canonical_purchases(
    paths: Sequence[Path], columns: Sequence[str], engine: EngineConfig | None = None
) -> Iterator[Canonical]:
    """Unsorted canonical files, checked, their customers counted and ready to be sorted into blocks.

    Parameters
    ----------
    paths : sequence of Path
        Parquet files whose columns have the canonical names and types.
    columns : sequence of str
        The canonical columns wanted; customer, instant, order and amount always come.
    engine : EngineConfig, optional
        Threads and memory limit; beyond the limit the sort spills to a temporary folder.

    Raises
    ------
    DataError
        Other types, or lines that break the contract, with counts and places.
    """
    wanted = in_order((*_ALWAYS, *columns))
    with tempfile.TemporaryDirectory(prefix="regulars-") as spill:
        mapping, read_us = {c: c for c in wanted}, time.time_ns() // 1_000
        with canonical_lines(paths, mapping, engine or EngineConfig(), Path(spill), read_us) as con:
            yield Canonical.of(con, wanted)


def canonical_blocks(
    paths: Sequence[Path], columns: Sequence[str], engine: EngineConfig | None = None, lines: int = LINES
) -> Iterator[pa.Table]:
    """The blocks of `canonical_purchases`."""
    with canonical_purchases(paths, columns, engine) as found:
        yield from found.blocks(lines)


@dataclass(frozen=True)
class Canonical:
    """The customers in order with their numbers of lines, and the texts that stand as numbers."""

    con: Connection
    columns: tuple[str, ...]
    customers: pa.Array
    counts: NDArray[np.int64]
    texts: dict[str, pa.Array]

    @property
    def n_customers(self) -> int:
        """How many customers."""
        return len(self.customers)

    @classmethod
    def of(cls, con: Connection, columns: tuple[str, ...]) -> Canonical:
        """Number the customers and the frequent texts; tables `ranked_<column>` lead from text to number."""
        found = _distinct(con, "customer_id")
        _number(con, "customer_id", one_array(found.column("text")))
        texts = {}
        for column in _frequent(con, [c for c in columns if c in _TEXTS]):
            texts[column] = pc.drop_null(one_array(_distinct(con, column).column("text")))
            _number(con, column, texts[column])
        return cls(con, columns, one_array(found.column("text")), found.column("lines").to_numpy(), texts)

    def blocks(self, lines: int = LINES) -> Iterator[pa.Table]:
        """Sort by customer, instant and order, and cut into blocks of whole customers as `Ledger.shards` does.

        Columns come in canonical order. Texts are dictionaries, but for order ids, and columns of more than `FREQUENT`
        different texts; a dictionary may hold texts that no line of the block has. Lines that are equal in customer,
        instant and order stand in any order.
        """
        ends = cuts_of(self.counts, lines)
        starts, totals = np.concatenate([[0], ends[:-1]]), np.concatenate([[0], np.cumsum(self.counts)])
        batches = _taken(self.con.sql(self._query()).to_arrow_reader(_BATCH), (totals[ends] - totals[starts]).tolist())
        for first, end, table in zip(starts.tolist(), ends.tolist(), batches, strict=True):
            yield self._block(table, first, end)

    def _query(self) -> str:
        coded = ("customer_id", *self.texts)
        chosen = ", ".join(f"ranked_{c}.code AS {c}" if c in coded else f"lines.{c}" for c in self.columns)
        joins = " ".join(f"LEFT JOIN ranked_{c} ON lines.{c} = ranked_{c}.text" for c in coded)
        return f"SELECT {chosen} FROM lines {joins} ORDER BY ranked_customer_id.code, lines.purchased_at"

    def _block(self, table: pa.Table, first: int, end: int) -> pa.Table:
        codes = one_array(table.column("customer_id")).to_numpy()
        if len(codes) and (codes[0] != first or codes[-1] != end - 1):
            raise _changed()
        columns = []
        for name, field in zip(self.columns, schema_of(self.columns, encoded=True), strict=True):
            array = one_array(table.column(name))
            if name == "customer_id":
                names = self.customers.slice(first, end - first)
                columns.append(pa.DictionaryArray.from_arrays(pa.array(codes - np.int32(first)), names))
            elif name in self.texts:
                columns.append(pa.DictionaryArray.from_arrays(array, self.texts[name]))
            else:
                columns.append(array if pa.types.is_dictionary(field.type) else array.cast(field.type))
        return _with_orders_sorted(pa.table(columns, names=list(self.columns)))


def _distinct(con: Connection, column: str) -> pa.Table:
    query = f"SELECT {column} AS text, count(*) AS lines FROM lines GROUP BY ALL ORDER BY text"
    return con.sql(query).to_arrow_table()


def _frequent(con: Connection, columns: Sequence[str]) -> list[str]:
    """The columns of few different texts."""
    if not columns:
        return []
    ((*counts,),) = fetched(con, f"SELECT {', '.join(f'approx_count_distinct({c})' for c in columns)} FROM lines")
    return [c for c, n in zip(columns, counts, strict=True) if n <= FREQUENT]


def _number(con: Connection, column: str, texts: pa.Array) -> None:
    con.register("found", pa.table({"text": texts, "code": np.arange(len(texts), dtype=np.int32)}))
    con.execute(f"CREATE TABLE ranked_{column} AS SELECT * FROM found")
    con.unregister("found")


def _taken(batches: Iterable[pa.RecordBatch], sizes: Sequence[int]) -> Iterator[pa.Table]:
    """Tables of the given sizes, one after the other."""
    source, held, n = iter(batches), list[pa.RecordBatch](), 0
    for size in sizes:
        while n < size:
            batch = next(source, None)
            if batch is None:
                raise _changed()
            held.append(batch)
            n += batch.num_rows
        whole = pa.Table.from_batches(held)
        yield whole.slice(0, size)
        held, n = whole.slice(size).to_batches(), n - size
    if n or any(batch.num_rows for batch in source):
        raise _changed()


def _changed() -> StorageError:
    return StorageError(
        "the canonical files changed while they were read",
        do="run again when whatever writes them has finished",
        code="RG105",
    )


def _with_orders_sorted(table: pa.Table) -> pa.Table:
    """Orders of one customer at one instant in the order of their ids; the sort leaves them mixed."""
    if table.num_rows < 2:
        return table
    customer, at = table.column("customer_id").chunk(0).indices.to_numpy(), table.column("purchased_at").chunk(0)
    instant, order = at.view(pa.int64()).to_numpy(), table.column("order_id").chunk(0)
    same = (customer[1:] == customer[:-1]) & (instant[1:] == instant[:-1])
    other = pc.not_equal(order.slice(1), order.slice(0, len(order) - 1)).to_numpy(zero_copy_only=False)
    if not (same & other).any():
        return table
    group = np.concatenate([[0], np.cumsum(~same)])
    mixed = np.flatnonzero(np.isin(group, group[1:][same & other]))
    ids = order.take(pa.array(mixed))
    rank = pc.rank(ids, sort_keys="ascending", tiebreaker="dense").to_numpy()
    place = np.arange(len(order))
    place[mixed] = mixed[np.lexsort((rank, group[mixed]))]
    return table.take(pa.array(place))
