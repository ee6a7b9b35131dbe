"""Features of all customers at given cutoffs: a row per (customer, cutoff), as a frame or as Parquet parts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from ..clock import Cutoff
from ..config import Config
from ..engines import panel_of, reference_of, usable_threads, write_panel
from ..engines.streamed import table_of
from ..errors import ConfigError
from ..features.family import catalogue, plan_for
from ..intake import Ledger
from ..progress import Progress
from .files import folder_replaced
from .prepare import feature_notes, shape_of
from .written import remember


def _days(cutoffs: Sequence[Cutoff | str]) -> list[Cutoff]:
    wanted = sorted({Cutoff.parse(c) if isinstance(c, str) else c for c in cutoffs})
    if not wanted:
        raise ConfigError("no cutoff was given", needed="at least one date", code="RG092")
    return wanted


def features(
    ledger: Ledger, config: Config, cutoffs: Sequence[Cutoff | str], progress: Progress | None = None
) -> pa.Table:
    """customer_id, cutoff (date) and one float32 column per feature, rows by customer, then cutoff.

    Parameters
    ----------
    cutoffs : sequence of Cutoff or ISO dates
    """
    wanted, plan = _days(cutoffs), plan_for(shape_of(ledger, config))
    reference = reference_of(ledger, wanted, plan)
    return table_of(panel_of(ledger, plan, reference, wanted, (), usable_threads(config.engine.threads), progress))


def features_to(
    ledger: Ledger, config: Config, cutoffs: Sequence[Cutoff], folder: Path, progress: Progress | None = None
) -> tuple[dict[str, object], list[str]]:
    """Write the features as Parquet parts into one folder, whole or not at all; what was written, and notes.

    The parts hold the same rows as `features`, in order; the number of processes changes no byte.
    """
    wanted, plan = _days(cutoffs), plan_for(shape_of(ledger, config))
    reference = reference_of(ledger, wanted, plan)
    processes = usable_threads(config.engine.threads)

    def write(waiting: Path) -> int:
        return write_panel(ledger, plan, reference, wanted, waiting, processes, progress)

    remember(config.folder, "features", folder)
    rows = folder_replaced(folder, write)
    notes = feature_notes(ledger, plan, reference)
    figures = {"rows": rows, "features": len(plan.names), "cutoffs": [str(c) for c in wanted], "notes": notes}
    return figures, notes


def catalogue_text() -> str:
    """The catalogue, a line per feature: family, name, unit, meaning, what missing means."""
    entries = catalogue()
    widths = [max(len(getattr(e, part)) for e in entries) for part in ("family", "name", "unit")]
    lines = [
        f"{e.family:{widths[0]}}  {e.name:{widths[1]}}  {e.unit:{widths[2]}}  {e.meaning}; {e.missing}" for e in entries
    ]
    return "\n".join([*lines, f"{len(entries)} features"])
