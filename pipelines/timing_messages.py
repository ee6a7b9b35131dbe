"""Messages of a configuration and whether they were answered: campaigns, the table of offers, events on a channel.

In: a ledger, its decisions log, a day. Out: `Messages` of each basis that the data allow, what was drawn by lot first,
and a sentence for each that they do not. A message counts when its time to be answered was over, and known, before the
day. What is not by lot is an association: somebody chose whom to send what.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ..clock import DAY_US, Cutoff
from ..intake import Ledger
from ..offers.contact import NO_CONTACT
from ..offers.past import microseconds, plain
from ..timing.messages import Messages, Stages, answered
from .campaign.book import REACHED, Decisions
from .campaign.wave import DECISIONS, Wave
from .timing_facts import places_of

Int64 = NDArray[np.int64]
Bool = NDArray[np.bool_]
OFFER_DAYS, EVENT_DAYS = 28, 7
"""How long an offer may be redeemed, and a message be answered on its channel, to count."""
TAKEN, SEEN = ("redeemed", "converted"), ("opened", "clicked")
LOT, CAMPAIGNS, OFFERS, EVENTS = "campaigns drawn", "campaigns chosen", "table of offers", "events"
OFFER = "offer"


@dataclass(frozen=True, eq=False)
class Sources:
    """Where messages are looked for.

    Parameters
    ----------
    ledger : Ledger
    book : Decisions
    day : Cutoff
    ids : ndarray of str
        Customers with a purchase before the day, ascending.
    stages : Stages
    """

    ledger: Ledger
    book: Decisions
    day: Cutoff
    ids: NDArray[np.str_]
    stages: Stages

    def all(self) -> tuple[list[Messages], dict[str, str]]:
        """Messages by basis, what was drawn first; and what is left out, with what to add."""
        found, off = [], dict[str, str]()
        parts: dict[str, Messages | str] = {OFFERS: self._offers(), EVENTS: self._events()}
        waves = [wave for wave in self.book.waves() if wave.as_of < self.day]
        if waves:
            parts = {LOT: self._decided(waves, "explore"), CAMPAIGNS: self._decided(waves, "chosen"), **parts}
        else:
            off["campaigns"] = "none was assigned: `regulars offers assign` draws some offers by lot and logs them"
        for name, messages in parts.items():
            if isinstance(messages, str):
                off[name] = messages
            else:
                found.append(messages)
        return found, off

    @property
    def _until(self) -> int:
        return self.day.instant(self.ledger.zone)

    def _made(
        self, basis: str, answer: str, named: tuple[pa.ChunkedArray, NDArray[np.object_], NDArray[np.object_]],
        at: Int64, yes: Bool,
    ) -> Messages:  # fmt: skip
        """Messages from ids, channels, types, instants and answers."""
        ids, channel, kind = named
        pairs = sorted(set(zip(channel.tolist(), kind.tolist(), strict=True)))
        code = {pair: i for i, pair in enumerate(pairs)}
        group = np.fromiter((code[p] for p in zip(channel.tolist(), kind.tolist(), strict=True)), np.int64, len(at))
        who = places_of(ids, self.ids)
        stage = self.stages.on(who, self.ledger.zone.local_day(at))
        return Messages(basis, basis == LOT, answer, tuple(pairs), group, who, stage, yes)

    # --- what campaigns gave -----------------------------------------------------------------------------------------

    def _decided(self, waves: Sequence[Wave], arm: str) -> Messages | str:
        """What one arm of some waves was given."""
        given = [table for wave in waves if (table := _of_arm(wave, arm)).num_rows]
        if not given:
            return f"no wave gave anything to its arm `{arm}`"
        table = pa.concat_tables(given)
        lost = pc.is_in(table.column("decision_id"), self.book.store.rejected(REACHED, self._until))
        over = pc.less_equal(table.column("send_at").cast(pa.int64()), self._until - OFFER_DAYS * DAY_US)
        table = table.filter(pc.and_(pc.invert(lost), pc.fill_null(over, False)))
        if not table.num_rows:
            return f"no offer is {OFFER_DAYS} days old yet"
        # What counts as an answer is the same for both arms, whoever of them gave one.
        events = self.book.events(before=self._until)
        kinds = next((k for k in (TAKEN, SEEN) if pc.any(pc.is_in(events.column("kind"), pa.array(k))).as_py()), None)
        if kinds is None:
            return "nothing that came back is logged: `regulars offers log-events` takes it"
        at = microseconds(table.column("send_at"))
        named = (table.column("customer_id"), plain(table, "channel"), plain(table, "type"))
        basis = LOT if arm == "explore" else CAMPAIGNS
        answer = f"{' or '.join(kinds)} within {OFFER_DAYS} days"
        return self._made(basis, answer, named, at, _answered(table, events, kinds, at))

    # --- the table of offers -----------------------------------------------------------------------------------------

    def _offers(self) -> Messages | str:
        if not self.ledger.has_table("offers"):
            return "there is no table of offers ([data.offers])"
        columns = self.ledger.manifest.tables["offers"].columns
        lacking = [name for name in ("channel", "redeemed_at") if name not in columns]
        if lacking:
            return f"the table of offers does not tell {' and '.join(lacking)}: map them in [data.offers]"
        known = ["known_at"] if "known_at" in columns else []
        rows = self.ledger.rows_of("offers", columns=["customer_id", "offered_at", "redeemed_at", "channel", *known])
        kept = pc.less_equal(rows.column("offered_at").cast(pa.int64()), self._until - OFFER_DAYS * DAY_US)
        if known:
            kept = pc.and_(kept, pc.less(rows.column("known_at").cast(pa.int64()), self._until))
        rows = rows.filter(pc.and_(kept, pc.is_valid(rows.column("channel"))))
        if not rows.num_rows:
            return f"no offer with a channel is {OFFER_DAYS} days old yet"
        at, redeemed = microseconds(rows.column("offered_at")), microseconds(rows.column("redeemed_at"))
        yes = np.asarray(rows.column("redeemed_at").is_valid()) & (redeemed - at < OFFER_DAYS * DAY_US)
        kind = np.full(rows.num_rows, OFFER, object)
        named = (rows.column("customer_id"), plain(rows, "channel"), kind)
        return self._made(OFFERS, f"redeemed within {OFFER_DAYS} days", named, at, yes)

    # --- events ------------------------------------------------------------------------------------------------------

    def _events(self) -> Messages | str:
        if not self.ledger.has_table("events"):
            return "there are no events ([data.events])"
        about = self.ledger.manifest.tables["events"]
        if "channel" not in about.columns or not about.last_day:
            return "the events do not tell a channel: map `channel` in [data.events]"
        known = ["known_at"] if "known_at" in about.columns else []
        columns = ["customer_id", "occurred_at", "kind", "initiated_by", "channel", *known]
        rows = self.ledger.rows_of("events", columns=columns)
        for name in ("occurred_at", *known):
            rows = rows.filter(pc.less(rows.column(name).cast(pa.int64()), self._until))
        rows = rows.filter(pc.is_valid(rows.column("channel")))
        by_company = pc.equal(rows.column("initiated_by"), "company")
        reaches = pc.invert(pc.is_in(rows.column("kind"), pa.array(sorted(NO_CONTACT))))
        sent, done = rows.filter(pc.and_(by_company, reaches)), rows.filter(pc.invert(by_company))
        return self._on_channels(sent, done, Cutoff.parse(about.last_day).plus(1))

    def _on_channels(self, sent: pa.Table, done: pa.Table, ends: Cutoff) -> Messages | str:
        """Messages of channels on which customers can answer, as far as the log shows."""
        over = min(self._until, ends.instant(self.ledger.zone)) - EVENT_DAYS * DAY_US
        sent = sent.filter(pc.less_equal(sent.column("occurred_at").cast(pa.int64()), over))
        can = np.isin(plain(sent, "channel"), np.unique(plain(done, "channel").astype(str)).tolist())
        sent = sent.filter(pa.array(can))
        if not sent.num_rows:
            return "no event is a message on a channel on which customers did something, too"
        channels: dict[str, int] = {}
        lines = []
        for table in (sent, done):
            words = plain(table, "channel")
            code = np.fromiter((channels.setdefault(w, len(channels)) for w in words), np.int64, len(words))
            lines.append((code, microseconds(table.column("occurred_at"))))
        both = pa.chunked_array([*sent.column("customer_id").chunks, *done.column("customer_id").chunks], pa.string())
        who = places_of(both, self.ids)
        (code_sent, at), (code_done, then) = lines
        line = who * len(channels) + np.concatenate([code_sent, code_done])
        yes = answered((line[: len(at)], at), (line[len(at) :], then), EVENT_DAYS * DAY_US)
        named = (sent.column("customer_id"), plain(sent, "channel"), plain(sent, "kind"))
        return self._made(EVENTS, f"something done there within {EVENT_DAYS} days", named, at, yes)


_KEPT = ["customer_id", "decision_id", "channel", "send_at"]
_READ = [*_KEPT, "arm", "offer", "permitted"]


def _of_arm(wave: Wave, arm: str) -> pa.Table:
    """What an arm of a wave was given, with the type of each offer.

    Of explorers only those count who could have been given something on each channel that explorers were given: of the
    others not chance, but what they had agreed to, decided on the channel.
    """
    there = set(pq.read_schema(wave.path(DECISIONS)).names)
    table = wave.table([name for name in _READ if name in there], "given")
    table = table.filter(pc.equal(table.column("arm"), arm))
    catalogue = wave.policy().get("catalogue", {})
    offers = catalogue.get("offers", ())
    if arm == "explore" and table.num_rows:
        table = table.filter(pa.array(_open_to_all(table, offers)))
    type_of: Mapping[str, str] = {str(o["id"]): str(o.get("type") or OFFER) for o in offers}
    kinds = [type_of.get(name, OFFER) for name in table.column("offer").to_pylist()]
    return table.select(_KEPT).append_column("type", pa.array(kinds, pa.string()))


def _open_to_all(table: pa.Table, offers: list[Mapping[str, object]]) -> Bool:
    """Whose permitted options lie on every channel that is used."""
    used = set(table.column("channel").to_pylist())
    if len(used) < 2:
        return np.ones(table.num_rows, bool)
    options = [str(channel) for offer in offers for channel in _channels(offer)]
    if "permitted" not in table.column_names:
        return np.zeros(table.num_rows, bool)
    bits = table.column("permitted")
    may, found = microseconds(bits), np.asarray(bits.is_valid())
    for channel in used:
        mask = sum(1 << i for i, name in enumerate(options) if name == channel)
        found = found & ((may & mask) != 0)
    return np.asarray(found)


def _channels(offer: Mapping[str, object]) -> list[object]:
    found = offer.get("channels")
    return list(found) if isinstance(found, list | tuple) else []


def _answered(given: pa.Table, events: pa.Table, kinds: tuple[str, ...], at: Int64) -> Bool:
    """Which decisions have an event of some kinds in time."""
    such = events.filter(pc.is_in(events.column("kind"), pa.array(kinds)))
    place = pc.index_in(such.column("decision_id"), value_set=given.column("decision_id").combine_chunks())
    row = np.asarray(pc.fill_null(place, -1).to_numpy(), np.int64)
    when = microseconds(such.column("occurred_at"))
    found = np.zeros(given.num_rows, bool)
    soon = (row >= 0) & (when - at[row] < OFFER_DAYS * DAY_US)
    found[row[soon]] = True
    return found
