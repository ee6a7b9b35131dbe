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

from ..clock import Cutoff
from ..errors import DataError, NotEnoughData
from .boosted import DEFAULT_ROUNDS, DEFAULTS, SEEDED, Boosted, Setting, Shelf
from .examples import Columns, Examples, among
from .metrics import sigmoid
from .rations import Rations
from .recalibration import Line, gamma_line, logistic_line, poisson_line, tweedie_line
from .sample import Sample
from .scales import tempered
from .trials import Trial
from .tuning import SPACE, Range, Rows, best_rounds, inside, tune

Float64 = NDArray[np.float64]
Progress = Callable[[str, float], None]
TUNING_ROWS = 40_000
LEAST_OF_MEAN = 0.01
"""An expectation of the prior counts as at least so much of the mean of what came. Of those long gone it expects a
millionth; where one of them comes back all the same, nothing else would be learnt but him."""


@dataclass(frozen=True)
class Kind:
    """What distinguishes churn from value: its members, target, and how the prior is read and brought to level.

    Parameters
    ----------
    scaled : bool
        Whether it is learnt in units of its mean, as money is.
    teaching : callable, optional
        The rows that teach it; default: all.
    beside : tuple of Kind
        Kinds of one member that are made like its own, without a search; only their rounds are found.
    """

    name: str
    members: tuple[str, ...]
    target: Callable[[Sample], Float64]
    prior: Callable[[Sample], Float64]
    line: Callable[[Float64, Float64, Float64], Line]
    scaled: bool
    teaching: Callable[[Sample], NDArray[np.bool_]] | None = None
    beside: tuple[Kind, ...] = ()

    def columns(self, sample: Sample) -> Columns:
        """What boosters read of a sample."""
        panel, prior, laid = sample.panel, self.prior(sample), sample.laid
        return Columns(panel.names, panel.values, *sample.prior.features(), prior, sample.horizon_days, laid)

    def examples(self, sample: Sample) -> Examples:
        """A sample as rows to learn from."""
        if self.teaching is not None:
            sample = sample.take(self.teaching(sample))
        columns = self.columns(sample)
        return Examples(columns, self.target(sample), sample.weight, columns.silent())


# Named, not lambdas, so that what was learnt can be pickled.
def _churned(sample: Sample) -> Float64:
    return sample.churned


def _silent(sample: Sample) -> Float64:
    return sample.silent


def _gross(sample: Sample) -> Float64:
    # A single giant would be all that is learnt.
    return tempered(np.maximum(sample.spend, 0.0))


def _paid(sample: Sample) -> NDArray[np.bool_]:
    return np.asarray(sample.spend > 0)


def _log_amount(sample: Sample) -> Float64:
    return _log_spend(sample) - np.log(sigmoid(-sample.prior.silent))


def _orders(sample: Sample) -> Float64:
    return sample.orders


def _log_orders(sample: Sample) -> Float64:
    return np.log(np.maximum(sample.prior.orders, 1e-12))


def _log_spend(sample: Sample) -> Float64:
    # In units of the customer's own mean, so that the currency does not matter.
    value = sample.prior.value
    return _log_orders(sample) + np.log(np.where(value > 0, value, np.nan))


CHURN = Kind("churn", ("plain", "rich", "seeded"), _churned, _silent, logistic_line, False)
GAMMA = Kind("gamma", ("rich",), _gross, _log_amount, gamma_line, True, _paid)
ORDERS = Kind("orders", ("seeded",), _orders, _log_orders, poisson_line, False)
VALUE = Kind("value", ("plain", "rich", "seeded"), _gross, _log_spend, tweedie_line, True, beside=(GAMMA, ORDERS))


