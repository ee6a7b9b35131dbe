"""What was known about each customer before each cutoff: the only thing a feature family sees.

In: a `History`, cutoffs. Out: `Past`, one row per (customer at risk, cutoff): a `View` of the purchases, with views of
the events beside them. A window that starts before the ledger does is missing (NaN), never truncated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..clock import Cutoff
from .asked import Asked, Chosen, edges_before
from .events import Events, Moments
from .groups import Group
from .history import History, ascending
from .once import once
from .reference import Reference
from .shape import Shape
from .track import Float64, Int64
from .view import Rows, View, taken


class Past(View):
    """One row per (customer at risk, cutoff), sorted by customer, then cutoff; sees only rows before the cutoff.

    Parameters
    ----------
    history : History
    cutoffs : sequence of Cutoff, ascending
    offsets : sequence of int
        Days before the cutoff at which windows will begin.
    shape : Shape, optional
        What the ledger has.
    planned : Asked, optional
        What will be asked; of a few rows it is looked up at once.
    """

    def __init__(
        self,
        history: History,
        cutoffs: Sequence[Cutoff],
        offsets: Sequence[int] = (),
        shape: Shape | None = None,
        planned: Asked | None = None,
    ) -> None:
        ascending(cutoffs)
        self.history, self.shape = history, shape or Shape()
        self.asked_groups: set[str] = set()
        self.asked_columns: set[str] = set()
        self._beside = planned.beside if planned else {}
        self._views: dict[Chosen, View] = {}
        days = tuple(c.day for c in cutoffs)
        nobody = np.zeros(0, np.int64)
        edges = (*offsets, *(planned.offsets if planned else ()))
        super().__init__(history, Rows(nobody, nobody, days, history.history_starts.day), edges)
        # At risk is whoever has a purchase before the cutoff.
        now = self._grid[:, self._plan.columns[self._plan.offsets.index(0)]]
        bought = history.prefix("purchase")
        at_risk = bought[now] > bought[history.starts[:-1, None]]
        customer, cutoff = np.nonzero(at_risk)
        self.rows = Rows(customer, cutoff, days, history.history_starts.day)
        if planned:
            self._look_up(planned)

    @property
    def was_asked(self) -> Asked:
        """What was asked so far, events beside the purchases included."""
        beside = {chosen: view.was_asked for chosen, view in self._views.items()}
        return Asked.of(self._at, self._scaled(), beside)

    @property
    def row_customer(self) -> Int64:
        """Index of the customer, per row."""
        return self.rows.customer

    @property
    def customer_id(self) -> NDArray[np.object_]:
        """Whose row it is, shape (n_rows,)."""
        return self.history.lines.customer_ids[self.rows.customer]

    def has(self, column: str) -> bool:
        """Whether the source has an optional column; only columns asked for here are read from the ledger."""
        self.asked_columns.add(column)
        return self.history.has(column)

    def events(self, *kinds: str, channel: str | None = None) -> View:
        """Events of some of the shape's kinds (all without one), on one channel or on any; measures of `events.py`."""
        return self._moments(("events", kinds, channel), self.history.beside.events)

    def offers(self, kind: str) -> View:
        """Offers ``received`` or ``redeemed``; measures of `events.py`."""
        return self._moments(("offers", (kind,), None), self.history.beside.offers)

    def group(self, name: str, reference: Reference) -> Group:
        """What the Reference tells about a column or a group of customers; only those asked for are counted."""
        self.asked_groups.add(name)
        return reference.group(name)

    def bought(self, column: str, days: int) -> tuple[Int64, Int64]:
        """The row and the code of each line of positive money in [cutoff - days, cutoff) that has a code."""
        history, cutoffs = self.history, self.rows.cutoff_days
        codes = history.lines.codes[column]
        line = ((codes >= 0) & (history.lines.money["amount"] > 0)).nonzero()[0]
        day = history.line_day[line]
        since = edges_before(cutoffs, 0).reached(day)
        seen = np.maximum(edges_before(cutoffs, days).reached(day) - since, 0)
        begins = since - seen.cumsum()
        begins += seen
        place = np.arange(int(seen.sum()))
        place += (begins + history.line_customer[line] * len(cutoffs)).repeat(seen)
        return self._row_of[place], codes[line].repeat(seen)

    @once
    def _row_of(self) -> Int64:
        """The row of each customer and cutoff, -1 where there is none."""
        width = len(self.rows.cutoff_days)
        row_of = np.full(self.history.n_customers * width, -1, np.int64)
        row_of[self.rows.customer * width + self.rows.cutoff] = np.arange(self.n_rows)
        return row_of

    def trait(self, values: NDArray[Any]) -> NDArray[Any]:
        """A value per customer, per row."""
        return taken(values, self.rows.customer)

    def _moments(self, which: Chosen, events: Events) -> View:
        if which not in self._views:
            history, rows, (_, kinds, channel) = self.history, self.rows, which
            if events.starts is not None and events.starts.day > rows.history_starts:
                rows = replace(rows, history_starts=events.starts.day)
            chosen = events.chosen(kinds or events.kinds, channel)
            track = Moments(chosen, history.n_customers, history.zone)
            self._views[which] = View(track, rows, planned=self._beside.get(which))
        return self._views[which]


def ratio(part: Float64 | Int64, whole: Float64 | Int64) -> Float64:
    """part / whole where whole > 0, else NaN.

    Examples
    --------
    >>> ratio(np.array([1.0, 1.0]), np.array([4.0, 0.0])).tolist()
    [0.25, nan]
    """
    # Dividing by NaN is four times as fast as dividing where a mask says so, and gives the same.
    divisor = whole.astype(np.float64)
    divisor[divisor <= 0] = np.nan
    return np.asarray(part / divisor)
