"""What fits to what a customer owns, worked out by hand; and that it says more than popularity where tastes differ."""

from __future__ import annotations

import numpy as np
import pytest

from regulars.products import als
from regulars.products.again import Pairs
from regulars.products.bought import Bought, bought
from regulars.products.crowd import Demand, Together, shared_by_customers
from regulars.products.fitting import of_factors, regression
from regulars.products.fresh import Shelf, needs
from regulars.products.items import Items, items_before
from regulars.products.judged import NEW, Judging

from .test_products import DAY, Line, ledger_of, listed, of_day

NAMES = ("bread", "cup", "jam", "tea")


def shelf_of(both: list[list[int]], buyers: list[int], factors: list[list[float]] | None = None) -> Shelf:
    """Of bread, cup, jam, tea: who owns two of them, and how many bought each of late; the most popular first."""
    items = Items("product", NAMES, np.full(4, -1), (), frozenset())
    found = Demand(DAY, np.array(buyers), np.array(buyers), np.array(buyers), True)
    order = found.by_popularity
    shared = np.array(both)[np.ix_(order, order)]
    known = None if factors is None else np.array(factors, np.float32)[order]
    return Shelf(items, found, Together(order, shared, 20), known)


def owning(*names: str) -> Pairs:
    """One customer who bought these a day before."""
    item = np.array(sorted(NAMES.index(name) for name in names), np.int64)
    same = np.zeros(len(item), np.int64)
    day = np.full(len(item), DAY.day - 1)
    return Pairs.of(Bought(np.array(["a"]), same, item, same, day, day), DAY)


def test_the_regression_is_least_squares_of_each_item_on_the_others() -> None:
    # Owners 4 and 6, both 3; penalty 1 x mean owners = 5. One regressor: x'y / (x'x + 5).
    found = regression(Together(np.array([0, 1]), np.array([[4, 3], [3, 6]]), 7), 1.0)
    assert found == pytest.approx(np.array([[0, 3 / (4 + 5)], [3 / (6 + 5), 0]]))


def test_what_everybody_owns_speaks_for_nothing() -> None:
    # Four own the first; the same two of them the second and the third, the other two neither. Who owns the first
    # tells nothing about the second, and who owns the third owns the second: 0 and 1, but for the small penalty.
    together = Together(np.arange(3), np.array([[4, 2, 2], [2, 2, 2], [2, 2, 2]]), 4)
    assert regression(together, 1e-6)[:, 1] == pytest.approx([0, 0, 1], abs=1e-4)
    assert together.cosine[0, 1] == pytest.approx(2 / (4 * 2) ** 0.5)


def test_no_item_fits_to_an_item_that_nobody_shares() -> None:
    assert regression(Together(np.zeros(0, np.int64), np.zeros((0, 0), np.int64), 0)).shape == (0, 0)
    assert regression(Together(np.array([0, 1]), np.diag([3, 3]), 6)).max() == 0


def test_factors_give_the_table_of_a_ridge_on_them() -> None:
    # One factor, 1 and 2; penalty 0: y y' / (1 + 4) = .2, .4; .4, .8, and none with itself.
    assert of_factors(np.array([[1], [2]], np.float32), 0.0) == pytest.approx(np.array([[0, 0.4], [0.4, 0]]))


def test_what_fits_goes_before_what_is_popular() -> None:
    # 8 own tea, of whom 6 a cup; bread is owned by 10, of whom 4 own tea; jam goes with bread, with nothing else.
    both = [[10, 3, 5, 4], [3, 8, 0, 6], [5, 0, 6, 0], [4, 6, 0, 8]]
    shelf = shelf_of(both, [9, 2, 6, 8])
    assert listed(shelf.items, shelf.best(owning("tea"), "popular")) == [["bread", "jam", "cup"]]
    # Regressing on tea alone is not enough for a hand; that cup goes first and jam last is.
    found = listed(shelf.items, shelf.best(owning("tea"), "fitting"))[0]
    assert (found[0], found[-1]) == ("cup", "jam")


def test_demand_counts_to_a_power_what_share_of_the_owners_bought_of_late() -> None:
    # Everything fits to tea alike (half of its owners), so only demand tells them apart: of 10 owners each, 1, 4 and 9
    # bought of late, tea 10. All: 24 of 40, .6; drawn to it by 5 more: (1 + 3) / 15, (4 + 3) / 15, (9 + 3) / 15.
    both = [[10, 0, 0, 5], [0, 10, 0, 5], [0, 0, 10, 5], [5, 5, 5, 10]]
    shelf = shelf_of(both, [1, 4, 9, 10])
    scores = {by: shelf.best(owning("tea"), "fitting" + by).score[0, :3] for by in (", by demand", ", half by demand")}
    # The whole numbers of buyers have a small fraction, by which ties are told apart.
    assert scores[", by demand"] / scores[", by demand"][0] == pytest.approx([1, 7 / 12, 4 / 12], abs=0.02)
    assert scores[", half by demand"] / scores[", half by demand"][0] == pytest.approx(
        [1, (7 / 12) ** 0.5, (4 / 12) ** 0.5], abs=0.02
    )


