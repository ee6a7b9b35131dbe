"""The difference of two arms, with what was known before taken out of the noise.

In: an outcome, who was treated, and covariates from before the assignment. Out: an `Adjusted` difference of means
with a robust standard error. Each arm gets a regression of its own, evaluated at the mean of both together; without
covariates it is the plain difference of means. A missing covariate counts as the mean, and its being missing as one
more covariate. Rows of one customer may be declared to belong together.

Lin (2013), doi:10.1214/12-AOAS583: such an adjustment never costs precision in large samples, whatever the truth.
Deng, Xu, Kohavi & Walker (2013), doi:10.1145/2433396.2433413: why earlier spend is the covariate to take (CUPED).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

Float64 = NDArray[np.float64]
Bool = NDArray[np.bool_]

ROWS_PER_COVARIATE = 20
"""So many rows of the smaller arm are needed for each covariate; with fewer the last ones are left out."""
LEVEL = 0.95
_LEVERAGE = 1 - 1e-6
_GRAIN = 1e-11


@dataclass(frozen=True)
class Adjusted:
    """A difference between two arms, per row.

    Parameters
    ----------
    estimate, se : float
        Treated less control, and its standard error.
    degrees : float
        Of freedom: how far the standard error itself is to be trusted (Welch-Satterthwaite).
    plain, plain_se : float
        The same without covariates.
    treated_mean, control_mean : float
        Plain (weighted) means of the arms.
    covariates : int
        So many were used.

    Examples
    --------
    >>> adjusted(np.array([3.0, 5.0, 1.0, 3.0]), np.array([True, True, False, False])).estimate
    2.0
    """

    estimate: float
    se: float
    degrees: float
    plain: float
    plain_se: float
    treated_mean: float
    control_mean: float
    covariates: int

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval."""
        half = float(stdtrit(self.degrees, 0.5 + LEVEL / 2)) * self.se
        return self.estimate - half, self.estimate + half

    @property
    def p(self) -> float:
        """Chance of a difference at least so large where there is none; 1 where nothing varies."""
        if self.se == 0:
            return 1.0 if self.estimate == 0 else 0.0
        return float(2 * stdtr(self.degrees, -abs(self.estimate) / self.se))

    @property
    def less_variance(self) -> float:
        """By which share the covariates made the variance smaller; below 0 where they made it larger."""
        return 1 - (self.se / self.plain_se) ** 2 if self.plain_se > 0 else 0.0


def adjusted(
    outcome: Float64,
    treated: Bool,
    covariates: Float64 | None = None,
    weight: Float64 | None = None,
    cluster: NDArray[np.int64] | None = None,
) -> Adjusted:
    """Treated less control, adjusted for covariates in each arm by itself.

    Parameters
    ----------
    outcome : ndarray of float64, shape (n,)
    treated : ndarray of bool, shape (n,)
        Two rows at least of either arm.
    covariates : ndarray of float64, shape (n, k), optional
        From before the assignment; the most telling first.
    weight : ndarray of float64, shape (n,), optional
        One by the chance of the arm that the row is in, where chances differ (Horvitz & Thompson 1952, normalised).
    cluster : ndarray of int64, shape (n,), optional
        Rows of the same number belong together, such as one customer in several waves.

    Examples
    --------
    >>> before = np.array([1.0, 2.0, 3.0, 4.0] * 20)
    >>> treated = np.arange(80) % 8 < 4
    >>> found = adjusted(before + treated + 0.1 * np.sin(np.arange(80)), treated, before[:, None])
    >>> round(found.estimate, 2), found.less_variance > 0.9
    (1.0, True)
    """
    w = np.ones(len(outcome)) if weight is None else np.asarray(weight, np.float64)
    smaller = int(min(treated.sum(), (~treated).sum()))
    x = usable(covariates, smaller, len(outcome))
    centred = x - np.average(x, axis=0, weights=w) if x.shape[1] else x
    plain = _difference(outcome, treated, x[:, :0], w, cluster)
    estimate, se, degrees = _difference(outcome, treated, centred, w, cluster) if x.shape[1] else plain
    means = [float(np.average(outcome[arm], weights=w[arm])) for arm in (treated, ~treated)]
    return Adjusted(estimate, se, degrees, plain[0], plain[1], means[0], means[1], x.shape[1])


