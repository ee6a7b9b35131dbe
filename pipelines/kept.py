"""What trainings leave on this machine beside the store, because it speaks of customers one by one.

In: a configuration's folder and runs. Out: out-of-time predictions, which name customers; rows of the day of training,
as numbers of bins without a name; fitted priors of a ledger. Of old trainings the first two are removed.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ..config import Config
from ..disk.whole import private
from ..intake import Ledger
from ..intake.growth import priors_of
from ..intake.pointer import ledgers_of
from .files import replaced

if TYPE_CHECKING:
    import pandas as pd

KEPT_PREDICTIONS = 20
"""Of so many trainings, the newest ones, the out-of-time predictions stay."""
_ROWS = ".rows.parquet"


def prior_cache(config: Config, ledger: Ledger) -> Path:
    """Where the fitted priors of a ledger are kept, beside the configuration."""
    return priors_of(ledgers_of(config), ledger.manifest.fingerprint)


def predictions_file(config: Config, run_id: str) -> Path:
    """Where the out-of-time predictions of a training are kept: they name customers, so not in MLflow."""
    return config.folder / ".regulars" / "backtests" / f"{run_id}.parquet"


def rows_file(config: Config, run_id: str) -> Path:
    """Where rows of the day of training are kept, by which drift is told: numbers of bins, and nobody's name."""
    return predictions_file(config, run_id).with_suffix(_ROWS)


def keep(config: Config, run_id: str, predictions: pd.DataFrame, rows: pd.DataFrame) -> None:
    """Keep what a training said out of time and what its customers looked like; that of old trainings goes."""
    for file, frame in ((predictions_file(config, run_id), predictions), (rows_file(config, run_id), rows)):
        private(file.parent)
        replaced(file, partial(frame.to_parquet, index=False))
    sweep_predictions(file.parent)


def sweep_predictions(folder: Path) -> None:
    """Remove what old trainings left; a report on one of them then says nothing of past dates."""
    found = [file for file in folder.glob("*.parquet") if not file.name.endswith(_ROWS)]
    by_age = sorted(found, key=lambda file: (-file.stat().st_mtime, file.name))
    for file in by_age[KEPT_PREDICTIONS:]:
        file.unlink(missing_ok=True)
        file.with_suffix(_ROWS).unlink(missing_ok=True)
