"""What came of published scores: every run whose window has closed, joined to the ledger as it is now.

In: a ledger, published runs, `.regulars/outcomes.parquet`. Out: a row of figures a run, kept there for good, so that
runs may be removed later. Rows that became known after a window and its lag had passed do not count, so that it does
not matter when one looks. A customer who is not in the ledger any more is left out and counted. No id is written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..clock import Cutoff, matured
from ..config import Config
from ..engines import histories
from ..errors import StorageError
from ..features.family import plan_for
from ..features.history import History
from ..features.past import Past
from ..features.shape import Shape
from ..intake import Ledger
from ..models.matured import ROW, SCORED, Told, outcome, table
from .files import replaced

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from .published import Run

FILE = "outcomes.parquet"
AT_ONCE = 4
"""So many runs are joined in one pass over the ledger: their scores are in memory together."""
YEAR_DAYS = 364
"""The same day of the week, a year before."""


@dataclass
class Window:
    """A run's customers and what becomes known of them while the ledger goes by.

    Parameters
    ----------
    run : Run
    as_of, closed_on : Cutoff
        The day of the scores; the day by which all that counts was known.
    horizon_days : int
    scores : DataFrame
        Columns `SCORED`, by customer.
    """

    run: Run
    as_of: Cutoff
    closed_on: Cutoff
    horizon_days: int
    scores: pd.DataFrame

    def __post_init__(self) -> None:
        n = len(self.scores)
        self.ids = self.scores["customer_id"].to_numpy(object).astype(str)
        self.orders, self.came, self.trailing = np.full(n, -1, np.int64), np.zeros(n), np.zeros(n)

    @classmethod
    def of(cls, run: Run, lag_days: int) -> Window:
        """The scores of a run."""
        h = int(run.facts["horizon_days"])
        scores = run.frame(SCORED).sort_values("customer_id", kind="stable", ignore_index=True)
        return cls(run, run.as_of, run.as_of.plus(h + lag_days), h, scores)

    def add(self, history: History) -> None:
        """Take note of what the customers of one block did."""
        there = history.lines.customer_ids.astype(str)
        if not len(there) or not len(self.ids):
            return
        low, high = np.searchsorted(self.ids, there[0]), np.searchsorted(self.ids, there[-1], side="right")
        wanted = self.ids[low:high]
        at = np.minimum(np.searchsorted(there, wanted), len(there) - 1)
        known = there[at] == wanted
        rows, customer = np.arange(low, high)[known], at[known]
        day, then = np.full(len(rows), self.as_of.day), history.known_before(self.closed_on)
        future = then.future(customer, day, self.horizon_days)
        self.orders[rows], self.came[rows] = future.orders, future.spend
        before = history.known_before(self.as_of)
        self.trailing[rows] = before.future(customer, day - self.horizon_days, self.horizon_days).spend

    def figures(self, seed: int) -> dict[str, object]:
        """What came of the run."""
        facts, known = self.run.facts["model"], self.orders >= 0
        came = {"churned": (self.orders == 0).astype(np.float64), "came": self.came, "trailing": self.trailing}
        told = Told(
            self.run.name,
            str(self.as_of),
            str(self.closed_on),
            str(facts["version"]),
            str(facts["run_id"]),
            self.horizon_days,
        )
        rows = self.scores.assign(**came)[known].reset_index(drop=True)
        return outcome(told, rows, int((~known).sum()), seed)


def foretold(run: Run) -> bool:
    """Whether the model had seen nothing of what came after the day of the scores."""
    return Cutoff.parse(str(run.facts["model"]["trained_on"])) <= run.as_of


def outcomes_file(config: Config) -> Path:
    """Where the figures of matured runs are kept."""
    return config.folder / ".regulars" / FILE


def kept(file: Path) -> pd.DataFrame:
    """The figures of all runs that matured so far.

    Raises
    ------
    StorageError
        When the file is not one of these.
    """
    import pyarrow.parquet as pq

    if not file.exists():
        return table([])
    try:
        frame = pq.read_table(file).to_pandas()
        return table(records(frame.loc[:, list(ROW)]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StorageError(
            f"`{file.name}` in .regulars cannot be read: {error}",
            needed="the figures of runs whose windows have closed",
            do="remove it: what is published still is judged anew",
            code="RG350",
        ) from None


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a table, each by column."""
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def outcomes(ledger: Ledger, config: Config, runs: Sequence[Run], known: pd.DataFrame) -> pd.DataFrame:
    """The figures of all matured runs: those known, and those whose windows have closed since.

    A run that is not as it was published is not judged.

    Parameters
    ----------
    runs : sequence of Run
        Published ones.
    known : DataFrame
        As `kept` gives it.
    """
    lag = config.target.label_lag_days
    due = [run for run in matured_runs(ledger, config, runs, known) if not run.differences()]
    parts = (due[k : k + AT_ONCE] for k in range(0, len(due), AT_ONCE))
    found = [row for part in parts for row in _judged(ledger, part, lag, config.seed)]
    return table([*records(known), *found])


def matured_runs(ledger: Ledger, config: Config, runs: Sequence[Run], known: pd.DataFrame) -> list[Run]:
    """The runs whose windows have closed, and of which it is not known yet what came."""
    lag, judged = config.target.label_lag_days, set(known["run"])
    return [
        run
        for run in runs
        if run.name not in judged
        and foretold(run)
        and matured(run.as_of, int(run.facts["horizon_days"]), lag, ledger.ends)
    ]


def _judged(ledger: Ledger, runs: Sequence[Run], lag_days: int, seed: int) -> Iterator[dict[str, object]]:
    windows = [Window.of(run, lag_days) for run in runs]
    for history in histories(ledger, plan_for(Shape())):
        for window in windows:
            window.add(history)
    return (window.figures(seed) for window in windows)


def keep(file: Path, outcomes: pd.DataFrame) -> None:
    """Write the figures of all matured runs, whole or not at all."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    filled = pa.Table.from_pandas(outcomes, preserve_index=False)
    replaced(file, lambda waiting: pq.write_table(filled, waiting, compression="zstd"))


def a_year_before(ledger: Ledger, config: Config, month: Mapping[str, Any]) -> dict[str, float] | None:
    """What everybody at risk did in the windows of a month's scores, a year earlier.

    Returns
    -------
    dict or None
        ``churned``: which share fell silent; ``growth``: what was spent, as a multiple of what had been in as many days
        before. None where the data do not reach back so far.
    """
    h, lag = int(month["horizon_days"]), config.target.label_lag_days
    days = sorted({Cutoff.parse(str(month[end])).minus(YEAR_DAYS) for end in ("first", "last")})
    if days[0].minus(h) < ledger.history_starts:
        return None
    silent, customers, spent, before = 0, 0, 0.0, 0.0
    for history in histories(ledger, plan_for(Shape())):
        for day in days:
            known = history.known_before(day)
            some = _at_risk(known, day, config.target.active_within_days)
            here = np.full(len(some), day.day)
            future = history.known_before(day.plus(h + lag)).future(some, here, h)
            silent, customers = silent + int((future.orders == 0).sum()), customers + len(some)
            spent, before = (
                spent + float(future.spend.sum()),
                before + float(known.future(some, here - h, h).spend.sum()),
            )
    if not customers:
        return None
    return {"churned": silent / customers, **({"growth": spent / before} if before > 0 else {})}


def _at_risk(known: History, day: Cutoff, within_days: int | None) -> NDArray[np.int64]:
    past = Past(known, [day])
    customer = past.rows.customer
    return customer if within_days is None else customer[past.days_since("day") <= within_days]
