"""Within how many days the next purchase comes: a light classifier for each of a few horizons beside the primary one.

In: rows of matured cutoffs, the rows of the day on which one stands. Out: `Timing`, P(no purchase within d days) per
row for each d of `TIMING`, given the silence so far. Each is two boosters that know the classical prior, one of them
seeded with it, at a level of its own; all read the same columns, so that one quantised matrix serves them. A horizon of
which fewer than two cutoffs have closed, or at which hardly anybody or nearly everybody buys, is carried from the
primary one by the prior, and where that is missing by an even pace.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from .boosted import Setting, Shelf
from .churn import prior_weight
from .ensemble import CHURN, Ensemble
from .examples import Columns, Examples
from .level import Level
from .market import swallowed
from .metrics import logit, sigmoid
from .on_demand import OnDemand
from .sample import Sample
from .scales import LOGIT
from .splits import TIMING

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
LIGHT = replace(CHURN, members=("rich", "seeded"))
"""Both read the same; the churn model's plain member reads another matrix."""


@dataclass(frozen=True)
class Within:
    """P(no purchase within some days) by two boosters, the prior beside them, and a level.

    Parameters
    ----------
    ensemble : Ensemble
        Of the kind `LIGHT`.
    prior_weight : float
        Weight of the raw prior's logit in the mean, 0..1.
    level : Level
    """

    ensemble: Ensemble
    prior_weight: float
    level: Level

    @property
    def names(self) -> tuple[str, ...]:
        """What its boosters read."""
        return self.ensemble.boosters["seeded"].names

    def logit(self, values: Float32, prior: Float64) -> Float64:
        """The logit of silence per row.

        Parameters
        ----------
        values : ndarray of float32, shape (n_features, n_rows)
            The boosters' features.
        prior : ndarray of float64, shape (n_rows,)
            The prior's logit of silence.
        """
        members, margin = self.ensemble.boosters.values(), self.ensemble.seed.of(prior)
        trees = np.mean([b.link(b.names, values, margin if b.seeded else None) for b in members], axis=0)
        mean = (1 - self.prior_weight) * trees + self.prior_weight * prior
        return np.asarray(np.where(np.isfinite(prior), mean, trees) + self.level.shift)


@dataclass(frozen=True)
class Timing:
    """Silence within each of several horizons.

    Parameters
    ----------
    days : tuple of int
        Of which it speaks: `TIMING`, but for horizons that have models of their own.
    read_days : int
        The horizon whose prior columns are features of all boosters alike.
    share : float
        Of Pareto/NBD against BG/NBD in the prior.
    learnt : dict of int to Within
        By horizon in days; the others are carried from the primary one.
    """

    days: tuple[int, ...]
    read_days: int
    share: float
    learnt: dict[int, Within]

    @classmethod
    def fit(
        cls,
        train: Sample,
        now: Sample,
        settings: Mapping[str, Setting],
        lag_days: int = 0,
        others: Collection[int] = (),
        shelf: Shelf | None = None,
    ) -> Timing:
        """Fit on the rows that the churn model was fitted on, with the settings found for it.

        Parameters
        ----------
        train, now : Sample
            As for `Churn.fit`; the prior speaks of the horizons in `TIMING`, and the rows have their labels.
        settings : dict of str to Setting
            Those of ``rich`` and ``seeded`` count.
        lag_days : int
            Days until a label is known.
        others : collection of int
            Horizons that have models of their own.
        shelf : Shelf, optional
            Where the churn model's matrices lie.
        """
        days = tuple(d for d in TIMING if d not in {now.horizon_days, *others})
        found = cls(days, train.horizon_days, train.share, {})
        shelf, learnt = shelf or Shelf(), {}
        for d in days:
            rows = train.over(d).teaching(now.day, lag_days)
            if rows is not None:
                learnt[d] = found._within(rows, replace(now.over(d), share=train.share), settings, lag_days, shelf)
        return replace(found, learnt=learnt)

    def p_no_purchase(self, sample: Sample, p_churn: Float64) -> Mapping[int, Float64]:
        """P(no purchase within d days) per row for each of `days`, worked out when it is asked for.

        They need not agree yet: see `coherent_silence`.

        Parameters
        ----------
        sample : Sample
            Of the primary horizon.
        p_churn : ndarray of float64, shape (n_rows,)
            P(no purchase in the primary horizon).
        """
        laid = {} if sample.laid is None else sample.laid
        sample = replace(sample, share=self.share, laid=laid)

        @cache
        def columns() -> Columns:
            return self._columns(sample)

        def said(days: int) -> Float64:
            here = sample.over(days)
            if days not in self.learnt:
                return carried(p_churn, sample, here)
            within = self.learnt[days]
            return sigmoid(within.logit(columns().read(within.names), here.silent))

        return OnDemand(self.days, said)

    def _within(
        self, rows: Sample, now: Sample, settings: Mapping[str, Setting], lag_days: int, shelf: Shelf
    ) -> Within:
        """Fitted on matured rows of one horizon, at the level of the rows of the day on which one stands."""

        def learnt(past: Sample, judge: Sample, on: Shelf | None = None) -> tuple[Within, Float64]:
            columns = self._columns(past)
            examples = Examples(columns, past.churned, past.weight, columns.silent())
            within = Within(Ensemble.learnt(LIGHT, examples, settings, on), prior_weight(past), Level(0.0))
            return within, within.logit(self._columns(judge).read(within.names), judge.silent)

        within, z = learnt(rows, now, shelf)
        off = swallowed(rows, now, z, LOGIT, lag_days, lambda past, judge: learnt(past, judge)[1])
        return replace(within, level=Level.fit(rows, now, z, off))

    def _columns(self, sample: Sample) -> Columns:
        """What boosters read: the prior's columns of one horizon for all alike; the prior is of the sample's own."""
        return replace(CHURN.columns(sample.over(self.read_days)), prior=sample.silent)


def carried(p_churn: Float64, sample: Sample, here: Sample) -> Float64:
    """P(no purchase) of one horizon brought to another by what the prior says of both; without one at an even pace.

    Parameters
    ----------
    p_churn : ndarray of float64, shape (n_rows,)
        P(no purchase) in the horizon of `sample`.
    sample, here : Sample
        The same rows for the one horizon and for the other.
    """
    z = logit(p_churn) + here.silent - sample.silent
    even = p_churn ** (here.horizon_days / sample.horizon_days)
    return np.where(np.isfinite(z), sigmoid(z), even)
