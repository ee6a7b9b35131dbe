"""Lines that bring a classical prior to the level and spread of what really came: on the logit, or on the log of money.

In: a prior on the link scale (NaN where there is none), outcomes, weights. Out: a `Line`. Rows without a prior teach
nothing and get the intercept; without any prior, or with one that says the same of everybody or the opposite of what
came, the intercept alone is learnt, from all rows. One thread makes the sums over rows: the last bits of a sum made by
several would depend on how many they are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from .metrics import TWEEDIE_POWER, logit

Float64 = NDArray[np.float64]


@dataclass(frozen=True)
class Line:
    """intercept + slope x; the intercept where x is missing.

    Examples
    --------
    >>> Line(1.0, 2.0)(np.array([3.0, np.nan])).tolist()
    [7.0, 1.0]
    """

    intercept: float
    slope: float

    def __call__(self, x: Float64) -> Float64:
        return np.where(np.isfinite(x), self.intercept + self.slope * np.where(np.isfinite(x), x, 0.0), self.intercept)


def logistic_line(x: Float64, y: Float64, weight: Float64) -> Line:
    """Logistic regression of an outcome on a prior's logit; the base rate alone where there is no prior."""
    known = np.isfinite(x)
    alone = Line(float(logit(np.array([np.average(y, weights=weight)]))[0]), 0.0)
    if not known.any() or x[known].std() == 0 or y[known].min() == y[known].max():
        return alone
    # Where lines are only read, as in a served bundle, scikit-learn need not be there.
    from sklearn.linear_model import LogisticRegression

    with threadpool_limits(1, user_api="blas"):
        fitted = LogisticRegression(C=1e4, tol=1e-8, max_iter=1000).fit(x[known, None], y[known], weight[known])
    slope = float(fitted.coef_[0, 0])
    return Line(float(fitted.intercept_[0]), slope) if slope > 0 else alone


def poisson_line(x: Float64, y: Float64, weight: Float64) -> Line:
    """Poisson regression with log link of counts on a prior's log; the mean alone without a prior."""
    return _log_line(1.0, x, y, weight)


def tweedie_line(x: Float64, y: Float64, weight: Float64) -> Line:
    """Tweedie regression with log link of money (mean about 1) on a prior's log; the mean alone without a prior."""
    return _log_line(TWEEDIE_POWER, x, y, weight)


def gamma_line(x: Float64, y: Float64, weight: Float64) -> Line:
    """Gamma regression with log link of money above 0 (mean about 1) on a prior's log; the mean alone without one."""
    return _log_line(2.0, x, y, weight)


def _log_line(power: float, x: Float64, y: Float64, weight: Float64) -> Line:
    """Generalised linear regression with variance proportional to mean^power (Jorgensen 1987)."""
    known = np.isfinite(x)
    alone = Line(float(np.log(max(float(np.average(y, weights=weight)), 1e-9))), 0.0)
    if not known.any() or x[known].std() == 0 or not (y[known] > 0).any():
        return alone
    from sklearn.linear_model import TweedieRegressor

    centre = float(x[known].mean())
    model = TweedieRegressor(power=power, alpha=0.0, link="log", max_iter=1000, tol=1e-8)
    with threadpool_limits(1, user_api="blas"):
        fitted = model.fit(x[known, None] - centre, y[known], weight[known])
    slope = float(fitted.coef_[0])
    return Line(float(fitted.intercept_) - slope * centre, slope) if slope > 0 else alone
