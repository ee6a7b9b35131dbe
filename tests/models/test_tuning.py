"""The search for settings: seeded, repeatable, the defaults first, a budget in seconds that can be told in trials."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest

from regulars.models import tuning
from regulars.models.boosted import DEFAULTS, MAX_ROUNDS, Setting
from regulars.models.tuning import SPACE, Rows, Tuned, best_rounds, inside, tune

NAMES = ("first", "second", "third")
SETTING = Setting(seed=3)


def rows(n: int, seed: int, seeded: bool = False) -> Rows:
    """Outcomes that depend on two features, weakly enough that trees overfit in the end."""
    rng = np.random.default_rng(seed)
    values = rng.normal(0, 1, (3, n)).astype(np.float32)
    logit = values[0] + values[1] * values[0]
    y = (rng.random(n) < 1 / (1 + np.exp(-logit))).astype(np.float64)
    return Rows(values, y, np.ones(n), 0.5 * values[0].astype(np.float64) if seeded else None)


TRAIN, JUDGE = rows(400, 0), rows(300, 1)


def searched(trials: int, seconds: float | None = None, setting: Setting = SETTING) -> Tuned:
    return tune("churn", NAMES, TRAIN, JUDGE, trials, setting, seconds)


def clock_of(step: float) -> Callable[[], float]:
    """A clock that ticks so many seconds whenever it is looked at."""
    now = [0.0]

    def monotonic() -> float:
        now[0] += step
        return now[0]

    return monotonic


def test_the_same_seed_finds_the_same_table_and_setting() -> None:
    first, second = searched(4), searched(4)
    assert first == second
    assert len(first.trials) == 4
    assert len({tuple(t.params.values()) for t in first.trials}) == 4


def test_another_seed_looks_elsewhere() -> None:
    other = searched(3, setting=Setting(seed=4))
    assert [t.params for t in other.trials[1:]] != [t.params for t in searched(3).trials[1:]]


def test_the_defaults_are_the_first_trial_so_that_a_search_is_never_worse_on_the_judging_rows() -> None:
    found = searched(4)
    assert found.trials[0].params == {k: v for k, v in DEFAULTS.items() if k != "learning_rate"}
    losses = [t.loss for t in found.trials if t.loss is not None]
    best = min(found.trials, key=lambda t: np.inf if t.loss is None or t.state != "COMPLETE" else t.loss)
    assert losses[0] >= (best.loss or np.inf)
    (chosen,) = (t for t in found.trials if t.chosen)
    assert chosen.number in {0, best.number}
    assert found.setting.rounds == chosen.rounds
    assert {k: found.setting.params[k] for k in chosen.params} == chosen.params
    assert found.setting.params["learning_rate"] == DEFAULTS["learning_rate"]
    assert (found.setting.seed, found.setting.threads) == (SETTING.seed, SETTING.threads)


def test_one_trial_is_the_defaults_with_rounds_by_early_stopping() -> None:
    none, one = searched(0), searched(1)
    assert none.setting == one.setting
    assert none.setting.params == dict(DEFAULTS)
    assert (none.trials[0].loss, none.trials[0].rounds) == (one.trials[0].loss, one.trials[0].rounds)
    assert 1 <= none.setting.rounds < MAX_ROUNDS
    assert none.setting.rounds == best_rounds("churn", NAMES, TRAIN, JUDGE, SETTING)


def test_a_budget_in_seconds_stops_and_its_number_of_trials_gives_the_same_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # One second a look at the judging rows, but in the first trial, and about 20 looks a trial: it ends inside one.
    monkeypatch.setattr(tuning, "time", SimpleNamespace(monotonic=clock_of(1.0)))
    for seconds in (30.0, 50.0, 70.0):
        stopped = searched(30, seconds)
        assert 1 < len(stopped.trials) < 8
        assert searched(len(stopped.trials)) == stopped


def test_the_trial_in_which_the_time_ends_is_as_if_it_had_never_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    # The clock is seen at the start, after the first trial and at the second one's first look: 1 s later, then 2 s.
    monkeypatch.setattr(tuning, "time", SimpleNamespace(monotonic=clock_of(1.0)))
    assert searched(30, seconds=1.5) == searched(1)


def test_a_budget_that_is_over_at_once_still_leaves_the_defaults() -> None:
    assert len(searched(30, seconds=1e-9).trials) == 1
    assert searched(30, seconds=1e-9).setting == searched(0).setting


def test_a_budget_that_is_never_reached_changes_nothing() -> None:
    assert searched(3, seconds=1e9) == searched(3)


def test_a_hopeless_trial_is_pruned_and_stays_in_the_table() -> None:
    found = searched(12)
    assert len(found.trials) == 12
    assert {t.state for t in found.trials} == {"COMPLETE", "PRUNED"}
    for trial in found.trials:
        assert (trial.rounds is not None) == (trial.state == "COMPLETE")
    assert [t.number for t in found.trials] == list(range(12))


def test_progress_is_told_after_each_trial() -> None:
    told: list[tuple[str, float]] = []
    tune("churn", NAMES, TRAIN, JUDGE, 2, SETTING, progress=lambda what, share: told.append((what, share)))
    assert told == [("tuning churn", 0.5), ("tuning churn", 1.0)]


def test_a_seeded_search_starts_from_the_margin() -> None:
    # The margin knows half of what the first feature knows, so it takes fewer rounds or ends with less loss.
    plain = searched(0)
    seeded = tune("churn", NAMES, rows(400, 0, seeded=True), rows(300, 1, seeded=True), 0, SETTING)
    assert seeded.trials[0].loss != plain.trials[0].loss
    assert (seeded.trials[0].loss or 9) < (plain.trials[0].loss or 0)


def test_the_judging_rows_never_teach() -> None:
    # Judged on the training rows themselves more trees always help; on unseen rows they soon do not.
    assert best_rounds("churn", NAMES, TRAIN, TRAIN, SETTING) > 2 * best_rounds("churn", NAMES, TRAIN, JUDGE, SETTING)


def test_defaults_stay_unless_the_best_trial_gains_more_than_its_standard_error() -> None:
    # The outcome is an interaction of two features, which trees of depth 1 cannot learn: from there any deeper one is
    # clearly better. Labels that nothing explains leave every trial where it began, within chance.
    rng = np.random.default_rng(5)

    def outcomes(n: int, strength: float) -> Rows:
        values = rng.normal(0, 1, (3, n)).astype(np.float32)
        y = rng.random(n) < 1 / (1 + np.exp(-strength * np.sign(values[0] * values[1])))
        return Rows(values, y.astype(np.float64), np.ones(n))

    start = SETTING.changed({"max_depth": 1, "min_child_weight": 2.0})
    clear = tune("churn", NAMES, outcomes(2000, 2.0), outcomes(2000, 2.0), 8, start)
    assert not clear.trials[0].chosen
    assert clear.setting.params["max_depth"] > 1
    chance = tune("churn", NAMES, outcomes(300, 0.0), outcomes(300, 0.0), 8, start)
    least = min(t.loss for t in chance.trials if t.state == "COMPLETE" and t.loss is not None)
    assert chance.trials[0].loss is not None
    assert least < chance.trials[0].loss  # luck found one that seems better
    assert chance.trials[0].chosen


def test_a_space_of_ones_own_is_where_the_search_looks() -> None:
    space = {"max_depth": (5.0, 6.0), "learning_rate": (0.2, 0.3)}
    start = SETTING.changed(inside(space, DEFAULTS))
    found = tune("churn", NAMES, TRAIN, JUDGE, 6, start, space=space)
    assert found.trials[0].params == {"max_depth": 5, "learning_rate": 0.2}
    for trial in found.trials:
        assert set(trial.params) == set(space)
        assert trial.params["max_depth"] in {5, 6}
        assert 0.2 <= trial.params["learning_rate"] <= 0.3
    # What is not searched stays as it was.
    assert found.setting.params["subsample"] == DEFAULTS["subsample"]


def test_where_the_search_starts_is_tried_although_it_lies_outside_the_space() -> None:
    start = SETTING.changed({"max_depth": 8})
    found = tune("churn", NAMES, TRAIN, JUDGE, 1, start)
    assert SPACE["max_depth"][1] < 8
    assert found.trials[0].params["max_depth"] == found.setting.params["max_depth"] == 8


@pytest.mark.soak
def test_a_model_is_loaded_and_served_without_the_search() -> None:
    # The bundle's requirements do not name Optuna: nothing that scoring imports may need it.
    code = "import sys; sys.modules['optuna'] = None; import regulars.models.bundle, regulars.models.model"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
