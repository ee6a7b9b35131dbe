"""One intake from end to end: parts in, sorted canonical lines out, and the evidence that accounts for every line.

In: parts, the configuration, and the evidence of a ledger to which they are added, if any. Out: sorted blocks of whole
customers handed to a sink, the quarantined lines, and a `Manifest`. Everything is settled over all parts together, so
that neither their order nor that of their lines matters.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from pathlib import Path

import pyarrow as pa

from ..config import Config
from ..schema import PURCHASES
from .added import Base, check_fits
from .blocks import customer_blocks
from .casts import BASES
from .currencies import Currencies, check_signs, home_rounding, mended_currencies, settle_currencies
from .evidence import Delivered, Evidence, Mended
from .hashes import Fingerprint
from .lines import (
    CLASSES,
    FUTURE,
    Reason,
    check_bad_share,
    check_discounts,
    discount_signs,
    judge,
    keep_odd_lines,
    quarantine,
    reasons_of,
    type_lines,
)
from .money import exact_sum, settle_products
from .outcome import Refined, Sink, Written, columns_of, data_key, outcome_of, sorted_tables
from .overlap import READABLE, doubled_edges, merge_duplicates, merge_nothing, merge_overlaps
from .privacy import Door
from .repairs import mended_lines
from .repeats import mended_repeats, settle_repeats
from .settle import Grammar, settle
from .sources.parts import Part, Places
from .staging import Connection, fetched, stage, working_database

Progress = Callable[[str], None]


def refine(
    parts: Sequence[Part],
    notes: Sequence[str],
    config: Config,
    spill: Path,
    sink: Sink,
    progress: Progress,
    base: Base | None = None,
    door: Door | None = None,
) -> Refined:
    """Read, cast, judge, merge and sort all parts; every block of lines goes to `sink` in order.

    Raises
    ------
    NotAdded
        There is a base, and one intake of everything might read its lines or the new ones in another way.
    """
    with working_database(config.engine, spill) as con:
        return _Intake(con, parts, config, progress, base, door or Door.of(config)).run(notes, sink)


class _Intake:
    def __init__(
        self,
        con: Connection,
        parts: Sequence[Part],
        config: Config,
        progress: Progress,
        base: Base | None,
        door: Door,
    ) -> None:
        self.con, self.parts, self.config, self.progress, self.base = con, parts, config, progress, base
        self.door = door
        self.purchases = config.data.purchases
        self.mapping = self.purchases.roles()
        self.places = Places.of(parts)
        self.read_us = time.time_ns() // 1_000
        self.reasons: list[Reason] = reasons_of(self.mapping, self.read_us)
        self.grammar = Grammar()
        self.currencies, self.discounts = Currencies(), (0, 0)

    def run(self, notes: Sequence[str], sink: Sink) -> Refined:
        counts = stage(self.con, self.parts, self.mapping, self.progress)
        self.door.admit(self.con, self.mapping)
        self.progress("casting")
        self._settle()
        type_lines(self.con, self.mapping, self.reasons)
        if "transaction_id" in self.mapping:
            settle_repeats(self.con, self.compared, self.reasons)
        if self.base is None:
            limit = self.purchases.max_bad_share
            check_bad_share(self.con, self.reasons, self.mapping, limit, self.places)
        rounding = self._rounding()
        keep_odd_lines(self.con, self.mapping)
        self.progress("looking for lines that stand twice")
        twins = self._merge()
        judge(self.con, self.purchases.returns == "drop")
        own = self._evidence(counts, twins, rounding)
        if self.base is not None:
            check_fits(self.base.evidence, own, self.config, self.read_us)
        bad = quarantine(self.con, self.reasons, self.mapping, self.places)
        self.progress("sorting and writing")
        written = Written(sink, customer_blocks(self._sorted()))
        plain_ids = self.door.plain_ids
        return outcome_of(self.con, own, written, bad, self.config, notes, self.read_us, self.base, plain_ids)

    def _settle(self) -> None:
        """Make the words, pairs and shifts of all columns, in the base's grammar if there is one."""
        known = self.base.evidence if self.base else None
        decimals, formats = (known.decimals, known.formats) if known else (None, None)
        self.grammar = settle(self.con, self.purchases, self.config.zone, self.places, decimals, formats)
        if "amount" not in self.mapping:
            settle_products(self.con)
        check_signs(self.grammar.signs, self.mapping, self.config.data.currency)
        if "currency" in self.mapping:
            said = self.config.data.currency
            self.currencies = settle_currencies(self.con, self.purchases, said, self.places)
        if "discount" in self.mapping:
            self.discounts = discount_signs(self.con)
            if known is None:
                check_discounts(self.discounts, self.mapping["discount"])

    def _merge(self) -> int:
        lines, twins = READABLE, 0
        if "transaction_id" in self.mapping:
            lines = f"(SELECT * FROM {READABLE} ANTI JOIN repeats USING (seq))"
        if self.purchases.duplicates == "keep":
            merge_nothing(self.con)
        elif self.purchases.duplicates == "drop":
            merge_duplicates(self.con, self.compared, lines)
        else:
            twins = merge_overlaps(self.con, self.compared, lines=lines)
        if "transaction_id" in self.mapping:
            self.con.execute("INSERT INTO merged SELECT seq FROM repeats")
        return twins

    @property
    def compared(self) -> tuple[str, ...]:
        """What must be equal for two lines to be copies: the mapped columns."""
        names = (*(c.name for c in PURCHASES), "unit_price", "currency", "transaction_id")
        return tuple(c for c in names if c in self.mapping or c == "amount")

    def _sorted(self) -> Iterator[pa.Table]:
        order_id = "coalesce(order_id, CAST(DATE '1970-01-01' + CAST(day AS INTEGER) AS VARCHAR)) AS order_id"
        columns = columns_of(self.config)
        chosen = ", ".join(order_id if c == "order_id" else c for c in columns)
        query = f"SELECT {chosen} FROM judged WHERE class = 'used'"
        return sorted_tables(self.con, query, columns)

    def _evidence(self, counts: list[int], twins: int, rounding: Decimal) -> Evidence:
        """What was found, before anything is written."""
        lines, money, unreadable = self._tally(sum(counts))
        ((first, last),) = fetched(self.con, "SELECT min(day), max(day) FROM judged WHERE class = 'used'")
        # Guests' lines show as well as anyone's that a day is covered, and so do those of the erased.
        ((seen,),) = fetched(self.con, "SELECT max(day) FROM judged WHERE class IN ('used', 'guest', 'erased')")
        ((begin, end),) = fetched(self.con, "SELECT min(day), max(day) FROM typed WHERE unfit IS NULL")
        delivered = (Delivered(p.name, p.sha256, n, tuple(p.notes)) for p, n in zip(self.parts, counts, strict=True))
        said = self.purchases.decimal
        known = self.base.evidence.decimals if self.base else {}
        return Evidence(
            data=data_key(self.config, self.door.facts),
            sources=tuple(delivered),
            lines=lines,
            money=money,
            unreadable_amounts=unreadable,
            rounding_difference=format(rounding, "f"),
            n_orders=0,
            sums=Fingerprint().sums,
            first_day=first,
            last_day=last,
            seen=seen,
            readable=None if begin is None else (begin, end),
            doubled=doubled_edges(self.con, self.compared)
            if self.purchases.duplicates == "overlap"
            else (False, False),
            kept_twins=twins,
            future_us=self._future(),
            discounts=self.discounts,
            mended=self._mended(),
            signs=self.grammar.signs,
            decimals={
                role: known.get(role) or signs.decimal(said) or "." for role, signs in self.grammar.signs.items()
            },
            formats=self.grammar.formats,
            bases={role: self._bases(role) for role in self.grammar.formats},
            currencies=self.currencies.codes,
        )

    def _mended(self) -> tuple[Mended, ...]:
        """Every repair that may be made, in a fixed order."""
        found = [*mended_lines(self.con, self.mapping, self.places)]
        if "transaction_id" in self.mapping:
            found += mended_repeats(self.con, self.mapping["transaction_id"])
        if "currency" in self.mapping:
            found.append(mended_currencies(self.con, self.mapping["currency"]))
        return tuple(found)

    def _bases(self, role: str) -> tuple[str, ...]:
        """What the times of a column are told in."""
        rows = fetched(
            self.con, f"SELECT DISTINCT ((key % {len(BASES)}) + {len(BASES)}) % {len(BASES)} FROM shifts_{role}"
        )
        codes = {code for (code,) in rows}
        return tuple(sorted(name for name, code in BASES.items() if code in codes))

    def _future(self) -> int | None:
        """The earliest instant that is set aside because it lies after the moment of reading."""
        least = [
            f"min({reason.role}) FILTER (unfit = {i})"
            for i, reason in enumerate(self.reasons)
            if reason.words == FUTURE
        ]
        ((*found,),) = fetched(self.con, f"SELECT {', '.join(least)} FROM typed")
        return min((us for us in found if us is not None), default=None)

    def _tally(self, read: int) -> tuple[dict[str, int], dict[str, str], int]:
        """Lines and money by class; `read` is counted where they were read."""
        rows = fetched(
            self.con,
            "SELECT class, count(*), coalesce(sum(amount), 0), count(*) - count(amount) FROM judged GROUP BY class",
        )
        found = {name: (n, amount, missing) for name, n, amount, missing in rows}
        lines = {name: found.get(name, (0,))[0] for name in CLASSES} | {"read": read}
        money = {name: str(found[name][1]) if name in found else "0.0000" for name in CLASSES}
        ((whole,),) = fetched(self.con, "SELECT coalesce(sum(amount), 0) FROM typed")
        unreadable = sum(found.get(name, (0, 0, 0))[2] for name in ("quarantined", "erased"))
        return lines, money | {"read": str(whole)}, unreadable

    def _rounding(self) -> Decimal:
        if "currency" in self.mapping:
            return home_rounding(self.con, self.mapping)
        table = "words_amount" if "amount" in self.mapping else "pairs"
        rows = fetched(self.con, f"SELECT n, difference FROM {table} WHERE value IS NOT NULL AND difference <> '0'")
        return exact_sum(rows)
