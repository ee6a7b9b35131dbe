"""How often intervals of spend held what came: together, and per fifth of the customers by predicted value.

In: a frame of out-of-time predictions with their bounds and the spend that came. Out: a JSON-safe mapping; None where
no row has an interval. Rows without one (NaN) are not counted. Coverage of all rows together can hide that the best
customers are badly covered, so it never stands without the five parts.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Float64 = NDArray[np.float64]
PARTS = 5
NEEDED = ("value_regulars", "p_none", "spend", "spend_low", "spend_high", "spend_upper")


def quintile_of(frame: pd.DataFrame) -> NDArray[np.int64]:
    """The fifth of each row by predicted value, 1 (lowest) to 5; ties by customer_id, then by cutoff.

    Parameters
    ----------
    frame : DataFrame
        With columns `value_regulars` and `customer_id`, and `cutoff` where there are several.

    Examples
    --------
    >>> frame = pd.DataFrame({"customer_id": list("edcba"), "value_regulars": [5.0, 1.0, 1.0, 3.0, 4.0]})
    >>> quintile_of(frame).tolist()
    [5, 2, 1, 3, 4]
    """
    keys = [frame[name].astype(str).to_numpy(object) for name in ("cutoff", "customer_id") if name in frame]
    order = np.lexsort([*keys, frame["value_regulars"].to_numpy(np.float64)])
    part = np.empty(len(frame), np.int64)
    part[order] = np.arange(len(frame)) * PARTS // max(len(frame), 1) + 1
    return part


def coverage_card(frame: pd.DataFrame, level: float) -> dict[str, Any] | None:
    """Share of rows whose spend lay inside their interval and at or below their upper bound.

    Parameters
    ----------
    frame : DataFrame
        Columns `customer_id`, `value_regulars`, `p_none`, `spend`, `spend_low`, `spend_high`, `spend_upper`; a row a
        customer and cutoff.
    level : float
        What share the two-sided intervals are meant to hold, 0..1.

    Returns
    -------
    dict or None
        `level`, `n`, `coverage`, `upper_coverage`, and `by_quintile`: a mapping per fifth that has rows, the lowest
        predictions first.

    Examples
    --------
    >>> bounds = {"spend_low": [0.0, 0.0], "spend_high": [4.0, 9.0], "spend_upper": [6.0, 12.0]}
    >>> rows = {"customer_id": ["a", "b"], "value_regulars": [1.0, 2.0], "p_none": [0.5, 0.25], "spend": [5.0, 0.0]}
    >>> card = coverage_card(pd.DataFrame({**rows, **bounds}), 0.8)
    >>> card["coverage"], card["upper_coverage"], [part["coverage"] for part in card["by_quintile"]]
    (0.5, 1.0, [0.0, 1.0])
    """
    known = frame[frame[["spend_low", "spend_high", "spend_upper"]].notna().all(axis=1)]
    if known.empty:
        return None
    value, p_none, spend, low, high, upper = (known[name].to_numpy(np.float64) for name in NEEDED)
    inside, below = (low <= spend) & (spend <= high), spend <= upper
    part = quintile_of(known)

    def figures(number: int) -> dict[str, Any]:
        rows = part == number
        means = {
            "mean_predicted": value,
            "p_none": p_none,
            "share_none": spend <= 0,
            "coverage": inside,
            "upper_coverage": below,
            "mean_low": low,
            "mean_high": high,
            "mean_upper": upper,
        }
        return {"quintile": number, "n": int(rows.sum()), **{n: float(v[rows].mean()) for n, v in means.items()}}

    return {
        "level": float(level),
        "n": len(known),
        "coverage": float(inside.mean()),
        "upper_coverage": float(below.mean()),
        "by_quintile": [figures(number) for number in np.unique(part).tolist()],
    }
