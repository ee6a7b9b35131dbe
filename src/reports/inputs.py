"""What a report is made of, checked once at the door.

In: the ledger's manifest, the backtest, out-of-time predictions, scores, features and the model's card. Out: the same
with frames of known columns and types. A missing column or an impossible probability is a `DataError`; a missing money
figure stays missing (NaN) and is shown as "not defined here"; a figure that is None anywhere is simply None.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation

import numpy as np
import pandas as pd

from ..clock import Cutoff
from ..errors import ConfigError
from .columns import PREDICTION_COLUMNS, numbers, present, probabilities, typed_horizons, typed_movers, typed_scores

FORESEEN = ("p_none", "spend_low", "spend_high", "spend_upper")
PRODUCT = "regulars"
"""The name of the product's own model in the backtest and in the prediction columns."""


@dataclass(frozen=True)
class ReportInput:
    """Everything the report shows.

    Parameters
    ----------
    title : str
    as_of : str
        ISO date of the scores: what was known before it is the past.
    horizon_days : int
    currency : str
        Such as ``USD``; empty when the data do not say.
    manifest : dict
        The ledger's manifest: ``lines`` and ``money`` by fate, ``n_customers``, ``n_orders``, ``first_day``,
        ``last_day``, ``columns``, ``repairs``, ``notes``, ``sources``, ``fingerprint``; optional ``months``, a list of
        ``{"month": "2017-01", "orders": n, "customers": n, "revenue": money}``.
    backtest : dict
        ``origins``, ``pooled``, ``gain``, ``grade``, ``budget``, ``notes``, ``enough``; any figure may be None.
    predictions : DataFrame
        Out-of-time: cutoff, customer_id, churned (0 or 1), spend, and p_churn_MODEL, value_MODEL for each model; a
        rival's may be missing where it could not be fitted. Optional: p_purchase_DAYSd with bought_DAYSd.
    scores : DataFrame
        One row per customer: customer_id, p_churn, expected_orders, expected_spend, recency_days, orders, spend,
        last_purchase; optional ``model`` and ``value_model``, who spoke, and the rest of the columns of scores
        (intervals, lifetime value, timing, segment, reasons); a part without its columns says so.
    features : list of dict
        name, meaning, unit, gain_share; descending.
    model : dict
        name, version, run_id, created, ...
    ids_shown : bool
        Whether customers are listed by their ids; otherwise by their rows in the CSV file of the scores.
    horizons : DataFrame, optional
        One row per customer and horizon: customer_id, horizon_days, p_churn, expected_spend; optional expected_orders,
        trained_days.
    movers : DataFrame, optional
        Who moved since earlier scores, those with most money moved first: customer_id, moved, as_of_before,
        p_churn_before, p_churn, expected_spend_before, expected_spend, segment_before, segment.
    moved : dict, optional
        ``since``, ``joined``, ``left``, ``segment`` (counts of all), ``words``; without movers, why in ``words``.
    lifetime : dict, optional
        ``horizon_days``, ``discount_rate`` (a year), ``margin``, ``warnings`` (texts), ``total`` (``low``, ``high``,
        ``level``); any may be missing.
    monitoring : dict, optional
        What `regulars monitor` tells: ``months``, ``drift``, ``promised``, ``alerts``, ``verdict``, ``words``.
    beside : sequence of (str, str)
        Further pages: what each tells, and the name of its file in the same folder.

    Examples
    --------
    >>> ReportInput.__dataclass_params__.frozen
    True
    """

    title: str
    as_of: str
    horizon_days: int
    currency: str
    manifest: dict[str, object]
    backtest: dict[str, object]
    predictions: pd.DataFrame
    scores: pd.DataFrame
    features: list[dict[str, object]]
    model: dict[str, str]
    ids_shown: bool = False
    horizons: pd.DataFrame | None = None
    movers: pd.DataFrame | None = None
    moved: dict[str, object] | None = None
    lifetime: dict[str, object] | None = None
    monitoring: dict[str, object] | None = None
    beside: Sequence[tuple[str, str]] = ()


