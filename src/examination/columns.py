"""Column by column: how much of it is filled, how many different values it has, from where to where.

In: stretches, and tables beside the purchases. Out: one profile a column. A column that says nothing (one value, or
none at all) is named; missing values are counted and are no value.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..features.lines import Int64
from ..intake.hashes import Words, value_words
from ..intake.shards import one_array
from .finding import Finding, Severity
from .people import DAMAGED
from .products import damage
from .stretch import Stretch
from .tallies import Numbering

MANY = 1_000
"""Different numbers are counted up to here."""


@dataclass(frozen=True)
class Profile:
    """A column.

    Parameters
    ----------
    name : str
        Its canonical name; the user's own for declared columns.
    lines, filled : int
    distinct : int
    more : bool
        Whether there are more different values than `distinct` says.
    lowest, highest : str
        As text; empty for texts, whose values may be somebody's.
    is_time : bool
        Whether it holds instants, whose different values are not counted.
    """

    name: str
    lines: int
    filled: int
    distinct: int
    more: bool = False
    lowest: str = ""
    highest: str = ""

    is_time: bool = False

    @property
    def share(self) -> float:
        """Of the lines, how many are filled."""
        return self.filled / self.lines if self.lines else 0.0


class _Counted:
    """One column's counts."""

    def __init__(self) -> None:
        self.lines, self.filled = 0, 0
        self.numbers: Int64 | None = np.zeros(0, np.int64)
        self.texts = Numbering()
        self.lowest: pa.Scalar | None = None
        self.highest: pa.Scalar | None = None

    def add_numbers(self, array: pa.Array, units: Int64 | None) -> None:
        """Take in money or instants; `units` are the distinct ones to be counted."""
        self._fill(array)
        if len(array) == array.null_count:
            return
        ends = pc.min_max(array)
        low, high = ends["min"], ends["max"]
        self.lowest = low if self.lowest is None or pc.less(low, self.lowest).as_py() else self.lowest
        self.highest = high if self.highest is None or pc.greater(high, self.highest).as_py() else self.highest
        if self.numbers is not None and units is not None:
            both = np.unique(np.concatenate([self.numbers, units]))
            self.numbers = both if len(both) <= MANY else None

    def _fill(self, array: pa.Array) -> None:
        self.lines += len(array)
        self.filled += len(array) - array.null_count

    def add_texts(self, lines: int, filled: int, names: pa.Array, words: Words) -> None:
        """Take in texts, of which those that occur are given."""
        self.lines, self.filled = self.lines + lines, self.filled + filled
        self.texts.of(names, words)


class Columns:
    """The profiles of the purchases' columns, but for the ids of customers and orders, which are counted elsewhere."""

    def __init__(self, columns: tuple[str, ...]) -> None:
        self.counted = {name: _Counted() for name in columns if name not in ("customer_id", "order_id")}
        self.damaged: dict[str, list[str]] = {}

    def add(self, stretch: Stretch) -> None:
        """Take in a stretch."""
        for name, counted in self.counted.items():
            if name in stretch.lines.codes:
                texts = stretch.texts(name)
                counted.add_texts(len(texts.code), int((texts.code >= 0).sum()), texts.names, texts.words)
                if name != "product_id":
                    self._look(name, counted.texts.last_new)
                continue
            array = one_array(stretch.table.column(name))
            units = stretch.lines.money.get(name)
            if units is not None and array.null_count:
                units = units[np.asarray(array.is_valid())]
            counted.add_numbers(array, units if counted.numbers is not None else None)

    def _look(self, name: str, new: pa.Array) -> None:
        if len(new):
            bad = pc.filter(new, pc.match_substring_regex(new, DAMAGED)).to_pylist()
            if bad:
                self.damaged.setdefault(name, []).extend(str(text) for text in bad)

    def profiles(self, n_lines: int, n_customers: int, n_orders: int) -> tuple[Profile, ...]:
        """All columns in canonical order."""
        ids = (Profile("customer_id", n_lines, n_lines, n_customers), Profile("order_id", n_lines, n_lines, n_orders))
        found = tuple(_profile(name, counted) for name, counted in self.counted.items())
        return (ids[0], *found[:1], ids[1], *found[1:])

    def findings(self) -> Iterator[Finding]:
        """What is odd about columns."""
        for name, counted in self.counted.items():
            yield from idle(_profile(name, counted), "purchases")
        for name, texts in self.damaged.items():
            yield damage(name, texts)


def _profile(name: str, counted: _Counted) -> Profile:
    texts, numbers = len(counted.texts), counted.numbers
    distinct = texts or (MANY if numbers is None else len(numbers))
    low, high = (_text(v) for v in (counted.lowest, counted.highest))
    if counted.lowest is not None and pa.types.is_timestamp(counted.lowest.type):
        return Profile(name, counted.lines, counted.filled, 1 + (low != high), low != high, low[:10], high[:10], True)
    return Profile(name, counted.lines, counted.filled, distinct, numbers is None, low, high)


def _text(value: pa.Scalar | None) -> str:
    return "" if value is None else str(value.cast(pa.string()).as_py())


def idle(profile: Profile, table: str) -> Iterator[Finding]:
    """A column that says nothing: empty, or the same everywhere."""
    if profile.name in ("purchased_at", "amount"):
        constant = profile.distinct == 1 and profile.lines > 100
        if constant:
            yield Finding(
                "constant_column",
                Severity.SUSPICIOUS,
                f"`{profile.name}` of the {table} is {profile.lowest} in all lines",
                profile.lines,
                do="is the right column mapped?",
            )
        return
    if not profile.filled:
        yield Finding(
            "empty_column", Severity.NOTE, f"`{profile.name}` of the {table} is empty in all lines", profile.lines,
            do="leave it out of the configuration, or look why it is empty",
        )  # fmt: skip
    elif profile.distinct == 1 and not profile.more and profile.lines > 100:
        yield Finding(
            "constant_column", Severity.NOTE, f"`{profile.name}` of the {table} has one value only", profile.lines,
            do="it cannot tell customers apart",
        )  # fmt: skip


def profiles_of(pieces: Iterator[pa.Table] | list[pa.Table], schema: pa.Schema) -> tuple[Profile, ...]:
    """The profiles of a table beside the purchases, piece by piece."""
    counted = {name: _Counted() for name in schema.names}
    for table in pieces:
        for name in schema.names:
            array = one_array(table.column(name))
            if pa.types.is_string(array.type):
                names = array.drop_null().unique()
                counted[name].add_texts(len(array), len(array) - array.null_count, names, value_words(names))
            else:
                values = array.drop_null()
                units = value_words(values).astype(np.int64) if counted[name].numbers is not None else None
                counted[name].add_numbers(array, units)
    return tuple(_profile(name, counted[name]) for name in schema.names)
