"""How good each rule is, found on the user's own past, and which rule to take.

In: blocks of `Bought`, a `Shelf` as of a day, and the window after it. Out: recall@10 of every rule: hits / min(10,
distinct items bought), mean over customers who bought in the window and had bought before it. "Buy again" is judged on
all they bought and on what they had bought before; "new for you" on what they had not. The naive rule gives everybody
the most popular items; of what is new, those not owned. Nobody to judge on: no figure.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..clock import Cutoff
from .again import RULES, AgainRule, Pairs, buy_again
from .bought import Bought
from .fresh import Shelf
from .ranked import K, Ranked, recall

Int64 = NDArray[np.int64]
Float64 = NDArray[np.float64]
ALL, REPEAT, NEW = "all", "repeat", "new"
NAIVE = "popular"
_Z = 1.96


@dataclass(frozen=True)
class Figure:
    """The recall@10 of a rule.

    Parameters
    ----------
    rule : str
    of : {"all", "repeat", "new"}
        Which of the items that were bought in the window count.
    customers : int
        Who bought such items in the window, and something before it.
    recall, low, high : float
        Mean over them with its 95 % interval.
    """

    rule: str
    of: str
    customers: int
    recall: float
    low: float
    high: float


@dataclass
class Judging:
    """Recalls of all rules in one window, block by block.

    Parameters
    ----------
    shelf : Shelf
        As of the day on which the window begins.
    ends : Cutoff
        The day on which it has closed; what became known later does not count.
    """

    shelf: Shelf
    ends: Cutoff
    _found: dict[tuple[str, str], list[Float64]] = field(default_factory=dict)

    @property
    def day(self) -> Cutoff:
        """On which one stands."""
        return self.shelf.demand.day

    def add(self, block: Bought) -> None:
        """Judge the customers of one block."""
        n, window = len(self.shelf.items), self.ends.day - self.day.day
        # Whoever buys nothing in the window judges nothing.
        buying = np.flatnonzero(np.bincount(block.between(self.day, self.ends, self.ends).customer))
        block = block.only(buying)
        past, demand = block.before(self.day), self.shelf.demand
        later = block.between(self.day, self.ends, self.ends)
        pairs = Pairs.of(past, self.day)
        key = later.pairs(n)
        key = key[(np.bincount(past.customer, minlength=block.n_customers) > 0)[key // n]]
        owned = np.isin(key, past.pairs(n))
        popular = demand.by_popularity[:K]
        shape = (block.n_customers, K)
        everybody = Ranked(np.full(shape, -1, np.int64), np.full(shape, np.nan))
        everybody.item[:, : len(popular)] = popular
        lists = {rule.name: buy_again(pairs, rule, demand.order, window) for rule in RULES}
        for name, ranked in {NAIVE: everybody, **lists}.items():
            self._keep(name, ALL, ranked, key)
            self._keep(name, REPEAT, ranked, key[owned])
        for rule in self.shelf.rules:
            self._keep(rule, NEW, self.shelf.best(pairs, rule), key[~owned])

    def _keep(self, rule: str, of: str, ranked: Ranked, key: Int64) -> None:
        n = len(self.shelf.items)
        self._found.setdefault((rule, of), []).append(recall(ranked, key // n, key % n, n)[1])

    def recalls(self, rule: str, of: str) -> Float64:
        """One recall per customer, in the ledger's order."""
        return np.concatenate([np.zeros(0), *self._found.get((rule, of), [])])

    @property
    def figures(self) -> tuple[Figure, ...]:
        """Of every rule that somebody could be judged by."""
        named = [(rule, of, self.recalls(rule, of)) for rule, of in self._found]
        return tuple(Figure(rule, of, len(values), *with_interval(values)) for rule, of, values in named if len(values))

    def best_again(self) -> AgainRule | None:
        """The rule of "buy again" with the best recall of all that was bought; the first of equals, None of nobody."""
        return max(RULES, key=lambda rule: self.recalls(rule.name, ALL).mean()) if self._somebody(ALL) else None

    def best_new(self) -> str | None:
        """The rule of "new for you" with the best recall; popularity unless another is better, None of nobody."""
        return max(self.shelf.rules, key=lambda rule: self.recalls(rule, NEW).mean()) if self._somebody(NEW) else None

    def gain(self, rule: str, of: str) -> tuple[float, float, float] | None:
        """Recall above that of the naive rule, paired by customer, with its 95 % interval; None of nobody."""
        if not self._somebody(of) or (rule, of) not in self._found:
            return None
        return with_interval(self.recalls(rule, of) - self.recalls(NAIVE, of))

    def _somebody(self, of: str) -> bool:
        return len(self.recalls(NAIVE, of)) > 0


def with_interval(values: Float64) -> tuple[float, float, float]:
    """Mean and the limits of its 95 % interval.

    Examples
    --------
    >>> with_interval(np.array([0.5, 0.5]))
    (0.5, 0.5, 0.5)
    """
    mean = float(values.mean())
    error = _Z * float(values.std(ddof=1)) / len(values) ** 0.5 if len(values) > 1 else 0.0
    return mean, mean - error, mean + error
