"""Events beside the purchases: visits, e-mails, complaints, points, offers; and what is known of each customer.

In: rows of the ledger's other tables, for the customers of one block. Out: `Events`, from which `Moments` are chosen (a
track of some kinds, compressed to days), and `Traits`. Rows of other customers and of kinds that the shape does not
name are left out. A missing value counts as 0, and as not told; a row that does not say when it became known was known
at once. A customer without a row has no attribute (-1) and no number (NaN).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ..clock import Cutoff, Zone
from ..errors import DataError
from ..schema import SCALE
from .lines import Float64, Int64, codes_of, instants_of, units_of
from .shape import Shape
from .track import Measure, Track, added_up, changes

RECEIVED, REDEEMED = "received", "redeemed"
FEW = 2_000
"""Texts that are looked up one by one: of fewer Arrow's own work costs more than the looking."""
AT_ONCE = int(np.iinfo(np.int64).min)
"""When a row became known that does not say so."""


@dataclass(frozen=True)
class Events:
    """What happened to the customers of a block, sorted by customer, then time.

    Parameters
    ----------
    customer, time, kind, channel, value, told : ndarray of int64, shape (n_events,)
        Index of the customer in the block; UTC microseconds; index into `kinds` and `channels` (-1: none); 1/10,000;
        1 where there is a value, else 0.
    kinds, channels : tuple of str
    known_at : ndarray of int64 or None
    starts : Cutoff or None
        The first day that the table covers, if that is not the purchases' own.
    """

    customer: Int64
    time: Int64
    kind: Int64
    channel: Int64
    value: Int64
    told: Int64
    kinds: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    known_at: Int64 | None = None
    starts: Cutoff | None = None

    @classmethod
    def none(cls, kinds: tuple[str, ...] = (), channels: tuple[str, ...] = ()) -> Events:
        """No events of these kinds."""
        empty = np.zeros(0, np.int64)
        return cls(empty, empty, empty, empty, empty, empty, kinds, channels)

    @classmethod
    def of(
        cls, table: pa.Table, customer_ids: NDArray[np.object_], shape: Shape, starts: Cutoff | None = None
    ) -> Events:
        """The rows of `schema.EVENTS` about these customers that are of the shape's kinds.

        What the company initiated is left out unless the shape says otherwise, event by event: whom it wrote to is its
        own decision, and a model would learn the marketing calendar.
        """
        kind = _index(table["kind"], shape.kinds)
        if not shape.company_events:
            kind[_index(table["initiated_by"], ("customer",)) < 0] = -1
        channel, value, told = np.full_like(kind, -1), np.zeros_like(kind), np.zeros_like(kind)
        if "channel" in table.column_names:
            channel = _index(table["channel"], shape.channels)
        if "value" in table.column_names:
            value, told = units_of(table["value"]), np.asarray(table["value"].is_valid(), np.int64)
        customer, time = _index(table["customer_id"], customer_ids), instants_of(table["occurred_at"])
        found = cls(customer, time, kind, channel, value, told, shape.kinds, shape.channels, _known_at(table), starts)
        return found._in_order()

    @classmethod
    def offers_of(cls, table: pa.Table, customer_ids: NDArray[np.object_], starts: Cutoff | None = None) -> Events:
        """The rows of `schema.OFFERS` as two kinds of events: received when offered, redeemed when redeemed.

        A row that became known after the redemption tells of neither before.
        """
        customer, known_at = _index(table["customer_id"], customer_ids), _known_at(table)
        later, redeemed = np.zeros(0, np.int64), np.zeros(0, np.int64)
        if "redeemed_at" in table.column_names:
            when, told = _told(table["redeemed_at"])
            later = told.nonzero()[0]
            redeemed = when[later]
        kind = np.zeros(len(customer) + len(later), np.int64)
        kind[len(customer) :] = 1
        nothing = np.zeros_like(kind)
        found = cls(
            np.concatenate([customer, customer[later]]),
            np.concatenate([instants_of(table["offered_at"]), redeemed]),
            kind,
            nothing - 1,
            nothing,
            nothing,
            (RECEIVED, REDEEMED),
            (),
            None if known_at is None else np.concatenate([known_at, known_at[later]]),
            starts,
        )
        return found._in_order()

    def _in_order(self) -> Events:
        """Those of customers of the block and of kinds of the shape, by customer, then time."""
        kept = ((self.customer >= 0) & (self.kind >= 0)).nonzero()[0]
        found = self.take(kept[np.lexsort([self.time[kept], self.customer[kept]])])
        if int(np.abs(found.value).max(initial=0)) * len(found.value) >= 2**62:
            raise DataError("values of events are too large to be added exactly", code="RG022")
        return found

    def take(self, rows: NDArray[np.bool_] | Int64) -> Events:
        """Some of the events."""
        known_at = None if self.known_at is None else self.known_at[rows]
        columns = (self.customer, self.time, self.kind, self.channel, self.value, self.told)
        customer, time, kind, channel, value, told = (c[rows] for c in columns)
        return Events(customer, time, kind, channel, value, told, self.kinds, self.channels, known_at, self.starts)

    def chosen(self, kinds: tuple[str, ...], channel: str | None) -> Events:
        """The events of some kinds, on one channel or on any."""
        among = np.zeros(len(self.kinds), bool)
        among[[self.kinds.index(k) for k in kinds]] = True
        wanted = among[self.kind]
        if channel is not None:
            wanted &= self.channel == self.channels.index(channel)
        return self.take(wanted)


