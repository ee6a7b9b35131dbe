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

from ..clock import Zone
from ..config import Config
from ..schema import PURCHASES
from .added import Base, check_fits
from .blocks import customer_blocks
from .casts import BASES
from .dates import Format, StampSettings, settle_format, settle_shifts
from .evidence import Delivered, Evidence
from .hashes import Fingerprint
from .lines import (
    CLASSES,
    FUTURE,
    Reason,
    check_bad_share,
    check_discounts,
    discount_signs,
    judge,
    quarantine,
    reasons_of,
    type_lines,
)
from .money import exact_sum, settle_money, settle_products
from .notation import Signs
from .outcome import Refined, Sink, Written, columns_of, data_key, outcome_of, sorted_tables
from .overlap import doubled_edges, merge_duplicates, merge_nothing, merge_overlaps
from .repairs import mended_lines
from .sources.parts import Part, Places, is_money, is_stamp
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
) -> Refined:
    """Read, cast, judge, merge and sort all parts; every block of lines goes to `sink` in order.

    Raises
    ------
    NotAdded
        There is a base, and one intake of everything might read its lines or the new ones in another way.
    """
    with working_database(config.engine, spill) as con:
        return _Intake(con, parts, config, progress, base).run(notes, sink)


class _Intake:
    def __init__(
        self, con: Connection, parts: Sequence[Part], config: Config, progress: Progress, base: Base | None
    ) -> None:
        self.con, self.parts, self.config, self.progress, self.base = con, parts, config, progress, base
        self.purchases = config.data.purchases
        self.mapping = self.purchases.roles()
        self.places = Places.of(parts)
        self.read_us = time.time_ns() // 1_000
        self.reasons: list[Reason] = reasons_of(self.mapping, self.read_us)
        self.signs: dict[str, Signs] = {}
        self.formats: dict[str, Format] = {}
        self.discounts = (0, 0)

    def run(self, notes: Sequence[str], sink: Sink) -> Refined:
        counts = stage(self.con, self.parts, self.mapping, self.progress)
        self.progress("casting")
        self._settle()
        type_lines(self.con, self.mapping, self.reasons)
        if self.base is None:
            limit = self.purchases.max_bad_share
            check_bad_share(self.con, self.reasons, self.mapping, limit, self.places)
        self.progress("looking for lines that stand twice")
        twins = self._merge()
        judge(self.con, self.purchases.returns == "drop")
        own = self._evidence(counts, twins)
        if self.base is not None:
            check_fits(self.base.evidence, own, self.config, self.read_us)
        self.progress("sorting and writing")
        written = Written(sink, customer_blocks(self._sorted()))
        bad = quarantine(self.con, self.reasons, self.mapping, self.places)
        return outcome_of(self.con, own, written, bad, self.config, notes, self.read_us, self.base)

    def _settle(self) -> None:
        """Make the words, pairs and shifts of all columns, in the base's grammar if there is one."""
        known = self.base.evidence if self.base else None
        for role in filter(is_money, self.mapping):
            decimal = known.decimals[role] if known else self.purchases.decimal
            self.signs[role] = settle_money(self.con, role, decimal, self.mapping[role], self.places)
        if "amount" not in self.mapping:
            settle_products(self.con)
        if "discount" in self.mapping:
            self.discounts = discount_signs(self.con)
            if known is None:
                check_discounts(self.discounts, self.mapping["discount"])
        naive = self.purchases.naive_timezone
        settings = StampSettings(self.config.zone, Zone(naive) if naive else None)
        for role in filter(is_stamp, self.mapping):
            column, before = self.mapping[role], known.formats[role] if known else None
            self.formats[role] = settle_format(self.con, role, self.purchases.day_first, column, self.places, before)
            settle_shifts(self.con, role, settings, column, self.places)

    def _merge(self) -> int:
        if self.purchases.duplicates == "keep":
            merge_nothing(self.con)
        elif self.purchases.duplicates == "drop":
            merge_duplicates(self.con, self.compared)
        else:
            return merge_overlaps(self.con, self.compared)
        return 0

    @property
    def compared(self) -> tuple[str, ...]:
        """What must be equal for two lines to be copies: the mapped columns."""
        return tuple(c for c in (*(c.name for c in PURCHASES), "unit_price") if c in self.mapping or c == "amount")

    def _sorted(self) -> Iterator[pa.Table]:
        order_id = "coalesce(order_id, CAST(DATE '1970-01-01' + CAST(day AS INTEGER) AS VARCHAR)) AS order_id"
        columns = columns_of(self.config)
        chosen = ", ".join(order_id if c == "order_id" else c for c in columns)
        query = f"SELECT {chosen} FROM judged WHERE class = 'used'"
        return sorted_tables(self.con, query, columns)

    def _evidence(self, counts: list[int], twins: int) -> Evidence:
        """What was found, before anything is written."""
        lines, money, unreadable = self._tally(sum(counts))
        ((first, last),) = fetched(self.con, "SELECT min(day), max(day) FROM judged WHERE class = 'used'")
        # Guests' lines show as well as anyone's that a day is covered.
        ((seen,),) = fetched(self.con, "SELECT max(day) FROM judged WHERE class IN ('used', 'guest')")
        ((begin, end),) = fetched(self.con, "SELECT min(day), max(day) FROM typed WHERE reason IS NULL")
        delivered = (Delivered(p.name, p.sha256, n, tuple(p.notes)) for p, n in zip(self.parts, counts, strict=True))
        said = self.purchases.decimal
        known = self.base.evidence.decimals if self.base else {}
        return Evidence(
            data=data_key(self.config),
            sources=tuple(delivered),
            lines=lines,
            money=money,
            unreadable_amounts=unreadable,
            rounding_difference=format(self._rounding(), "f"),
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
            mended=mended_lines(self.con, self.mapping, self.places),
            signs=self.signs,
            decimals={role: known.get(role) or signs.decimal(said) or "." for role, signs in self.signs.items()},
            formats=self.formats,
            bases={role: self._bases(role) for role in self.formats},
        )

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
            f"min({reason.role}) FILTER (reason = {i})"
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
        return lines, money | {"read": str(whole)}, found.get("quarantined", (0, 0, 0))[2]

    def _rounding(self) -> Decimal:
        table = "words_amount" if "amount" in self.mapping else "pairs"
        rows = fetched(self.con, f"SELECT n, difference FROM {table} WHERE value IS NOT NULL AND difference <> '0'")
        return exact_sum(rows)
