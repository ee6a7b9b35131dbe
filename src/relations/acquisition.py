"""What customers bring for what it cost to win them: by the channel that brought them, and by the month they came in.

In: `Dealings` with the table of customers. Out: tables. Who never bought stays in every denominator. A customer without
a known cost, channel or month stands in a row of its own kind. Who came before the data begin is not counted, because
the beginning is not known. What is to come is missing without scores; who has none of their own adds nothing to it.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from ..kpis.periods import Periods
from ..kpis.table import Column, Row, Table, Value, mean_money, ratio
from ..schema import SCALE
from .cost import ALL
from .dealings import NEVER, Bool, Dealings, Float64, Int64
from .payback import Curve, curves
from .resample import interval

LEAST_DAYS = 28
"""A month whose customers have not been there for so long is too young for a payback."""
STEP_DAYS = 30
MOST_CHANNELS = 8
"""So many channels, those with most customers, have a curve of their own."""
NOT_KNOWN = "not known"
OTHER_MONTHS = "month not whole, or not known"


@dataclass(frozen=True, eq=False)
class Group:
    """Customers of one row.

    Parameters
    ----------
    by, name : str
    who : ndarray of bool, shape (n_customers,)
    days : int
        For how long they are watched; 0 where they are too young.
    """

    by: str
    name: str
    who: Bool
    days: int


def columns(lifetime_days: int) -> tuple[Column, ...]:
    """The definitions; lifetime value looks so many days ahead."""
    ahead = f"expected margin of the next {lifetime_days} days, discounted"
    return (
        Column("by", "text", f"`channel` that brought them, `month` in which they came, or `{ALL}`"),
        Column("name", "text", "which; the month is that of joining or of the first purchase, whichever was first"),
        Column("customers", "count", "customers won since the data begin, those who never bought included"),
        Column("bought_share", "share", "who has bought / customers"),
        Column("cost_known", "count", "customers of whom it is known what it cost to win them"),
        Column("cost", "money", "what it cost to win those"),
        Column("cost_per_customer", "amount", "cost / cost_known"),
        Column("margin_per_customer", "amount", "margin so far, after discounts, / customers"),
        Column("expected_per_customer", "amount", f"{ahead} / customers; who has no score adds nothing"),
        Column("clv_per_customer", "amount", "margin_per_customer + expected_per_customer"),
        Column("clv_to_cost", "number", "(margin so far + expected) / cost, of those whose cost is known"),
        Column("low", "number", "lower end of its 95 % interval, over customers"),
        Column("high", "number", "upper end of its 95 % interval"),
        Column("payback", "text", "first day on which the margin of those watched covers what they cost, in words"),
        Column("payback_days", "days", "the same, in days since they came; missing where they have not, or are young"),
        Column("watched", "count", "customers with a known cost who came at least watched_days ago"),
        Column("watched_days", "days", "so many first days of each of them are looked at"),
        Column("paid_back_share", "share", "watched who each brought what they cost within watched_days / watched"),
    )


def won(dealings: Dealings) -> Bool:
    """Who came since the data begin, or is known without a day: what it cost to win them was paid all the same."""
    came, people = dealings.came, dealings.people
    return np.asarray((came >= dealings.starts.day) | ((came == NEVER) & people.there))


def groups_of(dealings: Dealings, days: int) -> list[Group]:
    """All, the channels by name, then the months; each kind of row holds every customer once.

    Parameters
    ----------
    days : int
        For how long customers are watched at most.
    """
    who, people = won(dealings), dealings.people
    found = [Group(ALL, ALL, who, days)]
    names, code = np.unique(people.channel.astype(str), return_inverse=True)
    if (names != "").any():
        known = [(str(name), i) for i, name in enumerate(names.tolist()) if name]
        found += [Group("channel", name, who & (code == i), days) for name, i in known]
        found.append(Group("channel", NOT_KNOWN, who & (people.channel == ""), days))
    if people.cost_known[who].any() and not people.cost_known[who].all():
        found.append(Group("cost", NOT_KNOWN, who & ~people.cost_known, 0))
    return [group for group in [*found, *_months(dealings, who, days)] if group.who.any()]


def _months(dealings: Dealings, who: Bool, days: int) -> list[Group]:
    periods = Periods.of(dealings.starts, dealings.day, "month")
    at = np.where(dealings.came == NEVER, -1, periods.at(dealings.came))
    whole = np.append(np.array(periods.complete), False)[at]
    found = []
    for i, name in enumerate(periods.names):
        if periods.complete[i]:
            old = min(days, dealings.day.day - int(periods.edges[i + 1]) + 1)
            found.append(Group("month", name, who & (at == i), old if old >= LEAST_DAYS else 0))
    return [*found, Group("month", OTHER_MONTHS, who & ~whole, 0)]


Watched = Sequence[tuple[Group, Curve]]
"""The groups, and what each brought by age."""


def watched_groups(dealings: Dealings, days: int) -> Watched:
    """The rows, each with its curve.

    Parameters
    ----------
    days : int
        For how long customers are watched at most.
    """
    groups = groups_of(dealings, days)
    return list(zip(groups, _curves(dealings, groups), strict=True))


def acquisition_table(dealings: Dealings, groups: Watched, lifetime_days: int, seed: int) -> Table:
    """The table.

    Parameters
    ----------
    lifetime_days : int
        How far lifetime value looks ahead.
    seed : int
        Of the draws for intervals.
    """
    brought = dealings.bought.summed(dealings.bought.margin, dealings.n)
    to_come = _to_come(dealings)
    rows = [_row(dealings, group, curve, brought, to_come, seed) for group, curve in groups]
    about = f"customers won since {dealings.starts}: what they bring for what they cost, as of {dealings.day}"
    return Table("acquisition", about, columns(lifetime_days), tuple(rows))


def _curves(dealings: Dealings, groups: Sequence[Group]) -> list[Curve]:
    """Of each group; those of one kind hold nobody twice, so they are gone through at once."""
    found: list[Curve] = []
    for _, kind in groupby(groups, key=lambda group: group.by):
        alike = list(kind)
        place = np.full(dealings.n, -1, np.int64)
        for i, group in enumerate(alike):
            place[group.who] = i
        found += curves(dealings, place, [group.days for group in alike])
    return found


def _to_come(dealings: Dealings) -> Float64 | None:
    if dealings.foreseen is None:
        return None
    return np.nan_to_num(dealings.foreseen.lifetime, nan=0.0)


def _row(
    dealings: Dealings, group: Group, curve: Curve, brought: Int64, to_come: Float64 | None, seed: int
) -> Row:  # fmt: skip
    who, people = group.who, dealings.people
    n, paid_for = int(who.sum()), who & people.cost_known
    cost, margin = int(people.cost[paid_for].sum()), int(brought[who].sum())
    known = int(paid_for.sum())
    expected = None if to_come is None else float(to_come[who].sum()) / n
    so_far = mean_money(margin, n)
    young = not curve.customers
    return {
        "by": group.by,
        "name": group.name,
        "customers": n,
        "bought_share": ratio(int((who & (dealings.orders > 0)).sum()), n),
        "cost_known": known,
        "cost": cost if known else None,
        "cost_per_customer": mean_money(cost, known),
        "margin_per_customer": so_far,
        "expected_per_customer": expected,
        "clv_per_customer": None if expected is None or so_far is None else so_far + expected,
        **_ratio(brought[paid_for] / SCALE, None if to_come is None else to_come[paid_for], cost, paid_for, people.cost,
                 [seed, zlib.crc32(f"{group.by}/{group.name}".encode())]),
        "payback": curve.words if known else None,
        "payback_days": curve.after_days,
        "watched": curve.customers if known else None,
        "watched_days": None if young else curve.days,
        "paid_back_share": ratio(curve.paid, curve.customers),
    }  # fmt: skip


def _ratio(
    so_far: Float64, to_come: Float64 | None, cost: int, who: Bool, costs: Int64, seed: Sequence[int]
) -> dict[str, Value]:  # fmt: skip
    if to_come is None or cost <= 0:
        return {"clv_to_cost": None, "low": None, "high": None}
    value = so_far + to_come
    low, high = interval(value, costs[who] / SCALE, seed) or (None, None)
    return {"clv_to_cost": float(value.sum()) / (cost / SCALE), "low": low, "high": high}


CURVES = (
    Column("channel", "text", f"what brought them; `{ALL}`: everybody whose cost is known"),
    Column("age_days", "days", "days since they came; the whole of each day counts"),
    Column("customers", "count", "customers who came at least as long ago as the last row of the channel says"),
    Column("cost_per_customer", "amount", "what it cost to win them / customers"),
    Column("margin_per_customer", "amount", "margin up to that age, after discounts, / customers"),
)


def payback_table(groups: Watched) -> Table:
    """What customers have brought by age, against what they cost, for all and for the channels with most customers."""
    own = sorted(
        (one for one in groups if one[0].by == "channel"), key=lambda one: (-int(one[0].who.sum()), one[0].name)
    )
    rows: list[Row] = []
    for group, curve in [groups[0], *own[:MOST_CHANNELS]]:
        ages = [*range(0, curve.days, STEP_DAYS), curve.days - 1] if curve.customers else []
        rows += [
            {
                "channel": group.name,
                "age_days": age,
                "customers": curve.customers,
                "cost_per_customer": mean_money(curve.cost, curve.customers),
                "margin_per_customer": mean_money(int(curve.margin[age]), curve.customers),
            }
            for age in dict.fromkeys(ages)
        ]
    about = "margin of customers by the days since they came, beside what it cost to win them"
    return Table("payback", about, CURVES, tuple(rows))