class Moments(Track):
    """Events compressed to days of customers, with the measures of `MEASURES_OF_EVENTS`.

    Examples
    --------
    >>> Moments(Events.none(), 3, Zone("UTC")).prefix("count").tolist()
    [0]
    """

    def __init__(self, events: Events, n_customers: int, zone: Zone) -> None:
        self.events = events
        day = zone.local_day(events.time)
        self.first = (changes(day) | changes(events.customer)).nonzero()[0]
        super().__init__(n_customers, events.customer[self.first], day[self.first])

    def measure(self, name: str) -> Measure:
        """One of `MEASURES_OF_EVENTS`."""
        return MEASURES_OF_EVENTS[name]


MEASURES_OF_EVENTS: dict[str, Measure] = {
    "count": Measure(1, lambda t: added_up(np.ones(len(t.events.time), np.int64), t.first)),
    "day": Measure(1, lambda t: np.ones(t.n_cells, np.int64)),
    "value": Measure(SCALE, lambda t: added_up(t.events.value, t.first)),
    "told": Measure(1, lambda t: added_up(t.events.told, t.first)),
    "told_day": Measure(1, lambda t: (t.values("told") > 0).astype(np.int64)),
    "gained": Measure(SCALE, lambda t: added_up(np.where(_earned(t), np.maximum(t.events.value, 0), 0), t.first)),
    "lost": Measure(SCALE, lambda t: added_up(_lost(t), t.first)),
}
"""Events and days with one; their values, and those that have one; points gained and lost."""


def _earned(track: Moments) -> NDArray[np.bool_]:
    """Which events are of points that were earned."""
    return np.array([k == "points_earned" for k in track.events.kinds], bool)[track.events.kind]


def _lost(track: Moments) -> Int64:
    """Points that each event takes away: earned ones taken back, and all others whatever their sign."""
    value = track.events.value
    return np.where(_earned(track), np.maximum(-value, 0), np.abs(value))


@dataclass(frozen=True)
class Traits:
    """What is known of each customer of a block, whenever one looks.

    Parameters
    ----------
    codes : dict of str to ndarray of int64, shape (n_customers,)
        By attribute; -1 is missing.
    names : dict of str to Array of text
        What the codes stand for.
    numbers : dict of str to ndarray of float64, shape (n_customers,)
    joined_day : ndarray of float64 or None
        Local day number; NaN is missing.
    referred : ndarray of float64 or None
        1 if somebody referred the customer, else 0; NaN without a row.
    """

    codes: dict[str, Int64] = field(default_factory=dict)
    names: dict[str, pa.Array] = field(default_factory=dict)
    numbers: dict[str, Float64] = field(default_factory=dict)
    joined_day: Float64 | None = None
    referred: Float64 | None = None

    @classmethod
    def none(cls, n_customers: int, shape: Shape) -> Traits:
        """Nothing known of anyone."""
        return cls(
            {a: np.full(n_customers, -1, np.int64) for a in shape.attributes},
            {a: pa.array([], pa.string()) for a in shape.attributes},
            {n: np.full(n_customers, np.nan) for n in shape.numbers},
            np.full(n_customers, np.nan) if shape.joined else None,
            np.full(n_customers, np.nan) if shape.referred else None,
        )

    @classmethod
    def of(cls, table: pa.Table, customer_ids: NDArray[np.object_], shape: Shape, zone: Zone) -> Traits:
        """From rows of the customers' table, one each."""
        traits = cls.none(len(customer_ids), shape)
        customer = _index(table["customer_id"], customer_ids)
        kept = np.flatnonzero(customer >= 0)
        who = customer[kept]
        for name in shape.attributes:
            codes, traits.names[name] = codes_of(table[name])
            traits.codes[name][who] = codes[kept]
        for name in shape.numbers:
            known = np.asarray(table[name].is_valid())
            traits.numbers[name][who] = np.where(known, units_of(table[name]) / SCALE, np.nan)[kept]
        if traits.joined_day is not None:
            when, known = _told(table["joined_at"])
            traits.joined_day[who] = np.where(known, zone.local_day(when), np.nan)[kept]
        if traits.referred is not None:
            traits.referred[who] = np.asarray(table["referred_by"].is_valid(), np.float64)[kept]
        return traits


def _index(column: pa.ChunkedArray, among: tuple[str, ...] | NDArray[np.object_]) -> Int64:
    """Where each text stands among some, -1 if nowhere."""
    if len(column) + len(among) <= FEW:
        place = {text: i for i, text in enumerate(among)}
        return np.array([place.get(text, -1) for text in column.to_pylist()], np.int64)
    if pa.types.is_dictionary(column.type):
        column = column.cast(pa.string())
    found = pc.index_in(column, value_set=pa.array(list(among), pa.string()))
    return np.asarray(pc.fill_null(found, -1).to_numpy()).astype(np.int64)


def _told(column: pa.ChunkedArray) -> tuple[Int64, NDArray[np.bool_]]:
    """Instants, and whether there is one; 0 where there is none."""
    return instants_of(column.fill_null(0) if column.null_count else column), np.asarray(column.is_valid())


def _known_at(table: pa.Table) -> Int64 | None:
    """When each row became known, if the table says so."""
    if "known_at" not in table.column_names:
        return None
    when, told = _told(table["known_at"])
    return np.where(told, when, AT_ONCE)
