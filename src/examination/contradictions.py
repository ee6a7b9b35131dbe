"""Lines and orders that contradict themselves: money against quantity, discount and cost, dates against dates.

In: stretches. Out: counts, and findings about columns that the ledger has. Missing values contradict nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..intake.hashes import Words, ascending, value_words
from .finding import Finding, Severity, said
from .stretch import Bool, Stretch

_DEEP = 9
"""A discount of more than so many times what was paid: over nine tenths off."""


@dataclass(frozen=True)
class _Rule:
    """A contradiction: its code, what is said of the lines, from which share on it is suspicious, what to do."""

    code: str
    one: str
    several: str
    from_share: float
    do: str


_RULES = {
    rule.code: rule
    for rule in (
        _Rule("quantity_sign", "line has money and quantity of opposite signs", "lines have money and quantity of "
              "opposite signs", 0.005, "map the net money of the line; returns have both below zero"),
        _Rule("no_quantity", "line has money and a quantity of 0", "lines have money and a quantity of 0", 0.2,
              "never add up quantities without a look at these"),
        _Rule("deep_discount", "line has a discount of over nine tenths", "lines have discounts of over nine tenths",
              0.2, "is the discount in the same currency and for the whole line, as the money is?"),
        _Rule("discounted_return", "returned line has a discount", "returned lines have a discount", 0.2,
              "the money of a return should already be net of it"),
        _Rule("cost_above_price", "sold line cost more than it brought", "sold lines cost more than they brought", 0.2,
              "is the cost for the whole line, as the money is?"),
        _Rule("known_before", "line was known before it was bought", "lines were known before they were bought", 0.0,
              "known_at must be when the row arrived: models would see rows too early"),
    )
}  # fmt: skip


class Contradictions:
    """Counts of what contradicts itself."""

    def __init__(self, ordered: bool) -> None:
        self.ordered = ordered
        self.counts, self.money = dict.fromkeys(_RULES, 0), dict.fromkeys(_RULES, 0)
        self.n, self.n_orders, self.long_orders, self.longest = 0, 0, 0, 0
        self._order_words: list[Words] = []

    def add(self, stretch: Stretch) -> None:
        """Take in a stretch."""
        money, amount = stretch.lines.money, stretch.amount
        self.n += len(amount)
        if "quantity" in money:
            quantity = money["quantity"]
            self._count("quantity_sign", np.sign(quantity) * np.sign(amount) < 0, stretch)
            known = np.asarray(stretch.table.column("quantity").is_valid())
            self._count("no_quantity", known & (quantity == 0) & (amount != 0), stretch)
        if "discount" in money:
            discount = money["discount"]
            self._count("deep_discount", (amount > 0) & (discount > _DEEP * amount), stretch)
            self._count("discounted_return", (amount < 0) & (discount > 0), stretch)
        if "cost" in money:
            self._count("cost_above_price", (amount > 0) & (money["cost"] > amount), stretch)
        if stretch.lines.known_at is not None:
            self._count("known_before", stretch.lines.known_at < stretch.lines.time, stretch)
        if self.ordered:
            self._add_orders(stretch)

    def _count(self, code: str, rows: Bool, stretch: Stretch) -> None:
        n = int(rows.sum())
        self.counts[code] += n
        if n:
            self.money[code] += int(stretch.amount[rows].sum())

    def _add_orders(self, stretch: Stretch) -> None:
        orders = stretch.orders
        days = orders.last - orders.first
        self.n_orders += len(days)
        self.long_orders += int((days > 7).sum())
        self.longest = max(self.longest, int(days.max(initial=0)))
        column = stretch.table.column("order_id").combine_chunks()
        words = value_words(column.dictionary)
        self._order_words.append(words[np.asarray(column.indices)[orders.line]])

    @property
    def n_order_ids(self) -> int:
        """How many order ids there are, whoever has them."""
        self._order_words = [ascending(self._order_words)]
        return len(self._order_words[0])

    def findings(self) -> Iterator[Finding]:
        """What contradicts itself."""
        for code, n in self.counts.items():
            if n:
                rule, share = _RULES[code], n / self.n
                severity = Severity.SUSPICIOUS if share >= rule.from_share else Severity.NOTE
                words = f"{said(n, rule.one, rule.several)} ({share:.2%})"
                yield Finding(code, severity, words, n, self.money[code], do=rule.do)
        if self.ordered and self.n_orders:
            yield from self._of_orders()

    def _of_orders(self) -> Iterator[Finding]:
        shared = self.n_orders - self.n_order_ids
        if shared:
            share = shared / self.n_orders
            yield Finding(
                "shared_orders",
                Severity.SUSPICIOUS if share > 0.01 else Severity.NOTE,
                f"{said(shared, 'order has', 'orders have')} an id that another customer has, too ({share:.2%}); "
                "they are kept apart",
                shared,
                do="is the order's id unique, or only within a shop, a till or a day?",
            )
        if self.long_orders:
            share = self.long_orders / self.n_orders
            yield Finding(
                "long_orders",
                Severity.SUSPICIOUS if share > 0.01 else Severity.NOTE,
                f"{said(self.long_orders, 'order goes', 'orders go')} on for more than a week, the longest for "
                f"{self.longest:,} days",
                self.long_orders,
                do="is the order's id used again and again, or is it a contract?",
            )
