"""What it costs to win customers, by hand: payback, who is watched, ratios and their intervals."""

from __future__ import annotations

import numpy as np
import pytest

from regulars.kpis.table import Row, Table
from regulars.relations.acquisition import OTHER_MONTHS, acquisition_table, payback_table, watched_groups
from regulars.relations.payback import curves
from regulars.relations.resample import interval

from .dealt import dealings


def row(table: Table, by: str, name: str) -> Row:
    return next(row for row in table.rows if (row["by"], row["name"]) == (by, name))


def test_payback_is_the_first_day_on_which_the_margin_of_those_watched_covers_what_they_cost() -> None:
    # 0 came on day 10 and cost 6: 4 on the first day, 5 ten days later. 1 joined on day 20, cost 2, bought nothing.
    # 2 came on day 995, so that its first 10 days are not over. 3 came before the data begin. 4 has no known cost.
    dealt = dealings(
        5,
        [(0, 10, 8, 4), (0, 20, 10, 5), (2, 995, 100, 50), (3, 5, 100, 50), (4, 10, 100, 50)],
        joined=[-1, 20, -1, -30, -1],
        cost=[6, 2, 1, 1, None],
    )
    (all_,) = curves(dealt, np.zeros(5, np.int64), [100])
    # Watched are 0 and 1, who cost 8: 4 by age 0, 9 by age 10. Of the two only 0 has brought what it cost.
    assert (all_.customers, all_.cost, all_.paid, all_.after_days) == (2, 80_000, 1, 10)
    assert (all_.margin[9], all_.margin[10], all_.words) == (40_000, 90_000, "after 10 days")
    (short,) = curves(dealt, np.zeros(5, np.int64), [10])
    assert (short.after_days, short.words) == (None, "not within 10 days")
    (young,) = curves(dealt, np.zeros(5, np.int64), [0])
    assert (young.customers, young.after_days, young.words) == (0, None, "too young to tell")


def test_what_comes_back_can_undo_a_payback_only_after_it() -> None:
    # 5 on the first day covers the cost of 5; what comes back on day 3 takes the curve below it again.
    dealt = dealings(1, [(0, 10, 10, 5), (0, 13, -10, -5)], cost=[5])
    (curve,) = curves(dealt, np.zeros(1, np.int64), [30])
    assert (curve.words, curve.margin[3], curve.paid) == ("on the first day", 0, 0)


def test_who_never_bought_stays_in_every_denominator_and_channels_add_up_to_all() -> None:
    # 0 and 1 by ads at 3 each, of whom 1 never bought and has no score; 2 by a friend at 2; 3 nobody knows how.
    dealt = dealings(
        4,
        [(0, 40, 20, 8), (2, 45, 6, 3), (3, 50, 4, 1)],
        joined=[-1, 41, -1, -1],
        channel=["ads", "ads", "friend", ""],
        cost=[3, 3, 2, None],
        lifetime=[10.0, np.nan, 1.0, 5.0],
    )
    table = acquisition_table(dealt, watched_groups(dealt, 100), 1095, 0)
    ads = row(table, "channel", "ads")
    assert (ads["customers"], ads["bought_share"], ads["cost"], ads["cost_per_customer"]) == (2, 0.5, 60_000, 3.0)
    # 8 and 10 to come, of two.
    assert (ads["margin_per_customer"], ads["expected_per_customer"], ads["clv_per_customer"]) == (4.0, 5.0, 9.0)
    assert (ads["clv_to_cost"], ads["low"], ads["paid_back_share"]) == (3.0, None, 0.5)
    every = row(table, "all", "all")
    # Of those with a known cost: (8 + 10 + 0 + 3 + 1) / 8. Of all: margin 12, to come 16, of four.
    assert (every["clv_to_cost"], every["clv_per_customer"]) == (22 / 8, 7.0)
    assert row(table, "cost", "not known")["customers"] == 1
    assert row(table, "channel", "not known")["clv_to_cost"] is None
    for by in ("channel", "month"):
        rows = [one for one in table.rows if one["by"] == by]
        assert sum(int(one["customers"] or 0) for one in rows) == 4
        assert sum(int(one["cost"] or 0) for one in rows) == every["cost"]


def test_months_that_are_not_over_or_too_young_have_no_payback() -> None:
    # Day 0 is 1 January 1970, the day is 10 April: March was over 10 days before, February 41 days.
    dealt = dealings(3, [(0, 32, 20, 8), (1, 60, 20, 8), (2, 95, 20, 8)], day=99, cost=[3, 3, 3])
    table = acquisition_table(dealt, watched_groups(dealt, 49), 1095, 0)
    february, march = row(table, "month", "1970-02"), row(table, "month", "1970-03")
    # The last of February came on day 58 at the latest: 99 - 58 days are known of everybody.
    assert (february["watched_days"], february["payback"], february["payback_days"]) == (41, "on the first day", 0)
    assert (march["watched_days"], march["payback"], march["payback_days"]) == (None, "too young to tell", None)
    assert row(table, "month", OTHER_MONTHS)["customers"] == 1
    # Without scores nobody knows what is to come.
    assert (february["clv_per_customer"], february["clv_to_cost"]) == (None, None)


def test_who_came_before_the_data_begin_is_not_counted_and_who_has_no_day_is() -> None:
    dealt = dealings(3, [(0, 5, 20, 8)], joined=[-30, -1, -1], there=[True, True, False], cost=[1, 7, None])
    every = row(acquisition_table(dealt, watched_groups(dealt, 100), 1095, 0), "all", "all")
    # 0 joined before day 0; 1 is in the table without a day, and was paid for; 2 is known from events only.
    assert (every["customers"], every["cost"], every["watched"], every["payback"]) == (
        1,
        70_000,
        1,
        "not within 100 days",
    )


def test_the_curve_of_a_channel_ends_with_its_last_age() -> None:
    dealt = dealings(2, [(0, 10, 8, 4), (0, 45, 8, 4)], channel=["ads", "shop"], joined=[-1, 900], cost=[6, 1])
    rows = [one for one in payback_table(watched_groups(dealt, 50)).rows if one["channel"] == "ads"]
    assert [one["age_days"] for one in rows] == [0, 30, 49]
    assert [one["margin_per_customer"] for one in rows] == [4.0, 4.0, 8.0]


@pytest.mark.parametrize("n", [100, 2000])
def test_the_interval_of_a_ratio_is_as_wide_as_theory_says(n: int) -> None:
    # Half bring 0, half 2, each costs 1: the mean 1 has the deviation 1 / sqrt(n), so 3.92 / sqrt(n) wide. Dealing
    # 2,000 into 500 hands changes that by no more than chance does; 1,000 draws know a width to some per cent.
    top = np.tile([0.0, 2.0], n // 2)
    low, high = interval(top, np.ones(n), [3]) or (0.0, 0.0)
    assert high - low == pytest.approx(3.92 / np.sqrt(n), rel=0.12)
    assert (low, high) == interval(top, np.ones(n), [3])
    assert interval(top[:29], np.ones(29), [3]) is None
    assert interval(np.ones(40), np.zeros(40), [3]) is None
