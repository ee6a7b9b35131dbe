"""Items: how the products and categories that a customer buys are doing among all customers.

In: what was known before each cutoff, and the Reference's groups. Out: popularity, growth, staleness and comeback rate,
as means over the lines of positive money that the customer bought in the last half year. Missing: no such line with a
code, or half a year is not covered by the ledger. Values seldom seen count together (see `groups.py`).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .family import NOT_COVERED, Feature, family
from .groups import BILLIONTH
from .past import Past
from .reference import Reference

DAYS = 180
NO_LINE = f"{NOT_COVERED}, or without such a line in it"
SAID = {
    "popularity": ("share", "share of all lines of the last 90 days that each makes up"),
    "growth": ("share", "lines of the last 90 days against the 90 before, as share of both, shrunk to that of all"),
    "staleness": ("days", "days since anyone last bought them"),
    "comeback": (
        "share",
        "of last year's lines, the last 90 days aside, the share whose buyer bought again on a later day within 90 "
        "days, shrunk to that of all",
    ),
}


@family("items")
def items(past: Past, reference: Reference) -> Iterator[Feature]:
    """Means over what was bought in the last half year."""
    for column, kind in (("category", "categories"), ("product_id", "products")):
        if not past.has(column):
            continue
        group = past.group(column, reference)
        row, code = past.bought(column, DAYS)
        lines = np.bincount(row, minlength=past.n_rows)
        value = group.index(past.history.lines.names[column], code)
        at = reference.index(past.cutoff_day)[row] * (len(group.names) + 1) + value
        missing = np.where(past.last(DAYS).covered & (lines > 0), 0.0, np.nan)
        lines = np.maximum(lines, 1)
        for stat, (unit, said) in SAID.items():
            # Whole numbers below 2**53 add up exactly in any order.
            total = np.bincount(row, weights=group.stats[stat].ravel()[at], minlength=past.n_rows)
            mean = total / lines / (BILLIONTH if unit == "share" else 1) + missing
            meaning = f"the {kind} bought in the last {DAYS} days, mean over lines: {said}"
            yield Feature(f"{kind}_{stat}", unit, meaning, mean, NO_LINE)
