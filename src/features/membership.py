"""Membership: the group of customers that each customer belongs to, by an attribute, by cohort, by first channel.

In: a `History`. Out: a code per customer and the names behind the codes; -1 where it is not known. What the customers'
table says of a customer counts from the day after joining, or always when it does not say when that was.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pyarrow as pa

from .history import History
from .track import Float64, Int64, changes

COHORT, FIRST_CHANNEL = "first.month", "first.channel"
"""Groups by the calendar month and by the channel of the first purchase."""
_ATTRIBUTE = "customers."


@dataclass(frozen=True)
class Membership:
    """To which group each customer belongs.

    Parameters
    ----------
    code : ndarray of int64, shape (n_customers,)
        -1: to none, or not known.
    names : Array of text
    joined_day : ndarray of float64 or None
        Before and on that day the code was not known; NaN is always.
    """

    code: Int64
    names: pa.Array
    joined_day: Float64 | None = None

    def known(self, customer: Int64, cutoff_day: Int64) -> Int64:
        """The codes of customers as known before cutoffs."""
        codes = self.code[customer] if len(self.code) else np.zeros(len(customer), np.int64)
        if self.joined_day is None or not len(self.code):
            return codes
        return np.where(self.joined_day[customer] >= cutoff_day, -1, codes)


def attribute_group(name: str) -> str:
    """The group of a customers' attribute; never that of a column of the purchases.

    Examples
    --------
    >>> attribute_group("category")
    'customers.category'
    """
    return _ATTRIBUTE + name


def attribute_name(group: str) -> str:
    """The attribute behind a group; other groups keep their name."""
    return group.removeprefix(_ATTRIBUTE)


def membership(history: History, name: str) -> Membership:
    """Who belongs to which value of a group: `COHORT`, `FIRST_CHANNEL` or that of an attribute."""
    if name == COHORT:
        return _first_month(history)
    if name == FIRST_CHANNEL:
        return _first_channel(history)
    traits, attribute = history.beside.traits, attribute_name(name)
    return Membership(traits.codes[attribute], traits.names[attribute], traits.joined_day)


def _first_cell(history: History) -> Int64:
    """The cell of each customer's first purchase day, ascending; customers without one have none."""
    marks = history.marks("day")
    return np.asarray(marks[changes(history.customer[marks])])


def _first_month(history: History) -> Membership:
    first = _first_cell(history)
    months = history.day[first].astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    earliest, latest = (int(months.min()), int(months.max())) if len(months) else (0, -1)
    codes = np.full(history.n_customers, -1, np.int64)
    codes[history.customer[first]] = months - earliest
    return Membership(codes, pa.array([_month(month) for month in range(earliest, latest + 1)], pa.string()))


@lru_cache(maxsize=2_000)
def _month(number: int) -> str:
    """The calendar month so many months after January 1970, as in 2024-03."""
    return str(np.datetime64(number, "M"))


def _first_channel(history: History) -> Membership:
    """The channel of the earliest line of the first purchase day that names one, returns aside.

    Lines of the same instant that name several leave it unknown: which came first cannot be told.
    """
    lines, names = history.lines, history.lines.names["channel"]
    first = np.zeros(history.n_cells, bool)
    first[_first_cell(history)] = True
    codes = lines.codes["channel"]
    named = np.flatnonzero(first[history.line_cell] & (codes >= 0) & (lines.money["amount"] >= 0))
    who = history.line_customer[named]
    begins = changes(who).nonzero()[0]
    earliest = np.repeat(lines.time[named[begins]], np.diff(np.append(begins, len(who))))
    at = lines.time[named] == earliest
    lowest, highest = (np.full(history.n_customers, end, np.int64) for end in (len(names), -1))
    np.minimum.at(lowest, who[at], codes[named[at]])
    np.maximum.at(highest, who[at], codes[named[at]])
    return Membership(np.where(lowest == highest, highest, -1), names)
