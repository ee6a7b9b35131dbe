"""A small, seeded report input with everything in it; the tests change what they are about."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from regulars.models.concentration import concentration, segments
from regulars.reports import ReportInput, render

TIMING = (7, 14, 30, 60, 90)
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


def _foreseen(scores: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    """The rest of the columns: intervals, lifetime, timing, segment, reasons; two newcomers, two prospects."""
    n = len(scores)
    spend = (1 - scores["p_churn"]) * random.gamma(1.0, 80.0, n)
    last = pd.to_datetime(scores["last_purchase"])
    gap = random.integers(5, 60, n)
    full = scores.assign(
        expected_spend=spend,
        basis=np.where(np.arange(n) < 2, "newcomer", "purchases"),
        p_no_spend=scores["p_churn"],
        spend_low=0.0,
        spend_high=spend * 2,
        spend_upper=spend * 2.5,
        lifetime_value=spend * 12,
        lifetime_low=spend * 6,
        lifetime_high=spend * 20,
        lifetime_value_ever=spend * 15,
        **{f"p_purchase_{d}d": (1 - scores["p_churn"]) * min(d / 30, 1.0) for d in TIMING},
        next_order_from=(last + pd.to_timedelta(gap // 2, unit="D")).dt.strftime("%Y-%m-%d"),
        next_order_p50=(last + pd.to_timedelta(gap, unit="D")).dt.strftime("%Y-%m-%d"),
        next_order_until=(last + pd.to_timedelta(gap * 2, unit="D")).dt.strftime("%Y-%m-%d"),
        usual_gap_days=gap.astype(float),
        p_so_late=random.random(n),
        late=scores["recency_days"] > 3 * gap,
        segment=segments(spend.to_numpy(), scores["p_churn"].to_numpy(), concentration(spend.to_numpy()).threshold),
        reasons="28 days later than usual; fewer categories than last quarter",
    )
    unknown = {"customer_id": ["p1", "p2"], "basis": "prospect", "segment": "prospect", "lifetime_value": [5.0, 7.0]}
    return pd.concat([full, pd.DataFrame(unknown)], ignore_index=True).assign(late=lambda s: s["late"].eq(True))


def _horizons(scores: pd.DataFrame) -> pd.DataFrame:
    """Thirty days as in the scores, and a year, learnt at ninety days."""
    known = scores[scores["basis"] != "prospect"]
    near = known[["customer_id", "p_churn", "expected_orders", "expected_spend"]].assign(
        horizon_days=30, trained_days=30
    )
    far = near.assign(p_churn=near["p_churn"] / 2, expected_spend=near["expected_spend"] * 8, horizon_days=365)
    return pd.concat([near, far.assign(trained_days=90)], ignore_index=True)


def _intervals() -> dict[str, object]:
    quintiles = [
        {"quintile": q, "n": 90, "mean_predicted": 10.0 * q, "p_none": 0.6 - 0.1 * q, "share_none": 0.58 - 0.1 * q,
         "coverage": 0.8 + 0.01 * q, "upper_coverage": 0.9, "mean_low": 1.0 * q, "mean_high": 25.0 * q,
         "mean_upper": 30.0 * q}
        for q in range(1, 6)
    ]  # fmt: skip
    return {"level": 0.8, "n": 450, "coverage": 0.83, "upper_coverage": 0.9, "by_quintile": quintiles,
            "calibrated_on": ["2017-04-01", "2017-05-01"], "calibrated_rows": 300, "words": "words"}  # fmt: skip


@pytest.fixture(scope="session")
def full(report: ReportInput) -> ReportInput:
    """The same with everything that may be there."""
    random = np.random.default_rng(8)
    scores = _foreseen(report.scores, random)
    frame = report.predictions
    chances = {f"p_purchase_{d}d": (1 - frame["p_churn_regulars"]) * min(d / 30, 1.0) for d in TIMING}
    bought = {f"bought_{d}d": (random.random(len(frame)) < chances[f"p_purchase_{d}d"]).astype(float) for d in TIMING}
    timing = [
        {"days": d, "n": 450, "log_loss": 0.3, "auc": 0.7, "predicted": 0.1 + d / 200, "actual": 0.12 + d / 200}
        for d in TIMING
    ]
    further = [
        {"horizon_days": 365, "trained_days": [90], "n": 0, "churn": {"auc": None}, "value": {}, "intervals": None}
    ]
    known: Any = report.backtest["pooled"]
    told = {"by_days": timing, "c_index": 0.71}
    pooled = {**known, "intervals": _intervals(), "horizons": further, "timing": told}
    movers = pd.DataFrame(
        {
            "customer_id": ["0003", "0007", "gone"],
            "moved": ["risk, value", "joined", "left"],
            "as_of_before": "2017-08-01",
            "as_of": "2017-09-02",
            "p_churn_before": [0.2, np.nan, 0.9],
            "p_churn": [0.7, 0.1, np.nan],
            "expected_spend_before": [90.0, np.nan, 3.0],
            "expected_spend": [20.0, 30.0, np.nan],
            "segment_before": ["high value, steady", None, "low value, at risk"],
            "segment": ["high value, at risk", "low value, steady", None],
        }
    )
    return replace(
        report,
        scores=scores,
        predictions=frame.assign(**chances, **bought),
        backtest=report.backtest | {"pooled": pooled},
        horizons=_horizons(scores),
        movers=movers,
        moved={
            "since": "2017-08-01",
            "joined": 1,
            "left": 1,
            "segment": 1,
            "listed": 3,
            "words": "since then 1 joined",
        },
        lifetime={
            "horizon_days": 1095,
            "discount_rate": 0.1,
            "margin": 0.3,
            "warnings": ["less than two years", "a second", "a third"],
            "total": {"low": 800, "high": 1300, "level": 0.9},
        },
    )


@pytest.fixture(scope="session")
def full_html(full: ReportInput) -> str:
    return render(full)
