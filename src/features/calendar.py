"""Calendar: on which days and at what hours this customer buys, shrunk to the population. Off by default.

In: what was known before each cutoff, and the population's shares from the Reference. Out: shares of purchases, each
(own count + 5 x population share) / (own purchases + 5). Nothing here is equal for all customers of a cutoff: such a
feature would name the cutoff. Never missing. On none of three real data sets did it help (docs/features.md).
"""

from __future__ import annotations

from collections.abc import Iterator

from .family import Feature, family
from .past import Past
from .reference import Reference

SHRINKAGE = 5.0
"""Purchases' worth of weight on the population."""

PARTS = (
    ("weekend", "on Saturday or Sunday"),
    ("morning", "from 6 to 12"),
    ("afternoon", "from 12 to 18"),
    ("evening", "from 18 to 24"),
)


@family("calendar", default=False)
def calendar(past: Past, reference: Reference) -> Iterator[Feature]:
    """Shares of purchases by weekend and day part, local time, shrunk to the population."""
    ever = past.all()
    orders = ever.sum("purchase")
    for part, said in PARTS:
        usual = reference.share(part, past.cutoff_day)
        share = (ever.sum(part) + SHRINKAGE * usual) / (orders + SHRINKAGE)
        yield Feature(f"{part}_share", "share", f"share of purchases {said}, shrunk to the population", share)
