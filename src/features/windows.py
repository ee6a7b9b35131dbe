"""Windows before the cutoff: counts and money in the last 7 ... 365 days, month by month, a year ago, and their trend.

In: what was known before each cutoff. Out: counts, money, ratios, slopes, and counts that fade with time. Missing: the
window starts before the ledger does, or there is nothing to compare with.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .family import NOT_COVERED, Feature, family
from .past import Past, ratio
from .reference import Reference
from .track import Float64, Int64

WINDOWS = (7, 30, 90, 180, 365)
LONG = (90, 365)
MONTH = 30
BUCKETS = (60, 90, 120, 150, 180)
"""Where the windows of 30 days before the latest begin, in days before the cutoff."""
YEAR = 364
"""A year in whole weeks, so that the window a year ago has the same weekdays as the one to come."""
FADED = tuple(range(0, 361, MONTH))
"""Edges of the twelve windows that fade, in days before the cutoff."""
RISING = np.array([[5], [-2], [-2], [-2], [-2], [-2], [5]])
"""Weights of the edges in the slope over the latest six of them."""
HALVED = np.array([[2**11], *([-(2**k)] for k in range(10, -1, -1)), [-1]])
"""Weights of the edges in a sum that halves from one window to the next."""
NO_BOTH = NOT_COVERED + ", or nothing was bought in both"
COUNTED = (
    ("orders", "orders", "purchase", "purchases"),
    ("spend", "money", "spend", "signed spend"),
)
"""The start of a name, unit, measure, words."""


@family("windows")
def windows(past: Past, reference: Reference) -> Iterator[Feature]:
    """Counts and money in windows of days before the cutoff."""
    yield from _cumulative(past)
    yield from _trends(past)
    for older in BUCKETS:
        newer = older - MONTH
        yield from _both(past, older, newer, f"{newer}_{older}d", f"{older} to {newer} days before the cutoff")
    for days in (28, 90):
        said = f"in the first {days} of the {YEAR} days before the cutoff"
        yield from _both(past, YEAR, YEAR - days, f"year_ago_{days}d", said)
    # Prefix sums at the edges of the windows that fade, latest first.
    edges = {measure: past.at_each(measure, FADED) for _, _, measure, _ in COUNTED}
    for start, unit, measure, what in COUNTED:
        missing = past.before_ledger(180)
        slope = _slope(edges[measure], past.track.measure(measure).scale)
        said = f"growth of {what} from one 30 days to the next over the last 180 (least squares)"
        yield Feature(f"{start}_slope_180d", unit, said, slope if missing is None else slope + missing, NOT_COVERED)
    for start, unit, measure, what in COUNTED:
        for half_life, faded in _faded(edges[measure], past.track.measure(measure).scale).items():
            said = f"{what} in the last 360 days, half as much worth every {half_life} days; none before the ledger"
            yield Feature(f"{start}_decayed_{half_life}d", unit, said, faded)
    for days in (90, 180):
        # An order that was a return before the window can have become a purchase in it.
        returns = np.maximum(past.last(days).sum("return"), 0)
        yield Feature(f"returns_{days}d", "orders", f"return orders in the last {days} days", returns, NOT_COVERED)


def _both(past: Past, older: int, newer: int, name: str, said: str) -> Iterator[Feature]:
    """Purchases and spend in [cutoff - older, cutoff - newer)."""
    for start, unit, measure, what in COUNTED:
        value = past.between(older, newer).sum(measure)
        yield Feature(f"{start}_{name}", unit, f"{what} {said}", value, NOT_COVERED)


def _cumulative(past: Past) -> Iterator[Feature]:
    for days in WINDOWS:
        yield from _both(past, days, 0, f"{days}d", f"in the last {days} days")
    for days in LONG:
        span, name = past.last(days), f"{days}d"
        within = f"in the last {days} days"
        value = ratio(span.sum("purchase_amount"), span.sum("purchase"))
        missing = NOT_COVERED + ", or no purchase in it"
        yield Feature(f"days_{name}", "days", f"purchase days {within}", span.sum("day"), NOT_COVERED)
        yield Feature(f"order_value_{name}", "money", f"mean value of a purchase {within}", value, missing)
        yield Feature(f"returned_{name}", "money", f"money returned {within}", span.sum("returned"), NOT_COVERED)


def _trends(past: Past) -> Iterator[Feature]:
    for days, name, measure, what in (
        (30, "orders", "purchase", "purchases"),
        (90, "orders", "purchase", "purchases"),
        (90, "spend", "sold", "money sold"),
    ):
        # Nothing is known of both where the ledger does not cover the older one, and 0 of 0 is missing.
        share = ratio(past.last(days).sum(measure), past.last(2 * days).sum(measure))
        said = f"{what} in the last {days} days against the {days} before, as share of both"
        yield Feature(f"{name}_trend_{days}d", "share", said, share, NO_BOTH)


def _slope(edges: Int64, scale: int) -> Float64:
    """Least-squares slope over six windows of 30 days, oldest first, covered by the ledger or not.

    With weights -5, -3, -1, 1, 3, 5 over 35; of prefix sums P(0), P(30) ... it is 5 (P(0) + P(180)) - 2 of the others.
    """
    return _weighed(edges[: len(RISING)], RISING) / (35.0 * scale)


def _faded(edges: Int64, scale: int) -> dict[int, Float64]:
    """By half-life, the sum over k = 0 ... 11 of 2 ** (-(30 k + 15) / half-life) x [t - 30 (k + 1), t - 30 k).

    Of prefix sums P(k) at the edges. The weights fall to a half from one window to the next, or from one to the third
    after it; what is so related is added up in integers, and only the rest is rounded.
    """
    monthly = _weighed(edges, HALVED)
    # Each of the first four edges with the third, sixth and ninth after it.
    thirds = (edges[:4] << 3) + (edges[3:7] << 2) + (edges[6:10] << 1) + edges[9:]
    first, second, third = thirds[:3] - thirds[1:]
    quarterly = first * (2.0 ** (-15 / 90) / 8 / scale) + second * (2.0 ** (-45 / 90) / 8 / scale)
    quarterly += third * (2.0 ** (-75 / 90) / 8 / scale)
    return {30: monthly * (2.0**-0.5 / 2**11 / scale), 90: quarterly}


def _weighed(edges: Int64, weights: Int64) -> Int64:
    """The exact sum of prefix sums times their weights."""
    return np.asarray(np.add.reduce(edges * weights, axis=0, dtype=np.int64))
