"""Attributes, tenure, cohorts and first channels: by hand and against the oracle."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given

from regulars.features.family import plan_for
from regulars.features.shape import Shape

from .agreement import disagreements, wrong
from .beside import FullLedger, full, full_ledgers, person
from .oracle import Value
from .oracle_beside import Person
from .strategies import PROPERTY, Row, ledger_of

# First purchases in January, January and March; since 17 March, 90 days before the cutoff, only a has bought.
ROWS: list[Row] = [
    ("a", "2017-01-10 10:00", "o1", "1"),
    ("a", "2017-06-01 10:00", "o2", "1"),
    ("b", "2017-01-31 23:59", "o1", "1"),
    ("c", "2017-03-01 00:00", "o1", "1"),
]
TOWNS = Shape(attributes=("town",), numbers=("age",), joined=True, referred=True)


def _ledger(people: list[Person], shape: Shape = TOWNS, seldom: int = 1) -> FullLedger:
    return full(ledger_of(ROWS, "2017-06-15"), shape, people=people, seldom=seldom)


@PROPERTY
@given(full_ledgers())
def test_people_are_what_the_oracle_says(ledger: FullLedger) -> None:
    assert disagreements(ledger, "people") == []


def test_cohorts_are_months_of_the_first_purchase() -> None:
    # One in three was active: usual (1 + .5) / (3 + 1) = 3/8.
    of_a: dict[str, Value] = {
        "cohort_size": 2 / 3,
        "cohort_active_90d": float(Fraction(17, 44)),
    }  # (1 + 7.5) / (2 + 20)
    of_c: dict[str, Value] = {"cohort_size": 1 / 3, "cohort_active_90d": float(Fraction(5, 14))}  # (0 + 7.5) / (1 + 20)
    ledger = full(ledger_of(ROWS, "2017-06-15"), Shape(), seldom=1)
    assert wrong(ledger, "people", of_a) == []
    assert wrong(ledger, "people", of_a, customer="b") == []
    assert wrong(ledger, "people", of_c, customer="c") == []


def test_those_who_first_buy_later_are_in_no_cohort_yet() -> None:
    # On 1 February c has not bought; a and b both have of late: usual (2 + .5) / (2 + 1), (2 + 20 x 5/6) / (2 + 20).
    ledger = full(ledger_of(ROWS, "2017-02-01"), Shape(), seldom=1)
    expected: dict[str, Value] = {"cohort_size": 1, "cohort_active_90d": 28 / 33}
    assert wrong(ledger, "people", expected) == []
    # Nor is it told how many bought in 90 days that the ledger does not cover.
    short = full(ledger_of(ROWS, "2017-02-01", starts="2016-11-04"), Shape(), seldom=1)
    assert wrong(short, "people", {"cohort_size": 1, "cohort_active_90d": None}) == []


def test_an_attribute_tells_how_common_and_how_active_its_holders_are() -> None:
    # a and b live in Oslo, c did not say: of the two, one is active: usual (1 + .5) / (2 + 1) = 1/2.
    people = [person("a", "Oslo"), person("b", "Oslo"), person("c")]
    expected: dict[str, Value] = {"customer_town_size": 1, "customer_town_active_90d": 0.5}  # (1 + 10) / (2 + 20)
    assert wrong(_ledger(people), "people", expected) == []
    nothing: dict[str, Value] = {"customer_town_size": None, "customer_town_active_90d": None}
    assert wrong(_ledger(people), "people", nothing, customer="c") == []


def test_values_seldom_held_count_as_one() -> None:
    # Two towns of one each: the mean share of a third, and together two of three, of whom one is active.
    people = [person("a", "Rome"), person("b", "Oslo"), person("c", "Oslo")]
    expected: dict[str, Value] = {"customer_town_size": 1 / 3, "customer_town_active_90d": float(Fraction(17, 42))}
    assert wrong(_ledger(people, seldom=2), "people", expected) == []  # (1 + 20 x 3/8) / (1 + 20)


def test_what_is_known_of_a_customer_is_known_from_joining_on() -> None:
    # a joined on 12 May, 34 days ago; b on the day of the cutoff; of c it is not known when.
    people = [
        person("a", "Oslo", "2017-05-12 23:59", age="40.5", referred_by="b"),
        person("b", "Oslo", "2017-06-15 00:00", age="30"),
        person("c", "Oslo", age="-1"),
    ]
    of_a: dict[str, Value] = {
        "tenure_days": 34,
        "joined_to_first_days": -122,  # first purchase on 10 January
        "customer_age": Fraction(81, 2),
        "was_referred": 1,
        "customer_town_size": 1,
        "customer_town_active_90d": 0.5,
    }
    of_b: dict[str, Value] = dict.fromkeys(of_a)
    of_c: dict[str, Value] = {"tenure_days": None, "customer_age": -1, "was_referred": 0, "customer_town_size": 1}
    assert wrong(_ledger(people), "people", of_a) == []
    assert wrong(_ledger(people), "people", of_b, customer="b") == []
    assert wrong(_ledger(people), "people", of_c, customer="c") == []


def test_who_is_not_in_the_table_is_not_known() -> None:
    expected: dict[str, Value] = dict.fromkeys(("tenure_days", "customer_age", "was_referred", "customer_town_size"))
    assert wrong(_ledger([person("b", "Oslo")]), "people", expected) == []


@pytest.mark.parametrize(
    ("rows", "channels", "size"),
    [
        # The first purchase was through the web, as that of b; later ones do not matter.
        ([("a", "2017-01-01 10:00", "o1", "1"), ("a", "2017-01-02 10:00", "o2", "1")], ["web", "shop"], 1),
        # The earliest line of the day that names a channel, returns aside.
        (
            [
                ("a", "2017-01-01 08:00", "o1", "1"),
                ("a", "2017-01-01 09:00", "r1", "-1"),
                ("a", "2017-01-01 10:00", "o1", "1"),
                ("a", "2017-01-01 11:00", "o1", "1"),
            ],
            [None, "shop", "web", "shop"],
            1,
        ),
        # Of two at the same instant it cannot be told which was first.
        ([("a", "2017-01-01 10:00", "o1", "1"), ("a", "2017-01-01 10:00", "o2", "1")], ["web", "shop"], None),
        ([("a", "2017-01-01 10:00", "o1", "1")], [None], None),
    ],
)
def test_the_first_channel_is_that_of_the_first_purchase(
    rows: list[Row], channels: list[str | None], size: int | None
) -> None:
    others: list[Row] = [("b", "2017-01-01 10:00", "o1", "1")]
    plain = ledger_of([*rows, *others], "2017-06-15", channel=[*channels, "web"])
    assert wrong(full(plain, Shape(), seldom=1), "people", {"first_channel_size": size}) == []


def test_no_attribute_takes_the_name_of_another_feature() -> None:
    shape = Shape(
        columns=("category", "channel"),
        attributes=("category", "cohort", "orders"),
        numbers=("spend", "Spend"),
        joined=True,
    )
    plan = plan_for(shape)
    assert {
        "customer_category_size",
        "customer_cohort_size",
        "cohort_size",
        "customer_spend",
        "customer_spend_2",
    } <= set(plan.names)
    # The category of the customer and that of the purchase are counted apart.
    assert {"category", "customers.category", "first.month", "first.channel"} <= set(plan.groups)
