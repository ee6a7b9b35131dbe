"""What an order holds: by hand, with and without the optional columns, and against the oracle."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given

from regulars.errors import DataError
from regulars.features.family import plan_for
from regulars.features.measures import counted_logs
from regulars.features.shape import Shape

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


BREADTH = ("", "_90d", "_per_order", "_top_share", "_entropy", "_new_90d", "_repeat_share")


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
        "returned_line_share": Fraction(1, 5),
        "quantity_per_order": 3,  # 2 + 3 + 1 pieces sold; the free one is not sold
        "price_level": Fraction(20, 6),
        "discount_share": Fraction(2, 22),  # 2 off, 20 sold
        "discount_share_90d": Fraction(2, 12),  # 2 off, 10 sold
        "discounted_line_share": Fraction(1, 5),
        "discount_depth": Fraction(2, 8),  # 2 off the 8 that the one reduced line would have cost
        "discounted_spend_share": Fraction(6, 20),
        "categories": 2,
        "categories_90d": 2,
        "categories_per_order": 1,
        "categories_top_share": Fraction(3, 4),  # four lines name one, three of them dairy
        "categories_entropy": math.log(4) - 3 / 4 * math.log(3),  # of shares 3/4 and 1/4
        "categories_new_90d": 1,  # bread; dairy was bought on 1 November
        "categories_repeat_share": Fraction(1, 2),  # the second and third dairy of four lines
        "products": 2,  # 00123 and 123 are two things
        "products_90d": 2,
        "products_per_order": 1,
        "products_top_share": Fraction(3, 4),
        "products_entropy": math.log(4) - 3 / 4 * math.log(3),
        "products_new_90d": 1,
        "products_repeat_share": Fraction(1, 2),
    }
    assert wrong(_ledger(), "basket", expected) == []


def test_the_last_90_days_of_a_younger_ledger_are_missing() -> None:
    names = ("lines_90d", "discount_share_90d", "categories_90d", "products_90d", "categories_new_90d")
    missing: dict[str, Value] = dict.fromkeys(names)
    assert wrong(_ledger(starts="2016-12-02"), "basket", missing) == []
    assert wrong(_ledger(starts="2016-12-01"), "basket", {"lines_90d": 2, "products_90d": 2}) == []


def test_lines_that_name_nothing_have_no_breadth_and_no_top() -> None:
    ledger = ledger_of(ROWS[:1], "2017-03-01", product_id=[None], category=[None])
    expected: dict[str, Value] = {"products": 0, "products_top_share": None, "categories_per_order": 0}
    expected |= {"products_entropy": None, "products_new_90d": 0, "products_repeat_share": None}
    assert wrong(ledger, "basket", expected) == []


def test_lines_that_all_name_the_same_have_no_entropy() -> None:
    rows = [("a", f"2017-01-{day:02d} 10:00", f"o{day}", "1") for day in range(1, 8)]
    ledger = ledger_of(rows, "2017-03-01", category=["x"] * 7, product_id=list("abcdefg"))
    expected: dict[str, Value] = {
        "categories_entropy": 0,
        "categories_repeat_share": Fraction(6, 7),
        "products_entropy": math.log(7),
        "products_repeat_share": 0,
    }
    assert wrong(ledger, "basket", expected) == []


def test_new_is_what_was_never_bought_before_the_window() -> None:
    # The window begins on 1 December at 0:00: x was bought before it, y in its first instant, z is only returned in it.
    rows = [("a", "2016-11-30 23:59:59.999999", "o1", "1"), ("a", "2016-12-01 00:00", "o2", "1")]
    rows += [("a", "2016-12-05 10:00", "o3", "1"), ("a", "2016-12-06 10:00", "r", "-1")]
    expected: dict[str, Value] = {"categories_new_90d": 2, "categories_90d": 3}
    assert wrong(ledger_of(rows, "2017-03-01", category=["x", "y", "x", "z"]), "basket", expected) == []


def test_a_discount_on_what_was_given_away_or_back_has_no_depth() -> None:
    rows = [("a", "2017-01-01 10:00", f"o{i}", amount) for i, amount in enumerate(["5", "0", "-3"])]
    ledger = ledger_of(rows, "2017-03-01", discount=["0", "4", "4"])
    expected: dict[str, Value] = {
        "discount_depth": None,
        "discounted_spend_share": 0,
        "discount_share": Fraction(8, 13),
    }
    assert wrong(ledger, "basket", expected) == []


def test_counts_too_large_for_an_exact_entropy_are_refused() -> None:
    with pytest.raises(DataError, match="4,194,304 lines") as refused:
        counted_logs(23)
    assert refused.value.code == "RG022"


@pytest.mark.parametrize(
    ("column", "names"),
    [
        ("quantity", {"quantity_per_order", "price_level"}),
        (
            "discount",
            {
                "discount_share",
                "discount_share_90d",
                "discounted_line_share",
                "discount_depth",
                "discounted_spend_share",
            },
        ),
        ("category", {f"categories{end}" for end in BREADTH}),
        ("product_id", {f"products{end}" for end in BREADTH}),
    ],
)
def test_a_feature_exists_only_where_its_column_does(column: str, names: set[str]) -> None:
    others = tuple(name for name in OPTIONAL if name != column)
    found = (set(plan_for(Shape(("basket",), columns)).names) for columns in (OPTIONAL, others))
    assert next(found) - next(found) == names


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
