"""What featuretools can express of the reference features; run as a script by the Python of another environment.

In: a job's folder. Out: a line of JSON with the costs, then a Parquet file with those features (float64), one row per
(customer_id, cutoff day). Sums, means, counts and numbers of different values of lines, ever and in training windows,
each at the cutoffs of customers who have bought; the columns that the sums need are made beforehand, once. Missing:
NaN where the window starts before the ledger. Run as `python with_featuretools.py FOLDER FILE`; it imports nothing of
this project but `job.py` and `tree.py` beside it, which load nothing.
"""

from __future__ import annotations

import json
import resource
import sys
import time
import warnings
from pathlib import Path

import featuretools as ft
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from job import COLUMNS, WINDOWS, Job
from tree import cpu_seconds

DAY = pd.Timedelta(days=1)
EPOCH = pd.Timestamp("1970-01-01")

EVER = {
    "orders": "NUM_UNIQUE(lines.bought_order)",
    "days": "NUM_UNIQUE(lines.bought_day)",
    "first": "MIN(lines.day_number)",
    "last": "MAX(lines.day_number)",
    "spend": "SUM(lines.amount)",
    "free_line_share": "MEAN(lines.free)",
    "categories": "NUM_UNIQUE(lines.category)",
}
"""What is asked for over all history."""

RECENT = {
    "orders": "NUM_UNIQUE(lines.bought_order)",
    "spend": "SUM(lines.amount)",
    "days": "NUM_UNIQUE(lines.bought_day)",
    "returned": "SUM(lines.returned)",
    "lines": "SUM(lines.sold_line)",
    "categories": "NUM_UNIQUE(lines.category)",
}
"""What is asked for in windows."""

WIDE = {7: ("orders", "spend"), 30: ("orders", "spend"), 90: tuple(RECENT), 180: ("orders", "spend")}
WIDE[365] = ("orders", "spend", "days", "returned")


def lines_of(parquet: str) -> pd.DataFrame:
    """The ledger's lines with the columns that the aggregates need; money in whole 1/10,000."""
    table = pq.read_table(parquet, columns=list(COLUMNS))
    units = pc.multiply(table["amount"], pa.scalar(10_000, pa.int32())).cast(pa.decimal128(38, 4)).cast(pa.int64())
    amount = pd.Series(units.to_numpy(zero_copy_only=False)).astype("float64")
    at = pd.Series(table["purchased_at"].cast(pa.timestamp("us")).to_numpy())
    day, bought = (at - EPOCH) // DAY, amount > 0
    return pd.DataFrame(
        {
            "line_id": range(len(at)),
            "customer_id": table["customer_id"].to_pandas().astype("category"),
            "purchased_at": at,
            "amount": amount,
            "returned": (-amount).clip(lower=0),
            "sold_line": bought.astype("float64"),
            "free": (amount == 0).astype("float64"),
            "category": table["category"].to_pandas().astype("category"),
            "bought_order": table["order_id"].to_pandas().where(bought).astype("category"),
            "bought_day": day.where(bought).astype("category"),
            "day_number": day.where(bought).astype("float64"),
        }
    )


def matrix(es: ft.EntitySet, features: list[ft.FeatureBase], when: pd.DataFrame, days: int | None) -> pd.DataFrame:
    """The features of each customer at each of its cutoffs, in the order of `when`."""
    window = None if days is None else f"{days} days"
    found = ft.calculate_feature_matrix(
        features, es, cutoff_time=when, training_window=window, cutoff_time_in_index=True, include_cutoff_time=False
    )
    return found.reindex(pd.MultiIndex.from_frame(when[["customer_id", "time"]]))


def compute(job: Job) -> pd.DataFrame:
    """All that can be expressed."""
    lines = lines_of(job.sorted)
    es = ft.EntitySet("shop")
    es = es.add_dataframe(dataframe_name="lines", dataframe=lines, index="line_id", time_index="purchased_at")
    es = es.normalize_dataframe("lines", "customers", "customer_id", make_time_index=False)
    known = ft.dfs(
        entityset=es,
        target_dataframe_name="customers",
        agg_primitives=["sum", "mean", "min", "max", "num_unique"],
        trans_primitives=[],
        max_depth=1,
        features_only=True,
    )
    named = {feature.get_name(): feature for feature in known}
    first = lines[lines["sold_line"] > 0].groupby("customer_id", observed=True)["day_number"].min()
    at = [(c, EPOCH + cutoff * DAY) for cutoff in job.cutoffs for c in first.index[first < cutoff]]
    when = pd.DataFrame(at, columns=["customer_id", "time"])
    cutoff = ((when["time"] - EPOCH) // DAY).to_numpy()
    ever = matrix(es, [named[name] for name in EVER.values()], when, None)
    got = {short: ever[name].to_numpy("float64") for short, name in EVER.items()}
    out = {
        "frequency": got["days"] - 1,
        "recency": got["last"] - got["first"],
        "T": cutoff - 1 - got["first"],
        "recency_days": cutoff - got["last"],
        "orders": got["orders"],
        "spend": got["spend"] / 10_000,
        "free_line_share": got["free_line_share"],
        "categories": got["categories"],
    }
    for width in WINDOWS:
        recent = matrix(es, [named[RECENT[short]] for short in WIDE[width]], when, width)
        for short in WIDE[width]:
            values = recent[RECENT[short]].astype("float64").fillna(0).to_numpy()
            values = values / (10_000 if short in ("spend", "returned") else 1)
            out[f"{short}_{width}d"] = pd.Series(values).where(cutoff - width >= job.history_starts)
    return pd.DataFrame(out).assign(customer_id=when["customer_id"].astype(str), cutoff=cutoff)


def main(folder: str, file: str) -> None:
    """Measure, print, write."""
    warnings.simplefilter("ignore")  # of featuretools' own use of pandas
    job = Job.load(Path(folder))
    cpu, start = cpu_seconds(), time.perf_counter()
    found = compute(job)
    wall, cpu = time.perf_counter() - start, cpu_seconds() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    costs = {"wall_s": wall, "cpu_s": cpu, "peak_mb": peak, "rows": len(found), "features": found.shape[1] - 2}
    print(json.dumps(costs), flush=True)
    found.to_parquet(file)


if __name__ == "__main__":
    main(*sys.argv[1:])
