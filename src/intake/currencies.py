"""Money of several currencies: a code a line, and what a unit of each is worth in the ledger's own.

In: the staged codes and the settled words of purchases, the ledger's currency and the rates. Out: the table
`currencies` (text, missing, code, away), and for every column of money `converted_<role>`: exact value times rate,
rounded half-even once, with the difference. A code that is none, or missing, sets its line aside; a currency without a
rate is an error.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

import pyarrow as pa

from ..errors import DataError
from ..sections import PurchasesConfig
from .casts import cleaned_sql
from .evidence import Mended
from .marks import CODES, SYMBOLS
from .money import EXACT, exact_sum, rounded_table
from .notation import Signs
from .sources.parts import Places
from .staging import Connection, fetched

CONVERTED = ("amount", "discount", "cost")
"""The columns of the ledger that hold money; `amount` may be quantity times unit price."""


@dataclass(frozen=True)
class Currencies:
    """The ledger's currency, and the codes that its lines have; nothing without a column of codes.

    Examples
    --------
    >>> Currencies("EUR", ("EUR", "USD")).own
    'EUR'
    """

    own: str = ""
    codes: tuple[str, ...] = ()


def code_of(currency: str) -> str:
    """The code of what [data] calls the ledger's currency.

    Examples
    --------
    >>> code_of("€"), code_of(" eur "), code_of("")
    ('EUR', 'EUR', '')
    """
    return SYMBOLS.get(currency.strip(), currency.strip().upper())


def factors(mapping: Mapping[str, str], role: str) -> tuple[str, ...]:
    """The columns whose product a column of the ledger is."""
    return ("quantity", "unit_price") if role == "amount" and "amount" not in mapping else (role,)


def converted_roles(mapping: Mapping[str, str]) -> list[str]:
    """The columns of the ledger that are converted."""
    return [role for role in CONVERTED if all(f in mapping for f in factors(mapping, role))]


def settle_currencies(con: Connection, section: PurchasesConfig, currency: str, places: Places) -> Currencies:
    """Make `currencies` and the converted values.

    Raises
    ------
    DataError
        A currency without a rate, or several and none of them is said to be the ledger's.
    """
    mapping, rates = section.roles(), section.rates_by_code()
    own = code_of(currency)
    known = ", ".join(f"'{code}'" for code in sorted(CODES))
    con.register("given", pa.table({"code": pa.array([*rates, own], pa.string())}))
    con.execute(
        f"CREATE TABLE currencies AS SELECT text, code IS NULL AS missing, CASE WHEN code IN ({known}) OR code IN "
        f"(SELECT code FROM given) THEN code END AS code, n, first, false AS away FROM (SELECT currency AS text, "
        f"upper({cleaned_sql('currency')}) AS code, count(*) AS n, min(seq) AS first FROM raw WHERE fault IS NULL "
        "AND currency IS NOT NULL GROUP BY ALL)"
    )
    con.unregister("given")
    rows = fetched(
        con,
        "SELECT code, sum(n), arg_min(text, first), min(first) AS f FROM currencies WHERE code IS NOT NULL "
        "GROUP BY code ORDER BY f",
    )
    seen = {code: f"{places.told(text, first)}, {n} lines" for code, n, text, first in rows}
    own = own or (next(iter(seen)) if len(seen) == 1 else "")
    foreign = [code for code in seen if code != own and code not in rates]
    if foreign:
        raise _without_rate(section, own, seen, foreign, places)
    con.execute("UPDATE currencies SET away = true WHERE code <> ?", [own])
    for role in converted_roles(mapping):
        _convert(con, role, factors(mapping, role), rates)
    return Currencies(own, tuple(sorted(seen)))


def _without_rate(
    section: PurchasesConfig, own: str, seen: Mapping[str, str], foreign: list[str], places: Places
) -> DataError:
    rates = ", ".join(f'{code} = "..."' for code in foreign)
    if own:
        found = f"column `{section.currency}` has {', '.join(foreign)} beside the ledger's currency, {own}"
        do = f"give rates = {{ {rates} }} under [{places.section}]: what one unit is worth in {own}"
        code = "RG163"
    else:
        found = f"column `{section.currency}` has {len(seen)} currencies, and which is the ledger's is not said"
        do = f'give currency = "{next(iter(seen))}" (or another) under [data], and rates for the others'
        code = "RG164"
    return DataError(
        found,
        needed="all money in one currency, or a rate for each of the others",
        do=do,
        offending=[seen[name] for name in (foreign if own else seen)],
        code=code,
    )


def _convert(con: Connection, role: str, names: tuple[str, ...], rates: Mapping[str, Decimal]) -> None:
    keys = [key for f in names for key in (f, f"{f}_native")]
    joins = " ".join(f"JOIN words_{f} w_{f} ON raw.{f} = w_{f}.v AND raw.{f}_native = w_{f}.native" for f in names)
    texts = ", ".join(f"CAST(raw.{key} AS VARCHAR)" for key in keys)
    numbers = ", ".join(f"any_value(w_{f}.x)" for f in names)
    there = " AND ".join(f"w_{f}.x IS NOT NULL" for f in names)
    rows = fetched(
        con,
        f"SELECT count(*), {numbers}, cur.code, {texts} FROM raw "
        f"JOIN currencies cur ON raw.currency = cur.text {joins} "
        f"WHERE cur.away AND raw.fault IS NULL AND {there} GROUP BY ALL",
    )
    exact: dict[tuple[str, ...], Decimal] = {}
    for _, *values in rows:
        product = rates[values[len(names)]]
        for number in values[: len(names)]:
            product = EXACT.multiply(product, Decimal(number))
        exact[tuple(values[len(names) :])] = product
    columns = ", ".join(f"{name} VARCHAR" for name in ("code", *keys))
    con.execute(f"CREATE TABLE converted_{role} ({columns}, value DECIMAL(18, 4), difference VARCHAR, n BIGINT)")
    if rows:
        counts = pa.array([row[0] for row in rows], pa.int64())
        con.register("found", rounded_table(exact, ("code", *keys)).append_column("n", counts))
        con.execute(f"INSERT INTO converted_{role} SELECT * FROM found")
        con.unregister("found")


def currency_joins(mapping: Mapping[str, str]) -> Iterator[str]:
    """SQL that joins each line's currency and its converted money to `raw`."""
    yield "LEFT JOIN currencies cur ON raw.currency = cur.text"
    for role in converted_roles(mapping):
        keys = [key for f in factors(mapping, role) for key in (f, f"{f}_native")]
        same = " AND ".join(f"c_{role}.{key} = CAST(raw.{key} AS VARCHAR)" for key in keys)
        yield f"LEFT JOIN converted_{role} c_{role} ON c_{role}.code = cur.code AND {same}"


