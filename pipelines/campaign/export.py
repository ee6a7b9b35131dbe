"""Export: what a wave gives on a channel becomes a list for whoever sends, after consent was asked for once more.

In: a ledger, a configuration, a channel. Out: a file of those who may be written to as the ledger stands now, for its
owner alone; the same again is the same file. Who withdrew consent, unsubscribed, complained, or is to be left alone
since the wave was assigned is not in it, and is counted. Hold-out and control never are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ...clock import Cutoff
from ...config import Config
from ...errors import ConfigError, did_you_mean
from ...intake import Ledger
from ...offers.catalogue import Catalogue
from ...offers.consent import Consent
from ...offers.contact import open_complaints
from ...offers.export import READ, to_send
from ...offers.item_lists import ITEMS, Carried, item_cells
from ...offers.stoplist import do_not_contact, left_alone
from ..files import replaced
from ..written import remember
from .agreed import agreed
from .best_moment import best_moments
from .book import EXPORTS, Decisions
from .wave import MANIFEST, Wave, sha256_of

LEFT_OUT = ("do not contact", "no consent any more", "open complaint")
"""Why somebody who was given something is not on the list, in the order in which it is asked."""
_EVENTS = ("customer_id", "occurred_at", "kind")
_UNFIT = re.compile(r"[^\w.-]")
"""What is no part of a file's name."""


@dataclass(frozen=True)
class Exported:
    """A list, and who is not on it.

    Parameters
    ----------
    path : Path
    wave : str
        The wave's name.
    digest : str
        SHA-256 of the wave's manifest: what the list was made from.
    channel : str
    rows : int
    left_out : mapping of str to int
        By the words of `LEFT_OUT`.
    unchanged : bool
        The same list lay there already.
    pseudonyms : bool
        Customers are named by what stands for them in the ledger.
    """

    path: Path
    wave: str
    digest: str
    channel: str
    rows: int
    left_out: Mapping[str, int]
    unchanged: bool
    pseudonyms: bool

    @property
    def lines(self) -> list[str]:
        """For people."""
        state = "lay there already, unchanged" if self.unchanged else "is written"
        left = sum(self.left_out.values())
        why = ", ".join(f"{count:,} {reason}" for reason, count in self.left_out.items() if count)
        return [
            f"{self.path} {state}: {self.rows:,} customers on `{self.channel}`, wave {self.wave} ({self.digest[:12]})",
            *([f"{left:,} to whom something was given are left out since: {why}"] if left else []),
        ]

    @property
    def notes(self) -> list[str]:
        """What to keep in mind."""
        notes = []
        if not self.rows:
            notes.append(f"nobody is to be sent anything on `{self.channel}`")
        if self.pseudonyms:
            notes.append("customer_id is the pseudonym of the ledger; whoever sends must know whom it stands for")
        if self.path.suffix.lower() == ".csv":
            notes.append("a spreadsheet takes ids such as 007 in a .csv for numbers; name an .xlsx file to look at it")
        return notes

    def figures(self) -> dict[str, Any]:
        """As JSON takes it."""
        return {
            "file": str(self.path),
            "sha256": sha256_of(self.path),
            "wave": self.wave,
            "wave_digest": self.digest,
            "channel": self.channel,
            "customers": self.rows,
            "left_out": dict(self.left_out),
            "unchanged": self.unchanged,
        }


