"""Money that is hard: refunds, a giant, free orders, another unit; horizons far beyond the history; no repeat to learn.

In: the simulated shop, changed. Out: scores that are finite, coherent and of the right size, or a refusal with a way
out. What two shops should share is compared number by number.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest

from regulars.config import Config
from regulars.errors import NotEnoughData
from regulars.intake import Ledger
from regulars.models.concentration import concentration
from regulars.pipelines.score import Scored, scored
from regulars.pipelines.train import fit_model

from ..simulated import ZONE, config_of, mapped, purchases

Change = Callable[[pd.DataFrame], pd.DataFrame]
HORIZONS = (30, 14, 1825)
"""One month, half of it, and five years on a history of ten months."""
MONEY = ("expected_spend", "spend_low", "spend_high", "spend_upper", "lifetime_value", "lifetime_low", "lifetime_high")
CHANCES = ("p_churn", "p_no_spend", "p_so_late", *(f"p_purchase_{d}d" for d in (7, 14, 30, 60, 90)))


def refunded(frame: pd.DataFrame) -> pd.DataFrame:
    """Of every other paid line the money comes back within ten days."""
    rng = np.random.default_rng(0)
    paid = frame[frame["amount"] > 0]
    back = paid[rng.random(len(paid)) < 0.5].copy()
    when = pd.to_datetime(back["purchased_at"]) + pd.to_timedelta(rng.integers(1, 10, len(back)), "D")
    back = back.assign(purchased_at=when.dt.strftime("%Y-%m-%dT%H:%M:%S"), order_id=back["order_id"] + "-r")
    return _sorted(pd.concat([frame, back.assign(amount=-back["amount"], discount=0.0)]))


def with_a_giant(frame: pd.DataFrame) -> pd.DataFrame:
    """The most frequent customer pays ten thousand times as much."""
    giant = frame["customer_id"].value_counts().index[0]
    return frame.assign(amount=frame["amount"].where(frame["customer_id"] != giant, (frame["amount"] * 1e4).round(2)))


def often_free(frame: pd.DataFrame) -> pd.DataFrame:
    """Two of five orders cost nothing."""
    orders = frame["order_id"].unique()
    free = set(np.random.default_rng(1).choice(orders, int(0.4 * len(orders)), replace=False))
    return _free(frame, frame["order_id"].isin(free))


def in_cents(frame: pd.DataFrame) -> pd.DataFrame:
    """Every amount a hundred times larger."""
    return frame.assign(amount=(100 * frame["amount"]).round(2), discount=(100 * frame["discount"]).round(2))


def repeats_free(frame: pd.DataFrame, until: str = "2023-08-01") -> pd.DataFrame:
    """Until a day only first orders are paid for, so that Gamma-Gamma has no repeat to learn from."""
    first = frame.groupby("customer_id")["order_id"].transform("first")
    return _free(frame, (frame["order_id"] != first) & (frame["purchased_at"] < until))


def all_at_once(frame: pd.DataFrame) -> pd.DataFrame:
    """Refunds, a giant and free orders."""
    return often_free(with_a_giant(refunded(frame)))


def _free(frame: pd.DataFrame, rows: pd.Series) -> pd.DataFrame:
    return frame.assign(amount=frame["amount"].where(~rows, 0.0), discount=frame["discount"].where(~rows, 0.0))


def _sorted(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.sort_values(["purchased_at", "customer_id", "order_id"], kind="stable", ignore_index=True)


def _config(count_free: bool, *horizons: int) -> Config:
    data = {"timezone": ZONE, "currency": "USD", "purchases": mapped(count_free=count_free)}
    return config_of(list(horizons), data=data)


@cache
def said_of(change: Change, seed: int = 3, count_free: bool = False) -> Scored:
    """What the product's own model says of a changed shop, whatever its grade."""
    config = _config(count_free, *HORIZONS)
    ledger = Ledger.from_frame(change(purchases(150, 300, seed)), config)
    model = fit_model(ledger, config).model
    return scored(ledger, replace(model, speaker="regulars", value_speaker="regulars"), config)


