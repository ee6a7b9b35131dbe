"""Frames in Python: the same rows are the same ledger, whoever holds them, and nothing is rounded, cut or shifted."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from regulars.config import Config
from regulars.errors import DataError
from regulars.intake import Ledger, build_ledger
from regulars.intake.sources.frames import frame_part

Book = Callable[..., Config]

IDS = ["00123", "7", None, "تهران", "7"]
STAMPS = ["2024-01-05 10:00:00", "2024-01-06 23:59:59.999999", "2024-03-01", "2024-02-29 00:00:00", "2024-01-06 08:30"]
TIMES = [dt.datetime.fromisoformat(text) for text in STAMPS]
MONEY = ["12.50", "-3.25", "9.90", "0.5", "1000.125"]
CHANNELS = ["web", "store", "web", None, "store"]
CSV = "id,when,money,way,note\n" + "".join(
    f"{i or ''},{t.isoformat(' ')},{m},{c or ''},x\n" for i, t, m, c in zip(IDS, TIMES, MONEY, CHANNELS, strict=True)
)
NOTES = ["x"] * 5


def _arrow() -> pa.Table:
    money = pa.array([Decimal(m) for m in MONEY], pa.decimal128(12, 4))
    return pa.table({"id": IDS, "when": pa.array(TIMES), "money": money, "way": CHANNELS, "note": NOTES})


def _pandas(**columns: Any) -> pd.DataFrame:
    plain = {"id": IDS, "when": TIMES, "money": list(map(float, MONEY)), "way": CHANNELS, "note": NOTES}
    return pd.DataFrame({**plain, **columns})


def _polars() -> pl.DataFrame:
    return pl.DataFrame({"id": IDS, "when": TIMES, "money": [Decimal(m) for m in MONEY], "way": CHANNELS})


def _as_pyarrow_types() -> pd.DataFrame:
    return _arrow().to_pandas(types_mapper=pd.ArrowDtype)


class _Stream:
    """Anything that offers its rows as a stream of Arrow."""

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return _arrow().__arrow_c_stream__(requested_schema)


class _Closed:
    """A stream that cannot be opened any more."""

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        raise ValueError("it is closed")


FRAMES: dict[str, Callable[[], Any]] = {
    "arrow": _arrow,
    "arrow in chunks": lambda: pa.concat_tables([_arrow().slice(0, 2), _arrow().slice(2)]),
    "arrow dictionary": lambda: _arrow().set_column(3, "way", _arrow().column("way").dictionary_encode()),
    "arrow views": lambda: _arrow().set_column(0, "id", pa.array(IDS, pa.string_view())),
    "record batch": lambda: _arrow().to_batches()[0],
    "reader": lambda: _arrow().to_reader(max_chunksize=2),
    "dataset": lambda: ds.dataset(_arrow()),
    "scanner": lambda: ds.dataset(_arrow()).scanner(batch_size=2),
    "stream": _Stream,
    "polars": _polars,
    "polars categories": lambda: _polars().with_columns(pl.col("way").cast(pl.Categorical)),
    "polars enum": lambda: _polars().with_columns(pl.col("way").cast(pl.Enum(["web", "store"]))),
    "polars floats": lambda: _polars().with_columns(pl.col("money").cast(pl.Float64)),
    "polars text": lambda: _polars().with_columns(pl.Series("when", [t.isoformat(" ") for t in TIMES])),
    "polars milliseconds and zone": lambda: _polars().with_columns(pl.col("when").dt.replace_time_zone("UTC")),
    "polars lazy": lambda: _polars().lazy(),
    "duckdb": lambda: duckdb.sql("from table_of_the_test", connection=_connection(_arrow())),
    "duckdb enum": lambda: duckdb.sql(
        "select id, \"when\", money::double as money, way::enum('web', 'store') as way from table_of_the_test",
        connection=_connection(_arrow()),
    ),
    "pandas": _pandas,
    "pandas objects": lambda: _pandas().astype(object),
    "pandas objects of many kinds": lambda: _pandas(
        id=pd.Series(["00123", 7, None, "تهران", 7.0], dtype=object),
        when=pd.Series([TIMES[0], STAMPS[1], TIMES[2], pd.Timestamp(TIMES[3]), TIMES[4]], dtype=object),
        money=pd.Series([Decimal("12.5"), -3.25, 9.9, "0.5", 1000.125], dtype=object),
        way=pd.Series(["web", "store", "web", pd.NA, "store"], dtype=object),
    ),
    "pandas nullable": lambda: _pandas().convert_dtypes(),
    "pandas categories": lambda: _pandas().astype({"way": "category", "id": "category"}),
    "pandas categories of objects": lambda: _pandas(id=pd.Series(["00123", 7, None, "تهران", 7], dtype="category")),
    "pandas strings": lambda: _pandas().astype({"way": "string", "money": "string"}),
    "pandas pyarrow": _as_pyarrow_types,
    "pandas zone": lambda: _pandas(when=pd.to_datetime(pd.Series(TIMES), utc=True).dt.tz_convert("Asia/Tehran")),
    "pandas zone objects": lambda: _pandas(
        when=pd.Series([pd.Timestamp(t, tz="UTC").tz_convert("Asia/Tehran") for t in TIMES], dtype=object)
    ),
}


def _connection(table_of_the_test: pa.Table) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.register("table_of_the_test", table_of_the_test)
    return connection


@pytest.fixture(scope="module")
def config() -> Config:
    """The mapping of the frames' columns."""
    purchases = {"customer_id": "id", "purchased_at": "when", "amount": "money", "channel": "way"}
    return Config.model_validate({"data": {"timezone": "UTC", "purchases": purchases}})


