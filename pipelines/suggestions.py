"""The file of lists: for every customer what to buy again and what may be new, written block by block.

In: blocks of `Bought` and the rules. Out: a Parquet or CSV file with the columns `COLUMNS`, sorted by customer, list,
rank; the same bytes for the same data. What is new was never bought, so that its orders are 0 and its last day is
missing. In CSV, texts that a spreadsheet could obey carry an apostrophe. Who has nothing to list has no row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ..clock import dates
from ..offers.harmless import harmless
from ..products.again import Pairs
from ..products.bought import Bought
from ..products.kept import AGAIN, NEW, Kept
from ..products.ranked import Ranked
from ..progress import Progress
from .files import replaced

Int64 = NDArray[np.int64]
_CODED = pa.dictionary(pa.int32(), pa.string())
SCHEMA = pa.schema(
    [
        ("customer_id", pa.string()),
        ("as_of", _CODED),
        ("list", _CODED),
        ("rank", pa.int8()),
        ("item", _CODED),
        ("score", pa.float32()),
        ("rule", _CODED),
        ("orders", pa.int32()),
        ("last_bought", _CODED),
    ]
)
COLUMNS = tuple(SCHEMA.names)


@dataclass(frozen=True)
class Lists:
    """The lists of all customers.

    Parameters
    ----------
    kept : Kept
        As of the day of the lists.
    """

    kept: Kept

    def of(self, block: Bought) -> tuple[Pairs, Ranked, Ranked]:
        """Both lists of a block of customers; who never bought an item has none."""
        pairs = self.kept.pairs(block, self.kept.day)
        return pairs, self.kept.buy_again(pairs), self.kept.new_for_you(pairs)

    def table(self, block: Bought) -> pa.Table:
        """The rows of a block of customers; the schema is `SCHEMA`."""
        pairs, again, new = self.of(block)
        both = np.concatenate([again.item, new.item], axis=1)
        customer, place = np.nonzero(both >= 0)
        item, k = both[customer, place], again.item.shape[1]
        is_new = (place >= k).astype(np.int32)
        n = len(self.kept.names)
        key, wanted = pairs.customer * n + pairs.item, customer * n + item
        at = np.minimum(np.searchsorted(key, wanted), max(len(key) - 1, 0))
        owned = key[at] == wanted if len(key) else np.zeros(len(wanted), bool)
        last, orders = (values[at] if len(key) else at for values in (pairs.last, pairs.orders))
        score = np.concatenate([again.score, new.score], axis=1)[customer, place]
        columns = [
            block.customer_ids.take(pa.array(customer)),
            _coded(np.zeros(len(item), np.int32), [str(self.kept.day)]),
            _coded(is_new, [AGAIN, NEW]),
            pa.array(place % k + 1, pa.int8()),
            _coded(item.astype(np.int32), self.kept.shelf.items.array),
            pa.array(score, pa.float32()),
            _coded(is_new, [self.kept.again.name, self.kept.new]),
            pa.array(np.where(owned, orders, 0), pa.int32()),
            _days(last, owned),
        ]
        return pa.table(columns, schema=SCHEMA)


def _coded(codes: NDArray[np.int32], names: list[str] | pa.Array) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32()), pa.array(names, pa.string()))


def _days(day: Int64, there: NDArray[np.bool_]) -> pa.Array:
    known, code = np.unique(day[there], return_inverse=True)
    codes = np.full(len(day), -1, np.int32)
    codes[there] = code
    texts = pa.array(dates(known).tolist(), pa.string())
    return pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32(), mask=~there), texts)


def write_lists(blocks: Iterable[Bought], lists: Lists, file: Path, tell: Progress) -> dict[str, int]:
    """Write the lists of all customers, whole or not at all; how many rows, and customers with each list."""
    counts = {"rows": 0, "customers_again": 0, "customers_new": 0}

    def write(waiting: Path) -> None:
        keep, close = _parquet(waiting) if file.suffix == ".parquet" else _csv(waiting)
        try:
            for block in blocks:
                table = lists.table(block)
                first = table.filter(pc.equal(table["rank"], 1))
                new = int(pc.sum(pc.equal(first["list"], NEW)).as_py() or 0)
                counts["rows"] += table.num_rows
                counts["customers_new"] += new
                counts["customers_again"] += first.num_rows - new
                keep(table)
                tell("lists", 0.0)
        finally:
            close()

    replaced(file, write)
    return counts


Keep = Callable[[pa.Table], None]


def _parquet(path: Path) -> tuple[Keep, Callable[[], None]]:
    writer = pq.ParquetWriter(path, SCHEMA, compression="zstd")
    return lambda table: writer.write_table(table), writer.close


def _csv(path: Path) -> tuple[Keep, Callable[[], None]]:
    plain = pa.schema([(f.name, pa.string() if f.type == _CODED else f.type) for f in SCHEMA])
    options = pacsv.WriteOptions(quoting_style="all_valid")
    writer = pacsv.CSVWriter(path, plain, write_options=options)
    return lambda table: writer.write_table(_for_cells(table, plain)), writer.close


def _for_cells(table: pa.Table, plain: pa.Schema) -> pa.Table:
    """Every text as it may stand in a cell; each different one is looked at once."""
    columns = []
    for field in plain:
        column = table[field.name].combine_chunks()
        if field.type == pa.string():
            coded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
            coded = coded.chunk(0) if isinstance(coded, pa.ChunkedArray) else coded
            texts = pa.array([harmless(text) for text in coded.dictionary.to_pylist()], pa.string())
            column = texts.take(coded.indices)
        columns.append(column)
    return pa.table(columns, schema=plain)
