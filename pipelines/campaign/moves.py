"""The money that offers moved, of all campaigns together: contacts, redemptions, complaints, by customer and time.

In: the decisions log, and what a contact and a complaint cost. Out: `Moves`, of which `within` gives the sums of some
customers. A redemption without a value counts as the mean of those of its offer; where none of a campaign was ever
logged, though some were expected, what the plan expected is taken, and a warning says so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ...clock import Zone
from ...offers.catalogue import Catalogue
from ...offers.economics import Economics
from .book import REACHED, Decisions
from .wave import Wave

Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]
_READ = ("customer_id", "decision_id", "offer", "channel", "send_at", "cost", "expected_spend")


@dataclass(frozen=True)
class Moves:
    """Single moves of money, in currency.

    Parameters
    ----------
    ids : ndarray of str, shape (n,)
    time : ndarray of int64, shape (n,)
        UTC microseconds.
    campaign : ndarray of int64, shape (n,)
        Place in `campaigns`.
    contact : ndarray of bool, shape (n,)
        Whether it is a contact (else a redemption or a complaint).
    in_price : ndarray of float64, shape (n,)
        What was taken off prices: the ledger's amounts are net of it.
    outlay : ndarray of float64, shape (n,)
        What the company paid or gave up: contacts, its part of redemptions, complaints.
    campaigns : tuple of str
    warnings : tuple of str
    """

    ids: NDArray[np.str_]
    time: Int64
    campaign: Int64
    contact: NDArray[np.bool_]
    in_price: Float64
    outlay: Float64
    campaigns: tuple[str, ...]
    warnings: tuple[str, ...] = ()

    @classmethod
    def of(cls, book: Decisions, events: pa.Table, zone: Zone, economics: Economics) -> Moves:
        """All that the log holds; `events` are those of the log."""
        campaigns = tuple(dict.fromkeys(wave.campaign for wave in book.waves()))
        parts, warnings = [], []
        for campaign in campaigns:
            waves = book.of_campaign(campaign)
            found = [_Given.of(wave, events, zone) for wave in waves]
            logged = any("redeemed" in one.kinds for one in found)
            some = [part for one in found for part in one.moves(economics, logged)]
            parts += [(campaigns.index(campaign), *part) for part in some]
            warnings += _warned(campaign, found, logged)
        return cls(*_stacked(parts), campaigns, tuple(warnings))

    def within(self, ids: NDArray[np.str_]) -> Sums:
        """Those of some customers, whose ids ascend."""
        if not len(ids) or not len(self.ids):
            return Sums(self, np.zeros(0, np.int64), np.zeros(0, np.int64), len(ids))
        at = np.minimum(np.searchsorted(ids, self.ids), len(ids) - 1)
        rows = np.flatnonzero(ids[at] == self.ids)
        return Sums(self, rows, at[rows], len(ids))


@dataclass(frozen=True)
class Sums:
    """The moves of some customers."""

    moves: Moves
    rows: Int64
    customer: Int64
    n: int

    def between(self, begins: int, ends: int) -> tuple[Float64, Float64]:
        """What was taken off prices, and what was paid, per customer, within [begins, ends) (UTC microseconds)."""
        here, customer = self._in(begins, ends)
        moved = (self.moves.in_price, self.moves.outlay)
        taken, paid = (np.bincount(customer, values[here], self.n).astype(np.float64) for values in moved)
        return taken, paid

    def paid_by(self, campaign: str, begins: int, ends: int) -> Float64:
        """What one campaign paid, per customer, within [begins, ends)."""
        here, customer = self._in(begins, ends)
        own = self.moves.campaign[here] == self.moves.campaigns.index(campaign)
        return np.bincount(customer[own], self.moves.outlay[here][own], self.n).astype(np.float64)

    def reached_by_others(self, campaign: str, begins: int, ends: int) -> NDArray[np.bool_]:
        """Whom another campaign reached within [begins, ends)."""
        here, customer = self._in(begins, ends)
        own = self.moves.campaigns.index(campaign) if campaign in self.moves.campaigns else -1
        others = self.moves.contact[here] & (self.moves.campaign[here] != own)
        return np.bincount(customer[others], minlength=self.n) > 0

    def _in(self, begins: int, ends: int) -> tuple[Int64, Int64]:
        time = self.moves.time[self.rows]
        inside = (time >= begins) & (time < ends)
        return self.rows[inside], self.customer[inside]


_Part = tuple[NDArray[np.str_], Int64, bool, Float64, Float64]
_Columns = tuple[NDArray[np.str_], Int64, Int64, NDArray[np.bool_], Float64, Float64]


@dataclass
class _Given:
    """What one wave gave, and what happened to it."""

    wave: Wave
    catalogue: Catalogue
    ids: NDArray[np.str_]
    offer: NDArray[np.str_]
    channel: NDArray[np.str_]
    send_at: Int64
    cost: Float64
    expected_spend: Float64
    at: Int64
    kind: NDArray[np.str_]
    time: Int64
    value: Float64
    unvalued: int = field(default=0)

    @classmethod
    def of(cls, wave: Wave, log: pa.Table, zone: Zone) -> _Given:
        given = wave.table(list(_READ), "given")
        decisions = given.column("decision_id").combine_chunks()
        place = pc.index_in(log.column("decision_id").combine_chunks(), value_set=decisions)
        events, at = log.filter(place.is_valid()), place.drop_null()
        return cls(
            wave,
            Catalogue.of(wave.policy()["catalogue"]),
            _texts(given, "customer_id"),
            _texts(given, "offer"),
            _texts(given, "channel"),
            _instants(given.column("send_at"), wave.as_of.instant(zone)),
            _numbers(given, "cost"),
            _numbers(given, "expected_spend"),
            np.asarray(at.to_numpy(zero_copy_only=False), np.int64),
            _texts(events, "kind"),
            _instants(events.column("occurred_at"), 0),
            np.asarray(events.column("value").cast(pa.float64()).to_numpy(), np.float64),
        )

    @property
    def kinds(self) -> set[str]:
        """Which kinds of events there are."""
        return set(np.unique(self.kind).tolist())

    def moves(self, economics: Economics, logged: bool) -> list[_Part]:
        """Contacts, redemptions, complaints."""
        kept = np.ones(len(self.ids), bool)
        kept[self.at[self.kind == "rejected"]] = False
        kept[self.at[np.isin(self.kind, REACHED)]] = True
        price = {c.name: c.contact_cost(economics.contact_cost) for c in self.catalogue.channels}
        contact = _each(self.channel, price.__getitem__)
        nothing = np.zeros(len(self.ids))
        parts = [(self.ids[kept], self.send_at[kept], True, nothing[kept], contact[kept])]
        funding = _each(self.offer, lambda name: self.catalogue.offer(name).economics.funding)
        in_price = _each(self.offer, lambda name: float(self.catalogue.offer(name).in_price))
        if logged:
            rows = self.kind == "redeemed"
            at, taken = self.at[rows], self._taken(rows)
            parts.append((self.ids[at], self.time[rows], False, in_price[at] * taken, (1 - funding[at]) * taken))
        else:
            outlay = np.maximum(self.cost - contact, 0.0)
            taken = np.divide(outlay, 1 - funding, out=np.zeros(len(outlay)), where=funding < 1)
            parts.append((self.ids[kept], self.send_at[kept], False, (in_price * taken)[kept], outlay[kept]))
        rows = self.kind == "complained"
        at = self.at[rows]
        parts.append((self.ids[at], self.time[rows], False, nothing[at], np.full(len(at), economics.complaint_cost)))
        return parts

    def _taken(self, rows: NDArray[np.bool_]) -> Float64:
        """What each redemption took: as logged, else as the others of its offer, else as the catalogue has it."""
        at, value = self.at[rows], self.value[rows].copy()
        offer, lacking = self.offer[at], np.isnan(value)
        self.unvalued = int(lacking.sum())
        for name in np.unique(offer[lacking]).tolist():
            here = (offer == name) & lacking
            known = value[(offer == name) & ~lacking]
            worth = self.catalogue.offer(name).taken
            value[here] = known.mean() if len(known) else worth.money + worth.share * self.expected_spend[at[here]]
        return value


def _warned(campaign: str, found: list[_Given], logged: bool) -> list[str]:
    expected = any((one.cost > 0).any() for one in found)
    worth = any(
        one.catalogue.offer(name).taken != (0.0, 0.0) for one in found for name in np.unique(one.offer).tolist()
    )
    if not logged and expected and worth:
        return [f"No redemption of {campaign} was logged: what redemptions cost is taken as the plan expected it."]
    unvalued = sum(one.unvalued for one in found)
    if unvalued:
        return [
            f"{unvalued:,} redemptions of {campaign} were logged without a value: each counts as the mean of its "
            "offer, or as the catalogue has it."
        ]
    return []


def _each(names: NDArray[np.str_], value: Callable[[str], float]) -> Float64:
    """A number for each name."""
    known, at = np.unique(names, return_inverse=True)
    return np.array([value(str(name)) for name in known], np.float64)[at] if len(known) else np.zeros(0)


def _texts(table: pa.Table, name: str) -> NDArray[np.str_]:
    return np.asarray(table.column(name).to_pylist(), object).astype(str)


def _numbers(table: pa.Table, name: str) -> Float64:
    return np.asarray(table.column(name).to_numpy(), np.float64)


def _instants(column: pa.ChunkedArray, missing: int) -> Int64:
    return np.asarray(pc.fill_null(column.cast(pa.int64()), missing).to_numpy(), np.int64)


def _stacked(parts: list[tuple[int, *_Part]]) -> _Columns:
    """All parts one after the other."""
    if not parts:
        none = np.zeros(0)
        return np.zeros(0, str), none.astype(np.int64), none.astype(np.int64), none.astype(bool), none, none
    sizes = [len(part[1]) for part in parts]
    campaign = np.repeat(np.array([part[0] for part in parts], np.int64), sizes)
    contact = np.repeat(np.array([part[3] for part in parts], bool), sizes)
    ids, time, in_price, outlay = (np.concatenate([part[place] for part in parts]) for place in (1, 2, 4, 5))
    return ids, time, campaign, contact, in_price, outlay
