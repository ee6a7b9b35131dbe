"""What every feature, summary and target means, computed as slowly and plainly as possible.

In: order lines as dictionaries, counting rules, the day the history starts. Out: for a customer and a cutoff exact
numbers (int, Decimal, Fraction), floats only where a root or logarithm is taken, None for missing. Loops over rows;
the features of one customer are in `oracle_past.py`, the words in `words.py`.
"""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from fractions import Fraction

from .oracle_past import PARTS, Past
from .words import DAY, Line, Purchase, Value, business_day, midnight

__all__ = ["DAY", "PARTS", "Line", "Oracle", "Value", "business_day", "midnight"]


class Oracle:
    """Answers for any customer and cutoff, from the rows before it."""

    def __init__(
        self, lines: Iterable[Line], timezone: str, returns: str, count_free: bool, history_starts: dt.date
    ) -> None:
        self.lines = sorted(lines, key=lambda line: line["purchased_at"])
        self.zone = zoneinfo.ZoneInfo(timezone)
        self.returns, self.count_free, self.history_starts = returns, count_free, history_starts

    def customers(self) -> list[str]:
        """Everyone, in order of their id."""
        return sorted({line["customer_id"] for line in self.lines})

    def known(self, cutoff: dt.date, customer: str | None = None) -> list[Line]:
        """The rows that happened, and were known, before a cutoff."""
        limit = midnight(cutoff, self.zone)
        return [
            line
            for line in self.lines
            if customer in (None, line["customer_id"])
            if line["purchased_at"] < limit and line.get("known_at", line["purchased_at"]) < limit
        ]

    def judged(self, lines: Sequence[Line]) -> tuple[list[Purchase], int]:
        """The purchases among these rows in order of time, and how many orders are returns."""
        purchases, n_returns = [], 0
        for key in sorted({(line["customer_id"], line["order_id"]) for line in lines}):
            order = [line for line in lines if (line["customer_id"], line["order_id"]) == key]
            day = self._became_a_purchase(order)
            if day is None:
                n_returns += any(line["amount"] < 0 for line in order)
                continue
            that_day = [line for line in order if business_day(line["purchased_at"], self.zone) == day]
            at = min(line["purchased_at"] for line in that_day)
            worth = sum((line["amount"] for line in that_day), Decimal(0))
            purchases.append(Purchase(at, day, at.astimezone(self.zone).hour, worth))
        return sorted(purchases, key=lambda p: p.at), n_returns

    def _became_a_purchase(self, order: Sequence[Line]) -> dt.date | None:
        """The first day at whose end the order is one."""
        days = [business_day(line["purchased_at"], self.zone) for line in order]
        for day in sorted(set(days)):
            amounts = [line["amount"] for line, on in zip(order, days, strict=True) if on <= day]
            if any(a > 0 for a in amounts) or (self.count_free and all(a == 0 for a in amounts)):
                return day
        return None

    def at_risk(self, customer: str, cutoff: dt.date, active_within_days: int | None = None) -> bool:
        """Whether the customer has a row at the cutoff."""
        purchases, _ = self.judged(self.known(cutoff, customer))
        if active_within_days is None:
            return bool(purchases)
        return any(p.at >= midnight(cutoff - active_within_days * DAY, self.zone) for p in purchases)

    def spent(self, lines: Iterable[Line]) -> Decimal:
        """Signed spend, or positive lines only when returns are kept separate."""
        amounts = [line["amount"] for line in lines]
        return sum((a for a in amounts if a > 0 or self.returns != "separate"), Decimal(0))

    def population_share(self, part: str, cutoff: dt.date) -> Fraction:
        """Share of everyone's purchases before the cutoff that fall into a part of the week or day."""
        purchases, _ = self.judged(self.known(cutoff))
        return Fraction(sum(p.belongs_to(part) for p in purchases), max(len(purchases), 1))

    def targets(
        self, customer: str, cutoff: dt.date, horizon_days: int, known_on: dt.date | None = None
    ) -> tuple[int, Decimal, int]:
        """Purchases that became one, spend, and the days until the first purchase (-1 without one) in [cutoff, cutoff +
        horizon), as known before another day."""
        start, end = midnight(cutoff, self.zone), midnight(cutoff + horizon_days * DAY, self.zone)
        lines = [line for line in self.lines if line["customer_id"] == customer]
        if known_on is not None:
            limit = midnight(known_on, self.zone)
            lines = [line for line in lines if line.get("known_at", dt.datetime.min.replace(tzinfo=dt.UTC)) < limit]
        purchases, _ = self.judged(lines)
        inside = [line for line in lines if start <= line["purchased_at"] < end]
        days = [(p.day - cutoff).days for p in purchases if start <= p.at < end]
        return len(days), self.spent(inside), min(days, default=-1)

    def rhythm(self, customer: str, cutoff: dt.date) -> dict[str, Value]:
        """The buy-till-you-die summary, in days."""
        return Past(self, customer, cutoff).rhythm()

    def families(self, customer: str, cutoff: dt.date) -> dict[str, Callable[[], dict[str, Value]]]:
        """What tells the features of each family."""
        past = Past(self, customer, cutoff)
        return {
            "rfm": past.rfm,
            "windows": past.windows,
            "cadence": past.cadence,
            "basket": past.basket,
            "calendar": past.calendar,
        }

    def family(self, name: str, customer: str, cutoff: dt.date) -> dict[str, Value]:
        """The features of one family; those of a column that the source lacks are left out."""
        return self.families(customer, cutoff)[name]()

    def features(self, customer: str, cutoff: dt.date) -> dict[str, dict[str, Value]]:
        """Every feature by family."""
        return {name: told() for name, told in self.families(customer, cutoff).items()}
