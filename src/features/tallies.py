"""Tallies: the counts behind groups of products, categories and customers, block by block.

In: histories and cutoffs. Out: a `Group` from rows before each cutoff. A line speaks of its buyer's coming back only
once the days in which that may happen are over, so that no tally looks past a cutoff. Lines without a code and
customers without a value are not counted. Integers only, so that neither blocks nor the order of rows matter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from .groups import BILLIONTH, MOST, SELDOM, Group
from .history import History
from .membership import membership
from .track import Edges, Float64, Int64

RECENT, YEAR = 90, 365
"""Days of a window that counts as recent, and of the lines whose comebacks are counted."""
SHRINKAGE = 20
"""Lines' (customers') worth of weight on the whole population in a rate."""
_NEVER = -1_000_000
"""A day before all others."""


class Table:
    """Integers per (value, bucket of time), of several kinds, while values are still turning up.

    Examples
    --------
    >>> table = Table({"lines": 2})
    >>> table.add("lines", table.rows(pa.array(["b", "a"]))[[0, 1, 0]], np.array([0, 1, 0]))
    >>> table.names(), table.content("lines").tolist()
    (['a', 'b'], [[0, 1], [2, 0]])
    """

    def __init__(self, widths: Mapping[str, int], nothing: int = 0) -> None:
        self._numbers: dict[str, int] = {}
        self._nothing = nothing
        self._cells = {name: np.zeros((0, width), np.int64) for name, width in widths.items()}

    def rows(self, names: pa.Array) -> Int64:
        """The row of each name; new names get new rows."""
        texts = names.to_pylist()
        for text in texts:
            self._numbers.setdefault(text, len(self._numbers))
        for name, cells in self._cells.items():
            if len(self._numbers) > len(cells):
                room = np.full((max(len(self._numbers), 2 * len(cells)), cells.shape[1]), self._nothing, np.int64)
                room[: len(cells)] = cells
                self._cells[name] = room
        return np.array([self._numbers[text] for text in texts], np.int64)

    def add(self, name: str, row: Int64, bucket: Int64, weight: Int64 | int = 1) -> None:
        """Add one each, or its weight, at a row and a bucket."""
        cells = self._cells[name]
        np.add.at(cells.reshape(-1), row * cells.shape[1] + bucket, weight)

    def lift(self, name: str, row: Int64, bucket: Int64, value: Int64) -> None:
        """Keep the largest value instead of the sum."""
        cells = self._cells[name]
        np.maximum.at(cells.reshape(-1), row * cells.shape[1] + bucket, value)

    def names(self) -> list[str]:
        """The values, in order."""
        return sorted(self._numbers)

    def content(self, name: str) -> Int64:
        """One kind of integers, shape (n_values, width), in the order of `names`."""
        return self._cells[name][[self._numbers[n] for n in self.names()]]


class Items:
    """Counts the lines of a column's values: how many, how recent, and how often their buyers came back."""

    def __init__(self, column: str, cutoff_days: Sequence[int]) -> None:
        self.column = column
        self.days = np.array(cutoff_days, np.int64)
        self.lines = _Windows(self.days, (0, RECENT, 2 * RECENT, RECENT + YEAR))
        self.backs = _Windows(self.days, (RECENT, RECENT + YEAR))
        self.latest = _Windows(self.days, (0,))
        self.counts = Table({"lines": self.lines.width, "backs": self.backs.width})
        self.last = Table({"day": self.latest.width}, _NEVER)

    def add(self, history: History) -> None:
        """Take in one block."""
        codes = history.lines.codes[self.column]
        lines = np.flatnonzero((codes >= 0) & (history.lines.money["amount"] > 0))
        if not len(lines):
            return
        names, code = _used(history.lines.names[self.column], codes[lines])
        row, day = self.counts.rows(names)[code], history.line_day[lines]
        self.counts.add("lines", row, self.lines.edges.reached(day))
        came_back = _comes_back(history)[history.line_cell[lines]]
        self.counts.add("backs", row, self.backs.edges.reached(day), came_back)
        self.last.lift("day", self.last.rows(names)[code], self.latest.edges.reached(day), day)

    def group(self) -> Group:
        """What was counted, as of each cutoff."""
        lines, backs = (w.before(self.counts.content(n)) for n, w in (("lines", self.lines), ("backs", self.backs)))
        days = np.maximum.accumulate(self.last.content("day"), axis=1)[:, :-1][:, self.latest.at[0]].T
        pool = Pool(lines[0])
        recent, earlier = lines[0] - lines[RECENT], lines[RECENT] - lines[2 * RECENT]
        ripe, back = lines[RECENT] - lines[RECENT + YEAR], backs[RECENT] - backs[RECENT + YEAR]
        stats = {
            "popularity": pool.share(recent),
            "growth": pool.rate(recent, recent + earlier),
            "staleness": pool.silence(self.days, days),
            "comeback": pool.rate(back, ripe),
        }
        return Group.of(self.counts.names(), lines[0], pool.told, stats)


