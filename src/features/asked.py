"""What is asked of a track: which running counts at which edges, and which sums between two of them.

In: what the families of a plan asked of an empty past. Out: `Asked`, by which a `View` of a few rows looks all of it up
at once: for few rows a call of NumPy costs more than its numbers. What is asked beyond it is looked up when it comes,
more slowly, and is the same to the bit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Self, cast

import numpy as np
from numpy.typing import NDArray

from .once import once
from .track import Edges, Float64, Int64, Track

Count = tuple[str, int | None]
"""A measure, and how many days before the cutoff its running count is read; None: at the customer's beginning."""
Sum = tuple[str, int | None, int]
"""A measure, and between how many days before the cutoff it is added up; None: from the customer's beginning."""
Chosen = tuple[str, tuple[str, ...], str | None]
"""Events beside the purchases: of which table, of which kinds, on which channel."""
_EVER = -(2**40)
"""Days before a cutoff of an edge that lies after every day: never before the ledger."""


@dataclass(frozen=True)
class Asked:
    """Running counts and sums that are looked up together.

    Parameters
    ----------
    counts : tuple of Count
        Those of the sums among them.
    sums : dict of Sum to int
        With what each is divided by to be in its unit.
    beside : mapping of Chosen to Asked
        The same of events beside the purchases.

    Examples
    --------
    >>> Asked.of([("spend", 0)], {("spend", 30, 0): 10_000}).offsets
    (0, 30)
    """

    counts: tuple[Count, ...] = ()
    sums: Mapping[Sum, int] = field(default_factory=dict)
    beside: Mapping[Chosen, Asked] = field(default_factory=dict)

    @classmethod
    def of(cls, counts: Iterable[Count], sums: Mapping[Sum, int], beside: Mapping[Chosen, Asked] | None = None) -> Self:
        """Each once, and the counts at both ends of every sum."""
        ends = [(measure, edge) for measure, older, newer in sums for edge in (newer, older)]
        return cls(tuple(dict.fromkeys((*counts, *ends))), sums, beside or {})

    def and_since(self, measure: str, days: Sequence[int]) -> Asked:
        """The same and the running counts that some more windows up to the cutoff need."""
        more = [(measure, edge) for edge in (0, *days)]
        return Asked.of((*self.counts, *more), self.sums, self.beside)

    @once
    def measures(self) -> tuple[str, ...]:
        """Every measure, once."""
        return tuple(dict.fromkeys(measure for measure, _ in self.counts))

    @once
    def offsets(self) -> tuple[int, ...]:
        """Days before the cutoff at which something is read, ascending."""
        return tuple(sorted({edge for _, edge in self.counts if edge is not None}))

    @once
    def olders(self) -> tuple[int | None, ...]:
        """Days before the cutoff at which the sums begin."""
        return tuple(dict.fromkeys(older for _, older, _ in self.sums))

    @once
    def _row(self) -> Int64:
        """Of each count, which of the measures it is of, as a column."""
        return _places(self.measures, (measure for measure, _ in self.counts))[:, None]

    @once
    def _edge(self) -> Int64:
        """Of each count, where it is read: 0 is the customer's beginning, then the offsets."""
        return _places((None, *self.offsets), (edge for _, edge in self.counts))

    @once
    def _ends(self) -> tuple[Int64, Int64]:
        """Of each sum, the counts that it is the difference of."""
        newer = _places(self.counts, ((measure, newer) for measure, _, newer in self.sums))
        return newer, _places(self.counts, ((measure, older) for measure, older, _ in self.sums))

    @once
    def _older(self) -> Int64:
        return _places(self.olders, (older for _, older, _ in self.sums))

    @once
    def _scales(self) -> Float64:
        return np.array([*self.sums.values()], np.float64)[:, None]

    @once
    def _since(self) -> Int64:
        return np.array([[_EVER if older is None else older] for older in self.olders], np.int64).reshape(-1, 1)

    def read(self, track: Track, start: Int64, position: Int64, missing: Float64 | None) -> Known:
        """All of it, from where rows begin and where the offsets are among the cells.

        Parameters
        ----------
        missing : ndarray of float64, shape (n_olders, n_rows), or None
            NaN where the edge lies before the ledger, else 0; None if none does.
        """
        running = track.prefixes(self.measures)
        place = np.concatenate([start[None], position])[self._edge]
        place += self._row * running.shape[1]
        counts = running.ravel().take(place)
        newer, older = self._ends
        sums = (counts[newer] - counts[older]) / self._scales
        if missing is not None:
            sums += missing[self._older]
        sums.flags.writeable = False
        return Known(self, counts, sums)

    def uncovered(self, cutoff_days: Int64, history_starts: int) -> NDArray[np.bool_]:
        """Of each of `olders` and each cutoff, whether that edge lies before the ledger."""
        return np.asarray(cutoff_days - self._since < history_starts)

    def places(self, measure: str, offsets: tuple[int, ...]) -> Int64 | None:
        """Which of the counts are those of a measure at some offsets; None if not all of them were asked."""
        key = (measure, offsets)
        if key not in self._blocks:
            found = [self.count_at.get((measure, offset)) for offset in offsets]
            told = [place for place in found if place is not None]
            self._blocks[key] = np.array(told, np.int64) if len(told) == len(found) else None
        return self._blocks[key]

    @once
    def _blocks(self) -> dict[tuple[str, tuple[int, ...]], Int64 | None]:
        return {}

    @once
    def count_at(self) -> dict[Count, int]:
        """Which of the counts each is."""
        return {count: i for i, count in enumerate(self.counts)}

    @once
    def sum_at(self) -> dict[Sum, int]:
        """Which of the sums each is."""
        return {added: i for i, added in enumerate(self.sums)}


