"""Problems that customers meet: complaints and returns by product, category and reason, and the churn that goes along.

In: `Lines` (what each customer bought and gave back of each product on each day), `Complaints`, the horizon. Out: a
`Table`. What is not known of a complaint (its product, its reason) leaves it out of those rows and stays in `all`. Few
customers are not told. Churn is compared by landmarks (Anderson, Cain & Gelber 1983, doi:10.1200/JCO.1983.1.11.710),
within months and numbers of orders so far: an association, not an effect.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .by_period import Window
from .landmarks import Landmarks, with_and_without
from .purchases import Purchases
from .table import Column, Row, Table, ratio

Int64 = NDArray[np.int64]
Bool = NDArray[np.bool_]
ALL, PRODUCT, CATEGORY, REASON = "all", "product", "category", "reason"
LEAST = 5
"""So many customers with a problem a row has at least."""
MOST = 20
"""So many rows of each kind are told, those with most money given back first."""
AFTER = 30
"""A problem within so many days of a purchase belongs to it; from then on one looks who buys again."""


@dataclass(frozen=True, eq=False)
class Lines:
    """What a customer bought and gave back of a product on a day; arrays of shape (n,).

    Parameters
    ----------
    customer, day : ndarray of int64
    product, category : ndarray of int64
        Place among the names; -1 where it is not known.
    sold, returned : ndarray of int64
        Money of the positive and of the negative lines, the latter without its sign, in 1/10,000.
    gave_back : ndarray of int64
        Orders with a negative line.
    products, categories : sequence of str
        Names.
    """

    customer: Int64
    day: Int64
    product: Int64
    category: Int64
    sold: Int64
    returned: Int64
    gave_back: Int64
    products: Sequence[str]
    categories: Sequence[str]


@dataclass(frozen=True, eq=False)
class Complaints:
    """Complaints, and events that tell why something came back; arrays of shape (n,).

    Parameters
    ----------
    customer, day : ndarray of int64
    product, category, reason : ndarray of int64
        -1 where it is not known.
    is_return : ndarray of bool
        Whether the event is about a return, whose money stands in the lines.
    days : ndarray of int64
        Until it was resolved; -1 where it was not.
    reasons : sequence of str
        Names.
    """

    customer: Int64
    day: Int64
    product: Int64
    category: Int64
    reason: Int64
    is_return: Bool
    days: Int64
    reasons: Sequence[str]


def columns(h: int) -> tuple[Column, ...]:
    """The definitions."""
    after = f"no purchase in the {h} days that begin {AFTER} days after the purchase"
    return (
        Column("by", "text", "what the row is about: a product, a category, a reason, or all"),
        Column("name", "text", "which one"),
        Column("complaints", "count", "events of the kind `complaint`"),
        Column(
            "returns",
            "count",
            "times that a customer gave something of it back on a day; of reasons: events `return...`",
        ),
        Column("customers", "count", "who complained of it or gave it back"),
        Column("buyers", "count", "who ever bought it; of reasons: who ever bought anything"),
        Column("problem_share", "share", "customers / buyers"),
        Column("given_back", "money", "money of the negative lines, without its sign"),
        Column("return_share", "share", "given_back / money of the positive lines"),
        Column("resolved_share", "share", "complaints that were resolved so far / complaints"),
        Column("days_to_resolve", "days", "median days from a complaint to the customer's next resolution"),
        Column("compared", "count", f"purchases of it followed by a problem within {AFTER} days whose window is over"),
        Column("silent_with", "share", f"of them: {after}"),
        Column(
            "silent_without",
            "share",
            "the same of purchases of it without a problem, of the same months and numbers of orders so far",
        ),
        Column("difference", "share", "silent_with - silent_without; an association"),
        Column("low", "share", "lower end of its 95 % interval, customers as units"),
        Column("high", "share", "upper end"),
    )


def problems(lines: Lines, told: Complaints, purchases: Purchases, window: Window) -> Table:
    """The table: all, then products, categories and reasons, those with most money given back first."""
    marks = Landmarks.of(purchases, window, AFTER)
    rows = [_row((ALL, ALL), lines, told, np.ones(len(lines.day), bool), np.ones(len(told.day), bool), marks)]
    for kind, own, theirs, names in (
        (PRODUCT, lines.product, told.product, lines.products),
        (CATEGORY, lines.category, told.category, lines.categories),
    ):
        found = [_row((kind, names[i]), lines, told, own == i, theirs == i, marks)
                 for i in _often(own, theirs, lines, told, len(names))]  # fmt: skip
        rows += _first(found)
    nothing = np.zeros(len(lines.day), bool)
    found = [_row((REASON, told.reasons[i]), lines, told, nothing, told.reason == i, marks)
             for i in range(len(told.reasons)) if len(np.unique(told.customer[told.reason == i])) >= LEAST]  # fmt: skip
    rows += _first(found)
    return Table("problems", "complaints and returns, and the churn that goes along", columns(window.days), tuple(rows))


def headline(table: Table) -> str:
    """What is told first: the product with the largest share of buyers who had a problem."""
    found = [row for row in table.rows if row["by"] in (PRODUCT, CATEGORY) and row["problem_share"] is not None]
    if not found:
        whole = next(row for row in table.rows if row["by"] == ALL)
        return f"{whole['customers']:,} customers complained or gave something back."
    worst = max(found, key=lambda row: (row["by"] == PRODUCT, float(row["problem_share"] or 0)))
    return (
        f"{float(worst['problem_share'] or 0):.0%} of the buyers of {worst['name']} complained of it or gave it back."
    )


def _often(own: Int64, theirs: Int64, lines: Lines, told: Complaints, n: int) -> list[int]:
    """The items of which enough customers had a problem."""
    back = (lines.returned > 0) & (own >= 0)
    known = theirs >= 0
    who = np.concatenate([lines.customer[back], told.customer[known]])
    what = np.concatenate([own[back], theirs[known]])
    pairs = np.unique(np.stack([what, who]), axis=1)
    return np.flatnonzero(np.bincount(pairs[0], minlength=n) >= LEAST).tolist()


def _first(rows: list[Row]) -> list[Row]:
    def order(row: Row) -> tuple[float, float, str]:
        return -float(row["given_back"] or 0), -float(row["complaints"] or 0), str(row["name"])

    return sorted(rows, key=order)[:MOST]


def _row(
    named: tuple[str, str], lines: Lines, told: Complaints, mine: Bool, theirs: Bool, marks: Landmarks
) -> Row:  # fmt: skip
    back, complained = mine & (lines.returned > 0), theirs & ~told.is_return
    is_reason = named[0] == REASON
    bought = lines.customer[(lines.sold > 0) & (mine | is_reason)]
    buyers = np.unique(bought)
    who = np.concatenate([lines.customer[back], told.customer[theirs]])
    when = np.concatenate([lines.day[back], told.day[theirs]])
    days = told.days[complained & (told.days >= 0)]
    given, sold = int(lines.returned[back].sum()), int(lines.sold[mine].sum())
    sales = (lines.sold > 0) & (mine | is_reason)
    compared = with_and_without(marks, (lines.customer[sales], lines.day[sales]), (who, when))
    return {
        "by": named[0],
        "name": named[1],
        "complaints": int(complained.sum()),
        "returns": int((theirs & told.is_return).sum()) if is_reason else len(np.flatnonzero(back)),
        "customers": len(np.unique(who)),
        "buyers": len(buyers),
        "problem_share": ratio(len(np.intersect1d(who, buyers)), len(buyers)),
        "given_back": None if is_reason else given,
        "return_share": None if is_reason else ratio(given, sold),
        "resolved_share": ratio(len(days), int(complained.sum())),
        "days_to_resolve": float(np.median(days)) if len(days) else None,
        **compared,
    }