def assert_sound(found: Scored) -> None:
    """Every number is finite, chances are chances, bounds are in order, and horizons agree for every customer."""
    scores, long = found.scores, found.horizons
    assert long is not None
    for column in (*MONEY, *CHANCES, "expected_orders"):
        assert np.isfinite(scores[column]).all(), column
    for column in CHANCES:
        assert scores[column].between(0, 1).all(), column
    assert (scores["spend_low"] <= scores["spend_high"]).all()
    assert (scores["lifetime_low"] <= scores["lifetime_high"]).all()
    rows = long.sort_values(["customer_id", "horizon_days"], kind="stable")
    by = {name: rows[name].to_numpy().reshape(-1, len(HORIZONS)) for name in ("p_churn", "expected_orders")}
    gross = rows["expected_gross"].to_numpy().reshape(-1, len(HORIZONS))
    assert (np.diff(by["p_churn"], axis=1) <= 1e-12).all()
    assert (np.diff(by["expected_orders"], axis=1) >= -1e-9).all()
    assert (np.diff(gross, axis=1) >= -1e-9 * np.abs(gross).max()).all()
    assert (by["expected_orders"] >= 1 - by["p_churn"] - 1e-9).all()
    primary = long[long["horizon_days"] == HORIZONS[0]].set_index("customer_id")
    same = scores[scores["basis"] == "purchases"].set_index("customer_id")
    for column in ("p_churn", "expected_orders", "expected_spend"):
        np.testing.assert_array_equal(primary.loc[same.index, column], same[column])


def test_refunds_a_giant_and_free_orders_together_give_sound_scores_at_every_horizon() -> None:
    assert_sound(said_of(all_at_once))


def test_five_years_on_ten_months_of_history_are_carried_and_say_at_what_they_were_trained() -> None:
    long = said_of(all_at_once).horizons
    assert long is not None
    trained = long.groupby("horizon_days")["trained_days"].unique().map(list).to_dict()
    # Ten months: two windows of 30 and of 14 days have closed, none of 1,825.
    assert trained[30] == [30]
    assert trained[14] == [14]
    assert len(trained[1825]) == 1
    assert trained[1825][0] < 300


def test_the_giant_does_not_make_the_others_rich() -> None:
    scores = said_of(all_at_once).scores.sort_values("expected_spend")
    # They paid about 25 an order, he ten thousand times that.
    assert scores["expected_spend"].iloc[:-1].max() < 0.01 * scores["expected_spend"].iloc[-1]
    assert concentration(scores["expected_spend"].to_numpy()).n == 1


@pytest.mark.soak
def test_in_another_unit_of_money_every_amount_is_scaled_and_nothing_else_changes() -> None:
    plain, cents = said_of(all_at_once).scores, said_of(lambda frame: in_cents(all_at_once(frame))).scores
    money = (*MONEY, "lifetime_value_ever", "spend")
    for column in money:
        np.testing.assert_allclose(cents[column], 100 * plain[column], rtol=1e-9, err_msg=column)
    rest = plain.columns.difference([*money, "reasons"])
    pd.testing.assert_frame_equal(cents[rest], plain[rest], check_exact=False, rtol=1e-9)


@pytest.mark.soak
@pytest.mark.parametrize("change", [refunded, with_a_giant, often_free, repeats_free])
@pytest.mark.parametrize("seed", [3, 4, 5])
def test_every_kind_of_hard_money_gives_sound_scores(change: Change, seed: int) -> None:
    assert_sound(said_of(change, seed, count_free=change in (often_free, repeats_free)))


def test_where_nothing_is_worth_anything_it_is_said_and_what_to_look_at() -> None:
    config = _config(True, 30)
    frame = purchases(150, 300, 3, returns=False)
    free = _free(frame, frame["customer_id"].notna())
    with pytest.raises(NotEnoughData) as refused:
        fit_model(Ledger.from_frame(free, config), config)
    assert "amount" in str(refused.value)


@pytest.mark.soak
def test_where_no_window_holds_any_money_the_expected_spend_is_0_and_it_is_said() -> None:
    # First orders are paid for, and lie before any window of a customer at risk; all later ones are free.
    config = _config(True, 30)
    ledger = Ledger.from_frame(repeats_free(purchases(150, 300, 3, returns=False), "2030"), config)
    model = fit_model(ledger, config).model
    scores = scored(ledger, replace(model, speaker="regulars", value_speaker="regulars"), config).scores
    assert (scores["expected_spend"] == 0).all()
    assert scores["p_churn"].nunique() > 50
    assert "nobody spent anything" in model.value.words
