"""The figures beside churn and value at the primary horizon: how intervals held, and how further horizons did.

In: a frame of out-of-time predictions, the judged stands behind it. Out: JSON-safe mappings; a further horizon whose
windows had not closed at any origin has figures of None.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from . import metrics
from .coverage import coverage_card
from .intervals import LEVEL
from .judged import Judged

NO_TRUST = "no earlier window teaches how far predictions of spend may be trusted"
CHURN, VALUE = ("log_loss", "auc", "ece"), ("gini", "bias", "tweedie_deviance", "wape")


def trust_card(frame: pd.DataFrame, judged: Sequence[Judged], horizon_days: int) -> dict[str, Any] | None:
    """How intervals held at some stands, and what they were learnt from; None where there are none.

    Parameters
    ----------
    frame : DataFrame
        With the columns of the primary horizon's predictions.
    """
    card = coverage_card(frame, LEVEL)
    known = [j.trust[horizon_days] for j in judged if horizon_days in j.trust]
    if card is None or not known:
        return None
    return {
        **card,
        "calibrated_on": sorted({day for one in known for day in one.calibrated_on}),
        "calibrated_rows": max(one.rows for one in known),
        "words": known[-1].words,
    }


def horizon_cards(frame: pd.DataFrame, floor: np.ndarray[Any, Any], judged: Sequence[Judged]) -> list[dict[str, Any]]:
    """The product's figures at every further horizon, on the rows whose windows had closed.

    Parameters
    ----------
    floor : ndarray of shape (n_rows,)
        The least prediction of the primary horizon that counts in the deviance; it grows with the horizon.
    """
    primary = judged[0].horizon_days
    days = sorted({h for j in judged for h in j.trained} - {primary})
    return [_card(frame, floor * days_ahead / primary, judged, days_ahead) for days_ahead in days]


def _card(frame: pd.DataFrame, floor: np.ndarray[Any, Any], judged: Sequence[Judged], days: int) -> dict[str, Any]:
    end = f"_{days}d"
    closed = frame[f"churned{end}"].notna().to_numpy()
    found: dict[str, Any] = {
        "horizon_days": days,
        "trained_days": sorted({j.trained[days] for j in judged}),
        "n": int(closed.sum()),
        "churn": dict.fromkeys(CHURN),
        "value": dict.fromkeys(VALUE),
        "intervals": None,
    }
    if not closed.any():
        return found
    names = ("spend", "p_none", "spend_low", "spend_high", "spend_upper", "spend_median")
    rows = frame.loc[closed, ["cutoff", "customer_id"]].assign(
        **{name: frame.loc[closed, f"{name}{end}"] for name in names},
        value_regulars=frame.loc[closed, f"value{end}"],
    )
    y, p = (frame.loc[closed, f"{name}{end}"].to_numpy(np.float64) for name in ("churned", "p_churn"))
    spend, said = rows["spend"].to_numpy(np.float64), rows["value_regulars"].to_numpy(np.float64)
    churn = metrics.churn_figures(y, p)
    value = metrics.value_figures(spend, said, floor[closed], rows["customer_id"].to_numpy(object))
    return {
        **found,
        "churn": {name: churn[name] for name in CHURN},
        "value": {name: value[name] for name in VALUE},
        "intervals": trust_card(rows, judged, days),
    }
