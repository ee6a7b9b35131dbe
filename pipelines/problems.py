"""What the table of problems is counted on: lines that came back, complaints, and why; read off a ledger.

In: a ledger. Out: `Lines` and `Complaints` of everybody who has a line. Without events there are no complaints; without
products only what holds of all; each is said in a sentence. Customers of events who never had a line are left out.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ..features.lines import instants_of, units_of
from ..intake import Ledger
from ..kpis.by_period import Window
from ..kpis.problems import Complaints, Lines, headline, problems
from ..kpis.purchases import Purchases
from ..kpis.table import Table
from ..offers.contact import COMPLAINT, RESOLVED

Int64 = NDArray[np.int64]
RETURN = "return"
"""Events of a kind that begins so tell why something came back; its money stands in the lines."""
_NAMES = ("product_id", "category")


def problems_of(ledger: Ledger, purchases: Purchases, window: Window) -> tuple[Table | None, str, list[str]]:
    """The table, its headline, and what the data cannot tell; no table where nothing is known of problems."""
    lines = _lines(ledger, purchases)
    events = _events(ledger)
    told, notes = _complaints(ledger, events, lines, purchases), _unsaid(ledger, events)
    if events is None and not lines.returned.any():
        why = "returns were dropped" if ledger.rules.returns == "drop" else "nothing came back"
        return None, "", [f"No table of problems: there are no complaints ([data.events]), and {why}."]
    if not len(told.day) and not lines.returned.any():
        return None, "", ["No table of problems: nobody complained, and nothing came back."]
    table = problems(lines, told, purchases, window)
    return table, headline(table), notes


def _lines(ledger: Ledger, purchases: Purchases) -> Lines:
    """Sums by customer, day, product and category, shard by shard; places in `purchases.ids`."""
    named = [name for name in _NAMES if name in ledger.columns]
    known: dict[str, dict[str | None, int]] = {name: {} for name in named}
    parts: list[NDArray[np.int64]] = [np.zeros((7, 0), np.int64)]
    so_far, ids = 0, pa.array(purchases.ids, pa.string())
    for shard in ledger.shards(columns=["customer_id", "purchased_at", "order_id", "amount", *named]):
        n = len(pc.unique(shard["customer_id"]))
        place = pc.index_in(shard["customer_id"], value_set=ids.slice(so_far, n)).to_numpy() + so_far
        so_far += n
        parts.append(_summed(ledger, shard, place, [_coded(shard[name], known[name]) for name in named]))
    customer, day, product, category, sold, returned, gave_back = np.concatenate(parts, axis=1)
    at = dict(zip(named, (product, category)[: len(named)], strict=True)) if len(named) == 2 else {}
    nowhere = np.full(len(day), -1, np.int64)
    if len(named) == 1:
        at = {named[0]: product}
    names = {name: _names(known[name]) for name in named}
    return Lines(
        customer, day, at.get("product_id", nowhere), at.get("category", nowhere), sold, returned, gave_back,
        names.get("product_id", ()), names.get("category", ()),
    )  # fmt: skip


def _summed(ledger: Ledger, shard: pa.Table, place: Int64, codes: list[Int64]) -> NDArray[np.int64]:
    """Customer, day, two codes, money sold and returned, orders that gave back; one column for each combination."""
    day, money = ledger.zone.local_day(instants_of(shard["purchased_at"])), units_of(shard["amount"])
    nowhere = np.full(len(day), -1, np.int64)
    keys = np.stack([place.astype(np.int64), day, *([*codes, nowhere, nowhere])[:2]])
    unique, at = np.unique(keys, axis=1, return_inverse=True)
    at, n = at.ravel(), unique.shape[1]
    sums = np.zeros((3, n), np.int64)
    np.add.at(sums[0], at, np.maximum(money, 0))
    np.add.at(sums[1], at, np.maximum(-money, 0))
    order = shard["order_id"].combine_chunks().dictionary_encode().indices.to_numpy()
    back = money < 0
    pairs = np.unique(np.stack([at[back], order[back]]), axis=1)[0]
    sums[2] = np.bincount(pairs, minlength=n)
    return np.concatenate([unique, sums])


def _coded(column: pa.ChunkedArray, known: dict[str | None, int]) -> Int64:
    """The place of each text among all that came so far; -1 for a missing one."""
    found = column.combine_chunks().dictionary_encode()
    places = [known.setdefault(name, len(known)) for name in found.dictionary.to_pylist()]
    codes = pc.fill_null(found.indices, len(places)).to_numpy()
    return np.array([*places, -1], np.int64)[codes]


def _names(known: dict[str | None, int]) -> tuple[str, ...]:
    return tuple(str(name) for name in known)


def _events(ledger: Ledger) -> pa.Table | None:
    if not ledger.has_table("events"):
        return None
    there = ledger.manifest.tables["events"].columns
    wanted = ["customer_id", "occurred_at", "kind", *(name for name in ("product_id", "reason") if name in there)]
    rows = ledger.rows_of("events", columns=wanted)
    kind = rows["kind"]
    about = pc.or_(pc.is_in(kind, pa.array([COMPLAINT, RESOLVED])), pc.starts_with(kind, RETURN))
    return rows.filter(about)


def _complaints(ledger: Ledger, events: pa.Table | None, lines: Lines, purchases: Purchases) -> Complaints:
    nothing = np.zeros(0, np.int64)
    if events is None or not events.num_rows:
        return Complaints(nothing, nothing, nothing, nothing, nothing, nothing.astype(bool), nothing, ())
    place = pc.index_in(events["customer_id"], value_set=pa.array(purchases.ids, pa.string()))
    who = pc.fill_null(place, -1).to_numpy().astype(np.int64)
    day, at = ledger.zone.local_day(instants_of(events["occurred_at"])), instants_of(events["occurred_at"])
    kind = events["kind"].to_numpy().astype(object)
    product = _places(events, "product_id", {name: i for i, name in enumerate(lines.products)})
    reasons: dict[str | None, int] = {}
    column = events["reason"] if "reason" in events.column_names else None
    reason = _coded(column, reasons) if column is not None else np.full(len(who), -1, np.int64)
    solved = (kind == RESOLVED) & (who >= 0)
    told = (kind != RESOLVED) & (who >= 0)
    days = _days_until(who[told], at[told], day[told], (who[solved], at[solved], day[solved]))
    is_return = kind[told] != COMPLAINT
    sold_as = _category_of(lines)
    category = np.where(product[told] >= 0, sold_as[product[told]], -1)
    days = np.where(is_return, -1, days)
    return Complaints(
        who[told], day[told], product[told], category, reason[told], is_return, days, _names(reasons)
    )  # fmt: skip


def _places(events: pa.Table, name: str, known: dict[str, int]) -> Int64:
    if name not in events.column_names:
        return np.full(events.num_rows, -1, np.int64)
    return np.array([known.get(text, -1) for text in events[name].to_pylist()], np.int64)


def _days_until(who: Int64, at: Int64, day: Int64, solved: tuple[Int64, Int64, Int64]) -> Int64:
    """Days until the customer's next resolution, of the same moment or later; -1 where there is none."""
    order = np.lexsort((solved[1], solved[0]))
    customer, moment, days = (column[order] for column in solved)
    found = np.full(len(who), -1, np.int64)
    low = np.searchsorted(customer, who, side="left")
    high = np.searchsorted(customer, who, side="right")
    for i in np.flatnonzero(high > low).tolist():
        later = low[i] + np.searchsorted(moment[low[i] : high[i]], at[i], side="left")
        if later < high[i]:
            found[i] = days[later] - day[i]
    return found


def _category_of(lines: Lines) -> Int64:
    """The category under which most lines of each product stand, the first name of equals; -1 without one, and last."""
    n, m = len(lines.products), len(lines.categories)
    known = (lines.product >= 0) & (lines.category >= 0)
    found = np.full(n + 1, -1, np.int64)
    if not known.any():
        return found
    key, count = np.unique(lines.product[known] * m + lines.category[known], return_counts=True)
    rank = np.argsort(np.argsort(np.array(lines.categories, object)))
    order = np.lexsort((-rank[key % m], count, key // m))
    found[(key // m)[order]] = (key % m)[order]
    return found


def _unsaid(ledger: Ledger, events: pa.Table | None) -> list[str]:
    found = []
    if events is None:
        found.append("No complaints: there are no events ([data.events]); problems are returns only.")
    else:
        for name, what in (("product_id", "products"), ("reason", "reasons")):
            if name not in events.column_names:
                found.append(f"Complaints by {what} are not told: map `{name}` in [data.events].")
    if not any(name in ledger.columns for name in _NAMES):
        found.append("Returns by products are not told: map `product_id` or `category` in [data.purchases].")
    return found
