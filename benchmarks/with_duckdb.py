"""The reference features in one SQL statement of DuckDB.

In: the ledger's Parquet file. Out: one row per (customer_id, cutoff day) as an Arrow table. Lines become orders,
orders become days of customers, and only the days are joined with the cutoffs; each feature is then an aggregate with
a filter. Money is counted in whole 1/10,000 as DOUBLE, which is exact up to 2^53 and faster than DECIMAL. Missing:
NULL.
"""

from __future__ import annotations

import duckdb
import pyarrow as pa

from .job import NAMES, WINDOWS, Job

DAYS = """
lines AS (
    SELECT customer_id, order_id, epoch_us(purchased_at) // 86400000000 AS day,
        round(amount::DOUBLE * 10000) AS amount
    FROM read_parquet($parquet)
),
orders AS (
    SELECT customer_id, day, sum(amount) AS spend, count(*) FILTER (amount > 0) AS lines,
        -sum(least(amount, 0)) AS returned
    FROM lines GROUP BY customer_id, day, order_id
),
days AS (
    SELECT customer_id, day, count(*) FILTER (lines > 0) AS orders, sum(spend) AS spend,
        coalesce(sum(spend) FILTER (lines > 0), 0) AS bought, sum(lines)::BIGINT AS lines, sum(returned) AS returned
    FROM orders GROUP BY customer_id, day
),
gaps AS (
    SELECT *, orders > 0 AS visit, CASE WHEN orders > 0 THEN
        day - lag(day) OVER (PARTITION BY customer_id, orders > 0 ORDER BY day) END AS gap
    FROM days
)"""


def statement() -> str:
    """The whole statement; `$parquet`, `$cutoffs` and `$starts` are its parameters."""
    windows = ",\n        ".join(
        f"sum({what}) FILTER (age <= {width}) AS {what}_{width}"
        for width in (*WINDOWS, 60)
        for what in ("orders", "spend")
    )
    shown = {
        "frequency": "visits - 1",
        "recency": "last - first",
        "T": "cutoff - 1 - first",
        "recency_days": "cutoff - last",
        "orders": "orders",
        "spend": "spend / 10000",
        "gap_longest": "gap_longest",
        "order_value_mean": "bought / 10000 / orders",
        "lines_per_order": "lines / orders",
        "gap_mean": "gap_sum / nullif(visits - 1, 0)",
        "gap_sd": "gap_sd",
        "orders_trend_30d": _covered("coalesce(orders_30, 0) / nullif(orders_60, 0)", 60),
        "days_90d": _covered("visits_90", 90),
        "lines_90d": _covered("coalesce(lines_90, 0)", 90),
        "returned_90d": _covered("coalesce(returned_90, 0) / 10000", 90),
    }
    for width in WINDOWS:
        shown[f"orders_{width}d"] = _covered(f"coalesce(orders_{width}, 0)", width)
        shown[f"spend_{width}d"] = _covered(f"coalesce(spend_{width}, 0) / 10000", width)
    columns = ",\n    ".join(f'({shown[name]})::DOUBLE AS "{name}"' for name in NAMES)
    return f"""WITH {DAYS},
known AS (
    SELECT customer_id, cutoff, cutoff - day AS age, day, orders, spend, bought, lines, returned, visit, gap
    FROM gaps JOIN (SELECT unnest($cutoffs) AS cutoff) ON day < cutoff
),
summed AS (
    SELECT customer_id, cutoff,
        min(day) FILTER (visit) AS first, max(day) FILTER (visit) AS last, count(*) FILTER (visit) AS visits,
        sum(orders) AS orders, sum(spend) AS spend, sum(bought) AS bought, sum(lines) AS lines,
        max(gap) AS gap_longest, sum(gap) AS gap_sum, stddev_samp(gap) AS gap_sd,
        count(*) FILTER (visit AND age <= 90) AS visits_90,
        sum(lines) FILTER (age <= 90) AS lines_90, sum(returned) FILTER (age <= 90) AS returned_90,
        {windows}
    FROM known GROUP BY customer_id, cutoff
)
SELECT customer_id, cutoff,
    {columns}
FROM summed WHERE visits > 0"""


def _covered(value: str, width: int) -> str:
    """A window's value where the ledger covers the window."""
    return f"CASE WHEN cutoff - {width} >= $starts THEN {value} END"


def duckdb_25(job: Job) -> pa.Table:
    """The statement's result."""
    given = {"parquet": job.parquet, "cutoffs": list(job.cutoffs), "starts": job.history_starts}
    with duckdb.connect() as connection:
        return connection.sql(statement(), params=given).to_arrow_table()
