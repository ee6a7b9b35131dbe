"""From ranges to priors and back: what is assumed of an option, and what is believed of it once customers answered.

In: the ranges of a catalogue, counts of redemptions and complaints, a posterior. Out: ranges that hold 80 %. A range
without a width is somebody who is too sure: it counts as knowing it within a tenth. What nobody logged stays assumed.
"""

from __future__ import annotations

import numpy as np

from .ranges import Range

TENTH = 1.2815515655446004
"""A normal variable is above so many standard deviations with a tenth; 2.56 are the width of 80 %."""
LEAST_SD, UNSAID_SD = 0.01, 0.05
"""The least doubt of a range; and that of a nothing that stands there because nobody said anything."""
STRENGTH = (4.0, 2000.0)
"""A range of a share counts as so many observations at least, and at most."""


def spread(assumed: Range) -> float:
    """The standard deviation that a range stands for.

    Examples
    --------
    >>> round(spread(Range.of([0.0, 0.05, 0.1])), 3), spread(Range.of(0.05)), spread(Range.of(0))
    (0.039, 0.01, 0.05)
    """
    if not any(assumed):
        return UNSAID_SD
    return max((assumed.high - assumed.low) / (2 * TENTH), 0.1 * abs(assumed.base), LEAST_SD)


def normal(mean: float, sd: float, least: float, most: float) -> Range:
    """Base and 80 % of a normal belief, within what can be.

    Examples
    --------
    >>> normal(0.05, 0.1, -1.0, 1.0).low < 0
    True
    """
    ends = (mean - TENTH * sd, mean, mean + TENTH * sd)
    return Range(*(float(min(max(end, least), most)) for end in ends))


def share(assumed: Range, happened: float, of: float) -> Range:
    """A share after some events: beta-binomial.

    Parameters
    ----------
    assumed : Range
        Before.
    happened, of : float
        Events, and how many there could have been.

    Examples
    --------
    >>> before = Range.of([0.2, 0.3, 0.4])
    >>> after = share(before, 500, 1000)
    >>> 0.48 < after.base < 0.5, after.high - after.low < 0.05
    (True, True)
    """
    from scipy.stats import beta

    mean = float(np.clip(assumed.base, 0.005, 0.995))
    strength = float(np.clip(mean * (1 - mean) / spread(assumed) ** 2 - 1, *STRENGTH))
    yes, no = mean * strength + happened, (1 - mean) * strength + max(of - happened, 0.0)
    low, high = (float(beta.ppf(q, yes, no)) for q in (0.1, 0.9))
    base = yes / (yes + no)
    return Range(min(low, base), base, max(high, base))
