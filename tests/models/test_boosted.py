"""A booster that cannot be asked without its margin, the trap that this closes, and what it refuses.

The data are simulated: the truth is a prior plus a small correction that one feature knows.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from regulars.errors import ConfigError, DataError
from regulars.models.boosted import Boosted, Setting, matrix
from regulars.models.metrics import auc, log_losses, sigmoid

from ..simulated import rows_now, trained, training_rows

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
NAMES = ("correction", "noise", "sparse")
SETTING = Setting(rounds=25)


def simulated(n: int = 1500, seed: int = 0) -> tuple[Float32, Float64, Float64]:
    """Features (shape 3 x n, some missing), outcomes, and the prior's logit that explains most of them."""
    rng = np.random.default_rng(seed)
    values = rng.normal(0, 1, (3, n)).astype(np.float32)
    values[2, rng.random(n) < 0.5] = np.nan
    prior = rng.normal(0, 2, n)
    truth = sigmoid(prior + 0.7 * values[0])
    return values, (rng.random(n) < truth).astype(np.float64), prior


def fitted(setting: Setting = SETTING, seeded: bool = True, n: int = 1500) -> Boosted:
    values, y, prior = simulated(n)
    return Boosted.fit("churn", NAMES, values, y, np.ones(n), setting, prior if seeded else None)


def test_a_seeded_booster_asked_without_its_margin_refuses() -> None:
    values, _, _ = simulated()
    with pytest.raises(ConfigError, match="needs its margin") as refused:
        fitted().link(NAMES, values)
    assert refused.value.code == "RG062"


def test_a_plain_booster_given_a_margin_refuses() -> None:
    values, _, prior = simulated()
    with pytest.raises(ConfigError, match="was not boosted from a prior"):
        fitted(seeded=False).link(NAMES, values, prior)


def test_the_margin_forgotten_is_a_disaster_that_xgboost_does_not_mention() -> None:
    # TRAPS T51. The raw booster without base_margin answers without an error, and knows only the correction.
    values, y, prior = simulated(seed=1)
    ours = fitted()
    right = ours.link(NAMES, values, prior)
    raw = np.asarray(ours.booster.inplace_predict(np.ascontiguousarray(values.T), predict_type="margin"), np.float64)
    assert (auc(y, right) or 0) > 0.82
    assert (auc(y, raw) or 1) < 0.68
    assert log_losses(y, sigmoid(raw)).mean() > log_losses(y, sigmoid(right)).mean() + 0.1


def test_the_margin_forgotten_is_a_disaster_in_the_products_own_ensemble() -> None:
    found = trained()
    rows = training_rows(found)
    ensemble = found.model.churn.ensemble
    seeded = ensemble.boosters["seeded"]
    right = ensemble.link("seeded", rows)
    names, more = rows.prior.features()
    assert seeded.names == (*rows.panel.names, *names)
    features = np.ascontiguousarray(np.concatenate([rows.panel.values, more]).T)
    raw = seeded.booster.inplace_predict(features, predict_type="margin", validate_features=False)
    churned = rows.churned
    assert (auc(churned, right) or 0) > 0.8
    assert (auc(churned, np.asarray(raw, np.float64)) or 1) < 0.7


def test_a_seeded_prediction_is_the_margin_plus_what_the_trees_add() -> None:
    values, _, prior = simulated()
    ours = fitted()
    from_zero = ours.link(NAMES, values, np.zeros(len(prior)))
    assert ours.link(NAMES, values, prior) - prior == pytest.approx(from_zero, abs=1e-5)
    # And the margin improves on the prior alone by what the first feature knows.
    fresh, y, known = simulated(seed=2)
    assert log_losses(y, sigmoid(ours.link(NAMES, fresh, known))).mean() < log_losses(y, sigmoid(known)).mean() - 0.01


@pytest.mark.parametrize(
    "names", [("noise", "correction", "sparse"), ("correction", "noise"), (*NAMES, "more"), ("a", "b", "c")]
)
def test_other_features_or_another_order_are_refused(names: tuple[str, ...]) -> None:
    values, _, prior = simulated()
    with pytest.raises(ConfigError, match="not those of the training"):
        fitted().link(names, np.resize(values, (len(names), values.shape[1])), prior)


