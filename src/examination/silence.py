"""The churn-window adviser: after how many silent days is a customer gone, rather than late?

In: the days on which each customer bought. Out: for each window how many silences of that length ended in a purchase
all the same, and how many customers at risk fall silent for so long; and a proposal with its reason. Only silences that
could be followed for the whole of `follow_days` count, and only cutoffs whose window lies inside the data.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ..clock import panel_step
from ..errors import NotEnoughData
from ..features.lines import Int64
from ..models.splits import Span, origins
from .stretch import Stretch

WINDOWS = (14, 21, 28, 30, 42, 60, 90, 120, 180, 270, 365)
FOLLOWED_DAYS = 365
MIN_SILENCES = 100
MIN_CLASS = 50
ENOUGH_ORIGINS = 2
ACCEPTED = 0.25
"""A window is long enough when at most so many of those it calls gone come back."""
BEND = 0.05
BALANCED = 0.2
"""Where most come back anyway, a window of which one in five customers falls silent leaves enough of both to learn."""


@dataclass(frozen=True)
class Window:
    """What a churn window of so many days would mean.

    Parameters
    ----------
    days : int
    silences : int
        Silences of that length that could be followed.
    came_back : float or None
        Share of them that ended in a purchase within the days followed; None below `MIN_SILENCES`.
    origins : int
        Past days on which a model could be judged.
    at_risk, silent : tuple of int
        At each of them the customers at risk, and those who then bought nothing in the window.
    """

    days: int
    silences: int
    came_back: float | None
    origins: int
    at_risk: tuple[int, ...]
    silent: tuple[int, ...]

    @property
    def base_rate(self) -> float | None:
        """The share of customers at risk who fall silent, over all origins."""
        return sum(self.silent) / sum(self.at_risk) if sum(self.at_risk) else None

    @property
    def smaller_class(self) -> int:
        """The fewest customers who stayed, or who left, at any origin."""
        return min((min(s, n - s) for s, n in zip(self.silent, self.at_risk, strict=True)), default=0)

    @property
    def usable(self) -> bool:
        """Whether there is enough of both classes at several origins."""
        return self.origins >= ENOUGH_ORIGINS and self.smaller_class >= MIN_CLASS

    def figures(self) -> dict[str, object]:
        """As plain values for JSON."""
        return {
            "days": self.days,
            "silences": self.silences,
            "came_back": self.came_back,
            "base_rate": self.base_rate,
            "origins": self.origins,
            "at_risk": list(self.at_risk),
            "silent": list(self.silent),
            "usable": self.usable,
        }


@dataclass(frozen=True)
class Advice:
    """All windows, and the one that is proposed.

    Parameters
    ----------
    windows : tuple of Window
    follow_days : int
        For how long each silence was followed.
    proposed : int or None
        Days; None when no window can be judged.
    reason : str
        In words.
    """

    windows: tuple[Window, ...]
    follow_days: int
    proposed: int | None
    reason: str

    def window(self, days: int) -> Window | None:
        """The window of so many days."""
        return next((w for w in self.windows if w.days == days), None)

    def figures(self) -> dict[str, object]:
        """As plain values for JSON."""
        return {
            "follow_days": self.follow_days,
            "proposed_days": self.proposed,
            "reason": self.reason,
            "windows": [w.figures() for w in self.windows],
        }


class Silences:
    """Counts of silences and of customers at risk, by window.

    Parameters
    ----------
    first, ends : int
        The first day with a purchase, and the day after the last that the data cover.
    horizons : iterable of int
        Windows beside the usual ones.
    active_days : int or None
        Who counts as at risk bought within so many days.
    """

    def __init__(self, first: int, ends: int, horizons: Iterable[int] = (), active_days: int | None = None) -> None:
        self.first, self.ends, self.active_days = first, ends, active_days
        span = ends - first
        self.windows = sorted({h for h in (*WINDOWS, *horizons) if h < span})
        self.follow_days = min(FOLLOWED_DAYS, span // 2)
        self.gaps = np.zeros(span + 2, np.int64)
        self._silences, self._came_back = dict.fromkeys(self.windows, 0), dict.fromkeys(self.windows, 0)
        self._at_risk = np.zeros(span + 2, np.int64)
        self._silent = {h: np.zeros(span + 2, np.int64) for h in self.windows}

    def add(self, stretch: Stretch) -> None:
        """Take in a stretch."""
        customer, day, _ = stretch.bought_days
        if not len(day):
            return
        after = np.r_[day[1:], self.ends]
        last = np.r_[customer[1:] != customer[:-1], True]
        # Beyond the end of the data nobody is seen to buy.
        after[last] = self.ends + 10 * len(self.gaps)
        gap = after - day
        self.gaps += np.bincount(gap[~last], minlength=len(self.gaps))
        self._follow(day, gap)
        self._count_at_risk(day, after)

    def _follow(self, day: Int64, gap: Int64) -> None:
        for h in self.windows:
            silent = (gap > h) & (day + h + self.follow_days < self.ends)
            self._silences[h] += int(silent.sum())
            self._came_back[h] += int((silent & (gap <= h + self.follow_days)).sum())

    def _count_at_risk(self, day: Int64, after: Int64) -> None:
        """Count the customers at every possible cutoff: from the day after a purchase to the next purchase."""
        until = np.minimum(after, self.ends)
        if self.active_days is not None:
            until = np.minimum(until, day + self.active_days)
        self._spread(self._at_risk, day + 1, until)
        for h in self.windows:
            self._spread(self._silent[h], day + 1, np.minimum(until, np.minimum(after, self.ends) - h))

    def _spread(self, sums: Int64, begin: Int64, end: Int64) -> None:
        """Add one from `begin` to `end`, both included, as differences."""
        some = end >= begin
        sums += np.bincount(begin[some] - self.first, minlength=len(sums))
        sums -= np.bincount(end[some] + 1 - self.first, minlength=len(sums))

    def advice(self, span: Span, wanted: int) -> Advice:
        """What each window would mean, judged as a backtest would; `span` gives the data's ends and the label's lag."""
        at_risk = np.cumsum(self._at_risk)
        windows = tuple(self._window(h, at_risk, span, wanted) for h in self.windows)
        proposed, reason = _proposal(windows, self.follow_days)
        return Advice(windows, self.follow_days, proposed, reason)

    def _window(self, h: int, at_risk: Int64, span: Span, wanted: int) -> Window:
        silent = np.cumsum(self._silent[h])
        every = span.every_days if h == span.horizon_days else panel_step(h)
        try:
            found = origins(Span(span.starts, span.ends, h, span.lag_days, every), wanted)
        except NotEnoughData:
            found = ()
        at = [max(o.cutoff.day - self.first, 0) for o in found]
        n = self._silences[h]
        came_back = self._came_back[h] / n if n >= MIN_SILENCES else None
        return Window(
            h, n, came_back, len(found), tuple(int(at_risk[i]) for i in at), tuple(int(silent[i]) for i in at)
        )


def _proposal(windows: tuple[Window, ...], follow_days: int) -> tuple[int | None, str]:
    """The shortest usable window that seldom errs; else the bend of the curve; else what history and balance allow."""
    usable = [w for w in windows if w.usable and w.came_back is not None]
    if not usable:
        return None, (
            f"no window has {MIN_SILENCES} silences that could be followed for {follow_days} days and {MIN_CLASS} "
            f"customers of either kind at {ENOUGH_ORIGINS} past days: more history, or more customers, would do"
        )
    few = next((w for w in usable if (w.came_back or 0.0) <= ACCEPTED), None)
    if few is not None:
        return few.days, f"it is the shortest after which at most {ACCEPTED:.0%} of the silent come back: {_said(few)}"
    above = f"no window that the history can judge brings the share that comes back below {ACCEPTED:.0%}"
    bend = bend_of([(w.days, w.came_back or 0.0) for w in usable])
    if bend is not None:
        return usable[bend].days, f"{above}, and beyond it a longer wait brings little more: {_said(usable[bend])}"
    longest = usable[-1]
    if (longest.came_back or 0.0) <= 0.5:
        return longest.days, f"{above}, and this is the longest: {_said(longest)}"
    near = min(usable, key=lambda w: (abs((w.base_rate or 0.0) - BALANCED), w.days))
    return near.days, (
        f"most of the silent come back however long one waits, so that silence is a pause rather than a farewell; this "
        f"window has enough silent customers to learn from: {_said(near)}"
    )


def _said(window: Window) -> str:
    return (
        f"after {window.days} silent days {window.came_back or 0:.0%} come back all the same, and "
        f"{window.base_rate or 0:.0%} of the customers at risk fall silent for so long"
    )


def bend_of(curve: list[tuple[int, float]]) -> int | None:
    """The point of a falling curve that lies furthest below the line between its ends, if by `BEND` at least.

    Examples
    --------
    >>> bend_of([(10, 0.9), (20, 0.4), (100, 0.3)]), bend_of([(10, 0.9), (20, 0.8), (30, 0.7)])
    (1, None)
    """
    x, y = np.array(curve, float).T
    line = y[0] + (y[-1] - y[0]) * (x - x[0]) / max(x[-1] - x[0], 1.0)
    depth = np.round(line - y, 9)
    at = int(np.argmax(depth))
    return at if depth[at] >= BEND else None
