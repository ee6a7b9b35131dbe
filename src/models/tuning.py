"""A short, seeded, pruned search for the boosters' settings, judged on later time only.

In: rows of the training cutoffs, the last of which judges the earlier ones whose labels had matured by then. Out: a
`Setting` (parameters and rounds) and the table of trials. The first trial is the defaults, so a search never does
worse than they do on the judging cutoff. A budget in seconds stops after the trial in which it runs out; how many were
finished is recorded, and that number as `trials` gives the same result again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import optuna
import xgboost as xgb
from numpy.typing import NDArray

from .boosted import DEFAULTS, MAX_ROUNDS, PATIENCE, Setting, matrix, xgb_params

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
PRUNE_EVERY = 25


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


class _Pruner(xgb.callback.TrainingCallback):
    """Reports the judging loss to the study now and then, and ends a hopeless trial."""

    def __init__(self, trial: optuna.Trial) -> None:
        self.trial = trial

    def after_iteration(self, model: Any, epoch: int, evals_log: dict[str, dict[str, Any]]) -> bool:
        """XGBoost calls this after each round."""
        if (epoch + 1) % PRUNE_EVERY == 0:
            losses = next(iter(evals_log["judge"].values()))
            self.trial.report(losses[-1], epoch)
            if self.trial.should_prune():
                raise optuna.TrialPruned
        return False


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
        chosen = setting.changed(_suggested(trial))
        booster = _stopped_early(kind, data, unseen, chosen, [_Pruner(trial)])
        rounds[trial.number] = booster.best_iteration + 1
        return float(booster.best_score)

    if trials == 0:
        booster = _stopped_early(kind, data, unseen, setting, [])
        only = Trial(0, "COMPLETE", float(booster.best_score), booster.best_iteration + 1, dict(setting.params))
        return Tuned(replace(setting, rounds=booster.best_iteration + 1), (only,))

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        sampler=optuna.samplers.TPESampler(seed=setting.seed, n_startup_trials=min(5, trials)),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=4, n_warmup_steps=2 * PRUNE_EVERY),
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
    return int(_stopped_early(kind, data, unseen, setting, []).best_iteration) + 1


def _matrices(names: Sequence[str], train: Rows, judge: Rows) -> tuple[xgb.DMatrix, xgb.DMatrix]:
    data = matrix(names, train.values, train.label, train.weight, train.margin, None)
    return data, matrix(names, judge.values, judge.label, judge.weight, judge.margin, data)


def _stopped_early(
    kind: str,
    data: xgb.DMatrix,
    unseen: xgb.DMatrix,
    setting: Setting,
    callbacks: list[xgb.callback.TrainingCallback],
) -> xgb.Booster:
    return xgb.train(
        xgb_params(kind, setting),
        data,
        num_boost_round=MAX_ROUNDS,
        evals=[(unseen, "judge")],
        early_stopping_rounds=PATIENCE,
        verbose_eval=False,
        callbacks=callbacks,
    )