def averaged(parts: Sequence[tuple[Adjusted, float]]) -> Adjusted:
    """Differences of groups that have nobody in common, each with its share of all customers.

    Examples
    --------
    >>> one = adjusted(np.array([3.0, 5.0, 1.0, 3.0]), np.array([True, True, False, False]))
    >>> both = averaged([(one, 0.5), (one, 0.5)])
    >>> both.estimate, round(both.se / one.se, 3)
    (2.0, 0.707)
    """
    if len(parts) == 1:
        return parts[0][0]
    found, share = [one for one, _ in parts], np.array([size for _, size in parts])

    def mean(values: Sequence[float]) -> float:
        return float(share @ np.array(values))

    variance = share**2 * np.array([one.se for one in found]) ** 2
    below = float((variance**2 / np.array([one.degrees for one in found])).sum())
    plain = float(np.sqrt((share**2 * np.array([one.plain_se for one in found]) ** 2).sum()))
    return Adjusted(
        mean([one.estimate for one in found]),
        float(np.sqrt(variance.sum())),
        float(variance.sum() ** 2 / below) if below > 0 else sum(one.degrees for one in found),
        mean([one.plain for one in found]),
        plain,
        mean([one.treated_mean for one in found]),
        mean([one.control_mean for one in found]),
        max(one.covariates for one in found),
    )


def usable(covariates: Float64 | None, smaller: int, rows: int) -> Float64:
    """Covariates that vary, with what is missing filled and marked, as many as the smaller arm carries.

    Examples
    --------
    >>> usable(np.array([[1.0, 5.0], [2.0, 5.0], [np.nan, 5.0]]), 100, 3)[:, 0].round(2).tolist()
    [-1.22, 1.22, 0.0]
    """
    if covariates is None or not covariates.shape[1]:
        return np.zeros((rows, 0))
    found = []
    for column in np.asarray(covariates, np.float64).T:
        known = np.isfinite(column)
        if not known.any():
            continue
        found.append(np.where(known, column, column[known].mean()))
        if not known.all():
            found.append((~known).astype(np.float64))
    scaled = [(c - c.mean()) / c.std() for c in found if c.std() > 1e-12 * max(1.0, float(np.abs(c).max()))]
    room = smaller // ROWS_PER_COVARIATE - 1
    return np.column_stack(scaled[: max(room, 0)]) if scaled and room > 0 else np.zeros((rows, 0))


def _difference(
    y: Float64, treated: Bool, x: Float64, w: Float64, cluster: NDArray[np.int64] | None
) -> tuple[float, float, float]:
    """Difference of the arms' regressions at 0, its standard error, degrees of freedom."""
    ones = _arm(y[treated], x[treated], w[treated])
    zeros = _arm(y[~treated], x[~treated], w[~treated])
    # What is left of rounding is nothing: a difference of 1e-16 that never varies would count as certain.
    grain = _GRAIN * max(float(np.abs(y).max()), 1e-300)
    estimate = ones[0] - zeros[0] if abs(ones[0] - zeros[0]) > grain else 0.0
    if cluster is not None:
        influence = np.empty(len(y))
        influence[treated], influence[~treated] = ones[1], -zeros[1]
        _, number = np.unique(cluster, return_inverse=True)
        sums = np.bincount(number, influence)
        groups = len(sums)
        return estimate, float(np.sqrt((sums**2).sum() * groups / max(groups - 1, 1))), float(max(groups - 1, 1))
    parts = [(float((influence**2).sum()), len(influence) - x.shape[1] - 1) for _, influence in (ones, zeros)]
    total = sum(v for v, _ in parts)
    below = sum(v**2 / max(n, 1) for v, n in parts)
    return estimate, float(np.sqrt(total)), total**2 / below if below > 0 else float(min(n for _, n in parts) or 1)


def _arm(y: Float64, x: Float64, w: Float64) -> tuple[float, Float64]:
    """The regression of one arm at 0, and what each row adds to its error: HC2, MacKinnon & White (1985)."""
    design = np.column_stack([np.ones(len(y)), x])
    inverse = np.linalg.pinv((design * w[:, None]).T @ design, hermitian=True)
    beta = inverse @ (design.T @ (w * y))
    error = y - design @ beta
    error[np.abs(error) <= _GRAIN * np.abs(y).max()] = 0.0
    leverage = np.minimum(w * ((design @ inverse) * design).sum(axis=1), _LEVERAGE)
    return float(beta[0]), np.asarray((design @ inverse[0]) * w * error / np.sqrt(1 - leverage))
