"""ChurnClassifier keeps scikit-learn's manners, and its prior is a column that cannot be forgotten."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.utils.estimator_checks import parametrize_with_checks
from threadpoolctl import threadpool_limits

import regulars
from regulars import ChurnClassifier
from regulars.errors import ConfigError, DataError, NotEnoughData
from regulars.models.metrics import log_losses, logit, sigmoid

Float64 = NDArray[np.float64]
QUICK = {"rounds": 12}


@parametrize_with_checks([ChurnClassifier()])
def test_scikit_learn_finds_its_manners_kept(estimator: ChurnClassifier, check: Callable[[object], None]) -> None:
    # No check is expected to fail.
    check(estimator)


def shop(n: int = 600, seed: int = 0) -> tuple[pd.DataFrame, pd.Series]:
    """Customers with a prior that is right as far as it goes, a column that adds to it, and one that is noise."""
    draw = np.random.default_rng(seed)
    prior = draw.beta(1.5, 1.5, n)
    more = draw.normal(size=n)
    y = (draw.random(n) < sigmoid(logit(prior) + 0.8 * more)).astype(np.int64)
    frame = pd.DataFrame({"more": more, "p_silent": prior, "noise": draw.normal(size=n)})
    frame.loc[draw.random(n) < 0.1, "more"] = np.nan
    return frame, pd.Series(y, name="churned")


def test_it_is_public_and_a_classifier() -> None:
    assert regulars.ChurnClassifier is ChurnClassifier
    X, y = shop()
    model = ChurnClassifier(prior="p_silent", **QUICK).fit(X, y)
    assert model.feature_names_in_.tolist() == list(X.columns)
    assert model.n_features_in_ == 3
    assert model.prior_columns_.tolist() == [1]
    assert set(model.ensemble_.boosters) == {"plain", "rich", "seeded"}
    p = model.predict_proba(X)
    np.testing.assert_allclose(p.sum(1), 1.0)
    np.testing.assert_array_equal(model.predict(X), (p[:, 1] > 0.5).astype(int))
    np.testing.assert_allclose(model.decision_function(X), logit(p[:, 1]), atol=1e-9)


def test_the_decision_is_the_mean_of_three_boosters_and_of_the_prior_by_its_weight() -> None:
    X, y = shop()
    model = ChurnClassifier(prior="p_silent", **QUICK).fit(X, y)
    # 600 rows are 600 customers: 300 / (300 + 600).
    assert model.prior_weight_ == pytest.approx(1 / 3)
    columns = model._columns(X.to_numpy())
    trees = np.mean([model.ensemble_.link_of(m, columns) for m in ("plain", "rich", "seeded")], axis=0)
    expected = (2 / 3) * trees + (1 / 3) * logit(X["p_silent"].to_numpy())
    np.testing.assert_allclose(model.decision_function(X), expected, rtol=1e-12)


def test_the_priors_weight_falls_with_customers_not_with_their_rows() -> None:
    X, y = shop()
    whose = np.repeat(np.arange(100), 6)
    model = ChurnClassifier(prior="p_silent", **QUICK).fit(X, y, customers=whose)
    assert model.prior_weight_ == pytest.approx(300 / 400)
    # Rows of weight 0 are not there: 300 of them leave 50 customers.
    half = ChurnClassifier(prior="p_silent", **QUICK).fit(X, y, np.repeat([1.0, 0.0], 300), customers=whose)
    assert half.prior_weight_ == pytest.approx(300 / 350)


def test_with_200_customers_the_prior_helps_where_boosters_alone_must_learn_it_anew() -> None:
    X, y = shop(200, seed=1)
    later, truth = shop(20_000, seed=2)
    outcome = truth.to_numpy(np.float64)

    def loss(prior: str | None) -> float:
        found = ChurnClassifier(prior=prior).fit(X, y).predict_proba(later)[:, 1]
        return float(log_losses(outcome, found).mean())

    raw = float(log_losses(outcome, later["p_silent"].to_numpy()).mean())
    # 20,000 rows know a difference of log losses to about .003.
    assert loss("p_silent") < loss(None) - 0.01
    assert loss("p_silent") < raw + 0.003


def test_a_row_without_a_prior_is_left_to_the_boosters() -> None:
    X, y = shop()
    gone = X.assign(p_silent=X["p_silent"].where(np.arange(600) % 2 == 0))
    model = ChurnClassifier(prior="p_silent", **QUICK).fit(gone, y)
    columns = model._columns(gone.to_numpy())
    trees = np.mean([model.ensemble_.link_of(m, columns) for m in ("plain", "rich", "seeded")], axis=0)
    np.testing.assert_array_equal(model.decision_function(gone)[1::2], trees[1::2])
    none = ChurnClassifier(prior="p_silent", **QUICK).fit(gone.assign(p_silent=np.nan), y)
    assert none.prior_weight_ == 0.0
    assert np.isfinite(none.predict_proba(gone)).all()


def test_of_two_priors_the_mean_of_the_logits_speaks() -> None:
    X, y = shop()
    two = X.assign(other=X["p_silent"] * 0.5)
    model = ChurnClassifier(prior=("p_silent", "other"), **QUICK).fit(two, y)
    columns = model._columns(two.to_numpy())
    both = [logit(two[name].to_numpy()) for name in ("p_silent", "other")]
    np.testing.assert_allclose(columns.prior, (both[0] + both[1]) / 2)
    assert columns.names == ("x0", "x2")
    assert model.ensemble_.boosters["rich"].names == ("x0", "x2", "prior_logit", "prior_1_apart")
    # A row of which only one speaks has that one.
    two.loc[0, "other"] = np.nan
    assert model._columns(two.to_numpy()).prior[0] == both[0][0]


@pytest.mark.parametrize(
    ("classes", "chosen"),
    [((0, 1), None), ((False, True), None), ((-1, 1), None), (("stays", "walks"), "walks"), (("gone", "here"), "gone")],
)
def test_any_two_classes_give_the_same_probabilities(classes: tuple[Any, Any], chosen: object) -> None:
    X, y = shop(300)
    meant = ChurnClassifier(prior="p_silent", **QUICK).fit(X, y).predict_proba(X)[:, 1]
    churned = classes[1] if chosen is None else chosen
    stayed = classes[0] if churned == classes[1] else classes[1]
    labels = np.where(y == 1, churned, stayed) if isinstance(churned, str) else np.array([stayed, churned])[y]
    model = ChurnClassifier(prior="p_silent", prior_class=chosen, **QUICK).fit(X, labels)
    assert model.classes_.tolist() == sorted(classes)
    where = model.classes_.tolist().index(churned)
    np.testing.assert_allclose(model.predict_proba(X)[:, where], meant, atol=1e-15)
    assert set(model.predict(X)) <= set(classes)
    np.testing.assert_array_equal(model.predict(X) == model.classes_[1], model.decision_function(X) > 0)


def test_a_prior_of_staying_is_said_to_be_one() -> None:
    # P(stays) of class 0 says what P(churns) of class 1 says.
    X, y = shop(300)
    churns = ChurnClassifier(prior="p_silent", **QUICK).fit(X[["p_silent", "noise"]], y)
    alive = X.assign(p_alive=1 - X["p_silent"])[["p_alive", "noise"]]
    stays = ChurnClassifier(prior="p_alive", prior_class=0, **QUICK).fit(alive, y)
    difference = churns.predict_proba(X[["p_silent", "noise"]]) - stays.predict_proba(alive)
    assert np.abs(difference).max() < 0.05
    wrong = ChurnClassifier(prior="p_alive", **QUICK).fit(alive, y)
    assert np.abs(wrong.predict_proba(alive) - churns.predict_proba(X[["p_silent", "noise"]])).max() > 0.2


def test_it_works_in_pipelines_searches_and_calibration_with_frames() -> None:
    X, y = shop(400)
    table = X.assign(channel=pd.Series(np.where(X["noise"] > 0, "web", "shop"), dtype="category"))
    encoded = make_column_transformer(
        (OneHotEncoder(sparse_output=False), ["channel"]), remainder="passthrough", verbose_feature_names_out=False
    ).set_output(transform="pandas")
    whole = make_pipeline(encoded, ChurnClassifier(prior="p_silent", **QUICK))
    inside = clone(whole).fit(table, y)
    assert inside[-1].prior_columns_.tolist() == [list(inside[-1].feature_names_in_).index("p_silent")]
    assert inside.predict_proba(table).shape == (400, 2)
    found = GridSearchCV(whole, {"churnclassifier__max_depth": [2, 3]}, scoring="neg_log_loss", cv=2).fit(table, y)
    assert found.best_params_["churnclassifier__max_depth"] in (2, 3)
    calibrated = CalibratedClassifierCV(ChurnClassifier(prior="p_silent", **QUICK), cv=2).fit(X, y)
    assert calibrated.predict_proba(X).shape == (400, 2)
    scores = cross_val_score(ChurnClassifier(prior="p_silent", **QUICK), X, y, cv=TimeSeriesSplit(3, gap=10))
    assert (scores > 0.5).all()


def test_names_of_any_kind_nullable_numbers_and_float32_are_read() -> None:
    X, y = shop(300)
    meant = ChurnClassifier(prior=1, **QUICK).fit(X, y).predict_proba(X)
    odd = X.set_axis(["a[1]", "p<2>", "c,d"], axis=1).convert_dtypes(dtype_backend="numpy_nullable")
    found = ChurnClassifier(prior="p<2>", **QUICK).fit(odd, y.astype("boolean").astype(bool))
    np.testing.assert_array_equal(found.predict_proba(odd), meant)
    narrow = X.to_numpy(np.float32)
    assert np.isfinite(ChurnClassifier(prior=1, **QUICK).fit(narrow, y).predict_proba(narrow)).all()


def test_it_survives_clone_pickle_and_parameters() -> None:
    X, y = shop(300)
    model = ChurnClassifier(prior="p_silent", prior_class=1, max_depth=3, **QUICK).fit(X, y)
    again = pickle.loads(pickle.dumps(model))
    assert again.decision_function(X).tobytes() == model.decision_function(X).tobytes()
    fresh = clone(model)
    assert fresh.get_params() == model.get_params()
    assert not hasattr(fresh, "ensemble_")
    assert fresh.set_params(max_depth=2).fit(X, y).settings_["plain"].params["max_depth"] == 2


def test_order_of_rows_and_threads_change_no_bit() -> None:
    X, y = shop(25_000)
    X.loc[0, "noise"], X.loc[1, "noise"] = -0.0, 0.0
    shuffled = np.random.default_rng(3).permutation(len(y))
    found = []
    for order, threads in ((np.arange(len(y)), 1), (shuffled, 2)):
        # The test run has one thread unless it is told otherwise.
        with threadpool_limits(threads, user_api="openmp"):
            model = ChurnClassifier(prior="p_silent", rounds=6, n_jobs=threads)
            found.append(model.fit(X.iloc[order], y.iloc[order]).decision_function(X).tobytes())
    assert found[0] == found[1]


def test_rows_of_a_later_date_decide_on_rounds_and_settings_and_are_learnt_from_too() -> None:
    X, y = shop(1200)
    judge = np.arange(1200) >= 800
    model = ChurnClassifier(prior="p_silent").fit(X, y, judge=judge)
    assert {s.rounds for s in model.settings_.values()} != {100}
    assert len(model.trials_) == 1
    searched = ChurnClassifier(prior="p_silent", trials=2, max_depth=3).fit(X, y, judge=judge)
    assert len(searched.trials_) == 2
    fixed = {k: s.rounds for k, s in model.settings_.items()}
    # Rows that judge are learnt from: other outcomes of theirs make another model.
    other = ChurnClassifier(prior="p_silent").fit(X, np.where(judge, 1 - y, y), judge=judge)
    assert fixed.keys() == other.settings_.keys()
    assert np.abs(model.decision_function(X) - other.decision_function(X)).max() > 0.1


def test_columns_that_say_nothing_or_the_same_twice_do_no_harm() -> None:
    X, y = shop(600)
    padded = X.assign(same=1.0, none=np.nan, twice=X["more"])
    p = ChurnClassifier(prior="p_silent", **QUICK).fit(padded, y).predict_proba(padded)[:, 1]
    assert np.isfinite(p).all()
    # Nothing to learn from but the prior: the base rate, the prior, and no more than one probability for one prior.
    bare = padded[["same", "none", "p_silent"]].assign(p_silent=0.5)
    assert np.ptp(ChurnClassifier(prior="p_silent", **QUICK).fit(bare, y).decision_function(bare)) == 0.0


def fit(X: Any, y: Any, **settings: Any) -> ChurnClassifier:
    given = {k: settings.pop(k) for k in ("judge", "customers") if k in settings}
    return ChurnClassifier(**settings).fit(X, y, **given)


@pytest.mark.parametrize(
    ("settings", "error", "said"),
    [
        ({"prior": "p_silnt"}, ConfigError, "did you mean `p_silent`"),
        ({"prior": 3}, ConfigError, "X has 3 columns"),
        ({"prior": ["p_silent", 1]}, ConfigError, "or one twice"),
        ({"prior": []}, ConfigError, "names no column"),
        ({"prior": [0, 1, 2]}, ConfigError, "every column of X is the prior"),
        ({"prior": "more"}, DataError, "the prior `more` is no probability in"),
        ({"prior": "p_silent", "prior_class": "walks"}, ConfigError, "none of the classes"),
        ({"max_depth": 0}, ConfigError, "max_depth = 0"),
        ({"subsample": 1.5}, ConfigError, "subsample = 1.5"),
        ({"learning_rate": float("nan")}, ConfigError, "learning_rate = nan"),
        ({"rounds": 2.5}, ConfigError, "rounds = 2.5"),
        ({"reg_lambda": True}, ConfigError, "reg_lambda = True"),
        ({"trials": 3}, ConfigError, "without rows that judge them"),
        ({"rounds": 3, "judge": np.arange(300) > 200}, ConfigError, "rows that are to decide on them"),
        ({"judge": np.ones(300, bool)}, NotEnoughData, "1 class only in the rows before those that judge"),
        ({"judge": np.ones(7, bool)}, DataError, "one value for each of 300 rows"),
        ({"customers": np.ones((300, 2))}, DataError, "one value for each of 300 rows"),
    ],
)
def test_what_is_wrong_is_said(settings: dict[str, object], error: type[Exception], said: str) -> None:
    X, y = shop(300)
    with pytest.raises(error, match=said):
        fit(X, y, **settings)


def test_one_class_one_row_three_classes_and_infinite_values_are_refused() -> None:
    X, y = shop(300)
    with pytest.raises(NotEnoughData, match="1 class only"):
        fit(X, np.ones(300))
    with pytest.raises(NotEnoughData, match="1 class only"):
        fit(X.iloc[:1], y.iloc[:1])
    with pytest.raises(NotEnoughData, match="1 class only"):
        ChurnClassifier().fit(X, y, sample_weight=y)
    with pytest.raises(DataError, match="Only binary classification"):
        fit(X, np.arange(300) % 3)
    with pytest.raises(ValueError, match="infinity"):
        fit(X.assign(noise=np.inf), y)
    with pytest.raises(DataError, match=r"too large for float32.*noise"):
        fit(X.assign(noise=1e300), y)
    with pytest.raises(ConfigError, match="of which of the classes 'no', 'yes' is the prior"):
        fit(X, np.where(y == 1, "yes", "no"), prior="p_silent")
    with pytest.raises(ConfigError, match="give its position"):
        fit(X.to_numpy(), y, prior="p_silent")


def test_a_prior_that_is_forgotten_at_predict_is_missed() -> None:
    X, y = shop(300)
    model = ChurnClassifier(prior="p_silent", **QUICK).fit(X, y)
    with pytest.raises(ValueError, match="p_silent"):
        model.predict_proba(X.drop(columns="p_silent"))
    with pytest.raises(DataError, match="no probability"):
        model.predict_proba(X.assign(p_silent=55.0))
