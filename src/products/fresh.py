"""New for you: what a customer never bought but may like.

In: the `Pairs` of a block of customers, the `Demand` and, for most rules, which items are bought by the same people.
Out: lists of popular items that the customer does not own, by a rule: `popular` (buyers of 28 days), `categories` (the
same, times the share of the category in what the customer bought), `similar` (the same, times the item's mean cosine to
what the customer bought; Sarwar et al. 2001, doi:10.1145/371920.372071), `fitting` (a regression on what is owned; see
`fitting`) and `als` (the same by factors), these two also times how many of the item's owners bought it of late, or
the root of that. For `categories` and `similar` what was bought is decayed by age. Whoever has nothing that a rule can
use gets the popular ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from .again import Pairs
from .crowd import MOST, Demand, Together
from .fitting import of_factors, regression, selling
from .items import Items
from .ranked import K, Ranked, best_of_scores

Int64 = NDArray[np.int64]
Float32 = NDArray[np.float32]
HALF_LIFE_DAYS = 30
"""Of what a customer bought, for what is new; measured in docs/products.md."""
_ROWS = 2000
"""Customers at a time: their scores are a few megabytes."""
FITTING, ALS = "fitting", "als"
STRENGTHS = {"": 0.0, ", half by demand": 0.5, ", by demand": 1.0}
"""To which power it counts how many of an item's owners bought it of late."""
FRESH_RULES = ("popular", "categories", "similar", *(base + by for base in (FITTING, ALS) for by in STRENGTHS))


def needs(rule: str) -> frozenset[str]:
    """What a shelf must have for a rule besides items and demand: "together", "factors".

    Examples
    --------
    >>> sorted(needs("als, by demand")), sorted(needs("categories"))
    (['factors', 'together'], [])
    """
    if rule in ("popular", "categories"):
        return frozenset()
    return frozenset({"together", "factors"} if rule.startswith(ALS) else {"together"})


@dataclass(frozen=True)
class Shelf:
    """What may be new for somebody.

    Parameters
    ----------
    items : Items
    demand : Demand
    together : Together or None
        Shared by customers, of the most popular items; without it only `popular` and `categories` can be asked for.
    factors : ndarray of float32, shape (n, k), optional
        Of the same items; without them `als` cannot be asked for.
    """

    items: Items
    demand: Demand
    together: Together | None = None
    factors: Float32 | None = None

    @property
    def rules(self) -> tuple[str, ...]:
        """Which can be asked for: categories only where items have them and are not categories themselves."""
        by_category = self.items.kind == "product" and bool((self.items.category >= 0).any())
        there = {"together": self.together, "factors": self.factors}
        had = {name for name, value in there.items() if value is not None}
        return tuple(rule for rule in FRESH_RULES if needs(rule) <= had and (rule != "categories" or by_category))

    @cached_property
    def regression(self) -> Float32:
        """Of the popular items on each other; without `together` there is none."""
        return np.zeros((0, 0), np.float32) if self.together is None else regression(self.together)

    @cached_property
    def by_factors(self) -> Float32:
        """The same by the factors."""
        return np.zeros((0, 0), np.float32) if self.factors is None else of_factors(self.factors)

    def ready(self, rule: str) -> None:
        """Work out beforehand what lists by a rule need; otherwise the first of them waits for it."""
        chosen = self.demand.by_popularity[:MOST]
        self._weigher(rule, chosen, self.demand.weight[chosen].astype(np.float32))

    def best(self, pairs: Pairs, rule: str, k: int = K) -> Ranked:
        """The lists of a block of customers by one of `rules`."""
        chosen = self.demand.by_popularity[:MOST]
        n = pairs.past.n_customers
        customer, item, worth = pairs.customer, pairs.item, pairs.decayed(HALF_LIFE_DAYS)
        column = np.full(len(self.items), -1, np.int64)
        column[chosen] = np.arange(len(chosen))
        popular = self.demand.weight[chosen].astype(np.float32)
        parts = []
        weigh = self._weigher(rule, chosen, popular)
        for first in range(0, n, _ROWS):
            rows = min(_ROWS, n - first)
            low, high = np.searchsorted(customer, [first, first + rows])
            own, owned = customer[low:high] - first, item[low:high]
            scores = weigh(rows, own, owned, worth[low:high])
            there = column[owned] >= 0
            scores[own[there], column[owned[there]]] = 0
            parts.append(best_of_scores(scores, chosen, k))
        if not parts:
            return Ranked(np.zeros((0, k), np.int64), np.zeros((0, k)))
        return Ranked(np.concatenate([p.item for p in parts]), np.concatenate([p.score for p in parts]))

    def _weigher(self, rule: str, chosen: Int64, popular: Float32) -> _Weigher:
        if rule not in self.rules:
            raise ValueError(f"this shelf cannot list by `{rule}`, only by {', '.join(self.rules)}")
        if rule == "categories":
            return _ByCategory(self.items.category, len(self.items.categories), chosen, popular)
        if self.together is None or rule == "popular":
            return _Weigher(popular)
        if rule == "similar":
            return _BySimilarity(self.together, len(self.items), popular)
        base, comma, by = rule.partition(",")
        strong = selling(self.demand.weight[self.together.items], self.together) ** STRENGTHS[comma + by]
        table = self.by_factors if base == ALS else self.regression
        return _ByFitting(self.together, len(self.items), table, strong.astype(np.float32), popular)


