"""How a customer is shown in a list: by id or by row, when the next order is due, what is expected and why.

In: the checked report and rows of scores. Out: cells. What a row does not have is a dash; a column that no row has is
left out by the chapter. Past spend is always "spent so far", a forecast always "expected".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Mapping
from typing import Any

import pandas as pd

from .blocks import Cell, Column
from .inputs import ReportInput, number
from .notation import NBSP, count, date, days, money, percent, plain

HEADED = 2
"""The row of the first customer in a CSV file: the header is row 1."""
NONE = "–"
MORE, LESS = "more risk: ", "less risk: "
REASONS = 3
"""So many reasons are listed of a customer; the file of scores has them all."""
BASES = {"newcomer": "new: value of its cohort", "prospect": "never bought: value of its cohort"}
Row = Mapping[Hashable, Any]


def has(frame: pd.DataFrame, name: str) -> bool:
    """Whether a column says anything about anybody.

    Examples
    --------
    >>> frame = pd.DataFrame({"a": ["", "x"], "b": ["", ""], "c": [float("nan")] * 2})
    >>> [has(frame, name) for name in "abcd"]
    [True, False, False, False]
    """
    return name in frame.columns and bool((frame[name].notna() & (frame[name] != "")).any())


def first_column(report: ReportInput) -> Column:
    """The heading of the column that names customers."""
    return Column("Customer", False) if report.ids_shown else Column("Row in scores.csv")


def naming(report: ReportInput) -> Callable[[Row], Cell]:
    """How customers are named: by their ids, or by their rows in the file of scores, which is in order of the ids."""
    if report.ids_shown:
        return lambda r: Cell(plain(r["customer_id"]), _basis(r), strong=True)
    place = {customer: row for row, customer in enumerate(sorted(report.scores["customer_id"]), start=HEADED)}
    return lambda r: Cell(count(place[str(r["customer_id"])]), _basis(r), strong=True)


def moved_name(report: ReportInput) -> Callable[[Row], Cell]:
    """How movers are named; whoever left is in the file of scores no more."""
    name_of, here = naming(report), set(report.scores["customer_id"])
    return lambda r: name_of(r) if report.ids_shown or r["customer_id"] in here else Cell(NONE)


def _basis(row: Row) -> str:
    return BASES.get(str(row.get("basis")), "")


def expected(row: Row, currency: str) -> Cell:
    """Expected spend, and below it the ends of its interval."""
    low, high = number(row.get("spend_low")), number(row.get("spend_high"))
    ends = f"{money(low)} to {money(high)}" if low is not None and high is not None else ""
    return Cell(money(row["expected_spend"], currency), ends)


def so_far(row: Row, currency: str) -> Cell:
    """What was spent, and in how many orders: history, no forecast."""
    orders = count(row["orders"])
    return Cell(money(row["spend"], currency), "1 order" if orders == "1" else f"{orders} orders")


def silent(row: Row) -> Cell:
    """The last purchase, how long ago it was, and how that compares with the customer's own rhythm."""
    ago = count(row["recency_days"])
    said = "1 day ago" if ago == "1" else f"{ago} days ago"
    gap = number(row.get("usual_gap_days"))
    return Cell(
        date(row["last_purchase"]), said if gap is None else f"{said}, usually every {days(max(round(gap), 1))}"
    )


def next_order(row: Row) -> Cell:
    """The window of the next order: in half of all cases before the day that stands first."""
    middle, start, end = (str(row.get(f"next_order_{k}") or "") for k in ("p50", "from", "until"))
    if not middle:
        return Cell(f"{date(start)} or later" if start else NONE, "" if start else "not within a year")
    return Cell(date(middle), f"{_short(start, middle)} to {_short(end, middle) if end else 'over a year'}")


def _short(day: str, beside: str) -> str:
    """A date, without its year where that stands beside it."""
    said = date(day)
    return said.rsplit(NBSP, 1)[0] if day[:4] == beside[:4] and NBSP in said else said


def why(row: Row) -> str:
    """The strongest reasons of the chance of not buying, as the scores tell them; empty without any.

    Examples
    --------
    >>> why({"reasons": "more risk: silent for long; less risk: buys often; more risk: fewer categories; more risk: x"})
    'Raises the chance: silent for long; fewer categories. Lowers it: buys often.'
    """
    given = re.split(rf"; (?={MORE}|{LESS})", plain(row.get("reasons") or ""))[:REASONS]
    up = [r.removeprefix(MORE) for r in given if r.startswith(MORE)]
    down = [r.removeprefix(LESS) for r in given if r.startswith(LESS)]
    said = [f"Raises the chance: {'; '.join(up)}." if up else "", f"Lowers it: {'; '.join(down)}." if down else ""]
    if down and not up:
        said[1] = f"Lowers the chance: {'; '.join(down)}."
    return " ".join(s for s in said if s) or "; ".join(given)


def lateness(row: Row) -> Cell:
    """The chance of so long a silence of somebody who still comes."""
    chance = number(row.get("p_so_late"))
    return Cell(NONE if chance is None else percent(chance))
