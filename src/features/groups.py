"""Groups: what all customers together tell about a product, a category or an attribute, at each cutoff.

In: exact integers per value and cutoff, from rows before the cutoff (see `tallies.py`). Out: a `Group` a column. Values
seldom seen (fewer than `SELDOM` lines or customers before the cutoff), those beyond the `MOST` most frequent, and
values never seen count together as one, `__other__`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from .once import once
from .track import Int64

SELDOM, MOST = 20, 10_000
FEW = 1_000
"""Names that are looked up one by one: Arrow would hash all the values told apart for each call."""
BILLIONTH = 1_000_000_000
ITEM_STATS = ("popularity", "growth", "staleness", "comeback")
HOLDER_STATS = ("size", "active")


@dataclass(frozen=True, eq=False)
class Group:
    """What is known of the values of one column, at each cutoff.

    Parameters
    ----------
    names : tuple of str
        The values told apart at one of the cutoffs at least, in order.
    told : ndarray of bool, shape (n_cutoffs, n_names)
        Which of them are told apart at each cutoff.
    stats : dict of str to ndarray of int64, shape (n_cutoffs, n_names + 1)
        Shares in billionths, staleness in days. The last column is that of `__other__`, and so is every column of a
        value that is not told apart at the cutoff.
    n_values, n_rows, n_pooled : ndarray of int64, shape (n_cutoffs,)
        How many values there were before each cutoff, on how many lines (of how many customers), and how many of those
        have a value that counts as `__other__`.

    Examples
    --------
    >>> Group.empty(HOLDER_STATS, 1).index(pa.array(["Rome"]), np.array([0, -1])).tolist()
    [0, 0]
    """

    names: tuple[str, ...]
    told: NDArray[np.bool_]
    stats: Mapping[str, Int64]
    n_values: Int64
    n_rows: Int64
    n_pooled: Int64

    @classmethod
    def empty(cls, stats: Sequence[str], n_cutoffs: int) -> Group:
        """A group of nobody."""
        nothing = np.zeros(n_cutoffs, np.int64)
        of_other = {s: np.zeros((n_cutoffs, 1), np.int64) for s in stats}
        return cls((), np.zeros((n_cutoffs, 0), bool), of_other, nothing, nothing, nothing)

    @classmethod
    def of(cls, names: Sequence[str], rows: Int64, told: NDArray[np.bool_], stats: Mapping[str, Int64]) -> Group:
        """From all values and their rows before each cutoff; those told apart at none are dropped."""
        ever = np.flatnonzero(told.any(axis=0))
        columns = np.append(ever, len(names))
        return cls(
            tuple(names[k] for k in ever.tolist()),
            told[:, ever],
            {s: v[:, columns] for s, v in stats.items()},
            (rows > 0).sum(axis=1),
            rows.sum(axis=1),
            np.where(told, 0, rows).sum(axis=1),
        )

    def __eq__(self, other: object) -> bool:
        """Whether two groups tell the same."""
        return isinstance(other, Group) and self.to_dict() == other.to_dict()

    def index(self, names: pa.Array, codes: Int64) -> Int64:
        """Where the name of each code stands among the columns of `stats`; -1 is `__other__`."""
        return np.append(self._index(names), len(self.names))[codes]

    def _index(self, names: pa.Array) -> Int64:
        if len(names) < FEW:
            place, other = self._place, len(self.names)
            return np.array([place.get(name, other) for name in names.to_pylist()], np.int64)
        found = pc.index_in(names.cast(pa.string()), value_set=self._value_set)
        return np.asarray(pc.fill_null(found, len(self.names)).to_numpy(zero_copy_only=False).astype(np.int64))

    @once
    def _place(self) -> dict[str, int]:
        return {name: place for place, name in enumerate(self.names)}

    @once
    def _value_set(self) -> pa.Array:
        return pa.array(self.names, pa.string())

    def take(self, cutoff: int) -> Group:
        """The part for one cutoff, as if there had been no other."""
        one = slice(cutoff, cutoff + 1)
        kept = np.flatnonzero(self.told[cutoff])
        columns = np.append(kept, len(self.names))
        return Group(
            tuple(self.names[k] for k in kept.tolist()),
            self.told[one, kept],
            {s: v[one, columns] for s, v in self.stats.items()},
            self.n_values[one],
            self.n_rows[one],
            self.n_pooled[one],
        )

    @classmethod
    def joined(cls, parts: Sequence[Group]) -> Group:
        """Groups of other cutoffs, one after the other; a value that one does not tell apart is `__other__` there."""
        names = tuple(sorted({n for part in parts for n in part.names}))
        asked = pa.array(names, pa.string())
        columns = [np.append(part._index(asked), len(part.names)) for part in parts]
        told = [np.insert(p.told, len(p.names), False, axis=1)[:, c[:-1]] for p, c in zip(parts, columns, strict=True)]
        return cls(
            names,
            np.concatenate(told),
            {
                s: np.concatenate([p.stats[s][:, c] for p, c in zip(parts, columns, strict=True)])
                for s in parts[0].stats
            },
            np.concatenate([p.n_values for p in parts]),
            np.concatenate([p.n_rows for p in parts]),
            np.concatenate([p.n_pooled for p in parts]),
        )

    def to_dict(self) -> dict[str, Any]:
        """JSON-safe form; `from_dict` gives the same back."""
        return {
            "names": list(self.names),
            "told": self.told.astype(int).tolist(),
            "stats": {s: v.tolist() for s, v in self.stats.items()},
            **{name: getattr(self, name).tolist() for name in _COUNTS},
        }

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Group:
        """The inverse of `to_dict`."""
        names, counts = tuple(content["names"]), [np.array(content[name], np.int64) for name in _COUNTS]
        told = np.array(content["told"], bool).reshape(len(counts[0]), len(names))
        shape = (len(counts[0]), len(names) + 1)
        stats = {s: np.array(v, np.int64).reshape(shape) for s, v in content["stats"].items()}
        return cls(names, told, stats, *counts)


_COUNTS = ("n_values", "n_rows", "n_pooled")
