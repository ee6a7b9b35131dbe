"""One point less silence in money: what it would bring a year that one customer in a hundred were not silent.

In: present customers with their chance of silence, value and segment; the level that a past year has. Out: `Worth` of
each segment with an interval, and a table. The saved are silent customers at the edge: each counts with p (1 - p), p
the chance of silence, so that nobody is saved whose silence is certain (overlap weights: Li, Morgan & Zaslavsky 2018,
doi:10.1080/01621459.2016.1260466). Where nobody is at the edge there is no figure.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..kpis.table import Column, Row, Table
from ..models.doubt import alike, covariance
from ..models.prior import Prior
from ..models.summary import Summary
from ..schema import SCALE
from .level import Level
from .saved import Float, Timing, Twins, saved, twins

Int = NDArray[np.int64]

YEAR = 365
ALL = "all"
NORMAL_80 = 1.2815515655446004
"""Of a normal distribution 80 % lie within so many deviations."""
SAMPLED, DOUBTED, DRAWS = 1000, 200, 16
"""Customers of a segment, evenly spaced, for what saving brings, and for the doubt about parameters; draws of those."""


@dataclass(frozen=True, eq=False)
class Present:
    """Customers as of a day as a prior of that day sees them.

    Parameters
    ----------
    summary : Summary
    value : ndarray of float64, shape (n_customers,)
        Expected value of a purchase day, in currency.
    p_silent : ndarray of float64, shape (n_customers,)
        The chance of silence that is believed: that of the scores where there are any.
    found : Twins
    timing : BgNbd or ParetoNbd
    window_days : int
        For so long one is silent.
    prior : Prior
    """

    summary: Summary
    value: Float
    p_silent: Float
    found: Twins
    timing: Timing
    window_days: int
    prior: Prior

    @classmethod
    def of(
        cls, summary: Summary, prior: Prior, timing: Timing, window_days: int, p_silent: Float | None = None
    ) -> Present:  # fmt: skip
        """Of a summary; NaN among the chances that are given is filled by the model's."""
        found = twins(timing, summary, window_days, YEAR)
        p = found.p_silent if p_silent is None else np.where(np.isfinite(p_silent), p_silent, found.p_silent)
        return cls(summary, value_of(prior, summary), p, found, timing, window_days, prior)

    @cached_property
    def value_square(self) -> Float:
        """The mean square of what a customer's purchase days are worth on average: nobody knows that exactly."""
        gamma = self.prior.gamma
        return self.value**2 if gamma is None else gamma.second_moments(self.summary)[1]

    def values_alike(self, rows: Int) -> list[Float]:
        """The value of a purchase day of some customers by models as likely as the one that was fitted."""
        if self.prior.gamma is None or not (self.summary.n_valued > 0).any():
            return [self.value[rows]] * DRAWS
        some = some_of(self.summary, rows)
        # Taken the other way round, the two sets of draws do not move together.
        drawn = reversed(alike(self.prior.gamma, covariance(self.prior.gamma, self.summary), DRAWS))
        return [gamma.expected_value(some) for gamma in drawn]

    def timings_alike(self) -> list[Timing]:
        """Models of time as likely as the one that was fitted."""
        return [*alike(self.timing, covariance(self.timing, self.summary), DRAWS)]


def value_of(prior: Prior, summary: Summary) -> Float:
    """Expected value of a purchase day, in currency."""
    if prior.gamma is not None:
        return prior.gamma.expected_value(summary)
    return np.where(np.isfinite(summary.value), summary.value, prior.mean_value)


def some_of(summary: Summary, rows: Int) -> Summary:
    """Some of the customers."""
    return Summary.known(*(getattr(summary, name)[rows] for name in Summary.__dataclass_fields__))


