"""Made-up ledgers full of edges, on which families of features are tried.

In: the shape of a ledger, a seed. Out: `Case`: a few customers' rows of every table, with rules, cutoffs and the first
day covered, and from it the kernel's `History`. Clock changes, leap days, ties, orders over several days, returns
before purchases, lone purchases, windows' edges either side, late rows, missing codes and empty tables all come up.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TypeVar

import numpy as np
import pyarrow as pa

from ..clock import DAY_US, Cutoff, Zone
from ..schema import PURCHASES, TIME_OF, Rules, purchases_schema, table_schema
from .events import Events, Traits
from .history import Beside, History
from .lines import MONEYS, TEXTS, Lines
from .shape import Shape

T = TypeVar("T")
Row = Mapping[str, int | str | None]
"""One row of a table: instants are UTC microseconds, money and numbers integers of 1/10,000."""

TIMES = {"purchases": "purchased_at", **TIME_OF}
REQUIRED = tuple(c.name for c in PURCHASES if c.required)

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "America/St_Johns")
DAYS = tuple(
    Cutoff.parse(text).day + k
    for text in (
        "2017-06-15",  # nothing special
        "2017-03-26",  # Berlin springs forward
        "2017-10-29",  # Berlin falls back
        "2017-03-12",  # New York and St. John's spring forward
        "2017-11-05",  # New York and St. John's fall back
        "2006-10-29",  # St. John's falls back at 00:01
        "2016-02-29",
        "2017-01-01",
    )
    for k in (0, 1)
)
AGO = (-40, -7, -1, 0, 1, 2, 3, 5, 20, 45, 106, 250, 400)
EDGES = tuple(days + k for days in (7, 30, 60, 90, 120, 150, 180, 274, 336, 360, 364, 365) for k in (-1, 0, 1))
EVEN = (-7, 1, 8, 15, 22, 29, 36)
"""Days from a row to a cutoff: scattered, either side of a window's edge, at equal gaps."""
_HOUR = 3_600_000_000
MOMENTS = (0, 1, 30_000_000, 6 * _HOUR - 1, 9 * _HOUR, 12 * _HOUR, 18 * _HOUR, 23 * _HOUR, 24 * _HOUR - 1)
AMOUNTS = (1_00, 1_0000, 9_9900, 10_0000, 12_5000, 29_3300, 100_0000, 1, 1234_5678, 0, -1_00, -10_0000, -99_9999)
RETURNED = (-10_0000, -29_3300, 0, 10_0000)
CODES = (None, "00123", "123", "cheese", "milk")
DELAYS = (0, 1, 5 * _HOUR, 3 * DAY_US, 40 * DAY_US)


@dataclass(frozen=True)
class Style:
    """What a made-up ledger is about."""

    lines: int = 25
    ago: Sequence[int] = (*AGO, *EDGES)
    moments: Sequence[int] = MOMENTS
    amounts: Sequence[int] = AMOUNTS
    customers: int = 4
    events: int = 12
    one_each: bool = False


STYLES = (
    Style(),
    Style(lines=0),
    Style(lines=3, one_each=True, customers=3),
    Style(amounts=RETURNED, lines=14, ago=AGO),
    Style(moments=(12 * _HOUR,), ago=(-1, 0, 1, 1, 1, 2), lines=16, customers=2),
    Style(events=0),
    Style(ago=EVEN, amounts=(10_0000,), customers=2),
    Style(lines=60, customers=1, events=30),
    Style(ago=EDGES),
)


