"""Files, folders, globs and databases: what is refused, and that nothing is lost on the way in."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from regulars.config import Config
from regulars.errors import ConfigError, DataError, RegularsError
from regulars.intake import Ledger, build_ledger

Book = Callable[..., Config]
GOOD = "id,when,money\na,2024-01-05,1\n"
MANY = "id,when,money\n" + "".join(f"c{i},2024-01-05,{i}.5\n" for i in range(400))


@pytest.mark.parametrize(
    ("files", "purchases", "code", "said"),
    [
        (
            {"a.csv": "id,when,mony\na,2024-01-05,1\n"},
            {},
            "RG102",
            ["`a.csv` has no column `money`", "did you mean `mony`"],
        ),
        ({"a.csv": "a,2024-01-05,1\nb,2024-01-06,1\n"}, {}, "RG102", ["has no column `id`"]),
        ({"a.csv": "id,when,money,money\na,2024-01-05,1,2\n"}, {}, "RG101", ["money"]),
        ({"a.csv": "id,when,money,Money\na,2024-01-05,1,2\n"}, {}, "RG101", ["capitals", "money; Money"]),
        ({"a.csv": "id,when,money\n"}, {}, "RG118", ["no rows", "a.csv"]),
        ({"a.csv": ""}, {}, "RG118", ["no rows", "a.csv"]),
        ({"a.csv": GOOD, "b.csv": GOOD}, {}, "RG117", ["`a.csv` and `b.csv`", "remove one"]),
        ({"a.csv": GOOD, "b.csv.gz": GOOD}, {}, "RG117", ["same content"]),
        ({"a.csv": GOOD, "b.csv": "id,when\nb,2024-01-05\n"}, {}, "RG102", ["`b.csv` has no column `money`"]),
        ({"a.csv": GOOD.replace("a,", "تهران,").encode("cp1256")}, {}, "RG107", ["a.csv:2", "UTF-8", "تهران"]),
        ({"a.csv": GOOD.encode("utf-16")}, {}, "RG107", ["a.csv:1", "UTF-16"]),
        ({"a.csv": GOOD.encode("utf-16-le")}, {}, "RG107", ["a.csv:1", "NUL"]),
        ({"a.csv": MANY.replace("c7,", '"c7,')}, {}, "RG109", ["a.csv:9", "quote"]),
        ({"a.csv": MANY.replace("c7,", '"c7,').replace("c90,", '"c90,')}, {}, "RG109", ["a.csv:9"]),
        (
            {"a.csv": MANY.replace("c7,", "c7,9,")},
            {"max_bad_share": 0},
            "RG128",
            ["a.csv:9", "4 fields where the header has 3"],
        ),
        (
            {"a.csv": "id,when,money\n" + "a,2024-01-05,1,9\n" * 3},
            {},
            "RG128",
            ["3 of 3", "4 fields where the header has 3"],
        ),
        ({"a.xlsx": GOOD}, {}, "RG112", [".parquet", ".csv"]),
        ({"a.csv": GOOD}, {"path": "data/b.csv"}, "RG111", ["no file `data/b.csv`"]),
        ({"a.csv": GOOD}, {"path": "data/*.parquet"}, "RG111", ["data/*.parquet"]),
        ({"a.csv": GOOD}, {"path": None}, "RG115", ["`path`", "`url`"]),
        (
            {"a.csv": GOOD},
            {"path": None, "url": "postgresql://u:secret@h/d", "table": "t"},
            "RG112",
            ["sqlite:///", "duckdb:///"],
        ),
        ({"a.csv": GOOD}, {"path": None, "url": "sqlite:///none.db", "table": "t"}, "RG111", ["none.db"]),
    ],
)
def test_a_source_that_cannot_be_trusted_is_refused(
    book: Book, files: dict[str, str | bytes], purchases: dict[str, object], code: str, said: list[str]
) -> None:
    with pytest.raises(RegularsError) as caught:
        build_ledger(book(files, **purchases))
    assert caught.value.code == code
    assert [s for s in said if s not in str(caught.value)] == []
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("delimiter", "newline"), [(",", "\n"), (";", "\r\n"), ("\t", "\r"), ("|", "\n"), (",", "\r\n"), (",", "\r")]
)
def test_any_delimiter_and_line_end_gives_the_same_lines(book: Book, delimiter: str, newline: str) -> None:
    text = 'id,when,money,text\na,2024-01-05,1.25,"x, y; z"\nb,2024-01-06,2,\n'.replace("\n", newline)
    if delimiter != ",":
        text = text.replace('"x, y; z"', "x").replace(",", delimiter)
    ledger = build_ledger(book({"a.csv": b"\xef\xbb\xbf" + text.encode()}))
    assert ledger.manifest.reconciliation()[0] == ("read", 2, Decimal("3.25"))


def test_quoted_fields_may_hold_line_ends_and_keep_the_line_numbers_right(book: Book) -> None:
    text = 'id,when,money,text\na,2024-01-05,1,"two\nlines"\n\nb,never,2,"one ""quoted"" word"\n'
    ledger = build_ledger(book(text, max_bad_share=0.5))
    # Lines 2 and 3 are one record, line 4 is blank, the bad record is on line 5.
    assert ledger.quarantine().column("line").to_pylist() == [5]
    assert any("1 blank lines in a.csv" in n for n in ledger.manifest.notes)


@pytest.mark.parametrize("bad", ["b,2024-01-05", "b,2024-01-05,1,extra", 'b,2024-01-05,"1"2'])
def test_a_ragged_line_is_quarantined_whole_and_moves_nothing(book: Book, bad: str) -> None:
    ledger = build_ledger(book(f"id,when,money\na,2024-01-05,1\n{bad}\nc,2024-01-05,4\n", max_bad_share=0.5))
    (row,) = ledger.quarantine().to_pylist()
    assert (row["file"], row["line"], row["column"]) == ("a.csv", 3, None)
    assert bad.replace('"', '\\"') in row["text"]
    assert ledger.manifest.money["used"] == "5.0000"
    assert ledger.manifest.unreadable_amounts == 1


def test_a_footer_does_not_become_a_customer(book: Book) -> None:
    ledger = build_ledger(book("id,when,money\na,2024-01-05,10\nTotal,,10\n", max_bad_share=0.5))
    assert ledger.table().column("customer_id").to_pylist() == ["a"]
    assert ledger.quarantine().column("reason").to_pylist() == ["has no date"]


def test_a_last_line_without_an_end_is_noted(book: Book) -> None:
    assert any("no line end" in n for n in build_ledger(book(GOOD + "b,2024-01-06,10")).manifest.notes)


def test_columns_are_found_by_name_in_every_file(book: Book) -> None:
    files = {"a.csv": "id,when,money,tax\na,2024-01-05,100,7\n", "b.csv": "tax;money;when;id\n8;200;2024-01-06;b\n"}
    assert build_ledger(book(files)).manifest.money["used"] == "300.0000"


def test_an_empty_file_in_a_folder_is_passed_over_with_a_note(book: Book) -> None:
    ledger = build_ledger(book({"a.csv": GOOD, "b.csv": "", "c.csv": "id,when,money\n"}))
    assert [s.file for s in ledger.manifest.sources] == ["a.csv"]
    assert sum("is empty and was passed over" in n for n in ledger.manifest.notes) == 2


def test_what_is_not_read_in_a_folder_is_named(book: Book) -> None:
    ledger = build_ledger(book({"A.CSV": GOOD, "b.csv": GOOD.replace("a,", "b,"), "readme.txt": "hello"}))
    assert ledger.manifest.n_customers == 2  # Capitals in the ending make no difference.
    assert "not read in `data`: readme.txt" in ledger.manifest.notes


def test_a_frame_without_rows_is_refused() -> None:
    with pytest.raises(DataError, match="no rows: of 0 lines none can be used"):
        Ledger.from_frame(
            pa.table({c: pa.array([], pa.string()) for c in ("customer_id", "purchased_at", "amount")}), Config.of()
        )


def test_text_that_is_not_utf8_inside_parquet_is_refused(book: Book, tmp_path: Path) -> None:
    config = book({"a.parquet": b""})
    broken = pa.Array.from_buffers(pa.string(), 1, [None, pa.py_buffer(b"\0\0\0\0\2\0\0\0"), pa.py_buffer(b"\xe9\xff")])
    pq.write_table(_typed(["1"], pa.string()).set_column(0, "id", broken), tmp_path / "data" / "a.parquet")
    with pytest.raises(DataError):
        build_ledger(config)


def test_a_cut_gzip_file_is_refused(book: Book, tmp_path: Path) -> None:
    config = book({"a.csv.gz": MANY})
    file = tmp_path / "data" / "a.csv.gz"
    file.write_bytes(file.read_bytes()[:-20])
    with pytest.raises(DataError, match="not a whole gzip file"):
        build_ledger(config)


def test_a_cut_parquet_file_is_refused(book: Book, tmp_path: Path) -> None:
    config = book({"a.parquet": b""})
    pq.write_table(_typed(["1"], pa.string()), tmp_path / "data" / "a.parquet")
    whole = (tmp_path / "data" / "a.parquet").read_bytes()
    (tmp_path / "data" / "a.parquet").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match="not a whole Parquet file"):
        build_ledger(config)


def _typed(money: list[object], kind: pa.DataType, name: str = "a") -> pa.Table:
    return pa.table({"id": [name] * len(money), "when": ["2024-01-05"] * len(money), "money": pa.array(money, kind)})


def test_a_narrower_type_in_one_parquet_file_rounds_nothing(book: Book, tmp_path: Path) -> None:
    config = book({"a.parquet": b"", "b.parquet": b"", "c.parquet": b""})
    for name, kind, money in (("a", pa.int32(), 12), ("b", pa.float64(), 12.7), ("c", pa.string(), "12,9")):
        pq.write_table(_typed([money], kind), tmp_path / "data" / f"{name}.parquet")
    assert build_ledger(config).manifest.money["used"] == "37.6000"


def test_ids_of_two_types_in_two_parquet_files_are_one_customer(book: Book, tmp_path: Path) -> None:
    config = book({"a.parquet": b"", "b.parquet": b""})
    for name, ids in (("a", [7]), ("b", ["7"])):
        table = _typed([1.5], pa.float64()).set_column(0, "id", pa.array(ids))
        pq.write_table(table.append_column("file", pa.array([name])), tmp_path / "data" / f"{name}.parquet")
    assert build_ledger(config).manifest.n_customers == 1


ROWS = [("00123", "2024-01-05 10:00:00", 1.125), (7, "2024-01-06 11:00:00", 2), (None, "2024-01-07 12:00:00", 0.1)]


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


@pytest.mark.parametrize("name", ['money"), (select 1', "money; drop table raw", "a.b", "mo'ney", "mo`ney"])
def test_a_column_name_is_only_a_name(book: Book, tmp_path: Path, name: str) -> None:
    quoted = name.replace('"', '""')
    with closing(sqlite3.connect(tmp_path / "shop.db")) as db, db:
        db.execute(f'create table t (id, "when", "{quoted}")')
        db.execute("insert into t values ('a', '2024-01-05', 5)")
    pq.write_table(_typed([5], pa.int64()).rename_columns(["id", "when", name]), tmp_path / "a.parquet")
    for place in ({"path": None, "url": "sqlite:///shop.db", "table": "t"}, {"path": "a.parquet"}):
        assert build_ledger(book(GOOD, amount=name, **place)).manifest.money["used"] == "5.0000"


def test_a_folder_of_both_kinds_is_refused(book: Book, tmp_path: Path) -> None:
    config = book({"a.csv": GOOD, "b.parquet": b""})
    with pytest.raises(DataError, match="both CSV and Parquet"):
        build_ledger(config)


def test_history_that_starts_after_the_data_is_refused(book: Book) -> None:
    config = book(GOOD)
    late = config.model_copy(update={"data": config.data.model_copy(update={"history_starts": "2025-01-01"})})
    with pytest.raises(ConfigError, match="2025-01-01"):
        build_ledger(late)
