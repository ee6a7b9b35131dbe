"""The decisions log: every wave that was ever assigned, what was recommended online, and what happened to all of it.

In: a folder, `decisions` beside the configuration. Out: a `Decisions` of `Wave`s, each under ``waves/<campaign>-<day>-
<key>/``; what customers were given before a day, by all campaigns; events. A wave is there whole or not at all, once a
campaign and day, and is never changed. What a killed writer left is no wave, and is swept by the next.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...clock import Cutoff, Zone
from ...config import Config
from ...disk.publish import published
from ...schema import INSTANT
from ..files import reserved_and_swept, strict_json
from .draft import Draft
from .event_store import EventStore
from .recommended import recommended
from .wave import FACTS, MANIFEST, NAME, Wave, in_order

FOLDER = "decisions"
"""Where all of it lies beside a configuration."""
WAVES, EVENTS, ONLINE, ASIDE, EXPORTS = "waves", "events.db", "online", "quarantine", "exports"
GIVEN = pa.schema(
    [
        *((name, pa.string()) for name in ("customer_id", "decision_id", "campaign", "as_of", "arm")),
        *((name, pa.string()) for name in ("offer", "channel", "type", "group")),
        ("send_at", INSTANT),
        ("cost", pa.float64()),
        ("ghost", pa.bool_()),
    ]
)
"""What is told of an offer: `type` and `group` are those that it had in its catalogue then. A `ghost` was only meant:
for somebody who is compared with, or explored nothing; it costs nothing, and counts from the day of its wave."""
_KEPT = [name for name in GIVEN.names if name not in ("type", "group", "ghost")]
_MEANT = {"meant_offer": "offer", "meant_channel": "channel"}
REACHED = ("sent", "delivered", "opened", "clicked", "redeemed")
"""After one of these an offer has reached its customer, whatever else is said of it."""


@dataclass(frozen=True)
class Decisions:
    """All that was ever decided beside a configuration.

    Parameters
    ----------
    folder : Path
    only : frozenset of str, optional
        Names of waves; all others, and what was recommended online by them, are not seen. Default: all are.

    Examples
    --------
    >>> book = Decisions(Path("nowhere"))
    >>> book.waves(), book.latest, book.past(Cutoff.parse("2024-03-04"), Zone("UTC")).num_rows
    ((), None, 0)
    """

    folder: Path
    only: frozenset[str] | None = None

    @classmethod
    def of(cls, config: Config) -> Decisions:
        """Those beside a configuration."""
        return cls(config.folder / FOLDER)

    def as_it_was(self, wave: Wave) -> Decisions:
        """The log that a wave found when it was assigned."""
        return Decisions(self.folder, frozenset(wave.facts["before"]))

    # --- what is in it ---------------------------------------------------------------------------------------------

    def waves(self) -> tuple[Wave, ...]:
        """Every wave, in the order in which they were assigned."""
        try:
            found = [Wave(f) for f in (self.folder / WAVES).iterdir() if NAME.fullmatch(f.name)]
        except OSError:
            return ()
        there = [wave for wave in found if wave.path(MANIFEST).is_file()]
        return in_order(wave for wave in there if self.only is None or wave.name in self.only)

    def wave(self, campaign: str, as_of: Cutoff) -> Wave | None:
        """The wave of a campaign and a day; None where nothing was assigned."""
        return next((w for w in self.waves() if (w.campaign, w.as_of) == (campaign, as_of)), None)

    def of_campaign(self, campaign: str) -> tuple[Wave, ...]:
        """The waves of a campaign, in the order in which they were assigned."""
        return tuple(wave for wave in self.waves() if wave.campaign == campaign)

    @property
    def latest(self) -> Wave | None:
        """The wave of the latest day, of several the one that was assigned last; None before the first."""
        return max(self.waves(), key=lambda wave: (wave.as_of, wave.number), default=None)

    @property
    def store(self) -> EventStore:
        """What happened."""
        return EventStore(self.folder / EVENTS)

    def events(self, decision_ids: pa.Array | pa.ChunkedArray | None = None, before: int | None = None) -> pa.Table:
        """What happened to decisions, or to some of them, before an instant (UTC microseconds); oldest first."""
        return self.store.table(decision_ids, before)

    def past(self, before: Cutoff, zone: Zone, campaign: str = "") -> pa.Table:
        """What customers were given before a day, by all campaigns together, as `GIVEN` has it; then the ghosts.

        A wave of the day itself counts, too, unless it is of the campaign that is named. What an event calls rejected
        does not count, unless another says that it has reached the customer.

        Parameters
        ----------
        before : Cutoff
        zone : Zone
            The business time zone, in which that day begins.
        campaign : str, optional
            Whose wave of the day itself is passed over.
        """
        waves = [w for w in self.waves() if w.as_of < before or (w.as_of == before and w.campaign != campaign)]
        traits = {wave.name: _traits(wave.policy()) for wave in waves}
        parts = [_told(wave.table(_KEPT, "given"), traits[wave.name], ghost=False) for wave in waves]
        given = pa.concat_tables([GIVEN.empty_table(), *parts])
        online = self._online_of(waves, before.instant(zone))
        # Who is in a wave, and asks for what it gives, is given that once.
        new = online.filter(pc.invert(pc.is_in(online.column("decision_id"), given.column("decision_id"))))
        every = {offer: found for wave in waves for offer, found in traits[wave.name].items()}
        reached = self._reached(pa.concat_tables([given, _told(new, every, ghost=False)]), before.instant(zone))
        ghosts = [_told(_meant(wave, zone), traits[wave.name], ghost=True) for wave in waves]
        return pa.concat_tables([reached, *ghosts])

    def _online_of(self, waves: Sequence[Wave], before: int) -> pa.Table:
        """What was given online by the policies of some waves."""
        found = self.online(before)
        told = pc.binary_join_element_wise(found.column("campaign"), found.column("as_of"), "-")
        theirs = pc.is_in(told, pa.array([wave.name.rpartition("-")[0] for wave in waves], pa.string()))
        return found.filter(pc.and_(theirs, pc.not_equal(found.column("offer"), ""))).select(_KEPT)

    def _reached(self, given: pa.Table, before: int) -> pa.Table:
        """Without what never reached its customer."""
        return given.filter(pc.invert(pc.is_in(given.column("decision_id"), self.store.rejected(REACHED, before))))

    def online(self, before: int | None = None) -> pa.Table:
        """What the endpoint recommended, before an instant (UTC microseconds): the columns of `recommended`."""
        return recommended(self.folder / ONLINE, before)

    # --- how it grows ----------------------------------------------------------------------------------------------

    @contextmanager
    def writing(self, what: str) -> Iterator[None]:
        """A block in which nobody else writes here; what a killed writer left is gone when it begins.

        Raises
        ------
        Busy
            Someone else is at it.
        """
        with reserved_and_swept(self.folder, what, (WAVES, ASIDE, EXPORTS, ONLINE)):
            yield

    def assign(self, draft: Draft, key: str, facts: Mapping[str, Any]) -> Wave:
        """Let a wave stand; within `writing`, and where its campaign has none of the day."""
        name = f"{draft.campaign}-{draft.as_of}-{key}"
        before = self.waves()
        told = {
            "name": name,
            "number": before[-1].number + 1 if before else 1,
            "before": [wave.name for wave in before],
            "customers": draft.table.num_rows,
            "given": draft.table.num_rows - int(pc.sum(pc.equal(draft.table.column("offer"), "")).as_py() or 0),
            **facts,
            "erased": 0,
        }
        with published(self.folder / WAVES / name, seal=MANIFEST) as place:
            draft.write(place)
            (place / FACTS).write_text(strict_json(told), encoding="utf-8")
        return Wave(self.folder / WAVES / name)


Traits = Mapping[str, tuple[str, str]]


def _traits(policy: Mapping[str, Any]) -> Traits:
    """Type and group of every offer of a policy's catalogue, by its id."""
    offers = policy.get("catalogue", {}).get("offers", ())
    return {str(o["id"]): (str(o.get("type") or ""), str(o.get("group") or "")) for o in offers}


def _meant(wave: Wave, zone: Zone) -> pa.Table:
    """What was meant for those of a wave who are given nothing, so that they can be compared with."""
    columns = [name for name in _KEPT if name not in ("offer", "channel", "send_at", "cost")]
    table = wave.table([*columns, *_MEANT], "ghosts")
    table = table.rename_columns([_MEANT.get(name, name) for name in table.column_names])
    day = pa.array(np.full(table.num_rows, wave.as_of.instant(zone)), pa.int64()).cast(INSTANT)
    return table.append_column("send_at", day).append_column("cost", pa.array(np.zeros(table.num_rows)))


def _told(table: pa.Table, traits: Traits, ghost: bool) -> pa.Table:
    """With the type and the group of every offer."""
    coded = table.column("offer").combine_chunks().dictionary_encode()
    values = coded.dictionary.to_pylist()
    for place, name in enumerate(("type", "group")):
        words = pa.array([traits.get(v, ("", ""))[place] for v in values], pa.string())
        table = table.append_column(name, words.take(coded.indices))
    table = table.append_column("ghost", pa.array(np.full(table.num_rows, ghost)))
    return table.select(GIVEN.names).cast(GIVEN)
