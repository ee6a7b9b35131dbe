"""Recency, frequency, money: the literature's three, in days, and the everyday ones.

In: what was known before each cutoff. Out: `frequency`, `recency`, `T` exactly as in the buy-till-you-die papers
(Fader, Hardie & Lee 2005, doi:10.1287/mksc.1040.0098), and days since, counts and money. Missing: no repeat purchase.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .family import Feature, family
from .past import Past, ratio
from .reference import Reference


@family("rfm")
def rfm(past: Past, reference: Reference) -> Iterator[Feature]:
    """Recency, frequency and money over all history."""
    ever = past.all()
    days = ever.sum("day")
    first, last = past.first_day("day"), past.last_day("day")
    age = past.cutoff_day - 1 - first
    orders, spend = ever.sum("purchase"), ever.sum("spend")
    yield Feature("frequency", "days", "repeat purchase days: purchase days after the first", days - 1)
    yield Feature("recency", "days", "last purchase day minus first purchase day", last - first)
    yield Feature("T", "days", "the day before the cutoff minus the first purchase day", age)
    yield Feature("recency_days", "days", "cutoff date minus last purchase date", past.days_since("day"))
    yield Feature("recency_of_T", "share", "recency / T", ratio(last - first, age), "missing when T is 0")
    yield Feature("orders", "orders", "purchases ever", orders)
    yield Feature("spend", "money", "signed spend ever", spend)
    yield Feature("order_value_mean", "money", "mean value of a purchase", ratio(ever.sum("purchase_amount"), orders))
    yield Feature(
        "repeat_day_value_mean",
        "money",
        "mean purchase value per repeat day with value above 0",
        ratio(ever.sum("repeat_day_value"), ever.sum("repeat_day_valued")),
        "missing without such a day",
    )
    yield Feature("orders_per_30d", "orders", "purchases per 30 days of age", ratio(30 * orders, age + 1))
    yield Feature("spend_per_30d", "money", "signed spend per 30 days of age", ratio(30 * spend, age + 1))
    yield Feature("returns", "orders", "return orders ever", ever.sum("return"))
    yield Feature(
        "returned_share",
        "share",
        "money returned / money sold, ever",
        ratio(ever.sum("returned"), ever.sum("sold")),
        "missing when nothing was sold for money",
    )
    yield Feature("one_time", "0 or 1", "bought on one day only", np.asarray(days == 1, np.float64))
