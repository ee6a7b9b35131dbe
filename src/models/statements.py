"""Statements: all that a model can say of some rows, each worked out when it is first asked for.

In: a model, a sample of the day on which one stands. Out: a column of values per output, of shape (n_rows,). The batch
asks for all of them and a request for a few; both are answered by the same lines. Missing: as `outputs` says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..clock import dates
from ..features.once import once
from ..features.panel import Panel
from .concentration import segments
from .intervals import Bounds
from .lateness import Lateness
from .next_order import NextOrder
from .outputs import NEXT_ORDER, Wanted
from .reasons import reasons_of
from .sample import Sample
from .speakers import Foreseen
from .splits import TIMING
from .worth import LifetimeValues

if TYPE_CHECKING:
    from .model import Model

Column = NDArray[Any]
Int64 = NDArray[np.int64]


@dataclass(frozen=True)
class Said:
    """What a model says of the customers of some lines.

    Parameters
    ----------
    customer : ndarray of int64, shape (n_rows,)
        Which of the lines' customers each row is about.
    columns : dict of str to ndarray of shape (n_rows,)
        By output.
    silent : ndarray of int64
        Which of the customers bought, but so long ago that nothing is said of them. Who is neither here nor in
        `customer` had not bought before the day.
    """

    customer: Int64
    columns: dict[str, Column]
    silent: Int64

    @classmethod
    def of(cls, ids: NDArray[np.object_], whole: Panel, rows: Panel, columns: dict[str, Column]) -> Said:
        """Of the rows at risk, of all rows, and of the customers among whom they are."""
        place = {name: i for i, name in enumerate(ids.tolist())}
        there = np.array([place[name] for name in rows.customer_id.tolist()], np.int64)
        if whole.n_rows == rows.n_rows:
            return cls(there, columns, np.zeros(0, np.int64))
        every = np.array([place[name] for name in whole.customer_id.tolist()], np.int64)
        return cls(there, columns, np.setdiff1d(every, there))


class Statements:
    """What is said of the rows of a sample."""

    def __init__(self, model: Model, sample: Sample) -> None:
        # Boosters of one horizon read much the same: laid out once it serves all.
        self.model, self.sample = model, replace(sample, laid={})
        self._bounded: dict[int, Bounds] = {}

    @property
    def panel(self) -> Panel:
        """The rows."""
        return self.sample.panel

    @once
    def ahead(self) -> Foreseen:
        """What is foreseen, by horizon."""
        return self.model.foreseen(self.sample)

    @once
    def life(self) -> LifetimeValues:
        """What the rows will be worth."""
        return self.model.lifetime.values(self.sample, self.ahead.spend, self.model.prior)

    @once
    def lateness(self) -> Lateness:
        """How late the rows are."""
        return Lateness.of(self.model.prior, self.panel.rhythm)

    @once
    def window(self) -> Mapping[str, NDArray[np.object_]]:
        """When the next order comes."""
        found = NextOrder.of(self.ahead.silent, self.sample).dates(self.panel.cutoff_day)
        return dict(zip(NEXT_ORDER, found, strict=True))

    def columns(self, wanted: Wanted) -> dict[str, Column]:
        """The columns that are wanted, in their order."""
        found = {name: self.output(name) for name in wanted.outputs}
        return found | {f"{n}_{days}d": self.over(days, n) for days in wanted.horizons for n in wanted.further}

    def output(self, name: str) -> Column:
        """One of `OUTPUTS`."""
        of_primary = _OVER.get(name)
        return of_primary(self, self.model.horizon_days) if of_primary else _ONCE[name](self)

    def over(self, days: int, name: str) -> Column:
        """What is said of one horizon."""
        return _OVER[name](self, days)

    def whole(self, value: object) -> Column:
        """The same text in every row."""
        return np.full(self.sample.n_rows, value, object)

    def bounds(self, days: int) -> Bounds:
        """How far what is said of spend may be trusted, for a horizon."""
        if days not in self._bounded:
            spend, none, trust = self.ahead.spend[days], self.ahead.p_none[days], self.model.trust
            missing = Bounds(*(np.full(len(spend), np.nan) for _ in range(4)))
            self._bounded[days] = trust[days].bounds(spend, none) if days in trust else missing
        return self._bounded[days]

    def _segment(self) -> Column:
        h, model = self.model.horizon_days, self.model
        return segments(self.ahead.spend[h], self.ahead.silent[h], model.high_value)

    def _reasons(self) -> Column:
        told = reasons_of(self.model, self.sample, self.model.currency)
        return np.array([*told, None], object)[:-1]


_OVER: Mapping[str, Callable[[Statements, int], Column]] = {
    "horizon_days": lambda s, h: np.full(s.sample.n_rows, h, np.int32),
    "p_churn": lambda s, h: s.ahead.silent[h],
    "expected_orders": lambda s, h: s.ahead.orders[h],
    "expected_gross": lambda s, h: s.ahead.gross[h],
    "expected_spend": lambda s, h: s.ahead.spend[h],
    "p_no_spend": lambda s, h: s.ahead.p_none[h],
    "spend_low": lambda s, h: s.bounds(h).low,
    "spend_high": lambda s, h: s.bounds(h).high,
    "spend_upper": lambda s, h: s.bounds(h).upper,
    "trained_days": lambda s, h: np.full(s.sample.n_rows, s.model.learnt.outlooks[h].trained_days, np.int32),
}
"""What is said of each horizon."""


def _within(days: int) -> Callable[[Statements], Column]:
    return lambda s: 1 - s.ahead.silent[days]


def _date(name: str) -> Callable[[Statements], Column]:
    return lambda s: s.window[name]


_ONCE: Mapping[str, Callable[[Statements], Column]] = {
    "customer_id": lambda s: s.panel.customer_id,
    "as_of": lambda s: dates(s.panel.cutoff_day),
    "basis": lambda s: s.life.basis,
    "lifetime_value": lambda s: s.life.value,
    "lifetime_low": lambda s: s.life.low,
    "lifetime_high": lambda s: s.life.high,
    "lifetime_value_ever": lambda s: s.life.ever,
    **{f"p_purchase_{days}d": _within(days) for days in TIMING},
    **{name: _date(name) for name in NEXT_ORDER},
    "usual_gap_days": lambda s: s.lateness.usual_gap_days,
    "p_so_late": lambda s: s.lateness.p_so_late,
    "late": lambda s: s.lateness.late,
    "segment": Statements._segment,
    "reasons": Statements._reasons,
    "recency_days": lambda s: s.panel.recency_days.astype(np.int32),
    "orders": lambda s: s.panel.totals.orders.astype(np.int64),
    "spend": lambda s: s.panel.totals.spend,
    "last_purchase": lambda s: dates(s.panel.cutoff_day - s.panel.recency_days.astype(np.int64)),
    "model": lambda s: s.whole(s.model.speaker),
    "value_model": lambda s: s.whole(s.model.value_speaker),
}
"""What is said once."""
