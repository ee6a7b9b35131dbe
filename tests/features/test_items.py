"""How the products and categories that a customer buys are doing: by hand and against the oracle."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given

from regulars.features.shape import Shape

from .agreement import disagreements, wrong
from .beside import FullLedger, full, full_ledgers
from .oracle import Value
from .strategies import PROPERTY, Row, ledger_of

# Days before 15 June 2017: b bought x 14 and 136 days ago, a two of x 45 and one y 134 days ago.
ROWS: list[Row] = [
    ("b", "2017-06-01 10:00", "o1", "10"),
    ("a", "2017-05-01 10:00", "o2", "10"),
    ("a", "2017-05-01 10:00", "o2", "5"),
    ("b", "2017-01-30 10:00", "o3", "10"),
    ("a", "2017-02-01 10:00", "o4", "10"),
]
CODES = ["x", "x", "x", "x", "y"]


def _ledger(rows: list[Row], codes: list[str | None], seldom: int = 1, most: int = 10_000, **more: str) -> FullLedger:
    plain = ledger_of(rows, "2017-06-15", category=codes, **more)
    return full(plain, Shape(), seldom=seldom, most=most)


@PROPERTY
@given(full_ledgers())
def test_items_are_what_the_oracle_says(ledger: FullLedger) -> None:
    assert disagreements(ledger, "items") == []


def test_a_value_is_what_it_is_to_everyone_and_a_customer_is_the_mean_over_lines() -> None:
    # Lines of the last 90 days: three of x. Of the 90 before: one of x, one of y. Usual growth (3 + .5) / (5 + 1).
    # x: (3 + 20 x 7/12) / (4 + 20) = 11/18, y: (0 + 20 x 7/12) / (1 + 20) = 5/9.
    # Ripe are those of January and February: b came back after 122 days, a after 89: y 1 of 1, x 0 of 1, usual 1/2.
    # x: (0 + 10) / (1 + 20), y: (1 + 10) / (1 + 20).
    expected: dict[str, Value] = {
        "categories_popularity": 2 / 3,  # x 1, y 0
        "categories_growth": float(Fraction(2 * 11, 18) + Fraction(5, 9)) / 3,
        "categories_staleness": 54,  # (14 + 14 + 134) / 3
        "categories_comeback": float(Fraction(2 * 10 + 11, 21)) / 3,
    }
    assert wrong(_ledger(ROWS, CODES), "items", expected) == []
    # b bought x twice within half a year.
    of_b: dict[str, Value] = {"categories_popularity": 1, "categories_staleness": 14, "categories_growth": 11 / 18}
    assert wrong(_ledger(ROWS, CODES), "items", of_b, customer="b") == []


def test_values_seldom_seen_count_as_one() -> None:
    # y and z, on a line each of the five, count together; of the four recent lines z is one: half of it each.
    rows = [*ROWS[:4], ("a", "2017-02-01 10:00", "o4", "10"), ("b", "2017-06-10 10:00", "o5", "1")]
    codes = [*CODES[:4], "y", "z"]
    expected: dict[str, Value] = {
        "categories_popularity": (2 * 3 / 4 + 1 / 8) / 3,
        "categories_staleness": (14 + 14 + 5) / 3,  # z was bought 5 days ago
    }
    assert wrong(_ledger(rows, codes, seldom=2), "items", expected) == []
    # So they do when only the most frequent one is told apart.
    assert wrong(_ledger(rows, codes, most=1), "items", expected) == []


def test_a_comeback_is_counted_once_its_ninety_days_are_over() -> None:
    # 91 days before the cutoff, and again on the day before it: 90 days later, ripe, and back.
    rows: list[Row] = [("a", "2017-03-16 10:00", "o1", "1"), ("a", "2017-06-14 10:00", "o2", "1")]
    # Lines of 14 June are not ripe: x (1 + 20 x 3/4) / (1 + 20) for both lines.
    assert wrong(_ledger(rows, ["x", "x"]), "items", {"categories_comeback": 16 / 21}) == []
    # A day later none is ripe, so the usual rate is a half, and so is that of x.
    rows[0] = ("a", "2017-03-17 10:00", "o1", "1")
    assert wrong(_ledger(rows, ["x", "x"]), "items", {"categories_comeback": 0.5}) == []
    # The same day is no coming back.
    rows = [("a", "2017-03-16 10:00", "o1", "1"), ("a", "2017-03-16 11:00", "o2", "1")]
    assert wrong(_ledger(rows, ["x", "x"]), "items", {"categories_comeback": (20 * 0.5 / 3) / 22}) == []


def test_returns_and_lines_without_a_code_say_nothing() -> None:
    rows = [*ROWS, ("a", "2017-06-14 10:00", "r1", "-1"), ("a", "2017-06-14 10:00", "o9", "1")]
    expected: dict[str, Value] = {"categories_staleness": 54, "categories_popularity": 2 / 3}
    assert wrong(_ledger(rows, [*CODES, "z", None]), "items", expected) == []


def test_nothing_bought_in_half_a_year_is_missing() -> None:
    # 180 days ago is inside, 181 is not.
    inside: list[Row] = [("a", "2016-12-17 00:00", "o1", "1")]
    assert wrong(_ledger(inside, ["x"]), "items", {"categories_staleness": 180, "categories_popularity": 0}) == []
    outside: list[Row] = [("a", "2016-12-16 23:59", "o1", "1")]
    nothing: dict[str, Value] = {"categories_staleness": None, "categories_growth": None}
    assert wrong(_ledger(outside, ["x"]), "items", nothing) == []
    # Nor is a half year told that the ledger does not cover.
    short = full(ledger_of(inside, "2017-06-15", starts="2016-12-18", category=["x"]), Shape())
    assert wrong(short, "items", {"categories_staleness": None}) == []
