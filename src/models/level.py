"""The level: how many fall silent, how much comes in all, beside who; learnt from the classical prior's own residuals.

In: matured training rows, the rows of the day on which one stands, the blend's links there (logits of silence, logs of
money or orders). Out: a `Level`, one shift for all. Boosters rank; their mean is drawn to that of the classical prior,
which knows no season, less what it missed at every cutoff alike. The prior has seen no label, so what it missed a year
earlier (364 days: the same weekday) is honest evidence on the season to come: that twin is used where enough history
lies before it, and counts by how well earlier pairs a year apart agree. Rows without a prior have no say; without any
prior there is no shift.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..clock import Cutoff
from .sample import Sample
from .scales import LOGIT, ORDERS, Scale, Total

Float64 = NDArray[np.float64]
YEAR_DAYS = 364
"""Whole weeks, so that both windows have the same weekdays."""
MIN_GATE_DAYS = 180
HALF = 0.5
CARRIED = "no twin: what is learnt at a shorter horizon says nothing of the season of the longer one"
SWING = 2.0
"""Less than a year of residuals shows about half of a season's swing, so their deviation counts so many times."""
DOUBT = 0.1
"""The error, in logits or logs, that one residual is taken to have as a guess at the prior's bias when it is alone."""
REPEATS = 2 / 3
"""How closely a season is taken to repeat the last one before any pair of years has been seen."""


@dataclass(frozen=True)
class Level:
    """One shift of all logits, or logs, and where it comes from.

    Parameters
    ----------
    shift : float
        Added to every link of the blend.
    anchor : float
        How far the blend's mean is drawn to the prior's: all of the way (1) while the training cutoffs span less than
        half a year, so that boosters know one side of the year only; halfway (1/2) from a year on.
    bias : float
        What is added to the prior's links for the anchor: what it missed at all cutoffs alike.
    twin : str or None
        The date a year earlier whose residual was used.
    weight : float
        Of the twin against the anchor, 0..1.
    residual : float
        What the prior missed at the twin; 0 without one.
    words : str
        Why it is on or off.
    season : float
        The part of the shift that the twin brought: it belongs to this window alone. The rest of the shift, and `bias`
        as what the prior lacks in any window, hold beyond it.
    """

    shift: float
    anchor: float = HALF
    bias: float = 0.0
    twin: str | None = None
    weight: float = 0.0
    residual: float = 0.0
    words: str = "no prior: the boosters' own level"
    season: float = 0.0

    @classmethod
    def fit(
        cls,
        train: Sample,
        now: Sample,
        z: Float64,
        off: str = "",
        anchor: float | None = None,
        scale: Scale = LOGIT,
    ) -> Level:
        """The level of the rows of a day, from matured rows of earlier days.

        Parameters
        ----------
        train, now : Sample
            Of one horizon; `now` without labels.
        z : ndarray of float64, shape (now.n_rows,)
            The blend's links before any shift.
        off : str
            Why the twin may not speak; empty if it may.
        anchor : float, optional
            Default: by the time that the training cutoffs span.
        scale : Scale
            What is predicted: `LOGIT` of silence, `MONEY` or `ORDERS`.
        """
        prior = scale.prior(now)
        known = np.isfinite(prior)
        if not known.any():
            return cls(0.0)
        z, prior = z[known], prior[known]
        if anchor is None:
            days = np.unique(train.panel.cutoff_day)
            anchor = HALF + HALF * min(1.0, max(0.0, 2.0 - 2.0 * float(days[-1] - days[0]) / YEAR_DAYS))
        missed = Residuals.of(train, scale)
        bias = missed.bias(train.horizon_days)
        anchored = scale.drawn(z, prior + bias, anchor)
        found = off or _twin(train, missed, int(now.panel.cutoff_day[0]))
        if isinstance(found, str):
            return cls(anchored, anchor, bias, words=found)
        day, residual, weight = found
        shift = anchored + weight * (scale.drawn(z, prior + residual) - anchored)
        words = f"the season of {day}, a year earlier, weighs {weight:.0%}"
        return cls(shift, anchor, bias, str(day), weight, residual, words, shift - anchored)

    @classmethod
    def carried(cls, train: Sample, now: Sample, z: Float64, scale: Total) -> Level:
        """The level of money or orders over a horizon of which no window has closed, longer than those learnt from.

        How many purchases the prior lacked in shorter windows may be their season, which evens out over a longer one:
        the total is the prior's own, less what it misses every time of the worth of a purchase, as what is returned.
        But where the residuals of orders swing, a season has coloured what it read, too. Then a second witness counts:
        what the same customers repeated over as many days before, if the history covers them. It knows every season
        once, and neither who leaves nor who came late, so it weighs half at most.

        Parameters
        ----------
        train : Sample
            Matured rows of a shorter horizon.
        now : Sample
            Of the horizon asked; without labels.
        z : ndarray of float64, shape (now.n_rows,)
            Logs of what is expected in that horizon, before any shift.
        scale : Total
            `MONEY` or `ORDERS`.
        """
        prior = scale.prior(now)
        known = np.isfinite(prior)
        if not known.any():
            return cls(0.0)
        bought = Residuals.of(train, ORDERS)
        swing = SWING**2 * max(bought.size, 0.0)
        before = scale.residual(prior[known], scale.repeated(now)[known])
        covered = int(now.panel.cutoff_day[0]) - now.starts.day >= now.horizon_days
        share = HALF * swing / (swing + DOUBT**2) if covered else 0.0
        worth = Residuals.of(train, scale).beyond(bought).bias(train.horizon_days)
        bias = worth + (share * before[0] if before else 0.0)
        return cls(scale.drawn(z[known], prior[known] + bias), 1.0, bias, words=CARRIED)

    def figures(self) -> dict[str, Any]:
        """As plain values for JSON; `Level(**figures)` gives it back."""
        return asdict(self)


