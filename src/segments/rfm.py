"""RFM: recency, frequency and money in fifths, and the usual names for where they meet.

In: `Facts`. Out: `Assigned`. Each of the three is a score from 1 (worst) to 5 (best): 1 + the number of full fifths of
the buyers who are strictly worse, so that equals have equal scores and the order of rows never matters. Frequency and
money are those of the last 365 days; where the ledger is shorter, of all of it, and a note says so. Scores in fifths
are Hughes's (Strategic Database Marketing, 1994); on what they lack beside a model see Fader, Hardie & Lee (2005),
doi:10.1509/jmkr.2005.42.4.415. The names have no one source; they are defined here.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..schema import SCALE
from .facts import Facts, Int64
from .scheme import Assigned, Segment, first_that_holds

NAME = "rfm"
FIFTHS = 5
_HIGH, _FRESH, _STALE = 4, 4, 2
SEGMENTS = (
    Segment("prospect", "no purchase before the day"),
    Segment("champions", "R 4-5 and FM 4-5: bought lately, often and much"),
    Segment("loyal", "R 3 and FM 4-5: buy often and much, last purchase some time ago"),
    Segment("new", "R 4-5, one purchase so far"),
    Segment("promising", "R 4-5 and FM 1-3: bought lately, not yet often or much"),
    Segment("needs attention", "R 3 and FM 2-3: middling in everything"),
    Segment("about to sleep", "R 3 and FM 1: seldom and little, last purchase some time ago"),
    Segment("cannot lose", "R 1-2 and FM 5: were among the best, and are silent"),
    Segment("at risk", "R 1-2 and FM 3-4: bought often or much, and are silent"),
    Segment("hibernating", "R 1-2 and FM 1-2: silent, seldom and little before"),
)
"""In the order in which they are asked; FM is the mean of F and M, halves rounded up."""


def rfm(facts: Facts) -> Assigned:
    """The RFM segment of each customer.

    Parameters
    ----------
    facts : Facts
    """
    covered = facts.orders_year is not None and facts.spend_year is not None
    often = facts.orders_year if facts.orders_year is not None and covered else facts.orders
    much = facts.spend_year if facts.spend_year is not None and covered else facts.spend
    scores = np.zeros((3, facts.n), np.int64)
    buyers = facts.bought
    for row, values in enumerate((-facts.recency_days, often, much)):
        scores[row, buyers] = fifths(values[buyers])
    r, f, m = scores
    fm = (f + m + 1) // 2
    rules = (
        ~buyers,
        (r >= _FRESH) & (fm >= _HIGH),
        (r > _STALE) & (fm >= _HIGH),
        (r >= _FRESH) & (facts.orders == 1),
        r >= _FRESH,
        (r > _STALE) & (fm > 1),
        r > _STALE,
        fm == FIFTHS,
        fm > _STALE,
    )
    period = "in the last 365 days" if covered else "so far"
    reasons = _reasons(facts, scores, often, much, period)
    short = "the ledger has less than 365 days before this day, so frequency and money are of all of it"
    return Assigned(NAME, SEGMENTS, first_that_holds(rules), reasons, notes=() if covered else (short,), basis=period)


def fifths(values: Int64) -> Int64:
    """1 (lowest) to 5: one more than the full fifths of all who are strictly lower.

    Examples
    --------
    Of ten, eight have one order: nobody is lower, so each of them scores 1; eight of ten are lower than the others.

    >>> fifths(np.array([1, 1, 1, 1, 1, 1, 1, 1, 2, 2])).tolist()
    [1, 1, 1, 1, 1, 1, 1, 1, 5, 5]
    """
    lower = np.searchsorted(np.sort(values), values, side="left")
    return np.asarray(1 + FIFTHS * lower // max(len(values), 1), np.int64)


def _reasons(facts: Facts, scores: Int64, often: Int64, much: Int64, period: str) -> NDArray[np.object_]:
    money = f" {facts.currency}".rstrip()
    rows = zip(*scores.tolist(), facts.recency_days.tolist(), often.tolist(), much.tolist(), strict=True)
    told = [
        f"R{r} F{f} M{m}: last purchase {days:,} days ago, {n:,} orders and {spent / SCALE:,.2f}{money} {period}"
        if r
        else "has not bought yet"
        for r, f, m, days, n, spent in rows
    ]
    return np.array(told, object)
