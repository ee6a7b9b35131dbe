"""Features of all customers at given cutoffs: one row per (customer, cutoff), as a frame or a Parquet file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ..clock import Cutoff, date_of
from ..config import Config
from ..engines import panel_of, reference_of, usable_threads
from ..errors import ConfigError
from ..features.family import catalogue, plan_for
from ..intake import Ledger
from ..progress import Progress
from .files import replaced


def features(
    ledger: Ledger, config: Config, cutoffs: Sequence[Cutoff | str], progress: Progress | None = None
) -> pa.Table:
    """customer_id, cutoff (date) and one float32 column per feature, rows by customer, then cutoff.

    Parameters
    ----------
    cutoffs : sequence of Cutoff or ISO dates
    """
    wanted = sorted({Cutoff.parse(c) if isinstance(c, str) else c for c in cutoffs})
    if not wanted:
        raise ConfigError("no cutoff was given", needed="at least one date", code="RG092")
    plan, reference = plan_for(ledger.columns), reference_of(ledger, wanted)
    threads = usable_threads(config.engine.threads)
    panel = panel_of(ledger, plan, reference, wanted, (), threads, progress)
    days = {c.day: date_of(c.day) for c in wanted}
    cutoff = pa.array([days[d] for d in panel.cutoff_day.tolist()], pa.date32())
    columns = {"customer_id": pa.array(panel.customer_id.tolist(), pa.string()), "cutoff": cutoff}
    return pa.table({**columns, **dict(zip(panel.names, map(pa.array, panel.values), strict=True))})


def features_to(
    ledger: Ledger, config: Config, cutoffs: Sequence[Cutoff], path: Path, progress: Progress | None = None
) -> dict[str, object]:
    """Write the features into one Parquet file, whole or not at all; what was written."""
    table = features(ledger, config, cutoffs, progress)
    replaced(path, lambda waiting: pq.write_table(table, waiting, compression="zstd"))
    return {
        "rows": table.num_rows,
        "features": table.num_columns - 2,
        "cutoffs": [str(c) for c in sorted(set(cutoffs))],
    }


def catalogue_text() -> str:
    """The catalogue, a line per feature: family, name, unit, meaning, what missing means."""
    entries = catalogue()
    widths = [max(len(getattr(e, part)) for e in entries) for part in ("family", "name", "unit")]
    lines = [
        f"{e.family:{widths[0]}}  {e.name:{widths[1]}}  {e.unit:{widths[2]}}  {e.meaning}; {e.missing}" for e in entries
    ]
    return "\n".join([*lines, f"{len(entries)} features"])
