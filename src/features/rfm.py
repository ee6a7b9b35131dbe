"""Recency, frequency, money: the literature's three, in days, and the everyday ones.

In: what was known before each cutoff. Out: `frequency`, `recency`, `T` exactly as in the buy-till-you-die papers
(Fader, Hardie & Lee 2005, doi:10.1287/mksc.1040.0098), days since, counts, money, and how the value of a purchase
spreads, ends and grows. Missing: no repeat purchase, or too few purchases to compare.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..schema import SCALE
from .family import Feature, family
from .measures import HALF, INDEXED
from .past import Past, ratio
from .reference import Reference
from .track import Float64


@family("rfm")
def rfm(past: Past, reference: Reference) -> Iterator[Feature]:
    """Recency, frequency and money over all history."""
    ever = past.all()
    days = ever.sum("day")
    first, last = past.first_day("day"), past.last_day("day")
    active, age = last - first, past.cutoff_day - 1 - first
    orders, spend = ever.sum("purchase"), ever.sum("spend")
    # Who is at risk has a purchase and lived a day: nothing is missing in what is divided by these.
    lived, value = age + 1, ever.sum("purchase_amount") / orders
    yield Feature("frequency", "days", "repeat purchase days: purchase days after the first", days - 1)
    yield Feature("recency", "days", "last purchase day minus first purchase day", active)
    yield Feature("T", "days", "the day before the cutoff minus the first purchase day", age)
    yield Feature("recency_days", "days", "cutoff date minus last purchase date", past.cutoff_day - last)
    yield Feature("recency_of_T", "share", "recency / T", ratio(active, age), "missing when T is 0")
    yield Feature("orders", "orders", "purchases ever", orders)
    yield Feature("spend", "money", "signed spend ever", spend)
    yield Feature("order_value_mean", "money", "mean value of a purchase", value)
    yield Feature(
        "repeat_day_value_mean",
        "money",
        "mean purchase value per repeat day with value above 0",
        ratio(ever.sum("repeat_day_value"), ever.sum("repeat_day_valued")),
        "missing without such a day",
    )
    yield Feature("orders_per_30d", "orders", "purchases per 30 days of age", 30 * orders / lived)
    yield Feature("spend_per_30d", "money", "signed spend per 30 days of age", 30 * spend / lived)
    yield Feature("returns", "orders", "return orders ever", ever.sum("return"))
    yield Feature(
        "returned_share",
        "share",
        "money returned / money sold, ever",
        ratio(ever.sum("returned"), ever.sum("sold")),
        "missing when nothing was sold for money",
    )
    yield Feature("one_time", "0 or 1", "bought on one day only", np.asarray(days == 1, np.float64))
    yield Feature(
        "order_value_sd",
        "money",
        "standard deviation of the values of purchases",
        _value_spread(past),
        "missing with fewer than two purchases",
    )
    amount = past.at_last("day", past.history.values("purchase_amount"))
    count = past.at_last("day", past.history.values("purchase"))
    latest = amount / (SCALE * count)
    yield Feature("order_value_last", "money", "mean value of a purchase on the last purchase day", latest)
    yield Feature(
        "order_value_last_of_mean",
        "ratio",
        "mean value of a purchase on the last purchase day / ever",
        ratio(amount * orders, ever.integer("purchase_amount") * count),
        "missing when the mean value is not above 0",
    )
    yield Feature(
        "order_value_slope",
        "ratio",
        "growth of a purchase day's value from one to the next (least squares) / its mean",
        _value_growth(past),
        "missing with fewer than three purchase days, or when the mean value is not above 0",
    )


def _value_spread(past: Past) -> Float64:
    """Sample standard deviation of the values of purchases, from exact sums above one of the first day."""
    ever = past.all()
    orders, above = ever.integer("purchase"), ever.integer("above_first").astype(np.float64)
    squares = ever.integer("above_first_squared_high").astype(np.float64)
    squares *= 2.0 ** (2 * HALF)
    squares += ever.integer("above_first_squared_low")
    # The first day's values lie around 0 here, so what is left is at least 1 / (n + 1) of the squares: few digits go.
    above *= above
    above /= orders
    squares -= above
    return np.asarray(np.sqrt(ratio(squares, orders - 1)) / SCALE)


def _value_growth(past: Past) -> Float64:
    """Least-squares slope of the days' values over 0, 1, ... m - 1, divided by their mean.

    With sums over i = 0 ... m - 1 it is 6 (2 sum(i v) - (m - 1) sum(v)) / ((m ** 2 - 1) sum(v)).
    """
    ever = past.all()
    days, value = ever.integer("day"), ever.integer("purchase_amount")
    low = 2 * ever.integer("value_indexed_low")
    high = 2 * ever.integer("value_indexed_high")
    # (m - 1) sum(v), taken off in the same two parts: each is exact, and for equal values they cancel exactly.
    low -= (days - 1) * (value & (2**INDEXED - 1))
    high -= (days - 1) * (value >> INDEXED)
    growth = high.astype(np.float64)
    growth *= 2.0**INDEXED
    growth += low
    growth *= 6
    whole = value.astype(np.float64)
    whole *= days * days - 1
    whole[days < 3] = 0
    return ratio(growth, whole)
