"""What each family of the catalogue costs, with everything beside the purchases that families can look at.

In: a folder, and how many lines and cutoffs. Out: a line of JSON: per family its features, and CPU nanoseconds per
feature and row, median over repeats. A family alone works on shards that are in memory as numbers; what it shares with
others (days, positions of windows) counts for it too. Missing values cost what others cost. Run as `python -m
benchmarks.catalogue FOLDER LINES CUTOFFS [REPEATS]`.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from regulars.clock import DAY_US, Cutoff
from regulars.config import Config
from regulars.engines import reference_of
from regulars.engines.local import reader, shards_of
from regulars.features.family import all_families, plan_for
from regulars.features.history import History
from regulars.features.panel import panel_block
from regulars.features.shape import KINDS, Shape
from regulars.intake import Ledger, build_ledger
from regulars.pipelines.prepare import shape_of
from regulars.schema import INSTANT, SCALE

from .job import DAYS, FIRST_DAY, cutoff_days
from .purchases import LINES_PER_CUSTOMER, configuration, decimal, named, write

EVENTS_PER_CUSTOMER, OFFERS_PER_CUSTOMER = 20, 4


def tables(n_customers: int, seed: int = 3) -> dict[str, pa.Table]:
    """Events, offers and customers, at random."""
    rng = np.random.default_rng(seed)

    def instants(n: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        return FIRST_DAY * DAY_US + rng.integers(0, (DAYS - 1) * DAY_US, n)

    def some(words: tuple[str, ...], n: int) -> pa.Array:
        return pa.array(np.array(words, object)[rng.integers(0, len(words), n)], pa.string())

    who = np.arange(n_customers)
    n_events, n_offers = EVENTS_PER_CUSTOMER * n_customers, OFFERS_PER_CUSTOMER * n_customers
    offered, after = instants(n_offers), rng.integers(1, 20, n_offers) * DAY_US
    redeemed = np.minimum(offered + after, (FIRST_DAY + DAYS) * DAY_US - 1)
    return {
        "events": pa.table(
            {
                "customer_id": named("c", rng.integers(0, n_customers, n_events)),
                "occurred_at": pa.array(instants(n_events), INSTANT),
                "kind": some(KINDS, n_events),
                "channel": some(("app", "email", "store"), n_events),
                "value": decimal(SCALE * rng.integers(1, 11, n_events)),
            }
        ),
        "offers": pa.table(
            {
                "customer_id": named("c", rng.integers(0, n_customers, n_offers)),
                "offer_id": named("f", rng.integers(0, 50, n_offers)),
                "offered_at": pa.array(offered, INSTANT),
                "redeemed_at": pa.array(redeemed, INSTANT, mask=rng.uniform(size=n_offers) < 0.7),
            }
        ),
        "customers": pa.table(
            {
                "customer_id": named("c", who),
                "joined_at": pa.array(np.full(n_customers, (FIRST_DAY - 1) * DAY_US), INSTANT),
                "acquisition_channel": some(("search", "friends", "shop"), n_customers),
                "referred_by": named("c", rng.permutation(n_customers)),
                "age": decimal(SCALE * rng.integers(18, 80, n_customers)),
            }
        ),
    }


def rich_ledger(folder: Path, lines: int) -> tuple[Ledger, Shape]:
    """A ledger with every table, and its shape."""
    write(folder / "purchases.parquet", lines)
    for name, table in tables(max(lines // LINES_PER_CUSTOMER, 1)).items():
        pq.write_table(table, folder / f"{name}.parquet")
    roles: dict[str, dict[str, object]] = {
        "events": {"occurred_at": "occurred_at", "kind": "kind", "channel": "channel", "value": "value"},
        "offers": {"offer_id": "offer_id", "offered_at": "offered_at", "redeemed_at": "redeemed_at"},
        "customers": {
            **{c: c for c in ("joined_at", "acquisition_channel", "referred_by")},
            "numbers": ["age"],
        },
    }
    data = {n: {"path": str(folder / f"{n}.parquet"), "customer_id": "customer_id", **r} for n, r in roles.items()}
    config: Config = configuration(folder, folder / "purchases.parquet", data)
    ledger = build_ledger(config)
    usual = shape_of(ledger, config)
    holidays = tuple(FIRST_DAY + day for day in (0, 120, 358, 365, 485, 723))
    return ledger, replace(usual, points_expire_days=365, holidays=holidays)


def costs(ledger: Ledger, shape: Shape, n_cutoffs: int, repeats: int) -> list[dict[str, object]]:
    """Features and nanoseconds of each family that yields any."""
    cutoffs, found = [Cutoff(day) for day in cutoff_days(n_cutoffs)], []
    for chosen in all_families():
        plan = plan_for(replace(shape, families=(chosen.name,)))
        if not plan.names:
            continue
        reference, history = reference_of(ledger, cutoffs, plan), reader(ledger, plan)
        shards = [history(shard) for shard in shards_of(ledger, plan)]
        spent, rows = [], 0
        for _ in range(repeats):
            # What a History has worked out it keeps, so each repeat begins with new ones.
            fresh = [History(h.lines, h.rules, h.history_starts, h.beside) for h in shards]
            begun = time.process_time_ns()
            rows = sum(panel_block(h, plan, reference, cutoffs).n_rows for h in fresh)
            spent.append(time.process_time_ns() - begun)
        each = statistics.median(spent) / (rows * len(plan.names))
        found.append({"family": chosen.name, "features": len(plan.names), "rows": rows, "cpu_ns": each})
    return found


def main(folder: str, lines: str, n_cutoffs: str, repeats: str = "3") -> None:
    """Measure and print."""
    ledger, shape = rich_ledger(Path(folder), int(lines))
    print(json.dumps(costs(ledger, shape, int(n_cutoffs), int(repeats))))


if __name__ == "__main__":
    main(*sys.argv[1:])
