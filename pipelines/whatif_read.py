"""What the what-ifs read off the ledger: customers as of a day, and what came of them in the year from a past day.

In: the customer-days of a ledger. Out: `Stand`: who was at risk on a day, with the summary that classical models read;
spend of a window. Days of the day itself or later are not looked at. A customer who only gave back is nobody here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..clock import Cutoff
from ..config import Config
from ..engines.local import histories
from ..features.family import plan_for
from ..features.shape import Shape
from ..intake import Ledger
from ..kpis.purchases import FAR, Purchases
from ..models.summary import Summary
from ..schema import SCALE

Int64 = NDArray[np.int64]
Float64 = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Stand:
    """The customers at risk on a day.

    Parameters
    ----------
    day : Cutoff
    customer : ndarray of int64, shape (n_customers,)
        Places among the ids of the purchases, ascending.
    summary : Summary
        Of their purchase days before the day.
    """

    day: Cutoff
    customer: Int64
    summary: Summary

    @classmethod
    def of(cls, purchases: Purchases, day: Cutoff, active_within: int | None) -> Stand:
        """Who had bought before a day, within so many days if that is asked for."""
        marks = np.flatnonzero((purchases.orders > 0) & (purchases.day < day.day))
        who, when, n = purchases.customer[marks], purchases.day[marks], purchases.n_customers
        first, last = np.full(n, FAR), np.full(n, -FAR)
        np.minimum.at(first, who, when)
        np.maximum.at(last, who, when)
        valued = (when > first[who]) & (purchases.value[marks] > 0)
        n_valued = np.bincount(who[valued], minlength=n)
        money = np.zeros(n, np.int64)
        np.add.at(money, who[valued], purchases.value[marks][valued])
        at = np.flatnonzero((first < FAR) & ((active_within is None) | (day.day - last <= (active_within or 0))))
        with np.errstate(invalid="ignore"):
            value = np.where(n_valued[at] > 0, money[at] / SCALE / np.maximum(n_valued[at], 1), np.nan)
        days = np.bincount(who, minlength=n)[at] - 1
        recency, T = (last - first)[at].astype(np.float64), (day.day - 1 - first[at]).astype(np.float64)
        return cls(day, at, Summary.known(days.astype(np.int64), recency, T, value, n_valued[at].astype(np.int64)))

    def bought(self, purchases: Purchases, days: int) -> NDArray[np.bool_]:
        """Who bought in so many days from the day."""
        seen = (purchases.orders > 0) & self._within(purchases, days)
        return np.asarray(np.bincount(purchases.customer[seen], minlength=purchases.n_customers)[self.customer] > 0)

    def spend(self, purchases: Purchases, days: int) -> Float64:
        """What each spent in so many days from the day, net, in currency."""
        seen, total = self._within(purchases, days), np.zeros(purchases.n_customers, np.int64)
        np.add.at(total, purchases.customer[seen], purchases.spend[seen])
        return np.asarray(total[self.customer] / SCALE)

    def _within(self, purchases: Purchases, days: int) -> NDArray[np.bool_]:
        return np.asarray((purchases.day >= self.day.day) & (purchases.day < self.day.day + days))


def purchases_before(ledger: Ledger, day: Cutoff) -> Purchases:
    """Customer-days before a day, of lines that were known before it."""
    found = Purchases.of(history.known_before(day) for history in histories(ledger, plan_for(Shape())))
    keep = found.day < day.day
    cells = (getattr(found, name)[keep] for name in Purchases.__dataclass_fields__ if name != "ids")
    return Purchases(found.ids, *cells)


def net_share(purchases: Purchases, day: Cutoff) -> float:
    """Net spend over money of purchases before a day, from 0 on; 1 where nothing was bought."""
    before = purchases.day < day.day
    gross = int(purchases.value[before].sum())
    return max(0.0, int(purchases.spend[before].sum()) / gross) if gross > 0 else 1.0


def past_day(ledger: Ledger, config: Config, day: Cutoff, year_days: int) -> Cutoff:
    """The last day whose year is over, and may be believed, on another."""
    return day.minus(year_days + config.target.label_lag_days)


def least_history(ledger: Ledger, window_days: int) -> Cutoff:
    """The first day on which one may stand: a window of history, and 60 days at least."""
    return ledger.history_starts.plus(max(window_days, 60))
