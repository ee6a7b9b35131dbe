"""Boosters of one target with and without the classical prior, and the seed that turns the prior into their margin.

In: samples of matured cutoffs. Out: an `Ensemble` of ``plain`` (panel only), ``rich`` (panel and prior) and ``seeded``
(boosted from the recalibrated prior) members, and the settings found for them. A row without a prior gets the
intercept as its margin.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression, TweedieRegressor

from ..clock import Cutoff
from .boosted import SEEDED, Boosted, Setting
from .metrics import TWEEDIE_POWER, logit
from .sample import Sample
from .tuning import Rows, Trial, best_rounds, tune

Float64 = NDArray[np.float64]
Progress = Callable[[str, float], None]
TUNING_ROWS = 40_000


@dataclass(frozen=True)
class Line:
    """intercept + slope x; the intercept where x is missing.

    Examples
    --------
    >>> Line(1.0, 2.0)(np.array([3.0, np.nan])).tolist()
    [7.0, 1.0]
    """

    intercept: float
    slope: float

    def __call__(self, x: Float64) -> Float64:
        return np.where(np.isfinite(x), self.intercept + self.slope * np.where(np.isfinite(x), x, 0.0), self.intercept)


def logistic_line(x: Float64, y: Float64, weight: Float64) -> Line:
    """Logistic regression of an outcome on a prior's logit; the base rate alone where there is no prior."""
    known = np.isfinite(x)
    if not known.any() or x[known].std() == 0 or y[known].min() == y[known].max():
        return Line(float(logit(np.array([np.average(y, weights=weight)]))[0]), 0.0)
    fitted = LogisticRegression(C=1e4, tol=1e-8, max_iter=1000).fit(x[known, None], y[known], weight[known])
    return Line(float(fitted.intercept_[0]), float(fitted.coef_[0, 0]))


def tweedie_line(x: Float64, y: Float64, weight: Float64) -> Line:
    """Tweedie regression with log link of money (mean about 1) on a prior's log; the mean alone without a prior."""
    known = np.isfinite(x)
    if not known.any() or x[known].std() == 0:
        return Line(float(np.log(max(float(np.average(y, weights=weight)), 1e-9))), 0.0)
    centre = float(x[known].mean())
    model = TweedieRegressor(power=TWEEDIE_POWER, alpha=0.0, link="log", max_iter=1000, tol=1e-8)
    fitted = model.fit(x[known, None] - centre, y[known], weight[known])
    slope = float(fitted.coef_[0])
    return Line(float(fitted.intercept_) - slope * centre, slope)


@dataclass(frozen=True)
class Kind:
    """What distinguishes churn from value: its members, target, and how the prior is read and brought to level."""

    name: str
    members: tuple[str, ...]
    target: Callable[[Sample], Float64]
    prior: Callable[[Sample], Float64]
    line: Callable[[Float64, Float64, Float64], Line]
    scaled: bool


def _log_spend(sample: Sample) -> Float64:
    return np.log(np.maximum(sample.prior.spend, 1e-6))


CHURN = Kind("churn", ("plain", "rich", "seeded"), lambda s: s.churned, lambda s: s.prior.silent, logistic_line, False)
VALUE = Kind("value", ("plain", "seeded"), lambda s: np.maximum(s.spend, 0), _log_spend, tweedie_line, True)


@dataclass(frozen=True)
class Seed:
    """How the prior becomes a margin; money is learnt in `unit`, so that the currency does not matter."""

    line: Line
    unit: float

    @classmethod
    def fit(cls, kind: Kind, train: Sample) -> Seed:
        """The recalibration of the prior over matured rows."""
        target = kind.target(train)
        unit = max(float(target.mean()), 1e-9) if kind.scaled else 1.0
        return cls(kind.line(kind.prior(train) - np.log(unit), target / unit, train.weight), unit)

    def margin(self, kind: Kind, sample: Sample) -> Float64:
        """The margin of each row, on the link scale and in units of `unit`."""
        return self.line(kind.prior(sample) - np.log(self.unit))


