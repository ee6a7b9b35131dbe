"""`[tuning]`: what may be written there, and what is said of anything else."""

from __future__ import annotations

import pytest

from regulars.config import Config
from regulars.errors import ConfigError
from regulars.models.boosted import DEFAULTS
from regulars.models.tuning import SPACE
from regulars.tuning_section import LEGAL


def tuning(**given: object) -> dict[str, object]:
    return Config.of(tuning=dict(given)).tuning.model_dump()


def test_usually_ten_trials_without_a_limit_in_the_usual_space() -> None:
    assert tuning() == {"trials": 10, "seconds": None, "space": {}}


def test_trials_are_a_number_or_one_for_each_study() -> None:
    assert tuning(trials=0)["trials"] == 0
    assert tuning(trials=[10, 7, 0, 1])["trials"] == (10, 7, 0, 1)


def test_every_parameter_of_the_boosters_can_be_searched_within_what_holds_the_usual_space() -> None:
    assert set(LEGAL) == set(DEFAULTS)
    for name, (least, most) in SPACE.items():
        assert LEGAL[name][0] <= least < most <= LEGAL[name][1]
        assert tuning(space={name: [least, most]})["space"] == {name: (least, most)}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"trials": -1}, "a whole number, 0 or more, or a list of them"),
        ({"trials": 2.5}, "a whole number, 0 or more, or a list of them"),
        ({"trials": True}, "a whole number, 0 or more, or a list of them"),
        ({"trials": []}, "a whole number, 0 or more, or a list of them"),
        ({"trials": [3, -1]}, "a whole number, 0 or more, or a list of them"),
        ({"seconds": 0}, "greater than 0"),
        ({"trials": [3, 4], "seconds": 5}, "`seconds` does nothing where `trials` says how many each study finishes"),
        ({"trials": 0, "seconds": 5}, "`seconds` does nothing while `trials` is 0"),
        ({"trials": 0, "space": {"max_depth": [2, 3]}}, "`space` does nothing while `trials` is 0"),
        ({"space": [2, 8]}, "a table of ranges, such as"),
        ({"space": {"max_dept": [2, 8]}}, "`max_dept` cannot be searched; did you mean `max_depth`?"),
        ({"space": {"max_depth": 8}}, "`max_depth` is 8; needed: two numbers"),
        ({"space": {"max_depth": [2, 4, 8]}}, "needed: two numbers"),
        ({"space": {"max_depth": ["2", "8"]}}, "needed: two numbers"),
        ({"space": {"max_depth": [2, True]}}, "needed: two numbers"),
        ({"space": {"max_depth": [2.5, 8]}}, "needed: whole numbers"),
        ({"space": {"max_depth": [8, 2]}}, "goes from 8 to 2; needed: upwards, within 1 to 12"),
        ({"space": {"max_depth": [4, 4]}}, "goes from 4 to 4; needed: upwards"),
        ({"space": {"subsample": [0.0, 1.0]}}, "goes from 0.0 to 1.0; needed: upwards, within 0.1 to 1"),
        ({"space": {"reg_lambda": [1, float("nan")]}}, "needed: upwards, within"),
    ],
)
def test_anything_else_is_refused_with_what_may_be_written(given: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        tuning(**given)
    assert said in str(refused.value)
    assert "`tuning" in str(refused.value)
