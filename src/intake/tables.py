"""One table beside the purchases from end to end: what its sections name in, sorted rows of whole customers out.

In: the sections of a table and their parts. Out: sorted blocks handed to a sink, the quarantined lines, and a
`TableManifest` that accounts for every line. Each section has grammars of its own; neither the order of files nor that
of lines matters. Lines without a customer are set aside and counted; optional values that are missing stay missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from ..clock import Cutoff, Zone
from ..errors import DataError, masked
from ..schema import INSTANT, MONEY, TIME_OF, table_schema
from ..sections import ConsentConfig, CustomersConfig, TableSection
from .blocks import customer_blocks
from .hashes import Fingerprint
from .lines import QUARANTINE, check_bad_share, quarantine
from .manifest import TABLE_CLASSES, Kind, Repair, Source, TableManifest
from .overlap import merge_duplicates, merge_nothing, merge_overlaps
from .privacy import Door
from .repairs import repairs_beside
from .settle import drop_words, settle
from .sources.parts import Part, Places
from .staging import Connection, fetched, stage
from .table_lines import (
    check_statuses,
    columns_of,
    judge_table,
    mark_contradictions,
    table_reasons,
    type_table,
    unseen_words,
)

MOST_KINDS = 1_000
_BATCH = 65_536
_ONE_SECTION = ("raw", "unclean", "typed", "merged")


@dataclass(frozen=True)
class Delivery:
    """One section of a table, and the parts that it names."""

    section: TableSection
    parts: Sequence[Part]
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class Outcome:
    """What became of a table, beside the rows themselves."""

    manifest: TableManifest
    quarantine: pa.Table


@dataclass
class _Account:
    """What is counted while the sections of a table are read."""

    lines: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("read", *TABLE_CLASSES), 0))
    sources: list[Source] = field(default_factory=list)
    repairs: list[Repair] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    bad: list[pa.Table] = field(default_factory=list)


class TableIntake:
    """Takes in one table; `con` holds the table `buyers` (customer_id) of the customers with purchases."""

    def __init__(
        self,
        con: Connection,
        table: str,
        deliveries: Sequence[Delivery],
        zone: Zone,
        read_us: int,
        progress: Callable[[str], None],
        door: Door,
    ) -> None:
        self.con, self.table, self.deliveries, self.zone = con, table, deliveries, zone
        self.read_us, self.progress, self.door = read_us, progress, door
        self.columns = columns_of(table, [d.section for d in deliveries])
        self.extras = deliveries[0].section.extras()
        self.account = _Account()

    def run(self, sink: Callable[[pa.Table], None]) -> Outcome:
        """Read, cast, judge, merge and sort; every block of rows goes to `sink` in order."""
        self._make_used()
        for delivery in self.deliveries:
            self._take(delivery)
        # A table of which nobody is left but those who were forgotten is empty; the mapping was right.
        if not (self.account.lines["used"] or self.account.lines["erased"]):
            raise self._no_rows()
        kinds, channels = self._counted("kind"), self._counted("channel")
        self.progress(f"sorting and writing the {self.table}")
        fingerprint = Fingerprint()
        if not self.account.lines["used"]:
            sink(self.schema.empty_table())
        for block in customer_blocks(self._sorted()):
            fingerprint.add(block)
            sink(block)
        bad = pa.concat_tables([QUARANTINE.empty_table(), *self.account.bad])
        return Outcome(self._manifest(fingerprint, kinds, channels), bad)

    @property
    def schema(self) -> pa.Schema:
        """Of the rows: canonical columns, then the declared ones under the user's names."""
        return table_schema(self.table, self.columns, **self._declared())

    def _declared(self) -> dict[str, tuple[str, ...]]:
        section = self.deliveries[0].section
        if not isinstance(section, CustomersConfig):
            return {}
        return {"attributes": section.attributes, "numbers": section.numbers, "sensitive": section.sensitive}

    def _roles(self) -> tuple[str, ...]:
        """The columns of `used`, as `schema` has them."""
        return (*self.columns, *self.extras)

    def _make_used(self) -> None:
        kinds = {INSTANT: "BIGINT", MONEY: "DECIMAL(18, 4)", pa.string(): "VARCHAR"}
        columns = (f"{role} {kinds[f.type]}" for role, f in zip(self._roles(), self.schema, strict=True))
        self.con.execute(f"CREATE TABLE used ({', '.join(columns)})")

    def _take(self, delivery: Delivery) -> None:
        """Read one section: its readable lines go to `used`, all of them into the account."""
        section, account = delivery.section, self.account
        mapping, places = section.roles(), Places.of(delivery.parts, f"data.{self.table}")
        counts = stage(self.con, delivery.parts, mapping, self.progress)
        self.door.admit(self.con, mapping)
        notes = [*delivery.notes, *settle(self.con, section, self.zone, places).notes(mapping)]
        if isinstance(section, ConsentConfig):
            check_statuses(self.con, section, places)
        reasons = table_reasons(self.table, mapping, self.read_us)
        type_table(self.con, self.table, section, mapping, reasons)
        present = [*columns_of(self.table, [section]), *self.extras]
        if self.table == "customers":
            mark_contradictions(self.con, reasons, present)
        check_bad_share(self.con, reasons, mapping, section.max_bad_share, places)
        notes += self._merge(section, present)
        judge_table(self.con)
        chosen = ", ".join(present)
        self.con.execute(f"INSERT INTO used BY NAME SELECT {chosen} FROM judged WHERE class = 'used'")
        account.lines["read"] += sum(counts)
        for name, n in fetched(self.con, "SELECT class, count(*) FROM judged GROUP BY class"):
            account.lines[name] += n
        account.sources += [Source(p.name, p.sha256, n) for p, n in zip(delivery.parts, counts, strict=True)]
        account.repairs += repairs_beside(self.con, mapping, TIME_OF.get(self.table))
        account.notes += [*notes, *(n for p in delivery.parts for n in p.notes), *unseen_words(self.con, section)]
        account.bad.append(quarantine(self.con, reasons, mapping, places))
        self._drop(mapping)

    def _merge(self, section: TableSection, columns: Sequence[str]) -> list[str]:
        """Customers and permissions that stand twice are one; of events and offers the section decides."""
        how = getattr(section, "duplicates", "drop")
        if how == "keep":
            merge_nothing(self.con)
        elif how == "drop":
            merge_duplicates(self.con, columns)
        else:
            left = merge_overlaps(self.con, columns, TIME_OF[self.table], ("customer_id",))
            if left:
                return [f"{left} lines equal another line in every mapped column and were kept: they are no block"]
        return []

    def _drop(self, mapping: Mapping[str, str]) -> None:
        """Make room for the next section."""
        self.con.execute("DROP VIEW judged")
        drop_words(self.con, mapping)
        for name in _ONE_SECTION:
            self.con.execute(f"DROP TABLE {name}")

    def _counted(self, role: str) -> tuple[Kind, ...]:
        """The values of a column of the events, by name, with their lines."""
        if self.table != "events" or role not in self.columns:
            return ()
        rows = fetched(
            self.con,
            f"SELECT {role}, count(*), count(*) FILTER (initiated_by = 'company') FROM used "
            f"WHERE {role} IS NOT NULL GROUP BY {role} ORDER BY {role} LIMIT {MOST_KINDS + 1}",
        )
        if len(rows) > MOST_KINDS:
            columns = [f"`{c}`" for d in self.deliveries if (c := d.section.roles().get(role))]
            raise DataError(
                f"the events have more than {MOST_KINDS:,} different values of `{role}`",
                needed="a small vocabulary, such as visit and email_open for `kind`, or web and store for `channel`",
                do=f"check which column `{role}` is mapped to (now {', '.join(columns)})",
                offending=[masked(value) for value, *_ in rows[:3]],
                code="RG143",
            )
        return tuple(Kind(*row) for row in rows)

    def _sorted(self) -> Iterator[pa.Table]:
        time = (TIME_OF[self.table],) if self.table in TIME_OF else ()
        keys = ("customer_id", *time, *(r for r in self._roles() if r not in ("customer_id", *time)))
        order = ", ".join(f"{key} ASC NULLS LAST" for key in keys)
        schema = self.schema
        query = f"SELECT {', '.join(self._roles())} FROM used ORDER BY {order}"
        for batch in self.con.sql(query).to_arrow_reader(_BATCH):
            arrays = [column.cast(f.type) for column, f in zip(batch.columns, schema, strict=True)]
            yield pa.Table.from_arrays(arrays, schema=schema)

    def _days(self) -> tuple[str, str]:
        """The first and last local day of the rows; empty for a table without time, or without rows."""
        if self.table not in TIME_OF or not self.account.lines["used"]:
            return "", ""
        time = TIME_OF[self.table]
        ((first, last),) = fetched(self.con, f"SELECT min({time}), max({time}) FROM used")
        days = self.zone.local_day(np.array([first, last], np.int64))
        return str(Cutoff(int(days[0]))), str(Cutoff(int(days[1])))

    def _manifest(self, fingerprint: Fingerprint, kinds: tuple[Kind, ...], channels: tuple[Kind, ...]) -> TableManifest:
        account = self.account
        ((customers, strangers),) = fetched(
            self.con,
            "SELECT count(*), count(*) FILTER (buyers.customer_id IS NULL) FROM "
            "(SELECT DISTINCT customer_id FROM used) u LEFT JOIN buyers USING (customer_id)",
        )
        first, last = self._days()
        declared = self._declared()
        facts = [f"{key}: {name}" for key, names in declared.items() for name in names]
        return TableManifest(
            fingerprint=fingerprint.text(self.table, *facts),
            sources=tuple(account.sources),
            lines=account.lines,
            n_customers=customers,
            without_purchases=strangers,
            first_day=first,
            last_day=last,
            columns=self.columns,
            **declared,
            kinds=kinds,
            channels=channels,
            repairs=tuple(account.repairs),
            notes=tuple(account.notes),
        )

    def _no_rows(self) -> DataError:
        lines = self.account.lines
        shown = ", ".join(f"{n} {name}" for name, n in lines.items() if n and name != "read")
        return DataError(
            f"no rows: of {lines['read']} lines of the {self.table} none can be used ({shown or 'there are none'})",
            do=f"check which columns [data.{self.table}] maps, `customer_id` above all; or leave the section out",
            code="RG118",
        )
