"""Parquet files: whole, in their own types, and nothing rounded between them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from regulars.config import Config
from regulars.errors import DataError
from regulars.intake import build_ledger

Book = Callable[..., Config]


def _typed(money: list[object], kind: pa.DataType, name: str = "a") -> pa.Table:
    return pa.table({"id": [name] * len(money), "when": ["2024-01-05"] * len(money), "money": pa.array(money, kind)})


def test_text_that_is_not_utf8_inside_parquet_is_refused(book: Book, tmp_path: Path) -> None:
    config = book({"a.parquet": b""})
    broken = pa.Array.from_buffers(pa.string(), 1, [None, pa.py_buffer(b"\0\0\0\0\2\0\0\0"), pa.py_buffer(b"\xe9\xff")])
    pq.write_table(_typed(["1"], pa.string()).set_column(0, "id", broken), tmp_path / "data" / "a.parquet")
    with pytest.raises(DataError):
        build_ledger(config)


def test_a_cut_parquet_file_is_refused(book: Book, tmp_path: Path) -> None:
    config = book({"a.parquet": b""})
    pq.write_table(_typed(["1"], pa.string()), tmp_path / "data" / "a.parquet")
    whole = (tmp_path / "data" / "a.parquet").read_bytes()
    (tmp_path / "data" / "a.parquet").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match="not a whole Parquet file"):
        build_ledger(config)


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


def test_a_parquet_file_without_rows_is_passed_over(book: Book, tmp_path: Path) -> None:
    config = book({"a.parquet": b"", "b.parquet": b""})
    pq.write_table(_typed([1], pa.int64()), tmp_path / "data" / "a.parquet")
    pq.write_table(_typed([], pa.int64()), tmp_path / "data" / "b.parquet")
    ledger = build_ledger(config)
    assert [s.file for s in ledger.manifest.sources] == ["a.parquet"]
    assert "`b.parquet` is empty and was passed over" in ledger.manifest.notes


@pytest.mark.parametrize("name", ['money"), (select 1', "money; drop table raw", "a.b", "mo'ney", "mo`ney"])
def test_the_name_of_a_column_is_only_a_name(book: Book, tmp_path: Path, name: str) -> None:
    pq.write_table(_typed([5], pa.int64()).rename_columns(["id", "when", name]), tmp_path / "a.parquet")
    assert build_ledger(book({"a.csv": ""}, amount=name, path="a.parquet")).manifest.money["used"] == "5.0000"
