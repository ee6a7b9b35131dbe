"""Prospects: people of the customers' table who have not bought yet, learnt about and scored by their cohort.

In: a ledger with a table of customers. Out: what becomes of such people, and a row for each as of a day: chances and
values of the cohort of those who joined as long ago, marked so. They have no row among the scores of customers: nothing
of their own is known that could be predicted from. No table, or too few of them: none, and why.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..clock import Cutoff, dates
from ..config import Config
from ..errors import NotEnoughData
from ..intake import Ledger
from ..models.concentration import PROSPECT
from ..models.model import Model
from ..models.prospects import Prospects, prospect_rows
from ..models.splits import Origin

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    "customer_id",
    "as_of",
    "basis",
    "horizon_days",
    "joined_days_ago",
    "p_purchase",
    "expected_orders",
    "expected_spend",
    "lifetime_value",
)


def prospects_learnt(ledger: Ledger, config: Config, stand: Origin) -> tuple[Prospects | None, str]:
    """What became of the prospects of a stand's training cutoffs, or None and why; no words without a table."""
    h, lag = config.target.primary, config.target.label_lag_days
    if not ledger.has_table("customers") or stand.trained_days != h:
        return None, ""
    try:
        return Prospects.fit(prospect_rows(ledger, stand.training, (h,), stand.cutoff), stand.cutoff, lag), ""
    except NotEnoughData as error:
        return None, f"prospects have no values: {error}"


def prospect_scores(ledger: Ledger, model: Model, day: Cutoff) -> pd.DataFrame | None:
    """One row per prospect as of a day, columns `COLUMNS`, in order of their ids; None where nothing was learnt."""
    import pandas as pd

    if model.prospects is None or not ledger.has_table("customers"):
        return None
    rows, h = prospect_rows(ledger, [day]), model.horizon_days
    first, orders, spend = model.prospects.of(rows.age_days, h)
    days = model.lifetime.terms.horizon_days
    worth = model.prospects.lifetime(rows.age_days, h, days, model.lifetime.newcomer_worth(model.prior, h))
    found = (
        rows.customer_id,
        dates(rows.cutoff_day),
        np.full(rows.n_rows, PROSPECT, object),
        np.full(rows.n_rows, h, np.int32),
        rows.age_days,
        first,
        orders,
        spend,
        worth,
    )
    order = np.argsort(rows.customer_id.astype(str), kind="stable")
    return pd.DataFrame(dict(zip(COLUMNS, found, strict=True))).take(order).reset_index(drop=True)
