"""Stretches of customers out of a stored or held table: the right rows, and no others are read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from regulars.config import Config
from regulars.errors import ConfigError, StorageError
from regulars.intake import Ledger, build_ledger

N = 80_000
IDS = np.array([f"é{i}" if i % 7 == 0 else f"{i:04}" for i in range(2_000)])
SECTIONS: dict[str, Any] = {
    "events": {"path": "e.parquet", "customer_id": "who", "occurred_at": "at", "all_of_kind": "visit", "value": "v"},
    "customers": {"path": "c.parquet", "customer_id": "who", "attributes": ["Town"], "sensitive": ["sex"]},
}
RANGES = [
    *[(None, None), ("0100", None), (None, "0100"), ("0100", "0900"), ("0900", "0100"), ("é", "é9")],
    *[("zz", "zzz"), ("ü", None), ("0005", "0005"), ("0005x", "0006"), ("", "")],
]


@pytest.fixture(scope="module")
def ledgers(tmp_path_factory: pytest.TempPathFactory) -> tuple[Ledger, Ledger]:
    """The same tables on disk and in memory; the events fill three row groups."""
    folder, rng = tmp_path_factory.mktemp("rows"), np.random.default_rng(1)
    events = pa.table(
        {
            "who": IDS[rng.integers(0, len(IDS), N)],
            "at": pa.array(np.datetime64("2023-01-01", "s") + rng.integers(0, 10**7, N).astype("m8[s]")),
            "v": rng.integers(0, 100, N),
        }
    )
    people = pa.table({"who": IDS, "Town": ["Rom"] * len(IDS), "sex": ["f"] * len(IDS)})
    buys = pa.table({"id": ["0001"], "when": ["2024-01-05"], "money": [1]})
    for name, table in (("e", events), ("c", people), ("p", buys)):
        pq.write_table(table, folder / f"{name}.parquet")
    purchases = {"path": "p.parquet", "customer_id": "id", "purchased_at": "when", "amount": "money"}
    config = Config.model_validate({"data": {"purchases": purchases, **SECTIONS}})
    config = config.model_copy(update={"folder": folder})
    return build_ledger(config), Ledger.from_frame(buys, config, events=events, customers=people)


def test_row_groups_hold_whole_customers(ledgers: tuple[Ledger, Ledger]) -> None:
    with pq.ParquetFile(Path(str(ledgers[0].folder)) / "events.parquet") as file:
        groups = [file.read_row_group(i).column("customer_id").to_pylist() for i in range(file.num_row_groups)]
        assert file.metadata.row_group(0).column(0).compression == "ZSTD"
    assert [len(g) >= 30_000 for g in groups] == [True, True, False]
    assert sum(len(set(g)) for g in groups) == len(set().union(*map(set, groups)))


@pytest.mark.parametrize(("first", "last"), RANGES)
def test_rows_of_a_stretch_are_those_of_the_whole_between_the_ids(
    ledgers: tuple[Ledger, Ledger], first: str | None, last: str | None
) -> None:
    for ledger in ledgers:
        whole = ledger.rows_of("events")
        assert whole.num_rows == N
        ids = [i.encode() for i in whole.column("customer_id").to_pylist()]
        assert ids == sorted(ids)
        inside = [(first or "").encode() <= i and (last is None or i <= last.encode()) for i in ids]
        expected = whole.filter(pa.array(inside))
        assert ledger.rows_of("events", first, last).equals(expected)
        columns = ["value", "kind"]
        assert ledger.rows_of("events", first, last, columns).equals(expected.select(columns))


def test_only_row_groups_that_may_hold_the_customers_are_read(
    ledgers: tuple[Ledger, Ledger], monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []
    real = pq.ParquetFile.read_row_group

    def counted(self: pq.ParquetFile, i: int, *args: Any, **named: Any) -> pa.Table:
        read.append(i)
        return real(self, i, *args, **named)

    monkeypatch.setattr(pq.ParquetFile, "read_row_group", counted)
    stored = ledgers[0]
    stored.rows_of("events", "0001", "0002")
    assert read == [0]
    read.clear()
    stored.rows_of("events", "é1", None)
    assert 0 not in read
    read.clear()
    assert stored.rows_of("events", "ü", None).num_rows == 0  # Behind `é` in bytes.
    assert read == []


def test_sensitive_columns_are_given_only_by_name(ledgers: tuple[Ledger, Ledger]) -> None:
    for ledger in ledgers:
        assert ledger.rows_of("customers").column_names == ["customer_id", "Town"]
        assert ledger.rows_of("customers", "0001", "0001", ["sex"]).to_pylist() == [{"sex": "f"}]
        record = ledger.manifest.tables["customers"]
        assert (record.attributes, record.numbers, record.sensitive) == (("Town",), (), ("sex",))


def test_a_table_or_column_that_is_not_there_is_told(ledgers: tuple[Ledger, Ledger]) -> None:
    for ledger in ledgers:
        assert [ledger.has_table(t) for t in ("events", "customers", "offers", "consent")] == [True, True, False, False]
        with pytest.raises(ConfigError, match=r"no table of offers.*\[data\.offers\]"):
            ledger.rows_of("offers")
        with pytest.raises(ConfigError, match=r"no kind of table `event`.*did you mean `events`"):
            ledger.rows_of("event")
        with pytest.raises(ConfigError, match=r"no column `valu`.*did you mean `value`"):
            ledger.rows_of("events", columns=["valu"])
        with pytest.raises(ConfigError, match="no table of consent"):
            ledger.quarantine("consent")


def test_a_file_that_vanished_is_a_storage_error(tmp_path: Path, ledgers: tuple[Ledger, Ledger]) -> None:
    lost = Ledger(ledgers[0].manifest, tmp_path)
    with pytest.raises(StorageError, match="cannot be read"):
        lost.rows_of("events")
