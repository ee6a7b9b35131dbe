"""Windows before the cutoff: counts and money in the last 7 ... 365 days, and how they compare with the time before.

In: what was known before each cutoff. Out: counts, money, ratios. Missing: the window starts before the ledger does,
or there is nothing to compare with.
"""

from __future__ import annotations

from collections.abc import Iterator

from .family import NOT_COVERED, Feature, family
from .past import Past, ratio
from .reference import Reference

WINDOWS = (7, 30, 90, 180, 365)
LONG = (90, 365)
NO_BOTH = NOT_COVERED + ", or nothing was bought in both"


@family("windows")
def windows(past: Past, reference: Reference) -> Iterator[Feature]:
    """Counts and money in cumulative windows."""
    for days in WINDOWS:
        span, name = past.last(days), f"{days}d"
        within = f"in the last {days} days"
        yield Feature(f"orders_{name}", "orders", f"purchases {within}", span.sum("purchase"), NOT_COVERED)
        yield Feature(f"spend_{name}", "money", f"signed spend {within}", span.sum("spend"), NOT_COVERED)
    for days in LONG:
        span, name = past.last(days), f"{days}d"
        within = f"in the last {days} days"
        value = ratio(span.sum("purchase_amount"), span.sum("purchase"))
        yield Feature(f"days_{name}", "days", f"purchase days {within}", span.sum("day"), NOT_COVERED)
        yield Feature(
            f"order_value_{name}",
            "money",
            f"mean value of a purchase {within}",
            value,
            NOT_COVERED + ", or no purchase in it",
        )
        yield Feature(f"returned_{name}", "money", f"money returned {within}", span.sum("returned"), NOT_COVERED)
    for days in (30, 90):
        before, span = past.between(2 * days, days), past.last(days)
        said = f"the last {days} days against the {days} before, as share of both"
        orders, earlier = span.sum("purchase"), before.sum("purchase")
        yield Feature(
            f"orders_trend_{days}d", "share", f"purchases in {said}", ratio(orders, orders + earlier), NO_BOTH
        )
    sold, sold_before = past.last(90).sum("sold"), past.between(180, 90).sum("sold")
    yield Feature(
        "spend_trend_90d",
        "share",
        "money sold in the last 90 days against the 90 before, as share of both",
        ratio(sold, sold + sold_before),
        NO_BOTH,
    )
