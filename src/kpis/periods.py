"""Calendar months or quarters that a ledger touches, and which of them it covers wholly.

In: the first day that the data cover and the day after the last. Out: `Periods` without a gap between them. A period
that begins before the data do, or ends after them, is unfinished: it is shown, and nothing of it is counted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..clock import Cutoff, month_begins, months_of
from ..errors import ConfigError, did_you_mean

Int64 = NDArray[np.int64]

MONTHS = {"month": 1, "quarter": 3}
"""How many calendar months a period has, by its name."""


@dataclass(frozen=True, eq=False)
class Periods:
    """Periods in order of time.

    Parameters
    ----------
    by : {"month", "quarter"}
    names : tuple of str
        Such as ``2024-03`` or ``2024-Q1``.
    edges : ndarray of int64, shape (n + 1,)
        Day numbers: period i is [edges[i], edges[i + 1]).
    complete : tuple of bool
        Whether the data cover every day of it.

    Examples
    --------
    >>> periods = Periods.of(Cutoff.parse("2024-01-01"), Cutoff.parse("2024-02-10"), "month")
    >>> periods.names, periods.complete
    (('2024-01', '2024-02'), (True, False))
    """

    by: str
    names: tuple[str, ...]
    edges: Int64
    complete: tuple[bool, ...]

    @classmethod
    def of(cls, starts: Cutoff, ends: Cutoff, by: str) -> Periods:
        """Those that the days [starts, ends) touch.

        Raises
        ------
        ConfigError
            ``RG470``: there is no such kind of period.
        """
        if by not in MONTHS:
            raise ConfigError(f"there is no period `{by}`", do=did_you_mean(by, MONTHS), code="RG470")
        size = MONTHS[by]
        first, last = (months_of(np.array([starts.day, ends.day - 1])) // size).tolist()
        places = np.arange(first, last + 2)
        edges = month_begins(places * size)
        whole = (edges[:-1] >= starts.day) & (edges[1:] <= ends.day)
        names = tuple(_name(place, size) for place in places[:-1].tolist())
        return cls(by, names, edges, tuple(whole.tolist()))

    def __len__(self) -> int:
        return len(self.names)

    @property
    def year(self) -> int:
        """How many of them are a year."""
        return 12 // MONTHS[self.by]

    def at(self, days: Int64) -> Int64:
        """The place of the period of each day."""
        return np.asarray(np.searchsorted(self.edges, days, side="right") - 1)

    def begins(self, place: int) -> Cutoff:
        """The first day of a period."""
        return Cutoff(int(self.edges[place]))

    def ends(self, place: int) -> Cutoff:
        """The day after the last day of a period."""
        return Cutoff(int(self.edges[place + 1]))


def _name(place: int, size: int) -> str:
    year, within = divmod(place, 12 // size)
    return f"{1970 + year}-{within + 1:02d}" if size == 1 else f"{1970 + year}-Q{within + 1}"
