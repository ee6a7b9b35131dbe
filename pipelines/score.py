"""Score: ledger and champion -> one row per customer as of a day, each file written whole or not at all.

In: a ledger, a model, a date. Out: frames, and Parquet and CSV files with the same bytes each time for the same ledger,
model and date; beside them what is said of further horizons, and who has moved since the scores of an earlier day,
which are kept. Who has no row is said by the model: customers beyond `active_within_days`, and unknown ones.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ..clock import Cutoff
from ..config import Config
from ..engines import panel_of, reference_of, usable_threads
from ..errors import ConfigError, DataError
from ..features.family import Plan, plan_for
from ..features.panel import Panel
from ..intake import Ledger
from ..models.concentration import concentration
from ..models.model import Model
from ..models.reasons import reasons_of
from ..models.sample import Sample
from ..models.worth import Total
from ..progress import Progress
from ..reports.customers import valued, worth_keeping
from .files import all_replaced, reserved
from .movers import About, Movers, movers
from .prepare import event_notes
from .prospects import prospect_scores
from .written import remember

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Scored:
    """All that is said of the customers as of a day.

    Parameters
    ----------
    about : About
        The day, the horizon, the currency, the model's version.
    scores : DataFrame
        One row per customer.
    horizons : DataFrame or None
        One row per customer and horizon; None where the model has only one.
    prospects : DataFrame or None
        One row per person who has not bought yet, with the values of the cohort; None where nothing was learnt of such.
    total : Total or None
        The lifetime values of all customers together.
    """

    about: About
    scores: pd.DataFrame
    horizons: pd.DataFrame | None = None
    prospects: pd.DataFrame | None = None
    total: Total | None = None

    def by(self, version: str, run_id: str) -> Scored:
        """The same, saying which version spoke and which run trained it."""
        about, said = replace(self.about, version=version), {"model_version": version, "run_id": run_id}
        prospects = None if self.prospects is None else self.prospects.assign(**said)
        return replace(self, about=about, scores=self.scores.assign(**said), prospects=prospects)


@dataclass(frozen=True)
class Places:
    """The files of scores: that which was named, and those beside it.

    Examples
    --------
    >>> [place.name for place in Places(Path("scores.parquet")).all]  # doctest: +NORMALIZE_WHITESPACE
    ['scores.parquet', 'scores.csv', 'scores_horizons.parquet', 'scores_prospects.parquet', 'scores_movers.csv',
     'scores.previous.parquet']
    """

    parquet: Path

    @property
    def csv(self) -> Path:
        """The same rows as text."""
        return self.parquet.with_suffix(".csv")

    @property
    def horizons(self) -> Path:
        """What is said of all horizons; where there are several."""
        return self.parquet.with_name(f"{self.parquet.stem}_horizons.parquet")

    @property
    def prospects(self) -> Path:
        """What is said of people who have not bought yet; where there are such."""
        return self.parquet.with_name(f"{self.parquet.stem}_prospects.parquet")

    @property
    def movers(self) -> Path:
        """Who has moved since the scores before; where there are such."""
        return self.parquet.with_name(f"{self.parquet.stem}_movers.csv")

    @property
    def previous(self) -> Path:
        """The scores of the earlier day that these took the place of."""
        return self.parquet.with_name(f"{self.parquet.stem}.previous.parquet")

    @property
    def all(self) -> tuple[Path, ...]:
        """Each of them, there or not."""
        return (self.parquet, self.csv, self.horizons, self.prospects, self.movers, self.previous)


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
    return model.scores(_panel(ledger, model, day, threads, progress))


def plan_of(ledger: Ledger, model: Model, day: Cutoff) -> Plan:
    """What a model looks at in a ledger as of a day, if it is there.

    Raises
    ------
    ConfigError
        When the day lies before the ledger.
    DataError
        When the ledger lacks a column the model was trained with.
    """
    if day <= ledger.history_starts:
        raise ConfigError(f"nothing is known before {day}", needed=f"a day after {ledger.history_starts}", code="RG090")
    lacking = [c for c in model.shape.columns if c not in ledger.columns]
    if lacking:
        raise DataError("the ledger lacks columns that the model was trained with", offending=lacking, code="RG091")
    return plan_for(model.shape)


def _panel(ledger: Ledger, model: Model, day: Cutoff, threads: int | None, progress: Progress | None) -> Panel:
    """The rows of a day, with all that the model looks at."""
    plan = plan_of(ledger, model, day)
    reference = reference_of(ledger, [day], plan)
    return panel_of(ledger, plan, reference, [day], (), usable_threads(threads), progress, model.days)


def scored(
    ledger: Ledger, model: Model, config: Config, as_of: Cutoff | None = None, progress: Progress | None = None
) -> Scored:
    """What a model says of all customers at risk as of a day (default: the day after the ledger's last)."""
    day = as_of or ledger.ends
    panel = _panel(ledger, model, day, config.engine.threads, progress)
    about = About(str(day), model.horizon_days, config.data.currency)
    sample = model.sample_of(panel)
    told = model.scored(sample)
    scores = told.scores
    scores["reasons"] = _reasons(model, sample, valued(scores, day, ledger.history_starts, model.horizon_days), config)
    several = len(model.learnt.horizons) > 1
    return Scored(about, scores, told.horizons if several else None, prospect_scores(ledger, model, day), told.total)


def _reasons(model: Model, sample: Sample, customers: pd.DataFrame, config: Config) -> NDArray[np.object_]:
    """Reasons for those who can still be kept with most at stake, as the report lists them; "" for all others."""
    found = np.full(sample.n_rows, "", object)
    rows = np.sort(worth_keeping(customers, config.scores.reasons).index.to_numpy(np.int64))
    found[rows] = reasons_of(model, sample.take(rows), config.data.currency)
    return found


def score_with_champion(
    ledger: Ledger, config: Config, as_of: Cutoff | None, progress: Progress | None = None
) -> tuple[Scored, Model]:
    """What the registered champion says, with its version and the run that trained it; and the champion."""
    from ..models.tracking import Store

    threads = usable_threads(config.engine.threads)
    model, registered = Store(config.tracking_uri).champion(config.mlflow.model_name, threads)
    found = scored(ledger, model, config, as_of, progress)
    return found.by(registered.version, registered.run_id), model


def write_scores(found: Scored, parquet: Path, most: int) -> Movers | str | None:
    """Parquet, CSV and what lies beside them; each appears whole or the old one stays.

    None is put in its place before all are filled. Scores of an earlier day that lie there are kept as
    `Places.previous`; those of the same day or a later one make room, and leave the kept ones alone.

    Parameters
    ----------
    most : int
        At most so many movers of each kind are listed.

    Returns
    -------
    Movers, str or None
        Who moved since the scores before; why nobody can be said to have; None when there are none before.

    Raises
    ------
    StorageError
        When a file cannot be written.
    Busy
        When someone else is writing them.
    """
    places = Places(parquet)
    with reserved(parquet, "writing scores"):
        keep = _is_older(places.parquet, found)
        moved = moved_since(found, parquet, most)
        # The file that was named comes last: until it is there, the next run finds the old one and does all again.
        files: list[tuple[Path, Callable[[Path], object]]] = []
        if keep:
            files.append((places.previous, lambda path: shutil.copyfile(places.parquet, path)))
        for place, frame in ((places.horizons, found.horizons), (places.prospects, found.prospects)):
            if frame is not None:
                files.append((place, partial(_filled, _table(frame, found.about))))
        if isinstance(moved, Movers):
            text = moved.rows.to_csv(index=False, lineterminator="\n")
            files.append((places.movers, lambda path: path.write_text(text, encoding="utf-8")))
        rows = found.scores.to_csv(index=False, lineterminator="\n")
        files.append((places.csv, lambda path: path.write_text(rows, encoding="utf-8")))
        files.append((places.parquet, partial(_filled, _table(found.scores, found.about))))
        all_replaced(files)
        # What lies beside other scores would speak of another day.
        for stale in {places.horizons, places.prospects, places.movers} - {path for path, _ in files}:
            stale.unlink(missing_ok=True)
    return moved


def moved_since(found: Scored, parquet: Path, most: int) -> Movers | str | None:
    """Who moved since the scores of an earlier day that lie in a place, or were kept beside it.

    Returns
    -------
    Movers, str or None
        As `write_scores`.
    """
    places = Places(parquet)
    source = places.parquet if _is_older(places.parquet, found) else places.previous
    then = About.of_file(source)
    if then is None or not then.is_before(found.about):
        return None
    hindrance = then.hindrance(found.about)
    if hindrance is not None:
        return hindrance
    before = pq.read_table(source, columns=["customer_id", "p_churn", "expected_spend", "segment"]).to_pandas()
    return movers(before, found.scores, then, found.about, most)


def _is_older(file: Path, found: Scored) -> bool:
    """Whether a file holds scores of an earlier day."""
    there = About.of_file(file)
    return there is not None and there.is_before(found.about)


def _filled(table: pa.Table, path: Path) -> None:
    pq.write_table(table, path, compression="zstd")


def _table(frame: pd.DataFrame, about: About) -> pa.Table:
    """Types do not depend on what happens to be in the columns: nobody at risk is an empty table of the same kind."""
    texts = {n for n, t in frame.dtypes.items() if not isinstance(t, np.dtype) or t.kind == "O"}
    kinds = {n: pa.string() if n in texts else pa.from_numpy_dtype(t) for n, t in frame.dtypes.items()}
    table = pa.Table.from_pandas(frame, schema=pa.schema(kinds), preserve_index=False)
    return table.replace_schema_metadata(about.metadata())


def score_to(
    ledger: Ledger, config: Config, as_of: Cutoff | None, parquet: Path, progress: Progress | None = None
) -> tuple[dict[str, Any], list[str]]:
    """Score with the champion and write; what was written, and what to keep in mind."""
    day = as_of or ledger.ends
    with reserved(parquet, f"scoring as of {day}"):
        found, model = score_with_champion(ledger, config, day, progress)
        remember(config.folder, "scores", *Places(parquet).all)
        moved = write_scores(found, parquet, config.scores.movers)
    notes = []
    if day < model.trained_on:
        notes.append(f"the model was trained on {model.trained_on} and knows what happened after {day}")
    if day > ledger.ends:
        notes.append(f"the purchases end on {ledger.manifest.last_day}: everyone looks silent since then")
    if isinstance(moved, str):
        notes.append(moved)
    notes += event_notes(ledger, model.shape)
    scores = found.scores
    version = str(scores["model_version"].iloc[0]) if len(scores) else None
    written: dict[str, Any] = {"customers": len(scores), "as_of": str(day), "version": version, "notes": notes}
    who = {"churn_by": model.speaker, "value_by": model.value_speaker}
    held = concentration(scores["expected_spend"].to_numpy(np.float64))
    movement = moved.figures() if isinstance(moved, Movers) else None
    words = [held.words, *([moved.words] if isinstance(moved, Movers) else [])]
    told = {"concentration": held.figures(), "movers": movement, "words": words}
    return {**written, **who, **told, "file": str(parquet)}, notes
