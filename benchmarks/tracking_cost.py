"""What keeping a training in MLflow costs, and how long it takes to go back to the champion before.

In: a folder. Out: a line of JSON, processor seconds: of a training of 60 trials; of its run, parameters, metrics,
tables and pictures (`tracking`); of sealing, logging and registering its bundle (`registering`); and, in processes
of their own, of `import mlflow` and of `regulars rollback`, with the wall seconds of both. The store is new and on this
disk. One thread. Run as `python -m benchmarks.tracking_cost FOLDER`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from regulars import simulate
from regulars.config import Config
from regulars.intake import build_ledger
from regulars.models.registry import Registry
from regulars.models.tracking import Store
from regulars.pipelines import register
from regulars.pipelines.train import fit_model

from .training import Spent
from .tree import cpu_seconds

GOAL, ROLLBACK_GOAL = 2.0, 5.0
"""Processor seconds that tracking may add; seconds that going back may take beyond `import mlflow`."""
TRIALS = 15
"""Of each study; at one origin there are four."""
SETTINGS = """
[data.purchases]
path = "purchases.parquet"
customer_id = "customer_id"
purchased_at = "purchased_at"
amount = "amount"
[target]
horizon_days = 30
[backtest]
origins = 1
windows = 1
[tuning]
trials = {trials}
[engine]
threads = 1
"""


def shop(folder: Path, trials: int) -> Config:
    """A small simulated shop in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    columns = ["customer_id", "purchased_at", "amount"]
    simulate(400, days=420, seed=0).purchases[columns].to_parquet(folder / "purchases.parquet", index=False)
    (folder / "regulars.toml").write_text(SETTINGS.format(trials=trials), encoding="utf-8")
    return Config.load(folder / "regulars.toml")


def kept(config: Config) -> dict[str, float]:
    """Train once, register twice, let both be champion; what it costs."""
    ledger = build_ledger(config)
    begun = cpu_seconds()
    trained = fit_model(ledger, config)
    fit = cpu_seconds() - begun
    first = register.register(ledger, config, trained)  # Makes the store and loads all there is to load.
    spent = Spent()
    begun = cpu_seconds()
    with spent.around(Registry, "register", "registering"), spent.around(Store, "log", "log"):
        second = register.register(ledger, config, trained)
    whole = cpu_seconds() - begun
    registry = Registry.of(config)
    for one in (first, second):
        version = registry.at(one.name, one.version)
        assert version is not None
        registry.crown(version, "forced", ["a benchmark"])
    registering = spent.by_part["registering"]
    return {
        "trials": len(trained.trials()),
        "fit_s": fit,
        "tracking_s": whole - registering,
        "registering_s": registering,
    }


def alone(*command: str) -> tuple[float, float]:
    """Processor and wall seconds of a process."""
    cpu, wall = cpu_seconds(), time.perf_counter()
    subprocess.run([sys.executable, *command], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return cpu_seconds() - cpu, time.perf_counter() - wall


def main(given: Sequence[str] | None = None) -> None:
    """Train, track, go back; print what it cost."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.tracking_cost", description=(__doc__ or "").split("\n\n")[0]
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--trials", type=int, default=TRIALS, help=f"trials of each of four studies (default {TRIALS})")
    options = parser.parse_args(given)
    config = shop(options.folder, options.trials)
    costs = kept(config)
    costs["import_cpu_s"], costs["import_wall_s"] = alone("-c", "import mlflow")
    costs["rollback_cpu_s"], costs["rollback_wall_s"] = alone(
        *("-m", "regulars.cli", "rollback", str(config.folder / "regulars.toml"))
    )
    print(json.dumps(costs), flush=True)


if __name__ == "__main__":
    main()
