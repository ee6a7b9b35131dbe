"""Products to suggest: lists for every customer by rules that the ledger's own past has chosen, and what sells.

In: a ledger, its configuration, a day, what an item is, names to leave out. Out: `Suggested`: sentences, figures
without anybody's id, and one file of lists. The rules are chosen in the last window but one and judged in the last,
both closed on the day; with one window only they are chosen and judged in it, with none the usual rules are taken;
both are said. Without products and categories there is nothing to suggest, which is said.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..clock import Cutoff
from ..config import Config
from ..errors import ConfigError
from ..intake import Ledger
from ..products.again import AgainRule
from ..products.bought import Blocks
from ..products.crowd import WINDOW_DAYS, Demand, Together, demand, shared_by_customers
from ..products.fresh import Shelf
from ..products.items import Items, items_before, kind_of
from ..products.judged import ALL, NAIVE, NEW, REPEAT, Judging
from ..products.kept import FILE as SHELF
from ..products.kept import Kept
from ..products.pairs import BASKET_DAYS, SUPPORT, Pair, baskets, goes_with, held
from ..progress import Progress
from .files import replaced
from .suggestions import Lists, write_lists
from .written import remember

FILE = "products.parquet"
NOTHING = (
    "nothing to suggest: the purchases name neither products nor categories; map `product_id` or `category` in "
    "[data.purchases]"
)
_JUDGED_BLOCKS = 8
"""At most so many blocks of customers, evenly spread, judge the rules: some hundred thousand customers say enough."""
_SHOWN = 20


@dataclass(frozen=True)
class Suggested:
    """What was found and written.

    Parameters
    ----------
    lines, notes : tuple of str
        For people; names of products stand in them, ids of customers never.
    told : dict
        The figures.
    """

    lines: tuple[str, ...]
    notes: tuple[str, ...]
    told: dict[str, Any]

    def figures(self) -> dict[str, Any]:
        """The same as JSON takes it."""
        return self.told


@dataclass(frozen=True)
class Asked:
    """What was asked for.

    Parameters
    ----------
    kind : {"product", "category"}, optional
        Default: products where the ledger has them.
    exclude : collection of str
        Products and categories to leave out, such as bags and deposits.
    window_days : int
        Days of a window of the backtest; within so many days something should be bought again.
    backtest_only : bool
        Whether to judge the rules and write no lists.
    """

    kind: str | None = None
    exclude: Collection[str] = ()
    window_days: int = WINDOW_DAYS
    backtest_only: bool = False


def suggest(
    ledger: Ledger, config: Config, day: Cutoff | None = None, asked: Asked | None = None, out: Path | None = None,
    progress: Progress | None = None,
) -> Suggested:  # fmt: skip
    """Choose the rules, judge them, and write the lists of all customers as of a day (default: the end of the data).

    Raises
    ------
    ConfigError
        ``RG480``: a name to leave out was never bought; ``RG481``: an unknown kind; ``RG482``: the day lies after the
        data's end; ``RG483``: a file of another kind.
    """
    asked, day, tell = asked or Asked(), day or ledger.ends, progress or _silent
    if day > ledger.ends:
        raise ConfigError(
            f"the data end before {ledger.ends}, so that nothing is known of the days till {day}",
            do="leave --as-of out, or say `history_ends` in [data] if nothing was sold",
            code="RG482",
        )
    file = out or config.folder / FILE
    if file.suffix not in (".parquet", ".csv"):
        raise ConfigError(f"lists cannot be written as `{file.suffix}`", needed=".parquet or .csv", code="RG483")
    kind = kind_of(ledger, asked.kind)
    if kind is None:
        return Suggested((NOTHING if asked.kind is None else _not_there(asked.kind),), (), _nothing(day))
    tell("items", 0.0)
    begins = day.minus(asked.window_days)
    earlier = (begins, begins.minus(asked.window_days))
    items, *then = items_before(ledger, kind, day, asked.exclude, earlier)
    if not len(items):
        said = f"nothing to suggest: no {kind} was bought before {day}"
        return Suggested((said,), (), _nothing(day))
    return _of_items(
        _Stand(Blocks(ledger, items), dict(zip((day, *earlier), (items, *then), strict=True)), day, asked.window_days),
        config,
        None if asked.backtest_only else file,
        tell,
    )


def _of_items(stand: _Stand, config: Config, file: Path | None, tell: Progress) -> Suggested:
    chosen = stand.chosen(tell)
    tell("what sells", 0.0)
    shelf = stand.shelf(stand.day)
    found = stand.together(shelf.demand, None if chosen.judging is None else chosen.judging.shelf.demand)
    told: dict[str, Any] = {
        "as_of": str(stand.day),
        "items_by": stand.items.kind,
        "items": len(stand.items),
        "left_out": len(stand.items.excluded),
        "window_days": stand.window_days,
        **chosen.figures(),
        "in_demand": _in_demand(shelf.demand, stand.items),
        "goes_with": _named(found.pairs, stand.items),
        "goes_with_later": found.later,
    }
    lines, notes = [*chosen.lines, *_demand_words(told), *found.words], list(chosen.notes)
    if not shelf.demand.covered:
        notes.append("growth is not known: the data do not cover 56 days before the day")
    if file is not None:
        remember(config.folder, "suggestions", file)
        kept = Kept(shelf, chosen.again, chosen.new, stand.window_days)
        counts = write_lists(stand.blocks.all(), Lists(kept), file, tell)
        replaced(config.folder / SHELF, lambda waiting: waiting.write_bytes(kept.content()))
        told |= {**counts, "file": file.name, "shelf": SHELF}
        again, new = counts["customers_again"], counts["customers_new"]
        lines.append(f"buy again for {again:,} customers, new for you for {new:,}: {file}")
        lines.append(f"for offers that suggest products: {config.folder / SHELF}")
    return Suggested(tuple(lines), tuple(notes), told)


@dataclass(frozen=True)
class _Chosen:
    """Which rules are taken, and how good they were."""

    again: AgainRule
    new: str
    judging: Judging | None
    chosen_on: str
    notes: tuple[str, ...]

    def figures(self) -> dict[str, Any]:
        rows = [] if self.judging is None else [asdict(figure) for figure in self.judging.figures]
        gains = {}
        if self.judging is not None:
            for name, rule, of in (("buy_again", self.again.name, ALL), ("new_for_you", self.new, NEW)):
                gain = self.judging.gain(rule, of)
                gains[name] = None if gain is None else dict(zip(("gain", "low", "high"), gain, strict=True))
        judged = None if self.judging is None else [str(self.judging.day), str(self.judging.ends)]
        chosen = {"buy_again": self.again.name, "new_for_you": self.new, "chosen_on": self.chosen_on}
        return {"rules": chosen, "judged_on": judged, "backtest": rows, "gain_over_popular": gains}

    @property
    def lines(self) -> list[str]:
        if self.judging is None:
            return [f"buy again by {self.again.name}; new for you by what is {self.new}"]
        return [f"judged on {self.judging.day} to {self.judging.ends}, on what was known before:", *self._recalls()]

    def _recalls(self) -> Iterator[str]:
        assert self.judging is not None
        by = {(figure.rule, figure.of): figure for figure in self.judging.figures}
        said = {ALL: "of all they bought", REPEAT: "of what they had bought before", NEW: "of what was new to them"}
        for name, rule, kinds in (("buy again", self.again.name, (ALL, REPEAT)), ("new for you", self.new, (NEW,))):
            for of in kinds:
                if (rule, of) in by and (NAIVE, of) in by:
                    one, naive = by[rule, of], by[NAIVE, of]
                    yield (
                        f"{name} ({rule}): recall@10 {one.recall:.3f} [{one.low:.3f}, {one.high:.3f}] {said[of]}, "
                        f"what is popular {naive.recall:.3f}; {one.customers:,} customers"
                    )


@dataclass(frozen=True)
class _Found:
    pairs: list[Pair]
    later: dict[str, int] | None
    words: tuple[str, ...]


@dataclass(frozen=True)
class _Stand:
    """A ledger's items as of a day, and what is learnt of them."""

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

    def shelf(self, day: Cutoff) -> Shelf:
        """What sells as of a day."""
        items = self.known[day]
        found = demand(self.blocks.all(), len(items), day, self.history_starts)
        return Shelf(items, found, shared_by_customers(self.blocks.all(), found))

    def judging(self, begins: Cutoff, ends: Cutoff) -> Judging | None:
        """The rules judged in a window; None where the history before it is too short."""
        if begins.minus(WINDOW_DAYS) < self.history_starts:
            return None
        found = Judging(self.shelf(begins), ends)
        for block in self.blocks.some(_JUDGED_BLOCKS):
            found.add(block)
        return found if found.best_again() is not None else None

    def chosen(self, tell: Progress) -> _Chosen:
        """The rules that were best in the window before the last; judged in the last."""
        tell("backtest", 0.0)
        begins = self.day.minus(self.window_days)
        last, before = self.judging(begins, self.day), self.judging(begins.minus(self.window_days), begins)
        tell("backtest", 1.0)
        chooser = before or last
        if chooser is None:
            note = f"no backtest: it needs {WINDOW_DAYS} days of history before a closed window of {self.window_days}"
            return _Chosen(AgainRule(), NAIVE, None, "usual rules", (note,))
        again, new = chooser.best_again() or AgainRule(), chooser.best_new() or NAIVE
        if before is None:
            note = "the rules were chosen in the window in which they are judged, which flatters them a little"
            return _Chosen(again, new, last, str(chooser.day), (note,))
        return _Chosen(again, new, last, str(chooser.day), ())

    def together(self, found: Demand, earlier: Demand | None) -> _Found:
        """What goes together as of the day, and whether what went together before the last window did so in it."""
        now = goes_with(self._baskets(found, self.day.minus(BASKET_DAYS), self.day))
        if not now:
            said = f"no two of them go together: no pair has {SUPPORT} orders and a lift surely above 1"
            return _Found([], None, (said,))
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
        return _Found(now, {"pairs": known, "held": true} if known else None, tuple(words))

    def _baskets(self, found: Demand, begins: Cutoff, ends: Cutoff) -> Together:
        return baskets(self.blocks.all(), found, len(self.items), begins, ends, ends)