def checked(report: ReportInput) -> ReportInput:
    """The report's input with every frame's columns, types and probabilities checked.

    Raises
    ------
    DataError
        When a column is missing or a probability is not one.
    ConfigError
        When the horizon is not at least one day, or the date of the scores is not a date.
    """
    Cutoff.parse(report.as_of)
    if report.horizon_days < 1:
        raise ConfigError(f"horizon_days is {report.horizon_days}", needed="at least 1", code="RG400")
    return replace(
        report,
        scores=typed_scores(report.scores),
        predictions=_checked_predictions(report.predictions),
        horizons=typed_horizons(report.horizons),
        movers=typed_movers(report.movers),
    )


def _checked_predictions(predictions: pd.DataFrame) -> pd.DataFrame:
    """Typed columns; with no rows, the four key columns and nothing else are needed of nobody."""
    if predictions.empty:
        return pd.DataFrame({c: pd.Series(dtype=float) for c in PREDICTION_COLUMNS})
    present(predictions, PREDICTION_COLUMNS, "predictions")
    foreseen = [c for c in predictions.columns if c.startswith(("p_purchase_", "bought_")) or c in FORESEEN]
    models = [c for c in predictions.columns if c.startswith(("p_churn_", "value_"))]
    frame = predictions.assign(
        cutoff=predictions["cutoff"].astype(str),
        customer_id=predictions["customer_id"].astype(str),
        **numbers(predictions, ["churned", "spend", *models, *foreseen]),
    ).reset_index(drop=True)
    for name in ["churned", *(m for m in models if m.startswith("p_churn_"))]:
        # A rival that could not be fitted at some check has no prediction there.
        probabilities(frame, name, "predictions", needed=name in ("churned", f"p_churn_{PRODUCT}"))
    return frame


def branch(tree: object, *path: str) -> dict[str, object]:
    """The mapping at a path, empty when any step is missing.

    Examples
    --------
    >>> branch({"pooled": {"churn": {"naive": None}}}, "pooled", "churn")
    {'naive': None}
    >>> branch({"pooled": None}, "pooled", "churn")
    {}
    """
    for step in path:
        tree = tree.get(step) if isinstance(tree, Mapping) else None
    return dict(tree) if isinstance(tree, Mapping) else {}


def number(value: object) -> float | None:
    """A finite float from a number or a decimal text, else None.

    Examples
    --------
    >>> number("12.50"), number(None), number(float("nan")), number("n/a")
    (12.5, None, None, None)
    """
    if isinstance(value, str):
        try:
            value = Decimal(value)
        except InvalidOperation:
            return None
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal, np.integer, np.floating)):
        return None
    return float(value) if math.isfinite(value) else None


def interval(value: object) -> tuple[float, float] | None:
    """The two ends of an interval, else None.

    Examples
    --------
    >>> interval([0.1, 0.2]), interval([None, 0.2]), interval(None)
    ((0.1, 0.2), None, None)
    """
    if not isinstance(value, (list, tuple)) or len(value) != 2:
        return None
    low, high = number(value[0]), number(value[1])
    return None if low is None or high is None else (low, high)


def entries(value: object) -> list[dict[str, object]]:
    """The mappings of a list, else an empty list.

    Examples
    --------
    >>> entries([{"cutoff": "2017-10-02"}, None]), entries(None)
    ([{'cutoff': '2017-10-02'}], [])
    """
    return [dict(v) for v in value if isinstance(v, Mapping)] if isinstance(value, (list, tuple)) else []


def first_day(report: ReportInput) -> Cutoff | None:
    """The first day of the record: where the history is said to start, else the first line's day; None if untold."""
    text = report.manifest.get("history_starts") or report.manifest.get("first_day")
    try:
        return Cutoff.parse(text[:10]) if isinstance(text, str) else None
    except ConfigError:
        return None


def models_with(predictions: pd.DataFrame, prefix: str) -> list[str]:
    """Names of the models that have a prediction column with the prefix, the product's own first.

    Examples
    --------
    >>> models_with(pd.DataFrame(columns=["p_churn_naive", "p_churn_regulars"]), "p_churn_")
    ['regulars', 'naive']
    """
    names = [str(c).removeprefix(prefix) for c in predictions.columns if str(c).startswith(prefix)]
    return sorted(names, key=lambda n: (n != PRODUCT, n))
