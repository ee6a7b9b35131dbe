"""The files of a run of scores: filled block by block, so that memory does not grow with the customers.

In: what a model is about to say of a ledger's customers. Out: in a folder, `scores.parquet` and the same rows as
`scores.csv`, further horizons, prospects, movers, a few rows as numbers of bins, what other customers told
(`reference.json`), and the facts of `run.json`. The same ledger, model, day and settings give the same bytes. Missing
numbers are empty cells.
"""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.ipc
import pyarrow.parquet as pq

from ..config import Config
from ..models.concentration import concentration
from ..models.model import Model
from ..models.profile import new_values
from ..models.worth import LifetimeValues
from ..progress import Progress
from .movers import COMPARED, About, Movers, movers
from .prospects import prospect_scores
from .published import CSV, HORIZONS, MOVERS, PROSPECTS, REFERENCE, ROWS, SCORES, Run
from .stakes import Stakes
from .told import Telling

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

SPILL = ".rows.arrow"
"""Rows wait here until it is known who of all gets reasons."""
THIN = ("customer_id", *COMPARED)
"""Columns that are told of all customers together."""


def table_of(frame: pd.DataFrame, about: About) -> pa.Table:
    """Types do not depend on what happens to be in the columns: nobody at risk is an empty table of the same kind."""
    texts = {n for n, t in frame.dtypes.items() if not isinstance(t, np.dtype) or t.kind == "O"}
    kinds = {n: pa.string() if n in texts else pa.from_numpy_dtype(t) for n, t in frame.dtypes.items()}
    table = pa.Table.from_pandas(frame, schema=pa.schema(kinds), preserve_index=False)
    return table.replace_schema_metadata(about.metadata())


@dataclass
class Whole:
    """What is needed of all customers together, thin enough to be kept."""

    frames: list[pd.DataFrame] = field(default_factory=list)
    lives: list[LifetimeValues] = field(default_factory=list)

    def add(self, scores: pd.DataFrame, lives: LifetimeValues) -> None:
        """Keep some columns of the next rows."""
        none = np.zeros(0)
        self.frames.append(scores[list(THIN)])
        self.lives.append(
            LifetimeValues(lives.value, none, none, none, lives.variance, lives.head, np.zeros(0, object))
        )

    def scores(self) -> pd.DataFrame:
        """The columns `THIN` of all."""
        import pandas as pd

        return pd.concat(self.frames, ignore_index=True)


