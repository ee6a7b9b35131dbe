"""The trees of a booster as arrays: what XGBoost says of a few rows, to the bit, without its preparations.

In: a booster of trees; float32 rows, NaN where a feature is missing, never infinite; margins to start from. Out: the
margins of the rows. For every call XGBoost makes ready for any number of rows, which takes ten times as long as the
trees of one row; here all trees go one level deeper at a time. As XGBoost does, a row's leaves are added one tree after
the other, in single precision. A forest that does not prove to say the same as its booster is not used.
"""

from __future__ import annotations

import copy
import json
import warnings
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import xgboost as xgb
from numpy.typing import NDArray

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]
TRIED = 48
"""On so many rows a forest is compared with its booster."""


def proven(booster: xgb.Booster) -> Forest | None:
    """The trees of a booster, if they say what XGBoost says of rows around all of their thresholds, to the bit.

    Another release of XGBoost may write or read trees in another way: then it is asked itself, and a `RuntimeWarning`
    says so.
    """
    try:
        forest = Forest.of(booster)
        rows, margin = forest.trial()
        for start in (None, margin):
            said = booster.inplace_predict(rows, predict_type="margin", base_margin=start, validate_features=False)
            if forest.margins(rows, start).tobytes() != np.asarray(said, np.float64).tobytes():
                raise ValueError("other numbers")
    except (KeyError, IndexError, TypeError, ValueError) as error:
        told = f"the trees of a booster are read in another way by XGBoost {xgb.__version__}, which is asked instead"
        warnings.warn(f"{told}, and takes longer ({error})", RuntimeWarning, stacklevel=2)
        return None
    return forest


@dataclass(frozen=True)
class Forest:
    """Nodes of all trees, one tree after the other; the two children of a node stand side by side.

    A leaf is a node from which one goes nowhere else.

    Parameters
    ----------
    roots : ndarray of int64, shape (n_trees,)
    depth : int
        Of the deepest tree.
    left : ndarray of int64, shape (n_nodes,)
        The left child; of a leaf, the leaf.
    column : ndarray of int64
        Where a node looks in a row that is written as `_twice` does.
    threshold : ndarray of float32
        Who is below it goes left.
    value : ndarray of float32
        Of leaves.
    start : float32
        The margin of a row before any tree, where none is given.
    n_columns : int
        Of a row.

    Examples
    --------
    >>> x = np.array([[1], [2], [3], [np.nan]], np.float32)
    >>> made = xgb.train({"max_depth": 2, "min_child_weight": 0}, xgb.DMatrix(x, label=[1, 5, 3, 9]), 9)
    >>> said = made.inplace_predict(x, predict_type="margin")
    >>> bool((Forest.of(made).margins(x) == said).all())
    True
    """

    roots: Int64
    depth: int
    left: Int64
    column: Int64
    threshold: Float32
    value: Float32
    start: np.float32
    n_columns: int

    @classmethod
    def of(cls, booster: xgb.Booster) -> Self:
        """The trees of a booster with one output."""
        content = json.loads(bytes(booster.save_raw("json")))
        trees, n_columns = _trees(content), int(content["learner"]["learner_model_param"]["num_feature"])
        parts = [_Tree.of(tree, n_columns) for tree in trees]
        sizes = np.array([len(part.left) for part in parts], np.int64)
        roots = np.cumsum(sizes) - sizes
        return cls(
            roots,
            max((part.depth for part in parts), default=0),
            np.concatenate([part.left + root for part, root in zip(parts, roots.tolist(), strict=True)]),
            np.concatenate([part.column for part in parts]),
            np.concatenate([part.threshold for part in parts]),
            np.concatenate([part.value for part in parts]),
            _start(content, n_columns),
            n_columns,
        )

    def trial(self) -> tuple[Float32, Float64]:
        """Rows to be tried on, at thresholds of each feature, just below them, and with some missing; and margins."""
        random = np.random.default_rng(0)
        rows = np.zeros((TRIED, self.n_columns), np.float32)
        for column in range(self.n_columns):
            known = self.threshold[np.isin(self.column, (column, column + self.n_columns))]
            if len(known):
                rows[:, column] = random.choice(known, TRIED)
        below = np.nextafter(rows, np.float32(-np.inf))
        rows = np.where(random.random(rows.shape) < 0.5, rows, below)
        return np.where(random.random(rows.shape) < 0.1, np.float32(np.nan), rows), random.normal(size=TRIED)

    def margins(self, rows: Float32, margin: Float64 | None = None) -> Float64:
        """The margin of each row, shape (n_rows,).

        Parameters
        ----------
        rows : ndarray of float32, shape (n_rows, n_features)
        margin : ndarray of float64, shape (n_rows,), optional
            Where each row starts.
        """
        table = _twice(rows)
        begins, seen = (np.arange(len(rows)) * table.shape[1])[:, None], table.ravel()
        node = np.repeat(self.roots[None], len(rows), axis=0)
        for _ in range(self.depth):
            right = seen.take(self.column.take(node) + begins) >= self.threshold.take(node)
            node = self.left.take(node) + right
        sums = np.empty((len(rows), len(self.roots) + 1), np.float32)
        sums[:, 0] = self.start if margin is None else margin
        sums[:, 1:] = self.value.take(node)
        return np.add.accumulate(sums, axis=1)[:, -1].astype(np.float64)


