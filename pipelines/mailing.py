"""Lists of customers: who may stand in one, and how it is written.

In: a ledger, a configuration, ids, perhaps a channel. Out: a mask with the sentences that go with it, and .csv or .xlsx
files that no spreadsheet takes for formulas, remembered for `regulars forget`. Without a table of consent nobody has
agreed to anything, and then there is no list for a channel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..config import Config
from ..intake import Ledger
from ..offers.consent import Consent
from ..offers.export import write_cells
from ..offers.stoplist import do_not_contact, left_alone
from .campaign.agreed import agreed
from .campaign.book import Decisions
from .files import replaced
from .written import remember

PURPOSE = "marketing"


@dataclass(frozen=True)
class Listed:
    """A list that was written, or why it was not."""

    path: Path
    rows: int
    notes: tuple[str, ...] = field(default=())
    written: bool = True

    @property
    def line(self) -> str:
        """For a screen."""
        if not self.written:
            return f"{self.path} is not written"
        return f"{self.path} is written: {self.rows:,} customers"


def may_be_listed(
    ledger: Ledger, config: Config, ids: Sequence[str], channel: str | None
) -> tuple[NDArray[np.bool_] | None, tuple[str, ...]]:
    """Who of some customers may be written to, and what is to be said of it; None: nothing is known of consent.

    Parameters
    ----------
    ids : sequence of str
        Each once.
    channel : str, optional
        Only those who have agreed to marketing on it; by default nobody is asked for consent.
    """
    may, notes = ~left_alone(ids, do_not_contact(config)), []
    if not may.all():
        notes.append(f"{int((~may).sum()):,} are left out because they must not be contacted")
    if channel is None:
        return may, (*notes, "nobody was asked for consent; --channel keeps those who have agreed to it")
    consent = Consent.of(agreed(ledger, Decisions.of(config)), ids, None, ledger.zone)
    if not consent.known:
        return None, consent.remarks(((channel, PURPOSE),))
    given = consent.given(channel, PURPOSE)
    notes.append(f"{int((may & ~given).sum()):,} are left out because they have not agreed to {channel}")
    return may & given, tuple(notes)


def about_ids(config: Config) -> tuple[str, ...]:
    """What is to be said of the ids in a list."""
    if not config.privacy.pseudonyms:
        return ()
    return ("customer_id is the pseudonym of the ledger; whoever sends must know whom it stands for",)


def write_rows(config: Config, path: Path, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Write a list, whole or not at all, and remember where it is.

    Raises
    ------
    ConfigError
        ``RG428``: neither .csv nor .xlsx.
    """
    remember(config.folder, "export", path)
    replaced(path, lambda waiting: write_cells(waiting, path.suffix.lower(), columns, rows))
