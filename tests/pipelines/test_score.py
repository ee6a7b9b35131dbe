"""Score: the same bytes each time however they are made, whole runs or none, refusals before anything is written."""

from __future__ import annotations

import csv
import errno
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from regulars.clock import Cutoff
from regulars.config import Config
from regulars.errors import ConfigError, DataError, RegularsError, StorageError
from regulars.intake import Ledger
from regulars.models.concentration import concentration
from regulars.models.registry import Registry
from regulars.models.versions import Registered
from regulars.pipelines.published import CSV, FACTS, MANIFEST, REFERENCE, SCORES, Book, Run
from regulars.pipelines.score import Published, Scored, publish_day, score, score_to, scored, scores_folder
from regulars.pipelines.self_check import checked
from regulars.pipelines.told import Telling

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


SEVEN = Registered("regulars", "7", "run-of-7")


def published(folder: Path, as_of: str | None = None, **settings: Any) -> Published:
    """The shop's model as version 7, published in a folder."""
    config = config_of(**settings).model_copy(update={"folder": folder})
    day = shop().ends if as_of is None else Cutoff.parse(as_of)
    return publish_day(shop(), config, trained().model, SEVEN, day, folder / "scores")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run that no test changes."""
    return published(tmp_path_factory.mktemp("score")).run


def bytes_of(folder: Path) -> dict[str, bytes]:
    """Every file below a folder; of a link where it leads."""
    there = {str(p.relative_to(folder)): p for p in folder.rglob("*")}
    files = {n: p.read_bytes() for n, p in there.items() if p.is_file() and not p.is_symlink()}
    return files | {n: os.fsencode(p.readlink()) for n, p in there.items() if p.is_symlink()}


def test_the_size_of_blocks_and_shards_and_the_threads_change_no_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = pd.concat([told.scores for _, told in Telling.of(shop(), trained().model, shop().ends).blocks(1)])
    telling = Telling.of(shop(), trained().model, shop().ends)
    # 7 does not divide the number of customers; a shard of one line is one customer.
    monkeypatch.setattr("regulars.engines.local.LINES", 1)
    parts = list(telling.blocks(2, rows=97))
    assert [sample.n_rows for sample, _ in parts[:-1]] == [97] * (len(parts) - 1)
    again = pd.concat([told.scores for _, told in parts], ignore_index=True)
    pd.testing.assert_frame_equal(again, whole, check_exact=True)


def test_a_run_is_the_same_bytes_wherever_and_however_it_is_made(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("regulars.pipelines.told.BLOCK", 101)
    telling = Telling.blocks
    monkeypatch.setattr(Telling, "blocks", lambda self, threads, progress: telling(self, threads, progress, 101))
    again = published(tmp_path, engine={"threads": 2}).run
    assert again.name == run.name
    # Row groups are as large as blocks; whatever is in them is the same.
    assert pq.read_table(again.path(SCORES)).equals(pq.read_table(run.path(SCORES)), check_metadata=True)
    mine, other = bytes_of(again.folder), bytes_of(run.folder)
    for name in (SCORES, MANIFEST):
        del mine[name], other[name]
    assert mine == other
    assert {CSV, FACTS, REFERENCE, "rows.parquet"} >= set(mine) >= {CSV, FACTS, REFERENCE}


def test_a_run_holds_what_is_said_in_a_notebook(run: Run) -> None:
    told, frame = run.frame(), score(shop(), trained().model, threads=1)
    said = scored(shop(), trained().model, config_of()).scores
    assert said.drop(columns="reasons").equals(frame.drop(columns="reasons"))
    assert told["reasons"].tolist() == said["reasons"].tolist()
    assert (told["reasons"] != "").sum() > 20
    same = [c for c in frame.columns if c != "reasons"]
    pd.testing.assert_frame_equal(told[same], frame[same], check_exact=True, check_dtype=False)


def test_parquet_and_csv_tell_the_same_and_ids_stay_text(run: Run) -> None:
    table = pq.read_table(run.path(SCORES))
    scores = score(shop(), trained().model, threads=1)
    assert table.column_names == [*scores.columns, "model_version", "run_id"]
    about = {b"as_of": b"2024-02-26", b"horizon_days": b"30", b"currency": b"USD", b"model_version": b"7"}
    assert table.schema.metadata == about
    with run.path(CSV).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["customer_id"] for row in rows] == scores["customer_id"].tolist()
    assert all(row["customer_id"].startswith(PLANTED) for row in rows)
    for name in scores.select_dtypes("float").columns:
        # Missing is an empty cell; everything else reads back to the same bits.
        text = [float(row[name]) if row[name] else np.nan for row in rows]
        assert np.array(text).tobytes() == np.where(scores[name].isna(), np.nan, scores[name]).tobytes(), name
    assert b"\r" not in run.path(CSV).read_bytes()


def test_a_run_says_of_itself_what_it_is(run: Run) -> None:
    scores, facts, model = run.frame(), run.facts, trained().model
    assert (facts["name"], facts["as_of"], facts["currency"], facts["horizons"]) == (
        run.name,
        "2024-02-26",
        "USD",
        [30],
    )
    assert facts["model"] == {
        "name": "regulars", "version": "7", "run_id": "run-of-7", "bundle": "", "trained_on": str(model.trained_on),
    }  # fmt: skip
    assert facts["ledger"] == {"fingerprint": shop().manifest.fingerprint, "last_day": shop().manifest.last_day}
    assert facts["customers"] == len(scores)
    assert facts["totals"]["expected_spend"] == pytest.approx(scores["expected_spend"].sum(), rel=1e-12)
    assert facts["totals"]["mean_p_churn"] == pytest.approx(scores["p_churn"].mean(), rel=1e-12)
    assert facts["totals"]["lifetime_value"] == pytest.approx(scores["lifetime_value"].sum(), rel=1e-12)
    total = scored(shop(), model, config_of()).total
    assert total is not None
    told = [facts["totals"][f"lifetime_{name}"] for name in ("value", "low", "high", "level")]
    assert told == [total.value, total.low, total.high, total.level]
    again = Scored.of_run(run)
    assert (again.total, again.horizons, again.prospects) == (total, None, None)
    assert facts["concentration"] == concentration(scores["expected_spend"].to_numpy()).figures()
    assert (facts["movers"], facts["notes"], facts["erased"]) == (None, [], 0)
    assert (facts["churn_by"], facts["value_by"]) == (model.speaker, model.value_speaker)
    assert set(scores["model_version"]) == {"7"}
    assert set(scores["run_id"]) == {"run-of-7"}
    assert not [name for name in bytes_of(run.folder) if name.startswith(".")]
    assert PLANTED not in json.dumps(facts)


def test_the_same_run_again_is_unchanged_and_a_broken_one_is_made_again(tmp_path: Path) -> None:
    first = published(tmp_path)
    before = bytes_of(tmp_path)
    assert not first.unchanged
    assert published(tmp_path).unchanged
    assert bytes_of(tmp_path) == before
    first.run.path(CSV).write_text("torn")
    again = published(tmp_path)
    assert (again.unchanged, again.run) == (False, first.run)
    assert bytes_of(tmp_path) == before


def test_whatever_the_bytes_depend_on_makes_another_run(tmp_path: Path) -> None:
    first = published(tmp_path).run
    others = [
        published(tmp_path, scores={"reasons": 3}).run,
        published(tmp_path, data={**config_of().data.model_dump(), "currency": "EUR"}).run,
    ]
    assert len({first.name, *(run.name for run in others)}) == 3
    assert (others[0].frame()["reasons"] != "").sum() == 3
    # The newest is what readers find; the older ones stay.
    assert Book(tmp_path / "scores").latest == others[1]
    assert set(Book(tmp_path / "scores").runs()) == {first, *others}
    # Neither threads nor the day on which it is made are among it.
    assert published(tmp_path, engine={"threads": 2}).run == first


def test_a_disk_that_fills_up_keeps_the_old_scores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    published(tmp_path, "2024-02-17")
    before = bytes_of(tmp_path)

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(pq.ParquetWriter, "write_table", full)
    with pytest.raises(StorageError, match="No space left") as refused:
        published(tmp_path)
    assert refused.value.exit_code == 74
    assert bytes_of(tmp_path) == before


def _told(place: Path, **columns: list[Any]) -> None:
    """A run's tables of two customers, as they should be but for some columns."""
    good = {"customer_id": ["a", "b"], "p_churn": [0.5, 1.0], "p_so_late": [0.1, None], "expected_spend": [1.0, -2.0]}
    table = pa.table({**good, **columns})
    pq.write_table(table, place / SCORES)
    pyarrow.csv.write_csv(table, place / CSV)


