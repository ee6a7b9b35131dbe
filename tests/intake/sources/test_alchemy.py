"""Any other database by its SQLAlchemy URL: values one by one, names quoted as it wants, passwords nowhere."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pytest
import sqlalchemy
from sqlalchemy.exc import DBAPIError, OperationalError

from regulars.config import Config
from regulars.errors import ConfigError, DataError, RegularsError
from regulars.examination.guess import look
from regulars.intake import build_ledger
from regulars.intake.sources import alchemy
from regulars.intake.sources.address import Address
from regulars.intake.sources.databases import database_part, names_at, tables_at
from regulars.intake.sources.persistence import ConnectionLost
from regulars.intake.sources.values import columns_of_values

from .payloads import PAYLOADS

Book = Callable[..., Config]
URL = "sqlite+pysqlite:///shop.db"
GOOD = "id,when,money\n00123,2024-01-05 10:00:00,1.1251\n7,2024-01-06 11:00:00,-2\n"
TRIED = PAYLOADS if os.environ.get("REGULARS_SOAK") else PAYLOADS[::9]


@pytest.fixture
def shop(tmp_path: Path) -> Callable[..., None]:
    """Runs statements in the file shop.db, which then holds no more than they make."""

    def run(*statements: str) -> None:
        with closing(sqlite3.connect(tmp_path / "shop.db")) as db, db:
            for statement in statements:
                db.execute(statement)

    return run


def test_the_same_rows_give_the_same_bytes_as_csv(book: Book, shop: Callable[..., None]) -> None:
    shop(
        'create table "my ""sales" (id, "when", money)',
        """insert into "my ""sales" values ('00123', '2024-01-05 10:00:00', 1.1251), (7, '2024-01-06 11:00:00', -2)""",
    )
    ledgers = [build_ledger(book(GOOD))]
    ledgers += [build_ledger(book(GOOD, path=None, url=u, table='my "sales')) for u in (URL, "sqlite:///shop.db")]
    files = [ledger.folder / "purchases.parquet" for ledger in ledgers if ledger.folder]
    assert len({file.read_bytes() for file in files}) == 1
    assert ledgers[1].manifest.money["used"] == "-0.8749"


def test_numbers_and_texts_in_one_column_are_each_what_they_are(book: Book, shop: Callable[..., None]) -> None:
    # As one grammar of texts, 1.125 and 2,5 would contradict each other; the first is a number and needs none.
    shop("create table sales (id, 'when', money)", "insert into sales values ('a', '2024-01-05', 1.125)")
    shop("insert into sales values ('a', '2024-01-05', '2,5')", "insert into sales values ('a', '2024-01-05', 1000)")
    for url in (URL, "sqlite:///shop.db"):
        ledger = build_ledger(book(GOOD, path=None, url=url, table="sales"))
        assert ledger.manifest.money["used"] == "1003.6250"


def test_tables_views_and_columns_are_listed_and_missing_ones_have_near_names(
    book: Book, shop: Callable[..., None], tmp_path: Path
) -> None:
    shop("create table sales (id, 'when', money)", "create view best as select * from sales")
    assert tables_at(URL, tmp_path) == ["best", "sales"]
    assert names_at(URL, "main.sales", tmp_path) == ["id", "when", "money"]
    with pytest.raises(DataError, match=r"RG113.*did you mean `sales`"):
        build_ledger(book(GOOD, path=None, url=URL, table="sale"))
    with pytest.raises(DataError, match=r"RG102.*did you mean `money`"):
        build_ledger(book(GOOD, path=None, url=URL, table="sales", amount="mony"))
    with pytest.raises(ConfigError, match=r"RG111.*none\.db"):
        build_ledger(book(GOOD, path=None, url="sqlite+pysqlite:///none.db", table="sales"))
    assert not (tmp_path / "none.db").exists()


def test_an_unchanged_table_is_found_again_and_a_changed_one_is_not(book: Book, shop: Callable[..., None]) -> None:
    shop("create table sales (id, 'when', money, note)", "insert into sales values ('a', '2024-01-05', 1, '')")
    config = book(GOOD, path=None, url=URL, table="sales")
    first = build_ledger(config)
    shop("update sales set note = 'x'")
    assert build_ledger(config).folder == first.folder
    shop("update sales set money = '1'")  # A text now.
    assert build_ledger(config).folder != first.folder


def test_a_hundred_harmful_names_of_tables_and_columns_are_only_names(
    shop: Callable[..., None], tmp_path: Path
) -> None:
    shop("create table canary (v)", "insert into canary values (7)")
    for payload in TRIED:
        for table, column in ((payload, "v"), (f"main.{payload}", "v"), ("canary", payload)):
            with pytest.raises(DataError, match=r"RG113|RG102"):
                database_part(URL, table, tmp_path, {"customer_id": column})
    columns = ", ".join(f"{_quoted(c)} int" for c in PAYLOADS)
    mapping = {f"label_{i}": payload for i, payload in enumerate(PAYLOADS)}
    for payload in TRIED:
        shop(f"create table {_quoted(payload)} ({columns})")
        shop(f"insert into {_quoted(payload)} values ({', '.join(map(str, range(100)))})")
        (rows,) = database_part(URL, payload, tmp_path, mapping).batches()
        assert [rows.column(role).to_pylist() for role in mapping] == [[str(i)] for i in range(100)]
    with closing(sqlite3.connect(tmp_path / "shop.db")) as db:
        assert db.execute("select v from canary").fetchall() == [(7,)]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


SECRET = "Zq7-planted-Zq7"


@pytest.mark.parametrize(
    ("url", "code", "said"),
    [
        ("mysql+pymysql://me:{secret}@db/shop", "RG172", "pip install pymysql"),
        ("mysql://me:{secret}@db/shop", "RG172", "pip install mysqlclient"),
        ("mssql+pyodbc://me:{secret}@db/shop", "RG172", "pip install pyodbc"),
        ("oracle+oracledb://me:{secret}@db/shop", "RG172", "pip install oracledb"),
        ("postgresql+psycopg2://me:{secret}@db/shop", "RG172", "pip install psycopg2-binary"),
        ("nosuch://me:{secret}@db/shop", "RG112", "`nosuch` is of no kind"),
        ("mysql+nosuch://me:{secret}@db/shop", "RG112", "`mysql+nosuch` is of no kind"),
        ("mysql+pymysql://me:a@{secret}@db/shop", "RG171", "percent-encoded"),
        ("mysql+pymysql://me:{secret}@db:port/shop", "RG171", "percent-encoded"),
        ("mysql+pymysql://me:{secret}%@db/shop", "RG171", "percent-encoded"),
        ("mysql+pymysql:me:{secret}@db/shop", "RG112", "not the address of a database"),
    ],
)
def test_an_address_that_leads_nowhere_says_why_and_shows_no_password(
    book: Book, url: str, code: str, said: str
) -> None:
    config = book(GOOD, path=None, url=url.format(secret=SECRET), table="sales")
    with pytest.raises(RegularsError) as caught:
        build_ledger(config)
    assert caught.value.code == code
    assert said in str(caught.value)
    shown = [str(caught.value), repr(vars(caught.value)), repr(config)]
    assert [text for text in shown if SECRET in text] == []


def _driver_error(inner: Exception, invalid: bool = False) -> DBAPIError:
    return OperationalError("select secret", {}, inner, connection_invalidated=invalid)


class _Refused(Exception):
    """As a driver's own error, which says what led to it."""