@pytest.fixture(scope="module")
def text(config: Config, tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    """The ledger of the same rows as CSV."""
    folder = tmp_path_factory.mktemp("text")
    (folder / "a.csv").write_text(CSV)
    purchases = config.data.purchases.model_copy(update={"path": "a.csv"})
    data = config.data.model_copy(update={"purchases": purchases})
    return build_ledger(config.model_copy(update={"data": data, "folder": folder}))


@pytest.mark.parametrize("name", FRAMES)
def test_the_same_rows_are_the_same_ledger_as_csv(config: Config, text: Ledger, name: str) -> None:
    ledger = Ledger.from_frame(FRAMES[name](), config)
    assert ledger.table().equals(text.table())
    assert ledger.manifest.fingerprint == text.manifest.fingerprint
    assert (ledger.manifest.lines, ledger.manifest.money) == (text.manifest.lines, text.manifest.money)
    # 12.50 - 3.25 + 0.5 + 1000.125; 9.90 is a guest's.
    assert (ledger.manifest.money["used"], ledger.manifest.money["guest"]) == ("1009.8750", "9.9000")


def test_the_same_rows_are_the_same_ledger_as_parquet(book: Book, config: Config, tmp_path: Path) -> None:
    stored = book({"a.parquet": b""}, channel="way")
    pq.write_table(_arrow(), tmp_path / "data" / "a.parquet")
    held = build_ledger(stored)
    assert held.table().equals(Ledger.from_frame(_polars(), config).table())
    assert held.manifest.fingerprint == Ledger.from_frame(_polars(), config).manifest.fingerprint


@pytest.mark.parametrize(
    ("times", "said"),
    [
        # As Arrow takes objects by itself: the zone is dropped, the day is cut off, seconds become microseconds.
        ([dt.datetime(2024, 1, 5, 10), dt.datetime(2024, 1, 5, 10, tzinfo=dt.UTC)], "with and without a time"),
        ([dt.datetime(2024, 1, 5, 10), 1704412800], "mixes formats"),
        ([1704412800.5, None], "times as numbers with fractions"),
        ([dt.timedelta(days=1), None], "timedelta"),
    ],
)
def test_times_of_different_kinds_are_not_made_one_in_silence(config: Config, times: list[Any], said: str) -> None:
    frame = pd.DataFrame({"id": ["a", "b"], "when": pd.Series(times, dtype=object), "money": [1, 2], "way": ["x", "y"]})
    with pytest.raises(DataError, match=said):
        Ledger.from_frame(frame, config)


def test_a_day_among_times_keeps_the_times_whole(config: Config) -> None:
    when = pd.Series([dt.date(2024, 1, 5), dt.datetime(2024, 1, 5, 10)], dtype=object)
    frame = pd.DataFrame({"id": ["a", "b"], "when": when, "money": [1, 2], "way": ["x", "y"]})
    found = Ledger.from_frame(frame, config).table().column("purchased_at").to_pylist()
    assert [t.hour for t in found] == [0, 10]


@pytest.mark.parametrize(
    "column",
    [
        pd.Series([1 + 2j, 1j]),
        pd.Series(pd.arrays.SparseArray([1.0, 0.0])),
        pd.Series(pd.period_range("2024-01", periods=2, freq="M")),
        pd.Series([pd.Interval(0, 1), pd.Interval(1, 2)]),
        pd.Series([b"x", b"y"]),
        pd.Series([[1], [2]]),
    ],
    ids=lambda column: str(column.dtype),
)
def test_a_kind_of_column_that_cannot_be_read_is_refused(config: Config, column: pd.Series) -> None:
    times = pd.to_datetime(["2024-01-05"] * 2)
    frame = pd.DataFrame({"id": ["a", "b"], "when": times, "money": column, "way": ["x", "y"]})
    with pytest.raises(DataError, match=r"RG104.*column `money` of (the )?frame"):
        Ledger.from_frame(frame, config)


def test_a_reader_that_was_read_before_is_refused(config: Config) -> None:
    reader = _arrow().to_reader()
    assert Ledger.from_frame(reader, config).manifest.lines["used"] == 4
    with pytest.raises(DataError, match=r"RG118.*delivers its rows only once"):
        Ledger.from_frame(reader, config)
    with pytest.raises(DataError, match=r"RG179.*closed.*made anew"):
        Ledger.from_frame(_Closed(), config)


def test_a_reader_that_breaks_on_the_way_leaves_nothing(config: Config) -> None:
    def batches() -> Any:
        yield _arrow().to_batches()[0]
        raise OSError("the cable is out")

    reader = pa.RecordBatchReader.from_batches(_arrow().schema, batches())
    with pytest.raises(DataError, match=r"RG179.*the cable is out"):
        Ledger.from_frame(reader, config)


def test_only_the_mapped_columns_of_a_relation_are_asked_for(config: Config) -> None:
    relation = duckdb.sql(
        "select *, error('asked for') as other from table_of_the_test", connection=_connection(_arrow())
    )
    assert Ledger.from_frame(relation, config).manifest.lines["used"] == 4


def test_what_streams_is_kept_as_often_as_it_is_read() -> None:
    rows = pa.table({"id": [str(i) for i in range(300_000)]})
    part = frame_part(rows.to_reader(max_chunksize=7_001), {"customer_id": "id"})
    for _ in range(2):
        tables = list(part.batches())
        assert [n for t in tables for n in t.column("line").to_pylist()] == list(range(1, 300_001))
        assert pa.concat_tables(tables).column("customer_id").to_pylist() == rows.column("id").to_pylist()


@pytest.mark.parametrize(
    "frame", [{"id": ["a"]}, [1], "a.csv", pd.Series([1], name="id")], ids=lambda f: type(f).__name__
)
def test_what_is_no_frame_is_refused(config: Config, frame: Any) -> None:
    with pytest.raises(DataError, match=r"RG119.*pandas, Polars or Arrow"):
        Ledger.from_frame(frame, config)


@pytest.mark.parametrize(
    "name", ["arrow", "reader", "dataset", "scanner", "stream", "polars", "polars lazy", "duckdb", "pandas"]
)
def test_a_missing_column_is_named_in_every_kind_of_frame(name: str) -> None:
    with pytest.raises(DataError, match=r"RG102.*no column `mony`.*did you mean `money`"):
        frame_part(FRAMES[name](), {"customer_id": "id", "amount": "mony"})
