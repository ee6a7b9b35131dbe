"""Offer history: coupons received and redeemed, and how much of the spending was under promotion.

In: what was known before each cutoff; a redemption counts from the day it happened, so that outcomes after the cutoff
are hidden. Out: counts, rates, recency. Missing: the window starts before the ledger does, or no offer was received.
"""

from __future__ import annotations

from collections.abc import Iterator

from .events import RECEIVED, REDEEMED
from .family import NOT_COVERED, Feature, family
from .past import Past, ratio
from .reference import Reference

NONE_YET = "missing when none was received"


@family("offers")
def offers(past: Past, reference: Reference) -> Iterator[Feature]:
    """Offers received and redeemed."""
    if not past.shape.offers:
        return
    received, redeemed = past.offers(RECEIVED), past.offers(REDEEMED)
    got, used = received.all().sum("count"), redeemed.all().sum("count")
    yield Feature("offers_received", "offers", "offers received ever", got)
    yield Feature("offers_redeemed", "offers", "offers redeemed ever", used)
    yield Feature("offers_redeemed_share", "share", "offers redeemed / received, ever", ratio(used, got), NONE_YET)
    for days in (90, 180):
        got, used = received.last(days).sum("count"), redeemed.last(days).sum("count")
        yield Feature(f"offers_received_{days}d", "offers", f"received in the last {days} days", got, NOT_COVERED)
        yield Feature(f"offers_redeemed_{days}d", "offers", f"redeemed in the last {days} days", used, NOT_COVERED)
    since = received.days_since("day")
    yield Feature("offer_days_since", "days", "cutoff date minus date of the last offer received", since, NONE_YET)
    since = redeemed.days_since("day")
    missing = "missing when none was redeemed"
    yield Feature("redeemed_days_since", "days", "cutoff date minus date of the last redemption", since, missing)
    used, orders = redeemed.last(180).sum("count"), past.last(180).sum("purchase")
    yield Feature(
        "redeemed_per_order_180d",
        "ratio",
        "redemptions / purchases, last 180 days",
        ratio(used, orders),
        f"{NOT_COVERED}, or no purchase in it",
    )