def in_own_sql(role: str, value: str) -> str:
    """SQL for money in the ledger's currency, from SQL for what the line says; none where the currency is unknown."""
    return f"CASE WHEN cur.away THEN c_{role}.value WHEN cur.code IS NOT NULL THEN {value} END"


def home_rounding(con: Connection, mapping: Mapping[str, str]) -> Decimal:
    """Exact amounts minus those that are kept, over all lines whose currency is known."""
    joins = "JOIN words_amount w_amount ON raw.amount = w_amount.v AND raw.amount_native = w_amount.native"
    table = "w_amount"
    if "amount" not in mapping:
        joins = " ".join(
            f"JOIN odd_{f} w_{f} ON raw.{f} = w_{f}.v AND raw.{f}_native = w_{f}.native"
            for f in ("quantity", "unit_price")
        )
        joins, table = f"{joins} JOIN pairs ON pairs.q = w_quantity.x AND pairs.p = w_unit_price.x", "pairs"
    rows = fetched(
        con,
        f"SELECT count(*), {table}.difference AS d FROM raw JOIN currencies cur ON raw.currency = cur.text {joins} "
        f"WHERE cur.code IS NOT NULL AND NOT cur.away AND raw.fault IS NULL AND {table}.value IS NOT NULL "
        "AND d <> '0' GROUP BY d",
    )
    rows += fetched(con, "SELECT n, difference FROM converted_amount WHERE value IS NOT NULL AND difference <> '0'")
    return exact_sum(rows)


def mended_currencies(con: Connection, column: str) -> Mended:
    """How many lines were converted."""
    query = "SELECT count(*) FROM typed JOIN (SELECT DISTINCT code FROM currencies WHERE away) c ON currency = c.code"
    ((n,),) = fetched(con, f"{query} WHERE unfit IS NULL")
    return Mended(f"lines converted to the ledger's currency by `rates`, as `{column}` says", n)


def check_signs(signs: Mapping[str, Signs], mapping: Mapping[str, str], currency: str) -> None:
    """Refuse a column whose currency sign is not that of the ledger."""
    own = code_of(currency)
    for role, found in signs.items():
        if own and own in CODES and found.marks.currency not in ("", own) and role != "quantity":
            raise DataError(
                f"the numbers of column `{mapping[role]}` carry {found.marks.signs[0].rpartition(' ')[0]}, and [data] "
                f"says that the currency is {currency}",
                needed="money in the ledger's currency",
                do=f'give currency = "{found.marks.currency}" under [data], or map the column in {currency}',
                code="RG165",
            )
