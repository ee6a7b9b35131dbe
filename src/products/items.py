"""The items that were bought before a day: products or categories, in order of their names.

In: a ledger, what an item is, and names to leave out. Out: `Items`, their names and the category each is mostly sold
under. Only lines of positive money that were known before the day count; a line without the item's name is left out.
Without the column there are no items; without categories every item has none (-1).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ..clock import Cutoff
from ..errors import ConfigError, did_you_mean
from ..intake import Ledger
from ..schema import INSTANT

Int64 = NDArray[np.int64]
KINDS = ("product", "category")
COLUMN = {"product": "product_id", "category": "category"}
_PARTS = 20
"""Counts of so many shards are joined before the next."""
_Names = tuple[str | None, ...]
"""Product and category of a line, as far as the ledger has them."""


@dataclass(frozen=True)
class Items:
    """What can be suggested.

    Parameters
    ----------
    kind : {"product", "category"}
    names : tuple of str
        Ascending.
    category : ndarray of int64, shape (n_items,)
        Place in `categories` of the one that most lines of the item name, ties by name; -1 without one.
    categories : tuple of str
        Ascending; an item that is a category is its own.
    excluded : frozenset of str
        Products and categories whose lines count nowhere.

    Examples
    --------
    >>> len(Items("product", ("bread", "milk"), np.array([0, 0]), ("food",), frozenset()))
    2
    """

    kind: str
    names: tuple[str, ...]
    category: Int64
    categories: tuple[str, ...]
    excluded: frozenset[str]

    def __len__(self) -> int:
        return len(self.names)

    @property
    def column(self) -> str:
        """The ledger's column that holds them."""
        return COLUMN[self.kind]

    @cached_property
    def array(self) -> pa.Array:
        """Their names as Arrow has them."""
        return pa.array(self.names, pa.string())


def kind_of(ledger: Ledger, asked: str | None = None) -> str | None:
    """What an item is: what was asked for, else product, else category; None where the ledger has no such column.

    Raises
    ------
    ConfigError
        ``RG481``: the kind asked for is not one of `KINDS`.
    """
    if asked is not None and asked not in KINDS:
        raise ConfigError(f"items by `{asked}`", needed=" or ".join(KINDS), do=did_you_mean(asked, KINDS), code="RG481")
    kinds = KINDS if asked is None else (asked,)
    return next((kind for kind in kinds if COLUMN[kind] in ledger.columns), None)


def items_before(
    ledger: Ledger, kind: str, day: Cutoff, exclude: Collection[str] = (), earlier: Sequence[Cutoff] = ()
) -> tuple[Items, ...]:
    """The items of a kind that were bought, and known to be, before a day.

    Parameters
    ----------
    earlier : sequence of Cutoff
        Days before it.

    Returns
    -------
    tuple of Items
        As of the day, then as of each earlier one: the same names, each under the category that was known then.

    Raises
    ------
    ConfigError
        ``RG480``: a name to leave out is neither a product nor a category bought before the day.
    """
    asked = [name for name in COLUMN.values() if name in ledger.columns]
    counts = _lines_of(ledger, asked, (day, *earlier))
    excluded = frozenset(exclude)
    _refuse_unknown(excluded, {name for names in counts[0] for name in names if name is not None})
    kept = [{names: n for names, n in count.items() if not excluded & set(names)} for count in counts]
    place = asked.index(COLUMN[kind])
    names = tuple(sorted({found for key in kept[0] if (found := key[place]) is not None}))
    if kind == "category":
        return (Items(kind, names, np.arange(len(names), dtype=np.int64), names, excluded),) * len(counts)
    categories = tuple(sorted({found for key in kept[0] if (found := key[-1]) is not None})) if len(asked) > 1 else ()
    return tuple(Items(kind, names, _category_of(then, names, categories), categories, excluded) for then in kept)


def _lines_of(ledger: Ledger, asked: list[str], days: Sequence[Cutoff]) -> list[dict[_Names, int]]:
    """How many lines before each day have each combination of product and category, the zeros left out."""
    wanted, parts = ("purchased_at", "known_at", "amount", *asked), list[pa.Table]()
    told = [str(i) for i in range(len(days))]
    for shard in ledger.shards(columns=wanted):
        flags = [counted_before(shard, day.instant(ledger.zone)).cast(pa.int64()) for day in days]
        parts.append(_summed(pa.table([*(shard[name] for name in asked), *flags], names=[*asked, *told]), asked, told))
        if len(parts) > _PARTS:
            parts = [_summed(pa.concat_tables(parts), asked, told)]
    whole = (
        _summed(pa.concat_tables(parts), asked, told).to_pydict() if parts else {name: [] for name in (*asked, *told)}
    )
    keys = list(zip(*(whole[name] for name in asked), strict=True))
    return [{key: n for key, n in zip(keys, whole[name], strict=True) if n} for name in told]


def _summed(table: pa.Table, asked: list[str], told: list[str]) -> pa.Table:
    found = table.group_by(asked).aggregate([(name, "sum") for name in told])
    return found.select([*asked, *(f"{name}_sum" for name in told)]).rename_columns([*asked, *told])


def counted_before(rows: pa.Table, limit: int) -> pa.ChunkedArray:
    """Which lines of positive money lie before an instant and were known before it."""
    end = pa.scalar(limit, INSTANT)
    counted = pc.and_(pc.less(rows["purchased_at"], end), pc.greater(rows["amount"], 0))
    if "known_at" in rows.column_names:
        counted = pc.and_(counted, pc.fill_null(pc.less(rows["known_at"], end), True))
    return counted


def _category_of(kept: Mapping[_Names, int], names: tuple[str, ...], categories: tuple[str, ...]) -> Int64:
    """The category that most lines of each product name; with products alone there is none."""
    place, at = ({name: i for i, name in enumerate(some)} for some in (names, categories))
    most: dict[int, tuple[int, int]] = {}
    for key, lines in kept.items():
        name, category = key[0], key[-1]
        if name in place and category in at and len(key) > 1:
            most[place[name]] = max(most.get(place[name], (0, 0)), (lines, -at[category]))
    return np.array([-most[i][1] if i in most else -1 for i in range(len(names))], np.int64)


def _refuse_unknown(excluded: frozenset[str], known: set[str]) -> None:
    unknown = sorted(excluded - known)
    if unknown:
        raise ConfigError(
            "a name to leave out is no product and no category that was bought",
            offending=unknown,
            do=did_you_mean(unknown[0], sorted(known)) if len(known) < 50_000 else "look it up in the source",
            code="RG480",
        )
