"""Database files: what is refused, and that they give what they hold."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import pytest

from regulars.config import Config
from regulars.errors import DataError, RegularsError, StorageError
from regulars.intake import build_ledger
from regulars.intake.sources import embedded
from regulars.intake.sources.databases import database_part, names_at, tables_at

from .payloads import PAYLOADS

TRIED = PAYLOADS if os.environ.get("REGULARS_SOAK") else PAYLOADS[::17]
Book = Callable[..., Config]
GOOD = "id,when,money\na,2024-01-05,1\n"
ROWS = [("00123", "2024-01-05 10:00:00", 1.125), (7, "2024-01-06 11:00:00", 2), (None, "2024-01-07 12:00:00", 0.1)]


@pytest.mark.parametrize(
    ("url", "code", "said"),
    [
        ("nosuch://u:secret@h/d", "RG112", ["sqlite:///", "duckdb:///", "postgresql://"]),
        ("sqlite:///none.db", "RG111", ["none.db"]),
    ],
)
def test_an_address_that_leads_nowhere_is_refused(book: Book, url: str, code: str, said: list[str]) -> None:
    with pytest.raises(RegularsError) as caught:
        build_ledger(book(GOOD, path=None, url=url, table="t"))
    assert caught.value.code == code
    assert [s for s in said if s not in str(caught.value)] == []
    assert "secret" not in str(caught.value)


def test_sqlite_and_duckdb_give_what_they_hold(book: Book, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "shop.db")) as db, db:
        db.execute('create table "my ""sales" (id, "when", money)')
        db.executemany('insert into "my ""sales" values (?, ?, ?)', ROWS)
    with closing(duckdb.connect(str(tmp_path / "shop.duckdb"))) as db:
        db.execute('create table "my ""sales" (id varchar, "when" timestamp, money decimal(10, 3))')
        db.executemany('insert into "my ""sales" values (?, ?, ?)', [list(row) for row in ROWS])
    prints = set()
    for url in ("sqlite:///shop.db", "duckdb:///shop.duckdb"):
        ledger = build_ledger(book(GOOD, path=None, url=url, table='my "sales'))
        assert ledger.table().column("customer_id").to_pylist() == ["00123", "7"]
        assert ledger.manifest.money["read"] == "3.2250"
        assert ledger.manifest.lines["guest"] == 1
        prints.add(ledger.manifest.fingerprint)
    assert len(prints) == 1
    for url in ("sqlite:///shop.db", "duckdb:///shop.duckdb"):
        with pytest.raises(DataError, match="no table `sale`"):
            build_ledger(book(GOOD, path=None, url=url, table="sale"))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


@pytest.mark.parametrize("kind", ["sqlite", "duckdb"])
def test_a_hundred_harmful_names_of_tables_and_columns_are_only_names(kind: str, tmp_path: Path) -> None:
    url = f"{kind}:///shop"
    with closing(_opened(kind, tmp_path / "shop")) as db:
        db.execute("create table canary (v integer)")
        db.execute("insert into canary values (7)")
        columns = ", ".join(f"{_quoted(c)} integer" for c in PAYLOADS)
        for payload in TRIED[1:]:
            db.execute(f"create table {_quoted(payload)} ({columns})")
            db.execute(f"insert into {_quoted(payload)} values ({', '.join(map(str, range(100)))})")
        db.commit()
    for payload in TRIED:
        for table, column in ((f"{payload}!", "v"), (f"no.{payload}", "v"), ("canary", payload)):
            with pytest.raises(DataError, match=r"RG113|RG102"):
                database_part(url, table, tmp_path, {"customer_id": column})
    mapping = {f"label_{i}": payload for i, payload in enumerate(PAYLOADS)}
    for payload in TRIED[1:]:
        (rows,) = database_part(url, payload, tmp_path, mapping).batches()
        assert [str(rows.column(role)[0]) for role in mapping] == [str(i) for i in range(100)]
    assert set(tables_at(url, tmp_path)) == {*TRIED[1:], "canary"}
    assert names_at(url, TRIED[1], tmp_path) == list(PAYLOADS)
    with closing(_opened(kind, tmp_path / "shop")) as db:
        assert db.execute("select v from canary").fetchall() == [(7,)]


def _opened(kind: str, path: Path) -> Any:
    return sqlite3.connect(path) if kind == "sqlite" else duckdb.connect(str(path))


def test_a_duckdb_file_is_read_without_looking_at_anything_else(book: Book, tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("id,when,money\na,2024-01-05,1\n")
    with closing(duckdb.connect(str(tmp_path / "shop.duckdb"))) as db:
        db.execute("create table sales as select 'a' as id, date '2024-01-05' as when, 5 as money")
        db.execute("create view plain as select * from sales")
        db.execute(f"create view trap as select * from read_csv('{secret}')")
    config = book(GOOD, path=None, url="duckdb:///shop.duckdb", table="plain")
    assert build_ledger(config).manifest.money["used"] == "5.0000"
    with pytest.raises(StorageError, match=r"RG114.*wants to read something else"):
        build_ledger(book(GOOD, path=None, url="duckdb:///shop.duckdb", table="trap"))
    with embedded._duckdb(tmp_path / "shop.duckdb") as db, pytest.raises(duckdb.Error, match="lock"):
        db.execute("set enable_external_access = true")


def test_tables_of_other_schemas_are_named_with_their_schema(book: Book, tmp_path: Path) -> None:
    with closing(duckdb.connect(str(tmp_path / "shop.duckdb"))) as db:
        db.execute("create schema other")
        db.execute("create table sales as select 'a' as id, date '2024-01-05' as when, 5 as money")
        db.execute('create table other.sales as select id, "when", money + 1 as money from sales')
    assert tables_at("duckdb:///shop.duckdb", tmp_path) == ["sales", "other.sales"]
    for table, money in (("sales", "5.0000"), ("main.sales", "5.0000"), ("other.sales", "6.0000")):
        ledger = build_ledger(book(GOOD, path=None, url="duckdb:///shop.duckdb", table=table))
        assert ledger.manifest.money["used"] == money


def test_what_lies_in_the_log_beside_the_file_counts(book: Book, tmp_path: Path) -> None:
    config = book(GOOD, path=None, url="sqlite:///shop.db", table="sales")
    with closing(sqlite3.connect(tmp_path / "shop.db", isolation_level=None)) as db:
        db.execute("pragma journal_mode = wal")
        db.execute("create table sales (id, 'when', money)")
        db.execute("insert into sales values ('a', '2024-01-05', 1)")
        first = build_ledger(config)
        db.execute("insert into sales values ('b', '2024-01-05', 2)")
        second = build_ledger(config)
    assert (first.manifest.money["used"], second.manifest.money["used"]) == ("1.0000", "3.0000")


def test_a_blob_and_a_file_that_is_no_database_are_refused(book: Book, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "shop.db")) as db, db:
        db.execute("create table sales (id, 'when', money)")
        db.execute("insert into sales values (x'00ff', '2024-01-05', 1)")
    with pytest.raises(DataError, match=r"RG104.*column `id` of `sales`"):
        build_ledger(book(GOOD, path=None, url="sqlite:///shop.db", table="sales"))
    (tmp_path / "text.db").write_text("no database, but long enough to look like one " * 40)
    for url in ("sqlite:///text.db", "duckdb:///text.db"):
        with pytest.raises(StorageError, match=r"RG114.*`text.db`"):
            build_ledger(book(GOOD, path=None, url=url, table="sales"))
