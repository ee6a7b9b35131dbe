"""The rhythm of purchase days: by hand and against the oracle."""

from __future__ import annotations

import datetime as dt
import random
import statistics
from fractions import Fraction

from hypothesis import given

from .agreement import disagreements, family_values, wrong
from .oracle import Value
from .strategies import PROPERTY, Ledger, ledger_of, ledgers

NAMES = ("gap_mean", "gap_sd", "gap_cv", "gap_longest", "gap_last", "gap_last_of_mean", "lateness")
SERIES = ("regularity", "gap_slope", "lateness_z")


@PROPERTY
@given(ledgers())
def test_cadence_is_what_the_oracle_says(ledger: Ledger) -> None:
    assert disagreements(ledger, "cadence") == []


def test_cadence_of_gaps_of_10_16_and_4_days() -> None:
    # Days 1, 11, 27, 31 January (two orders on the 11th count once), cutoff 15 February: 15 days of silence.
    rows = [
        ("a", "2017-01-01 10:00", "o1", "1"),
        ("a", "2017-01-11 10:00", "o2", "1"),
        ("a", "2017-01-11 20:00", "o3", "1"),
        ("a", "2017-01-27 10:00", "o4", "1"),
        ("a", "2017-01-31 10:00", "o5", "1"),
        ("b", "2017-02-14 10:00", "o1", "1"),
    ]
    expected: dict[str, Value] = {
        "gap_mean": 10,
        "gap_sd": 6.0,  # deviations 0, 6, -6: sqrt(72 / 2)
        "gap_cv": 0.6,
        "gap_longest": 16,
        "gap_last": 4,
        "gap_last_of_mean": Fraction(4, 10),
        "lateness": Fraction(15, 10),
        "silence_of_longest": Fraction(15, 16),
        "gap_mean_180d": 10,
        # 10 -> 16: (6 / 26) ** 2 = 9 / 169; 16 -> 4: (12 / 20) ** 2 = 9 / 25; 1 - their mean.
        "regularity": Fraction(3352, 4225),
        "gap_slope": Fraction(-3, 10),  # (4 - 10) / 2 over the mean of 10
        "lateness_z": Fraction(5, 6),  # (15 - 10) / 6
    }
    ledger = ledger_of(rows, "2017-02-15")
    assert wrong(ledger, "cadence", expected) == []
    # A customer of one day has no gap, and nothing of the neighbour's.
    nothing: dict[str, Value] = dict.fromkeys((*NAMES, *SERIES, "silence_of_longest", "gap_mean_180d"))
    assert wrong(ledger, "cadence", nothing, customer="b") == []


def test_equal_gaps_have_no_spread() -> None:
    rows = [("a", f"2017-01-{day:02d} 10:00", f"o{day}", "1") for day in (1, 8, 15, 22, 29)]
    expected: dict[str, Value] = {"gap_mean": 7, "gap_sd": 0, "gap_cv": 0}
    # Nothing is late by so many times no spread.
    expected |= {"regularity": 1, "gap_slope": 0, "lateness_z": None}
    assert wrong(ledger_of(rows, "2017-02-01"), "cadence", expected) == []


def test_two_purchase_days_have_a_mean_gap_but_no_spread() -> None:
    rows = [("a", "2017-01-01 10:00", "o1", "1"), ("a", "2017-01-09 10:00", "o2", "1")]
    expected: dict[str, Value] = {"gap_mean": 8, "gap_sd": None, "gap_cv": None, "gap_last_of_mean": 1, "lateness": 1}
    assert wrong(ledger_of(rows, "2017-01-17"), "cadence", {**expected, **dict.fromkeys(SERIES)}) == []


def test_three_purchase_days_have_a_regularity_but_no_trend() -> None:
    # Gaps of 2 and 6: 1 - (4 / 8) ** 2. Spread sqrt(2 * 2 ** 2 / 1); 4 days of silence are the mean gap, not late.
    rows = [("a", f"2017-01-0{day} 10:00", f"o{day}", "1") for day in (1, 3, 9)]
    expected: dict[str, Value] = {"regularity": Fraction(3, 4), "gap_slope": None, "lateness_z": 0}
    assert wrong(ledger_of(rows, "2017-01-13"), "cadence", expected) == []


def test_purchases_at_random_have_a_regularity_of_two_thirds() -> None:
    # Gaps from an exponential distribution: b / (a + b) is uniform, 1 - 4 / 12. Of 400 customers with two gaps each the
    # mean has a standard error of sqrt(16 * (1 / 80 - 1 / 144) / 400) = .015.
    rng, rows = random.Random(3), []
    for customer in range(400):
        day = dt.date(2001, 1, 1)
        for order in range(3):
            rows.append((f"c{customer}", f"{day} 12:00", f"o{order}", "1"))
            day += dt.timedelta(days=1 + round(rng.expovariate(1 / 200)))
    found = family_values(ledger_of(rows, "2020-01-01", starts="2001-01-01"), "cadence")
    values = [value for (name, _, _), value in found.items() if name == "regularity"]
    assert len(values) == 400
    assert abs(statistics.mean(values) - 2 / 3) < 0.06


def test_a_gap_counts_in_the_window_in_which_it_ended() -> None:
    # 180 days before 29 August is 2 March. The gap of 59 days from 1 January ended on 1 March, a day too early; the
    # one of 1 day ended on 2 March, the first day of the window; then one of 30 days.
    rows = [
        ("a", "2017-01-01 10:00", "o1", "1"),
        ("a", "2017-03-01 10:00", "o2", "1"),
        ("a", "2017-03-02 00:00", "o3", "1"),
        ("a", "2017-04-01 10:00", "o4", "1"),
    ]
    expected: dict[str, Value] = {"gap_mean_180d": Fraction(31, 2), "gap_mean": 30, "gap_longest": 59, "gap_last": 30}
    assert wrong(ledger_of(rows, "2017-08-29"), "cadence", expected) == []
    # With the ledger starting on 3 March 2017 less a day it is covered; a day later it is not.
    assert wrong(ledger_of(rows, "2017-08-29", starts="2017-03-03"), "cadence", {"gap_mean_180d": None}) == []


def test_gaps_are_calendar_days_over_a_clock_change() -> None:
    # 25 March 23:00 to 26 March 23:00 in Berlin is 23 hours, and one day; to 28 March 01:00 it is two days.
    rows = [
        ("a", "2017-03-25 23:00", "o1", "1"),
        ("a", "2017-03-26 23:00", "o2", "1"),
        ("a", "2017-03-28 01:00", "o3", "1"),
    ]
    expected: dict[str, Value] = {
        "gap_mean": Fraction(3, 2),
        "gap_longest": 2,
        "gap_last": 2,
        "lateness": Fraction(4, 3),
    }
    assert wrong(ledger_of(rows, "2017-03-30", "Europe/Berlin"), "cadence", expected) == []
