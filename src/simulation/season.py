"""A yearly rhythm that all customers share, as a clock that runs faster when more is bought.

In: multipliers over the calendar year, a shift from year to year. Out: `Season`: the multiplier of each day, and the
way from days to busy time (its running sum) and back. Without multipliers both clocks are the same. Nothing is missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Season:
    """Busy time: on a day with multiplier 2 two days' worth of purchases are made.

    Parameters
    ----------
    multiplier : array of shape (n_days,) or None
        How much more is bought on each day, counted from the first; None for a shop without a season.
    elapsed : array of shape (n_days + 1,) or None
        Busy time passed at the start of each day, and at the end of the last.

    Examples
    --------
    >>> busy = Season.of((1.0, 3.0), 0.0, first_day=0, n_days=365)  # normalised to a mean of 1 over the year
    >>> busy.multiplier[[0, 364]].tolist(), round(float(busy.to_days(busy.to_busy(np.array([200.25])))[0]), 6)
    ([0.5, 1.5], 200.25)
    """

    multiplier: Float | None = None
    elapsed: Float | None = None

    @classmethod
    def of(cls, curve: Sequence[float] | None, shift_days: float, first_day: int, n_days: int) -> Self:
        """From multipliers at equal steps through the calendar year; the curve comes so much later each year."""
        if curve is None:
            return cls()
        date = np.arange(first_day, first_day + n_days).astype("datetime64[D]")
        year = date.astype("datetime64[Y]")
        first, following = year.astype("datetime64[D]"), (year + 1).astype("datetime64[D]")
        share = (date - first).astype(np.float64) / (following - first).astype(np.float64)
        passed = (year - year[0]).astype(np.float64)
        steps = np.floor((share - passed * shift_days / 365.0) % 1.0 * len(curve)).astype(np.int64)
        values = np.asarray(curve, np.float64)
        multiplier = (values / values.mean())[np.minimum(steps, len(curve) - 1)]
        return cls(multiplier, np.r_[0.0, np.cumsum(multiplier)])

    def to_busy(self, day: Float) -> Float:
        """Busy time passed by a time in days from the first."""
        if self.elapsed is None:
            return day
        return np.interp(day, np.arange(len(self.elapsed), dtype=np.float64), self.elapsed)

    def to_days(self, busy: Float) -> Float:
        """The inverse of `to_busy`."""
        if self.elapsed is None:
            return busy
        return np.interp(busy, self.elapsed, np.arange(len(self.elapsed), dtype=np.float64))
