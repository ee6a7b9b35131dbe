"""When the next order comes: the middle half of its days, given the silence so far and that one comes within a year.

In: P(no purchase) of several horizons that agree, and the prior, whose shape leads on to a year. Out: three days per
row, counted from the day on which one stands (0 is that very day), and their dates; none where an order within a year
is less likely than not. Where the prior is missing the last known pace goes on, and where nothing is known no date is
named.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .metrics import logit, sigmoid
from .sample import Sample

Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]
YEAR = 365
TAIL = (180, YEAR)
"""Where the prior is asked beyond the horizons known; it must speak of these days."""
QUARTILES = (0.25, 0.5, 0.75)
LIKELY = 0.5
"""No date is named for an order within a year that is less likely than this."""


@dataclass(frozen=True)
class NextOrder:
    """The days of the next order.

    Parameters
    ----------
    p_year : ndarray of float64, shape (n_rows,)
        P(an order within a year).
    days : ndarray of int64, shape (3, n_rows)
        Days after the one on which one stands, at the quartiles of its distribution; -1 where no date is named.
    """

    p_year: Float64
    days: Int64

    @classmethod
    def of(cls, silent: Mapping[int, Float64], sample: Sample) -> NextOrder:
        """From P(no purchase) by horizon in days, not rising with the horizon.

        Parameters
        ----------
        silent : dict of int to ndarray of float64, shape (n_rows,)
        sample : Sample
            The rows; its prior speaks of `TAIL` and of the longest horizon of at most a year.
        """
        days, log_s = _survival(silent, sample)
        bought = -np.expm1(log_s[-1])
        found = np.stack([_reached(days, log_s, np.log1p(-q * bought)) for q in QUARTILES])
        return cls(bought, np.where(bought < LIKELY, -1, found))

    def dates(self, cutoff_day: Int64) -> tuple[NDArray[np.object_], ...]:
        """ISO dates of the three days, given the day numbers on which one stands; "" where no date is named."""
        first = int(cutoff_day.min(initial=0 if not len(cutoff_day) else cutoff_day[0]))
        last = int(cutoff_day.max(initial=first)) + YEAR
        # Few days occur: each is written once. The place before them stands for no date.
        named = np.array(["", *np.arange(first, last).astype("datetime64[D]").astype(str)], object)
        return tuple(named[np.where(days < 0, 0, cutoff_day + days - first + 1)] for days in self.days)


def _survival(silent: Mapping[int, Float64], sample: Sample) -> tuple[Int64, Float64]:
    """Days from 0 to a year, ascending, and the log of P(no purchase) at each, falling: shape (n_days, n_rows)."""
    known = sorted(d for d in silent if d <= YEAR)
    last, tail = known[-1], [d for d in TAIL if d > known[-1]]
    end = logit(silent[last])
    from_here = sample.over(last).silent
    log_s = [np.zeros(sample.n_rows), *(_log(silent[d]) for d in known)]
    for d in tail:
        led = sigmoid(end + sample.over(d).silent - from_here)
        log_s.append(np.where(np.isfinite(led), _log(led), log_s[len(known)] * (d / last)))
    # Rounding, or a prior whose two models disagree, must not make it rise; a missing number adds nothing.
    return np.array([0, *known, *tail]), np.fmin.accumulate(np.stack(log_s), axis=0)


def _log(p: Float64) -> Float64:
    return np.log(np.maximum(p, 1e-300))


def _reached(days: Int64, log_s: Float64, aim: Float64) -> Int64:
    """The day in whose course the log survival falls to an aim: between two known days it falls evenly.

    P(no purchase within d days) is that of d whole days, so an order at a time t in (k, k + 1] comes k days from now.
    """
    after = np.clip((log_s > aim).sum(axis=0), 1, len(days) - 1)
    rows = np.arange(len(aim))
    above, below = log_s[after - 1, rows], log_s[after, rows]
    share = np.where(above > below, (above - aim) / np.where(above > below, above - below, 1.0), 1.0)
    time = days[after - 1] + np.clip(share, 0.0, 1.0) * (days[after] - days[after - 1])
    return np.asarray(np.maximum(np.ceil(time) - 1, 0).astype(np.int64))