@dataclass(frozen=True)
class Seed:
    """How the prior becomes a margin; money is learnt in `unit`, so that the currency does not matter.

    Parameters
    ----------
    line : Line
    unit : float
        What counts as 1.
    least : float
        The least prior, on the link scale and in units of `unit`, that is told from a smaller one.
    """

    line: Line
    unit: float
    least: float = -np.inf

    @classmethod
    def fit(cls, kind: Kind, train: Examples) -> Seed:
        """The recalibration of the prior over matured rows."""
        mean = max(float(train.target.mean()), 1e-9)
        unit = mean if kind.scaled else 1.0
        least = -np.inf if kind.line is logistic_line else float(np.log(LEAST_OF_MEAN * mean / unit))
        prior = np.maximum(train.columns.prior - np.log(unit), least)
        return cls(kind.line(prior, train.target / unit, train.weight), unit, least)

    def of(self, prior: Float64) -> Float64:
        """The margin of each row, on the link scale and in units of `unit`."""
        return self.line(np.maximum(prior - np.log(self.unit), self.least))

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
    def fit(cls, kind: Kind, train: Sample, settings: Mapping[str, Setting], shelf: Shelf | None = None) -> Ensemble:
        """Fit every member on all rows of a sample; matrices are shared with other kinds on a shelf, if given."""
        return cls.learnt(kind, kind.examples(train), settings, shelf)

    @classmethod
    def learnt(
        cls, kind: Kind, train: Examples, settings: Mapping[str, Setting], shelf: Shelf | None = None
    ) -> Ensemble:
        """Fit every member on all rows given, which must already be in their canonical order.

        A prior that is missing everywhere leaves the seeded member the base rate as its margin; features that are
        constant or missing everywhere are never split at; where all outcomes are the same, that is what is said. Of
        money that nobody spent there is nothing to learn: then there are no boosters, and the unit is 0.

        Raises
        ------
        DataError
            When an outcome, a weight or a feature is no finite number (a missing feature is none of these).
        NotEnoughData
            Without rows or without features, unless it is of money that nobody spent.
        """
        _check_finite(train)
        if kind.scaled and not (train.target > 0).any() and (len(train.target) or kind.teaching):
            return cls(kind, {}, Seed(Line(0.0, 0.0), 0.0))
        _check_enough(kind, train)
        seed, shelf = Seed.fit(kind, train), shelf or Shelf()
        boosters = {}
        for member in kind.members:
            names = train.taught(member)
            rows, setting = _rows(names, member, train, seed), settings[member]
            data = shelf.matrix(names, rows.values, rows.label, rows.weight, rows.margin, setting.threads)
            boosters[member] = Boosted.grown(kind.name, names, data, setting, rows.margin is not None)
        return cls(kind, boosters, seed)

    def link(self, member: str, sample: Sample) -> Float64:
        """A member's prediction on the link scale; its margin is made here, from the sample's own prior."""
        return self.link_of(member, self.kind.columns(sample))

    def link_of(self, member: str, columns: Columns) -> Float64:
        """The same of plain columns."""
        booster = self.boosters[member]
        names = among(booster.names, columns.names_for(member))
        return booster.link(names, columns.read(names), self.seed.of(columns.prior) if booster.seeded else None)

    def blend(self, columns: Columns, prior_weight: float) -> Float64:
        """The mean of the members' links and, with a weight of its own, of the prior's; theirs where there is none."""
        trees = np.mean([self.link_of(member, columns) for member in self.boosters], axis=0)
        known = np.isfinite(columns.prior)
        return np.asarray(np.where(known, (1 - prior_weight) * trees + prior_weight * columns.prior, trees))


def _check_finite(train: Examples) -> None:
    """Refuse outcomes and weights that are no numbers."""
    bad = ~np.isfinite(train.target) | ~np.isfinite(train.weight) | (train.weight < 0)
    if bad.any():
        needed = "finite outcomes, and finite weights of 0 or more"
        raise DataError(f"{int(bad.sum())} rows have an outcome or a weight that is none", needed=needed, code="RG268")