def features_of(member: str, sample: Sample) -> tuple[tuple[str, ...], NDArray[np.float32]]:
    """What a member reads: the panel, and unless it is plain, what the prior says."""
    if member == "plain":
        return sample.panel.names, sample.panel.values
    names, values = sample.prior.features()
    return (*sample.panel.names, *names), np.concatenate([sample.panel.values, values])


@dataclass(frozen=True)
class Ensemble:
    """The fitted boosters of one kind, and their seed.

    Parameters
    ----------
    kind : Kind
    boosters : dict of str to Boosted
    seed : Seed
    """

    kind: Kind
    boosters: Mapping[str, Boosted]
    seed: Seed

    @classmethod
    def fit(cls, kind: Kind, train: Sample, settings: Mapping[str, Setting]) -> Ensemble:
        """Fit every member on all rows given."""
        seed = Seed.fit(kind, train)
        boosters = {}
        for member in kind.members:
            rows = _rows(kind, member, train, seed)
            names = features_of(member, train)[0]
            boosters[member] = Boosted.fit(
                kind.name, names, rows.values, rows.label, rows.weight, settings[member], rows.margin
            )
        return cls(kind, boosters, seed)

    def link(self, member: str, sample: Sample) -> Float64:
        """A member's prediction on the link scale; its margin is made here, from the sample's own prior."""
        names, values = features_of(member, sample)
        booster = self.boosters[member]
        return booster.link(names, values, self.seed.margin(self.kind, sample) if booster.seeded else None)


def _rows(kind: Kind, member: str, sample: Sample, seed: Seed) -> Rows:
    margin = seed.margin(kind, sample) if member == "seeded" else None
    return Rows(features_of(member, sample)[1], kind.target(sample) / seed.unit, sample.weight, margin)


@dataclass(frozen=True)
class Recipe:
    """How a model is to be learnt: the labels' lag, trials and time of tuning, randomness, threads."""

    lag_days: int = 0
    trials: int = 10
    seconds: float | None = None
    seed: int = 0
    threads: int = 1


def settings_for(
    kind: Kind, train: Sample, recipe: Recipe, progress: Progress | None = None
) -> tuple[dict[str, Setting], tuple[Trial, ...]]:
    """Parameters by search and rounds by early stopping, judged on the last training cutoff; without one, defaults."""
    base = Setting(seed=recipe.seed, threads=recipe.threads)
    last = Cutoff(int(train.panel.cutoff_day.max()))
    past = train.matured_before(last, recipe.lag_days).thinned(TUNING_ROWS, recipe.seed)
    judge = train.at((last,)).thinned(TUNING_ROWS, recipe.seed)
    if past.n_rows == 0 or any(np.ptp(kind.target(s)) == 0 for s in (past, judge)):
        return {m: _as_member(m, base) for m in kind.members}, ()
    seed = Seed.fit(kind, past)
    plain = [_rows(kind, "plain", s, seed) for s in (past, judge)]
    names = train.panel.names
    tuned = tune(kind.name, names, plain[0], plain[1], recipe.trials, base, recipe.seconds, progress)
    settings = {"plain": tuned.setting}
    for member in kind.members[1:]:
        rows = [_rows(kind, member, s, seed) for s in (past, judge)]
        setting = _as_member(member, tuned.setting)
        rounds = best_rounds(kind.name, features_of(member, past)[0], rows[0], rows[1], setting)
        settings[member] = replace(setting, rounds=rounds)
    return settings, tuned.trials


def _as_member(member: str, setting: Setting) -> Setting:
    """A seeded booster only corrects a prior: it is shallower and more strongly penalised."""
    if member != "seeded":
        return setting
    depth = min(setting.params["max_depth"], SEEDED["max_depth"])
    return setting.changed({"max_depth": depth, "reg_lambda": max(setting.params["reg_lambda"], SEEDED["reg_lambda"])})
