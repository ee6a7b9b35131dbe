"""A small, seeded report input with everything in it; the tests change what they are about."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from regulars.reports import ReportInput, render

MODELS = ("regulars", "xgb_panel", "bg_nbd", "pareto_nbd", "naive")
CUTOFFS = ("2017-06-04", "2017-07-04", "2017-08-03")


def _predictions(random: np.random.Generator, n: int) -> pd.DataFrame:
    frames = []
    for cutoff in CUTOFFS:
        p = random.beta(1, 5, n)
        churned = (random.random(n) < p).astype(int)
        frame = pd.DataFrame(
            {
                "cutoff": cutoff,
                "customer_id": [f"{i:04d}" for i in range(n)],
                "churned": churned,
                "spend": np.where(churned == 1, 0.0, random.gamma(2, 40, n)).round(2),
            }
        )
        for i, model in enumerate(MODELS):
            frame[f"p_churn_{model}"] = np.clip(p + random.normal(0, 0.02 * i, n), 0, 1)
            frame[f"value_{model}"] = (1 - p) * random.gamma(2, 40, n)
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)


def _scores(random: np.random.Generator, n: int) -> pd.DataFrame:
    p, recency, orders = random.beta(1, 5, n), random.integers(1, 200, n), random.integers(1, 40, n)
    last = pd.Timestamp("2017-09-02") - pd.to_timedelta(recency, unit="D")
    return pd.DataFrame(
        {
            "customer_id": [f"{i:04d}" for i in range(n)],
            "as_of": "2017-09-02",
            "horizon_days": 30,
            "p_churn": p,
            "expected_orders": (1 - p) * 2,
            "expected_spend": (1 - p) * 80,
            "recency_days": recency,
            "orders": orders,
            "spend": (orders * random.gamma(4, 10, n)).round(2),
            "last_purchase": last.strftime("%Y-%m-%d"),
            "model": "regulars",
        }
    )


def _backtest(n: int) -> dict[str, object]:
    ends = {"log_loss": [0.30, 0.34], "auc": [0.80, 0.86], "ece": None}
    churn = {
        m: {"log_loss": 0.32 + 0.01 * i, "auc": 0.84 - 0.01 * i, "pr_auc": None, "brier": 0.08, "ece": 0.02, "ci": ends}
        for i, m in enumerate(MODELS)
    }
    value = {
        m: {"tweedie_deviance": 9.0 + i, "gini": 0.7, "top_decile_capture": 0.4, "bias": 1.1, "mae": 30.0, "ci": {}}
        for i, m in enumerate(MODELS)
    }
    gain = {
        "churn": {
            m: {"log_loss_gain_percent": 5.0 * i, "ci": [5.0 * i - 2, 5.0 * i + 2]}
            for i, m in enumerate(MODELS)
            if i > 0
        },
        "value": {"naive": {"tweedie_deviance_gain_percent": -3.0, "ci": [-5.0, -1.0]}},
    }  # fmt: skip
    origins = [{"cutoff": c, "n": n, "base_rate": 0.17, "churn": churn, "value": value} for c in CUTOFFS]
    return {"horizon_days": 30, "origins": origins, "pooled": {"churn": churn, "value": value}, "gain": gain}


def _manifest() -> dict[str, object]:
    return {
        "lines": {"read": 1000, "used": 950, "guest": 30, "merged": 15, "quarantined": 5, "dropped": 0},
        "money": {"read": "900.5000", "used": "800.0000", "guest": "70.5", "merged": "30", "quarantined": "0"},
        "n_customers": 150,
        "n_orders": 700,
        "first_day": "2017-01-01",
        "last_day": "2017-09-01",
        "columns": ["customer_id", "purchased_at", "amount"],
        "repairs": [{"what": "spaces around ids", "count": 12, "example": "' 17'"}],
        "notes": {"late": "3 lines arrived later"},
        "fingerprint": "sha256 5f1c",
        "sources": [
            {"file": "/home/somebody/secret folder/lines.csv", "sha256": "5f1c", "lines": 1000},
            "postgresql://user:pass@host/shop",
        ],
        "months": [{"month": f"2017-0{m}", "orders": 80 + m, "customers": 50, "revenue": "99.50"} for m in range(1, 9)],
    }  # fmt: skip


@pytest.fixture(scope="session")
def report() -> ReportInput:
    random = np.random.default_rng(7)
    features = [
        {"name": "recency_days", "meaning": "days since the last purchase", "unit": "days", "gain_share": 0.7},
        {"name": "orders_90d", "meaning": "purchases in the last 90 days", "unit": "orders", "gain_share": 0.3},
    ]
    return ReportInput(
        title="Who is about to leave",
        as_of="2017-09-02",
        horizon_days=30,
        currency="USD",
        manifest=_manifest(),
        backtest=_backtest(150),
        predictions=_predictions(random, 150),
        scores=_scores(random, 150),
        features=features,
        model={"name": "regulars", "version": "3", "run_id": "8d2f7c", "created": "2017-09-02"},
    )


@pytest.fixture(scope="session")
def html(report: ReportInput) -> str:
    return render(report)
