"""What each option adds for each customer: a T-learner, one booster for those given nothing and one for each option.

In: numbers known before the window, what was given, and an outcome (or what a simpler model left unexplained of it).
Out: `Uplift`, whose `effects` are the boosters' differences; as JSON, the same to the bit. A missing number goes the
way that XGBoost learnt for it; an option given to too few has no effect of its own. Künzel et al. 2019
(doi:10.1073/pnas.1804597116).
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xgboost as xgb
from numpy.typing import NDArray

from ..errors import DataError

Float64 = NDArray[np.float64]
LEAST_ROWS = 500
"""An option needs so many customers for a booster of its own."""
ROUNDS = 80
PARAMS: Mapping[str, float | str | int] = {
    "objective": "reg:squarederror",
    "base_score": 0.0,
    "max_depth": 2,
    "learning_rate": 0.06,
    "min_child_weight": 100.0,
    "reg_lambda": 100.0,
    "subsample": 0.8,
    "tree_method": "hist",
    "max_bin": 64,
    "nthread": 1,
    "verbosity": 0,
}
"""Effects are small beside the scatter of what customers do: stumps of two questions, strongly held back."""


@dataclass(frozen=True, eq=False)
class Uplift:
    """A fitted T-learner.

    Parameters
    ----------
    names : tuple of str
        The numbers it reads, in order.
    nothing : bytes
        The booster of those given nothing, as UBJ.
    given : tuple of bytes or None
        That of each option; None where too few were given it.

    Examples
    --------
    >>> draw = np.random.default_rng(0)
    >>> x, option = draw.random((4000, 1)), draw.integers(-1, 1, 4000).astype(np.int16)
    >>> outcome = 2.0 * (option == 0) * (x[:, 0] > 0.5) + 0.1 * draw.normal(size=4000)
    >>> learnt = Uplift.fit(["x"], x, option, outcome, 1)
    >>> learnt.effects({"x": np.array([0.1, 0.9])})[:, 0].round(1).tolist()
    [0.0, 2.0]
    """

    names: tuple[str, ...]
    nothing: bytes
    given: tuple[bytes | None, ...]

    @classmethod
    def fit(
        cls,
        names: Sequence[str],
        values: Float64,
        option: NDArray[np.int16],
        outcome: Float64,
        n_options: int,
        seed: int = 0,
    ) -> Uplift:
        """Fit on randomised rows.

        Parameters
        ----------
        values : array of shape (n, n_names)
        option : int array of shape (n,)
            What was given; -1 for nothing.
        outcome : array of shape (n,)

        Raises
        ------
        DataError
            ``RG451``: too few were given nothing.
        """
        idle = option < 0
        if int(idle.sum()) < LEAST_ROWS:
            raise DataError(
                f"{int(idle.sum()):,} customers were given nothing",
                needed=f"at least {LEAST_ROWS:,}, to learn what customers do by themselves",
                do="log more waves with a control group",
                code="RG451",
            )
        trees = [
            _boosted(values[rows], outcome[rows], seed) if int(rows.sum()) >= LEAST_ROWS else None
            for rows in (option == one for one in range(n_options))
        ]
        return cls(tuple(names), _boosted(values[idle], outcome[idle], seed), tuple(trees))

    def effects(self, columns: Mapping[str, NDArray[Any]]) -> Float64:
        """What each option adds to the outcome of each customer, shape (n_customers, n_options).

        Raises
        ------
        DataError
            ``RG451``: a number it reads is not there.
        """
        told = self.outcomes(columns)
        return np.asarray(told[:, 1:] - told[:, :1])

    def outcomes(self, columns: Mapping[str, NDArray[Any]]) -> Float64:
        """The outcome of each customer given nothing, then given each option, shape (n_customers, 1 + n_options)."""
        missing = [name for name in self.names if name not in columns]
        if missing:
            raise DataError(
                "the personal part of the responses reads numbers that are not there",
                do="learn anew: `regulars offers learn`",
                offending=missing,
                code="RG451",
            )
        values = np.column_stack([np.asarray(columns[name], np.float32) for name in self.names])
        alone = _told(self.nothing, values)
        return np.column_stack([alone, *(alone if tree is None else _told(tree, values) for tree in self.given)])

    def to_dict(self) -> dict[str, Any]:
        """As JSON takes it."""
        return {
            "names": list(self.names),
            "nothing": _text(self.nothing),
            "given": [None if tree is None else _text(tree) for tree in self.given],
        }

    @classmethod
    def of_dict(cls, found: Mapping[str, Any]) -> Uplift:
        """From `to_dict`."""
        trees = tuple(None if tree is None else base64.b64decode(tree) for tree in found["given"])
        return cls(tuple(found["names"]), base64.b64decode(found["nothing"]), trees)


def _boosted(values: Float64, outcome: Float64, seed: int) -> bytes:
    data = xgb.QuantileDMatrix(np.asarray(values, np.float32), label=outcome, max_bin=64, nthread=1)
    booster = xgb.train({**PARAMS, "seed": seed}, data, num_boost_round=ROUNDS)
    return bytes(booster.save_raw("ubj"))


def _told(tree: bytes, values: NDArray[np.float32]) -> Float64:
    booster = xgb.Booster({"nthread": 1})
    booster.load_model(bytearray(tree))
    return np.asarray(booster.inplace_predict(values, validate_features=False), np.float64)


def _text(tree: bytes) -> str:
    return base64.b64encode(tree).decode("ascii")