@dataclass(frozen=True)
class Known:
    """What was looked up: counts of shape (n_counts, n_rows), sums of shape (n_sums, n_rows), read-only."""

    asked: Asked
    counts: Int64
    sums: Float64

    def count(self, count: Count) -> Int64 | None:
        """One of the counts, if it was asked."""
        place = self.asked.count_at.get(count)
        return None if place is None else cast(Int64, self.counts[place])

    def block(self, measure: str, offsets: tuple[int, ...]) -> Int64 | None:
        """The counts of a measure at some offsets, if all of them were asked."""
        places = self.asked.places(measure, offsets)
        return None if places is None else self.counts[places]

    def sum(self, added: Sum) -> Float64 | None:
        """One of the sums, if it was asked."""
        place = self.asked.sum_at.get(added)
        return None if place is None else cast(Float64, self.sums[place])


def _places(among: Sequence[object], wanted: Iterable[object]) -> Int64:
    """Where each stands among some."""
    number = {one: i for i, one in enumerate(among)}
    return np.array([number[one] for one in wanted], np.int64)


@dataclass(frozen=True)
class EdgePlan:
    """All edges of some cutoffs and offsets; where they stand among them has the shape (n_offsets, n_cutoffs)."""

    edges: Edges
    offsets: tuple[int, ...]
    columns: Int64


@lru_cache(maxsize=64)
def edge_plan(cutoff_days: tuple[int, ...], offsets: frozenset[int]) -> EdgePlan:
    """Every edge at some days before the cutoffs; offsets ascending."""
    ordered = tuple(sorted(offsets))
    days = np.array(cutoff_days, np.int64)
    edges = np.unique(np.concatenate([days - offset for offset in ordered]))
    return EdgePlan(Edges(edges), ordered, np.stack([np.searchsorted(edges, days - offset) for offset in ordered]))


@lru_cache(maxsize=256)
def edges_before(cutoff_days: tuple[int, ...], offset: int) -> Edges:
    """The edges so many days before the cutoffs."""
    return Edges(np.array(cutoff_days, np.int64) - offset)
