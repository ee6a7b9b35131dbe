"""The reference features in pandas, cutoff by cutoff, as one who knows pandas well would write them.

In: the ledger's Parquet file. Out: one row per (customer_id, cutoff day), float64. Whatever does not depend on the
cutoff is worked out once (lines into orders, orders into days, gaps between days, numbers for ids); money is counted
in whole 1/10,000, so sums are exact. Missing: NaN where there is nothing to divide by or the window starts before the
ledger.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from regulars.schema import SCALE

from .job import BOTH, BUCKETS, COLUMNS, HALF_LIVES, NAMES, WINDOWS, YEAR_AGO, Job

Features = dict[str, Any]

MONEY = ("amount", "quantity", "discount")
COUNTED = [
    *("orders", "spend", "value", "sold", "returned", "cents", "squares", "lines", "sold_lines", "free_lines"),
    *("quantity", "discount", "returns", "visit", "gap", "gap_squared", "ended"),
    *("repeat_value", "repeated", "ranked_value", "ranked_gap", "uneven"),
]
"""What is added up over all days before a cutoff."""

IN_WINDOWS = ["orders", "spend", "value", "sold", "returned", "sold_lines", "returns", "visit", "gap", "ended"]


def lines_of(parquet: str) -> tuple[pd.DataFrame, pd.Index]:
    """The lines with a number for each id and money in whole 1/10,000, and the ids of the numbered customers."""
    table = pq.read_table(parquet, columns=list(COLUMNS))
    customers = table["customer_id"].dictionary_encode().to_pandas().cat
    columns = {
        "customer": customers.codes,
        "order": table["order_id"].dictionary_encode().to_pandas().cat.codes,
        "day": table["purchased_at"].cast(pa.int64()).to_numpy() // 86_400_000_000,
        "category": table["category"].dictionary_encode().to_pandas().cat.codes,
    }
    for name in MONEY:
        units = pc.multiply(table[name], pa.scalar(SCALE, pa.int32())).cast(pa.decimal128(38, 4)).cast(pa.int64())
        columns[name] = units.to_numpy()
    return pd.DataFrame(columns), customers.categories


def days_of(lines: pd.DataFrame) -> pd.DataFrame:
    """One row per customer and day with a line, with everything that is counted on it."""
    amount = lines["amount"]
    lines = lines.assign(
        lines=1,
        sold=amount.clip(lower=0),
        sold_lines=(amount > 0).astype("int64"),
        free_lines=(amount == 0).astype("int64"),
        quantity=lines["quantity"].where(amount > 0, 0),
    )
    summed = ["amount", "sold", "quantity", "discount", "lines", "sold_lines", "free_lines"]
    orders = lines.groupby(["customer", "day", "order"], sort=True)[summed].sum().reset_index()
    bought = orders["sold_lines"] > 0
    cents = (orders["amount"] / 100).round().astype("int64").where(bought, 0)
    orders = orders.rename(columns={"amount": "spend"}).assign(
        orders=bought.astype("int64"),
        value=orders["amount"].where(bought, 0),
        cents=cents,
        squares=cents * cents,
        returns=(~bought & (orders["free_lines"] < orders["lines"])).astype("int64"),
        returned=orders["sold"] - orders["amount"],
    )
    per_day = [*COUNTED[: COUNTED.index("visit")]]
    days = orders.groupby(["customer", "day"], sort=True)[per_day].sum().reset_index()
    days["visit"] = (days["orders"] > 0).astype("int64")
    return days.join(rhythm_of(days[days["visit"] > 0]))


def rhythm_of(visits: pd.DataFrame) -> pd.DataFrame:
    """What purchase days add to the rhythm of their customers; on other days nothing, which sums pass over."""
    customers = visits.groupby("customer")
    rank, gap = customers.cumcount(), customers["day"].diff()
    before = customers["day"].shift(1) - customers["day"].shift(2)
    return pd.DataFrame(
        {
            "gap": gap,
            "gap_squared": gap * gap,
            "ended": gap.notna().astype("int64"),
            "repeat_value": visits["value"].clip(lower=0).where(rank > 0, 0),
            "repeated": ((rank > 0) & (visits["value"] > 0)).astype("int64"),
            "ranked_value": visits["value"] * rank,
            "ranked_gap": gap * (rank - 1),
            "uneven": (gap / (gap + before) - 0.5) ** 2,
        }
    )


def _ratio(part: pd.Series, whole: pd.Series) -> pd.Series:
    return part / whole.where(whole > 0)


def features_at(days: pd.DataFrame, pairs: pd.DataFrame, cutoff: int, starts: int) -> pd.DataFrame:
    """The 80 at one cutoff; `pairs` are the days on which customers bought in categories, each once."""
    known = days[days["day"] < cutoff]
    visits = known[known["visit"] > 0]
    last = visits.drop_duplicates("customer", keep="last").set_index("customer").sort_index()
    first = visits.drop_duplicates("customer").set_index("customer")["day"].sort_index()
    ever = known.groupby("customer")[COUNTED].sum().reindex(last.index)
    longest = visits.groupby("customer")["gap"].max()
    out = rfm_of(ever, first, last, cutoff)
    out.update(windows_of(known, ever.index, cutoff, starts))
    out.update(cadence_of(ever, last, longest, cutoff - last["day"]))
    out["gap_mean_180d"] = out.pop("gap_180d") / out.pop("ended_180d").replace(0, np.nan)
    out.update(basket_of(ever))
    met = pairs[pairs["day"] < cutoff]
    recent = met[met["day"] >= cutoff - 90]
    for name, some in (("categories", met), ("categories_90d", recent)):
        breadth = some.drop_duplicates(["customer", "category"]).groupby("customer").size()
        out[name] = breadth.reindex(ever.index, fill_value=0)
    if cutoff - 90 < starts:
        out["categories_90d"] = np.nan
    return pd.DataFrame(out, index=ever.index)[list(NAMES)].assign(cutoff=cutoff)


def rfm_of(ever: pd.DataFrame, first: pd.Series, last: pd.DataFrame, cutoff: int) -> Features:
    """Recency, frequency, money."""
    age, orders, visits, value = cutoff - 1 - first, ever["orders"], ever["visit"], ever["value"]
    mean, value_last = value / SCALE / orders, last["value"] / SCALE / last["orders"]
    spread = (orders * ever["squares"] - ever["cents"] ** 2) / (orders * (orders - 1)).where(orders > 1)
    slope = (12 * ever["ranked_value"] - 6 * (visits - 1) * value) / ((visits**2 - 1) * value).where(value > 0)
    return {
        "frequency": visits - 1,
        "recency": last["day"] - first,
        "T": age,
        "recency_days": cutoff - last["day"],
        "recency_of_T": _ratio(last["day"] - first, age),
        "orders": orders,
        "spend": ever["spend"] / SCALE,
        "order_value_mean": mean,
        "repeat_day_value_mean": _ratio(ever["repeat_value"] / SCALE, ever["repeated"]),
        "orders_per_30d": 30 * orders / (age + 1),
        "spend_per_30d": 30 * ever["spend"] / SCALE / (age + 1),
        "returns": ever["returns"],
        "returned_share": _ratio(ever["returned"], ever["sold"]),
        "one_time": (visits == 1).astype("float64"),
        "order_value_sd": np.sqrt(spread) / 100,
        "order_value_last": value_last,
        "order_value_last_of_mean": _ratio(value_last, mean),
        "order_value_slope": slope.where(visits > 2),
    }


def windows_of(known: pd.DataFrame, customers: pd.Index, cutoff: int, starts: int) -> Features:
    """Windows, buckets, the year ago; sums of the days in each."""
    age = cutoff - known["day"]

    def within(newer: int, older: int, columns: list[str]) -> pd.DataFrame:
        some = known.loc[(age > newer) & (age <= older), ["customer", *columns]]
        sums = some.groupby("customer")[columns].sum()
        return sums.reindex(customers, fill_value=0) if cutoff - older >= starts else sums.reindex(customers[:0])

    def bucket(k: int) -> pd.DataFrame:
        some = known.loc[(age > 30 * k) & (age <= 30 * k + 30), ["customer", *BOTH]]
        return some.groupby("customer")[list(BOTH)].sum().reindex(customers, fill_value=0)

    unit = {"orders": 1, "spend": SCALE}
    last = {width: within(0, width, IN_WINDOWS) for width in (*WINDOWS, 60)}
    buckets = [bucket(k) for k in range(12)]
    out: Features = {}
    for what in BOTH:
        for width in WINDOWS:
            out[f"{what}_{width}d"] = last[width][what] / unit[what]
        for newer, older in BUCKETS:
            covered = cutoff - older >= starts
            out[f"{what}_{newer}_{older}d"] = buckets[newer // 30][what] / unit[what] if covered else np.nan
        for width, (newer, older) in YEAR_AGO.items():
            out[f"{what}_year_ago_{width}d"] = within(newer, older, [what])[what] / unit[what]
        slope = sum((2.5 - k) * buckets[k][what] for k in range(6)) / 17.5 / unit[what]
        out[f"{what}_slope_180d"] = slope if cutoff - 180 >= starts else np.nan
        for half in HALF_LIVES:
            weighted = sum(2.0 ** (-(30 * k + 15) / half) * b[what] for k, b in enumerate(buckets))
            out[f"{what}_decayed_{half}d"] = weighted / unit[what]
    for width in (90, 365):
        out[f"days_{width}d"], out[f"returned_{width}d"] = last[width]["visit"], last[width]["returned"] / SCALE
        out[f"order_value_{width}d"] = _ratio(last[width]["value"] / SCALE, last[width]["orders"])
    for width in (90, 180):
        out[f"returns_{width}d"] = last[width]["returns"]
    out["orders_trend_30d"] = _ratio(last[30]["orders"], last[60]["orders"])
    out["orders_trend_90d"] = _ratio(last[90]["orders"].reindex(last[180].index), last[180]["orders"])
    out["spend_trend_90d"] = _ratio(last[90]["sold"].reindex(last[180].index), last[180]["sold"])
    out["lines_90d"] = last[90]["sold_lines"]
    return out | {"gap_180d": last[180]["gap"], "ended_180d": last[180]["ended"]}


def cadence_of(ever: pd.DataFrame, last: pd.DataFrame, longest: pd.Series, since: pd.Series) -> Features:
    """Gaps between purchase days and lateness."""
    n, total = ever["visit"] - 1, ever["gap"]
    mean, last_gap = _ratio(total, n), last["gap"]
    spread = np.sqrt((n * ever["gap_squared"] - total**2) / (n * (n - 1)).where(n > 1))
    return {
        "gap_mean": mean,
        "gap_sd": spread,
        "gap_cv": spread / mean,
        "gap_longest": longest,
        "gap_last": last_gap,
        "gap_last_of_mean": last_gap / mean,
        "lateness": since / mean,
        "silence_of_longest": since / longest,
        "regularity": 1 - 4 * ever["uneven"] / (n - 1).where(n > 1),
        "gap_slope": (12 * ever["ranked_gap"] - 6 * (n - 1) * total) / ((n**2 - 1) * total).where(n > 2),
        "lateness_z": (since - mean) / spread.where(spread > 0),
    }


def basket_of(ever: pd.DataFrame) -> Features:
    """Size, price and discount."""
    return {
        "lines_per_order": ever["sold_lines"] / ever["orders"],
        "line_value_mean": _ratio(ever["sold"] / SCALE, ever["sold_lines"]),
        "free_line_share": ever["free_lines"] / ever["lines"],
        "quantity_per_order": ever["quantity"] / SCALE / ever["orders"],
        "price_level": _ratio(ever["sold"], ever["quantity"]),
        "discount_share": _ratio(ever["discount"], ever["discount"] + ever["sold"]),
    }


def pandas_features(job: Job) -> pd.DataFrame:
    """All cutoffs, one below the other; days are made of lines once."""
    lines, ids = lines_of(job.sorted)
    days, pairs = days_of(lines), pairs_of(lines)
    return _joined(ids, [features_at(days, pairs, cutoff, job.history_starts) for cutoff in job.cutoffs])


def pandas_from_lines(job: Job) -> pd.DataFrame:
    """The same, each cutoff by itself from the lines before it, as a function of (lines, cutoff) would."""
    blocks = []
    lines, ids = lines_of(job.sorted)
    for cutoff in job.cutoffs:
        known = lines[lines["day"] < cutoff]
        blocks.append(features_at(days_of(known), pairs_of(known), cutoff, job.history_starts))
    return _joined(ids, blocks)


def pairs_of(lines: pd.DataFrame) -> pd.DataFrame:
    """On which days customers bought in which categories, each once."""
    return lines.loc[lines["category"] >= 0, ["customer", "category", "day"]].drop_duplicates()


def _joined(ids: pd.Index, blocks: list[pd.DataFrame]) -> pd.DataFrame:
    out = pd.concat(blocks).reset_index()
    return out.assign(customer_id=ids[out.pop("customer")])
