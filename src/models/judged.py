"""Days on which one stands, judged: everything is learnt anew there, and its rows are predicted by all models.

In: what is learnt from, the rows of a day, which earlier days' windows had closed by then. Out: a frame of predictions
beside what came, `Judged`. What came of a window that was not closed by the end of the data is NaN, and so are
intervals where nothing teaches how far predictions may be trusted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..clock import Cutoff
from ..errors import DataError, NotEnoughData
from .budget import at_stake_of
from .churn import Churn
from .ensemble import Progress, Recipe
from .folds import LeftOut, Speak
from .intervals import Intervals
from .learnt import LEAST_OF_MEAN, Fitted, Learnt, fit
from .sample import Sample
from .speakers import MODELS, Foreseen, foreseen, money_spoken, spoken
from .splits import TIMING, Origin, calibrating
from .trials import Study, studies_of
from .value import Value

Float64 = NDArray[np.float64]
Rows = Callable[[Origin], tuple[Sample, Sample]]
"""What is learnt from at a stand, with the labels known by then, and the rows of that day."""
Trust = dict[int, Intervals]
"""How far what is said of spend may be trusted, by horizon in days."""


@dataclass(frozen=True)
class Said:
    """What a stand said, as far as later ones learn from it.

    Parameters
    ----------
    customer_id : ndarray of object
    spend, p_none : dict of (str, int) to ndarray
        Expected spend, and P(none), by who said so, and of how many days.
    net : float
        Net over gross spend, as known then.
    """

    customer_id: NDArray[np.object_]
    spend: dict[tuple[str, int], Float64]
    p_none: dict[tuple[str, int], Float64]
    net: float


@dataclass(frozen=True)
class Past:
    """An earlier stand, as a later one knows it.

    Parameters
    ----------
    cutoff : Cutoff
    rows : Sample
        Its rows, with the labels known by the later one.
    said : Said
    """

    cutoff: Cutoff
    rows: Sample
    said: Said

    @property
    def totals(self) -> tuple[float, float]:
        """Expected net spend of all its customers, and what came."""
        return float(self.said.spend["regulars", self.rows.horizon_days].sum()), float(self.rows.spend.sum())


@dataclass(frozen=True)
class Judged:
    """What one stand gave.

    Parameters
    ----------
    origin : Origin
    horizon_days : int
    predictions : DataFrame
        A row per customer: what came, and what every model said.
    floor : float
        The smallest value prediction that counts.
    trained_rows : int
    level, value_level : dict
        As plain values.
    trust : dict of int to Intervals
        By horizon; empty where nothing teaches it.
    trained : dict of int to int
        By horizon, the horizon of the labels it was learnt at.
    studies : tuple of Study
    """

    origin: Origin
    horizon_days: int
    predictions: pd.DataFrame
    floor: float
    trained_rows: int
    level: dict[str, Any]
    value_level: dict[str, Any]
    trust: Trust
    trained: dict[int, int]
    studies: tuple[Study, ...] = ()


@dataclass
class Examiner:
    """Judges stands; a day that is judged for itself also teaches later ones how far predictions may be trusted.

    Parameters
    ----------
    rows : callable
        From a stand to what is learnt from there, and its own rows.
    recipe : Recipe
    further : tuple of int
        Horizons beside the primary one.
    windows : int
        From at most so many earlier windows it is learnt how far predictions may be trusted.
    """

    rows: Rows
    recipe: Recipe
    further: tuple[int, ...] = ()
    windows: int = 3
    _said: dict[tuple[int, int], Said | None] = field(default_factory=dict)

    def judge(self, origin: Origin, progress: Progress | None = None) -> Judged:
        """Learn everything from matured rows and predict the origin's rows, by all models."""
        train, now = self.rows(origin)
        fitted = fit(train, now, self.recipe, progress, self.further)
        learnt, ahead = fitted.learnt, foreseen(fitted.learnt, now)
        self._said[origin.cutoff.day, now.horizon_days] = said = _said(fitted, ahead, now)
        trust = self.trust(origin, train, now, fitted, progress=progress)
        return Judged(
            origin,
            now.horizon_days,
            _frame(origin, now, said, ahead, trust, learnt),
            LEAST_OF_MEAN * float(np.maximum(train.spend, 0).mean()),
            train.n_rows,
            learnt.churn.level.figures(),
            learnt.value.level.figures(),
            trust,
            {h: o.trained_days for h, o in learnt.outlooks.items()},
            studies_of(str(origin.cutoff), fitted.trials),
        )

    def trust(
        self,
        stand: Origin,
        train: Sample,
        now: Sample,
        fitted: Fitted,
        speakers: tuple[str, str] = ("regulars", "regulars"),
        progress: Progress | None = None,
    ) -> Trust:
        """How far what is said of spend on a day may be trusted, learnt from days whose windows had closed by then.

        Where there is no such day, customers who are left out of learning teach it. A horizon of which no window had
        closed has the intervals of the nearest that had one, carried there by what the classical prior expects of both.

        Parameters
        ----------
        train, now : Sample
            What is learnt from at the stand, with the labels known by then; and its own rows.
        fitted : Fitted
            What was learnt: models of earlier days, and of some of the customers, are learnt with its settings.
        speakers : tuple of str
            Who speaks of churn, and who of spend.
        """
        past = self.past(stand, train, fitted, progress)
        days = (now.horizon_days, *self.further)
        found = {h: _calibrated(past, h, now.day, self.recipe.lag_days, speakers) for h in (*days, stand.trained_days)}
        if not any(one is not None and one.known for one in found.values()):
            found[stand.trained_days] = self._left_out(train, fitted)
        known = {h: one for h, one in found.items() if one is not None and one.known}
        if not known:
            return {}
        nearest = {h: min((abs(np.log(d / h)), d) for d in known)[1] for h in days}
        return {h: known[n] if n == h else known[n].carried(_growth(now, n, h)) for h, n in nearest.items()}

    def past(self, stand: Origin, train: Sample, fitted: Fitted, progress: Progress | None = None) -> list[Past]:
        """What was said on earlier days whose windows had closed by a stand, and what was known of them by then."""
        found = []
        for one in calibrating(stand, self.recipe.lag_days, self.windows):
            said = self._earlier(one, stand.trained_days, fitted, progress)
            if said is None:
                continue
            rows = train.at((one.cutoff,))
            if not np.array_equal(rows.panel.customer_id.astype(str), said.customer_id.astype(str)):
                raise DataError(f"the rows of {one.cutoff} are not those that were judged", code="RG270")
            found.append(Past(one.cutoff, rows, said))
        return found

    def _left_out(self, train: Sample, fitted: Fitted) -> Intervals | None:
        """Intervals from customers whom the models that speak of them have not seen; None where they are too few."""
        train, lag = replace(train, share=fitted.learnt.churn.share), self.recipe.lag_days
        last = Cutoff(int(train.panel.cutoff_day.max()))

        def learnt(rows: Sample) -> Speak:
            there = rows.at((last,))
            churn = Churn.fit(rows, there, fitted.settings["churn"], lag)
            value = Value.fit(rows, there, fitted.settings["value"], churn)

            def speak(sample: Sample) -> tuple[Float64, Float64]:
                p_churn = churn.p_churn(sample)
                return value.expected_spend(sample, p_churn), value.p_none(p_churn)

            return speak

        try:
            return LeftOut.of(train, learnt).intervals()
        except NotEnoughData:
            return None

    def _earlier(self, one: Origin, days: int, fitted: Fitted, progress: Progress | None) -> Said | None:
        """What was said at an earlier stand of so many days; if not known yet, with the settings of the present one."""
        key = one.cutoff.day, days
        if key not in self._said:
            train, now = self.rows(one)
            further = self.further if days == now.horizon_days else ()
            now = now.over(days)
            try:
                then = fit(train, now, self.recipe, progress, further, fitted.settings)
            except NotEnoughData:  # Too few of either outcome by then: that day teaches nothing.
                self._said[key] = None
            else:
                self._said[key] = _said(then, foreseen(then.learnt, now), now)
        return self._said[key]


