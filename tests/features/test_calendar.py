"""When a customer buys, shrunk to the population: by hand and against the oracle."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given

from regulars.errors import DataError
from regulars.features.measures import weekday
from regulars.features.reference import Reference

from .agreement import disagreements, family_values, wrong
from .oracle import Value
from .strategies import PROPERTY, Ledger, ledger_of, ledgers

# Saturday morning, Monday afternoon; another customer: Sunday evening (Monday 03:00 in UTC), Tuesday at night.
ROWS = [
    ("a", "2017-01-07 09:00", "o1", "1"),
    ("a", "2017-01-09 12:00", "o2", "1"),
    ("b", "2017-01-08 22:00", "o1", "1"),
    ("b", "2017-01-10 05:59:59.999999", "o2", "1"),
]


@PROPERTY
@given(ledgers())
def test_calendar_is_what_the_oracle_says(ledger: Ledger) -> None:
    assert disagreements(ledger, "calendar") == []


def test_shares_are_own_purchases_and_five_of_the_population() -> None:
    # Of all four purchases two fall on a weekend, one each into morning, afternoon, evening.
    ledger = ledger_of(ROWS, "2017-02-01", "America/New_York")
    a: dict[str, Value] = {
        "weekend_share": Fraction(1, 2),  # (1 + 5 / 2) / (2 + 5)
        "morning_share": Fraction(9, 28),  # (1 + 5 / 4) / 7
        "afternoon_share": Fraction(9, 28),
        "evening_share": Fraction(5, 28),  # (0 + 5 / 4) / 7
    }
    b: dict[str, Value] = {"weekend_share": Fraction(1, 2), "evening_share": Fraction(9, 28)}
    assert wrong(ledger, "calendar", a) == []
    assert wrong(ledger, "calendar", b, customer="b") == []


def test_the_population_is_that_before_the_cutoff() -> None:
    # On 9 January only the weekend has happened: a has bought in the morning, b in the evening.
    ledger = ledger_of(ROWS, "2017-01-09", "America/New_York")
    expected: dict[str, Value] = {"weekend_share": 1, "morning_share": Fraction(7, 12), "afternoon_share": 0}
    assert wrong(ledger, "calendar", expected) == []


def test_day_parts_begin_on_the_hour() -> None:
    moments = ["06:00", "11:59:59.999999", "12:00", "17:59:59.999999", "18:00", "23:59:59.999999"]
    rows = [(f"c{i}", f"2017-01-10 {moment}", "o", "1") for i, moment in enumerate(moments)]
    ledger = ledger_of(rows, "2017-01-11", "America/St_Johns")
    found = family_values(ledger, "calendar", Reference(ledger.reference().days, dict.fromkeys(_COUNTED, (0,))))
    # Against a population of nobody a purchase of one's own weighs 1 / (1 + 5).
    for i, part in enumerate(["morning", "morning", "afternoon", "afternoon", "evening", "evening"]):
        own = {n: v for (n, who, _), v in found.items() if who == f"c{i}"}
        assert own.pop(f"{part}_share") == pytest.approx(1 / 6, rel=1e-12)
        assert set(own.values()) == {0.0}


_COUNTED = ("purchase", "weekend", "morning", "afternoon", "evening")


def test_a_reference_of_other_cutoffs_is_refused() -> None:
    ledger = ledger_of(ROWS, "2017-02-01")
    other = ledger_of(ROWS, "2017-01-25").reference()
    with pytest.raises(DataError, match="RG024"):
        family_values(ledger, "calendar", other)


def test_day_zero_was_a_thursday() -> None:
    # 1970-01-01 Thursday = 3, ... 1970-01-05 Monday = 0, and 1969-12-31 Wednesday = 2.
    assert weekday(np.array([0, 1, 2, 3, 4, 11, -1])).tolist() == [3, 4, 5, 6, 0, 0, 2]
