"""A ledger of a few rows, on which every key figure can be derived by hand, and what was done beside buying.

In: nothing. Out: a configuration and the ledger, whose data cover 2024-01-01 to 2024-04-10; silence is 30 days.

| customer | days                                                                    |
|----------|-------------------------------------------------------------------------|
| a        | 5 Jan 10.00, 20 Jan 20.00, 10 Mar 30.00 (50 days later)                   |
| b        | 31 Jan 5.00, 29 Feb 7.00 (29 days later), 15 Mar back 2.00               |
| c        | 10 Feb 8.00 and 12.00, two orders; 11 Mar 1.00 (30 days later)           |
| d        | 1 Feb back 4.00, never a purchase                                       |
| e        | 2 Apr 100.00, in the month that is not over                             |
"""

from __future__ import annotations

from functools import cache

import pandas as pd

from regulars.config import Config
from regulars.intake import Ledger

LINES = [
    ("a", "2024-01-05", "o1", 10.0),
    ("a", "2024-01-20", "o2", 20.0),
    ("a", "2024-03-10", "o3", 30.0),
    ("b", "2024-01-31", "o4", 5.0),
    ("b", "2024-02-29", "o5", 7.0),
    ("b", "2024-03-15", "o6", -2.0),
    ("c", "2024-02-10", "o7", 8.0),
    ("c", "2024-02-10", "o8", 12.0),
    ("c", "2024-03-11", "o9", 1.0),
    ("d", "2024-02-01", "o10", -4.0),
    ("e", "2024-04-02", "o11", 100.0),
]
EVENTS = (
    ("a", "2024-01-01", "visit", "customer", None),
    ("a", "2024-02-03", "survey", "company", None),
    ("b", "2024-02-03", "survey", "company", None),
    ("a", "2024-02-05", "survey", "customer", 9.0),
    ("c", "2024-02-20", "survey", "customer", 3.0),
    ("z", "2024-02-06", "visit", "customer", None),
    ("b", "2024-02-07", "email_open", "company", None),
    ("b", "2024-03-31", "visit", "customer", None),
)
COLUMNS = ("customer_id", "occurred_at", "kind", "initiated_by", "value")


@cache
def config(events: bool = False, **target: object) -> Config:
    """The configuration of the ledger, with or without events."""
    data: dict[str, object] = {"history_starts": "2024-01-01", "history_ends": "2024-04-10"}
    if events:
        data["events"] = {name: name for name in COLUMNS}
    return Config.of(
        amount="amount",
        currency="EUR",
        purchases={"order_id": "order_id"},
        data=data,
        target={"horizon_days": 30, **target},
    )


def purchases() -> pd.DataFrame:
    """The lines."""
    return pd.DataFrame(LINES, columns=["customer_id", "purchased_at", "order_id", "amount"])


Event = tuple[str, str, str, str, float | None]


@cache
def ledger(rows: tuple[Event, ...] | None = None) -> Ledger:
    """The ledger; with events where some are given."""
    if rows is None:
        return Ledger.from_frame(purchases(), config())
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    return Ledger.from_frame(purchases(), config(events=True), events=frame)
