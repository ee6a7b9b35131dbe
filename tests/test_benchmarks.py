"""The benchmark compares like with like: all ways give the same features, and a difference would be seen.

In: a small synthetic file and ledger. Out: sentences; nothing is timed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from benchmarks.__main__ import main
from benchmarks.agreement import disagreements
from benchmarks.job import COLUMNS, EXACT, NAMES, REFERENCE, Job
from benchmarks.kernel import exact, from_ledger, from_unsorted, panel_table, plan_of_the_80, to_parquet
from benchmarks.nightly import of_batch, of_replay, of_tracking
from benchmarks.one import customer
from benchmarks.purchases import pieces, prepare
from benchmarks.run import watched
from benchmarks.tables import of_scoring, of_training
from benchmarks.training import Spent
from benchmarks.tree import cpu_seconds, family_of
from benchmarks.with_duckdb import duckdb_features, duckdb_sorted
from benchmarks.with_pandas import pandas_features, pandas_from_lines
from regulars.clock import DAY_US, Cutoff
from regulars.features.family import plan_for
from regulars.features.history import History
from regulars.features.panel import panel_block
from regulars.features.reference import Reference
from regulars.features.shape import Shape
from regulars.intake import open_ledger
from regulars.schema import Rules, purchases_schema

ROOT = Path(__file__).resolve().parents[1]
LINUX = pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="reads Linux's /proc")


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Job:
    """Few customers, but every kind of line; the first cutoffs' longer windows begin before the ledger."""
    return prepare(tmp_path_factory.mktemp("bench"), lines=4_000, n_cutoffs=4)


@pytest.fixture(scope="module")
def meant(job: Job) -> pa.Table:
    return exact(job)


def _with(table: pa.Table, name: str, row: int, value: float | None) -> pa.Table:
    values = table[name].to_pylist()
    values[row] = value
    return table.set_column(table.schema.get_field_index(name), name, pa.array(values, pa.float64()))


def test_there_are_80_reference_features_and_each_is_named_once() -> None:
    assert len(NAMES) == len(set(NAMES)) == 80
    assert set(NAMES) > EXACT
    assert {family: len(names) for family, names in REFERENCE.items()} == {
        "rfm": 18,
        "windows": 41,
        "cadence": 12,
        "basket": 9,
    }


def test_the_file_is_canonical_and_unsorted(job: Job) -> None:
    table = pq.read_table(job.source)
    assert table.schema.equals(purchases_schema(tuple(table.column_names)))
    assert table["customer_id"].to_pylist() != sorted(table["customer_id"].to_pylist())
    assert open_ledger(Path(job.ledger)).manifest.lines["used"] == table.num_rows == 4_000


def test_pandas_agrees_with_the_kernel(job: Job, meant: pa.Table) -> None:
    assert disagreements("pandas", pa.Table.from_pandas(pandas_features(job)), meant) == []
    assert disagreements("pandas, from lines", pa.Table.from_pandas(pandas_from_lines(job)), meant) == []


def test_duckdb_agrees_with_the_kernel(job: Job, meant: pa.Table) -> None:
    assert disagreements("duckdb", duckdb_features(job, "DOUBLE"), meant) == []


def test_the_panels_are_what_the_families_yield_rounded_to_float32(job: Job, meant: pa.Table, tmp_path: Path) -> None:
    assert disagreements("ledger", panel_table(from_ledger(job)), meant) == []
    assert disagreements("memory", panel_table(from_unsorted(job)), meant) == []
    assert to_parquet(job, tmp_path) == meant.num_rows
    written = pq.read_table(tmp_path)
    days = pc.cast(pc.cast(written["cutoff"], pa.int32()), pa.int64())
    written = written.set_column(written.column_names.index("cutoff"), "cutoff", days)
    assert disagreements("parquet", written, meant) == []


