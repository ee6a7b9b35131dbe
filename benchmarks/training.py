"""A whole training on CDNOW, and how much of it is spent in XGBoost's own fits.

In: the folder in which the data set is to lie, trials a study, origins. Out: a line of JSON: processor and wall seconds
of the whole training (backtest and final model, from a stored ledger) and of its parts, peak memory, rows. A part is
measured around XGBoost's own functions: `fits` is the boosting of the members that are kept, at all origins and of the
final model; `matrices` what turns rows into bins for them; `studies` the boosting of all trials; `looks` what judging
them costs. One thread, so that processor time is what is compared. Run as `python -m benchmarks.training FOLDER`.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import json
import resource
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import xgboost as xgb

from regulars.config import Config
from regulars.intake import build_ledger
from regulars.pipelines.demo_data import purchases_of
from regulars.pipelines.train import Trained, fit_model

from .tree import cpu_seconds

GOAL = 4.0
"""The whole training in units of its fits."""


class Spent:
    """Processor seconds spent inside some functions, by part; what a function does inside another part is not its."""

    def __init__(self) -> None:
        self.by_part: dict[str, float] = {}
        self._open: list[str] = []

    def around(self, owner: Any, name: str, part: str) -> contextlib.AbstractContextManager[None]:
        """Measure a function of a class or module until the context ends."""
        return self._patched(owner, name, part)

    @contextlib.contextmanager
    def _patched(self, owner: Any, name: str, part: str) -> Iterator[None]:
        kept = owner.__dict__[name]
        setattr(owner, name, self._measured(kept, part))
        try:
            yield
        finally:
            setattr(owner, name, kept)

    def _measured(self, function: Callable[..., Any], part: str) -> Callable[..., Any]:
        @functools.wraps(function)
        def measured(*given: Any, **named: Any) -> Any:
            if self._open:
                return function(*given, **named)
            self._open.append(part)
            begun = time.process_time()
            try:
                return function(*given, **named)
            finally:
                self._open.pop()
                self.by_part[part] = self.by_part.get(part, 0.0) + time.process_time() - begun

        return measured


def settings(folder: Path, trials: int, origins: int) -> Config:
    """CDNOW in a folder, on one thread."""
    folder.mkdir(parents=True, exist_ok=True)
    config = Config.load(purchases_of("cdnow", folder))
    return config.model_copy(
        update={
            "tuning": config.tuning.model_copy(update={"trials": trials}),
            "backtest": config.backtest.model_copy(update={"origins": origins}),
            "engine": config.engine.model_copy(update={"threads": 1}),
        }
    )


def trained(config: Config) -> tuple[dict[str, float], Trained]:
    """What a training costs, and what it gives."""
    ledger, spent = build_ledger(config), Spent()
    parts = (
        (xgb, "train", "fits"),
        (xgb.QuantileDMatrix, "__init__", "matrices"),
        (xgb.DMatrix, "__init__", "matrices"),
        (xgb.Booster, "update", "studies"),
        (xgb.Booster, "eval_set", "looks"),
        (xgb.Booster, "predict", "looks"),
        (xgb.Booster, "inplace_predict", "predictions"),
    )
    with contextlib.ExitStack() as stack:
        for owner, name, part in parts:
            stack.enter_context(spent.around(owner, name, part))
        cpu, wall = cpu_seconds(), time.perf_counter()
        found = fit_model(ledger, config)
        cpu, wall = cpu_seconds() - cpu, time.perf_counter() - wall
    # Linux counts in KiB, macOS in bytes.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    costs = {"wall_s": wall, "cpu_s": cpu, "peak_mb": peak, "rows": found.n_rows, "trials": len(found.trials())}
    return {**costs, **{f"{part}_s": seconds for part, seconds in spent.by_part.items()}}, found


def main(given: list[str] | None = None) -> None:
    """Train, and print what it cost."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.training", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--trials", type=int, default=30, help="trials of each study (default 30)")
    parser.add_argument("--origins", type=int, default=3, help="origins of the backtest (default 3)")
    options = parser.parse_args(given)
    print(json.dumps(trained(settings(options.folder, options.trials, options.origins))[0]), flush=True)


if __name__ == "__main__":
    main()
