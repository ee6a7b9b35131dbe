"""Milestones: the n-th purchase, an amount spent, years as a customer; who reached one lately, and what comes next.

In: what customers bought so far and 28 days before, since when they are customers, and lists of milestones, ascending.
Out: `Reached` per list, and a `Table`. Purchases before the data begin are not known and do not count. Who has not
bought, or whose day is not known, has reached nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..clock import Cutoff, month_begins, months_of
from ..features.track import Int64
from ..kpis.table import Column, Row, Table, ratio
from ..schema import SCALE
from .bought import LATELY_DAYS

COLUMNS = (
    Column("milestone", "text", "what is reached"),
    Column("reached", "count", "members who have reached it"),
    Column("share", "share", "reached / all members"),
    Column("lately", "count", f"members who reached it within the last {LATELY_DAYS} days"),
    Column("next", "count", "members for whom it is the next of its kind"),
)
WHAT = ("purchases", "spend", "years")


@dataclass(frozen=True, eq=False)
class Reached:
    """Milestones of a kind; arrays of shape (n,).

    Parameters
    ----------
    what : {"purchases", "spend", "years"}
    steps : tuple of float
        The milestones, ascending.
    place : ndarray of int64
        How many of them a member has reached.
    lately : ndarray of bool
        Whether the highest of these was reached within the last 28 days.
    lacks : ndarray of int64
        To the next one: purchases, money in 1/10,000, or days; -1 where there is none.
    """

    what: str
    steps: tuple[float, ...]
    place: Int64
    lately: NDArray[np.bool_]
    lacks: Int64

    def name(self, place: int) -> str:
        """A milestone in words.

        Examples
        --------
        >>> none = np.zeros(0, np.int64)
        >>> Reached("years", (1, 2), none, none.astype(bool), none).name(0)
        '1 year'
        """
        step = self.steps[place]
        if self.what == "spend":
            return f"{step:,.10g} spent"
        one = {"purchases": "purchase", "years": "year"}[self.what]
        return f"{step:,.10g} {one}{'' if step == 1 else 's'}"


def counted(what: str, steps: Sequence[float], now: Int64, then: Int64, unit: int = 1) -> Reached:
    """Milestones of a count or of money.

    Parameters
    ----------
    now, then : ndarray of int64
        As it stands, and as it stood 28 days before.
    unit : int
        1/unit is what `now` and `then` count.

    Examples
    --------
    >>> found = counted("purchases", (5, 10), np.array([5, 9, 12]), np.array([4, 9, 4]))
    >>> found.place.tolist(), found.lately.tolist(), found.lacks.tolist()
    ([1, 1, 2], [True, False, True], [5, 1, -1])
    """
    floors = np.array([round(step * unit) for step in steps], np.int64)
    place, before = (np.searchsorted(floors, values, side="right") for values in (now, then))
    following = np.append(floors, -1)[place]
    return Reached(what, tuple(steps), place, place > before, np.where(following < 0, -1, following - now))


def anniversaries(years: Sequence[int], since: Int64, day: Cutoff) -> Reached:
    """Milestones of time.

    Parameters
    ----------
    since : ndarray of int64
        The day on which each became a customer; -1 where that is not known.

    Examples
    --------
    A year after day 0 (1970-01-01) is day 365: on the day after it was reached lately.

    >>> found = anniversaries((1, 2), np.array([0, 20, -1]), Cutoff(366))
    >>> found.place.tolist(), found.lately.tolist(), found.lacks.tolist()
    ([1, 0, 0], [True, False, False], [364, 19, -1])
    """
    known = since >= 0
    upon = np.stack([_years_after(np.maximum(since, 0), n) for n in years], axis=1)
    over = (upon < day.day) & known[:, None]
    place = over.sum(axis=1)
    rows = np.arange(len(since))
    last = upon[rows, np.maximum(place - 1, 0)]
    following = np.append(upon, np.full((len(since), 1), -1), axis=1)[rows, place]
    lacks = np.where((following < 0) | ~known, -1, following - day.day)
    return Reached("years", tuple(years), place, (place > 0) & (last >= day.day - LATELY_DAYS), lacks)


def _years_after(days: Int64, years: int) -> Int64:
    """The same day of the calendar so many years later; after 29 February the 28th where there is no 29th."""
    months = months_of(days)
    within, then = days - month_begins(months), months + 12 * years
    return np.asarray(np.minimum(month_begins(then) + within, month_begins(then + 1) - 1))


def table(found: Sequence[Reached], members: NDArray[np.bool_]) -> Table:
    """A row for each milestone, kind by kind."""
    rows: list[Row] = []
    n = int(members.sum())
    for one in found:
        place, lately = one.place[members], one.lately[members]
        for at in range(len(one.steps)):
            reached = int((place > at).sum())
            rows.append(
                {
                    "milestone": one.name(at),
                    "reached": reached,
                    "share": ratio(reached, n),
                    "lately": int((lately & (place == at + 1)).sum()),
                    "next": int((place == at).sum()),
                }
            )
    return Table("milestones", "milestones of members", COLUMNS, tuple(rows))


def money(lacks: int) -> str:
    """Money that lacks, for a reason.

    Examples
    --------
    >>> money(12_500)
    '1.25'
    """
    return f"{lacks / SCALE:,.2f}"
