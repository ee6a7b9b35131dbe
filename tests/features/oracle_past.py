"""One customer as known before one cutoff, and every feature of purchases as its meaning says.

In: an `Oracle`, which knows the rows and judges orders. Out: by family the value of each feature: int, Decimal,
Fraction where it is exact, float where a root or a logarithm is taken, None for missing.
"""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

from .words import DAY, Line, Purchase, Value, midnight, ratio, slope, variance

if TYPE_CHECKING:
    from .oracle import Oracle

PARTS = ("weekend", "morning", "afternoon", "evening")
SHRINKAGE = 5


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

    def day_values(self) -> list[Decimal]:
        """What was bought on each purchase day."""
        return [_worth(p for p in self.purchases if p.day == day) for day in self.days]

    def rhythm(self) -> dict[str, Value]:
        valued = [value for value in self.day_values()[1:] if value > 0]
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
        spread = variance([p.value for p in self.purchases])
        last = [p.value for p in self.purchases if p.day == self.days[-1]]
        last_mean, ever_mean = Fraction(sum(last, Decimal(0))) / len(last), ratio(_worth(self.purchases), orders)
        worth = self.day_values()
        trend = ratio(slope(worth), Fraction(sum(worth, Decimal(0))) / len(worth)) if len(worth) >= 3 else None
        return {
            "frequency": rhythm["frequency"],
            "recency": rhythm["recency"],
            "T": age,
            "recency_days": (self.cutoff - self.days[-1]).days,
            "recency_of_T": ratio(rhythm["recency"], age),
            "orders": orders,
            "spend": spend,
            "order_value_mean": ever_mean,
            "repeat_day_value_mean": rhythm["value"],
            "orders_per_30d": Fraction(30 * orders, age + 1),
            "spend_per_30d": Fraction(30 * spend) / (age + 1),
            "returns": self.n_returns,
            "returned_share": ratio(_returned(self.lines), _sold(self.lines)),
            "one_time": int(len(self.days) == 1),
            "order_value_sd": None if spread is None else math.sqrt(spread),
            "order_value_last": last_mean,
            "order_value_last_of_mean": ratio(last_mean, ever_mean),
            "order_value_slope": trend,
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
        for older, newer in ((60, 30), (90, 60), (120, 90), (150, 120), (180, 150)):
            out |= self._counted(f"{newer}_{older}d", older, newer)
        out |= self._counted("year_ago_28d", 364, 336) | self._counted("year_ago_90d", 364, 274)
        out |= self._slopes() | self._decayed(30) | self._decayed(90)
        for w in (90, 180):
            # Returns by now less returns by then; one of before that became a purchase since leaves none, not -1.
            _, then = self.oracle.judged([line for line in self.lines if not self._within(line["purchased_at"], w)])
            out[f"returns_{w}d"] = max(self.n_returns - then, 0) if self.covered(w) else None
        return out

    def _counted(self, name: str, older: int, newer: int) -> dict[str, Value]:
        """Purchases and spend in [cutoff - older, cutoff - newer)."""
        if not self.covered(older):
            return {f"orders_{name}": None, f"spend_{name}": None}
        return {
            f"orders_{name}": len(self.purchases_in(older, newer)),
            f"spend_{name}": self.oracle.spent(self.lines_in(older, newer)),
        }

    def _months(self, n: int) -> tuple[list[int], list[Decimal]]:
        """Purchases and spend in the last n windows of 30 days, newest first, covered by the ledger or not."""
        edges = [(30 * k + 30, 30 * k) for k in range(n)]
        return [len(self.purchases_in(*e)) for e in edges], [self.oracle.spent(self.lines_in(*e)) for e in edges]

    def _slopes(self) -> dict[str, Value]:
        orders, spend = self._months(6)
        covered = self.covered(180)
        return {
            "orders_slope_180d": slope(orders[::-1]) if covered else None,
            "spend_slope_180d": slope(spend[::-1]) if covered else None,
        }

    def _decayed(self, half_life: int) -> dict[str, Value]:
        orders, spend = self._months(12)
        return {f"orders_decayed_{half_life}d": _faded(orders, half_life)} | {
            f"spend_decayed_{half_life}d": _faded(spend, half_life)
        }

    def cadence(self) -> dict[str, Value]:
        n, silence = len(self.gaps), (self.cutoff - self.days[-1]).days
        mean = ratio(sum(self.gaps), n)
        squared = variance(self.gaps)
        spread = None if squared is None else math.sqrt(squared)
        longest, last = (max(self.gaps), self.gaps[-1]) if n else (None, None)
        recent = [g for g, day in zip(self.gaps, self.days[1:], strict=True) if day >= self.cutoff - 180 * DAY]
        terms = [(Fraction(b, a + b) - Fraction(1, 2)) ** 2 for a, b in zip(self.gaps, self.gaps[1:], strict=False)]
        return {
            "gap_mean": mean,
            "gap_sd": spread,
            "gap_cv": None if spread is None or mean is None else spread / float(mean),
            "gap_longest": longest,
            "gap_last": last,
            "gap_last_of_mean": ratio(last, mean),
            "lateness": ratio(silence, mean),
            "silence_of_longest": ratio(silence, longest),
            "gap_mean_180d": ratio(sum(recent), len(recent)) if self.covered(180) else None,
            "regularity": float(1 - 4 * sum(terms, Fraction(0)) / len(terms)) if terms else None,
            "gap_slope": ratio(slope(self.gaps), mean) if n >= 3 else None,
            "lateness_z": float(silence - mean) / spread if mean is not None and spread else None,
        }

    def basket(self) -> dict[str, Value]:
        positive = [line for line in self.lines if line["amount"] > 0]
        orders, sold = len(self.purchases), _sold(self.lines)
        out: dict[str, Value] = {
            "lines_per_order": Fraction(len(positive), orders),
            "line_value_mean": ratio(sold, len(positive)),
            "free_line_share": ratio(sum(line["amount"] == 0 for line in self.lines), len(self.lines)),
            "returned_line_share": ratio(sum(line["amount"] < 0 for line in self.lines), len(self.lines)),
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
            reduced = [line for line in positive if line["discount"] > 0]
            out["discount_depth"] = ratio(_discounted(reduced), _discounted(reduced) + _sold(reduced))
            out["discounted_spend_share"] = ratio(_sold(reduced), sold)
        if "category" in self.lines[0]:
            out |= self._breadth("categories", [(line["purchased_at"], line["category"]) for line in self.lines])
        if "product_id" in self.lines[0]:
            out |= self._breadth("products", [(line["purchased_at"], line["product_id"]) for line in self.lines])
        return out

    def _breadth(self, kind: str, lines: Sequence[tuple[dt.datetime, str | None]]) -> dict[str, Value]:
        named = [(at, code) for at, code in lines if code is not None]
        recent = {code for at, code in named if self._within(at, 90)}
        known = {code for at, code in named if not self._within(at, 90)}
        counts = Counter(code for _, code in named)
        n, covered = counts.total(), self.covered(90)
        return {
            kind: len(counts),
            f"{kind}_90d": len(recent) if covered else None,
            f"{kind}_per_order": ratio(len(counts), len(self.purchases)),
            f"{kind}_top_share": ratio(max(counts.values(), default=0), n),
            f"{kind}_entropy": -sum(c / n * math.log(c / n) for c in counts.values()) if n else None,
            f"{kind}_new_90d": len(recent - known) if covered else None,
            f"{kind}_repeat_share": ratio(sum(c - 1 for c in counts.values()), n),
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


def _faded(months: Sequence[Value], half_life: int) -> float:
    """Windows of 30 days, newest first, each weighted by 2 ** -(days from its middle to the cutoff / half-life).

    Every third window is added up exactly, as with 30 or 90 days its weight is halved, quartered, ...: what cancels
    out leaves exactly nothing.
    """
    step = half_life // 30
    total = 0.0
    for start in range(step):
        exact = sum((Fraction(m or 0) / 2**i for i, m in enumerate(months[start::step])), Fraction(0))
        total += 2.0 ** (-(30 * start + 15) / half_life) * float(exact)
    return total
