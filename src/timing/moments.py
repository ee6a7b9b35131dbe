"""Moments: the weekday and the hour of what customers did, one moment a customer and local day.

In: purchases of blocks of customers, or instants of events. Out: `Moments`, sorted by customer, then day, with the hour
of the first that happened on the day, on the clock of the business zone whatever it was set to then. A stamp at the
very beginning of a local day is a date without a time of day: its hour is missing (-1).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..clock import DAY_US, Zone
from ..features.history import History
from ..features.measures import weekday
from ..features.track import changes

Int64 = NDArray[np.int64]
Bool = NDArray[np.bool_]
Whole = NDArray[np.integer]

DAYS, HOURS = 7, 24
_HOUR_US = DAY_US // HOURS
_LAST_DAY = 1 << 20
"""Later than any day of a calendar."""
TOLD = 0.5
"""Share of the days that must tell an hour; below it the data are taken to hold dates only."""


@dataclass(frozen=True, eq=False)
class Moments:
    """What customers did, each array of shape (n_moments,).

    Parameters
    ----------
    customer : ndarray of int32
        The customer's place.
    day : ndarray of int32
        Local day number.
    hour : ndarray of int8, 0..23
        On the local clock; -1 where only the date is known.

    Examples
    --------
    Two purchases on one Thursday, the day that day numbers begin with, and a date without a time on the Friday:

    >>> hour = 3_600_000_000
    >>> found = Moments.of(np.array([0, 0, 0]), np.array([9 * hour, 20 * hour, 24 * hour]), Zone("UTC"))
    >>> found.weekday.tolist(), found.hour.tolist()
    ([3, 4], [9, -1])
    """

    customer: NDArray[np.int32]
    day: NDArray[np.int32]
    hour: NDArray[np.int8]

    @classmethod
    def told(cls, customer: Whole, day: Whole, hour: Whole) -> Moments:
        """From numbers of any width, sorted already."""
        return cls(customer.astype(np.int32), day.astype(np.int32), hour.astype(np.int8))

    @classmethod
    def of(cls, customer: Int64, instant: Int64, zone: Zone) -> Moments:
        """From UTC microseconds in any order; a customer's first on a day stands for the day.

        Where some of a day have a time and others none, the first that has one does.
        """
        day, hour = _clock(instant, zone)
        order = np.lexsort((instant, hour < 0, day, customer))
        customer, day, hour = customer[order], day[order], hour[order]
        first = changes(customer) | changes(day)
        return cls.told(customer[first], day[first], hour[first])

    @classmethod
    def none(cls) -> Moments:
        """Nothing was done."""
        return cls.told(*(np.zeros(0, np.int64) for _ in range(3)))

    @classmethod
    def joined(cls, parts: Iterable[Moments]) -> Moments:
        """Those of blocks of customers, one after the other, whose places are counted through."""
        found = [cls.none(), *parts]
        return cls(*(np.concatenate([getattr(p, name) for p in found]) for name in ("customer", "day", "hour")))

    @property
    def weekday(self) -> NDArray[np.int8]:
        """0 for Monday to 6 for Sunday."""
        return weekday(self.day.astype(np.int64)).astype(np.int8)

    @property
    def key(self) -> Int64:
        """Customer and day in one number, ascending as they do."""
        return self.customer.astype(np.int64) * _LAST_DAY + self.day

    @property
    def tell_hours(self) -> bool:
        """Whether at least half of the days tell an hour."""
        return bool(len(self.hour)) and float((self.hour >= 0).mean()) >= TOLD

    def without(self, others: Moments) -> Moments:
        """Those on days on which the same customer has no other one."""
        if not len(others.day):
            return self
        key, taken = self.key, others.key
        place = np.minimum(np.searchsorted(taken, key), len(taken) - 1)
        return self.where(taken[place] != key)

    def where(self, kept: Bool) -> Moments:
        """Some of them."""
        return Moments(self.customer[kept], self.day[kept], self.hour[kept])

    def before(self, day: int) -> Moments:
        """Those before a local day."""
        return self.where(self.day < day)

    def since(self, day: int) -> Moments:
        """Those of a local day and later ones."""
        return self.where(self.day >= day)


def _clock(instant: Int64, zone: Zone) -> tuple[Int64, Int64]:
    """The local day of each instant, and the hour that the local clock shows; -1 at the beginning of the day."""
    day = zone.local_day(instant)
    hour = zone.to_local(instant) % DAY_US // _HOUR_US
    # Where the clock goes forward over midnight, the day begins at one o'clock.
    return day, np.where(instant == zone.to_utc(day * DAY_US), -1, hour)


def purchases_of(history: History, so_far: int) -> Moments:
    """The purchases of a block of customers, whose first has the place `so_far`."""
    orders = history.orders
    bought = np.flatnonzero(orders.purchase > 0)
    cell = np.searchsorted(orders.first, bought, side="right") - 1
    return Moments.of(history.customer[cell] + so_far, orders.time[bought], history.zone)
