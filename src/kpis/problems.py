"""Problems that customers meet: complaints and returns by product, category and reason, and the churn that goes along.

In: `CameBack` (the lines that came back), `Told` (what events say of complaints and returns), the horizon, and a way to
ask who bought some items. Out: a `Table`. What is not known of a complaint (its product, its reason) leaves it out of
those rows and stays in `all`; a column that the data cannot fill is missing, never 0. Few customers are not told.
Churn is compared by landmarks (Anderson, Cain & Gelber 1983, doi:10.1200/JCO.1983.1.11.710), within months and numbers
of orders so far: an association, not an effect. Shares have Wilson's interval (doi:10.1080/01621459.1927.10502953).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .by_period import Window
from .landmarks import Cells, Landmarks, with_and_without
from .problem_columns import COLUMNS_OF, columns
from .purchases import Purchases
from .table import Row, Table, Value, ratio

Int64 = NDArray[np.int64]
Bool = NDArray[np.bool_]
ALL, PRODUCT, CATEGORY, REASON = "all", "product", "category", "reason"
COMPLAINT, RETURN, SUPPORT, RESOLVED = 0, 1, 2, 3
"""What an event is; only the first two are problems."""
LEAST = 5
"""So many customers with a problem a row has at least."""
MOST = 20
"""So many rows of each kind are told, those with most money given back first."""
AFTER = 30
"""A problem less than so many days after a purchase belongs to it; from then on one looks who buys again."""
_Z = 1.96

Bought = Callable[[Mapping[str, Sequence[int]]], Mapping[tuple[str, int], Cells]]
"""Who bought some products and categories, and when: (customer, day) of each, by its kind and place."""


@dataclass(frozen=True, eq=False)
class CameBack:
    """The lines that came back, a cell for each customer, day, product and category; arrays of shape (n,).

    Parameters
    ----------
    customer, day : ndarray of int64
    product, category : ndarray of int64
        Place among the names; -1 where it is not known.
    money : ndarray of int64
        Of the negative lines, without its sign, in 1/10,000.
    names : mapping of str to sequence of str
        Of products and of categories; empty where the data do not say.
    sold : mapping of str to ndarray of int64
        Money of the positive lines of each product and category.
    sold_in_all : int
    kept : bool
        False where returns were left out when the data were read: what came back is not known then.
    """

    customer: Int64
    day: Int64
    product: Int64
    category: Int64
    money: Int64
    names: Mapping[str, Sequence[str]]
    sold: Mapping[str, Int64]
    sold_in_all: int
    kept: bool = True

    def of(self, by: str) -> Int64:
        """The product or the category of each cell."""
        return self.product if by == PRODUCT else self.category


@dataclass(frozen=True, eq=False)
class Told:
    """Events about problems, of customers who have a line; arrays of shape (n,).

    Parameters
    ----------
    customer, day : ndarray of int64
    kind : ndarray of int64
        `COMPLAINT`, `RETURN` or `SUPPORT`. The money of a return stands in the lines.
    product, category, reason : ndarray of int64
        -1 where it is not known.
    days : ndarray of int64
        From a complaint until it was resolved; -1 where it was not.
    reasons : sequence of str
        Names.
    logged : frozenset of int
        Kinds that the log of events has at all.
    names_products : bool
        Whether events say what they are about.
    """

    customer: Int64
    day: Int64
    kind: Int64
    product: Int64
    category: Int64
    reason: Int64
    days: Int64
    reasons: Sequence[str]
    logged: frozenset[int]
    names_products: bool

    def of(self, by: str) -> Int64:
        """The product, the category or the reason of each event."""
        return {PRODUCT: self.product, CATEGORY: self.category, REASON: self.reason}[by]

    @property
    def problem(self) -> Bool:
        """Which of them are problems."""
        return np.asarray(self.kind != SUPPORT)


@dataclass(frozen=True, eq=False)
class _Of:
    """What one row is made of."""

    by: str
    name: str
    back: Bool
    told: Bool
    bought: Cells
    sold: int


def problems(back: CameBack, told: Told, purchases: Purchases, window: Window, bought: Bought) -> Table:
    """The table: all, then products, categories and reasons, those with most money given back first."""
    days = purchases.days
    everything = (days.customer, days.day)
    every, events = np.ones(len(back.day), bool), np.ones(len(told.day), bool)
    rows = [_Of(ALL, ALL, every, events, everything, back.sold_in_all)]
    chosen = {by: _chosen(back.of(by), back, told, by, back.names.get(by, ())) for by in (PRODUCT, CATEGORY)}
    cells = bought(chosen)
    for by, places in chosen.items():
        rows += [
            _Of(by, back.names[by][i], back.of(by) == i, told.of(by) == i, cells[by, i], int(back.sold[by][i]))
            for i in places
        ]
    nothing = np.full(len(back.day), -1)
    for i in _chosen(nothing, back, told, REASON, told.reasons):
        rows.append(_Of(REASON, told.reasons[i], ~every, told.reason == i, everything, 0))
    marks = Landmarks.of(purchases, window, AFTER)
    found = tuple(_row(one, back, told, marks) for one in rows)
    return Table(
        "problems", "complaints and returns, and the churn that goes along", columns(window.days, AFTER), found
    )


def headline(table: Table) -> str:
    """What is told first: of which product surely many buyers had a problem."""
    found = [row for row in table.rows if row["by"] in (PRODUCT, CATEGORY) and row["problem_low"] is not None]
    if not found:
        whole = next(row for row in table.rows if row["by"] == ALL)
        return f"{whole['customers']:,} customers complained or gave something back."
    worst = max(found, key=lambda row: (row["by"] == PRODUCT, float(row["problem_low"] or 0)))
    share, low, high = (float(worst[name] or 0) for name in ("problem_share", "problem_low", "problem_high"))
    return (
        f"{share:.0%} of the buyers of {worst['name']} complained of it or gave it back ({low:.0%} to {high:.0%} with "
        "95 % certainty)."
    )


def _chosen(own: Int64, back: CameBack, told: Told, by: str, names: Sequence[str]) -> list[int]:
    """The items or reasons of which enough customers had a problem, those with most money first."""
    n = len(names)
    here, there = own >= 0, (told.of(by) >= 0) & told.problem
    who = np.concatenate([back.customer[here], told.customer[there]])
    what = np.concatenate([own[here], told.of(by)[there]])
    customers = np.bincount(np.unique(np.stack([what, who]), axis=1)[0], minlength=n)
    money = np.zeros(n, np.int64)
    np.add.at(money, own[here], back.money[here])
    events = np.bincount(told.of(by)[there], minlength=n)
    often = np.flatnonzero(customers >= LEAST).tolist()
    return sorted(often, key=lambda i: (-int(money[i]), -int(events[i]), names[i]))[:MOST]


def _row(of: _Of, back: CameBack, told: Told, marks: Landmarks) -> Row:
    mine, theirs = of.told & told.problem, of.told & (told.kind == COMPLAINT)
    who = np.concatenate([back.customer[of.back], told.customer[mine]])
    when = np.concatenate([back.day[of.back], told.day[mine]])
    buyers, people = np.unique(of.bought[0]), np.unique(who)
    of_them = len(np.intersect1d(people, buyers))
    low, high = wilson(of_them, len(buyers))
    solved = told.days[theirs & (told.days >= 0)]
    given = int(back.money[of.back].sum())
    times = np.unique(np.stack([back.customer[of.back], back.day[of.back]]), axis=1).shape[1]
    others = None
    if of.by == REASON:
        others = (
            np.concatenate([back.customer, told.customer[told.problem]]),
            np.concatenate([back.day, told.day[told.problem]]),
        )
    found: dict[str, Value] = {
        "by": of.by,
        "name": of.name,
        "complaints": int(theirs.sum()),
        "support": int((of.told & (told.kind == SUPPORT)).sum()),
        "returns": int((of.told & (told.kind == RETURN)).sum()) if of.by == REASON else times,
        "customers": len(people),
        "buyers": len(buyers),
        "problem_share": ratio(of_them, len(buyers)),
        "problem_low": low,
        "problem_high": high,
        "given_back": given,
        "return_share": ratio(given, of.sold),
        "resolved_share": ratio(len(solved), int(theirs.sum())),
        "days_to_resolve": float(np.median(solved)) if len(solved) else None,
        **with_and_without(marks, of.bought, (who, when), others),
    }
    return found | dict.fromkeys(_unknown(of.by, back, told))


def _unknown(by: str, back: CameBack, told: Told) -> list[str]:
    """Columns that the data cannot fill in such a row."""
    about_items = by in (PRODUCT, CATEGORY) and not told.names_products
    found = [COLUMNS_OF["return"]] if not back.kept or by == REASON else []
    if by == REASON:
        found = [("given_back", "return_share"), ("returns",) if RETURN not in told.logged else ()]
    for kind, name in ((COMPLAINT, "complaint"), (SUPPORT, "support")):
        if kind not in told.logged or about_items:
            found.append(COLUMNS_OF[name])
    if RESOLVED not in told.logged:
        found.append(COLUMNS_OF["resolved"])
    return [name for names in found for name in names]


def wilson(n: int, of: int) -> tuple[float | None, float | None]:
    """The 95 % interval of a share; None where there is nothing to divide by.

    Examples
    --------
    >>> tuple(round(end, 3) for end in wilson(0, 10))
    (0.0, 0.278)
    """
    if not of:
        return None, None
    share, square = n / of, _Z**2 / of
    middle = (share + square / 2) / (1 + square)
    half = _Z * ((share * (1 - share) + square / 4) / of) ** 0.5 / (1 + square)
    return max(middle - half, 0.0), min(middle + half, 1.0)
