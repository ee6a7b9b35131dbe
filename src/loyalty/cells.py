"""What a programme counts, added up per customer and local day: points entered, purchases, stamps.

In: entries in any order, or the `History` of a block of customers. Out: `Cells`, a track whose measures are what it was
given, as exact integers. What happened on the day of a cutoff or later, or became known then, is left out by whoever
reads; a number of points that is missing is 0.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ..clock import Cutoff, Zone
from ..errors import DataError
from ..features.history import History
from ..features.lines import instants_of, units_of
from ..features.points import EARNED, EXPIRED, KINDS
from ..features.track import Edges, Int64, Measure, Track, added_up, changes
from ..schema import SCALE

SPENT = KINDS[1]
AMOUNTS = ("earned", "spent", "taken_back", "expired")
"""What is entered of points, each at least 0: taken back is what was earned with a negative number."""
_MOST = 2.0**62
_FIRST_DAY, _DAYS = -1_000_000, 2_000_000


class Cells(Track):
    """Amounts of (customer, local day), ascending, each pair once.

    Parameters
    ----------
    n_customers : int
    customer, day : ndarray of int64, shape (n_cells,)
    amounts : mapping of str to ndarray of int64, shape (n_cells,)

    Examples
    --------
    >>> two = {"earned": np.array([5, 7, 1]), "spent": np.array([0, 2, 0])}
    >>> found = Cells.of(2, np.array([1, 0, 1]), np.array([9, 3, 9]), two)
    >>> found.day.tolist(), found.values("earned").tolist(), found.totals("earned").tolist()
    ([3, 9], [7, 6], [7, 6])
    """

    def __init__(self, n_customers: int, customer: Int64, day: Int64, amounts: Mapping[str, Int64]) -> None:
        super().__init__(n_customers, customer, day)
        self.amounts = amounts

    @classmethod
    def of(cls, n_customers: int, customer: Int64, day: Int64, amounts: Mapping[str, Int64]) -> Cells:
        """From entries in any order; those of one customer and day are added up.

        Raises
        ------
        DataError
            ``RG486``: they are too large to be added exactly.
        """
        for name, values in amounts.items():
            if float(np.abs(values.astype(np.float64)).sum()) >= _MOST:
                do = "look at the largest values of these events"
                raise DataError(f"the numbers of `{name}` are too large to be added exactly", do=do, code="RG486")
        key = customer * _DAYS + (day - _FIRST_DAY)
        order = np.argsort(key, kind="stable")
        first = np.flatnonzero(changes(key[order]))
        summed = {name: added_up(values[order], first) for name, values in amounts.items()}
        return cls(n_customers, customer[order][first], day[order][first], summed)

    def measure(self, name: str) -> Measure:
        """One of the amounts; `net` is earned less taken back, `lost` all that takes points away."""
        if name == "net":
            return Measure(SCALE, lambda c: c.amounts["earned"] - c.amounts["taken_back"])
        if name == "lost":
            return Measure(SCALE, lambda c: c.amounts["spent"] + c.amounts["taken_back"] + c.amounts["expired"])
        return Measure(SCALE, lambda c: c.amounts[name])

    @property
    def key(self) -> Int64:
        """A number per cell that ascends with customer and day; see `key_of`."""
        return key_of(self.customer, self.day)

    def totals(self, measure: str) -> Int64:
        """A measure added up per customer."""
        sums = self.prefix(measure)
        return np.asarray(sums[self.starts[1:]] - sums[self.starts[:-1]])

    def until(self, measure: str, days: Int64) -> Int64:
        """A measure added up before each of some days (ascending, each once), shape (n_customers, n_days)."""
        sums = self.prefix(measure)
        reached = self.before(Edges(days))[:, : len(days)]
        return np.asarray(sums[reached] - sums[self.starts[:-1]][:, None])

    def first_and_last(self, measure: str) -> tuple[Int64, Int64]:
        """The first and last day on which each customer has more than 0 of a measure; -1 without one."""
        at = np.flatnonzero(self.values(measure) > 0)
        who, when = self.customer[at], self.day[at]
        first, last = np.full(self.n_customers, -1, np.int64), np.full(self.n_customers, -1, np.int64)
        # Days ascend within a customer: of what is written to one place the last one stays.
        last[who], first[who[::-1]] = when, when[::-1]
        return first, last

    def with_more(self, customer: Int64, day: Int64, amounts: Mapping[str, Int64]) -> Cells:
        """The same with further entries; what they do not name is 0."""
        nothing = np.zeros(len(customer), np.int64)
        joined = {n: np.concatenate([v, amounts.get(n, nothing)]) for n, v in self.amounts.items()}
        who, when = np.concatenate([self.customer, customer]), np.concatenate([self.day, day])
        return Cells.of(self.n_customers, who, when, joined)


def key_of(customer: Int64, day: Int64) -> Int64:
    """A number per customer and day that ascends with both."""
    return np.asarray(customer * _DAYS + (day - _FIRST_DAY))


def points_told(
    rows: pa.Table, place: Int64, n_customers: int, zone: Zone, day: Cutoff, starts: Cutoff | None
) -> Cells:
    """Points as events tell them, from the first day of the programme on and before a day.

    Parameters
    ----------
    rows : pyarrow.Table
        Of `schema.EVENTS`: `occurred_at`, `kind`, `value`, and `known_at` where the log has it.
    place : ndarray of int64, shape (n_rows,)
        The customer of each row; -1 leaves it out.
    """
    when = zone.local_day(instants_of(rows["occurred_at"])) if rows.num_rows else np.zeros(0, np.int64)
    kind = np.asarray(pc.fill_null(pc.index_in(rows["kind"], pa.array(KINDS)), -1).to_numpy(), np.int64)
    kept = (place >= 0) & (kind >= 0) & (when < day.day)
    if starts is not None:
        kept &= when >= starts.day
    if "known_at" in rows.column_names:
        late = np.asarray(rows["known_at"].is_valid()) & (
            instants_of(rows["known_at"].fill_null(0)) >= day.instant(zone)
        )
        kept &= ~late
    value, kind = units_of(rows["value"])[kept] if rows.num_rows else np.zeros(0, np.int64), kind[kept]
    earned, size = kind == KINDS.index(EARNED), np.abs(value)
    amounts = {
        "earned": np.where(earned, np.maximum(value, 0), 0),
        "spent": np.where(kind == KINDS.index(SPENT), size, 0),
        "taken_back": np.where(earned, np.maximum(-value, 0), 0),
        "expired": np.where(kind == KINDS.index(EXPIRED), size, 0),
    }
    return Cells.of(n_customers, place[kept], when[kept], amounts)


def purchases_of(
    history: History, place: Int64, n_customers: int, day: Cutoff, minimum: int = 0, count_from: Cutoff | None = None
) -> Cells:
    """Purchases before a day: `purchase`, `spend`, `value` (money of purchases), `sold`, `returned`, `stamp`.

    Parameters
    ----------
    history : History
        As it was known before the day.
    place : ndarray of int64, shape (history.n_customers,)
        Ascending: the place of each of its customers.
    minimum : int
        A purchase of less money, in 1/10,000, gets no stamp.
    count_from : Cutoff, optional
        There are no stamps before.
    """
    orders = history.orders
    stamps = history.daily_orders(orders.purchase * (orders.value >= minimum))
    if count_from is not None:
        stamps = stamps * (history.day >= count_from.day)
    measures = {"purchase": "purchase", "spend": "spend", "value": "purchase_amount"}
    measures |= {"sold": "sold", "returned": "returned"}
    kept = history.day < day.day
    amounts = {name: history.values(measure)[kept] for name, measure in measures.items()}
    amounts["stamp"] = stamps[kept]
    return Cells(n_customers, place[history.customer[kept]], history.day[kept], amounts)


def points_reckoned(bought: Cells, rate: int, starts: Cutoff | None) -> Cells:
    """Points of purchases, rounded down to 1/10,000 a day; what comes back takes its points back.

    Parameters
    ----------
    rate : int
        Points for one unit of money, in 1/10,000.
    """
    kept: NDArray[np.bool_] = (bought.values("sold") > 0) | (bought.values("returned") > 0)
    if starts is not None:
        kept &= bought.day >= starts.day
    nothing = np.zeros(int(kept.sum()), np.int64)
    amounts = {
        "earned": _times(bought.values("sold")[kept], rate),
        "spent": nothing,
        "taken_back": _times(bought.values("returned")[kept], rate),
        "expired": nothing,
    }
    return Cells.of(bought.n_customers, bought.customer[kept], bought.day[kept], amounts)


def _times(money: Int64, rate: int) -> Int64:
    """money * rate / SCALE, rounded down; the whole units and the rest apart, so that 64 bits hold the products."""
    if float(money.max(initial=0)) / SCALE * rate >= _MOST:
        raise DataError("the points of a day are too large to be added exactly", do="lower the rate", code="RG486")
    return np.asarray(money // SCALE * rate + money % SCALE * rate // SCALE)