def _check_enough(kind: Kind, train: Examples) -> None:
    """Refuse what no booster learns anything from."""
    if not train.weight.sum() > 0 or not train.columns.names:
        found = f"{len(train.target)} rows with {len(train.columns.names)} features"
        raise NotEnoughData(f"{found} to learn {kind.name} from", needed="at least one of each", code="RG267")


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
    kind: Kind, train: Sample, recipe: Recipe, progress: Progress | None = None, shelf: Shelf | None = None
) -> tuple[dict[str, Setting], tuple[Trial, ...]]:
    """Settings judged on the last training cutoff, learnt from what had matured by then; without that, defaults.

    Returns
    -------
    dict of str to Setting
        By member, and by the name of every kind beside.
    tuple of Trial
    """
    shelf = shelf or Shelf()
    last = Cutoff(int(train.panel.cutoff_day.max()))
    past = train.matured_before(last, recipe.lag_days)
    judge, start = train.at((last,)), inside(recipe.space, DEFAULTS)
    found, trials = search(kind, kind.examples(past), kind.examples(judge), recipe, progress, start, shelf)
    for other in kind.beside:
        found[other.name] = _alike(other, other.examples(past), other.examples(judge), found["plain"], recipe, shelf)
    return found, trials


def _alike(kind: Kind, past: Examples, judge: Examples, setting: Setting, recipe: Recipe, shelf: Shelf) -> Setting:
    """A setting with rounds of its own for the one member of a kind."""
    member = kind.members[0]
    setting = replace(_as_member(member, setting), rounds=DEFAULT_ROUNDS)
    past, judge = (rows.thinned(TUNING_ROWS, recipe.seed) for rows in (past, judge))
    if _dumb(past) or _dumb(judge):
        return setting
    return replace(setting, rounds=_rounds(kind, member, past, judge, Seed.fit(kind, past), setting, shelf))


def _dumb(rows: Examples) -> bool:
    """Whether rows say nothing of who differs from whom."""
    return len(rows.target) == 0 or np.ptp(rows.target) == 0


def search(
    kind: Kind,
    past: Examples,
    judge: Examples,
    recipe: Recipe,
    progress: Progress | None = None,
    params: Mapping[str, float] = DEFAULTS,
    shelf: Shelf | None = None,
) -> tuple[dict[str, Setting], tuple[Trial, ...]]:
    """Parameters by search and rounds by early stopping, judged on later rows; `params` where either says nothing."""

    def study(trials: int, seconds: float | None) -> tuple[dict[str, Setting], tuple[Trial, ...]]:
        return _searched(kind, past, judge, recipe, params, trials, seconds, progress, shelf or Shelf())

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
    shelf: Shelf,
) -> tuple[dict[str, Setting], tuple[Trial, ...]]:
    base = Setting(params, seed=recipe.seed, threads=recipe.threads)
    past, judge = (rows.thinned(TUNING_ROWS, recipe.seed) for rows in (past, judge))
    if _dumb(past) or _dumb(judge):
        return as_members(kind, base), ()
    seed = Seed.fit(kind, past)
    names = past.taught("plain")
    plain = [_rows(names, "plain", rows, seed) for rows in (past, judge)]
    tuned = tune(kind.name, names, plain[0], plain[1], trials, base, seconds, progress, recipe.space, shelf)
    settings = {"plain": tuned.setting}
    for member in kind.members[1:]:
        setting = _as_member(member, tuned.setting)
        settings[member] = replace(setting, rounds=_rounds(kind, member, past, judge, seed, setting, shelf))
    return settings, tuned.trials


def _rounds(
    kind: Kind, member: str, past: Examples, judge: Examples, seed: Seed, setting: Setting, shelf: Shelf
) -> int:
    names = past.taught(member)
    rows = [_rows(names, member, part, seed) for part in (past, judge)]
    return best_rounds(kind.name, names, rows[0], rows[1], setting, shelf)


def as_members(kind: Kind, setting: Setting) -> dict[str, Setting]:
    """One setting for all members, each in its own way."""
    return {member: _as_member(member, setting) for member in kind.members}


def _as_member(member: str, setting: Setting) -> Setting:
    """A seeded booster only corrects a prior: it is shallower and more strongly penalised."""
    if member != "seeded":
        return setting
    depth = min(setting.params["max_depth"], SEEDED["max_depth"])
    return setting.changed({"max_depth": depth, "reg_lambda": max(setting.params["reg_lambda"], SEEDED["reg_lambda"])})
