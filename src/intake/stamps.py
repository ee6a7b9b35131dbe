"""How a text in a known format is read: SQL that gives microseconds and basis, piece by piece.

In: the format of a column. Out: SQL over a text `p`. Pieces that make no date, such as 30 February, give nothing; so do
offsets beyond 15 hours and hours that the clock does not have.
"""

from __future__ import annotations

from .casts import BASES, DAY, INSTANT, NAIVE

MINUTE_US = 60_000_000
_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_REST = ("uary", "ruary", "ch", "il", "", "e", "y", "ust", "t(?:ember)?|tember", "ober", "ember", "ember")
MONTHS = "(?i:" + "|".join(f"{n}(?:{r})?" if r else n for n, r in zip(_NAMES, _REST, strict=True)) + ")"
"""A regular expression of the English names of the months, whole or cut to three letters."""

_PIECES = (
    r"^(\d+)[-/.](\d+)[-/.](\d+)(?:[Tt ](\d{1,2}):(\d{2}(?::\d{2}(?:[.]\d{1,9})?)?)(?: ?([AaPp][Mm]))?)?"
    r"(?: ?(Z|z|UTC|GMT|[+-]\d{2}(?::?\d{2})?))?$"
)
_EPOCHS = {
    "epoch seconds": "CAST(TRY_CAST(p AS DECIMAL(28, 6)) * 1000000 AS BIGINT)",
    "epoch milliseconds": "TRY_CAST(p AS BIGINT) * 1000",
    "epoch microseconds": "TRY_CAST(p AS BIGINT)",
    "epoch nanoseconds": "TRY_CAST(p AS BIGINT) // 1000",
}


def readings_sql(order: str, name: str) -> tuple[str, str, str]:
    """SQL for the pieces `s` of a text `p`, and for its microseconds and basis made of them.

    Parameters
    ----------
    order : str
        ``day first``, ``month first``, or the name of a format that leaves nothing open.
    name : str
        The name of the format.
    """
    if order in _EPOCHS:
        return "NULL", _EPOCHS[order], str(BASES[INSTANT])
    if order == "YYYYMMDD":
        return "rtrim(ltrim(substr(p, 9), 'Tt '), 'Zz')", *_compact()
    text = _numbered(order) if "name of the month" in name else "p"
    return f"regexp_extract({text}, '{_PIECES}', ['a', 'b', 'c', 'h', 't', 'half', 'zone'])", *_pieced(order)


def _numbered(order: str) -> str:
    """SQL for a text with a month's name as numbers around slashes."""
    names = ", ".join(f"'{name}'" for name in _NAMES)
    month = f"list_position([{names}], lower(regexp_extract(p, '(?i)({'|'.join(_NAMES)})', 1)))"
    if order == "day first":
        return rf"regexp_replace(p, '^\D*(\d{{1,2}})[ .-]*{MONTHS}[ .,-]+(\d{{4}})', '\1/' || {month} || '/\2')"
    return rf"regexp_replace(p, '^\D*(\d{{1,2}})(?:st|nd|rd|th)?,? (\d{{4}})', {month} || '/\1/\2')"


def _compact() -> tuple[str, str]:
    day = "left(p, 4) || '-' || substr(p, 5, 2) || '-' || substr(p, 7, 2)"
    time = "CASE WHEN s = '' THEN '00:00' ELSE left(s, 2) || ':' || substr(s, 3, 2) || ':' || substr(s, 5, 2) END"
    told = f"WHEN lower(right(p, 1)) = 'z' THEN {BASES[INSTANT]} ELSE {BASES[NAIVE]}"
    basis = f"CASE WHEN s = '' THEN {BASES[DAY]} {told} END"
    return f"epoch_us(TRY_CAST({day} || ' ' || {time} AS TIMESTAMP))", basis


def _pieced(order: str) -> tuple[str, str]:
    year, month, day = {"day first": ("c", "b", "a"), "month first": ("c", "a", "b")}.get(order, ("a", "b", "c"))
    hour = (
        "CASE WHEN s.half = '' THEN TRY_CAST(s.h AS INTEGER) WHEN TRY_CAST(s.h AS INTEGER) BETWEEN 1 AND 12 "
        "THEN TRY_CAST(s.h AS INTEGER) % 12 + CASE WHEN lower(s.half) = 'pm' THEN 12 ELSE 0 END END"
    )
    clock = f"CASE WHEN s.h = '' THEN '00:00' ELSE ({hour}) || ':' || s.t END"
    local = f"epoch_us(TRY_CAST(s.{year} || '-' || s.{month} || '-' || s.{day} || ' ' || {clock} AS TIMESTAMP))"
    bare = "replace(s.zone[2:], ':', '')"
    away = (
        f"(TRY_CAST(left({bare}, 2) AS BIGINT) * 60 + coalesce(TRY_CAST(nullif(substr({bare}, 3), '') AS BIGINT), 0))"
    )
    shift = (
        f"CASE WHEN s.zone IN ('', 'Z', 'z', 'UTC', 'GMT') THEN 0 WHEN {away} > 900 THEN NULL "
        f"WHEN left(s.zone, 1) = '+' THEN {away} ELSE -{away} END"
    )
    basis = f"CASE WHEN s.zone <> '' THEN {BASES[INSTANT]} WHEN s.h <> '' THEN {BASES[NAIVE]} ELSE {BASES[DAY]} END"
    return f"{local} - {MINUTE_US} * ({shift})", basis
