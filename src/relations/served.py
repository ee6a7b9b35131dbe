"""What events, offers and campaigns say of how customers were served: contacts, complaints, returns, what each cost.

In: rows of the tables of some customers, known before the day, and what campaigns gave them. Out: `Served` and `Heard`.
A contact is whatever `offers.contact` takes for one, all departments in one queue. Without a cost of its own it costs
what its channel does; where nobody says what that is, it is counted as unpriced and costs nothing. A table that there
is not says nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ..clock import Cutoff, Zone
from ..features.lines import units_of
from ..kpis.engagement import SURVEY
from ..offers.contact import COMPLAINT, NO_CONTACT, RESOLVED, Contacts, open_complaints
from ..offers.past import Past, microseconds, plain, rows_of
from ..schema import SCALE
from .dealings import NEVER, Bool, Heard, Int64, Served

RETURN = "return"
"""Events of a kind that begins so are about something that came back."""
REFERRAL = "referral"
"""The kind of event, and the type of offer, by which somebody refers another, or is asked to."""
READ = ("customer_id", "occurred_at", "kind", "initiated_by", "channel", "value", "cost", "known_at")


@dataclass(frozen=True)
class Prices:
    """What one of something costs, in 1/10,000; None where nobody says.

    Parameters
    ----------
    contact, complaint, ret : int, optional
        Of one contact, complaint, return.
    channels : mapping of str to int
        Of a contact on a channel, where campaigns say so.
    """

    contact: int | None = None
    complaint: int | None = None
    ret: int | None = None
    channels: Mapping[str, int] = field(default_factory=dict)

    def on(self, channel: str) -> int | None:
        """Of one contact on a channel."""
        return self.channels.get(channel, self.contact)


@dataclass(frozen=True)
class Asked:
    """What is looked at.

    Parameters
    ----------
    begins, day : Cutoff
        Costs are those of [begins, day).
    zone : Zone
    prices : Prices
    complaint_days : int
        After so many days a complaint is no longer open.
    """

    begins: Cutoff
    day: Cutoff
    zone: Zone
    prices: Prices
    complaint_days: int


def served(
    ids: Sequence[str], asked: Asked, events: pa.Table | None, offers: pa.Table | None, past: Past
) -> tuple[Served, Heard]:
    """What was done for some customers, and what they said.

    Parameters
    ----------
    ids : sequence of str
    events, offers : pyarrow.Table or None
        Of `schema.EVENTS` and `schema.OFFERS`: only rows that happened and were known before the day.
    past : Past
        What campaigns gave them.
    """
    rows = _Rows.of(events, ids, asked) if events is not None else None
    contacts, contact_cost, unpriced = _contacts(ids, asked, rows, offers, past)
    n = len(ids)
    nothing = np.zeros(n, np.int64)
    if rows is None:
        never = np.full(n, NEVER, np.int64)
        heard = Heard(np.full(n, np.nan), never, never, never, np.zeros(n, bool), nothing)
        done = Served(contacts, nothing, contact_cost, nothing, nothing, nothing, unpriced)
    else:
        kinds = rows.kinds()
        own = rows.within & kinds[COMPLAINT]
        complaint, without = rows.money(rows.within & (kinds[COMPLAINT] | kinds[RESOLVED])), own & ~rows.priced
        price = asked.prices.complaint
        lacking = rows.count(without)
        done = Served(
            contacts,
            rows.count(own),
            contact_cost,
            complaint + lacking * (price or 0),
            rows.money(rows.within & kinds[RETURN]),
            rows.money(rows.within & kinds["other"]),
            unpriced + (lacking if price is None else 0),
        )
        open_ = open_complaints(events, ids, asked.day, asked.zone, asked.complaint_days)
        heard = _heard(rows, open_)
    return done, _with_asked(heard, past, asked.day)


@dataclass(frozen=True, eq=False)
class _Rows:
    """Events of some customers; each array of shape (n_events,)."""

    n: int
    table: pa.Table
    who: Int64
    day: Int64
    within: Bool
    by_company: Bool
    cost: Int64
    priced: Bool

    @classmethod
    def of(cls, events: pa.Table, ids: Sequence[str], asked: Asked) -> _Rows:
        who = rows_of(events["customer_id"], ids)
        day = asked.zone.local_day(microseconds(events["occurred_at"]))
        cost, priced = np.zeros(len(who), np.int64), np.zeros(len(who), bool)
        if "cost" in events.column_names:
            priced = np.asarray(events["cost"].is_valid())
            cost = _units(events["cost"])
        by_company = np.asarray(pc.equal(events["initiated_by"], "company"), bool)
        return cls(len(ids), events, who, day, day >= asked.begins.day, by_company, cost, priced)

    def kinds(self) -> dict[str, Bool]:
        """Which events are of which kind of service; every one is of one of them."""
        kind = self.table["kind"]
        complaint, solved = (_is(kind, name) for name in (COMPLAINT, RESOLVED))
        contact = self.contact()
        back = np.asarray(pc.starts_with(kind, RETURN), bool) & ~contact
        other = ~(complaint | solved | contact | back)
        return {COMPLAINT: complaint, RESOLVED: solved, "contact": contact, RETURN: back, "other": other}

    def contact(self) -> Bool:
        """Which events are the company's own contacts."""
        silent = pc.is_in(self.table["kind"], value_set=pa.array(sorted(NO_CONTACT)))
        return np.asarray(self.by_company & ~np.asarray(silent, bool))

    def count(self, which: Bool) -> Int64:
        """How many of some events each customer has."""
        return np.bincount(self.who[which], minlength=self.n).astype(np.int64)

    def money(self, which: Bool) -> Int64:
        """What some events cost, added up per customer."""
        found = np.zeros(self.n, np.int64)
        np.add.at(found, self.who[which], self.cost[which])
        return found