def test_a_missing_feature_is_named() -> None:
    values, _, prior = simulated()
    with pytest.raises(ConfigError, match="noise"):
        fitted().link(("correction", "sparse"), values[[0, 2]], prior)


@pytest.mark.parametrize("bad", [np.inf, -np.inf])
def test_infinite_features_are_refused_at_fit_and_at_predict(bad: float) -> None:
    values, y, prior = simulated()
    ours = fitted()
    values[1, [3, 7]] = bad
    with pytest.raises(DataError, match="2 rows have infinite features"):
        ours.link(NAMES, values, prior)
    with pytest.raises(DataError, match="2 rows have infinite features"):
        Boosted.fit("churn", NAMES, values, y, np.ones(len(y)), SETTING)


def test_missing_values_are_an_answer_of_their_own_and_never_an_error() -> None:
    values, _, prior = simulated()
    ours = fitted()
    gone = np.full_like(values, np.nan)
    assert np.isfinite(ours.link(NAMES, gone, prior)).all()
    # Nothing known about anyone: all get the same correction.
    assert np.ptp(ours.link(NAMES, gone, prior) - prior) < 1e-5


@pytest.mark.parametrize("kind", ["churn", "value"])
def test_saved_and_loaded_predicts_the_same_bits(kind: str) -> None:
    values, y, prior = simulated()
    target = y if kind == "churn" else y * np.exp(values[1])
    ours = Boosted.fit(kind, NAMES, values, target, np.ones(len(y)), SETTING, prior)
    content = ours.saved()
    back = Boosted.loaded(kind, list(NAMES), True, content)
    assert (back.kind, back.names, back.seeded) == (kind, NAMES, True)
    assert back.link(NAMES, values, prior).tobytes() == ours.link(NAMES, values, prior).tobytes()
    assert back.saved() == content
    with pytest.raises(ConfigError):
        back.link(NAMES, values)


@pytest.mark.parametrize("seeded", [True, False])
def test_threads_change_no_byte_of_a_booster(seeded: bool) -> None:
    # With subsampling on, as the defaults have it.
    assert SETTING.params["subsample"] < 1
    values, _, prior = simulated()
    found = [fitted(replace(SETTING, threads=t), seeded) for t in (1, 2, 4)]
    margin = prior if seeded else None
    assert len({b.link(NAMES, values, margin).tobytes() for b in found}) == 1
    assert len({b.saved() for b in found}) == 1


def test_the_seed_decides_the_subsample() -> None:
    assert fitted().saved() == fitted().saved()
    assert fitted().saved() != fitted(replace(SETTING, seed=1)).saved()


def test_nobody_to_predict_is_no_prediction() -> None:
    none = np.zeros((3, 0), np.float32)
    assert fitted().link(NAMES, none, np.zeros(0)).shape == (0,)
    with pytest.raises(ConfigError):
        fitted().link(NAMES, none)


def test_one_row_alone_is_the_row_in_the_batch() -> None:
    values, _, prior = simulated()
    ours = fitted()
    whole = ours.link(NAMES, values, prior)
    for row in (0, 17, 1499):
        assert ours.link(NAMES, values[:, [row]], prior[[row]])[0] == whole[row]


def test_gain_names_the_feature_that_knows_something() -> None:
    gain = fitted().gain()
    assert max(gain, key=lambda name: gain[name]) == "correction"
    assert set(gain) <= set(NAMES)


def test_a_changed_setting_leaves_the_old_one_alone() -> None:
    changed = SETTING.changed({"max_depth": 2})
    assert changed.params["max_depth"] == 2
    assert SETTING.params["max_depth"] == 4
    assert (changed.rounds, changed.seed, changed.threads) == (SETTING.rounds, SETTING.seed, SETTING.threads)


def test_a_matrix_holds_the_rows_as_they_are_given() -> None:
    values, y, prior = simulated(50)
    made: Any = matrix(NAMES, values, y, np.ones(50), prior, 1)
    assert (made.num_row(), made.num_col(), made.feature_names) == (50, 3, None)
    assert made.get_label().tolist() == y.tolist()
    assert made.get_base_margin() == pytest.approx(prior, rel=1e-6)


def test_no_feature_of_the_product_is_an_epoch_that_single_precision_would_blur() -> None:
    # TRAPS T36: above 2**24 neighbouring whole numbers become equal.
    values = rows_now(trained()).panel.values
    assert float(np.nanmax(np.abs(values))) < 2**24