def export(
    ledger: Ledger,
    config: Config,
    channel: str,
    campaign: str | None = None,
    as_of: Cutoff | None = None,
    out: Path | None = None,
) -> Exported:
    """Write the list of a wave and a channel.

    Parameters
    ----------
    ledger : Ledger
        Of which the newest rows of consent and events count.
    config : Config
    channel : str
        A channel of the wave's catalogue.
    campaign : str, optional
        Default: that of the catalogue.
    as_of : Cutoff, optional
        The wave's day; default: the latest of the campaign.
    out : Path, optional
        A .csv or .xlsx file; default: a .csv under ``decisions/exports``.

    Raises
    ------
    ConfigError
        ``RG429``: nothing was assigned; ``RG428``: there is no such channel, or no such kind of file.
    StorageError
        The wave is not as it was assigned, or the list cannot be written.
    Busy
        Someone else is writing to the decisions log.
    """
    book = Decisions.of(config)
    wave = _wave(book, campaign or Catalogue.of_config(config).campaign.name, as_of)
    # Nobody who is forgotten meanwhile comes back by a list.
    with book.writing("exporting offers"):
        policy = wave.verified().policy()
        catalogue, carried = Catalogue.of(policy["catalogue"]), Carried.of_dict(policy.get("items"))
        channel = _channel(catalogue, channel)
        path = out or book.folder / EXPORTS / f"{wave.name}-{_UNFIT.sub('-', channel)}.csv"
        given = wave.table((*READ, ITEMS), "given")
        given = given.filter(pc.equal(given.column("channel"), channel))
        reason = _reasons(ledger, config, book, catalogue, channel, given)
        further = {**item_cells(given, catalogue, carried, channel), **best_moments(config.folder, wave.as_of)}
        found = to_send(given, catalogue, ledger.zone, channel, reason == 0, further)
        before = sha256_of(path) if path.is_file() else ""
        remember(config.folder, "export", path)
        replaced(path, lambda waiting: found.write(waiting, path.suffix.lower()))
    counts = np.bincount(reason, minlength=len(LEFT_OUT) + 1)[1:].tolist()
    return Exported(
        path=path,
        wave=wave.name,
        digest=sha256_of(wave.path(MANIFEST)),
        channel=channel,
        rows=found.table.num_rows,
        left_out=dict(zip(LEFT_OUT, counts, strict=True)),
        unchanged=before == sha256_of(path),
        pseudonyms=config.privacy.pseudonyms,
    )


def _wave(book: Decisions, campaign: str, as_of: Cutoff | None) -> Wave:
    waves = book.of_campaign(campaign)
    found = max(waves, key=lambda wave: wave.as_of, default=None) if as_of is None else book.wave(campaign, as_of)
    if found is None:
        there = sorted({wave.campaign for wave in book.waves()} - {campaign})
        days = ", ".join(str(wave.as_of) for wave in waves)
        raise ConfigError(
            f"nothing was assigned for the campaign `{campaign}`{'' if as_of is None else f' as of {as_of}'}",
            needed=f"one of its waves: {days}" if days else "an assigned wave",
            do=did_you_mean(campaign, there) if there and not days else "`regulars offers assign` first",
            code="RG429",
        )
    return found


def _channel(catalogue: Catalogue, name: str) -> str:
    known = [c.name for c in catalogue.channels]
    if name.casefold() not in known:
        raise ConfigError(
            f"there is no channel `{name}` in the catalogue of that wave", do=did_you_mean(name, known), code="RG428"
        )
    return name.casefold()


def _reasons(
    ledger: Ledger, config: Config, book: Decisions, catalogue: Catalogue, channel: str, given: pa.Table
) -> NDArray[np.uint8]:
    """Why each of some customers is left out now: a place in `LEFT_OUT`, from 1; 0 who may be sent what was given."""
    ids, zone = given.column("customer_id").to_pylist(), ledger.zone
    purpose = next(catalogue.purpose_of(c) for c in catalogue.channels if c.name == channel)
    consented = Consent.of(agreed(ledger, book), ids, None, zone).given(channel, purpose)
    events = ledger.rows_of("events", columns=list(_EVENTS)) if ledger.has_table("events") else None
    complained = open_complaints(events, ids, ledger.ends, zone, config.contact.complaint_days)
    service = [offer.id for offer in catalogue.offers if offer.is_service]
    served = pc.is_in(given.column("offer"), pa.array(service, pa.string())).to_numpy()
    reason = np.zeros(len(ids), np.uint8)
    reason[complained & ~served] = 3
    reason[~consented] = 2
    reason[left_alone(ids, do_not_contact(config))] = 1
    return reason
