"""Money and quantities: one grammar a column over the whole data set, then exact decimals.

In: the staged texts of a role. Out: the table `words_<role>`, one row a distinct text: its plain form `x`, its `value`
as DECIMAL(18, 4) rounded half-even, whether that is exact (`fine`), and by how much it is not (`difference`). No plain
number: no `x`; too large: no `value`; `problem` says why. Ambiguous or inconsistent columns are errors.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import NamedTuple

import pyarrow as pa

from ..errors import DataError
from ..schema import MONEY as MONEY_TYPE
from .casts import plain_sql
from .parts import Places
from .staging import Connection, fetched

_EXACT = Context(prec=1200, rounding=ROUND_HALF_EVEN)
"""Enough digits for the sum of any doubles, the smallest of which has some 770 of them."""

_STEP, _LIMIT = Decimal("0.0001"), Decimal(10**14)
MISSING, NOT_FINITE, NOT_PLAIN, TOO_LARGE = 1, 2, 3, 4
"""Why a text has no value, in `problem`."""

_SIGN = "[+-]?"
_NATIVE = r"-?\d+(\.\d+)?([eE][+-]?\d+)?"
_OTHER = {".": ",", ",": "."}


@dataclass(frozen=True)
class Notation:
    """How the numbers of a column are written.

    Examples
    --------
    >>> Notation(",").pattern()[:12]
    '[+-]?((\\\\d+|['
    """

    decimal: str

    def pattern(self) -> str:
        """The regular expression of a whole number in this notation."""
        point, grouped = f"[{self.decimal}]", f"[1-9]\\d{{0,2}}([{_OTHER[self.decimal]} ']\\d{{3}})+"
        return f"{_SIGN}((\\d+|{grouped})({point}\\d+)?|{point}\\d+)"


def _proof(sign: str) -> str:
    """Texts that can only be read with this decimal sign."""
    here, other = f"[{sign}]", f"[{_OTHER[sign]}]"
    fraction = f"\\d*{here}(\\d{{1,2}}|\\d{{4,}})|(0\\d*|\\d{{4,}})?{here}\\d{{3}}"
    after_groups = f"[1-9]\\d{{0,2}}([ ']\\d{{3}})+{here}\\d+|[1-9]\\d{{0,2}}({other}\\d{{3}})+{here}\\d+"
    groups = f"[1-9]\\d{{0,2}}({other}\\d{{3}}){{2,}}"
    return f"{_SIGN}({fraction}|{after_groups}|{groups})"


_AMBIGUOUS = f"{_SIGN}[1-9]\\d{{0,2}}[.,]\\d{{3}}"
_LONG = f"{_SIGN}\\d{{4,}}([.,]\\d+)?"


@dataclass(frozen=True)
class Signs:
    """What the texts of a column prove of how numbers are written; two files' signs add up.

    Parameters
    ----------
    kinds : tuple of str
        Of ``.``, ``,`` (proved), ``either.``, ``either,`` (ambiguous) and ``whole``; none without texts.
    spaces, apostrophes, points, commas, long : bool
        Which signs stand in them, and whether there is an ungrouped number of four digits or more.

    Examples
    --------
    >>> Signs(("whole",)).plus(Signs((",",))).decimal(None)
    ','
    """

    kinds: tuple[str, ...] = ()
    spaces: bool = False
    apostrophes: bool = False
    points: bool = False
    commas: bool = False
    long: bool = False

    def plus(self, other: Signs) -> Signs:
        """What both together prove."""
        kinds = tuple(sorted({*self.kinds, *other.kinds}))
        flags = (getattr(self, n) or getattr(other, n) for n in ("spaces", "apostrophes", "points", "commas", "long"))
        return Signs(kinds, *flags)

    def decimal(self, said: str | None) -> str | None:
        """The decimal sign; None where it cannot be told, or the texts contradict each other or what was said."""
        proved = [s for s in (".", ",") if s in self.kinds]
        if len(proved) == 2 or (said and proved and said not in proved):
            return None
        if not proved and said is None and {"either.", "either,"} & set(self.kinds):
            return None
        sign = said or (proved[0] if proved else ".")
        grouped = self.commas if sign == "." else self.points
        if self.spaces + self.apostrophes + grouped > 1:
            return None
        return None if said is None and f"either{_OTHER[sign]}" in self.kinds and self.long else sign


def settle_money(con: Connection, role: str, decimal: str | None, column: str, places: Places) -> Signs:
    """Make `words_<role>`; what its texts prove.

    Raises
    ------
    DataError
        All texts that tell the decimal sign are ambiguous (as 1.500), or they contradict each other or `decimal`.
    """
    con.execute(
        f"CREATE TABLE found AS SELECT {role} AS v, {role}_native AS native, count(*) AS n, min(seq) AS first, "
        f"{plain_sql(role)} AS p FROM raw WHERE fault IS NULL AND {role} IS NOT NULL GROUP BY ALL"
    )
    rows = _seen(con)
    notation = _notation(con, rows, decimal, column, places)
    mark, groups = notation.decimal, _OTHER[notation.decimal]
    con.execute(
        f"""
        CREATE TABLE plain AS SELECT *, CASE
            WHEN native THEN CASE WHEN regexp_full_match(v, '{_NATIVE}') THEN v END
            WHEN regexp_full_match(p, ?) THEN ltrim(replace(translate(p, '{groups} ''', ''), '{mark}', '.'), '+')
        END AS x FROM found
        """,
        [notation.pattern()],
    )
    con.execute(
        f"""
        CREATE TABLE words_{role} AS
        WITH sized AS (SELECT *, coalesce(NOT regexp_matches(x, '[eE]')
            AND length(rtrim(split_part(x, '.', 2), '0')) <= 4
            AND length(ltrim(split_part(x, '.', 1), '-0')) <= 14, false) AS fine FROM plain)
        SELECT v, native, n, first, p, x, fine,
            CASE WHEN fine THEN TRY_CAST(x AS DECIMAL(18, 4)) END AS value,
            '0' AS difference, NULL::TINYINT AS problem FROM sized
        """
    )
    _round_long(con, role)
    con.execute(
        f"""
        UPDATE words_{role} SET problem = CASE WHEN p = '' THEN {MISSING}
            WHEN x IS NULL AND regexp_full_match(p, '(?i)[+-]?(nan|inf|infinity)') THEN {NOT_FINITE}
            WHEN x IS NULL THEN {NOT_PLAIN} WHEN value IS NULL THEN {TOO_LARGE} END WHERE x IS NULL OR value IS NULL
        """
    )
    con.execute("DROP TABLE found; DROP TABLE plain")
    flags = ((r.spaces, r.apostrophes, r.points, r.commas, r.long_first is not None) for r in rows)
    return Signs(tuple(sorted(r.kind for r in rows)), *map(any, zip(*flags, strict=True)))


def _round_long(con: Connection, role: str) -> None:
    long = [x for (x,) in fetched(con, f"SELECT DISTINCT x FROM words_{role} WHERE x IS NOT NULL AND NOT fine")]
    if not long:
        return
    con.register("rounded", rounded_table({(x,): Decimal(x) for x in long}, ("x",)))
    con.execute(
        f"UPDATE words_{role} SET value = r.value, difference = r.difference FROM rounded r "
        f"WHERE words_{role}.x = r.x AND NOT fine"
    )
    con.unregister("rounded")


def rounded_table(exact: Mapping[tuple[str, ...], Decimal], names: tuple[str, ...]) -> pa.Table:
    """Exact values rounded half-even to 1/10,000, with the difference; no value where it does not fit.

    Examples
    --------
    >>> rounded_table({("0.00005",): Decimal("0.00005")}, ("x",)).to_pylist()
    [{'x': '0.00005', 'value': Decimal('0.0000'), 'difference': '0.00005'}]
    """
    values: list[Decimal | None] = []
    differences: list[str] = []
    for number in exact.values():
        if abs(number) >= _LIMIT:
            values.append(None)
            differences.append("0")
            continue
        near = number.quantize(_STEP, context=_EXACT)
        fits = abs(near) < _LIMIT
        values.append(near if fits else None)
        differences.append(format(_EXACT.subtract(number, near), "f") if fits else "0")
    columns: dict[str, pa.Array] = {
        name: pa.array(keys, pa.string()) for name, keys in zip(names, zip(*exact, strict=True), strict=True)
    }
    return pa.table(
        {**columns, "value": pa.array(values, MONEY_TYPE), "difference": pa.array(differences, pa.string())}
    )


def exact_sum(weighted: Iterable[tuple[int, str]]) -> Decimal:
    """The exact sum of count times difference.

    Examples
    --------
    >>> exact_sum([(3, "0.00004"), (1, "-0.00002")])
    Decimal('0.00010')
    """
    total = Decimal(0)
    for n, difference in weighted:
        total = _EXACT.add(total, _EXACT.multiply(n, Decimal(difference)))
    return total


def settle_products(con: Connection) -> None:
    """Make `pairs`: quantity times unit price, exact then rounded, for the pairs that need more than four decimals."""
    pairs = fetched(
        con,
        """
        SELECT q.x, p.x, count(*) FROM raw
        JOIN words_quantity q ON raw.quantity = q.v AND raw.quantity_native = q.native
        JOIN words_unit_price p ON raw.unit_price = p.v AND raw.unit_price_native = p.native
        WHERE raw.fault IS NULL AND q.x IS NOT NULL AND p.x IS NOT NULL
        AND NOT coalesce(q.fine AND p.fine AND CAST(q.value AS DECIMAL(38, 4)) * CAST(p.value AS DECIMAL(38, 4))
            = TRY_CAST(CAST(q.value AS DECIMAL(38, 4)) * CAST(p.value AS DECIMAL(38, 4)) AS DECIMAL(18, 4)), false)
        GROUP BY ALL
        """,
    )
    exact: dict[tuple[str, ...], Decimal] = {(q, p): _EXACT.multiply(Decimal(q), Decimal(p)) for q, p, _ in pairs}
    rounded = rounded_table(exact, ("q", "p")) if exact else None
    con.execute("CREATE TABLE pairs (q VARCHAR, p VARCHAR, value DECIMAL(18, 4), difference VARCHAR, n BIGINT)")
    if rounded is not None:
        con.register("rounded", rounded.append_column("n", pa.array([n for _, _, n in pairs], pa.int64())))
        con.execute("INSERT INTO pairs SELECT * FROM rounded")
        con.unregister("rounded")


class _Seen(NamedTuple):
    """What was found of one kind of text: how its first line reads, and which signs it uses."""

    kind: str
    value: str
    first: int
    spaces: bool
    apostrophes: bool
    points: bool
    commas: bool
    long: str | None
    long_first: int | None


def _seen(con: Connection) -> list[_Seen]:
    """The texts by what they prove: a decimal sign, ``either.`` or ``either,`` (ambiguous), or ``whole``."""
    proofs = {sign: _proof(sign).replace("'", "''") for sign in _OTHER}
    kinds = f"""CASE WHEN regexp_full_match(p, '{proofs["."]}') THEN '.'
        WHEN regexp_full_match(p, '{proofs[","]}') THEN ','
        WHEN regexp_full_match(p, '{_AMBIGUOUS}') THEN CASE WHEN contains(p, '.') THEN 'either.' ELSE 'either,' END
        WHEN regexp_full_match(p, '{_SIGN}\\d+([ '']\\d+)*') THEN 'whole' END"""
    rows = fetched(
        con,
        f"""SELECT {kinds} AS kind, arg_min(v, first), min(first), bool_or(contains(p, ' ')),
        bool_or(contains(p, '''')), bool_or(contains(p, '.')), bool_or(contains(p, ',')),
        arg_min(v, first) FILTER (long), min(first) FILTER (long)
        FROM (SELECT *, regexp_full_match(p, '{_LONG}') AS long FROM found WHERE NOT native)
        GROUP BY kind HAVING kind IS NOT NULL ORDER BY kind""",
    )
    return [_Seen(*row) for row in rows]


def _notation(con: Connection, rows: list[_Seen], decimal: str | None, column: str, places: Places) -> Notation:
    """The one notation that all texts of the column agree on."""
    seen = {r.kind: f"'{r.value}' ({places.at(r.first)})" for r in rows}
    signs = [s for s in (".", ",") if s in seen]
    if len(signs) == 2 or (decimal and signs and decimal not in signs):
        raise _inconsistent(column, [seen[s] for s in signs], decimal)
    if not signs and decimal is None and ("either." in seen or "either," in seen):
        raise _ambiguous(con, column, places)
    notation = Notation(decimal or (signs[0] if signs else "."))
    other = _OTHER[notation.decimal]
    groupings = (
        (r.spaces for r in rows),
        (r.apostrophes for r in rows),
        (r.commas if other == "," else r.points for r in rows),
    )
    if sum(any(used) for used in groupings) > 1:
        raise _inconsistent(column, list(seen.values()), None)
    long = [f"'{r.long}' ({places.at(r.long_first)})" for r in rows if r.long_first is not None]
    if decimal is None and f"either{other}" in seen and long:
        # Beside an ungrouped 1234.5, `1,234` may just as well be 1.234.
        raise _inconsistent(column, [seen[f"either{other}"], long[0]], None)
    return notation


def _inconsistent(column: str, samples: list[str], decimal: str | None) -> DataError:
    said = f' although decimal = "{decimal}"' if decimal else ""
    return DataError(
        f"the numbers of column `{column}` are written in more than one way{said}",
        needed="one decimal sign and one grouping of thousands over all files",
        do='write the column alike in all files, then give decimal = "." or decimal = "," if it still cannot be told',
        offending=samples,
        code="RG122",
    )


def _ambiguous(con: Connection, column: str, places: Places) -> DataError:
    rows = fetched(
        con,
        f"SELECT v, first FROM found WHERE NOT native AND regexp_full_match(p, '{_AMBIGUOUS}') ORDER BY first LIMIT 3",
    )
    text = str(rows[0][0]).strip()
    sign = "." if "." in text else ","
    as_point, as_group = text.replace(sign, "."), text.replace(sign, "")
    return DataError(
        f"column `{column}` cannot be read without guessing: '{text}' is {as_point} with decimal = \"{sign}\" "
        f'and {as_group} with decimal = "{_OTHER[sign]}"',
        needed="a number that shows the decimal sign, or the setting",
        do=f'give decimal = "." or decimal = "," under [{places.section}]',
        offending=[f"'{v}' ({places.at(first)})" for v, first in rows],
        code="RG121",
    )
