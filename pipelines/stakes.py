"""Reasons for those who can still be kept with most at stake, found while customers pass by block by block.

In: blocks of rows with what is said of them. Out: a line of text for each of the few who get one, by the number of
their row. Only these few rows are kept; the order in which ties are broken is that of their ids, so that the size of
the blocks changes nothing. Who is not among them has no reasons, which is "".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from ..clock import Cutoff
from ..models.model import Model
from ..models.reasons import reasons_of
from ..models.sample import Sample
from ..reports.customers import worth_if_kept, worth_keeping

if TYPE_CHECKING:
    import pandas as pd


@dataclass
class Stakes:
    """The customers with most at stake of those seen so far.

    Parameters
    ----------
    model : Model
    day, since : Cutoff
        The day of the scores, and the first one of the ledger.
    most : int
        So many are kept.
    """

    model: Model
    day: Cutoff
    since: Cutoff
    most: int
    _seen: int = 0
    _least: float = 0.0
    _held: list[tuple[pd.DataFrame, Sample]] = field(default_factory=list)

    def add(self, sample: Sample, scores: pd.DataFrame) -> None:
        """Look at the next rows, and let go of those who have less at stake than enough others."""
        money = worth_if_kept(scores, self.day, self.since, self.model.horizon_days)
        customers = scores[["customer_id", "p_churn"]].assign(at_stake=scores["p_churn"] * money)
        customers = customers[customers["at_stake"] >= self._least]
        rows = np.sort(worth_keeping(customers, self.most).index.to_numpy(np.int64))
        here = customers.loc[rows].set_index(self._seen + rows)
        self._seen += len(scores)
        self._held = self._best([*self._held, (here, sample.take(rows))])
        if sum(len(held) for held, _ in self._held) == self.most:
            self._least = min((held["at_stake"].min() for held, _ in self._held), default=0.0)

    def _best(self, held: list[tuple[pd.DataFrame, Sample]]) -> list[tuple[pd.DataFrame, Sample]]:
        import pandas as pd

        chosen = worth_keeping(pd.concat([customers for customers, _ in held]), self.most).index
        kept = ((customers, sample, np.flatnonzero(customers.index.isin(chosen))) for customers, sample in held)
        return [(customers.iloc[rows], sample.take(rows)) for customers, sample, rows in kept if len(rows)]

    def reasons(self, currency: str) -> dict[int, str]:
        """A line for each of them, by the number of the row, ascending."""
        return {
            int(row): line
            for customers, sample in self._held
            for row, line in zip(customers.index, reasons_of(self.model, sample, currency), strict=True)
        }