def _in_demand(found: Demand, items: Items) -> list[dict[str, Any]]:
    growth, top = found.growth(), found.by_popularity[:_SHOWN]
    return [
        {
            "item": items.names[i],
            "buyers": int(found.buyers[i]),
            "buyers_before": int(found.buyers_before[i]) if found.covered else None,
            "growth_rate": float(growth[i]) if growth[i] == growth[i] else None,
        }
        for i in top
    ]


def _demand_words(told: dict[str, Any]) -> list[str]:
    first = [f"{row['item']} ({row['buyers']:,} buyers)" for row in told["in_demand"][:3]]
    return [f"in demand, last {WINDOW_DAYS} days: {', '.join(first)}"] if first else []


def _named(pairs: list[Pair], items: Items) -> list[dict[str, Any]]:
    return [{**asdict(p), "item": items.names[p.item], "other": items.names[p.other]} for p in pairs[:_SHOWN]]


def _nothing(day: Cutoff) -> dict[str, Any]:
    return {"as_of": str(day), "items": 0, "rules": None, "backtest": [], "in_demand": [], "goes_with": []}


def _not_there(kind: str) -> str:
    return f"nothing to suggest by {kind}: the purchases name none; map it in [data.purchases]"


def _silent(_: str, __: float) -> None:
    """The progress of someone who does not want to know."""