@dataclass(frozen=True)
class Worth:
    """What one point less silence brings a segment in a year, in currency; None where nobody is at the edge.

    Where less than one in a hundred is silent no more than these can be saved.

    Parameters
    ----------
    segment : str
    customers : int
    p_silent : float
    each : float or None
        What one saved customer brings on average.
    error : float
        Deviation of the log of it that is this segment's own.
    shared : float
        That which all segments have in common.
    model, seen : float or None
        Of one customer: what the model alone says of saving; what those who bought brought more than those who did not.

    Examples
    --------
    >>> Worth("late", customers=200, p_silent=0.7, each=30.0).one_point / 10_000  # two customers
    60.0
    """

    segment: str
    customers: int
    p_silent: float
    each: float | None
    error: float = 0.0
    shared: float = 0.0
    model: float | None = None
    seen: float | None = None

    @property
    def one_point(self) -> int | None:
        """In 1/10,000."""
        return self.points(self.each)

    def points(self, each: float | None) -> int | None:
        """Of one customer in a hundred, in 1/10,000."""
        return None if each is None else round(self.saved * each * SCALE)

    @property
    def saved(self) -> float:
        """How many customers one point is."""
        return min(0.01, self.p_silent) * self.customers

    @property
    def deviation(self) -> float:
        """Of the log of all."""
        return float(np.hypot(self.error, self.shared))


def worth_of(
    here: Present, place: Int, names: Sequence[str], level: Level, net: float, margin: float
) -> list[Worth]:  # fmt: skip
    """One point less silence in each segment that has customers.

    Parameters
    ----------
    place : ndarray of int64, shape (n_customers,)
        Of each customer's segment among the names.
    net : float
        Net over gross money, for what the model alone says.
    margin : float
        What is earned of money.
    """
    groups = [(name, np.flatnonzero(place == number)) for number, name in enumerate(names)]
    groups = [(name, rows) for name, rows in groups if len(rows)]
    doubts = _doubts(here, [rows for _, rows in groups])
    shared = level.error / level.level if level.level > 0 else 0.0
    found = []
    for (name, rows), doubt in zip(groups, doubts, strict=True):
        p = here.p_silent[rows]
        if not (p * (1.0 - p)).sum() > 0:
            found.append(Worth(name, len(rows), float(p.mean()), None))
            continue
        along, gain, luck = _each(here, rows)
        money = (margin * level.level * gain, margin * net * gain, margin * level.level * along)
        error = float(np.hypot(luck, doubt))
        found.append(Worth(name, len(rows), float(p.mean()), money[0], error, shared, *money[1:]))
    return found


def _each(here: Present, rows: Int) -> tuple[float, float, float]:
    """Gross money of one customer at the edge: what goes along with buying, what saving brings, and its deviation."""
    weight = here.p_silent[rows] * (1.0 - here.p_silent[rows])
    worth = weight * here.value[rows]
    along = float((worth * here.found.difference[rows]).sum() / weight.sum())
    # What goes along is known of everybody; how much of it is due to being saved is worked out on some.
    at = even(len(rows), SAMPLED)
    gain, square = saved(here.timing, some_of(here.summary, rows[at]), here.window_days, YEAR, seed=0)
    part = float((worth[at] * gain).sum() / (worth[at] * here.found.difference[rows[at]]).sum())
    mean = float((worth[at] * gain).sum() / weight[at].sum())
    # Who of them happens to be silent: each with chance p, and then with weight 1 - p and a gain that differs.
    apart = here.value_square[rows[at]] * square - 2 * mean * here.value[rows[at]] * gain + mean**2
    chance = weight[at] * (1.0 - here.p_silent[rows[at]])
    luck = float((chance * apart).sum()) / float(weight[at].sum() * mean) ** 2 * len(at) / len(rows)
    return along, along * part, float(np.sqrt(max(luck, 0.0)))


def _doubts(here: Present, groups: Sequence[Int]) -> list[float]:
    """For each segment the deviation of the log of what saving brings that the doubt about parameters brings."""
    some = [rows[even(len(rows), DOUBTED)] for rows in groups]
    every = np.concatenate([np.zeros(0, np.int64), *some])
    summary, edge = some_of(here.summary, every), here.p_silent[every] * (1.0 - here.p_silent[every])
    edges = np.cumsum([0, *(len(rows) for rows in some)])
    totals = []
    for timing, value in zip(here.timings_alike(), here.values_alike(every), strict=True):
        gain = edge * value * saved(timing, summary, here.window_days, YEAR, seed=1, draws=DRAWS)[0]
        totals.append([float(gain[a:b].sum()) for a, b in itertools.pairwise(edges)])
    return [float(spread) for spread in np.log(np.maximum(totals, 1e-300)).std(axis=0)]


