"""Relations that cost more than they bring: for a person to look at, never for a rule.

In: `Dealings` with what is expected, and `Costs`. Out: who they are, and a row each with every cost and a reason in
words. Who has not bought, or of whom no model speaks, is never among them. Nothing follows from standing in the list:
a complaint may be the company's own fault, and a dear customer may be dear because something went wrong once.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..clock import dates
from ..schema import SCALE
from .cost import COMPLAINTS, CONTACTS, DISCOUNTS, OTHER, PARTS, RETURNS, Costs
from .dealings import Bool, Dealings, Int64

FOR_A_PERSON = "for a person to look at; nothing follows from it by itself"
COLUMNS = (
    *("customer_id", "what_to_do", "reason", "from", "to", "orders", "last_purchase", "spend", "margin", "discounts"),
    *("contacts", "contact_cost", "complaints", "complaint_cost", "returns", "return_cost", "other_cost", "net"),
    *("expected_margin", "expected_cost", "p_churn"),
)
"""Of the list; an empty cell is a number that is not known."""
_COUNTED = (CONTACTS, COMPLAINTS, RETURNS)
_WORDS = {DISCOUNTS: "discounts", OTHER: "other costs"}


def costly(dealings: Dealings, costs: Costs) -> Bool:
    """Who cost more than they brought in the period, and is not expected to bring more than serving will cost.

    Both must hold: net margin of the period below 0; and expected margin within the horizon no more than what the same
    service would cost in as many days.
    """
    foreseen = dealings.foreseen
    if foreseen is None:
        return np.zeros(dealings.n, bool)
    to_come = costs.to_come(dealings.horizon_days)
    worth = np.isfinite(foreseen.margin) & (foreseen.margin <= to_come)
    return np.asarray((dealings.orders > 0) & (costs.net < 0) & worth)


def worst_first(dealings: Dealings, costs: Costs) -> Int64:
    """The places of those customers, the lowest net first; equals by id."""
    rows = np.flatnonzero(costly(dealings, costs))
    return np.asarray(rows[np.argsort(costs.net[rows], kind="stable")])


def cells(dealings: Dealings, costs: Costs, rows: Int64) -> Iterator[list[str]]:
    """The cells of each row, as they are meant."""
    foreseen, n, bought = dealings.foreseen, dealings.n, dealings.bought
    if foreseen is None:
        return
    spend = bought.summed(bought.spend, n, dealings.within)
    orders = bought.summed(bought.orders, n, dealings.within)
    last, to_come, net = bought.last_day(n), costs.to_come(dealings.horizon_days), costs.net
    for at in rows.tolist():
        yield [
            str(dealings.ids[at]),
            FOR_A_PERSON,
            _reason(dealings, costs, at, float(foreseen.margin[at]), float(to_come[at])),
            str(dealings.begins),
            str(dealings.day.minus(1)),
            str(orders[at]),
            str(dates(last[at : at + 1])[0]),
            _money(int(spend[at])),
            _money(int(costs.margin[at])),
            _part(costs, DISCOUNTS, at),
            *(cell for name in _COUNTED for cell in (_count(costs, name, at), _part(costs, name, at))),
            _part(costs, OTHER, at),
            _money(int(net[at])),
            f"{foreseen.margin[at]:.2f}",
            f"{to_come[at]:.2f}",
            f"{foreseen.p_churn[at]:.4f}" if np.isfinite(foreseen.p_churn[at]) else "",
        ]  # fmt: skip


def _reason(dealings: Dealings, costs: Costs, at: int, expected: float, to_come: float) -> str:
    """With the customer's own numbers, the largest cost first."""
    money = f" {dealings.currency}".rstrip()
    parts = [(name, int(costs.parts[name][at])) for name in PARTS if name in costs.parts]
    parts = sorted((part for part in parts if part[1] > 0), key=lambda part: -part[1])
    told = ", ".join(f"{_named(costs, name, at)} {_money(value)}" for name, value in parts)
    return (
        f"brought {_money(int(costs.margin[at]))}{money} in {costs.days} days and cost {_money(int(costs.total[at]))}"
        f"{f' ({told})' if told else ''}; expected within {dealings.horizon_days} days: {expected:.2f}{money}, "
        f"and {to_come:.2f} to serve at the same rate"
    )


def _named(costs: Costs, name: str, at: int) -> str:
    """A cost with how many there were; of a complaint of before the period only the resolution may lie in it."""
    n = int(costs.counts[name][at]) if name in costs.counts else 0
    if not n:
        return _WORDS.get(name, name)
    return f"1 {name.removesuffix('s')}" if n == 1 else f"{n:,} {name}"


def _part(costs: Costs, name: str, at: int) -> str:
    return _money(int(costs.parts[name][at])) if name in costs.parts else ""


def _count(costs: Costs, name: str, at: int) -> str:
    return str(int(costs.counts[name][at])) if name in costs.counts else ""


def _money(value: int) -> str:
    return f"{value / SCALE:.2f}"
