"""Every line typed and judged: the table `typed`, and the view `judged` that puts each line into one class.

In: `raw` and the settled words. Out: typed lines, each either readable or with the number of the reason why not. A
missing id makes a guest, a missing optional value stays NULL, a missing date or amount is a reason. Classes: erased,
quarantined, merged, guest, dropped, used; every line is in exactly one.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from ..clock import DAY_US, Cutoff
from ..errors import DataError, masked, shown
from .casts import cleaned_sql
from .currencies import converted_roles, currency_joins, factors, in_own_sql
from .money import MISSING, NOT_FINITE, NOT_PLAIN, TOO_LARGE, value_sql
from .plain import stamp_text_sql
from .privacy import erased_sql
from .shifts import key_sql, local_sql
from .sources.parts import Places, is_money, is_stamp, is_text
from .staging import Connection, fetched

_SOLAR_YEARS = (1300, 1451)
"""From here to before there, as Gregorian years: the years of the solar and of the lunar calendar of our time."""

_REPAIR = "repair the data or the mapping; if these lines may be left out, raise `max_bad_share`"
_EARLIEST = {"joined_at": 1970}
"""The first plausible year where it is not 1990."""

CONTRADICTS = "stands on another line that says otherwise"
FUTURE = "lies after the moment of reading"
CLASSES = ("used", "guest", "merged", "quarantined", "dropped", "erased")
QUARANTINE = pa.schema(
    [
        ("file", pa.string()),
        ("line", pa.int64()),
        ("reason", pa.string()),
        ("column", pa.string()),
        ("text", pa.string()),
    ]
)


@dataclass(frozen=True)
class Reason:
    """Why a line cannot be read: the SQL that finds it, the role it lies in, and words."""

    condition: str
    role: str
    words: str


def reasons_of(mapping: Mapping[str, str], read_us: int) -> list[Reason]:
    """The reasons in the order in which they are looked for; the first that holds is given.

    Examples
    --------
    >>> reasons_of({"customer_id": "id", "purchased_at": "d", "amount": "a"}, 0)[1].words
    'has no date'
    """
    needed = ("purchased_at", "amount") if "amount" in mapping else ("purchased_at", "quantity", "unit_price")
    found = cast_reasons(mapping, read_us, needed)
    if "currency" in mapping:
        found.append(Reason("coalesce(cur.missing, true)", "currency", "is missing"))
        found.append(Reason("cur.code IS NULL", "currency", "is no currency's code"))
        for role in converted_roles(mapping):
            there = " AND ".join(f"{value_sql(f)} IS NOT NULL" for f in factors(mapping, role))
            large = f"cur.away AND c_{role}.value IS NULL AND {there}"
            found.append(Reason(large, factors(mapping, role)[0], "is too large in the ledger's currency"))
    if "amount" not in mapping:
        found.append(Reason(f"({_product()}) IS NULL", "quantity", "times the unit price is too large"))
    if "transaction_id" in mapping:
        found.append(Reason("false", "transaction_id", CONTRADICTS))  # `settle_repeats` knows.
    if "discount" in mapping:
        found.append(Reason(f"{value_sql('discount')} < 0", "discount", "is negative"))
    return found


def cast_reasons(mapping: Mapping[str, str], read_us: int, needed: Collection[str]) -> list[Reason]:
    """The reasons that lie in a single field: broken lines, times and numbers that are none, or not there."""
    found = [Reason("raw.fault IS NOT NULL", "", "cannot be split into fields")]
    for role in filter(is_stamp, mapping):
        absent = f"raw.{role}_us IS NULL AND coalesce(w_{role}.missing, true)"
        if role in needed:
            found.append(Reason(absent, role, "has no date"))
        found.append(
            Reason(
                f"s_{role}.key IS NULL AND NOT ({absent})", role, "is not a date that exists, in the column's format"
            )
        )
        year = _EARLIEST.get(role, 1990)
        first = Cutoff.parse(f"{year}-01-01").day * DAY_US
        found.append(Reason(f"{instant_sql(role)} < {first}", role, f"lies before {year}"))
        found.append(Reason(f"{instant_sql(role)} > {read_us}", role, FUTURE))
    for role in filter(is_money, mapping):
        if role in needed:
            found.append(
                Reason(
                    f"coalesce(w_{role}.problem, CAST(raw.{role} IS NULL AS TINYINT)) = {MISSING}", role, "is missing"
                )
            )
        found.append(Reason(f"w_{role}.problem = {NOT_FINITE}", role, "is not a finite number"))
        found.append(Reason(f"w_{role}.problem = {NOT_PLAIN}", role, "is not a plain number"))
        found.append(Reason(f"w_{role}.problem = {TOO_LARGE}", role, "is too large"))
    return found


def _amount(mapping: Mapping[str, str]) -> str:
    if "amount" in mapping:
        return value_sql("amount")
    return _product()


def _product() -> str:
    product = " * ".join(f"CAST({value_sql(role)} AS DECIMAL(38, 4))" for role in ("quantity", "unit_price"))
    return f"CASE WHEN pairs.q IS NOT NULL THEN pairs.value ELSE TRY_CAST({product} AS DECIMAL(18, 4)) END"


def instant_sql(role: str) -> str:
    """SQL for the UTC microseconds of a time."""
    return f"{local_sql(role)} + s_{role}.shift"


def joins_sql(mapping: Mapping[str, str]) -> Iterator[str]:
    """SQL that joins the settled words of every number and time to `raw`."""
    for role in filter(is_money, mapping):
        yield f"LEFT JOIN odd_{role} w_{role} ON raw.{role} = w_{role}.v AND raw.{role}_native = w_{role}.native"
    if "unit_price" in mapping:
        yield "LEFT JOIN pairs ON pairs.q = w_quantity.x AND pairs.p = w_unit_price.x"
    if "currency" in mapping:
        yield from currency_joins(mapping)
    for role in filter(is_stamp, mapping):
        yield f"LEFT JOIN words_{role} w_{role} ON raw.{role} = w_{role}.v"
        yield f"LEFT JOIN shifts_{role} s_{role} ON s_{role}.key = {key_sql(role)}"


def label_sql(con: Connection, role: str) -> str:
    """SQL for an id or label as it is kept; the column is cleaned only if `unclean` names it."""
    return cleaned_sql(f"raw.{role}") if _is_unclean(con, role) else f"nullif(raw.{role}, '')"


def mended_sql(con: Connection, role: str) -> str:
    """SQL for whether cleaning changed an id or label."""
    return f"coalesce({cleaned_sql(f'raw.{role}')} <> raw.{role}, false)" if _is_unclean(con, role) else "false"


def _is_unclean(con: Connection, role: str) -> bool:
    return bool(con.execute("SELECT 1 FROM unclean WHERE role = ? LIMIT 1", [role]).fetchall())


def type_lines(con: Connection, mapping: Mapping[str, str], reasons: list[Reason]) -> None:
    """Make `typed`: seq, the mapped columns, order_id, local day, DST, `mended_<role>`, unfit."""
    money = {"amount": _amount(mapping), **{r: value_sql(r) for r in filter(is_money, mapping) if r != "amount"}}
    if "currency" in mapping:
        money |= {role: in_own_sql(role, money[role]) for role in converted_roles(mapping)}
    columns = ["raw.seq", "s_purchased_at.day", "s_purchased_at.moved", *(f"{sql} AS {r}" for r, sql in money.items())]
    columns += [f"{instant_sql(r)} AS {r}" for r in filter(is_stamp, mapping)]
    for role in filter(is_text, mapping):
        label = "cur.code" if role == "currency" else label_sql(con, role)
        columns += [f"{label} AS {role}", f"{mended_sql(con, role)} AS mended_{role}"]
    if "order_id" not in mapping:
        columns.append("NULL::VARCHAR AS order_id")
    cases = " ".join(f"WHEN {reason.condition} THEN {i}" for i, reason in enumerate(reasons))
    con.execute(
        f"CREATE TABLE typed AS SELECT {', '.join(columns)}, CASE {cases} END AS unfit "
        f"FROM raw {' '.join(joins_sql(mapping))}"
    )


def keep_odd_lines(con: Connection, mapping: Mapping[str, str]) -> None:
    """Leave in `raw` only lines whose texts are shown later: those that cannot be read, and the first ones mended."""
    mended = [
        f"UNION ALL SELECT min(seq) FROM typed WHERE unfit IS NULL AND NOT {erased_sql(con)} AND mended_{role}"
        for role in filter(is_text, mapping)
        if _is_unclean(con, role)
    ]
    shown_later = f"SELECT seq FROM typed WHERE unfit IS NOT NULL {' '.join(mended)}"
    con.execute(f"CREATE TABLE odd AS SELECT * FROM raw WHERE seq IN ({shown_later})")
    con.execute("DROP TABLE raw")
    con.execute("ALTER TABLE odd RENAME TO raw")


def judge(con: Connection, drop_returns: bool) -> None:
    """Make the view `judged`: typed lines with their class. Needs the table `merged` (seq)."""
    dropped = "WHEN typed.amount < 0 THEN 'dropped'" if drop_returns else ""
    con.execute(
        f"""
        CREATE VIEW judged AS SELECT typed.*, CASE WHEN {erased_sql(con)} THEN 'erased'
            WHEN unfit IS NOT NULL THEN 'quarantined'
            WHEN merged.seq IS NOT NULL THEN 'merged'
            WHEN customer_id IS NULL THEN 'guest' {dropped} ELSE 'used' END AS class
        FROM typed LEFT JOIN merged ON merged.seq = typed.seq
        """
    )


def check_bad_share(
    con: Connection, reasons: list[Reason], mapping: Mapping[str, str], max_share: float, places: Places
) -> None:
    """Refuse data of which more than the allowed share cannot be read, with counts by reason and three places."""
    rows = fetched(
        con,
        f"SELECT unfit, count(*), min(seq) FROM typed WHERE unfit IS NOT NULL AND NOT {erased_sql(con)} "
        "GROUP BY unfit ORDER BY count(*) DESC, unfit",
    )
    ((total,),) = fetched(con, "SELECT count(*) FROM raw")
    bad = sum(n for _, n, _ in rows)
    if bad <= max_share * total:
        return
    counts = ", ".join(f"{n} where {_said(reasons[i], mapping)}" for i, n, _ in rows[:5])
    samples = [_sample(row, mapping) for row in quarantine(con, reasons, mapping, places, 3).to_pylist()]
    raise DataError(
        f"{bad} of {total} lines cannot be read: {counts}",
        needed=f"at most {max_share:.2%} of the lines (`max_bad_share`)",
        do="; ".join([*_other_calendars(con, mapping), _REPAIR]),
        offending=samples,
        code="RG128",
    )


def _other_calendars(con: Connection, mapping: Mapping[str, str]) -> Iterator[str]:
    """What to do about columns of times most of whose years are not those of the Gregorian calendar."""
    first, end = (Cutoff.parse(f"{year}-01-01").day * DAY_US for year in _SOLAR_YEARS)
    for role in filter(is_stamp, mapping):
        ((told, solar),) = fetched(
            con, f"SELECT count({role}), count(*) FILTER ({role} >= {first} AND {role} < {end}) FROM typed"
        )
        if 2 * solar > told:
            yield (
                f"most years in column `{mapping[role]}` look like solar (Jalali) ones, or lunar ones: convert it to "
                "the Gregorian calendar before, as YYYY-MM-DD"
            )


def _sample(row: Mapping[str, Any], mapping: Mapping[str, str]) -> str:
    """A bad line as it may be shown: ids and addresses masked, and nothing of one that cannot be split into fields."""
    place, fields = f"{row['file']}:{row['line']} {row['reason']}", json.loads(row["text"])
    if row["column"] is None:
        return place
    hidden = {mapping[role] for role in ("customer_id", "referred_by") if role in mapping}
    told = {name: masked(v) if name in hidden and v is not None else v for name, v in fields.items()}
    told = {name: shown(v) if isinstance(v, str) and name not in hidden else v for name, v in told.items()}
    return f"{place}: {json.dumps(told, ensure_ascii=False)}"


def discount_signs(con: Connection) -> tuple[int, int]:
    """How many discounts are negative, and how many positive."""
    ((negative, positive),) = fetched(
        con, "SELECT coalesce(sum(n) FILTER (value < 0), 0), coalesce(sum(n) FILTER (value > 0), 0) FROM words_discount"
    )
    return int(negative), int(positive)


def check_discounts(signs: tuple[int, int], column: str) -> None:
    """Refuse discounts that are stored with the other sign."""
    negative, positive = signs
    if negative > positive:
        raise DataError(
            f"most discounts in column `{column}` are negative ({negative} of {negative + positive})",
            needed="the money taken off the line, as a number of 0 or more",
            do="store discounts without the minus sign, or leave `discount` out",
            code="RG129",
        )


def _said(reason: Reason, mapping: Mapping[str, str]) -> str:
    return f"`{mapping[reason.role]}` {reason.words}" if reason.role else f"the line {reason.words}"


def quarantine(
    con: Connection, reasons: list[Reason], mapping: Mapping[str, str], places: Places, limit: int | None = None
) -> pa.Table:
    """The lines that cannot be read, in the order of the source: file, line, reason, column, text as JSON."""
    texts = [f"{stamp_text_sql(r)} AS {r}" if is_stamp(r) else f"raw.{r} AS {r}" for r in mapping]
    end = f"LIMIT {limit}" if limit is not None else ""
    rows = fetched(
        con,
        f"SELECT seq, unfit, fault, raw.raw, {', '.join(texts)} FROM typed JOIN raw USING (seq) "
        f"WHERE unfit IS NOT NULL AND NOT {erased_sql(con, 'typed.customer_id')} ORDER BY seq {end}",
    )
    out = []
    for seq, index, fault, whole, *values in rows:
        reason = reasons[index]
        text = {"line": whole} if fault else dict(zip(mapping.values(), values, strict=True))
        out.append(
            {
                "file": places.file(seq),
                "line": places.line(seq),
                "reason": fault or reason.words,
                "column": mapping.get(reason.role),
                "text": json.dumps(text, ensure_ascii=False),
            }
        )
    return pa.Table.from_pylist(out, schema=QUARANTINE)
