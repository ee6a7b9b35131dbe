"""The words that every feature rests on, as plainly as possible: rows, local days, purchases, quotients.

In: order lines as dictionaries, instants, zones. Out: exact numbers (int, Decimal, Fraction) and business days, None
for missing. Written from the meaning of the words; it shares no code with the kernel.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import TypedDict

DAY = dt.timedelta(days=1)


class Line(TypedDict, total=False):
    """An order line; the first four keys are always there, `known_at` and the others where the source has them."""

    customer_id: str
    purchased_at: dt.datetime
    order_id: str
    amount: Decimal
    quantity: Decimal
    discount: Decimal
    product_id: str | None
    category: str | None
    channel: str | None
    known_at: dt.datetime


Value = int | Decimal | Fraction | float | None


@dataclass(frozen=True)
class Purchase:
    """An order that has become a purchase: its first instant on that day, the day, the local hour, its worth."""

    at: dt.datetime
    day: dt.date
    hour: int
    value: Decimal

    def belongs_to(self, part: str) -> bool:
        """Whether it counts for a part of the week or day."""
        if part == "weekend":
            return self.day.isoweekday() >= 6
        start, end = {"morning": (6, 12), "afternoon": (12, 18), "evening": (18, 24)}[part]
        return start <= self.hour < end


def midnight(day: dt.date, zone: dt.tzinfo) -> dt.datetime:
    """The instant at which a local day begins; PEP 495 with fold 0 is: gap forward, fold first."""
    return dt.datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(dt.UTC)


def business_day(instant: dt.datetime, zone: dt.tzinfo) -> dt.date:
    """The local date; where clocks go back over midnight the new day has begun and does not end again."""
    day = instant.astimezone(zone).date()
    while midnight(day + DAY, zone) <= instant:
        day += DAY
    return day


def ratio(part: Value, whole: Value) -> Fraction | None:
    """part / whole where whole is positive."""
    if part is None or whole is None or whole <= 0:
        return None
    return Fraction(part) / Fraction(whole)


def variance(values: Sequence[Value]) -> Fraction | None:
    """Sum of squared deviations from the mean / (n - 1), with two values or more."""
    exact = [Fraction(v or 0) for v in values]
    middle = sum(exact, Fraction(0)) / max(len(exact), 1)
    return ratio(sum(((v - middle) ** 2 for v in exact), Fraction(0)), len(exact) - 1)


def slope(values: Sequence[Value]) -> Fraction:
    """Least squares over the index 0, 1, 2, ...: the covariance with the index / the index's variance."""
    exact, middle = [Fraction(v or 0) for v in values], Fraction(len(values) - 1, 2)
    average = sum(exact, Fraction(0)) / len(exact)
    together = sum(((i - middle) * (v - average) for i, v in enumerate(exact)), Fraction(0))
    return together / sum((i - middle) ** 2 for i in range(len(exact)))
