"""What-ifs: retention, frequency, order value and margin, each changed alone and all together, over the years to come.

In: the `Future` of present customers, their segments, by how much each lever is changed. Out: two tables, money in
whole 1/10,000, so that segments add up to all. A lever that is not changed has no row. Nothing is missing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from ..errors import ConfigError
from ..kpis.table import Column, Row, Table
from ..models.pareto_nbd import ParetoNbd
from ..schema import SCALE
from .future import Future
from .saved import Float
from .silence import ALL, bounds

Int = NDArray[np.int64]

TOGETHER = "all together"
_NAMES = {"retention": "retention", "frequency": "frequency", "order_value": "order value", "margin": "margin"}
_UNITS = {"retention": "points", "frequency": "%", "order_value": "%", "margin": "points"}


@dataclass(frozen=True)
class Levers:
    """By how much each lever is changed; 0 leaves it as it is.

    Parameters
    ----------
    retention : float
        Points: of every hundred customers who are there when a year begins so many more are there when it ends.
    frequency : float
        Per cent: orders of a customer per time for which he is one.
    order_value : float
        Per cent: money of an order.
    margin : float
        Points: of every hundred of money so much more is earned.

    Raises
    ------
    ConfigError
        ``RG494``: a change that cannot be.

    Examples
    --------
    >>> [name for name, _ in Levers(retention=1.0, margin=2.0).alone()]
    ['retention +1 point', 'margin +2 points', 'all together']
    """

    retention: float = 0.0
    frequency: float = 0.0
    order_value: float = 0.0
    margin: float = 0.0

    def __post_init__(self) -> None:
        given = {_NAMES[f.name]: float(getattr(self, f.name)) for f in fields(self)}
        bad = [f"{name} {value:+g}" for name, value in given.items() if not (np.isfinite(value) and value >= -100.0)]
        if bad:
            needed, do = "numbers of -100 or more", "name a smaller change, such as 1"
            raise ConfigError("a change cannot be", needed=needed, do=do, offending=bad, code="RG494")

    @classmethod
    def one(cls) -> Levers:
        """One point or one per cent of each."""
        return cls(1.0, 1.0, 1.0, 1.0)

    def alone(self) -> Iterator[tuple[str, Levers]]:
        """Each lever that is changed, alone, and all of them together where they are several."""
        changed = [f.name for f in fields(self) if getattr(self, f.name)]
        for name in changed:
            value = float(getattr(self, name))
            unit = _UNITS[name].removesuffix("s") if abs(value) == 1 else _UNITS[name]
            yield f"{_NAMES[name]} {value:+g} {unit}", replace(Levers(), **{name: value})
        if len(changed) > 1:
            yield TOGETHER, self

    def money(self, margin: float) -> float:
        """What money is multiplied with by all levers but retention, where so much of it is earned.

        Examples
        --------
        >>> round(Levers(frequency=10.0, order_value=10.0, margin=5.0).money(0.25), 6)  # 1.1 x 1.1 x 0.30 / 0.25
        1.452
        """
        more = (1.0 + self.frequency / 100.0) * (1.0 + self.order_value / 100.0)
        return more * (margin + self.margin / 100.0) / margin if self.margin else more


@dataclass(frozen=True, eq=False)
class WhatIf:
    """The years to come of segments, and what levers change of them.

    Parameters
    ----------
    future : Future
    alive : ndarray of float64, shape (n_customers,)
        The chance that each still is a customer on the day.
    place : ndarray of int64, shape (n_customers,)
        Of each customer's segment among the names.
    names : tuple of str
    levers : Levers
    margin : float
        What is earned of money.
    level_error : float
        Deviation of the log of the total.
    models : tuple of ParetoNbd
        As likely as the one of the future.
    """

    future: Future
    alive: Float
    place: Int
    names: tuple[str, ...]
    levers: Levers
    margin: float
    level_error: float
    models: tuple[ParetoNbd, ...]

    def table(self, money: str) -> Table:
        """A row per segment and lever.

        Parameters
        ----------
        money : str
            What is counted: "margin" or "net spend".
        """
        years = self.future.years
        columns = (
            Column("segment", "text", "as of the day; `all` is the sum"),
            Column("lever", "text", "what is changed, in every year, of the present customers"),
            Column("customers", "count", "who have bought before the day and are at risk"),
            Column("base", "money", f"{money} expected of them in {years} years, discounted to the day"),
            Column("changed", "money", "the same with the lever changed"),
            Column("difference", "money", "changed - base"),
            Column("share", "share", "difference / base"),
            Column("low", "money", "80 % interval of difference, lower bound"),
            Column("high", "money", "80 % interval of difference, upper bound"),
        )
        about = f"{years} years of the present customers, by what is changed"
        return Table("what_if", about, columns, tuple(self._rows()))

    def _rows(self) -> Iterator[Row]:
        margin, more = self.future.margin, self.future.retained(self.levers.retention)
        base, retained = margin.sum(axis=1), (margin * more).sum(axis=1)
        sums: dict[str, list[int]] = {}
        groups = [(name, np.flatnonzero(self.place == number)) for number, name in enumerate(self.names)]
        groups = [(name, rows) for name, rows in groups if len(rows)]
        drawn = self.future.totals(self.levers.retention, self.models, self.place, len(self.names))
        for name, rows in groups:
            of_segment = drawn[:, self.names.index(name)]
            for lever, levers in self.levers.alone():
                customers = (retained if levers.retention else base)[rows] * levers.money(self.margin)
                pair = [round(float(values.sum()) * SCALE) for values in (base[rows], customers)]
                sums[lever] = [a + b for a, b in zip(sums.get(lever, [0, 0]), pair, strict=True)]
                deviation = self._deviation(customers - base[rows], of_segment, levers)
                yield self._row(name, lever, len(rows), pair, deviation)
        for lever, pair in sums.items():
            levers = dict(self.levers.alone())[lever]
            customers = (retained if levers.retention else base) * levers.money(self.margin)
            deviation = self._deviation(customers - base, drawn.sum(axis=1), levers)
            yield self._row(ALL, lever, len(base), pair, deviation)

    def _deviation(self, differences: Float, drawn: Float, levers: Levers) -> float:
        """Of the log of a difference: of the level, of the parameters, and of who happens to be a customer."""
        total = float(differences.sum())
        if total == 0:
            return 0.0
        changed = drawn[:, 1 if levers.retention else 0] * levers.money(self.margin) - drawn[:, 0]
        ratios = np.abs(changed)
        doubt = float(np.log(np.maximum(ratios, 1e-300)).std())
        luck = float((differences**2).sum()) / total**2
        return float(np.sqrt(self.level_error**2 + doubt**2 + luck))

    @staticmethod
    def _row(name: str, lever: str, customers: int, pair: Sequence[int], deviation: float) -> Row:
        base, changed = pair
        low, high = bounds(changed - base, deviation)
        share = (changed - base) / base if base else None
        return {
            "segment": name,
            "lever": lever,
            "customers": customers,
            "base": base,
            "changed": changed,
            "difference": changed - base,
            "share": share,
            "low": low,
            "high": high,
        }

    def years(self, money: str) -> Table:
        """A row per year, of all customers."""
        columns = (
            Column("year", "count", "after the day"),
            Column("begin", "number", "present customers who still are customers when the year begins, expected"),
            Column("end", "number", "the same when it ends"),
            Column("retention", "share", "end / begin"),
            Column("base", "money", f"{money} expected in the year, discounted to the day"),
            Column("changed", "money", "the same with all changes together"),
        )
        margin, more = self.future.margin, self.future.retained(self.levers.retention)
        stays = np.cumprod(self.future.retention, axis=1)
        there = [float(self.alive.sum()), *(self.alive @ stays).tolist()]
        changed = (margin * more).sum(axis=0) * self.levers.money(self.margin)
        rows: list[Row] = [
            {
                "year": k + 1,
                "begin": there[k],
                "end": there[k + 1],
                "retention": there[k + 1] / there[k] if there[k] > 0 else None,
                "base": round(float(margin[:, k].sum()) * SCALE),
                "changed": round(float(changed[k]) * SCALE),
            }
            for k in range(self.future.years)
        ]
        return Table("years", "the years to come of the present customers", columns, tuple(rows))
