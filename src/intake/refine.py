"""One intake from end to end: parts in, sorted canonical lines out, and the manifest that accounts for every line.

In: parts and the configuration. Out: sorted blocks of whole customers handed to a sink, the quarantined lines, and a
`Manifest`. Everything is settled over all parts together, so that neither their order nor that of their lines matters.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .. import __version__
from ..clock import Cutoff, Zone
from ..config import Config
from ..errors import ConfigError, DataError
from ..schema import INSTANT, PURCHASES, SCALE, Rules, purchases_schema
from .blocks import Fingerprint, customer_blocks
from .dates import StampSettings, settle_shifts, settle_words
from .lines import CLASSES, Reason, check_bad_share, check_discounts, judge, quarantine, reasons_of, type_lines
from .manifest import FORMAT, Manifest, Source
from .money import exact_sum, settle_money, settle_products
from .overlap import merge_duplicates, merge_nothing, merge_overlaps
from .parts import MONEY, STAMPS, Part, Places, mapping_of
from .repairs import customers_alike, repairs_of
from .staging import Connection, fetched, stage, working_database

Progress = Callable[[str], None]
_BATCH = 65_536


@dataclass(frozen=True)
class Refined:
    """The outcome beside the lines themselves."""

    manifest: Manifest
    quarantine: pa.Table


def refine(
    parts: Sequence[Part],
    notes: Sequence[str],
    config: Config,
    spill: Path,
    sink: Callable[[pa.Table], None],
    progress: Progress,
) -> Refined:
    """Read, cast, judge, merge and sort all parts; every block of lines goes to `sink` in order."""
    with working_database(config.engine, spill) as con:
        return _Intake(con, parts, config, progress).run(list(notes), sink)


class _Intake:
    def __init__(self, con: Connection, parts: Sequence[Part], config: Config, progress: Progress) -> None:
        self.con, self.parts, self.config, self.progress = con, parts, config, progress
        self.purchases = config.data.purchases
        self.mapping = mapping_of(self.purchases)
        self.places = Places.of(parts)
        self.read_us = time.time_ns() // 1_000
        self.reasons: list[Reason] = reasons_of(self.mapping, self.read_us)

    def run(self, notes: list[str], sink: Callable[[pa.Table], None]) -> Refined:
        counts = stage(self.con, self.parts, self.mapping, self.progress)
        self.progress("casting")
        notes += self._settle()
        type_lines(self.con, self.mapping, self.reasons)
        limit = self.purchases.max_bad_share
        check_bad_share(self.con, self.reasons, self.mapping, limit, self.places)
        notes += [note for part in self.parts for note in part.notes]
        self.progress("looking for lines that stand twice")
        notes += self._merge()
        judge(self.con, self.purchases.returns == "drop")
        notes += customers_alike(self.con)
        self.progress("sorting and writing")
        fingerprint = Fingerprint()
        written = self._write(fingerprint, sink)
        bad = quarantine(self.con, self.reasons, self.mapping, self.places)
        return Refined(self._manifest(counts, written, fingerprint, notes), bad)

    def _settle(self) -> list[str]:
        """Make the words, pairs and shifts of all columns; notes."""
        notes: list[str] = []
        for role in (r for r in MONEY if r in self.mapping):
            column = self.mapping[role]
            settle_money(self.con, role, self.purchases.decimal, column, self.places)
        if "amount" not in self.mapping:
            settle_products(self.con)
        if "discount" in self.mapping:
            check_discounts(self.con, self.mapping["discount"])
        naive = self.purchases.naive_timezone
        settings = StampSettings(self.config.zone, Zone(naive) if naive else None)
        for role in (r for r in STAMPS if r in self.mapping):
            column = self.mapping[role]
            notes += settle_words(self.con, role, self.purchases.day_first, column, self.places)
            settle_shifts(self.con, role, settings, column, self.places)
        return notes

    def _merge(self) -> list[str]:
        if self.purchases.duplicates == "keep":
            merge_nothing(self.con)
        elif self.purchases.duplicates == "drop":
            merge_duplicates(self.con, self.compared)
        else:
            left = merge_overlaps(self.con, self.compared)
            if left:
                return [f"{left} lines equal another line in every mapped column and were kept: they are no block"]
        return []

    @property
    def columns(self) -> tuple[str, ...]:
        """The canonical columns that the ledger has."""
        return tuple(c.name for c in PURCHASES if c.required or c.name in self.mapping)

    @property
    def compared(self) -> tuple[str, ...]:
        """What must be equal for two lines to be copies: the mapped columns."""
        return tuple(c for c in (*(c.name for c in PURCHASES), "unit_price") if c in self.mapping or c == "amount")

    def _write(self, fingerprint: Fingerprint, sink: Callable[[pa.Table], None]) -> Decimal:
        """Hand the used lines to the sink, sorted; their money as written."""
        total = 0
        for block in customer_blocks(self._sorted()):
            fingerprint.add(block)
            total += _units(block.column("amount"))
            sink(block)
        return Decimal(total).scaleb(-4)

    def _sorted(self) -> Iterator[pa.Table]:
        order_id = "coalesce(order_id, CAST(DATE '1970-01-01' + CAST(day AS INTEGER) AS VARCHAR)) AS order_id"
        chosen = ", ".join(order_id if c == "order_id" else c for c in self.columns)
        keys = ["customer_id", "purchased_at", "order_id", *(c for c in self.columns if c not in _FIRST)]
        query = (
            f"SELECT * FROM (SELECT {chosen} FROM judged WHERE class = 'used') "
            f"ORDER BY {', '.join(f'{k} ASC NULLS LAST' for k in keys)}"
        )
        schema = purchases_schema(self.columns)
        for batch in self.con.sql(query).to_arrow_reader(_BATCH):
            arrays = [_typed(batch.column(f.name), f.type) for f in schema]
            yield pa.Table.from_arrays(arrays, schema=schema)

    def _manifest(self, counts: list[int], written: Decimal, fingerprint: Fingerprint, notes: list[str]) -> Manifest:
        data = self.config.data
        lines, money, unreadable = self._tally(sum(counts), written)
        ((customers, orders, first, last),) = fetched(
            self.con,
            "SELECT count(DISTINCT customer_id), count(DISTINCT (customer_id, coalesce(order_id, 'day ' || day))), "
            "min(day), max(day) FROM judged WHERE class = 'used'",
        )
        starts = Cutoff.parse(data.history_starts) if data.history_starts else Cutoff(first)
        if starts.day > last:
            raise ConfigError(
                f"history_starts is {starts}, and the last purchase is of {Cutoff(last)}",
                needed="the first day that the data cover",
                code="RG132",
            )
        if starts.day > first:
            notes.append(f"purchases from {Cutoff(first)} on are kept, though history_starts says {starts}")
        # Guests' lines show as well as anyone's that a day is covered.
        ((seen,),) = fetched(self.con, "SELECT max(day) FROM judged WHERE class IN ('used', 'guest')")
        ends = Cutoff.parse(data.history_ends) if data.history_ends else Cutoff(seen)
        if ends.day < seen:
            raise ConfigError(
                f"history_ends is {ends}, and there are purchases of {Cutoff(seen)}",
                needed="the last day that the data cover",
                code="RG132",
            )
        rules = Rules(data.timezone, self.purchases.returns, self.purchases.count_free)
        facts = (rules.timezone, rules.returns, str(rules.count_free), str(starts), str(ends))
        sources = (Source(p.name, p.sha256, n) for p, n in zip(self.parts, counts, strict=True))
        return Manifest(
            format=FORMAT,
            regulars=__version__,
            fingerprint=fingerprint.text(*facts),
            sources=tuple(sources),
            lines=lines,
            money=money,
            unreadable_amounts=unreadable,
            rounding_difference=format(self._rounding(), "f"),
            n_customers=customers,
            n_orders=orders,
            first_day=str(Cutoff(first)),
            last_day=str(Cutoff(last)),
            history_starts=str(starts),
            history_ends=str(ends),
            columns=self.columns,
            rules=rules,
            currency=data.currency,
            tax=data.tax,
            repairs=repairs_of(self.con, self.mapping),
            notes=tuple(notes),
            read_time=f"{np.datetime64(self.read_us, 'us')}Z",
        )

    def _tally(self, read: int, written: Decimal) -> tuple[dict[str, int], dict[str, str], int]:
        """Lines and money by class; `read` counted where they were read, `used` where they were written."""
        rows = fetched(
            self.con,
            "SELECT class, count(*), coalesce(sum(amount), 0), count(*) - count(amount) FROM judged GROUP BY class",
        )
        found = {name: (n, amount, missing) for name, n, amount, missing in rows}
        lines = {name: found.get(name, (0,))[0] for name in CLASSES} | {"read": read}
        if not lines["used"]:
            raise _no_rows(lines)
        money = {name: str(found[name][1]) if name in found else "0.0000" for name in CLASSES}
        ((whole,),) = fetched(self.con, "SELECT coalesce(sum(amount), 0) FROM typed")
        money |= {"read": str(whole), "used": str(written)}
        return lines, money, found.get("quarantined", (0, 0, 0))[2]

    def _rounding(self) -> Decimal:
        table = "words_amount" if "amount" in self.mapping else "pairs"
        rows = fetched(self.con, f"SELECT n, difference FROM {table} WHERE value IS NOT NULL AND difference <> '0'")
        return exact_sum(rows)


_FIRST = ("customer_id", "purchased_at", "order_id")


def _no_rows(lines: dict[str, int]) -> DataError:
    shown = ", ".join(f"{n} {name}" for name, n in lines.items() if n and name != "read")
    return DataError(
        f"no rows: of {lines['read']} lines none can be used ({shown or 'there are none'})",
        needed="lines with a customer, a date and an amount",
        do="check which column `customer_id` is mapped to",
        code="RG118",
    )


def _typed(column: pa.Array, kind: pa.DataType) -> pa.Array:
    return column.cast(INSTANT) if kind == INSTANT else column.cast(kind)


def _units(amounts: pa.ChunkedArray) -> int:
    """The exact sum of a column of money, in 1/10,000."""
    total = Decimal(0)
    for chunk in amounts.chunks:
        part = pc.sum(chunk.cast(pa.decimal128(38, 4))).as_py()
        total += part or Decimal(0)
    return int(total * SCALE)
