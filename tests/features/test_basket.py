"""What an order holds: by hand, with and without the optional columns, and against the oracle."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given

from regulars.features.family import plan_for

from .agreement import disagreements, family_values, wrong
from .oracle import Value
from .strategies import OPTIONAL, PROPERTY, Ledger, ledger_of, ledgers

ROWS = [
    ("a", "2016-11-01 10:00", "o1", "10.00"),  # before the last 90 days, which begin on 1 December
    ("a", "2017-01-10 10:00", "o2", "6.00"),
    ("a", "2017-01-10 10:00", "o2", "4.00"),
    ("a", "2017-01-10 10:00", "o2", "0.00"),
    ("a", "2017-01-20 10:00", "r1", "-6.00"),
]


def _ledger(starts: str = "2016-01-01") -> Ledger:
    return ledger_of(
        ROWS,
        "2017-03-01",
        starts=starts,
        quantity=["2", "3", "1", "1", "0"],
        discount=["0", "2", "0", "0", "0"],
        product_id=["00123", "00123", "123", None, "00123"],
        category=["dairy", "dairy", "bread", None, "dairy"],
    )


@PROPERTY
@given(ledgers())
def test_basket_is_what_the_oracle_says(ledger: Ledger) -> None:
    assert disagreements(ledger, "basket") == []


def test_basket_of_two_orders_and_a_return() -> None:
    expected: dict[str, Value] = {
        "lines_per_order": Fraction(3, 2),  # three lines of positive money, two purchases
        "line_value_mean": Fraction(20, 3),
        "free_line_share": Fraction(1, 5),
        "lines_90d": 2,
        "quantity_per_order": 3,  # 2 + 3 + 1 pieces sold; the free one is not sold
        "price_level": Fraction(20, 6),
        "discount_share": Fraction(2, 22),  # 2 off, 20 sold
        "discount_share_90d": Fraction(2, 12),  # 2 off, 10 sold
        "discounted_line_share": Fraction(1, 5),
        "categories": 2,
        "categories_90d": 2,
        "categories_per_order": 1,
        "categories_top_share": Fraction(3, 4),  # four lines name one, three of them dairy
        "products": 2,  # 00123 and 123 are two things
        "products_90d": 2,
        "products_per_order": 1,
        "products_top_share": Fraction(3, 4),
    }
    assert wrong(_ledger(), "basket", expected) == []


def test_the_last_90_days_of_a_younger_ledger_are_missing() -> None:
    missing: dict[str, Value] = dict.fromkeys(("lines_90d", "discount_share_90d", "categories_90d", "products_90d"))
    assert wrong(_ledger(starts="2016-12-02"), "basket", missing) == []
    assert wrong(_ledger(starts="2016-12-01"), "basket", {"lines_90d": 2, "products_90d": 2}) == []


def test_lines_that_name_nothing_have_no_breadth_and_no_top() -> None:
    ledger = ledger_of(ROWS[:1], "2017-03-01", product_id=[None], category=[None])
    expected: dict[str, Value] = {"products": 0, "products_top_share": None, "categories_per_order": 0}
    assert wrong(ledger, "basket", expected) == []


@pytest.mark.parametrize(
    ("column", "names"),
    [
        ("quantity", {"quantity_per_order", "price_level"}),
        ("discount", {"discount_share", "discount_share_90d", "discounted_line_share"}),
        ("category", {"categories", "categories_90d", "categories_per_order", "categories_top_share"}),
        ("product_id", {"products", "products_90d", "products_per_order", "products_top_share"}),
    ],
)
def test_a_feature_exists_only_where_its_column_does(column: str, names: set[str]) -> None:
    others = [name for name in OPTIONAL if name != column]
    assert set(plan_for(OPTIONAL).names) - set(plan_for(others).names) == names


def test_a_gift_in_one_purchase_does_not_make_pieces_of_nothing() -> None:
    # Only a free line with count_free: one purchase, no line of positive money, nothing to divide by.
    ledger = ledger_of([("a", "2017-01-10 10:00", "o", "0")], "2017-03-01", count_free=True, quantity=["1"])
    expected: dict[str, Value] = {
        "lines_per_order": 0,
        "line_value_mean": None,
        "free_line_share": 1,
        "price_level": None,
    }
    assert wrong(ledger, "basket", expected) == []


def test_pairs_of_neighbours_do_not_mix() -> None:
    rows = [(who, "2017-01-10 10:00", f"o{i}", "1") for i, who in enumerate("aab")]
    found = family_values(ledger_of(rows, "2017-03-01", category=["x", "y", "y"]), "basket")
    assert {who: value for (name, who, _), value in found.items() if name == "categories"} == {"a": 2.0, "b": 1.0}
