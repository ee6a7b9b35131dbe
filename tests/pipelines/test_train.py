"""Train: what is learnt from which cutoffs, what is kept where, and that too little history ends before it begins."""

from __future__ import annotations

import fcntl
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from regulars.clock import Cutoff
from regulars.errors import Busy, ConfigError, NotEnoughData
from regulars.intake import Ledger
from regulars.models.bundle import save
from regulars.models.sample import Sample
from regulars.models.speakers import MODELS
from regulars.models.trials import finished
from regulars.pipelines.backtest import run_backtest
from regulars.pipelines.files import strict_json
from regulars.pipelines.register import pictures, train_and_register
from regulars.pipelines.train import Trained, fit_model

from ..simulated import config_of, purchases, shop, trained, training_rows


def test_the_final_model_learns_from_every_matured_cutoff_and_no_other() -> None:
    # 420 days, h = 30: the first at day 60, the last at 420 - 30.
    starts, found = shop().history_starts, trained()
    assert [c.day - starts.day for c in found.trained_cutoffs] == list(range(60, 391, 30))
    assert found.n_rows == training_rows(found).n_rows
    assert found.model.trained_on == shop().ends
    assert all(c.plus(30) <= shop().ends for c in found.trained_cutoffs)


@pytest.mark.soak
def test_the_examination_is_that_of_a_backtest_of_its_own() -> None:
    alone = run_backtest(shop(), config_of())
    assert strict_json(alone.figures) == strict_json(trained().backtest.figures)
    pd.testing.assert_frame_equal(alone.predictions, trained().backtest.predictions, check_exact=True)


def test_out_of_time_predictions_hold_every_model_and_the_outcome_that_came() -> None:
    frame, found = purchases(), trained().backtest.predictions.set_index("customer_id")
    origin = Cutoff.parse(trained().backtest.figures["origins"][0]["cutoff"])
    window = frame[(frame["purchased_at"] >= str(origin)) & (frame["purchased_at"] < str(origin.plus(30)))]
    spend = window.groupby("customer_id")["amount"].sum().reindex(found.index, fill_value=0.0)
    came = set(window.loc[window["amount"] > 0, "customer_id"])
    assert found["spend"].to_numpy() == pytest.approx(spend.to_numpy(), abs=1e-9)
    assert found["churned"].tolist() == [float(c not in came) for c in found.index]
    assert {f"{kind}_{m}" for kind in ("p_churn", "value") for m in MODELS} <= set(found.columns)
    assert found.index.is_unique


def test_the_features_are_told_by_importance_with_meaning_and_unit() -> None:
    features = trained().features
    shares = [float(str(f["gain_share"])) for f in features]
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) == pytest.approx(1.0)
    assert all(f["meaning"] and f["meaning"] != f["name"] for f in features)
    assert {"btyd_logit_silent", "recency_days"} <= {f["name"] for f in features}


@pytest.mark.soak
def test_another_seed_is_another_model_and_the_same_seed_the_same_bytes(tmp_path: Path) -> None:
    again, other = fit_model(shop(200), config_of()), fit_model(shop(200), config_of(seed=1))
    first = fit_model(shop(200), config_of(engine={"threads": 2}))
    for name, found in (("first", first), ("again", again), ("other", other)):
        save(found.model, tmp_path / name)

    def content(name: str) -> dict[str, bytes]:
        return {p.name: p.read_bytes() for p in (tmp_path / name).iterdir()}

    assert content("again") == content("first")
    assert content("other")["churn_30_plain.ubj"] != content("first")["churn_30_plain.ubj"]


@pytest.mark.soak  # By default test_rations.py and test_tuning.py hold its parts.
def test_a_training_ended_by_the_clock_is_repeated_to_the_byte_by_its_list_of_trials(tmp_path: Path) -> None:
    # Less than a second for four studies of a thousand trials: the clock ends every one of them, on any machine.
    ended = fit_model(shop(200), config_of(tuning={"trials": 1000, "seconds": 0.8}))
    listed = finished(ended.studies)
    assert len(listed) == 4
    assert all(1 <= n < 1000 for n in listed)
    again = fit_model(shop(200), config_of(tuning={"trials": listed}))
    assert finished(again.studies) == listed
    pd.testing.assert_frame_equal(again.trials(), ended.trials(), check_exact=True)
    for name, found in (("ended", ended), ("again", again)):
        save(found.model, tmp_path / name)
    for file in (tmp_path / "ended").iterdir():
        assert file.read_bytes() == (tmp_path / "again" / file.name).read_bytes()
    pd.testing.assert_frame_equal(again.backtest.predictions, ended.backtest.predictions, check_exact=True)


@pytest.mark.soak
def test_every_trial_of_every_study_is_a_row() -> None:
    found = fit_model(shop(200), config_of(tuning={"trials": 3})).trials()
    origin = found["origin"].iloc[0]
    studies = [(o, t) for o in (origin, "final") for t in ("churn", "value")]
    assert list(zip(found["origin"], found["target"], found["number"], strict=True)) == [
        (*study, number) for study in studies for number in range(3)
    ]
    assert found.groupby(["origin", "target"])["chosen"].sum().tolist() == [1, 1, 1, 1]
    assert {"max_depth", "reg_lambda"} <= set(found.columns)


