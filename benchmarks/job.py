"""What every way of computing gets and gives: purchases, some cutoffs, 80 features.

In: the folder that `purchases.prepare` filled. Out: a `Job`, and the names of the features, which mean what they mean
in the catalogue (`regulars features --list`) and need purchases alone. Missing values are NaN or NULL. Loads nothing,
so that a process that measures memory holds only what it needs.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

FIRST_DAY, DAYS = (dt.date(2023, 1, 1) - dt.date(1970, 1, 1)).days, 730
"""The days that the purchases cover."""

COLUMNS = ("customer_id", "purchased_at", "order_id", "amount", "quantity", "discount", "category")
"""The columns that the 80 need: what every way reads, and what the floor sorts."""

OPTIONAL = ("quantity", "discount", "category")

WINDOWS = (7, 30, 90, 180, 365)
BUCKETS = ((30, 60), (60, 90), (90, 120), (120, 150), (150, 180))
"""Days before the cutoff, newer edge first; the bucket of the last 30 days is a window."""

YEAR_AGO = {28: (336, 364), 90: (274, 364)}
HALF_LIVES = (30, 90)
BOTH = ("orders", "spend")

REFERENCE = {
    "rfm": (
        *("frequency", "recency", "T", "recency_days", "recency_of_T", "orders", "spend", "order_value_mean"),
        *("repeat_day_value_mean", "orders_per_30d", "spend_per_30d", "returns", "returned_share", "one_time"),
        *("order_value_sd", "order_value_last", "order_value_last_of_mean", "order_value_slope"),
    ),
    "windows": (
        *(f"{what}_{days}d" for days in WINDOWS for what in BOTH),
        *("days_90d", "days_365d", "order_value_90d", "order_value_365d", "returned_90d", "returned_365d"),
        *("orders_trend_30d", "orders_trend_90d", "spend_trend_90d"),
        *(f"{what}_{newer}_{older}d" for newer, older in BUCKETS for what in BOTH),
        *(f"{what}_year_ago_{days}d" for days in YEAR_AGO for what in BOTH),
        *(f"{what}_slope_180d" for what in BOTH),
        *(f"{what}_decayed_{days}d" for days in HALF_LIVES for what in BOTH),
        *("returns_90d", "returns_180d"),
    ),
    "cadence": (
        *("gap_mean", "gap_sd", "gap_cv", "gap_longest", "gap_last", "gap_last_of_mean", "lateness"),
        *("silence_of_longest", "gap_mean_180d", "regularity", "gap_slope", "lateness_z"),
    ),
    "basket": (
        *("lines_per_order", "line_value_mean", "free_line_share", "lines_90d", "quantity_per_order", "price_level"),
        *("discount_share", "categories", "categories_90d"),
    ),
}
"""The fixed list, by family."""

NAMES = tuple(name for names in REFERENCE.values() for name in names)

EXACT = frozenset(
    (
        *("frequency", "recency", "T", "recency_days", "orders", "spend", "returns", "one_time"),
        *(f"{what}_{days}d" for days in WINDOWS for what in BOTH),
        *(f"{what}_{newer}_{older}d" for newer, older in BUCKETS for what in BOTH),
        *(f"{what}_year_ago_{days}d" for days in YEAR_AGO for what in BOTH),
        *("days_90d", "days_365d", "returned_90d", "returned_365d", "returns_90d", "returns_180d"),
        *("gap_longest", "gap_last", "lines_90d", "categories", "categories_90d"),
    )
)
"""Counts, days and money, which must be equal to the last bit; all others must agree to 1e-9."""


def cutoff_days(n: int) -> tuple[int, ...]:
    """Cutoffs from day 90 of the history to its end, evenly; a year's window is missing at the first ones.

    Examples
    --------
    >>> [day - FIRST_DAY for day in cutoff_days(3)]
    [90, 410, 730]
    """
    back = [round((DAYS - 90) * k / max(n - 1, 1)) for k in range(n)]
    return tuple(sorted(FIRST_DAY + DAYS - b for b in back))


@dataclass(frozen=True)
class Job:
    """The unsorted file, the ledger's folder, the first day they cover, and the cutoffs (day numbers, ascending)."""

    source: str
    ledger: str
    history_starts: int
    cutoffs: tuple[int, ...]

    @property
    def sorted(self) -> str:
        """The ledger's lines, sorted by customer and time."""
        return str(Path(self.ledger) / "purchases.parquet")

    def at(self, n_cutoffs: int) -> Job:
        """The same with another number of cutoffs."""
        return replace(self, cutoffs=cutoff_days(n_cutoffs))

    def save(self, folder: Path) -> None:
        """Leave the job in a folder."""
        (folder / "job.json").write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Job:
        """The job that was left in a folder."""
        content = json.loads((folder / "job.json").read_text(encoding="utf-8"))
        return cls(content["source"], content["ledger"], content["history_starts"], tuple(content["cutoffs"]))
