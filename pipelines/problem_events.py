"""What events say of problems: complaints with their resolution, support, and why something came back.

In: a ledger, the customers of its purchases, the names of products with their categories. Out: `Told`, and sentences on
what the log of events lacks. A return is an event whose kind begins with `return` and that gives a reason; its money
stands in the lines. Events of customers without a line are left out, and counted in a sentence.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ..features.lines import instants_of
from ..intake import Ledger
from ..kpis import problems as kinds
from ..kpis.problems import Told
from ..kpis.purchases import Purchases
from ..offers.contact import COMPLAINT, RESOLVED

Int64 = NDArray[np.int64]
RETURN, SUPPORT = "return", "support"


def told_of(
    ledger: Ledger, purchases: Purchases, products: Sequence[str], category_of: Callable[[], Int64]
) -> tuple[Told | None, list[str]]:
    """Events about problems, and what they cannot tell; None without events."""
    if not ledger.has_table("events"):
        return None, ["No complaints: there are no events ([data.events]); problems are returns only."]
    rows, kind = _read(ledger)
    place = pc.index_in(rows["customer_id"], value_set=pa.array(purchases.ids, pa.string()))
    who = pc.fill_null(place, -1).to_numpy().astype(np.int64)
    at = instants_of(rows["occurred_at"]) if len(who) else np.zeros(0, np.int64)
    day = ledger.zone.local_day(at) if len(who) else at
    solved, told = (kind == kinds.RESOLVED) & (who >= 0), (kind != kinds.RESOLVED) & (who >= 0)
    days = _days_until((who[told], at[told], day[told]), (who[solved], at[solved], day[solved]))
    product = _places(rows, "product_id", products)[told]
    reasons = sorted({str(text) for text in _texts(rows, "reason", told) if text is not None})
    found = Told(
        who[told],
        day[told],
        kind[told],
        product,
        np.append(category_of(), -1)[product],
        _places(rows, "reason", reasons)[told],
        np.where(kind[told] == kinds.COMPLAINT, days, -1),
        reasons,
        frozenset(np.unique(kind).tolist()),
        "product_id" in rows.column_names,
    )
    return found, [*_unsaid(rows, found), *_unknown(int(((who < 0) & (kind != kinds.RESOLVED)).sum()))]


def _read(ledger: Ledger) -> tuple[pa.Table, Int64]:
    """The events about problems, and what each is."""
    there = ledger.manifest.tables["events"].columns
    wanted = ["customer_id", "occurred_at", "kind", *(name for name in ("product_id", "reason") if name in there)]
    rows = ledger.rows_of("events", columns=wanted)
    kind = pc.index_in(rows["kind"], value_set=pa.array([COMPLAINT, "", SUPPORT, RESOLVED]))
    why = rows["reason"].is_valid() if "reason" in there else pa.scalar(value=False)
    back = pc.and_(pc.starts_with(rows["kind"], RETURN), why)
    code = pc.if_else(back, pa.scalar(kinds.RETURN, pa.int32()), kind)
    kept = pc.is_valid(code)
    return rows.filter(kept), np.asarray(code.filter(kept).to_numpy(), np.int64)


def _texts(rows: pa.Table, name: str, which: NDArray[np.bool_]) -> list[str | None]:
    return rows[name].filter(pa.array(which)).to_pylist() if name in rows.column_names else []


def _places(rows: pa.Table, name: str, names: Sequence[str]) -> Int64:
    if name not in rows.column_names or not rows.num_rows:
        return np.full(rows.num_rows, -1, np.int64)
    place = pc.index_in(rows[name], value_set=pa.array(list(names), pa.string()), skip_nulls=True)
    return np.asarray(pc.fill_null(place, -1).to_numpy(), np.int64)


def _days_until(told: tuple[Int64, Int64, Int64], solved: tuple[Int64, Int64, Int64]) -> Int64:
    """Days until the customer's next resolution, of the same moment or later; -1 where there is none."""
    who, at, day = told
    order = np.lexsort((solved[1], solved[0]))
    customer, moment, days = (column[order] for column in solved)
    found = np.full(len(who), -1, np.int64)
    low, high = (np.searchsorted(customer, who, side=side) for side in ("left", "right"))
    for i in np.flatnonzero(high > low).tolist():
        later = low[i] + np.searchsorted(moment[low[i] : high[i]], at[i], side="left")
        if later < high[i]:
            found[i] = days[later] - day[i]
    return found


def _unsaid(rows: pa.Table, told: Told) -> list[str]:
    found = []
    if kinds.COMPLAINT not in told.logged:
        found.append(f"No complaints: no event of the kind `{COMPLAINT}` is logged.")
    elif kinds.RESOLVED not in told.logged:
        found.append(f"No days to a resolution: no event of the kind `{RESOLVED}` is logged.")
    for name, what in (("product_id", "products"), ("reason", "reasons")):
        if name not in rows.column_names and told.logged:
            found.append(f"Complaints by {what} are not told: map `{name}` in [data.events].")
    return found


def _unknown(n: int) -> list[str]:
    return [f"{n:,} complaints and the like are of customers without a line: they are not counted."] if n else []
