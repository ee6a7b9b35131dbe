"""First in, first out: by hand, and against a purse that is kept day by day in plain Python."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from regulars.clock import Cutoff
from regulars.errors import DataError
from regulars.loyalty.cells import AMOUNTS, Cells
from regulars.loyalty.fifo import Balances, balances, with_expiries

from .purse import Entry, Purse

LASTS = 10
Amounts = dict[str, int]


def cells(*members: Sequence[Entry]) -> Cells:
    """Entries (day, kind, points) of each of some members."""
    rows = [(i, day, kind, points) for i, entries in enumerate(members) for day, kind, points in entries]
    amounts = {name: np.array([p if k == name else 0 for _, _, k, p in rows], np.int64) for name in AMOUNTS}
    customer, day = (np.array([row[at] for row in rows], np.int64) for at in (0, 1))
    return Cells.of(len(members), customer, day, amounts)


def of_one(entries: Sequence[Entry], day: int, told: bool = False, lasts: int | None = LASTS) -> Amounts:
    """What one member has as of a day; only what is not 0."""
    points = cells([entry for entry in entries if entry[0] < day])
    if lasts is not None and not told:
        points = with_expiries(points, lasts, Cutoff(day))
    return named(balances(points, lasts, Cutoff(day)), 0)


def named(found: Balances, at: int) -> Amounts:
    names = (*AMOUNTS, "balance", "overdrawn", "expiring", "overdue", "expires_on")
    values = {name: int(getattr(found, name)[at]) for name in names}
    return {name: value for name, value in values.items() if value and value != -1}


def test_points_can_be_used_up_to_and_with_their_last_day() -> None:
    # Earned on day 0, they last till day 10; on the cutoff of day 11 that day is over.
    entries = [(0, "earned", 5)]
    assert of_one(entries, 10) == {"earned": 5, "balance": 5, "expiring": 5, "expires_on": 10}
    assert of_one(entries, 11) == {"earned": 5, "expired": 5}
    assert of_one([*entries, (10, "spent", 3)], 11) == {"earned": 5, "spent": 3, "expired": 2}
    # A day later there is nothing to spend.
    assert of_one([*entries, (11, "spent", 3)], 12) == {"earned": 5, "spent": 3, "expired": 5, "overdrawn": 3}


def test_what_is_spent_takes_the_oldest_points() -> None:
    entries = [(0, "earned", 5), (4, "earned", 7), (6, "spent", 6)]
    # The five of day 0 and one of day 4: six are left, which last till day 14.
    assert of_one(entries, 12) == {"earned": 12, "spent": 6, "balance": 6, "expiring": 6, "expires_on": 14}
    assert of_one(entries, 15) == {"earned": 12, "spent": 6, "expired": 6}


def test_on_one_day_what_is_earned_comes_before_what_is_spent_in_whatever_order_it_is_told() -> None:
    for entries in ([(3, "earned", 4), (3, "spent", 4)], [(3, "spent", 4), (3, "earned", 4)]):
        assert of_one(entries, 4) == {"earned": 4, "spent": 4}


def test_spending_on_the_last_day_comes_before_the_points_expire() -> None:
    # Day 10: two batches are spent down to one point of day 9, nothing of day 0 is left to expire.
    entries = [(0, "earned", 2), (9, "earned", 2), (10, "spent", 3)]
    assert of_one(entries, 11) == {"earned": 4, "spent": 3, "balance": 1, "expiring": 1, "expires_on": 19}


def test_more_spent_than_there_was_is_owed_and_the_points_earned_next_pay_it() -> None:
    entries = [(0, "earned", 2), (1, "spent", 5)]
    assert of_one(entries, 2) == {"earned": 2, "spent": 5, "overdrawn": 3}
    # Of the four of day 3 three pay what is owed.
    later = [*entries, (3, "earned", 4)]
    assert of_one(later, 4) == {"earned": 6, "spent": 5, "balance": 1, "expiring": 1, "expires_on": 13}


def test_points_taken_back_are_no_spending_and_no_expiry() -> None:
    entries = [(0, "earned", 5), (2, "taken_back", 5), (3, "earned", 1)]
    found = {"earned": 6, "taken_back": 5, "balance": 1, "expiring": 1, "expires_on": 13}
    assert of_one(entries, 12) == found


def test_what_has_lapsed_does_not_lapse_again_when_younger_points_do() -> None:
    # Day 10 takes the three of day 0, day 15 those of day 5.
    entries = [(0, "earned", 3), (5, "earned", 4)]
    assert of_one(entries, 15) == {"earned": 7, "expired": 3, "balance": 4, "expiring": 4, "expires_on": 15}
    assert of_one(entries, 16) == {"earned": 7, "expired": 7}


def test_expiries_that_are_told_are_taken_as_they_are_and_what_is_too_old_is_said() -> None:
    # Only two of five were taken away: three are too old on day 20, and in the balance all the same.
    entries = [(0, "earned", 5), (12, "expired", 2), (15, "earned", 1)]
    found = {"earned": 6, "expired": 2, "balance": 4, "overdue": 3, "expiring": 1, "expires_on": 25}
    assert of_one(entries, 20, told=True) == found


def test_without_a_rule_nothing_expires_and_nothing_is_about_to() -> None:
    assert of_one([(0, "earned", 5)], 5_000, lasts=None) == {"earned": 5, "balance": 5}


def test_thirty_days_ahead_begin_with_the_day_itself() -> None:
    # As of day 100: 10 days after day 90 is day 100, the first of the thirty; nothing older is left.
    entries = [(90, "earned", 1)]
    assert of_one(entries, 100)["expiring"] == 1
    # With 60 days to live points of day 70 last till day 130, the thirty-first day, and those of day 69 till 129.
    assert of_one([(70, "earned", 1)], 100, lasts=60) == {"earned": 1, "balance": 1, "expires_on": 130}
    assert of_one([(69, "earned", 1)], 100, lasts=60)["expiring"] == 1


def test_breakage_counts_the_points_that_are_old_enough_and_what_became_of_them() -> None:
    # As of day 20 points of days before 10 have been used or have expired: 5 + 4. Day 0: 2 spent, 3 expire on day 10.
    # Day 8: 1 spent on day 12, 3 expire on day 18. Day 15 is too young.
    entries = [(0, "earned", 5), (1, "spent", 2), (8, "earned", 4), (12, "spent", 1), (15, "earned", 9)]
    found = balances(with_expiries(cells(entries), LASTS, Cutoff(20)), LASTS, Cutoff(20))
    assert (int(found.old_earned[0]), int(found.old_expired[0])) == (9, 6)
    # On day 10 the balance was 3 + 4; six of these seven have expired since.
    assert (int(found.then_balance[0]), int(found.then_expired[0])) == (7, 6)


def _entries(rng: np.random.Generator, told: bool) -> list[Entry]:
    kinds = ("earned", "earned", "spent", "taken_back", *(("expired",) if told else ()))
    n = int(rng.integers(0, 14))
    return [(int(rng.integers(0, 40)), str(rng.choice(kinds)), int(rng.integers(0, 9))) for _ in range(n)]


@pytest.mark.parametrize("told", [False, True])
@pytest.mark.parametrize("lasts", [1, 7, 15])
def test_many_members_at_once_agree_with_purses_kept_day_by_day(lasts: int, told: bool) -> None:
    rng, until = np.random.default_rng(lasts + 100 * told), 38
    entries = [_entries(rng, told) for _ in range(150)]
    known = [[entry for entry in own if entry[0] < until] for own in entries]
    points = cells(*known)
    points = points if told else with_expiries(points, lasts, Cutoff(until))
    found, long_ago = balances(points, lasts, Cutoff(until)), until - lasts
    for at, own in enumerate(known):
        purse = Purse(lasts, told).live(own, until)
        expected = {**purse.sums, "balance": purse.balance, "overdrawn": purse.overdrawn}
        expected["expiring"], expected["overdue"] = purse.due(until, until + 30), purse.due(0, until)
        expected["expires_on"] = purse.next_due(until)
        assert named(found, at) == {n: v for n, v in expected.items() if v and v != -1}
        # Every point is accounted for.
        s = purse.sums
        assert s["earned"] + purse.overdrawn == s["spent"] + s["taken_back"] + s["expired"] + purse.balance
        old = [(how, when, much) for day, when, how, much in purse.left if day < long_ago]
        assert int(found.old_expired[at]) == sum(much for how, _, much in old if how == "expired")
        then = Purse(lasts, told).live(own, long_ago)
        assert int(found.then_balance[at]) == then.balance
        since = sum(much for how, when, much in old if how == "expired" and when >= long_ago)
        assert int(found.then_expired[at]) == (since if then.balance else 0)
        assert int(found.old_earned[at]) == then.sums["earned"]


def test_a_member_alone_is_as_in_a_crowd_and_the_order_of_entries_does_not_matter() -> None:
    rng = np.random.default_rng(5)
    entries = [_entries(rng, told=False) for _ in range(30)]
    crowd = balances(with_expiries(cells(*entries), LASTS, Cutoff(40)), LASTS, Cutoff(40))
    for at, own in enumerate(entries):
        assert of_one(own[::-1], 40) == named(crowd, at)


def test_numbers_that_64_bits_cannot_add_up_are_refused() -> None:
    with pytest.raises(DataError, match=r"RG486: the numbers of `earned`"):
        cells([(0, "earned", 2**61), (1, "earned", 2**61)])
