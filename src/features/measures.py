"""Measures: what is counted on each day of a customer's purchases.

In: a `History`. Out: for every name one exact integer per cell (customer, local day). Money and quantities are in
1/10,000 (`scale`); a missing quantity or discount counts as 0, a line without a code has none. Sums of squares and
products, which may leave 64 bits, are kept in two parts that do not: ``x = x_high * 2**k + x_low``.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..clock import DAY_US
from ..errors import DataError
from ..schema import SCALE
from .track import Int64, Measure, changes

if TYPE_CHECKING:
    from .history import History

HOUR_US = 3_600_000_000
DAY_PARTS = ((6, 12), (12, 18), (18, 24))
"""Local hours [from, to): morning, afternoon, evening; the rest is night."""
HALF = 22
"""Bits of the lower half of a difference of values; its square is split at twice as many."""
INDEXED = 32
"""Bits of the lower part of a day's value, so that times the day's index both parts fit."""
REGULAR = 2**40
LOGARITHM = 2**36
"""Steps to 1 in which terms of regularity and of entropy are rounded, each on its own, to be added exactly."""


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
    day = history.day[marks]
    step = np.zeros_like(day)
    np.subtract(day[1:], day[:-1], out=step[1:])
    step[changes(history.customer[marks])] = 0
    gaps[marks] = step
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


def _discounted(history: History, column: str) -> Int64:
    """A column of the lines of positive money with a discount."""
    money = history.lines.money
    return history.daily(money[column] * ((money["amount"] > 0) & (money["discount"] > 0)))


def _day_index(history: History) -> Int64:
    """On a purchase day: how many purchase days of the customer come before it; elsewhere 0."""
    before = history.prefix("day")
    return (before[:-1] - before[history.starts[history.customer]]) * history.values("day")


def _irregularity(history: History) -> Int64:
    """On a purchase day that ends a second gap: ((this - the one before) / their sum) ** 2."""
    marks = history.marks("day")
    gap = history.values("gap")[marks].astype(np.float64)
    out = np.zeros(history.n_cells, np.int64)
    # Gaps are at least 1, and the customer's first day has none: two in a row are of one customer.
    before, after = gap[:-1], gap[1:]
    both = ((after > 0) & (before > 0)).nonzero()[0]
    before, after = before[both], after[both]
    share = (after - before) / (after + before)
    out[marks[1:][both]] = np.rint(share * share * REGULAR)
    return out


def value_above_first(history: History) -> Int64:
    """Per group of `history.orders`: what a purchase is worth above one of the customer's first purchase day, else 0.

    Measured from there, squares are small where values are alike, and exactly 0 where they are equal.
    """
    orders, days = history.orders, history.marks("day")
    first = days[history.values("gap")[days] == 0]
    usual = np.zeros(history.n_customers, np.int64)
    usual[history.customer[first]] = history.values("purchase_amount")[first] // history.values("purchase")[first]
    cell = np.zeros(len(orders.value), np.int64)
    cell[orders.first[1:]] = 1
    above: Int64 = (orders.value - usual[history.customer][cell.cumsum()]) * orders.purchase
    largest = max(int(above.max(initial=0)), -int(above.min(initial=0)))
    if largest * largest * len(above) >= 2 ** (62 + 2 * HALF):
        raise DataError("money is too large to be squared exactly", needed="less than 1e9 a purchase", code="RG022")
    return above


def _square_high(history: History) -> Int64:
    high, low = history.above_first >> HALF, history.above_first & (2**HALF - 1)
    return history.daily_orders(high * high + ((2 * high * low + (low * low >> HALF)) >> HALF))


def _square_low(history: History) -> Int64:
    # The product wraps around at 64 bits, which leaves the lower ones as they are.
    return history.daily_orders(history.above_first * history.above_first & (2 ** (2 * HALF) - 1))


@lru_cache(maxsize=32)
def counted_logs(bits: int) -> Int64:
    """c ln c of the counts 0, 1, ... 2**bits, in 1/`LOGARITHM`.

    Examples
    --------
    >>> (counted_logs(2) / LOGARITHM).round(3).tolist()
    [0.0, 0.0, 1.386, 3.296, 5.545]
    """
    if bits > 22:
        raise DataError("a customer has more than 4,194,304 lines with a code", do="leave the column out", code="RG022")
    count = np.arange(2**bits + 1)
    logs: Int64 = np.rint(count * np.log(np.maximum(count, 1)) * LOGARITHM).astype(np.int64)
    logs.flags.writeable = False
    return logs


@lru_cache(maxsize=32)
def _log_steps(bits: int) -> Int64:
    """By how much `counted_logs` grows from each count to the next."""
    steps: Int64 = np.diff(counted_logs(bits))
    return steps


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
    "day_index": Measure(1, _day_index),
    "gap_indexed": Measure(1, lambda h: h.values("gap") * h.values("day_index")),
    "irregularity": Measure(REGULAR, _irregularity),
    "weekend": Measure(1, lambda h: h.values("purchase") * (weekday(h.day) >= 5)),
    "morning": Measure(1, lambda h: _in_hours(h, *DAY_PARTS[0])),
    "afternoon": Measure(1, lambda h: _in_hours(h, *DAY_PARTS[1])),
    "evening": Measure(1, lambda h: _in_hours(h, *DAY_PARTS[2])),
    "spend": Measure(SCALE, _spend),
    "purchase_amount": Measure(SCALE, lambda h: h.daily_orders(h.orders.value)),
    "above_first": Measure(SCALE, lambda h: h.daily_orders(h.above_first)),
    "above_first_squared_high": Measure(1, _square_high),
    "above_first_squared_low": Measure(1, _square_low),
    "value_indexed_high": Measure(1, lambda h: (h.values("purchase_amount") >> INDEXED) * h.values("day_index")),
    "value_indexed_low": Measure(1, lambda h: (h.values("purchase_amount") & (2**INDEXED - 1)) * h.values("day_index")),
    "repeat_day_value": Measure(SCALE, _repeat_day_value),
    "repeat_day_valued": Measure(1, lambda h: _flag(h.values("repeat_day_value") > 0)),
    "returned": Measure(SCALE, lambda h: h.daily(np.maximum(-h.lines.money["amount"], 0))),
    "sold": Measure(SCALE, lambda h: h.daily(np.maximum(h.lines.money["amount"], 0))),
    "quantity": Measure(SCALE, _quantity),
    "discount": Measure(SCALE, lambda h: h.daily(h.lines.money["discount"])),
    "discounted": Measure(1, lambda h: h.daily(h.lines.money["discount"] > 0)),
    "discount_on_sold": Measure(SCALE, lambda h: _discounted(h, "discount")),
    "discounted_sold": Measure(SCALE, lambda h: _discounted(h, "amount")),
    "free_line": Measure(1, lambda h: h.daily(h.lines.money["amount"] == 0)),
    "returned_line": Measure(1, lambda h: h.daily(h.lines.money["amount"] < 0)),
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
        highest = np.maximum.accumulate(base + history.occurrence(column) + 1)
        highest -= base
        found = np.empty_like(history.first_line)
        found[:-1], found[-1] = highest[history.first_line[1:] - 1], highest[-1]
        return found

    return Measure(1, of)


def _counted_logs(column: str) -> Measure:
    """By how much the sum of c ln c over the customer's codes grows, c being how many lines carry the code."""

    def of(history: History) -> Int64:
        before = history.occurrence(column)
        steps = _log_steps(int(before.max(initial=0) + 1).bit_length())
        return history.daily(np.where(before >= 0, steps[before], 0))

    return Measure(LOGARITHM, of)


for _column in ("product_id", "category", "channel"):
    MEASURES[f"named_{_column}"] = _named(_column)
    MEASURES[f"new_{_column}"] = _first_time(_column)
    MEASURES[f"top_{_column}"] = _top(_column)
    MEASURES[f"counted_logs_{_column}"] = _counted_logs(_column)
