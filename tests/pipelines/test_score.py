"""Score: the same bytes each time, whole files or none, and refusals before anything is written."""

from __future__ import annotations

import errno
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest

from regulars.errors import ConfigError, DataError, StorageError
from regulars.intake import Ledger
from regulars.models.concentration import concentration
from regulars.models.tracking import Registered, Store
from regulars.pipelines.movers import About
from regulars.pipelines.score import Scored, score, score_to, scored, write_scores

from ..simulated import PLANTED, config_of, purchases, shop, trained


def test_the_day_after_the_last_purchase_is_the_default_and_dates_may_be_text() -> None:
    default = score(shop(), trained().model, threads=1)
    assert set(default["as_of"]) == {str(shop().ends)}
    pd.testing.assert_frame_equal(score(shop(), trained().model, str(shop().ends), 1), default, check_exact=True)
    pd.testing.assert_frame_equal(score(shop(), trained().model, shop().ends, 1), default, check_exact=True)


def test_customers_come_in_order_of_their_ids_once_each() -> None:
    found = score(shop(), trained().model, threads=1)["customer_id"].tolist()
    assert found == sorted(set(found))


@pytest.mark.parametrize("threads", [2, 4])
def test_threads_change_no_bit_of_a_score(threads: int) -> None:
    pd.testing.assert_frame_equal(
        score(shop(), trained().model, threads=threads), score(shop(), trained().model, threads=1), check_exact=True
    )


def test_a_customer_more_changes_only_what_comes_from_the_reference() -> None:
    # A stranger who bought once, at noon of a weekday, moves the population's shares a little, and nothing else.
    more = pd.DataFrame([{**purchases().iloc[0].to_dict(), "customer_id": "zzz", "order_id": "zzz"}])
    ledger = Ledger.from_frame(pd.concat([purchases(), more]), config_of())
    found = score(ledger, trained().model, threads=1).set_index("customer_id")
    old = score(shop(), trained().model, threads=1).set_index("customer_id")
    assert set(found.index) - set(old.index) == {"zzz"}
    facts = ["recency_days", "orders", "spend", "last_purchase", "expected_orders"]
    pd.testing.assert_frame_equal(found.loc[old.index, facts], old[facts], check_exact=True)


def test_a_date_before_anything_is_known_is_refused() -> None:
    with pytest.raises(ConfigError, match="nothing is known before 2023-01-02"):
        score(shop(), trained().model, "2023-01-02", 1)
    with pytest.raises(ConfigError, match="is not a date"):
        score(shop(), trained().model, "02/01/2024", 1)
    assert len(score(shop(), trained().model, "2023-01-03", 1)) >= 1


def test_a_ledger_without_a_column_of_the_training_is_refused_by_name() -> None:
    frame = purchases().drop(columns=["discount", "category"])
    purchased: dict[str, Any] = {n: n for n in frame.columns}
    config = config_of(data={"timezone": "America/New_York", "purchases": purchased})
    with pytest.raises(DataError, match=r"lacks columns") as refused:
        score(Ledger.from_frame(frame, config), trained().model, threads=1)
    assert set(refused.value.offending) == {"discount", "category"}


def test_a_ledger_with_a_column_more_is_scored_as_before() -> None:
    frame = purchases().assign(channel="web")
    config = config_of(data={"timezone": "America/New_York", "purchases": {n: n for n in frame.columns}})
    more = Ledger.from_frame(frame, config)
    assert "channel" in more.columns
    pd.testing.assert_frame_equal(
        score(more, trained().model, threads=1), score(shop(), trained().model, threads=1), check_exact=True
    )


def found_of(frame: pd.DataFrame, as_of: str = "2024-02-26") -> Scored:
    """A table of scores with what it is about."""
    return Scored(About(as_of, 30, "USD", "7"), frame)


