"""Stamp cards and milestones, by hand."""

from __future__ import annotations

from typing import Any

import numpy as np

from regulars.clock import Cutoff
from regulars.loyalty.milestones import anniversaries, counted, table
from regulars.loyalty.programme import Programme
from regulars.loyalty.stamps import table as cards
from regulars.loyalty_section import LoyaltyConfig


def programme(**rules: Any) -> Programme:
    day = Cutoff.parse("2024-03-01")
    return Programme(LoyaltyConfig(**rules), day, 90, "EUR", "", None, False, Cutoff(0), (Cutoff(0), day))


def test_a_full_card_begins_anew_and_its_stamps_are_on_no_card_any_more() -> None:
    found = cards(np.array([0, 2, 3, 5, 7]), 3, programme(stamps=3, stamp_reward_value=6))
    # On the card: 0, 2, 0, 2, 1; filled: 0, 0, 1, 1, 2. A begun card of one stamp of three is worth a third of 6.00.
    rows = [(r["on_card"], r["to_full"], r["members"], r["full_cards"], r["begun"]) for r in found.rows]
    assert rows == [(0, 3, 2, 1, 0), (1, 2, 1, 2, 20_000), (2, 1, 2, 1, 80_000)]
    assert sum(int(str(r["members"])) for r in found.rows) == 5


def test_without_a_value_of_the_reward_begun_cards_are_worth_what_nobody_knows() -> None:
    assert cards(np.array([1]), 2, programme(stamps=2)).rows[1]["begun"] is None


def test_a_milestone_of_spend_is_reached_to_the_cent_and_money_given_back_takes_it_away() -> None:
    # 100.00 reached, one cent below, and one who was there 28 days before and gave back.
    now, then = np.array([1_000_000, 999_900, 900_000]), np.array([500_000, 0, 1_200_000])
    found = counted("spend", (100, 500), now, then, 10_000)
    assert (found.place.tolist(), found.lately.tolist()) == ([1, 0, 0], [True, False, False])
    assert found.lacks.tolist() == [4_000_000, 100, 100_000]
    assert [found.name(0), found.name(1)] == ["100 spent", "500 spent"]


def test_an_anniversary_is_a_day_of_the_calendar_and_that_of_29_february_is_the_28th() -> None:
    since = np.array([Cutoff.parse(day).day for day in ("2020-02-29", "2023-03-01", "2023-02-28", "2023-01-31")])
    found = anniversaries((1, 4), since, Cutoff.parse("2024-03-01"))
    # As of 1 March 2024: 29 February 2024 was the fourth; 1 March 2024 is the first, and is today, not over yet;
    # 28 February 2024 is two days ago; 31 January 2024 is 30 days ago, which is not lately.
    assert found.place.tolist() == [2, 0, 1, 1]
    assert found.lately.tolist() == [True, False, True, False]
    # 1 March 2027 is 3 * 365 days ahead; 28 February 2027 is a day before it, 31 January 29 days.
    assert found.lacks.tolist() == [-1, 0, 1094, 1066]
    three = anniversaries((3,), np.array([Cutoff.parse("2020-02-29").day]), Cutoff.parse("2023-03-01"))
    assert (three.place.tolist(), three.lately.tolist()) == ([1], [True])
    before = anniversaries((3,), np.array([Cutoff.parse("2020-02-29").day]), Cutoff.parse("2023-02-28"))
    assert (before.place.tolist(), before.lacks.tolist()) == ([0], [0])


def test_of_each_milestone_it_is_counted_who_reached_it_lately_and_for_whom_it_is_next() -> None:
    found = counted("purchases", (2, 5), np.array([1, 2, 4, 5, 9]), np.array([1, 1, 4, 1, 9]))
    members = np.array([True, True, True, True, False])
    rows = [tuple(row.values()) for row in table([found], members).rows]
    # Who went from 1 to 5 reached the fifth lately, and is not counted with the second again.
    assert rows == [("2 purchases", 3, 0.75, 1, 1), ("5 purchases", 1, 0.25, 1, 2)]
