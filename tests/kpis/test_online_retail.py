"""Key figures of Online Retail II against plain SQL on the file as published: every number, exactly.

The SQL shares nothing with the package: the overlap of the two sheets is left out by the place of its lines in the
file, money is DECIMAL, months are `date_trunc`. Shares are compared as the quotient of the integers that SQL found.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from regulars.config import Config
from regulars.intake import build_ledger
from regulars.pipelines.kpis import Kpis, kpis

pytestmark = pytest.mark.soak

FIRST_SHEET = 525_461
"""Lines of the first sheet; its last 22,523, from 1 December 2010 on, stand in the second again."""

LINES = """
CREATE TABLE lines AS
SELECT "Customer ID" AS who, Invoice AS invoice, InvoiceDate::DATE AS day, StockCode AS item,
       (Quantity::DECIMAL(18, 0) * Price::DECIMAL(12, 4))::DECIMAL(18, 4) AS amount
FROM read_parquet(?, file_row_number = true)
WHERE "Customer ID" IS NOT NULL AND NOT (file_row_number < ? AND InvoiceDate >= TIMESTAMP '2010-12-01')
"""
ORDERS = """
CREATE TABLE orders AS
SELECT who, invoice, min(day) AS day, max(day) AS last_day, sum(amount) AS value, max(amount) > 0 AS purchase,
       max(amount) <= 0 AND min(amount) < 0 AS back
FROM lines GROUP BY who, invoice
"""
MONTHS = """
WITH months AS (SELECT unnest(generate_series(DATE '2009-12-01', DATE '2011-11-01', INTERVAL 1 MONTH))::DATE AS m),
bought AS (SELECT who, day FROM orders WHERE purchase GROUP BY who, day),
firsts AS (SELECT who, min(day) AS first_day FROM bought GROUP BY who),
came AS (
  SELECT date_trunc('month', day)::DATE AS m, who, min(day) AS earliest, max(day) AS latest FROM bought GROUP BY ALL
),
silent AS (
  SELECT came.*, first_day,
         (SELECT max(b.day) FROM bought b WHERE b.who = came.who AND b.day < came.earliest) AS last_seen
  FROM came JOIN firsts USING (who)
),
people AS (
  SELECT m, count(*) AS customers, count(*) FILTER (last_seen IS NULL) AS new,
         count(*) FILTER (earliest - last_seen <= $h) AS "returning",
         count(*) FILTER (earliest - last_seen > $h) AS reactivated,
         count(*) FILTER (latest > first_day) AS repeating
  FROM silent GROUP BY m
),
counted AS (
  SELECT date_trunc('month', day)::DATE AS m, count(*) FILTER (purchase) AS orders,
         coalesce(sum(value) FILTER (purchase), 0) AS value, count(*) FILTER (back) AS returns
  FROM orders GROUP BY ALL
),
money AS (
  SELECT date_trunc('month', day)::DATE AS m, sum(amount) AS spend, sum(greatest(amount, 0)) AS sold,
         sum(greatest(-amount, 0)) AS returned
  FROM lines GROUP BY ALL
),
risk AS (
  SELECT m, count(*) AS at_risk, count(*) FILTER (NOT came_again) AS silent
  FROM (
    SELECT m, who, bool_or(day >= m) AS came_again
    FROM months JOIN bought ON day < m + CAST($h AS INTEGER) GROUP BY m, who HAVING min(day) < m
  ) GROUP BY m
)
SELECT strftime(m, '%Y-%m') AS period, customers, new, "returning", reactivated, repeating, orders, value, spend,
       returns, sold, returned, coalesce(at_risk, 0) AS at_risk, coalesce(silent, 0) AS silent,
       m + CAST($h AS INTEGER) <= DATE '2011-12-10' AS over
