"""Late for this customer: the gap that is usual for them, and how likely a silence as long as the present one is.

In: the classical models at a cutoff and the rhythm of customers there. Out: `Lateness` per row: the usual gap in days,
P(a silence at least so long | still active), whether that is rare. Where no classical model could be fitted both are
NaN and nobody is late.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..features.panel import Rhythm
from .prior import Prior

Float64 = NDArray[np.float64]
RARE = 0.10
"""Who is silent for longer than nine of ten gaps would last is late."""
_HALVINGS = 60
MOST_DAYS = 3650.0
"""Ten years stand for any longer gap: of shoppers who hardly ever come back the median runs off to any number."""


@dataclass(frozen=True)
class Lateness:
    """How late customers are, each of shape (n_rows,).

    Parameters
    ----------
    usual_gap_days : ndarray of float64
        Median days from their last purchase to the next, had one known them on that day and were they to stay.
    p_so_late : ndarray of float64, in (0, 1]
        Chance that a customer who is still active is silent for as long as this one is.

    Examples
    --------
    A weekly shopper, silent for seven days and for four weeks:

    >>> from .pareto_nbd import ParetoNbd
    >>> prior = Prior(None, ParetoNbd(r=1.0, alpha=7.0, s=1.0, beta=300.0), None, 10.0)
    >>> x, t_x = np.array([52.0, 52.0]), np.array([364.0, 364.0])
    >>> found = Lateness.of(prior, Rhythm(x, t_x, t_x + [7, 28], x, x))
    >>> found.usual_gap_days.round(2).tolist(), found.p_so_late.round(3).tolist(), found.late.tolist()
    ([4.88, 4.88], [0.371, 0.021], [False, True])
    """

    usual_gap_days: Float64
    p_so_late: Float64

    @property
    def late(self) -> NDArray[np.bool_]:
        """Whether an active customer would rarely be silent for so long."""
        return np.asarray(self.p_so_late < RARE)

    @classmethod
    def of(cls, prior: Prior, rhythm: Rhythm) -> Lateness:
        """By Pareto/NBD, or BG/NBD where that could not be fitted.

        On the day of the last purchase, x repeat purchases in t_x days leave a customer's rate distributed as
        gamma(r + x, alpha + t_x) in both models (Schmittlein, Morrison & Colombo 1987, doi:10.1287/mnsc.33.1.1; Fader,
        Hardie & Lee 2005, doi:10.1287/mksc.1040.0098). The mean over it of exp(-rate s) is the chance of a silence of
        at least s days: S(s) = ((alpha + t_x) / (alpha + t_x + s))^(r + x), which is Lomax's law. The silence so far
        is s = T - t_x; S(s) = 1/2 gives the usual gap, (alpha + t_x) (2^(1 / (r + x)) - 1).
        """
        model = prior.pareto or prior.bg
        if model is None:
            return cls(*(np.full(len(rhythm.T), np.nan) for _ in range(2)))
        shape, rate = model.r + rhythm.frequency, model.alpha + rhythm.recency
        with np.errstate(over="ignore"):  # beyond ten years it is cut off below
            usual = rate * np.expm1(np.log(2.0) / shape)
        return cls(np.minimum(usual, MOST_DAYS), np.exp(-shape * np.log1p((rhythm.T - rhythm.recency) / rate)))


def days_overdue(recency_days: Float64, usual_gap_days: Float64) -> Float64:
    """For how many days silences have been longer than the usual gap: 1 on the first day; missing where they are not.

    The silence on a day are the whole days since that of the last purchase, one less than `recency_days`.

    Examples
    --------
    >>> days_overdue(np.array([5.0, 6.0, 9.0]), np.full(3, 4.88)).tolist()
    [nan, 1.0, 4.0]
    """
    silent = np.asarray(recency_days, np.float64) - 1
    with np.errstate(invalid="ignore"):
        return np.where(silent > usual_gap_days, silent - np.floor(usual_gap_days), np.nan)


def days_late(recency_days: Float64, usual_gap_days: Float64, p_so_late: Float64) -> Float64:
    """For how many days silences have been unusual: 1 on the first day on which one is late; missing of who is not.

    Of Lomax's law, (b / (b + s))^a, two points are known: 1/2 at the usual gap u, and `p_so_late` at the silence s so
    far. With b fixed the first gives a = log 2 / log(1 + u / b); then log(1 + s / b) / log(1 + u / b), which rises
    with b, is -log2 of the second. b is found by halving, and the law is `RARE` at b ((1 + u / b)^log2(1 / RARE) - 1).

    Examples
    --------
    The weekly shopper above: a = 53, b = 371, so that a silence is unusual beyond 371 (10^(1/53) - 1) = 16.5 days.

    >>> silent = np.array([16.0, 17.0, 28.0])
    >>> p = (371 / (371 + silent)) ** 53
    >>> days_late(silent + 1, np.full(3, 371 * (2 ** (1 / 53) - 1)), p).tolist()
    [nan, 1.0, 12.0]
    """
    found = np.full(len(recency_days), np.nan)
    rows = np.flatnonzero(p_so_late < RARE)
    silent, usual = np.asarray(recency_days, np.float64)[rows] - 1, usual_gap_days[rows]
    with np.errstate(divide="ignore"):
        aim = -np.log2(p_so_late[rows])
    low, high = np.full(len(rows), -30.0), np.full(len(rows), 30.0)
    for _ in range(_HALVINGS if len(rows) else 0):
        middle = (low + high) / 2
        scale = usual * np.exp(middle)
        above = np.log1p(silent / scale) > aim * np.log1p(usual / scale)
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    scale = usual * np.exp(high)
    until = scale * np.expm1(np.log2(1 / RARE) * np.log1p(usual / scale))
    # A bound that is a whole number of days stays one, whatever rounding makes of it.
    found[rows] = np.maximum(silent - np.floor(until + 1e-6), 1.0)
    return found
