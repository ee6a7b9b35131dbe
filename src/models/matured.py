"""Matured scores: what came of published scores when their windows had closed, beside what the backtest promised.

In: the scores of a run with what its customers did then. Out: figures of a run, and of a model's version by month, with
90 % intervals by customer; no ids. Weekly runs have much the same customers in much the same window: the interval of a
month is as wide as that of one of its runs. What the outcome does not define (one class, nothing spent) is None.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from . import metrics
from .learnt import LEAST_OF_MEAN
from .metrics import Resampling

Float64 = NDArray[np.float64]
Ends = tuple[float, float] | None
Weighted = Callable[[Float64], float | None]
"""A figure of the rows' weights."""

SCORED = (
    *("customer_id", "p_churn", "expected_spend", "spend_low", "spend_high"),
    *("recency_days", "model", "value_model"),
)
"""Columns of the scores that are looked at."""
CAME = ("churned", "came", "trailing")
"""What is added to them: 1 where nothing was bought in the window; spend in it; spend in as many days before."""
RESAMPLED = 50_000
"""Intervals that need resampling come from at most so many customers: with more they would be wider than need be."""
FIGURES = ("auc", "log_loss", "ece", "gap", "gini", "tweedie_deviance", "bias", "coverage", "top_share")
BESIDE = ("naive_auc", "naive_gini", "naive_top_share", "auc_gain")
ROW = (
    *("run", "as_of", "month", "version", "run_id", "horizon_days", "closed_on", "speaker", "value_speaker"),
    *("n", "forgotten", "churned", "told", "spent", "expected", "before", "top_spent"),
    *(f"{name}{end}" for name in (*FIGURES, *BESIDE) for end in ("", "_low", "_high")),
)
_TEXTS = ("run", "as_of", "month", "version", "run_id", "closed_on", "speaker", "value_speaker")
_COUNTS = ("horizon_days", "n", "forgotten")


@dataclass(frozen=True)
class Told:
    """Which run it was.

    Parameters
    ----------
    run : str
        Its name.
    as_of, closed_on : str
        ISO dates: of the scores, and from when on what came of them was known.
    version, run_id : str
        Of the model, and of its training.
    horizon_days : int
    """

    run: str
    as_of: str
    closed_on: str
    version: str
    run_id: str
    horizon_days: int


def outcome(told: Told, rows: pd.DataFrame, forgotten: int, seed: int = 0) -> dict[str, object]:
    """The figures of one run, a value per column of `ROW`.

    Parameters
    ----------
    rows : DataFrame
        Columns `SCORED` and `CAME`, a row a customer.
    forgotten : int
        So many scored customers are not in the ledger any more.
    """
    found: dict[str, object] = {
        **vars(told),
        "month": told.as_of[:7],
        "speaker": _only(rows, "model"),
        "value_speaker": _only(rows, "value_model"),
        "n": len(rows),
        "forgotten": forgotten,
    }
    if len(rows):
        rows = rows.sort_values("customer_id", kind="stable", ignore_index=True)
        found |= _churn(rows, seed) | _money(rows, seed)
    return {name: found.get(name) for name in ROW}


def table(outcomes: Sequence[Mapping[str, object]]) -> pd.DataFrame:
    """A row a run, by day, then version; columns `ROW`, NaN where a figure is not defined."""
    frame = pd.DataFrame(list(outcomes), columns=list(ROW))
    numbers = [c for c in ROW if c not in (*_TEXTS, *_COUNTS)]
    kinds = {**dict.fromkeys(_TEXTS, object), **dict.fromkeys(_COUNTS, np.int64), **dict.fromkeys(numbers, np.float64)}
    return frame.astype(kinds).sort_values(["as_of", "run"], kind="stable", ignore_index=True)


def _only(rows: pd.DataFrame, column: str) -> str:
    return str(rows[column].iloc[0]) if len(rows) else ""


def _numbers(rows: pd.DataFrame, *names: str) -> list[Float64]:
    return [np.asarray(rows[name].to_numpy(np.float64)) for name in names]


