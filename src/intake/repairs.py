"""What was mended on the way, counted; and ids that look like one customer.

In: the tables `raw`, `typed`, `judged` and the words of a finished judgement. Out: `Repair`s with counts and an
example, and notes. Nothing is changed here; lines that lie in quarantine are not counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from .manifest import Repair
from .parts import MONEY, TEXT
from .staging import Connection, fetched

_ZEROS = "regexp_replace(id, '^0+([0-9])', '\\1')"
_BARE = "regexp_replace(id, '[\\x{200B}-\\x{200F}\\x{2060}\\x{FEFF}]', '', 'g')"
_LETTERS = f"lower(translate({_BARE}, '\u064a\u0649\u0643', '\u06cc\u06cc\u06a9'))"


def repairs_of(con: Connection, mapping: Mapping[str, str]) -> tuple[Repair, ...]:
    """All repairs that were made at least once."""
    found = [*_texts(con, mapping), *_clock_changes(con, mapping), *_orders(con, mapping), *_numbers(con, mapping)]
    return tuple(repair for repair in found if repair.count)


def _texts(con: Connection, mapping: Mapping[str, str]) -> Iterator[Repair]:
    for role in (r for r in TEXT if r in mapping):
        query = f"SELECT count(*), min(seq) FROM typed WHERE reason IS NULL AND mended_{role}"
        ((n, first),) = fetched(con, query)
        if n:
            ((example,),) = fetched(con, f"SELECT {role} FROM raw WHERE seq = {first}")
            what = f"white space, invisible or composed characters in `{mapping[role]}` put right"
            yield Repair(what, n, repr(example))


def _clock_changes(con: Connection, mapping: Mapping[str, str]) -> Iterator[Repair]:
    for moved, words in (("gap", "do not exist and moved forward"), ("fold", "exist twice and count as the first")):
        query = f"SELECT count(*), min(purchased_at) FROM typed WHERE reason IS NULL AND moved = '{moved}'"
        ((n, first),) = fetched(con, query)
        what = f"local times in `{mapping['purchased_at']}` that {words} (clock change)"
        yield Repair(what, n, "" if first is None else f"{np.datetime64(first, 'us')} UTC")


def _orders(con: Connection, mapping: Mapping[str, str]) -> Iterator[Repair]:
    if "order_id" in mapping:
        ((n,),) = fetched(con, "SELECT count(*) FROM judged WHERE class = 'used' AND order_id IS NULL")
        yield Repair(f"lines without `{mapping['order_id']}`: customer and local day make the order", n)


def _numbers(con: Connection, mapping: Mapping[str, str]) -> Iterator[Repair]:
    for role in (r for r in MONEY if r in mapping):
        for what, condition in (
            ("digits, signs or spaces of another script in `{}` read as ASCII", "strlen(v) <> length(v)"),
            ("more than four decimals in `{}` rounded half-even", "CAST(difference AS DOUBLE) <> 0"),
        ):
            query = f"SELECT coalesce(sum(n), 0), min(v) FROM words_{role} WHERE value IS NOT NULL AND {condition}"
            ((n, example),) = fetched(con, query)
            yield Repair(what.format(mapping[role]), int(n), example or "")


def customers_alike(con: Connection) -> list[str]:
    """Notes about ids that differ, though perhaps not the people behind them."""
    con.execute("CREATE TABLE customers AS SELECT DISTINCT customer_id AS id FROM judged WHERE class = 'used'")
    notes = []
    for key, words in (
        (_ZEROS, "leading zeros"),
        (_LETTERS, "capitals, invisible characters or Arabic and Persian letter forms"),
    ):
        groups = f"SELECT count(*) AS n, min(id) AS example FROM customers GROUP BY {key} HAVING count(*) > 1"
        ((n, example),) = fetched(con, f"SELECT coalesce(sum(n), 0), min(example) FROM ({groups})")
        if n:
            notes.append(
                f"{n} customer ids differ from another by {words} only, such as {example!r}; they are kept apart"
            )
    return notes
