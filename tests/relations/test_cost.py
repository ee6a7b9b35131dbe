"""Cost to serve by hand: what is in the sum and what is missing, and who costs more than they bring."""

from __future__ import annotations

import numpy as np

from regulars.relations.cost import CONTACTS, PARTS, RETURNS, cost_table, costs_of
from regulars.relations.costly import cells, costly, worst_first
from regulars.schema import SCALE

from .dealt import dealings

EVERY, COUNTED = frozenset(PARTS), frozenset({"contacts", "complaints", "returns"})


def test_segments_add_up_to_all_and_costs_to_their_sum() -> None:
    chance = np.random.default_rng(1)
    n = 60
    drawn = (chance.integers(0, n, 300), chance.permutation(1000)[:300], chance.integers(-3, 30, 300))
    cells_ = [(int(who), int(day), float(money), money / 2) for who, day, money in zip(*drawn, strict=True)]
    dealt = dealings(
        n, cells_, margin=chance.random(n),
        **{name: chance.integers(0, 5, n) for name in ("contacts", "contact_cost", "complaint_cost", "other_cost")},
    )  # fmt: skip
    costs = costs_of(dealt, EVERY, COUNTED, 3 * SCALE)
    schemes = [("thirds", ("a", "b", "c"), np.arange(n) % 3), ("halves", ("x", "y"), np.arange(n) % 2)]
    rows = cost_table(dealt, costs, schemes).rows
    for scheme, size in (("thirds", 3), ("halves", 2)):
        own = [row for row in rows if row["by"] == scheme]
        assert len(own) == size
        for name in (
            "customers",
            "margin",
            "contacts",
            "returns",
            "return_cost",
            "cost",
            "net",
            "negative",
            "negative_net",
        ):
            assert sum(int(row[name] or 0) for row in own) == rows[0][name]
        assert sum(int(row["expected_margin"] or 0) for row in own) == rows[0]["expected_margin"]
    names = ("discounts", "contact_cost", "complaint_cost", "return_cost", "other_cost")
    assert sum(int(rows[0][name] or 0) for name in names) == rows[0]["cost"]
    assert rows[0]["net"] == int(rows[0]["margin"] or 0) - int(rows[0]["cost"] or 0)


def test_a_cost_that_is_not_known_is_missing_and_not_in_the_sum() -> None:
    # The period begins on day 635: the first purchase is not in it.
    dealt = dealings(2, [(0, 600, 50, 25), (0, 990, 20, 10), (1, 995, -4, -2)], contacts=[3, 0], contact_cost=[1.5, 0])
    costs = costs_of(dealt, frozenset({CONTACTS}), frozenset({CONTACTS, RETURNS}), None)
    (row,) = cost_table(dealt, costs, []).rows
    assert (row["margin"], row["contacts"], row["contact_cost"], row["returns"]) == (80_000, 3, 15_000, 1)
    assert (row["return_cost"], row["complaints"], row["discounts"], row["expected_margin"]) == (None,) * 4
    assert (row["cost"], row["cost_share"], row["net_per_customer"], row["negative"]) == (15_000, 0.1875, 3.25, 1)
    (bare,) = cost_table(dealt, costs_of(dealt, frozenset(), frozenset(), None), []).rows
    assert (bare["cost"], bare["cost_share"], bare["net"]) == (None, None, 80_000)


def test_events_that_say_what_returns_cost_take_the_place_of_the_price() -> None:
    dealt = dealings(2, [(0, 990, -4, -2), (1, 995, -4, -2)], return_cost=[7, 0])
    assert costs_of(dealt, EVERY, COUNTED, 3 * SCALE).parts[RETURNS].tolist() == [70_000, 0]
    plain = dealings(2, [(0, 990, -4, -2), (1, 995, -4, -2)])
    assert costs_of(plain, EVERY, COUNTED, 3 * SCALE).parts[RETURNS].tolist() == [30_000, 30_000]


def test_who_costs_more_than_they_bring_has_a_net_below_zero_and_too_little_to_come() -> None:
    # All brought 5 and cost 9, so 9 / 365 x 90 = 2.22 within 90 days more. 0 is expected to bring 1, 1 to bring 3;
    # nobody speaks of 2; 3 cost 4 only; 4 has not bought. 5 is as 0, and cost more.
    cells_ = [(i, 990, 10, 5) for i in (0, 1, 2, 3, 5)]
    costs_told = [9, 9, 9, 4, 9, 12]
    dealt = dealings(
        6, cells_, contacts=[2] * 6, contact_cost=costs_told, margin=[1, 3, np.nan, 1, 1, 1], p_churn=[0.9] * 6
    )
    costs = costs_of(dealt, frozenset({CONTACTS}), COUNTED, None)
    assert costly(dealt, costs).tolist() == [True, False, False, False, False, True]
    rows = worst_first(dealt, costs)
    assert rows.tolist() == [5, 0]
    told = list(cells(dealt, costs, rows))[1]
    assert told[:3] == [
        "c0",
        "for a person to look at; nothing follows from it by itself",
        "brought 5.00 EUR in 365 days and cost 9.00 (2 contacts 9.00); expected within 90 days: 1.00 EUR, and 2.22 to "
        "serve at the same rate",
    ]
    # Discounts, complaints' and returns' costs are not known.
    assert told[7:] == ["10.00", "5.00", "", "2", "9.00", "0", "", "0", "", "", "-4.00", "1.00", "2.22", "0.9000"]
    unscored = dealings(6, cells_, contact_cost=costs_told)
    assert not costly(unscored, costs_of(unscored, frozenset({CONTACTS}), COUNTED, None)).any()
