"""Time: holes where purchases would be expected, a last period that is cut, days of another scale, dates that are none.

In: sums by day. Out: findings that name days and months. Days on which a shop is usually closed, Christmas, and days
that are empty in other years, too, are no holes.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..clock import Cutoff, Zone
from ..features.lines import Float64, Int64
from .days import Days, median_size, month_name
from .finding import Finding, Severity, said
from .stretch import Bool
from .tallies import median_of_counts

_NEAR_DAYS = 70
"""What is usual is judged by so many days on either side."""

_IMPLAUSIBLE = 20.0
"""An empty time in which so many purchases were to be expected: by chance e^-20."""

_OPEN_DAYS = 5
"""So many days on which the shop is usually open, empty in a row, are a hole; fewer are worth a note."""

_BUSY = 3.0
"""Purchases on a usual day, from which on an empty day says something."""

_SCALE, _LINES_A_DAY = 8.0, 20
_MIN_ORDERS = 200


def rhythm_findings(days: Days, ends: Cutoff, zone: Zone) -> Iterator[Finding]:
    """What is odd about time; `ends` is the day after the last that the data are said to cover."""
    yield from _holes(days)
    yield from _last_period(days, ends)
    yield from _levels(days)
    yield from _first_of_month(days)
    yield from _instants(days, zone)


def usual(days: Days) -> Float64:
    """For each day how many purchases the same weekdays around it have, the empty ones among them."""
    n, reach = days.n, _NEAR_DAYS // 7
    padded = np.concatenate([np.full(7 * reach, np.nan), days.purchases.astype(float), np.full(7 * reach, np.nan)])
    around = np.stack([padded[7 * k : 7 * k + n] for k in range(2 * reach + 1) if k != reach])
    known = np.isfinite(around)
    around = np.where(known, around, 0.0)
    # A median calls a weekday closed on which a sparse shop seldom sells; a mean is dragged by one giant day.
    cap = np.sort(around, axis=0)[-3]
    return np.asarray(np.minimum(around, cap).sum(axis=0) / np.maximum(known.sum(axis=0), 1))


def _holes(days: Days) -> Iterator[Finding]:
    expected = usual(days)
    other_years = _empty_in_other_years(days)
    open_days = (expected >= 0.25 * max(float(np.median(expected)), 1e-9)) & ~_christmas(days) & ~other_years
    starts, ends = runs_of(days.purchases == 0)
    holes, gaps = list[tuple[int, int, float]](), list[tuple[int, int, float]]()
    for a, b in zip(starts.tolist(), ends.tolist(), strict=True):
        inside = open_days[a:b]
        missing = float(expected[a:b][inside].sum())
        if missing >= _IMPLAUSIBLE:
            (holes if int(inside.sum()) >= _OPEN_DAYS else gaps).append((a, b, missing))
    for code, found, severity, what in (
        ("hole", holes, Severity.SUSPICIOUS, "no purchase for"),
        ("short_hole", gaps, Severity.NOTE, "no purchase on"),
    ):
        if found:
            total = sum(b - a for a, b, _ in found)
            yield Finding(
                code,
                severity,
                f"{what} {said(total, 'day', 'days')} on which about {sum(m for *_, m in found):,.0f} "
                "were to be expected",
                total,
                examples=tuple(_span(days, a, b) for a, b, _ in found[:3]),
                do="is a file missing? A hole looks like silence to every model",
            )


def _span(days: Days, begin: int, end: int) -> str:
    first, last = Cutoff(days.first + begin), Cutoff(days.first + end - 1)
    return str(first) if begin == end - 1 else f"{first} to {last}"


def _christmas(days: Days) -> Bool:
    """From 20 December to 7 January."""
    month = days.months % 12
    of_month = days.days - days.months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64) + 1
    return np.asarray(((month == 11) & (of_month >= 20)) | ((month == 0) & (of_month <= 7)))


def _empty_in_other_years(days: Days) -> Bool:
    """Days that were empty a year before or after, too, give or take four days."""
    # A weekday that is always closed, and a time when the shop was small, tell nothing.
    empty = np.r_[(days.purchases == 0) & (usual(days) >= _BUSY), False]
    near = np.zeros(days.n, bool)
    for year in (-728, -364, 364, 728):
        for shift in range(-4, 5):
            at = np.arange(days.n) + year + shift
            near |= empty[np.where((at >= 0) & (at < days.n), at, days.n)]
    return near


def runs_of(flag: Bool) -> tuple[Int64, Int64]:
    """Where runs of true values begin, and where they have ended.

    Examples
    --------
    >>> runs_of(np.array([True, True, False, True]))
    (array([0, 3]), array([2, 4]))
    """
    edges = np.diff(np.r_[0, flag.astype(np.int64), 0])
    return np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)


def _last_period(days: Days, ends: Cutoff) -> Iterator[Finding]:
    expected = usual(days)
    month = int(days.months[-1])
    month_ends = int(np.datetime64(month + 1, "M").astype("datetime64[D]").astype(np.int64))
    by_weekday = np.array([expected[-7:][(days.days[-7:] - d) % 7 == 0].sum() for d in range(ends.day, month_ends)])
    if float(by_weekday.sum()) >= 5 and days.n > 45:
        yield Finding(
            "incomplete_month",
            Severity.NOTE,
            f"the last month stops on {Cutoff(ends.day - 1)}: {month_name(month)} is not complete",
            month_ends - ends.day,
            do="compare it with no other month; nothing is computed by the calendar month here",
        )
    last, usually = int(days.purchases[-1]), float(expected[-1])
    if usually >= _IMPLAUSIBLE and last < 0.25 * usually and not _christmas(days)[-1]:
        yield Finding(
            "incomplete_day",
            Severity.NOTE,
            f"the last day, {Cutoff(int(days.days[-1]))}, has {said(last, 'purchase', 'purchases')} where about "
            f"{usually:,.0f} are usual: it seems to be cut",
            last,
            do="leave its lines out until it is whole",
        )


def _levels(days: Days) -> Iterator[Finding]:
    """Days on which the typical line is many times larger or smaller than over all."""
    whole = median_size(days.sizes.sum(axis=0))
    if not whole:
        return
    lines = days.sizes.sum(axis=1)
    typical = np.array([days.typical(np.array([i])) if lines[i] >= _LINES_A_DAY else np.nan for i in range(days.n)])
    for up, word in ((True, "above"), (False, "below")):
        ratio = typical / whole if up else whole / typical
        with np.errstate(invalid="ignore"):
            off = ratio >= _SCALE
        if not off.any():
            yield from _levels_of_months(days, whole, up, word)
            continue
        n = int(lines[off].sum())
        starts, ends = runs_of(off)
        yield Finding(
            "level_shift",
            Severity.SERIOUS if n > 0.01 * lines.sum() else Severity.SUSPICIOUS,
            f"on {said(int(off.sum()), 'day', 'days')} the typical line is about "
            f"{_round(float(np.nanmedian(ratio[off])))} times {word} what it is over all: a decimal sign, or another "
            "currency?",
            n,
            int(days.money[off].sum()),
            tuple(_span(days, int(a), int(b)) for a, b in zip(starts[:3], ends[:3], strict=True)),
            "look at the file of these days",
        )


def _levels_of_months(days: Days, whole: float, up: bool, word: str) -> Iterator[Finding]:
    """The same for months, where days have too few lines."""
    for month in np.unique(days.months).tolist():
        rows = np.flatnonzero(days.months == month)
        n = int(days.sizes[rows].sum())
        typical = days.typical(rows)
        ratio = typical / whole if up else whole / max(typical, 1e-9)
        if n >= _LINES_A_DAY and ratio >= _SCALE:
            yield Finding(
                "level_shift",
                Severity.SERIOUS if n > 0.01 * days.sizes.sum() else Severity.SUSPICIOUS,
                f"in {month_name(month)} the typical line is about {_round(ratio)} times {word} what it is over all: "
                "a decimal sign, or another currency?",
                n,
                int(days.money[rows].sum()),
                do="look at the file of this month",
            )


def _round(ratio: float) -> str:
    """A ratio as the power of ten that it is near to, else in two digits.

    Examples
    --------
    >>> _round(96.0), _round(5.4), _round(31.0)
    ('100', '5.4', '31')
    """
    power = 10.0 ** round(np.log10(ratio))
    return f"{power:,.0f}" if abs(ratio / power - 1) < 0.3 else f"{ratio:.2g}"


def _first_of_month(days: Days) -> Iterator[Finding]:
    """Dates that stand for a month or for nobody knows when."""
    lines, first = days.lines, np.r_[True, np.diff(days.months) > 0]
    if days.first != int(np.datetime64(int(days.months[0]), "M").astype("datetime64[D]").astype(np.int64)):
        first[0] = False
    total, on_first = int(lines.sum()), int(lines[first].sum())
    if total < _MIN_ORDERS or days.n < 60:
        return
    new_year = first & (days.months % 12 == 0)
    for rows, share, code, words in (
        (new_year, 0.05, "new_year", "lines are of 1 January"),
        (first, 0.2, "first_of_month", "lines are of the first day of a month"),
    ):
        n = int(lines[rows].sum())
        if n > share * total and n > 0.5 * on_first:
            grave = n > 0.5 * total
            yield Finding(
                code,
                Severity.SERIOUS if grave else Severity.SUSPICIOUS,
                f"{n:,} of {total:,} {words}: dates that stand for a month, a year, or for not known",
                n,
                int(days.money[rows].sum()),
                do="deliver the day of purchase",
            )
            return
    months = [m for m in np.unique(days.months[first]).tolist() if _piled(days, m, first)]
    if months and on_first <= 0.2 * total:
        n = sum(int(lines[first & (days.months == m)].sum()) for m in months)
        yield Finding(
            "first_of_month",
            Severity.SUSPICIOUS,
            f"in {said(len(months), 'month', 'months')} more than half of the lines are of its first day",
            n,
            examples=tuple(month_name(m) for m in months[:3]),
            do="dates that stand for the month? Deliver the day of purchase",
        )


def _piled(days: Days, month: int, first: Bool) -> bool:
    rows = days.months == month
    total = int(days.lines[rows].sum())
    # A last month of one day is no pile.
    return total >= 50 and int(rows.sum()) >= 15 and int(days.lines[rows & first].sum()) > 0.5 * total


def _instants(days: Days, zone: Zone) -> Iterator[Finding]:
    """Orders that all bear one time, and times that are missing among others."""
    times = days.order_times
    n, lines = len(times), int(days.lines.sum())
    midnights = int(days.midnight.sum())
    if n < _MIN_ORDERS:
        return
    start = np.flatnonzero(np.r_[True, times[1:] != times[:-1]])
    count = np.diff(np.r_[start, n])
    only_days = midnights > 0.95 * lines
    most = int(count.argmax())
    # Without times of day, a day has one instant; then the share of a day among many is what can be odd.
    limit = max(0.2 * n, 50) if only_days else max(0.01 * n, 50, 50 * median_of_counts(np.bincount(count)))
    if int(count[most]) > limit and (not only_days or days.n > 20):
        share = int(count[most]) / n
        day = Cutoff(int(zone.local_day(times[start[most : most + 1]])[0]))
        yield Finding(
            "one_instant",
            Severity.SERIOUS if share > 0.5 else Severity.SUSPICIOUS,
            f"{int(count[most]):,} orders ({share:.1%}) bear one and the same time: when they were loaded, not bought?",
            int(count[most]),
            examples=(str(day),),
            do="map the column of the purchase, not that of the load",
        )
    if not only_days and midnights > max(0.02 * lines, 50):
        yield from _midnights(days, midnights, lines)


def _midnights(days: Days, midnights: int, lines: int) -> Iterator[Finding]:
    rows = [m for m in np.unique(days.months).tolist() if _timeless(days, m)]
    yield Finding(
        "midnights",
        Severity.SUSPICIOUS,
        f"{midnights:,} of {lines:,} lines are of midnight sharp, while others have a time of day: the time of these "
        "is missing",
        midnights,
        examples=tuple(month_name(m) for m in rows[:3]),
        do="deliver the time of all, or of none",
    )


def _timeless(days: Days, month: int) -> bool:
    rows = days.months == month
    return int(days.midnight[rows].sum()) > 0.5 * int(days.lines[rows].sum())
