"""Tables of a programme, by hand: rates with their intervals, and members by tier."""

from __future__ import annotations

from typing import Any

import numpy as np

from regulars.clock import Cutoff
from regulars.loyalty.bought import Bought
from regulars.loyalty.ladder import ladder
from regulars.loyalty.members import Members
from regulars.loyalty.programme import Programme
from regulars.loyalty.tables import interval, tiers
from regulars.loyalty_section import LoyaltyConfig
from regulars.schema import SCALE

from .test_ladder import track


def bought(n: int, **given: Any) -> Bought:
    """Nothing, but for what is named."""
    names = [name for name in Bought.__dataclass_fields__ if name != "there"]
    arrays = {name: np.array(given.get(name, [0] * n), np.int64) for name in names}
    return Bought(there=np.ones(n, bool), **arrays)


def test_the_interval_of_a_share_is_wider_the_more_members_differ() -> None:
    # Fifteen members use all of 2 points, fifteen none: share 1/2, residuals +1 and -1 of 2 points each.
    # Variance of the sum: 30 / 29 * 30; over 60 points: sqrt(900 / 29) / 60 = 0.092848. Times 1.959964: 0.181979.
    part, whole = np.array([2] * 15 + [0] * 15), np.full(30, 2)
    low, high = interval(part, whole)
    assert low is not None
    assert high is not None
    assert (round(low, 4), round(high, 4)) == (0.3180, 0.6820)
    assert interval(part[:29], whole[:29]) == (None, None)
    # Who has nothing to divide by is nobody to learn from.
    assert interval(np.append(part, 0), np.append(whole, 0)) == (low, high)


def test_the_interval_of_a_part_ends_at_all_of_it() -> None:
    # 28 of 30 lost all: .933 + 1.96 * sqrt(30/29 * (28 * .0667^2 + 2 * .9333^2)) / 30 would be 1.024.
    found = interval(np.repeat([5, 0], [28, 2]), np.full(30, 5))
    assert found[0] is not None
    assert 0.84 < found[0] < 0.85
    assert found[1] == 1.0


def test_members_are_counted_by_tier_with_who_is_near_the_next_and_whose_tier_ends_soon() -> None:
    rules = LoyaltyConfig.model_validate({"tiers": {"silver": 50, "gold": 100}, "grace_days": 30})
    day = Cutoff(1000)
    programme = Programme(rules, day, 90, "EUR", "events", None, False, Cutoff(0), (Cutoff(0), day))
    # 95 is near gold; 60 of day 620 left the 365 days on day 986, and silver ends on day 1015; 46 is near silver.
    earned = [[(900, 120)], [(900, 95)], [(620, 60)], [(900, 46)], []]
    scaled = [[(when, points * SCALE) for when, points in entries] for entries in earned]
    own = ladder(track(*scaled), "points", programme.limits, day, 30, 30)
    n = len(earned)
    spent = bought(n, last_day=[990] * n, spend_year=[50_000, 30_000, 0, 10_000, 0])
    joined = Members(programme, np.array(list("abcde")), np.full(n, -1), spent, None, own)
    rows = {row["tier"]: row for row in tiers(joined, own, year_known=True).rows}
    assert [rows[name]["members"] for name in ("gold", "silver", "bronze")] == [1, 2, 2]
    assert [rows[name]["kept"] for name in rows] == [0, 1, 0]
    assert [rows[name]["falls_30d"] for name in rows] == [0, 1, 0]
    # Silver lacks 5 and 100 to gold (a tenth of it is 10), bronze 4 and 50 to silver (a tenth is 5).
    assert [rows[name]["near_next"] for name in rows] == [None, 1, 1]
    assert [rows[name]["lacks_median"] for name in rows] == [None, 52.5, 27.0]
    assert [rows[name]["spend_per_member"] for name in rows] == [5.0, 1.5, 0.5]
    assert [row["spend"] for row in tiers(joined, own, year_known=False).rows] == [None] * 3
