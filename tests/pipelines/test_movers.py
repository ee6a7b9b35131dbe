"""Movers: who changed most since the run before, by hand; and the file that tells it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from regulars.clock import Cutoff
from regulars.models.versions import Registered
from regulars.pipelines.movers import COLUMNS, About, Movers, movers
from regulars.pipelines.published import HORIZONS, MOVERS, Book, Run
from regulars.pipelines.run_files import moved_since
from regulars.pipelines.score import publish_day

from ..simulated import config_of, shop, trained

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


def day_of(folder: Path, as_of: str, version: str = "7", **settings: Any) -> Run:
    """The shop scored as of a day."""
    config = config_of(**settings).model_copy(update={"folder": folder})
    by = Registered("regulars", version, f"run-of-{version}")
    return publish_day(shop(), config, trained().model, by, Cutoff.parse(as_of), folder / "scores").run


def test_a_run_tells_who_moved_since_the_newest_run_of_an_earlier_day(tmp_path: Path) -> None:
    first = day_of(tmp_path, "2023-08-01")
    assert not first.has(MOVERS)
    assert first.facts["movers"] is None
    second = day_of(tmp_path, "2023-10-01")
    listed = pd.read_csv(second.path(MOVERS))
    expected = moved_since(second.frame(), About.of_run(second.facts), first, 100)
    assert isinstance(expected, Movers)
    assert listed["customer_id"].tolist() == expected.rows["customer_id"].tolist()
    assert second.facts["movers"] == expected.figures()
    assert second.facts["words"][-1] == expected.words
    assert expected.words.startswith("since 2023-08-01 ")
    # Who bought for the first time in these weeks joined.
    joined = set(second.frame()["customer_id"]) - set(first.frame()["customer_id"])
    assert joined
    assert set(listed.loc[listed["moved"].str.contains("joined"), "customer_id"]) == joined
    # A day between them is told against the first; the second stays as it was, and is made again to the byte.
    between = day_of(tmp_path, "2023-09-01")
    assert between.facts["movers"]["since"] == "2023-08-01"
    assert Book(tmp_path / "scores").latest == second
    assert second.verified()
    third = day_of(tmp_path, "2023-10-01")
    assert third.facts["movers"]["since"] == "2023-09-01"
    assert third.name != second.name


def test_a_day_scored_again_is_not_told_against_itself(tmp_path: Path) -> None:
    day_of(tmp_path, "2024-02-01")
    again = day_of(tmp_path, "2024-02-01", "8")
    assert (again.facts["movers"], again.has(MOVERS)) == (None, False)
    later = day_of(tmp_path, "2024-02-26", "8")
    assert later.facts["movers"]["words"].startswith("since 2024-02-01 ")
    assert "version" not in later.facts["movers"]["words"]


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (About("2024-02-01", 30, "EUR"), "look 90 days ahead and these 30"),
        (About("2024-02-01", 90, ""), "are in EUR and these in none named"),
    ],
)
def test_another_horizon_or_currency_is_a_sentence_and_no_movers(other: About, said: str) -> None:
    assert said in str(JANUARY.hindrance(other))


def test_scores_in_another_currency_are_published_with_a_note_instead_of_movers(tmp_path: Path) -> None:
    day_of(tmp_path, "2024-02-01")
    data = {**config_of().data.model_dump(), "currency": "EUR"}
    run = day_of(tmp_path, "2024-02-26", data=data)
    assert (run.has(MOVERS), run.facts["movers"]) == (False, None)
    assert run.facts["notes"][-1].endswith("are in USD and these in EUR, so nobody is said to have moved")


def test_further_horizons_lie_beside_the_scores_where_there_are_several(tmp_path: Path) -> None:
    # The shop's model has one horizon.
    assert not day_of(tmp_path, "2024-02-26").has(HORIZONS)
