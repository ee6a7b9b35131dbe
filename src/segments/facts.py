"""What is known of customers as of a day, as far as segments ask: one place per customer, in order of their ids.

In: arrays that `pipelines/segment_facts.py` reads off the ledger and the scores. Out: `Facts`. Missing: a window that
begins before the ledger does is None; a number that nobody told is NaN, a count or a number of days -1, a text "". Who
has not bought before the day is a prospect.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]
Bool = NDArray[np.bool_]
YEAR_DAYS = 365


@dataclass(frozen=True, eq=False)
class Facts:
    """Customers as of a day; every array has the shape (n,).

    Parameters
    ----------
    as_of : str
        ISO date: everything happened, and was known, before it.
    horizon_days : int
        Of the scores: what counts as silence.
    currency : str
    ids : ndarray of str
        Ascending, each once.
    orders, spend : ndarray of int64
        Purchases so far, and net spend so far in 1/10,000 of the currency.
    recency_days, first_days : ndarray of int64
        Days since the last and since the first purchase; -1 without one.
    silence_days : ndarray of int64
        The longest silence that a purchase of the last `horizon_days` has ended; -1 where none has.
    orders_year, spend_year : ndarray of int64 or None
        The same as `orders` and `spend` of the last 365 days; None where the ledger begins later.
    best_year : ndarray of int64 or None
        The largest spend of 365 days on any day of a grace period that ends with this day.
    grace_days : int
        How long that is; 0 where the ledger does not reach back so far.
    knows_newcomers : bool
        Whether the ledger begins at least `horizon_days` before the day: else anybody may have bought before it.
    scored : ndarray of bool
        Whether the model spoke of the customer.
    p_churn, expected_spend, usual_gap_days : ndarray of float64
        As in the scores; expected spend of prospects is that of their cohort.
    late : ndarray of bool
    value_churn, next_from, next_until : ndarray of object
        The texts `segment`, `next_order_from` and `next_order_until` of the scores.
    """

    as_of: str
    horizon_days: int
    currency: str
    ids: NDArray[np.str_]
    orders: Int64
    spend: Int64
    recency_days: Int64
    first_days: Int64
    silence_days: Int64
    orders_year: Int64 | None
    spend_year: Int64 | None
    best_year: Int64 | None
    grace_days: int
    knows_newcomers: bool
    scored: Bool
    p_churn: Float64
    expected_spend: Float64
    usual_gap_days: Float64
    late: Bool
    value_churn: NDArray[np.object_]
    next_from: NDArray[np.object_]
    next_until: NDArray[np.object_]

    @property
    def n(self) -> int:
        """How many customers, prospects among them."""
        return len(self.ids)

    @property
    def bought(self) -> Bool:
        """Who has bought before the day."""
        return np.asarray(self.orders > 0)

    @property
    def has_scores(self) -> bool:
        """Whether a model spoke of anybody."""
        return bool(self.scored.any())
