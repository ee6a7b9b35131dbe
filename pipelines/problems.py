"""What the table of problems is counted on: lines that came back, complaints, and why; read off a ledger.

In: a ledger. Out: the table, its headline, and sentences on what the data cannot tell. Lines are read twice, block by
block: first what came back and what every item sold for, then who bought the few items that are told. Customers of
events who never had a line are not counted; how many events that are is said.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ..features.lines import instants_of, units_of
from ..intake import Ledger
from ..kpis.by_period import Window
from ..kpis.landmarks import Cells
from ..kpis.problems import CATEGORY, PRODUCT, CameBack, Told, headline, problems
from ..kpis.purchases import Purchases
from ..kpis.table import Table
from .problem_events import told_of

Int64 = NDArray[np.int64]
COLUMN_OF = {PRODUCT: "product_id", CATEGORY: "category"}
_NO = "No table of problems"


def problems_of(ledger: Ledger, purchases: Purchases, window: Window) -> tuple[Table | None, str, list[str]]:
    """The table, its headline, and what the data cannot tell; no table where nothing is known of problems."""
    lines = _Lines(ledger, purchases)
    back = lines.came_back()
    told, notes = told_of(ledger, purchases, back.names.get(PRODUCT, ()), lines.category_of)
    if not back.kept and told is None:
        return None, "", [f"{_NO}: there are no complaints ([data.events]), and returns were dropped."]
    if not len(back.day) and (told is None or not told.problem.any()):
        whose = "there are no complaints ([data.events])" if told is None else "nobody complained"
        why = "nothing came back" if back.kept else "returns were dropped"
        return None, "", [f"{_NO}: {whose}, and {why}."]
    table = problems(back, told or _nothing(), purchases, window, lines.bought)
    return table, headline(table), [*notes, *_unsaid(ledger)]


def _nothing() -> Told:
    none = np.zeros(0, np.int64)
    return Told(none, none, none, none, none, none, none, (), frozenset(), names_products=False)


def _unsaid(ledger: Ledger) -> list[str]:
    if any(name in ledger.columns for name in COLUMN_OF.values()):
        return []
    return ["Returns by products are not told: map `product_id` or `category` in [data.purchases]."]


class _Lines:
    """The lines of a ledger, block by block, their products and categories as places among the names."""

    def __init__(self, ledger: Ledger, purchases: Purchases) -> None:
        self.ledger = ledger
        self.ids = pa.array(purchases.ids, pa.string())
        self.kinds = [by for by, name in COLUMN_OF.items() if name in ledger.columns]
        self.known: dict[str, dict[str, int]] = {by: {} for by in self.kinds}
        self.pairs: Counter[tuple[int, int]] = Counter()

    def came_back(self) -> CameBack:
        """What came back, and what every item sold for."""
        cells, sold = [np.zeros((5, 0), np.int64)], {by: np.zeros(0, np.int64) for by in self.kinds}
        in_all = 0
        for customer, day, money, items in self._blocks():
            cells.append(_summed([customer, day, *(items.get(by, np.full(len(day), -1)) for by in COLUMN_OF)],
                                 -money, money < 0))  # fmt: skip
            got = np.maximum(money, 0)
            in_all += int(got.sum())
            for by, of in items.items():
                sold[by] = np.pad(sold[by], (0, len(self.known[by]) - len(sold[by])))
                np.add.at(sold[by], of[of >= 0], got[of >= 0])
            self._count_pairs(items)
        names = {by: tuple(self.known[by]) for by in self.kinds}
        kept = self.ledger.rules.returns != "drop"
        customer, day, product, category, gone = np.concatenate(cells, axis=1)
        return CameBack(customer, day, product, category, gone, names, sold, in_all, kept)

    def bought(self, chosen: Mapping[str, Sequence[int]]) -> dict[tuple[str, int], Cells]:
        """Who bought some items, and when."""
        parts: dict[tuple[str, int], list[Int64]] = {(by, i): [] for by, some in chosen.items() for i in some}
        if not parts:
            return {}
        for customer, day, money, items in self._blocks():
            for by, of in items.items():
                rows = np.flatnonzero((money > 0) & np.isin(of, np.array(chosen.get(by, ()), np.int64)))
                rows = rows[np.argsort(of[rows], kind="stable")]
                places, begins = np.unique(of[rows], return_index=True)
                for place, some in zip(places.tolist(), np.split(rows, begins[1:]), strict=False):
                    parts[by, place].append(np.stack([customer[some], day[some]]))
        joined = {key: np.concatenate([np.zeros((2, 0), np.int64), *some], axis=1) for key, some in parts.items()}
        return {key: (cells[0], cells[1]) for key, cells in joined.items()}

    def category_of(self) -> Int64:
        """The category of most lines of each product, of equals the first name; -1 without one."""
        found = np.full(len(self.known.get(PRODUCT, ())), -1, np.int64)
        names = list(self.known.get(CATEGORY, ()))
        best: dict[int, tuple[int, str]] = {}
        for (product, category), n in self.pairs.items():
            rank = (-n, names[category])
            if product not in best or rank < best[product]:
                best[product], found[product] = rank, category
        return found

    def _count_pairs(self, items: Mapping[str, Int64]) -> None:
        if len(items) < len(COLUMN_OF):
            return
        product, category = items[PRODUCT], items[CATEGORY]
        both = (product >= 0) & (category >= 0)
        size = len(self.known[CATEGORY])
        key, n = np.unique(product[both] * size + category[both], return_counts=True)
        places = zip((key // max(size, 1)).tolist(), (key % max(size, 1)).tolist(), strict=True)
        self.pairs.update(dict(zip(places, n.tolist(), strict=True)))

    def _blocks(self) -> Iterator[tuple[Int64, Int64, Int64, dict[str, Int64]]]:
        """Customer, day, money and items of each line."""
        so_far, wanted = 0, ["customer_id", "purchased_at", "amount", *(COLUMN_OF[by] for by in self.kinds)]
        for shard in self.ledger.shards(columns=wanted, encoded=True):
            ids = _whole(shard["customer_id"])
            here = np.unique(ids.indices.to_numpy())
            place = pc.index_in(ids.dictionary.cast(pa.string()), value_set=self.ids.slice(so_far, len(here)))
            customer = pc.fill_null(place, 0).to_numpy()[ids.indices.to_numpy()].astype(np.int64) + so_far
            so_far += len(here)
            day = self.ledger.zone.local_day(instants_of(shard["purchased_at"]))
            items = {by: coded(shard[COLUMN_OF[by]], self.known[by]) for by in self.kinds}
            yield customer, day, units_of(shard["amount"]), items


def _whole(column: pa.ChunkedArray) -> pa.DictionaryArray:
    return column.unify_dictionaries().combine_chunks()


def coded(column: pa.ChunkedArray, known: dict[str, int]) -> Int64:
    """The place of each text among all that came so far; -1 for a missing one."""
    whole = _whole(column if pa.types.is_dictionary(column.type) else column.dictionary_encode())
    places = [-1 if name is None else known.setdefault(str(name), len(known)) for name in whole.dictionary.to_pylist()]
    indices = pc.fill_null(whole.indices, len(places)).to_numpy().astype(np.int64)
    return np.asarray(np.array([*places, -1], np.int64)[indices])


def _summed(keys: Sequence[Int64], money: Int64, rows: NDArray[np.bool_]) -> Int64:
    """The keys and the sum of money of some rows: a column for each combination, ascending."""
    unique, at = np.unique(np.stack([key[rows] for key in keys]), axis=1, return_inverse=True)
    sums = np.zeros((1, unique.shape[1]), np.int64)
    np.add.at(sums[0], at.ravel(), money[rows])
    return np.concatenate([unique, sums])
