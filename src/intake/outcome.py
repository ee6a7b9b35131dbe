"""The outcome of an intake: sorted lines handed on, and everything else that a ledger holds.

In: sorted blocks and the evidence of one intake; for lines that are added to a ledger, that ledger's too. Out: the
manifest, the quarantine, the customers with their numbers of lines, and the orders, all of base and new lines together.
Missing values have been dealt with before.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .. import __version__
from ..clock import Cutoff
from ..config import Config
from ..errors import ConfigError, DataError, visible
from ..schema import INSTANT, PURCHASES, SCALE, Rules, purchases_schema
from .added import Base, is_later
from .evidence import Evidence
from .hashes import Fingerprint, Words, ascending, order_words
from .manifest import FORMAT, Manifest
from .repairs import customers_alike, repairs_of
from .shards import COUNTS, counted
from .staging import Connection

Sink = Callable[[pa.Table], None]
_BATCH = 65_536
_FIRST = ("customer_id", "purchased_at", "order_id")


@dataclass(frozen=True)
class Refined:
    """The outcome beside the lines themselves.

    Parameters
    ----------
    manifest, evidence : Manifest, Evidence
        Of all lines: those of the base, if there is one, and the new ones.
    quarantine : pyarrow.Table
        Likewise.
    customers : pyarrow.Table
        Likewise; the schema is `shards.COUNTS`.
    orders : ndarray of uint64
        The orders of the new lines that the base does not have, ascending.
    later : bool
        Whether all new lines were made on later days than all of the base.
    """

    manifest: Manifest
    evidence: Evidence
    quarantine: pa.Table
    customers: pa.Table
    orders: Words
    later: bool


class Written:
    """Hands sorted blocks to a sink, one after the other; counts, hashes and adds up their lines meanwhile."""

    def __init__(self, sink: Sink, blocks: Iterable[pa.Table]) -> None:
        self.fingerprint, self.units = Fingerprint(), 0
        self.counts: list[pa.Table] = [COUNTS.empty_table()]
        self.orders: list[Words] = []
        with ThreadPoolExecutor(1) as writing:
            waiting: Future[None] | None = None
            for block in blocks:
                if waiting is not None:
                    waiting.result()
                waiting = writing.submit(sink, block)
                self._add(block)
            if waiting is not None:
                waiting.result()

    def _add(self, block: pa.Table) -> None:
        self.fingerprint.add(block)
        self.counts.append(counted(block))
        self.orders.append(order_words(block))
        self.units += _units(block.column("amount"))

    @property
    def customers(self) -> pa.Table:
        """The customers and their numbers of lines."""
        return pa.concat_tables(self.counts).combine_chunks()

    def shown_in(self, evidence: Evidence, n_orders: int) -> Evidence:
        """The evidence with what was counted where it was written."""
        money = {**evidence.money, "used": str(Decimal(self.units).scaleb(-4))}
        return replace(evidence, money=money, n_orders=n_orders, sums=self.fingerprint.sums)


def sorted_tables(con: Connection, query: str, columns: tuple[str, ...]) -> Iterator[pa.Table]:
    """The canonical lines of a query in the order of the ledger: by customer, instant, order, then all the rest."""
    keys = [*_FIRST, *(c for c in columns if c not in _FIRST)]
    ordered = f"SELECT * FROM ({query}) ORDER BY {', '.join(f'{key} ASC NULLS LAST' for key in keys)}"
    schema = purchases_schema(columns)
    for batch in con.sql(ordered).to_arrow_reader(_BATCH):
        arrays = [batch.column(f.name).cast(INSTANT if f.type == INSTANT else f.type) for f in schema]
        yield pa.Table.from_arrays(arrays, schema=schema)


def _units(amounts: pa.ChunkedArray) -> int:
    """The exact sum of a column of money, in 1/10,000."""
    total = Decimal(0)
    for chunk in amounts.chunks:
        part = pc.sum(chunk.cast(pa.decimal128(38, 4))).as_py()
        total += part or Decimal(0)
    return int(total * SCALE)


def columns_of(config: Config) -> tuple[str, ...]:
    """The canonical columns that the ledger has.

    Examples
    --------
    >>> columns_of(Config.of(purchases={"cost": "c"}))
    ('customer_id', 'purchased_at', 'order_id', 'amount', 'cost')
    """
    mapped = config.data.purchases.roles()
    return tuple(c.name for c in PURCHASES if c.required or c.name in mapped)


def data_key(config: Config, facts: Sequence[str] = ()) -> str:
    """A hash of the [data] section and of the door's `facts`: evidence under others does not add up."""
    content = json.dumps([FORMAT, config.data.model_dump(mode="json"), *facts], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:20]