def _said(fitted: Fitted, ahead: Foreseen, now: Sample) -> Said:
    """What all models say of the primary horizon, and the product's own of the further ones."""
    learnt, h = fitted.learnt, now.horizon_days
    spend = {("regulars", d): money for d, money in ahead.spend.items()}
    p_none = {("regulars", d): p for d, p in ahead.p_none.items()}
    own = learnt.churn.p_churn(now)
    for name in MODELS[1:]:
        spend[name, h] = money_spoken(name, learnt.value, learnt.rule, learnt.value_rule, now, own)
        p_none[name, h] = learnt.value.p_none(spoken(name, learnt.churn, learnt.rule, now))
    return Said(now.panel.customer_id, spend, p_none, learnt.value.net)


def _calibrated(
    past: Sequence[Past], horizon_days: int, day: Cutoff, lag_days: int, speakers: tuple[str, str]
) -> Intervals | None:
    """Intervals of one horizon, from what was said on earlier days and what was known of it by a day."""
    parts = []
    for one in past:
        spend, none = (speakers[1], horizon_days), (speakers[0], horizon_days)
        if one.cutoff.plus(horizon_days + lag_days) > day or spend not in one.said.spend or none not in one.said.p_none:
            continue
        expected, p_none = one.said.spend[spend], one.said.p_none[none]
        if np.isfinite(expected).all() and np.isfinite(p_none).all():
            rows = one.rows.over(horizon_days)
            parts.append((expected, p_none, rows.spend, np.full(rows.n_rows, str(one.cutoff))))
    return Intervals.fit(*(np.concatenate(column) for column in zip(*parts, strict=True))) if parts else None