class Holders:
    """Counts customers at risk by the group that they belong to, and how many of them bought recently."""

    def __init__(self, name: str, cutoff_days: Sequence[int]) -> None:
        self.name = name
        self.days = np.array(cutoff_days, np.int64)
        self.windows = _Windows(self.days, (0, RECENT))
        self.counts = Table({"held": len(self.days), "active": len(self.days)})

    def add(self, history: History) -> None:
        """Take in one block."""
        grid, bought = history.before(self.windows.edges), history.prefix("purchase")
        now, then = (bought[grid[:, self.windows.at[o]]] for o in (0, RECENT))
        customer, cutoff = np.nonzero(now > bought[history.starts[:-1, None]])
        group = membership(history, self.name)
        codes = group.known(customer, self.days[cutoff])
        held = np.flatnonzero(codes >= 0)
        if not len(held):
            return
        names, code = _used(group.names, codes[held])
        row, cutoff = self.counts.rows(names)[code], cutoff[held]
        self.counts.add("held", row, cutoff)
        self.counts.add("active", row, cutoff, (now > then)[customer[held], cutoff].astype(np.int64))

    def group(self) -> Group:
        """What was counted, as of each cutoff."""
        held, active = self.counts.content("held").T, self.counts.content("active").T
        pool = Pool(held)
        stats = {"size": pool.share(held), "active": pool.rate(active, held)}
        return Group.of(self.counts.names(), held, pool.told, stats)


class Pool:
    """Which values are told apart at each cutoff; the others are summed, as one value more that comes last.

    Parameters
    ----------
    rows : ndarray of int64, shape (n_cutoffs, n_values)
        Lines (customers) before each cutoff. Of values that are equally frequent the first in order comes first.

    Examples
    --------
    >>> pool = Pool(np.array([[30, 1, 0, 2]]))
    >>> pool.told.tolist(), pool.summed(np.array([[7, 1, 0, 1]])).tolist()
    ([[True, False, False, False]], [[7, 2, 2, 2, 2]])
    """

    def __init__(self, rows: Int64) -> None:
        self.told: NDArray[np.bool_] = rows >= SELDOM
        if rows.shape[1] > MOST:
            beyond = np.argsort(-rows, axis=1, kind="stable")[:, MOST:]
            np.put_along_axis(self.told, beyond, False, axis=1)
        n_others = ((rows > 0) & ~self.told).sum(axis=1)[:, None]
        self._members = self._with_other(np.ones_like(rows), np.maximum(n_others, 1))

    def summed(self, values: Int64) -> Int64:
        """Each value's own number where it is told apart, else the sum over all the others."""
        return self._with_other(values, np.where(self.told, 0, values).sum(axis=1)[:, None])

    def share(self, values: Int64) -> Int64:
        """Of all, in billionths; of the others the mean of each. 0 where there is nothing."""
        total = np.maximum(values.sum(axis=1)[:, None], 1)
        return np.asarray(np.rint(self.summed(values) / (total * self._members) * BILLIONTH), np.int64)

    def rate(self, part: Int64, whole: Int64) -> Int64:
        """Part of whole in billionths, shrunk to the usual rate of all."""
        usual: Float64 = (part.sum(axis=1)[:, None] + 0.5) / (whole.sum(axis=1)[:, None] + 1.0)
        rate = (self.summed(part) + SHRINKAGE * usual) / (self.summed(whole) + SHRINKAGE)
        return np.rint(rate * BILLIONTH).astype(np.int64)

    def silence(self, cutoff_days: Int64, last_days: Int64) -> Int64:
        """Days since the last row; where there was none, since the last of any."""
        others = np.where(self.told, _NEVER, last_days).max(axis=1, initial=_NEVER)[:, None]
        shown, newest = self._with_other(last_days, others), last_days.max(axis=1, initial=_NEVER)[:, None]
        shown = np.where(shown > _NEVER, shown, newest)
        return np.where(shown > _NEVER, cutoff_days[:, None] - shown, 0)

    def _with_other(self, values: Int64, other: Int64) -> Int64:
        return np.concatenate([np.where(self.told, values, other), other], axis=1)


class _Windows:
    """The edges at some days before each cutoff."""

    def __init__(self, cutoff_days: Int64, offsets: Sequence[int]) -> None:
        days = np.unique(np.concatenate([cutoff_days - o for o in offsets]))
        self.edges = Edges(days)
        self.at = {o: np.searchsorted(days, cutoff_days - o) for o in offsets}
        self.width = len(days) + 1

    def before(self, counts: Int64) -> dict[int, Int64]:
        """Sums before each cutoff less some days, shape (n_cutoffs, n_values), from counts between edges."""
        sums = np.cumsum(counts, axis=1)[:, :-1]
        return {offset: sums[:, at].T for offset, at in self.at.items()}


def _used(names: pa.Array, code: Int64) -> tuple[pa.Array, Int64]:
    """Only the names that occur, and the codes among them."""
    used = np.zeros(len(names), bool)
    used[code] = True
    return names.filter(pa.array(used)).cast(pa.string()), (np.cumsum(used) - 1)[code]


def _comes_back(history: History) -> Int64:
    """Per cell: 1 if the customer buys again on a later day, at most `RECENT` days on."""
    marks = history.marks("day")
    following = np.searchsorted(marks, np.arange(history.n_cells), side="right")
    index = np.append(marks, 0)[following]
    same = (following < len(marks)) & (history.customer[index] == history.customer)
    return np.asarray(same & (history.day[index] - history.day <= RECENT), np.int64)
