"""A short, seeded, pruned search for the boosters' settings, judged on later time only.

In: rows of the training cutoffs, the last of which judges the earlier ones whose labels had matured by then. Out: a
`Setting` (parameters and rounds) and the table of trials. The first trial is the defaults; they stay unless the best
one is clearly better on the judging cutoff. When the time is over, the trial that is running is
thrown away as if it had never begun: as many trials without a limit give the same study again, to the bit.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import xgboost as xgb
from numpy.typing import NDArray

from .boosted import MAX_ROUNDS, PATIENCE, Setting, Shelf, xgb_params
from .judging import Judges
from .trials import Trial

if TYPE_CHECKING:
    import optuna

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
Range = tuple[float, float]

SPACE: Mapping[str, Range] = {
    "max_depth": (2, 6),
    "min_child_weight": (2.0, 200.0),
    "subsample": (0.5, 1.0),
    "colsample_bytree": (0.3, 1.0),
    "reg_lambda": (1.0, 100.0),
}
"""Between which values a study looks; what is not named stays as it is."""

ON_LOG_SCALE = frozenset({"min_child_weight", "reg_lambda", "learning_rate"})
EVERY = 5
"""Rounds between two looks at the judging rows."""
DRAWN = 5
"""So many trials, the defaults among them, are tried before the sampler learns from them."""
FIRST_PRUNED = 25
"""Rounds that no trial is denied: earlier, settings that learn slowly and well look like bad ones."""


@dataclass(frozen=True)
class Tuned:
    """The setting found, and every trial."""

    setting: Setting
    trials: tuple[Trial, ...]


@dataclass(frozen=True)
class Rows:
    """Features of shape (n_features, n_rows) with label, weight and, for a seeded booster, margin."""

    values: Float32
    label: Float64
    weight: Float64
    margin: Float64 | None = None


@dataclass(frozen=True)
class Grown:
    """A booster, the rounds at which the judging rows lose least, and that loss."""

    loss: float
    rounds: int
    booster: xgb.Booster


class Ground:
    """Rows to learn from, and rows of a later time that judge, as XGBoost takes them.

    The former are put into bins; the latter are left as they are, which makes a look at them five times as fast.
    """

    def __init__(
        self, kind: str, names: Sequence[str], train: Rows, judge: Rows, threads: int, shelf: Shelf | None = None
    ) -> None:
        self.kind, self.judges = kind, Judges(kind, judge.label, judge.weight)
        made = (shelf or Shelf()).matrix
        self._train = made(names, train.values, train.label, train.weight, train.margin, threads)
        rows = np.ascontiguousarray(judge.values.T)
        self._judge = xgb.DMatrix(rows, base_margin=judge.margin, nthread=threads)

    def grown(self, setting: Setting, told: Callable[[float, int], None] | None = None) -> Grown:
        """Trees until the judging rows stop gaining, looked at every few rounds."""
        booster = xgb.Booster(xgb_params(self.kind, setting), [self._train, self._judge])
        least, enough = np.inf, EVERY
        for done in range(1, MAX_ROUNDS + 1):
            booster.update(self._train, done - 1)
            if done % EVERY:
                continue
            judged = self.judges.loss(booster.predict(self._judge, output_margin=True))
            if told is not None:
                told(judged, done)
            if judged < least:
                least, enough = judged, done
            elif done - enough >= PATIENCE:
                break
        return Grown(float(least), enough, booster)

    def margin(self, grown: Grown) -> Float32:
        """What a booster says of the judging rows at its best."""
        found = grown.booster.predict(self._judge, output_margin=True, iteration_range=(0, grown.rounds))
        return np.asarray(found, np.float32)


class _TimeIsOver(Exception):
    """The running trial is not to be finished."""


def tune(
    kind: str,
    names: Sequence[str],
    train: Rows,
    judge: Rows,
    trials: int,
    setting: Setting,
    seconds: float | None = None,
    progress: Callable[[str, float], None] | None = None,
    space: Mapping[str, Range] = SPACE,
    shelf: Shelf | None = None,
) -> Tuned:
    """Search `trials` settings; with 0 or 1 only the rounds of the defaults are found, by early stopping.

    Parameters
    ----------
    seconds : float, optional
        When they are over the study ends; the defaults are tried whatever it takes.
    space : dict of str to (float, float)
        Least and largest value of each parameter to search, widened to hold where the search starts.
    shelf : Shelf, optional
        Of matrices that other searches in the same rows share; not to be used while the search runs.
    """
    began, most = time.monotonic(), max(trials, 1)

    def over() -> bool:
        return seconds is not None and time.monotonic() - began > seconds

    ground = Ground(kind, names, train, judge, setting.threads, shelf)
    search = _Search(ground, setting, space, over)
    table: list[Trial] = []
    best: dict[int, Grown] = {}
    while len(table) < most and not (table and over()):
        try:
            trial, found = search.next()
        except _TimeIsOver:
            break
        table.append(trial)
        if found is not None and (not best or found.loss < min(g.loss for g in best.values())):
            best = {n: g for n, g in best.items() if n == 0} | {trial.number: found}
        if progress:
            progress(f"tuning {kind}", len(table) / most)
    chosen = max(best)
    if chosen and not ground.judges.clearly_prefer(ground.margin(best[chosen]), ground.margin(best[0])):
        chosen = 0
    table[chosen] = replace(table[chosen], chosen=True)
    return Tuned(replace(setting.changed(_whole(table[chosen].params)), rounds=best[chosen].rounds), tuple(table))


class _Search:
    """A study that starts from a setting, and the ground on which it tries."""

    def __init__(self, ground: Ground, setting: Setting, space: Mapping[str, Range], over: Callable[[], bool]) -> None:
        self.ground, self.setting, self.over = ground, setting, over
        self.space = _holding(space, setting.params)
        self.study = _study(setting.seed)
        self.study.enqueue_trial({name: setting.params[name] for name in self.space})

    def next(self) -> tuple[Trial, Grown | None]:
        """The next trial, and what grew in it unless it was pruned.

        Raises
        ------
        _TimeIsOver
            When it ends before the trial does; never in the first one.
        """
        from optuna import TrialPruned
        from optuna.trial import TrialState

        trial = self.study.ask()
        params = _suggested(trial, self.space)
        try:
            found = self._grown(trial, self.setting.changed(_whole(params)))
            told = self.study.tell(trial, found.loss)
        except TrialPruned:
            found, told = None, self.study.tell(trial, state=TrialState.PRUNED)
        return Trial(told.number, told.state.name, told.value, found.rounds if found else None, params), found

    def _grown(self, trial: optuna.Trial, setting: Setting) -> Grown:
        from optuna import TrialPruned

        def looked(judged: float, done: int) -> None:
            if trial.number and self.over():
                raise _TimeIsOver
            trial.report(judged, done)
            if trial.should_prune():
                raise TrialPruned

        return self.ground.grown(setting, looked)


def best_rounds(
    kind: str, names: Sequence[str], train: Rows, judge: Rows, setting: Setting, shelf: Shelf | None = None
) -> int:
    """Rounds after which the judging rows stop gaining."""
    return Ground(kind, names, train, judge, setting.threads, shelf).grown(setting).rounds


def _study(seed: int) -> optuna.Study:
    # Loaded here, as a served model has none. In a notebook its progress bars, which are not used, miss a library.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna.create_study(
        sampler=optuna.samplers.TPESampler(seed=seed, n_startup_trials=DRAWN),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=DRAWN - 1, n_warmup_steps=FIRST_PRUNED),
    )


def _holding(space: Mapping[str, Range], start: Mapping[str, float]) -> dict[str, Range]:
    """The space with the start in it."""
    return {name: (min(least, start[name]), max(most, start[name])) for name, (least, most) in space.items()}


def inside(space: Mapping[str, Range], params: Mapping[str, float]) -> dict[str, float]:
    """Parameters brought into a space, each to the nearest value in it.

    Examples
    --------
    >>> inside({"max_depth": (2, 3)}, {"max_depth": 4, "subsample": 0.8})
    {'max_depth': 3, 'subsample': 0.8}
    """
    bounds = {name: space.get(name, (value, value)) for name, value in params.items()}
    return _whole({name: min(max(value, bounds[name][0]), bounds[name][1]) for name, value in params.items()})


def _suggested(trial: optuna.Trial, space: Mapping[str, Range]) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, (least, most) in space.items():
        if name == "max_depth":
            found[name] = trial.suggest_int(name, int(least), int(most))
        else:
            found[name] = trial.suggest_float(name, least, most, log=name in ON_LOG_SCALE)
    return found


def _whole(params: Mapping[str, float]) -> dict[str, float]:
    """XGBoost takes no depth of 4.0."""
    return {name: int(value) if name == "max_depth" else value for name, value in params.items()}
