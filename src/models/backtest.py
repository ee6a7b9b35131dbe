"""The examination: rolling origins at which everything is learnt anew and judged on the window that follows.

In: samples (rows with labels) and origins. Out: figures per origin and pooled, with intervals paired by customer, the
out-of-time predictions behind them, and how much better the product's model is than each rival. Rivals that could not
be fitted have figures of None.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..clock import Cutoff
from ..features.panel import Label
from . import metrics
from .boosted import Boosted
from .ensemble import Progress, Recipe
from .metrics import Resampling
from .model import Fitted, fit
from .naive import NaiveChurn, NaiveValue
from .sample import Sample
from .splits import Origin

Float64 = NDArray[np.float64]
MODELS = ("regulars", "xgb_panel", "bg_nbd", "pareto_nbd", "naive")
Sampler = Callable[[Label], Sample]
"""Gives all rows with the labels that were known by a day."""


@dataclass(frozen=True)
class Judged:
    """What one origin gave: its predictions, and the smallest value prediction that counts."""

    origin: Origin
    predictions: pd.DataFrame
    floor: float
    trained_rows: int


@dataclass(frozen=True)
class Backtest:
    """Figures as a JSON-safe dictionary, and the out-of-time predictions behind them."""

    figures: dict[str, Any]
    predictions: pd.DataFrame

    def table(self) -> pd.DataFrame:
        """A row per origin (and one for all) and model: the main figures."""
        rows = []
        for part in (*self.figures["origins"], self.figures["pooled"]):
            for name in MODELS:
                churn, value = part["churn"][name], part["value"][name]
                rows.append(
                    {
                        "origin": part.get("cutoff", "all"),
                        "model": name,
                        **{k: churn[k] for k in ("log_loss", "auc", "brier", "ece")},
                        **{k: value[k] for k in ("tweedie_deviance", "gini", "bias")},
                    }
                )
        table = pd.DataFrame(rows)
        return table.astype(dict.fromkeys(table.columns[2:], np.float64))

    def __str__(self) -> str:
        return str(self.table().to_string(index=False, na_rep="-", float_format="{:.4f}".format))

    def _repr_html_(self) -> str:
        return str(self.table().to_html(index=False, na_rep="-", float_format="{:.4f}".format))


def judge(train: Sample, now: Sample, origin: Origin, recipe: Recipe, progress: Progress | None = None) -> Judged:
    """Learn everything from matured rows and predict the origin's rows, for all models."""
    fitted = fit(train, now, recipe, progress)
    h, floor = now.horizon_days, 0.01 * float(np.maximum(train.spend, 0).mean())
    rule = NaiveChurn.fit(train.panel.recency_days, train.churned, h)
    spend_rule = NaiveValue.fit(train.trailing, train.spend_per_day, train.spend, h, floor)
    columns: dict[str, object] = {
        "cutoff": str(origin.cutoff),
        "customer_id": now.panel.customer_id,
        "churned": now.churned,
        "spend": now.spend,
        "orders": now.orders,
    }
    for name, p in _churn(fitted, now, rule).items():
        columns[f"p_churn_{name}"] = p
    for name, mu in _value(fitted, now, spend_rule).items():
        columns[f"value_{name}"] = mu
    return Judged(origin, pd.DataFrame(columns), floor, train.n_rows)


def _churn(fitted: Fitted, now: Sample, rule: NaiveChurn) -> dict[str, Float64]:
    return {
        "regulars": fitted.churn.p_churn(now),
        "xgb_panel": metrics.sigmoid(fitted.churn.ensemble.link("plain", now)),
        "bg_nbd": now.prior.bg_silent,
        "pareto_nbd": now.prior.pareto_silent,
        "naive": rule.p_churn(now.panel.recency_days),
    }


def _value(fitted: Fitted, now: Sample, rule: NaiveValue) -> dict[str, Float64]:
    return {
        "regulars": fitted.value.expected_spend(now),
        "xgb_panel": fitted.value.member("plain", now),
        "bg_nbd": now.prior.bg_orders * now.prior.value,
        "pareto_nbd": now.prior.pareto_orders * now.prior.value,
        "naive": rule.value(now.trailing, now.spend_per_day, now.horizon_days),
    }


def backtest(
    sampler: Sampler,
    origins: Sequence[Origin],
    label_of: Callable[[Cutoff], Label],
    recipe: Recipe,
    progress: Progress | None = None,
) -> Backtest:
    """Judge every origin, then pool.

    Parameters
    ----------
    sampler : callable
        From a label to all rows of all needed cutoffs.
    origins : sequence of Origin
    label_of : callable
        From the day on which one trains to the label that was known then.
    """
    judged = []
    for number, origin in enumerate(origins):

        def told(what: str, share: float, number: int = number) -> None:
            if progress:
                progress(f"backtest {number + 1} of {len(origins)}: {what}", share)

        train = sampler(label_of(origin.cutoff)).at(origin.training)
        now = sampler(Label(train.horizon_days)).at((origin.cutoff,))
        judged.append(judge(train, now, origin, recipe, told))
        told("done", 1.0)
    horizon = sampler(label_of(origins[0].cutoff)).horizon_days
    predictions = pd.concat([j.predictions for j in judged], ignore_index=True)
    floor = float(np.mean([j.floor for j in judged]))
    figures: dict[str, object] = {
        "horizon_days": horizon,
        "origins": [
            {
                "cutoff": str(j.origin.cutoff),
                "n": len(j.predictions),
                "base_rate": float(j.predictions["churned"].mean()),
                "trained_rows": j.trained_rows,
                "trained_cutoffs": [str(c) for c in j.origin.training],
                "trained_horizons": [horizon],
                "overlapping": j.origin.overlapping,
                **_figures(j.predictions, j.floor, recipe.seed),
            }
            for j in judged
        ],
        "pooled": {
            "trained_horizons": [horizon],
            "n": len(predictions),
            "base_rate": float(predictions["churned"].mean()),
            **_figures(predictions, floor, recipe.seed),
        },
        "gain": _gains(predictions, floor, recipe.seed),
        "notes": [],
    }
    return Backtest(figures, predictions)


