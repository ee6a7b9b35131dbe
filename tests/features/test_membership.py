"""To which group of customers each customer belongs: by hand."""

from __future__ import annotations

from regulars.features.membership import COHORT, FIRST_CHANNEL, Membership, attribute_group, attribute_name, membership
from regulars.features.shape import Shape

from .beside import full, person
from .strategies import Row, ledger_of

# b never bought: returns are no purchases, so there is no first one.
ROWS: list[Row] = [
    ("a", "2017-02-28 23:59", "o1", "1"),
    ("b", "2017-01-01 10:00", "r1", "-1"),
    ("c", "2016-12-31 10:00", "r1", "-1"),
    ("c", "2017-01-31 10:00", "o1", "1"),
]


def _named(found: Membership) -> list[str | None]:
    return [found.names[code].as_py() if code >= 0 else None for code in found.code.tolist()]


def test_a_cohort_is_the_local_month_of_the_first_purchase() -> None:
    assert _named(membership(ledger_of(ROWS, []).history(), COHORT)) == ["2017-02", None, "2017-01"]
    # A minute before midnight in New York it is March in UTC, and still February there.
    assert _named(membership(ledger_of(ROWS, [], "America/New_York").history(), COHORT))[0] == "2017-02"


def test_a_first_channel_is_that_of_a_purchase_not_of_a_return() -> None:
    history = ledger_of(ROWS, [], channel=["web", "shop", "shop", "app"]).history()
    assert _named(membership(history, FIRST_CHANNEL)) == ["web", None, "app"]


def test_nobody_belongs_anywhere() -> None:
    history = ledger_of([], [], channel=[]).history()
    assert _named(membership(history, COHORT)) == _named(membership(history, FIRST_CHANNEL)) == []


def test_an_attribute_is_known_from_the_day_after_joining() -> None:
    people = [person("a", "Oslo", "2017-03-01 12:00"), person("c", "Rome")]
    history = full(ledger_of(ROWS, []), Shape(attributes=("town",), joined=True), people=people).history()
    found = membership(history, attribute_group("town"))
    assert _named(found) == ["Oslo", None, "Rome"]
    day = int(found.joined_day[0]) if found.joined_day is not None else 0
    customer, cutoffs = history.line_customer[[0, 0, 3]], history.line_day[[0, 0, 0]] * 0 + [day, day + 1, day - 99]
    codes = found.known(customer, cutoffs).tolist()
    assert [codes[0], found.names[codes[1]].as_py(), found.names[codes[2]].as_py()] == [-1, "Oslo", "Rome"]


def test_an_attribute_keeps_its_name() -> None:
    assert attribute_name(attribute_group("category")) == "category"
    assert attribute_name(COHORT) == COHORT