FROM months JOIN people USING (m) JOIN counted USING (m) JOIN money USING (m) LEFT JOIN risk USING (m) ORDER BY m
"""
COHORTS = """
WITH firsts AS (
  SELECT who, date_trunc('month', min(day))::DATE AS cohort FROM orders WHERE purchase GROUP BY who
),
months AS (SELECT unnest(generate_series(DATE '2009-12-01', DATE '2011-11-01', INTERVAL 1 MONTH))::DATE AS m),
size AS (SELECT cohort, count(*) AS customers FROM firsts GROUP BY cohort),
grid AS (SELECT cohort, customers, m FROM size JOIN months ON m >= cohort),
came AS (
  SELECT cohort, date_trunc('month', day)::DATE AS m, count(DISTINCT who) AS bought
  FROM orders JOIN firsts USING (who) WHERE purchase GROUP BY ALL
),
spent AS (
  SELECT cohort, date_trunc('month', day)::DATE AS m, sum(amount) AS spend
  FROM lines JOIN firsts USING (who) WHERE day >= cohort GROUP BY ALL
)
SELECT strftime(cohort, '%Y-%m') AS cohort, strftime(m, '%Y-%m') AS period, customers, coalesce(bought, 0) AS bought,
       sum(coalesce(spend, 0)) OVER (PARTITION BY cohort ORDER BY m) AS spend_to_date
FROM grid LEFT JOIN came USING (cohort, m) LEFT JOIN spent USING (cohort, m) ORDER BY 1, 2
"""
FUNNEL = """
WITH bought AS (
  SELECT who, day, row_number() OVER (PARTITION BY who ORDER BY day) AS n
  FROM (SELECT DISTINCT who, day FROM orders WHERE purchase)
),
way AS (
  SELECT date_trunc('month', a.day)::DATE AS cohort, b.day - a.day AS second, c.day - b.day AS third
  FROM bought a LEFT JOIN bought b ON b.who = a.who AND b.n = 2 LEFT JOIN bought c ON c.who = a.who AND c.n = 3
  WHERE a.n = 1
)
SELECT strftime(cohort, '%Y-%m') AS cohort, count(*) AS customers, count(*) FILTER (second <= $h) AS second,
       median(second) FILTER (second <= $h) AS second_days, count(*) FILTER (second <= $h AND third <= $h) AS third,
       median(third) FILTER (second <= $h AND third <= $h) AS third_days,
       cohort + INTERVAL 1 MONTH + to_days(CAST($h AS INTEGER)) <= DATE '2011-12-10' AS second_over,
       cohort + INTERVAL 1 MONTH + to_days(CAST(2 * $h AS INTEGER)) <= DATE '2011-12-10' AS third_over
