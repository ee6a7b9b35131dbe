"""Times: one format a column over the whole data set.

In: the staged texts of a time column that are not plain by themselves. Out: `words_<role>`, the distinct texts with
`us` (as the wall clock or the zone of the text tells them) and `basis`. What cannot be read has no `us`; ambiguous or
mixed formats, two-digit years and Excel's serial numbers are errors.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import DataError
from .casts import excel_serials, plain_sql
from .plain import TOLD, stamp_text_sql
from .sources.parts import LINE_BITS, Places
from .staging import Connection, fetched
from .stamps import MONTHS, readings_sql

_TIME = r"\d{1,2}:\d{2}(:\d{2}([.]\d{1,9})?)?( ?[AaPp][Mm])?"
_OFFSET = r" ?(Z|z|UTC|GMT|[+-]\d{2}(:?\d{2})?)"
_REST = f"([Tt ]{_TIME}({_OFFSET})?)?"
_WEEKDAY = "((?i:mon|tue|wed|thu|fri|sat|sun)[a-z]*,? )?"

ISO, SLASHED, DOTTED, COMPACT = "YYYY-MM-DD", "YYYY/MM/DD", "YYYY.MM.DD", "YYYYMMDD"
EXCEL, SHORT = "Excel serial numbers", "two-digit years"
DAY_NAMED, MONTH_NAMED = "day, name of the month, year", "name of the month, day, year"
EPOCHS = {
    "epoch seconds": r"\d{9,10}([.]\d{1,6})?",
    "epoch milliseconds": r"\d{12,13}",
    "epoch microseconds": r"\d{15,16}",
    "epoch nanoseconds": r"\d{18,19}",
}
EITHER = {f"a{s}b{s}YYYY": s for s in "/.-"}
FORMATS = {
    ISO: r"\d{4}-\d{1,2}-\d{1,2}" + _REST,
    SLASHED: r"\d{4}/\d{1,2}/\d{1,2}" + _REST,
    DOTTED: r"\d{4}[.]\d{1,2}[.]\d{1,2}" + _REST,
    COMPACT: r"(19|20)\d{2}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])([Tt ]?([01]\d|2[0-3])[0-5]\d[0-5]\d[Zz]?)?",
    **{name: rf"\d{{1,2}}[{s}]\d{{1,2}}[{s}]\d{{4}}" + _REST for name, s in EITHER.items()},
    **EPOCHS,
    EXCEL: r"([2-5]\d{4}|60000)([.]\d+)?",
    SHORT: rf"\d{{1,2}}(/\d{{1,2}}/|[.]\d{{1,2}}[.]|-\d{{1,2}}-|[ -]?{MONTHS}[ -])\d{{2}}( {_TIME})?",
    DAY_NAMED: rf"{_WEEKDAY}\d{{1,2}}[ .-]{{0,2}}{MONTHS}[ .,-]{{1,2}}\d{{4}}" + _REST,
    MONTH_NAMED: rf"{_WEEKDAY}{MONTHS}[ .]{{1,2}}\d{{1,2}}(st|nd|rd|th)?,? \d{{4}}" + _REST,
}
_ORDER = {DAY_NAMED: "day first", MONTH_NAMED: "month first"}


@dataclass(frozen=True)
class Format:
    """How the texts of a time column are written; without texts there is none.

    Parameters
    ----------
    name : str or None
        One of `FORMATS`.
    order : str or None
        ``day first`` or ``month first``, where the format leaves it open.
    follows : tuple of str
        The files that show no day above 12 of their own, though nobody said the order.

    Examples
    --------
    >>> Format("a/b/YYYY", "day first", ("b.csv",)).notes("when")
    ['the order of day and month in `when` of b.csv is taken from the other files']
    """

    name: str | None = None
    order: str | None = None
    follows: tuple[str, ...] = ()

    def notes(self, column: str) -> list[str]:
        """Which files follow the others."""
        return [
            f"the order of day and month in `{column}` of {file} is taken from the other files" for file in self.follows
        ]


def settle_format(
    con: Connection, role: str, day_first: bool | None, column: str, places: Places, known: Format | None = None
) -> Format:
    """Make `words_<role>` for the texts of a time column; `known` is what earlier files of the column have shown.

    Raises
    ------
    DataError
        More than one format, two-digit years, Excel serials, or day and month that cannot be told apart.
    """
    con.execute(
        f"CREATE TABLE found AS SELECT *, {plain_sql('v')} AS p FROM (SELECT {role} AS v, count(*) AS n, "
        f"min(seq) AS first FROM raw WHERE fault IS NULL AND {role} IS NOT NULL GROUP BY ALL)"
    )
    cases = " ".join(f"WHEN regexp_full_match(p, '{pattern}') THEN '{name}'" for name, pattern in FORMATS.items())
    con.execute(f"CREATE TABLE formed AS SELECT *, CASE {cases} END AS format FROM found")
    chosen = _format(con, role, day_first, column, places, known or Format())
    p, us, basis = readings_sql(_ORDER.get(chosen.name or "", chosen.order or chosen.name or ISO), chosen.name or "")
    con.execute(
        f"CREATE TABLE words_{role} AS SELECT v, p = '' AS missing, us, "
        f"CASE WHEN us IS NOT NULL THEN basis END AS basis FROM "
        f"(SELECT v, p, CASE WHEN format IS NOT NULL THEN {us} END AS us, {basis} AS basis FROM "
        f"(SELECT *, {p} AS s FROM formed))"
    )
    con.execute("DROP TABLE found; DROP TABLE formed")
    return chosen


def _seen(con: Connection, role: str, places: Places) -> dict[str, str]:
    """The formats of all texts, the most frequent first, each with its first text and where that stands."""
    rows = fetched(
        con, "SELECT format, sum(n), arg_min(v, first), min(first) FROM formed WHERE format IS NOT NULL GROUP BY ALL"
    )
    found = {name: (int(n), str(value), int(first)) for name, n, value, first in rows}
    ((n, first),) = fetched(con, f"SELECT count(*), min(seq) FROM raw WHERE {role}_basis >= {TOLD}")
    if n:
        more, value, odd = found.get(ISO, (0, "", first))
        if not more or first < odd:
            ((value,),) = fetched(con, f"SELECT {stamp_text_sql(role)} FROM raw WHERE seq = {first}")
        found[ISO] = (n + more, value, min(first, odd))
    return {
        name: places.told(value, first)
        for name, (_, value, first) in sorted(found.items(), key=lambda item: -item[1][0])
    }


def _format(con: Connection, role: str, day_first: bool | None, column: str, places: Places, known: Format) -> Format:
    """The one format of the texts; without a name when there are none, or none is known."""
    seen = _seen(con, role, places)
    if len(seen) > 1:
        raise DataError(
            f"column `{column}` mixes formats of dates",
            needed="one format over all files",
            do="write the column alike in all files, best as YYYY-MM-DD HH:MM:SS",
            offending=[f"{name} as {sample}" for name, sample in seen.items()],
            code="RG124",
        )
    if not seen:
        return Format()
    ((name, sample),) = seen.items()
    if name == EXCEL:
        raise excel_serials(f"column `{column}`", [sample])
    if name == SHORT:
        raise DataError(
            f"column `{column}` has years of two digits",
            needed="years of four digits",
            do="export the column with four-digit years, best as YYYY-MM-DD",
            offending=[sample],
            code="RG126",
        )
    if name in EITHER:
        return _day_or_month(con, role, name, day_first, column, places, known)
    return Format(name)


def _day_or_month(
    con: Connection, role: str, name: str, day_first: bool | None, column: str, places: Places, known: Format
) -> Format:
    """Which of the first two numbers is the day: proved by one above 12, or said."""
    proof = """CASE WHEN a BETWEEN 13 AND 31 AND b BETWEEN 1 AND 12 THEN 'day first'
        WHEN b BETWEEN 13 AND 31 AND a BETWEEN 1 AND 12 THEN 'month first' END"""
    numbers = r"regexp_extract(p, '^(\d+)[-/.](\d+)', ['a', 'b'])"
    con.execute(
        f"CREATE TABLE proofs AS SELECT v, first, {proof} AS proof FROM "
        f"(SELECT v, first, CAST(s.a AS INTEGER) AS a, CAST(s.b AS INTEGER) AS b FROM "
        f"(SELECT v, first, {numbers} AS s FROM formed WHERE format = '{name}'))"
    )
    rows = fetched(con, "SELECT proof, arg_min(v, first), min(first) FROM proofs GROUP BY ALL")
    seen = {p: places.told(value, first) for p, value, first in rows}
    said = {True: "day first", False: "month first", None: known.order}[day_first]
    proved = [p for p in ("day first", "month first") if p in seen]
    if len(proved) == 2 or (said and proved and said not in proved):
        against = f" although day_first = {str(day_first).lower()}" if len(proved) == 1 else ""
        raise DataError(
            f"column `{column}` mixes day/month/year and month/day/year{against}",
            needed="one order over all files",
            do="write the column alike in all files, best as YYYY-MM-DD",
            offending=[f"{p}: {seen[p]}" for p in proved],
            code="RG124",
        )
    if not proved and said is None:
        value = str(rows[0][1]).strip()
        a, b, c = (value.replace(".", "/").replace("-", "/").split(" ")[0].split("T")[0]).split("/")
        raise DataError(
            f"column `{column}` cannot be read without guessing: '{value}' is {c}-{b:0>2}-{a:0>2} "
            f"with day_first = true and {c}-{a:0>2}-{b:0>2} with day_first = false",
            needed="a day above 12, or the setting",
            do=f"give day_first = true or day_first = false under [{places.section}]",
            offending=[seen[None]],
            code="RG123",
        )
    follows = _unproved(con, role, places) if day_first is None else ()
    con.execute("DROP TABLE proofs")
    return Format(name, said or proved[0], follows)


def _unproved(con: Connection, role: str, places: Places) -> tuple[str, ...]:
    """Files that show no day above 12 of their own, and so follow the others."""
    rows = fetched(
        con,
        f"SELECT seq >> {LINE_BITS} AS part FROM raw JOIN proofs ON raw.{role} = proofs.v "
        "GROUP BY part HAVING count(proof) = 0 ORDER BY part",
    )
    return tuple(places.names[p] for (p,) in rows)
