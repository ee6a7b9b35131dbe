"""XGBoost with the margin inside: a booster that cannot be asked without the prior it was seeded with.

In: float32 features of shape (n_features, n_rows), targets, weights; the prior's columns where a booster is seeded.
Out: predictions on the link scale (logit or log). Missing values go down XGBoost's own missing branch; infinite ones
are refused, at fit and at predict.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

import numpy as np
import xgboost as xgb
from numpy.typing import NDArray

from ..errors import ConfigError, DataError
from ..features.once import once
from .forest import Forest, proven

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

DEFAULTS: Mapping[str, float] = {
    "max_depth": 4,
    "learning_rate": 0.07,
    "min_child_weight": 20.0,
    "subsample": 0.8,
    "colsample_bytree": 0.6,
    "reg_lambda": 10.0,
}
"""Shallow trees and a strong penalty: good on panels from 1,000 to 1,000,000 rows."""

SEEDED: Mapping[str, float] = {"max_depth": 3, "reg_lambda": 30.0}
"""What changes when a booster only corrects a prior."""

MAX_ROUNDS, DEFAULT_ROUNDS, PATIENCE = 400, 100, 30
FEW_ROWS = 100
"""Up to so many rows the trees are read here; beyond, XGBoost is faster."""
BINS = 64
"""Bins a feature: as good as 256 on the three data sets tried."""

OBJECTIVES: Mapping[str, Mapping[str, float | str]] = {
    "churn": {"objective": "binary:logistic", "eval_metric": "logloss"},
    "value": {"objective": "reg:tweedie", "tweedie_variance_power": 1.5, "eval_metric": "tweedie-nloglik@1.5"},
    "gamma": {"objective": "reg:gamma", "eval_metric": "gamma-nloglik"},
    "orders": {"objective": "count:poisson", "eval_metric": "poisson-nloglik"},
}


@dataclass(frozen=True)
class Setting:
    """Hyper-parameters and rounds of a booster, and what drives its randomness."""

    params: Mapping[str, float] = field(default_factory=lambda: dict(DEFAULTS))
    rounds: int = DEFAULT_ROUNDS
    seed: int = 0
    threads: int = 1

    def changed(self, params: Mapping[str, float]) -> Setting:
        """The same with some parameters replaced."""
        return Setting({**self.params, **params}, self.rounds, self.seed, self.threads)


def matrix(
    names: Sequence[str],
    values: Float32,
    label: Float64,
    weight: Float64,
    margin: Float64 | None,
    threads: int,
) -> xgb.QuantileDMatrix:
    """A quantised matrix, without the names, which XGBoost would compare at every round."""
    _finite(names, values)
    return xgb.QuantileDMatrix(
        np.ascontiguousarray(values.T),
        label=label,
        weight=weight,
        base_margin=margin,
        max_bin=BINS,
        nthread=threads,
    )


class Shelf:
    """Matrices of rows that several boosters read alike, each made once.

    To put features into bins costs more than sixty rounds of boosting. A matrix is known by all that goes into its
    bins, features and weights; outcomes and margins are laid into it anew for each booster, which gives the same bytes.

    Examples
    --------
    >>> shelf, x, one = Shelf(), np.zeros((1, 2), np.float32), np.ones(2)
    >>> made = [shelf.matrix(["x"], x, label, one, None, 1) for label in (one, 2 * one)]
    >>> made[0] is made[1], made[0].get_label().tolist()
    (True, [2.0, 2.0])
    """

    def __init__(self) -> None:
        self._made: dict[bytes, xgb.QuantileDMatrix] = {}

    def matrix(
        self,
        names: Sequence[str],
        values: Float32,
        label: Float64,
        weight: Float64,
        margin: Float64 | None,
        threads: int,
    ) -> xgb.QuantileDMatrix:
        """A matrix as `matrix` makes it, good until the next is asked for."""
        content = blake2b(str((tuple(names), values.shape, threads)).encode())
        for part in (values, weight):
            content.update(np.ascontiguousarray(part).data)
        key = content.digest()
        if key in self._made:
            self._made[key].set_info(label=label, base_margin=np.zeros(0) if margin is None else margin)
        else:
            self._made[key] = matrix(names, values, label, weight, margin, threads)
        return self._made[key]


def _finite(names: Sequence[str], values: Float32) -> None:
    bad = np.isinf(values)
    if bad.any():
        raise DataError(
            f"{int(bad.any(0).sum()):,} rows have infinite features",
            needed="finite numbers, or NaN where a feature is missing",
            do="mend the family that yields it: `regulars features CONFIG --verify` tries it",
            offending=[name for name, row in zip(names, bad, strict=True) if row.any()],
            code="RG060",
        )


def xgb_params(kind: str, setting: Setting) -> dict[str, float | str | int]:
    """All of XGBoost's parameters for a target and a setting."""
    return {
        **OBJECTIVES[kind],
        **setting.params,
        "tree_method": "hist",
        "max_bin": BINS,
        "seed": setting.seed,
        "nthread": setting.threads,
        "verbosity": 0,
    }


