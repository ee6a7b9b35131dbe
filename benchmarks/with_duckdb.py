"""The reference features in one SQL statement of DuckDB: the rival, as fast as we can write it.

In: a Parquet file of canonical lines in any order. Out: one row per (customer_id, cutoff day) as an Arrow table. Lines
become orders, orders become days of customers with their gaps; the days meet the cutoffs through a calendar of (day,
cutoff) with a 0/1 factor per window, and one aggregate adds everything up. Money is counted in whole 1/10,000 as
DOUBLE, which is exact up to 2^53. It relies on what holds for these purchases: an order has all its lines on one UTC
day, and there are at most 64 cutoffs. Missing: NULL.
"""

# What was tried, CPU seconds at 1M lines x 12 cutoffs on a machine where DuckDB sorts the lines in .8, and at 10M
# where it sorts them in 9 to 12 (the machine had other work, so that repeats differ by a fifth):
#   days x cutoffs, every feature an aggregate with FILTER                     5.0
#   the same, all-time sums apart from windows nested by age (90, 180, 365)    3.8    53 - 57
#   all-time sums apart from one table of windows with 0/1 factors             4.1    43 - 54
#   that in steps over temporary tables, so that sizes are known to the plan           46
#   one aggregate with 0/1 factors instead of FILTER                           3.7    42 - 51
#   that with the categories in one pass, a bit per cutoff: kept               3.5    37 - 44
# And for two measures in eleven windows alone, from days at 1M lines: one aggregate .5, prefix sums with an ASOF join
# a window 2.0, last_value over RANGE frames 1.9, sums over RANGE frames 3.4, a table a window and left joins .45.
# Categories as bits of one word are no faster than the pass over pairs, and would fail at the 65th category.

from __future__ import annotations

import duckdb
import pyarrow as pa

from .job import BOTH, BUCKETS, COLUMNS, HALF_LIVES, NAMES, WINDOWS, YEAR_AGO, Job

BANDS = ((0, 7), (7, 30), *BUCKETS, (274, 336), (336, 364))
"""Days before a cutoff, newer edge first, of which the windows up to 180 days and the year ago are made."""

SUMMED = {
    90: ("visit", "value", "returned", "sold", "returns", "sold_lines"),
    180: ("sold", "returns", "gap", "ended"),
    365: ("visit", "value", "returned", "orders", "spend"),
}
"""What else is added up, by window."""

EVER = (
    *("visit", "gap", "gap_squared", "orders", "spend", "value", "sold", "cents", "squares", "returns", "lines"),
    *("sold_lines", "free_lines", "quantity", "discount", "repeat_value", "repeated"),
    *("ranked_value", "ranked_gap", "uneven"),
)

DAY = "epoch_us(purchased_at) // 86400000000"


def _whole(column: str) -> str:
    return f"round({column}::DOUBLE * 10000)"


def _calendar() -> str:
    """Each day with each later cutoff, and with what a day of that age counts for."""
    factors = [f"(age > {newer} AND age <= {older})::INT::DOUBLE AS in_{older}" for newer, older in BANDS]
    factors += [f"(age <= {width})::INT::DOUBLE AS last_{width}" for width in SUMMED]
    bucket = "30 * ((age - 1) // 30) + 15"
    factors += [f"CASE WHEN age <= 360 THEN 2.0 ** (-({bucket}) / {h}) ELSE 0 END AS weight_{h}" for h in HALF_LIVES]
    return f"""
calendar AS MATERIALIZED (
    SELECT *, cutoff - age AS day, {", ".join(factors)}
    FROM (SELECT unnest($cutoffs) AS cutoff, unnest(range(len($cutoffs))) AS k)
    CROSS JOIN (SELECT unnest(range(1, $days + 1)) AS age)
)"""


