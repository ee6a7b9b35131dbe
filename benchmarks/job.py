"""What every way of computing gets and gives: one ledger, some cutoffs, 25 features.

In: the folder that `purchases.prepare` filled. Out: a `Job`, and the names of the features, which mean what they mean
in the catalogue (`regulars features --list`). Missing values are NaN or NULL. Loads nothing, so that a process that
measures memory holds only what it needs.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

WINDOWS = (7, 30, 90, 180, 365)
EXACT = (
    "frequency",
    "recency",
    "T",
    "recency_days",
    "orders",
    "spend",
    *(f"{what}_{days}d" for days in WINDOWS for what in ("orders", "spend")),
    "days_90d",
    "lines_90d",
    "returned_90d",
    "gap_longest",
)
"""Counts, days and money, which must be equal to the last bit."""

QUOTIENTS = ("order_value_mean", "lines_per_order", "gap_mean", "gap_sd", "orders_trend_30d")
"""Quotients and a root, which must agree to 1e-9."""

NAMES = (*EXACT, *QUOTIENTS)


@dataclass(frozen=True)
class Job:
    """The ledger's folder, the first day it covers, and the cutoffs (day numbers, ascending)."""

    ledger: str
    history_starts: int
    cutoffs: tuple[int, ...]

    @property
    def parquet(self) -> str:
        """The ledger's lines, sorted by customer and time."""
        return str(Path(self.ledger) / "purchases.parquet")

    def save(self, folder: Path) -> None:
        """Leave the job in a folder."""
        (folder / "job.json").write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Job:
        """The job that was left in a folder."""
        content = json.loads((folder / "job.json").read_text(encoding="utf-8"))
        return cls(content["ledger"], content["history_starts"], tuple(content["cutoffs"]))
