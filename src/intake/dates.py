"""Times: one format a column over the whole data set, then UTC microseconds.

In: the staged texts, or microseconds with a basis, of a time column. Out: `words_<role>` (distinct texts with `us` and
`basis`) and `shifts_<role>` (what to add to get UTC, minute by minute). Naive stamps are in the naive zone, a date
without time is that day in the business zone. What cannot be read has no `us`; ambiguous or mixed formats are errors.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..clock import DAY_US, Zone
from ..errors import DataError
from .casts import BASES, DAY, INSTANT, NAIVE, plain_sql
from .sources.parts import LINE_BITS, Places
from .staging import Connection, fetched

MINUTE_US = 60_000_000
_TIME = r"\d{1,2}:\d{2}(:\d{2}([.]\d{1,9})?)?( ?[AaPp][Mm])?"
_OFFSET = r" ?(Z|z|UTC|[+-]\d{2}(:?\d{2})?)"
_REST = f"([Tt ]{_TIME}({_OFFSET})?)?"

ISO, SLASHED, COMPACT, EXCEL, SHORT = "YYYY-MM-DD", "YYYY/MM/DD", "YYYYMMDD", "Excel serial numbers", "two-digit years"
EPOCHS = {
    "epoch seconds": (r"\d{9,10}([.]\d{1,6})?", "CAST(TRY_CAST(p AS DECIMAL(28, 6)) * 1000000 AS BIGINT)"),
    "epoch milliseconds": (r"\d{12,13}", "TRY_CAST(p AS BIGINT) * 1000"),
    "epoch microseconds": (r"\d{15,16}", "TRY_CAST(p AS BIGINT)"),
    "epoch nanoseconds": (r"\d{18,19}", "TRY_CAST(p AS BIGINT) // 1000"),
}
EITHER = {f"a{s}b{s}YYYY": s for s in "/.-"}
FORMATS = {
    ISO: r"\d{4}-\d{1,2}-\d{1,2}" + _REST,
    SLASHED: r"\d{4}/\d{1,2}/\d{1,2}" + _REST,
    COMPACT: r"(19|20)\d{2}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])",
    **{name: rf"\d{{1,2}}[{s}]\d{{1,2}}[{s}]\d{{4}}" + _REST for name, s in EITHER.items()},
    **{name: pattern for name, (pattern, _) in EPOCHS.items()},
    EXCEL: r"([2-5]\d{4}|60000)([.]\d+)?",
    SHORT: rf"\d{{1,2}}(/\d{{1,2}}/|[.]\d{{1,2}}[.]|-\d{{1,2}}-)\d{{2}}( {_TIME})?",
}
_PIECES = (
    r"^(\d+)[-/.](\d+)[-/.](\d+)(?:[Tt ](\d{1,2}):(\d{2}(?::\d{2}(?:[.]\d{1,9})?)?)(?: ?([AaPp][Mm]))?)?"
    r"(?: ?(Z|z|UTC|[+-]\d{2}(?::?\d{2})?))?$"
)


@dataclass(frozen=True)
class StampSettings:
    """The zones of naive stamps and of the business, and what the user said about day and month.

    Examples
    --------
    >>> StampSettings(Zone("UTC"), None).naive.name
    'UTC'
    """

    zone: Zone
    naive_zone: Zone | None
    day_first: bool | None = None

    @property
    def naive(self) -> Zone:
        """The zone in which stamps without one are read."""
        return self.naive_zone or self.zone


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


def settle_words(con: Connection, role: str, day_first: bool | None, column: str, places: Places) -> list[str]:
    """Make `words_<role>` for the texts of a time column; notes.

    Raises
    ------
    DataError
        More than one format, two-digit years, Excel serials, or day and month that cannot be told apart.
    """
    return settle_format(con, role, day_first, column, places).notes(column)


def settle_format(
    con: Connection, role: str, day_first: bool | None, column: str, places: Places, known: Format | None = None
) -> Format:
    """The same, with the format as the result; `known` is what earlier files of the column have shown."""
    con.execute(
        f"CREATE TABLE found AS SELECT {role} AS v, count(*) AS n, min(seq) AS first, {plain_sql(role)} AS p "
        f"FROM raw WHERE fault IS NULL AND {role} IS NOT NULL GROUP BY ALL"
    )
    cases = " ".join(f"WHEN regexp_full_match(p, '{pattern}') THEN '{name}'" for name, pattern in FORMATS.items())
    con.execute(f"CREATE TABLE formed AS SELECT *, CASE {cases} END AS format FROM found")
    chosen = _format(con, role, day_first, column, places, known or Format())
    us, basis = _reading(chosen.order or chosen.name or ISO)
    con.execute(
        f"CREATE TABLE words_{role} AS SELECT v, p = '' AS missing, us, "
        f"CASE WHEN us IS NOT NULL THEN basis END AS basis FROM "
        f"(SELECT v, p, CASE WHEN format IS NOT NULL THEN {us} END AS us, {basis} AS basis FROM "
        f"(SELECT *, regexp_extract(p, '{_PIECES}', ['a', 'b', 'c', 'h', 't', 'half', 'zone']) AS s FROM formed))"
    )
    con.execute("DROP TABLE found; DROP TABLE formed")
    return chosen


def _reading(order: str) -> tuple[str, str]:
    """SQL for the microseconds and the basis of a text `p`, whose pieces are in `s`."""
    if order in EPOCHS:
        return EPOCHS[order][1], str(BASES[INSTANT])
    if order == COMPACT:
        date = "left(p, 4) || '-' || substr(p, 5, 2) || '-' || substr(p, 7, 2)"
        return f"epoch_us(TRY_CAST({date} AS TIMESTAMP))", str(BASES[DAY])
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
        f"CASE WHEN s.zone IN ('', 'Z', 'z', 'UTC') THEN 0 WHEN {away} > 900 THEN NULL "
        f"WHEN left(s.zone, 1) = '+' THEN {away} ELSE -{away} END"
    )
    basis = f"CASE WHEN s.zone <> '' THEN {BASES[INSTANT]} WHEN s.h <> '' THEN {BASES[NAIVE]} ELSE {BASES[DAY]} END"
    return f"{local} - {MINUTE_US} * ({shift})", basis


def _format(con: Connection, role: str, day_first: bool | None, column: str, places: Places, known: Format) -> Format:
    """The one format of the texts; without a name when there are none, or none is known."""
    rows = fetched(
        con, "SELECT format, sum(n), arg_min(v, first), min(first) FROM formed WHERE format IS NOT NULL GROUP BY ALL"
    )
    seen = {name: f"'{value}' ({places.at(first)})" for name, _, value, first in sorted(rows, key=lambda r: -r[1])}
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
        raise DataError(
            f"column `{column}` holds Excel's serial numbers instead of dates",
            needed="dates as text, such as 2024-01-31",
            do="give the column the cell format YYYY-MM-DD in the spreadsheet and export it again",
            offending=[sample],
            code="RG125",
        )
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
    seen = {p: f"'{value}' ({places.at(first)})" for p, value, first in rows}
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


def key_sql(us: str, basis: str) -> str:
    """SQL for the key of `shifts_<role>`: minute and basis in one integer (DuckDB's ``//`` cuts towards zero)."""
    minute = f"({us} // {MINUTE_US} - CASE WHEN {us} % {MINUTE_US} < 0 THEN 1 ELSE 0 END)"
    return f"({minute} * {len(BASES)} + {basis})"


def settle_shifts(con: Connection, role: str, settings: StampSettings, column: str, places: Places) -> None:
    """Make `shifts_<role>`: for every basis and minute what leads to UTC, the local day, and whether DST moved it.

    Raises
    ------
    DataError
        Stamps with and without a zone in one column, and no `naive_timezone`.
    """
    con.execute(
        f"CREATE TABLE moments AS SELECT coalesce(raw.{role}_us, w.us) AS us, "
        f"coalesce(raw.{role}_basis, w.basis) AS basis, min(raw.seq) AS seq FROM raw LEFT JOIN words_{role} w "
        f"ON raw.{role} = w.v WHERE coalesce(raw.{role}_us, w.us) IS NOT NULL GROUP BY ALL"
    )
    rows = fetched(con, "SELECT basis, arg_min(us, seq), min(seq) FROM moments GROUP BY basis ORDER BY basis")
    names = {code: name for name, code in BASES.items()}
    seen = {names[basis]: f"{names[basis]}: {np.datetime64(us, 'us')} ({places.at(seq)})" for basis, us, seq in rows}
    if INSTANT in seen and len(seen) > 1 and settings.naive_zone is None:
        raise DataError(
            f"column `{column}` mixes times with and without a time zone",
            needed="to know the zone of those without one",
            do=f'give naive_timezone = "Europe/Berlin" (or the zone they are in) under [{places.section}]',
            offending=list(seen.values()),
            code="RG127",
        )
    keys = con.sql(f"SELECT DISTINCT {key_sql('us', 'basis')} AS key FROM moments").to_arrow_table()
    con.register("found", shifts(keys.column("key").to_numpy(), settings))
    con.execute(f"CREATE TABLE shifts_{role} AS SELECT * FROM found")
    con.unregister("found")
    con.execute("DROP TABLE moments")


def shifts(keys: NDArray[np.int64], settings: StampSettings) -> pa.Table:
    """For each key of `key_sql` the shift to UTC (us), the business day, and `moved`: ``gap``, ``fold`` or nothing."""
    basis, local = np.mod(keys, len(BASES)), np.floor_divide(keys, len(BASES)) * MINUTE_US
    shift, moved = np.zeros(len(local), np.int64), np.full(len(local), None, object)
    for kind, zone in ((NAIVE, settings.naive), (DAY, settings.zone)):
        here = basis == BASES[kind]
        instant = zone.to_utc(local[here])
        shift[here] = instant - local[here]
        if kind == NAIVE:
            moved[here] = _moved(zone, local[here], instant)
    day = settings.zone.local_day(local + shift)
    return pa.table({"key": keys, "shift": shift, "day": day, "moved": pa.array(moved, pa.string())})


def _moved(zone: Zone, local: NDArray[np.int64], instant: NDArray[np.int64]) -> NDArray[np.object_]:
    """Which local times do not exist (gap: read with the old offset) or exist twice (fold: the first is taken)."""
    moved = np.full(len(local), None, object)
    moved[zone.to_local(instant) != local] = "gap"
    # If the offset falls by `step` within a day from here, the same wall clock may be shown again `step` later.
    later = instant + DAY_US
    step = (zone.to_local(instant) - instant) - (zone.to_local(later) - later)
    moved[(step > 0) & (zone.to_local(instant + step) == local)] = "fold"
    return moved