def _days(parquet: str) -> str:
    """Days of customers with a line, and on the purchase days among them the gaps before."""
    return f"""
orders AS (
    SELECT customer_id, {DAY} AS day, sum({_whole("amount")}) AS spend, sum(greatest({_whole("amount")}, 0)) AS sold,
        count(*) AS lines, count(*) FILTER (amount > 0) AS sold_lines, count(*) FILTER (amount = 0) AS free_lines,
        sum({_whole("quantity")}) FILTER (amount > 0) AS quantity, sum({_whole("discount")}) AS discount
    FROM {parquet} GROUP BY customer_id, order_id, day
),
valued AS (
    SELECT *, (sold_lines > 0)::INT::DOUBLE AS bought, round_even(spend / 100, 0) AS cents FROM orders
),
days AS (
    SELECT customer_id, day, sum(bought) AS orders, sum(spend) AS spend, sum(spend * bought) AS value,
        sum(sold) AS sold, sum(sold) - sum(spend) AS returned,
        sum(cents * bought) AS cents, sum(cents * cents * bought) AS squares, sum(lines::DOUBLE) AS lines,
        sum(sold_lines::DOUBLE) AS sold_lines, sum(free_lines::DOUBLE) AS free_lines,
        coalesce(sum(quantity), 0) AS quantity, sum(discount) AS discount,
        sum((sold_lines = 0 AND free_lines < lines)::INT::DOUBLE) AS returns
    FROM valued GROUP BY customer_id, day
),
gaps AS (
    SELECT *, CASE WHEN orders > 0 THEN row_number() OVER w - 1 END AS rank,
        CASE WHEN orders > 0 THEN day - lag(day) OVER w END AS gap_days,
        CASE WHEN orders > 0 THEN lag(day) OVER w - lag(day, 2) OVER w END AS gap_before
    FROM days WINDOW w AS (PARTITION BY customer_id, orders > 0 ORDER BY day)
),
marked AS (
    SELECT * EXCLUDE (rank, gap_days, gap_before), (orders > 0)::INT::DOUBLE AS visit,
        -- The last purchase day and the gap before it in one number, so that one maximum finds both.
        CASE WHEN orders > 0 THEN day * 100000 + coalesce(gap_days, 0) END AS latest,
        gap_days::DOUBLE AS gap, (gap_days * gap_days)::DOUBLE AS gap_squared,
        (gap_days IS NOT NULL)::INT::DOUBLE AS ended,
        CASE WHEN rank > 0 THEN greatest(value, 0) END AS repeat_value,
        (rank > 0 AND value > 0)::INT::DOUBLE AS repeated,
        value * rank AS ranked_value, (gap_days * (rank - 1))::DOUBLE AS ranked_gap,
        (gap_days / (gap_days + gap_before) - 0.5) ** 2 AS uneven
    FROM gaps
)"""


def _breadth(parquet: str, n_cutoffs: int) -> str:
    """Different categories ever and in 90 days: per pair the first cutoff that knows it, a bit for each near one."""
    each = range(n_cutoffs)
    sums = [f"sum((since <= $cutoffs[{k + 1}])::INT::DOUBLE) AS ever_{k}" for k in each]
    sums += [f"sum(((seen >> {k}) & 1)::DOUBLE) AS near_{k}" for k in each]
    lists = {name: ", ".join(f"{name}_{k}" for k in each) for name in ("ever", "near")}
    return f"""
nearby AS (
    SELECT day, min(cutoff) AS since, bit_or(CASE WHEN age <= 90 THEN 1::UBIGINT << k ELSE 0 END) AS seen
    FROM calendar GROUP BY day
),
pairs AS (
    SELECT customer_id, min(since) AS since, bit_or(seen) AS seen
    FROM (SELECT customer_id, category, {DAY} AS day FROM {parquet} WHERE category IS NOT NULL)
    JOIN nearby USING (day) GROUP BY customer_id, category
),
counted AS (SELECT customer_id, {", ".join(sums)} FROM pairs GROUP BY customer_id),
breadth AS (
    SELECT customer_id, unnest($cutoffs) AS cutoff,
        unnest([{lists["ever"]}]) AS categories, unnest([{lists["near"]}]) AS categories_90d
    FROM counted
)"""


