"""Tables about products: how good each rule was, what is in demand, what goes together.

In: what `src/products` found. Out: `Table`s whose columns say what they count and what they are divided by; a product's
category stands beside it where the data tell one. Growth that the history does not cover is missing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from ..kpis.table import Column, Row, Table, Value
from ..products.crowd import WINDOW_DAYS, Demand
from ..products.items import Items
from ..products.judged import ALL, NAIVE, NEW, REPEAT, Judging
from ..products.kept import AGAIN
from ..products.kept import NEW as FRESH
from ..products.pairs import BASKET_DAYS, Pair
from ..products.ranked import K

SHOWN = 20
OF = {ALL: "all they bought", REPEAT: "what they had bought before", NEW: "what was new to them"}
_JUDGED = (
    Column("list", "text", "which of the two lists"),
    Column(
        "rule", "text", "how it is ordered; `popular` gives everybody the same, and what is new without those owned"
    ),
    Column("of", "text", "which of the items that were bought in the window count: all, repeat (bought before), new"),
    Column("customers", "count", "who bought such items in the window, and something before it"),
    Column("recall", "share", f"hits / min({K}, distinct such items bought), mean over these customers"),
    Column("low", "share", "lower limit of its 95 % interval"),
    Column("high", "share", "upper limit of it"),
    Column("gain", "share", "recall less that of `popular` of the same customers, mean over them"),
    Column("gain_low", "share", "lower limit of its 95 % interval, paired by customer"),
    Column("gain_high", "share", "upper limit of it"),
    Column("chosen", "flag", "whether the lists are made by it: the best in the window before the one judged in"),
)


def backtest_table(judging: Judging, chosen: Mapping[str, str]) -> Table:
    """Every rule in the last window; `chosen` names the rule of each list."""
    return Table("backtest", "recall of a rule in the last window", _JUDGED, tuple(_judged(judging, chosen)))


def _judged(judging: Judging, chosen: Mapping[str, str]) -> Iterator[Row]:
    for figure in judging.figures:
        name = FRESH if figure.of == NEW else AGAIN
        paired = None if figure.rule == NAIVE else judging.gain(figure.rule, figure.of)
        gain, low, high = paired or (None, None, None)
        yield {
            "list": name,
            "rule": figure.rule,
            "of": figure.of,
            "customers": figure.customers,
            "recall": figure.recall,
            "low": figure.low,
            "high": figure.high,
            "gain": gain,
            "gain_low": low,
            "gain_high": high,
            "chosen": chosen[name] == figure.rule,
        }


def demand_table(found: Demand, items: Items) -> Table:
    """What most customers bought of late."""
    growth = found.growth()
    rows: list[Row] = [
        {
            **_named(items, int(i), "item", "category"),
            "buyers": int(found.buyers[i]),
            "buyers_before": int(found.buyers_before[i]) if found.covered else None,
            "growth": None if np.isnan(growth[i]) else float(growth[i]),
        }
        for i in found.by_popularity[:SHOWN]
    ]
    columns = (
        *_names(items, ("item", "category", "the item")),
        Column("buyers", "count", f"customers who bought it in the {WINDOW_DAYS} days before the day"),
        Column("buyers_before", "count", f"customers who bought it in the {WINDOW_DAYS} days before those"),
        Column("growth", "share", "buyers / buyers before - 1, drawn to that of all items as if by 20 more buyers"),
    )
    return Table("in_demand", f"what most customers bought in {WINDOW_DAYS} days", columns, tuple(rows))


def pairs_table(pairs: Sequence[Pair], items: Items) -> Table:
    """What stands in one order more often than by chance."""
    rows: list[Row] = [
        {
            **_named(items, pair.item, "item", "category"),
            **_named(items, pair.other, "other", "other_category"),
            "orders": pair.orders,
            "lift": pair.lift,
            "lift_low": pair.lift_low,
        }
        for pair in pairs[:SHOWN]
    ]
    columns = (
        *_names(items, ("item", "category", "the more popular of the two"), ("other", "other_category", "the other")),
        Column("orders", "count", f"orders of {BASKET_DAYS} days with both"),
        Column("lift", "number", "orders with both x all orders / (orders with the one x orders with the other)"),
        Column("lift_low", "number", "lower limit of its one-sided 95 % interval"),
    )
    return Table("goes_with", f"two items in one order, {BASKET_DAYS} days", columns, tuple(rows))


def _told(items: Items) -> bool:
    """Whether a category says more than the item's name."""
    return items.kind == "product" and bool((items.category >= 0).any())


def _named(items: Items, place: int, item: str, category: str) -> dict[str, Value]:
    found: dict[str, Value] = {item: items.names[place]}
    if _told(items):
        of = int(items.category[place])
        found[category] = items.categories[of] if of >= 0 else None
    return found


def _names(items: Items, *columns: tuple[str, str, str]) -> Iterator[Column]:
    for item, category, meaning in columns:
        yield Column(item, "text", meaning)
        if _told(items):
            yield Column(category, "text", "that most of its lines name")
