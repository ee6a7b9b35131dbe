"""Purchases of a block of whole customers as sorted NumPy columns: what the kernel computes on.

In: canonical Arrow rows sorted by customer and time. Out: int64 money and instants, small integer codes for text, one
code per order. A missing product or category has the code -1, a missing quantity, discount or cost is 0; other missing
values, and other types than the canonical ones, are refused at the door.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ..errors import DataError
from ..schema import PURCHASES

Int64 = NDArray[np.int64]
Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
TEXTS = ("product_id", "category", "channel")
MONEYS = ("amount", "quantity", "discount", "cost")


@dataclass(frozen=True)
class Lines:
    """Order lines of whole customers, sorted by (customer, time).

    Parameters
    ----------
    customer_ids : ndarray of object, shape (n_customers,)
    starts : ndarray of int64, shape (n_customers + 1,)
        Where each customer's lines begin; the last entry is the number of lines.
    time : ndarray of int64, shape (n_lines,)
        UTC microseconds.
    order : ndarray of int64, shape (n_lines,)
        Equal for the lines of one order of one customer.
    money : dict of str to ndarray of int64
        ``amount`` always; ``quantity``, ``discount``, ``cost`` where the source has them; in 1/10,000.
    codes : dict of str to ndarray of int64
        ``product_id``, ``category``, ``channel`` where the source has them; -1 is missing.
    names : dict of str to Array of text
        The texts that the codes stand for, by column.
    known_at : ndarray of int64 or None
        When each row became known, UTC microseconds.

    Examples
    --------
    >>> Lines.empty().n_customers
    0
    """

    customer_ids: NDArray[np.object_]
    starts: Int64
    time: Int64
    order: Int64
    money: dict[str, Int64]
    codes: dict[str, Int64] = field(default_factory=dict)
    names: dict[str, pa.Array] = field(default_factory=dict)
    known_at: Int64 | None = None

    @property
    def n_customers(self) -> int:
        """How many customers the block holds."""
        return len(self.starts) - 1

    @property
    def n_lines(self) -> int:
        """How many order lines the block holds."""
        return len(self.time)

    @classmethod
    def empty(cls, columns: tuple[str, ...] = (*MONEYS, *TEXTS)) -> Lines:
        """A block of nobody that has the given optional columns."""
        none = np.zeros(0, np.int64)
        return cls(
            customer_ids=np.zeros(0, object),
            starts=np.zeros(1, np.int64),
            time=none,
            order=none,
            money={"amount": none, **{m: none for m in MONEYS if m in columns}},
            codes={t: none for t in TEXTS if t in columns},
            names={t: pa.array([], pa.string()) for t in TEXTS if t in columns},
        )

    @classmethod
    def from_arrow(cls, table: pa.Table) -> Lines:
        """From canonical rows sorted by (customer_id, purchased_at).

        Raises
        ------
        DataError
            For columns of other types than `schema.PURCHASES`, missing required values, unsorted rows.
        """
        _check(table)
        ids, time = _whole(table["customer_id"]), instants_of(table["purchased_at"])
        starts, customer_ids = _runs(ids)
        customer = np.repeat(np.arange(len(customer_ids)), np.diff(starts))
        back = (time[1:] < time[:-1]) & (customer[1:] == customer[:-1])
        if not _ascending(customer_ids) or bool(back.any()):
            raise DataError("the lines are not sorted by customer and time", do="build the ledger anew", code="RG020")
        texts = {t: codes_of(table[t]) for t in TEXTS if t in table.column_names}
        return cls(
            customer_ids=np.asarray(customer_ids.to_pylist(), object),
            starts=starts,
            time=time,
            order=_orders(_whole(table["order_id"]), starts),
            money={m: units_of(table[m]) for m in MONEYS if m in table.column_names},
            codes={t: codes for t, (codes, _) in texts.items()},
            names={t: names for t, (_, names) in texts.items()},
            known_at=instants_of(table["known_at"]) if "known_at" in table.column_names else None,
        )

    def kept(self, keep: NDArray[np.bool_]) -> Lines:
        """The lines for which `keep` holds; customers left without a line stay, with none."""
        counts = np.concatenate([[0], np.cumsum(keep)])
        return Lines(
            customer_ids=self.customer_ids,
            starts=counts[self.starts],
            time=self.time[keep],
            order=self.order[keep],
            money={name: values[keep] for name, values in self.money.items()},
            codes={name: values[keep] for name, values in self.codes.items()},
            names=self.names,
            known_at=None if self.known_at is None else self.known_at[keep],
        )


def _check(table: pa.Table) -> None:
    """Refuse what would be read wrongly without a word: other types, and nulls where there can be none."""
    for column in PURCHASES:
        if column.name not in table.column_names:
            if column.required:
                raise DataError(f"the lines lack `{column.name}`", do="build the ledger anew", code="RG025")
            continue
        found = table.schema.field(column.name).type
        if not _as_good(found, column.type):
            needed = f"{column.type}, as in regulars.schema.PURCHASES"
            raise DataError(f"`{column.name}` is {found}", needed=needed, do="build the ledger anew", code="RG026")
        nulls = table[column.name].null_count
        if nulls and (column.required or column.name == "known_at"):
            unmap = f"say it of every line, or leave `{column.name}` out of [data.purchases]"
            do = "build the ledger anew" if column.required else unmap
            raise DataError(f"`{column.name}` is missing in {nulls} lines", do=do, code="RG021")


def _as_good(found: pa.DataType, meant: pa.DataType) -> bool:
    """Whether a type holds the same numbers or texts: an instant is the same under any zone's name."""
    if pa.types.is_timestamp(meant):
        return bool(pa.types.is_timestamp(found) and found.unit == "us" and found.tz is not None)
    if pa.types.is_dictionary(found):
        found = found.value_type
    return bool(found == meant or (meant == pa.string() and found == pa.large_string()))


