"""Purchases of all customers, added up per customer and local day: what every key figure is counted on.

In: the histories of a ledger's customers, block by block. Out: `Purchases`, exact integers, sorted by customer, then
day. Guests have no customer and are not here. A customer who only gave back has days, but no purchase day.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..features.history import History
from ..features.track import changes

Int64 = NDArray[np.int64]
Bool = NDArray[np.bool_]

FAR = np.int64(2**40)
"""A day that never comes."""


@dataclass(frozen=True, eq=False)
class Purchases:
    """Cells (customer, local day) of everybody.

    Parameters
    ----------
    ids : ndarray of object, shape (n_customers,)
        Ascending.
    customer, day : ndarray of int64, shape (n_cells,)
        Place in `ids` and day number; ascending, no pair twice.
    orders, returns : ndarray of int64, shape (n_cells,)
        Purchases, and orders that only gave back.
    value, spend, sold, returned : ndarray of int64, shape (n_cells,), in 1/10,000
        Money of the orders that are purchases; signed money of all lines; money of the positive lines, and of the
        negative ones without their sign.
    """

    ids: NDArray[np.object_]
    customer: Int64
    day: Int64
    orders: Int64
    returns: Int64
    value: Int64
    spend: Int64
    sold: Int64
    returned: Int64

    @classmethod
    def of(cls, histories: Iterable[History]) -> Purchases:
        """From blocks of customers in the ledger's order."""
        ids: list[NDArray[np.object_]] = []
        cells: list[Int64] = []
        so_far = 0
        for history in histories:
            ids.append(np.asarray(history.lines.customer_ids, object))
            measured = [history.values(name) for name in _MEASURES]
            cells.append(np.stack([history.customer + so_far, history.day, *measured]))
            so_far += history.n_customers
        if not cells:
            return cls(np.zeros(0, object), *np.zeros((8, 0), np.int64))
        return cls(np.concatenate(ids), *np.concatenate(cells, axis=1))

    @property
    def n_customers(self) -> int:
        """How many customers, those who only gave back included."""
        return len(self.ids)

    @cached_property
    def days(self) -> Days:
        """The days on which somebody bought."""
        marks = np.flatnonzero(self.orders > 0)
        customer, day = self.customer[marks], self.day[marks]
        new = changes(customer)
        before, after = np.full(len(day), -FAR), np.full(len(day), FAR)
        before[1:][~new[1:]] = day[:-1][~new[1:]]
        after[:-1][~new[1:]] = day[1:][~new[1:]]
        first = np.full(self.n_customers, FAR)
        first[customer[new]] = day[new]
        return Days(customer, day, before, after, first)


@dataclass(frozen=True, eq=False)
class Days:
    """Purchase days: two orders on one day are one of them.

    Parameters
    ----------
    customer, day : ndarray of int64, shape (n_days,)
    before, after : ndarray of int64, shape (n_days,)
        The customer's purchase day before and after; -`FAR` and `FAR` where there is none.
    first : ndarray of int64, shape (n_customers,)
        Each customer's first purchase day; `FAR` for who never bought.
    """

    customer: Int64
    day: Int64
    before: Int64
    after: Int64
    first: Int64

    def last_before(self, day: int, active_within: int | None) -> Bool:
        """Which purchase days are the last of a customer who is at risk on a day.

        At risk is who has bought before it, and within so many days, if that is asked for.
        """
        found: Bool = (self.day < day) & (self.after >= day)
        return found if active_within is None else found & (day - self.day <= active_within)


_MEASURES = ("purchase", "return", "purchase_amount", "spend", "sold", "returned")
