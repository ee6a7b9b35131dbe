"""The product's model: churn and value for one horizon, with all that scoring needs to know.

In: training rows, and the rows of the day on which one stands. Out: a `Model` that turns purchases, or panel rows, into
one row of scores per customer. Everything learnt is learnt from those rows: settings, rounds, level, factors.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..clock import Cutoff
from ..errors import DataError
from ..features.family import plan_for
from ..features.history import Beside, History
from ..features.lines import Lines
from ..features.modules import Source
from ..features.panel import Label, Panel, panel_block
from ..features.reference import Reference
from ..features.shape import Shape
from ..schema import Rules
from .churn import Churn
from .ensemble import CHURN, VALUE, Progress, Recipe, settings_for
from .prior import Prior
from .sample import Sample, at_risk
from .tuning import Trial
from .value import Value

SCORES = (
    "customer_id",
    "as_of",
    "horizon_days",
    "p_churn",
    "expected_orders",
    "expected_spend",
    "recency_days",
    "orders",
    "spend",
    "last_purchase",
    "model",
)


@dataclass(frozen=True)
class Fitted:
    """A churn and a value model, and every trial of their tuning."""

    churn: Churn
    value: Value
    trials: dict[str, tuple[Trial, ...]]


def fit(train: Sample, now: Sample, recipe: Recipe, progress: Progress | None = None) -> Fitted:
    """Tune on the last matured cutoff, then fit on all of them; the level is that of the day on which one stands.

    Raises
    ------
    NotEnoughData
        With too few training rows of either outcome.
    """
    train.checked()
    churn_settings, churn_trials = settings_for(CHURN, train, recipe, progress)
    value_settings, value_trials = settings_for(VALUE, train, recipe, progress)
    churn = Churn.fit(train, now, churn_settings)
    return Fitted(churn, Value.fit(train, value_settings), {"churn": churn_trials, "value": value_trials})


@dataclass(frozen=True)
class Model:
    """A model ready to score.

    Parameters
    ----------
    horizon_days : int
    trained_on : Cutoff
        The day on which it was trained: it has seen no label whose window ends later.
    history_starts : Cutoff
        When the training ledger starts: earlier windows are missing.
    rules : Rules
    shape : Shape
        What the training ledger had; it decides which features there are.
    churn, value, prior, reference
        What was learnt.
    active_within_days : int or None
        Customers silent for longer get no score.
    modules : tuple of Source
        The user's own feature families, as text.
    """

    horizon_days: int
    trained_on: Cutoff
    history_starts: Cutoff
    rules: Rules
    shape: Shape
    churn: Churn
    value: Value
    prior: Prior
    reference: Reference
    active_within_days: int | None = None
    modules: tuple[Source, ...] = ()

    def scores(self, panel: Panel) -> pd.DataFrame:
        """One row per row of the panel, columns `SCORES`, in the panel's order."""
        panel = at_risk(panel, self.active_within_days)
        sample = Sample(panel, self.prior.columns(panel.rhythm, self.horizon_days), Label(self.horizon_days))
        last = panel.cutoff_day - panel.recency_days.astype(np.int64)
        found = (
            panel.customer_id,
            panel.cutoff_day.astype("datetime64[D]").astype(str),
            np.full(panel.n_rows, self.horizon_days, np.int32),
            self.churn.p_churn(sample),
            self.value.expected_orders(sample),
            self.value.expected_spend(sample),
            panel.recency_days.astype(np.int32),
            panel.totals.orders.astype(np.int64),
            panel.totals.spend,
            last.astype("datetime64[D]").astype(str),
            np.full(panel.n_rows, "regulars", object),
        )
        return pd.DataFrame(dict(zip(SCORES, found, strict=True)))

    def scores_of(
        self, lines: Lines, as_of: Cutoff, reference: Reference | None = None, beside: Beside | None = None
    ) -> pd.DataFrame:
        """Scores of the customers of some lines as of a day, seeing only what was before it."""
        if self.shape.beside and beside is None:
            raise DataError(
                "the model looks at more than purchases",
                needed="what is known of the customers beside their purchases",
                do="score the ledger, which has these tables, instead of purchases sent alone",
                offending=self.shape.beside,
                code="RG093",
            )
        history = History(lines, self.rules, self.history_starts, beside)
        known = reference if reference is not None else self.reference.at(as_of.day)
        return self.scores(panel_block(history, plan_for(self.shape), known, [as_of]))
