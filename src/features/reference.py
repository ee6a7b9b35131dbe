"""The Reference: what a family may know of other customers, one small table per cutoff.

In: histories and cutoffs. Out: exact integer counts over all rows before each cutoff: purchases by day part and on
weekends. It is stored with the model, and its date is told: one customer alone equals the batch given the same one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..clock import Cutoff
from ..errors import DataError
from .history import History, ascending
from .track import Edges

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

    Examples
    --------
    >>> r = Reference((10,), {"purchase": (4,), "weekend": (1,)})
    >>> r.share("weekend", np.array([10])).tolist()
    [0.25]
    """

    days: tuple[int, ...]
    counts: dict[str, tuple[int, ...]]

    @classmethod
    def empty(cls) -> Reference:
        """A Reference of nobody, for planning."""
        return cls((), dict.fromkeys(COUNTED, ()))

    @classmethod
    def of(cls, histories: Iterable[History], cutoffs: Sequence[Cutoff]) -> Reference:
        """Count over all customers what happened, and was known, before each cutoff."""
        ascending(cutoffs)
        totals = np.zeros((len(COUNTED), len(cutoffs)), np.int64)
        for history in histories:
            for k, cutoff in enumerate(cutoffs if history.lines.known_at is not None else ()):
                totals[:, k] += _counted(history.known_before(cutoff), [cutoff])[:, 0]
            if history.lines.known_at is None:
                totals += _counted(history, cutoffs)
        counts = {name: tuple(int(n) for n in row) for name, row in zip(COUNTED, totals, strict=True)}
        return cls(tuple(c.day for c in cutoffs), counts)

    def share(self, measure: str, cutoff_day: NDArray[np.int64]) -> NDArray[np.float64]:
        """Per row, the population's share of purchases that also count for `measure` (0 without purchases)."""
        if not len(cutoff_day):
            return np.zeros(0)
        days = np.array(self.days, np.int64)
        index = np.searchsorted(days, cutoff_day)
        if not len(days) or bool((index >= len(days)).any()) or bool((days[index] != cutoff_day).any()):
            raise DataError(
                "the Reference lacks a cutoff of the rows", do="build it for the same cutoffs", code="RG024"
            )
        purchases = np.maximum(np.array(self.counts["purchase"], np.int64), 1)
        return np.asarray((np.array(self.counts[measure], np.int64) / purchases)[index])

    def at(self, day: int) -> Reference:
        """The part for one cutoff, relabelled to that day from the latest cutoff at or before it."""
        index = int(np.searchsorted(np.array(self.days), day, side="right")) - 1
        if index < 0:
            raise DataError("the Reference begins after the cutoff", do="score a later date", code="RG024")
        return Reference((day,), {name: (row[index],) for name, row in self.counts.items()})

    def to_dict(self) -> dict[str, object]:
        """JSON-safe form; `from_dict` gives the same back."""
        return {"days": list(self.days), "counts": {k: list(v) for k, v in self.counts.items()}}

    @classmethod
    def from_dict(cls, content: dict[str, object]) -> Reference:
        """The inverse of `to_dict`."""
        days, counts = content.get("days"), content.get("counts")
        if not isinstance(days, list) or not isinstance(counts, dict):
            raise DataError("this is not a Reference", code="RG024")
        return cls(tuple(days), {str(k): tuple(v) for k, v in counts.items()})


def _counted(history: History, cutoffs: Sequence[Cutoff]) -> NDArray[np.int64]:
    """Exact sums of the counted measures over the days before each cutoff."""
    days = np.array([c.day for c in cutoffs], np.int64)
    bucket = Edges(days).reached(history.day)
    size = len(days) + 1
    sums = (np.bincount(bucket, weights=history.values(name), minlength=size) for name in COUNTED)
    return np.stack([np.cumsum(s.astype(np.int64))[:-1] for s in sums])
