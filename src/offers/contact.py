"""How often customers were reached by all departments together, where there is room for more, and who complained.

In: what campaigns gave, and what the company did by the tables of events and offers. Out: for every customer how often
he was contacted and on which channels there is room. An event without a channel counts for all channels together only.
Nothing known of a customer is no contact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ..clock import Cutoff, Zone
from ..errors import did_you_mean
from ..offering_section import ContactConfig
from .past import Int64, Past, Text, microseconds, plain, rows_of

COMPLAINT, RESOLVED = "complaint", "complaint_resolved"
NO_CONTACT = frozenset(
    {
        COMPLAINT,
        RESOLVED,
        "email_bounced",
        "email_click",
        "email_delivered",
        "email_open",
        "points_earned",
        "points_expired",
        "points_spent",
        "support_resolved",
    }
)
"""Kinds of events by which the company does not reach anybody, or tells of the same message once more."""
_AFTER_ALL = np.iinfo(np.int64).max


@dataclass(frozen=True, eq=False)
class Contacts:
    """When and how customers were reached, all departments in one queue; each array of shape (n_contacts,).

    Parameters
    ----------
    n : int
        How many customers.
    as_of : Cutoff
        The day of the plan.
    row : ndarray of int64
        Whose contact it was.
    day : ndarray of int64
        The local day, which may lie after `as_of` where something waits to be sent.
    channel : ndarray of text
        Without capitals; "" where nobody says.
    ghost : ndarray of bool
        Whether it was only meant: it counts for caps, and is no contact for people (`real`).

    Examples
    --------
    >>> email = np.array(["email"], object)
    >>> queue = Contacts(2, Cutoff(10), np.array([0]), np.array([8]), email, np.array([False]))
    >>> queue.within(30).tolist(), queue.days_since.tolist()
    ([1, 0], [2.0, nan])
    """

    n: int
    as_of: Cutoff
    row: Int64
    day: Int64
    channel: Text
    ghost: NDArray[np.bool_]

    @classmethod
    def of(
        cls,
        customer_ids: Sequence[str],
        as_of: Cutoff,
        zone: Zone,
        past: Past | None = None,
        events: pa.Table | None = None,
        offers: pa.Table | None = None,
    ) -> Self:
        """One queue of what campaigns gave and what the company did.

        Parameters
        ----------
        customer_ids : sequence of str
        as_of : Cutoff
            What the tables tell of this day or later is not known yet.
        zone : Zone
        past : Past, optional
            What campaigns gave.
        events, offers : pyarrow.Table, optional
            Of `schema.EVENTS`, of which those that the company initiated count, and of `schema.OFFERS`. Where they tell
            of a contact that a campaign decided on (same customer, day and channel), it counts once.
        """
        told = [_told(table, time, customer_ids, as_of, zone) for table, time in _tables(events, offers)]
        if past is None:
            known, decided = np.zeros(0, bool), _NONE
        else:
            known = past.row >= 0
            decided = _Told(past.row[known], past.day[known], past.channel[known])
        every = [decided, *(one.where(~_among(one, decided)) for one in told)]
        row = np.concatenate([part.row for part in every])
        day = np.concatenate([part.day for part in every])
        channel = np.concatenate([part.channel for part in every])
        ghost = np.zeros(len(row), bool)
        if past is not None:
            ghost[: len(decided.row)] = past.ghost[known]
        return cls(len(customer_ids), as_of, row, day, channel, ghost)

    @property
    def real(self) -> Contacts:
        """Without what was only meant: what a person would call contacts."""
        kept = ~self.ghost
        return replace(self, row=self.row[kept], day=self.day[kept], channel=self.channel[kept], ghost=self.ghost[kept])

    def within(self, days: int, channel: str | None = None) -> Int64:
        """Contacts of each customer in so many days, the day of the plan included; on one channel, or on all."""
        recent = self.day > self.as_of.day - days
        if channel is not None:
            recent &= np.asarray(self.channel == channel.casefold(), bool)
        return np.bincount(self.row[recent], minlength=self.n).astype(np.int64)

    @property
    def days_since(self) -> NDArray[np.float64]:
        """Days since the last contact, 0 for one that waits to be sent; NaN for who was never contacted."""
        last = np.full(self.n, -np.inf)
        np.maximum.at(last, self.row, self.day.astype(np.float64))
        return np.where(np.isfinite(last), np.maximum(self.as_of.day - last, 0), np.nan)


class _Told(NamedTuple):
    """Customers, days and channels of some contacts."""

    row: Int64
    day: Int64
    channel: Text

    def where(self, mask: NDArray[np.bool_]) -> _Told:
        return _Told(self.row[mask], self.day[mask], self.channel[mask])


_NONE = _Told(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, object))


def _tables(events: pa.Table | None, offers: pa.Table | None) -> list[tuple[pa.Table, str]]:
    found = []
    if events is not None:
        by_company = pc.equal(events.column("initiated_by"), "company")
        reaches = pc.invert(pc.is_in(events.column("kind"), value_set=pa.array(sorted(NO_CONTACT))))
        found.append((events.filter(pc.and_(by_company, reaches)), "occurred_at"))
    if offers is not None:
        found.append((offers, "offered_at"))
    return found


def _told(table: pa.Table, time: str, customer_ids: Sequence[str], as_of: Cutoff, zone: Zone) -> _Told:
    """Customers, days and channels of what a table tells of the time before a day."""
    row, at = rows_of(table.column("customer_id"), customer_ids), microseconds(table.column(time))
    kept = (row >= 0) & (at < as_of.instant(zone))
    channel = plain(table, "channel") if "channel" in table.column_names else np.full(len(row), "", object)
    return _Told(row[kept], zone.local_day(at[kept]), channel[kept])


def _among(told: _Told, decided: _Told) -> NDArray[np.bool_]:
    """Which of what was told is a contact that was decided on."""
    if not len(told.row) or not len(decided.row):
        return np.zeros(len(told.row), bool)
    codes: dict[str, int] = {}
    channels = np.concatenate([told.channel, decided.channel])
    channel = np.fromiter((codes.setdefault(name, len(codes)) for name in channels), np.int64, len(channels))
    row, day = np.concatenate([told.row, decided.row]), np.concatenate([told.day, decided.day])
    first, days = int(day.min()), int(day.max() - day.min()) + 1
    key = (row * len(codes) + channel) * days + (day - first)
    return np.isin(key[: len(told.row)], key[len(told.row) :])


def room(contact: ContactConfig, contacts: Contacts, channels: Sequence[str]) -> NDArray[np.bool_]:
    """On which channels one more contact is allowed.

    Parameters
    ----------
    contact : ContactConfig
    contacts : Contacts
    channels : sequence of str
        Names.

    Returns
    -------
    ndarray of bool, shape (n_customers, n_channels)

    Examples
    --------
    >>> contact = ContactConfig(caps=({"contacts": 1, "days": 7, "channel": "email"},))
    >>> email = np.array(["email"], object)
    >>> queue = Contacts(2, Cutoff(10), np.array([0]), np.array([4]), email, np.array([False]))
    >>> room(contact, queue, ["email", "sms"]).tolist()
    [[False, True], [True, True]]
    """
    found = np.ones((contacts.n, len(channels)), bool)
    for cap in contact.caps:
        full = contacts.within(cap.days, cap.channel) >= cap.contacts
        for i, name in enumerate(channels):
            if cap.channel is None or cap.channel.casefold() == name:
                found[full, i] = False
    return found


def idle_caps(contact: ContactConfig, channels: Sequence[str]) -> tuple[str, ...]:
    """What to say of caps on channels that there are not, and so hold nobody back.

    Examples
    --------
    >>> idle_caps(ContactConfig(caps=({"contacts": 1, "days": 7, "channel": "mial"},)), ["mail"])
    ('the cap on `mial` in [contact] does nothing: no channel of the catalogue has this name; did you mean `mail`?',)
    """
    names = dict.fromkeys(cap.channel for cap in contact.caps if cap.channel is not None)
    return tuple(
        f"the cap on `{name}` in [contact] does nothing: no channel of the catalogue has this name; "
        + did_you_mean(name, channels)
        for name in names
        if name.casefold() not in channels
    )


def open_complaints(
    events: pa.Table | None, customer_ids: Sequence[str], as_of: Cutoff, zone: Zone, days: int
) -> NDArray[np.bool_]:
    """Who complained in the days before, and heard nothing of it since.

    Parameters
    ----------
    events : pyarrow.Table or None
        Of `schema.EVENTS`: kinds `complaint` and `complaint_resolved`, whoever initiated them.
    customer_ids : sequence of str
    as_of : Cutoff
        Only what happened before this day counts.
    zone : Zone
    days : int
        After so many days a complaint that nobody resolved is no longer open.
    """
    n = len(customer_ids)
    if events is None:
        return np.zeros(n, bool)
    complained, solved = (_last(events, kind, customer_ids, as_of.instant(zone)) for kind in (COMPLAINT, RESOLVED))
    # Many shops keep days only: what is resolved on the day of the complaint has the same stamp.
    recent = zone.local_day(np.maximum(complained, 0)) >= as_of.day - days
    return np.asarray((complained >= 0) & (solved < complained) & recent)


def days_since_resolved(
    events: pa.Table | None, customer_ids: Sequence[str], as_of: Cutoff, zone: Zone
) -> NDArray[np.float64]:
    """Days since the last complaint was resolved; missing where it was not, or where nobody complained.

    What is resolved a second time was resolved on the first. Without any complaint that is known the last word counts.

    Parameters
    ----------
    events : pyarrow.Table or None
        As `open_complaints` takes them.
    customer_ids : sequence of str
    as_of : Cutoff
        Only what happened before this day counts.
    zone : Zone
    """
    n = len(customer_ids)
    if events is None:
        return np.full(n, np.nan)
    complained = _last(events, COMPLAINT, customer_ids, as_of.instant(zone))
    row, at = _happened(events, RESOLVED, customer_ids, as_of.instant(zone))
    ends = at >= complained[row]
    first, last = np.full(n, _AFTER_ALL, np.int64), np.full(n, -1, np.int64)
    np.minimum.at(first, row[ends], at[ends])
    np.maximum.at(last, row[ends], at[ends])
    solved = np.where(complained >= 0, first, last)
    days = as_of.day - zone.local_day(np.where(last < 0, 0, solved))
    return np.where(last < 0, np.nan, days)


def _last(events: pa.Table, kind: str, customer_ids: Sequence[str], before: int) -> Int64:
    """When something last happened to each customer, in UTC microseconds; -1 for never."""
    row, at = _happened(events, kind, customer_ids, before)
    found = np.full(len(customer_ids), -1, np.int64)
    np.maximum.at(found, row, at)
    return found


def _happened(events: pa.Table, kind: str, customer_ids: Sequence[str], before: int) -> tuple[Int64, Int64]:
    """To whom something happened before an instant, and when, in UTC microseconds."""
    such = events.filter(pc.equal(events.column("kind"), kind))
    row, at = rows_of(such.column("customer_id"), customer_ids), microseconds(such.column("occurred_at"))
    known = (row >= 0) & (at < before)
    return row[known], at[known]