def filled(
    folder: Path, telling: Telling, config: Config, said_by: Mapping[str, str], before: Run | None,
    progress: Progress | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Fill a folder with the files of a run, all but `run.json`; the facts that are known of it then.

    Parameters
    ----------
    said_by : mapping
        `model_version` and `run_id`, as every row has them.
    before : Run or None
        The newest of an earlier day, against which movers are told.
    """
    model, day = telling.model, telling.day
    about = About(str(day), model.horizon_days, config.data.currency, said_by["model_version"])
    stakes = Stakes(model, day, telling.ledger.history_starts, config.scores.reasons)
    whole, account = Whole(), model.profile.counting() if model.profile is not None else None
    several = len(model.learnt.horizons) > 1
    with contextlib.ExitStack() as open_files:
        rows, further = _Spill(folder / SPILL, open_files), _Parquet(folder / HORIZONS, open_files)
        for sample, told in telling.blocks(config.engine.threads, progress):
            scores = told.scores
            stakes.add(sample, scores)
            whole.add(scores, told.lives)
            if account is not None:
                churn, spend = (scores[name].to_numpy(np.float64) for name in ("p_churn", "expected_spend"))
                account.add(sample.panel, churn, spend)
            rows.write(table_of(scores.assign(**said_by), about))
            if several:
                further.write(table_of(told.horizons, about))
    if progress:
        progress("writing", 0.0)
    _told(folder, stakes.reasons(config.data.currency))
    prospects = prospect_scores(telling.ledger, model, day)
    if prospects is not None:
        pq.write_table(table_of(prospects.assign(**said_by), about), folder / PROSPECTS, compression="zstd")
    moved = moved_since(whole.scores(), about, before, config.scores.movers)
    if isinstance(moved, Movers):
        text = moved.rows.to_csv(index=False, lineterminator="\n")
        (folder / MOVERS).write_text(text, encoding="utf-8")
    others = json.dumps(telling.reference.to_dict(), separators=(",", ":"))
    (folder / REFERENCE).write_text(others + "\n", encoding="utf-8")
    profile = None
    if account is not None:
        pq.write_table(pa.Table.from_pandas(account.rows(), preserve_index=False), folder / ROWS, compression="zstd")
        profile = {**account.to_dict(), "new_values": new_values(model.reference, telling.reference)}
    return {
        "prospects": None if prospects is None else len(prospects),
        **_together(whole, model),
        **_movement(moved),
        "profile": profile,
    }


def _together(whole: Whole, model: Model) -> dict[str, Any]:
    """What is said of all customers together."""
    scores, total = whole.scores(), model.lifetime.total(LifetimeValues.together(whole.lives))
    spend, churn = (scores[name].to_numpy(np.float64) for name in ("expected_spend", "p_churn"))
    totals = {
        "expected_spend": known(float(spend.sum())),
        "mean_p_churn": known(float(churn.mean())) if len(churn) else None,
        "lifetime_value": known(total.value),
        "lifetime_low": known(total.low),
        "lifetime_high": known(total.high),
        "lifetime_level": total.level,
    }
    held = concentration(spend)
    return {"customers": len(scores), "totals": totals, "concentration": held.figures(), "words": [held.words]}


def known(value: float) -> float | None:
    """A number as JSON takes it: what is not finite is None."""
    return value if math.isfinite(value) else None


def _movement(moved: Movers | str | None) -> dict[str, Any]:
    """Who moved, in figures; or why nobody can be said to have."""
    if isinstance(moved, Movers):
        return {"movers": moved.figures(), "not_compared": None}
    return {"movers": None, "not_compared": moved}


def moved_since(scores: pd.DataFrame, about: About, before: Run | None, most: int) -> Movers | str | None:
    """Who moved since an earlier run.

    Returns
    -------
    Movers, str or None
        Who moved; why nobody can be said to have; None when there is no earlier run.
    """
    if before is None:
        return None
    then = About.of_run(before.facts)
    hindrance = then.hindrance(about)
    if hindrance is not None:
        return hindrance
    return movers(before.frame(["customer_id", *COMPARED]), scores, then, about, most)


class _Parquet:
    """A Parquet file that is begun with its first table, a row group a table."""

    def __init__(self, path: Path, open_files: contextlib.ExitStack) -> None:
        self.path, self.open_files = path, open_files
        self.writer: pq.ParquetWriter | None = None

    def write(self, table: pa.Table) -> None:
        """The next rows."""
        if self.writer is None:
            # Texts that come again and again; to look for numbers that do costs more than it saves.
            coded: Any = [f.name for f in table.schema if pa.types.is_string(f.type) and f.name != "customer_id"]
            writer = pq.ParquetWriter(self.path, table.schema, compression="zstd", use_dictionary=coded)
            self.writer = self.open_files.enter_context(writer)
        self.writer.write_table(table, row_group_size=max(table.num_rows, 1))


class _Spill:
    """Rows kept on disk as they lie in memory."""

    def __init__(self, path: Path, open_files: contextlib.ExitStack) -> None:
        self.path, self.open_files = path, open_files
        self.writer: pa.ipc.RecordBatchFileWriter | None = None

    def write(self, table: pa.Table) -> None:
        """The next rows, as one batch."""
        if self.writer is None:
            self.writer = self.open_files.enter_context(pa.ipc.new_file(self.path, table.schema))
        self.writer.write_table(table.combine_chunks())


def _told(folder: Path, reasons: Mapping[int, str]) -> None:
    """The rows that were spilled as Parquet and as text, with the reasons of those who have some."""
    spilled = folder / SPILL
    with contextlib.ExitStack() as open_files:
        source = open_files.enter_context(pa.ipc.open_file(open_files.enter_context(pa.memory_map(str(spilled)))))
        parquet = _Parquet(folder / SCORES, open_files)
        text = open_files.enter_context(pacsv.CSVWriter(folder / CSV, source.schema))
        for table in _with_reasons(source, reasons):
            parquet.write(table)
            text.write_table(table)
    spilled.unlink()


def _with_reasons(source: pa.ipc.RecordBatchFileReader, reasons: Mapping[int, str]) -> Iterator[pa.Table]:
    place, seen = source.schema.get_field_index("reasons"), 0
    if not source.num_record_batches:  # Nobody at risk: no batch was kept.
        yield source.schema.empty_table()
    for i in range(source.num_record_batches):
        table = pa.Table.from_batches([source.get_batch(i)])
        here = [row for row in reasons if seen <= row < seen + table.num_rows]
        if here:
            lines: NDArray[np.object_] = np.full(table.num_rows, "", object)
            lines[[row - seen for row in here]] = [reasons[row] for row in here]
            table = table.set_column(place, source.schema.field(place), pa.array(lines, pa.string()))
        seen += table.num_rows
        yield table
