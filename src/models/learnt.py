"""What is learnt on a day on which one stands: for every horizon churn, value and orders; timing; the simplest rules.

In: training rows of matured cutoffs, the rows of the day. Out: `Learnt`, and every trial of the tuning. Further
horizons are learnt with the settings found for the primary one, from the same rows, as far as their own windows have
closed; where fewer than two cutoffs' have, the primary's models are carried there by the classical prior.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from .boosted import Setting, Shelf
from .churn import Churn
from .ensemble import CHURN, VALUE, Progress, Recipe, settings_for
from .naive import NaiveChurn, NaiveValue, usual_of
from .orders import Orders
from .sample import Sample
from .share import pareto_share
from .splits import TIMING
from .timing import Timing
from .trials import Trial
from .value import Value

Settings = dict[str, dict[str, Setting]]
"""Of the members of a kind, by its name."""
LEAST_OF_MEAN = 0.01
"""Every value prediction counts as at least so much of the mean training spend in the deviance."""


@dataclass(frozen=True)
class Outlook:
    """The models of one horizon.

    Parameters
    ----------
    churn, value, orders
        Trained at that horizon, or at a shorter one and carried to it (`trained_days`).
    """

    churn: Churn
    value: Value
    orders: Orders

    @property
    def trained_days(self) -> int:
        """The horizon of the labels it was learnt at."""
        return self.churn.horizon_days

    def carried(self, train: Sample, here: Sample) -> Outlook:
        """The same models, carried to the horizon of rows of which no two windows had closed."""
        churn = self.churn.carried(train, here)
        return Outlook(churn, self.value.carried(train, here, churn), self.orders.carried(train, here))


@dataclass(frozen=True)
class Learnt:
    """All models of a day.

    Parameters
    ----------
    outlooks : dict of int to Outlook
        By horizon in days, the primary one first.
    timing : Timing
    rule, value_rule : NaiveChurn, NaiveValue
    """

    outlooks: dict[int, Outlook]
    timing: Timing
    rule: NaiveChurn
    value_rule: NaiveValue

    @property
    def horizons(self) -> tuple[int, ...]:
        """Horizons in days, the primary one first."""
        return tuple(self.outlooks)

    @property
    def primary(self) -> Outlook:
        """The models of the primary horizon."""
        return self.outlooks[self.horizons[0]]

    @property
    def churn(self) -> Churn:
        """Churn at the primary horizon."""
        return self.primary.churn

    @property
    def value(self) -> Value:
        """Value at the primary horizon."""
        return self.primary.value

    @property
    def spoken(self) -> tuple[int, ...]:
        """Horizons, asked or trained at, of which the prior must speak in full: of silence and of orders."""
        return tuple(sorted({*self.horizons, *(o.trained_days for o in self.outlooks.values())}))

    @property
    def days(self) -> tuple[int, ...]:
        """Every horizon of which the prior must speak, be it of silence alone, ascending."""
        return tuple(sorted({*self.spoken, *self.timing.days}))


@dataclass(frozen=True)
class Fitted:
    """What was learnt, with which settings, and every trial of their tuning; both by "churn" and "value"."""

    learnt: Learnt
    settings: Settings
    trials: dict[str, tuple[Trial, ...]]


def fit(
    train: Sample,
    now: Sample,
    recipe: Recipe,
    progress: Progress | None = None,
    further: Sequence[int] = (),
    settings: Settings | None = None,
) -> Fitted:
    """Tune on the last matured cutoff, then fit on all of them; the level is that of the day on which one stands.

    Parameters
    ----------
    train, now : Sample
    further : sequence of int
        Horizons in days beside that of `now`.
    settings : dict, optional
        Found elsewhere, by "churn" and "value"; then nothing is tuned, and no timing beside the horizons is learnt.

    Raises
    ------
    DataError
        When a training row's label was not known yet on the day on which one stands.
    NotEnoughData
        With too few training rows of either outcome.
    """
    share = pareto_share(train.known_by(now.day, recipe.lag_days).checked(), recipe.seed)
    train = replace(train, share=share)
    trials: dict[str, tuple[Trial, ...]] = {"churn": (), "value": ()}
    timed = settings is None
    if settings is None:
        shelf, settings = Shelf(), {}
        for kind in (CHURN, VALUE):
            settings[kind.name], trials[kind.name] = settings_for(kind, train, recipe, progress, shelf)
    churn_settings, value_settings = settings["churn"], settings["value"]

    def outlook(rows: Sample, here: Sample, shelf: Shelf) -> Outlook:
        churn = Churn.fit(rows, here, churn_settings, recipe.lag_days, shelf)
        value = Value.fit(rows, here, value_settings, churn, shelf)
        return Outlook(churn, value, Orders.fit(rows, here, value_settings, recipe.lag_days, shelf))

    shelf = Shelf()
    outlooks = {now.horizon_days: outlook(train, now, shelf)}
    others = further if timed else TIMING
    timing = Timing.fit(train, now, churn_settings, recipe.lag_days, others, shelf)
    for days in further:
        rows, here = train.over(days).teaching(now.day, recipe.lag_days), now.over(days)
        outlooks[days] = (
            outlooks[now.horizon_days].carried(train, here) if rows is None else outlook(rows, here, Shelf())
        )
    rule = NaiveChurn.fit(train.panel.recency_days, train.churned, train.horizon_days)
    floor = LEAST_OF_MEAN * float(np.maximum(train.spend, 0).mean())
    value_rule = NaiveValue.fit(train.trailing, usual_of(rule, train), train.spend, floor)
    return Fitted(Learnt(outlooks, timing, rule, value_rule), settings, trials)
