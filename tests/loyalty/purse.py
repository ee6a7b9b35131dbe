"""A purse of points, kept day by day in plain Python: what the vectorised ledger has to agree with.

In: entries (day, kind, points) of one member. Out: what was earned and what became of it. Slow, and written from the
rules alone: each batch is a list, whatever takes points away walks through the batches, oldest first.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

Entry = tuple[int, str, int]
LEAVING = ("spent", "taken_back", "expired")


@dataclass
class Purse:
    """One member's points.

    Parameters
    ----------
    expire_days : int
    told : bool
        Whether entries tell what expired.
    """

    expire_days: int
    told: bool = False
    batches: list[list[int]] = field(default_factory=list)
    owed: list[tuple[str, int]] = field(default_factory=list)
    sums: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("earned", *LEAVING), 0))
    left: list[tuple[int, int, str, int]] = field(default_factory=list)
    """(day earned, day on which it left, how, points)."""

    def live(self, entries: Iterable[Entry], until: int) -> Purse:
        """All days before one."""
        by_day: dict[int, list[Entry]] = {}
        for entry in entries:
            by_day.setdefault(entry[0], []).append(entry)
        for day in range(min(by_day, default=until), until):
            today = by_day.get(day, [])
            for kind in ("earned", *LEAVING):
                points = sum(p for _, k, p in today if k == kind)
                if points:
                    self.sums[kind] += points
                    self._earn(day, points) if kind == "earned" else self._leave(day, kind, points)
            if not self.told:
                self._expire(day)
        return self

    def _earn(self, day: int, points: int) -> None:
        self.batches.append([day, points])
        owed, self.owed = self.owed, []
        for kind, much in owed:
            self._leave(day, kind, much)

    def _leave(self, day: int, kind: str, points: int) -> None:
        for batch in self.batches:
            part = min(batch[1], points)
            if part:
                batch[1] -= part
                points -= part
                self.left.append((batch[0], day, kind, part))
        if points:
            self.owed.append((kind, points))

    def _expire(self, day: int) -> None:
        for batch in self.batches:
            if batch[0] + self.expire_days <= day and batch[1]:
                self.sums["expired"] += batch[1]
                self.left.append((batch[0], day, "expired", batch[1]))
                batch[1] = 0

    @property
    def balance(self) -> int:
        return sum(points for _, points in self.batches)

    @property
    def overdrawn(self) -> int:
        return sum(points for _, points in self.owed)

    def due(self, since: int, until: int) -> int:
        """Of the balance, what can be used for the last time on the days [since, until)."""
        return sum(points for day, points in self.batches if since <= day + self.expire_days < until)

    def next_due(self, since: int) -> int:
        ahead = [day + self.expire_days for day, points in self.batches if points and day + self.expire_days >= since]
        return min(ahead, default=-1)
