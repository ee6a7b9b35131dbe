"""How large lines and orders are: giants, giants that were undone, free lines, returns.

In: stretches. Out: counts, histograms of sizes, and findings that name days and money, never customers. Sizes are
those of positive money.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ..clock import DAY_US, Cutoff
from ..schema import SCALE
from .finding import Finding, Severity, said
from .stretch import Stretch
from .tallies import Histogram, Largest

FINE = 64
MOST = 50
UNDONE_DAYS = 31
_GIANT = 1_000
"""A line so many times above the 99.9th percentile is a giant."""


class Sizes:
    """Sizes of lines and orders."""

    def __init__(self) -> None:
        self.lines, self.orders = Histogram(FINE), Histogram(FINE)
        self.n, self.free, self.back = 0, 0, 0
        self.sold_money, self.back_money = 0, 0
        self.largest = Largest(MOST, "day")
        self.sold = Largest(MOST, "customer", "time", "day")
        self.undone = Largest(MOST, "customer", "time", "day")

    def add(self, stretch: Stretch) -> None:
        """Take in a stretch."""
        amount, orders = stretch.amount, stretch.orders
        self.n += len(amount)
        self.free += int((amount == 0).sum())
        self.back += int((amount < 0).sum())
        self.sold_money += int(amount[amount > 0].sum())
        self.back_money += int(amount[amount < 0].sum())
        self.lines.add(stretch.decades[amount > 0])
        self.orders.add(np.log10(orders.amount[orders.amount > 0] / SCALE))
        self.largest.add(amount, stretch.day)
        who = orders.customer + stretch.customers_before
        self.sold.add(orders.amount, who, orders.time, orders.first)
        self.undone.add(-orders.amount, who, orders.time, orders.first)

    def findings(self) -> Iterator[Finding]:
        """What is odd about sizes."""
        if not self.n:
            return
        yield from self._giants()
        yield from self._undone()
        if self.free:
            share = self.free / self.n
            yield Finding(
                "zero_lines",
                Severity.SUSPICIOUS if share > 0.2 else Severity.NOTE,
                f"{said(self.free, 'line is', 'lines are')} free ({share:.1%}): they count as purchases only with "
                "count_free = true",
                self.free,
                0,
            )
        if self.back:
            many = self.back > 0.3 * self.n or -self.back_money > self.sold_money
            of_money = f", {-self.back_money / self.sold_money:.1%} of the money sold" if self.sold_money else ""
            yield Finding(
                "returns",
                Severity.SUSPICIOUS if many else Severity.NOTE,
                f"{said(self.back, 'line is a return', 'lines are returns')} "
                f"({self.back / self.n:.1%} of the lines{of_money})",
                self.back,
                self.back_money,
            )

    def _giants(self) -> Iterator[Finding]:
        usual = self.lines.quantile(0.999) * SCALE
        keys = self.largest.keys
        giant = (keys > _GIANT * usual) | (keys > 0.05 * self.sold_money) & (keys > 20 * usual)
        # A small table has a dominating line for want of others.
        if self.n < 1_000 or not giant.any():
            return
        many = "" if int(giant.sum()) < MOST else "at least "
        yield Finding(
            "giant_lines",
            Severity.SERIOUS if int(keys[giant].sum()) > 0.2 * self.sold_money else Severity.SUSPICIOUS,
            f"{many}{said(int(giant.sum()), 'line is a giant', 'lines are giants')}: 999 of 1,000 lines are below "
            f"{usual / SCALE:,.2f}, the largest is {keys[0] / SCALE:,.2f}",
            int(giant.sum()),
            int(keys[giant].sum()),
            _told(keys[giant], self.largest.column("day")[giant]),
            "look whether a decimal sign or a test is behind it",
        )

    def _undone(self) -> Iterator[Finding]:
        """Large orders of a customer that an order of the same money undid soon after."""
        sold, back, usual = self.sold, self.undone, self.orders.quantile(0.999) * SCALE
        pairs, taken = [], set[int]()
        for i, amount in enumerate(sold.keys.tolist()):
            if amount < 3 * usual or self.n < 1_000:
                break
            for j in np.flatnonzero(back.keys == amount).tolist():
                apart = int(back.column("time")[j] - sold.column("time")[i])
                same = back.column("customer")[j] == sold.column("customer")[i] and j not in taken
                if same and 0 <= apart <= UNDONE_DAYS * DAY_US:
                    taken.add(j)
                    pairs.append((i, apart))
                    break
        if pairs:
            money = sum(int(sold.keys[i]) for i, _ in pairs)
            yield Finding(
                "undone_giants",
                Severity.SUSPICIOUS,
                f"{said(len(pairs), 'very large order was', 'very large orders were')} undone within "
                f"{_apart(max(apart for _, apart in pairs))}, with net zero money",
                len(pairs),
                money,
                tuple(
                    f"{sold.keys[i] / SCALE:,.2f} on {Cutoff(int(sold.column('day')[i]))}, undone after {_apart(apart)}"
                    for i, apart in pairs[:3]
                ),
                "keep both lines, which add up to nothing; counting sales alone would make these the best customers",
            )


def _apart(microseconds: int) -> str:
    """A time in the largest unit that fits.

    Examples
    --------
    >>> _apart(16 * 60_000_000), _apart(3 * DAY_US)
    ('16 minutes', '3 days')
    """
    for size, unit in ((DAY_US, "days"), (3_600_000_000, "hours"), (60_000_000, "minutes")):
        if microseconds >= 2 * size:
            return f"{round(microseconds / size)} {unit}"
    return "2 minutes"


def _told(keys: NDArray[np.int64], days: NDArray[np.int64]) -> tuple[str, ...]:
    return tuple(
        f"{k / SCALE:,.2f} on {Cutoff(int(d))}" for k, d in zip(keys[:3].tolist(), days[:3].tolist(), strict=True)
    )
