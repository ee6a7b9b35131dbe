"""The 25 reference features: which they are, and how Regulars computes them.

In: a ledger and cutoffs. Out: the panel as the product makes it, float32, and the same values in float64 for the
comparison. The family here yields under the catalogue's names what the catalogue yields under them (a test compares the
two), so that nothing but the 25 is computed. Missing as in the catalogue: NaN.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from regulars.clock import Cutoff
from regulars.engines import histories, panel_of, reference_of, usable_threads
from regulars.features.family import Family, Feature, Plan, plan_for
from regulars.features.history import History
from regulars.features.lines import Lines
from regulars.features.panel import Panel
from regulars.features.past import Past, ratio
from regulars.features.reference import Reference
from regulars.intake import Ledger
from regulars.schema import Rules

WINDOWS = (7, 30, 90, 180, 365)
EXACT = (
    "frequency",
    "recency",
    "T",
    "recency_days",
    "orders",
    "spend",
    *(f"{what}_{days}d" for days in WINDOWS for what in ("orders", "spend")),
    "days_90d",
    "lines_90d",
    "returned_90d",
    "gap_longest",
)
"""Counts, days and money, which must be equal to the last bit."""

QUOTIENTS = ("order_value_mean", "lines_per_order", "gap_mean", "gap_sd", "orders_trend_30d")
"""Quotients and a root, which must agree to 1e-9."""

NAMES = (*EXACT, *QUOTIENTS)


def _values(past: Past) -> Iterator[np.ndarray[Any, np.dtype[np.float64]]]:
    """The features' values, in the order of `NAMES`."""
    ever, quarter, month = past.all(), past.last(90), past.last(30)
    first, last = past.first_day("day"), past.last_day("day")
    days, orders = ever.sum("day"), ever.sum("purchase")
    yield days - 1
    yield last - first
    yield past.cutoff_day - 1 - first
    yield past.cutoff_day - last
    yield orders
    yield ever.sum("spend")
    for window in WINDOWS:
        yield past.last(window).sum("purchase")
        yield past.last(window).sum("spend")
    yield quarter.sum("day")
    yield quarter.sum("purchase_line")
    yield quarter.sum("returned")
    yield np.where(days > 1, past.at_last("day", past.history.longest_gap), np.nan)

    yield ratio(ever.sum("purchase_amount"), orders)
    yield ratio(ever.sum("purchase_line"), orders)
    gaps, total, squares = days - 1, ever.sum("gap"), ever.sum("gap_squared")
    yield ratio(total, gaps)
    yield np.sqrt(ratio(gaps * squares - total * total, gaps * (gaps - 1)))
    yield ratio(month.sum("purchase"), month.sum("purchase") + past.between(60, 30).sum("purchase"))


def reference_25(past: Past, reference: Reference) -> Iterator[Feature]:
    """The 25 as a family; it is not registered, so the catalogue does not know it."""
    for name, values in zip(NAMES, _values(past), strict=True):
        yield Feature(name, "", "", values)


def plan_of_25() -> Plan:
    """A plan of nothing but the 25."""
    only = Family("reference_25", reference_25)
    nobody = Past(History(Lines.empty(), Rules("UTC"), Cutoff(0)), [Cutoff(1)])
    known = {entry.name: entry for entry in plan_for(()).entries}
    entries = tuple(known[feature.name] for feature in reference_25(nobody, Reference.empty()))
    return Plan((only,), entries, tuple(sorted(nobody.asked)))


def kernel_25(ledger: Ledger, cutoffs: list[Cutoff]) -> Panel:
    """The panel of the 25, as the product computes panels."""
    return panel_of(ledger, plan_of_25(), Reference.empty(), cutoffs, threads=usable_threads())


def kernel_catalogue(ledger: Ledger, cutoffs: list[Cutoff]) -> Panel:
    """The panel of everything in the catalogue, with the population's counts that some of it needs."""
    plan = plan_for(ledger.columns)
    return panel_of(ledger, plan, reference_of(ledger, cutoffs), cutoffs, threads=usable_threads())


def kernel_exact(ledger: Ledger, cutoffs: list[Cutoff]) -> pd.DataFrame:
    """The 25 before they become float32, one row per (customer_id, cutoff day)."""
    frames = []
    for history in histories(ledger):
        past = Past(history, cutoffs, plan_of_25().offsets)
        columns = dict(zip(NAMES, _values(past), strict=True))
        frames.append(pd.DataFrame({"customer_id": past.customer_id, "cutoff": past.cutoff_day, **columns}))
    return pd.concat(frames, ignore_index=True)
