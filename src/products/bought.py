"""Who bought which item when: blocks of whole customers, one row per order and item.

In: a ledger and its `Items`. Out: `Bought` blocks in the ledger's order, days as local day numbers. Only lines of
positive money count; a line without an item, or of one that is left out, is no row. Guests (no customer) are not in the
ledger's lines, so that they are in no list. Each row says when it became known: who stands on a day sees those before.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ..clock import Cutoff, Zone
from ..intake import Ledger
from .items import Items

Int64 = NDArray[np.int64]
KEPT_LINES = 30_000_000
"""Up to so many lines of a ledger are kept in memory, 16 bytes each."""
LINES = 250_000
"""Lines of a block: a few tens of megabytes at work."""


@dataclass(frozen=True)
class Bought:
    """Rows sorted by customer, item, day.

    Parameters
    ----------
    customer_ids : pyarrow.Array of str, shape (n_customers,)
        Ascending, each once; also those without a row.
    customer, item, order, day, known : ndarray of int64, shape (n_rows,)
        Index of the customer, of the item, of the order in this block; local day of the purchase, and the day from
        whose end on it was known (never before the purchase).
    """

    customer_ids: pa.Array
    customer: Int64
    item: Int64
    order: Int64
    day: Int64
    known: Int64

    @property
    def n_customers(self) -> int:
        """How many customers the block has."""
        return len(self.customer_ids)

    def before(self, day: Cutoff) -> Bought:
        """What was known before a day."""
        return self._where(self.known < day.day)

    def between(self, begins: Cutoff, ends: Cutoff, known_on: Cutoff) -> Bought:
        """What was bought in [begins, ends) and known before a later day."""
        return self._where((self.day >= begins.day) & (self.day < ends.day) & (self.known < known_on.day))

    def only(self, customers: Int64) -> Bought:
        """Some of the customers, by their places, ascending."""
        place = np.full(self.n_customers, -1, np.int64)
        place[customers] = np.arange(len(customers))
        found = self._where(place[self.customer] >= 0)
        ids = self.customer_ids.take(pa.array(customers))
        return Bought(ids, place[found.customer], found.item, found.order, found.day, found.known)

    def pairs(self, n_items: int) -> Int64:
        """customer x n_items + item, each once, ascending."""
        key = self.customer * n_items + self.item
        new = np.ones(len(key), bool)
        new[1:] = key[1:] != key[:-1]
        return np.asarray(key[new], np.int64)

    def _where(self, kept: NDArray[np.bool_]) -> Bought:
        columns = (self.customer, self.item, self.order, self.day, self.known)
        return Bought(self.customer_ids, *(column[kept] for column in columns))


@dataclass
class Blocks:
    """The blocks of a ledger, read once and kept in half of their size, unless they are too many.

    Parameters
    ----------
    ledger : Ledger
    items : Items
    """

    ledger: Ledger
    items: Items
    _kept: list[tuple[pa.Array, list[NDArray[np.int32]], bool]] = field(default_factory=list)

    def all(self) -> Iterator[Bought]:
        """All customers."""
        if self.ledger.manifest.lines.get("used", 0) > KEPT_LINES:
            yield from bought(self.ledger, self.items)
            return
        if not self._kept:
            self._kept = [_small(block) for block in bought(self.ledger, self.items)]
        yield from (_large(*small) for small in self._kept)

    def some(self, most: int) -> Iterator[Bought]:
        """At most so many blocks, evenly spread over all."""
        n = len(self.ledger.blocks(LINES))
        chosen = {i * n // most for i in range(most)} if n > most else set(range(n))
        if self._kept:
            yield from (_large(*small) for i, small in enumerate(self._kept) if i in chosen)
        else:
            yield from bought(self.ledger, self.items, sorted(chosen))


def _small(block: Bought) -> tuple[pa.Array, list[NDArray[np.int32]], bool]:
    late = bool((block.known != block.day).any())
    columns = [block.customer, block.item, block.order, block.day, *([block.known] if late else [])]
    return block.customer_ids, [column.astype(np.int32) for column in columns], late


def _large(ids: pa.Array, columns: list[NDArray[np.int32]], late: bool) -> Bought:
    customer, item, order, day = (column.astype(np.int64) for column in columns[:4])
    return Bought(ids, customer, item, order, day, columns[4].astype(np.int64) if late else day)


def bought(
    ledger: Ledger, items: Items, blocks: Iterable[int] | None = None, customers: Sequence[str] | None = None
) -> Iterator[Bought]:
    """All blocks, or some of ``ledger.blocks(LINES)``; lines of items that are not in `items` are left out.

    Parameters
    ----------
    customers : sequence of str, optional
        Ascending; the lines of all others are left out as well, and so are they.
    """
    others = [name for name in ("product_id", "category") if name in ledger.columns and items.excluded]
    columns = {"customer_id", "purchased_at", "known_at", "order_id", "amount", items.column, *others}
    for shard in ledger.shards(LINES, tuple(columns), blocks, encoded=True):
        rows = shard if customers is None else _of_customers(shard, customers)
        if rows.num_rows:
            yield of_lines(rows, items, ledger.zone)


def _of_customers(shard: pa.Table, customers: Sequence[str]) -> pa.Table:
    """The lines of some customers; those of a shard are sorted by customer."""
    first, last = (str(shard["customer_id"][i].as_py()) for i in (0, -1))
    within = customers[bisect_left(customers, first) : bisect_right(customers, last)]
    if not within:
        return shard.slice(0, 0)
    codes, names = _codes(shard["customer_id"])
    wanted = pc.is_in(pa.array(names, pa.string()), pa.array(within, pa.string())).to_numpy(zero_copy_only=False)
    return shard.filter(pa.array(wanted[codes]))


def of_lines(shard: pa.Table, items: Items, zone: Zone) -> Bought:
    """Lines of some customers as rows by customer, item, day: those of a ledger, or of a caller of the endpoint.

    Parameters
    ----------
    shard : pyarrow.Table
        `customer_id`, `purchased_at`, `order_id`, `amount`, what an item is, and `known_at` where there is one; to
        leave items out, product and category as far as they are told.
    items : Items
    zone : Zone
        Of the business.
    """
    customer, ids = _codes(shard["customer_id"])
    kept = pc.greater(shard["amount"], 0).to_numpy()
    for name in ("product_id", "category"):
        if items.excluded and name in shard.column_names:
            codes, names = _codes(shard[name])
            out = np.array([text in items.excluded for text in names] + [False])
            kept = kept & ~out[codes]
    codes, names = _codes(shard[items.column])
    found = pc.index_in(pa.array(names, pa.string()), value_set=items.array).fill_null(-1).to_numpy()
    item = np.append(found, -1).astype(np.int64)[codes]
    rows = np.flatnonzero(kept & (item >= 0))
    order = _codes(shard["order_id"])[0]
    day = zone.local_day(_instants(shard["purchased_at"]))
    known = day
    if "known_at" in shard.column_names:
        late = shard["known_at"]
        at = zone.local_day(_instants(pc.coalesce(late, shard["purchased_at"])))
        known = np.maximum(day, at)
    return _once(ids, customer[rows], item[rows], order[rows], day[rows], known[rows])


def _once(ids: list[str], customer: Int64, item: Int64, order: Int64, day: Int64, known: Int64) -> Bought:
    """Each item of an order once, as it was first known; sorted by customer, item, day."""
    sorting = np.lexsort((known, order, day, item, customer))
    customer, item, order, day, known = (column[sorting] for column in (customer, item, order, day, known))
    same = np.zeros(len(customer), bool)
    same[1:] = (customer[1:] == customer[:-1]) & (item[1:] == item[:-1]) & (order[1:] == order[:-1])
    first = ~same
    return Bought(pa.array(ids, pa.string()), customer[first], item[first], order[first], day[first], known[first])


def _codes(column: pa.ChunkedArray) -> tuple[Int64, list[str]]:
    """Codes by order of names that occur, -1 where missing, and these names."""
    encoded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    array = encoded.unify_dictionaries().combine_chunks()
    array = array.chunk(0) if isinstance(array, pa.ChunkedArray) else array
    codes = array.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    used = np.unique(codes[codes >= 0])
    texts = array.dictionary.take(pa.array(used)).to_pylist()
    sorting = sorted(range(len(texts)), key=texts.__getitem__)
    place = np.full(len(array.dictionary) + 1, -1, np.int64)
    place[used[sorting]] = np.arange(len(used))
    return place[codes], [texts[i] for i in sorting]


def _instants(column: pa.ChunkedArray) -> Int64:
    return np.asarray(column.cast(pa.int64()).to_numpy(), np.int64)