def _growth(now: Sample, known: int, asked: int) -> float:
    """How many times more the classical prior expects to be spent in one horizon than in another."""
    spend = [now.over(h).prior.spend for h in (known, asked)]
    rows = np.isfinite(spend[0]) & np.isfinite(spend[1])
    total = float(spend[0][rows].sum())
    return float(spend[1][rows].sum()) / total if total > 0 else asked / known


def _frame(origin: Origin, now: Sample, said: Said, ahead: Foreseen, trust: Trust, learnt: Learnt) -> pd.DataFrame:
    """A row per customer of a stand: what came, and what was said."""
    h = now.horizon_days
    columns: dict[str, object] = {
        "cutoff": str(origin.cutoff),
        "customer_id": now.panel.customer_id,
        "churned": now.churned,
        "spend": now.spend,
        "orders": now.orders,
        "at_stake": at_stake_of(now),
        "days_to_next": now.days_to_next,
    }
    for name in MODELS:
        columns[f"p_churn_{name}"] = spoken(name, learnt.churn, learnt.rule, now)
        columns[f"value_{name}"] = said.spend[name, h]
    columns |= {"orders_regulars": ahead.orders[h], "p_none": ahead.p_none[h]}
    columns |= _bounds(ahead, trust, h, "")
    for d in TIMING:
        came = now.over(d)
        columns[f"p_purchase_{d}d"] = 1 - ahead.silent[d]
        columns[f"bought_{d}d"] = 1 - came.churned if came.closed else np.nan
    for d in (d for d in ahead.spend if d != h):
        came = now.over(d)
        columns |= {
            f"churned_{d}d": came.churned if came.closed else np.nan,
            f"spend_{d}d": came.spend if came.closed else np.nan,
            f"p_churn_{d}d": ahead.silent[d],
            f"orders_{d}d": ahead.orders[d],
            f"value_{d}d": ahead.spend[d],
            f"p_none_{d}d": ahead.p_none[d],
            **_bounds(ahead, trust, d, f"_{d}d"),
        }
    return pd.DataFrame(columns)


def _bounds(ahead: Foreseen, trust: Trust, h: int, end: str) -> dict[str, object]:
    """Ends of the intervals of one horizon; NaN where nothing teaches them."""
    names = [f"spend_{name}{end}" for name in ("low", "high", "upper", "median")]
    if h not in trust:
        return dict.fromkeys(names, np.nan)
    found = trust[h].bounds(ahead.spend[h], ahead.p_none[h])
    return dict(zip(names, (found.low, found.high, found.upper, found.median), strict=True))
