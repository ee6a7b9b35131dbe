"""What each part of the examination calls odd, and what it leaves in peace, on shops of a few lines."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pytest

from regulars.clock import Cutoff
from regulars.config import Config
from regulars.examination.examine import examine
from regulars.examination.finding import Finding, Severity, ordered
from regulars.examination.products import strangers
from regulars.examination.tallies import Histogram, Largest, Numbering
from regulars.intake import Ledger
from regulars.intake.hashes import value_words
from regulars.models.splits import Span

FIRST = Cutoff.parse("2022-01-03").day


def steady(days: int = 400, a_day: int = 10, seed: int = 1, christmas: bool = True) -> dict[str, list[str]]:
    """So many purchases every day but Sundays, and none over Christmas; 60 customers in turn."""
    random = np.random.default_rng(seed)
    rows: list[tuple[str, str, str]] = []
    for day in range(days):
        date = Cutoff(FIRST + day)
        closed = str(date)[5:] >= "12-24" or str(date)[5:] <= "01-02"
        if day % 7 == 6 or (christmas and closed):
            continue
        for _ in range(a_day):
            who, minute = int(random.integers(60)), int(random.integers(600))
            stamp = f"{date} {9 + minute // 60:02d}:{minute % 60:02d}:00"
            rows.append((f"{who:05d}", stamp, f"{random.gamma(4, 5) + 1:.2f}"))
    customer, stamp, amount = (list(column) for column in zip(*rows, strict=True))
    return {"customer_id": customer, "purchased_at": stamp, "amount": amount}


def codes(columns: dict[str, list[str]], least: Severity = Severity.NOTE, **purchases: object) -> set[str]:
    return {
        f.code
        for f in findings(columns, **purchases)
        if f.severity in list(Severity)[: list(Severity).index(least) + 1]
    }


def findings(columns: dict[str, list[str]], **purchases: object) -> tuple[Finding, ...]:
    config = Config.of(horizon_days=30, purchases=purchases)
    ledger = Ledger.from_frame(pa.table(columns), config)
    return examine(ledger, config, Span(ledger.history_starts, ledger.ends, 30, 0, 30)).findings


def without(columns: dict[str, list[str]], first: str, last: str) -> dict[str, list[str]]:
    """The lines outside some days, both included."""
    keep = [not first <= stamp[:10] <= last for stamp in columns["purchased_at"]]
    return {name: [v for v, k in zip(values, keep, strict=True) if k] for name, values in columns.items()}


def plus(columns: dict[str, list[str]], *lines: tuple[str, str, str]) -> dict[str, list[str]]:
    return {name: [*values, *(line[i] for line in lines)] for i, (name, values) in enumerate(columns.items())}


def test_closed_sundays_and_christmas_are_no_holes() -> None:
    assert codes(steady()) <= {"incomplete_month"}


def test_a_week_without_purchases_is_a_hole_and_a_day_is_a_note() -> None:
    # Ten lines a day of 60 customers, who make one purchase a day each: 60 x (1 - (59/60)^10) = 9.3 purchases were to
    # be expected on each of six open days.
    (hole,) = [f for f in findings(without(steady(), "2022-06-06", "2022-06-12")) if f.code == "hole"]
    assert hole.severity is Severity.SUSPICIOUS
    expected = re.search(r"about (\d+) were to be expected", hole.words)
    assert expected is not None
    assert 52 <= int(expected[1]) <= 60
    # The Sundays before and after are empty, too.
    assert hole.examples == ("2022-06-05 to 2022-06-12",)
    busy = without(steady(a_day=30), "2022-06-08", "2022-06-08")
    assert [f.examples for f in findings(busy) if f.code == "short_hole"] == [("2022-06-08",)]


def test_an_empty_week_of_a_shop_that_seldom_sells_is_chance() -> None:
    # One purchase on an open day: six were to be expected, and e^-6 happens in one of 400 weeks.
    assert "hole" not in codes(without(steady(a_day=1), "2022-06-06", "2022-06-12"))


def test_holidays_of_every_summer_are_no_hole() -> None:
    twice = without(without(steady(760), "2022-08-01", "2022-08-14"), "2023-07-31", "2023-08-13")
    assert "hole" not in codes(twice)
    assert "hole" in codes(without(steady(760), "2022-08-01", "2022-08-14"))


def test_a_month_of_another_scale_is_found_and_its_factor_said() -> None:
    columns = steady(a_day=30)
    columns["amount"] = [
        f"{float(a) * 100:.2f}" if d.startswith("2022-05") else a
        for a, d in zip(columns["amount"], columns["purchased_at"], strict=True)
    ]
    (shift,) = [f for f in findings(columns) if f.code == "level_shift"]
    # May is a twelfth of the lines, so they would spoil every model.
    assert shift.severity is Severity.SERIOUS
    assert "about 100 times above" in shift.words


def test_a_giant_and_one_that_was_undone() -> None:
    columns = steady()
    # 999 of 1,000 lines are below 80.
    assert "giant_lines" in codes(plus(columns, ("00007", "2022-05-03 10:00:00", "250000.00")))
    undone = plus(columns, ("00007", "2022-05-03 10:00:00", "900.00"), ("00007", "2022-05-04 10:00:00", "-900.00"))
    (found,) = [f for f in findings(undone) if f.code == "undone_giants"]
    assert (found.count, found.money) == (1, 9_000_000)
    # Another customer's return undoes nothing, nor does one two months later.
    other = plus(columns, ("00007", "2022-05-03 10:00:00", "900.00"), ("00008", "2022-05-04 10:00:00", "-900.00"))
    late = plus(columns, ("00007", "2022-05-03 10:00:00", "900.00"), ("00007", "2022-07-04 10:00:00", "-900.00"))
    assert "undone_giants" not in codes(other) | codes(late)


def test_ids_that_stand_for_nobody_are_found_by_their_share_and_masked() -> None:
    columns = steady()
    columns["customer_id"] = ["guest-account" if i % 4 == 0 else c for i, c in enumerate(columns["customer_id"])]
    (found,) = [f for f in findings(columns) if f.code == "default_customer"]
    assert found.severity is Severity.SERIOUS
    assert "guest" not in found.words + "".join(found.examples)


def test_a_customer_called_none_who_buys_like_others_is_one() -> None:
    columns = steady()
    columns["customer_id"] = ["null" if c == "00007" else c for c in columns["customer_id"]]
    assert "default_customer" not in codes(columns)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("dummy_77", "test_customers"),
        ("9.87E+05", "scientific_ids"),
        ("12.0", "decimal_ids"),
        ("Ren\u00c3\u00a9", "damaged_texts"),
    ],
)
def test_odd_ids_are_counted(name: str, code: str) -> None:
    columns = plus(steady(), (name, "2022-05-03 10:00:00", "9.00"))
    (found,) = [f for f in findings(columns) if f.code == code]
    assert found.count == 1
    assert name not in found.words + "".join(found.examples)


@pytest.mark.parametrize("name", ["contest-7", "Testa", "1E05", "René", "00012", "Demopoulos"])
def test_ids_that_only_look_alike_are_left_in_peace(name: str) -> None:
    assert codes(plus(steady(), (name, "2022-05-03 10:00:00", "9.00")), Severity.SUSPICIOUS) == set()


def test_products_without_the_mass_of_digits_are_strangers_and_those_of_a_shop_of_words_are_not() -> None:
    coded = pa.array([f"{85_000 + i}" for i in range(50)] + ["POST", "C2", "85123A"])
    lines = np.array([100] * 50 + [5, 5, 100])
    assert strangers(coded, lines, np.zeros(53, np.int64)) == [50, 51]
    words = pa.array(["bread", "milk", "wine"])
    assert strangers(words, np.array([10, 10, 10]), np.zeros(3, np.int64)) == []
    # By name alone only with prices that go from one to ten and beyond: 16 bins to a decade.
    named = pa.array(["bread", "shipping", "delivery"])
    assert strangers(named, np.array([90, 20, 20]), np.array([4, 20, 4])) == [1]


def test_dates_that_stand_for_months() -> None:
    columns = steady()
    columns["purchased_at"] = [stamp[:8] + "01 00:00:00" for stamp in columns["purchased_at"]]
    (found,) = [f for f in findings(columns) if f.code == "first_of_month"]
    assert found.severity is Severity.SERIOUS


def test_gravest_first_then_by_money() -> None:
    note, less, more = (
        Finding("a", Severity.NOTE, "", 1, 10**9), Finding("b", Severity.SUSPICIOUS, "", 1, 5),
        Finding("c", Severity.SUSPICIOUS, "", 1, -50),
    )  # fmt: skip
    assert ordered([note, less, more]) == (more, less, note)


def test_the_largest_do_not_depend_on_how_they_came() -> None:
    values = np.random.default_rng(0).integers(0, 1_000, 500)
    whole, parts = Largest(20, "place"), Largest(20, "place")
    whole.add(values, np.arange(500))
    for i in range(0, 500, 7):
        parts.add(values[i : i + 7], np.arange(i, min(i + 7, 500)))
    assert whole.keys.tolist() == sorted(values.tolist(), reverse=True)[:20]
    assert parts.rows.tolist() == whole.rows.tolist()


def test_texts_keep_their_numbers() -> None:
    numbering, seen = Numbering(), dict[str, int]()
    random = np.random.default_rng(0)
    for _ in range(30):
        names = pa.array(sorted({f"t{i}" for i in random.integers(0, 200, 20)}))
        for name, number in zip(names.to_pylist(), numbering.of(names, value_words(names)).tolist(), strict=True):
            assert seen.setdefault(name, number) == number
    assert {name: i for i, name in enumerate(numbering.texts().to_pylist())} == seen


def test_quantiles_lie_within_a_bin_of_the_truth() -> None:
    values = np.random.default_rng(0).lognormal(3, 1, 5_000)
    histogram = Histogram(64)
    histogram.add(np.log10(values))
    for q in (0.1, 0.5, 0.99):
        assert histogram.quantile(q) == pytest.approx(float(np.quantile(values, q)), rel=0.05)


def test_a_missing_quantity_is_not_a_quantity_of_nothing() -> None:
    columns = {
        "customer_id": ["a", "b", "c"],
        "purchased_at": ["2024-01-05"] * 3,
        "amount": ["9", "9", "9"],
        "quantity": ["", "0", "1"],
    }
    (found,) = [f for f in findings(columns, quantity="quantity") if f.code == "no_quantity"]
    assert found.count == 1


def test_a_table_without_a_single_purchase_is_examined_all_the_same() -> None:
    columns = {"customer_id": ["a", "a"], "purchased_at": ["2024-01-05", "2024-01-06"], "amount": ["-9.90", "-1"]}
    assert codes(columns) == {"returns", "return_without_purchase"}


def test_product_ids_that_a_spreadsheet_shortened() -> None:
    columns = steady()
    columns["sku"] = ["1.2E+05" if i == 3 else f"{10_000 + i % 9}" for i in range(len(columns["amount"]))]
    (found,) = [f for f in findings(columns, product_id="sku") if f.code == "scientific_ids"]
    assert found.examples == ("1.2E+05",)