def _summed() -> str:
    """Everything that is added up, once."""
    sums = ["max(latest) AS latest", "max(gap) AS gap_longest", "arg_max(value / orders, latest) AS value_last"]
    sums += [f"sum({what}) AS {what}" for what in EVER]
    sums += [f"sum({what} * in_{older}) AS {what}_in_{older}" for _, older in BANDS for what in BOTH]
    sums += [f"sum({what} * last_{width}) AS {what}_{width}" for width, whats in SUMMED.items() for what in whats]
    sums += [f"sum({what} * weight_{h}) AS {what}_decayed_{h}" for h in HALF_LIVES for what in BOTH]
    return f"""
summed AS (
    SELECT customer_id, cutoff, {", ".join(sums)}
    FROM marked JOIN calendar USING (day) GROUP BY customer_id, cutoff HAVING sum(visit) > 0
),
known AS (
    SELECT summed.*, categories, categories_90d, latest // 100000 AS last, coalesce(gap, 0) AS between,
        cutoff - latest // 100000 AS since, cutoff - 1 - latest // 100000 + coalesce(gap, 0) AS age,
        value / orders AS value_mean, gap / nullif(visit - 1, 0) AS gap_mean,
        CASE WHEN visit > 2 THEN
            sqrt(((visit - 1) * gap_squared - gap * gap) / ((visit - 1) * (visit - 2))) END AS gap_sd
    FROM summed LEFT JOIN breadth USING (customer_id, cutoff)
)"""


def _rfm() -> dict[str, str]:
    return {
        "frequency": "visit - 1",
        "recency": "between",
        "T": "age",
        "recency_days": "since",
        "recency_of_T": "between / nullif(age, 0)",
        "orders": "orders",
        "spend": "spend / 10000",
        "order_value_mean": "value_mean / 10000",
        "repeat_day_value_mean": "repeat_value / 10000 / nullif(repeated, 0)",
        "orders_per_30d": "30 * orders / (age + 1)",
        "spend_per_30d": "30 * spend / 10000 / (age + 1)",
        "returns": "returns",
        "returned_share": "(sold - spend) / nullif(sold, 0)",
        "one_time": "(visit = 1)::INT",
        "order_value_sd": "CASE WHEN orders > 1 THEN "
        "sqrt(greatest(orders * squares - cents * cents, 0) / (orders * (orders - 1))) / 100 END",
        "order_value_last": "value_last / 10000",
        "order_value_last_of_mean": "CASE WHEN value_mean > 0 THEN value_last / value_mean END",
        "order_value_slope": "CASE WHEN visit > 2 AND value > 0 THEN "
        "(12 * ranked_value - 6 * (visit - 1) * value) / ((visit * visit - 1) * value) END",
    }


def _windows() -> dict[str, str]:
    shown = {}
    for what, unit in zip(BOTH, ("", " / 10000"), strict=True):
        bands = [f"{what}_in_{older}" for _, older in BANDS]
        parts = {7: 1, 30: 2, 60: 3, 90: 4, 180: 7}
        total = {width: f"({' + '.join(bands[:n])})" for width, n in parts.items()} | {365: f"{what}_365"}
        for width in WINDOWS:
            shown[f"{what}_{width}d"] = _covered(total[width] + unit, width)
        for (newer, older), band in zip(BUCKETS, bands[2:], strict=False):
            shown[f"{what}_{newer}_{older}d"] = _covered(band + unit, older)
        ago = {28: bands[-1], 90: f"({bands[-2]} + {bands[-1]})"}
        for width, (_, older) in YEAR_AGO.items():
            shown[f"{what}_year_ago_{width}d"] = _covered(ago[width] + unit, older)
        slope = " + ".join(f"{2.5 - k} * {bucket}" for k, bucket in enumerate((total[30], *bands[2:7])))
        shown[f"{what}_slope_180d"] = _covered(f"({slope}) / 17.5{unit}", 180)
        for half in HALF_LIVES:
            shown[f"{what}_decayed_{half}d"] = f"{what}_decayed_{half}{unit}"
        if what == "orders":
            shown["orders_trend_30d"] = _covered(f"{total[30]} / nullif({total[60]}, 0)", 60)
            shown["orders_trend_90d"] = _covered(f"{total[90]} / nullif({total[180]}, 0)", 180)
            for width in (90, 365):
                value = f"value_{width} / 10000 / nullif({total[width]}, 0)"
                shown[f"order_value_{width}d"] = _covered(value, width)
    for width in (90, 365):
        shown[f"days_{width}d"] = _covered(f"visit_{width}", width)
        shown[f"returned_{width}d"] = _covered(f"returned_{width} / 10000", width)
    for width in (90, 180):
        shown[f"returns_{width}d"] = _covered(f"returns_{width}", width)
    shown["spend_trend_90d"] = _covered("sold_90 / nullif(sold_180, 0)", 180)
    return shown