def test_the_reference_features_are_those_of_the_catalogue(job: Job) -> None:
    plan, shape = plan_of_the_80(), Shape(families=tuple(REFERENCE), columns=COLUMNS[4:])
    cutoffs, ledger = [Cutoff(day) for day in job.cutoffs], open_ledger(Path(job.ledger))
    history = History(customer(3), Rules("UTC"), ledger.history_starts)
    panel = panel_block(history, plan, Reference.empty(), cutoffs)
    whole = panel_block(history, plan_for(shape), Reference.empty(), cutoffs)
    assert panel.n_rows == len(cutoffs)
    differing = [n for n in NAMES if not np.array_equal(panel.feature(n), whole.feature(n), equal_nan=True)]
    assert differing == []


def test_no_reference_feature_is_the_same_everywhere_and_the_left_edge_is_among_them(meant: pa.Table) -> None:
    # A way that gave zeros, or never a missing value, could not agree by chance.
    values = {name: meant[name].to_numpy() for name in NAMES}
    few = [name for name, v in values.items() if len(np.unique(v[~np.isnan(v)])) < 3]
    assert few == ["one_time"]  # is 0 or 1
    missing = {name for name, v in values.items() if np.isnan(v).any()}
    # The first cutoff is on day 90: longer windows are not covered there, shorter ones are.
    assert {"orders_180d", "spend_365d", "orders_year_ago_28d", "spend_slope_180d", "returns_180d"} <= missing
    assert not {"orders_90d", "orders_60_90d", "spend_decayed_90d", "categories_90d", "returned_90d"} & missing
    assert {"gap_sd", "regularity", "gap_slope", "order_value_sd", "order_value_slope"} <= missing


def test_the_floor_sorts_every_line(job: Job) -> None:
    assert duckdb_sorted(job) == 4_000


def test_one_cent_is_a_disagreement(meant: pa.Table) -> None:
    found = _with(meant, "spend", 5, meant["spend"][5].as_py() + 0.01)
    (sentence,) = disagreements("another", found, meant)
    assert sentence.startswith("another: spend differs in 1 rows: ")


def test_a_quotient_may_differ_by_rounding_only(meant: pa.Table) -> None:
    value = meant["lines_per_order"][5].as_py()
    assert disagreements("another", _with(meant, "lines_per_order", 5, value * (1 + 1e-12)), meant) == []
    assert len(disagreements("another", _with(meant, "lines_per_order", 5, value * (1 + 1e-8)), meant)) == 1


def test_float32_must_be_the_meant_number_rounded(meant: pa.Table) -> None:
    at = meant.schema.get_field_index("line_value_mean")
    rounded = meant["line_value_mean"].to_numpy().astype(np.float32)
    assert disagreements("another", meant.set_column(at, "line_value_mean", pa.array(rounded)), meant) == []
    rounded[7] = np.nextafter(rounded[7], np.float32(0))
    assert len(disagreements("another", meant.set_column(at, "line_value_mean", pa.array(rounded)), meant)) == 1


def test_a_value_where_none_can_be_is_a_disagreement(meant: pa.Table) -> None:
    row = int(np.flatnonzero(np.isnan(meant["spend_365d"].to_numpy()))[0])
    assert len(disagreements("another", _with(meant, "spend_365d", row, 0.0), meant)) == 1
    assert len(disagreements("another", _with(meant, "orders", row, None), meant)) == 1


def test_a_missing_row_is_a_disagreement_and_the_order_of_rows_is_not(meant: pa.Table) -> None:
    assert len(disagreements("another", meant.slice(1), meant)) == 1
    assert disagreements("another", meant.take(pa.array(range(meant.num_rows)[::-1])), meant) == []


