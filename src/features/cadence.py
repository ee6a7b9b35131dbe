"""Cadence: the rhythm of purchase days, and how late the next one is for this customer.

In: what was known before each cutoff. Out: gaps between purchase days: mean, spread, longest, last, lateness.
Missing: fewer than two purchase days (three for the spread).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .family import NOT_COVERED, Feature, family
from .past import Past, ratio
from .reference import Reference

TWO_DAYS = "missing with fewer than two purchase days"


@family("cadence")
def cadence(past: Past, reference: Reference) -> Iterator[Feature]:
    """Gaps between purchase days and lateness."""
    ever = past.all()
    n = ever.integer("day") - 1
    total, squares = ever.integer("gap"), ever.integer("gap_squared")
    gaps, days_since = n.astype(np.float64), past.days_since("day")
    mean = ratio(total.astype(np.float64), gaps)
    # n * sum of squares - square of the sum is an exact integer, as gaps add up to less than 2**17 days: 0 if equal.
    spread = np.sqrt(ratio((n * squares - total * total).astype(np.float64), (n * (n - 1)).astype(np.float64)))
    longest = np.where(n > 0, past.at_last("day", past.history.values("longest_gap")), np.nan)
    last = np.where(n > 0, past.at_last("day", past.history.values("gap")), np.nan)
    yield Feature("gap_mean", "days", "mean days between purchase days", mean, TWO_DAYS)
    yield Feature("gap_sd", "days", "spread of the gaps", spread, "missing with fewer than three purchase days")
    yield Feature("gap_cv", "ratio", "spread of the gaps / their mean", ratio(spread, mean), "missing as gap_sd is")
    yield Feature("gap_longest", "days", "longest gap so far", longest, TWO_DAYS)
    yield Feature("gap_last", "days", "the latest gap", last, TWO_DAYS)
    yield Feature("gap_last_of_mean", "ratio", "the latest gap / the mean gap", ratio(last, mean), TWO_DAYS)
    yield Feature("lateness", "ratio", "days since the last purchase / the mean gap", ratio(days_since, mean), TWO_DAYS)
    yield Feature(
        "silence_of_longest",
        "ratio",
        "days since the last purchase / the longest gap",
        ratio(days_since, longest),
        TWO_DAYS,
    )
    recent = past.last(180)
    yield Feature(
        "gap_mean_180d",
        "days",
        "mean of the gaps that ended in the last 180 days",
        ratio(recent.sum("gap"), recent.sum("gap_ended")),
        NOT_COVERED + ", or no gap ended in it",
    )
