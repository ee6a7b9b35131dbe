"""The only date arithmetic: zones, cutoffs, windows, horizons.

In: local dates and a business time zone. Out: half-open intervals of local days and the UTC instants of their local
midnights. A local time in a DST gap moves forward by the gap; one in a fold is the first of the two.
"""

from __future__ import annotations

import datetime as dt
import re
import time
import zoneinfo
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from .errors import ConfigError, did_you_mean

DAY_US = 86_400_000_000
_HOUR_US = 3_600_000_000
_EPOCH = dt.date(1970, 1, 1)
_FIRST_YEAR, _LAST_YEAR = 1970, 2100

Int64 = NDArray[np.int64]


def day_of(date: dt.date) -> int:
    """Days from 1970-01-01 to a calendar date.

    Examples
    --------
    >>> day_of(dt.date(1970, 1, 11))
    10
    """
    return (date - _EPOCH).days


def date_of(day: int) -> dt.date:
    """The calendar date of a day number.

    Examples
    --------
    >>> date_of(10)
    datetime.date(1970, 1, 11)
    """
    return _EPOCH + dt.timedelta(days=int(day))


def dates(days: Int64) -> NDArray[np.object_]:
    """Day numbers as ISO texts; each day is written once, as many rows share one.

    Examples
    --------
    >>> dates(np.array([19789, 0])).tolist()
    ['2024-03-07', '1970-01-01']
    """
    known, at = np.unique(days, return_inverse=True)
    return np.array(known.astype("datetime64[D]").astype(str).tolist(), object)[at]


def months_of(days: Int64) -> Int64:
    """Calendar months, counted from January 1970, of day numbers.

    Examples
    --------
    >>> months_of(np.array([0, 30, 31, 365])).tolist()
    [0, 0, 1, 12]
    """
    return days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)


def month_begins(months: Int64) -> Int64:
    """The first day of calendar months, counted from January 1970.

    Examples
    --------
    >>> month_begins(np.array([0, 1, 12])).tolist()
    [0, 31, 365]
    """
    return months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)


def parse_date(text: str) -> dt.date:
    """A date written as ``YYYY-MM-DD``; anything else is a `ConfigError`.

    Examples
    --------
    >>> parse_date("2017-10-02")
    datetime.date(2017, 10, 2)
    """
    try:
        if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            raise ValueError(text)
        return dt.date.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"`{text}` is not a date", needed="YYYY-MM-DD, such as 2017-10-02", code="RG010") from None


@lru_cache(maxsize=64)
def _transitions(name: str) -> tuple[Int64, Int64]:
    """UTC instants (us) at which the zone's offset changes, and the offset (us) from each on."""
    zone = zoneinfo.ZoneInfo(name)

    def offset(second: int) -> int:
        moment = dt.datetime.fromtimestamp(second, tz=dt.UTC).astimezone(zone)
        delta = moment.utcoffset()
        return 0 if delta is None else int(delta.total_seconds())

    first = int(dt.datetime(_FIRST_YEAR, 1, 1, tzinfo=dt.UTC).timestamp())
    last = int(dt.datetime(_LAST_YEAR, 1, 1, tzinfo=dt.UTC).timestamp())
    step = 5 * 86_400
    at, offsets = [np.iinfo(np.int64).min], [offset(first)]
    for left in range(first, last, step):
        if offset(left + step) == offsets[-1]:
            continue
        low, high = left, left + step
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if offset(middle) == offsets[-1] else (low, middle)
        at.append(high * 1_000_000)
        offsets.append(offset(high))
    return np.array(at, np.int64), np.array(offsets, np.int64) * 1_000_000


@lru_cache(maxsize=64)
def _midnights(name: str) -> Int64:
    """UTC instants (us) of the local midnights of day 0, 1, 2, ... of a zone."""
    days = day_of(dt.date(_LAST_YEAR, 1, 1))
    return Zone(name).to_utc(np.arange(days, dtype=np.int64) * DAY_US)