class _Weigher:
    """Everybody alike."""

    def __init__(self, popular: Float32) -> None:
        self.popular = popular

    def __call__(self, rows: int, own: Int64, owned: Int64, worth: NDArray[np.float64]) -> Float32:
        """Scores of shape (rows, n): of customers `own`, who own `owned`, worth so much each."""
        return np.tile(self.popular, (rows, 1))


class _ByCategory(_Weigher):
    def __init__(self, category: Int64, n: int, chosen: Int64, popular: Float32) -> None:
        super().__init__(popular)
        self.category, self.n, self.of_chosen = category, n, category[chosen]

    def __call__(self, rows: int, own: Int64, owned: Int64, worth: NDArray[np.float64]) -> Float32:
        named = self.category[owned] >= 0
        key = own[named] * self.n + self.category[owned[named]]
        share = np.bincount(key, weights=worth[named], minlength=rows * self.n).reshape(rows, self.n)
        share = share / np.maximum(share.sum(axis=1, keepdims=True), np.finfo(np.float64).tiny)
        # A thousandth of everybody's taste, so that who owns all of a category still gets something.
        taste = np.append(share, np.zeros((rows, 1)), axis=1).astype(np.float32) + np.float32(0.001)
        return np.asarray(taste[:, self.of_chosen] * self.popular, np.float32)


class _BySimilarity(_Weigher):
    def __init__(self, together: Together, n_items: int, popular: Float32) -> None:
        super().__init__(popular)
        self.cosine = together.cosine
        self.column = np.full(n_items, -1, np.int64)
        self.column[together.items] = np.arange(len(together.items))
        self.little = np.float32(1e-6)
        """Below any mean cosine that counts: whoever bought nothing similar gets the popular items."""

    def __call__(self, rows: int, own: Int64, owned: Int64, worth: NDArray[np.float64]) -> Float32:
        from scipy.sparse import csr_matrix

        column = self.column[owned]
        there = column >= 0
        weight = np.sqrt(worth[there])
        total = np.bincount(own[there], weights=weight, minlength=rows)
        weight = (weight / np.maximum(total, np.finfo(np.float64).tiny)[own[there]]).astype(np.float32)
        bought = csr_matrix((weight, (own[there], column[there])), (rows, len(self.cosine)))
        return np.asarray((bought @ self.cosine + self.little) * self.popular, np.float32)


class _ByFitting(_Weigher):
    def __init__(self, together: Together, n_items: int, table: Float32, strong: Float32, popular: Float32) -> None:
        super().__init__(popular)
        self.table, self.strong = table, strong
        self.column = np.full(n_items, -1, np.int64)
        self.column[together.items] = np.arange(len(together.items))
        # What nothing owned speaks for goes last, by popularity: it is far below any sum that counts.
        self.last = popular * np.float32(1e-6) / max(popular.max(initial=0), np.float32(1))

    def __call__(self, rows: int, own: Int64, owned: Int64, worth: NDArray[np.float64]) -> Float32:
        from scipy.sparse import csr_matrix

        column = self.column[owned]
        there = column >= 0
        ones = np.ones(int(there.sum()), np.float32)
        bought = csr_matrix((ones, (own[there], column[there])), (rows, len(self.table)))
        return np.asarray(np.maximum(bought @ self.table, 0) * self.strong + self.last, np.float32)
