"""Key figures by month or quarter: who bought, what they spent, who came back, who fell silent.

In: `Purchases`, `Periods`, the horizon in days. Out: a `Table` with a row for each period. In an unfinished period
every figure is missing; so is growth on a period that is unfinished or brought nothing, and churn (with the number of
those at risk) until its window is over.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from ..clock import Cutoff, matured
from ..features.track import changes
from .periods import Periods
from .purchases import Purchases
from .table import Column, Row, Table, Value, mean_money, ratio


@dataclass(frozen=True)
class Window:
    """What counts as silence, and from when to when the data speak.

    Parameters
    ----------
    days : int
        The horizon.
    starts, ends : Cutoff
        The data cover the days [starts, ends).
    active_within : int or None
        At risk is only who bought within so many days.
    lag : int
        Days until a label can be trusted.
    """

    days: int
    starts: Cutoff
    ends: Cutoff
    active_within: int | None = None
    lag: int = 0

    def closed(self, begins: Cutoff) -> bool:
        """Whether the data cover the window that begins on a day, and what says who is at risk then."""
        seen = self.active_within is None or begins.minus(self.active_within).day >= self.starts.day
        return seen and matured(begins, self.days, self.lag, self.ends)


def columns(h: int, by: str) -> tuple[Column, ...]:
    """The definitions, for a horizon and a kind of period."""
    p = by
    return (
        Column("period", "text", f"the {p}, in local days"),
        Column("complete", "flag", f"whether the data cover every day of it; if not, nothing of the {p} is counted"),
        Column("customers", "count", "customers with at least one purchase in it; new + returning + reactivated"),
        Column("new", "count", "of them: whose first purchase of all lies in it"),
        Column("returning", "count", f"of them: who had bought at most {h} days before their first purchase in it"),
        Column("reactivated", "count", f"of them: whose first purchase in it ended a silence of more than {h} days"),
        Column(
            "orders",
            "count",
            "purchases: orders with a line of positive money (with `count_free` also those of zero money)",
        ),
        Column("spend", "money", "net spend: all lines, returns taken off on the day they are made"),
        Column("average_order_value", "amount", "money of the purchases / orders; what comes back is not taken off"),
        Column("orders_per_customer", "number", "orders / customers"),
        Column(
            "repeat_purchase_rate",
            "share",
            "customers with a purchase in it on a later day than their very first one / customers",
        ),
        Column("growth", "share", f"(spend - spend of the {p} before) / spend of the {p} before"),
        Column("growth_year", "share", f"(spend - spend of the same {p} a year before) / the latter"),
        Column("returns", "count", "orders that only gave back"),
        Column("return_share", "share", "money of the negative lines / money of the positive lines"),
        Column("at_risk", "count", "customers at risk at its begin: who had bought before"),
        Column("churn_rate", "share", f"of those at risk: who bought nothing in the {h} days from its begin / at_risk"),
    )


def by_period(purchases: Purchases, periods: Periods, window: Window, untold: Collection[str] = ()) -> Table:
    """The table, a row for each period.

    Parameters
    ----------
    untold : collection of str
        Columns that these data cannot tell, such as returns where they were dropped: missing in every row.
    """
    sums, kinds = _sums(purchases, periods), _kinds(purchases, periods, window.days)
    rows: list[Row] = []
    for i, name in enumerate(periods.names):
        whole = periods.complete[i]
        counted = {**_counted(sums, kinds, i, periods), **_silent(purchases, periods.begins(i), window)}
        counted |= dict.fromkeys(untold)
        nothing: dict[str, Value] = dict.fromkeys(counted)
        rows.append({"period": name, "complete": whole, **(counted if whole else nothing)})
    about = f"a {periods.by}; only those that the data cover wholly are counted"
    return Table(f"by_{periods.by}", about, columns(window.days, periods.by), tuple(rows))


_Sums = dict[str, list[int]]


def _sums(purchases: Purchases, periods: Periods) -> _Sums:
    """What is added up over the cells of each period."""
    at = periods.at(purchases.day)
    found: _Sums = {}
    for name in ("orders", "value", "spend", "returns", "sold", "returned"):
        total = np.zeros(len(periods), np.int64)
        np.add.at(total, at, getattr(purchases, name))
        found[name] = total.tolist()
    return found


def _kinds(purchases: Purchases, periods: Periods, h: int) -> _Sums:
    """How many customers bought in each period, by what their first purchase in it was."""
    days = purchases.days
    at = periods.at(days.day)
    first = np.flatnonzero(changes(days.customer) | changes(at))
    new = days.before[first] < 0
    late = ~new & (days.day[first] - days.before[first] > h)
    again = np.diff(np.append(first, len(at))) > 1
    n = len(periods)

    def counted(mask: np.ndarray) -> list[int]:
        found: list[int] = np.bincount(at[first][mask], minlength=n).tolist()
        return found

    return {
        "customers": counted(np.ones(len(first), bool)),
        "new": counted(new),
        "reactivated": counted(late),
        "repeat": counted(~new | again),
    }


def _counted(sums: _Sums, kinds: _Sums, i: int, periods: Periods) -> dict[str, Value]:
    customers, orders, spend = kinds["customers"][i], sums["orders"][i], sums["spend"][i]
    new, late = kinds["new"][i], kinds["reactivated"][i]

    def growth(back: int) -> float | None:
        before = sums["spend"][i - back] if i >= back and periods.complete[i - back] else 0
        return (spend - before) / before if before > 0 else None

    return {
        "customers": customers,
        "new": new,
        "returning": customers - new - late,
        "reactivated": late,
        "orders": orders,
        "spend": spend,
        "average_order_value": mean_money(sums["value"][i], orders),
        "orders_per_customer": ratio(orders, customers),
        "repeat_purchase_rate": ratio(kinds["repeat"][i], customers),
        "growth": growth(1),
        "growth_year": growth(periods.year),
        "returns": sums["returns"][i],
        "return_share": ratio(sums["returned"][i], sums["sold"][i]),
    }


def _silent(purchases: Purchases, begins: Cutoff, window: Window) -> dict[str, Value]:
    """Who is at risk on a day, and which share of them buys nothing in the window from it."""
    if not window.closed(begins):
        return {"at_risk": None, "churn_rate": None}
    days = purchases.days
    last = days.last_before(begins.day, window.active_within)
    silent = last & (days.after >= begins.day + window.days)
    at_risk = int(last.sum())
    return {"at_risk": at_risk, "churn_rate": ratio(int(silent.sum()), at_risk)}