def test_only_lost_connections_are_worth_another_attempt() -> None:
    address = Address.of(f"mysql://me:{SECRET}@db/shop")
    refused = _Refused(f"cannot connect me:{SECRET}@db")
    refused.__cause__ = ConnectionRefusedError(111, "refused")
    terminated = _Refused({"S": "FATAL", "C": "57P01", "M": "terminating connection"})
    for error in (
        _driver_error(refused),
        _driver_error(_Refused("gone"), invalid=True),
        _driver_error(_Refused(2013, "Lost connection during query")),
        _driver_error(terminated),
        ConnectionResetError(104, "reset"),
    ):
        told = alchemy._told(error, address)
        assert isinstance(told, ConnectionLost)
        assert SECRET not in str(told)
    for error in (_driver_error(_Refused(1045, f"Access denied for {SECRET}")), _driver_error(_Refused("42501"))):
        told = alchemy._told(error, address)
        assert (told.code, isinstance(told, ConnectionLost)) == ("RG176", False)
        assert SECRET not in str(told)
        assert "select" not in str(told)  # The statement is no use to the reader.


def test_values_of_any_driver_are_taken_exactly() -> None:
    noon = datetime(2024, 1, 5, 12, tzinfo=UTC)
    ids = [Decimal("7.00"), 7, "7", 7.0, 2**70, UUID(int=1), True, None, float("nan"), Decimal("NaN")]
    assert columns_of_values("customer_id", ids, "x")["customer_id"].to_pylist() == [
        *("7",) * 4,
        "1180591620717411303424",
        "00000000-0000-0000-0000-000000000001",
        "true",
        *(None,) * 3,
    ]
    money = [Decimal("0.10"), Decimal("NaN"), Decimal("Infinity"), 5, 2.5, "2,50", float("inf"), None]
    columns = columns_of_values("amount", money, "x")
    assert columns["amount"].to_pylist() == ["0.10", "NaN", "Infinity", "5", "2.5", "2,50", "inf", None]
    assert columns["amount_native"].to_pylist() == [True] * 5 + [False, True, False]
    times = columns_of_values("purchased_at", [noon, date(2024, 1, 5), 1704412800, "x"], "x")
    assert times["purchased_at"].to_pylist() == ["2024-01-05T12:00:00+00:00", "2024-01-05", "1704412800", "x"]


