"""What every feature, summary and target means, computed as slowly and plainly as possible.

In: order lines as dictionaries, counting rules, the day the history starts. Out: for a customer and a cutoff exact
numbers (int, Decimal, Fraction), floats only where a root is taken, None for missing. Written from the meaning of
the words, with loops over rows and `zoneinfo`; it shares no code with the kernel.
"""

from __future__ import annotations

import datetime as dt
import math
import zoneinfo
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import TypedDict

DAY = dt.timedelta(days=1)
PARTS = ("weekend", "morning", "afternoon", "evening")
SHRINKAGE = 5


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
    known_at: dt.datetime


Value = int | Decimal | Fraction | float | None


@dataclass(frozen=True)
class Purchase:
    """An order that has become a purchase: when, on which business day, at which local hour, worth what."""

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
            at = self._became_a_purchase(order)
            if at is None:
                n_returns += any(line["amount"] < 0 for line in order)
                continue
            day, hour = business_day(at, self.zone), at.astimezone(self.zone).hour
            that_day = (line["amount"] for line in order if business_day(line["purchased_at"], self.zone) == day)
            purchases.append(Purchase(at, day, hour, sum(that_day, Decimal(0))))
        return sorted(purchases, key=lambda p: p.at), n_returns

    def _became_a_purchase(self, order: Sequence[Line]) -> dt.datetime | None:
        for at in sorted({line["purchased_at"] for line in order}):
            amounts = [line["amount"] for line in order if line["purchased_at"] <= at]
            if any(a > 0 for a in amounts) or (self.count_free and all(a == 0 for a in amounts)):
                return at
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
    ) -> tuple[int, Decimal]:
        """Purchases that became one, and spend, in [cutoff, cutoff + horizon), as known before another day."""
        start, end = midnight(cutoff, self.zone), midnight(cutoff + horizon_days * DAY, self.zone)
        lines = [line for line in self.lines if line["customer_id"] == customer]
        if known_on is not None:
            limit = midnight(known_on, self.zone)
            lines = [line for line in lines if line.get("known_at", dt.datetime.min.replace(tzinfo=dt.UTC)) < limit]
        purchases, _ = self.judged(lines)
        inside = [line for line in lines if start <= line["purchased_at"] < end]
        return sum(start <= p.at < end for p in purchases), self.spent(inside)

    def rhythm(self, customer: str, cutoff: dt.date) -> dict[str, Value]:
        """The buy-till-you-die summary, in days."""
        return Past(self, customer, cutoff).rhythm()

    def features(self, customer: str, cutoff: dt.date) -> dict[str, dict[str, Value]]:
        """Every feature by family; those of a column that the source lacks are left out."""
        past = Past(self, customer, cutoff)
        return {
            "rfm": past.rfm(),
            "windows": past.windows(),
            "cadence": past.cadence(),
            "basket": past.basket(),
            "calendar": past.calendar(),
        }