@dataclass(frozen=True)
class Boosted:
    """A fitted booster of one target.

    Parameters
    ----------
    kind : {"churn", "value", "gamma", "orders"}
    names : tuple of str
        Features, in order; all that it accepts.
    seeded : bool
        Whether it was boosted from a margin, which it then demands at predict too.
    booster : xgboost.Booster
    """

    kind: str
    names: tuple[str, ...]
    seeded: bool
    booster: xgb.Booster

    @classmethod
    def fit(
        cls,
        kind: str,
        names: Sequence[str],
        values: Float32,
        label: Float64,
        weight: Float64,
        setting: Setting,
        margin: Float64 | None = None,
    ) -> Boosted:
        """Fit on all rows given, which must already be in their canonical order."""
        data = matrix(names, values, label, weight, margin, setting.threads)
        return cls.grown(kind, names, data, setting, margin is not None)

    @classmethod
    def grown(
        cls, kind: str, names: Sequence[str], data: xgb.QuantileDMatrix, setting: Setting, seeded: bool
    ) -> Boosted:
        """Fit on a matrix made before."""
        booster = xgb.train(xgb_params(kind, setting), data, num_boost_round=setting.rounds)
        booster.feature_names = list(names)
        return cls(kind, tuple(names), seeded, booster)

    def link(self, names: Sequence[str], values: Float32, margin: Float64 | None = None) -> Float64:
        """Predictions on the link scale, shape (n_rows,).

        Raises
        ------
        ConfigError
            When the features are others, or the margin is missing from, or foreign to, a booster.
        """
        rows = self._rows(names, values, margin)
        if not len(rows):
            return np.zeros(0)
        if len(rows) <= FEW_ROWS and self.forest:
            return self.forest.margins(rows, margin)
        found = self.booster.inplace_predict(rows, predict_type="margin", base_margin=margin, validate_features=False)
        return np.asarray(found, np.float64)

    @once
    def forest(self) -> Forest | None:
        """The trees, for a few rows at a time; None where XGBoost itself must be asked."""
        return proven(self.booster)

    def contributions(self, names: Sequence[str], values: Float32, margin: Float64 | None = None) -> Float64:
        """What each feature adds to the link, shape (n_rows, n_names + 1); last what is there without any of them.

        Raises
        ------
        ConfigError
            As `link` does.
        """
        rows = self._rows(names, values, margin)
        if not len(rows):
            return np.zeros((0, len(self.names) + 1))
        data = xgb.DMatrix(rows, base_margin=margin, nthread=1)
        return np.asarray(self.booster.predict(data, pred_contribs=True, validate_features=False), np.float64)

    def _rows(self, names: Sequence[str], values: Float32, margin: Float64 | None) -> Float32:
        """Rows as XGBoost reads them, after a check that they are this booster's."""
        if tuple(names) != self.names:
            missing = [n for n in self.names if n not in names]
            raise ConfigError("the features are not those of the training", offending=missing, code="RG061")
        if (margin is not None) != self.seeded:
            said = "was boosted from a prior and needs its margin" if self.seeded else "was not boosted from a prior"
            raise ConfigError(f"this booster {said}", code="RG062")
        _finite(names, values)
        return np.ascontiguousarray(values.T)

    def gain(self) -> dict[str, float]:
        """Total gain by feature."""
        scores = self.booster.get_score(importance_type="total_gain")
        return {name: float(v) for name, v in scores.items() if isinstance(v, int | float)}

    def saved(self) -> bytes:
        """The booster as UBJ."""
        return bytes(self.booster.save_raw("ubj"))

    @classmethod
    def loaded(cls, kind: str, names: Sequence[str], seeded: bool, content: bytes, threads: int = 1) -> Boosted:
        """The inverse of `saved`."""
        booster = xgb.Booster({"nthread": threads})
        booster.load_model(bytearray(content))
        return cls(kind, tuple(names), seeded, booster)
