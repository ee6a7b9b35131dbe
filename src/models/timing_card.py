"""How well the time of the next purchase is foretold: figures per horizon, and one for the order of customers in time.

In: out-of-time predictions, a row per customer and origin. Out: a JSON-safe dictionary. Rows whose window runs past the
data, or of which nothing was said, are left out of that horizon; a figure that nothing defines is None.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import kendalltau

from . import metrics
from .splits import TIMING

Float64 = NDArray[np.float64]


def timing_card(frame: pd.DataFrame) -> dict[str, object]:
    """Calibration and ranking of the time to the next purchase.

    Parameters
    ----------
    frame : DataFrame
        `p_purchase_{d}d` and `bought_{d}d` (1, 0 or NaN) for each d in `TIMING`; `days_to_next`, NaN where nothing was
        bought in the window.

    Returns
    -------
    dict
        `by_days`: per d the number of rows, log loss, AUC, mean predicted probability and actual share; `c_index`.

    Examples
    --------
    >>> said = {f"p_purchase_{d}d": [0.8, 0.4] for d in TIMING} | {f"bought_{d}d": [1.0, 0.0] for d in TIMING}
    >>> card = timing_card(pd.DataFrame({**said, "days_to_next": [3.0, np.nan]}))
    >>> card["c_index"], card["by_days"][0]["days"], round(card["by_days"][0]["predicted"], 2)
    (1.0, 7, 0.6)
    """
    p = {d: _column(frame, f"p_purchase_{d}d") for d in TIMING}
    rows = [_figures(d, _column(frame, f"bought_{d}d"), p[d]) for d in TIMING]
    return {"by_days": rows, "c_index": c_index(_column(frame, "days_to_next"), expected_days(p))}


def expected_days(p: dict[int, Float64]) -> Float64:
    """Days without a purchase expected until the last horizon: the area under P(no purchase yet), by trapezoids.

    Irwin (1949), doi:10.1017/S0022172400014443: the restricted mean. Unlike a probability of one horizon it tells
    apart the customers of every pace.

    Examples
    --------
    >>> expected_days({10: np.array([0.5]), 20: np.array([0.5])}).tolist()  # 10 (1 + .5) / 2 + 10 x .5
    [12.5]
    """
    days = sorted(p)
    silent = np.stack([np.ones(len(p[days[0]])), *(1 - p[d] for d in days)])
    return np.asarray(np.trapezoid(silent, [0, *days], axis=0))


def c_index(days_to_next: Float64, expected: Float64) -> float | None:
    """Harrell's concordance: of pairs of whom one bought earlier, the share in which that one was expected earlier.

    Whoever bought nothing in the window is later than all who did, and two of them are not compared; equal
    expectations count one half (Harrell, Califf, Pryor, Lee & Rosati 1982, doi:10.1001/jama.1982.03320430047030). As
    everybody is watched for the same window, this is Somers' D of a ranking, (D + 1) / 2.

    Parameters
    ----------
    days_to_next : ndarray of shape (n_rows,)
        NaN where nothing was bought.
    expected : ndarray of shape (n_rows,)
        Rows of which nothing was said (NaN) are left out.

    Returns
    -------
    float or None
        None where no pair can be compared.

    Examples
    --------
    Of the three pairs (a, b), (a, c), (b, c) the last is the wrong way round, as c bought nothing:

    >>> round(c_index(np.array([1.0, 5.0, np.nan]), np.array([2.0, 9.0, 4.0])), 4)
    0.6667
    """
    said = np.isfinite(expected)
    day, by = np.where(np.isnan(days_to_next), np.inf, days_to_next)[said], expected[said]
    # Kendall's tau-b is (concordant - discordant) / sqrt(pairs not tied here x pairs not tied there).
    apart, spread = _untied(day), _untied(by)
    if not apart:
        return None
    tau = float(kendalltau(day, by).statistic) if spread else 0.0
    return float(0.5 + 0.5 * tau * np.sqrt(spread / apart))


def _untied(values: Float64) -> float:
    """Pairs that differ."""
    n, alike = len(values), np.unique(values, return_counts=True)[1].astype(np.float64)
    return n * (n - 1) / 2 - float((alike * (alike - 1) / 2).sum())


def _figures(days: int, bought: Float64, p: Float64) -> dict[str, object]:
    known = np.isfinite(bought) & np.isfinite(p)
    y, said = bought[known], p[known]
    if not len(y):
        return {"days": days, "n": 0, "log_loss": None, "auc": None, "predicted": None, "actual": None}
    return {
        "days": days,
        "n": len(y),
        "log_loss": float(metrics.log_losses(y, said).mean()),
        "auc": metrics.auc(y, said),
        "predicted": float(said.mean()),
        "actual": float(y.mean()),
    }


def _column(frame: pd.DataFrame, name: str) -> Float64:
    return np.asarray(frame[name].to_numpy(np.float64))
