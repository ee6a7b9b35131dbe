"""The ledger as a whole: nothing is lost, nothing depends on delivery, and what is written stays."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import FrozenInstanceError, replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars.config import Config
from regulars.errors import ConfigError, RegularsError, StorageError
from regulars.intake import Ledger, Manifest, build_ledger, open_ledger
from regulars.intake.blocks import customer_blocks
from regulars.schema import purchases_schema

Book = Callable[..., Config]

_id = st.sampled_from(["a", "b", " b", "", "00123", "123"])
_when = st.sampled_from(["2024-01-05", "2024-01-05 10:00", "2024-03-31 02:30", "2024-02-30", "", "2099-01-01", "x"])
_money = st.one_of(
    st.integers(-(10**6), 10**6).map(lambda cents: str(Decimal(cents).scaleb(-2))),
    st.sampled_from(["", "nan", "1e3", "0.12345", "999999999999999", "-0.00005"]),
)
_lines = st.lists(st.tuples(_id, _when, _money), min_size=1, max_size=30)


def _frame(lines: list[tuple[str, str, str]]) -> pa.Table:
    names = ("customer_id", "purchased_at", "amount")
    return pa.table({n: pa.array(c, pa.string()) for n, c in zip(names, zip(*lines, strict=True), strict=True)})


def _config(**purchases: object) -> Config:
    return Config.of(timezone="Europe/Berlin", purchases={"max_bad_share": 1.0, **purchases})


def _tried(lines: list[tuple[str, str, str]], config: Config) -> Ledger | str:
    """The ledger of some lines, or the code of the refusal."""
    try:
        return Ledger.from_frame(_frame(lines), config)
    except RegularsError as error:
        return error.code


@settings(max_examples=settings().max_examples // 2)
@given(
    _lines,
    st.sampled_from(["net", "drop"]),
    st.sampled_from(["overlap", "keep", "drop"]),
    st.randoms(use_true_random=False),
)
def test_every_line_and_every_cent_is_in_exactly_one_class_whatever_the_order_of_lines(
    lines: list[tuple[str, str, str]], returns: str, duplicates: str, shuffle: random.Random
) -> None:
    readable = [Decimal(m) for _, _, m in lines if m not in ("", "nan", "1e3", "999999999999999")]
    config = _config(returns=returns, duplicates=duplicates, decimal=".")
    ledger = _tried(lines, config)
    if isinstance(ledger, str):
        assert ledger == "RG118"  # No line at all can be used.
        return
    manifest = ledger.manifest
    (_, n, read), *classes = manifest.reconciliation()
    assert (n, n) == (len(lines), sum(k for _, k, _ in classes))
    assert read == sum(money for _, _, money in classes)
    assert read + Decimal(manifest.rounding_difference) == sum(readable)
    table = ledger.table()
    assert table.num_rows == manifest.lines["used"]
    assert sum(table.column("amount").to_pylist()) == Decimal(manifest.money["used"])
    assert ledger.quarantine().num_rows == manifest.lines["quarantined"]
    assert manifest.unreadable_amounts == len(lines) - len(readable)
    again = _tried(shuffle.sample(lines, len(lines)), config)
    assert isinstance(again, Ledger)
    assert again.table().equals(table)
    assert (again.manifest.fingerprint, again.manifest.money) == (manifest.fingerprint, manifest.money)


def _shop(n: int = 3_000) -> pd.DataFrame:
    """A shop of 300 customers, ids with leading zeros, a few of everything optional missing."""
    rng = np.random.default_rng(5)
    minutes = np.sort(rng.integers(0, 400_000, n))
    frame = pd.DataFrame(
        {
            "id": [f"{i:05}" for i in rng.integers(0, 300, n)],
            "when": pd.Timestamp("2023-01-01") + pd.to_timedelta(minutes, unit="min"),
            "money": np.round(rng.normal(20, 15, n), 2),
            "o": [f"o{m // 500}" for m in minutes],
            "kind": rng.choice(["Tea", "Kaffee", "чай"], n),
            "n": rng.integers(1, 5, n),
        }
    )
    frame.loc[rng.choice(n, 50, replace=False), "kind"] = None
    return frame


SHOP = {"order_id": "o", "category": "kind", "quantity": "n"}


def _as_csv(frame: pd.DataFrame) -> str:
    return frame.to_csv(index=False)


def test_shuffled_lines_give_a_byte_identical_file(book: Book) -> None:
    frame = _shop()
    files = [
        build_ledger(book(_as_csv(f), timezone="Europe/Berlin", **SHOP)).folder
        for f in (frame, frame.sample(frac=1, random_state=2))
    ]
    first, second = (Path(str(f)) / "purchases.parquet" for f in files)
    assert first != second
    assert first.read_bytes() == second.read_bytes()


def test_threads_and_file_boundaries_do_not_matter(book: Book) -> None:
    frame = _shop()
    one = build_ledger(book(_as_csv(frame), **SHOP))
    config = book({f"part{i}.csv": _as_csv(frame[i::3]) for i in range(3)}, **SHOP)
    config = config.model_copy(update={"engine": config.engine.model_copy(update={"threads": 1, "memory": "200MB"})})
    config = config.model_copy(
        update={
            "data": config.data.model_copy(
                update={"purchases": config.data.purchases.model_copy(update={"path": "data/part*.csv"})}
            )
        }
    )
    three = build_ledger(config)
    assert [s.lines for s in three.manifest.sources] == [1000, 1000, 1000]
    assert three.manifest.fingerprint == one.manifest.fingerprint
    assert three.table().equals(one.table())


def test_csv_parquet_pandas_and_arrow_have_one_fingerprint(book: Book, tmp_path: Path) -> None:
    frame = _shop()
    csv = build_ledger(book(_as_csv(frame), timezone="Europe/Berlin", **SHOP))
    config = book({"shop.parquet": b""}, timezone="Europe/Berlin", path="data/shop.parquet", **SHOP)
    frame.to_parquet(tmp_path / "data" / "shop.parquet")
    parquet = build_ledger(config)
    memory = [Ledger.from_frame(f, config) for f in (frame, frame.astype(object), pa.Table.from_pandas(frame))]
    ledgers = [csv, parquet, *memory]
    assert len({ledger.manifest.fingerprint for ledger in ledgers}) == 1
    assert all(ledger.table().equals(csv.table()) for ledger in ledgers)
    # The sum of cents as integers, which no delivery may change.
    assert csv.manifest.money["used"] == str(Decimal(int(np.rint(frame["money"] * 100).sum())).scaleb(-2)) + "00"


@pytest.mark.parametrize("change", [{"returns": "separate"}, {"count_free": True}, {"category": None}])
def test_other_rules_or_columns_are_another_fingerprint(change: dict[str, object]) -> None:
    frame = _shop(100)
    config = Config.of(customer_id="id", purchased_at="when", amount="money", purchases=dict(SHOP))
    other = Config.of(customer_id="id", purchased_at="when", amount="money", purchases={**SHOP, **change})
    prints = [Ledger.from_frame(frame, c).manifest.fingerprint for c in (config, other)]
    assert prints[0] != prints[1]


def test_one_cent_is_another_fingerprint() -> None:
    frame = _shop(100)
    config = Config.of(customer_id="id", purchased_at="when", amount="money")
    other = frame.assign(money=frame["money"].where(frame.index != 7, frame["money"] + 0.01).round(2))
    prints = [Ledger.from_frame(f, config).manifest.fingerprint for f in (frame, other)]
    assert prints[0] != prints[1]


def test_the_table_is_sorted_by_customer_bytes_time_and_order(book: Book) -> None:
    text = "id,when,money,o\nb,2024-01-05,1,x\nZ,2024-01-06,2,y\nb,2024-01-05,3,w\nb,2024-01-04,4,z\né,2024-01-01,5,\n"
    ledger = build_ledger(book(text, order_id="o"))
    table = ledger.table()
    assert table.schema == purchases_schema(ledger.columns)
    assert table.column("amount").to_pylist() == [Decimal(v) for v in (2, 4, 3, 1, 5)]


def test_returns_that_are_dropped_are_counted_with_their_money(book: Book) -> None:
    ledger = build_ledger(
        book("id,when,money\na,2024-01-05,10\na,2024-01-06,-4\na,2024-01-07,0\n,2024-01-07,-1\n", returns="drop")
    )
    assert {n: k for n, k in ledger.manifest.lines.items() if k} == {"read": 4, "used": 2, "guest": 1, "dropped": 1}
    assert (ledger.manifest.money["dropped"], ledger.manifest.money["guest"]) == ("-4.0000", "-1.0000")
    assert ledger.rules.returns == "drop"


@pytest.mark.parametrize("lines", [1, 100, 700, 10**6])
def test_shards_hold_whole_customers_in_order_and_nothing_twice(book: Book, lines: int) -> None:
    frame = _shop()
    on_disk = build_ledger(book(_as_csv(frame), **SHOP))
    in_memory = Ledger.from_frame(frame, book(_as_csv(frame), **SHOP))
    for ledger in (on_disk, in_memory):
        shards = list(ledger.shards(lines))
        assert pa.concat_tables(shards).equals(ledger.table())
        owners = [set(s.column("customer_id").to_pylist()) for s in shards]
        assert sum(len(o) for o in owners) == len(set.union(*owners)) == ledger.manifest.n_customers
        assert all(s.num_rows >= lines for s in shards[:-1])
        assert all(s.num_rows < lines + 40 for s in shards)  # Nobody here has 40 lines.


def test_blocks_do_not_depend_on_the_pieces_they_arrive_in() -> None:
    table = pa.table({"customer_id": [c for c in "aaabbbbccdeeeee" for _ in range(3)]})
    whole = [b.num_rows for b in customer_blocks([table], 10)]
    # a and b fill the first block (9 + 12); c and d have 9 lines between them, so e joins them (6 + 3 + 15).
    assert whole == [21, 24]
    for size in (1, 2, 7):
        pieces = [table.slice(i, size) for i in range(0, table.num_rows, size)]
        assert [b.num_rows for b in customer_blocks(pieces, 10)] == whole


def test_a_ledger_is_built_once_and_found_again(book: Book) -> None:
    config, said = book(_as_csv(_shop(200))), list[str]()
    first = build_ledger(config, said.append)
    assert any(s.startswith("reading a.csv") for s in said)
    said.clear()
    again = build_ledger(config, said.append)
    assert again == first  # The read time too: it is taken once.
    assert not any(s.startswith("reading") for s in said)
    assert open_ledger(Path(str(first.folder))) == first


def test_other_content_or_mapping_is_another_ledger(book: Book) -> None:
    frame = _shop(200)
    folders = [
        build_ledger(book(_as_csv(frame))).folder,
        build_ledger(book(_as_csv(frame), **SHOP)).folder,
        build_ledger(book(_as_csv(frame[1:]), **SHOP)).folder,
    ]
    assert len(set(folders)) == 3


def test_a_ledger_cannot_be_changed(book: Book) -> None:
    ledger = build_ledger(book("id,when,money\na,2024-01-05,1\n"))
    with pytest.raises(FrozenInstanceError):
        ledger.manifest = ledger.manifest


def test_a_manifest_survives_json(book: Book) -> None:
    manifest = build_ledger(book("id,when,money\n a,2024-01-05,1\n,2024-01-06,2\nA,2024-01-06,2\n")).manifest
    assert manifest.repairs
    assert manifest.notes
    assert Manifest.from_json(manifest.to_json()) == manifest
    assert json.loads(manifest.to_json())["money"]["guest"] == "2.0000"


def test_a_manifest_that_does_not_add_up_cannot_be_made(book: Book) -> None:
    manifest = build_ledger(book("id,when,money\na,2024-01-05,1\n")).manifest
    with pytest.raises(StorageError, match="does not add up"):
        replace(manifest, lines={**manifest.lines, "used": 2})
    with pytest.raises(StorageError, match="does not add up"):
        replace(manifest, money={**manifest.money, "used": "1.0001"})


def test_sums_beyond_int64_are_exact() -> None:
    # 3 x 92,233,720,368,547.7580 is more than an int64 of 1/10,000 holds in sum.
    frame = pa.table(
        {"customer_id": ["a", "b", "c"], "purchased_at": ["2024-01-05"] * 3, "amount": ["92233720368547.758"] * 3}
    )
    config = Config.of(purchases={"decimal": "."})
    assert Ledger.from_frame(frame, config).manifest.money["used"] == "276701161105643.2740"


def test_history_starts_may_be_said(book: Book) -> None:
    config = book("id,when,money\na,2024-01-05,1\n")
    said = config.model_copy(update={"data": config.data.model_copy(update={"history_starts": "2023-06-01"})})
    ledgers = [build_ledger(c) for c in (config, said)]
    assert [str(ledger.history_starts) for ledger in ledgers] == ["2024-01-05", "2023-06-01"]
    assert ledgers[0].manifest.fingerprint != ledgers[1].manifest.fingerprint


def test_history_ends_may_be_said_but_not_before_the_last_line(book: Book) -> None:
    config = book("id,when,money\na,2024-01-05,1\n,2024-01-09,1\n")

    def ending(day: str) -> Config:
        return config.model_copy(update={"data": config.data.model_copy(update={"history_ends": day})})

    # The guest's line of the 9th shows that this day is covered, and the 10th is the day after.
    assert [str(build_ledger(c).ends) for c in (config, ending("2024-01-31"))] == ["2024-01-10", "2024-02-01"]
    with pytest.raises(ConfigError, match="history_ends is 2024-01-08"):
        build_ledger(ending("2024-01-08"))


def test_row_groups_of_the_file_are_whole_customers(book: Book) -> None:
    ledger = build_ledger(
        book("id,when,money\n" + "".join(f"c{i // 400:03},2024-01-05,1\n" for i in range(70_000)), duplicates="keep")
    )
    with pq.ParquetFile(Path(str(ledger.folder)) / "purchases.parquet") as file:
        # 30,000 lines are exactly 75 customers.
        assert [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)] == [30_000, 30_000, 10_000]
