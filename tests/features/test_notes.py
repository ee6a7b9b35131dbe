"""What a user is told of values and kinds that are no features of their own: by hand."""

from __future__ import annotations

import numpy as np

from regulars.features.groups import Group
from regulars.features.notes import company_kinds, group_note, lost_kinds, unseen_kinds
from regulars.features.shape import Shape

from .beside import full, person
from .strategies import Row, ledger_of

VISITS = Shape(kinds=("survey", "visit"))


def _group(told: int, n_values: int, n_rows: int, n_pooled: int) -> Group:
    counts = (np.array([n]) for n in (n_values, n_rows, n_pooled))
    return Group(tuple(f"v{i}" for i in range(told)), np.ones((1, told), bool), {}, *counts)


def test_values_that_count_as_one_are_told_with_what_they_stand_for() -> None:
    assert group_note("category", _group(57, 60, 1000, 4)) == (
        "3 of 60 values of `category` are seldom (fewer than 20 lines each): these (0.4 % of lines) count as one"
    )
    assert group_note("customers.town", _group(57, 60, 10_000, 4)) == (
        "3 of 60 values of `town` are seldom (fewer than 20 customers each): these (under 0.1 % of customers) "
        "count as one"
    )


def test_nothing_is_said_of_values_that_are_all_told_apart() -> None:
    assert group_note("category", _group(60, 60, 1000, 0)) == ""
    assert group_note("category", Group.empty(["size"], 0)) == ""


def test_a_reference_tells_of_all_its_groups_as_of_its_last_cutoff() -> None:
    rows: list[Row] = [(who, "2017-01-01 10:00", "o1", "1") for who in "abc"]
    plain = ledger_of(rows, ["2017-02-01", "2017-03-01"], category=["x", "y", "y"])
    people = [person("a", "Oslo"), person("b", "Rome"), person("c", "Rome")]
    notes = full(plain, Shape(attributes=("town",)), people=people, seldom=2).reference().notes()
    # The note tells the limit of the product, whatever this test made of it.
    assert notes == (
        "1 of 2 values of `category` are seldom (fewer than 20 lines each): these (33.3 % of lines) count as one",
        "1 of 2 values of `town` are seldom (fewer than 20 customers each): these (33.3 % of customers) count as one",
    )


def test_kinds_never_seen_are_told_with_their_number_and_known_ones_are_not() -> None:
    assert unseen_kinds({"visit": 9, "push_open": 1204, "badge": 1, "gone": 0}, VISITS) == [
        "`badge` (1 event) was not in the data the model was trained on and is ignored",
        "`push_open` (1,204 events) was not in the data the model was trained on and is ignored",
    ]
    assert lost_kinds({"visit": 9, "survey": 0}, VISITS) == [
        "`survey` was in the data the model was trained on and is not in these: its features are those of no event"
    ]
    assert lost_kinds({"visit": 9, "survey": 1}, VISITS) == []


def test_what_the_company_does_is_told_with_the_reason() -> None:
    (note,) = company_kinds({"email_sent": 5000, "nothing": 0})
    assert note.startswith("`email_sent` (5,000 events by the company) is no feature: whom the company writes to")
