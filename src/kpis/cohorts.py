"""Cohorts of first purchase: who still buys so many periods later, and what each customer has brought by then.

In: `Purchases` and `Periods`. Out: a `Table` with a row for each cohort and age. A cohort whose own period is
unfinished is left out, because who else belongs to it is not known; at an age whose period is unfinished the figures
are missing.
"""

from __future__ import annotations

import numpy as np

from .periods import Periods
from .purchases import FAR, Purchases
from .table import Column, Row, Table, mean_money, ratio


def columns(by: str) -> tuple[Column, ...]:
    """The definitions, for a kind of period."""
    return (
        Column("cohort", "text", f"the {by} of the first purchase"),
        Column("age", "count", f"how many {by}s later; 0 is the {by} of the first purchase itself"),
        Column("period", "text", f"the {by} that is so much later"),
        Column("complete", "flag", "whether the data cover every day of it; if not, nothing of it is counted"),
        Column("customers", "count", "customers of the cohort, whatever became of them: the denominator of all below"),
        Column("bought", "count", f"of them: who bought in that {by}"),
        Column("retention", "share", "bought / customers"),
        Column("spend_to_date", "money", f"net spend from the first day of the cohort's {by} to the end of that one"),
        Column("spend_per_customer", "amount", "spend_to_date / customers"),
    )


def by_cohort(purchases: Purchases, periods: Periods) -> Table:
    """The table, cohort by cohort, ages ascending."""
    n = len(periods)
    own = np.full(purchases.n_customers, -1, np.int64)
    there = purchases.days.first < FAR
    own[there] = periods.at(purchases.days.first[there])
    size = np.bincount(own[there], minlength=n)
    bought, spend = _bought(purchases, periods, own), _spend(purchases, periods, own)
    rows: list[Row] = []
    for cohort in range(n):
        if not periods.complete[cohort] or not size[cohort]:
            continue
        for at in range(cohort, n):
            whole, customers = periods.complete[at], int(size[cohort])
            came, money = int(bought[cohort, at]), int(spend[cohort, at])
            rows.append(
                {
                    "cohort": periods.names[cohort],
                    "age": at - cohort,
                    "period": periods.names[at],
                    "complete": whole,
                    "customers": customers,
                    "bought": came if whole else None,
                    "retention": ratio(came, customers) if whole else None,
                    "spend_to_date": money if whole else None,
                    "spend_per_customer": mean_money(money, customers) if whole else None,
                }
            )
    about = f"a cohort of customers (by the {periods.by} of their first purchase) so many {periods.by}s later"
    return Table("by_cohort", about, columns(periods.by), tuple(rows))


def _bought(purchases: Purchases, periods: Periods, own: np.ndarray) -> np.ndarray:
    """Customers by cohort and the period in which they bought."""
    n, days = len(periods), purchases.days
    pairs = np.unique(days.customer * n + periods.at(days.day))
    found: np.ndarray = np.bincount(own[pairs // n] * n + pairs % n, minlength=n * n).reshape(n, n)
    return found


def _spend(purchases: Purchases, periods: Periods, own: np.ndarray) -> np.ndarray:
    """Net spend by cohort, from its own period to the end of each."""
    n = len(periods)
    cohort, at = own[purchases.customer], periods.at(purchases.day)
    counted = (cohort >= 0) & (at >= cohort)
    total = np.zeros(n * n, np.int64)
    np.add.at(total, cohort[counted] * n + at[counted], purchases.spend[counted])
    return total.reshape(n, n).cumsum(axis=1)