@pytest.mark.parametrize(
    ("role", "value", "code"),
    [
        ("customer_id", Decimal("5.5"), "RG103"),
        ("customer_id", Decimal("Infinity"), "RG103"),
        ("customer_id", 5.5, "RG103"),
        ("customer_id", b"5", "RG104"),
        ("amount", b"5", "RG104"),
        ("amount", True, "RG104"),
        ("purchased_at", 1704412800.5, "RG104"),
        ("purchased_at", Decimal("1704412800.5"), "RG104"),
    ],
)
def test_values_that_cannot_be_taken_exactly_are_refused(role: str, value: object, code: str) -> None:
    with pytest.raises(DataError) as caught:
        columns_of_values(role, [value], "column `x` of `sales`")
    assert caught.value.code == code
    assert "column `x` of `sales`" in str(caught.value)


def test_rows_are_fetched_some_thousands_at_a_time(
    shop: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop(
        "create table sales (id)",
        "with recursive n (i) as (select 1 union all select i + 1 from n where i < 25000) "
        "insert into sales select i from n",
    )
    sizes, rows_of = [], alchemy.table_of_rows

    def noted(rows: list[tuple[object, ...]], *others: object) -> object:
        sizes.append(len(rows))
        return rows_of(rows, *others)

    monkeypatch.setattr(alchemy, "table_of_rows", noted)
    part = database_part(URL, "sales", tmp_path, {"customer_id": "id"})
    assert sizes == [10_000, 10_000, 5_000]
    assert [n for t in part.batches() for n in t.column("line").to_pylist()] == list(range(1, 25_001))


def test_whoever_only_looks_gets_no_more_rows_than_were_asked_for(
    shop: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop("create table sales (id)", "insert into sales values (1), (2), (3)")
    for most, ids in ((2, ["1", "2"]), (9, ["1", "2", "3"])):
        part = database_part(URL, "sales", tmp_path, {"customer_id": "id"}, most)
        assert [i for t in part.batches() for i in t.column("customer_id").to_pylist()] == ids
    # A look at a table of three rows of which two are enough: one more is asked for, which tells that there are more.
    monkeypatch.setattr(look, "MOST_LINES", 2)
    shop("create table two (id, 'when')", "insert into two values ('a', '2024-01-05'), ('b', '2024-01-06')")
    shop("insert into two values ('c', '2024-01-07'), ('d', '2024-01-08')")
    sample = look.looked_at(f"sqlite+pysqlite:///{tmp_path}/shop.db", tmp_path, "two")
    assert (sample.table.num_rows, sample.whole) == (3, False)


def test_a_database_is_only_read(shop: Callable[..., None], tmp_path: Path) -> None:
    shop("create table sales (id)")
    with (
        alchemy._connected(Address.of(URL), tmp_path) as connection,
        pytest.raises(OperationalError, match="readonly"),
    ):
        connection.execute(sqlalchemy.text("insert into sales values (1)"))
