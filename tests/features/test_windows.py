"""Windows before the cutoff: edges, clock changes, the ledger's left edge; by hand and against the oracle."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given

from .agreement import disagreements, family_values, wrong
from .oracle import Value
from .strategies import PROPERTY, Ledger, ledger_of, ledgers

# Days before 1 March 2017: 7, 8 less a microsecond, 30, 31, 45 (a return), 365.
ROWS = [
    ("a", "2017-02-22 00:00:00", "o1", "1"),
    ("a", "2017-02-21 23:59:59.999999", "o2", "2"),
    ("a", "2017-01-30 00:00:00", "o3", "4"),
    ("a", "2017-01-29 12:00:00", "o4", "8"),
    ("a", "2017-01-15 12:00:00", "r1", "-4"),
    ("a", "2016-03-01 00:00:00", "o5", "16"),
]
LONG_WINDOWS: dict[str, Value] = {
    "orders_365d": 5,
    "spend_365d": 27,  # 1 + 2 + 4 + 8 - 4 + 16
    "days_365d": 5,
    "order_value_365d": Fraction(31, 5),
    "returned_365d": 4,
}
SHORT_WINDOWS: dict[str, Value] = {
    "orders_7d": 1,
    "spend_7d": 1,
    "orders_30d": 3,
    "spend_30d": 7,
    "orders_90d": 4,
    "spend_90d": 11,  # 1 + 2 + 4 + 8 - 4
    "orders_180d": 4,
    "spend_180d": 11,
    "days_90d": 4,
    "order_value_90d": Fraction(15, 4),
    "returned_90d": 4,
    "orders_trend_30d": Fraction(3, 4),  # 29 January lies in the 30 days before
    "orders_trend_90d": 1,
    "spend_trend_90d": 1,
}


@PROPERTY
@given(ledgers())
def test_windows_are_what_the_oracle_says(ledger: Ledger) -> None:
    assert disagreements(ledger, "windows") == []


def test_a_window_begins_at_its_first_midnight() -> None:
    ledger = ledger_of(ROWS, "2017-03-01", starts="2016-03-01")
    assert wrong(ledger, "windows", {**SHORT_WINDOWS, **LONG_WINDOWS}) == []


def test_a_window_that_starts_before_the_ledger_is_missing_not_truncated() -> None:
    # One day later and 365 days reach back before the ledger; the shorter windows stay.
    ledger = ledger_of(ROWS, "2017-03-01", starts="2016-03-02")
    assert wrong(ledger, "windows", {**SHORT_WINDOWS, **dict.fromkeys(LONG_WINDOWS)}) == []


def test_a_comparison_needs_the_whole_of_both_windows() -> None:
    # The ledger covers 59 days before 1 March: 30 but not 60, and not 90.
    ledger = ledger_of(ROWS[:4], "2017-03-01", starts="2017-01-01")
    expected: dict[str, Value] = {
        "orders_30d": 3,
        "orders_trend_30d": None,
        "orders_90d": None,
        "spend_trend_90d": None,
    }
    assert wrong(ledger, "windows", expected) == []


@pytest.mark.parametrize(
    ("timezone", "cutoff", "inside", "outside"),
    [
        # In spring the week has 167 hours: 168 hours before the cutoff is 23:00 on the day before the window.
        ("America/New_York", "2017-03-15", "2017-03-08 00:00:00", "2017-03-07 23:59:59.999999"),
        ("Europe/Berlin", "2017-03-29", "2017-03-22 00:00:00", "2017-03-21 23:59:59.999999"),
        # In autumn it has 169: 168 hours before the cutoff is 01:00 on the window's first day.
        ("America/New_York", "2017-11-08", "2017-11-01 00:30:00", "2017-10-31 23:30:00"),
        ("Europe/Berlin", "2017-11-01", "2017-10-25 00:30:00", "2017-10-24 23:30:00"),
        ("UTC", "2016-03-03", "2016-02-25 00:00:00", "2016-02-24 23:59:59.999999"),
    ],
)
def test_a_window_is_counted_in_local_days_not_in_hours(timezone: str, cutoff: str, inside: str, outside: str) -> None:
    rows = [("a", inside, "o1", "3"), ("a", outside, "o2", "5")]
    ledger = ledger_of(rows, cutoff, timezone, starts="2015-01-01")
    assert wrong(ledger, "windows", {"orders_7d": 1, "spend_7d": 3, "orders_30d": 2, "spend_30d": 8}) == []


def test_a_purchase_is_counted_where_it_became_one() -> None:
    # The order's first line is free: it becomes a purchase with the second line, 5 days before the cutoff.
    rows = [("a", "2016-11-30 10:00", "o", "0"), ("a", "2017-02-24 10:00", "o", "9")]
    ledger = ledger_of(rows, "2017-03-01")
    assert wrong(ledger, "windows", {"orders_7d": 1, "orders_365d": 1, "days_90d": 1}) == []
    # With free orders it was one on 30 November already, 91 days before.
    ledger = ledger_of(rows, "2017-03-01", count_free=True)
    assert wrong(ledger, "windows", {"orders_7d": 0, "orders_365d": 1, "days_90d": 0}) == []


# 2016-11-01 lies before the last 90 days; its refund under the same order id lies within.
REFUND = [
    ("a", "2016-11-01 10:00", "o1", "100"),
    ("a", "2017-02-19 10:00", "o1", "-100"),
    ("a", "2017-02-24 10:00", "o2", "20"),
]


def test_a_refund_on_an_older_order_leaves_the_mean_value_of_this_windows_purchases() -> None:
    # One purchase became one in the last 90 days, worth 20; the refund counts in spend and as returned.
    expected: dict[str, Value] = {"orders_90d": 1, "order_value_90d": 20, "spend_90d": -80, "returned_90d": 100}
    assert wrong(ledger_of(REFUND, "2017-03-01"), "windows", expected) == []


def test_a_trend_is_a_share_or_missing() -> None:
    found = family_values(ledger_of(REFUND, "2017-03-01"), "windows")
    trends = {name: value for (name, _, _), value in found.items() if "trend" in name}
    assert {name: value for name, value in trends.items() if not (math.isnan(value) or 0 <= value <= 1)} == {}
