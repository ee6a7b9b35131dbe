"""The trees of a booster as arrays: XGBoost's own numbers to the bit, or XGBoost itself."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import xgboost as xgb
from numpy.typing import NDArray

from regulars.models.boosted import FEW_ROWS, Boosted
from regulars.models.forest import TRIED, Forest, proven

from ..simulated import trained

HAND = {"max_depth": 2, "eta": 1.0, "lambda": 0.0, "min_child_weight": 0.0, "base_score": 0.5, "nthread": 1}


def grown(x: NDArray[np.float32], y: list[float], rounds: int = 1) -> xgb.Booster:
    return xgb.train(HAND, xgb.DMatrix(x, label=y, nthread=1), rounds)


@cache
def boosters() -> dict[str, Boosted]:
    """Every kind there is: with and without a margin, of churn, money and counts, and of the timing."""
    one = trained().model.learnt.primary
    ensembles = [one.churn.ensemble, one.value.ensemble, one.value.amounts, one.orders.ensemble]
    ensembles += [within.ensemble for within in trained().model.learnt.timing.learnt.values()]
    return {f"{i} {e.kind.name} {name}": b for i, e in enumerate(ensembles) for name, b in e.boosters.items()}


def said_by_xgboost(booster: Boosted, rows: NDArray[np.float32], margin: NDArray[np.float64] | None) -> bytes:
    found = booster.booster.inplace_predict(rows, predict_type="margin", base_margin=margin, validate_features=False)
    return np.asarray(found, np.float64).tobytes()


def test_who_is_below_a_threshold_goes_left_and_who_is_at_it_goes_right() -> None:
    # Halves of 0 and 1 around 1/2: of squared error, one tree with leaves -1/2 and +1/2 says 0 and 1.
    forest = Forest.of(grown(np.array([[1], [1], [3], [3]], np.float32), [0, 0, 1, 1]))
    (threshold,) = forest.threshold[np.isfinite(forest.threshold)].tolist()
    assert 1 < threshold <= 3
    rows = np.array([[1], [np.nextafter(np.float32(threshold), np.float32(0))], [threshold], [3]], np.float32)
    assert forest.margins(rows).tolist() == [0.0, 0.0, 1.0, 1.0]
    # From a margin of 7 instead of 1/2: 7 - 1/2 and 7 + 1/2.
    assert forest.margins(rows[[0, 3]], np.array([7.0, 7.0])).tolist() == [6.5, 7.5]


def test_who_is_missing_goes_where_the_missing_went_in_training() -> None:
    x = np.array([[1], [3], [np.nan]], np.float32)
    for y in ([0.0, 1.0, 0.0], [0.0, 1.0, 1.0]):
        assert Forest.of(grown(x, y)).margins(x[2:]).tolist() == y[2:]


def test_a_tree_that_is_a_single_leaf_says_the_same_of_everybody() -> None:
    # Nobody differs: the leaf is what brings 1/2 to 1/4.
    forest = Forest.of(grown(np.array([[1], [3]], np.float32), [0.25, 0.25]))
    assert forest.depth == 0
    assert forest.margins(np.array([[1], [np.nan]], np.float32)).tolist() == [0.25, 0.25]


def test_a_forest_says_to_the_bit_what_xgboost_says_of_one_row_and_of_many() -> None:
    assert {name.split()[1] for name in boosters()} == {"churn", "value", "gamma", "orders"}
    for name, booster in boosters().items():
        forest = booster.forest
        assert forest, name
        rows, start = forest.trial()
        assert np.isnan(rows).any()
        margin = start if booster.seeded else None
        whole = said_by_xgboost(booster, rows, margin)
        assert forest.margins(rows, margin).tobytes() == whole
        alone = [forest.margins(rows[i : i + 1], None if margin is None else margin[i : i + 1]) for i in range(9)]
        assert np.concatenate(alone).tobytes() == whole[: 9 * 8]


def test_a_row_is_told_the_same_among_a_few_and_among_more_than_a_few() -> None:
    booster = next(b for b in boosters().values() if b.seeded)
    random = np.random.default_rng(1)
    rows = random.normal(size=(FEW_ROWS + 1, len(booster.names))).astype(np.float32)
    margin = random.normal(size=len(rows))
    many = booster.link(booster.names, rows.T, margin)
    few = booster.link(booster.names, rows[:-1].T, margin[:-1])
    assert few.tobytes() == many[:-1].tobytes()


@pytest.mark.parametrize("spoilt", ["numbers", "names"])
def test_where_trees_are_read_in_another_way_xgboost_itself_is_asked_and_that_is_said(
    spoilt: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = next(iter(boosters().values()))
    booster = Boosted(known.kind, known.names, known.seeded, known.booster)
    honest = Forest.margins

    def one_bit_more(self: Forest, rows: NDArray[np.float32], margin: object = None) -> NDArray[np.float64]:
        found = honest(self, rows, margin)
        found[-1] = np.nextafter(np.float32(found[-1]), np.float32(9))
        return found

    def without_trees(cls: type[Forest], booster: xgb.Booster) -> Forest:
        raise KeyError("trees")

    if spoilt == "numbers":
        monkeypatch.setattr(Forest, "margins", one_bit_more)
    else:
        monkeypatch.setattr(Forest, "of", classmethod(without_trees))
    with pytest.warns(RuntimeWarning, match="read in another way by XGBoost"):
        assert booster.forest is None
    rows = np.ones((1, len(known.names)), np.float32)
    # Asked again it is not tried again, and nothing is said again.
    assert booster.link(known.names, rows.T).tobytes() == said_by_xgboost(known, rows, None)


def test_a_forest_is_tried_at_and_just_below_its_thresholds() -> None:
    booster = next(iter(boosters().values()))
    forest = proven(booster.booster)
    assert forest
    rows, margin = forest.trial()
    assert rows.shape == (TRIED, len(booster.names))
    assert margin.shape == (TRIED,)
    asked = set(forest.threshold[np.isfinite(forest.threshold)].tolist())
    tried = rows[np.isfinite(rows) & (rows != 0)]
    at = np.isin(tried, list(asked))
    below = np.isin(np.nextafter(tried, np.float32(np.inf)), list(asked))
    assert at.any()
    assert (below & ~at).any()
    # Just below 0 is the least number there is; the 0 of a feature that no tree looks at is just above it.
    assert (at | below | (np.abs(tried) < 1e-44)).all()
