"""Who holds the future value: the fewest customers who together bring 80 % of it, and the segment of each.

In: expected spend per customer, P(silent). Out: how many hold the first 80 %, from how much on one is among them, and a
segment per customer, as "high value, at risk". Expected spend that is missing or below 0 counts as 0; where nothing is
expected of anybody, nobody is of high value. The order of the rows never matters: equals are in one segment.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]
HELD = 0.8
"""High value are those who together hold the first so much of all expected spend."""
AT_RISK = 0.5
"""At risk is who will rather fall silent than not."""
SEGMENTS = ("high value, steady", "high value, at risk", "low value, steady", "low value, at risk")
PROSPECT = "prospect"
"""The segment, and the basis, of who has not bought yet."""
_ROUNDING = 1e-12


@dataclass(frozen=True)
class Concentration:
    """How few customers hold most of the future value.

    Parameters
    ----------
    n, customers : int
        The fewest who together hold `held` of the total, of so many.
    held : float
        The share asked for, 0..1.
    threshold : float or None
        The least expected spend among them, in currency; None where nothing is expected.
    total : float
        Expected spend of all, in currency; nobody counts below 0.
    """

    n: int
    customers: int
    held: float
    threshold: float | None
    total: float

    @property
    def share(self) -> float | None:
        """Which part of the customers they are, 0..1; None without customers."""
        return self.n / self.customers if self.customers else None

    @property
    def words(self) -> str:
        """In a sentence.

        Examples
        --------
        >>> concentration(np.array([60.0, 5.0, 25.0, 10.0])).words
        '2 of 4 customers (50.0 %) hold 80 % of what is expected to be spent'
        """
        if not self.n:
            return "nothing is expected to be spent"
        part = f"{self.n:,} of {self.customers:,} customers ({100 * self.n / self.customers:.1f} %)"
        return f"{part} hold {100 * self.held:g} % of what is expected to be spent"

    def figures(self) -> dict[str, float | int | None]:
        """As JSON takes it."""
        known = {"n": self.n, "customers": self.customers, "share": self.share, "held": self.held}
        return {**known, "threshold": self.threshold, "total": self.total}


def concentration(expected: Float64, held: float = HELD) -> Concentration:
    """How many customers hold the first 80 % of all expected spend.

    Examples
    --------
    >>> found = concentration(np.array([60.0, 5.0, 25.0, 10.0]))  # 60 of 100 are less than 80, 60 + 25 are enough
    >>> found.n, found.threshold, found.share
    (2, 25.0, 0.5)
    """
    money = _money(expected)
    largest = np.sort(money)[::-1]
    so_far = np.cumsum(largest)
    total = float(so_far[-1]) if len(so_far) else 0.0
    if total <= 0:
        return Concentration(0, len(money), held, None, 0.0)
    n = int(np.searchsorted(so_far, held * total * (1 - _ROUNDING))) + 1
    return Concentration(n, len(money), held, float(largest[n - 1]), total)


def segments(expected: Float64, p_churn: Float64, threshold: float | None) -> NDArray[np.object_]:
    """The segment of each customer: by value, and by risk.

    Parameters
    ----------
    expected : ndarray of shape (n_customers,)
        Expected net spend in the horizon, in currency.
    p_churn : ndarray of shape (n_customers,)
        P(no purchase in the horizon), 0..1.
    threshold : float or None
        From how much on a customer is of high value: that of `concentration`; None where nothing is expected of
        anybody. It is given, so that one customer alone is what he is among all.

    Examples
    --------
    >>> segments(np.array([90.0, 10.0]), np.array([0.5, 0.4]), 90.0).tolist()
    ['high value, at risk', 'low value, steady']
    """
    low = np.ones(len(expected), bool) if threshold is None else ~(expected >= threshold)
    names = np.array(SEGMENTS, object)
    return np.asarray(names[2 * low.astype(np.int8) + (p_churn >= AT_RISK)], object)


def _money(expected: Float64) -> Float64:
    """Expected spend, what is missing or below 0 as 0."""
    return np.where(expected > 0, expected, 0.0)
