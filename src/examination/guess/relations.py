"""What columns prove about each other: which number is the product of two others, what stands once an order.

In: columns of one sample, line by line. Out: shares of lines or groups for which a relation holds. Lines that lack one
of the values say nothing; where too few speak, nothing is proved.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from .columns import Column

ENOUGH = 20
"""So many lines or groups must speak before they prove anything."""

_HOLDS = 0.97


@dataclass(frozen=True)
class Product:
    """`amount` is `quantity` times `unit_price`, less `discount` if there is one, on a share of the lines.

    Examples
    --------
    >>> Product("total", "qty", "price", "", 1.0).said
    'total = qty x price on 100 % of the lines'
    """

    amount: str
    quantity: str
    unit_price: str
    discount: str
    share: float

    @property
    def said(self) -> str:
        """The proof in words."""
        less = f" - {self.discount}" if self.discount else ""
        return f"{self.amount} = {self.quantity} x {self.unit_price}{less} on {self.share:.0%} of the lines".replace(
            "%", " %"
        )


@dataclass(frozen=True)
class Groups:
    """How a column behaves within the groups of another.

    Parameters
    ----------
    groups : int
        Groups in which the column has at least two values.
    alone : float
        The share of them in which these are all the same.
    single : float
        The share of the groups of at least two lines in which exactly one line has a value.
    """

    groups: int
    alone: float
    single: float


def within(by: Column, of: Column) -> Groups:
    """How `of` behaves among the lines that share a value of `by`.

    Examples
    --------
    >>> from .columns import columns_of
    >>> import pyarrow as pa
    >>> order, total = columns_of(pa.table({"order": ["a", "a", "b", "b"], "total": ["5", "5", "7", "8"]}))
    >>> within(order, total).alone
    0.5
    """
    there = by.keys >= 0
    lines = np.bincount(by.keys[there], minlength=by.distinct)
    both = there & (of.keys >= 0)
    filled = np.bincount(by.keys[both], minlength=by.distinct)
    pairs = np.unique(np.stack([by.keys[both], of.keys[both]]), axis=1)
    different = np.bincount(pairs[0], minlength=by.distinct)
    several, longer = filled >= 2, lines >= 2
    n, many = int(several.sum()), int(longer.sum())
    alone = float((different[several] == 1).mean()) if n else 0.0
    return Groups(n, alone, float((filled[longer] == 1).mean()) if many else 0.0)


def per_group(by: Column, of: Column) -> float:
    """How many values of `of` a value of `by` has on average."""
    both = (by.keys >= 0) & (of.keys >= 0)
    if not both.any():
        return 0.0
    pairs = np.unique(np.stack([by.keys[both], of.keys[both]]), axis=1)
    return float(pairs.shape[1] / len(np.unique(pairs[0])))


def stands_once_an_order(order: Column, money: Column) -> str:
    """Why a column of money is the whole order's rather than the line's: ``repeated``, ``first line only``, or neither.

    Repeated: the same on all lines of nearly every order of several lines, while it differs from order to order.
    """
    found = within(order, money)
    if money.filled < money.rows * 0.95 and found.single >= 0.9 and found.groups < ENOUGH:
        return "first line only"
    orders = len(np.unique(order.keys[(order.keys >= 0) & (money.keys >= 0)]))
    if found.groups >= ENOUGH // 4 and found.alone >= 0.95 and money.distinct >= min(orders, 200) * 0.2:
        return "repeated"
    return ""


def products(columns: Sequence[Column], prefer: Sequence[str] = ()) -> list[Product]:
    """The numbers that are products of two others, the best proved and shortest first; names in `prefer` come first.

    Quantities other than 1 must make up a part of the lines, or there is nothing to prove.
    """
    numbers = [c for c in columns if c.numeric >= 0.9 and not c.constant and c.share_filled > 0.3][:14]
    found: list[Product] = []
    for one, two in combinations(numbers, 2):
        if max(one.whole, two.whole) < 0.5:
            continue
        quantity, price = (one, two) if (one.whole, -one.high) >= (two.whole, -two.high) else (two, one)
        product = quantity.values * price.values
        for amount in numbers:
            if amount not in (one, two):
                found += _proved(amount, quantity, price, product, numbers)
    rank = {name: i for i, name in enumerate(prefer)}
    return sorted(found, key=lambda p: (bool(p.discount), -round(p.share, 2), rank.get(p.amount, len(rank))))


def _proved(
    amount: Column, quantity: Column, price: Column, product: NDArray[np.float64], numbers: Sequence[Column]
) -> list[Product]:
    share = _agrees(amount.values, product, quantity.values)
    if share >= _HOLDS:
        return [Product(amount.name, quantity.name, price.name, "", share)]
    found = []
    for discount in numbers:
        if discount in (amount, quantity, price) or discount.positive + discount.negative < 0.02:
            continue
        share = _agrees(amount.values, product - np.abs(np.nan_to_num(discount.values)), quantity.values)
        if share >= _HOLDS:
            found.append(Product(amount.name, quantity.name, price.name, discount.name, share))
    return found


def _agrees(values: NDArray[np.float64], wanted: NDArray[np.float64], quantity: NDArray[np.float64]) -> float:
    """The share of the telling lines on which two columns are the same to the cent; 0 where too few are telling."""
    telling = np.isfinite(values) & np.isfinite(wanted) & (wanted != 0)
    several = telling & (np.abs(quantity) != 1)
    if several.sum() < min(ENOUGH, max(3, telling.sum() // 4)):
        return 0.0
    near = np.abs(values - wanted) <= 0.011 + 1e-6 * np.abs(wanted)
    return float(min(near[telling].mean(), near[several].mean()))


def grows_with(price: Column, quantity: Column, product: Column) -> float | None:
    """Whether a price is that of the line rather than of the piece, told by products sold in several quantities.

    Returns
    -------
    float or None
        The share of such products whose price per piece varies less when it is divided by the quantity; None where
        there are too few.
    """
    fine = np.isfinite(price.values) & np.isfinite(quantity.values) & (product.keys >= 0)
    fine &= (quantity.values > 0) & (price.values > 0)
    keys = product.keys[fine]
    line, each = np.log(price.values[fine]), np.log(price.values[fine] / quantity.values[fine])
    pieces = np.log(quantity.values[fine])
    order = np.argsort(keys, kind="stable")
    keys, line, each, pieces = keys[order], line[order], each[order], pieces[order]
    starts = np.flatnonzero(np.r_[True, np.diff(keys) > 0]) if len(keys) else np.zeros(0, np.int64)
    grows, told = 0, 0
    for first, last in zip(starts, [*starts[1:], len(keys)], strict=True):
        if np.ptp(pieces[first:last]) < 0.5:
            continue
        told += 1
        grows += bool(np.std(each[first:last]) < np.std(line[first:last]) * 0.7)
    return grows / told if told >= ENOUGH // 4 else None


def sum_of_order(order: Column, quantity: Column, price: Column, total: Column) -> float:
    """The share of the orders whose lines' quantity times price add up to the total that stands on them."""
    fine = (order.keys >= 0) & np.isfinite(quantity.values) & np.isfinite(price.values)
    sums = np.bincount(order.keys[fine], (quantity.values * price.values)[fine], minlength=order.distinct)
    told = (order.keys >= 0) & np.isfinite(total.values)
    wanted = np.full(order.distinct, np.nan)
    wanted[order.keys[told]] = total.values[told]
    seen = np.isfinite(wanted) & (np.bincount(order.keys[fine], minlength=order.distinct) >= 2)
    if seen.sum() < ENOUGH // 4:
        return 0.0
    return float((np.abs(sums - wanted)[seen] <= 0.02).mean())
