"""What was between the company and each customer: what they bought and brought, what was done for them, who they are.

In: arrays that `pipelines/relations_read.py` reads off a ledger, block by block. Out: `Dealings` of everybody who had a
line, an event or a contact before the day, or stands in the table of customers and had joined by then; one place each,
in order of their ids. Money is int64 of 1/10,000. A day that is not known is -1, an answer that was not given NaN.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ..clock import Cutoff

Int64 = NDArray[np.int64]
Float64 = NDArray[np.float64]
Bool = NDArray[np.bool_]

NEVER = -1
"""A day that is not known, or never came."""
UNKNOWN_REFERRER = -2
"""Somebody referred the customer, and the ledger does not know who that is."""


class Columns:
    """Arrays of one length; those of several blocks can be put one after the other."""

    @classmethod
    def together(cls, parts: Sequence[Self]) -> Self:
        """Those of several blocks of customers."""
        names = [field.name for field in fields(cls)]  # type: ignore[arg-type]  # each kind of columns is a dataclass
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


@dataclass(frozen=True, eq=False)
class Bought(Columns):
    """Cells (customer, local day) before the day, ascending; each array of shape (n_cells,).

    Parameters
    ----------
    customer, day : ndarray of int64
    orders, returns : ndarray of int64
        Purchases, and orders that only gave back.
    spend, margin : ndarray of int64
        Money of all lines, what came back taken off, and what was earned of it: both after discounts.
    discount : ndarray of int64
        What was taken off lines that did not come back.
    """

    customer: Int64
    day: Int64
    orders: Int64
    returns: Int64
    spend: Int64
    margin: Int64
    discount: Int64

    def summed(self, values: Int64, n: int, within: Bool | None = None) -> Int64:
        """Values of cells added up per customer, exactly; of some of the cells only."""
        found = np.zeros(n, np.int64)
        kept = slice(None) if within is None else within
        np.add.at(found, self.customer[kept], values[kept])
        return found

    def first_day(self, n: int) -> Int64:
        """Each customer's first day with a purchase."""
        found = np.full(n, NEVER, np.int64)
        marks = np.flatnonzero(self.orders > 0)[::-1]
        found[self.customer[marks]] = self.day[marks]
        return found

    def last_day(self, n: int) -> Int64:
        """Each customer's last day with a purchase."""
        found = np.full(n, NEVER, np.int64)
        marks = np.flatnonzero(self.orders > 0)
        found[self.customer[marks]] = self.day[marks]
        return found


@dataclass(frozen=True, eq=False)
class Served(Columns):
    """What was done for each customer within the period; each array of shape (n_customers,).

    Parameters
    ----------
    contacts, complaints : ndarray of int64
        How many; of several tables and of campaigns a contact counts once.
    contact_cost, complaint_cost : ndarray of int64
        What they cost, each by its own cost where that is told, else at the price of one.
    return_cost : ndarray of int64
        What events of returns say that these cost.
    other_cost : ndarray of int64
        Costs of all other events.
    unpriced : ndarray of int64
        Contacts and complaints that neither an event nor a price gives a cost.
    """

    contacts: Int64
    complaints: Int64
    contact_cost: Int64
    complaint_cost: Int64
    return_cost: Int64
    other_cost: Int64
    unpriced: Int64


@dataclass(frozen=True, eq=False)
class Heard(Columns):
    """What each customer said, and was asked, before the day; each array of shape (n_customers,).

    Parameters
    ----------
    answer : ndarray of float64
        The last answer to a survey.
    answer_day, complaint_day, asked_day : ndarray of int64
        When that was; the last complaint; when the customer was last asked to refer somebody.
    open_complaint : ndarray of bool
    referrals : ndarray of int64
        Events of the kind `referral` that the customer began.
    """

    answer: Float64
    answer_day: Int64
    complaint_day: Int64
    asked_day: Int64
    open_complaint: Bool
    referrals: Int64


@dataclass(frozen=True, eq=False)
class People:
    """What the table of customers says of each; every array has the shape (n_customers,).

    Parameters
    ----------
    there : ndarray of bool
        Whether the table has the customer.
    joined : ndarray of int64
        The day.
    channel : ndarray of object
        What brought the customer; "" where that is not known.
    cost : ndarray of int64, in 1/10,000
        What it cost to win the customer; only where `cost_known`.
    cost_known : ndarray of bool
    referrer : ndarray of int64
        The place of who referred the customer; `NEVER` for nobody, `UNKNOWN_REFERRER` for somebody unknown.
    """

    there: Bool
    joined: Int64
    channel: NDArray[np.object_]
    cost: Int64
    cost_known: Bool
    referrer: Int64

    @classmethod
    def nobody(cls, n: int) -> People:
        """Where there is no table."""
        never = np.full(n, NEVER, np.int64)
        no = np.zeros(n, bool)
        return cls(no, never, np.full(n, "", object), np.zeros(n, np.int64), no, never)


@dataclass(frozen=True, eq=False)
class Foreseen:
    """What a model expects of each customer, in currency; every array has the shape (n_customers,).

    Parameters
    ----------
    margin : ndarray of float64
        Within the horizon; NaN of whom it did not speak.
    lifetime : ndarray of float64
        Expected margin to the lifetime horizon, discounted; NaN of whom it did not speak.
    p_churn : ndarray of float64
    """

    margin: Float64
    lifetime: Float64
    p_churn: Float64


@dataclass(frozen=True, eq=False)
class Dealings:
    """Everything between the company and its customers, as of a day.

    Parameters
    ----------
    day : Cutoff
        All of it happened, and was known, before.
    begins : Cutoff
        Costs and margins of the period are those of [begins, day).
    starts : Cutoff
        The first day that the purchases cover.
    horizon_days : int
        What counts as silence.
    currency : str
    ids : ndarray of object, shape (n_customers,)
        Ascending, each once.
    foreseen : Foreseen or None
        None without scores of the day.
    """

    day: Cutoff
    begins: Cutoff
    starts: Cutoff
    horizon_days: int
    currency: str
    ids: NDArray[np.object_]
    bought: Bought
    served: Served
    heard: Heard
    people: People
    foreseen: Foreseen | None = None

    @property
    def n(self) -> int:
        """How many customers."""
        return len(self.ids)

    @property
    def period_days(self) -> int:
        """How long the period is."""
        return self.day.day - self.begins.day

    @cached_property
    def within(self) -> Bool:
        """Which cells lie in the period."""
        return np.asarray(self.bought.day >= self.begins.day)

    @cached_property
    def orders(self) -> Int64:
        """Purchases so far of each customer."""
        return self.bought.summed(self.bought.orders, self.n)

    @cached_property
    def came(self) -> Int64:
        """The day on which each customer came: of joining or of the first purchase, whichever was first."""
        first, joined = self.bought.first_day(self.n), self.people.joined
        earliest = np.minimum(first, joined)
        return np.where(first == NEVER, joined, np.where(joined == NEVER, first, earliest))
