"""The figures of out-of-time rows: churn and value of every model, with intervals, and what is not defined and why.

In: one frame of rows (outcomes, and a column per model and target), the least value prediction that counts. Out:
JSON-safe mappings by model. A model without a prediction of every row has figures of None; so has every figure that the
truth does not define (one class, nothing spent); `undefined` says which and why.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from . import metrics
from .grade import Gain
from .metrics import Resampling
from .speakers import MODELS

Float64 = NDArray[np.float64]
ByModel = dict[str, dict[str, object]]
CHURN_FIGURES = ("log_loss", "auc", "pr_auc", "brier", "ece", "level_loss")
VALUE_FIGURES = (
    *("tweedie_deviance", "gini", "top_decile_capture", "bias", "mae", "wape", "spearman", "level_deviance"),
)
LEVELS = (
    ("churn", "level_loss", "at no origin did some customers buy and others not"),
    ("value", "level_deviance", "at no origin was anything spent"),
)
"""The figures that every origin has of its own, and why there are none of all."""
LEAST_FLOOR = 1e-9


def column(frame: pd.DataFrame, name: str) -> Float64:
    """A column as floats."""
    return np.asarray(frame[name].to_numpy(np.float64))


def log_losses(frame: pd.DataFrame) -> dict[str, Float64]:
    """Log loss per row, by model; NaN where a model has no prediction."""
    y = column(frame, "churned")
    return {name: metrics.log_losses(y, column(frame, f"p_churn_{name}")) for name in MODELS}


def deviances(frame: pd.DataFrame, floor: Float64) -> dict[str, Float64]:
    """Tweedie deviance per row, by model; NaN where a model has no prediction."""
    spend, least = column(frame, "spend"), np.maximum(floor, LEAST_FLOOR)
    return {name: metrics.deviance(spend, np.maximum(column(frame, f"value_{name}"), least)) for name in MODELS}


def churn_card(frame: pd.DataFrame, drawn: Resampling) -> ByModel:
    """Churn figures of every model with their intervals."""
    y = column(frame, "churned")

    def card(p: Float64) -> dict[str, object]:
        if np.isnan(p).any():
            return {**dict.fromkeys(CHURN_FIGURES), "ci": {}}
        return {**metrics.churn_figures(y, p), "ci": _churn_intervals(drawn, y, p)}

    return {name: card(column(frame, f"p_churn_{name}")) for name in MODELS}


def value_card(frame: pd.DataFrame, floor: Float64, drawn: Resampling) -> ByModel:
    """Value figures of every model with their intervals.

    Parameters
    ----------
    floor : ndarray of shape (n_rows,)
        The least prediction that counts in the deviance; 0 where nothing was spent in training.
    """
    spend, customer = column(frame, "spend"), frame["customer_id"].to_numpy(object)

    def card(mu: Float64) -> dict[str, object]:
        if np.isnan(mu).any():
            return {**dict.fromkeys(VALUE_FIGURES), "ci": {}}
        return {**metrics.value_figures(spend, mu, floor, customer), "ci": _value_intervals(drawn, spend, mu, floor)}

    return {name: card(column(frame, f"value_{name}")) for name in MODELS}


def _churn_intervals(drawn: Resampling, y: Float64, p: Float64) -> dict[str, list[float] | None]:
    return {
        "log_loss": _listed(drawn.mean_interval(metrics.log_losses(y, p))),
        "brier": _listed(drawn.mean_interval(np.square(y - p))),
        "auc": _listed(drawn.interval(metrics.auc_of(y, p))),
    }


def _value_intervals(drawn: Resampling, y: Float64, mu: Float64, floor: Float64) -> dict[str, list[float] | None]:
    least = np.maximum(mu, floor)
    return {
        "tweedie_deviance": _listed(drawn.mean_interval(metrics.deviance(y, least))) if least.min() > 0 else None,
        "mae": _listed(drawn.mean_interval(np.abs(y - mu))),
        "bias": _listed(drawn.mean_interval(mu, y)) if y.sum() > 0 else None,
        "gini": _listed(drawn.interval(metrics.gini_of(y, mu))),
    }


def _listed(interval: tuple[float, float] | None) -> list[float] | None:
    return None if interval is None else list(interval)


def pooled_level(
    cards: Sequence[Mapping[str, Mapping[str, object]]],
    sizes: Sequence[int],
    pooled: Mapping[str, Mapping[str, object]],
    figure: str,
) -> ByModel:
    """Pooled cards with a level figure that is each origin's own: the mean over rows of the origins that define it.

    Models without predictions at some origin, whose pooled cards are empty, are left out.

    Examples
    --------
    >>> cards = [{"naive": {"level_loss": 0.1}}, {"naive": {"level_loss": 0.4}}, {"naive": {"level_loss": None}}]
    >>> pooled_level(cards, [10, 20, 70], {"naive": {"level_loss": 9.9, "ece": 0.2}}, "level_loss")
    {'naive': {'level_loss': 0.3, 'ece': 0.2}}
    """
    found: ByModel = {}
    for name, card in pooled.items():
        values = [(n, v) for n, c in zip(sizes, cards, strict=True) if isinstance(v := c[name][figure], float)]
        total = sum(n for n, _ in values)
        if any(v is not None for k, v in card.items() if k != "ci"):
            found[name] = {**card, figure: sum(n * v for n, v in values) / total if total else None}
    return found


def gains(losses: Mapping[str, Float64], customer: NDArray[np.object_], seed: int, key: str) -> ByModel:
    """By how many percent the product's loss is smaller than each rival's, on the rows that the rival has."""
    found: ByModel = {}
    for name in MODELS[1:]:
        rows = np.isfinite(losses[name])
        drawn = Resampling(customer[rows], seed)
        gain = Gain.over(losses[MODELS[0]][rows], losses[name][rows], drawn) if rows.any() else None
        found[name] = {key: gain and gain.percent, "ci": _listed(gain.ci) if gain else None}
    return found


def undefined(frame: pd.DataFrame, part: Mapping[str, ByModel], floor: Float64, horizon_days: int) -> dict[str, str]:
    """Why figures are None: by model, by figure, `ci` for intervals, `money` for the budget."""
    found = {}
    for name in MODELS:
        missing = np.isnan(column(frame, f"p_churn_{name}")) | np.isnan(column(frame, f"value_{name}"))
        if missing.any():
            where = ", ".join(sorted(set(frame["cutoff"].to_numpy(object)[missing])))
            found[name] = f"could not be fitted, or not for {horizon_days} days, at {where}"
    y, spend = column(frame, "churned"), column(frame, "spend")
    if y.min() == y.max():
        words = f"{'nobody' if y[0] else 'everybody'} bought within {horizon_days} days"
        found |= dict.fromkeys(("auc", "pr_auc", "level_loss"), words)
    if not (spend > 0).any():
        found |= dict.fromkeys(("gini", "top_decile_capture", "level_deviance"), "nobody spent anything")
    if not spend.any():
        found["wape"] = "nobody spent anything"
    if spend.sum() <= 0:
        found["bias"] = "what was spent in all is not above 0"
    if not floor.min() > 0:
        found |= dict.fromkeys(("tweedie_deviance", "level_deviance"), "nothing was spent in training")
    cards = [card for kind in ("churn", "value") for name, card in part[kind].items() if name not in found]
    return {**_by_what_is_none(cards), **found}


def _by_what_is_none(cards: Sequence[Mapping[str, object]]) -> dict[str, str]:
    """Reasons that only some models have, or that lie in the draws."""
    found = {}
    for figure, words in (("gini", "everybody spent the same"), ("spearman", "predictions or outcomes are all alike")):
        if any(card.get(figure, 0.0) is None for card in cards):
            found[figure] = words
    intervals = [ends for card in cards if isinstance(card["ci"], dict) for ends in card["ci"].values()]
    if any(ends is None for ends in intervals):
        found["ci"] = "customers are too few, or among some drawn at random the figure is not defined"
    return found


def table(parts: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """A row per part (an origin, or all) and model: the main figures; NaN where one is not defined."""
    origins = [part for part in parts if "cutoff" in part]
    rows = [
        {"origin": part.get("cutoff", "all"), "model": name, **_main_figures(part, origins, name)}
        for part in parts
        for name in MODELS
    ]
    found = pd.DataFrame(rows)
    return found.astype(dict.fromkeys(found.columns[2:], np.float64))


def _main_figures(part: Mapping[str, Any], origins: Sequence[Mapping[str, Any]], name: str) -> dict[str, float | None]:
    churn, value = part["churn"][name], part["value"][name]
    # Of all origins together, those that define a level: where one kind only came there is none to be missed.
    cards = [(p["n"], p["churn"][name]) for p in ([part] if "cutoff" in part else origins)]
    known = [(n * card["level_loss"], n * card["log_loss"]) for n, card in cards if card["level_loss"] is not None]
    return {
        "log_loss": churn["log_loss"],
        "level_share": sum(level for level, _ in known) / sum(whole for _, whole in known) if known else None,
        **{k: churn[k] for k in ("auc", "brier", "ece")},
        **{k: value[k] for k in ("tweedie_deviance", "gini", "bias")},
        "money_per_contact": part["money"][name]["per_contacted"],
    }


SHOWN = {
    "log_loss": ("log loss", "{:.4f}"),
    "level_share": ("level %", "{:.1%}"),
    "auc": ("AUC", "{:.3f}"),
    "brier": ("Brier", "{:.4f}"),
    "ece": ("ECE", "{:.3f}"),
    "tweedie_deviance": ("deviance", "{:.3f}"),
    "gini": ("Gini", "{:.3f}"),
    "bias": ("bias", "{:.2f}"),
    "money_per_contact": ("per contact", "{:,.2f}"),
}


def shown(figures: pd.DataFrame) -> pd.DataFrame:
    """A table as text, with short names, and a dash for what is not defined; all of one origin are that one."""
    if figures["origin"].nunique() == 2:
        figures = figures[figures["origin"] != "all"]
    found = figures[["origin", "model"]].astype(object)
    for name, (title, form) in SHOWN.items():
        found[title] = ["-" if np.isnan(v) else form.format(v).removesuffix("%") for v in figures[name]]
    return found
