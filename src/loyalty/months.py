"""Points by calendar month: earned, spent, expired, the balance at the end, who was active.

In: `Cells` of points, block by block. Out: a `Table` with a row for each month that the days known of points touch. A
month that they do not cover wholly stands there without a figure.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ..kpis.periods import Periods
from ..kpis.table import Column, Row, Table, Value, ratio
from ..schema import SCALE
from .cells import AMOUNTS, Cells
from .programme import Programme

COLUMNS = (
    Column("month", "text", "the calendar month, in local days"),
    Column("complete", "flag", "whether points are known of every day of it; if not, nothing of it is counted"),
    Column("earned", "number", "points earned in it, those taken back not taken off"),
    Column("spent", "number", "points spent in it"),
    Column("expired", "number", "points whose last day lay in it, or that events took away in it as expired"),
    Column("taken_back", "number", "points that were earned and taken back in it"),
    Column("balance", "number", "points of all members at its end, each member's at least 0"),
    Column("liability", "money", "balance x the value of one point"),
    Column("burn_rate", "share", "spent / earned, both of the month"),
    Column("active", "count", "members who earned or spent points in it"),
    Column("holders", "count", "members with a balance above 0 at its end"),
)


@dataclass
class Months:
    """Sums over the blocks that were added.

    Parameters
    ----------
    periods : Periods
        Months.
    """

    periods: Periods
    sums: dict[str, list[int]] = field(default_factory=dict)

    def add(self, points: Cells) -> None:
        """Count the customers of a block, with what expired."""
        n, at = len(self.periods), self.periods.at(points.day)
        here = (at >= 0) & (at < n)
        for name in AMOUNTS:
            total = np.zeros(n, np.int64)
            np.add.at(total, at[here], points.values(name)[here])
            self._grow(name, total)
        used = here & ((points.values("earned") > 0) | (points.values("spent") > 0))
        pairs = np.unique(points.customer[used] * n + at[used])
        self._grow("active", np.bincount(pairs % n, minlength=n))
        ends = self.periods.edges[1:]
        left = np.maximum(points.until("earned", ends) - points.until("lost", ends), 0)
        self._grow("balance", left.sum(axis=0))
        self._grow("holders", (left > 0).sum(axis=0))

    def _grow(self, name: str, more: np.ndarray) -> None:
        # Python's integers have no end, so that many blocks may be added.
        before = self.sums.get(name, [0] * len(more))
        self.sums[name] = [one + two for one, two in zip(before, more.tolist(), strict=True)]

    def table(self, programme: Programme) -> Table:
        """A row for each month."""
        rows: list[Row] = []
        for i, name in enumerate(self.periods.names):
            whole = self.periods.complete[i]
            rows.append({"month": name, "complete": whole, **(self._row(i, programme) if whole else _NOTHING)})
        return Table("points_by_month", "points by month", COLUMNS, tuple(rows))

    def _row(self, i: int, programme: Programme) -> dict[str, Value]:
        found = {name: values[i] for name, values in self.sums.items()}
        shown: dict[str, Value] = {name: found[name] / SCALE for name in (*AMOUNTS, "balance")}
        return shown | {
            "liability": programme.worth(found["balance"]),
            "burn_rate": ratio(found["spent"], found["earned"]),
            "active": found["active"],
            "holders": found["holders"],
        }


_NOTHING: dict[str, Value] = {column.name: None for column in COLUMNS[2:]}
