"""What customers agreed to: the ledger's table of consent, and what they took back by answering an offer.

In: a ledger and the decisions log. Out: rows as `schema.CONSENT` has them. Whoever unsubscribes, or complains, does not
want to be written to on that channel for that purpose till he says otherwise. A ledger without consent gives none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ...intake import Ledger
from ...schema import CONSENT
from .book import Decisions

AGREED = pa.schema([(column.name, column.type) for column in CONSENT])
REFUSALS = ("unsubscribed", "complained")
_EVERY = "all"


def agreed(ledger: Ledger, book: Decisions, before: int | None = None) -> pa.Table | None:
    """All that was said about consent; None where the ledger has no such table, and nobody may be written to.

    Parameters
    ----------
    before : int, optional
        Answers to offers count before this instant (UTC microseconds); default: all do.
    """
    if not ledger.has_table("consent"):
        return None
    said = ledger.rows_of("consent").select(AGREED.names).cast(AGREED)
    return pa.concat_tables([said, withdrawn(book, before)])


def withdrawn(book: Decisions, before: int | None = None) -> pa.Table:
    """What was taken back by answers to offers, as withdrawals of consent."""
    events = book.store.table(before=before, kinds=REFUSALS)
    if not events.num_rows:
        return AGREED.empty_table()
    about = {row["decision_id"]: row for row in _decisions(book, events.column("decision_id"))}
    told = [(about.get(e["decision_id"]), e["occurred_at"]) for e in events.to_pylist()]
    rows = [{**row, "recorded_at": at, "status": "withdrawn"} for row, at in told if row is not None]
    return pa.Table.from_pylist(rows, schema=AGREED)


def _decisions(book: Decisions, ids: pa.ChunkedArray) -> Iterator[dict[str, str]]:
    """About whom decisions are, on which channel and for which purpose they reach them."""
    columns, wanted = ["decision_id", "customer_id", "channel"], ids.unique()
    online = book.online()
    for wave in book.waves():
        purposes = _purposes(wave.policy())
        # What was recommended online stands for those who were not in the wave, and names the channel that was used.
        same = pc.and_(
            pc.equal(online.column("campaign"), wave.campaign), pc.equal(online.column("as_of"), str(wave.as_of))
        )
        for table in (wave.table(columns), online.filter(same).select(columns)):
            for row in table.filter(pc.is_in(table.column("decision_id"), wanted)).to_pylist():
                channel = row["channel"] or _EVERY
                yield {**row, "channel": channel, "purpose": purposes.get(channel, _EVERY)}


def _purposes(policy: Mapping[str, Any]) -> dict[str, str]:
    """What each channel of a policy's catalogue is used for."""
    catalogue = policy.get("catalogue", {})
    usual = str(catalogue.get("campaign", {}).get("purpose") or _EVERY)
    return {str(c["name"]): str(c.get("purpose") or usual) for c in catalogue.get("channels", ())}
