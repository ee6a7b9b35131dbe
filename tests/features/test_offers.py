"""Offers received and redeemed: by hand and against the oracle."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given

from regulars.features.shape import Shape

from .agreement import disagreements, family_values, wrong
from .beside import FullLedger, full, full_ledgers, offer
from .oracle import Value
from .strategies import PROPERTY, ledger_of

# 45 and 165 days before 15 June 2017.
PURCHASES = [("a", "2017-05-01 10:00", "o1", "10"), ("a", "2017-01-01 10:00", "o2", "10")]
PLAIN = ledger_of(PURCHASES, "2017-06-15")
SHAPE = Shape(offers=True)


@PROPERTY
@given(full_ledgers())
def test_offers_are_what_the_oracle_says(ledger: FullLedger) -> None:
    assert disagreements(ledger, "offers") == []


def test_offers_are_received_and_redeemed_each_on_its_own_day() -> None:
    # Received 1, 90, 91 and 200 days ago; redeemed 1, 46 and 150 days ago, and one on the day of the cutoff.
    given_ = [
        offer("2017-06-14 09:00", "2017-06-14 23:00"),
        offer("2017-03-17 00:00", "2017-06-15 00:00"),
        offer("2017-03-16 12:00", "2017-04-30 12:00"),
        offer("2016-11-27 12:00", "2017-01-16 12:00"),
    ]
    expected: dict[str, Value] = {
        "offers_received": 4,
        "offers_redeemed": 3,
        "offers_redeemed_share": Fraction(3, 4),
        "offers_received_90d": 2,
        "offers_redeemed_90d": 2,
        "offers_received_180d": 3,
        "offers_redeemed_180d": 3,
        "offer_days_since": 1,
        "redeemed_days_since": 1,
        "redeemed_per_order_180d": Fraction(3, 2),
    }
    assert wrong(full(PLAIN, SHAPE, offers=given_), "offers", expected) == []


def test_an_outcome_after_the_cutoff_is_hidden() -> None:
    open_ = full(PLAIN, SHAPE, offers=[offer("2017-06-01")])
    later = full(PLAIN, SHAPE, offers=[offer("2017-06-01", "2017-06-15 00:00")])
    assert repr(family_values(open_, "offers")) == repr(family_values(later, "offers"))
    # Of what became known late nothing counts, neither that it was sent nor that it was redeemed.
    late = full(PLAIN, SHAPE, offers=[offer("2017-06-01", "2017-06-02", known_at="2017-06-15 00:00")])
    assert wrong(late, "offers", {"offers_received": 0, "offers_redeemed": 0, "offers_redeemed_share": None}) == []


def test_nobody_was_offered_anything() -> None:
    expected: dict[str, Value] = {
        "offers_received": 0,
        "offers_redeemed_180d": 0,
        "offers_redeemed_share": None,
        "offer_days_since": None,
        "redeemed_days_since": None,
        "redeemed_per_order_180d": 0,
    }
    assert wrong(full(PLAIN, SHAPE, offers=[offer("2017-06-01", customer="b")]), "offers", expected) == []


def test_without_a_log_of_offers_there_are_no_such_features() -> None:
    assert family_values(full(PLAIN, Shape()), "offers") == {}
