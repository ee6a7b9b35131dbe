"""Who falls silent after something, compared with alike purchases without it, from landmarks on.

In: the purchase days of everybody, purchases (customer, day) of something, and events (customer, day). Out: the share
that is silent with and without an event, and their difference with its interval, standardised to the months and numbers
of orders so far of those with one. Only landmarks whose window is over count; strata without both kinds do not. Of few
customers nothing is told.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..clock import months_of
from .by_period import Window
from .purchases import Purchases
from .table import Value

Int64 = NDArray[np.int64]
Cells = tuple[Int64, Int64]
"""Customers and days."""
LEAST = 10
"""So many customers either side has at least."""
_Z = 1.96
_NEVER = np.iinfo(np.int64).max
_ORDERS = np.array([2, 5])
"""Strata of orders so far: 1, 2 to 4, 5 and more."""


@dataclass(frozen=True, eq=False)
class Landmarks:
    """Purchase days of everybody, sorted by customer and day.

    Parameters
    ----------
    key : ndarray of int64
        customer x `span` + day, ascending.
    number : ndarray of int64
        How many purchase days the customer has had, this one included.
    span, after : int
        More than any day; days from a purchase to its landmark.
    window : Window
    """

    key: Int64
    number: Int64
    span: int
    after: int
    window: Window

    @classmethod
    def of(cls, purchases: Purchases, window: Window, after: int) -> Landmarks:
        """Of all purchases."""
        days = purchases.days
        span = int(window.ends.day + window.days + after + 2)
        first = np.searchsorted(days.customer, days.customer, side="left")
        number = np.arange(len(days.day)) - first + 1
        return cls(days.customer * span + days.day, number, span, after, window)

    def judged(self, customer: Int64, day: Int64) -> tuple[Int64, Int64, NDArray[np.bool_]]:
        """Which (customer, day) are closed, the stratum of each, and whether nothing was bought in its window."""
        begins = day + self.after
        closed = np.flatnonzero(begins + self.window.days + self.window.lag <= self.window.ends.day)
        who, at = customer[closed], day[closed]
        own = np.searchsorted(self.key, who * self.span + at, side="right") - 1
        stratum = months_of(at) * 3 + np.searchsorted(_ORDERS, self.number[own], side="right")
        begin = who * self.span + at + self.after
        later = np.searchsorted(self.key, begin, side="left")
        upcoming = np.append(self.key, _NEVER)[later]
        return closed, stratum, upcoming >= begin + self.window.days


def with_and_without(
    marks: Landmarks, purchases: Cells, events: Cells, others: Cells | None = None
) -> dict[str, Value]:  # fmt: skip
    """Silence after purchases with an event within `after` days, and after alike ones without.

    Parameters
    ----------
    purchases, events : (customer, day), ndarrays of int64
        Of purchases each (customer, day) counts once.
    others : (customer, day), optional
        Purchases with one of these, but with no event, are not alike: they are left out.
    """
    key = np.unique(purchases[0] * marks.span + purchases[1])
    hit = _followed(marks, key, events)
    if others is not None:
        keep = hit | ~_followed(marks, key, others)
        key, hit = key[keep], hit[keep]
    customer, day = key // marks.span, key % marks.span
    closed, stratum, silent = marks.judged(customer, day)
    return _standardised(customer[closed], stratum, hit[closed], silent)


def _followed(marks: Landmarks, key: Int64, events: Cells) -> NDArray[np.bool_]:
    """Which purchases have an event: on the day or less than `after` days later, and before the next purchase.

    An event belongs to the last purchase before it only: else who buys often would have more events to each purchase,
    and would seem to stay because of them.
    """
    happened = np.unique(events[0] * marks.span + events[1])
    place = np.searchsorted(key, happened, side="right") - 1
    recent = (place >= 0) & (happened - key[place] < marks.after) if len(key) else np.zeros(len(happened), bool)
    found = np.zeros(len(key), bool)
    found[place[recent]] = True
    return found


def _standardised(
    customer: Int64, stratum: Int64, hit: NDArray[np.bool_], silent: NDArray[np.bool_]
) -> dict[str, Value]:  # fmt: skip
    names, code = np.unique(stratum, return_inverse=True)
    n_hit, n_not = (np.bincount(code[which], minlength=len(names)).astype(float) for which in (hit, ~hit))
    used = (n_hit > 0) & (n_not > 0)
    keep = used[code]
    code, hit, silent, customer = code[keep], hit[keep], silent[keep].astype(float), customer[keep]
    total = float(n_hit[used].sum())
    if min(len(np.unique(customer[hit])), len(np.unique(customer[~hit]))) < max(LEAST, 1):
        return {"compared": int(total), **dict.fromkeys(_TOLD)}
    share = n_hit / total
    with np.errstate(invalid="ignore", divide="ignore"):
        mean_hit = np.bincount(code[hit], weights=silent[hit], minlength=len(names)) / n_hit
        mean_not = np.bincount(code[~hit], weights=silent[~hit], minlength=len(names)) / n_not
        # What each purchase adds to the difference, about its stratum's mean.
        part = np.where(hit, share[code] / n_hit[code] * (silent - mean_hit[code]),
                        -share[code] / n_not[code] * (silent - mean_not[code]))  # fmt: skip
    with_it, without = float((share * mean_hit)[used].sum()), float((share * mean_not)[used].sum())
    # Where all or none with it are silent, or a stratum has one only, the spread of its parts is too small.
    people = len(np.unique(customer[hit]))
    lacking = max(_floor(with_it * people, people) - _spread(customer[hit], part[hit]), 0.0)
    half = _Z * (_spread(customer, part) + lacking) ** 0.5
    return {
        "compared": int(total),
        "silent_with": with_it,
        "silent_without": without,
        "difference": with_it - without,
        "low": with_it - without - half,
        "high": with_it - without + half,
    }


def _spread(customer: Int64, part: NDArray[np.float64]) -> float:
    """The variance of a sum of parts whose customers are independent of one another."""
    who, place = np.unique(customer, return_inverse=True)
    return float((np.bincount(place, weights=part) ** 2).sum() * len(who) / max(len(who) - 1, 1))


def _floor(n: float, of: int) -> float:
    """The variance of a share, moved by two of each kind (Agresti & Coull 1998, doi:10.1080/00031305.1998.10480550)."""
    share = (n + 2) / (of + 4)
    return share * (1 - share) / of


_TOLD = ("silent_with", "silent_without", "difference", "low", "high")