def _figures(frame: pd.DataFrame, floor: float, seed: int) -> dict[str, dict[str, dict[str, object]]]:
    """Churn and value figures of every model with their intervals."""
    y, spend = frame["churned"].to_numpy(np.float64), frame["spend"].to_numpy(np.float64)
    customer = frame["customer_id"].to_numpy(object)
    drawn = Resampling(customer, seed)
    churn: dict[str, dict[str, object]] = {}
    value: dict[str, dict[str, object]] = {}
    for name in MODELS:
        p, mu = frame[f"p_churn_{name}"].to_numpy(np.float64), frame[f"value_{name}"].to_numpy(np.float64)
        if np.isnan(p).any():
            churn[name] = {**dict.fromkeys(CHURN_FIGURES), "ci": {}}
        else:
            churn[name] = {**metrics.churn_figures(y, p), "ci": _churn_intervals(drawn, y, p)}
        if np.isnan(mu).any():
            value[name] = {**dict.fromkeys(VALUE_FIGURES), "ci": {}}
        else:
            figures = metrics.value_figures(spend, mu, floor, customer)
            value[name] = {**figures, "ci": _value_intervals(drawn, spend, mu, floor)}
    return {"churn": churn, "value": value}


CHURN_FIGURES = ("log_loss", "auc", "pr_auc", "brier", "ece")
VALUE_FIGURES = ("tweedie_deviance", "gini", "top_decile_capture", "bias", "mae", "wape", "spearman")


def _churn_intervals(drawn: Resampling, y: Float64, p: Float64) -> dict[str, list[float] | None]:
    return {
        "log_loss": _listed(drawn.mean_interval(metrics.log_losses(y, p))),
        "brier": _listed(drawn.mean_interval(np.square(y - p))),
        "auc": _listed(drawn.interval(metrics.auc_of(y, p))),
    }


def _value_intervals(drawn: Resampling, y: Float64, mu: Float64, floor: float) -> dict[str, list[float] | None]:
    deviances = metrics.deviance(y, np.maximum(mu, floor)) if floor > 0 else None
    return {
        "tweedie_deviance": None if deviances is None else _listed(drawn.mean_interval(deviances)),
        "mae": _listed(drawn.mean_interval(np.abs(y - mu))),
        "bias": _listed(drawn.mean_interval(mu, y)) if y.sum() > 0 else None,
        "gini": _listed(drawn.interval(metrics.gini_of(y, mu))),
    }


def _gains(frame: pd.DataFrame, floor: float, seed: int) -> dict[str, dict[str, dict[str, object]]]:
    """By how many percent the product's log loss and deviance are smaller than each rival's, paired by customer."""
    y, spend = frame["churned"].to_numpy(np.float64), frame["spend"].to_numpy(np.float64)
    drawn = Resampling(frame["customer_id"].to_numpy(object), seed)

    def gain(ours: Float64, theirs: Float64) -> tuple[float | None, list[float] | None]:
        if np.isnan(theirs).any() or theirs.sum() <= 0:
            return None, None
        found = _listed(drawn.mean_interval(theirs - ours, theirs))
        return float(100 * (theirs - ours).sum() / theirs.sum()), None if found is None else [100 * f for f in found]

    losses = {m: metrics.log_losses(y, frame[f"p_churn_{m}"].to_numpy(np.float64)) for m in MODELS}
    least = max(floor, 1e-9)
    costs = {m: metrics.deviance(spend, np.maximum(frame[f"value_{m}"].to_numpy(np.float64), least)) for m in MODELS}
    out: dict[str, dict[str, dict[str, object]]] = {"churn": {}, "value": {}}
    for name in MODELS[1:]:
        percent, interval = gain(losses["regulars"], losses[name])
        out["churn"][name] = {"log_loss_gain_percent": percent, "ci": interval}
        percent, interval = gain(costs["regulars"], costs[name])
        out["value"][name] = {"deviance_gain_percent": percent, "ci": interval}
    return out


def _listed(interval: tuple[float, float] | None) -> list[float] | None:
    return None if interval is None else list(interval)


def importance(boosters: Sequence[Boosted]) -> dict[str, float]:
    """Each feature's share of the gain, averaged over boosters, largest first."""
    shares: dict[str, float] = {}
    for booster in boosters:
        gains = booster.gain()
        total = sum(gains.values())
        for name, gain in gains.items():
            shares[name] = shares.get(name, 0.0) + gain / total / len(boosters)
    return dict(sorted(shares.items(), key=lambda item: (-item[1], item[0])))
