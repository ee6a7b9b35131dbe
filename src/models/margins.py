"""The margin that the ledger itself shows, where its lines say what they cost.

In: a ledger, a day. Out: the share of the money of purchases that was earned before that day; None where no cost is
known, or of less than half of the money. Lines without a cost are left out, returns too.
"""

from __future__ import annotations

import numpy as np

from ..clock import Cutoff
from ..features.lines import instants_of, units_of
from ..intake import Ledger

LEAST_COVERED = 0.5


def measured_margin(ledger: Ledger, before: Cutoff) -> float | None:
    """1 - cost / amount over the lines above 0 known before a day, within 0..1.

    Examples
    --------
    >>> from regulars.config import Config
    >>> import pyarrow as pa
    >>> rows = {"customer_id": ["a", "b"], "purchased_at": ["2024-01-05"] * 2, "amount": [9.0, 1.0], "cost": [6.0, 1.0]}
    >>> ledger = Ledger.from_frame(pa.table(rows), Config.of(purchases={"cost": "cost"}))
    >>> round(measured_margin(ledger, Cutoff.parse("2024-01-06")), 9)  # 1 - 7 / 10
    0.3
    """
    if "cost" not in ledger.columns:
        return None
    limit, money, covered, cost = before.instant(ledger.zone), 0, 0, 0
    clock = "known_at" if "known_at" in ledger.columns else "purchased_at"
    for shard in ledger.shards(columns=("amount", "cost", "purchased_at", clock)):
        amount, paid = units_of(shard["amount"]), shard["cost"]
        past = (instants_of(shard["purchased_at"]) < limit) & (instants_of(shard[clock]) < limit) & (amount > 0)
        known = past & np.asarray(paid.is_valid())
        money += int(amount[past].sum())
        covered += int(amount[known].sum())
        cost += int(units_of(paid.fill_null(0))[known].sum())
    if covered == 0 or covered < LEAST_COVERED * money:
        return None
    return min(1.0, max(0.0, 1.0 - cost / covered))
