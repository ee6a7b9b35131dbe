"""Cohorts: what those are worth of whom too little is known, newcomers and prospects.

In: values of comparable customers. Out: one `Cohort` for all newcomers. With too few of them there is none, and
everyone keeps the value of his own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from .prior import Float64

NEW_DAYS = 28
"""Whoever bought for the first time within so many days, and once, is a newcomer."""
FEWEST = 30


@dataclass(frozen=True)
class Cohort:
    """Value, value for ever (None without one), variance and chance of no purchase of each of its members."""

    value: float
    ever: float | None
    variance: float
    p_none: float

    @classmethod
    def of(
        cls, value: Float64, ever: Float64, variance: Float64, p_none: Float64, members: NDArray[np.bool_]
    ) -> Self | None:
        """The mean of some customers; its variance is that of one drawn from them."""
        if int(members.sum()) < FEWEST:
            return None
        own, without_end = value[members], float(ever[members].mean())
        between = float(own.var())
        return cls(
            float(own.mean()),
            without_end if np.isfinite(without_end) else None,
            float(variance[members].mean()) + between,
            float(p_none[members].mean()),
        )
