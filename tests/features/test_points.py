"""Points of a loyalty programme, first in, first out: by hand (the oracle keeps a purse, see `test_engagement.py`)."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given

from regulars.features.shape import Shape

from .agreement import disagreements, wrong
from .beside import FullLedger, event, full, full_ledgers
from .oracle import Value
from .strategies import PROPERTY, ledger_of

BOUGHT = [("a", "2016-12-01 10:00", "o1", "10")]
SHAPE = Shape(kinds=("points_earned", "points_spent"), points_expire_days=90)
_TOLD = replace(SHAPE, kinds=("points_earned", "points_expired", "points_spent"))
# 100 points that lapse after 1 April, 50 that lapse after 30 July.
EARNED = [event("2017-01-01 10:00", "points_earned", "100"), event("2017-05-01 10:00", "points_earned", "50")]


def _points(cutoff: str, shape: Shape, events: list[tuple[str, str, str]]) -> FullLedger:
    return full(ledger_of(BOUGHT, cutoff), shape, [*EARNED, *(event(*e) for e in events)])


@PROPERTY
@given(full_ledgers(shapes=[SHAPE, replace(SHAPE, points_expire_days=20), _TOLD]))
def test_points_are_what_a_purse_holds(ledger: FullLedger) -> None:
    assert disagreements(ledger, "engagement") == []


@pytest.mark.parametrize(
    ("cutoff", "balance", "near"),
    [
        ("2017-02-01", 70, 0),  # 31 days old; 30 spent on 20 January
        ("2017-03-02", 70, 0),  # 60 days old: still good on 1 April
        ("2017-03-03", 70, 70),  # on 2 April it will be 91 days old
        ("2017-04-01", 70, 70),
        ("2017-04-02", 0, 0),
        ("2017-05-02", 50, 0),
        ("2017-07-30", 50, 50),
        ("2017-07-31", 0, 0),
    ],
)
def test_points_lapse_when_they_are_older_than_they_may_be(cutoff: str, balance: int, near: int) -> None:
    ledger = _points(cutoff, SHAPE, [("2017-01-20", "points_spent", "-30")])
    expected: dict[str, Value] = {
        "points_balance": balance,
        "points_near_expiry": near,
        "points_near_expiry_share": None if balance == 0 else Fraction(near, balance),
    }
    assert wrong(ledger, "engagement", expected) == []


def test_what_lapsed_cannot_be_spent_later() -> None:
    # 70 of the first hundred lapsed on 2 April; the 20 of June are of the fifty of May.
    spent = [("2017-01-20", "points_spent", "30"), ("2017-06-01", "points_spent", "20")]
    assert wrong(_points("2017-06-15", SHAPE, spent), "engagement", {"points_balance": 30}) == []


def test_points_can_be_spent_up_to_the_day_on_which_they_are_as_old_as_they_may_be() -> None:
    # On 1 April the hundred of January are 90 days old; on the 2nd they have lapsed, and May pays what is owed.
    for day, balance in (("2017-04-01", 50), ("2017-04-02", 0)):
        spent = [(day, "points_spent", "100")]
        assert wrong(_points("2017-06-15", SHAPE, spent), "engagement", {"points_balance": balance}) == []


def test_more_spent_than_there_was_is_owed() -> None:
    # 120 spent in January: 20 too many, which the fifty of May pay.
    spent = [("2017-01-20", "points_spent", "120")]
    assert wrong(_points("2017-03-15", SHAPE, spent), "engagement", {"points_balance": 0}) == []
    assert wrong(_points("2017-06-15", SHAPE, spent), "engagement", {"points_balance": 30}) == []


def test_expiries_that_are_told_are_taken_as_they_are() -> None:
    # The shop took 40 in April, however old the rest is; what is left of January counts as about to expire.
    told = [("2017-04-10", "points_expired", "40")]
    expected: dict[str, Value] = {"points_balance": 110, "points_near_expiry": 60}
    assert wrong(_points("2017-06-15", _TOLD, told), "engagement", expected) == []


def test_points_taken_back_are_gone_as_if_spent() -> None:
    back = [("2017-01-03", "points_earned", "-100")]
    # Nothing is left of the hundred to lapse in April.
    assert wrong(_points("2017-06-15", SHAPE, back), "engagement", {"points_balance": 50}) == []


def test_points_that_never_expire_stay() -> None:
    ledger = _points("2017-12-01", replace(SHAPE, points_expire_days=None), [])
    assert wrong(ledger, "engagement", {"points_balance": 150}) == []
