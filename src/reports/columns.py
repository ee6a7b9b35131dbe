"""The columns of the frames that a report is made of, checked and typed at the door.

In: frames of scores, horizons, movers and predictions. Out: new frames with numbers as floats and texts as texts. A
column that is needed and missing is a `DataError`, and so is a probability that is none; what is optional and missing
stays missing, and a number that cannot be read is NaN.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import pandas as pd

from ..errors import DataError, did_you_mean

SCORE_NUMBERS = ("p_churn", "expected_orders", "expected_spend", "recency_days", "orders", "spend")
SCORE_COLUMNS = ("customer_id", *SCORE_NUMBERS, "last_purchase")
PREDICTION_COLUMNS = ("cutoff", "customer_id", "churned", "spend")
HORIZON_COLUMNS = ("customer_id", "horizon_days", "p_churn", "expected_spend")
MOVED_NUMBERS = ("p_churn_before", "p_churn", "expected_spend_before", "expected_spend")
MOVED_TEXTS = ("moved", "as_of_before", "segment_before", "segment")
OPTIONAL_NUMBERS = (
    *("spend_low", "spend_high", "spend_upper", "usual_gap_days", "lifetime_value", "lifetime_low", "lifetime_high"),
    *("lifetime_value_ever", "expected_gross", "trained_days"),
)
OPTIONAL_CHANCES = ("p_no_spend", "p_so_late")
OPTIONAL_TEXTS = ("segment", "reasons", "basis", "next_order_from", "next_order_p50", "next_order_until")
PROSPECT = "prospect"
"""In `basis`: somebody who never bought, and has no chance of not buying."""
PURCHASE = re.compile(r"p_purchase_(\d+)d")


def present(frame: pd.DataFrame, needed: Sequence[str], what: str) -> None:
    """Refuses a frame without one of the columns.

    Raises
    ------
    DataError
        ``RG401``, with the nearest name that is there.
    """
    missing = [c for c in needed if c not in frame.columns]
    if missing:
        raise DataError(
            f"the {what} have no column `{missing[0]}`",
            needed=", ".join(needed),
            do=did_you_mean(missing[0], [str(c) for c in frame.columns]) if len(frame.columns) else "",
            offending=missing,
            code="RG401",
        )


def numbers(frame: pd.DataFrame, names: Sequence[str]) -> dict[str, pd.Series[float]]:
    """The columns as floats; NaN where there is no number."""
    return {n: pd.to_numeric(frame[n], errors="coerce").astype(float) for n in names}


def probabilities(frame: pd.DataFrame, name: str, what: str, needed: bool = True) -> None:
    """Refuses a column with anything but numbers from 0 to 1; where it is not needed, nothing is allowed, too.

    Raises
    ------
    DataError
        ``RG402``.
    """
    bad = ~frame[name].between(0.0, 1.0) & (frame[name].notna() | needed)
    if bad.any():
        raise DataError(
            f"{int(bad.sum())} of the {what} have no probability in `{name}`",
            needed="a number from 0 to 1 in every row",
            offending=[repr(v) for v in frame.loc[bad, name].head(3)],
            code="RG402",
        )


def purchase_days(frame: pd.DataFrame) -> list[int]:
    """The days d of the columns `p_purchase_{d}d`, ascending.

    Examples
    --------
    >>> purchase_days(pd.DataFrame(columns=["p_purchase_30d", "p_purchase_7d", "p_churn"]))
    [7, 30]
    """
    found = (PURCHASE.fullmatch(str(c)) for c in frame.columns)
    return sorted(int(m[1]) for m in found if m is not None)


def prospects(scores: pd.DataFrame) -> pd.Series[bool]:
    """Whether each row is of somebody who never bought.

    Examples
    --------
    >>> prospects(pd.DataFrame({"basis": ["purchases", "prospect"]})).tolist()
    [False, True]
    """
    if "basis" not in scores.columns:
        return pd.Series(False, index=scores.index)
    return scores["basis"] == PROSPECT


def typed_scores(scores: pd.DataFrame) -> pd.DataFrame:
    """Scores with the columns that are needed and those that may be there."""
    present(scores, SCORE_COLUMNS, "scores")
    typed = _typed(scores, SCORE_NUMBERS)
    if "late" in typed.columns:
        typed = typed.assign(late=typed["late"].fillna(False).astype(bool))
    probabilities(typed[~prospects(typed)], "p_churn", "scores")
    return typed


def typed_horizons(horizons: pd.DataFrame | None) -> pd.DataFrame | None:
    """The long table of customers and horizons; None where there is none."""
    if horizons is None or horizons.empty:
        return None
    present(horizons, HORIZON_COLUMNS, "horizons")
    known = [n for n in ("expected_orders",) if n in horizons.columns]
    typed = _typed(horizons, ("horizon_days", "p_churn", "expected_spend", *known))
    probabilities(typed, "p_churn", "horizons", needed=False)
    return typed.dropna(subset=["horizon_days"])


def typed_movers(movers: pd.DataFrame | None) -> pd.DataFrame | None:
    """Who moved; None where there is nothing to compare with."""
    if movers is None:
        return None
    present(movers, ("customer_id", *MOVED_NUMBERS, *MOVED_TEXTS), "movers")
    return movers.assign(
        customer_id=movers["customer_id"].astype(str), **numbers(movers, MOVED_NUMBERS), **_texts(movers, MOVED_TEXTS)
    ).reset_index(drop=True)


def _texts(frame: pd.DataFrame, names: Sequence[str]) -> dict[str, pd.Series[str]]:
    """The columns as texts; empty where there is nothing."""
    return {c: frame[c].astype(object).where(frame[c].notna(), "").astype(str) for c in names}


def _typed(frame: pd.DataFrame, needed: Sequence[str]) -> pd.DataFrame:
    chances = [c for c in OPTIONAL_CHANCES if c in frame.columns]
    chances += [f"p_purchase_{d}d" for d in purchase_days(frame)]
    known = [c for c in OPTIONAL_NUMBERS if c in frame.columns]
    texts = [c for c in OPTIONAL_TEXTS if c in frame.columns]
    typed = frame.assign(
        customer_id=frame["customer_id"].astype(str),
        **numbers(frame, [*needed, *known, *chances]),
        **_texts(frame, texts),
    ).reset_index(drop=True)
    for name in chances:
        probabilities(typed, name, "scores", needed=False)
    return typed
