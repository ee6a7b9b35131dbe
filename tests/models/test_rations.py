"""What studies may spend: an equal part of what is left, in the order in which they run."""

from __future__ import annotations

import pytest

from regulars.errors import ConfigError
from regulars.models import rations
from regulars.models.rations import Rations


class Clock:
    """A clock that stands still unless it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(rations, "time", found)
    return found


def test_each_study_has_an_equal_part_of_what_is_left_and_the_time_between_studies_is_free(clock: Clock) -> None:
    given, shares = Rations(9, studies=4, seconds=40.0), []

    def spending(seconds: float) -> None:
        def run(trials: int, share: float | None) -> None:
            assert trials == 9
            shares.append(share)
            clock.now += seconds

        given.study(run)
        clock.now += 1000.0

    # 40 / 4 = 10; it needs 4 only, so (40 - 4) / 3 = 12; it takes 32, so 4 / 2 = 2; and all the rest, 4 - 9 < 0.
    for seconds in (4.0, 32.0, 9.0, 5.0):
        spending(seconds)
    assert shares == [10.0, 12.0, 2.0, 0.0]


def test_without_a_limit_no_study_has_one() -> None:
    given = Rations(3, studies=2)
    assert [given.study(lambda trials, seconds: (trials, seconds)) for _ in range(2)] == [(3, None), (3, None)]


def test_a_list_gives_each_study_its_number() -> None:
    given = Rations((5, 0, 7, 1), studies=4)
    assert [given.study(lambda trials, _: trials) for _ in range(4)] == [5, 0, 7, 1]


def test_a_backtest_alone_passes_over_the_numbers_of_the_final_model() -> None:
    given = Rations((5, 4, 7, 1), studies=2, spare=2)
    assert [given.study(lambda trials, _: trials) for _ in range(2)] == [5, 4]


@pytest.mark.parametrize("listed", [(), (5,), (5, 4, 3), (5, 4, 3, 2, 1)])
def test_a_list_for_another_number_of_studies_is_refused(listed: tuple[int, ...]) -> None:
    with pytest.raises(ConfigError, match=f"RG166: `tuning.trials` lists {len(listed)} numbers, and 2 studies"):
        Rations(listed, studies=2, spare=2)
