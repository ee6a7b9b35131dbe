"""Money and quantities: one grammar a column over the whole data set, then exact decimals.

In: the staged texts of a role. Out: the table `words_<role>`, one row a distinct text: its plain form `x`, its `value`
as DECIMAL(18, 4) rounded half-even, whether that is exact (`fine`), and by how much it is not (`difference`). No plain
number: no `x`; too large: no `value`; `problem` says why. `odd_<role>` has those that a cast would read otherwise.
Ambiguous or inconsistent columns are errors.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import ROUND_HALF_EVEN, Context, Decimal

import pyarrow as pa

from ..schema import MONEY as MONEY_TYPE
from .casts import plain_sql
from .marks import bare_numbers
from .notation import OTHER, Signs, notation_of, seen_texts
from .sources.parts import Places
from .staging import Connection, fetched

EXACT = Context(prec=1200, rounding=ROUND_HALF_EVEN)
"""Enough digits for the sum of any doubles, the smallest of which has some 770 of them."""

_STEP, _LIMIT = Decimal("0.0001"), Decimal(10**14)
MISSING, NOT_FINITE, NOT_PLAIN, TOO_LARGE = 1, 2, 3, 4
"""Why a text has no value, in `problem`."""

_NATIVE = r"-?\d+(\.\d+)?([eE][+-]?\d+)?"


def settle_money(con: Connection, role: str, decimal: str | None, column: str, places: Places) -> Signs:
    """Make `words_<role>`; what its texts prove.

    Raises
    ------
    DataError
        All texts that tell the decimal sign are ambiguous (as 1.500), or they contradict each other or `decimal`.
    """
    con.execute(
        f"CREATE TABLE found AS SELECT *, {plain_sql('v')} AS p FROM (SELECT {role} AS v, {role}_native AS native, "
        f"count(*) AS n, min(seq) AS first FROM raw WHERE fault IS NULL AND {role} IS NOT NULL GROUP BY ALL)"
    )
    marks = bare_numbers(con, column, places)
    rows = seen_texts(con)
    notation = notation_of(con, rows, decimal, column, places)
    mark, groups = notation.decimal, OTHER[notation.decimal]
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
        SELECT v, native, n, first, p, x, fine, mark, style,
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
    con.execute(
        f"CREATE TABLE odd_{role} AS SELECT * FROM words_{role} "
        f"WHERE problem IS NOT NULL OR value IS DISTINCT FROM {_cast('v')}"
    )
    con.execute("DROP TABLE found; DROP TABLE plain")
    return Signs.of(rows, marks)


def _cast(text: str) -> str:
    return f"TRY_CAST({text} AS DECIMAL(18, 4))"


def value_sql(role: str) -> str:
    """SQL for the value of a number: only words that a plain cast reads otherwise are looked up."""
    return f"CASE WHEN w_{role}.v IS NOT NULL THEN w_{role}.value ELSE {_cast(f'raw.{role}')} END"


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
        near = number.quantize(_STEP, context=EXACT)
        fits = abs(near) < _LIMIT
        values.append(near if fits else None)
        differences.append(format(EXACT.subtract(number, near), "f") if fits else "0")
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
        total = EXACT.add(total, EXACT.multiply(n, Decimal(difference)))
    return total


def settle_products(con: Connection) -> None:
    """Make `pairs`: quantity times unit price, exact then rounded, for the pairs that need more than four decimals."""
    con.execute("CREATE TABLE pairs (q VARCHAR, p VARCHAR, value DECIMAL(18, 4), difference VARCHAR, n BIGINT)")
    pairs = [] if _all_fit(con) else _long_products(con)
    if not pairs:
        return
    exact: dict[tuple[str, ...], Decimal] = {(q, p): EXACT.multiply(Decimal(q), Decimal(p)) for q, p, _ in pairs}
    rounded = rounded_table(exact, ("q", "p"))
    con.register("rounded", rounded.append_column("n", pa.array([n for _, _, n in pairs], pa.int64())))
    con.execute("INSERT INTO pairs SELECT * FROM rounded")
    con.unregister("rounded")
    for role in ("quantity", "unit_price"):  # Pairs are found by the texts of both.
        con.execute(f"CREATE OR REPLACE TABLE odd_{role} AS SELECT * FROM words_{role}")


def _all_fit(con: Connection) -> bool:
    """Whether every product has four decimals at most and is not too large, whatever is multiplied by what."""
    sizes = "SELECT bool_and(fine), max(abs(value)), max(length(rtrim(split_part(x, '.', 2), '0'))) FROM words_{}"
    q, p = (fetched(con, f"{sizes.format(role)} WHERE x IS NOT NULL")[0] for role in ("quantity", "unit_price"))
    if None in (*q, *p):
        return False
    return bool(q[0] and p[0] and q[1] * p[1] < _LIMIT and q[2] + p[2] <= 4)


def _long_products(con: Connection) -> list[tuple[str, str, int]]:
    """The pairs of texts whose product does not fit, with their numbers of lines."""
    return fetched(
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
