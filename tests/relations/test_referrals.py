"""Referrals by hand: chains and what is no chain, the referred beside others, whom to ask."""

from __future__ import annotations

import numpy as np
import pytest

from regulars.relations.candidates import best_first, candidates_of, cells, left_out, pooled, strata_table
from regulars.relations.chains import Chains
from regulars.relations.referrals import Firsts, chains_table, comparison, referrers_table
from regulars.schema import SCALE

from .dealt import Cell, dealings

STAGES = np.array(["active"] * 8, object)


def test_whom_somebody_brought_is_counted_and_circles_are_nobody_s() -> None:
    # 0 brought 1 and 2, 2 brought 3, somebody unknown 4; 5 brought themselves, 6 and 7 one another, 7 also 8.
    chains = Chains.of(np.array([-1, 0, 0, 2, -2, 5, 7, 6, 7]))
    assert chains.depth.tolist() == [0, 1, 1, 2, 1, 0, 0, 0, 1]
    assert chains.brought.tolist() == [2, 0, 1, 0, 0, 0, 0, 1, 0]
    assert (chains.themselves, chains.circles) == (1, 2)
    assert chains.referred.tolist() == [False, True, True, True, True, False, False, False, True]
    dealt = dealings(9, [(i, 10, 2.0 * i + 2, i + 1) for i in range(4)])
    margin = dealt.bought.summed(dealt.bought.margin, 9)
    table = referrers_table(
        dealt, chains.brought, margin, chains.per_referrer(margin), chains.per_referrer(dealt.orders)
    )
    # 0 earned 1, brought 2 and 3; 2 earned 3, brought 4; 7 brought 8, who never bought. Four have bought.
    rows = {row["brought"]: row for row in table.rows}
    assert [(row["referrers"], row["referred"], row["bought"]) for row in rows.values()] == [
        (3, 4, 3),
        (2, 2, 1),
        (1, 2, 2),
    ]
    assert [row["margin_of_referred"] for row in rows.values()] == [9 * SCALE, 4 * SCALE, 5 * SCALE]
    assert (rows["all"]["share"], rows["all"]["per_referrer"], rows["all"]["own_margin"]) == (0.75, 3.0, 4 * SCALE)
    depths = chains_table(dealt, chains, margin).rows
    assert [(row["depth"], row["customers"], row["referrers"]) for row in depths] == [(0, 4, 2), (1, 4, 1), (2, 1, 0)]


def test_chains_of_any_shape_agree_with_walking_them() -> None:
    chance = np.random.default_rng(4)
    for _ in range(40):
        n = int(chance.integers(1, 30))
        told = chance.integers(-2, n, n)
        found = Chains.of(told)
        for start in range(n):
            seen, at = [start], int(told[start])
            while at >= 0 and at not in seen:
                seen.append(at)
                at = int(told[at])
            in_circle = at == start
            assert (found.referrer[start] == -1) == (in_circle or told[start] == -1)
        step = found.referrer
        assert all(
            found.depth[i] == (0 if step[i] == -1 else 1 if step[i] == -2 else found.depth[step[i]] + 1)
            for i in range(n)
        )


def test_the_referred_are_compared_with_others_of_the_same_months() -> None:
    # January 1970 is days 0 to 30, February 31 to 58. Referred: 0, 1 in January, 2 in February. Others: 3 in January,
    # 4 and 5 in February. 6 was referred in March, when nobody else came; 7 came too late; 8 in April.
    spent = [
        (0, 1, 10),
        (1, 2, 20),
        (2, 40, 30),
        (3, 3, 9),
        (4, 41, 12),
        (5, 42, 0.5),
        (6, 70, 99),
        (7, 950, 99),
        (8, 95, 99),
    ]
    cells_: list[Cell] = [(who, day, money, money / 2) for who, day, money in spent]
    cells_ += [(0, 9, 2, 1), (0, 101, 500, 250), (4, 100, 8, 4)]
    dealt = dealings(9, cells_, referrer=[3, 3, 3, -1, -1, -1, 3, 3, -1])
    chains, firsts = Chains.of(dealt.people.referrer), Firsts.of(dealt, 100)
    table, alone = comparison(dealt, chains, firsts)
    assert alone == 1
    assert table is not None
    one, other, gap, low, _ = table.rows
    assert (one["customers"], other["customers"], low["spend_per_customer"]) == (3, 3, None)
    # Day 101 is the 100th day after day 1, and not within the first 100. 12, 20 and 30.
    assert one["spend_per_customer"] == pytest.approx(62 / 3)
    # January counts twice as much: (2 x 9 + (20 + .5) / 2) / 3.
    assert other["spend_per_customer"] == pytest.approx((2 * 9 + 10.25) / 3)
    assert gap["spend_per_customer"] == pytest.approx((62 - 28.25) / 3)
    assert (one["repeat_share"], other["repeat_share"]) == pytest.approx((1 / 3, 1 / 6))
    # Ages 10 to 99: of the referred nobody but 0 came twice, on its 8th day; of the others 4 did on its 59th.
    assert (one["retained_share"], other["retained_share"]) == pytest.approx((0.0, 1 / 6))


