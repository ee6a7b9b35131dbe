"""The table of trials: all studies of a training in one, in order, with what it takes to repeat them."""

from __future__ import annotations

import io
import json

import pandas as pd

from regulars.models.trials import FINAL, Study, Trial, finished, repeating, studies_of, table_of

DONE = Trial(0, "COMPLETE", 0.31, 70, {"max_depth": 4, "subsample": 0.8}, chosen=True)
PRUNED = Trial(1, "PRUNED", 0.35, None, {"max_depth": 2, "subsample": 0.5})
STUDIES = (
    Study("2024-01-01", "churn", (DONE, PRUNED)),
    Study("2024-01-01", "value", ()),
    Study(FINAL, "churn", (Trial(0, "COMPLETE", 0.3, 60, {"max_depth": 5}, chosen=True),)),
)


def test_a_trial_is_a_row_and_a_parameter_a_column() -> None:
    found = table_of(STUDIES)
    assert list(found.columns) == [
        *("origin", "target", "number", "state", "loss", "rounds", "chosen"),
        *("max_depth", "subsample"),
    ]
    assert found["origin"].tolist() == ["2024-01-01", "2024-01-01", "final"]
    assert found["loss"].tolist() == [0.31, 0.35, 0.3]
    assert found["chosen"].tolist() == [True, False, True]
    assert found["rounds"].isna().tolist() == [False, True, False]
    assert found["subsample"].isna().tolist() == [False, False, True]


def test_a_table_without_trials_has_its_columns() -> None:
    assert list(table_of([]).columns) == ["origin", "target", "number", "state", "loss", "rounds", "chosen"]


def test_pruned_trials_count_because_their_number_repeats_the_study() -> None:
    assert finished(STUDIES) == [2, 0, 1]
    assert repeating(STUDIES).endswith("trials = [2, 0, 1]")


def test_the_trials_of_a_day_are_one_study_a_target() -> None:
    assert studies_of("2024-01-01", {"churn": (DONE, PRUNED), "value": ()}) == STUDIES[:2]


def test_the_table_is_json_without_gaps_in_the_numbers_of_rounds() -> None:
    text = table_of(STUDIES).to_json(orient="split", index=False)
    again = pd.read_json(io.StringIO(text), orient="split")
    assert again["rounds"].tolist()[0] == 70
    assert json.loads(text)["data"][1][5] is None
