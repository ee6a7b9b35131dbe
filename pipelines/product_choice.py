"""Which rules the ledger's own past has chosen, how good they were, and what sells and goes together.

In: a ledger's blocks and its items as known on three days. Out: `Chosen` rules with the backtest that judges them, the
`Shelf` of a day, and pairs. Rules are chosen in the last window but one and judged in the last; with one window only
they are chosen and judged in it, with none the usual rules stand; both are said.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..clock import Cutoff
from ..products.again import AgainRule
from ..products.als import factors
from ..products.bought import Blocks
from ..products.crowd import WINDOW_DAYS, Demand, Together, demand, shared_by_customers
from ..products.fresh import Shelf
from ..products.items import Items
from ..products.judged import ALL, NAIVE, NEW, REPEAT, Judging
from ..products.kept import AGAIN
from ..products.kept import NEW as FRESH
from ..products.pairs import BASKET_DAYS, SUPPORT, Pair, baskets, goes_with, held
from ..progress import Progress
from .product_tables import OF

_JUDGED_BLOCKS = 8
"""At most so many blocks of customers, evenly spread, judge the rules: some hundred thousand customers say enough."""
_LEARNT_BLOCKS = 4
"""Factors are learnt from so many."""


@dataclass(frozen=True)
class Chosen:
    """Which rules are taken, and how good they were.

    Parameters
    ----------
    again : AgainRule
    new : str
        One of the shelf's rules.
    judging : Judging or None
        In the last window; None without a backtest.
    chosen_on : str
        The day on which the window begins in which they were chosen.
    notes : tuple of str
    """

    again: AgainRule
    new: str
    judging: Judging | None
    chosen_on: str
    notes: tuple[str, ...]

    @property
    def names(self) -> dict[str, str]:
        """The rule of each list."""
        return {AGAIN: self.again.name, FRESH: self.new}

    def figures(self) -> dict[str, Any]:
        """As JSON takes it."""
        rules = {"buy_again": self.again.name, "new_for_you": self.new, "chosen_on": self.chosen_on}
        judged = None if self.judging is None else [str(self.judging.day), str(self.judging.ends)]
        return {"rules": rules, "judged_on": judged, "gain_over_popular": self._gains()}

    def _gains(self) -> dict[str, dict[str, float] | None]:
        found: dict[str, dict[str, float] | None] = {}
        if self.judging is not None:
            for name, rule, of in (("buy_again", self.again.name, ALL), ("new_for_you", self.new, NEW)):
                gain = self.judging.gain(rule, of)
                found[name] = None if gain is None else dict(zip(("gain", "low", "high"), gain, strict=True))
        return found

    @property
    def headline(self) -> str:
        """What a marketer reads first; empty without a backtest."""
        hits = {(f.rule, f.of): f.recall for f in (self.judging.figures if self.judging is not None else ())}
        said = []
        if (self.again.name, ALL) in hits:
            ours, naive = hits[self.again.name, ALL], hits[NAIVE, ALL]
            held = f"Ten items to buy again held {ours:.1%} of what customers then bought, at most ten of each counted"
            said.append(f"{held} (the same ten for everybody: {naive:.1%})")
        if (self.new, NEW) in hits:
            said.append(f"ten new ones {hits[self.new, NEW]:.1%} of what was new to them ({hits[NAIVE, NEW]:.1%})")
        return "; ".join(said) + "." if said else ""

    @property
    def lines(self) -> list[str]:
        """For a screen."""
        if self.judging is None:
            return [f"buy again by {self.again.name}; new for you by what is {self.new}"]
        return [f"judged on {self.judging.day} to {self.judging.ends}, on what was known before:", *self._recalls()]

    def _recalls(self) -> Iterator[str]:
        assert self.judging is not None
        by = {(figure.rule, figure.of): figure for figure in self.judging.figures}
        for name, rule, kinds in ((AGAIN, self.again.name, (ALL, REPEAT)), (FRESH, self.new, (NEW,))):
            for of in kinds:
                if (rule, of) in by and (NAIVE, of) in by:
                    one, naive = by[rule, of], by[NAIVE, of]
                    yield (
                        f"{name} ({rule}): recall@10 {one.recall:.3f} [{one.low:.3f}, {one.high:.3f}] of {OF[of]}, "
                        f"what is popular {naive.recall:.3f}; {one.customers:,} customers"
                    )


@dataclass(frozen=True)
class GoTogether:
    """Pairs that go together.

    Parameters
    ----------
    pairs : list of Pair
        As of the day.
    later : dict or None
        Of those told before the last window: `pairs` that could be looked at in it, and how many of them `held`.
    words : tuple of str
    """

    pairs: list[Pair]
    later: dict[str, int] | None
    words: tuple[str, ...]


@dataclass(frozen=True)
class Stand:
    """A ledger's items as of a day, and what is learnt of them.

    Parameters
    ----------
    blocks : Blocks
    known : mapping of Cutoff to Items
        The items as known on the day and on the days on which the windows begin.
    day : Cutoff
    window_days : int
        Of a window of the backtest.
    """

    blocks: Blocks
    known: Mapping[Cutoff, Items]
    day: Cutoff
    window_days: int

    @property
    def items(self) -> Items:
        """As of the day."""
        return self.blocks.items

    @property
    def history_starts(self) -> Cutoff:
        """The first day that the data cover."""
        return self.blocks.ledger.history_starts

    def shelf(self, day: Cutoff, learnt: bool = True) -> Shelf:
        """What sells as of a day; `learnt` says whether factors are wanted, too."""
        items = self.known[day]
        found = demand(self.blocks.all(), len(items), day, self.history_starts)
        together = shared_by_customers(self.blocks.all(), found)
        return Shelf(items, found, together, factors(self.blocks.some(_LEARNT_BLOCKS), found) if learnt else None)

    def judging(self, begins: Cutoff, ends: Cutoff) -> Judging | None:
        """The rules judged in a window; None where the history before it is too short."""
        if begins.minus(WINDOW_DAYS) < self.history_starts:
            return None
        found = Judging(self.shelf(begins), ends)
        for block in self.blocks.some(_JUDGED_BLOCKS):
            found.add(block)
        return found if found.best_again() is not None else None

    def chosen(self, tell: Progress) -> Chosen:
        """The rules that were best in the window before the last; judged in the last."""
        tell("backtest", 0.0)
        begins = self.day.minus(self.window_days)
        last, before = self.judging(begins, self.day), self.judging(begins.minus(self.window_days), begins)
        tell("backtest", 1.0)
        chooser = before or last
        if chooser is None:
            note = f"no backtest: it needs {WINDOW_DAYS} days of history before a closed window of {self.window_days}"
            return Chosen(AgainRule(), NAIVE, None, "usual rules", (note,))
        again, new = chooser.best_again() or AgainRule(), chooser.best_new() or NAIVE
        if before is None:
            note = "the rules were chosen in the window in which they are judged, which flatters them a little"
            return Chosen(again, new, last, str(chooser.day), (note,))
        return Chosen(again, new, last, str(chooser.day), ())

    def together(self, found: Demand, earlier: Demand | None) -> GoTogether:
        """What goes together as of the day, and whether what went together before the last window did so in it."""
        now = goes_with(self._baskets(found, self.day.minus(BASKET_DAYS), self.day))
        if not now:
            said = f"no two of them go together: no pair has {SUPPORT} orders and a lift surely above 1"
            return GoTogether([], None, (said,))
        known, true = 0, 0
        if earlier is not None:
            then = goes_with(self._baskets(earlier, earlier.day.minus(BASKET_DAYS), earlier.day))
            known, true = held(then, self._baskets(earlier, earlier.day, self.day))
        words = [
            f"{self.items.names[pair.item]} goes with {self.items.names[pair.other]}: {pair.lift:.1f} times as often "
            f"as by chance, {pair.orders:,} orders"
            for pair in now[:3]
        ]
        if known:
            words.append(f"of {known:,} pairs told before the last window, {true:,} went together in it, too")
        return GoTogether(now, {"pairs": known, "held": true} if known else None, tuple(words))

    def _baskets(self, found: Demand, begins: Cutoff, ends: Cutoff) -> Together:
        return baskets(self.blocks.all(), found, len(self.items), begins, ends, ends)