def _cadence() -> dict[str, str]:
    return {
        "gap_mean": "gap_mean",
        "gap_sd": "gap_sd",
        "gap_cv": "gap_sd / gap_mean",
        "gap_longest": "gap_longest",
        "gap_last": "CASE WHEN visit > 1 THEN latest % 100000 END",
        "gap_last_of_mean": "latest % 100000 / gap_mean",
        "lateness": "since / gap_mean",
        "silence_of_longest": "since / gap_longest",
        "gap_mean_180d": _covered("gap_180 / nullif(ended_180, 0)", 180),
        "regularity": "CASE WHEN visit > 2 THEN 1 - 4 * uneven / (visit - 2) END",
        "gap_slope": "CASE WHEN visit > 3 THEN "
        "(12 * ranked_gap - 6 * (visit - 2) * gap) / (((visit - 1) * (visit - 1) - 1) * gap) END",
        "lateness_z": "(since - gap_mean) / nullif(gap_sd, 0)",
    }


def _basket() -> dict[str, str]:
    return {
        "lines_per_order": "sold_lines / orders",
        "line_value_mean": "sold / 10000 / nullif(sold_lines, 0)",
        "free_line_share": "free_lines / lines",
        "lines_90d": _covered("sold_lines_90", 90),
        "quantity_per_order": "quantity / 10000 / orders",
        "price_level": "sold / nullif(quantity, 0)",
        "discount_share": "discount / nullif(discount + sold, 0)",
        "categories": "coalesce(categories, 0)",
        "categories_90d": _covered("coalesce(categories_90d, 0)", 90),
    }


def _covered(value: str, width: int) -> str:
    """A window's value where the data cover the window."""
    return f"CASE WHEN cutoff - {width} >= $starts THEN {value} END"


def statement(n_cutoffs: int, type_: str = "FLOAT") -> str:
    """The whole statement; `$parquet`, `$cutoffs`, `$starts` and `$days` are its parameters."""
    shown = {**_rfm(), **_windows(), **_cadence(), **_basket()}
    columns = ",\n    ".join(f'({shown[name]})::{type_} AS "{name}"' for name in NAMES)
    source = "read_parquet($parquet)"
    steps = (_calendar(), _days(source), _breadth(source, n_cutoffs), _summed())
    return f"WITH {','.join(steps)}\nSELECT customer_id, cutoff,\n    {columns}\nFROM known"


def duckdb_features(job: Job, type_: str = "FLOAT") -> pa.Table:
    """The statement's result."""
    given = {
        "parquet": job.source,
        "cutoffs": list(job.cutoffs),
        "starts": job.history_starts,
        "days": max(job.cutoffs) - job.history_starts,
    }
    with duckdb.connect() as connection:
        return connection.sql(statement(len(job.cutoffs), type_), params=given).to_arrow_table()


def duckdb_sorted(job: Job) -> int:
    """The floor: the same columns sorted by customer and time, fetched batch by batch and dropped; how many lines."""
    order = f"SELECT {', '.join(COLUMNS)} FROM read_parquet($parquet) ORDER BY customer_id, purchased_at"
    with duckdb.connect() as connection:
        batches = connection.sql(order, params={"parquet": job.source}).to_arrow_reader(100_000)
        return sum(batch.num_rows for batch in batches)