def _units(column: pa.ChunkedArray) -> Int64:
    """Money of a column, which may have no rows and then no memory of its own."""
    return units_of(column) if len(column) else np.zeros(0, np.int64)


def _is(column: pa.ChunkedArray, text: str) -> Bool:
    return np.asarray(pc.equal(column, text), bool)


def _contacts(
    ids: Sequence[str], asked: Asked, rows: _Rows | None, offers: pa.Table | None, past: Past
) -> tuple[Int64, Int64, Int64]:
    """How many contacts each customer had, what they cost, and how many have neither cost nor price."""
    every = _queue(ids, asked, None if rows is None else rows.table, offers, past)
    counts = np.bincount(every.row, minlength=len(ids)).astype(np.int64)
    if rows is None:
        dear, left = np.zeros(len(ids), np.int64), every
    else:
        own = rows.contact() & rows.priced
        dear = rows.money(own & rows.within)
        # What an event tells the cost of is paid; another table's word of it, or the campaign's, is no second contact.
        left = _queue(ids, asked, rows.table.filter(pa.array(~own)), offers, past)
        left = left.without(_Queue(rows.who[own], rows.day[own], _channels(rows.table)[own]))
    prices = {name: asked.prices.on(name) for name in set(left.channel.tolist())}
    price = np.array([prices[name] or 0 for name in left.channel.tolist()], np.int64)
    lacking = np.array([prices[name] is None for name in left.channel.tolist()], bool)
    np.add.at(dear, left.row, price)
    return counts, dear, np.bincount(left.row[lacking], minlength=len(ids)).astype(np.int64)


@dataclass(frozen=True, eq=False)
class _Queue:
    """Contacts; each array of shape (n_contacts,)."""

    row: Int64
    day: Int64
    channel: NDArray[np.object_]

    def without(self, others: _Queue) -> _Queue:
        """Without those that others tell of: the same customer, day and channel."""
        there = set(zip(others.row.tolist(), others.day.tolist(), others.channel.tolist(), strict=True))
        if not there:
            return self
        mine = zip(self.row.tolist(), self.day.tolist(), self.channel.tolist(), strict=True)
        kept = np.array([key not in there for key in mine], bool)
        return _Queue(self.row[kept], self.day[kept], self.channel[kept])


def _queue(
    ids: Sequence[str], asked: Asked, events: pa.Table | None, offers: pa.Table | None, past: Past
) -> _Queue:  # fmt: skip
    found = Contacts.of(ids, asked.day, asked.zone, past, events, offers).real
    within = (found.day >= asked.begins.day) & (found.day < asked.day.day)
    return _Queue(found.row[within], found.day[within], found.channel[within])


def _channels(events: pa.Table) -> NDArray[np.object_]:
    if "channel" in events.column_names:
        return plain(events, "channel")
    return np.full(events.num_rows, "", object)


def _heard(rows: _Rows, open_complaint: Bool) -> Heard:
    kind = rows.table["kind"]
    told = np.zeros(len(rows.who), bool)
    value = np.zeros(len(rows.who), np.int64)
    if "value" in rows.table.column_names:
        told, value = np.asarray(rows.table["value"].is_valid()), _units(rows.table["value"])
    answered = np.flatnonzero(_is(kind, SURVEY) & told)
    answer, answer_day = np.full(rows.n, np.nan), np.full(rows.n, NEVER, np.int64)
    # Rows of a customer are in order of time: of what is written to one place the last one stays.
    answer[rows.who[answered]] = value[answered] / SCALE
    answer_day[rows.who[answered]] = rows.day[answered]
    referral = _is(kind, REFERRAL)
    return Heard(
        answer,
        answer_day,
        _last(rows, _is(kind, COMPLAINT)),
        _last(rows, referral & rows.by_company),
        open_complaint,
        rows.count(referral & ~rows.by_company),
    )


def _last(rows: _Rows, which: Bool) -> Int64:
    found = np.full(rows.n, NEVER, np.int64)
    np.maximum.at(found, rows.who[which], rows.day[which])
    return found


def _with_asked(heard: Heard, past: Past, day: Cutoff) -> Heard:
    """With the days on which campaigns asked to refer somebody."""
    asked = (past.row >= 0) & ~past.ghost & (past.type == REFERRAL) & (past.day < day.day)
    last = heard.asked_day.copy()
    np.maximum.at(last, past.row[asked], past.day[asked])
    return Heard(
        heard.answer, heard.answer_day, heard.complaint_day, last, heard.open_complaint, heard.referrals
    )  # fmt: skip