def _whole(column: pa.ChunkedArray) -> pa.Array:
    """A column in one piece."""
    if column.num_chunks == 1:
        return column.chunk(0)
    return pa.concat_arrays(column.unify_dictionaries().chunks) if column.num_chunks else pa.array([], column.type)


def _changes(column: pa.Array) -> NDArray[np.bool_]:
    """Whether each text differs from the one before it; the first always does."""
    changed = np.ones(len(column), bool)
    if pa.types.is_dictionary(column.type):
        codes = column.indices.to_numpy(zero_copy_only=False)
        np.not_equal(codes[1:], codes[:-1], out=changed[1:])
    elif len(column):
        changed[1:] = pc.not_equal(column.slice(1), column.slice(0, len(column) - 1)).to_numpy(zero_copy_only=False)
    return changed


def _runs(column: pa.Array) -> tuple[Int64, pa.Array]:
    """Where runs of equal texts begin, with the number of texts at the end, and the text of each run."""
    first = np.flatnonzero(_changes(column))
    texts = column.take(pa.array(first))
    if pa.types.is_dictionary(texts.type):
        texts = texts.dictionary_decode()
    return np.append(first, len(column)).astype(np.int64), texts


def _ascending(texts: pa.Array) -> bool:
    """Whether texts ascend strictly, byte by byte."""
    return len(texts) < 2 or bool(pc.all(pc.less(texts.slice(0, len(texts) - 1), texts.slice(1))).as_py())


def _orders(column: pa.Array, starts: Int64) -> Int64:
    """A code per order of a customer, counting up in order of first appearance."""
    new = _changes(column)
    new[starts[:-1]] = True
    first = np.flatnonzero(new)
    run = np.cumsum(new) - 1
    name = _encoded(column.take(pa.array(first)))[0]
    customer = np.searchsorted(starts, first, side="right") - 1
    key = customer * (int(name.max(initial=0)) + 1) + name
    if len(name) and int(name.max()) + 1 == len(name):
        return run
    # Some name comes again: for another customer it is another order, for the same one it is the same.
    _, where, again = np.unique(key, return_index=True, return_inverse=True)
    if len(where) == len(key):
        return run
    number = np.empty(len(where), np.int64)
    number[np.argsort(where)] = np.arange(len(where))
    return np.asarray(number[again][run])


def codes_of(column: pa.ChunkedArray) -> tuple[Int64, pa.Array]:
    """Codes of texts in order of first appearance or as they are encoded already (-1 for missing), and the texts."""
    return _encoded(_whole(column))


def _encoded(column: pa.Array) -> tuple[Int64, pa.Array]:
    chunk = column if pa.types.is_dictionary(column.type) else pc.dictionary_encode(column)
    indices = chunk.indices if not chunk.indices.null_count else pc.fill_null(chunk.indices, -1)
    return np.asarray(indices.to_numpy(zero_copy_only=False), np.int64), chunk.dictionary


def instants_of(column: pa.ChunkedArray) -> Int64:
    """Instants as UTC microseconds."""
    return np.asarray(_whole(column).view(pa.int64()))


def units_of(column: pa.ChunkedArray) -> Int64:
    """DECIMAL(18, 4) as its unscaled integer; missing is 0."""
    array = _whole(column)
    words = np.frombuffer(array.buffers()[1], np.int64)[2 * array.offset : 2 * (array.offset + len(array)) : 2]
    if array.null_count:
        return np.where(np.asarray(array.is_valid()), words, 0)
    return np.array(words)
