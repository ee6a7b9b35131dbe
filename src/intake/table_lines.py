"""Every line of a table beside the purchases typed and judged: the table `typed` and the view `judged`.

In: `raw` and the settled words. Out: typed lines, each readable or with the number of the reason why not. A missing
optional value stays NULL; a missing time, kind, offer or status is a reason; a line without a customer is set aside.
Classes: erased, quarantined, without_customer, merged, used; every line is in exactly one.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence

import pyarrow as pa

from ..errors import DataError, did_you_mean, shown
from ..schema import BESIDE, TIME_OF
from ..sections import ConsentConfig, EventsConfig, TableSection
from .casts import cleaned_sql
from .lines import Reason, cast_reasons, instant_sql, joins_sql, mended_sql
from .money import value_sql
from .privacy import erased_sql
from .sources.parts import Places, is_money, is_stamp, is_text
from .staging import Connection, fetched

NEEDED = {"events": ("kind",), "offers": ("offer_id",), "consent": ("channel", "purpose", "status")}
INITIATORS = ("customer", "company")
YES = ("granted", "given", "yes", "y", "true", "1", "opt_in", "opt-in", "opted_in", "opted in", "subscribed")
NO = (
    *("withdrawn", "refused", "denied", "revoked", "objected", "no", "n", "false", "0"),
    *("opt_out", "opt-out", "opted_out", "opted out", "unsubscribed"),
)
"""The words of a consent's status, without capitals, when `granted` does not say otherwise."""

CONTRADICTS = "has another line that says otherwise"


def table_reasons(table: str, mapping: Mapping[str, str], read_us: int) -> list[Reason]:
    """The reasons in the order in which they are looked for; the first that holds is given.

    Examples
    --------
    >>> [r.words for r in table_reasons("customers", {"customer_id": "id"}, 0)]
    ['cannot be split into fields', 'has another line that says otherwise']
    """
    time = TIME_OF.get(table)
    found = cast_reasons(mapping, read_us, () if time is None else (time,))
    for role in (r for r in NEEDED.get(table, ()) if r in mapping):
        found.append(Reason(f"{_clean(role)} IS NULL", role, "is missing"))
    if "initiated_by" in mapping:
        words = ", ".join(f"'{word}'" for word in INITIATORS)
        condition = f"lower({_clean('initiated_by')}) NOT IN ({words})"
        found.append(Reason(condition, "initiated_by", "is neither `customer` nor `company`"))
    if "redeemed_at" in mapping:
        # Within a day the two are not compared: one of them may be a date without time.
        found.append(Reason("s_redeemed_at.day < s_offered_at.day", "redeemed_at", "lies before the day of the offer"))
    if table == "customers":
        found.append(Reason("false", "customer_id", CONTRADICTS))  # `mark_contradictions` knows.
    return found


def _clean(role: str) -> str:
    return cleaned_sql(f"raw.{role}")


def type_table(
    con: Connection, table: str, section: TableSection, mapping: Mapping[str, str], reasons: Sequence[Reason]
) -> None:
    """Make `typed`: seq, the columns of the table that the section has, `mended_<role>`, `moved`, unfit (why not)."""
    _register_words(con, section)
    time = TIME_OF.get(table)
    columns = ["raw.seq"] if time is None else ["raw.seq", f"s_{time}.moved"]
    columns += [f"{instant_sql(r)} AS {r}" for r in filter(is_stamp, mapping)]
    columns += [f"{value_sql(r)} AS {r}" for r in filter(is_money, mapping)]
    columns += [f"{mended_sql(con, r)} AS mended_{r}" for r in filter(is_text, mapping)]
    columns += [f"{sql} AS {role}" for role, sql in _labels(section, mapping)]
    cases = " ".join(f"WHEN {reason.condition} THEN {i}" for i, reason in enumerate(reasons))
    con.execute(
        f"CREATE TABLE typed AS SELECT {', '.join(columns)}, CASE {cases} END AS unfit "
        f"FROM raw {' '.join(joins_sql(mapping))}"
    )
    con.unregister("words")