def outcome_of(
    con: Connection,
    own: Evidence,
    written: Written,
    bad: pa.Table,
    config: Config,
    notes: Sequence[str],
    read_us: int,
    base: Base | None,
    plain_ids: pa.Table | None = None,
) -> Refined:
    """The outcome of one intake, together with the base to which its lines are added.

    Raises
    ------
    DataError
        There is no line that can be used.
    ConfigError
        The days that the data are said to cover are not those of the lines.
    """
    words, customers, later = ascending(written.orders), written.customers, True
    evidence = written.shown_in(own, len(words))
    if base is not None:
        words, later = base.new_orders(words), is_later(base.evidence, own)
        evidence = base.evidence.plus(evidence, base.files, base.evidence.n_orders + len(words))
        customers, bad = base.customers_with(con, customers), base.quarantine_with(bad)
    if not evidence.lines["used"]:
        raise _no_rows(evidence)
    said = [*notes, *_notes(evidence, config), *customers_alike(con, customers, plain_ids)]
    manifest = _manifest(evidence, config, customers.num_rows, said, read_us)
    return Refined(manifest, evidence, bad, customers, words, later)


def _notes(evidence: Evidence, config: Config) -> Iterator[str]:
    mapping = config.data.purchases.roles()
    for role in (r for r in mapping if r in evidence.formats):
        yield from evidence.formats[role].notes(mapping[role])
    if evidence.currencies and not config.data.currency:
        yield f"the ledger's currency is {evidence.currencies[0]}: all lines are in it, and [data] says nothing else"
    for source in evidence.sources:
        yield from source.notes
    if evidence.kept_twins:
        yield (
            f"{evidence.kept_twins} lines equal another line in every mapped column and were kept: they are no block"
        )


def _manifest(evidence: Evidence, config: Config, n_customers: int, notes: list[str], read_us: int) -> Manifest:
    data, purchases = config.data, config.data.purchases
    first, last, seen = (Cutoff(day or 0) for day in (evidence.first_day, evidence.last_day, evidence.seen))
    starts = Cutoff.parse(data.history_starts) if data.history_starts else first
    ends = Cutoff.parse(data.history_ends) if data.history_ends else seen
    _check_history(starts, ends, last, seen)
    if starts > first:
        notes.append(f"purchases from {first} on are kept, though history_starts says {starts}")
    rules = Rules(data.timezone, purchases.returns, purchases.count_free)
    facts = (rules.timezone, rules.returns, str(rules.count_free), str(starts), str(ends))
    columns = columns_of(config)
    return Manifest(
        format=FORMAT,
        regulars=__version__,
        fingerprint=Fingerprint(evidence.sums, evidence.lines["used"]).text(*columns, *facts),
        sources=tuple(delivered.source for delivered in evidence.sources),
        lines=evidence.lines,
        money=evidence.money,
        unreadable_amounts=evidence.unreadable_amounts,
        rounding_difference=evidence.rounding_difference,
        n_customers=n_customers,
        n_orders=evidence.n_orders,
        first_day=str(first),
        last_day=str(last),
        history_starts=str(starts),
        history_ends=str(ends),
        columns=columns,
        rules=rules,
        currency=data.currency or "".join(evidence.currencies[:1]),
        tax=data.tax,
        grammar=evidence.grammar(),
        repairs=repairs_of(evidence.mended),
        notes=tuple(map(visible, notes)),
        read_time=f"{np.datetime64(read_us, 'us')}Z",
    )


def _check_history(starts: Cutoff, ends: Cutoff, last: Cutoff, seen: Cutoff) -> None:
    if starts > last:
        raise ConfigError(
            f"history_starts is {starts}, and the last purchase is of {last}",
            needed="the first day that the data cover",
            code="RG132",
        )
    if ends < seen:
        raise ConfigError(
            f"history_ends is {ends}, and there are purchases of {seen}",
            needed="the last day that the data cover",
            code="RG132",
        )


def _no_rows(evidence: Evidence) -> DataError:
    lines = evidence.lines
    shown = ", ".join(f"{n} {name}" for name, n in lines.items() if n and name != "read")
    return DataError(
        f"no rows: of {lines['read']} lines none can be used ({shown or 'there are none'})",
        needed="lines with a customer, a date and an amount",
        do="check which column `customer_id` is mapped to",
        offending=[source.file for source in evidence.sources],
        code="RG118",
    )
