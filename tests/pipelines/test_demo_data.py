"""The demo's data: the very wheels of the lock, unpacked into purchases that reconcile to the published counts."""

from __future__ import annotations

import re
import subprocess
import zipfile
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import pyarrow.parquet as pq
import pytest

from regulars.config import Config
from regulars.errors import StorageError
from regulars.intake import build_ledger
from regulars.pipelines import demo_data
from regulars.pipelines.demo_data import DATA_SETS, purchases_of, wheel_file

ROOT = Path(__file__).resolve().parents[2]


def test_the_wheels_are_those_of_the_lock_hash_by_hash() -> None:
    lock = (ROOT / "requirements-data.lock").read_text(encoding="utf-8")
    locked = re.findall(r"^([\w-]+)==([\w.]+) \\\n\s+--hash=sha256:([0-9a-f]{64})$", lock, re.MULTILINE)
    wheels = [chosen.wheel for chosen in DATA_SETS.values()]
    assert sorted(locked) == sorted((w.project, w.version, w.sha256) for w in wheels)


@pytest.fixture
def _no_fetching(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> None:
        raise AssertionError("a wheel that is there was fetched")

    monkeypatch.setattr(demo_data, "_fetch", never)


@pytest.mark.usefixtures("_no_fetching")
def test_another_wheel_of_the_right_name_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "Lifetimes-0.11.3-py3-none-any.whl"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("lifetimes/datasets/CDNOW_master.txt", "evil")
    with pytest.raises(StorageError, match="is not the wheel expected") as refused:
        wheel_file(DATA_SETS["cdnow"].wheel, tmp_path)
    assert refused.value.exit_code == 74
    assert "remove it" in refused.value.do


@pytest.mark.usefixtures("_no_fetching")
def test_a_wheel_that_is_there_is_not_fetched_again(wheels: Path) -> None:
    for chosen in DATA_SETS.values():
        assert wheel_file(chosen.wheel, wheels).parent == wheels


def test_a_wheel_that_cannot_be_fetched_is_said_with_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[str]] = []

    def pip(command: list[str], **_: object) -> SimpleNamespace:
        asked.append(command)
        return SimpleNamespace(returncode=1, stdout="", stderr="WARNING: retrying\nERROR: no network\n")

    monkeypatch.setattr(subprocess, "run", pip)
    with pytest.raises(StorageError, match=r"lifetimes 0\.11\.3.*no network") as refused:
        wheel_file(DATA_SETS["cdnow"].wheel, tmp_path / "new")
    assert str(tmp_path / "new") in refused.value.do
    (command,) = asked
    # Only the very file, only a wheel, nothing installed.
    assert {"download", "--no-deps", "--require-hashes", ":all:"} <= set(command)
    assert "install" not in command


def test_the_folder_of_wheels_can_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGULARS_WHEELS", str(tmp_path))
    (tmp_path / "lifetimes-0.11.3-py3-none-any.whl").write_bytes(b"")
    with pytest.raises(StorageError, match=re.escape(str(tmp_path))):
        wheel_file(DATA_SETS["cdnow"].wheel)


def test_cdnow_has_the_published_lines_and_dollars(
    wheels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGULARS_WHEELS", str(wheels))
    file = purchases_of("cdnow", tmp_path)
    config = Config.load(file)
    assert config.target.primary == 90
    ledger = build_ledger(config)
    lines = {name: (n, money) for name, n, money in ledger.manifest.reconciliation()}
    # 69,659 lines of 23,570 customers (Fader & Hardie's documentation of the set), $2,500,315.63 in all.
    assert lines["read"] == lines["used"] == (69_659, Decimal("2500315.63"))
    assert ledger.manifest.n_customers == 23_570
    assert (ledger.manifest.first_day, ledger.manifest.last_day) == ("1997-01-01", "1998-06-30")
    assert set(ledger.columns) == {"customer_id", "purchased_at", "order_id", "amount", "quantity"}
    ids = ledger.table()["customer_id"].to_pylist()
    assert ids[0] == "00001"
    # Once written, nothing is fetched or unpacked again, and the configuration is whole.
    monkeypatch.setenv("REGULARS_WHEELS", str(tmp_path / "gone"))
    assert purchases_of("cdnow", tmp_path) == file
    assert sorted(p.name for p in (tmp_path / "data" / "cdnow").iterdir()) == ["purchases.csv"]


@pytest.mark.soak  # It reads 1.5 million lines.
def test_complete_journey_keeps_every_line_and_adds_its_discounts(
    wheels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGULARS_WHEELS", str(wheels))
    config = Config.load(purchases_of("completejourney", tmp_path))
    file = tmp_path / "data" / "completejourney" / "purchases.parquet"
    table = pq.read_table(file, columns=["household_id", "discount"])
    # The package documents 1,469,307 lines of 2,469 households.
    assert table.num_rows == 1_469_307
    assert len(table["household_id"].unique()) == 2_469
    assert min(table["discount"].drop_null().to_pylist()) >= 0
    assert config.data.purchases.naive_timezone == "UTC"
    assert config.data.timezone == "America/New_York"
    written = sorted(p.name for p in file.parent.iterdir())
    assert written == ["households.parquet", "offers.parquet", "purchases.parquet"]
    # The tables beside the purchases: 6,589 receipts of campaigns and 801 households who answered.
    tables = build_ledger(Config.load(purchases_of("completejourney", tmp_path, beside=True))).manifest.tables
    assert {name: table.lines["used"] for name, table in tables.items()} == {"customers": 801, "offers": 6_589}
    assert tables["customers"].sensitive == ("age", "marital_status")
