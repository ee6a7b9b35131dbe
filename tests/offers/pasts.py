"""What campaigns gave before a day, written by hand for tests."""

from __future__ import annotations

import pyarrow as pa

from regulars.clock import Cutoff, Zone
from regulars.offers.past import Past

BERLIN = Zone("Europe/Berlin")
DAY = Cutoff.parse("2026-03-04")
IDS = ("ann", "bob")

SCHEMA = pa.schema(
    [
        ("customer_id", pa.string()),
        ("campaign", pa.string()),
        ("as_of", pa.string()),
        ("offer", pa.string()),
        ("channel", pa.string()),
        ("type", pa.string()),
        ("group", pa.string()),
        ("send_at", pa.timestamp("us", tz="UTC")),
        ("cost", pa.float64()),
        ("ghost", pa.bool_()),
    ]
)


def instant(days_before: int) -> int:
    """Noon in Berlin, so many days before the day."""
    return DAY.minus(days_before).instant(BERLIN) + 12 * 3_600_000_000


def given(
    *rows: tuple[str, int, str, str],
    campaign: str = "spring",
    cost: float = 1.0,
    group: str = "",
    ghosts: bool = False,
    ids: tuple[str, ...] = IDS,
) -> Past:
    """Rows of customer, days before the day, offer, channel."""
    found = [
        {
            "customer_id": customer,
            "campaign": campaign,
            "as_of": str(DAY.minus(max(before, 0))),
            "offer": offer,
            "channel": channel,
            "type": "percent",
            "group": group,
            "send_at": instant(before),
            "cost": cost,
            "ghost": ghosts,
        }
        for customer, before, offer, channel in rows
    ]
    return Past.of(pa.Table.from_pylist(found, schema=SCHEMA), ids, BERLIN)