def _churn(rows: pd.DataFrame, seed: int) -> dict[str, object]:
    y, p, silent = _numbers(rows, "churned", "p_churn", "recency_days")
    drawn = Resampling(np.arange(len(y)).astype(object), seed)
    thin = _Thinned.of(len(y), seed)

    def own(part: NDArray[np.int64]) -> Weighted:
        return metrics.auc_of(y[part], p[part])

    def naive(part: NDArray[np.int64]) -> Weighted:
        return metrics.auc_of(y[part], silent[part])

    return {
        "churned": float(y.mean()),
        "told": float(p.mean()),
        **_figure("log_loss", float(metrics.log_losses(y, p).mean()), drawn.mean_interval(metrics.log_losses(y, p))),
        # Above 0: more fell silent than had been told.
        **_figure("gap", float((y - p).mean()), drawn.mean_interval(y - p)),
        **_figure("ece", metrics.ece(y, p), None),
        **thin.figure("auc", own),
        **thin.figure("naive_auc", naive),
        **thin.figure("auc_gain", lambda part: _less(own(part), naive(part))),
    }


def _money(rows: pd.DataFrame, seed: int) -> dict[str, object]:
    came, told, low, high, trailing = _numbers(rows, "came", "expected_spend", "spend_low", "spend_high", "trailing")
    customer = rows["customer_id"].to_numpy(object)
    drawn, thin = Resampling(np.arange(len(came)).astype(object), seed), _Thinned.of(len(came), seed)
    floor = LEAST_OF_MEAN * float(told.mean())
    costs = metrics.deviance(came, np.maximum(told, floor)) if floor > 0 else None
    known, total = np.isfinite(low) & np.isfinite(high), float(came.sum())
    inside = ((low <= came) & (came <= high))[known].astype(np.float64)
    top = np.lexsort([customer.astype(str), -told])[: -(-len(told) // 10)]
    return {
        "spent": total,
        "expected": float(told.sum()),
        "before": float(trailing.sum()),
        "top_spent": float(came[top].sum()),
        **_figure("top_share", metrics.top_decile_capture(came, told, customer), None),
        **_figure("naive_top_share", metrics.top_decile_capture(came, trailing, customer), None),
        **_figure("bias", float(told.sum()) / total if total > 0 else None, _over(drawn, told, came)),
        **_figure(
            "tweedie_deviance",
            None if costs is None else float(costs.mean()),
            None if costs is None else drawn.mean_interval(costs),
        ),
        **_figure(
            "coverage",
            float(inside.mean()) if known.any() else None,
            Resampling(customer[known], seed).mean_interval(inside) if known.any() else None,
        ),
        **thin.figure("gini", lambda part: metrics.gini_of(came[part], told[part])),
        **thin.figure("naive_gini", lambda part: metrics.gini_of(came[part], trailing[part])),
    }


def _less(one: Weighted, other: Weighted) -> Weighted:
    def figure(weight: Float64) -> float | None:
        a, b = one(weight), other(weight)
        return None if a is None or b is None else a - b

    return figure


def _over(drawn: Resampling, told: Float64, came: Float64) -> Ends:
    return drawn.mean_interval(told, came) if came.sum() > 0 else None


def _figure(name: str, value: float | None, ends: Ends) -> dict[str, float | None]:
    low, high = ends or (None, None)
    return {name: value, f"{name}_low": low, f"{name}_high": high}


@dataclass(frozen=True)
class _Thinned:
    """A figure of all rows, with the interval that some of them have."""

    n: int
    some: NDArray[np.int64]
    seed: int

    @classmethod
    def of(cls, n: int, seed: int) -> _Thinned:
        every = np.arange(n)
        return cls(
            n, every if n <= RESAMPLED else np.sort(np.random.default_rng(seed).permutation(n)[:RESAMPLED]), seed
        )

    def figure(self, name: str, of_rows: Callable[[NDArray[np.int64]], Weighted]) -> dict[str, float | None]:
        value = of_rows(np.arange(self.n))(np.ones(self.n))
        there = of_rows(self.some)
        ends, near = Resampling(self.some.astype(object), self.seed).interval(there), there(np.ones(len(self.some)))
        if value is None or near is None or ends is None:
            return _figure(name, value, None)
        return _figure(name, value, (value + ends[0] - near, value + ends[1] - near))


def by_month(outcomes: pd.DataFrame) -> pd.DataFrame:
    """A row per version and month of the scores, by month.

    Figures are means over runs, weighted by customers; each interval is as wide as those of the runs are on average.

    Returns
    -------
    DataFrame
        ``version``, ``run_id``, ``month``, ``horizon_days``, ``speaker``, ``value_speaker``, ``runs``, ``first``,
        ``last`` (days of scores), ``n`` (customers of a run, on average), ``forgotten``, and the figures.
    """
    rows = [_together(part) for _, part in outcomes.groupby(["month", "version", "run_id"], sort=True)]
    return pd.DataFrame(rows)


def _together(part: pd.DataFrame) -> dict[str, Any]:
    one = part.iloc[-1]
    same = {name: one[name] for name in ("version", "run_id", "month", "horizon_days", "speaker", "value_speaker")}
    counts = {
        "runs": len(part),
        "first": part["as_of"].min(),
        "last": part["as_of"].max(),
        "n": round(part["n"].mean()),
        "forgotten": int(part["forgotten"].sum()),
    }
    weight = part["n"].to_numpy(np.float64)
    sums = {name: float(part[name].sum()) for name in ("spent", "expected", "before", "top_spent")}
    means = {name: _mean(part[name], weight) for name in ("churned", "told")}
    return {**same, **counts, **means, **sums, **_averages(part, weight)}


def _averages(part: pd.DataFrame, weight: Float64) -> dict[str, float]:
    found = {}
    for name in (*FIGURES, *BESIDE):
        value = _mean(part[name], weight)
        found[name] = value
        for end in ("_low", "_high"):
            found[name + end] = value + _mean(part[name + end] - part[name], weight)
    return found


def _mean(values: pd.Series[Any], weight: Float64) -> float:
    """The weighted mean of what is known; NaN where nothing is."""
    found = values.to_numpy(np.float64)
    known = np.isfinite(found) & (weight > 0)
    return float((found[known] * weight[known]).sum() / weight[known].sum()) if known.any() else float("nan")


PROMISED = {
    "auc": ("churn", "auc"),
    "log_loss": ("churn", "log_loss"),
    "ece": ("churn", "ece"),
    "gini": ("value", "gini"),
    "tweedie_deviance": ("value", "tweedie_deviance"),
    "bias": ("value", "bias"),
    "top_share": ("value", "top_decile_capture"),
}
"""Where a figure stands in a backtest."""


@dataclass(frozen=True)
class Promise:
    """What a backtest promised of a figure.

    Parameters
    ----------
    value : float or None
        Over all days on which one stood.
    low, high : float or None
        How far it went: the 90 % interval, and the single days.
    """

    value: float | None = None
    low: float | None = None
    high: float | None = None


def promised(backtest: Mapping[str, Any], speaker: str, value_speaker: str) -> dict[str, Promise]:
    """What a backtest promised of whoever speaks, by figure; `churned` is the share of those who fell silent.

    Examples
    --------
    >>> card = {"regulars": {"auc": 0.8, "ci": {"auc": [0.77, 0.83]}}}
    >>> part = {"churn": card, "value": {}, "base_rate": 0.4}
    >>> found = promised({"pooled": part, "origins": [{"churn": {"regulars": {"auc": 0.75}}}]}, "regulars", "regulars")
    >>> found["auc"]
    Promise(value=0.8, low=0.75, high=0.83)
    """
    who = {"churn": speaker, "value": value_speaker}
    pooled, origins = backtest["pooled"], backtest["origins"]
    found = {}
    for name, (kind, figure) in PROMISED.items():
        card = pooled[kind].get(who[kind], {})
        days = [origin.get(kind, {}).get(who[kind], {}).get(figure) for origin in origins]
        found[name] = _promise(card.get(figure), (card.get("ci") or {}).get(figure), days)
    found["churned"] = _promise(pooled.get("base_rate"), None, [origin.get("base_rate") for origin in origins])
    held = [origin.get("intervals") for origin in (pooled, *origins)]
    known = [None if one is None else one["coverage"] for one in held]
    # Intervals are those of the product's own model; a rival that speaks of spend has none of its own in the backtest.
    found["coverage"] = _promise(known[0], None, known[1:]) if value_speaker == "regulars" else Promise()
    return found


def _promise(value: float | None, ends: Sequence[float] | None, days: Sequence[float | None]) -> Promise:
    known = [v for v in (value, *(ends or ()), *days) if v is not None]
    return Promise(value, min(known), max(known)) if known else Promise()