class Past:
    """One customer as known before one cutoff, who has at least one purchase."""

    def __init__(self, oracle: Oracle, customer: str, cutoff: dt.date) -> None:
        self.oracle, self.cutoff, self.zone = oracle, cutoff, oracle.zone
        self.lines = oracle.known(cutoff, customer)
        self.purchases, self.n_returns = oracle.judged(self.lines)
        self.days = sorted({p.day for p in self.purchases})
        self.gaps = [(b - a).days for a, b in zip(self.days, self.days[1:], strict=False)]

    def covered(self, older: int) -> bool:
        return self.cutoff - older * DAY >= self.oracle.history_starts

    def _within(self, at: dt.datetime, older: int, newer: int = 0) -> bool:
        start, end = (midnight(self.cutoff - days * DAY, self.zone) for days in (older, newer))
        return start <= at < end

    def lines_in(self, older: int, newer: int = 0) -> list[Line]:
        return [line for line in self.lines if self._within(line["purchased_at"], older, newer)]

    def purchases_in(self, older: int, newer: int = 0) -> list[Purchase]:
        return [p for p in self.purchases if self._within(p.at, older, newer)]

    def _repeat_day_values(self) -> list[Decimal]:
        """What was bought on each purchase day after the first, where that is more than nothing."""
        values = [sum((p.value for p in self.purchases if p.day == day), Decimal(0)) for day in self.days[1:]]
        return [v for v in values if v > 0]

    def rhythm(self) -> dict[str, Value]:
        valued = self._repeat_day_values()
        return {
            "frequency": len(self.days) - 1,
            "recency": (self.days[-1] - self.days[0]).days,
            "T": (self.cutoff - DAY - self.days[0]).days,
            "value": ratio(sum(valued, Decimal(0)), len(valued)),
            "n_valued": len(valued),
        }

    def rfm(self) -> dict[str, Value]:
        rhythm = self.rhythm()
        age, orders, spend = rhythm["T"], len(self.purchases), self.oracle.spent(self.lines)
        assert isinstance(age, int)
        return {
            "frequency": rhythm["frequency"],
            "recency": rhythm["recency"],
            "T": age,
            "recency_days": (self.cutoff - self.days[-1]).days,
            "recency_of_T": ratio(rhythm["recency"], age),
            "orders": orders,
            "spend": spend,
            "order_value_mean": ratio(_worth(self.purchases), orders),
            "repeat_day_value_mean": rhythm["value"],
            "orders_per_30d": Fraction(30 * orders, age + 1),
            "spend_per_30d": Fraction(30 * spend) / (age + 1),
            "returns": self.n_returns,
            "returned_share": ratio(_returned(self.lines), _sold(self.lines)),
            "one_time": int(len(self.days) == 1),
        }

    def windows(self) -> dict[str, Value]:
        out: dict[str, Value] = {}
        for w in (7, 30, 90, 180, 365):
            out[f"orders_{w}d"] = len(self.purchases_in(w)) if self.covered(w) else None
            out[f"spend_{w}d"] = self.oracle.spent(self.lines_in(w)) if self.covered(w) else None
        for w in (90, 365):
            bought = self.purchases_in(w)
            out[f"days_{w}d"] = len({p.day for p in bought}) if self.covered(w) else None
            out[f"order_value_{w}d"] = ratio(_worth(bought), len(bought)) if self.covered(w) else None
            out[f"returned_{w}d"] = _returned(self.lines_in(w)) if self.covered(w) else None
        for w in (30, 90):
            now, before = len(self.purchases_in(w)), len(self.purchases_in(2 * w, w))
            out[f"orders_trend_{w}d"] = ratio(now, now + before) if self.covered(2 * w) else None
        sold, before_that = _sold(self.lines_in(90)), _sold(self.lines_in(180, 90))
        out["spend_trend_90d"] = ratio(sold, sold + before_that) if self.covered(180) else None
        return out

    def cadence(self) -> dict[str, Value]:
        n, silence = len(self.gaps), (self.cutoff - self.days[-1]).days
        mean = ratio(sum(self.gaps), n)
        spread: Value = None
        if n >= 2 and mean is not None:
            spread = math.sqrt(sum((Fraction(g) - mean) ** 2 for g in self.gaps) / (n - 1))
        longest, last = (max(self.gaps), self.gaps[-1]) if n else (None, None)
        recent = [g for g, day in zip(self.gaps, self.days[1:], strict=True) if day >= self.cutoff - 180 * DAY]
        return {
            "gap_mean": mean,
            "gap_sd": spread,
            "gap_cv": None if spread is None or mean is None else float(spread) / float(mean),
            "gap_longest": longest,
            "gap_last": last,
            "gap_last_of_mean": ratio(last, mean),
            "lateness": ratio(silence, mean),
            "silence_of_longest": ratio(silence, longest),
            "gap_mean_180d": ratio(sum(recent), len(recent)) if self.covered(180) else None,
        }

    def basket(self) -> dict[str, Value]:
        positive = [line for line in self.lines if line["amount"] > 0]
        orders, sold = len(self.purchases), _sold(self.lines)
        out: dict[str, Value] = {
            "lines_per_order": Fraction(len(positive), orders),
            "line_value_mean": ratio(sold, len(positive)),
            "free_line_share": ratio(sum(line["amount"] == 0 for line in self.lines), len(self.lines)),
            "lines_90d": sum(line["amount"] > 0 for line in self.lines_in(90)) if self.covered(90) else None,
        }
        if "quantity" in self.lines[0]:
            pieces = sum((line["quantity"] for line in positive), Decimal(0))
            out |= {"quantity_per_order": ratio(pieces, orders), "price_level": ratio(sold, pieces)}
        if "discount" in self.lines[0]:
            recent = self.lines_in(90)
            off, off_90d = _discounted(self.lines), _discounted(recent)
            out["discount_share"] = ratio(off, off + sold)
            out["discount_share_90d"] = ratio(off_90d, off_90d + _sold(recent)) if self.covered(90) else None
            out["discounted_line_share"] = ratio(sum(line["discount"] > 0 for line in self.lines), len(self.lines))
        if "category" in self.lines[0]:
            named = [line["category"] for line in self.lines]
            out |= self._breadth("categories", named, [line["category"] for line in self.lines_in(90)])
        if "product_id" in self.lines[0]:
            named = [line["product_id"] for line in self.lines]
            out |= self._breadth("products", named, [line["product_id"] for line in self.lines_in(90)])
        return out

    def _breadth(self, kind: str, ever: list[str | None], recent: list[str | None]) -> dict[str, Value]:
        counts = Counter(name for name in ever if name is not None)
        return {
            kind: len(counts),
            f"{kind}_90d": len(set(recent) - {None}) if self.covered(90) else None,
            f"{kind}_per_order": ratio(len(counts), len(self.purchases)),
            f"{kind}_top_share": ratio(max(counts.values(), default=0), counts.total()),
        }

    def calendar(self) -> dict[str, Value]:
        out: dict[str, Value] = {}
        for part in PARTS:
            own = sum(p.belongs_to(part) for p in self.purchases)
            usual = self.oracle.population_share(part, self.cutoff)
            out[f"{part}_share"] = (own + SHRINKAGE * usual) / (len(self.purchases) + SHRINKAGE)
        return out


def _worth(purchases: Iterable[Purchase]) -> Decimal:
    return sum((p.value for p in purchases), Decimal(0))


def _sold(lines: Iterable[Line]) -> Decimal:
    return sum((line["amount"] for line in lines if line["amount"] > 0), Decimal(0))


def _returned(lines: Iterable[Line]) -> Decimal:
    return sum((-line["amount"] for line in lines if line["amount"] < 0), Decimal(0))


def _discounted(lines: Iterable[Line]) -> Decimal:
    return sum((line["discount"] for line in lines), Decimal(0))
