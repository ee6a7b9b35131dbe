"""Features that say the same of everybody: they name the cutoff, and boosters that read them swallow the level.

In: matured training rows, the rows of the day on which one stands, a blend's links there, and a way to learn the blend
from less. Out: the names of such features; why the twin a year earlier may not speak beside them, or nothing. A feature
that is missing for all at some cutoff says so of everybody.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ..clock import Cutoff
from .level import Level
from .sample import Sample
from .scales import Scale

Float64 = NDArray[np.float64]
Learnt = Callable[[Sample, Sample], Float64]
"""From rows to learn from, and rows to speak of, to the links of the latter before any level."""


def market_wide(sample: Sample) -> list[str]:
    """Features that say the same of everybody at each cutoff, and differ between cutoffs: they name the cutoff."""
    order = np.argsort(sample.panel.cutoff_day, kind="stable")
    day = sample.panel.cutoff_day[order]
    starts = np.flatnonzero(np.diff(day, prepend=day[:1] - 1))
    if len(starts) < 2:
        return []
    size = np.diff(np.append(starts, len(day)))

    def named(values: NDArray[np.float32]) -> bool:
        first = values[order[starts]]
        # Missing for all at early cutoffs, and one value ever after, is the left edge of the history: no season.
        if len(np.unique(first[~np.isnan(first)])) < 2:
            return False
        return np.array_equal(values[order], np.repeat(first, size), equal_nan=True)

    return [name for name, values in zip(sample.panel.names, sample.panel.values, strict=True) if named(values)]


def swallowed(train: Sample, now: Sample, z: Float64, scale: Scale, lag_days: int, learnt: Learnt) -> str:
    """Why the twin may not speak: features that name the cutoff have taken the level in, and past days show it.

    Boosters with such features may already say what the twin says. Only then is the twin put to the test, at the last
    cutoff whose labels are known: it stays only where it lowers the loss there.

    Parameters
    ----------
    train, now : Sample
    z : ndarray of float64, shape (now.n_rows,)
        The blend's links before any shift.
    scale : Scale
    lag_days : int
        Days until a label is known.
    learnt : callable
        Learns the blend again, from fewer rows.
    """
    named = market_wide(train)
    if not named or Level.fit(train, now, z, scale=scale).twin is None:
        return ""
    said = f"off: {', '.join(named[:3])}{', ...' if len(named) > 3 else ''} say the same of everybody on a day"
    last = Cutoff(int(train.panel.cutoff_day.max()))
    past, judge = train.matured_before(last, lag_days), train.at((last,))
    if past.n_rows == 0 or np.ptp(scale.target(past)) == 0:
        return f"{said}, and there is no past day to try the twin at"
    here = learnt(past, judge)
    levels = [Level.fit(past, judge, here, off, scale=scale) for off in ("", "off")]
    if levels[0].twin is None:
        return f"{said}, and the twin could not be tried at {last}: {levels[0].words}"
    with_twin, without = (scale.loss(scale.target(judge), here + level.shift) for level in levels)
    lost = f"the twin made {scale.loss_name} {with_twin:.4f} of {without:.4f}"
    return "" if with_twin < without else f"{said}; at {last} {lost}"
