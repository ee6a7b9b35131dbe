"""The product's blend for anybody's own table: a scikit-learn classifier that joins a classical prior with XGBoost.

In: X, numbers with missing values allowed, one or more columns of which may hold the classical P(no purchase) of each
row; y, any two classes. Out: probabilities. A row whose prior is missing gets the seed's intercept as its margin and is
left to the boosters; infinite values are refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
from joblib import effective_n_jobs
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from ..errors import ConfigError, DataError, NotEnoughData, did_you_mean
from .boosted import DEFAULT_ROUNDS, DEFAULTS, Setting
from .churn import PRIOR_CUSTOMERS
from .ensemble import CHURN, Ensemble, Kind, Recipe, as_members, search
from .examples import Columns, Examples
from .metrics import logit, sigmoid
from .trials import Trial

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.utils import Tags

Float64 = NDArray[np.float64]
Table = NDArray[np.float32] | NDArray[np.float64]
READ: Mapping[str, Any] = {"dtype": [np.float64, np.float32], "ensure_all_finite": "allow-nan"}
UNSEEDED = Kind("churn", ("plain",), CHURN.target, CHURN.prior, CHURN.line, scaled=False)


class Bound(NamedTuple):
    """What a setting may be."""

    kind: type
    least: float
    most: float
    said: str


BOUNDS: Mapping[str, Bound] = {
    "trials": Bound(int, 0, np.inf, "a whole number, 0 or more"),
    "rounds": Bound(int, 1, np.inf, "a whole number, 1 or more, or None"),
    "max_depth": Bound(int, 1, 16, "a whole number from 1 to 16"),
    "learning_rate": Bound(float, 1e-6, 1, "a number above 0, at most 1"),
    "min_child_weight": Bound(float, 0, np.inf, "a number, 0 or more"),
    "subsample": Bound(float, 1e-6, 1, "a number above 0, at most 1"),
    "colsample_bytree": Bound(float, 1e-6, 1, "a number above 0, at most 1"),
    "reg_lambda": Bound(float, 0, np.inf, "a number, 0 or more"),
}


class ChurnClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    """Boosted trees that start from, and are averaged with, a classical prior.

    With a prior: the mean of the logits of three XGBoosts (``plain`` reads everything but the prior, ``rich`` reads the
    prior too, ``seeded`` is boosted from its recalibrated logit), and of the prior itself with weight
    300 / (300 + customers). Without one: the plain booster alone. This is the churn model of `regulars.fit` but for the
    level, which needs the rows of the day on which one stands: here the level is that of the training rows.

    Parameters
    ----------
    prior : str, int, sequence of these, or None, default=None
        Name or position of the column of `X` that holds P(no purchase in the horizon) by a classical model such as
        BG/NBD or Pareto/NBD, in 0..1, missing where there is none. Of several columns the mean of the logits is taken.
        The margin is made from it inside, at `fit` and at `predict`, so that it cannot be forgotten.
    prior_class : label, default=None
        The class of which `prior` is the probability; to be said unless the classes are 0 and 1, -1 and 1 or False and
        True, where it is the second. 0 for a prior that says P(will buy).
    trials : int, default=0
        Settings to try, judged by the rows marked with `judge` in `fit`; the first try is the settings given here.
    rounds : int, default=None
        Trees of each booster; None is 100, or with `judge` as many as these rows gain from.
    max_depth, learning_rate, min_child_weight, subsample, colsample_bytree, reg_lambda
        As XGBoost calls them. The seeded booster only corrects the prior: it never grows deeper than 3, and its
        `reg_lambda` is at least 30.
    random_state : int, RandomState or None, default=0
    n_jobs : int, default=None
        Threads; the result is the same for any number.

    Attributes
    ----------
    classes_ : ndarray of shape (2,)
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        When `X` has names.
    prior_columns_ : ndarray of int
        Positions of the prior in `X`.
    prior_weight_ : float
        Weight of the prior's own logit in the mean; 0 when no row has one.
    settings_ : dict of str to Setting
        By booster.
    trials_ : tuple of Trial
    ensemble_ : Ensemble

    Notes
    -----
    Nothing here knows a clock. A random split of rows of several dates judges on the past what was learnt from the
    future, so rounds are fixed unless `judge` marks rows of a later date than all others. Split by time when you judge
    (`sklearn.model_selection.TimeSeriesSplit` with rows in order of time), and leave a gap of one horizon.

    A training row counts by its weight, but rows are drawn for each tree: a row of weight 2 is about, not exactly, two
    rows. The order of the rows does not matter.

    References
    ----------
    .. [1] P. S. Fader, B. G. S. Hardie, K. L. Lee, "Counting Your Customers" the Easy Way: An Alternative to the
       Pareto/NBD Model, Marketing Science 24 (2005), https://doi.org/10.1287/mksc.1040.0098
    .. [2] T. Chen, C. Guestrin, XGBoost: A Scalable Tree Boosting System, KDD 2016,
       https://doi.org/10.1145/2939672.2939785

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> silent = rng.uniform(0.05, 0.95, 600)  # what BG/NBD said of each customer
    >>> X = np.column_stack([rng.normal(size=(600, 2)), silent])
    >>> y = (rng.random(600) < silent).astype(int)
    >>> model = ChurnClassifier(prior=2, rounds=20).fit(X, y)
    >>> bool(np.corrcoef(model.predict_proba(X)[:, 1], silent)[0, 1] > 0.9), round(model.prior_weight_, 3)
    (True, 0.333)
    """

    def __init__(
        self,
        prior: str | int | Sequence[str | int] | None = None,
        *,
        prior_class: object = None,
        trials: int = 0,
        rounds: int | None = None,
        max_depth: int = int(DEFAULTS["max_depth"]),
        learning_rate: float = DEFAULTS["learning_rate"],
        min_child_weight: float = DEFAULTS["min_child_weight"],
        subsample: float = DEFAULTS["subsample"],
        colsample_bytree: float = DEFAULTS["colsample_bytree"],
        reg_lambda: float = DEFAULTS["reg_lambda"],
        random_state: int | np.random.RandomState | None = 0,
        n_jobs: int | None = None,
    ) -> None:
        self.prior = prior
        self.prior_class = prior_class
        self.trials = trials
        self.rounds = rounds
        self.max_depth = max_depth
        self.learning_rate = learning_rate
        self.min_child_weight = min_child_weight
        self.subsample = subsample
        self.colsample_bytree = colsample_bytree
        self.reg_lambda = reg_lambda
        self.random_state = random_state
        self.n_jobs = n_jobs

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.classifier_tags.multi_class = False
        return tags

    def fit(
        self,
        X: ArrayLike | pd.DataFrame,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        customers: ArrayLike | None = None,
        judge: ArrayLike | None = None,
    ) -> Self:
        """Learn from all rows.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
            Numbers; missing values are welcome, infinite ones are not.
        y : array-like of shape (n_samples,)
            Any two classes.
        sample_weight : array-like of shape (n_samples,), default=None
            Rows of weight 0 are as if they were not there.
        customers : array-like of shape (n_samples,), default=None
            Whose row each is, when one customer has several; the prior's weight falls with their number.
        judge : array-like of bool, shape (n_samples,), default=None
            Rows of a later date than all others, whose labels' windows begin where those of the others have closed:
            they decide on rounds and settings, and are then learnt from like the others.

        Raises
        ------
        ConfigError, DataError, NotEnoughData
            All of them a ValueError: a wrong setting, a prior outside 0..1, one class only.
        """
        self._check_settings(judge)
        table, labels = _validated(self, X, y)
        check_classification_targets(labels)
        weight = np.asarray(_check_sample_weight(sample_weight, table, dtype=np.float64, ensure_non_negative=True))
        self.classes_, codes = np.unique(labels, return_inverse=True)
        self.prior_columns_ = np.array(self._positions(table.shape[1]), np.int64)
        self._of_first = self._speaks_of_first()
        rows = Examples(self._columns(table), (codes == (0 if self._of_first else 1)).astype(np.float64), weight)
        _two_classes(rows.target[weight > 0], len(self.classes_))
        counted = _given("customers", customers, len(labels))
        judging = _given("judge", judge, len(labels)).astype(bool) if judge is not None else None
        order = _canonical(table, codes, weight)
        self._learn(rows.take(order), None if judging is None else judging[order])
        known = np.isfinite(rows.columns.prior[order]).any()
        n = len(order) if customers is None else len(np.unique(counted[order].astype(str)))
        self.prior_weight_ = PRIOR_CUSTOMERS / (PRIOR_CUSTOMERS + n) if known else 0.0
        return self

    def _learn(self, rows: Examples, judging: NDArray[np.bool_] | None) -> None:
        kind = CHURN if len(self.prior_columns_) else UNSEEDED
        seed = self.random_state
        if not isinstance(seed, int | np.integer):
            seed = check_random_state(seed).randint(np.iinfo(np.int32).max)
        threads = 1 if self.n_jobs is None else int(effective_n_jobs(self.n_jobs))
        params = {name: getattr(self, name) for name in DEFAULTS}
        if judging is None:
            setting = Setting(params, DEFAULT_ROUNDS if self.rounds is None else self.rounds, int(seed), threads)
            self.settings_ = as_members(kind, setting)
            self.trials_: tuple[Trial, ...] = ()
        else:
            past, judge = rows.take(~judging), rows.take(judging)
            for part, said in ((past, "the rows before those that judge"), (judge, "the rows that judge")):
                _two_classes(part.target, 2, f" in {said}")
            recipe = Recipe(trials=self.trials, seed=int(seed), threads=threads)
            self.settings_, self.trials_ = search(kind, past, judge, recipe, params=params)
        self.ensemble_ = Ensemble.learnt(kind, rows, self.settings_)

    def decision_function(self, X: ArrayLike | pd.DataFrame) -> Float64:
        """Log odds of ``classes_[1]``, shape (n_samples,)."""
        check_is_fitted(self)
        z = self.ensemble_.blend(self._columns(_as_at_fit(self, X)), self.prior_weight_)
        return -z if self._of_first else z

    def predict_proba(self, X: ArrayLike | pd.DataFrame) -> Float64:
        """Probabilities in the order of ``classes_``, shape (n_samples, 2)."""
        p = sigmoid(self.decision_function(X))
        return np.column_stack([1 - p, p])

    def predict(self, X: ArrayLike | pd.DataFrame) -> NDArray[np.generic]:
        """The likelier class, shape (n_samples,). Contact people by expected gain, not by this."""
        second = self.decision_function(X) > 0
        return np.asarray(self.classes_[second.astype(np.int64)])

    def _columns(self, X: Table) -> Columns:
        """What boosters read: float32 features by position, the prior's logits, and their mean."""
        rest = np.setdiff1d(np.arange(X.shape[1]), self.prior_columns_)
        if not len(rest):
            raise ConfigError("every column of X is the prior", needed="at least one column beside it", code="RG260")
        with np.errstate(over="ignore"):
            values = np.ascontiguousarray(X.T[rest], np.float32)
        huge = np.isinf(values).any(1)
        if huge.any():
            where = [self._name(i) for i in rest[huge]]
            raise DataError("X holds values too large for float32", offending=where, code="RG261")
        said = [self._logit(X, i) for i in self.prior_columns_]
        mean = _mean(said, len(X))
        read = {"prior_logit": mean, **{f"prior_{i}_apart": z - mean for i, z in enumerate(said[1:], 1)}}
        names = tuple(f"x{i}" for i in rest)
        if not said:
            return Columns(names, values, (), np.empty((0, len(X)), np.float32), mean)
        return Columns(names, values, tuple(read), np.stack([z.astype(np.float32) for z in read.values()]), mean)

    def _logit(self, X: Table, column: int) -> Float64:
        p = X[:, column].astype(np.float64)
        outside = (p < 0) | (p > 1)
        if outside.any():
            raise DataError(
                f"the prior `{self._name(column)}` is no probability in {int(outside.sum())} rows",
                needed="values from 0 to 1, or missing",
                offending=p[outside][:3].tolist(),
                code="RG261",
            )
        return logit(p)

    def _name(self, column: int) -> str:
        names = getattr(self, "feature_names_in_", None)
        return f"column {column}" if names is None else str(names[column])

    def _positions(self, n_features: int) -> list[int]:
        """Where the prior stands in X."""
        if self.prior is None:
            return []
        given = [self.prior] if isinstance(self.prior, str | int | np.integer) else list(self.prior)
        found = [self._position(one, n_features) for one in given]
        if not found or len(set(found)) < len(found):
            raise ConfigError(f"prior = {self.prior!r} names no column, or one twice", code="RG260")
        return found

    def _position(self, one: str | int, n_features: int) -> int:
        if isinstance(one, str):
            names = [str(n) for n in getattr(self, "feature_names_in_", ())]
            if one in names:
                return names.index(one)
            hint = did_you_mean(one, names) if names else "give its position, or a DataFrame"
            raise ConfigError(f"X has no column `{one}`, which was to be the prior", do=hint, code="RG260")
        if not -n_features <= one < n_features:
            raise ConfigError(f"X has {n_features} columns, and the prior was to be column {one}", code="RG260")
        return int(one) % n_features

    def _speaks_of_first(self) -> bool:
        """Whether the prior is the probability of the first class."""
        if not len(self.prior_columns_) or len(self.classes_) != 2:
            return False
        if self.prior_class is None:
            if list(self.classes_) in ([0, 1], [-1, 1]):
                return False
            raise ConfigError(
                f"of which of the classes {', '.join(map(repr, self.classes_.tolist()))} is the prior the probability",
                do=f"say so, such as prior_class={self.classes_.tolist()[0]!r}",
                code="RG262",
            )
        where = [i for i, known in enumerate(self.classes_.tolist()) if known == self.prior_class]
        if not where:
            raise ConfigError(
                f"prior_class = {self.prior_class!r} is none of the classes",
                offending=self.classes_.tolist(),
                code="RG262",
            )
        return where == [0]

    def _check_settings(self, judge: ArrayLike | None) -> None:
        for name, bound in BOUNDS.items():
            value = getattr(self, name)
            if name == "rounds" and value is None:
                continue
            kinds = (int, np.integer) if bound.kind is int else (int, float, np.integer, np.floating)
            if isinstance(value, bool) or not isinstance(value, kinds) or not bound.least <= value <= bound.most:
                raise ConfigError(f"{name} = {value!r}", needed=bound.said, code="RG263")
        if judge is None and self.trials:
            do = "mark rows of a later date with `judge` in fit, or set trials = 0"
            raise ConfigError(f"trials = {self.trials} without rows that judge them", do=do, code="RG263")
        if judge is not None and self.rounds is not None:
            do = "leave `rounds` out, or `judge`"
            raise ConfigError(f"rounds = {self.rounds}, and rows that are to decide on them", do=do, code="RG263")


