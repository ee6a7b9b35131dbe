"""Monitoring of worlds whose truth is known: steady ones raise no alarm, what was planted is found and told apart."""

from __future__ import annotations

from pathlib import Path

import pytest

from regulars.clock import Cutoff
from regulars.pipelines.monitor import Monitored
from regulars.simulation.simulate import simulate
from regulars.simulation.world import Simulated

from ..nights import Change, Nights, dearer, shrinking, strangers, unchanged
from ..worlds import seasonal

pytestmark = pytest.mark.soak

TRAINED = Cutoff.parse("2023-05-01")
SEEDS = range(20)


def shop(seed: int) -> Simulated:
    return simulate(800, days=600, starts="2022-01-01", acquisition_days=300, seed=seed)


def after_weeks(world: Simulated, day: Cutoff, folder: Path, change: Change) -> Monitored:
    """Trained on a day, scored on it and on three Mondays after it; looked at when the windows have closed.

    The day of the look is that after the last scores: it is not about how old everything is.
    """
    nights = Nights(world, folder, change=change)
    nights.train(day)
    nights.score([day.plus(days) for days in (0, 7, 14, 21)])
    return nights.monitor(day.plus(52), today=day.plus(22))


def rules(found: Monitored) -> set[str]:
    return {alert.rule for alert in found.alerts}


@pytest.mark.parametrize("seed", SEEDS)
def test_a_steady_shop_raises_no_alarm(seed: int, tmp_path: Path) -> None:
    found = after_weeks(shop(seed), TRAINED, tmp_path, unchanged)
    assert not found.alarmed
    assert found.verdict.state != "retrain"
    assert found.figures["months"][0]["runs"] == 4


@pytest.mark.parametrize("seed", SEEDS[:4])
def test_habits_that_changed_hands_are_a_lost_order(seed: int, tmp_path: Path) -> None:
    found = after_weeks(shop(seed), TRAINED, tmp_path, strangers(TRAINED))
    assert {"ranking", "worse_than_naive"} <= rules(found)
    assert found.verdict.state == "retrain"


@pytest.mark.parametrize("seed", SEEDS[:4])
def test_a_market_that_shrinks_is_a_level_and_no_season(seed: int, tmp_path: Path) -> None:
    found = after_weeks(shop(seed), TRAINED, tmp_path, shrinking(TRAINED, 0.3))
    assert "ranking" not in rules(found)
    assert {"level", "bias"} & rules(found)
    assert any("not a season of every year" in alert.words for alert in found.alerts)
    assert found.verdict.state == "retrain"


@pytest.mark.parametrize("seed", SEEDS[:4])
def test_prices_that_rose_at_once_are_money_and_not_churn(seed: int, tmp_path: Path) -> None:
    found = after_weeks(shop(seed), TRAINED, tmp_path, dearer(TRAINED, 4.0))
    assert "bias" in rules(found)
    assert not {"ranking", "level"} & rules(found)


@pytest.mark.parametrize("seed", SEEDS[:2])
def test_a_season_of_every_year_is_no_ageing(seed: int, tmp_path: Path) -> None:
    # Trained before the high season, of which the data have seen two.
    found = after_weeks(seasonal(800, seed), Cutoff.parse("2023-10-15"), tmp_path, unchanged)
    assert not {"ranking", "worse_than_naive"} & rules(found)
    assert found.verdict.state != "retrain"