def gate_days(horizon_days: int) -> int:
    """Days of history that a twin needs before it: the prior's residual on less is mostly the prior's own youth."""
    return max(2 * horizon_days, MIN_GATE_DAYS)


@dataclass(frozen=True)
class Residuals:
    """What the prior missed at each training cutoff, on a scale, and the variance of its luck of the draw.

    Parameters
    ----------
    day : ndarray of int64, ascending
    missed, variance : ndarray of float64
    """

    day: NDArray[np.int64]
    missed: Float64
    variance: Float64

    @classmethod
    def of(cls, train: Sample, scale: Scale = LOGIT) -> Residuals:
        """Of the cutoffs at which there is a prior and something to miss: both outcomes, or any money."""
        prior, target, day = scale.prior(train), scale.target(train), train.panel.cutoff_day
        found = []
        for c in np.unique(day).tolist():
            rows = (day == c) & np.isfinite(prior)
            residual = scale.residual(prior[rows], target[rows])
            if residual is not None:
                found.append((c, *residual))
        days, missed, variance = zip(*found, strict=True) if found else ((), (), ())
        return cls(np.array(days, np.int64), np.array(missed, np.float64), np.array(variance, np.float64))

    def beyond(self, other: Residuals) -> Residuals:
        """What was missed beyond another's, at the days of both: of money beyond orders, the worth of an order."""
        mine, others = (np.flatnonzero(np.isin(a.day, b.day)) for a, b in ((self, other), (other, self)))
        return Residuals(self.day[mine], self.missed[mine] - other.missed[others], self.variance[mine])

    @property
    def size(self) -> float:
        """The mean square of what was missed, less that of luck; negative where luck would make more of it."""
        return float(np.mean(np.square(self.missed)) - np.mean(self.variance)) if len(self.day) else 0.0

    def at(self, day: int) -> tuple[float, float] | None:
        """What was missed, and its variance, at a day between two cutoffs; None outside them."""
        if not len(self.day) or not self.day[0] <= day <= self.day[-1]:
            return None
        return float(np.interp(day, self.day, self.missed)), float(np.interp(day, self.day, self.variance))

    def bias(self, horizon_days: int) -> float:
        """What the prior misses every time: the mean residual m, shrunk to m^2 / (m^2 + error^2) of it.

        What swings is the season's and not the prior's, so the error is twice the deviation of the residuals, and a
        doubt besides, which falls with the number of windows that do not overlap.
        """
        if not len(self.day):
            return 0.0
        step = float(np.diff(self.day).min()) if len(self.day) > 1 else float(horizon_days)
        windows = max(1.0, len(self.day) * min(1.0, step / horizon_days))
        mean = float(self.missed.mean())
        error = SWING**2 * float(self.missed.var()) + DOUBT**2 / windows
        return mean**3 / (mean**2 + error)

    def weight(self, since: int, luck: float) -> float:
        """How much a residual a year old is worth, judged by the cutoffs since a day; `luck` is its own variance.

        The best linear guess at a residual from that of a year before is r times it, r their correlation. Pairs a year
        apart that differ by d on average tell of it, as E d^2 = 2 v (1 - r) with v the mean square of residuals; it
        starts at `REPEATS` with the weight of one pair. Luck of the draw is taken out of d^2 and v, and shrinks r.
        """
        late = self.day >= since
        if not late.any():
            return 0.0
        size = replace(self, day=self.day[late], missed=self.missed[late], variance=self.variance[late]).size
        if size <= 0:
            return 0.0
        apart = []
        for c, m, variance in zip(self.day[late].tolist(), self.missed[late], self.variance[late], strict=True):
            before = self.at(c - YEAR_DAYS) if c - YEAR_DAYS >= since else None
            if before is not None:
                apart.append(max(float(m - before[0]) ** 2 - float(variance) - before[1], 0.0))
        spread = (2 * size * (1 - REPEATS) + sum(apart)) / (1 + len(apart))
        return max(0.0, 1 - spread / (2 * size)) * size / (size + luck)


def _twin(train: Sample, missed: Residuals, now: int) -> tuple[Cutoff, float, float] | str:
    """The twin's date, the prior's residual there and its weight; or why there is none."""
    day, gate = now - YEAR_DAYS, gate_days(train.horizon_days)
    if day - train.starts.day < gate:
        return f"no twin: a year before {Cutoff(now)} less than {gate} days of history lie behind it"
    here = missed.at(day)
    if here is None:
        return f"no twin: the windows around {Cutoff(day)}, a year earlier, are not among the training cutoffs"
    residual, luck = here
    return Cutoff(day), residual, missed.weight(train.starts.day + gate, luck)
