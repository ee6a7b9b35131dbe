"""The one rule for everything learnt: what happens at or after the cutoff changes no prediction, in any bit."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from regulars.clock import Cutoff
from regulars.config import Config
from regulars.intake import Ledger
from regulars.models.backtest import MODELS
from regulars.pipelines.backtest import run_backtest

CUTOFF = "2023-09-01"
COLUMNS = {"quantity": "quantity", "category": "category", "product_id": "product_id", "discount": "discount"}


def purchases(seed: int, customers: int = 260, days: int = 330) -> pd.DataFrame:
    """Customers with rates of their own who stop at times of their own; one in twelve lines is a return."""
    draw = np.random.default_rng(seed)
    rows = []
    for who in range(customers):
        day, stops = float(draw.integers(0, 120)), float(draw.exponential(260)) + 20
        first, pace = day, 5 + draw.gamma(2.0, 12.0)
        while day < min(days, first + stops):
            for _ in range(int(draw.integers(1, 4))):
                money = round(float(draw.gamma(2.0, 9.0)) + 0.5, 2) * (-1 if draw.random() < 1 / 12 else 1)
                rows.append((f"c{who:03d}", day, money, int(draw.integers(1, 4)), int(draw.integers(0, 9))))
            day += float(draw.exponential(pace)) + 0.01
    frame = pd.DataFrame(rows, columns=["customer_id", "day", "amount", "quantity", "product"])
    start = pd.Timestamp("2023-01-01", tz="UTC")
    return frame.assign(
        purchased_at=(start + pd.to_timedelta((frame["day"] * 86400).round(), unit="s")).dt.floor("s"),
        product_id="p" + frame["product"].astype(str),
        category="k" + (frame["product"] // 3).astype(str),
        discount=(frame["product"] % 3) * 0.25,
    ).drop(columns=["day", "product"])


def config() -> Config:
    return Config.of(horizon_days=28, purchases=dict(COLUMNS), tuning={"trials": 2}, engine={"threads": 1}, seed=7)


def noisy(frame: pd.DataFrame, seed: int) -> pd.DataFrame:
    """The rows at or after the cutoff replaced by extreme ones of old and new customers, up to the same last day."""
    at = pd.Timestamp(CUTOFF, tz="UTC")
    past, future = frame[frame["purchased_at"] < at], frame[frame["purchased_at"] >= at]
    draw = np.random.default_rng(seed)
    n = len(future)
    whose = np.where(draw.random(n) < 0.5, frame["customer_id"].sample(n, replace=True, random_state=seed), "stranger")
    span = int((future["purchased_at"].max() - at).total_seconds())
    when = at + pd.to_timedelta(np.append(draw.integers(0, span, n - 1), span), unit="s")
    poison = future.assign(
        customer_id=whose,
        purchased_at=when,
        amount=draw.choice([-99999.0, 0.0, 123456.78], n),
        quantity=1000,
        category="poison",
        product_id="poison",
        discount=9999.0,
    )
    return pd.concat([past, poison.assign(purchased_at=poison["purchased_at"].astype(past["purchased_at"].dtype))])


@pytest.fixture(scope="module")
def predictions() -> pd.DataFrame:
    found = run_backtest(Ledger.from_frame(purchases(1), config()), config(), Cutoff.parse(CUTOFF))
    return found.predictions.set_index("customer_id")


@pytest.mark.parametrize("seed", [2, 3])
def test_noise_after_the_cutoff_leaves_every_prediction_of_every_model_bit_identical(
    predictions: pd.DataFrame, seed: int
) -> None:
    changed = noisy(purchases(1), seed)
    other = run_backtest(Ledger.from_frame(changed, config()), config(), Cutoff.parse(CUTOFF)).predictions
    other = other.set_index("customer_id")
    columns = [f"{kind}_{name}" for kind in ("p_churn", "value") for name in MODELS]
    assert list(other.index) == list(predictions.index)
    assert not other["spend"].equals(predictions["spend"])  # the noise did reach the outcomes
    for column in columns:
        np.testing.assert_array_equal(other[column].to_numpy(), predictions[column].to_numpy(), err_msg=column)


def test_shuffled_purchases_leave_every_prediction_bit_identical(predictions: pd.DataFrame) -> None:
    shuffled = purchases(1).sample(frac=1.0, random_state=5)
    other = run_backtest(Ledger.from_frame(shuffled, config()), config(), Cutoff.parse(CUTOFF)).predictions
    pd.testing.assert_frame_equal(other.set_index("customer_id"), predictions, check_exact=True)


def test_rows_known_only_after_the_cutoff_leave_every_prediction_bit_identical() -> None:
    """A row that happened before the cutoff but became known at it or later is not known there."""
    at = pd.Timestamp(CUTOFF, tz="UTC")
    frame = purchases(1).assign(known_at=lambda f: f["purchased_at"])
    draw = np.random.default_rng(4)
    late = frame[frame["purchased_at"] < at].sample(200, random_state=4)
    late = late.assign(amount=5555.0, known_at=at + pd.to_timedelta(draw.integers(0, 9, len(late)), unit="D"))
    late["known_at"] = late["known_at"].astype(frame["known_at"].dtype)
    settings = Config.of(
        horizon_days=28,
        purchases={**COLUMNS, "known_at": "known_at"},
        tuning={"trials": 0},
        engine={"threads": 1},
    )
    found = [
        run_backtest(Ledger.from_frame(f, settings), settings, Cutoff.parse(CUTOFF)).predictions
        for f in (frame, pd.concat([frame, late]))
    ]
    columns = ["customer_id", *(f"{kind}_{name}" for kind in ("p_churn", "value") for name in MODELS)]
    pd.testing.assert_frame_equal(found[0][columns], found[1][columns], check_exact=True)