def test_the_purchases_hold_every_kind_of_line() -> None:
    lines = pa.concat_tables(pieces(4_000)).to_pandas()
    amount = lines["amount"].astype(float)
    per_order = amount.groupby(lines["order_id"]).agg(["min", "max", "size"])
    assert len(lines) == 4_000
    assert (per_order["size"] > 1).any()
    assert (per_order["max"] < 0).any(), "returns as orders of their own"
    assert ((per_order["min"] < 0) & (per_order["max"] > 0)).any(), "exchanges within an order"
    assert (amount == 0).any()
    assert (lines["purchased_at"].astype("datetime64[us, UTC]").astype("int64") % DAY_US == 0).any(), "at midnight"
    assert lines.equals(pa.concat_tables(pieces(4_000)).to_pandas()), "the same again"


def test_an_order_has_one_customer_and_one_day_in_every_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    # The SQL relies on it, and pieces must not share numbers of orders.
    monkeypatch.setattr("benchmarks.purchases.PIECE", 1_000)
    lines = pa.concat_tables(pieces(4_000)).to_pandas()
    lines["day"] = lines["purchased_at"].dt.date
    assert len(lines) == 4_000
    assert (lines.groupby("order_id")[["customer_id", "day"]].nunique() == 1).all(axis=None)


def test_the_job_is_read_as_it_was_written(job: Job, tmp_path: Path) -> None:
    job.save(tmp_path)
    assert Job.load(tmp_path) == job
    assert len(job.at(36).cutoffs) == 36


@LINUX
def test_memory_and_time_of_other_processes_count() -> None:
    # The parent hands 200 MB to a child, which touches them, and waits; both burn nothing else.
    child = "x = bytearray(200 * 2**20); x[::4096] = b'1' * len(x[::4096]); import time; time.sleep(0.6)"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}]); print('{{\"peak_mb\": 0}}')"
    assert watched([sys.executable, "-c", parent])["peak_mb"] > 200
    before = cpu_seconds()
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as burning:
        while cpu_seconds() - before < 0.3:
            assert burning.pid in family_of(os.getpid())
        burning.kill()


def test_one_part_of_the_benchmark_runs_and_prints_its_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["--lines", "3000", "--repeats", "1", "--only", "intake", "--folder", str(tmp_path)])
    assert "3,000 purchase lines from a CSV file" in capsys.readouterr().out


def test_what_a_function_does_inside_another_part_is_not_counted_twice() -> None:
    spent = Spent()

    class Work:
        def inner(self) -> int:
            return sum(range(200_000))

        def outer(self) -> int:
            return self.inner()

    with spent.around(Work, "inner", "inner"), spent.around(Work, "outer", "outer"):
        Work().outer()
        assert set(spent.by_part) == {"outer"}
        Work().inner()
        assert set(spent.by_part) == {"outer", "inner"}
    before = dict(spent.by_part)
    Work().outer()
    assert spent.by_part == before  # nothing is measured any more


def test_the_table_of_a_training_is_in_units_of_its_fits() -> None:
    parts = {"fits_s": 10.0, "matrices_s": 5.0, "studies_s": 8.0, "looks_s": 2.0, "predictions_s": 1.0}
    shown = of_training({**parts, "cpu_s": 30.0, "wall_s": 31.0, "peak_mb": 800.0, "rows": 5.0, "trials": 240.0}, 30)
    assert "everything                                                 30.00   3.00  <= 4 x" in shown
    assert shown.endswith("everything is 1.50 x all boosting, trials included")  # 30 / (10 + 8 + 2)


def test_the_table_of_scoring_is_in_units_of_the_boosters() -> None:
    sizes = {"rows": 1e6, "long_rows": 3e6, "columns": 38.0, "peak_mb": 900.0, "wall_s": 1.0}
    shown = of_scoring({**sizes, "boosters_s": 4.0, "cpu_s": 10.0})
    assert "everything, at all horizons                                10.00   2.50  <= 2 x at 1M" in shown
    assert "scoring 1,000,000 customers" in shown


