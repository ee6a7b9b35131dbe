"""Prospects: people of the customers' table who have not bought yet, and what becomes of such people.

In: a ledger with a table of customers, the days on which one stood. Out: a row per prospect and day, with what he
bought in the windows after it; from matured rows, the chance of a first purchase and the expected orders and spend by
the time since one joined. When that was may be unknown (NaN): such people count as always there, in a class of their
own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from ..clock import Cutoff
from ..errors import NotEnoughData
from ..features.history import History
from ..features.lines import Lines, instants_of
from .prior import Float64

if TYPE_CHECKING:
    from ..intake import Ledger

AGES = (30, 90, 180, 365)
"""Edges of the classes of days since one joined; one more class holds those of whom that is not known."""
SHRUNK = 50.0
"""A class counts as if so many average prospects were in it besides."""
FEWEST = 100
NEEDED = ("customer_id", "purchased_at", "order_id", "amount", "known_at")


@dataclass(frozen=True)
class ProspectRows:
    """People without a purchase before a day on which they had joined, a row per person and day.

    Parameters
    ----------
    customer_id : ndarray of object, shape (n_rows,)
    cutoff_day : ndarray of int64
    age_days : ndarray of float64
        Days since they joined; NaN where that is not known.
    orders, spend : dict of int to ndarray of float64
        By horizon in days: purchases, and signed spend in currency, in the window after the cutoff.
    """

    customer_id: NDArray[np.object_]
    cutoff_day: NDArray[np.int64]
    age_days: Float64
    orders: dict[int, Float64]
    spend: dict[int, Float64]

    @property
    def n_rows(self) -> int:
        """How many rows."""
        return len(self.cutoff_day)


def prospect_rows(
    ledger: Ledger, cutoffs: Sequence[Cutoff], horizons: Sequence[int] = (), known_on: Cutoff | None = None
) -> ProspectRows:
    """The prospects of some days, in order of person and day; none without a table of customers.

    Parameters
    ----------
    horizons : sequence of int
        Windows, in days, in which to count what they bought.
    known_on : Cutoff, optional
        What became known at or after this day does not count in the windows.
    """
    if not ledger.has_table("customers"):
        return _rows(np.empty(0, object), np.empty(0, np.int64), np.empty(0), {h: (np.empty(0),) * 2 for h in horizons})
    joined = "joined_at" in ledger.manifest.tables["customers"].columns
    table = ledger.rows_of("customers", columns=["customer_id", *(["joined_at"] if joined else [])])
    ids = np.asarray(table["customer_id"].to_pylist(), object)
    since = np.full(len(ids), np.nan)
    if joined:
        joining = ledger.zone.local_day(instants_of(table["joined_at"].fill_null(0)))
        since = np.where(np.asarray(table["joined_at"].is_valid()), joining, np.nan)
    days = np.array([c.day for c in cutoffs], np.int64)
    # Not yet joined: not there yet. Not known when: there.
    here = ~(since[:, None] >= days)
    bought = {h: (np.zeros(here.shape), np.zeros(here.shape)) for h in horizons}
    place = {name: i for i, name in enumerate(ids.tolist())}
    for shard in ledger.shards(columns=NEEDED, encoded=True):
        history = History(Lines.from_arrow(shard), ledger.rules, ledger.history_starts)
        at = np.array([place.get(name, -1) for name in history.lines.customer_ids.tolist()], np.int64)
        rows = np.flatnonzero(at >= 0)
        then = history if known_on is None else history.known_before(known_on)
        for k, cutoff in enumerate(cutoffs):
            here[at[rows], k] &= ~_buyers(history.known_before(cutoff), cutoff)[rows]
            still = rows[here[at[rows], k]]
            for h, (orders, spend) in bought.items():
                future = then.future(still, np.full(len(still), cutoff.day), h)
                orders[at[still], k], spend[at[still], k] = future.orders, future.spend
    person, day = np.nonzero(here)
    found = {h: (orders[person, day], spend[person, day]) for h, (orders, spend) in bought.items()}
    return _rows(ids[person], days[day], np.asarray(days[day] - since[person], np.float64), found)


def _rows(
    ids: NDArray[np.object_], day: NDArray[np.int64], age: Float64, found: Mapping[int, tuple[Float64, ...]]
) -> ProspectRows:
    orders, spend = ({h: pair[i] for h, pair in found.items()} for i in (0, 1))
    return ProspectRows(ids, day, age, orders, spend)


def _buyers(known: History, cutoff: Cutoff) -> NDArray[np.bool_]:
    """Which customers of a block had bought before a day, as far as was known then."""
    bought = (known.values("purchase") > 0) & (known.day < cutoff.day)
    return np.bincount(known.customer[bought], minlength=known.n_customers) > 0


def age_class(age_days: Float64) -> NDArray[np.int64]:
    """The class of each time since one joined; the last one is that of unknown times.

    Examples
    --------
    >>> age_class(np.array([0.0, 30.0, 400.0, np.nan])).tolist()
    [0, 1, 4, 5]
    """
    return np.where(np.isnan(age_days), len(AGES) + 1, np.searchsorted(AGES, np.nan_to_num(age_days), side="right"))


@dataclass(frozen=True)
class Prospects:
    """What becomes of prospects within each horizon, by class of age.

    Parameters
    ----------
    p_first, orders, spend : dict of int to tuple of float
        By horizon in days, per class: the chance of a purchase, the expected purchases and net spend in currency.
    n_rows : int
        Prospects learnt from, counted once for each day.
    """

    p_first: dict[int, tuple[float, ...]]
    orders: dict[int, tuple[float, ...]]
    spend: dict[int, tuple[float, ...]]
    n_rows: int

    @classmethod
    def fit(cls, rows: ProspectRows, known_on: Cutoff, lag_days: int = 0) -> Self:
        """The means over rows whose windows had closed, and were known, by a day; small classes drawn to all.

        Raises
        ------
        NotEnoughData
            ``RG269`` for a horizon with fewer than 100 such rows.
        """
        found: dict[int, list[tuple[float, ...]]] = {}
        kind = age_class(rows.age_days)
        for h in rows.orders:
            closed = rows.cutoff_day + h + lag_days <= known_on.day
            if int(closed.sum()) < FEWEST:
                raise NotEnoughData(
                    f"the next {h} days of {int(closed.sum())} people who had joined and not bought are known",
                    needed=f"{FEWEST} of them, counted once for each day on which one could have asked",
                    do="bring more history, or a shorter horizon; until then prospects get no value",
                    code="RG269",
                )
            counts = np.bincount(kind[closed], minlength=len(AGES) + 2)
            columns = ((rows.orders[h] > 0).astype(np.float64), rows.orders[h], rows.spend[h])
            found[h] = [_shrunk(column[closed], kind[closed], counts) for column in columns]
        first, orders, spend = ({h: parts[i] for h, parts in found.items()} for i in range(3))
        return cls(first, orders, spend, rows.n_rows)

    def of(self, age_days: Float64, horizon_days: int) -> tuple[Float64, Float64, Float64]:
        """The chance of a purchase, expected orders and spend of each prospect within one of the horizons."""
        kind = age_class(age_days)
        tables = (self.p_first, self.orders, self.spend)
        first, orders, spend = (np.asarray(table[horizon_days])[kind] for table in tables)
        return first, orders, spend

    def lifetime(self, age_days: Float64, horizon_days: int, ahead_days: int, newcomer: Sequence[float]) -> Float64:
        """Worth, within the days ahead, of each prospect: window after window, as one grows older.

        Parameters
        ----------
        horizon_days : int
            The window of which the chances are known.
        ahead_days : int
            How far one looks.
        newcomer : sequence of float
            For each window, the worth today of someone who buys for the first time in its middle; see
            `Lifetime.newcomer_worth`.
        """
        left, total = np.ones(len(age_days)), np.zeros(len(age_days))
        for k, worth in enumerate(newcomer):
            length = min(horizon_days, ahead_days - k * horizon_days)
            first = self.of(age_days + k * horizon_days, horizon_days)[0]
            chance = 1.0 - (1.0 - np.clip(first, 0.0, 1.0 - 1e-12)) ** (length / horizon_days)
            total += left * chance * worth
            left *= 1.0 - chance
        return total

    def to_dict(self) -> dict[str, Any]:
        """JSON-safe form; `from_dict` gives the same back."""
        content = asdict(self)
        return {k: {str(h): list(v) for h, v in t.items()} if isinstance(t, dict) else t for k, t in content.items()}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`."""
        names = ("p_first", "orders", "spend")
        first, orders, spend = ({int(h): tuple(v) for h, v in content[name].items()} for name in names)
        return cls(first, orders, spend, int(content["n_rows"]))


def _shrunk(column: Float64, kind: NDArray[np.int64], counts: NDArray[np.int64]) -> tuple[float, ...]:
    total = np.bincount(kind, column, len(counts)) + SHRUNK * column.mean()
    return tuple((total / (counts + SHRUNK)).tolist())
