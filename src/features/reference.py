"""The Reference: what a family may know of other customers, a few small tables per cutoff.

In: histories and cutoffs. Out: exact integer counts over all rows before each cutoff: purchases by day part and on
weekends, and `Group`s of products, categories and customers. It is stored with the model, and its date is told: one
customer alone equals the batch given the same one. Where nothing was counted, a share is 0 or the usual one.
"""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..clock import Cutoff
from ..errors import DataError
from .groups import HOLDER_STATS, ITEM_STATS, Group
from .history import History, ascending
from .lines import TEXTS
from .notes import group_notes
from .once import once
from .tallies import Holders, Items
from .track import Edges, Int64

COUNTED = ("purchase", "weekend", "morning", "afternoon", "evening")


@dataclass(frozen=True)
class Reference:
    """Population counts before each cutoff.

    Parameters
    ----------
    days : tuple of int
        The cutoffs' day numbers, ascending.
    counts : dict of str to tuple of int
        For each counted measure, one exact integer per cutoff.
    groups : dict of str to Group
        By column of the purchases (`lines.TEXTS`), or group of customers (see `membership.py`).

    Examples
    --------
    >>> r = Reference((10,), {"purchase": (4,), "weekend": (1,)})
    >>> r.share("weekend", np.array([10])).tolist()
    [0.25]
    """

    days: tuple[int, ...]
    counts: dict[str, tuple[int, ...]]
    groups: Mapping[str, Group] = field(default_factory=dict)

    @classmethod
    def empty(cls) -> Reference:
        """A Reference of nobody at no cutoff, for planning; it knows every group."""
        return cls((), dict.fromkeys(COUNTED, ()))

    @classmethod
    def of(cls, histories: Iterable[History], cutoffs: Sequence[Cutoff], groups: Sequence[str] = ()) -> Reference:
        """Count over all customers what happened, and was known, before each cutoff.

        Parameters
        ----------
        groups : sequence of str
            Columns of the purchases (`lines.TEXTS`) and groups of customers (`membership.py`) to tell values apart by.
        """
        ascending(cutoffs)
        days = tuple(c.day for c in cutoffs)
        blocks = iter(histories)
        first = next(blocks, None)
        if first is None or not first.two_clocks:
            population = _Population(days, groups)
            for history in itertools.chain([first], blocks) if first else ():
                if history.two_clocks:
                    raise DataError("some blocks say when rows became known and others do not", code="RG024")
                population.add(history)
            return population.reference()
        # Where rows become known late, every cutoff has a past of its own.
        apart = [_Population((d,), groups) for d in days]
        for history in itertools.chain([first], blocks):
            for cutoff, alone in zip(cutoffs, apart, strict=True):
                alone.add(history.known_before(cutoff))
        return _joined([alone.reference() for alone in apart])

    def group(self, name: str) -> Group:
        """What is known of the values of a column of the purchases or of a group of customers."""
        if name in self.groups:
            return self.groups[name]
        if self.days:
            raise DataError(
                f"the Reference does not tell apart the values of `{name}`",
                do="build it for the same plan",
                code="RG024",
            )
        return Group.empty(ITEM_STATS if name in TEXTS else HOLDER_STATS, 0)

    def notes(self) -> tuple[str, ...]:
        """What should be known of values that are not told apart, a sentence each, as of the last cutoff."""
        return group_notes(self.groups)

    def share(self, measure: str, cutoff_day: Int64) -> NDArray[np.float64]:
        """Per row, the population's share of purchases that also count for `measure` (0 without purchases)."""
        if not len(cutoff_day):
            return np.zeros(0)
        purchases = np.maximum(np.array(self.counts["purchase"], np.int64), 1)
        return np.asarray((np.array(self.counts[measure], np.int64) / purchases)[self.index(cutoff_day)])

    def index(self, cutoff_day: Int64) -> Int64:
        """Which of the cutoffs each day is; a day that is none of them is refused."""
        days = self._day_numbers
        index = days.searchsorted(cutoff_day)
        if len(cutoff_day) and (not len(days) or bool((days.take(index, mode="clip") != cutoff_day).any())):
            raise DataError(
                "the Reference lacks a cutoff of the rows", do="build it for the same cutoffs", code="RG024"
            )
        return index

    def at(self, day: int) -> Reference:
        """The part for one cutoff, relabelled to that day from the latest cutoff at or before it."""
        index = bisect_right(self.days, day) - 1
        if index < 0:
            raise DataError("the Reference begins after the cutoff", do="score a later date", code="RG024")
        if index not in self._parts:
            counts: dict[str, tuple[int, ...]] = {name: (row[index],) for name, row in self.counts.items()}
            self._parts[index] = (counts, {name: group.take(index) for name, group in self.groups.items()})
        return Reference((day,), *self._parts[index])

    @once
    def _day_numbers(self) -> Int64:
        return np.array(self.days, np.int64)

    @once
    def _parts(self) -> dict[int, tuple[dict[str, tuple[int, ...]], dict[str, Group]]]:
        """The part for each of the cutoffs that was asked for: an endpoint asks for one of them all day."""
        return {}

    def to_dict(self) -> dict[str, object]:
        """JSON-safe form; `from_dict` gives the same back."""
        groups = {name: group.to_dict() for name, group in self.groups.items()}
        return {"days": list(self.days), "counts": {k: list(v) for k, v in self.counts.items()}, "groups": groups}

    @classmethod
    def from_dict(cls, content: dict[str, object]) -> Reference:
        """The inverse of `to_dict`."""
        days, counts, groups = content.get("days"), content.get("counts"), content.get("groups", {})
        if not isinstance(days, list) or not isinstance(counts, dict) or not isinstance(groups, dict):
            raise DataError("this is not a Reference", code="RG024")
        told = {str(name): Group.from_dict(group) for name, group in groups.items()}
        return cls(tuple(days), {str(k): tuple(v) for k, v in counts.items()}, told)


class _Population:
    """Counts over blocks, for some cutoffs."""

    def __init__(self, days: tuple[int, ...], groups: Sequence[str]) -> None:
        self.days = days
        self.totals = np.zeros((len(COUNTED), len(days)), np.int64)
        self.groups = {name: Items(name, days) if name in TEXTS else Holders(name, days) for name in groups}

    def add(self, history: History) -> None:
        """Take in one block."""
        bucket = Edges(np.array(self.days, np.int64)).reached(history.day)
        for total, name in zip(self.totals, COUNTED, strict=True):
            sums = np.bincount(bucket, weights=history.values(name), minlength=len(self.days) + 1)
            total += np.cumsum(sums.astype(np.int64))[:-1]
        for group in self.groups.values():
            group.add(history)

    def reference(self) -> Reference:
        """What was counted."""
        counts = {name: tuple(int(n) for n in row) for name, row in zip(COUNTED, self.totals, strict=True)}
        return Reference(self.days, counts, {name: group.group() for name, group in self.groups.items()})


def _joined(parts: Sequence[Reference]) -> Reference:
    """References of one cutoff each, one after the other."""
    if not parts:
        return Reference.empty()
    days = tuple(d for p in parts for d in p.days)
    counts = {name: tuple(n for p in parts for n in p.counts[name]) for name in COUNTED}
    groups = {name: Group.joined([p.groups[name] for p in parts]) for name in parts[0].groups}
    return Reference(days, counts, groups)