@dataclass(frozen=True)
class _Tree:
    left: Int64
    column: Int64
    threshold: Float32
    value: Float32
    depth: int

    @classmethod
    def of(cls, tree: dict[str, Any], n_columns: int) -> Self:
        """One tree, its nodes renumbered so that the children of the k-th node that has any are 2 k + 1 and 2 k + 2."""
        left, right = (np.array(tree[name], np.int64) for name in ("left_children", "right_children"))
        inner = np.flatnonzero(left >= 0)
        children, new = 2 * np.arange(len(inner)) + 1, np.zeros(len(left), np.int64)
        new[left[inner]], new[right[inner]] = children, children + 1
        told = np.array(tree["split_conditions"], np.float64).astype(np.float32)
        # Who is missing is read as below everything where missing goes left, and above everything where it goes right.
        goes_left = np.array(tree["default_left"], bool)[inner]
        column = np.full(len(left), 2 * n_columns, np.int64)
        column[new[inner]] = np.array(tree["split_indices"], np.int64)[inner] + np.where(goes_left, 0, n_columns)
        threshold, value = np.full(len(left), np.inf, np.float32), np.zeros(len(left), np.float32)
        threshold[new[inner]] = np.maximum(told[inner], np.finfo(np.float32).min)
        leaves = np.flatnonzero(left < 0)
        value[new[leaves]] = told[leaves]
        at = np.arange(len(left))
        at[new[inner]] = children
        return cls(at, column, threshold, value, _depth(at))


def _depth(left: Int64) -> int:
    depth, here = 0, np.zeros(1, np.int64)
    while (inner := here[left[here] != here]).size:
        depth, here = depth + 1, np.concatenate([left[inner], left[inner] + 1])
    return depth


def _twice(rows: Float32) -> Float32:
    """Each row with what is missing below everything, then above everything, then a zero for leaves to look at."""
    n, width = rows.shape
    missing = np.isnan(rows)
    table = np.zeros((n, 2 * width + 1), np.float32)
    table[:, :width] = np.where(missing, -np.inf, rows)
    table[:, width:-1] = np.where(missing, np.inf, rows)
    return table


def _trees(content: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = content["learner"]["gradient_booster"]["model"]["trees"]
    return found


def _start(content: dict[str, Any], n_columns: int) -> np.float32:
    """The margin before any tree, as XGBoost itself says it: the booster with one tree whose leaves are 0."""
    bare = copy.deepcopy(content)
    model = bare["learner"]["gradient_booster"]["model"]
    tree = model["trees"][0]
    pairs = zip(tree["left_children"], tree["split_conditions"], strict=True)
    tree["split_conditions"] = [0.0 if left < 0 else told for left, told in pairs]
    model |= {"trees": [tree], "tree_info": model["tree_info"][:1], "iteration_indptr": [0, 1]}
    model["gbtree_model_param"]["num_trees"] = "1"
    booster = xgb.Booster({"nthread": 1})
    booster.load_model(bytearray(json.dumps(bare).encode()))
    said = booster.inplace_predict(np.zeros((1, n_columns), np.float32), predict_type="margin", validate_features=False)
    return np.float32(said[0])
