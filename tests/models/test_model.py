"""The product's model: one row of scores per customer, from a panel or from purchases, and nothing from the future."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from regulars.clock import Cutoff
from regulars.config import Config
from regulars.engines import histories, panel_of
from regulars.errors import DataError, NotEnoughData
from regulars.features.family import plan_for
from regulars.features.lines import Lines
from regulars.intake import Ledger
from regulars.models.ensemble import Recipe
from regulars.models.learnt import fit
from regulars.models.metrics import sigmoid
from regulars.models.outputs import SCORES
from regulars.models.prior import PriorColumns
from regulars.models.speakers import MODELS, money_spoken
from regulars.models.splits import Origin
from regulars.pipelines.prepare import prepare
from regulars.pipelines.score import score

from ..simulated import config_of, purchases, rows_now, shop, trained, training_rows


def scored() -> pd.DataFrame:
    return score(shop(), trained().model, threads=1)


def test_scores_hold_one_row_for_every_customer_who_ever_bought() -> None:
    found = scored()
    assert tuple(found.columns) == SCORES
    frame = purchases()
    buyers = sorted(set(frame.loc[frame["amount"] > 0, "customer_id"]))
    assert found["customer_id"].tolist() == buyers
    assert set(found["as_of"]) == {str(shop().ends)}
    assert set(found["horizon_days"]) == {30}
    assert set(found["basis"]) <= {"purchases", "newcomer"}
    assert set(found["model"]) == {trained().model.speaker}
    assert set(found["value_model"]) == {trained().model.value_speaker}


@pytest.mark.parametrize("speaker", MODELS)
def test_whoever_speaks_is_named_in_every_row_and_says_what_he_said_in_the_backtest(speaker: str) -> None:
    found, now = trained(), rows_now(trained())
    scores = score(shop(), replace(found.model, speaker=speaker, value_speaker=speaker), threads=1)
    assert set(scores["model"]) == set(scores["value_model"]) == {speaker}
    rule = found.model.rule
    said = {
        "regulars": found.model.churn.p_churn(now),
        "xgb_panel": sigmoid(found.model.churn.ensemble.link("plain", now)),
        "bg_nbd": now.prior.bg_silent,
        "pareto_nbd": now.prior.pareto_silent,
        "naive": np.where(now.panel.recency_days > rule.days, rule.silent, rule.active),
    }
    assert scores["p_churn"].tolist() == pytest.approx(said[speaker].tolist(), rel=1e-12)
    worth = money_spoken(speaker, found.model.value, rule, found.model.value_rule, now, said["regulars"])
    assert scores["expected_spend"].tolist() == pytest.approx(worth.tolist(), rel=1e-12)


def test_scores_tell_of_each_customer_what_the_purchases_say() -> None:
    frame, found = purchases(), scored().set_index("customer_id")
    day = pd.to_datetime(frame["purchased_at"], format="ISO8601").dt.normalize()
    bought = frame.assign(day=day)[frame["amount"] > 0]
    last = bought.groupby("customer_id")["day"].max()
    assert found["last_purchase"].tolist() == last[found.index].dt.strftime("%Y-%m-%d").tolist()
    recency = (pd.Timestamp(str(shop().ends)) - last[found.index]).dt.days
    assert found["recency_days"].tolist() == recency.tolist()
    assert found["orders"].tolist() == bought.groupby("customer_id")["order_id"].nunique()[found.index].tolist()
    spend = frame.groupby("customer_id")["amount"].sum()[found.index]
    assert found["spend"].to_numpy() == pytest.approx(spend.to_numpy(), abs=1e-9)


def test_scores_are_possible_numbers() -> None:
    found = scored()
    assert ((found["p_churn"] > 0) & (found["p_churn"] < 1)).all()
    assert (found["expected_orders"] > 0).all()
    assert (found["expected_spend"] > 0).all()
    # What the classical models cannot say of everyone: a value without end, which needs a finite expectation.
    assert np.isfinite(found.drop(columns="lifetime_value_ever").select_dtypes("number").to_numpy(np.float64)).all()
    assert (found["spend_low"] <= found["spend_high"]).all()
    assert (found["spend_high"] <= found["spend_upper"]).all()
    assert (found["lifetime_low"] <= found["lifetime_high"]).all()
    assert (found["expected_orders"] >= 1 - found["p_churn"] - 1e-12).all()
    within = found[[f"p_purchase_{d}d" for d in (7, 14, 30, 60, 90)]].to_numpy()
    assert (np.diff(within, axis=1) >= 0).all()
    assert within[:, 2].tolist() == pytest.approx((1 - found["p_churn"]).tolist(), abs=1e-15)


def test_purchases_give_the_same_bits_as_the_panel() -> None:
    lines = Lines.from_arrow(shop().table())
    pd.testing.assert_frame_equal(trained().model.scores_of(lines, shop().ends), scored(), check_exact=True)


def test_the_order_of_panel_rows_does_not_matter() -> None:
    model, panel = trained().model, rows_now(trained()).panel
    back = np.arange(panel.n_rows)[::-1]
    found, turned = model.scores(panel), model.scores(panel.take(back))
    pd.testing.assert_frame_equal(turned.iloc[::-1].reset_index(drop=True), found, check_exact=True)


def test_rows_after_the_day_are_not_seen_whatever_they_say() -> None:
    day = shop().ends.minus(60)
    frame = purchases()
    before = frame["purchased_at"] < str(day)
    assert (~before).any()
    noise = frame.assign(
        amount=np.where(before, frame["amount"], 9_999.0), category=frame["category"].where(before, "poison")
    )
    model = trained().model
    reference = trained().prepared.reference.at(day.day)
    found = [
        model.scores_of(Lines.from_arrow(ledger.table()), day, reference)
        for ledger in (shop(), Ledger.from_frame(noise, config_of()), Ledger.from_frame(frame[before], config_of()))
    ]
    pd.testing.assert_frame_equal(found[0], found[1], check_exact=True)
    pd.testing.assert_frame_equal(found[0], found[2], check_exact=True)


def test_nobody_at_risk_is_an_empty_table_with_all_columns() -> None:
    model = trained().model
    lines = Lines.from_arrow(shop().table())
    nobody = model.scores(rows_now(trained()).panel.take(np.zeros(rows_now(trained()).n_rows, bool)))
    assert nobody.shape == (0, len(SCORES))
    reference = replace(model.reference, days=(0,))
    early = model.scores_of(lines, shop().history_starts, reference.at(shop().history_starts.day))
    assert early.shape == (0, len(SCORES))


def test_a_day_before_the_models_reference_is_refused() -> None:
    lines = Lines.from_arrow(shop().table())
    with pytest.raises(DataError, match="Reference begins after"):
        trained().model.scores_of(lines, trained().model.trained_on.minus(1))


def test_customers_silent_for_longer_than_asked_get_no_score_and_the_others_the_same() -> None:
    strict = replace(trained().model, active_within_days=60)
    found = score(shop(), strict, threads=1)
    whole = scored()
    kept = whole[whole["recency_days"] <= 60].reset_index(drop=True)
    assert 0 < len(kept) < len(whole)
    pd.testing.assert_frame_equal(found, kept, check_exact=True)


def test_too_few_rows_of_one_outcome_are_refused_before_anything_is_learnt() -> None:
    rows = training_rows(trained())
    churned = rows.take(rows.churned == 1)
    with pytest.raises(NotEnoughData, match="and 0 were not"):
        fit(churned, rows_now(trained()), Recipe(trials=0))


def once_only(n: int = 300) -> Ledger:
    """Everyone buys on one day and never again."""
    rng = np.random.default_rng(0)
    days = np.sort(rng.integers(0, 300, n))
    stamp = (pd.Timestamp("2023-01-01") + pd.to_timedelta(days, unit="D")).strftime("%Y-%m-%d")
    frame = pd.DataFrame(
        {"customer_id": [f"{i:03d}" for i in range(n)], "purchased_at": stamp, "amount": rng.gamma(2, 9, n).round(2)}
    )
    return Ledger.from_frame(frame, Config.of(horizon_days=30))


def test_where_no_prior_can_be_fitted_the_trees_and_the_mean_still_answer() -> None:
    # Every label would be churned there, so the shop's model is asked with a prior that knows nothing.
    found = trained().model
    empty = replace(
        found,
        speaker="regulars",
        value_speaker="regulars",
        prior=replace(found.prior, bg=None, pareto=None, gamma=None),
    )
    scores = score(shop(), empty, threads=1)
    assert ((scores["p_churn"] > 0) & (scores["p_churn"] < 1)).all()
    assert np.isfinite(scores["expected_spend"]).all()
    assert np.isfinite(scores["expected_orders"]).all()
    # Nothing leads on to later times: the value ends with the horizon, and no gap is usual.
    assert scores["lifetime_value_ever"].isna().all()
    assert scores["usual_gap_days"].isna().all()
    assert not scores["p_churn"].equals(scored()["p_churn"])


def test_a_ledger_in_which_nobody_comes_back_is_too_little_to_learn_from() -> None:
    ledger = once_only()
    config = Config.of(horizon_days=30)
    stand = Origin(ledger.ends, tuple(ledger.ends.minus(d) for d in (120, 90, 60, 30)), 30)
    prepared = prepare(ledger, config, [stand])
    assert all(p.bg is None and p.pareto is None for p in prepared.priors.values())
    rows, now = prepared.rows(stand)
    assert np.isnan(rows.prior.silent).all()
    with pytest.raises(NotEnoughData, match="0 were not"):
        fit(rows, now, Recipe(trials=0))


def test_the_model_learns_with_rows_of_which_some_have_no_prior() -> None:
    rows, now = training_rows(trained()), rows_now(trained())
    columns = {}
    for name in PriorColumns.__dataclass_fields__:
        columns[name] = np.where(
            rows.panel.cutoff_day == rows.panel.cutoff_day.min(), np.nan, getattr(rows.prior, name)
        )
    fitted = fit(replace(rows, priors={**rows.priors, 30: PriorColumns(**columns)}), now, Recipe(trials=0))
    p = fitted.learnt.churn.p_churn(now)
    assert ((p > 0) & (p < 1)).all()
    assert p.mean() == pytest.approx(trained().model.churn.p_churn(now).mean(), abs=0.05)


def test_the_panel_of_a_day_has_the_models_features_in_its_order() -> None:
    model = trained().model
    day: Cutoff = shop().ends
    panel = panel_of(shop(), plan_for(model.shape), model.reference, [day])
    assert model.churn.ensemble.boosters["plain"].names == panel.names
    assert sum(h.lines.n_lines for h in histories(shop(), plan_for(model.shape))) == shop().manifest.lines["used"]


def test_scoring_a_few_rows_at_a_time_changes_no_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    model, sample = trained().model, trained().model.sample_of(rows_now(trained()).panel)
    whole = model.scored(sample)
    monkeypatch.setattr("regulars.models.model.BLOCK", 7)
    parts = model.scored(sample)
    pd.testing.assert_frame_equal(parts.scores, whole.scores, check_exact=True)
    pd.testing.assert_frame_equal(parts.horizons, whole.horizons, check_exact=True)
    assert parts.total == whole.total
