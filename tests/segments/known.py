"""Facts of a few customers, by hand: what a test names, and for the rest a steady customer without surprises."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from regulars.segments.facts import Facts

TEXTS = ("value_churn", "next_from", "next_until")
FLAGS = ("scored", "late")
NUMBERS = ("p_churn", "expected_spend", "usual_gap_days")
STEADY: dict[str, Any] = {
    **{"orders": 10, "spend": 1_000_000, "recency_days": 5, "first_days": 300, "silence_days": -1},
    **{"orders_year": 10, "spend_year": 1_000_000, "best_year": None},
    **{"scored": True, "p_churn": 0.1, "expected_spend": 20.0, "usual_gap_days": 10.0, "late": False},
    **{"value_churn": "high value, steady", "next_from": "", "next_until": ""},
}
"""Ten orders for 100 in all, the last five days ago, one every ten days."""
PROSPECT: dict[str, Any] = {
    **{"orders": 0, "spend": 0, "recency_days": -1, "first_days": -1, "orders_year": 0, "spend_year": 0},
    **{"scored": False, "p_churn": np.nan, "expected_spend": np.nan, "usual_gap_days": np.nan, "value_churn": ""},
}
UNSCORED: dict[str, Any] = {
    "scored": False, "p_churn": np.nan, "expected_spend": np.nan, "usual_gap_days": np.nan, "value_churn": "",
}  # fmt: skip


def facts(*customers: dict[str, Any], horizon_days: int = 30, grace_days: int = 0, as_of: str = "2024-06-01") -> Facts:
    """A customer for each mapping of what is not as `STEADY` has it; ids are a, b, c, ..."""
    rows = [{**STEADY, **customer} for customer in customers]
    columns = {name: [row[name] for row in rows] for name in STEADY}
    best = columns.pop("best_year")
    kinds: dict[str, Any] = {**dict.fromkeys(TEXTS, object), **dict.fromkeys(FLAGS, bool)}
    kinds |= dict.fromkeys(NUMBERS, np.float64)
    arrays = {name: np.array(values, kinds.get(name, np.int64)) for name, values in columns.items()}
    found = Facts(
        as_of=as_of,
        horizon_days=horizon_days,
        currency="EUR",
        ids=np.array([chr(ord("a") + i) for i in range(len(rows))], np.str_),
        best_year=None if None in best or not best else np.array(best, np.int64),
        grace_days=grace_days,
        knows_newcomers=True,
        **arrays,
    )
    return found if rows else replace(found, ids=np.zeros(0, np.str_))
