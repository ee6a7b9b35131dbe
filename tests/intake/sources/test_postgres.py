"""PostgreSQL: what its types hold arrives exactly, from one state of the table, and no name or password does harm."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from regulars.config import Config
from regulars.errors import ConfigError, DataError, RegularsError, StorageError
from regulars.intake import Ledger, build_ledger
from regulars.intake.sources import postgres
from regulars.intake.sources.databases import database_part, names_at, tables_at

from ...servers import PostgresServer
from .payloads import PAYLOADS

Book = Callable[..., Config]

CSV = """id,"when",money,pieces
00123,2024-01-05 10:00:00,12.50,1
7,2024-01-06 23:59:59.999999,-3.0001,2
7,2024-01-06 23:59:59.999999,1000.125,1
تهران,2024-02-29 00:00:00,0.00005,10
,2024-03-01 08:00:00,9.90,1
"""
ROWS = """
    ('00123', '2024-01-05 10:00:00', 12.50, 1), ('7', '2024-01-06 23:59:59.999999', -3.0001, 2),
    ('7', '2024-01-06 23:59:59.999999', 1000.125, 1), ('تهران', '2024-02-29 00:00:00', 0.00005, 10),
    (NULL, '2024-03-01 08:00:00', 9.90, 1)
"""


@pytest.fixture
def shop(book: Book, server: PostgresServer) -> Callable[..., Config]:
    """The configuration that reads the table `sales`, or another, of the server."""

    def config(**purchases: object) -> Config:
        return book("", **{"path": None, "url": server.url(), "table": "sales", **purchases})

    return config


def _sales(server: PostgresServer, rows: str = ROWS, types: str = "text, timestamp, numeric, int", **of: str) -> None:
    kinds = [of.get(name, kind) for name, kind in zip(("id", "at", "money", "pieces"), types.split(", "), strict=True)]
    columns = ", ".join(f'"{n}" {k}' for n, k in zip(("id", "when", "money", "pieces"), kinds, strict=True))
    server.run(f"CREATE TABLE sales ({columns}, note text)", f"INSERT INTO sales VALUES {rows}")


def _bytes(ledger: Ledger) -> bytes:
    assert ledger.folder is not None
    return (ledger.folder / "purchases.parquet").read_bytes()


@pytest.mark.parametrize(
    ("ids", "at", "money", "pieces"),
    [
        ("text", "timestamp", "numeric", "int"),
        ("varchar(40)", "timestamptz", "numeric(20, 6)", "smallint"),
        ("bpchar", "text", "text", "bigint"),
        ("character(12)", "timestamp(6)", "float8", "text"),
        ("name", "varchar", "varchar", "numeric(10, 2)"),
        ("name_of_customer", "moment", "euros", "float4"),
    ],
)
def test_the_same_rows_give_the_same_bytes_as_csv_whatever_their_types(
    book: Book, shop: Callable[..., Config], server: PostgresServer, ids: str, at: str, money: str, pieces: str
) -> None:
    server.run(
        "CREATE DOMAIN label AS text",
        "CREATE DOMAIN name_of_customer AS label",
        "CREATE DOMAIN moment AS timestamptz",
        "CREATE DOMAIN euros AS numeric CHECK (VALUE < 1e9)",
    )
    _sales(server, id=ids, at=at, money=money, pieces=pieces)
    read = build_ledger(shop(quantity="pieces"))
    text = build_ledger(book(CSV, quantity="pieces"))
    assert _bytes(read) == _bytes(text)
    assert read.manifest.fingerprint == text.manifest.fingerprint
    # 12.50 - 3.0001 + 1000.125 + 0.00005 (half-even: 0.0000); 9.90 is a guest's.
    assert (read.manifest.money["used"], read.manifest.money["guest"]) == ("1009.6249", "9.9000")


def test_integers_uuids_dates_and_enums_are_ids_and_times_as_in_parquet(
    book: Book, shop: Callable[..., Config], server: PostgresServer, tmp_path: Path
) -> None:
    server.run(
        "CREATE TYPE channel AS ENUM ('web', 'store')",
        'CREATE TABLE sales (id bigint, "when" date, money int, product uuid, way channel, kind bool, '
        "store numeric(9, 2), made float8)",
        "INSERT INTO sales VALUES (9007199254740993, '2024-01-05', 5, 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', 'store', "
        "true, 12.00, 77)",
    )
    columns = {"product_id": "product", "channel": "way", "category": "kind", "order_id": "store"}
    read = build_ledger(shop(**columns)).table().to_pylist()
    (row,) = read
    assert row["customer_id"] == "9007199254740993"  # 2^53 + 1: no float on the way.
    assert (row["product_id"], row["channel"]) == ("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "store")
    assert (row["category"], row["order_id"], row["amount"]) == ("true", "12", Decimal("5.0000"))
    assert build_ledger(shop(**columns, customer_id="made")).table().column("customer_id").to_pylist() == ["77"]


def test_a_numeric_arrives_to_the_last_digit(shop: Callable[..., Config], server: PostgresServer) -> None:
    _sales(server, "('a', '2024-01-05', 12345678901234.00004999999999999999, 1)")
    manifest = build_ledger(shop()).manifest
    assert manifest.money["used"] == "12345678901234.0000"
    assert manifest.rounding_difference == "0.00004999999999999999"


def test_nan_infinite_and_implausible_values_are_set_aside_with_their_reason(
    shop: Callable[..., Config], server: PostgresServer
) -> None:
    _sales(
        server,
        "('a', '2024-01-05', 1, 1), ('b', '2024-01-05', 'NaN', 1), ('c', '2024-01-05', 'Infinity', 1), "
        "('d', 'infinity', 1, 1), ('e', '-infinity', 1, 1), ('f', '0044-03-15 BC', 1, 1), ('g', NULL, 1, 1), "
        "('h', '2024-01-05', NULL, 1), ('i', '294276-12-31', 1, 1)",
    )
    ledger = build_ledger(shop(max_bad_share=1))
    found = list(zip(*(ledger.quarantine().column(c).to_pylist() for c in ("line", "reason")), strict=True))
    future = "lies after the moment of reading"
    assert found == [
        (2, "is not a finite number"),
        (3, "is not a finite number"),
        (4, future),
        (5, "lies before 1990"),
        (6, "lies before 1990"),
        (7, "has no date"),
        (8, "is missing"),
        (9, future),
    ]
    for kind in ("date", "timestamptz"):
        server.run(f'ALTER TABLE sales ALTER "when" TYPE {kind}')
        again = build_ledger(shop(max_bad_share=1)).quarantine()
        assert again.column("reason").to_pylist() == [reason for _, reason in found]


REFUSED = [
    ("amount", "money", "make a view with x0::numeric"),
    ("amount", "bool", "bool"),
    ("amount", "date", "date32"),
    ("amount", "int[]", "integer[], which is not read"),
    ("product_id", "json", "make a view with x4::text"),
    ("product_id", "jsonb", "jsonb, which is not read"),
    ("product_id", "bytea", "bytea"),
    ("product_id", "text[]", "text[]"),
    ("product_id", "timestamp", "timestamp"),
    ("purchased_at", "interval", "interval"),
    ("purchased_at", "time", "time without time zone"),
    ("purchased_at", "numeric", "decimal128"),
    ("purchased_at", "bool", "bool"),
]


def test_a_type_that_cannot_be_read_exactly_is_refused(server: PostgresServer, tmp_path: Path) -> None:
    server.run(f"CREATE TABLE sales ({', '.join(f'x{i} {kind}' for i, (_, kind, _) in enumerate(REFUSED))})")
    for i, (role, _, said) in enumerate(REFUSED):
        with pytest.raises(DataError) as caught:
            database_part(server.url(), "sales", tmp_path, {role: f"x{i}"})
        assert caught.value.code == "RG104"
        assert f"column `x{i}` of `sales`" in str(caught.value)
        assert said in str(caught.value)


def test_an_id_that_is_no_whole_number_is_refused(server: PostgresServer, tmp_path: Path) -> None:
    server.run("CREATE TABLE sales (a numeric, b numeric, c float8, d float8)")
    server.run("INSERT INTO sales VALUES (5.5, 'NaN', 5.5, 1e16)")
    for column in "abcd":
        with pytest.raises(DataError, match="RG103"):
            database_part(server.url(), "sales", tmp_path, {"customer_id": column})


def test_views_partitioned_and_materialised_tables_are_read(
    shop: Callable[..., Config], server: PostgresServer
) -> None:
    server.run(
        'CREATE TABLE parted (id text, "when" timestamp, money numeric) PARTITION BY RANGE ("when")',
        "CREATE TABLE parted_23 PARTITION OF parted FOR VALUES FROM ('2023-01-01') TO ('2024-01-01')",
        "CREATE TABLE parted_24 PARTITION OF parted FOR VALUES FROM ('2024-01-01') TO ('2025-01-01')",
        "INSERT INTO parted VALUES ('a', '2023-05-05', 1.5), ('b', '2024-05-05', 2.5)",
        "CREATE VIEW seen AS SELECT * FROM parted",
        "CREATE MATERIALIZED VIEW kept AS SELECT * FROM parted",
        "CREATE SCHEMA other",
        "CREATE TABLE other.far AS SELECT * FROM parted",
    )
    ledgers = [build_ledger(shop(table=table)) for table in ("parted", "public.parted", "seen", "kept", "other.far")]
    assert {_bytes(ledger) for ledger in ledgers} == {_bytes(ledgers[0])}
    assert ledgers[0].manifest.money["used"] == "4.0000"
    assert tables_at(server.url(), Path()) == ["other.far", "kept", "parted", "seen"]
    assert names_at(server.url(), "other.far", Path()) == ["id", "when", "money"]
    assert build_ledger(shop(table="parted_23")).manifest.money["used"] == "1.5000"
    server.run("DROP SCHEMA other CASCADE")


def test_an_unknown_table_or_column_is_refused_with_the_nearest_names(
    shop: Callable[..., Config], server: PostgresServer
) -> None:
    with pytest.raises(DataError, match=r"RG113.*it holds no table"):
        build_ledger(shop())
    _sales(server)
    with pytest.raises(DataError, match=r"RG113.*no table `sale`.*did you mean `sales`"):
        build_ledger(shop(table="sale"))
    with pytest.raises(DataError, match="RG113"):
        build_ledger(shop(table="SALES"))
    with pytest.raises(DataError, match=r"RG102.*no column `mony`.*did you mean `money`"):
        build_ledger(shop(amount="mony"))


def test_a_name_that_two_tables_answer_to_is_refused(shop: Callable[..., Config], server: PostgresServer) -> None:
    _sales(server)
    server.run("CREATE SCHEMA other", "CREATE TABLE other.far (id text)", 'CREATE TABLE "other.far" (id text)')
    with pytest.raises(DataError, match=r"RG177.*`other.far` of `public`"):
        build_ledger(shop(table="other.far"))
    server.run("DROP SCHEMA other CASCADE")


def test_an_unchanged_table_is_found_again_and_a_changed_one_is_not(
    shop: Callable[..., Config], server: PostgresServer
) -> None:
    _sales(server)
    first = build_ledger(shop())
    # Every row is written anew, and lies elsewhere; what is mapped is the same.
    server.run("UPDATE sales SET note = 'x' WHERE id = '7'")
    assert build_ledger(shop()).folder == first.folder
    server.run("UPDATE sales SET money = money + 0.0001 WHERE id = '00123'")
    second = build_ledger(shop())
    assert second.folder != first.folder
    assert second.manifest.money["used"] == "1009.6250"


def test_the_order_of_the_rows_makes_no_difference(shop: Callable[..., Config], server: PostgresServer) -> None:
    _sales(server, "(NULL, '2020-01-01', 0, 0)")
    rows = "SELECT 'c' || i % 7, timestamp '2024-01-01' + i * interval '1 h', i, 1 FROM generate_series(1, 900) i"
    server.run("TRUNCATE sales", f"INSERT INTO sales {rows}")
    parts, ledgers = [], []
    for order in ("md5(id || money)", "money DESC"):
        server.run("CREATE TABLE other AS SELECT * FROM sales ORDER BY " + order, "DROP TABLE sales")
        server.run("ALTER TABLE other RENAME TO sales")
        parts.append(database_part(server.url(), "sales", Path(), {"customer_id": "id", "amount": "money"}))
        ledgers.append(build_ledger(shop(max_bad_share=len(parts) / 10)))
    assert parts[0].sha256 == parts[1].sha256
    assert ledgers[0].folder != ledgers[1].folder
    assert _bytes(ledgers[0]) == _bytes(ledgers[1])


def test_a_table_that_changes_while_it_is_read_is_read_as_it_was(
    shop: Callable[..., Config], server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    _sales(server)
    found = postgres._found

    def found_and_changed(cursor: Any, said: str) -> Any:
        table = found(cursor, said)
        server.run("DELETE FROM sales WHERE id = '7'", "INSERT INTO sales VALUES ('new', '2024-01-05', 100, 1)")
        return table

    before = build_ledger(shop())
    monkeypatch.setattr(postgres, "_found", found_and_changed)
    assert build_ledger(shop()).folder == before.folder
    monkeypatch.undo()
    assert build_ledger(shop()).manifest.money["used"] == "112.5000"  # 12.50 + 0.0000 + 100.


def test_nothing_can_be_written_by_reading(shop: Callable[..., Config], server: PostgresServer) -> None:
    _sales(server)
    server.run(
        "CREATE FUNCTION trap() RETURNS numeric LANGUAGE sql VOLATILE AS 'DELETE FROM sales RETURNING money'",
        'CREATE VIEW trapped AS SELECT id, "when", trap() AS money FROM sales',
    )
    with pytest.raises(StorageError, match=r"RG176.*read-only transaction"):
        build_ledger(shop(table="trapped"))
    assert server.value("SELECT count(*) FROM sales") == 5


def test_an_error_in_the_midst_of_the_rows_leaves_no_ledger(
    shop: Callable[..., Config], server: PostgresServer, tmp_path: Path
) -> None:
    server.run(
        "CREATE VIEW sales AS SELECT 'a'::text AS id, date '2024-01-05' AS \"when\", 1 / (300000 - i) AS money "
        "FROM generate_series(1, 300100) i"
    )
    with pytest.raises(StorageError, match=r"RG176.*division by zero"):
        build_ledger(shop())
    assert list(tmp_path.rglob("*.parquet")) == []


def test_a_time_limit_and_a_missing_right_are_said(shop: Callable[..., Config], server: PostgresServer) -> None:
    _sales(server)
    server.run(
        'CREATE VIEW slow AS SELECT id, "when", money + length(pg_sleep(30)::text) AS money FROM sales',
        "CREATE ROLE reader LOGIN",
        "ALTER ROLE reader SET statement_timeout = '300ms'",
        "GRANT SELECT ON slow TO reader",
    )
    try:
        with pytest.raises(StorageError, match=r"RG176.*statement timeout.*raise statement_timeout"):
            build_ledger(shop(url=server.url("reader"), table="slow"))
        with pytest.raises(StorageError, match=r"RG176.*permission denied.*GRANT SELECT"):
            build_ledger(shop(url=server.url("reader")))
    finally:
        server.run("DROP OWNED BY reader", "DROP ROLE reader")


SECRET = "Zq7-planted-Zq7"


@pytest.mark.usefixtures("no_pauses")
@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("postgresql://locked:{secret}@/postgres?host={folder}", "RG174"),
        ("postgresql://locked:${{SHOP_SECRET}}@/postgres?host={folder}", "RG174"),
        ("postgresql://locked@/postgres?host={folder}&password={secret}", "RG174"),
        ("postgresql://postgres:{secret}@/nowhere?host={folder}", "RG174"),
        ("postgresql://locked:{secret}@127.0.0.1:1/postgres", "RG173"),
        ("postgresql://locked:{secret}%@127.0.0.1:1/postgres", "RG171"),
        ("postgresql://locked:{secret} @127.0.0.1:1/postgres", "RG171"),
        ("postgresql://locked:{secret}@127.0.0.1:port/postgres", "RG176"),
        ("postgresql://locked:a@b:{secret}@127.0.0.1:1/postgres", "RG171"),
        ("postgresql://locked:a/{secret}@127.0.0.1:1/postgres", "RG171"),
        ("postgresql://locked:a?{secret}@127.0.0.1:1/postgres", "RG171"),
        ("postgresql:/locked:{secret}@127.0.0.1:1/postgres", "RG112"),
        ("locked:{secret}@127.0.0.1", "RG112"),
        ("postgresql://locked:{secret}@/postgres?host={folder}&nonsense=1", "RG176"),
        ("postgresql://locked:${{NOT_SET}}{secret}@/postgres", "RG170"),
    ],
)
def test_a_password_is_never_shown(
    shop: Callable[..., Config], server: PostgresServer, monkeypatch: pytest.MonkeyPatch, url: str, code: str
) -> None:
    monkeypatch.setenv("SHOP_SECRET", SECRET)
    config = shop(url=url.format(secret=SECRET, folder=server.folder))
    with pytest.raises(RegularsError) as caught:
        build_ledger(config)
    assert caught.value.code == code
    shown = [str(caught.value), repr(caught.value), repr(vars(caught.value)), repr(config), str(config)]
    assert [text for text in shown if SECRET in text or SECRET[:6] in text] == []


def test_a_password_of_any_characters_comes_from_the_environment_and_stays_nowhere(
    shop: Callable[..., Config], server: PostgresServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _sales(server)
    server.run("GRANT SELECT ON sales TO locked")
    password = 'p@ss/%:"w'
    urls = {
        "part": "postgresql://locked:${SHOP_PASSWORD}@/postgres?host=" + str(server.folder),
        "whole": "${SHOP_URL}",
        "libpq": server.url("locked"),
    }
    monkeypatch.setenv("SHOP_PASSWORD", password)
    monkeypatch.setenv("SHOP_URL", server.url("locked:p%40ss%2F%25%3A%22w"))
    for name, url in urls.items():
        if name == "libpq":
            monkeypatch.setenv("PGPASSWORD", password)
        assert build_ledger(shop(url=url)).manifest.lines["used"] == 4
    monkeypatch.setenv("SHOP_PASSWORD", "wrong")
    monkeypatch.delenv("PGPASSWORD")
    with pytest.raises(ConfigError, match="RG174"):
        build_ledger(shop(url=urls["part"]))
    written = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert written
    assert [f for f in written for word in (password, "p%40ss") if word.encode() in f.read_bytes()] == []


def test_a_missing_driver_says_what_to_install(shop: Callable[..., Config], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "adbc_driver_postgresql", None)
    with pytest.raises(ConfigError, match=r"RG172.*pip install 'regulars\[postgres\]'"):
        build_ledger(shop())


TRIED = PAYLOADS if os.environ.get("REGULARS_SOAK") else PAYLOADS[::17]


def test_a_hundred_harmful_names_of_tables_and_columns_are_only_names(server: PostgresServer, tmp_path: Path) -> None:
    server.run("CREATE TABLE canary (v int)", "INSERT INTO canary VALUES (7)")
    for payload in TRIED:
        for table, column in ((payload, "v"), (f"public.{payload}", "v"), ("canary", payload)):
            with pytest.raises(DataError, match=r"RG113|RG102"):
                database_part(server.url(), table, tmp_path, {"customer_id": column})
    # And where the names are real, what stands under them is read: 100 columns of one table, and that under its name.
    server.run(*(f"CREATE TABLE {_quoted(p)} ({', '.join(f'{_quoted(c)} int' for c in PAYLOADS)})" for p in TRIED))
    mapping = {f"label_{i}": payload for i, payload in enumerate(PAYLOADS)}
    for payload in TRIED:
        server.run(f"INSERT INTO {_quoted(payload)} VALUES ({', '.join(map(str, range(100)))})")
        (rows,) = database_part(server.url(), payload, tmp_path, mapping).batches()
        assert [rows.column(role).to_pylist() for role in mapping] == [[str(i)] for i in range(100)]
    assert tables_at(server.url(), tmp_path) == sorted([*TRIED, "canary"], key=str.encode)
    assert server.value("SELECT v FROM canary") == 7


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def test_a_table_without_rows_is_refused(shop: Callable[..., Config], server: PostgresServer) -> None:
    _sales(server)
    server.run("TRUNCATE sales")
    with pytest.raises(DataError, match="RG118"):
        build_ledger(shop())


def test_more_rows_than_a_batch_keep_their_numbers_and_order(server: PostgresServer, tmp_path: Path) -> None:
    server.run("CREATE TABLE many AS SELECT i AS id, now() AS at FROM generate_series(1, 300000) i")
    part = database_part(server.url(), "many", tmp_path, {"customer_id": "id", "purchased_at": "at"})
    for _ in range(2):  # As often as one likes.
        tables = list(part.batches())
        assert max(t.num_rows for t in tables) <= 131_072
        whole = pa.concat_tables(tables)
        assert whole.column("line").to_pylist() == list(range(1, 300_001))
        assert whole.column("customer_id").to_pylist() == [str(i) for i in range(1, 300_001)]
    assert list((tmp_path / ".regulars").iterdir()) == []  # The rows lie in a file without a name.
    some = database_part(server.url(), "many", tmp_path, {"customer_id": "id"}, 1_000)
    assert sum(table.num_rows for table in some.batches()) == 1_000  # Enough for whoever only looks.


_PEAK = """
import resource, sys
from pathlib import Path
from regulars.intake.sources.databases import database_part
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
mapping = {"customer_id": "id", "purchased_at": "at", "amount": "money"}
database_part(sys.argv[1], "few", Path(sys.argv[2]), mapping)
before = peak()
part = database_part(sys.argv[1], "many", Path(sys.argv[2]), mapping)
assert sum(t.num_rows for t in part.batches()) == 2_000_000
print(peak() - before)
"""


@pytest.mark.soak
def test_two_million_rows_take_no_more_memory_than_a_few_batches(server: PostgresServer, tmp_path: Path) -> None:
    rows = "SELECT 'customer ' || i % 99991 AS id, now() AS at, i / 7.0 AS money FROM generate_series(1, {}) i"
    server.run(f"CREATE TABLE few AS {rows.format(1000)}", f"CREATE TABLE many AS {rows.format(2_000_000)}")
    command = [sys.executable, "-c", _PEAK, server.url(), str(tmp_path)]
    found = subprocess.run(command, capture_output=True, text=True, check=True, env=dict(os.environ))
    # ADBC hands over 16 MB at a time; as Python objects the rows would be more than 500 MB.
    assert float(re.findall(r"[\d.]+", found.stdout)[-1]) < 200
