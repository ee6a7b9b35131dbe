"""Consent: who may be written to, by which channel and for which purpose.

In: the ledger's table of consent. Out: yes or no for every customer. The last row before the day wins; of rows at the
same moment a withdrawal wins; a row for `all` channels or purposes counts for each. No row means no, and no table means
that nobody may be written to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..clock import Cutoff, Zone
from .past import Int64, Text, microseconds, plain, rows_of

EVERY = "all"
"""What stands for every channel, and for every purpose."""
COLUMNS = ("customer_id", "recorded_at", "channel", "purpose", "status")


@dataclass(frozen=True, eq=False)
class Consent:
    """What customers said, in the order in which they said it; of a moment, withdrawals come last.

    Parameters
    ----------
    n : int
        How many customers.
    row : ndarray of int64
        Whose word it is.
    channel, purpose : ndarray of text
        Without capitals.
    granted : ndarray of bool
    known : bool
        Whether there is a table of consent at all.

    Examples
    --------
    >>> said = {"customer_id": ["ann"], "recorded_at": [0], "channel": ["all"], "purpose": ["marketing"],
    ...         "status": ["granted"]}
    >>> table = pa.table(said, schema=pa.schema([(n, pa.int64() if n == "recorded_at" else pa.string()) for n in said]))
    >>> consent = Consent.of(table, ["ann", "bob"], Cutoff.parse("2024-03-04"), Zone("UTC"))
    >>> consent.given("email", "marketing").tolist(), consent.given("email", "service").tolist()
    ([True, False], [False, False])
    """

    n: int
    row: Int64
    channel: Text
    purpose: Text
    granted: NDArray[np.bool_]
    known: bool = True

    @classmethod
    def of(cls, table: pa.Table | None, customer_ids: Sequence[str], as_of: Cutoff | None, zone: Zone) -> Self:
        """From a table of `schema.CONSENT`, its rows in any order.

        Parameters
        ----------
        table : pyarrow.Table or None
            None where the company has none.
        customer_ids : sequence of str
        as_of : Cutoff or None
            Only what was said before this day; None: all that was said, as at the moment of sending.
        zone : Zone
            In which the day begins.
        """
        n = len(customer_ids)
        if table is None:
            none = np.empty(0, object)
            return cls(n, np.empty(0, np.int64), none, none, np.empty(0, bool), known=False)
        row, at = rows_of(table.column("customer_id"), customer_ids), microseconds(table.column("recorded_at"))
        granted = plain(table, "status") == "granted"
        kept = row >= 0
        if as_of is not None:
            kept &= at < as_of.instant(zone)
        order = np.flatnonzero(kept)
        order = order[np.lexsort((~granted[order], at[order]))]
        return cls(n, row[order], plain(table, "channel")[order], plain(table, "purpose")[order], granted[order])

    def given(self, channel: str, purpose: str) -> NDArray[np.bool_]:
        """Who may be written to by a channel for a purpose."""
        about = self._about(channel, purpose)
        rows, granted = self.row[about][::-1], self.granted[about][::-1]
        # Backwards, the first word of a customer is the last one that was said.
        last, at = np.unique(rows, return_index=True)
        found = np.zeros(self.n, bool)
        found[last] = granted[at]
        return found

    def remarks(self, uses: Sequence[tuple[str, str]]) -> tuple[str, ...]:
        """Why nobody may be written to, at all or by a channel for a purpose; nothing where somebody may.

        Parameters
        ----------
        uses : sequence of (str, str)
            Channels, each with its purpose.
        """
        if not self.known:
            return ("there is no table of consent, so nobody may be written to; add [data.consent]",)
        if not self.granted.any():
            return ("no customer of the audience has given consent to anything",)
        return tuple(said for said in (self._remark(*use) for use in dict.fromkeys(uses)) if said)

    def _remark(self, channel: str, purpose: str) -> str:
        about = self._about(channel, purpose)
        if about.any():
            return ""
        told = sorted({f"{by} for {why}" for by, why in zip(self.channel, self.purpose, strict=True)})
        return (
            f"nobody has said anything of `{channel}` for `{purpose}`, so nobody may be written to by it; the table of "
            f"consent tells of {', '.join(told[:5])}{' and others' if len(told) > 5 else ''}"
        )

    def _about(self, channel: str, purpose: str) -> NDArray[np.bool_]:
        """Which words are about a channel and a purpose."""
        by, why = (channel.casefold(), EVERY), (purpose.casefold(), EVERY)
        return np.isin(self.channel, by) & np.isin(self.purpose, why)
