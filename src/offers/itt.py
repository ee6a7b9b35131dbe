"""What being assigned to an arm did to customers, whether or not the offer then reached them (intention to treat).

In: a trial and an arm. Out: an `Effect` for each outcome: per customer, in all, with a 95 % interval, the chance that
it is none, what could have been found, and a sentence. Arms of fewer than ten customers have no effect to speak of:
None.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .cuped import Adjusted, adjusted, averaged
from .power import multiple
from .spoken import amount, between
from .trial import POINTS, Trial

LEAST = 10
"""Customers that either arm must have."""
ALONE = 40
"""Customers in either arm with which a group is compared by itself: enough for the most telling covariate."""
CHANCE = 0.05
Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Effect:
    """Treated less control, of one outcome.

    Parameters
    ----------
    arm, outcome : str
    unit : str
        `POINTS`, a currency, or nothing; estimates are per customer in it.
    treated, control : int
        Customers (rows) of the arms.
    found : Adjusted
    p_holm : float
        The chance of `found`, raised for so many arms (Holm).
    """

    arm: str
    outcome: str
    unit: str
    treated: int
    control: int
    found: Adjusted
    p_holm: float

    @property
    def estimate(self) -> float:
        """Per customer; in points where the unit is points."""
        return self.found.estimate * self._factor

    @property
    def se(self) -> float:
        """Its standard error."""
        return self.found.se * self._factor

    @property
    def low(self) -> float:
        """Lower end of the 95 % interval."""
        return self.found.interval[0] * self._factor

    @property
    def high(self) -> float:
        """Upper end of the 95 % interval."""
        return self.found.interval[1] * self._factor

    @property
    def total(self) -> tuple[float, float, float]:
        """What it is for all treated together: lower end, estimate, upper end; of points: customers."""
        n = self.treated
        return n * self.found.interval[0], n * self.found.estimate, n * self.found.interval[1]

    @property
    def detectable(self) -> float:
        """An effect of this size would have been found four times out of five."""
        return multiple() * self.se

    @property
    def sure(self) -> bool:
        """Whether it can be told from zero, with so many arms looked at."""
        return self.p_holm < CHANCE

    @property
    def _factor(self) -> float:
        return 100.0 if self.unit == POINTS else 1.0

    @property
    def words(self) -> str:
        """What was found, as a sentence."""
        told = f"{self.outcome}, {self.arm}"
        if not self.se and not self.estimate:
            return f"{told}: the same in both arms."
        ends = f"{between(self.low, self.high, self.unit)}{'' if self.unit == POINTS else ' per customer'}"
        if self.sure:
            size = amount(abs(self.estimate), self.unit)
            more = "more" if self.estimate > 0 else "less"
            each = "" if self.unit == POINTS else " per customer"
            return f"{told}: {size}{each} {more} ({ends}, with 95 % certainty); {self._in_all}."
        could = f"{amount(self.detectable, self.unit)} or more would have been found four times out of five"
        if self.found.p < CHANCE:
            return (
                f"{told}: {ends} by itself, but of so many comparisons one may look like this by chance: not "
                f"distinguishable from zero."
            )
        return f"{told}: not distinguishable from zero, {ends}; {could}."

    @property
    def _in_all(self) -> str:
        low, middle, high = self.total
        if self.unit == POINTS:
            return f"in all {middle:,.0f} customers ({low:,.0f} to {high:,.0f}) of {self.treated:,} treated"
        return f"in all {amount(middle, self.unit)} ({amount(low)} to {amount(high)}) of {self.treated:,} treated"

    def figures(self) -> dict[str, Any]:
        """As plain values for JSON."""
        low, middle, high = self.total
        return {
            "what": self.arm,
            "outcome": self.outcome,
            "unit": POINTS if self.unit == POINTS else "per customer",
            "treated": self.treated,
            "control": self.control,
            "treated_mean": self.found.treated_mean * self._factor,
            "control_mean": self.found.control_mean * self._factor,
            "estimate": self.estimate,
            "se": self.se,
            "low": self.low,
            "high": self.high,
            "p": self.found.p,
            "p_holm": self.p_holm,
            "sure": self.sure,
            "plain": self.found.plain * self._factor,
            "plain_se": self.found.plain_se * self._factor,
            "less_variance": self.found.less_variance,
            "covariates": self.found.covariates,
            "detectable": self.detectable,
            "total": {"low": low, "estimate": middle, "high": high},
            "words": self.words,
        }


def difference(trial: Trial, arm: int, outcome: str) -> Adjusted | None:
    """One arm less the control in one outcome; None where either has fewer than ten customers.

    Groups within which was drawn, such as waves, are compared each by itself, and the differences averaged by size
    (Imbens & Rubin 2015, chapter 9); small groups are compared together, with the group as a covariate.

    Examples
    --------
    >>> spend, arm = np.array([1.0, 2.0] * 20 + [2.0, 3.0] * 20), np.repeat([0, 1], 40)
    >>> found = difference(Trial(("no", "mail"), arm, {"spend": spend}, np.zeros((80, 0)), (), "drawn"), 1, "spend")
    >>> found is not None and found.estimate
    1.0
    """
    rows = np.flatnonzero((trial.arm == arm) | (trial.arm == 0))
    treated = trial.arm[rows] == arm
    if min(int(treated.sum()), int((~treated).sum())) < LEAST:
        return None
    parts = [_within(trial, rows[here], arm, outcome) for here in _groups(trial, rows, treated)]
    return averaged([(found, n / len(rows)) for found, n in parts])


def _groups(trial: Trial, rows: Rows, treated: NDArray[np.bool_]) -> list[Rows]:
    """Places among the rows: each large group, and all small ones together."""
    everybody = np.arange(len(rows))
    if trial.strata is None or trial.cluster is not None:
        return [everybody]
    _, stratum = np.unique(trial.strata[rows], return_inverse=True)
    smaller = np.minimum(np.bincount(stratum, treated), np.bincount(stratum, ~treated))
    large = np.flatnonzero(smaller >= ALONE)
    rest = np.flatnonzero(~np.isin(stratum, large))
    if len(rest) and min(int(treated[rest].sum()), int((~treated[rest]).sum())) < LEAST:
        return [everybody]
    return [*(np.flatnonzero(stratum == one) for one in large), *([rest] if len(rest) else [])]


def _within(trial: Trial, rows: Rows, arm: int, outcome: str) -> tuple[Adjusted, int]:
    known = trial.covariates[rows]
    if trial.strata is not None:
        strata = trial.strata[rows]
        known = np.column_stack([known, *((strata == kind).astype(np.float64) for kind in np.unique(strata)[1:])])
    weight = None if trial.propensity is None else 1 / trial.propensity[rows]
    cluster = None if trial.cluster is None else trial.cluster[rows]
    return adjusted(trial.outcomes[outcome][rows], trial.arm[rows] == arm, known, weight, cluster), len(rows)
