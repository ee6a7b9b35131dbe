"""How times and numbers are written, as settings: only what the data cannot prove, and what proves the rest.

In: the chosen columns, and more lines of them than were looked at closely. Out: `day_first`, `decimal` and
`naive_timezone` where they are needed, as settings with a reason; what is proved needs no setting.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...intake.dates import EITHER
from .columns import TIME, Column, columns_of, order_of, texts_of
from .look import Sample
from .roles import LIKELY, SURE, UNSURE, Choice, Setting
from .words import names_role, words_of

_TIMES = frozenset(("purchased_at", "known_at", "occurred_at", "offered_at", "redeemed_at", "recorded_at", "joined_at"))
_NUMBERS = frozenset(("amount", "quantity", "unit_price", "discount", "cost", "value", "acquisition_cost"))
_MONTH_FIRST = frozenset(("USD", "PHP"))


def written_settings(sample: Sample, columns: Mapping[str, Column], choices: Sequence[Choice]) -> list[Setting]:
    """The settings that say how the chosen columns are written."""
    found = []
    for choice in (c for c in choices if c.role in _TIMES and c.column in columns):
        found += _day_first(sample, columns[choice.column], columns)
        found += _zone(columns[choice.column])
    chosen = [c.column for c in choices if c.role in _NUMBERS and c.column in columns]
    found += _decimal(sample, [columns[name] for name in chosen])
    return list({s.key: s for s in found}.values())


def currency_of(columns: Mapping[str, Column], choices: Sequence[Choice], every: Sequence[Column]) -> list[Setting]:
    """The ledger's currency, from a column of codes or from the signs beside the numbers."""
    coded = [c for c in every if names_role(c.name, "currency") >= 0.6 and c.codes >= 0.9 and c.listed]
    if coded:
        code, lines = coded[0].listed[0]
        why = f"`{coded[0].name}` says so on {lines / coded[0].filled:.0%} of the lines"
        return [Setting("currency", code, SURE if coded[0].constant else LIKELY, why)]
    for choice in choices:
        column = columns.get(choice.column)
        if choice.role in _NUMBERS and column is not None and column.currency:
            dollars = ("CAD", "AUD") if column.currency == "USD" and any("$" in text for text in column.samples) else ()
            why = f"the sign in `{column.name}`"
            return [Setting("currency", column.currency, LIKELY, why, dollars)]
    return []


def proofs(sample: Sample, columns: Mapping[str, Column], choices: Sequence[Choice]) -> dict[str, str]:
    """For each role, how its texts are written and what proves it."""
    found = {}
    for choice in (c for c in choices if c.column in columns):
        column = columns[choice.column]
        if choice.role in _TIMES:
            order, text = order_of(column, _texts(sample, column))
            written = column.format if column.kind != TIME else "times in the source"
            found[choice.role] = f"written as {written}" + (f", {order}: {text}" if order else "")
        elif choice.role in _NUMBERS and column.kind != "number" and column.whole < 1 and column.decimal:
            found[choice.role] = f'decimal sign "{column.decimal}"'
    return found


def _texts(sample: Sample, column: Column) -> pa.ChunkedArray:
    return texts_of(sample.table.column(column.name))


def _day_first(sample: Sample, column: Column, columns: Mapping[str, Column]) -> list[Setting]:
    """The order of day and month, where no day above 12 proves it."""
    texts = _texts(sample, column)
    if column.format not in EITHER or order_of(column, texts)[0]:
        return []
    seen = "in the source" if sample.whole else f"in the {sample.table.num_rows:,} lines that were read"
    likely, why = _likely_order(column, texts, columns)
    said = f"no day above 12 {seen} tells the order of `{column.name}` ({column.samples[0]}); {why}"
    return [Setting("day_first", likely, UNSURE, said, (not likely,))]


def _likely_order(column: Column, texts: pa.ChunkedArray, columns: Mapping[str, Column]) -> tuple[bool, str]:
    """The order in which the times of the file run more evenly; else what is usual beside such signs."""
    sign = EITHER[column.format]
    pieces = pc.extract_regex(texts.combine_chunks(), f"^\\s*(?P<a>\\d+)[{sign}](?P<b>\\d+)[{sign}](?P<c>\\d+)")
    a, b, c = (
        pc.fill_null(pc.struct_field(pieces, name).cast(pa.int64()), 0).to_numpy(zero_copy_only=False) for name in "abc"
    )
    steps = {order: np.diff(c * 372 + m * 31 + d) for order, d, m in ((True, a, b), (False, b, a))}
    back = {order: int((jumps < 0).sum()) for order, jumps in steps.items()}
    few, many = sorted(back.values())
    if many >= 3 and (few == 0 or many - few > len(texts) * 0.02):
        better = back[True] < back[False]
        return better, f"read {'day' if better else 'month'} first, the lines are in the order of time"
    if sign == ".":
        return True, "between points the day usually comes first"
    codes = {column.currency for column in columns.values()} | {
        column.listed[0][0] for column in columns.values() if column.codes >= 0.9 and column.listed
    }
    if codes & _MONTH_FIRST:
        return False, "beside dollars the month often comes first"
    return True, "most countries write the day first"


def _decimal(sample: Sample, chosen: Sequence[Column]) -> list[Setting]:
    """The decimal sign, where a number can be read in two ways and none of its column tells."""
    unclear = []
    for column in (c for c in chosen if c.decimal is None and c.unclear):
        (whole,) = columns_of(pa.table({column.name: sample.table.column(column.name)}))
        if whole.decimal is None and whole.unclear:
            unclear.append(whole)
    if not unclear:
        return []
    told = {c.decimal for c in chosen if c.kind == "text" and c.decimal and c.whole < 1}
    text = unclear[0].unclear
    sign = told.pop() if len(told) == 1 else "," if "." in text else "."
    why = f"'{text}' in `{unclear[0].name}` can be read in two ways, and no other number of it tells"
    other = "." if sign == "," else ","
    return [Setting("decimal", sign, UNSURE, why, (other,))]


def _zone(column: Column) -> list[Setting]:
    if {"utc", "gmt"} & set(words_of(column.name)) and column.format:
        return [Setting("naive_timezone", "UTC", SURE, f"the name `{column.name}` says so")]
    return []
