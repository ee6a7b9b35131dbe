"""Score: ledger and champion -> one row per customer as of a day, written whole or not at all.

In: a ledger, a model, a date. Out: a frame, and Parquet and CSV files with the same bytes each time for the same
ledger, model and date. Customers without a purchase before the date have no row.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ..clock import Cutoff
from ..config import Config
from ..engines import panel_of, reference_of, usable_threads
from ..errors import ConfigError, DataError
from ..features.family import plan_for
from ..intake import Ledger
from ..models.model import Model
from ..progress import Progress
from .files import replaced, reserved
from .prepare import event_notes
from .written import remember

if TYPE_CHECKING:
    import pandas as pd


def score(
    ledger: Ledger,
    model: Model,
    as_of: Cutoff | str | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Scores of all customers at risk, in order of their ids.

    Parameters
    ----------
    as_of : Cutoff or ISO date, optional
        The day before which everything is known; default: the day after the ledger's last.

    Raises
    ------
    ConfigError
        When the day lies before the ledger, or the ledger lacks a column the model was trained with.
    """
    day = Cutoff.parse(as_of) if isinstance(as_of, str) else as_of or ledger.ends
    if day <= ledger.history_starts:
        raise ConfigError(f"nothing is known before {day}", needed=f"a day after {ledger.history_starts}", code="RG090")
    lacking = [c for c in model.shape.columns if c not in ledger.columns]
    if lacking:
        raise DataError("the ledger lacks columns that the model was trained with", offending=lacking, code="RG091")
    plan = plan_for(model.shape)
    reference = reference_of(ledger, [day], plan)
    panel = panel_of(ledger, plan, reference, [day], (), usable_threads(threads), progress, model.horizons)
    return model.scores(panel)


def write_scores(scores: pd.DataFrame, parquet: Path) -> None:
    """Parquet and, beside it, CSV; each appears whole or the old one stays.

    Raises
    ------
    StorageError
        When a file cannot be written.
    Busy
        When someone else is writing them.
    """
    # Types do not depend on what happens to be in the columns: nobody at risk is an empty file of the same kind.
    texts = {n for n, t in scores.dtypes.items() if not isinstance(t, np.dtype) or t.kind == "O"}
    kinds = {n: pa.string() if n in texts else pa.from_numpy_dtype(t) for n, t in scores.dtypes.items()}
    table = pa.Table.from_pandas(scores, schema=pa.schema(kinds), preserve_index=False).replace_schema_metadata(None)
    with reserved(parquet, "writing scores"):
        replaced(parquet, lambda path: pq.write_table(table, path, compression="zstd"))
        replaced(
            parquet.with_suffix(".csv"),
            lambda path: path.write_text(scores.to_csv(index=False, lineterminator="\n"), encoding="utf-8"),
        )


def score_with_champion(
    ledger: Ledger, config: Config, as_of: Cutoff | None, progress: Progress | None = None
) -> tuple[pd.DataFrame, Model]:
    """Scores by the registered champion, with its version and the run that trained it; and the champion."""
    from ..models.tracking import Store

    threads = usable_threads(config.engine.threads)
    model, registered = Store(config.tracking_uri).champion(config.mlflow.model_name, threads)
    scores = score(ledger, model, as_of, config.engine.threads, progress)
    return scores.assign(model_version=registered.version, run_id=registered.run_id), model


def score_to(
    ledger: Ledger, config: Config, as_of: Cutoff | None, parquet: Path, progress: Progress | None = None
) -> tuple[dict[str, object], list[str]]:
    """Score with the champion and write; what was written, and what to keep in mind."""
    day = as_of or ledger.ends
    with reserved(parquet, f"scoring as of {day}"):
        scores, model = score_with_champion(ledger, config, day, progress)
        remember(config.folder, "scores", parquet, parquet.with_suffix(".csv"))
        write_scores(scores, parquet)
    notes = []
    if day < model.trained_on:
        notes.append(f"the model was trained on {model.trained_on} and knows what happened after {day}")
    if day > ledger.ends:
        notes.append(f"the purchases end on {ledger.manifest.last_day}: everyone looks silent since then")
    notes += event_notes(ledger, model.shape)
    version = str(scores["model_version"].iloc[0]) if len(scores) else None
    written: dict[str, object] = {"customers": len(scores), "as_of": str(day), "version": version, "notes": notes}
    who = {"churn_by": model.speaker, "value_by": model.value_speaker}
    return {**written, **who, "file": str(parquet)}, notes
