"""How good the predictions were: calibration, deciles, gain curves, levels, all from out-of-time predictions.

In: predictions, one row per (cutoff, customer), with what then happened. Out: small frames that `figures.py` draws and
the page prints. Customers are ranked within their cutoff, ties shared or broken by customer_id, so that the order of
rows means nothing. Rows with a missing prediction or outcome are left out; with no rows, a frame has no rows.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm

LEVEL = 0.90
"""Every interval of the report covers so much."""

Floats = NDArray[np.float64]
Ranked = tuple[NDArray[np.intp], NDArray[np.intp], Floats]


def wilson(successes: Floats, n: Floats, level: float = LEVEL) -> tuple[Floats, Floats]:
    """Wilson's interval for a share (10.1080/01621459.1927.10502953); undefined (NaN) where n is 0.

    Parameters
    ----------
    successes, n : ndarray of shape (k,)
    level : float
        Coverage.

    Returns
    -------
    low, high : ndarray of shape (k,), in [0, 1]

    Examples
    --------
    >>> low, high = wilson(np.array([5.0]), np.array([10.0]), 0.95)
    >>> float(low[0].round(4)), float(high[0].round(4))
    (0.2366, 0.7634)
    """
    z2 = float(norm.ppf(0.5 + level / 2)) ** 2
    n = np.where(n > 0, n, np.nan)
    share = successes / n
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = np.sqrt(z2 * (share * (1 - share) / n + z2 / (4 * n**2))) / (1 + z2 / n)
    return np.clip(middle - half, 0, 1), np.clip(middle + half, 0, 1)


def _known(predictions: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """The rows that have all the columns; none, but with these columns, when a column is missing."""
    missing = [c for c in columns if c not in predictions.columns]
    if missing:
        return predictions.iloc[:0].assign(**{c: pd.Series(dtype=float) for c in missing})
    return predictions.dropna(subset=list(columns))


def calibration(predictions: pd.DataFrame, model: str, bins: int = 10) -> pd.DataFrame:
    """Forecast and actual churn in groups of equal count, from the lowest probability to the highest.

    Returns
    -------
    DataFrame with columns group (1 = lowest), n, predicted, actual, low, high
        `low` and `high` are the ends of Wilson's 90 % interval of `actual`; rows of one customer at several cutoffs
        are counted as if independent.

    Examples
    --------
    >>> five = pd.DataFrame({"cutoff": "a", "customer_id": list("vwxyz"), "churned": [0, 0, 1, 1, 1],
    ...                      "p_churn_m": [.1, .2, .6, .7, .9]})
    >>> calibration(five, "m", bins=2)[["n", "predicted", "actual"]].round(3).values.tolist()
    [[3.0, 0.3, 0.333], [2.0, 0.8, 1.0]]
    """
    column = f"p_churn_{model}"
    known = _known(predictions, column, "churned").sort_values([column, "cutoff", "customer_id"])
    parts = [p for p in np.array_split(np.arange(len(known)), bins) if len(p)]
    p, y = known[column].to_numpy(float), known["churned"].to_numpy(float)
    n = np.array([len(i) for i in parts], float)
    low, high = wilson(np.array([y[i].sum() for i in parts]), n)
    return pd.DataFrame(
        {
            "group": np.arange(1, len(parts) + 1),
            "n": n.astype(int),
            "predicted": np.array([p[i].mean() for i in parts]),
            "actual": np.array([y[i].mean() for i in parts]),
            "low": low,
            "high": high,
        }
    )


def tenths(predictions: pd.DataFrame, column: str) -> pd.Series[int]:
    """The tenth each row falls into within its cutoff, 1 = highest; ties by customer_id; ceil(n/10) rows in the first.

    Examples
    --------
    >>> tenths(pd.DataFrame({"cutoff": "a", "customer_id": list("xyz"), "s": [.1, .9, .9]}), "s").tolist()
    [7, 1, 4]
    """
    ordered = predictions.sort_values(["cutoff", column, "customer_id"], ascending=[True, False, True])
    place = ordered.groupby("cutoff").cumcount()
    size = ordered.groupby("cutoff")[column].transform("size")
    return (place * 10 // size + 1).reindex(predictions.index).astype(int)


def deciles(predictions: pd.DataFrame, model: str, by: str = "p_churn") -> pd.DataFrame:
    """Predicted and actual churn and spend per tenth of the customers, the tenth with the highest `by` first.

    Parameters
    ----------
    predictions : DataFrame
    model : str
    by : str
        ``p_churn`` or ``value``.

    Returns
    -------
    DataFrame with columns tenth, n, predicted_churn, actual_churn, predicted_spend, actual_spend, spend_low, spend_high
        Means per customer; the interval is the mean's normal one at 90 %, missing for fewer than two customers.
    """
    p, value = f"p_churn_{model}", f"value_{model}"
    rows = _known(predictions, f"{by}_{model}", "churned", "spend")
    rows = rows.assign(**{c: np.nan for c in (p, value) if c not in rows.columns})
    if rows.empty:
        names = ("n", "predicted_churn", "actual_churn", "predicted_spend", "actual_spend", "spend_low", "spend_high")
        return pd.DataFrame({c: pd.Series(dtype=float) for c in ("tenth", *names)})
    grouped = rows.assign(tenth=tenths(rows, f"{by}_{model}")).groupby("tenth")
    table = grouped.agg(
        n=("churned", "size"),
        predicted_churn=(p, "mean"),
        actual_churn=("churned", "mean"),
        predicted_spend=(value, "mean"),
        actual_spend=("spend", "mean"),
    )
    half = norm.ppf(0.5 + LEVEL / 2) * grouped["spend"].std(ddof=1) / np.sqrt(table["n"])
    return table.assign(spend_low=table["actual_spend"] - half, spend_high=table["actual_spend"] + half).reset_index()


def _ranked(rows: pd.DataFrame, score: str, outcome: str) -> list[Ranked]:
    """Per cutoff: which rows, the place of each row's score among the distinct ones (0 = highest), the outcomes."""
    scores, outcomes = rows[score].to_numpy(float), np.maximum(rows[outcome].to_numpy(float), 0.0)
    groups = [np.asarray(i) for i in rows.groupby("cutoff").indices.values()]
    return [(i, np.unique(-scores[i], return_inverse=True)[1], outcomes[i]) for i in groups]


