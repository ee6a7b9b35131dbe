"""What was mended on the way, counted; and ids that look like one customer.

In: the tables `raw`, `typed`, `judged` and the words of a finished judgement. Out: `Repair`s with counts and an
example, and notes. Nothing is changed here; lines that lie in quarantine are not counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager

import numpy as np
import pyarrow as pa

from ..errors import masked, shown, visible
from ..sections import SENSITIVE
from .evidence import Mended
from .manifest import Repair, TableManifest
from .privacy import erased_sql
from .sources.parts import Places, is_money, is_text
from .staging import Connection, fetched

_ZEROS = "regexp_replace(id, '^0+([0-9])', '\\1')"
_BARE = "regexp_replace(id, '[\\x{200B}-\\x{200F}\\x{2060}\\x{FEFF}]', '', 'g')"
_LETTERS = f"lower(translate({_BARE}, '\u064a\u0649\u0643', '\u06cc\u06cc\u06a9'))"

_FORMS = (
    (_ZEROS, "leading zeros"),
    (_LETTERS, "capitals, invisible characters or Arabic and Persian letter forms"),
)


def mended_lines(con: Connection, mapping: Mapping[str, str], places: Places) -> tuple[Mended, ...]:
    """Every repair that may be made to purchases, in a fixed order, also those that no line needed."""
    clock = _clock_changes(con, mapping, "purchased_at")
    return (*_texts(con, mapping, places), *clock, *_orders(con, mapping), *_numbers(con, mapping))


def repairs_of(mended: Iterable[Mended]) -> tuple[Repair, ...]:
    """The repairs that were made at least once, as the manifest has them."""
    return tuple(Repair(visible(m.what), m.count, visible(m.example)) for m in mended if m.count)


def repairs_beside(con: Connection, mapping: Mapping[str, str], time: str | None) -> tuple[Repair, ...]:
    """The same for a table beside the purchases, whose lines are of the given time, if of any."""
    clock = _clock_changes(con, mapping, time) if time is not None else ()
    return repairs_of([*_texts(con, mapping), *clock, *_numbers(con, mapping)])


def _texts(con: Connection, mapping: Mapping[str, str], places: Places | None = None) -> Iterator[Mended]:
    kept = f"unfit IS NULL AND NOT {erased_sql(con)}"
    for role in filter(is_text, mapping):
        what = f"white space, invisible or composed characters in `{mapping[role]}` put right"
        query = f"SELECT count(*), min(seq) FROM typed WHERE {kept} AND mended_{role}"
        ((n, first),) = fetched(con, query)
        if not n:
            yield Mended(what, 0)
            continue
        ((text,),) = fetched(con, f"SELECT {role} FROM raw WHERE seq = {first}")
        example = _example(role, text, places.at(first) if places else "")
        yield Mended(what, n, example, places.file(first), places.line(first)) if places else Mended(what, n, example)


def _example(role: str, text: str, place: str) -> str:
    """A text as the manifest may show it: no sensitive one, and instead of an id its place."""
    if role.startswith(SENSITIVE):
        return ""
    return place if role in ("customer_id", "referred_by") else repr(shown(text))


def _clock_changes(con: Connection, mapping: Mapping[str, str], time: str) -> Iterator[Mended]:
    for moved, words in (("gap", "do not exist and moved forward"), ("fold", "exist twice and count as the first")):
        kept = f"unfit IS NULL AND NOT {erased_sql(con)}"
        query = f"SELECT count(*), min({time}) FROM typed WHERE {kept} AND moved = '{moved}'"
        ((n, first),) = fetched(con, query)
        what = f"local times in `{mapping[time]}` that {words} (clock change)"
        yield Mended(what, n, "" if first is None else f"{np.datetime64(first, 'us')} UTC")


def _orders(con: Connection, mapping: Mapping[str, str]) -> Iterator[Mended]:
    if "order_id" in mapping:
        ((n,),) = fetched(con, "SELECT count(*) FROM judged WHERE class = 'used' AND order_id IS NULL")
        yield Mended(f"lines without `{mapping['order_id']}`: customer and local day make the order", n)


def _numbers(con: Connection, mapping: Mapping[str, str]) -> Iterator[Mended]:
    for role in filter(is_money, mapping):
        for what, condition in (
            (
                "digits, signs or spaces of another script in `{}` read as ASCII",
                "strlen(v) - strlen(mark) <> length(v) - length(mark)",
            ),
            ("more than four decimals in `{}` rounded half-even", "CAST(difference AS DOUBLE) <> 0"),
            ("currency signs in `{}` taken off", "mark <> ''"),
            (
                "negative numbers in `{}` written with brackets or a minus behind",
                "style NOT IN ('', 'a minus in front')",
            ),
        ):
            query = f"SELECT coalesce(sum(n), 0), min(v) FROM words_{role} WHERE value IS NOT NULL AND {condition}"
            ((n, example),) = fetched(con, query)
            yield Mended(what.format(mapping[role]), int(n), shown(example or ""))


def strangers_alike(
    con: Connection, table: str, manifest: TableManifest, plain_ids: pa.Table | None = None
) -> list[str]:
    """Notes about customers of a table who never bought, though perhaps they did under another form of their id.

    `plain_ids` has the `id` behind every `customer_id`, where these are pseudonyms.
    """
    if not manifest.without_purchases:
        return []
    if manifest.without_purchases == manifest.n_customers:
        return [f"nobody in the table of {table} has a purchase; do both sources name customers alike?"]
    notes = []
    strangers = "SELECT DISTINCT customer_id FROM used ANTI JOIN buyers USING (customer_id)"
    with _ids(con, plain_ids) as ids_of:
        for key, words in _FORMS:
            known = f"SELECT {key} FROM ({ids_of('SELECT customer_id FROM buyers')})"
            found = f"SELECT count(*), min(id) FROM ({ids_of(strangers)}) WHERE {key} IN ({known})"
            ((n, example),) = fetched(con, found)
            if n:
                such = f"such as {masked(example)}"
                notes.append(f"{n} customer ids of the {table} differ from a buyer's by {words} only, {such}")
    return notes


def customers_alike(con: Connection, customers: pa.Table, plain_ids: pa.Table | None = None) -> list[str]:
    """Notes about ids that differ, though perhaps not the people behind them; `customers` has each `customer_id`.

    `plain_ids` has the `id` behind every `customer_id`, where these are pseudonyms.
    """
    con.register("customers", customers)
    notes = []
    with _ids(con, plain_ids) as ids_of:
        for key, words in _FORMS:
            groups = (
                f"SELECT count(*) AS n, min(id) AS example FROM ({ids_of('SELECT customer_id FROM customers')}) "
                f"GROUP BY {key} HAVING count(*) > 1"
            )
            ((n, example),) = fetched(con, f"SELECT coalesce(sum(n), 0), min(example) FROM ({groups})")
            if n:
                such = f"such as {masked(example)}"
                notes.append(f"{n} customer ids differ from another by {words} only, {such}; they are kept apart")
    con.unregister("customers")
    return notes


@contextmanager
def _ids(con: Connection, plain_ids: pa.Table | None) -> Iterator[Callable[[str], str]]:
    """A function from a query of `customer_id` to one of the `id` as it was before it became a pseudonym."""
    if plain_ids is None:
        yield lambda query: f"SELECT customer_id AS id FROM ({query})"
        return
    con.register("plain_ids", plain_ids)
    yield lambda query: f"SELECT plain_ids.id FROM ({query}) JOIN plain_ids USING (customer_id)"
    con.unregister("plain_ids")
