"""The panel: one row per (customer at risk, cutoff), with features, the rhythm that BTYD models read, and targets.

In: histories, a plan, cutoffs. Out: float32 features of shape (n_features, n_rows), rows sorted by customer, then
cutoff, and exact float64 summaries and targets. Missing feature values are NaN; a row is never left out for them.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..clock import Cutoff
from ..errors import DataError
from ..schema import SCALE
from .family import Plan
from .history import Future, History
from .lines import Float32, Float64, Int64
from .past import Past, ratio
from .reference import Reference


@dataclass(frozen=True)
class Rhythm:
    """The buy-till-you-die summary of panel rows, in days (Fader, Hardie & Lee 2005), each of shape (n_rows,).

    Parameters
    ----------
    frequency, recency, T : ndarray of float64
        Repeat purchase days; last minus first purchase day; the day before the cutoff minus first purchase day.
    value : ndarray of float64
        Mean purchase value per repeat day with value above 0; NaN without one.
    n_valued : ndarray of float64
        How many such days.
    """

    frequency: Float64
    recency: Float64
    T: Float64
    value: Float64
    n_valued: Float64

    @classmethod
    def of(cls, past: Past) -> Rhythm:
        """Read the summary off what was known."""
        ever, first = past.all(), past.first_day("day")
        n_valued = ever.sum("repeat_day_valued")
        return cls(
            frequency=ever.sum("day") - 1,
            recency=past.last_day("day") - first,
            T=past.cutoff_day - 1 - first,
            value=ratio(ever.sum("repeat_day_value"), n_valued),
            n_valued=n_valued,
        )

    def take(self, rows: NDArray[np.bool_] | Int64) -> Rhythm:
        """The summary of some rows."""
        return Rhythm(*(getattr(self, name)[rows] for name in RHYTHM))


RHYTHM = ("frequency", "recency", "T", "value", "n_valued")


@dataclass(frozen=True)
class Totals:
    """Exact purchases and signed spend of each row before its cutoff: ever, and in the horizon's days before it.

    Parameters
    ----------
    orders, spend : ndarray of float64, shape (n_rows,)
    trailing : dict of int to ndarray of float64
        By horizon in days: signed spend in [cutoff - horizon, cutoff).
    """

    orders: Float64
    spend: Float64
    trailing: dict[int, Float64]

    @classmethod
    def of(cls, past: Past, horizons: Sequence[int]) -> Totals:
        """Add up what was known."""
        ever = past.all()
        trailing = (past.at("spend", 0) - past.at_each("spend", tuple(horizons))) / SCALE
        return cls(ever.sum("purchase"), ever.sum("spend"), dict(zip(horizons, trailing, strict=True)))

    def take(self, rows: NDArray[np.bool_] | Int64) -> Totals:
        """The totals of some rows."""
        return Totals(self.orders[rows], self.spend[rows], {h: v[rows] for h, v in self.trailing.items()})


@dataclass(frozen=True)
class Label:
    """Which targets to add: the horizon, and the day before which a row must have been known (None: all rows)."""

    horizon_days: int
    known_on: Cutoff | None = None


@dataclass(frozen=True)
class Panel:
    """Rows (customer, cutoff) with features and targets.

    Parameters
    ----------
    names : tuple of str
        The features.
    customer_id : ndarray of object, shape (n_rows,)
    cutoff_day : ndarray of int64, shape (n_rows,)
    values : ndarray of float32, shape (n_features, n_rows)
    rhythm : Rhythm
    totals : Totals
    targets : dict of Label to Future
    """

    names: tuple[str, ...]
    customer_id: NDArray[np.object_]
    cutoff_day: Int64
    values: Float32
    rhythm: Rhythm
    totals: Totals
    targets: dict[Label, Future]

    @property
    def n_rows(self) -> int:
        """How many rows."""
        return len(self.cutoff_day)

    @property
    def recency_days(self) -> Float64:
        """Cutoff date minus last purchase date, per row."""
        return np.asarray(self.rhythm.T + 1 - self.rhythm.recency)

    def feature(self, name: str) -> Float32:
        """One feature, shape (n_rows,)."""
        return np.asarray(self.values[self.names.index(name)])

    def matured(self, ends: Cutoff) -> Panel:
        """The same with targets whose window runs past the data marked as unknown: -1 orders, NaN spend, -1 days."""
        targets = {}
        for label, future in self.targets.items():
            targets[label] = future.unknown(self.cutoff_day + label.horizon_days > ends.day)
        return replace(self, targets=targets)

    def take(self, rows: NDArray[np.bool_] | Int64) -> Panel:
        """Some of the rows, by mask or index."""
        return Panel(
            self.names,
            self.customer_id[rows],
            self.cutoff_day[rows],
            self.values[:, rows],
            self.rhythm.take(rows),
            self.totals.take(rows),
            {label: future.take(rows) for label, future in self.targets.items()},
        )

    @classmethod
    def gathered(cls, blocks: Iterable[Panel], most: int) -> Panel:
        """Blocks one after the other, each let go once it is copied; `most` rows at most.

        Memory that no row comes to lie in is never touched, so that `most` may be generous.
        """
        coming = iter(blocks)
        first = next(coming, None)
        if first is None:
            raise DataError("there are no blocks to gather", needed="at least one", code="RG027")
        out = cls(
            first.names,
            np.empty(most, object),
            np.empty(most, np.int64),
            np.empty((len(first.names), most), np.float32),
            Rhythm(*(np.empty(most) for _ in RHYTHM)),
            Totals(np.empty(most), np.empty(most), {h: np.empty(most) for h in first.totals.trailing}),
            {label: Future.empty(most) for label in first.targets},
        )
        n = 0
        for block in itertools.chain([first], coming):
            for whole, part in zip(out._columns(), block._columns(), strict=True):
                whole[..., n : n + block.n_rows] = part
            n += block.n_rows
        return out.part(0, n)

    def part(self, start: int, stop: int) -> Panel:
        """Consecutive rows, without copying."""
        rows = slice(start, stop)
        totals = self.totals
        return Panel(
            self.names,
            self.customer_id[rows],
            self.cutoff_day[rows],
            self.values[:, rows],
            Rhythm(*(getattr(self.rhythm, name)[rows] for name in RHYTHM)),
            Totals(totals.orders[rows], totals.spend[rows], {h: v[rows] for h, v in totals.trailing.items()}),
            {label: future.take(rows) for label, future in self.targets.items()},
        )

    def _columns(self) -> Iterator[NDArray[Any]]:
        """Every array of the panel, rows last."""
        yield from (self.customer_id, self.cutoff_day, self.values)
        yield from (getattr(self.rhythm, name) for name in RHYTHM)
        yield from (self.totals.orders, self.totals.spend, *self.totals.trailing.values())
        for future in self.targets.values():
            yield from (future.orders, future.spend, future.first)


def regrouped(blocks: Iterable[Panel], n_rows: int) -> Iterator[Panel]:
    """The same rows in blocks of exactly so many, the last one shorter; one without rows where there are none."""
    waiting: list[Panel] = []
    held, empty = 0, True
    for block in blocks:
        start = 0
        while held + block.n_rows - start >= n_rows:
            stop = start + n_rows - held
            yield Panel.gathered([*waiting, block.part(start, stop)], n_rows)
            waiting, held, start, empty = [], 0, stop, False
        if start < block.n_rows or not waiting:
            waiting.append(block.part(start, block.n_rows))
            held += block.n_rows - start
    if waiting and (held or empty):
        yield Panel.gathered(waiting, held)


def panel_block(
    history: History,
    plan: Plan,
    reference: Reference,
    cutoffs: Sequence[Cutoff],
    labels: Sequence[Label] = (),
    trailing: Sequence[int] = (),
) -> Panel:
    """The panel of one block of whole customers; a row counts for a cutoff only if known before it.

    Parameters
    ----------
    labels : sequence of Label
        The targets to add.
    trailing : sequence of int
        Days for which the totals hold the spend before the cutoff, beside the horizons of the labels.
    """
    days = sorted({*trailing, *(label.horizon_days for label in labels)})
    if not history.two_clocks:
        return _block(history, history, plan, reference, cutoffs, labels, days)
    parts = [_block(history.known_before(c), history, plan, reference, [c], labels, days) for c in cutoffs]
    whole = Panel.gathered(parts, sum(p.n_rows for p in parts))
    return whole.take(np.lexsort([whole.cutoff_day, whole.customer_id.astype(str)]))


def _block(
    known: History,
    history: History,
    plan: Plan,
    reference: Reference,
    cutoffs: Sequence[Cutoff],
    labels: Sequence[Label],
    trailing: Sequence[int],
) -> Panel:
    past = Past(known, cutoffs, plan.offsets, plan.shape, plan.asked_with(tuple(trailing)))
    planned = plan.names
    values = np.empty((len(planned), past.n_rows), np.float32)
    yielded = itertools.chain.from_iterable(chosen.function(past, reference) for chosen in plan.families)
    for row, (name, feature) in enumerate(itertools.zip_longest(planned, yielded)):
        if feature is None:
            raise DataError(f"`{name}` was planned and not yielded", code="RG033")
        if feature.name != name:
            raise DataError(f"`{feature.name}` was yielded, which is not the feature planned here", code="RG033")
        values[row] = feature.values
    targets = {}
    for label in labels:
        then = history if label.known_on is None else history.known_before(label.known_on)
        targets[label] = then.future(past.row_customer, past.cutoff_day, label.horizon_days)
    totals = Totals.of(past, trailing)
    return Panel(plan.names, past.customer_id, past.cutoff_day, values, Rhythm.of(past), totals, targets)
