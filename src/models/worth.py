"""What customers will be worth, as told: a value and an interval each, and the total with one.

In: expected value, variance and chance of no purchase, row by row. Out: quantiles, `LifetimeValues`, `Total`. Where no
classical model speaks of later times, variance and chance are NaN, and so are the bounds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincinv

from .cohorts import Cohort
from .prior import Float64

LEVEL, TOTAL_LEVEL = 0.8, 0.9
NORMAL_90 = 1.6448536269514722
"""Of a normal distribution 90 % lie within so many deviations."""


@dataclass(frozen=True)
class LifetimeValues:
    """A value per row, each of shape (n_rows,), in currency.

    Parameters
    ----------
    value : ndarray of float64, >= 0
        Expected margin within the horizon, discounted.
    low, high : ndarray of float64
        80 % interval of what the customer will really bring; 0 to 0 where most like him buy nothing more.
    ever : ndarray of float64
        The value without a horizon; NaN where the prior has no finite one.
    variance : ndarray of float64
        Of what is really brought.
    head : ndarray of float64
        What of the value lies within the horizons trained.
    basis : ndarray of object
        "purchases", or "newcomer" where the value is that of the cohort.
    """

    value: Float64
    low: Float64
    high: Float64
    ever: Float64
    variance: Float64
    head: Float64
    basis: NDArray[np.object_]

    @classmethod
    def together(cls, parts: Sequence[LifetimeValues]) -> LifetimeValues:
        """Those of several blocks of rows, one after the other."""
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in cls.__dataclass_fields__))


@dataclass(frozen=True)
class Total:
    """What all customers together will bring, in currency, with its interval and the interval's level."""

    value: float
    low: float
    high: float
    level: float = TOTAL_LEVEL


@dataclass(frozen=True)
class Own:
    """Value, value for ever, variance and chance of no purchase, row by row; NaN without a tail."""

    value: Float64
    ever: Float64
    variance: Float64
    p_none: Float64

    def replaced(self, rows: NDArray[np.bool_], cohort: Cohort, least: Float64) -> Own:
        """The same, with the cohort's value in some rows."""

        def with_(own: Float64, other: float) -> Float64:
            return np.where(rows, other, own)

        value = np.where(rows, np.maximum(cohort.value, least), self.value)
        without_end = np.nan if cohort.ever is None else cohort.ever
        ever = np.where(rows, np.maximum(without_end, value), self.ever)
        return Own(value, ever, with_(self.variance, cohort.variance), with_(self.p_none, cohort.p_none))


def quantile(own: Own, share: float) -> Float64:
    """Of nothing at all with chance `p_none`, and a gamma distribution of the same mean and variance otherwise."""
    buys = 1.0 - own.p_none
    mean = own.value / np.where(buys > 0, buys, 1.0)
    square = (own.variance + own.value**2) / np.where(buys > 0, buys, 1.0)
    shape = mean**2 / np.maximum(square - mean**2, 1e-9 * mean**2 + 1e-300)
    out, some = np.zeros(len(buys)), (share > own.p_none) & (own.value > 0)
    within = (share - own.p_none[some]) / buys[some]
    out[some] = gammaincinv(shape[some], within) * mean[some] / shape[some]
    return np.where(np.isnan(own.p_none), np.nan, out)


def total_of(value: float, deviation: float) -> Total:
    """The interval of a total with a relative deviation: log-normal, with the value for its mean.

    Examples
    --------
    >>> found = total_of(100.0, 0.1)
    >>> round(found.low, 1), round(found.high, 1)
    (84.4, 117.2)
    """
    sigma = float(np.sqrt(np.log1p(deviation**2)))
    middle = value * float(np.exp(-0.5 * sigma**2))
    return Total(value, middle * float(np.exp(-NORMAL_90 * sigma)), middle * float(np.exp(NORMAL_90 * sigma)))