@dataclass(frozen=True)
class Zone:
    """A business time zone; converts whole arrays of microseconds.

    Examples
    --------
    >>> Zone("America/New_York").midnight(day_of(dt.date(2017, 7, 1))) // 3_600_000_000 % 24
    4
    """

    name: str

    def __post_init__(self) -> None:
        try:
            zoneinfo.ZoneInfo(self.name)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
            known = sorted(zoneinfo.available_timezones())
            raise ConfigError(
                f"unknown time zone `{self.name}`",
                needed="an IANA name such as Europe/Berlin",
                do=did_you_mean(self.name, known) if len(self.name) > 2 else "",
                code="RG011",
            ) from None

    def to_local(self, instant: Int64) -> Int64:
        """Local wall-clock microseconds of UTC instants (int64 us in, int64 us out)."""
        at, offsets = _transitions(self.name)
        if len(at) == 1:
            return np.asarray(instant + offsets[0])
        return np.asarray(instant + offsets[np.searchsorted(at, instant, side="right") - 1])

    def to_utc(self, local: Int64) -> Int64:
        """UTC instants of local wall-clock microseconds; gap forward, fold first."""
        at, offsets = _transitions(self.name)
        if len(at) == 1:
            return np.asarray(local - offsets[0])
        before = offsets[:-1]
        # From the wall-clock moment `at + max(before, after)` on, the new offset is the only reading (spring: the gap,
        # read with the old offset, moves forward; autumn: the first of two readings is the one with the old offset).
        switch = at[1:] + np.maximum(before, offsets[1:])
        return np.asarray(local - offsets[np.searchsorted(switch, local, side="right")])

    def local_day(self, instant: Int64) -> Int64:
        """Day numbers of UTC instants: the last local midnight at or before each, so that days never run backwards."""
        midnights = _midnights(self.name)
        # No zone is more than 14 h before UTC or 12 h behind it: the guess is never early and at most two days late.
        guess = np.maximum((instant + 14 * _HOUR_US) // DAY_US, 0)
        np.minimum(guess, len(midnights) - 1, out=guess)
        for _ in range(2):
            guess -= instant < midnights[np.maximum(guess, 0)]
        return np.asarray(np.maximum(guess, -1))

    def midnight(self, day: int) -> int:
        """The UTC instant at which a local day begins; days from 1970 to 2099."""
        midnights = _midnights(self.name)
        if not 0 <= day < len(midnights):
            raise ConfigError(f"{date_of(day)} is out of range", needed="a day from 1970 to 2099", code="RG017")
        return int(midnights[day])


@dataclass(frozen=True, order=True)
class Cutoff:
    """A local midnight: rows before it are the past, rows at or after it the future.

    Examples
    --------
    >>> Cutoff.parse("2017-10-02").minus(30)
    Cutoff(day=17411)
    >>> str(Cutoff.parse("2017-10-02"))
    '2017-10-02'
    """

    day: int

    @classmethod
    def parse(cls, text: str) -> Cutoff:
        """From ``YYYY-MM-DD``."""
        return cls(day_of(parse_date(text)))

    @property
    def date(self) -> dt.date:
        """The calendar date that begins at the cutoff."""
        return date_of(self.day)

    def minus(self, days: int) -> Cutoff:
        """The cutoff so many calendar days earlier."""
        return Cutoff(self.day - days)

    def plus(self, days: int) -> Cutoff:
        """The cutoff so many calendar days later."""
        return Cutoff(self.day + days)

    def instant(self, zone: Zone) -> int:
        """The UTC microsecond of this midnight in a zone."""
        return zone.midnight(self.day)

    def __str__(self) -> str:
        return self.date.isoformat()


def cutoffs(latest: Cutoff, earliest: Cutoff, every_days: int) -> list[Cutoff]:
    """Cutoffs from `latest` back to `earliest`, both included, every so many days, ascending.

    Examples
    --------
    >>> [str(c) for c in cutoffs(Cutoff.parse("2017-03-01"), Cutoff.parse("2017-01-01"), 28)]
    ['2017-01-04', '2017-02-01', '2017-03-01']
    """
    if every_days < 1:
        raise ConfigError(f"every_days is {every_days}", needed="at least 1", code="RG012")
    return [Cutoff(d) for d in range(latest.day, earliest.day - 1, -every_days)][::-1]


def matured(cutoff: Cutoff, horizon_days: int, lag_days: int, known_on: Cutoff) -> bool:
    """Whether a cutoff's target window had closed, and its label was known, by the start of another day.

    Examples
    --------
    >>> matured(Cutoff(10), 5, 0, Cutoff(15)), matured(Cutoff(10), 5, 1, Cutoff(15))
    (True, False)
    """
    return cutoff.day + horizon_days + lag_days <= known_on.day


def panel_step(horizon_days: int, span: Sequence[int] = (21, 35)) -> int:
    """Days between panel cutoffs: a divisor of the horizon nearest to 28 days, so that origins share cutoffs; else 28.

    Examples
    --------
    >>> panel_step(90), panel_step(28), panel_step(365)
    (30, 28, 28)
    """
    divisors = [d for d in range(span[0], span[1] + 1) if horizon_days % d == 0]
    return min(divisors, key=lambda d: (abs(d - 28), d)) if divisors else 28


def today(zone: Zone) -> Cutoff:
    """The day that it is in a zone. Nothing that is computed may depend on it: it only tells how old something is."""
    return Cutoff(int(zone.local_day(np.array([time.time_ns() // 1_000]))[0]))