def test_a_run_that_is_sound_passes_its_own_check(tmp_path: Path) -> None:
    _told(tmp_path)
    checked(tmp_path, 2)


@pytest.mark.parametrize(
    ("columns", "rows", "found"),
    [
        ({}, 3, "2 rows and 3 were told"),
        ({"customer_id": ["a", "a"]}, 2, "a customer twice"),
        ({"customer_id": ["b", "a"]}, 2, "a customer twice, or out of order"),
        ({"p_churn": [0.5, 1.1]}, 2, "`p_churn` of 1 rows is no chance"),
        ({"p_churn": [0.5, None]}, 2, "`p_churn` of 1 rows is no chance"),
        ({"p_so_late": [-0.1, None]}, 2, "`p_so_late` of 1 rows is no chance"),
        ({"expected_spend": [float("inf"), None]}, 2, "`expected_spend` of 2 rows is no finite amount"),
    ],
)
def test_a_run_that_is_not_is_refused_with_what_is_wrong(
    tmp_path: Path, columns: dict[str, list[Any]], rows: int, found: str
) -> None:
    _told(tmp_path, **columns)
    with pytest.raises(RegularsError, match=found) as refused:
        checked(tmp_path, rows)
    assert (refused.value.code, refused.value.exit_code) == ("RG333", 70)


