"""A short, seeded, pruned search for the boosters' settings, judged on later time only.

In: rows of the training cutoffs, the last of which judges the earlier ones whose labels had matured by then. Out: a
`Setting` (parameters and rounds) and the table of trials. The first trial is the defaults, so a search never does
worse than they do on the judging cutoff. A budget in seconds ends a study after the trial in which it runs out; every
study records its own trials, and their number as `trials` gives that study again.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import xgboost as xgb
from numpy.typing import NDArray

from .boosted import DEFAULTS, MAX_ROUNDS, PATIENCE, Setting, matrix, xgb_params

with warnings.catch_warnings():
    # In a notebook its progress bars, which are not used, miss a widget library and say so with a path.
    warnings.simplefilter("ignore")
    import optuna

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
EVERY = 5
"""Rounds between two looks at the judging rows."""


@dataclass(frozen=True)
class Trial:
    """One try: its number, state, loss on the judging cutoff, rounds and parameters."""

    number: int
    state: str
    loss: float | None
    rounds: int | None
    params: dict[str, float]


@dataclass(frozen=True)
class Tuned:
    """The setting found, and every trial."""

    setting: Setting
    trials: tuple[Trial, ...]


@dataclass(frozen=True)
class Rows:
    """Features of shape (n_features, n_rows) with label, weight and, for a seeded booster, margin."""

    values: Float32
    label: Float64
    weight: Float64
    margin: Float64 | None = None


def _suggested(trial: optuna.Trial) -> dict[str, float]:
    return {
        "max_depth": trial.suggest_int("max_depth", 2, 6),
        "min_child_weight": trial.suggest_float("min_child_weight", 2, 200, log=True),
        "subsample": trial.suggest_float("subsample", 0.5, 1.0),
        "colsample_bytree": trial.suggest_float("colsample_bytree", 0.3, 1.0),
        "reg_lambda": trial.suggest_float("reg_lambda", 1, 100, log=True),
    }


def tune(
    kind: str,
    names: Sequence[str],
    train: Rows,
    judge: Rows,
    trials: int,
    setting: Setting,
    seconds: float | None = None,
    progress: Callable[[str, float], None] | None = None,
) -> Tuned:
    """Search `trials` settings; with 0 trials only the rounds of the defaults are found, by early stopping."""
    data, unseen = _matrices(names, train, judge)
    rounds: dict[int, int] = {}

    def loss(trial: optuna.Trial) -> float:
        def pruned(judged: float, done: int) -> None:
            trial.report(judged, done)
            if trial.should_prune():
                raise optuna.TrialPruned

        least, rounds[trial.number] = _stopped_early(kind, data, unseen, setting.changed(_suggested(trial)), pruned)
        return least

    if trials == 0:
        least, enough = _stopped_early(kind, data, unseen, setting)
        return Tuned(replace(setting, rounds=enough), (Trial(0, "COMPLETE", least, enough, dict(setting.params)),))

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        sampler=optuna.samplers.TPESampler(seed=setting.seed, n_startup_trials=min(5, trials)),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=4, n_warmup_steps=50),
    )
    study.enqueue_trial({name: DEFAULTS[name] for name in DEFAULTS if name != "learning_rate"})
    began = time.monotonic()

    def after(study: optuna.Study, trial: optuna.trial.FrozenTrial) -> None:
        if progress:
            progress(f"tuning {kind}", (trial.number + 1) / trials)
        if seconds is not None and time.monotonic() - began > seconds:
            study.stop()

    study.optimize(loss, n_trials=trials, callbacks=[after])
    table = tuple(
        Trial(t.number, t.state.name, t.value, rounds.get(t.number), {k: float(v) for k, v in t.params.items()})
        for t in study.trials
    )
    chosen = setting.changed({**study.best_params, "max_depth": int(study.best_params["max_depth"])})
    return Tuned(replace(chosen, rounds=rounds[study.best_trial.number]), table)


def best_rounds(kind: str, names: Sequence[str], train: Rows, judge: Rows, setting: Setting) -> int:
    """Rounds after which the judging rows stop gaining."""
    data, unseen = _matrices(names, train, judge)
    return _stopped_early(kind, data, unseen, setting)[1]


def _matrices(names: Sequence[str], train: Rows, judge: Rows) -> tuple[xgb.DMatrix, xgb.DMatrix]:
    data = matrix(names, train.values, train.label, train.weight, train.margin, None)
    return data, matrix(names, judge.values, judge.label, judge.weight, judge.margin, data)


def _stopped_early(
    kind: str,
    data: xgb.DMatrix,
    unseen: xgb.DMatrix,
    setting: Setting,
    told: Callable[[float, int], None] | None = None,
) -> tuple[float, int]:
    """The least judging loss and its rounds; looked at every few rounds only, as a look costs as much as a round."""
    booster = xgb.Booster(xgb_params(kind, setting), [data, unseen])
    least, enough = np.inf, EVERY
    for done in range(1, MAX_ROUNDS + 1):
        booster.update(data, done - 1)
        if done % EVERY:
            continue
        judged = float(booster.eval_set([(unseen, "judge")], done).rsplit(":", 1)[1])
        if told is not None:
            told(judged, done)
        if judged < least:
            least, enough = judged, done
        elif done - enough >= PATIENCE:
            break
    return float(least), enough
