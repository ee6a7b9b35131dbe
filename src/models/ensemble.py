"""Boosters of one target with and without the classical prior, and the seed that turns the prior into their margin.

In: samples of matured cutoffs. Out: an `Ensemble` of ``plain`` (panel only), ``rich`` (panel and prior) and ``seeded``
(boosted from the recalibrated prior) members, and the settings found for them. A row without a prior gets the
intercept as its margin.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression, TweedieRegressor

from ..clock import Cutoff
from .boosted import DEFAULTS, SEEDED, Boosted, Setting
from .metrics import TWEEDIE_POWER, logit
from .rations import Rations
from .sample import Sample, drawn
from .trials import Trial
from .tuning import SPACE, Range, Rows, best_rounds, inside, tune

Float32 = NDArray[np.float32]
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
class Columns:
    """What boosters read of some rows, and what a prior says of them.

    Parameters
    ----------
    names, values : tuple of str, ndarray of float32, shape (n_features, n_rows)
        What every member reads.
    prior_names, prior_values
        The same for what only members that know the prior read.
    prior : ndarray of shape (n_rows,)
        The prior on the link scale (log odds of churn, log of money); NaN where there is none.
    """

    names: tuple[str, ...]
    values: Float32
    prior_names: tuple[str, ...]
    prior_values: Float32
    prior: Float64

    def names_for(self, member: str) -> tuple[str, ...]:
        """What a member may read: everything, or if it is plain, everything but the prior."""
        return self.names if member == "plain" else (*self.names, *self.prior_names)

    def read(self, names: tuple[str, ...]) -> Float32:
        """Some of the features, shape (n_names, n_rows), in the order of their names."""
        if names == self.names:
            return self.values
        place = dict(zip((*self.names, *self.prior_names), (*self.values, *self.prior_values), strict=True))
        found = np.empty((len(names), len(self.prior)), np.float32)
        for i, name in enumerate(names):
            found[i] = place[name]
        return found

    def silent(self) -> frozenset[str]:
        """Features, the prior's aside, that are zero or missing in every row.

        A kind of event of which nobody had heard before is one of them. Left in, it would be drawn among the columns
        of a tree, and so the mere existence of what happened later would change what is learnt.
        """
        pairs = zip(self.names, self.values, strict=True)
        return frozenset(name for name, values in pairs if not ((values != 0) & ~np.isnan(values)).any())

    def take(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> Columns:
        """Some of the rows."""
        values, prior_values = self.values[:, rows], self.prior_values[:, rows]
        return Columns(self.names, values, self.prior_names, prior_values, self.prior[rows])


@dataclass(frozen=True)
class Examples:
    """Rows to learn from.

    Parameters
    ----------
    columns : Columns
    target, weight : ndarray of shape (n_rows,)
        What came of them, and how much each counts.
    silent : frozenset of str
        Features that no booster learns from.
    """

    columns: Columns
    target: Float64
    weight: Float64
    silent: frozenset[str] = frozenset()

    def taught(self, member: str) -> tuple[str, ...]:
        """What a member learns from; all it may read where everything is silent."""
        names = self.columns.names_for(member)
        return tuple(n for n in names if n not in self.silent) or names

    def take(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> Examples:
        """Some of the rows."""
        return Examples(self.columns.take(rows), self.target[rows], self.weight[rows], self.silent)

    def thinned(self, most: int, seed: int) -> Examples:
        """At most so many rows, drawn without replacement, still in their order."""
        n = len(self.target)
        return self if n <= most else self.take(drawn(n, most, seed))


@dataclass(frozen=True)
class Kind:
    """What distinguishes churn from value: its members, target, and how the prior is read and brought to level."""

    name: str
    members: tuple[str, ...]
    target: Callable[[Sample], Float64]
    prior: Callable[[Sample], Float64]
    line: Callable[[Float64, Float64, Float64], Line]
    scaled: bool

    def columns(self, sample: Sample) -> Columns:
        """What boosters read of a sample."""
        return Columns(sample.panel.names, sample.panel.values, *sample.prior.features(), self.prior(sample))

    def examples(self, sample: Sample) -> Examples:
        """A sample as rows to learn from."""
        columns = self.columns(sample)
        return Examples(columns, self.target(sample), sample.weight, columns.silent())


# Named, not lambdas, so that what was learnt can be pickled.
def _churned(sample: Sample) -> Float64:
    return sample.churned


def _silent(sample: Sample) -> Float64:
    return sample.silent


def _gross(sample: Sample) -> Float64:
    return np.maximum(sample.spend, 0)


def _log_spend(sample: Sample) -> Float64:
    return np.log(np.maximum(sample.prior.spend, 1e-6))


CHURN = Kind("churn", ("plain", "rich", "seeded"), _churned, _silent, logistic_line, False)
VALUE = Kind("value", ("plain", "seeded"), _gross, _log_spend, tweedie_line, True)


@dataclass(frozen=True)
class Seed:
    """How the prior becomes a margin; money is learnt in `unit`, so that the currency does not matter."""

    line: Line
    unit: float

    @classmethod
    def fit(cls, kind: Kind, train: Examples) -> Seed:
        """The recalibration of the prior over matured rows."""
        unit = max(float(train.target.mean()), 1e-9) if kind.scaled else 1.0
        return cls(kind.line(train.columns.prior - np.log(unit), train.target / unit, train.weight), unit)

    def of(self, prior: Float64) -> Float64:
        """The margin of each row, on the link scale and in units of `unit`."""
        return self.line(prior - np.log(self.unit))

    def margin(self, kind: Kind, sample: Sample) -> Float64:
        """The margin of each row of a sample."""
        return self.of(kind.prior(sample))


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
        """Fit every member on all rows of a sample."""
        return cls.learnt(kind, kind.examples(train), settings)

    @classmethod
    def learnt(cls, kind: Kind, train: Examples, settings: Mapping[str, Setting]) -> Ensemble:
        """Fit every member on all rows given, which must already be in their canonical order."""
        seed = Seed.fit(kind, train)
        boosters = {}
        for member in kind.members:
            names = train.taught(member)
            rows = _rows(names, member, train, seed)
            boosters[member] = Boosted.fit(
                kind.name, names, rows.values, rows.label, rows.weight, settings[member], rows.margin
            )
        return cls(kind, boosters, seed)

    def link(self, member: str, sample: Sample) -> Float64:
        """A member's prediction on the link scale; its margin is made here, from the sample's own prior."""
        return self.link_of(member, self.kind.columns(sample))

    def link_of(self, member: str, columns: Columns) -> Float64:
        """The same of plain columns."""
        booster, there = self.boosters[member], frozenset(columns.names_for(member))
        names = tuple(n for n in booster.names if n in there)
        return booster.link(names, columns.read(names), self.seed.of(columns.prior) if booster.seeded else None)

    def blend(self, columns: Columns, prior_weight: float) -> Float64:
        """The mean of the members' links and, with a weight of its own, of the prior's; theirs where there is none."""
        trees = np.mean([self.link_of(member, columns) for member in self.boosters], axis=0)
        known = np.isfinite(columns.prior)
        return np.where(known, (1 - prior_weight) * trees + prior_weight * columns.prior, trees)


def _rows(names: tuple[str, ...], member: str, rows: Examples, seed: Seed) -> Rows:
    margin = seed.of(rows.columns.prior) if member == "seeded" else None
    return Rows(rows.columns.read(names), rows.target / seed.unit, rows.weight, margin)


@dataclass(frozen=True)
class Recipe:
    """How a model is to be learnt.

    Parameters
    ----------
    lag_days : int
        Days until a label is known.
    trials : int
        Of each study, unless `rations` share them out.
    seed, threads : int
    space : dict of str to (float, float)
        Between which values settings are searched.
    rations : Rations, optional
        What all studies of a training may spend together.
    """

    lag_days: int = 0
    trials: int = 10
    seed: int = 0
    threads: int = 1
    space: Mapping[str, Range] = field(default_factory=lambda: dict(SPACE))
    rations: Rations | None = field(default=None, compare=False)


def settings_for(
    kind: Kind, train: Sample, recipe: Recipe, progress: Progress | None = None
) -> tuple[dict[str, Setting], tuple[Trial, ...]]:
    """Settings judged on the last training cutoff, learnt from what had matured by then; without that, defaults."""
    last = Cutoff(int(train.panel.cutoff_day.max()))
    past = train.matured_before(last, recipe.lag_days)
    start = inside(recipe.space, DEFAULTS)
    return search(kind, kind.examples(past), kind.examples(train.at((last,))), recipe, progress, start)


def search(
    kind: Kind,
    past: Examples,
    judge: Examples,
    recipe: Recipe,
    progress: Progress | None = None,
    params: Mapping[str, float] = DEFAULTS,
) -> tuple[dict[str, Setting], tuple[Trial, ...]]:
    """Parameters by search and rounds by early stopping, judged on later rows; `params` where either says nothing."""

    def study(trials: int, seconds: float | None) -> tuple[dict[str, Setting], tuple[Trial, ...]]:
        return _searched(kind, past, judge, recipe, params, trials, seconds, progress)

    return (recipe.rations or Rations(recipe.trials, 1)).study(study)


def _searched(
    kind: Kind,
    past: Examples,
    judge: Examples,
    recipe: Recipe,
    params: Mapping[str, float],
    trials: int,
    seconds: float | None,
    progress: Progress | None,
) -> tuple[dict[str, Setting], tuple[Trial, ...]]:
    base = Setting(params, seed=recipe.seed, threads=recipe.threads)
    past, judge = (rows.thinned(TUNING_ROWS, recipe.seed) for rows in (past, judge))
    if any(len(rows.target) == 0 or np.ptp(rows.target) == 0 for rows in (past, judge)):
        return as_members(kind, base), ()
    seed = Seed.fit(kind, past)
    names = past.taught("plain")
    plain = [_rows(names, "plain", rows, seed) for rows in (past, judge)]
    tuned = tune(kind.name, names, plain[0], plain[1], trials, base, seconds, progress, recipe.space)
    settings = {"plain": tuned.setting}
    for member in kind.members[1:]:
        names, setting = past.taught(member), _as_member(member, tuned.setting)
        rows = [_rows(names, member, part, seed) for part in (past, judge)]
        rounds = best_rounds(kind.name, names, rows[0], rows[1], setting)
        settings[member] = replace(setting, rounds=rounds)
    return settings, tuned.trials


def as_members(kind: Kind, setting: Setting) -> dict[str, Setting]:
    """One setting for all members, each in its own way."""
    return {member: _as_member(member, setting) for member in kind.members}


def _as_member(member: str, setting: Setting) -> Setting:
    """A seeded booster only corrects a prior: it is shallower and more strongly penalised."""
    if member != "seeded":
        return setting
    depth = min(setting.params["max_depth"], SEEDED["max_depth"])
    return setting.changed({"max_depth": depth, "reg_lambda": max(setting.params["reg_lambda"], SEEDED["reg_lambda"])})