def test_text_that_says_something_else_than_parquet_is_refused(tmp_path: Path) -> None:
    _told(tmp_path)
    text = (tmp_path / CSV).read_text()
    (tmp_path / CSV).write_text(text.replace("0.5", "0.25"))
    with pytest.raises(RegularsError, match=r"`p_churn` differs between scores\.csv and scores\.parquet"):
        checked(tmp_path, 2)


def test_a_run_that_fails_its_check_is_not_published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(place: Path, _: int) -> None:
        raise RegularsError("no", code="RG333")

    monkeypatch.setattr("regulars.pipelines.score.checked", wrong)
    with pytest.raises(RegularsError, match="RG333"):
        published(tmp_path)
    assert Book(tmp_path / "scores").runs() == ()


class Champion(Registry):
    """A registry whose champion is the shop's model, without MLflow."""

    def __init__(self, uri: str, folder: Path) -> None:
        pass

    def champion(self, name: str, threads: int = 1) -> tuple[Any, Registered]:
        """The shop's model as version 7."""
        return trained().model, Registered(name, "7", "run-of-7")


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    monkeypatch.setattr("regulars.models.registry.Registry", Champion)
    return config_of().model_copy(update={"folder": tmp_path})


def test_the_champion_speaks_and_its_figures_are_those_of_the_run(settings: Config, tmp_path: Path) -> None:
    done = score_to(shop(), settings)
    table = done.run.frame()
    words = concentration(table["expected_spend"].to_numpy())
    assert done.run.folder.parent == tmp_path / "scores" / "runs"
    assert done.figures() == {
        "customers": len(table),
        "as_of": str(shop().ends),
        "version": "7",
        "notes": [],
        "churn_by": trained().model.speaker,
        "value_by": trained().model.value_speaker,
        "concentration": words.figures(),
        "movers": None,
        "words": [words.words],
        "totals": done.run.facts["totals"],
        "run": done.run.name,
        "folder": str(done.run.folder),
        "unchanged": False,
        "table": None,
    }
    assert score_to(shop(), settings).figures() == {**done.figures(), "unchanged": True}


def test_a_day_before_the_training_or_after_the_data_comes_with_a_note(settings: Config) -> None:
    past, future = shop().ends.minus(30), shop().ends.plus(30)
    (note,) = score_to(shop(), settings, past).figures()["notes"]
    assert f"trained on {shop().ends} and knows what happened after {past}" in note
    (note,) = score_to(shop(), settings, future).figures()["notes"]
    assert shop().manifest.last_day in note


def test_nobody_at_risk_is_an_empty_run_with_all_columns(
    run: Run, tmp_path: Path, settings: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Strict(Champion):
        def champion(self, name: str, threads: int = 1) -> tuple[Any, Registered]:
            return replace(trained().model, active_within_days=1), Registered(name, "7", "run-of-7")

    monkeypatch.setattr("regulars.models.registry.Registry", Strict)
    found = score_to(shop(), settings, shop().ends.plus(60)).run
    assert (found.facts["customers"], found.facts["totals"]["mean_p_churn"]) == (0, None)
    assert pq.read_schema(found.path(SCORES)).equals(pq.read_schema(run.path(SCORES)))
    assert found.path(CSV).read_text().count("\n") == 1


def test_another_folder_may_be_named_and_a_file_is_refused(settings: Config, tmp_path: Path) -> None:
    assert scores_folder(settings) == tmp_path / "scores"
    assert scores_folder(settings, tmp_path / "elsewhere") == tmp_path / "elsewhere"
    with pytest.raises(ConfigError, match="is the name of a file") as refused:
        score_to(shop(), settings, None, tmp_path / "s.parquet")
    assert refused.value.code == "RG334"
    assert list(tmp_path.glob("s*")) == []
