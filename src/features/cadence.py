"""Cadence: the rhythm of purchase days, and how late the next one is for this customer.

In: what was known before each cutoff. Out: gaps between purchase days: mean, spread, longest, last, regularity, trend,
lateness. Missing: fewer than two purchase days (three for the spread and the regularity, four for the trend).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .family import NOT_COVERED, Feature, family
from .past import Past, ratio
from .reference import Reference
from .track import Float64

TWO_DAYS = "missing with fewer than two purchase days"
THREE_DAYS = "missing with fewer than three purchase days"


@family("cadence")
def cadence(past: Past, reference: Reference) -> Iterator[Feature]:
    """Gaps between purchase days and lateness."""
    ever, recent = past.all(), past.last(180)
    n, total = ever.integer("day") - 1, ever.integer("gap")
    mean, spread, days_since = ratio(total, n), _spread(past), past.days_since("day")
    longest, last = _of_gaps(past, "longest_gap"), _of_gaps(past, "gap")
    yield Feature("gap_mean", "days", "mean days between purchase days", mean, TWO_DAYS)
    yield Feature("gap_sd", "days", "spread of the gaps", spread, THREE_DAYS)
    yield Feature("gap_cv", "ratio", "spread of the gaps / their mean", ratio(spread, mean), "missing as gap_sd is")
    yield Feature("gap_longest", "days", "longest gap so far", longest, TWO_DAYS)
    yield Feature("gap_last", "days", "the latest gap", last, TWO_DAYS)
    yield Feature("gap_last_of_mean", "ratio", "the latest gap / the mean gap", ratio(last, mean), TWO_DAYS)
    yield Feature("lateness", "ratio", "days since the last purchase / the mean gap", ratio(days_since, mean), TWO_DAYS)
    yield Feature(
        "silence_of_longest",
        "ratio",
        "days since the last purchase / the longest gap",
        ratio(days_since, longest),
        TWO_DAYS,
    )
    yield Feature(
        "gap_mean_180d",
        "days",
        "mean of the gaps that ended in the last 180 days",
        ratio(recent.sum("gap"), recent.sum("gap_ended")),
        NOT_COVERED + ", or no gap ended in it",
    )
    yield Feature("regularity", "ratio", "1 = clockwork, 2/3 = purchases at random", _regularity(past), THREE_DAYS)
    yield Feature(
        "gap_slope",
        "ratio",
        "growth of the gaps from one to the next (least squares) / their mean",
        _gap_growth(past),
        "missing with fewer than four purchase days",
    )
    yield Feature(
        "lateness_z",
        "ratio",
        "(days since the last purchase - the mean gap) / spread of the gaps",
        ratio(days_since * n - total, n * spread),
        "missing as gap_sd is, or when all gaps are equal",
    )


def _of_gaps(past: Past, measure: str) -> Float64:
    """A measure of gaps at the last purchase day, missing while there is no gap."""
    value = past.at_last("day", past.history.values(measure))
    value[value == 0] = np.nan
    return value


def _spread(past: Past) -> Float64:
    """Sample standard deviation of the gaps."""
    ever = past.all()
    n, total = ever.integer("day") - 1, ever.integer("gap")
    # n * sum of squares - square of the sum is an exact integer, as gaps add up to less than 2**17 days: 0 if equal.
    squares = n * ever.integer("gap_squared")
    squares -= total * total
    n *= n - 1
    return np.sqrt(ratio(squares, n))


def _regularity(past: Past) -> Float64:
    """1 - the mean over successive gaps a, b of ((b - a) / (b + a)) ** 2.

    Wheat & Morrison's M = 1 - 4 x mean of (b / (a + b) - 1/2) ** 2, as in Platzer & Reutterer (2016),
    doi:10.1287/mksc.2015.0963.
    """
    ever = past.all()
    return 1 - ratio(ever.sum("irregularity"), ever.sum("day") - 2)


def _gap_growth(past: Past) -> Float64:
    """Least-squares slope of the n gaps over 0, 1, ... n - 1, divided by their mean.

    A gap ends on purchase day i = 1 ... n: with the sums over those, it is
    6 (2 sum(i gap) - (n + 1) sum(gap)) / ((n ** 2 - 1) sum(gap)).
    """
    ever = past.all()
    n, total = ever.integer("day") - 1, ever.integer("gap")
    growth = 2 * ever.integer("gap_indexed")
    growth -= (n + 1) * total
    growth *= 6
    whole = (n * n - 1) * total
    whole[n < 3] = 0
    return ratio(growth, whole)
