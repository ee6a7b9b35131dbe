"""Season: where in the year the cutoff stands. Off by default.

In: the cutoffs and the user's holidays. Out: the season as a point on a circle, and days to the next holiday. These are
equal for all customers of a cutoff, so that a model can tell cutoffs apart by them and learn each one's level, which
does not come back; use them only where several years of history are at hand. Missing: no holiday within a year.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator

import numpy as np

from .family import Feature, family
from .past import Past
from .reference import Reference

YEAR_DAYS = 365.2425
AHEAD = 366


@family("season", default=False)
def season(past: Past, reference: Reference) -> Iterator[Feature]:
    """The season of the cutoff."""
    days, row = past.rows.cutoff_days, past.rows.cutoff
    # 1 January 1970 is day 0 and angle 0; at most a day and a half off in any other year.
    angles = [2 * math.pi * (day % YEAR_DAYS) / YEAR_DAYS for day in days]
    sines, cosines = (np.array([f(a) for a in angles])[row] for f in (math.sin, math.cos))
    yield Feature("season_sin", "-1 to 1", "sine of the day of the year as an angle", sines)
    yield Feature("season_cos", "-1 to 1", "cosine of the day of the year as an angle", cosines)
    if past.shape.holidays:
        holidays = sorted(past.shape.holidays)
        ahead = np.array([_ahead(day, holidays) for day in days])[row]
        meaning = "days from the cutoff to the next holiday; 0 on one"
        yield Feature("days_to_holiday", "days", meaning, ahead, "missing without a holiday within a year")


def _ahead(day: int, holidays: list[int]) -> float:
    """Days to the first of the holidays, ascending, that is not over."""
    at = bisect_left(holidays, day)
    ahead = holidays[at] - day if at < len(holidays) else AHEAD + 1
    return ahead if ahead <= AHEAD else math.nan
