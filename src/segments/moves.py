"""Who went from which segment to which between two days of the same scheme, counted and listed.

In: two `Facts` with their `Assigned`, the older first; their customers may differ. Out: a matrix of counts whose sum is
everybody who was there on either day, each once; and a row for each who is in another segment. Who was there on one day
only is at `NOWHERE` on the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .facts import Facts, Int64
from .scheme import Assigned

NOWHERE = "not there"
COLUMNS = ("customer_id", "scheme", "as_of_before", "segment_before", "as_of", "segment", "reason")


@dataclass(frozen=True, eq=False)
class Moves:
    """Customers of two days.

    Parameters
    ----------
    since, as_of : str
        ISO dates.
    scheme : str
    names : tuple of str
        Segments, `NOWHERE` last.
    ids : ndarray of str, shape (n,)
        Everybody who was there on either day, ascending.
    before, now : ndarray of int64, shape (n,)
        Places in `names`.
    reasons : ndarray of object, shape (n,)
        Why somebody is where they are now; "" for who is not there.
    """

    since: str
    as_of: str
    scheme: str
    names: tuple[str, ...]
    ids: NDArray[np.str_]
    before: Int64
    now: Int64
    reasons: NDArray[np.object_]

    @property
    def counts(self) -> Int64:
        """How many went from (row) to (column), shape (n_names, n_names)."""
        width = len(self.names)
        return np.bincount(self.before * width + self.now, minlength=width * width).reshape(width, width)

    @property
    def n_moved(self) -> int:
        """How many were there on both days, in another segment."""
        nowhere = len(self.names) - 1
        return int(((self.before != self.now) & (self.before < nowhere) & (self.now < nowhere)).sum())

    def rows(self) -> Iterator[list[str]]:
        """The cells of `COLUMNS` for each who is in another segment, came or left, in order of their ids."""
        for at in np.flatnonzero(self.before != self.now).tolist():
            then, here = self.names[self.before[at]], self.names[self.now[at]]
            yield [str(self.ids[at]), self.scheme, self.since, then, self.as_of, here, str(self.reasons[at])]

    def figures(self) -> dict[str, object]:
        """As JSON takes it: nobody is named."""
        counts = self.counts
        flows = [
            {"from": self.names[i], "to": self.names[j], "customers": int(counts[i, j])}
            for i, j in zip(*(axis.tolist() for axis in np.nonzero(counts)), strict=True)
        ]
        return {"since": self.since, "as_of": self.as_of, "moved": self.n_moved, "flows": flows}

    @property
    def lines(self) -> list[str]:
        """For a screen: the matrix without those who stayed, the largest first."""
        counts = self.counts
        pairs = [(int(counts[i, j]), i, j) for i, j in np.argwhere(counts).tolist() if i != j]
        told = [f"  {n:>8,}  {self.names[i]} -> {self.names[j]}" for n, i, j in sorted(pairs, key=lambda p: (-p[0], p))]
        stayed = int(np.trace(counts))
        return [f"since {self.since}: {stayed:,} stayed, {self.n_moved:,} in another segment", *told]


def moves(then: tuple[Facts, Assigned], now: tuple[Facts, Assigned]) -> Moves:
    """Who moved between two days; the segments are those of the later one, others of the earlier are added."""
    names = tuple(dict.fromkeys((*now[1].names, *then[1].names, NOWHERE)))
    ids = np.union1d(then[0].ids, now[0].ids)
    places, reasons = [], np.full(len(ids), "", object)
    for facts, assigned in (then, now):
        place = np.full(len(ids), len(names) - 1, np.int64)
        at = np.searchsorted(ids, facts.ids)
        place[at] = np.array([names.index(name) for name in assigned.names], np.int64)[assigned.place]
        places.append(place)
    reasons[np.searchsorted(ids, now[0].ids)] = now[1].reasons
    return Moves(then[0].as_of, now[0].as_of, now[1].scheme, names, ids, places[0], places[1], reasons)
