"""The future value of the scored customers, and how good its forecasts were: small frames by hand to check.

In: scored customers, or out-of-time predictions of spend. Out: the four segments, the value map's cells, who holds
most of the money, tenths by forecast. Missing and negative money counts as none where shares are told; without
customers a frame has no rows, and a line that nothing defines is None.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..models.concentration import HELD, SEGMENTS, concentration
from .tables import tenths

HIGH = "high value"
COLUMNS, ROWS = 20, 12
SCALE = 1e-3
"""The map shows expected spend down to so much of the highest."""


def holders(amounts: pd.Series[float], share: float = HELD) -> int:
    """How few customers together hold a share of the money; 0 without money.

    Examples
    --------
    >>> holders(pd.Series([10.0, 60.0, 20.0, -5.0, 10.0]))
    2
    """
    return concentration(np.asarray(amounts, np.float64), share).n


def segment_table(customers: pd.DataFrame) -> pd.DataFrame:
    """The four segments.

    Returns
    -------
    DataFrame of 4 rows with columns segment, n, p_churn (mean; NaN for nobody), expected, spent (sums)
        No rows without a column `segment`.

    Examples
    --------
    >>> two = pd.DataFrame({"segment": [SEGMENTS[0]] * 2, "p_churn": [.6, .8], "expected_spend": [5., 7.],
    ...                     "spend": [90., 10.]})
    >>> segment_table(two).iloc[0].map(str).tolist()
    ['high value, steady', '2', '0.7', '12.0', '100.0']
    """
    if "segment" not in customers.columns:
        return pd.DataFrame({"segment": []})
    grouped = customers.groupby("segment").agg(
        n=("p_churn", "size"),
        p_churn=("p_churn", "mean"),
        expected=("expected_spend", "sum"),
        spent=("spend", "sum"),
    )
    table = grouped.reindex(pd.Index(SEGMENTS, name="segment")).reset_index()
    return table.fillna({"n": 0, "expected": 0.0, "spent": 0.0}).astype({"n": int})


def value_line(customers: pd.DataFrame) -> float | None:
    """The least expected spend of a customer of high value; None when nobody is."""
    if "segment" not in customers.columns:
        return None
    high = customers.loc[customers["segment"].str.startswith(HIGH), "expected_spend"]
    return float(high.min()) if high.notna().any() else None


def value_cells(customers: pd.DataFrame) -> pd.DataFrame:
    """How many customers are where on the map of chance and expected spend.

    Chances are cut into twenty equal columns; expected spend into twelve rows of equal ratio from a thousandth of the
    highest to the highest, less than that into the lowest row.

    Returns
    -------
    DataFrame with columns left, right (chance), bottom, top (spend, above 0), n, for cells with customers
        No rows when nothing is expected of anybody.
    """
    chance = customers["p_churn"].to_numpy(float)
    spend = customers["expected_spend"].fillna(0.0).to_numpy(float)
    highest = float(spend.max(initial=0.0))
    if highest <= 0:
        return pd.DataFrame({c: pd.Series(dtype=float) for c in ("left", "right", "bottom", "top", "n")})
    edges = np.geomspace(highest * SCALE, highest, ROWS + 1)
    column = np.minimum((chance * COLUMNS).astype(int), COLUMNS - 1)
    row = np.clip(np.searchsorted(edges, spend, side="right") - 1, 0, ROWS - 1)
    counted = pd.DataFrame({"column": column, "row": row}).value_counts().sort_index().reset_index(name="n")
    x, y = counted["column"].to_numpy(), counted["row"].to_numpy()
    return pd.DataFrame(
        {"left": x / COLUMNS, "right": (x + 1) / COLUMNS, "bottom": edges[y], "top": edges[y + 1], "n": counted["n"]}
    )


def value_tenths(predictions: pd.DataFrame, column: str) -> pd.DataFrame:
    """Forecast and actual spend of tenths by forecast, the highest first; ranked within each check, then put together.

    Parameters
    ----------
    predictions : DataFrame
        With cutoff, customer_id, spend.
    column : str
        The forecast.

    Returns
    -------
    DataFrame with columns tenth, n, predicted, actual (means), ratio (NaN where nothing was spent), share, cumulative
        Shares are of the money spent, in which a return counts as none; NaN when nothing was spent.

    Examples
    --------
    >>> two = pd.DataFrame({"cutoff": "a", "customer_id": list("xy"), "spend": [30.0, 10.0], "v": [40.0, 5.0]})
    >>> value_tenths(two, "v")[["predicted", "actual", "ratio", "share", "cumulative"]].round(3).values.tolist()
    [[40.0, 30.0, 1.333, 0.75, 0.75], [5.0, 10.0, 0.5, 0.25, 1.0]]
    """
    rows = predictions.dropna(subset=["spend", column]) if column in predictions.columns else predictions.iloc[:0]
    if rows.empty:
        return pd.DataFrame({"tenth": []})
    grouped = rows.assign(tenth=tenths(rows, column), gross=rows["spend"].clip(lower=0.0)).groupby("tenth")
    table = grouped.agg(
        n=("spend", "size"), predicted=(column, "mean"), actual=("spend", "mean"), gross=("gross", "sum")
    )
    whole = table["gross"].sum()
    share = table["gross"] / (whole if whole > 0 else np.nan)
    ratio = table["predicted"] / table["actual"].where(table["actual"] > 0)
    return table.assign(ratio=ratio, share=share, cumulative=share.cumsum()).drop(columns="gross").reset_index()


def lifetime_tenths(customers: pd.DataFrame) -> pd.DataFrame:
    """Lifetime value of tenths of the customers, the highest first.

    Returns
    -------
    DataFrame with columns group (1 = highest), n, value, low, high (means), share (of all)
        `low` and `high` are NaN where there are no intervals; no rows without lifetime values.
    """
    if "lifetime_value" not in customers.columns:
        return pd.DataFrame({"group": []})
    known = customers.dropna(subset=["lifetime_value"])
    known = known.sort_values(["lifetime_value", "customer_id"], ascending=[False, True]).reset_index(drop=True)
    group = pd.Series(np.arange(len(known)) * 10 // max(len(known), 1) + 1, name="group")
    ends = {c: known.get(c, pd.Series(np.nan, index=known.index)) for c in ("lifetime_low", "lifetime_high")}
    table = (
        known.assign(**ends)
        .groupby(group)
        .agg(
            n=("lifetime_value", "size"),
            value=("lifetime_value", "mean"),
            low=("lifetime_low", "mean"),
            high=("lifetime_high", "mean"),
            held=("lifetime_value", "sum"),
        )
    )
    whole = table["held"].clip(lower=0.0).sum()
    share = table["held"].clip(lower=0.0) / (whole if whole > 0 else np.nan)
    return table.assign(share=share).drop(columns="held").reset_index()