FROM way WHERE cohort <= DATE '2011-11-01' GROUP BY cohort ORDER BY cohort
"""
H = 90


@pytest.fixture(scope="module")
def found(retail_config: Callable[..., Config], tmp_path_factory: pytest.TempPathFactory) -> Kpis:
    config = retail_config(tmp_path_factory.mktemp("retail"), H)
    return kpis(build_ledger(config), config)


@pytest.fixture(scope="module")
def sql(online_retail: Path) -> duckdb.DuckDBPyConnection:
    con = duckdb.connect(config={"threads": 1})
    con.execute(LINES, [str(online_retail), FIRST_SHEET])
    con.execute(ORDERS)
    # Every order lies on one day, so that the SQL need not say on which of them it became a purchase.
    assert con.execute("SELECT count(*) FROM orders WHERE day <> last_day").fetchone() == (0,)
    return con


def answer(sql: duckdb.DuckDBPyConnection, query: str, **given: int) -> list[dict[str, Any]]:
    done = sql.execute(query, given) if given else sql.execute(query)
    names = [column[0] for column in done.description or ()]
    return [dict(zip(names, row, strict=True)) for row in done.fetchall()]


def rows(found: Kpis, name: str) -> list[dict[str, Any]]:
    table = found.table(name)
    assert table is not None
    return [dict(row) for row in table.rows]


def units(money: Any) -> int:
    return int(money * 10_000)


def test_every_number_of_the_months_agrees(found: Kpis, sql: duckdb.DuckDBPyConnection) -> None:
    meant, before = [], dict[str, int]()
    for row in answer(sql, MONTHS, h=H):
        spend, period = units(row["spend"]), str(row["period"])
        year, last = f"{int(period[:4]) - 1}{period[4:]}", next(reversed(before), "")
        meant.append(
            {
                "period": period,
                "complete": True,
                **{k: row[k] for k in ("customers", "new", "returning", "reactivated", "orders", "returns")},
                "spend": spend,
                "average_order_value": units(row["value"]) / (row["orders"] * 10_000),
                "orders_per_customer": row["orders"] / row["customers"],
                "repeat_purchase_rate": row["repeating"] / row["customers"],
                "growth": (spend - before[last]) / before[last] if last else None,
                "growth_year": (spend - before[year]) / before[year] if year in before else None,
                "return_share": units(row["returned"]) / units(row["sold"]),
                "at_risk": row["at_risk"] if row["over"] else None,
                "churn_rate": row["silent"] / row["at_risk"] if row["over"] and row["at_risk"] else None,
            }
        )
        before[period] = spend
    there = rows(found, "by_month")
    # 24 whole months; the last, of nine days, is shown without a figure.
    assert len(meant) == 24
    assert there[:-1] == meant
    unfinished = there[-1]
    assert (unfinished.pop("period"), unfinished.pop("complete"), set(unfinished.values())) == (
        "2011-12",
        False,
        {None},
    )


def test_every_number_of_the_cohorts_agrees(found: Kpis, sql: duckdb.DuckDBPyConnection) -> None:
    meant = []
    for row in answer(sql, COHORTS):
        money, n = units(row["spend_to_date"]), row["customers"]
        months = [12 * int(row[k][:4]) + int(row[k][5:]) for k in ("cohort", "period")]
        meant.append(
            {
                "cohort": row["cohort"],
                "age": months[1] - months[0],
                "period": row["period"],
                "complete": True,
                "customers": n,
                "bought": row["bought"],
                "retention": row["bought"] / n,
                "spend_to_date": money,
                "spend_per_customer": money / (n * 10_000),
            }
        )
    # 24 cohorts: 24 + 23 + ... + 1 rows of whole months.
    assert len(meant) == 300
    assert [row for row in rows(found, "by_cohort") if row["complete"]] == meant


def test_every_number_of_the_funnel_agrees(found: Kpis, sql: duckdb.DuckDBPyConnection) -> None:
    meant = []
    for row in answer(sql, FUNNEL, h=H):
        second, third = row["second_over"], row["third_over"]
        meant.append(
            {
                "cohort": row["cohort"],
                "customers": row["customers"],
                "second": row["second"] if second else None,
                "second_share": row["second"] / row["customers"] if second else None,
                "second_days": row["second_days"] if second else None,
                "third": row["third"] if third else None,
                "third_share": row["third"] / row["second"] if third else None,
                "third_days": row["third_days"] if third else None,
            }
        )
    assert rows(found, "funnel")[:-1] == meant
    over = [row for row in meant if row["third"] is not None]
    together = rows(found, "funnel")[-1]
    assert together["customers"] == sum(row["customers"] for row in over)
    assert together["third"] == sum(row["third"] for row in over)


RETURNED = """
SELECT item AS name, count(DISTINCT (who, day)) FILTER (amount < 0) AS returns,
       count(DISTINCT who) FILTER (amount < 0) AS customers, count(DISTINCT who) FILTER (amount > 0) AS buyers,
       sum(greatest(-amount, 0)) AS given_back, sum(greatest(amount, 0)) AS sold
FROM lines GROUP BY item HAVING count(DISTINCT who) FILTER (amount < 0) >= 5 ORDER BY given_back DESC, item LIMIT 20
"""


def test_every_number_of_what_came_back_agrees(found: Kpis, sql: duckdb.DuckDBPyConnection) -> None:
    there = [row for row in rows(found, "problems") if row["by"] == "product"]
    meant = answer(sql, RETURNED)
    assert len(meant) == 20
    for row, its in zip(there, meant, strict=True):
        assert {name: row[name] for name in ("name", "returns", "customers", "buyers")} == {
            name: its[name] for name in ("name", "returns", "customers", "buyers")
        }
        back, sold = units(its["given_back"]), units(its["sold"])
        assert (row["given_back"], row["return_share"]) == (back, back / sold if sold else None)
    (whole,) = answer(sql, "SELECT sum(greatest(-amount, 0)) AS back FROM lines")
    assert rows(found, "problems")[0]["given_back"] == units(whole["back"])
