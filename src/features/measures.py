"""Measures: what is counted on each day of a customer's purchases.

In: a `History`. Out: for every name one exact integer per cell (customer, local day). Money and quantities are in
1/10,000 (`scale`); a missing quantity or discount counts as 0, a line without a code has none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..clock import DAY_US
from ..schema import SCALE
from .track import Int64, Measure

if TYPE_CHECKING:
    from .history import History

HOUR_US = 3_600_000_000
DAY_PARTS = ((6, 12), (12, 18), (18, 24))
"""Local hours [from, to): morning, afternoon, evening; the rest is night."""


def weekday(day: Int64) -> Int64:
    """0 = Monday ... 6 = Sunday of day numbers (1970-01-01 was a Thursday).

    Examples
    --------
    >>> weekday(np.array([0, 4])).tolist()
    [3, 0]
    """
    return np.mod(day + 3, 7)


def _flag(condition: NDArray[np.bool_]) -> Int64:
    return condition.astype(np.int64)


def _in_hours(history: History, start: int, end: int) -> Int64:
    """Purchases of each cell whose first line of that day came in some local hours."""
    orders = history.orders
    hour = np.floor_divide(np.mod(history.zone.to_local(orders.time), DAY_US), HOUR_US)
    return history.daily_orders(orders.purchase * ((hour >= start) & (hour < end)))


def _gap(history: History) -> Int64:
    """On a purchase day: days since the purchase day before (0 on the very first)."""
    marks = history.marks("day")
    gaps = np.zeros(history.n_cells, np.int64)
    step = np.diff(history.day[marks], prepend=0)
    same = np.diff(history.customer[marks], prepend=-1) == 0
    gaps[marks] = np.where(same, step, 0)
    return gaps


def _longest_gap(history: History) -> Int64:
    """Longest gap of the customer up to and with each day."""
    base = history.customer * np.int64(1_000_000)
    return np.asarray(np.maximum.accumulate(base + history.values("gap")) - base)


def _repeat_day_value(history: History) -> Int64:
    """On a purchase day after the customer's first: the value of that day's purchases, if above 0."""
    return np.where(history.values("gap") > 0, np.maximum(history.values("purchase_amount"), 0), 0)


def _spend(history: History) -> Int64:
    amount = history.lines.money["amount"]
    return history.daily(np.maximum(amount, 0) if history.rules.returns == "separate" else amount)


def _quantity(history: History) -> Int64:
    money = history.lines.money
    return history.daily(np.where(money["amount"] > 0, money["quantity"], 0))


MEASURES: dict[str, Measure] = {
    "cell": Measure(1, lambda h: np.ones(h.n_cells, np.int64)),
    "line": Measure(1, lambda h: h.daily(np.ones(h.lines.n_lines, np.int64))),
    "purchase_line": Measure(1, lambda h: h.daily(h.lines.money["amount"] > 0)),
    "purchase": Measure(1, lambda h: h.daily_orders(h.orders.purchase)),
    "return": Measure(1, lambda h: h.daily_orders(h.orders.returned)),
    "day": Measure(1, lambda h: _flag(h.values("purchase") > 0)),
    "gap": Measure(1, _gap),
    "gap_ended": Measure(1, lambda h: _flag(h.values("gap") > 0)),
    "gap_squared": Measure(1, lambda h: h.values("gap") * h.values("gap")),
    "longest_gap": Measure(1, _longest_gap),
    "weekend": Measure(1, lambda h: h.values("purchase") * (weekday(h.day) >= 5)),
    "morning": Measure(1, lambda h: _in_hours(h, *DAY_PARTS[0])),
    "afternoon": Measure(1, lambda h: _in_hours(h, *DAY_PARTS[1])),
    "evening": Measure(1, lambda h: _in_hours(h, *DAY_PARTS[2])),
    "spend": Measure(SCALE, _spend),
    "purchase_amount": Measure(SCALE, lambda h: h.daily_orders(h.orders.value)),
    "repeat_day_value": Measure(SCALE, _repeat_day_value),
    "repeat_day_valued": Measure(1, lambda h: _flag(h.values("repeat_day_value") > 0)),
    "returned": Measure(SCALE, lambda h: h.daily(np.maximum(-h.lines.money["amount"], 0))),
    "sold": Measure(SCALE, lambda h: h.daily(np.maximum(h.lines.money["amount"], 0))),
    "quantity": Measure(SCALE, _quantity),
    "discount": Measure(SCALE, lambda h: h.daily(h.lines.money["discount"])),
    "discounted": Measure(1, lambda h: h.daily(h.lines.money["discount"] > 0)),
    "free_line": Measure(1, lambda h: h.daily(h.lines.money["amount"] == 0)),
}


def _named(column: str) -> Measure:
    return Measure(1, lambda h: h.daily(h.lines.codes[column] >= 0))


def _first_time(column: str) -> Measure:
    return Measure(1, lambda h: h.daily(h.occurrence(column) == 0))


def _top(column: str) -> Measure:
    """Lines of the code that the customer had most often, up to and with each day."""

    def of(history: History) -> Int64:
        if not history.n_cells:
            return np.zeros(0, np.int64)
        base = history.line_customer * np.int64(2**40)
        highest = np.maximum.accumulate(base + history.occurrence(column) + 1) - base
        return highest[np.append(history.first_line[1:], history.lines.n_lines) - 1]

    return Measure(1, of)


for _column in ("product_id", "category", "channel"):
    MEASURES[f"named_{_column}"] = _named(_column)
    MEASURES[f"new_{_column}"] = _first_time(_column)
    MEASURES[f"top_{_column}"] = _top(_column)
