"""One data set, judged by this project's own backtest, in a process of its own.

In: the name of a set, an empty folder, trials and threads. Out: a line of JSON with the costs; then, in the folder,
what each world gave: `predictions.parquet`, `figures.json` and `floors.json` (the least value prediction that counts in
the deviance, by origin), or `refused.json` where the history does not allow it;
and if asked for, what peers need: `rhythm.parquet`, `panel.parquet` and `job.json`.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from regulars.clock import Cutoff
from regulars.config import Config
from regulars.errors import RegularsError
from regulars.intake import build_ledger
from regulars.models.backtest import Backtest
from regulars.models.learnt import LEAST_OF_MEAN
from regulars.models.sample import HALF_LIFE_DAYS
from regulars.models.splits import Origin, holdout, origins
from regulars.pipelines.backtest import examine
from regulars.pipelines.prepare import Prepared, prepare, span_of

from ..tree import cpu_seconds
from .sets import SETS, DataSet, Missing, World, searched

RHYTHM = ("frequency", "recency", "T")


@dataclass(frozen=True)
class Found:
    """What one world gave; nothing but words where it could not be judged."""

    name: str
    config: Config
    refused: str | None = None
    backtest: Backtest | None = None
    prepared: Prepared | None = None
    origins: tuple[Origin, ...] = ()


def judged(world: World) -> Found:
    """Ledger, panel, priors, backtest."""
    config = world.config
    try:
        ledger = build_ledger(config)
        span = span_of(ledger, config)
        chosen = tuple(holdout(span, Cutoff.parse(c)) for c in world.cutoffs) or origins(span, world.origins)
        prepared = prepare(ledger, config, chosen, config.folder / "priors")
        return Found(world.name, config, None, examine(prepared, chosen, config), prepared, chosen)
    except RegularsError as error:
        return Found(world.name, config, str(error))


def worlds_of(chosen: DataSet, folder: Path, trials: int | None, threads: int, shops: int | None = None) -> list[World]:
    """The worlds of a set as they are to be judged; none where the data are not at hand."""
    return [
        World(w.name, searched(w.config, trials, threads), w.cutoffs, w.origins) for w in chosen.worlds(folder, shops)
    ]


def save(found: Found, folder: Path, exchange: bool) -> None:
    """Leave what a world gave in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    if found.backtest is None or found.prepared is None:
        (folder / "refused.json").write_text(json.dumps(found.refused), encoding="utf-8")
        return
    found.backtest.predictions.to_parquet(folder / "predictions.parquet", index=False)
    (folder / "figures.json").write_text(json.dumps(found.backtest.figures), encoding="utf-8")
    (folder / "floors.json").write_text(json.dumps(floors_of(found.prepared, found.origins)), encoding="utf-8")
    if exchange:
        _hand_over(found.prepared, found.origins, found.config, folder)


def floors_of(prepared: Prepared, chosen: Sequence[Origin]) -> dict[str, float]:
    """The least value prediction that counts in the deviance, by origin: so much of the mean training spend."""
    trains = {str(o.cutoff): prepared.rows(o)[0] for o in chosen}
    return {day: LEAST_OF_MEAN * float(np.maximum(train.spend, 0).mean()) for day, train in trains.items()}


def _hand_over(prepared: Prepared, chosen: Sequence[Origin], config: Config, folder: Path) -> None:
    """The same rows for everyone: the rhythm of all customers at the origins, and the whole panel with its labels."""
    panel, h = prepared.panel, prepared.horizon_days
    days = [o.cutoff.day for o in chosen]
    # Where no window of the horizon asked had closed, a classifier has nothing to learn from.
    training = {str(o.cutoff.day): [c.day for c in o.training] * (o.trained_days == h) for o in chosen}
    here = panel.take(np.isin(panel.cutoff_day, days))
    rhythm = {name: getattr(here.rhythm, name).astype(np.float64) for name in RHYTHM}
    pd.DataFrame({"customer_id": here.customer_id, "cutoff": here.cutoff_day, **rhythm}).to_parquet(
        folder / "rhythm.parquet", index=False
    )
    # Labels that had not come true by the end of the data are -1, and no origin trains on them.
    orders = panel.targets[prepared.label(chosen[-1].cutoff)].orders
    churned = np.where(orders < 0, -1, orders == 0).astype(np.int8)
    columns = {"customer_id": pa.array(panel.customer_id), "cutoff": panel.cutoff_day, "churned": churned}
    table = pa.table({**columns, **{f"x_{n}": v for n, v in zip(panel.names, panel.values, strict=True)}})
    pq.write_table(table, folder / "panel.parquet")
    job = {
        "horizon_days": h,
        "half_life_days": max(2 * h, HALF_LIFE_DAYS),
        "trials": config.tuning.trials,
        "seed": config.seed,
        "threads": config.engine.threads,
        "origins": training,
    }
    (folder / "job.json").write_text(json.dumps(job), encoding="utf-8")


def main(given: list[str] | None = None) -> None:
    """Judge, print the costs, write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.accuracy.ours")
    parser.add_argument("name", choices=list(SETS))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--trials", type=int)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--shops", type=int)
    parser.add_argument("--exchange", action="store_true")
    options = parser.parse_args(given)
    data, out = options.folder / "data", options.folder / "found"
    data.mkdir(parents=True)
    out.mkdir()
    try:
        worlds = worlds_of(SETS[options.name], data, options.trials, options.threads, options.shops)
    except Missing as missing:
        worlds = []
        (out / "missing.json").write_text(json.dumps(str(missing)), encoding="utf-8")
    wall, cpu = time.perf_counter(), cpu_seconds()
    found = [judged(world) for world in worlds]
    wall, cpu = time.perf_counter() - wall, cpu_seconds() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    print(json.dumps({"wall_s": wall, "cpu_s": cpu, "peak_mb": peak}), flush=True)
    for one in found:
        save(one, out / one.name, options.exchange)


if __name__ == "__main__":
    main()
