"""Key figures by the segment of published scores: how many customers, and what they did in the days before.

In: `Purchases`, and who is in which segment as of a day. Out: a `Table` with a row for each segment, and one for all.
A scored customer who is not in the ledger any more is not counted. Where the days before are not all covered, what lies
in them is missing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..clock import Cutoff
from .by_period import Window
from .purchases import Int64, Purchases
from .table import Column, Row, Table, Value, mean_money, ratio

ALL = "all"


def columns(h: int, as_of: Cutoff, scheme: str | None = None) -> tuple[Column, ...]:
    """The definitions; without a scheme the segments are those of published scores."""
    before = f"in the {h} days before {as_of}"
    place, who = (f"scores of {as_of}", "scored customers") if scheme is None else (f"scheme {scheme} as of {as_of}",
                                                                                "customers of the scheme")  # fmt: skip
    return (
        Column("segment", "text", f"the segment in the {place}; `{ALL}`: all {who}"),
        Column("customers", "count", f"{who} in the segment that the ledger's purchases know"),
        Column("share", "share", f"customers / all {who} that the ledger's purchases know"),
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
) -> Table:
    """The table, segments in the order of the alphabet.

    Parameters
    ----------
    ids, segments : ndarray of object, shape (n_scored,)
        Each customer once, in any order, with the one segment that it is in.
    scheme : str, optional
        The name of the scheme; None for the segments of published scores.
    """
    at = {str(who): place for place, who in enumerate(purchases.ids.tolist())}
    place = np.array([at.get(str(who), -1) for who in ids.tolist()], np.int64)
    names = sorted({str(name) for name in segments[place >= 0].tolist()})
    code = {name: i for i, name in enumerate(names)}
    own = np.full(purchases.n_customers, -1, np.int64)
    for who, name in zip(place.tolist(), segments.tolist(), strict=True):
        if who >= 0:
            own[who] = code[str(name)]
    begins = as_of.minus(window.days)
    covered = window.starts.day <= begins.day and as_of.day <= window.ends.day
    within = (purchases.day >= begins.day) & (purchases.day < as_of.day)
    everybody = own >= 0
    found = [(name, own == i) for i, name in enumerate(names)] + [(ALL, everybody)]
    total = _spend(purchases, everybody, within)
    rows: list[Row] = []
    for name, members in found:
        n = int(members.sum())
        rows.append(
            {
                "segment": name,
                "customers": n,
                "share": ratio(n, int(everybody.sum())),
                **(_did(purchases, members, within, total) if covered else _NOT_COVERED),
            }
        )
    of = f"the scores of {as_of}" if scheme is None else f"{scheme} as of {as_of}"
    about = f"a segment of {of}, and what its customers did in the {window.days} days before"
    return Table("by_segment", about, columns(window.days, as_of, scheme), tuple(rows))


def _spend(purchases: Purchases, members: NDArray[np.bool_], within: NDArray[np.bool_]) -> int:
    return int(purchases.spend[within & members[purchases.customer]].sum())


def _did(purchases: Purchases, members: NDArray[np.bool_], within: NDArray[np.bool_], total: int) -> dict[str, Value]:
    here = within & members[purchases.customer]
    n = int(members.sum())
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
