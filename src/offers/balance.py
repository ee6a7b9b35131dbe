"""Whether the arms were alike before anything was done to them: what people who were drawn by lot must be.

In: a trial and one of its arms. Out: a `Balance`: the gap in every covariate from before the assignment, and the chance
of gaps so large in all of them together. Without covariates nothing speaks against the arms (chance 1), and nothing for
them. A missing covariate counts as the mean, and its being missing as one more.

Hansen & Bowers (2008), doi:10.1214/08-STS254: one test over all covariates.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc

from .cuped import adjusted, usable
from .spoken import amount
from .trial import Float64, Trial

Bool = NDArray[np.bool_]

LEAST_CHANCE = 0.001


@dataclass(frozen=True)
class Gap:
    """How far treated customers were from the others before.

    Parameters
    ----------
    name : str
    gap, low, high : float
        Treated less control, and its 95 % interval.
    spreads : float
        The gap in standard deviations of the control.
    """

    name: str
    gap: float
    low: float
    high: float
    spreads: float

    @property
    def words(self) -> str:
        """As a part of a sentence."""
        more = "more" if self.gap >= 0 else "less"
        ends = f"{amount(self.low)} to {amount(self.high)}"
        return f"{self.name}: {amount(abs(self.gap))} {more} before anything was sent (95 % interval {ends})"


@dataclass(frozen=True)
class Balance:
    """All gaps of an arm, the widest (in standard errors) first, and what they amount to.

    Parameters
    ----------
    arm : str
    gaps : tuple of Gap
    p : float
        Chance of gaps at least so large in arms that were drawn by lot.
    """

    arm: str
    gaps: tuple[Gap, ...]
    p: float

    def figures(self) -> dict[str, Any]:
        """As plain values for JSON."""
        return {"arm": self.arm, "p": self.p, "gaps": [vars(gap) | {"words": gap.words} for gap in self.gaps]}


def balance(trial: Trial, arm: int) -> Balance:
    """How alike one arm and the control were.

    Examples
    --------
    >>> before, number = np.array([[1.0], [2.0], [3.0], [4.0]] * 50), np.array([0, 1, 1, 0] * 50)
    >>> round(balance(Trial(("no", "yes"), number, {}, before, ("spend",), None), 1).p, 2)
    1.0
    """
    rows = (trial.arm == arm) | (trial.arm == 0)
    here, treated = trial.only(rows), trial.arm[rows] == arm
    weight = None if here.propensity is None else 1 / here.propensity
    if min(treated.sum(), (~treated).sum()) < 2:
        return Balance(trial.arms[arm], (), 1.0)
    gaps = [gap for i in range(len(here.names)) if (gap := _gap(here, treated, weight, i)) is not None]
    widest = sorted(gaps, key=lambda gap: -abs(gap.gap) / max(gap.high - gap.low, 1e-300))
    return Balance(trial.arms[arm], tuple(widest), _joint(here, treated, weight))


def _gap(trial: Trial, treated: Bool, weight: Float64 | None, column: int) -> Gap | None:
    values = trial.covariates[:, column]
    known = np.isfinite(values)
    here = treated[known]
    if min(here.sum(), (~here).sum()) < 2 or np.ptp(values[known]) == 0:
        return None
    weighed = None if weight is None else weight[known]
    grouped = None if trial.cluster is None else trial.cluster[known]
    found = adjusted(values[known], here, None, weighed, grouped)
    spread = float(values[known][~here].std())
    low, high = found.interval
    return Gap(trial.names[column], found.estimate, low, high, found.estimate / spread if spread > 0 else 0.0)


def _joint(trial: Trial, treated: Bool, weight: Float64 | None) -> float:
    """Hotelling's statistic of all covariates, with the errors of each arm its own, as a chi-square."""
    x = usable(trial.covariates, int(min(treated.sum(), (~treated).sum())), trial.n)
    if not x.shape[1]:
        return 1.0
    w = np.ones(trial.n) if weight is None else weight
    gap, influence = np.zeros(x.shape[1]), np.empty_like(x)
    for arm, sign in ((treated, 1.0), (~treated, -1.0)):
        mean = np.average(x[arm], axis=0, weights=w[arm])
        gap += sign * mean
        influence[arm] = sign * (x[arm] - mean) * (w[arm] / w[arm].sum())[:, None]
    if trial.cluster is not None:
        _, number = np.unique(trial.cluster, return_inverse=True)
        influence = np.column_stack([np.bincount(number, column) for column in influence.T])
    variance = influence.T @ influence
    sizes, axes = np.linalg.eigh(variance)
    kept = sizes > 1e-10 * sizes[-1]
    return float(chdtrc(int(kept.sum()), ((axes.T @ gap)[kept] ** 2 / sizes[kept]).sum())) if kept.any() else 1.0
