"""Features as a table: one row per customer and cutoff, the catalogue's columns, whole files."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from regulars.clock import Cutoff
from regulars.config import Config
from regulars.engines import reference_of, write_panel
from regulars.errors import ConfigError, StorageError
from regulars.features.family import catalogue, plan_for
from regulars.intake import Ledger, build_ledger
from regulars.pipelines.features import catalogue_text, features, features_to
from regulars.pipelines.prepare import shape_of

from ..simulated import config_of, purchases, shop, trained, written


def same(first: pa.Table, second: pa.Table) -> bool:
    """Equal tables, missing values in the same places."""
    if first.schema != second.schema:
        return False
    pairs = zip(first.columns, second.columns, strict=True)
    return all(np.array_equal(a.to_pandas(), b.to_pandas(), equal_nan=i > 1) for i, (a, b) in enumerate(pairs))


def test_one_row_for_every_customer_who_bought_before_each_cutoff() -> None:
    days = [shop().ends.minus(200), shop().ends]
    table = features(shop(), config_of(), days)
    frame = purchases()
    bought = frame[frame["amount"] > 0]
    meant = {(c, d.date) for d in days for c in bought.loc[bought["purchased_at"] < str(d), "customer_id"]}
    keys = list(zip(table["customer_id"].to_pylist(), table["cutoff"].to_pylist(), strict=True))
    assert keys == sorted(meant)
    assert table.column_names == ["customer_id", "cutoff", *plan_for(shape_of(shop(), config_of())).names]
    assert table.schema.field("customer_id").type == pa.string()
    assert table.schema.field("cutoff").type == pa.date32()
    assert {table.schema.field(n).type for n in table.column_names[2:]} == {pa.float32()}


def test_features_are_those_that_the_model_learnt_from() -> None:
    cutoff = trained().trained_cutoffs[5]
    table = features(shop(), config_of(), [cutoff])
    rows = trained().prepared.panel.cutoff_day == cutoff.day
    values = np.stack([table[n].to_numpy() for n in table.column_names[2:]])
    assert values.tobytes() == trained().prepared.panel.values[:, rows].tobytes()


def test_a_cutoff_given_twice_or_out_of_order_counts_once() -> None:
    a, b = shop().ends.minus(100), shop().ends.minus(50)
    assert same(features(shop(), config_of(), [b, a, b]), features(shop(), config_of(), [a, b]))


def test_before_the_first_purchase_there_is_nobody() -> None:
    table = features(shop(), config_of(), [shop().history_starts])
    assert table.num_rows == 0
    assert table.num_columns == len(plan_for(shape_of(shop(), config_of())).names) + 2


def test_no_cutoff_is_a_mistake() -> None:
    with pytest.raises(ConfigError, match="no cutoff was given"):
        features(shop(), config_of(), [])


def parts(folder: Path) -> dict[str, bytes]:
    return {f.name: f.read_bytes() for f in sorted(folder.iterdir())}


def test_written_features_are_read_back_and_are_the_same_bytes_again(tmp_path: Path) -> None:
    days = [shop().ends.minus(10), shop().ends]
    said, notes = features_to(shop(), config_of(), days, tmp_path / "f")
    table = pq.read_table(tmp_path / "f")
    assert same(table, features(shop(), config_of(), days))
    assert said.pop("notes") == notes
    assert said == {
        "rows": table.num_rows,
        "features": table.num_columns - 2,
        "cutoffs": [str(d) for d in days],
    }
    shuffled = Ledger.from_frame(purchases().sample(frac=1, random_state=2), config_of())
    features_to(shuffled, config_of(engine={"threads": 3}), days[::-1], tmp_path / "g")
    assert parts(tmp_path / "g") == parts(tmp_path / "f")


def test_processes_change_no_byte(tmp_path: Path) -> None:
    config = Config.load(written(tmp_path, purchases()))
    ledger = build_ledger(config)
    days = [ledger.ends.minus(10), ledger.ends]
    features_to(ledger, config, days, tmp_path / "one")
    plan = plan_for(shape_of(ledger, config))
    reference = reference_of(ledger, days, plan)
    for processes in (1, 2):
        folder = tmp_path / f"by-{processes}"
        folder.mkdir()
        assert write_panel(ledger, plan, reference, days, folder, processes=processes, lines=50) > 0
    assert parts(tmp_path / "by-2") == parts(tmp_path / "by-1")
    assert len(parts(tmp_path / "by-1")) > 1
    assert same(pq.read_table(tmp_path / "by-2"), pq.read_table(tmp_path / "one"))


SURROUNDINGS = [
    {"TZ": "Asia/Tehran", "PYTHONHASHSEED": "1"},
    {"TZ": "America/St_Johns", "PYTHONHASHSEED": "2", "LC_ALL": "C"},
    {"TZ": "Pacific/Apia", "PYTHONHASHSEED": "3", "LC_ALL": "C.UTF-8", "LC_NUMERIC": "de_DE.UTF-8"},
]


@pytest.mark.parametrize(
    ("threads", "surroundings"), [(2, 1), *(pytest.param(*s, marks=pytest.mark.soak) for s in ((1, 0), (8, 2)))]
)
def test_threads_rows_files_zone_locale_and_hash_seed_change_no_byte(
    threads: int, surroundings: int, tmp_path: Path
) -> None:
    day = str(shop().ends)
    features_to(shop(), config_of(), [Cutoff.parse(day)], tmp_path / "here")
    # The same lines, shuffled, in two files.
    frame = purchases().sample(frac=1, random_state=threads)
    config = written(tmp_path / "there", frame)
    (tmp_path / "there" / "purchases.csv").unlink()
    for name, half in (("b.csv", frame[: len(frame) // 2]), ("a.csv", frame[len(frame) // 2 :])):
        half.to_csv(tmp_path / "there" / name, index=False)
    text = config.read_text(encoding="utf-8").replace('"purchases.csv"', '"*.csv"')
    config.write_text(text.replace("threads = 1", f"threads = {threads}"), encoding="utf-8")
    command = [sys.executable, "-m", "regulars.cli", "features", str(config), "--cutoff", day, "--out"]
    env = {**os.environ, **SURROUNDINGS[surroundings]}
    subprocess.run([*command, str(tmp_path / "out")], env=env, check=True, capture_output=True)
    assert parts(tmp_path / "out") == parts(tmp_path / "here")


def test_a_folder_of_other_things_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "f").mkdir()
    (tmp_path / "f" / "diary.txt").write_text("mine")
    with pytest.raises(StorageError, match="holds other things"):
        features_to(shop(), config_of(), [shop().ends], tmp_path / "f")
    assert (tmp_path / "f" / "diary.txt").read_text() == "mine"


def test_the_catalogue_is_a_line_a_feature_with_its_meaning() -> None:
    lines = catalogue_text().splitlines()
    entries = catalogue()
    assert len(lines) == len(entries) + 1
    assert lines[-1] == f"{len(entries)} features"
    for line, entry in zip(lines, entries, strict=False):
        for part in (entry.family, entry.name, entry.unit, entry.meaning, entry.missing):
            assert part in line
