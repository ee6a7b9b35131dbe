"""The nightly batch, end to end, against what nobody can do without: the features, and the boosters' predictions.

In: a folder that `prepare` filled with a ledger of 20 purchases a customer and with a model. Out: a line of JSON: the
processor and wall seconds, the peak memory and the rows of a way. `score` is a whole run: features, every column,
reasons, movers, files, its own check, the pointers; and of that what XGBoost's own predictions take. `panel` is the
features of the same customers and day, block by block. One thread, each way in a process of its own. Run as `python -m
benchmarks.batch prepare FOLDER CUSTOMERS`, then `python -m benchmarks.batch score|panel FOLDER`.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import resource
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import xgboost as xgb

from regulars.config import Config
from regulars.intake import Ledger, build_ledger
from regulars.models.bundle import load, save
from regulars.models.model import Model
from regulars.models.versions import Registered
from regulars.pipelines.score import publish_day
from regulars.pipelines.told import Telling
from regulars.pipelines.train import fit_model

from .purchases import configuration, write
from .training import Spent
from .tree import cpu_seconds

GOAL, MEMORY_GOAL = 1.5, 3.0
"""The whole batch in units of features and predictions; GB that it may hold."""
PER_CUSTOMER = 20
LEARNT_FROM = 40_000
"""Lines that the model is learnt from."""
HORIZON = 90


def settings(folder: Path) -> Config:
    """One thread, no search, one origin."""
    config = configuration(folder, folder / "purchases.parquet")
    return config.model_copy(
        update={
            "target": config.target.model_copy(update={"horizon_days": (HORIZON,)}),
            "tuning": config.tuning.model_copy(update={"trials": 0}),
            "backtest": config.backtest.model_copy(update={"origins": 1, "windows": 1}),
            "engine": config.engine.model_copy(update={"threads": 1}),
        }
    )


def prepare(folder: Path, customers: int) -> None:
    """A model of a small shop, and the ledger of a large one."""
    small = folder / "small"
    small.mkdir(parents=True)
    write(small / "purchases.parquet", LEARNT_FROM, PER_CUSTOMER)
    model = fit_model(build_ledger(settings(small)), settings(small)).model
    save(replace(model, speaker="regulars", value_speaker="regulars"), folder / "bundle")
    write(folder / "purchases.parquet", customers * PER_CUSTOMER, PER_CUSTOMER)
    build_ledger(settings(folder))


def scored(ledger: Ledger, model: Model, config: Config) -> dict[str, float]:
    """A whole run, and what of it is XGBoost's own predictions."""
    spent, registered = Spent(), Registered("regulars", "1", "a-benchmark", "0" * 64, str(model.trained_on))
    with contextlib.ExitStack() as stack:
        for name in ("predict", "inplace_predict"):
            stack.enter_context(spent.around(xgb.Booster, name, "boosters"))
        run = publish_day(ledger, config, model, registered, ledger.ends, config.folder / "scores").run
    return {"rows": float(run.facts["customers"]), "boosters_s": spent.by_part["boosters"]}


def paneled(ledger: Ledger, model: Model) -> dict[str, float]:
    """The features of the same customers, a block at a time."""
    return {"rows": float(sum(panel.n_rows for panel in Telling.of(ledger, model, ledger.ends).panels(1)))}


def measured(way: str, folder: Path) -> dict[str, float]:
    """What a way costs from the stored ledger and bundle on."""
    config = settings(folder)
    ledger, model = build_ledger(config), load(folder / "bundle")
    cpu, wall = cpu_seconds(), time.perf_counter()
    found = scored(ledger, model, config) if way == "score" else paneled(ledger, model)
    cpu, wall = cpu_seconds() - cpu, time.perf_counter() - wall
    # Linux counts in KiB, macOS in bytes.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    return {"wall_s": wall, "cpu_s": cpu, "peak_mb": peak, **found}


def main(given: Sequence[str] | None = None) -> None:
    """Prepare, or measure one way and print what it cost."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.batch", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("way", choices=("prepare", "score", "panel"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("customers", type=int, nargs="?", default=1_000_000, help="default 1,000,000")
    options = parser.parse_args(given)
    if options.way == "prepare":
        prepare(options.folder, options.customers)
    else:
        print(json.dumps(measured(options.way, options.folder)), flush=True)


if __name__ == "__main__":
    main()