def test_scores_written_twice_are_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_scores(scored(shop(), trained().model, config_of()), tmp_path / name / "scores.parquet", 10)
    for file in ("scores.parquet", "scores.csv"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
    assert sorted(p.name for p in (tmp_path / "a").iterdir()) == ["scores.csv", "scores.parquet"]


def test_parquet_and_csv_tell_the_same_and_ids_stay_text(tmp_path: Path) -> None:
    scores = score(shop(), trained().model, threads=1)
    write_scores(found_of(scores), tmp_path / "scores.parquet", 10)
    table = pq.read_table(tmp_path / "scores.parquet")
    assert table.column_names == scores.columns.tolist()
    about = {b"as_of": b"2024-02-26", b"horizon_days": b"30", b"currency": b"USD", b"model_version": b"7"}
    assert table.schema.metadata == about
    assert table["p_churn"].to_pylist() == scores["p_churn"].tolist()
    text = pd.read_csv(tmp_path / "scores.csv", dtype={"customer_id": str})
    assert text["customer_id"].tolist() == scores["customer_id"].tolist()
    assert text["customer_id"].str.startswith(PLANTED).all()
    assert text["p_churn"].tolist() == scores["p_churn"].tolist()
    assert b"\r" not in (tmp_path / "scores.csv").read_bytes()


def test_a_disk_that_fills_up_keeps_the_old_scores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "scores.parquet"
    write_scores(found_of(score(shop(), trained().model, threads=1)), file, 10)
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}

    def full(_: object, path: Path, **__: object) -> None:
        Path(path).write_bytes(b"PAR1 and then nothing")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(pq, "write_table", full)
    with pytest.raises(StorageError, match="No space left") as refused:
        write_scores(found_of(score(shop(), trained().model, shop().ends.minus(9), 1), "2024-02-17"), file, 10)
    assert refused.value.exit_code == 74
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


class Champion(Store):
    """A store whose champion is the shop's model, without MLflow."""

    def __init__(self, uri: str) -> None:
        self.uri = uri

    def champion(self, name: str, threads: int = 1) -> tuple[Any, Registered]:
        """The shop's model as version 7."""
        return trained().model, Registered(name, "7", "run-of-7")


@pytest.fixture
def _champion(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("regulars.models.tracking.Store", Champion)


@pytest.mark.usefixtures("_champion")
def test_scores_name_the_version_and_the_run_that_trained_it(tmp_path: Path) -> None:
    written, notes = score_to(shop(), config_of(), None, tmp_path / "s.parquet")
    table = pq.read_table(tmp_path / "s.parquet").to_pandas()
    assert set(table["model_version"]) == {"7"}
    assert set(table["run_id"]) == {"run-of-7"}
    assert notes == []
    assert written == {
        "customers": len(table),
        "as_of": str(shop().ends),
        "version": "7",
        "notes": [],
        "churn_by": trained().model.speaker,
        "value_by": trained().model.value_speaker,
        "concentration": concentration(table["expected_spend"].to_numpy()).figures(),
        "movers": None,
        "words": [concentration(table["expected_spend"].to_numpy()).words],
        "file": str(tmp_path / "s.parquet"),
    }


@pytest.mark.usefixtures("_champion")
def test_a_day_before_the_training_or_after_the_data_comes_with_a_note(tmp_path: Path) -> None:
    past, future = shop().ends.minus(30), shop().ends.plus(30)
    _, notes = score_to(shop(), config_of(), past, tmp_path / "s.parquet")
    assert len(notes) == 1
    assert f"trained on {shop().ends} and knows what happened after {past}" in notes[0]
    _, notes = score_to(shop(), config_of(), future, tmp_path / "s.parquet")
    assert len(notes) == 1
    assert shop().manifest.last_day in notes[0]


def test_nobody_at_risk_is_an_empty_file_with_all_columns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Strict(Champion):
        def champion(self, name: str, threads: int = 1) -> tuple[Any, Registered]:
            return replace(trained().model, active_within_days=1), Registered(name, "7", "run-of-7")

    monkeypatch.setattr("regulars.models.tracking.Store", Strict)
    written, _ = score_to(shop(), config_of(), shop().ends.plus(60), tmp_path / "s.parquet")
    assert written["customers"] == 0
    assert written["version"] is None
    empty, full = pq.read_schema(tmp_path / "s.parquet"), score(shop(), trained().model, threads=1)
    assert empty.names == [*full.columns, "model_version", "run_id"]
    write_scores(found_of(full.assign(model_version="7", run_id="r")), tmp_path / "full.parquet", 10)
    assert empty.equals(pq.read_schema(tmp_path / "full.parquet"))
