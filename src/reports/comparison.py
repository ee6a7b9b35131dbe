"""What the backtest says about the models: figures, intervals, gains; who is the best classical model.

In: the backtest's nested mappings. Out: plain tuples and names. A missing figure is None and never wins.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from .inputs import PRODUCT, ReportInput, branch, entries, interval, number
from .notation import MODEL_NAMES, model_name
from .panels import Gain

CLASSICS = ("bg_nbd", "pareto_nbd")
RULE = "naive"
ORDER = (PRODUCT, "xgb_panel", "bg_nbd", "pareto_nbd", RULE)


@dataclass(frozen=True)
class Metric:
    """A figure of the backtest: key, name, decimals and ideal (minus infinity: the lower the better)."""

    key: str
    name: str
    digits: int
    ideal: float

    def loss(self, value: float) -> float:
        """How far a value is from the ideal."""
        return value if math.isinf(self.ideal) else abs(value - self.ideal)


CHURN_METRICS = (
    Metric("log_loss", "Log loss", 4, 0),
    Metric("auc", "AUC", 3, 1),
    Metric("pr_auc", "PR AUC", 3, 1),
    Metric("brier", "Brier", 4, 0),
    Metric("ece", "ECE", 3, 0),
)
VALUE_METRICS = (
    Metric("tweedie_deviance", "Tweedie deviance", 3, -math.inf),
    Metric("gini", "Gini", 3, 1),
    Metric("top_decile_capture", "Top-tenth capture", 3, 1),
    Metric("bias", "Bias", 2, 1),
    Metric("wape", "WAPE", 3, 0),
    Metric("spearman", "Spearman", 3, 1),
    Metric("mae", "MAE", 2, 0),
)


def known_models(figures: Mapping[str, object]) -> list[str]:
    """The models of a branch of the backtest, the product first, the simple rule last of the known ones.

    Examples
    --------
    >>> known_models({"naive": {}, "other": {}, "regulars": {}})
    ['regulars', 'naive', 'other']
    """
    return sorted(figures, key=lambda m: (ORDER.index(m) if m in ORDER else len(ORDER), m))


def best(figures: Mapping[str, object], metric: Metric, models: list[str]) -> str | None:
    """The model nearest to the metric's ideal among some, None when nobody has the figure.

    Examples
    --------
    >>> best({"a": {"bias": 1.2}, "b": {"bias": 0.9}, "c": {"bias": None}}, VALUE_METRICS[3], ["a", "b", "c"])
    'b'
    """
    losses = {m: metric.loss(v) for m in models if (v := number(branch(figures, m).get(metric.key))) is not None}
    return min(losses, key=lambda m: losses[m]) if losses else None


def best_classic(report: ReportInput, target: str = "churn") -> str | None:
    """The better of the two BTYD models in the pooled backtest; without figures, the first."""
    figures = branch(report.backtest, "pooled", target)
    metric = CHURN_METRICS[0] if target == "churn" else VALUE_METRICS[0]
    return best(figures, metric, [m for m in CLASSICS if m in figures]) or CLASSICS[0]


def gains(report: ReportInput, target: str = "churn") -> list[Gain]:
    """How much better, in per cent, the product is than each other known model, where it was measured."""
    found = branch(report.backtest, "gain", target)
    result = []
    for other in (m for m in known_models(found) if m in MODEL_NAMES):
        about = branch(found, other)
        key = next((k for k in about if k.endswith("_gain_percent")), None)
        value = number(about[key]) if key is not None else None
        if value is not None:
            result.append(Gain(model_name(other), value, interval(about.get("ci"))))
    return result


def gain_over(report: ReportInput, other: str | None, target: str = "churn") -> Gain | None:
    """The gain over one model, None when it was not measured."""
    return next((g for g in gains(report, target) if other is not None and g.name == model_name(other)), None)


def origins(report: ReportInput) -> list[dict[str, object]]:
    """The backtest's origins, oldest first."""
    return sorted(entries(report.backtest.get("origins")), key=lambda o: str(o.get("cutoff")))