def _labels(section: TableSection, mapping: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """SQL for every text of the table, whether it has a column or one text for all lines."""
    for role in filter(is_text, mapping):
        if role == "status":
            words = "SELECT word FROM words WHERE what = 'granted'"
            yield role, f"CASE WHEN lower({_clean(role)}) IN ({words}) THEN 'granted' ELSE 'withdrawn' END"
        elif role == "initiated_by":
            yield role, f"coalesce(lower({_clean(role)}), 'customer')"
        else:
            yield role, _clean(role)
    for role in ("kind", "channel", "purpose"):
        if getattr(section, f"all_of_{role}", None) is not None:
            yield role, f"(SELECT word FROM words WHERE what = '{role}')"
    if isinstance(section, EventsConfig) and section.initiated_by is None:
        kind = "(SELECT word FROM words WHERE what = 'kind')" if section.kind is None else _clean("kind")
        words = "SELECT word FROM words WHERE what = 'company'"
        yield "initiated_by", f"CASE WHEN {kind} IN ({words}) THEN 'company' ELSE 'customer' END"


def _register_words(con: Connection, section: TableSection) -> None:
    """Make the texts of the configuration a table, so that none of them gets into a statement."""
    rows: list[tuple[str, str]] = []
    for role in ("kind", "channel", "purpose"):
        constant = getattr(section, f"all_of_{role}", None)
        if constant is not None:
            rows.append((role, plain_word(constant)))
    if isinstance(section, EventsConfig):
        rows += [("company", plain_word(kind)) for kind in section.company_initiated]
    if isinstance(section, ConsentConfig):
        rows += [("granted", word) for word in granted_words(section)]
    whats, words = zip(*rows, strict=True) if rows else ((), ())
    con.register("words", pa.table({"what": pa.array(whats, pa.string()), "word": pa.array(words, pa.string())}))


def plain_word(text: str) -> str:
    """A text of the configuration as the same text of a column is cleaned.

    Examples
    --------
    >>> plain_word(" email_sent ")
    'email_sent'
    """
    return unicodedata.normalize("NFC", text.strip())


def granted_words(section: ConsentConfig) -> tuple[str, ...]:
    """The words that mean yes, without capitals."""
    return tuple(plain_word(word).lower() for word in section.granted) or YES


def check_statuses(con: Connection, section: ConsentConfig, places: Places) -> None:
    """Refuse words of a status that are known neither as yes nor as no, unless `granted` says which are yes."""
    if section.granted:
        return
    rows = fetched(
        con,
        f"SELECT lower({_clean('status')}) AS word, count(*) AS n, min(seq) FROM raw WHERE fault IS NULL "
        "GROUP BY word HAVING word IS NOT NULL ORDER BY n DESC, word",
    )
    strange = [f"{shown(word)!r} ({n} lines, first {places.at(seq)})" for word, n, seq in rows if word not in YES + NO]
    if strange:
        raise DataError(
            f"column `{section.status}` has words whose meaning is not known",
            needed=f"words such as {YES[0]} and {NO[0]}, yes and no, true and false",
            do=f'give granted = ["..."] under [{places.section}]: the words that mean yes; all others then mean no',
            offending=strange,
            code="RG142",
        )


def unseen_words(con: Connection, section: TableSection) -> Iterator[str]:
    """Notes about words of the configuration that no line has."""
    if isinstance(section, EventsConfig) and section.company_initiated:
        kinds = sorted(k for (k,) in fetched(con, "SELECT DISTINCT kind FROM judged WHERE class = 'used'"))
        for name in sorted({plain_word(kind) for kind in section.company_initiated} - set(kinds)):
            yield f"no event is of kind `{name}`, which `company_initiated` names; {did_you_mean(name, kinds)}"
    if isinstance(section, ConsentConfig) and section.granted:
        words = [w for (w,) in fetched(con, f"SELECT DISTINCT lower({_clean('status')}) FROM raw")]
        for name in sorted(set(granted_words(section)) - set(words)):
            yield f"no line has the status `{name}`, which `granted` names"


def mark_contradictions(con: Connection, reasons: Sequence[Reason], columns: Sequence[str]) -> None:
    """Quarantine every line of a customer whose readable lines say different things: which is true cannot be told."""
    (at,) = (i for i, reason in enumerate(reasons) if reason.words == CONTRADICTS)
    others = [c for c in columns if c != "customer_id"]
    if not others:
        return
    con.execute(
        f"UPDATE typed SET unfit = {at} WHERE unfit IS NULL AND customer_id IN (SELECT customer_id FROM typed "
        "WHERE unfit IS NULL AND customer_id IS NOT NULL GROUP BY customer_id "
        f"HAVING count(DISTINCT ({', '.join(others)},)) > 1)"
    )


def judge_table(con: Connection) -> None:
    """Make the view `judged`: typed lines with their class. Needs the table `merged` (seq)."""
    con.execute(
        f"""
        CREATE VIEW judged AS SELECT typed.*, CASE WHEN {erased_sql(con)} THEN 'erased'
            WHEN unfit IS NOT NULL THEN 'quarantined'
            WHEN customer_id IS NULL THEN 'without_customer'
            WHEN merged.seq IS NOT NULL THEN 'merged' ELSE 'used' END AS class
        FROM typed LEFT JOIN merged ON merged.seq = typed.seq
        """
    )


def columns_of(table: str, sections: Sequence[TableSection]) -> tuple[str, ...]:
    """The canonical columns that a table made of these sections has, in canonical order.

    Examples
    --------
    >>> columns_of("events", [EventsConfig(customer_id="id", occurred_at="at", all_of_kind="visit")])
    ('customer_id', 'occurred_at', 'kind', 'initiated_by')
    """
    mapped = {role for section in sections for role in section.roles()}
    return tuple(c.name for c in BESIDE[table] if c.required or c.name in mapped)
