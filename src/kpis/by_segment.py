"""Key figures by segment, of published scores or of a scheme: how many customers, and what they did in the days before.

In: `Purchases`, and who is in which segment as of a day. Out: a `Table` with a row for each segment, and one for all,
which is the sum of them. A scored customer who is not in the ledger any more is not counted; a customer of a scheme who
never bought is, with nothing. Where the days before are not all covered, what lies in them is missing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ..clock import Cutoff
from .by_period import Window
from .purchases import Int64, Purchases
from .table import Column, Row, Table, Value, mean_money, ratio

ALL = "all"


def columns(h: int, as_of: Cutoff, scheme: str | None = None) -> tuple[Column, ...]:
    """The definitions; without a scheme the segments are those of published scores."""
    before = f"in the {h} days before {as_of}"
    place, who, known = f"scores of {as_of}", "scored customers", " that the ledger's purchases know"
    if scheme is not None:
        place, who, known = f"scheme {scheme} as of {as_of}", "customers of the scheme", ""
    return (
        Column("segment", "text", f"the segment in the {place}; `{ALL}`: all {who}"),
        Column("customers", "count", f"{who} in the segment{known}"),
        Column("share", "share", f"customers / all {who}{known}"),
        Column("bought", "count", f"of the customers: with a purchase {before}"),
        Column("bought_share", "share", "bought / customers"),
        Column("orders", "count", f"purchases {before}"),
        Column("spend", "money", f"net spend {before}"),
        Column("spend_share", "share", f"spend / spend of all {who}"),
        Column("spend_per_customer", "amount", "spend / customers, those who bought nothing included"),
        Column("average_order_value", "amount", "money of the purchases / orders; what comes back is not taken off"),
    )


def by_segment(
    purchases: Purchases,
    ids: NDArray[np.object_],
    segments: NDArray[np.object_],
    as_of: Cutoff,
    window: Window,
    scheme: str | None = None,
    order: Sequence[str] | None = None,
) -> Table:
    """The table, segments in the order of the scheme, else of the alphabet.

    Parameters
    ----------
    ids, segments : ndarray of object, shape (n_scored,)
        Each customer once, in any order, with the one segment that it is in.
    scheme : str, optional
        The name of the scheme; None for the segments of published scores.
    order : sequence of str, optional
        All segments of the scheme, those without a customer included.
    """
    found = pc.index_in(pa.array(ids.tolist(), pa.string()), value_set=pa.array(purchases.ids, pa.string()))
    place = np.asarray(pc.fill_null(found, -1).to_numpy(), np.int64)
    counted = place >= 0 if scheme is None else np.ones(len(place), bool)
    names = sorted(set(segments[counted].tolist())) if order is None else list(order)
    begins = as_of.minus(window.days)
    covered = window.starts.day <= begins.day and as_of.day <= window.ends.day
    within = (purchases.day >= begins.day) & (purchases.day < as_of.day)
    total = _spend(purchases, _members(purchases, place[counted]), within)
    rows: list[Row] = []
    parts = [(name, counted & (segments == name)) for name in names]
    for name, here in [*parts, (ALL, counted)]:
        n, members = int(here.sum()), _members(purchases, place[here])
        rows.append(
            {
                "segment": name,
                "customers": n,
                "share": ratio(n, int(counted.sum())),
                **(_did(purchases, members, within, total, n) if covered else _NOT_COVERED),
            }
        )
    of = f"the scores of {as_of}" if scheme is None else f"{scheme} as of {as_of}"
    about = f"a segment of {of}, and what its customers did in the {window.days} days before"
    return Table("by_segment", about, columns(window.days, as_of, scheme), tuple(rows))


def _members(purchases: Purchases, place: Int64) -> NDArray[np.bool_]:
    found = np.zeros(purchases.n_customers, bool)
    found[place[place >= 0]] = True
    return found


def _spend(purchases: Purchases, members: NDArray[np.bool_], within: NDArray[np.bool_]) -> int:
    return int(purchases.spend[within & members[purchases.customer]].sum())


def _did(
    purchases: Purchases, members: NDArray[np.bool_], within: NDArray[np.bool_], total: int, n: int
) -> dict[str, Value]:  # fmt: skip
    here = within & members[purchases.customer]
    bought: Int64 = np.unique(purchases.customer[here & (purchases.orders > 0)])
    orders, spend = int(purchases.orders[here].sum()), int(purchases.spend[here].sum())
    return {
        "bought": len(bought),
        "bought_share": ratio(len(bought), n),
        "orders": orders,
        "spend": spend,
        "spend_share": spend / total if total > 0 else None,
        "spend_per_customer": mean_money(spend, n),
        "average_order_value": mean_money(int(purchases.value[here].sum()), orders),
    }


_NOT_COVERED: dict[str, Value] = dict.fromkeys(
    (
        "bought",
        "bought_share",
        "orders",
        "spend",
        "spend_share",
        "spend_per_customer",
        "average_order_value",
    )
)
