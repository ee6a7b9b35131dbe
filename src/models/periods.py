"""What predictions of earlier cutoffs missed as a whole, and how much the next may miss: the noise between periods.

In: P(none), a scale of spend given any, and the spend that came, of rows at several cutoffs. Out: `Periods`: per cutoff
the shift of all logits of P(none) and of all logs of money that was its own, beyond the luck of the draw and beyond
what all cutoffs lacked alike; and the size of such a shift to expect at a cutoff to come. All rows must have both
predictions.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .metrics import logit, shift_to
from .scales import tempered

Float64 = NDArray[np.float64]
USUAL_LOGIT = 0.15
"""The shift of P(none), in logits, that one expects before any cutoff was seen: counts as much as one cutoff."""
USUAL_LOG = 0.05
"""The same of the log of money given any."""
UNSEEN_LOGIT, UNSEEN_LOG = 0.3, 0.1
"""What is taken where no cutoff can tell: about the root mean square over shops with a season and without."""

CERTAIN = 2.0
"""A mean is taken to last so far as it exceeds so many times its error."""


@dataclass(frozen=True)
class Periods:
    """Shifts of whole cutoffs.

    Parameters
    ----------
    logit, log : ndarray of float64, shape (n_rows,)
        What each row's cutoff lacked and others did not: added to the logit of P(none), and to the log of the scale.
    logit_spread, log_spread : float
        The root mean square of what cutoffs lacked.

    Examples
    --------
    >>> p, spend = np.full(2000, 0.5), np.repeat([0.0, 1.0], 1000)
    >>> periods = Periods.of(p, np.ones(2000), spend, np.zeros(2000, np.int64))
    >>> float(abs(periods.logit).max()), round(periods.logit_spread, 4)  # sqrt(.15 ** 2 / 2)
    (0.0, 0.1061)
    """

    logit: Float64
    log: Float64
    logit_spread: float
    log_spread: float

    @classmethod
    def of(cls, p_none: Float64, scale: Float64, spend: Float64, cutoff: NDArray[np.int64]) -> Periods:
        """Of rows of cutoffs that are numbered from 0; probabilities inside (0, 1), scales above 0."""
        numbers = range(int(cutoff.max(initial=-1)) + 1)
        rows = [np.flatnonzero(cutoff == k) for k in numbers]
        silent = np.array([_logit_shift(p_none[r], spend[r]) for r in rows])
        money = np.array([_log_shift(scale[r], spend[r]) for r in rows])
        own_silent, own_money = silent - lasting(silent, USUAL_LOGIT), money - lasting(money, USUAL_LOG)
        return cls(own_silent[cutoff], own_money[cutoff], _spread(silent, USUAL_LOGIT), _spread(money, USUAL_LOG))

    @classmethod
    def unseen(cls, p_none: Float64, scale: Float64, spend: Float64, cutoff: NDArray[np.int64]) -> Periods:
        """Of rows whose own periods were learnt from: their shifts are taken out, but say nothing of those to come."""
        return replace(cls.of(p_none, scale, spend, cutoff), logit_spread=UNSEEN_LOGIT, log_spread=UNSEEN_LOG)


def lasting(shifts: Float64, usual: float) -> float:
    """What all cutoffs lacked alike: their mean, shrunk to 1 - (2 error / mean)^2 of it, or to nothing.

    One cutoff alone does not tell the period from what lasts. Shifts count as no more alike than is usual.

    Examples
    --------
    >>> lasting(np.array([0.3]), 0.15), lasting(np.array([0.5, -0.3, 0.1]), 0.15)
    (0.0, 0.0)
    >>> round(lasting(np.array([0.3, 0.3, 0.3]), 0.15), 4)  # error^2 = .15^2 / 3, so .3 (1 - .03 / .09)
    0.2
    """
    n, mean = len(shifts), float(shifts.mean())
    if n < 2 or not mean:
        return 0.0
    error2 = max(float(shifts.var(ddof=1)), usual**2) / n
    return mean * max(0.0, 1 - CERTAIN**2 * error2 / mean**2)


def _spread(shifts: Float64, usual: float) -> float:
    return float(np.sqrt((usual**2 + np.square(shifts).sum()) / (1 + len(shifts))))


def _logit_shift(p_none: Float64, spend: Float64) -> float:
    """What all logits lacked; the variance of its luck is one over the information."""
    n = len(spend)
    share = float(np.clip((spend <= 0).mean(), 0.5 / n, 1 - 0.5 / n))
    return _beyond_luck(shift_to(logit(p_none), share), 1 / float((p_none * (1 - p_none)).sum()))


def _log_shift(scale: Float64, spend: Float64) -> float:
    """The log of money over what was meant for those who spent any; the variance by the delta method.

    Giants on one side only are tempered: their luck is no period's.
    """
    any_spent = spend > 0
    if any_spent.sum() < 2:
        return 0.0
    came, meant = spend[any_spent], scale[any_spent]
    both = np.minimum(came, meant)
    y, m = np.maximum(both, tempered(came)), np.maximum(both, tempered(meant))
    ratio = float(y.sum() / m.sum())
    return _beyond_luck(float(np.log(ratio)), float(np.square(y - ratio * m).sum() / y.sum() ** 2))


def _beyond_luck(shift: float, variance: float) -> float:
    """Shrunk to 1 - variance / shift^2 of it, or to nothing (James & Stein 1961, the positive part, for one number)."""
    return shift * max(0.0, 1 - variance / shift**2) if shift else 0.0
