"""Engagement by channel and by scheme, by hand, on the few rows: who did what where, and who is in which segment."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from regulars.clock import Cutoff
from regulars.config import Config
from regulars.errors import ConfigError
from regulars.intake import Ledger
from regulars.kpis.by_period import Window
from regulars.kpis.by_segment import by_segment
from regulars.kpis.purchases import Purchases
from regulars.pipelines.kpis import Kpis, kpis

from .few import COLUMNS, config, ledger, purchases

EVENTS = [
    ("a", "2024-01-01", "visit", "customer", None, "web"),
    ("a", "2024-02-03", "visit", "customer", None, "web"),
    ("a", "2024-02-04", "visit", "customer", None, "web"),
    ("b", "2024-02-07", "email_open", "customer", None, "email"),
    ("a", "2024-02-08", "email_open", "customer", None, "email"),
    ("c", "2024-02-09", "visit", "customer", None, "web"),
    ("a", "2024-02-10", "email_sent", "company", None, "email"),
    ("b", "2024-02-11", "visit", "customer", None, None),
    ("b", "2024-03-31", "visit", "customer", None, "web"),
]


def found_with(events: list[tuple[Any, ...]], channel: bool = True) -> Kpis:
    section = {name: name for name in COLUMNS} | ({"channel": "channel"} if channel else {})
    settings = Config.of(
        amount="amount",
        currency="EUR",
        purchases={"order_id": "order_id"},
        data={"history_starts": "2024-01-01", "history_ends": "2024-04-10", "events": section},
        target={"horizon_days": 30},
    )
    frame = pd.DataFrame(events, columns=[*COLUMNS, "channel"])
    return kpis(Ledger.from_frame(purchases(), settings, events=frame), settings)


def test_channels_have_those_at_risk_as_their_denominator() -> None:
    table = found_with(EVENTS).table("engagement_by_channel")
    assert table is not None
    # January: nobody was at risk on the 1st. February: a and b were; a did something on the web, both by e-mail; c was
    # new then. Five deeds of customers have a channel: a's two and c's on the web, a's and b's by e-mail.
    # March: a, b, c; b on the web. April is not over.
    assert [tuple(row.values()) for row in table.shown()] == [
        ("2024-01", "email", 0, 0, None, 0, 0.0),
        ("2024-01", "web", 0, 0, None, 1, 1.0),
        ("2024-02", "email", 2, 2, 1.0, 2, 0.4),
        ("2024-02", "web", 2, 1, 0.5, 3, 0.6),
        ("2024-03", "email", 3, 0, 0.0, 0, 0.0),
        ("2024-03", "web", 3, 1, 1 / 3, 1, 1.0),
    ]


def test_without_channels_that_is_said() -> None:
    found = found_with(EVENTS, channel=False)
    assert found.table("engagement_by_channel") is None
    assert found.off["engagement_by_channel"] == "No engagement by channel: map `channel` in [data.events]."


def test_a_log_of_what_the_company_did_tells_no_engagement() -> None:
    found = found_with([("a", day, "email_sent", "company", None, "email") for day in ("2024-01-01", "2024-03-31")])
    table = found.table("engagement")
    assert table is not None
    assert {(row["engaged"], row["engagement_rate"], row["answers"]) for row in table.rows} == {(None, None, None)}
    assert "No engagement: no event was begun by a customer (`initiated_by`)." in found.notes


@pytest.mark.parametrize("scheme", ["lifecycle", "rfm"])
def test_the_segments_of_a_scheme_add_up_to_everybody(scheme: str) -> None:
    table = kpis(ledger(), config(), scheme=scheme).table("by_segment")
    assert table is not None
    *parts, every = table.shown()
    # a, b, c, e bought; d only gave back, and is a customer as well. [12 Mar, 11 Apr): b gave back 2, e bought for 100.
    told = ("segment", "customers", "bought", "orders", "spend")
    assert [every[name] for name in told] == ["all", 5, 1, 1, 98.0]
    for name in told[1:]:
        assert sum(float(row[name] or 0) for row in parts) == every[name]
    assert scheme in table.about


def test_a_scheme_that_the_data_do_not_allow_is_off() -> None:
    # A hundred days are no year of spend, and nobody was scored.
    for scheme in ("tiers", "value-churn", "expected-tiers"):
        found = kpis(ledger(), config(), scheme=scheme)
        assert found.table("by_segment") is None
        assert found.off["by_segment"].startswith(f"No table by segment: the scheme `{scheme}` is left out: ")


def test_a_scheme_counts_whoever_never_bought_and_keeps_its_order() -> None:
    some = Purchases.of([])
    window = Window(30, Cutoff.parse("2024-01-01"), Cutoff.parse("2024-04-11"))
    ids, segments = np.array(["p", "q"], object), np.array(["prospect", "prospect"], object)
    day = Cutoff.parse("2024-04-01")
    found = by_segment(some, ids, segments, day, window, "lifecycle", ("prospect", "new")).shown()
    told = [(r["segment"], r["customers"], r["share"], r["bought"], r["spend"], r["bought_share"]) for r in found]
    assert told == [("prospect", 2, 1.0, 0, 0.0, 0.0), ("new", 0, 0.0, 0, 0.0, None), ("all", 2, 1.0, 0, 0.0, 0.0)]
    # Of scores, who is not in the ledger is not counted.
    assert by_segment(some, ids, segments, day, window).shown()[-1]["customers"] == 0


def test_another_scheme_is_refused() -> None:
    with pytest.raises(ConfigError, match="RG476"):
        kpis(ledger(), config(), scheme="horoscope")
