"""LightGBM on the same panel; run as a script by the Python of another environment.

In: folders, each with `job.json` and `panel.parquet`. Out: in each, `lightgbm-<cutoff day>.parquet` with one row per
customer. It gets what the project's own panel booster gets: the rows, features and weights of the same matured
cutoffs, as many trials of a seeded search judged on the last of them, rounds by early stopping there, and then a fit on
all of them. The first trial is LightGBM's own defaults. It imports nothing of this project.
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import optuna
import pandas as pd
import pyarrow.parquet as pq

MOST_ROUNDS, ROUNDS, PATIENCE, TUNING_ROWS = 600, 100, 30, 40_000
OWN = {"num_leaves": 31, "min_child_samples": 20, "subsample": 1.0, "colsample_bytree": 1.0, "reg_lambda": 0.0}


def suggested(trial: optuna.Trial) -> dict[str, Any]:
    """The space: LightGBM's own names for what the project searches."""
    return {
        "num_leaves": trial.suggest_int("num_leaves", 4, 63, log=True),
        "min_child_samples": trial.suggest_int("min_child_samples", 5, 200, log=True),
        "subsample": trial.suggest_float("subsample", 0.5, 1.0),
        "colsample_bytree": trial.suggest_float("colsample_bytree", 0.3, 1.0),
        "reg_lambda": trial.suggest_float("reg_lambda", 0.0, 100.0),
    }


def classifier(job: dict[str, Any], rounds: int, params: dict[str, Any]) -> lgb.LGBMClassifier:
    """A classifier; rows are drawn anew for every tree."""
    fixed = {"learning_rate": 0.05, "subsample_freq": 1, "deterministic": True, "force_row_wise": True, "verbose": -1}
    return lgb.LGBMClassifier(
        n_estimators=rounds, random_state=job["seed"], n_jobs=job["threads"] or 1, **fixed, **params
    )


def weights(cutoff: np.ndarray, job: dict[str, Any]) -> np.ndarray:
    """Recent cutoffs weigh more."""
    return 0.5 ** ((cutoff.max() - cutoff) / job["half_life_days"])


def setting(panel: pd.DataFrame, days: list[int], job: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Rounds and parameters, judged on the last training cutoff; LightGBM's own where there is nothing before it."""
    past = panel[panel["cutoff"].isin([d for d in days if d + job["horizon_days"] <= days[-1]])]
    judge = panel[panel["cutoff"] == days[-1]]
    if past["churned"].nunique() < 2 or judge["churned"].nunique() < 2:
        return ROUNDS, OWN
    thinned = [p.sample(min(len(p), TUNING_ROWS), random_state=job["seed"]).sort_index() for p in (past, judge)]
    features = [c for c in panel.columns if c.startswith("x_")]
    found: dict[int, int] = {}

    def loss(trial: optuna.Trial) -> float:
        model = classifier(job, MOST_ROUNDS, suggested(trial))
        known, unseen = thinned
        model.fit(
            known[features],
            known["churned"],
            sample_weight=weights(known["cutoff"].to_numpy(), job),
            eval_set=[(unseen[features], unseen["churned"])],
            callbacks=[lgb.early_stopping(PATIENCE, verbose=False)],
        )
        found[trial.number] = model.best_iteration_
        return float(model.best_score_["valid_0"]["binary_logloss"])

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=job["seed"]))
    study.enqueue_trial(OWN)
    study.optimize(loss, n_trials=max(job["trials"], 1))
    return found[study.best_trial.number], study.best_params


def main(folders: list[str]) -> None:
    """Every origin of every folder that has training cutoffs."""
    warnings.simplefilter("ignore")
    for folder in map(Path, folders):
        job = json.loads((folder / "job.json").read_text(encoding="utf-8"))
        panel = pq.read_table(folder / "panel.parquet").to_pandas()
        features = [c for c in panel.columns if c.startswith("x_")]
        for cutoff, days in job["origins"].items():
            train, now = panel[panel["cutoff"].isin(days)], panel[panel["cutoff"] == int(cutoff)]
            if train["churned"].nunique() < 2:
                print(f"lightgbm: at day {cutoff} no window of the horizon had closed", file=sys.stderr)
                continue
            rounds, params = setting(train, days, job)
            model = classifier(job, rounds, params)
            model.fit(train[features], train["churned"], sample_weight=weights(train["cutoff"].to_numpy(), job))
            said = now[["customer_id", "cutoff"]].assign(lightgbm=model.predict_proba(now[features])[:, 1])
            said.to_parquet(folder / f"lightgbm-{cutoff}.parquet", index=False)


if __name__ == "__main__":
    main(sys.argv[1:])
