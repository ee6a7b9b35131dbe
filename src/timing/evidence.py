"""Evidence of habits: purchases, and what customers began themselves on other days; which of the two foretells better.

In: moments known as of a day. Out: `Counts` and `Habits` of a kind (weekday or hour), and `Tried`: which evidence was
chosen in an earlier window, and how the habits did in the last one. Visits count only on days without a purchase, so
that one coming is not two. Later purchases are what is foretold. A history that is too short is not judged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..clock import Cutoff
from .habits import Counts, Habits
from .judged import Judged, judged
from .moments import DAYS, HOURS, Moments

KINDS: Mapping[str, int] = {"weekday": DAYS, "hour": HOURS}
"""What habits are about, and how many places each has."""
PURCHASES, BOTH = "purchases", "purchases and visits"
WINDOWS = (90, 28)
"""Days of a window of the backtest; the second where the history is short. As much must lie before it."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """What was known on a day.

    Parameters
    ----------
    n_customers : int
    purchases : Moments
    visits : Moments
        What customers began themselves, one a day; on days with a purchase they do not count.
    """

    n_customers: int
    purchases: Moments
    visits: Moments

    @property
    def sources(self) -> tuple[str, ...]:
        """What can be looked at."""
        return (PURCHASES, BOTH) if len(self.visits.day) else (PURCHASES,)

    def counts(self, kind: str, source: str) -> Counts:
        """How often customers came at each place, by one source.

        Examples
        --------
        A purchase on a Monday, a visit on the same day and one on a Tuesday:

        >>> bought, came = (Moments.told(np.zeros(len(d)), np.array(d), np.array(d)) for d in ([4], [4, 5]))
        >>> Evidence(1, bought, came).counts("weekday", BOTH).place.tolist()
        [0, 1]
        """
        if (kind, source) not in self._counted:
            told = [self.purchases, self._other_days] if source == BOTH else [self.purchases]
            customer = np.concatenate([moments.customer for moments in told])
            place = np.concatenate([getattr(moments, kind) for moments in told])
            # Of a million customers these are large; the next kind does not ask for them.
            self._counted.pop(next((k for k in self._counted if k[0] != kind), (kind, source)), None)
            self._counted[kind, source] = Counts.of(customer, place, self.n_customers, KINDS[kind])
        return self._counted[kind, source]

    def habits(self, kind: str, source: str) -> Habits | None:
        """Fitted to one source; the population is that of the purchases in either case."""
        bought = Habits.fitted(self.counts(kind, PURCHASES))
        if bought is None or source == PURCHASES:
            return bought
        both = Habits.fitted(self.counts(kind, BOTH))
        return bought if both is None else Habits(bought.population * both.concentration)

    @cached_property
    def _other_days(self) -> Moments:
        return self.visits.without(self.purchases)

    @cached_property
    def _counted(self) -> dict[tuple[str, str], Counts]:
        return {}


@dataclass(frozen=True)
class Tried:
    """What the backtest of a kind found.

    Parameters
    ----------
    kind, source : str
    begins, ends : Cutoff
        The window in which it was judged.
    judged : Judged or None
        None where too few came before and after.
    chosen : bool
        Whether there was something to choose from, and a window to do so in.
    """

    kind: str
    source: str
    begins: Cutoff
    ends: Cutoff
    judged: Judged | None
    chosen: bool

    @property
    def sure(self) -> bool:
        """Whether the habits of customers are used."""
        return self.judged is not None and self.judged.sure


def windows(starts: Cutoff, day: Cutoff) -> tuple[Cutoff, ...]:
    """The begins of the windows before a day, the last first: two, one, or none where the history is too short.

    Examples
    --------
    >>> [[str(c) for c in windows(Cutoff(0), Cutoff(day))] for day in (300, 180, 60, 40)]
    [['1970-07-30', '1970-05-01'], ['1970-04-01'], ['1970-02-02'], []]
    """
    for days in WINDOWS:
        begins = [day.minus(days), day.minus(2 * days)]
        found = tuple(begin for begin in begins if starts <= begin.minus(days))
        if found:
            return found
    return ()


def tried(kind: str, known: Mapping[Cutoff, Evidence], begins: tuple[Cutoff, ...], day: Cutoff) -> Tried:
    """Choose the evidence in the earlier window, if there is one, and judge it in the last.

    Parameters
    ----------
    kind : str
        Of `KINDS`.
    known : mapping of Cutoff to Evidence
        As of the begin of each window, and as of the day.
    begins : tuple of Cutoff
        As `windows` has them; at least one.
    day : Cutoff
        The end of the last window.
    """
    source, chosen, last = PURCHASES, False, begins[0]
    for begin in begins[1:]:
        earlier = {s: _judged(kind, known, begin, last, day, s) for s in known[begin].sources}
        gains = {s: found.gain.value for s, found in earlier.items() if found is not None}
        chosen = len(gains) > 1
        source = max(gains, key=lambda s: gains[s], default=PURCHASES)
    return Tried(kind, source, last, day, _judged(kind, known, last, day, day, source), chosen)


def _judged(
    kind: str, known: Mapping[Cutoff, Evidence], begins: Cutoff, ends: Cutoff, day: Cutoff, source: str
) -> Judged | None:
    before = known[begins]
    habits = before.habits(kind, source)
    if habits is None:
        return None
    later = known[day].purchases.since(begins.day).before(ends.day)
    return judged(before.counts(kind, source), habits, later.customer, getattr(later, kind))
