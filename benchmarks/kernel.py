"""The reference features as Regulars computes them.

In: a job. Out: the panel as the product makes it, float32, and the same values in float64 for the comparison. The
family here yields under the catalogue's names what the catalogue yields under them (a test compares the two), so that
nothing but the 25 is computed. Missing as in the catalogue: NaN.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from regulars.clock import Cutoff
from regulars.engines import histories, panel_of, reference_of, usable_threads
from regulars.features.family import Family, Feature, Plan, plan_for
from regulars.features.history import History
from regulars.features.lines import Lines
from regulars.features.panel import Panel
from regulars.features.past import Past, ratio
from regulars.features.reference import Reference
from regulars.intake import open_ledger
from regulars.schema import Rules

from .job import NAMES, WINDOWS, Job


def _values(past: Past) -> Iterator[NDArray[np.float64]]:
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
    recent = month.sum("purchase")
    yield ratio(recent, recent + past.between(60, 30).sum("purchase"))


def reference_25(past: Past, reference: Reference) -> Iterator[Feature]:
    """The 25 as a family; not registered, so the catalogue does not know it."""
    for name, values in zip(NAMES, _values(past), strict=True):
        yield Feature(name, "", "", values)


def plan_of_25() -> Plan:
    """A plan of nothing but the 25."""
    any_day = Cutoff.parse("2024-01-01")
    nobody = Past(History(Lines.empty(), Rules("UTC"), any_day), [any_day])
    known = {entry.name: entry for entry in plan_for(()).entries}
    entries = tuple(known[feature.name] for feature in reference_25(nobody, Reference.empty()))
    return Plan((Family("reference_25", reference_25),), entries, tuple(sorted(nobody.asked)), ())


def kernel_25(job: Job) -> Panel:
    """The panel of the 25, as the product computes panels."""
    cutoffs = [Cutoff(day) for day in job.cutoffs]
    ledger = open_ledger(Path(job.ledger))
    return panel_of(ledger, plan_of_25(), Reference.empty(), cutoffs, threads=usable_threads())


def kernel_catalogue(job: Job) -> Panel:
    """The panel of the whole catalogue, with the population's counts that some of it needs."""
    cutoffs = [Cutoff(day) for day in job.cutoffs]
    ledger = open_ledger(Path(job.ledger))
    reference = reference_of(ledger, cutoffs)
    return panel_of(ledger, plan_for(ledger.columns), reference, cutoffs, threads=usable_threads())


def kernel_exact(job: Job, panel: Panel) -> pa.Table:
    """The 25 in float64, one row per (customer_id, cutoff day); `AssertionError` unless the panel is their float32."""
    cutoffs, plan, blocks = [Cutoff(day) for day in job.cutoffs], plan_of_25(), []
    for history in histories(open_ledger(Path(job.ledger))):
        past = Past(history, cutoffs, plan.offsets)
        columns = dict(zip(NAMES, _values(past), strict=True))
        blocks.append(pa.table({"customer_id": past.customer_id, "cutoff": past.cutoff_day, **columns}))
    table = pa.concat_tables(blocks)
    for name in NAMES:
        rounded = table[name].to_numpy().astype(np.float32)
        if not np.array_equal(panel.feature(name), rounded, equal_nan=True):
            raise AssertionError(f"{name}: the panel is not what the family yields")
    return table
