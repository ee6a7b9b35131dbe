"""Movers: who changed most since the scores before, by hand; and the files that tell it."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from regulars.errors import StorageError
from regulars.pipelines.files import all_replaced
from regulars.pipelines.movers import COLUMNS, About, Movers, movers
from regulars.pipelines.score import Places, Scored, write_scores

JANUARY, FEBRUARY = About("2024-01-01", 90, "EUR", "1"), About("2024-02-01", 90, "EUR", "1")


def scores(**who: tuple[float, float, str]) -> pd.DataFrame:
    """A row a customer: P(silent), expected spend, segment."""
    rows = [(name, *values) for name, values in who.items()]
    return pd.DataFrame(rows, columns=["customer_id", "p_churn", "expected_spend", "segment"])


OLD = scores(a=(0.1, 50.0, "h"), b=(0.5, 20.0, "l"), c=(0.3, 5.0, "l"), d=(0.9, 1.0, "l"))
NEW = scores(b=(0.5, 20.0, "l"), c=(0.35, 45.0, "h"), d=(0.2, 1.0, "l"), e=(0.4, 7.0, "l"))


def test_who_joined_left_and_moved_is_listed_with_both_values_most_money_first() -> None:
    found = movers(OLD, NEW, JANUARY, FEBRUARY, 100)
    assert tuple(found.rows.columns) == COLUMNS
    # a had 50 and is gone, c has 40 more, e came with 7, d's money stays; b has not changed at all.
    assert found.rows["customer_id"].tolist() == ["a", "c", "e", "d"]
    assert found.rows["moved"].tolist() == ["left", "risk, value, segment", "joined", "risk"]
    assert found.rows["expected_spend_before"].tolist()[:2] == [50.0, 5.0]
    assert found.rows["expected_spend"].tolist()[1:] == [45.0, 7.0, 1.0]
    assert np.isnan(found.rows["p_churn"][0])
    assert np.isnan(found.rows["p_churn_before"][2])
    assert set(found.rows["as_of_before"]) == {"2024-01-01"}
    assert found.counts == {"joined": 1, "left": 1, "segment": 1}
    assert found.words == "since 2024-01-01 1 joined, 1 left, 1 changed segment"


def test_at_most_so_many_of_each_kind_are_listed_and_all_are_counted() -> None:
    before = scores(**{f"c{i}": (0.5, 10.0, "l") for i in range(6)})
    now = scores(**{f"c{i}": (0.5, 10.0 + i, "h") for i in range(6)}, x=(0.5, 1.0, "l"), y=(0.5, 2.0, "l"))
    found = movers(before, now, JANUARY, FEBRUARY, 1)
    # Of the newcomers y brings more; c5's value rose most, and of all that changed segment it holds most.
    assert found.rows[["customer_id", "moved"]].to_numpy().tolist() == [["c5", "value, segment"], ["y", "joined"]]
    assert found.counts == {"joined": 2, "left": 0, "segment": 6}


def test_the_order_of_the_rows_does_not_matter_and_ties_go_by_id() -> None:
    before = scores(**{f"c{i}": (0.5, 10.0, "l") for i in range(9)})
    now = before.assign(expected_spend=11.0)
    found = movers(before, now, JANUARY, FEBRUARY, 3)
    assert found.rows["customer_id"].tolist() == ["c0", "c1", "c2"]
    turned = movers(before.iloc[::-1], now.sample(frac=1, random_state=0), JANUARY, FEBRUARY, 3)
    pd.testing.assert_frame_equal(turned.rows, found.rows)


def test_another_version_is_said() -> None:
    found = movers(OLD, NEW, JANUARY, About("2024-02-01", 90, "EUR", "2"), 100)
    assert found.words.endswith("version 1 spoke then and 2 now, so part of what moved is the model")


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (About("2024-02-01", 30, "EUR"), "look 90 days ahead and these 30"),
        (About("2024-02-01", 90, ""), "are in EUR and these in none named"),
    ],
)
def test_another_horizon_or_currency_is_a_sentence_and_no_movers(tmp_path: Path, other: About, said: str) -> None:
    write_scores(Scored(JANUARY, OLD), tmp_path / "scores.parquet", 10)
    found = write_scores(Scored(other, NEW), tmp_path / "scores.parquet", 10)
    assert isinstance(found, str)
    assert said in found
    assert sorted(p.name for p in tmp_path.iterdir()) == ["scores.csv", "scores.parquet", "scores.previous.parquet"]


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in sorted(folder.iterdir())}


def test_scores_of_an_earlier_day_are_kept_and_a_rerun_leaves_every_byte(tmp_path: Path) -> None:
    file = tmp_path / "scores.parquet"
    assert write_scores(Scored(JANUARY, OLD), file, 10) is None
    january = file.read_bytes()
    assert sorted(bytes_of(tmp_path)) == ["scores.csv", "scores.parquet"]
    found = write_scores(Scored(FEBRUARY, NEW), file, 10)
    assert isinstance(found, Movers)
    first = bytes_of(tmp_path)
    assert first["scores.previous.parquet"] == january
    assert pd.read_csv(tmp_path / "scores_movers.csv")["customer_id"].tolist() == ["a", "c", "e", "d"]
    write_scores(Scored(FEBRUARY, NEW), file, 10)
    assert bytes_of(tmp_path) == first


def test_scores_of_an_earlier_day_put_over_later_ones_speak_of_no_movers(tmp_path: Path) -> None:
    file = tmp_path / "scores.parquet"
    write_scores(Scored(JANUARY, OLD), file, 10)
    write_scores(Scored(FEBRUARY, NEW), file, 10)
    first = bytes_of(tmp_path)
    assert write_scores(Scored(JANUARY, OLD), file, 10) is None
    assert sorted(bytes_of(tmp_path)) == ["scores.csv", "scores.parquet", "scores.previous.parquet"]
    write_scores(Scored(FEBRUARY, NEW), file, 10)
    assert bytes_of(tmp_path) == first


def test_further_horizons_lie_beside_the_scores_and_go_when_there_are_none(tmp_path: Path) -> None:
    file = tmp_path / "s.parquet"
    long = pd.DataFrame({"customer_id": ["b", "b"], "horizon_days": [90, 365], "p_churn": [0.5, 0.4]})
    write_scores(Scored(FEBRUARY, NEW, long), file, 10)
    assert pq.read_table(Places(file).horizons).to_pandas().equals(long)
    assert Places(file).horizons.name == "s_horizons.parquet"
    write_scores(Scored(FEBRUARY, NEW), file, 10)
    assert not Places(file).horizons.exists()


def test_a_file_of_someone_else_in_the_place_is_not_taken_for_scores(tmp_path: Path) -> None:
    file = tmp_path / "scores.parquet"
    pq.write_table(pq.read_table(_plain(tmp_path / "plain.parquet")), file)
    assert write_scores(Scored(FEBRUARY, NEW), file, 10) is None
    assert not Places(file).previous.exists()
    file.write_bytes(b"nothing")
    assert write_scores(Scored(FEBRUARY, NEW), file, 10) is None


def _plain(file: Path) -> Path:
    OLD.to_parquet(file, index=False)
    return file


def test_a_disk_that_fills_up_at_the_last_file_leaves_all_as_they_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "scores.parquet"
    write_scores(Scored(JANUARY, OLD), file, 10)
    before = bytes_of(tmp_path)

    def full(_: object, path: Path, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(pq, "write_table", full)
    with pytest.raises(StorageError, match="No space left"):
        write_scores(Scored(FEBRUARY, NEW), file, 10)
    assert bytes_of(tmp_path) == before


def test_files_are_moved_in_turn_once_all_of_them_are_filled(tmp_path: Path) -> None:
    there: list[list[str]] = []

    def filled(text: str) -> Callable[[Path], object]:
        def write(waiting: Path) -> None:
            there.append([p.name for p in tmp_path.iterdir() if not p.name.startswith(".")])
            waiting.write_text(text, encoding="utf-8")

        return write

    all_replaced([(tmp_path / name, filled(name)) for name in ("a", "b", "c")])
    assert there == [[], [], []]
    assert [(tmp_path / name).read_text(encoding="utf-8") for name in ("a", "b", "c")] == ["a", "b", "c"]