def even(n: int, most: int) -> Int:
    """Places of at most so many of n, evenly spaced.

    Examples
    --------
    >>> even(10, 4).tolist(), even(2, 4).tolist()
    ([0, 3, 6, 9], [0, 1])
    """
    return np.linspace(0, n - 1, min(n, most)).astype(np.int64)


def all_of(found: Sequence[Worth]) -> tuple[int | None, int, int]:
    """One point in every segment: the sum, and its bounds; the level is wrong for all of them alike."""
    known = [(point, one) for one in found if (point := one.one_point) is not None]
    if not known:
        return None, 0, 0
    total = sum(point for point, _ in known)
    own = float(np.sqrt(sum((point * one.error) ** 2 for point, one in known)))
    shared = abs(sum(point * one.shared for point, one in known))
    low, high = bounds(total, float(np.hypot(own, shared)) / abs(total) if total else 0.0)
    return total, low, high


def bounds(point: int, deviation: float) -> tuple[int, int]:
    """80 % interval of a figure whose log has a deviation.

    Examples
    --------
    >>> bounds(1000, 0.1)
    (880, 1137)
    """
    low, high = (round(point * float(np.exp(sign * NORMAL_80 * deviation))) for sign in (-1, 1))
    return min(low, high), max(low, high)


def silence_table(found: Sequence[Worth], days: int, money: str, of_year: bool) -> Table:
    """The worth of one point in each segment, and in all of them.

    Parameters
    ----------
    money : str
        What is counted: "margin" or "net spend".
    of_year : bool
        Whether a past year told the level.
    """
    told = f"what {money} a year it brings that one in a hundred `customers` were not silent for {days} days"
    rule = "a past year's level times the model's gain" if of_year else "by the model alone, at a level not checked"
    columns = (
        Column("segment", "text", "as of the day; `all` is one point in each segment, so the sum"),
        Column("customers", "count", "who have bought before the day and are at risk"),
        Column("p_silent", "share", f"mean chance of no purchase within {days} days, over `customers`"),
        Column("one_point", "money", f"{told}: {rule}; of the {YEAR} days from the day, not discounted"),
        Column("low", "money", "80 % interval of one_point, lower bound"),
        Column("high", "money", "80 % interval of one_point, upper bound"),
        Column("each", "amount", "one_point / customers saved (0.01 x `customers`): what one of them brings"),
        Column("by_model", "money", "the same by the model alone, at net over gross money of the past"),
        Column(
            "as_seen",
            "money",
            "for one in a hundred `customers`: by how much those who buy in the window outspend alike customers who do "
            "not; an association: too high where who buys is the faster buyer, too low where fast buyers have left",
        ),
    )
    rows = [_row(one) for one in found]
    total, low, high = all_of(found)
    customers = sum(one.customers for one in found)
    if customers:
        sums: Row = {
            "segment": ALL,
            "customers": customers,
            "p_silent": sum(one.customers * one.p_silent for one in found) / customers,
            "one_point": total,
            "low": None if total is None else low,
            "high": None if total is None else high,
            "each": None if total is None else total / SCALE / sum(one.saved for one in found if one.each is not None),
            **{name: _sum(rows, name) for name in ("by_model", "as_seen")},
        }
        rows.append(sums)
    return Table("silence_in_money", "one point less silence, in money a year", columns, tuple(rows))


def _row(one: Worth) -> Row:
    point = one.one_point
    low, high = (None, None) if point is None else bounds(point, one.deviation)
    return {
        "segment": one.segment,
        "customers": one.customers,
        "p_silent": one.p_silent,
        "one_point": point,
        "low": low,
        "high": high,
        "each": one.each,
        "by_model": one.points(one.model),
        "as_seen": one.points(one.seen),
    }


def _sum(rows: Sequence[Row], name: str) -> int | None:
    known = [int(value) for row in rows if (value := row[name]) is not None]
    return sum(known) if known else None