def test_the_table_of_a_night_is_in_units_of_its_features_and_the_boosters() -> None:
    night = {"rows": 1e6, "cpu_s": 9.0, "boosters_s": 2.0, "peak_mb": 2048.0}
    shown = of_batch({"panel": {"rows": 1e6, "cpu_s": 4.0}, "score": night})
    assert (
        "the whole night                                             9.00   1.50  <= 1.5 x at 1M" in shown
    )  # 9 / (4 + 2)
    assert "peak memory 2.00 GB" in shown


def test_the_table_of_keeping_a_training_is_beyond_the_import() -> None:
    costs = {"trials": 60.0, "fit_s": 10.0, "tracking_s": 0.25, "registering_s": 0.5}
    alone = {"import_cpu_s": 2.0, "import_wall_s": 3.0, "rollback_cpu_s": 4.0, "rollback_wall_s": 7.5}
    shown = of_tracking({**costs, **alone}).splitlines()
    assert shown[1].endswith("0.25 s of CPU  <= 2 s")
    assert shown[3].endswith("2.00 s of CPU, 4.50 s  <= 5 s")


def test_the_table_of_a_replay_has_a_line_a_week_and_dashes_where_nothing_came_yet() -> None:
    figures = {"told": 0.5, "came": 0.625, "auc": 0.75, "money": 0.8}
    said = {"trained": "2", "gate": "promoted", "alerts": ["level"], "verdict": "retrain"}
    week = {"as_of": "2011-01-03", "version": "2", "customers": 1200, **figures, **said}
    quiet = {**week, "as_of": "2011-01-10", "trained": "", "gate": "", "alerts": [], "verdict": "fine"}
    weeks = [week, {**quiet, **dict.fromkeys(figures)}]
    shown = of_replay({"weeks": weeks, "caught_up": 1, "differing": []}).splitlines()
    assert shown[2].split(maxsplit=7)[3:] == ["0.500", "0.625", "0.750", "0.800", "version 2 promoted, level, retrain"]
    assert shown[3].split()[3:] == ["-", "-", "-", "-"]
    assert shown[4:] == [
        "the gate refused 0 of 1 trainings",
        "1 weeks with an alert; `retrain` was said on 2011-01-03",
        "caught up on 1 weeks at the end: the same bytes",
    ]


@pytest.mark.soak
def test_the_whole_benchmark_runs_and_prints_its_tables(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sizes = (
        "--lines",
        "3000",
        "--cutoffs",
        "3",
        "--pandas-lines",
        "2000",
        "--calls",
        "5",
        "--repeats",
        "1",
        "--trials",
        "1",
        "--customers",
        "2000",
        "--seconds",
        "1",
    )
    main([*sizes, "--folder", str(tmp_path), "--json", str(tmp_path / "figures.json")])
    shown = capsys.readouterr()
    assert "3,000 purchase lines x 3 cutoffs" in shown.out
    assert "goal <= 1 ms" in shown.out
    assert shown.err.count("all features agree in all rows") == 2
    figures = json.loads((tmp_path / "figures.json").read_text(encoding="utf-8"))
    assert set(figures["panel"]) == {"sort", "memory", "parquet", "ledger", "duckdb"}
    assert set(figures["intake"]) == {"duckdb", "ledger"}
    assert figures["training"]["fits_s"] < figures["training"]["cpu_s"]
    assert figures["scoring"]["rows"] == 2000
    assert figures["scoring"]["boosters_s"] < figures["scoring"]["cpu_s"]
    assert figures["batch"]["score"]["rows"] == figures["batch"]["panel"]["rows"] > 0
    assert figures["tracking"]["trials"] == 60
    assert set(figures["serving"]["1"]) == {"stock", "bare", "ours", "two", "ours, alone"}
    assert shown.err.count("the same to the bit of 100 customers") == 1
    assert [f["family"] for f in figures["families"]][:4] == ["rfm", "windows", "cadence", "basket"]
    assert [f.name for f in tmp_path.iterdir()] == ["figures.json"]
