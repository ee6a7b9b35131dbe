"""Purchase histories from a caller: plain values, by column or in a frame -> sorted `Lines`.

In: one row per order line: ``customer_id`` text, ``purchased_at`` ISO text (without an offset: business time),
``amount`` number, and the columns that the features look at. Out: `Lines`, customers in order of their ids. Missing or
unreadable values are an `Unreadable` that names the rows; missing product, category and channel are allowed, and a line
that does not say when it became known was known at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from ..clock import Zone, dates
from ..errors import DataError
from ..features.lines import MONEYS, TEXTS, Int64, Lines
from ..features.shape import Shape
from ..schema import Rules
from .rows import AT_ONCE, Rows

if TYPE_CHECKING:
    import pandas as pd

NEEDED = ("customer_id", "purchased_at", "amount")
_BESIDE = {
    "events": {"occurred_at": "string", "kind": "string", "channel": "string", "value": "double", "initiated_by": ""},
    "offers": {"offer_id": "string", "offered_at": "string", "redeemed_at": "string"},
    "customers": {"joined_at": "string", "referred_by": "string"},
}
_NAMED = {"table", "order_id", "known_at", *NEEDED, *MONEYS, *TEXTS, *(c for t in _BESIDE.values() for c in t)}


@dataclass(frozen=True)
class Column:
    """A column of a request: its name, whether it holds text ("string") or numbers ("double"), and if it must be."""

    name: str
    kind: str
    required: bool = False


def columns_of_request(columns: tuple[str, ...], shape: Shape) -> tuple[Column, ...]:
    """What a request may and must say for features of a shape that look at these columns of the purchases.

    Examples
    --------
    >>> [c.name for c in columns_of_request(("quantity",), Shape()) if c.required]
    ['customer_id', 'purchased_at', 'amount', 'quantity']
    """
    found = [Column(name, "double" if name in MONEYS else "string", True) for name in NEEDED]
    found += [Column(name, "string") for name in ("order_id", "known_at")]
    found += [Column(name, "double" if name in MONEYS else "string", True) for name in used_columns(columns)]
    if shape.beside:
        found.append(Column("table", "string"))
        found += [Column(n, kind or "string") for table in shape.beside for n, kind in _BESIDE[table].items()]
        found += [Column(trait_column(name), "string") for name in shape.attributes]
        found += [Column(trait_column(name), "double") for name in shape.numbers]
    return tuple({column.name: column for column in reversed(found)}[c] for c in dict.fromkeys(c.name for c in found))


def used_columns(columns: tuple[str, ...]) -> tuple[str, ...]:
    """The optional columns of the purchases among some."""
    return tuple(c for c in (*MONEYS[1:], *TEXTS) if c in columns)


def trait_column(name: str) -> str:
    """What an attribute or number of the customers is called in a request, where other tables have columns, too.

    Examples
    --------
    >>> trait_column("town"), trait_column("category")
    ('town', 'customers.category')
    """
    return f"customers.{name}" if name in _NAMED else name


def lines_of(frame: pd.DataFrame, columns: tuple[str, ...], rules: Rules) -> Lines:
    """Sorted lines from a request that holds nothing but purchases.

    Parameters
    ----------
    frame : DataFrame
    columns : tuple of str
        The columns of the purchases that the features look at, or all that the training had.
    rules : Rules

    Raises
    ------
    DataError
        For missing columns and for rows that cannot be read.
    """
    rows = Rows.of_frame(frame)
    some(rows)
    rows.needs(*NEEDED, *used_columns(columns))
    lines = lines_among(rows, columns, rules)
    rows.faults.settle()
    return lines


def some(purchases: Rows) -> None:
    """Refuse a request without purchases."""
    if not len(purchases):
        raise DataError("there are no purchases", needed="at least one line", code="RG081")


def lines_among(rows: Rows, columns: tuple[str, ...], rules: Rules) -> Lines:
    """Sorted lines from rows of purchases; what cannot be read is noted in their faults."""
    wanted = (*NEEDED, *used_columns(columns))
    customers, customer = ranked(rows.ids("customer_id"))
    zone = Zone(rules.timezone)
    time = rows.instants("purchased_at", zone)
    orders = rows.texts("order_id")
    if "" in orders:
        days = dates(zone.local_day(time)).tolist()
        orders = [order or day for order, day in zip(orders, days, strict=True)]
    # A missing quantity, discount or cost counts as 0.
    money = {"amount": rows.money("amount")}
    money |= {m: rows.money_or_none(m)[0] for m in MONEYS[1:] if m in wanted}
    if "discount" in money:
        rows.refuse(np.flatnonzero(money["discount"] < 0).tolist(), "discount", "money taken off, 0 or more")
    known_at = rows.instants_or("known_at", zone, AT_ONCE)
    coded = {t: ranked(rows.texts(t)) for t in TEXTS if t in wanted}
    codes = {t: code - 1 if names[:1] == [""] else code for t, (names, code) in coded.items()}
    names, order = ranked(orders)
    sort = _sorted(customer, time, [*codes.values(), *money.values(), order])
    counts = np.bincount(customer, minlength=len(customers))
    return Lines(
        customer_ids=np.array(customers, object),
        starts=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        time=time[sort],
        order=(customer * len(names) + order)[sort],
        money={m: v[sort] for m, v in money.items()},
        codes={t: v[sort] for t, v in codes.items()},
        names={t: pa.array([name for name in names if name], pa.string()) for t, (names, _) in coded.items()},
        known_at=known_at[sort] if (known_at != AT_ONCE).any() else None,
    )


def _sorted(customer: Int64, time: Int64, rest: Sequence[Int64]) -> Int64:
    """The lines by customer and time; where two share both, by all the rest, the last of it first."""
    found = np.lexsort([time, customer])
    tied = (np.diff(time[found]) == 0) & (np.diff(customer[found]) == 0)
    return np.lexsort([*rest, time, customer]) if tied.any() else found


def ranked(texts: Sequence[str]) -> tuple[list[str], Int64]:
    """The different texts in order, and where each stands among them.

    Examples
    --------
    >>> ranked(["b", "a", "b"])[0], ranked(["b", "a", "b"])[1].tolist()
    (['a', 'b'], [1, 0, 1])
    """
    names = sorted(set(texts))
    place = {name: i for i, name in enumerate(names)}
    return names, np.fromiter(map(place.__getitem__, texts), np.int64, len(texts))
