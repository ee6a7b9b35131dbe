"""Which numbers are the money of a purchase: the line's amount, or quantity and unit price, proved where it can be.

In: the columns of a sample, and which of them is the order and the product. Out: the choices for `amount`, `quantity`,
`unit_price`, `discount` and `cost`, settings that follow, and warnings. A total of the whole order that is repeated on
each of its lines is never taken for the line's amount without a word.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from .columns import Column
from .relations import Product, grows_with, products, stands_once_an_order, sum_of_order
from .roles import LIKELY, SURE, UNSURE, Candidate, Choice, Setting, chosen, is_time, numbers, shown
from .words import names_role, words_of

_LINES = 6_000
_NO_SUM = frozenset(
    words_of(
        "tax taxes vat mwst kdv iva tva shipping fee fees refunded outstanding balance points rate percent pct weight "
        "tip compare rrp msrp gift duties tariff commission lat lon latitude longitude converted"
    )
)
_WITHOUT_TAX = frozenset(words_of("netto ht excl excluding exkl ohne nettowert nettobetrag nettoumsatz neto"))
_WITH_TAX = frozenset(words_of("brutto ttc incl including inkl bruttowert bruttobetrag bruttoumsatz"))
_BEFORE_DISCOUNT = frozenset(("gross", "list", "before"))
_ID_ROLES = ("customer_id", "order_id", "product_id", "transaction_id", "channel")


@dataclass
class Money:
    """What was found of the money."""

    choices: list[Choice] = field(default_factory=list)
    settings: list[Setting] = field(default_factory=list)
    data: list[Setting] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    left: dict[str, str] = field(default_factory=dict)
    whole_orders: bool = False


def money_of(columns: Sequence[Column], order: Column | None, product: Column | None) -> Money:
    """The columns of money among those that are nothing else."""
    return _Search(columns, order, product).found()


class _Search:
    def __init__(self, columns: Sequence[Column], order: Column | None, product: Column | None) -> None:
        self.order, self.product, self.money = order, product, Money()
        taken = {c.name for c in (order, product) if c is not None}
        self.columns = [c for c in columns if c.name not in taken and not is_time(c) and not _is_id(c)]
        self.by_name = {c.name: c for c in self.columns}
        self.once = {c.column.name: why for c in self._sums() if (why := self._once(c.column))}

    def found(self) -> Money:
        self._main()
        self._beside()
        amount = self._column("amount")
        self._tax()
        if amount is not None:
            self._cents(amount)
        return self.money

    def _sums(self) -> list[Candidate]:
        return [c for c in numbers(self.columns, "amount") if not _is_no_sum(c.column.name)]

    def _once(self, column: Column) -> str:
        if self.order is None or self.order.unique:
            return ""
        return stands_once_an_order(self.order, column)

    def _column(self, role: str) -> Column | None:
        return next((self.by_name[c.column] for c in self.money.choices if c.role == role), None)

    def _main(self) -> None:
        """Amount, or quantity and unit price."""
        sums = self._sums()
        counts = [c for c in numbers(self.columns, "quantity") if c.column.whole > 0.5]
        prices = [c for c in numbers(self.columns, "unit_price") if not _is_no_sum(c.column.name)]
        prices = [c for c in prices if not _is_discount(c.column.name)]
        proof = self._proof(sums, counts, prices)
        lines = [c for c in sums if c.column.name not in self.once]
        if proof is not None:
            self._take_proof(proof, sums)
        elif counts and prices and prices[0].column is not counts[0].column:
            self._take_pair(counts, prices, [c for c in lines if c.column is not counts[0].column])
        elif lines:
            self._take_line(lines, counts)
        elif sums:
            self._take_whole_orders(sums)
        elif prices:
            self._choose("amount", prices, "the only price; each line counts once", LIKELY)
        else:
            self._take_unnamed()
        if self.once and not self.money.whole_orders:
            self._tell_once()

    def _proof(self, sums: list[Candidate], counts: list[Candidate], prices: list[Candidate]) -> Product | None:
        names = {c.column.name: c.name for c in (*sums, *counts, *prices)}
        looked = [c for c in self.columns if not _is_no_sum(c.name) or c.name in names]
        short = [replace(c, keys=c.keys[:_LINES], values=c.values[:_LINES]) for c in looked]
        found = products(short, [c.column.name for c in sums])
        # What is left after the discount is what the seller receives.
        for proof in sorted(found, key=lambda p: not p.discount):
            told = sum(names.get(n, 0) >= 0.6 for n in (proof.amount, proof.quantity, proof.unit_price))
            if told >= 2 and proof.amount not in self.once and (not proof.discount or _is_discount(proof.discount)):
                return proof
        return None

    def _choose(self, role: str, candidates: Sequence[Candidate], why: str = "", confidence: str = "") -> None:
        self.money.choices.append(chosen(role, candidates, why, confidence))

    def _name(self, role: str, name: str, why: str, confidence: str, others: tuple[str, ...] = ()) -> None:
        self.money.choices.append(Choice(role, name, confidence, why, shown(self.by_name[name]), others))

    def _take_proof(self, proof: Product, sums: list[Candidate]) -> None:
        others = tuple(c.column.name for c in sums if c.column.name != proof.amount and c.column.name not in self.once)
        self._name("amount", proof.amount, proof.said, SURE, others[:4])
        self._name("quantity", proof.quantity, proof.said, SURE)
        self.money.left[proof.unit_price] = "the price of a piece; `amount` is the money of the line"

    def _take_pair(self, counts: list[Candidate], prices: list[Candidate], lines: list[Candidate]) -> None:
        """Quantity and price: multiply them, unless the price is that of the whole line or the line has a sum."""
        count, price = counts[0].column, prices[0].column
        sums = [c for c in lines if c.column is not price and c.name > 0.75]
        if sums:
            self._choose("amount", sums, f"no column is {count.name} x {price.name}")
            self._choose("quantity", counts)
            self.money.left[price.name] = "the price of a piece; `amount` is the money of the line"
            return
        grows = grows_with(price, count, self.product) if self.product is not None else None
        if grows is not None and grows >= 0.7:
            why = f"it grows with {count.name}, so it is the price of the line and not of a piece"
            self._choose("amount", [replace(prices[0], name=max(prices[0].name, 0.7)), *prices[1:]], why, LIKELY)
            self._choose("quantity", counts)
            return
        total = next((t for t in self.once if self._adds_up(count, price, t)), "")
        if total:
            why, confidence = f"quantity x unit price adds up to `{total}` over the lines of an order", SURE
        else:
            why, confidence = "the money of a line is quantity x unit_price", ""
        self._choose("quantity", counts, why, confidence)
        self._choose("unit_price", prices, why if total else "", confidence)

    def _adds_up(self, count: Column, price: Column, total: str) -> bool:
        return self.order is not None and sum_of_order(self.order, count, price, self.by_name[total]) >= 0.9

    def _take_line(self, lines: list[Candidate], counts: list[Candidate]) -> None:
        ranked = sorted(lines, key=lambda c: -c.score - _towards_net(c.column.name))
        self._choose("amount", ranked)
        if [c for c in counts if c.column is not ranked[0].column]:
            self._choose("quantity", [c for c in counts if c.column is not ranked[0].column])

    def _take_whole_orders(self, sums: list[Candidate]) -> None:
        """Nothing but totals of orders: each order must count once, so what tells its lines apart is left out."""
        assert self.order is not None
        name, once = sums[0].column.name, self.once[sums[0].column.name]
        self._choose(
            "amount", sums, f"the total of the order, {once.replace('repeated', 'repeated on each line')}", LIKELY
        )
        if once == "repeated":
            self.money.whole_orders = True
            why = f"`{name}` stands on every line of an order; lines that are equal in all mapped columns count once"
            self.money.settings.append(Setting("duplicates", "drop", SURE, why))
            self.money.warnings.append(
                f"`{name}` is the total of the order, repeated on each of its lines: added up as it stands, an order "
                "of three lines would count three times. So that every order counts once, only its columns are mapped, "
                'and duplicates = "drop"; better is a table with the money of each line'
            )

    def _take_unnamed(self) -> None:
        """One column of money without a name that says so, told by its two decimals."""
        fractions = [
            c for c in self.columns if c.numeric >= 0.9 and (c.whole < 0.9 or c.currency) and not _is_no_sum(c.name)
        ]
        if len(fractions) >= 1:
            found = [Candidate(c, 0.01, -i) for i, c in enumerate(fractions)]
            why = (
                "the only column of numbers with fractions" if len(found) == 1 else "a column of numbers with fractions"
            )
            self._choose("amount", found, why, UNSURE)

    def _tell_once(self) -> None:
        for name, why in self.once.items():
            if any(c.column == name for c in self.money.choices):
                continue
            where = "on each of its lines" if why == "repeated" else "on its first line only"
            self.money.left[name] = f"of the whole order, {where}"
            if why == "repeated":
                self.money.warnings.append(
                    f"`{name}` is the total of the order, repeated on each of its lines; it is not used, as it would "
                    "be counted once a line"
                )

    def _beside(self) -> None:
        """Discount and cost; those that the intake would refuse, or that are the order's, are left out with a word."""
        taken = {c.column for c in self.money.choices}
        for role in ("discount", "cost"):
            found = [c for c in numbers(self.columns, role) if c.column.name not in taken]
            if role == "cost" and self._column("quantity") is not None:
                pieces = [c for c in found if {"unit", "price"} & set(words_of(c.column.name))]
                self.money.left |= {c.column.name: "what a piece costs; `cost` is that of the line" for c in pieces}
                found = [c for c in found if c not in pieces]
            if not found:
                continue
            column = found[0].column
            if column.constant or column.positive + column.negative == 0:
                self.money.left[column.name] = "the same on all lines"
            elif column.negative > column.positive and role == "discount":
                self.money.left[column.name] = "discounts below zero; store them without the minus sign to use them"
            elif self._once(column):
                self.money.left[column.name] = "of the whole order, not of the line"
            elif not self.money.whole_orders:
                self._choose(role, found)

    def _tax(self) -> None:
        for role in ("amount", "unit_price"):
            column = self._column(role)
            if column is None:
                continue
            words = set(words_of(column.name))
            tax = "excluded" if words & _WITHOUT_TAX else "included" if words & _WITH_TAX else ""
            if tax:
                self.money.data.append(Setting("tax", tax, LIKELY, f"the name `{column.name}` says so; only recorded"))

    def _cents(self, column: Column) -> None:
        values = column.values[np.isfinite(column.values) & (column.values > 0)]
        if len(values) >= 20 and column.whole == 1 and np.median(values) >= 300 and np.mean(values % 100 != 0) > 0.6:
            self.money.warnings.append(
                f"`{column.name}` holds whole numbers only, such as {values[0]:.0f}; if they are cents, all money "
                "comes out a hundred times too large"
            )


def _is_id(column: Column) -> bool:
    return any(names_role(column.name, role) >= 0.95 for role in _ID_ROLES)


def _is_no_sum(name: str) -> bool:
    words = set(words_of(name))
    return bool(words & _NO_SUM) and not words & (_WITHOUT_TAX | _WITH_TAX)


def _is_discount(name: str) -> bool:
    return names_role(name, "discount") >= 0.6


def _towards_net(name: str) -> float:
    """Of two sums, the one without tax and after discounts is what the seller receives."""
    words = set(words_of(name))
    return 0.05 * bool(words & (_WITHOUT_TAX | {"net"})) - 0.05 * bool(words & (_WITH_TAX | _BEFORE_DISCOUNT))
