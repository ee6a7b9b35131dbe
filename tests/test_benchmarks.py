"""The benchmark compares like with like: the three ways give the same features, and a difference would be seen.

In: a small synthetic ledger. Out: sentences; nothing is timed.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from benchmarks.agreement import disagreements
from benchmarks.job import EXACT, NAMES, QUOTIENTS, Job
from benchmarks.kernel import kernel_25, kernel_catalogue, kernel_exact
from benchmarks.purchases import prepare, purchases
from benchmarks.with_duckdb import duckdb_25
from benchmarks.with_pandas import pandas_25
from regulars.clock import DAY_US


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Job:
    """Few customers, but every kind of line; the first cutoff's longer windows begin before the ledger."""
    return prepare(tmp_path_factory.mktemp("bench"), lines=4_000, n_cutoffs=3)


@pytest.fixture(scope="module")
def meant(job: Job) -> pa.Table:
    return kernel_exact(job, kernel_25(job))


def _with(table: pa.Table, name: str, row: int, value: float | None) -> pa.Table:
    values = table[name].to_pylist()
    values[row] = value
    return table.set_column(table.schema.get_field_index(name), name, pa.array(values, pa.float64()))


def test_there_are_25_reference_features_and_each_is_named_once() -> None:
    assert len(NAMES) == len(set(NAMES)) == 25
    assert set(NAMES) == set(EXACT) | set(QUOTIENTS)


def test_pandas_agrees_with_the_kernel(job: Job, meant: pa.Table) -> None:
    assert disagreements("pandas", pa.Table.from_pandas(pandas_25(job)), meant) == []


def test_duckdb_agrees_with_the_kernel(job: Job, meant: pa.Table) -> None:
    assert disagreements("duckdb", duckdb_25(job), meant) == []


def test_the_reference_features_are_those_of_the_catalogue(job: Job) -> None:
    panel, whole = kernel_25(job), kernel_catalogue(job)
    differing = [n for n in NAMES if not np.array_equal(panel.feature(n), whole.feature(n), equal_nan=True)]
    assert differing == []


def test_no_reference_feature_is_the_same_everywhere_and_the_left_edge_is_among_them(meant: pa.Table) -> None:
    # A way that gave zeros, or never a missing value, could not agree by chance.
    values = {name: meant[name].to_numpy() for name in NAMES}
    assert [name for name, v in values.items() if len(np.unique(v[~np.isnan(v)])) < 3] == []
    missing = {name for name, v in values.items() if np.isnan(v).any()}
    assert missing == {
        *("orders_180d", "spend_180d", "orders_365d", "spend_365d"),
        *("gap_mean", "gap_sd", "gap_longest", "orders_trend_30d"),
    }


def test_one_cent_is_a_disagreement(meant: pa.Table) -> None:
    found = _with(meant, "spend", 5, meant["spend"][5].as_py() + 0.01)
    (sentence,) = disagreements("another", found, meant)
    assert sentence.startswith("another: spend differs in 1 rows: ")


def test_a_quotient_may_differ_by_rounding_only(meant: pa.Table) -> None:
    exact = meant["lines_per_order"][5].as_py()
    assert disagreements("another", _with(meant, "lines_per_order", 5, exact * (1 + 1e-12)), meant) == []
    assert len(disagreements("another", _with(meant, "lines_per_order", 5, exact * (1 + 1e-8)), meant)) == 1


def test_a_value_where_none_can_be_is_a_disagreement(meant: pa.Table) -> None:
    row = int(np.flatnonzero(np.isnan(meant["spend_365d"].to_numpy()))[0])
    assert len(disagreements("another", _with(meant, "spend_365d", row, 0.0), meant)) == 1
    assert len(disagreements("another", _with(meant, "orders", row, None), meant)) == 1


def test_a_missing_row_is_a_disagreement_and_the_order_of_rows_is_not(meant: pa.Table) -> None:
    assert len(disagreements("another", meant.slice(1), meant)) == 1
    assert disagreements("another", meant.take(pa.array(range(meant.num_rows)[::-1])), meant) == []


def test_the_purchases_hold_every_kind_of_line() -> None:
    lines = purchases(4_000).to_pandas()
    amount = lines["amount"].astype(float)
    per_order = amount.groupby(lines["order_id"]).agg(["min", "max", "size"])
    assert len(lines) == 4_000
    assert (per_order["size"] > 1).any()
    assert (per_order["max"] < 0).any(), "returns as orders of their own"
    assert ((per_order["min"] < 0) & (per_order["max"] > 0)).any(), "exchanges within an order"
    assert (amount == 0).any()
    assert (lines["purchased_at"].astype("datetime64[us, UTC]").astype("int64") % DAY_US == 0).any(), "at midnight"
    assert lines.equals(purchases(4_000).to_pandas()), "the same again"


def test_the_job_is_read_as_it_was_written(job: Job, tmp_path: Path) -> None:
    job.save(tmp_path)
    assert Job.load(tmp_path) == job