@dataclass(frozen=True)
class Case:
    """Rows of every table, and how they are to be read.

    Parameters
    ----------
    tables : dict of str to tuple of Row
        ``purchases``, and what stands beside them.
    rules : Rules
    history_starts : Cutoff
    cutoffs : tuple of Cutoff, ascending
    shape : Shape
        What the ledger has.
    known_at : bool
        Whether rows say when they became known.
    """

    tables: Mapping[str, tuple[Row, ...]]
    rules: Rules
    history_starts: Cutoff
    cutoffs: tuple[Cutoff, ...]
    shape: Shape
    known_at: bool = False

    @property
    def zone(self) -> Zone:
        """The business time zone."""
        return Zone(self.rules.timezone)

    @property
    def customers(self) -> tuple[str, ...]:
        """Whoever bought, in order."""
        return tuple(sorted({str(row["customer_id"]) for row in self.tables["purchases"]}))

    def at(self, *cutoffs: Cutoff) -> Case:
        """The same with other cutoffs."""
        return replace(self, cutoffs=cutoffs)

    def but(self, table: str, rows: Iterable[Row]) -> Case:
        """The same with other rows in one table."""
        return replace(self, tables={**self.tables, table: tuple(rows)})

    def each(self, change: Callable[[str, Row], Row | None]) -> Case:
        """Every row changed; those that become None are left out."""
        changed = {table: tuple(change(table, row) for row in rows) for table, rows in self.tables.items()}
        return replace(self, tables={t: tuple(r for r in rows if r is not None) for t, rows in changed.items()})

    def of(self, customers: Collection[str]) -> Case:
        """The rows of some customers."""
        return self.each(lambda _, row: row if row["customer_id"] in customers else None)

    def is_before(self, table: str, row: Row, cutoff: Cutoff) -> bool:
        """Whether a row happened, and was known, before a cutoff; what is known of customers always was."""
        times = [row.get(TIMES[table]), row.get("known_at")] if table in TIMES else []
        return all(int(t) < cutoff.instant(self.zone) for t in times if t is not None)

    def before(self, cutoff: Cutoff) -> Case:
        """What was known before a cutoff; an offer redeemed later is not redeemed yet."""

        def known(table: str, row: Row) -> Row | None:
            if not self.is_before(table, row, cutoff):
                return None
            redeemed = row.get("redeemed_at")
            late = redeemed is not None and int(redeemed) >= cutoff.instant(self.zone)
            return {**row, "redeemed_at": None} if late else row

        return self.each(known)

    def history(self, columns: Sequence[str]) -> History:
        """The kernel's view of the rows, with some of the optional columns of the purchases."""
        known = ("known_at",) if self.known_at else ()
        names = (*REQUIRED, *(c for c in self.shape.columns if c in columns), *known)
        ordered = sorted(self.tables["purchases"], key=_customer_then_time)
        lines = Lines.from_arrow(_arrow(ordered, purchases_schema(names)))
        for values in (lines.time, lines.order, *lines.money.values(), *lines.codes.values()):
            # Whoever changes what all families share is told so.
            values.flags.writeable = False
        return History(lines, self.rules, self.history_starts, self._beside(lines))

    def _beside(self, lines: Lines) -> Beside:
        shape, ids = self.shape, lines.customer_ids
        nothing = Beside.none(lines.n_customers, shape)
        known = {"known_at"} if self.known_at else set[str]()
        events, offers, traits = nothing.events, nothing.offers, nothing.traits
        if shape.kinds:
            schema = table_schema("events", {"channel", "value", *known})
            events = Events.of(_arrow(self.tables["events"], schema), ids, shape)
        if shape.offers:
            schema = table_schema("offers", {"redeemed_at", "value", *known})
            offers = Events.offers_of(_arrow(self.tables["offers"], schema), ids)
        if "customers" in shape.beside:
            schema = table_schema("customers", {"joined_at", "referred_by"}, shape.attributes, shape.numbers)
            traits = Traits.of(_arrow(self.tables["customers"], schema), ids, shape, self.zone)
        return Beside(events, offers, traits)


def _customer_then_time(row: Row) -> tuple[bytes, int]:
    return str(row["customer_id"]).encode(), int(row["purchased_at"] or 0)


def _arrow(rows: Sequence[Row], schema: pa.Schema) -> pa.Table:
    """Rows as canonical Arrow."""
    columns = []
    for field in schema:
        values: list[object] = [row.get(field.name) for row in rows]
        if pa.types.is_decimal(field.type):
            values = [None if v is None else Decimal(str(v)).scaleb(-4) for v in values]
        elif pa.types.is_timestamp(field.type):
            columns.append(pa.array(values, pa.int64()).cast(field.type))
            continue
        columns.append(pa.array(values, field.type))
    return pa.table(columns, schema=schema)


def cases(shape: Shape, seed: int, n: int) -> list[Case]:
    """So many made-up ledgers of a shape; the same seed gives the same.

    Examples
    --------
    >>> len(cases(Shape(), seed=0, n=9)[0].tables["purchases"])
    25
    """
    return [_Maker(shape, STYLES[i % len(STYLES)], np.random.default_rng([seed, i])).case(i) for i in range(n)]


