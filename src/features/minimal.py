"""The smallest made-up ledger that still shows a mistake, and how it is shown.

In: a `Case` and a question that it answers with yes. Out: a case of a handful of rows that still does: customers go
first, then cutoffs, then rows, then everything unusual about the rows that are left. Values that are missing are not
shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from ..schema import SCALE
from .cases import TIMES, Case, Row

Breaks = Callable[[Case], bool]
_NOON = 43_200_000_000
PLAIN: dict[str, tuple[int | str | None, ...]] = {
    "amount": (10_0000, 1_0000),
    "value": (None,),
    "redeemed_at": (None,),
    "joined_at": (None,),
    "referred_by": (None,),
    **dict.fromkeys(("quantity", "discount", "cost", "product_id", "category", "channel"), (None,)),
}
"""What is tried in place of a row's value, the plainest first."""
INSTANTS = (*TIMES.values(), "known_at", "redeemed_at", "joined_at")
NUMBERS = ("amount", "quantity", "discount", "cost", "value")


def smallest(case: Case, breaks: Breaks) -> Case:
    """The smallest case found, greedily, for which `breaks` still holds; it must hold for the one given."""
    while True:
        before = case
        case = _first(case, breaks, _fewer_customers)
        case = _first(case, breaks, lambda c: (c.at(cutoff) for cutoff in c.cutoffs if len(c.cutoffs) > 1))
        case = _first(case, breaks, _fewer_rows)
        if case == before:
            return _first(case, breaks, _plainer)


def _first(case: Case, breaks: Breaks, simpler: Callable[[Case], Iterable[Case]]) -> Case:
    """Go on to the first simpler case that still breaks, until there is none."""
    while True:
        found = next((c for c in simpler(case) if c != case and breaks(c)), None)
        if found is None:
            return case
        case = found


def _fewer_customers(case: Case) -> Iterator[Case]:
    who = sorted({str(row["customer_id"]) for rows in case.tables.values() for row in rows})
    if len(who) > 1:
        yield from (case.of({name}) for name in who)
        yield from (case.of(set(who) - {name}) for name in who)


def _fewer_rows(case: Case) -> Iterator[Case]:
    for table, rows in case.tables.items():
        size = len(rows)
        while size:
            for start in range(0, len(rows), size):
                yield case.but(table, (*rows[:start], *rows[start + size :]))
            size //= 2


def _plainer(case: Case) -> Iterator[Case]:
    if case.known_at:
        yield replace(case, known_at=False)
    yield replace(case, rules=replace(case.rules, timezone="UTC"))
    purchases = case.tables["purchases"]
    orders = list(dict.fromkeys(row["order_id"] for row in purchases))
    number = {order: f"o{i}" for i, order in enumerate(orders, 1)}
    yield case.but("purchases", ({**row, "order_id": number[row["order_id"]]} for row in purchases))
    for table, rows in case.tables.items():
        for i, row in enumerate(rows):
            for name, value in _values(case, table, row):
                if row.get(name) != value:
                    yield case.but(table, (*rows[:i], {**row, name: value}, *rows[i + 1 :]))


def _values(case: Case, table: str, row: Row) -> Iterator[tuple[str, int | str | None]]:
    """What may stand in a row instead: names and plainer values."""
    for name, now in row.items():
        plain = PLAIN.get(name, (None,) if name in (*case.shape.attributes, *case.shape.numbers) else ())
        # Only towards the plainer ones, or the search would go round in circles.
        yield from ((name, value) for value in plain[: plain.index(now) if now in plain else len(plain)])
    if table in TIMES:
        at = int(row[TIMES[table]] or 0)
        noon = case.zone.midnight(int(case.zone.local_day(np.array([at]))[0])) + _NOON
        yield TIMES[table], noon
        if case.known_at:
            yield "known_at", at


def shown(case: Case) -> dict[str, list[dict[str, str]]]:
    """The rows of each table that has some, as text: local times, plain numbers; only columns that say something.

    Examples
    --------
    >>> from .cases import cases
    >>> from .shape import Shape
    >>> list(shown(cases(Shape(), 0, 1)[0]))
    ['purchases', 'customers']
    """
    out: dict[str, list[dict[str, str]]] = {}
    for table, rows in case.tables.items():
        hidden = () if case.known_at else ("known_at",)
        ordered = sorted(rows, key=lambda row: (str(row["customer_id"]), int(row.get(TIMES.get(table, "")) or 0)))
        texts = [{n: _text(case, n, v) for n, v in row.items() if n not in hidden} for row in ordered]
        said = [n for n in dict.fromkeys(n for row in texts for n in row) if any(row.get(n) for row in texts)]
        if len(said) > 1:
            out[table] = [{n: row.get(n, "") for n in said} for row in texts]
            if len(case.cutoffs) == 1 and table in TIMES:
                for text, row in zip(out[table], ordered, strict=True):
                    text[""] = "" if case.is_before(table, row, case.cutoffs[0]) else "<- not before the cutoff"
    return out


def _text(case: Case, name: str, value: int | str | None) -> str:
    if value is None:
        return ""
    if name in INSTANTS:
        local = int(case.zone.to_local(np.array([value], np.int64))[0])
        written = np.datetime_as_string(np.datetime64(local, "us")).replace("T", " ")
        return str(written).removesuffix(".000000").removesuffix(":00")
    if name in NUMBERS or name in case.shape.numbers:
        return f"{int(value) / SCALE:.4f}".removesuffix("00")
    return str(value)


def table_text(rows: Sequence[dict[str, str]]) -> list[str]:
    """Rows of text as aligned lines, the names first.

    Examples
    --------
    >>> table_text([{"who": "a", "amount": "1.50"}, {"who": "bob", "amount": "2.00"}])
    ['who  amount', 'a    1.50', 'bob  2.00']
    """
    names = list(rows[0])
    widths = [max(len(n), *(len(row[n]) for row in rows)) for n in names]
    lines = [names, *([row[n] for n in names] for row in rows)]
    return ["  ".join(f"{cell:{w}}" for cell, w in zip(line, widths, strict=True)).rstrip() for line in lines]
