"""Cost to serve: what was earned with each customer within a period, and what contacts, complaints, returns took of it.

In: `Dealings`, the price of one return, which costs the data tell of at all. Out: `Costs`, exact integers, and the
table of segments. A cost that the data do not tell of is missing and not in the sum; it is never 0. Discounts are a
cost here, so the margin that stands beside the costs is that before discounts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..kpis.table import Column, Row, Table, Value, mean_money
from ..schema import SCALE
from .dealings import Bool, Dealings, Float64, Int64

ALL = "all"
DISCOUNTS, CONTACTS, COMPLAINTS, RETURNS, OTHER = "discounts", "contacts", "complaints", "returns", "other"
PARTS = (DISCOUNTS, CONTACTS, COMPLAINTS, RETURNS, OTHER)
"""What serving a customer costs, part by part."""
_COUNTED = (CONTACTS, COMPLAINTS, RETURNS)


@dataclass(frozen=True, eq=False)
class Costs:
    """Margins and costs of a period, in 1/10,000; each array of shape (n_customers,).

    Parameters
    ----------
    days : int
        How long the period is.
    margin : ndarray of int64
        Earned before discounts and before what serving costs; what came back is taken off.
    counts : mapping of str to ndarray of int64
        How many contacts, complaints and returns, as far as that is known.
    parts : mapping of str to ndarray of int64
        Of `PARTS`, those that are known.
    """

    days: int
    margin: Int64
    counts: Mapping[str, Int64]
    parts: Mapping[str, Int64]

    @cached_property
    def total(self) -> Int64:
        """All costs that are known."""
        found = np.zeros(len(self.margin), np.int64)
        for part in self.parts.values():
            found += part
        return found

    @cached_property
    def net(self) -> Int64:
        """What is left of the margin."""
        return np.asarray(self.margin - self.total)

    def to_come(self, days: int) -> Float64:
        """What serving each would cost in so many days at the same rate, in currency.

        Discounts are not in it: what is expected of customers is what they will pay.
        """
        given = self.total - self.parts.get(DISCOUNTS, np.zeros(len(self.margin), np.int64))
        return np.asarray(given / SCALE * (days / self.days))


def costs_of(dealings: Dealings, known: frozenset[str], counted: frozenset[str], return_price: int | None) -> Costs:
    """Margins and costs of the period.

    Parameters
    ----------
    known, counted : frozenset of str
        Of `PARTS`: whose costs, and whose numbers, the data tell.
    return_price : int, optional
        What one return costs, in 1/10,000; it counts where no event says what returns cost.
    """
    bought, served, n = dealings.bought, dealings.served, dealings.n
    discount = bought.summed(bought.discount, n, dealings.within)
    earned = bought.summed(bought.margin, n, dealings.within)
    returns = np.maximum(bought.summed(bought.returns, n, dealings.within), 0)
    priced = served.return_cost if return_price is None or served.return_cost.any() else returns * return_price
    parts = {
        DISCOUNTS: discount,
        CONTACTS: served.contact_cost,
        COMPLAINTS: served.complaint_cost,
        RETURNS: priced,
        OTHER: served.other_cost,
    }
    counts = {CONTACTS: served.contacts, COMPLAINTS: served.complaints, RETURNS: returns}
    before = earned + discount if DISCOUNTS in known else earned
    return Costs(
        dealings.period_days,
        before,
        {name: values for name, values in counts.items() if name in counted},
        {name: values for name, values in parts.items() if name in known},
    )


def columns(days: int, horizon_days: int) -> tuple[Column, ...]:
    """The definitions, for a period and a horizon in days."""
    period = f"within the last {days} days"
    return (
        Column("by", "text", f"the scheme of the segments; `{ALL}`: everybody known before the day"),
        Column("segment", "text", "its segment; who has not bought is a prospect in every scheme"),
        Column("customers", "count", "customers in it, whether or not anything was between them and the company"),
        Column("margin", "money", f"earned {period} before discounts and costs to serve; what came back is taken off"),
        Column(DISCOUNTS, "money", f"taken off the price {period}"),
        Column(CONTACTS, "count", f"times the company reached out {period}; of several tables each counts once"),
        Column("contact_cost", "money", "what they cost"),
        Column(COMPLAINTS, "count", f"complaints {period}"),
        Column("complaint_cost", "money", "what they and their resolution cost"),
        Column(RETURNS, "count", f"orders that only gave back {period}"),
        Column("return_cost", "money", "what they cost beside their money, which is not in the margin"),
        Column("other_cost", "money", f"costs of all other events {period}"),
        Column("cost", "money", "the sum of the costs that are known, discounts included"),
        Column("cost_share", "share", "cost / margin; missing where the margin is not above 0"),
        Column("net", "money", "margin - cost"),
        Column("net_per_customer", "amount", "net / customers"),
        Column("negative", "count", "customers whose own net is below 0"),
        Column("negative_net", "money", "the sum of their net"),
        Column("expected_margin", "money", f"expected of them within {horizon_days} days: expected spend x margin"),
    )


def cost_table(
    dealings: Dealings, costs: Costs, schemes: Sequence[tuple[str, Sequence[str], NDArray[np.int64]]]
) -> Table:
    """A row for all, and one for each segment of some schemes that has customers.

    Parameters
    ----------
    schemes : sequence of (str, sequence of str, ndarray of int64)
        Name, names of the segments, and each customer's place among them.
    """
    rows = [_row(dealings, costs, ALL, ALL, np.ones(dealings.n, bool))]
    for scheme, names, place in schemes:
        found = [(name, place == i) for i, name in enumerate(names)]
        rows += [_row(dealings, costs, scheme, name, who) for name, who in found if who.any()]
    about = f"what serving customers cost in the {costs.days} days before {dealings.day}, by segment of that day"
    return Table("cost_to_serve", about, columns(costs.days, dealings.horizon_days), tuple(rows))


def _row(dealings: Dealings, costs: Costs, by: str, name: str, who: Bool) -> Row:
    n, margin, cost, net = (int(who.sum()), *(int(v[who].sum()) for v in (costs.margin, costs.total, costs.net)))
    below = who & (costs.net < 0)
    parts = {part: _sum(costs.parts.get(part), who) for part in PARTS}
    counts: dict[str, Value] = {part: _sum(costs.counts.get(part), who) for part in _COUNTED}
    return {
        "by": by,
        "segment": name,
        "customers": n,
        "margin": margin,
        **counts,
        DISCOUNTS: parts[DISCOUNTS],
        "contact_cost": parts[CONTACTS],
        "complaint_cost": parts[COMPLAINTS],
        "return_cost": parts[RETURNS],
        "other_cost": parts[OTHER],
        "cost": cost if costs.parts else None,
        "cost_share": cost / margin if costs.parts and margin > 0 else None,
        "net": net,
        "net_per_customer": mean_money(net, n),
        "negative": int(below.sum()),
        "negative_net": int(costs.net[below].sum()),
        "expected_margin": _expected(dealings, who),
    }


def _sum(values: Int64 | None, who: Bool) -> int | None:
    return None if values is None else int(values[who].sum())


def _expected(dealings: Dealings, who: Bool) -> int | None:
    """In 1/10,000; missing where the model spoke of nobody."""
    if dealings.foreseen is None:
        return None
    said = dealings.foreseen.margin[who]
    spoken = said[np.isfinite(said)]
    # Whole units are added, so that segments add up to all.
    return int(np.rint(spoken * SCALE).astype(np.int64).sum()) if len(spoken) else None
