"""Windows before the cutoff: edges, clock changes, the ledger's left edge; by hand and against the oracle."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
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


def _ledger_of_ages(rows: Sequence[tuple[int, str, str]], starts: str = "2016-12-31") -> Ledger:
    """Lines (days before the cutoff, at midnight; order; amount) before 1 January 2018; 366 days are covered."""
    cutoff = dt.date(2018, 1, 1)
    lines = [("a", f"{cutoff - dt.timedelta(days=age)} 00:00", order, amount) for age, order, amount in rows]
    return ledger_of(lines, str(cutoff), starts=starts)


# A window [t - 60, t - 30) holds the midnights 60 ... 31 days before, so the edges are 31 and 60, 61 and 90 ...
AGES = (1, 30, 31, 60, 61, 150, 151, 180, 181, 274, 275, 336, 337, 364, 365)
MONTHS = (2, 2, 1, 0, 1, 2, 1, 0, 0, 2, 0, 2)
"""Purchases 1-30, 31-60, ... 331-360 days before."""
MONEY = (3, 12, 16, 0, 32, 192, 256, 0, 0, 1536, 0, 6144)
BUCKETS: dict[str, Value] = {
    "orders_30_60d": 2,
    "spend_30_60d": 12,  # 4 + 8
    "orders_60_90d": 1,
    "spend_60_90d": 16,
    "orders_90_120d": 0,
    "spend_90_120d": 0,
    "orders_120_150d": 1,
    "spend_120_150d": 32,
    "orders_150_180d": 2,
    "spend_150_180d": 192,  # 64 + 128
    # Months 2, 1, 0, 1, 2, 2, oldest first, times -5, -3, -1, 1, 3, 5, over 2 x (2.5 ** 2 + 1.5 ** 2 + .5 ** 2) x 2.
    "orders_slope_180d": Fraction(4, 35),
    "spend_slope_180d": Fraction(-989, 35),  # -960 - 96 + 16 + 36 + 15
}
YEAR_AGO: dict[str, Value] = {
    "orders_year_ago_28d": 2,  # 337 and 364
    "spend_year_ago_28d": 4096 + 8192,
    "orders_year_ago_90d": 4,  # 275, 336, 337, 364
    "spend_year_ago_90d": 1024 + 2048 + 4096 + 8192,
}
DECAYED: dict[str, Value] = {
    # The middle of the latest month lies 15 days back: 2 ** -.5; from there each month counts half of the next.
    "orders_decayed_30d": 2**-0.5 * (2 + 1 + 1 / 4 + 1 / 16 + 2 / 32 + 1 / 64 + 2 / 512 + 2 / 2048),
    "spend_decayed_30d": 2**-0.5 * (3 + 6 + 4 + 2 + 6 + 4 + 3 + 3),  # 12 / 2, 16 / 4, 32 / 16, 192 / 32 ...
    "orders_decayed_90d": sum(n * 2 ** (-(15 + 30 * k) / 90) for k, n in enumerate(MONTHS)),
    "spend_decayed_90d": sum(m * 2 ** (-(15 + 30 * k) / 90) for k, m in enumerate(MONEY)),
}


def test_months_and_weeks_a_year_ago_begin_and_end_at_midnight() -> None:
    # Amounts 1, 2, 4, ... name their purchase.
    ledger = _ledger_of_ages([(age, f"o{age}", str(2**i)) for i, age in enumerate(AGES)])
    assert wrong(ledger, "windows", {**BUCKETS, **YEAR_AGO, **DECAYED}) == []


def test_months_before_the_ledger_are_missing_and_fade_to_nothing() -> None:
    # The ledger covers 363 days: not the year-ago windows; then 179, and the last of six months and the slopes go too.
    rows = [(age, f"o{age}", str(2**i)) for i, age in enumerate(AGES) if age < 180]
    ledger = _ledger_of_ages(rows, starts="2017-01-03")
    assert wrong(ledger, "windows", dict.fromkeys(YEAR_AGO)) == []
    assert wrong(ledger, "windows", {"orders_150_180d": 1, "orders_slope_180d": Fraction(9, 35)}) == []
    ledger = _ledger_of_ages(rows, starts="2017-07-06")
    gone: dict[str, Value] = dict.fromkeys(("orders_150_180d", "spend_150_180d", *(n for n in BUCKETS if "slope" in n)))
    # Without the purchases at 180 and before: 2 + 2 / 2 + 1 / 4 + 1 / 16 + 1 / 32.
    faded: dict[str, Value] = {"orders_decayed_30d": 2**-0.5 * (2 + 1 + 1 / 4 + 1 / 16 + 1 / 32)}
    assert wrong(ledger, "windows", {"orders_120_150d": 1, **gone, **faded}) == []


@pytest.mark.parametrize("amount", ["0.0003", "10", "199999.9999"])
def test_months_that_are_alike_have_no_slope(amount: str) -> None:
    ledger = _ledger_of_ages([(15 + 30 * k, f"o{k}", amount) for k in range(6)])
    assert wrong(ledger, "windows", {"orders_slope_180d": 0, "spend_slope_180d": 0}) == []


def test_what_is_bought_and_returned_when_it_counts_half_fades_to_exactly_nothing() -> None:
    # 20 bought 45 days ago and 10 given back 15 days ago, and the same with 105 days, when with 90 days it is half.
    month = _ledger_of_ages([(45, "o1", "20"), (15, "r1", "-10")])
    assert wrong(month, "windows", {"spend_decayed_30d": 0}) == []
    quarter = _ledger_of_ages([(105, "o1", "20"), (15, "r1", "-10")])
    assert wrong(quarter, "windows", {"spend_decayed_90d": 0}) == []


def test_returns_are_counted_in_the_window_in_which_they_were_made() -> None:
    rows = [(200, "o", "50"), (90, "r1", "-1"), (91, "r2", "-1"), (180, "r3", "-1"), (181, "r4", "-1")]
    assert wrong(_ledger_of_ages(rows), "windows", {"returns_90d": 1, "returns_180d": 3}) == []


def test_a_return_that_became_a_purchase_does_not_count_below_nothing() -> None:
    # Given back 100 days before; 50 days before the order sold something, and was no return any more.
    ledger = _ledger_of_ages([(100, "o", "-10"), (50, "o", "20")])
    assert wrong(ledger, "windows", {"returns_90d": 0, "returns_180d": 0, "orders_90d": 1}) == []


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
