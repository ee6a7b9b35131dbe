"""Scoring a million customers, against what the boosters themselves take on features that are ready.

In: how many customers, the horizons. Out: a line of JSON: processor and wall seconds of all scores but reasons (every
column, every horizon, lifetime value, intervals, timing), of XGBoost's own predictions inside them, and of each other
part; peak memory. A model is trained on a simulated shop; its customers' rows are repeated under other ids until there
are enough, so that no feature is computed while the clock runs. One thread, so that processor time is what is compared.
Run as `python -m benchmarks.scoring`.
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

import numpy as np
import xgboost as xgb

from regulars import simulate
from regulars.config import Config
from regulars.engines import panel_of, reference_of
from regulars.features.family import plan_for
from regulars.features.panel import Panel
from regulars.intake import Ledger
from regulars.models.model import Model
from regulars.pipelines.train import fit_model

from .training import Spent
from .tree import cpu_seconds

GOAL = 2.0
"""All outputs but reasons, in units of the boosters' own predictions."""
HORIZONS = (90, 30, 365)
FREQUENT = {"r": 1.2, "alpha": 40.0, "s": 1.0, "beta": 300.0}


def trained(horizons: Sequence[int], customers: int = 1500) -> tuple[Model, Panel]:
    """A model of a simulated shop of three years, and the rows of its customers now."""
    world = simulate(customers, days=1095, seed=0, parameters=FREQUENT)
    config = _aimed(world.config(), horizons)
    ledger = Ledger.from_frame(world.purchases, config)
    model = fit_model(ledger, config).model
    model = replace(model, speaker="regulars", value_speaker="regulars")
    plan = plan_for(model.shape)
    reference = reference_of(ledger, [ledger.ends], plan)
    return model, panel_of(ledger, plan, reference, [ledger.ends], (), 1, None, model.days)


def _aimed(config: Config, horizons: Sequence[int]) -> Config:
    return config.model_copy(
        update={
            "target": config.target.model_copy(update={"horizon_days": tuple(horizons)}),
            "tuning": config.tuning.model_copy(update={"trials": 0}),
            "backtest": config.backtest.model_copy(update={"origins": 1}),
            "engine": config.engine.model_copy(update={"threads": 1}),
        }
    )


def repeated(panel: Panel, customers: int) -> Panel:
    """The same rows again and again, each under an id of its own, until there are so many."""
    rows = np.arange(customers, dtype=np.int64) % panel.n_rows
    ids = np.array([f"c{k:08d}" for k in range(customers)], object)
    return replace(panel.take(rows), customer_id=ids)


def measured(model: Model, panel: Panel) -> dict[str, float]:
    """What all scores of some rows cost, and what of it is XGBoost's own predictions."""
    spent = Spent()
    with contextlib.ExitStack() as stack:
        for name in ("predict", "inplace_predict"):
            stack.enter_context(spent.around(xgb.Booster, name, "boosters"))
        cpu, wall = cpu_seconds(), time.perf_counter()
        told = model.scored(model.sample_of(panel))
        cpu, wall = cpu_seconds() - cpu, time.perf_counter() - wall
    # Linux counts in KiB, macOS in bytes.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    scores = told.scores
    sizes = {"rows": len(scores), "long_rows": len(told.horizons), "columns": len(scores.columns)}
    costs = {"wall_s": wall, "cpu_s": cpu, "boosters_s": spent.by_part["boosters"], "peak_mb": peak}
    return {**costs, **sizes}


def main(given: Sequence[str] | None = None) -> None:
    """Train, repeat, score; print what it cost."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scoring", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--customers", type=int, default=1_000_000, help="rows to score (default 1,000,000)")
    parser.add_argument("--horizons", type=int, nargs="+", default=HORIZONS, help="days, the primary first")
    options = parser.parse_args(given)
    model, panel = trained(options.horizons)
    print(json.dumps(measured(model, repeated(panel, options.customers))), flush=True)


if __name__ == "__main__":
    main()
