"""The reference features in pandas, cutoff by cutoff, as one who knows pandas well would write them.

In: the ledger's Parquet file. Out: one row per (customer_id, cutoff day), float64. Whatever does not depend on the
cutoff is worked out once (lines into orders, orders into days, gaps between days, categories for ids); money is
counted in whole 1/10,000, so sums are exact. Missing: NaN where there is nothing to divide by or the window starts
before the ledger.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from regulars.schema import SCALE

from .job import NAMES, WINDOWS, Job

COUNTED = ["orders", "spend", "bought", "lines", "returned"]
MONEY = ["spend", "bought", "returned"]


def days_of_customers(parquet: str) -> pd.DataFrame:
    """One row per customer and day with a line: orders, lines, money (1/10,000), whether it is a purchase day."""
    table = pq.read_table(parquet, columns=["customer_id", "purchased_at", "order_id", "amount"])
    amount = pc.multiply(table["amount"], pa.scalar(SCALE, pa.int32())).cast(pa.decimal128(38, 4)).cast(pa.int64())
    lines = pd.DataFrame(
        {
            "customer_id": table["customer_id"].dictionary_encode().to_pandas(),
            "order_id": table["order_id"].dictionary_encode().to_pandas().cat.codes,
            "day": table["purchased_at"].cast(pa.int64()).to_numpy() // 86_400_000_000,
            "amount": amount.to_numpy(),
        }
    )
    lines["lines"] = (lines["amount"] > 0).astype("int64")
    lines["returned"] = (-lines["amount"]).clip(lower=0)
    keys = ["customer_id", "day", "order_id"]
    orders = lines.groupby(keys, observed=True, sort=True)[["amount", "lines", "returned"]].sum().reset_index()
    orders["orders"] = (orders["lines"] > 0).astype("int64")
    orders["bought"] = orders["amount"] * orders["orders"]
    orders = orders.rename(columns={"amount": "spend"})
    return orders.groupby(["customer_id", "day"], observed=True, sort=True)[COUNTED].sum().reset_index()


def features_at(days: pd.DataFrame, visits: pd.DataFrame, cutoff: int, history_starts: int) -> pd.DataFrame:
    """The 25 at one cutoff: `days` of all lines, `visits` the purchase days among them with the gap before each."""
    known = days[days["day"] < cutoff]
    visited = visits[visits["day"] < cutoff].groupby("customer_id", observed=True)
    day, gap = visited["day"], visited["gap"]
    out = pd.DataFrame({"first": day.min(), "last": day.max(), "frequency": day.size() - 1})
    ever = known.groupby("customer_id", observed=True)[COUNTED].sum().reindex(out.index)
    out["recency"], out["T"] = out["last"] - out["first"], cutoff - 1 - out["first"]
    out["recency_days"] = cutoff - out["last"]
    out["orders"], out["spend"] = ever["orders"], ever["spend"] / SCALE
    out["gap_longest"], out["gap_mean"], out["gap_sd"] = gap.max(), gap.mean(), gap.std()
    out["order_value_mean"] = ever["bought"] / SCALE / ever["orders"]
    out["lines_per_order"] = ever["lines"] / ever["orders"]
    window = {}
    for width in (*WINDOWS, 60):
        recent = known[known["day"] >= cutoff - width].groupby("customer_id", observed=True)[COUNTED].sum()
        recent[MONEY] = recent[MONEY] / SCALE
        covered = cutoff - width >= history_starts
        window[width] = recent.reindex(out.index, fill_value=0) if covered else recent.reindex(out.index[:0])
    for width in WINDOWS:
        out[f"orders_{width}d"], out[f"spend_{width}d"] = window[width]["orders"], window[width]["spend"]
    out["lines_90d"], out["returned_90d"] = window[90]["lines"], window[90]["returned"]
    recent_visits = visits[(visits["day"] < cutoff) & (visits["day"] >= cutoff - 90)]
    visits_90 = recent_visits.groupby("customer_id", observed=True).size().reindex(out.index, fill_value=0)
    out["days_90d"] = visits_90 if cutoff - 90 >= history_starts else np.nan
    out["orders_trend_30d"] = window[30]["orders"] / window[60]["orders"]
    return out[list(NAMES)].assign(cutoff=cutoff)


def pandas_25(job: Job) -> pd.DataFrame:
    """All cutoffs, one below the other."""
    days = days_of_customers(job.parquet)
    visits = days[days["orders"] > 0][["customer_id", "day"]]
    visits = visits.assign(gap=visits.groupby("customer_id", observed=True)["day"].diff())
    return pd.concat([features_at(days, visits, c, job.history_starts) for c in job.cutoffs]).reset_index()