def test_the_interval_of_the_difference_is_that_of_two_means() -> None:
    # One month; 40 referred who spend 10 or 20, 60 others who spend 10 or 12: both halves. Difference 4.
    spent = [10.0, 20.0] * 20 + [10.0, 12.0] * 30
    dealt = dealings(100, [(i, 3, m, m) for i, m in enumerate(spent)], referrer=[-2] * 40 + [-1] * 60)
    table, _ = comparison(dealt, Chains.of(dealt.people.referrer), Firsts.of(dealt, 100))
    assert table is not None
    _, _, gap, low, high = (row["spend_per_customer"] for row in table.rows)
    # Variances 25 x 40 / 39 of 40 and 1 x 60 / 59 of 60.
    half = 1.959964 * float(np.sqrt(25 / 39 + 1 / 59))
    assert (gap, low, high) == pytest.approx((4.0, 4 - half, 4 + half))


def test_candidates_are_satisfied_active_and_not_asked_of_late() -> None:
    # Everybody has three purchases but 7, who has two. Answers 9, 5 and 8: the mean is 7.33.
    cells_: list[Cell] = [(i, day, 10, 5) for i in range(8) for day in (900, 950, 990)[: 2 if i == 7 else 3]]
    dealt = dealings(
        8,
        cells_,
        answer=[9, 5, 8, np.nan, np.nan, np.nan, np.nan, np.nan],
        answer_day=[980, 980, 980, -1, -1, -1, -1, -1],
        complaint_day=[500, -1, 995, 500, -1, -1, -1, -1],
        open_complaint=[False, False, True, False, False, False, False, False],
        asked_day=[800, -1, -1, -1, 910, -1, -1, -1],
    )
    stage = STAGES.copy()
    stage[5] = "late"
    found = candidates_of(dealt, np.array([1, 0, 0, 0, 0, 0, 0, 0]), stage, 50.0)
    # 1 answered below the mean, 2 has an open complaint, 3 complained and never answered, 4 was asked on day 910, the
    # first of the last 90, 5 is late, 7 has too few.
    assert found.to_ask.tolist() == [True, False, False, False, False, False, True, False]
    assert left_out(dealt, found, stage) == {
        "asked of late": 1,
        "not active": 1,
        "with an open complaint": 1,
        "less satisfied than the mean": 1,
        "complained once and gave no answer since": 1,
    }
    rows = {row["stratum"]: row for row in strata_table(found).rows}
    assert [(row["customers"], row["referrers"], row["candidates"]) for row in rows.values()] == [
        (2, 1, 1),
        (4, 0, 1),
        (1, 0, 0),
    ]
    share = float(rows["satisfied, 3 to 5 purchases"]["pooled_share"] or 0)
    assert rows["satisfied, 3 to 5 purchases"]["expected_value"] == pytest.approx(50 * share)
    margin = dealt.bought.summed(dealt.bought.margin, 8)
    order = best_first(found, margin)
    assert order.tolist() == [0, 6]
    told = list(cells(dealt, found, order, margin, np.array([1] + [0] * 7), margin))
    assert [row[2] for row in told] == [
        "answered 9 on 1972-09-07 (the mean is 7.3); 3 purchases, the last 10 days ago; has brought 1 so far; "
        "1 of 2 such customers brought somebody",
        "3 purchases, the last 10 days ago; never complained; 0 of 4 such customers brought somebody",
    ]


def test_where_nothing_is_known_of_referrals_shares_and_values_are_missing() -> None:
    dealt = dealings(1, [(0, day, 10, 5) for day in (900, 950, 990)])
    found = candidates_of(dealt, None, STAGES[:1], None)
    (row,) = strata_table(found).rows
    assert [row[name] for name in ("referrers", "share", "pooled_share", "expected_value", "candidates")] == [
        None
    ] * 4 + [1]
    margin = dealt.bought.summed(dealt.bought.margin, 1)
    (told,) = cells(dealt, found, best_first(found, margin), margin, np.zeros(1, np.int64), None)
    assert (told[4], told[5], told[11]) == ("", "", "")


def test_shares_are_drawn_together_where_strata_are_alike_and_stand_alone_where_not() -> None:
    # Alike as can be: a stratum of four with no hit is told the share of all. As different as can be: it is not.
    alike = pooled(np.array([100, 100, 100, 0]), np.array([1000, 1000, 1000, 4]))
    assert alike[3] == pytest.approx(0.1, abs=0.005)
    apart = pooled(np.array([990, 10, 500, 0]), np.array([1000, 1000, 1000, 40]))
    assert apart[3] < 0.05
    assert (apart[0], apart[1]) == pytest.approx((0.99, 0.01), abs=0.005)
    assert np.isnan(pooled(np.zeros(2, int), np.zeros(2, int))).all()
