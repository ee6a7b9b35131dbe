"""Files, folders and globs: what is read together, what is refused, and that nothing is read twice."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from regulars.config import Config
from regulars.errors import ConfigError, DataError, RegularsError
from regulars.intake import Ledger, build_ledger
from regulars.intake.sources.found import names_of, supported
from regulars.intake.sources.kinds import Reading

Book = Callable[..., Config]
GOOD = "id,when,money\na,2024-01-05,1\n"
LINES = '{"id": "a", "when": "2024-01-05", "money": 1}\n'


@pytest.mark.parametrize(
    ("files", "purchases", "code", "said"),
    [
        ({"a.csv": "id,when,money\n"}, {}, "RG118", ["no rows", "a.csv"]),
        ({"a.csv": ""}, {}, "RG118", ["no rows", "a.csv"]),
        ({"a.jsonl": " \n\n"}, {}, "RG118", ["no rows", "a.jsonl"]),
        ({"a.csv": GOOD, "b.csv": GOOD}, {}, "RG117", ["`a.csv` and `b.csv`", "remove one"]),
        ({"a.csv": GOOD, "b.csv.gz": GOOD}, {}, "RG117", ["same content"]),
        ({"a.csv.gz": GOOD, "b.csv.zst": GOOD}, {}, "RG117", ["same content"]),
        ({"a.csv": GOOD, "b.csv": GOOD.encode("utf-16")}, {}, "RG117", ["same content"]),
        ({"a.csv": GOOD, "b.csv": b"\xef\xbb\xbf" + GOOD.encode()}, {}, "RG117", ["same content"]),
        ({"a.jsonl": LINES, "b.ndjson.gz": LINES}, {}, "RG117", ["same content"]),
        ({"a.csv": GOOD, "b.csv": "id,when\nb,2024-01-05\n"}, {}, "RG102", ["`b.csv` has no column `money`"]),
        ({"a.dat": GOOD}, {}, "RG112", [".parquet", ".csv", ".csv.zst", ".jsonl"]),
        ({"a.csv": GOOD}, {"path": "data/b.csv"}, "RG111", ["no file `data/b.csv`"]),
        ({"a.csv": GOOD}, {"path": "data/*.parquet"}, "RG111", ["data/*.parquet"]),
        ({"a.csv": GOOD}, {"path": None}, "RG115", ["`path`", "`url`"]),
        ({"a.csv": GOOD, "b.parquet": b""}, {}, "RG116", ["both CSV and Parquet files", "one kind", "*.csv"]),
        ({"a.csv": GOOD, "b.jsonl": LINES}, {}, "RG116", ["both CSV and JSON lines files"]),
        ({"a.csv": GOOD}, {"sheets": ["x"]}, "RG150", ["`sheets` does nothing", "CSV"]),
        ({"a.parquet": b""}, {"encoding": "cp1252"}, "RG150", ["`encoding` does nothing", "CSV and JSON lines"]),
    ],
)
def test_files_that_cannot_be_read_together_are_refused(
    book: Book, files: dict[str, str | bytes], purchases: dict[str, object], code: str, said: list[str]
) -> None:
    with pytest.raises(RegularsError) as caught:
        build_ledger(book(files, **purchases))
    assert caught.value.code == code
    assert [s for s in said if s not in str(caught.value)] == []


def test_columns_are_found_by_name_in_every_file(book: Book) -> None:
    files = {"a.csv": "id,when,money,tax\na,2024-01-05,100,7\n", "b.csv": "tax;money;when;id\n8;200;2024-01-06;b\n"}
    assert build_ledger(book(files)).manifest.money["used"] == "300.0000"


def test_an_empty_file_in_a_folder_is_passed_over_with_a_note(book: Book) -> None:
    ledger = build_ledger(book({"a.csv": GOOD, "b.csv": "", "c.csv": "id,when,money\n\n \n"}))
    assert [s.file for s in ledger.manifest.sources] == ["a.csv"]
    assert sum("is empty and was passed over" in n for n in ledger.manifest.notes) == 2


def test_what_is_not_read_in_a_folder_is_named(book: Book) -> None:
    ledger = build_ledger(book({"A.CSV": GOOD, "b.csv": GOOD.replace("a,", "b,"), "readme.txt": "hello"}))
    assert ledger.manifest.n_customers == 2  # Capitals in the ending make no difference.
    assert "not read in `data`: readme.txt" in ledger.manifest.notes


def test_a_folder_may_hold_packed_and_plain_files_of_one_kind(book: Book) -> None:
    files = {f"{name}.{end}": GOOD.replace("a,", f"{name},") for name, end in zip("abc", _CSV_ENDINGS, strict=True)}
    ledger = build_ledger(book(files))
    assert ledger.table().column("customer_id").to_pylist() == ["a", "b", "c"]


_CSV_ENDINGS = ("csv", "csv.gz", "csv.zst")


def test_a_glob_reads_texts_that_a_folder_passes_over(book: Book) -> None:
    files = {"a.tsv.gz": GOOD.replace(",", "\t"), "b.txt.zst": GOOD.replace("a,", "b,")}
    with pytest.raises(ConfigError, match="holds no file that can be read"):
        build_ledger(book(files))
    assert build_ledger(book(files, path="data/*.t*")).manifest.n_customers == 2


def test_the_same_lines_are_the_same_ledger_whatever_text_holds_them(book: Book, tmp_path: Path) -> None:
    rows = [("تهران", "2024-01-05 10:00:00", "12.50"), ("00123", "2024-01-06", "1000.125"), ("", "2024-01-07", "0.1")]
    text = "id,when,money\n" + "".join(",".join(row) + "\n" for row in rows)
    lines = "".join(
        json.dumps({"money": 0, "id": i or None, "when": w}, ensure_ascii=False).replace(": 0", f": {m}") + "\n"
        for i, w, m in rows
    )
    sources: list[tuple[str, bytes, dict[str, object]]] = [
        ("a.csv", text.encode(), {}),
        ("a.csv.gz", text.encode(), {}),
        ("a.csv.zst", text.encode(), {}),
        ("a.tsv", text.replace(",", "\t").encode("utf-16"), {}),
        ("a.txt.gz", text.replace(",", "|").replace("\n", "\r").encode("utf-16"), {}),
        ("a.csv", b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode(), {}),
        ("a.csv", text.encode("cp1256"), {"encoding": "cp1256"}),
        ("a.csv", text.encode("utf-16-be"), {"encoding": "utf-16-be"}),
        ("a.csv", b'"' + text.replace(",", '","').replace("\n", '"\n"').encode()[:-1], {}),
        ("a.jsonl", lines.encode(), {}),
        ("a.ndjson.gz", lines.encode("utf-16"), {}),
        ("a.jsonl.zst", json.dumps(dict.fromkeys(("id", "when", "money"))).encode() + b"\n" + lines.encode(), {}),
    ]
    prints = set()
    for name, content, purchases in sources:
        ledger = build_ledger(book({name: content}, max_bad_share=0.5, **purchases))
        # The last source has one more line, which lacks a date.
        assert ledger.manifest.lines["used"] == 2
        assert ledger.manifest.money["used"] == "1012.6250"
        assert ledger.folder is not None
        prints.add((ledger.folder / "purchases.parquet").read_bytes())
    assert len(prints) == 1


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", b"\xef\xbb\xbfid; when ;money\na;b;c\n"),
        ("a.tsv.zst", "id\twhen\tmoney\n".encode("utf-16")),
        ("a.jsonl", b'{"id": 1}\nno\n{"when": 2, "id": 3, "money": {"x": 1}}\n'),
    ],
)
def test_the_names_of_the_columns_are_told_before_anything_is_mapped(
    book: Book, tmp_path: Path, name: str, content: bytes
) -> None:
    book({name: content})
    assert names_of(tmp_path / "data" / name, Reading()) == ["id", "when", "money"]


def test_the_names_in_a_parquet_file_are_told(tmp_path: Path) -> None:
    pq.write_table(pa.table({"id": [1], "money": [2]}), tmp_path / "a.parquet")
    assert names_of(tmp_path / "a.parquet", Reading()) == ["id", "money"]


def test_every_kind_is_named_among_what_can_be_read() -> None:
    assert [
        e for e in (".csv", ".csv.zst", ".txt.gz", ".parquet", ".jsonl", ".ndjson.zst") if e not in supported()
    ] == []


def test_a_frame_without_rows_is_refused() -> None:
    with pytest.raises(DataError, match="no rows: of 0 lines none can be used"):
        Ledger.from_frame(
            pa.table({c: pa.array([], pa.string()) for c in ("customer_id", "purchased_at", "amount")}), Config.of()
        )


def test_history_that_starts_after_the_data_is_refused(book: Book) -> None:
    config = book(GOOD)
    late = config.model_copy(update={"data": config.data.model_copy(update={"history_starts": "2025-01-01"})})
    with pytest.raises(ConfigError, match="2025-01-01"):
        build_ledger(late)