def test_trials_listed_for_other_origins_are_refused_before_anything_is_learnt(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> None:
        raise AssertionError("rows were prepared although the list does not fit")

    monkeypatch.setattr("regulars.pipelines.train.prepare", never)
    with pytest.raises(ConfigError, match=r"RG166: `tuning\.trials` lists 2 numbers, and 4 studies will run"):
        fit_model(shop(), config_of(tuning={"trials": [3, 3]}))


def test_too_short_a_history_is_refused_before_anything_is_learnt(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> None:
        raise AssertionError("rows were prepared although the history is too short")

    monkeypatch.setattr("regulars.pipelines.train.prepare", never)
    with pytest.raises(NotEnoughData, match="are too few to train for a horizon of 365 days"):
        fit_model(shop(), config_of(365))


def test_few_customers_are_refused_with_counts() -> None:
    frame = purchases()
    few = frame[frame["customer_id"].isin(sorted(frame["customer_id"].unique())[:12])]
    with pytest.raises(NotEnoughData, match=r"of \d+ training rows \d+ were silent") as refused:
        fit_model(Ledger.from_frame(few, config_of()), config_of())
    assert refused.value.needed == "at least 50 of each, of 25 customers each"


@pytest.mark.soak
def test_training_alone_writes_nothing_but_the_cache_it_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here").mkdir()
    fit_model(shop(200), config_of(), tmp_path / "here" / "priors")
    assert [p.name for p in tmp_path.iterdir()] == ["here"]
    assert {p.suffix for p in (tmp_path / "here" / "priors").iterdir()} == {".json"}


@pytest.fixture(scope="module")
def late_and_recent() -> Trained:
    """A shop whose labels are known a fortnight late, and whose model speaks of recent customers only."""
    target = {"horizon_days": 30, "label_lag_days": 15, "active_within_days": 90}
    return fit_model(shop(), config_of(target=target))


def test_labels_that_are_late_push_the_origins_and_the_training_back(late_and_recent: Trained) -> None:
    assert late_and_recent.trained_cutoffs[-1] == shop().ends.minus(45)
    (origin,) = late_and_recent.backtest.figures["origins"]
    assert origin["cutoff"] == str(shop().ends.minus(45))
    assert max(origin["trained_cutoffs"]) == str(shop().ends.minus(90))


def test_a_model_for_recent_customers_only_learns_from_and_speaks_of_those(late_and_recent: Trained) -> None:
    prepared, cutoffs = late_and_recent.prepared, late_and_recent.trained_cutoffs
    rows: Sample = prepared.sample(prepared.label(shop().ends)).at(cutoffs)
    assert rows.panel.recency_days.max() == 90.0
    predictions = late_and_recent.backtest.predictions
    assert 0 < len(predictions) < len(trained().backtest.predictions)
    assert late_and_recent.model.active_within_days == 90
    assert predictions["churned"].mean() < trained().backtest.predictions["churned"].mean() - 0.1


def test_pictures_are_drawn_of_the_examination_and_name_no_customer() -> None:
    drawn = pictures(trained().backtest)
    assert set(drawn) == {"figures/calibration.svg", "figures/gain.svg"}
    for svg in drawn.values():
        assert svg.lstrip().startswith("<")
        assert "<svg" in svg
        assert "0shopper" not in svg


def test_a_second_training_in_the_same_folder_is_refused_while_one_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> None:
        raise AssertionError("a second training began")

    monkeypatch.setattr("regulars.pipelines.register.fit_model", never)
    config = config_of().model_copy(update={"folder": tmp_path})
    (tmp_path / ".regulars").mkdir()
    with (tmp_path / ".regulars" / "train.lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)  # A handle of its own is refused as another process would be.
        with pytest.raises(Busy, match="another run is writing"):
            train_and_register(shop(200), config)
    with pytest.raises(AssertionError, match="a second training began"):
        train_and_register(shop(200), config)
    assert not (tmp_path / ".regulars" / "train.lock").exists()


def test_gains_are_paired_and_in_percent_of_the_rivals_loss() -> None:
    figures, predictions = trained().backtest.figures, trained().backtest.predictions
    y = predictions["churned"].to_numpy(np.float64)

    def loss(model: str) -> float:
        p = np.clip(predictions[f"p_churn_{model}"].to_numpy(np.float64), 1e-6, 1 - 1e-6)
        return float(-(y * np.log(p) + (1 - y) * np.log1p(-p)).mean())

    for rival in MODELS[1:]:
        gain = figures["gain"]["churn"][rival]
        assert gain["log_loss_gain_percent"] == pytest.approx(100 * (1 - loss("regulars") / loss(rival)), rel=1e-9)
        low, high = gain["ci"]
        assert low < gain["log_loss_gain_percent"] < high
    # METHOD: the naive rule is beaten on a shop with a rhythm; a sanity bound.
    assert figures["gain"]["churn"]["naive"]["ci"][0] > 0
