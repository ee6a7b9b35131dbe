"""What customers were given before: by this campaign and by all others, for cool-downs, groups, caps and limits.

In: the decisions log's table of what was given. Out: one row a contact, each with the row of its customer. Contacts
of customers who are not in the audience count for limits of all, and have no row (-1). No log is an empty past.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ..clock import Cutoff, Zone

Int64 = NDArray[np.int64]
Text = NDArray[np.object_]


def rows_of(ids: pa.ChunkedArray | pa.Array, customer_ids: Sequence[str]) -> Int64:
    """The place of each id among the customers; -1 where it is none of them.

    Examples
    --------
    >>> rows_of(pa.array(["bob", "eve"]), ["ann", "bob"]).tolist()
    [1, -1]
    """
    known = pa.array(customer_ids, pa.string())
    found = pc.index_in(ids.cast(pa.string()), value_set=known)
    return np.asarray(pc.fill_null(found, -1).to_numpy(zero_copy_only=False), np.int64)


@dataclass(frozen=True, eq=False)
class Past:
    """Contacts that were decided on, each array of shape (n_contacts,).

    Parameters
    ----------
    row : ndarray of int64
        The customer's place in the audience; -1 who is not in it.
    day : ndarray of int64
        The local day on which it was to be sent, else that of its wave.
    campaign, offer, channel, type, group : ndarray of text
        Of what was given; "" where there is none.
    cost : ndarray of float64
        What it was expected to cost, in currency.
    ghost : ndarray of bool
        Whether it was only meant, for somebody who got nothing by draw: it counts for this customer's own cool-down
        and caps, so that the arms stay alike from wave to wave, and for nobody else's.

    Examples
    --------
    >>> Past.of(None, ["ann"], Zone("UTC")).row.shape
    (0,)
    """

    row: Int64
    day: Int64
    campaign: Text
    offer: Text
    channel: Text
    type: Text
    group: Text
    cost: NDArray[np.float64]
    ghost: NDArray[np.bool_]

    @classmethod
    def of(cls, given: pa.Table | None, customer_ids: Sequence[str], zone: Zone) -> Self:
        """From the log's table: customer_id, campaign, as_of, offer, channel, type, group, send_at, cost, ghost."""
        if given is None or given.num_rows == 0:
            none = np.empty(0, object)
            zero = np.empty(0, np.int64)
            return cls(zero, zero, none, none, none, none, none, np.empty(0), np.empty(0, bool))
        return cls(
            row=rows_of(given.column("customer_id"), customer_ids),
            day=_days(given, zone),
            campaign=_texts(given, "campaign"),
            offer=_texts(given, "offer"),
            channel=_texts(given, "channel"),
            type=_texts(given, "type"),
            group=_texts(given, "group"),
            cost=np.asarray(pc.fill_null(given.column("cost").cast(pa.float64()), 0.0).to_numpy(), np.float64),
            ghost=np.asarray(given.column("ghost").to_numpy(), bool),
        )

    @property
    def real(self) -> Past:
        """What was given, without what was only meant."""
        return self.where(~self.ghost)

    def __len__(self) -> int:
        return len(self.row)

    def where(self, mask: NDArray[np.bool_]) -> Past:
        """Those contacts only."""
        return Past(*(getattr(self, f.name)[mask] for f in fields(self)))

    def had(self, mask: NDArray[np.bool_], n: int) -> NDArray[np.bool_]:
        """Which of n customers had one of those contacts."""
        found = np.zeros(n, bool)
        rows = self.row[mask]
        found[rows[rows >= 0]] = True
        return found


def plain(table: pa.Table, name: str) -> Text:
    """A column of texts without capitals and outer spaces; "" where it is missing."""
    return _cleaned(table, name, lambda word: word.strip().casefold())


def _texts(table: pa.Table, name: str) -> Text:
    return _cleaned(table, name, str)


def _cleaned(table: pa.Table, name: str, clean: Callable[[str], str]) -> Text:
    """Each distinct text is cleaned, and kept, once."""
    column = pc.fill_null(table.column(name).cast(pa.string()), "").combine_chunks().dictionary_encode()
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    words = np.array([*(clean(word) for word in column.dictionary.to_pylist()), ""], object)
    return np.asarray(words[column.indices.to_numpy(zero_copy_only=False)], object)


def _days(given: pa.Table, zone: Zone) -> Int64:
    """The local day of sending; that of the wave where none is known."""
    said = _texts(given, "as_of")
    day_of = {text: Cutoff.parse(text).day for text in set(said)}
    days = np.fromiter((day_of[text] for text in said), np.int64, len(said))
    sent = given.column("send_at")
    known = np.asarray(sent.is_valid().to_numpy(zero_copy_only=False), bool)
    return np.where(known, zone.local_day(microseconds(sent)), days)


def microseconds(instants: Any) -> Int64:
    """UTC microseconds of a column of instants; 0 where it is missing."""
    return np.asarray(pc.fill_null(instants.cast(pa.int64()), 0).to_numpy(zero_copy_only=False), np.int64)
