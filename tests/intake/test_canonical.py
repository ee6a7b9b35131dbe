"""Canonical Parquet: held to its contract, never cast, and sorted as any other source would be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from regulars.config import Config, EngineConfig
from regulars.errors import ConfigError, DataError
from regulars.intake import Ledger, build_ledger, canonical
from regulars.intake.canonical import canonical_blocks
from regulars.schema import INSTANT, MONEY, PURCHASES, purchases_schema
from regulars.sections import EventsConfig

OPTIONAL = ("quantity", "product_id", "category", "discount", "known_at")
COLUMNS = ("customer_id", "purchased_at", "order_id", "amount", *OPTIONAL)
START = datetime(2024, 1, 5, tzinfo=UTC)


def _lines(n: int = 4_000, seed: int = 3) -> pa.Table:
    """Unsorted lines: 300 customers, many orders at one instant, optional values missing here and there."""
    rng = np.random.default_rng(seed)
    customer, order = rng.integers(0, 300, n), rng.integers(0, 40, n)
    kinds = ["Tee", "Kaffee", "чай", None, "=1+1"]
    made = {
        "customer_id": [f"c{c:03}" if c % 2 else f"Ä{c}" for c in customer],
        "purchased_at": [START + timedelta(hours=int(h)) for h in order // 4],
        "order_id": [f"o{o}" for o in order],
        "amount": [Decimal(int(v)) / 100 for v in rng.integers(-500, 5_000, n)],
        "quantity": [None if v == 0 else Decimal(int(v)) for v in rng.integers(0, 5, n)],
        "product_id": [f"p{p}" for p in rng.integers(0, n, n)],
        "category": [kinds[k] for k in rng.integers(0, len(kinds), n)],
        "discount": [None if v < 3 else Decimal(int(v)) / 100 for v in rng.integers(0, 9, n)],
        "known_at": [START + timedelta(days=int(d)) for d in rng.integers(0, 90, n)],
    }
    return pa.table({c: pa.array(made[c], t.type) for t in PURCHASES if (c := t.name) in COLUMNS})


@pytest.fixture
def source(tmp_path: Path) -> Callable[..., Config]:
    """Writes tables as Parquet files and gives the configuration that reads them."""

    def write(*tables: pa.Table, canonical: bool = True, **purchases: object) -> Config:
        (tmp_path / "data").mkdir(exist_ok=True)
        for i, table in enumerate(tables):
            pq.write_table(table, tmp_path / "data" / f"{i}.parquet", row_group_size=700)
        mapped = {c: c for c in tables[0].column_names if c in COLUMNS}
        duplicates = {} if canonical else {"duplicates": "keep"}
        section = {"path": str(tmp_path / "data"), "canonical": canonical, **duplicates, **mapped, **purchases}
        config = Config.model_validate({"data": {"timezone": "Europe/Berlin", "purchases": section}})
        return config.model_copy(update={"folder": tmp_path})

    return write


def _bytes(ledger: Ledger) -> dict[str, bytes]:
    folder = Path(str(ledger.folder))
    return {name: (folder / name).read_bytes() for name in ("purchases.parquet", "index.parquet", "orders.npy")}


@pytest.mark.parametrize("returns", ["net", "drop"])
def test_a_canonical_ledger_has_the_bytes_of_one_that_was_read_with_care(
    source: Callable[..., Config], returns: str
) -> None:
    lines = _lines()
    tables = lines.slice(0, 2_500), lines.slice(2_500).select(COLUMNS[::-1])  # Columns go by name, not by place.
    straight, careful = (build_ledger(source(*tables, canonical=c, returns=returns)) for c in (True, False))
    assert _bytes(straight) == _bytes(careful)
    for fact in ("fingerprint", "lines", "money", "n_customers", "n_orders", "first_day", "history_ends", "sources"):
        assert getattr(straight.manifest, fact) == getattr(careful.manifest, fact)


def test_a_canonical_ledger_grows_by_files_of_any_days(source: Callable[..., Config], tmp_path: Path) -> None:
    lines, said = _lines(), list[str]()
    build_ledger(source(lines.slice(0, 3_000)))
    grown = build_ledger(source(lines.slice(0, 3_000), lines.slice(3_000)), said.append)
    assert "adding 1 of 2 files to what is known" in said
    assert not any("again" in s for s in said)
    whole = build_ledger(
        source(lines.slice(0, 3_000), lines.slice(3_000)).model_copy(update={"folder": tmp_path / "x"})
    )
    assert grown.table().equals(whole.table())
    assert replace(grown.manifest, read_time="") == replace(whole.manifest, read_time="")
    again = source(lines.slice(0, 3_000), lines.slice(3_000))
    events = EventsConfig(path="visits.csv", customer_id="id", occurred_at="when", all_of_kind="visit")
    (tmp_path / "visits.csv").write_text("id,when\nc001,2024-01-05\n")
    data = again.data.model_copy(update={"events": (events,)})
    first = build_ledger(again.model_copy(update={"data": data}), said.append)
    said.clear()
    (tmp_path / "visits.csv").write_text("id,when\nc001,2024-01-05\nc003,2024-01-05\n")
    second = build_ledger(again.model_copy(update={"data": data}), said.append)
    assert "adding 0 of 2 files to what is known" in said
    assert (first.rows_of("events").num_rows, second.rows_of("events").num_rows) == (1, 2)
    assert second.table().equals(whole.table())


def _plain(blocks: list[pa.Table]) -> pa.Table:
    names = tuple(blocks[0].column_names)
    return pa.concat_tables([b.cast(purchases_schema(names)) for b in blocks])


@pytest.mark.parametrize("frequent", [10_000, 100, 0])
def test_blocks_straight_from_the_sort_are_those_of_the_ledger(
    source: Callable[..., Config], monkeypatch: pytest.MonkeyPatch, frequent: int
) -> None:
    monkeypatch.setattr(canonical, "FREQUENT", frequent)
    config = source(_lines().slice(0, 2_000), _lines().slice(2_000))
    ledger = build_ledger(config)
    paths = sorted((config.folder / "data").iterdir())
    for lines in (1, 500, 30_000):
        blocks = list(canonical_blocks(paths, OPTIONAL, EngineConfig(threads=2, memory="500MB"), lines))
        assert [b.num_rows for b in blocks] == [b.lines for b in ledger.blocks(lines)]
        found, keys = _plain(blocks), ["customer_id", "purchased_at", "order_id"]
        assert found.select(keys).equals(ledger.table().select(keys))
        # Within an order at one instant the lines may stand in any order.
        every = [(name, "ascending") for name in COLUMNS]
        order = [c for c in COLUMNS if c in found.column_names]
        assert found.sort_by(every).select(order).equals(ledger.table().sort_by(every).select(order))
        coded = {n for n in found.column_names if pa.types.is_dictionary(blocks[0].schema.field(n).type)}
        few = {10_000: {"product_id", "category"}, 100: {"category"}, 0: set[str]()}[frequent]
        assert coded == {"customer_id"} | few


def test_only_the_columns_asked_for_come_in_canonical_order(source: Callable[..., Config]) -> None:
    config = source(_lines(100))
    (block,) = canonical_blocks([config.folder / "data" / "0.parquet"], ["category"])
    assert block.column_names == ["customer_id", "purchased_at", "order_id", "amount", "category"]


def _with(column: str, rows: dict[int, object]) -> pa.Table:
    """The lines with some values of a column replaced, by row."""
    table = _lines(2_000)
    values = table[column].to_pylist()
    for row, value in rows.items():
        values[row] = value
    at = table.column_names.index(column)
    return table.set_column(at, column, pa.array(values, table.schema.field(column).type))


BROKEN = [
    ("customer_id", None, "is missing"),
    ("customer_id", "", "is missing"),
    ("order_id", None, "is missing"),
    ("amount", None, "is missing"),
    ("purchased_at", None, "is missing"),
    ("purchased_at", datetime(1989, 12, 31, tzinfo=UTC), "lies before 1990"),
    ("purchased_at", datetime(2199, 1, 1, tzinfo=UTC), "lies after the moment of reading"),
    ("known_at", datetime(2199, 1, 1, tzinfo=UTC), "lies after the moment of reading"),
    ("discount", Decimal("-0.0001"), "is negative"),
]


@pytest.mark.parametrize(("column", "value", "words"), BROKEN)
@pytest.mark.parametrize("statistics", [True, False])
def test_a_line_that_breaks_the_contract_stops_the_run_with_its_place(
    source: Callable[..., Config], column: str, value: object, words: str, statistics: bool
) -> None:
    table = _with(column, {7: value, 1_500: value})
    config = source(_lines(10), table)
    path = config.folder / "data" / "1.parquet"
    pq.write_table(table, path, row_group_size=700, write_statistics=statistics)
    for run in (lambda: build_ledger(config), lambda: list(canonical_blocks([path], OPTIONAL))):
        with pytest.raises(DataError) as caught:
            run()
        assert (caught.value.code, f"2 where `{column}` {words}" in str(caught.value)) == ("RG136", True)
        assert f"1.parquet row 8: `{column}` {words}" in str(caught.value)
        assert f"1.parquet row 1501: `{column}` {words}" in str(caught.value)


OTHER_TYPES = [
    ("customer_id", pa.int64()),
    ("purchased_at", pa.timestamp("us")),
    ("purchased_at", pa.timestamp("ms", "UTC")),
    ("amount", pa.decimal128(18, 2)),
    ("amount", pa.float64()),
    ("category", pa.int32()),
]


@pytest.mark.parametrize(("column", "kind"), OTHER_TYPES)
def test_another_type_is_refused_and_never_cast(source: Callable[..., Config], column: str, kind: pa.DataType) -> None:
    table = _lines(20)
    at = table.column_names.index(column)
    values = pa.nulls(20, kind) if pa.types.is_integer(kind) else table[column].cast(kind, safe=False)
    config = source(table.set_column(at, column, values))
    with pytest.raises(DataError, match=f"column `{column}` of 0.parquet is") as caught:
        build_ledger(config)
    assert caught.value.code == "RG135"


def test_zones_of_any_name_and_texts_of_any_kind_are_the_same_values(source: Callable[..., Config]) -> None:
    table = _lines(500)
    kinds = {"customer_id": pa.large_string(), "purchased_at": pa.timestamp("us", "Asia/Tehran")}
    kinds |= {"category": pa.dictionary(pa.int32(), pa.string()), "amount": MONEY, "known_at": INSTANT}
    other = pa.table({n: table[n].cast(kinds.get(n, table[n].type)) for n in table.column_names})
    ledgers = [build_ledger(source(t)) for t in (table, other)]
    assert _bytes(ledgers[0]) == _bytes(ledgers[1])


def test_a_name_with_pattern_signs_is_that_file_and_no_other(source: Callable[..., Config]) -> None:
    config = source(_lines(10), _lines(50, seed=8))
    data = config.folder / "data"
    (data / "0.parquet").rename(data / "a[1].parquet")
    (data / "1.parquet").rename(data / "a1.parquet")
    (block,) = canonical_blocks([data / "a[1].parquet"], [])
    assert block.num_rows == 10
    assert build_ledger(config).manifest.lines["read"] == 60


def test_a_csv_is_not_canonical(source: Callable[..., Config]) -> None:
    config = source(_lines(10))
    (config.folder / "data" / "0.parquet").rename(config.folder / "data" / "gone.old")
    (config.folder / "data" / "a.csv").write_text(",".join(COLUMNS) + "\n" + "x," * 8 + "x\n")
    with pytest.raises(ConfigError, match="the source is no Parquet"):
        build_ledger(config)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"duplicates": "overlap"}, 'can only be "keep"'),
        ({"max_bad_share": 0.5}, "`max_bad_share` does nothing"),
        ({"decimal": ","}, "`decimal` does nothing"),
        ({"order_id": None}, "needs `path`, `order_id` and `amount`"),
    ],
)
def test_a_setting_that_canonical_lines_leave_idle_is_an_error(
    source: Callable[..., Config], settings: dict[str, object], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        source(_lines(10), **settings)