def test_who_owns_nothing_that_is_popular_gets_what_is() -> None:
    shelf = shelf_of(np.diag([5, 5, 5, 5]).tolist(), [1, 4, 9, 10], [[1.0], [0.0], [0.0], [1.0]])
    for rule in shelf.rules:
        assert listed(shelf.items, shelf.best(owning(), rule)) == [["tea", "jam", "cup", "bread"]]


def test_a_rule_is_only_there_with_what_it_needs() -> None:
    bare = shelf_of(np.diag([5, 5, 5, 5]).tolist(), [1, 4, 9, 10])
    assert bare.rules == ("popular", "similar", "fitting", "fitting, half by demand", "fitting, by demand")
    assert Shelf(bare.items, bare.demand).rules == ("popular",)
    assert needs("als, by demand") == {"together", "factors"}
    with pytest.raises(ValueError, match="cannot list by `als`, only by popular, similar"):
        bare.best(owning("tea"), "als")


def two_tastes(customers: int = 80) -> list[Line]:
    """Half like twelve items, half twelve others: each buys six of them, a month later two more, which are new."""
    rng, lines = np.random.default_rng(3), list[Line]()
    for who in range(customers):
        liked = [f"{'ab'[who % 2]}{i:02d}" for i in rng.permutation(12)]
        lines += [(f"c{who:03d}", "2024-02-05", f"{who}-1", name, "x", "1") for name in liked[:6]]
        lines += [(f"c{who:03d}", "2024-03-05", f"{who}-2", name, "x", "1") for name in liked[6:8]]
    return lines


def test_where_tastes_differ_what_fits_is_found_and_what_is_popular_is_not() -> None:
    ledger = ledger_of(two_tastes())
    items, block, found = of_day(ledger)
    learnt = als.factors([block], found)
    judging = Judging(Shelf(items, found, shared_by_customers([block], found), learnt), DAY.plus(28))
    judging.add(block)
    # Six of a customer's taste are not owned; ten are listed, so that whoever knows the taste finds both new ones.
    for rule in ("fitting", "fitting, by demand"):
        assert judging.recalls(rule, NEW).min() == 1
    # Popularity lists ten of the 18 that are not owned without asking whose taste they are: 10 / 18 on average.
    assert 0.4 < judging.recalls("popular", NEW).mean() < 0.7
    assert judging.recalls(judging.best_new() or "popular", NEW).min() == 1


def test_factors_are_the_same_each_time_and_of_what_was_known_before_the_day() -> None:
    lines = two_tastes()
    learnt = []
    for some in (lines, lines, [line for line in lines if line[1] < "2024-03-01"]):
        _, block, found = of_day(ledger_of(some))
        learnt.append(als.factors([block], found))
    assert learnt[0] is not None
    # 24 items: a quarter as many factors, since as many as items would say of each no more than that it is itself.
    assert learnt[0].shape == (24, 6)
    for other in learnt[1:]:
        np.testing.assert_array_equal(learnt[0], other)
    # Items of one taste have factors that point the same way: each is more alike to its own than to the others.
    items, block, found = of_day(ledger_of(lines))
    shelf = Shelf(items, found, shared_by_customers([block], found), learnt[0])
    own = np.array([items.names[i][0] == "a" for i in found.by_popularity])
    table = shelf.by_factors
    assert table[own][:, own].mean() > table[own][:, ~own].mean() + 0.01
    assert shelf.rules[-3:] == ("als", "als, half by demand", "als, by demand")


def test_without_the_package_or_anybody_there_are_no_factors(monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = ledger_of()
    (items,) = items_before(ledger, "product", DAY, ())
    nobody = Demand(DAY, *(np.zeros(len(items), np.int64) for _ in range(3)), True)
    assert als.factors(bought(ledger, items), nobody) is None
    _, block, found = of_day(ledger)
    monkeypatch.setattr(als, "find_spec", lambda name: None)
    assert als.factors([block], found) is None


def test_what_a_rule_needs_can_be_worked_out_before_the_first_list() -> None:
    shelf = shelf_of(np.diag([5, 5, 5, 5]).tolist(), [1, 4, 9, 10])
    shelf.ready("fitting, by demand")
    # The table is kept with the shelf, so that a list finds it there.
    assert "regression" in vars(shelf)
    assert vars(shelf)["regression"] is shelf.regression
