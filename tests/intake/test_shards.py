"""Blocks of whole customers: cut by the data alone, and each readable by itself."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.config import Config
from regulars.errors import StorageError
from regulars.intake import Ledger, build_ledger
from regulars.intake.blocks import customer_blocks
from regulars.intake.shards import Block, blocks_of, counted
from regulars.intake.sorted_files import read_blocks
from regulars.schema import purchases_schema

Book = Callable[..., Config]
TEXTS = ("customer_id", "order_id", "category")


def _text(customers: int = 400) -> str:
    """Customer i has 1 + i % 250 lines; every seventh category is missing."""
    lines = [
        f"c{i:04},2024-01-{1 + k % 28:02},{k}.50,o{i}-{k // 2},{'' if k % 7 == 0 else f'kind {(i + k) % 9}'}\n"
        for i in range(customers)
        for k in range(1 + i % 250)
    ]
    return "id,when,money,o,kind\n" + "".join(lines)


@pytest.fixture
def both(book: Book) -> tuple[Ledger, Ledger]:
    """The same ledger in files and in memory."""
    config = book(_text(), order_id="o", category="kind", duplicates="keep")
    frame = pa.csv.read_csv(config.folder / "data" / "a.csv", convert_options=_AS_TEXT)
    return build_ledger(config), Ledger.from_frame(frame, config)


_AS_TEXT = pa.csv.ConvertOptions(column_types=dict.fromkeys(("id", "when", "money", "o", "kind"), pa.string()))


@given(st.lists(st.integers(1, 9), min_size=1, max_size=40), st.integers(0, 30))
def test_counts_alone_tell_where_blocks_are_cut(sizes: list[int], lines: int) -> None:
    names = [f"c{i:02}" for i, n in enumerate(sizes) for _ in range(n)]
    table = pa.table({"customer_id": names})
    cut = list(customer_blocks([table], lines))
    found = [Block(b["customer_id"][0].as_py(), b["customer_id"][-1].as_py(), b.num_rows) for b in cut]
    assert blocks_of(counted(table), lines) == tuple(found)


@pytest.mark.parametrize("lines", [1, 1_000, 30_000, 10**7])
@pytest.mark.parametrize("encoded", [False, True])
def test_blocks_one_by_one_are_the_whole(both: tuple[Ledger, Ledger], lines: int, encoded: bool) -> None:
    whole = both[0].table()
    assert whole.equals(both[1].table())
    for ledger in both:
        blocks = ledger.blocks(lines)
        assert blocks == both[1].blocks(lines)
        step = max(len(blocks) // 5, 1)
        parts = [
            shard
            for first in range(0, len(blocks), step)
            for shard in ledger.shards(lines, blocks=range(first, min(first + step, len(blocks))), encoded=encoded)
        ]
        assert [s.num_rows for s in parts] == [b.lines for b in blocks]
        assert pa.concat_tables([s.cast(whole.schema) for s in parts]).equals(whole)


def test_encoded_texts_are_dictionaries_with_missing_values_still_missing(both: tuple[Ledger, Ledger]) -> None:
    code = pa.dictionary(pa.int32(), pa.string())
    for ledger in both:
        for lines in (700, 30_000):
            shard = next(iter(ledger.shards(lines, encoded=True)))
            assert {n for n in shard.column_names if shard.schema.field(n).type == code} == set(TEXTS)
            assert all(c.num_chunks == 1 for c in shard.columns)
            assert shard["category"].null_count == ledger.table()["category"].slice(0, shard.num_rows).null_count > 0


def test_a_block_can_be_read_without_the_customers(both: tuple[Ledger, Ledger]) -> None:
    for ledger in both:
        (only,) = ledger.shards(1_000, columns=["amount"], blocks=[2])
        assert only.schema == purchases_schema(("amount",))
        before = sum(b.lines for b in ledger.blocks(1_000)[:2])
        assert only["amount"].to_pylist() == ledger.table()["amount"].slice(before, only.num_rows).to_pylist()


def test_only_the_row_groups_that_are_asked_for_are_read(
    both: tuple[Ledger, Ledger], monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger, read = both[0], list[int]()
    original = pa.parquet.ParquetFile.read_row_group

    def watched(self: object, i: int, **options: object) -> pa.Table:
        read.append(i)
        return original(self, i, **options)

    monkeypatch.setattr(pa.parquet.ParquetFile, "read_row_group", watched)
    assert len(ledger.blocks()) == 2  # 150 x 125.5 + 250 x 125.5 lines or so, in row groups of 30,000.
    list(ledger.shards(blocks=range(1, 2)))
    assert read == [1]


def test_a_ledger_with_its_index_read_travels_to_another_process(both: tuple[Ledger, Ledger]) -> None:
    ledger = both[0]
    assert len(ledger.blocks(500)) > len(ledger.blocks()) == 2
    again = pickle.loads(pickle.dumps(ledger))
    assert again.blocks(500) == ledger.blocks(500)


def test_ids_too_long_for_statistics_are_found_all_the_same(book: Book) -> None:
    long = "x" * 5_000
    text = "id,when,money\n" + "".join(f"{long}{i},2024-01-05,1\n" for i in range(3))
    ledger = build_ledger(book(text))
    assert ledger.blocks() == (Block(f"{long}0", f"{long}2", 3),)
    assert next(iter(ledger.shards(1, blocks=[1])))["customer_id"].to_pylist() == [f"{long}1"]


def test_an_index_that_does_not_fit_the_lines_is_refused(both: tuple[Ledger, Ledger]) -> None:
    path = Path(str(both[0].folder)) / "purchases.parquet"
    with pytest.raises(StorageError, match="its index says 8"):
        list(read_blocks([path], [Block("c0000", "c0002", 8)], ("amount",), False, ("customer_id",)))
