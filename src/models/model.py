"""The product's model: churn and value for one horizon, with all that scoring needs to know.

In: training rows, and the rows of the day on which one stands. Out: a `Model` that turns purchases, or panel rows, into
one row of scores per customer. Everything learnt is learnt from those rows: settings, rounds, level, factors.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

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
from .metrics import sigmoid
from .naive import NaiveChurn, NaiveValue, usual_of
from .prior import Prior
from .sample import Sample, at_risk
from .share import pareto_share
from .trials import Trial
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
    "value_model",
)


MODELS = ("regulars", "xgb_panel", "bg_nbd", "pareto_nbd", "naive")
"""The product's model and its rivals."""
LEAST_OF_MEAN = 0.01
"""Every value prediction counts as at least so much of the mean training spend in the deviance."""


@dataclass(frozen=True)
class Fitted:
    """A churn and a value model, the simplest rules on the same rows, and every trial of their tuning."""

    churn: Churn
    value: Value
    rule: NaiveChurn
    value_rule: NaiveValue
    trials: dict[str, tuple[Trial, ...]]


def fit(train: Sample, now: Sample, recipe: Recipe, progress: Progress | None = None) -> Fitted:
    """Tune on the last matured cutoff, then fit on all of them; the level is that of the day on which one stands.

    Raises
    ------
    DataError
        When a training row's label was not known yet on the day on which one stands.
    NotEnoughData
        With too few training rows of either outcome.
    """
    share = pareto_share(train.known_by(now.day, recipe.lag_days).checked(), recipe.seed)
    train = replace(train, share=share)
    churn_settings, churn_trials = settings_for(CHURN, train, recipe, progress)
    value_settings, value_trials = settings_for(VALUE, train, recipe, progress)
    churn = Churn.fit(train, now, churn_settings, recipe.lag_days)
    rule = NaiveChurn.fit(train.panel.recency_days, train.churned, train.horizon_days)
    floor = LEAST_OF_MEAN * float(np.maximum(train.spend, 0).mean())
    value_rule = NaiveValue.fit(train.trailing, usual_of(rule, train), train.spend, floor)
    trials = {"churn": churn_trials, "value": value_trials}
    return Fitted(churn, Value.fit(train, value_settings), rule, value_rule, trials)


def money_spoken(
    speaker: str, value: Value, rule: NaiveChurn, value_rule: NaiveValue, sample: Sample
) -> NDArray[np.float64]:
    """Expected net spend in the horizon per row, in currency, by one of the models; NaN where it has nothing to say."""
    if speaker == "regulars":
        return value.expected_spend(sample)
    if speaker == "xgb_panel":
        if sample.horizon_days != value.horizon_days:
            return np.full(sample.n_rows, np.nan)
        return value.member("plain", sample)
    if speaker == "naive":
        return value_rule.value(sample.trailing, usual_of(rule, sample))
    orders = sample.prior.bg_orders if speaker == "bg_nbd" else sample.prior.pareto_orders
    return np.asarray(orders * sample.prior.value)


def spoken(speaker: str, churn: Churn, rule: NaiveChurn, sample: Sample) -> NDArray[np.float64]:
    """P(no purchase in the horizon) per row, by one of the models; NaN where it could not be fitted.

    Parameters
    ----------
    speaker : str
        One of `MODELS`.
    """
    if speaker == "regulars":
        return churn.p_churn(sample)
    if speaker == "xgb_panel":
        if sample.horizon_days != churn.horizon_days:  # Without a prior nothing carries it to another horizon.
            return np.full(sample.n_rows, np.nan)
        return sigmoid(churn.ensemble.link("plain", sample))
    if speaker == "naive":
        return rule.p_churn(sample.panel.recency_days, sample.horizon_days)
    return sample.prior.bg_silent if speaker == "bg_nbd" else sample.prior.pareto_silent


@dataclass(frozen=True)
class Model:
    """A model ready to score.

    Parameters
    ----------
    horizon_days : int
    trained_on : Cutoff
        The day on which it was trained: it has seen no label whose window ends later.
    speaker, value_speaker : str
        Who speaks of churn, and who of spend: `regulars`, or by grade C the rival that did best, `bg_nbd`,
        `pareto_nbd` or `naive`.
    rule, value_rule : NaiveChurn, NaiveValue
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
    speaker: str
    value_speaker: str
    rule: NaiveChurn
    value_rule: NaiveValue
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
        sample = self._sample(panel)
        last = panel.cutoff_day - panel.recency_days.astype(np.int64)
        found = (
            panel.customer_id,
            panel.cutoff_day.astype("datetime64[D]").astype(str),
            np.full(panel.n_rows, self.horizon_days, np.int32),
            self.p_churn(sample),
            self.value.expected_orders(sample),
            self.expected_spend(sample),
            panel.recency_days.astype(np.int32),
            panel.totals.orders.astype(np.int64),
            panel.totals.spend,
            last.astype("datetime64[D]").astype(str),
            np.full(panel.n_rows, self.speaker, object),
            np.full(panel.n_rows, self.value_speaker, object),
        )
        return pd.DataFrame(dict(zip(SCORES, found, strict=True)))

    @property
    def horizons(self) -> tuple[int, ...]:
        """The horizon, and that of the training where it is another; a panel needs the spend of so many days before."""
        return tuple(sorted({self.horizon_days, self.churn.horizon_days, self.value.horizon_days}))

    def _sample(self, panel: Panel) -> Sample:
        priors = {h: self.prior.columns(panel.rhythm, h) for h in self.horizons}
        return Sample(panel, priors, Label(self.horizon_days), self.history_starts)

    def p_churn(self, sample: Sample) -> NDArray[np.float64]:
        """P(no purchase in the horizon) per row, by whoever speaks."""
        return spoken(self.speaker, self.churn, self.rule, sample)

    def expected_spend(self, sample: Sample) -> NDArray[np.float64]:
        """Expected net spend in the horizon per row, in currency, by whoever speaks."""
        return money_spoken(self.value_speaker, self.value, self.rule, self.value_rule, sample)

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
        return self.scores(panel_block(history, plan_for(self.shape), known, [as_of], (), self.horizons))