class _Maker:
    """Draws one case."""

    def __init__(self, shape: Shape, style: Style, rng: np.random.Generator) -> None:
        self.shape, self.style, self.rng = shape, style, rng
        self.zone = Zone(self._one(ZONES))
        latest = self._one(DAYS)
        back = {0, *(self._one((1, 7, 30, 90, 364)) for _ in range(int(rng.integers(3))))}
        self.cutoffs = tuple(Cutoff(latest - b) for b in sorted(back, reverse=True))
        self.names = ("00123", "E5", "Zoë", "a")[: style.customers]
        self.span_days = bool(rng.integers(2))

    def _one(self, choices: Sequence[T]) -> T:
        return choices[int(self.rng.integers(len(choices)))]

    def case(self, number: int) -> Case:
        known_at = number % 3 == 2
        tables: dict[str, tuple[Row, ...]] = {
            "purchases": tuple(self._line(i, known_at) for i in range(self.style.lines)),
            "events": tuple(self._event(known_at) for _ in range(self.style.events * -(-len(self.shape.kinds) // 4))),
            "offers": tuple(self._offer(known_at) for _ in range(self.style.events // 2 if self.shape.offers else 0)),
            "customers": tuple(self._person(name) for name in self.names[1:]),
        }
        days = [int(self.zone.local_day(np.array([row["purchased_at"]]))[0]) for row in tables["purchases"]]
        starts = min(days, default=self.cutoffs[0].day - 100) - self._one((0, 0, 60, 400))
        rules = Rules(self.zone.name, self._one(("net", "separate")), bool(self.rng.integers(2)))
        return Case(tables, rules, Cutoff(starts), self.cutoffs, self.shape, known_at)

    def _instant(self) -> int:
        """A moment some days before (or after) one of the cutoffs."""
        cutoff = self._one(self.cutoffs)
        return self.zone.midnight(cutoff.day - self._one(self.style.ago)) + self._one(self.style.moments)

    def _known(self, row: dict[str, int | str | None], time: str, known_at: bool) -> Row:
        return {**row, "known_at": int(row[time] or 0) + self._one(DELAYS)} if known_at else row

    def _line(self, number: int, known_at: bool) -> Row:
        at, order = self._instant(), int(self.rng.integers(6))
        day = int(self.zone.local_day(np.array([at]))[0])
        # Orders 4 and 5 are of one line; the others may go on for days, or end with their day.
        shared = f"o{order}" if self.span_days else f"o{order} of {day}"
        row: dict[str, int | str | None] = {
            "customer_id": self.names[number] if self.style.one_each else self._one(self.names),
            "purchased_at": at,
            "order_id": f"l{number}" if order > 3 or self.style.one_each else shared,
            "amount": self._one(self.style.amounts),
        }
        optional: dict[str, Sequence[int | str | None]] = {
            "quantity": (0, 1_0000, 1_0000, 2_0000, 5000, None),
            "discount": (0, 0, 5000, 3_0000, None),
            "cost": (0, 3_0000, 7_5000, None),
            "channel": (None, "web", "shop"),
        }
        for column in (*MONEYS[1:], *TEXTS):
            if column in self.shape.columns:
                row[column] = self._one(optional.get(column, CODES))
        return self._known(row, "purchased_at", known_at)

    def _event(self, known_at: bool) -> Row:
        row: dict[str, int | str | None] = {
            "customer_id": self._one((*self.names, "stranger")),
            "occurred_at": self._instant(),
            "kind": self._one(self.shape.kinds),
            "initiated_by": "customer",
            "channel": self._one((None, *self.shape.channels)),
            "value": self._one((None, 0, 1_0000, 5_0000, -2_0000, 100_0000)),
        }
        return self._known(row, "occurred_at", known_at)

    def _offer(self, known_at: bool) -> Row:
        at = self._instant()
        row: dict[str, int | str | None] = {
            "customer_id": self._one((*self.names, "stranger")),
            "offered_at": at,
            "offer_id": self._one(("ten off", "gift")),
            "redeemed_at": self._one((None, at, at + DAY_US, at + 30 * DAY_US)),
            "value": self._one((None, 1_0000)),
        }
        return self._known(row, "offered_at", known_at)

    def _person(self, name: str) -> Row:
        row: dict[str, int | str | None] = {"customer_id": name}
        row |= {attribute: self._one((None, "north", "south")) for attribute in self.shape.attributes}
        row |= {number: self._one((None, 0, 30_0000)) for number in self.shape.numbers}
        return {**row, "joined_at": self._one((None, self._instant())), "referred_by": self._one((None, "a", "E5"))}