def _caught(groups: list[Ranked], at: Floats, weight: Floats) -> Floats:
    """Share of the outcome among the top `at` of each group, linear between distinct scores; NaN without outcome."""
    caught, total = np.zeros(len(at)), 0.0
    for members, place, outcome in groups:
        w = weight[members]
        contacted = np.concatenate([[0.0], np.cumsum(np.bincount(place, w))])
        found = np.concatenate([[0.0], np.cumsum(np.bincount(place, w * outcome))])
        caught, total = caught + np.interp(at * contacted[-1], contacted, found), total + found[-1]
    return caught / total if total > 0 else np.full(len(at), np.nan)


def gain_curve(predictions: pd.DataFrame, score: str, outcome: str, steps: int = 100) -> pd.DataFrame:
    """Share of an outcome found among the share of customers that is ranked highest, within each cutoff, then summed.

    Parameters
    ----------
    predictions : DataFrame
    score : str
        Column to rank by, highest first; tied customers share their outcome.
    outcome : str
        ``churned`` or ``spend``; negative spend counts as zero.

    Returns
    -------
    DataFrame with columns contacted (0..1) and caught (0..1); no rows when nobody churned or spent

    Examples
    --------
    >>> five = pd.DataFrame({"cutoff": "a", "customer_id": list("vwxyz"), "churned": [1, 0, 1, 0, 0],
    ...                      "s": [.9, .8, .7, .2, .1]})
    >>> gain_curve(five, "s", "churned", steps=5)["caught"].tolist()
    [0.0, 0.5, 0.5, 1.0, 1.0, 1.0]
    """
    rows = _known(predictions, score, outcome)
    at = np.linspace(0.0, 1.0, steps + 1)
    caught = _caught(_ranked(rows, score, outcome), at, np.ones(len(rows)))
    return pd.DataFrame({"contacted": at, "caught": caught}).dropna().reset_index(drop=True)


def capture(
    predictions: pd.DataFrame, score: str, outcome: str, share: float, draws: int = 200, seed: int = 0
) -> tuple[float, float, float] | None:
    """The share of an outcome found among the top `share` of customers, with a 90 % interval.

    The interval is a percentile bootstrap over customers: all rows of a customer are drawn together.

    Returns
    -------
    (caught, low, high), or None when nobody churned or spent
    """
    rows = _known(predictions, score, outcome)
    at, groups = np.array([share]), _ranked(rows, score, outcome)
    best = _caught(groups, at, np.ones(len(rows)))[0]
    if np.isnan(best):
        return None
    # Sorted, so that the draw belongs to the customer and not to the place of the row.
    who, customer = np.unique(rows["customer_id"].to_numpy(str), return_inverse=True)
    random = np.random.default_rng(seed)
    found = np.empty(draws)
    for i in range(draws):
        times = np.bincount(random.integers(0, len(who), len(who)), minlength=len(who)).astype(float)
        found[i] = _caught(groups, at, times[customer])[0]
    low, high = np.nanquantile(found, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]) if np.isfinite(found).any() else (best, best)
    return float(best), float(low), float(high)


def levels(predictions: pd.DataFrame, model: str) -> pd.DataFrame:
    """Forecast and actual totals at each cutoff.

    Returns
    -------
    DataFrame with columns cutoff, n, predicted_churn, actual_churn (means), predicted_spend, actual_spend (sums)
    """
    rows = _known(predictions, f"p_churn_{model}", "churned")
    empty = pd.Series(np.nan, index=rows.index)
    grouped = pd.DataFrame(
        {
            "cutoff": rows["cutoff"],
            "predicted_churn": rows[f"p_churn_{model}"],
            "actual_churn": rows["churned"],
            "predicted_spend": rows.get(f"value_{model}", empty),
            "actual_spend": rows["spend"],
        }
    ).groupby("cutoff")
    means = grouped[["predicted_churn", "actual_churn"]].mean()
    sums = grouped[["predicted_spend", "actual_spend"]].sum(min_count=1)
    return pd.concat([grouped.size().rename("n"), means, sums], axis=1).reset_index()
