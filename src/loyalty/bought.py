"""What customers have bought, as far as a programme asks: of all times, of a year, and as it stood four weeks before.

In: `Cells` of purchases before a day. Out: `Bought`, exact integers per customer. Who has not bought has 0, and -1 for
a day; a year that the data do not cover is for the reader to leave out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..clock import Cutoff
from ..features.track import Int64
from ..segments.facts import YEAR_DAYS
from .cells import Cells

LATELY_DAYS = 28
"""What was reached within so many days was reached lately."""


@dataclass(frozen=True, eq=False)
class Bought:
    """Purchases of each customer before a day; arrays of shape (n,), money in 1/10,000.

    Parameters
    ----------
    there : ndarray of bool
        Who has any line, be it of a return.
    purchases, spend : ndarray of int64
        Of all times; spend is net.
    purchases_then, spend_then : ndarray of int64
        The same as it stood 28 days before.
    purchases_year, spend_year, value_year : ndarray of int64
        Of the last 365 days; value is the money of the purchases, what comes back not taken off.
    first_day, last_day : ndarray of int64
        Of purchases.
    stamps, stamps_then : ndarray of int64
        Purchases that got a stamp, so far and as of 28 days before.
    """

    there: NDArray[np.bool_]
    purchases: Int64
    spend: Int64
    purchases_then: Int64
    spend_then: Int64
    purchases_year: Int64
    spend_year: Int64
    value_year: Int64
    first_day: Int64
    last_day: Int64
    stamps: Int64
    stamps_then: Int64


def bought_by(cells: Cells, day: Cutoff) -> Bought:
    """Per customer.

    Parameters
    ----------
    cells : Cells
        As `purchases_of` makes them: all before the day.
    """
    edges = np.array([day.day - YEAR_DAYS, day.day - LATELY_DAYS], np.int64)
    names = ("purchase", "spend", "value", "stamp")
    total = {name: cells.totals(name) for name in names}
    earlier = {name: cells.until(name, edges).T.copy() for name in names}
    first, last = cells.first_and_last("purchase")
    return Bought(
        np.diff(cells.starts) > 0,
        total["purchase"],
        total["spend"],
        earlier["purchase"][1],
        earlier["spend"][1],
        total["purchase"] - earlier["purchase"][0],
        total["spend"] - earlier["spend"][0],
        total["value"] - earlier["value"][0],
        first,
        last,
        total["stamp"],
        earlier["stamp"][1],
    )