def _validated(model: ChurnClassifier, X: object, y: object) -> tuple[Table, NDArray[np.generic]]:
    """X as numbers, missing ones included, and y."""
    given, labels = _any(X), _any(y)
    found = _any(validate_data(model, given, labels, **READ))
    return found[0], found[1]


def _as_at_fit(model: ChurnClassifier, X: object) -> Table:
    """X as numbers, with the columns that it had at fit."""
    found: Table = _any(validate_data(model, _any(X), reset=False, **READ))
    return found


def _any(given: object) -> Any:
    return given


def _mean(logits: list[Float64], n_rows: int) -> Float64:
    """Mean over the priors that a row has; NaN where it has none."""
    if not logits:
        return np.full(n_rows, np.nan)
    stacked = np.stack(logits)
    known = np.isfinite(stacked)
    return np.where(known.any(0), np.where(known, stacked, 0.0).sum(0) / np.maximum(known.sum(0), 1), np.nan)


def _two_classes(target: Float64, classes: int, where: str = "") -> None:
    if classes > 2:
        raise DataError(
            "Only binary classification is supported. The type of the target is multiclass",
            needed="2 classes",
            offending=[f"{classes} classes"],
            code="RG264",
        )
    if not len(target) or np.ptp(target) == 0:
        raise NotEnoughData(f"y holds 1 class only{where}", needed="rows of both classes", code="RG264")


def _given(name: str, values: ArrayLike | None, n_rows: int) -> NDArray[np.generic]:
    """One value a row."""
    found = np.asarray(values)
    if values is not None and found.shape != (n_rows,):
        raise DataError(
            f"`{name}` has shape {found.shape}", needed=f"one value for each of {n_rows} rows", code="RG263"
        )
    return found


def _canonical(X: Table, codes: NDArray[np.intp], weight: Float64) -> NDArray[np.int64]:
    """Rows that weigh anything, in an order that depends on what they hold and not on where they stand."""
    rows = np.flatnonzero(weight > 0)
    content = np.ascontiguousarray(np.column_stack([X[rows], codes[rows], weight[rows]]))
    whole = content.view(np.dtype((np.void, content.itemsize * content.shape[1]))).ravel()
    return np.asarray(rows[np.argsort(whole, kind="stable")])
