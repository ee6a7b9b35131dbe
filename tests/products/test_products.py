"""Lists of products, worked out by hand on a few orders."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest

from regulars.clock import Cutoff
from regulars.config import Config
from regulars.errors import ConfigError
from regulars.intake import Ledger
from regulars.products.again import AgainRule, Pairs, buy_again
from regulars.products.bought import Bought, bought
from regulars.products.crowd import Demand, Together, demand, shared_by_customers
from regulars.products.fresh import Shelf
from regulars.products.items import Items, items_before, kind_of
from regulars.products.judged import ALL, NAIVE, NEW, REPEAT, Judging
from regulars.products.pairs import baskets, goes_with, held, lifts
from regulars.products.ranked import Ranked, recall

DAY = Cutoff.parse("2024-03-01")
Line = tuple[str, str, str, str, str, str]
"""Customer, day, order, product, category, amount."""
LINES: list[Line] = [
    ("a", "2024-01-01", "1", "tea", "drinks", "2"),
    ("a", "2024-01-31", "2", "tea", "drinks", "2"),
    ("a", "2024-02-29", "3", "jam", "food", "3"),
    ("b", "2024-02-10", "4", "tea", "drinks", "2"),
    ("b", "2024-02-10", "4", "rum", "drinks", "9"),
    ("b", "2024-02-10", "4", "rum", "drinks", "9"),
    ("c", "2024-01-20", "5", "rum", "drinks", "9"),
    ("c", "2024-01-21", "6", "jam", "food", "-3"),
    ("d", "2024-03-05", "7", "ale", "drinks", "4"),
]


def ledger_of(lines: Sequence[Line] = LINES, known: Sequence[str] | None = None) -> Ledger:
    names = ("customer_id", "purchased_at", "order_id", "product_id", "category", "amount")
    columns = dict(zip(names, map(list, zip(*lines, strict=True)), strict=True))
    roles = {name: name for name in ("order_id", "product_id", "category")}
    if known is not None:
        columns["known_at"], roles["known_at"] = list(known), "known_at"
    return Ledger.from_frame(pa.table(columns), Config.of(purchases=dict(roles)))


def of_day(ledger: Ledger, day: Cutoff = DAY, exclude: Sequence[str] = ()) -> tuple[Items, Bought, Demand]:
    (items,) = items_before(ledger, "product", day, exclude)
    (block,) = bought(ledger, items)
    return items, block, demand([block], len(items), day, ledger.history_starts)


def listed(items: Items, ranked: Ranked) -> list[list[str]]:
    return [[items.names[i] for i in row if i >= 0] for row in ranked.item]


def test_items_are_what_was_bought_before_the_day_and_nothing_that_was_only_given_back() -> None:
    # Ale is first bought after the day; jam is bought by `a`, so the return of `c` does not matter.
    items, _, _ = of_day(ledger_of())
    assert items.names == ("jam", "rum", "tea")
    assert [items.categories[i] for i in items.category] == ["food", "drinks", "drinks"]


def test_an_order_counts_an_item_once_and_a_return_is_no_purchase() -> None:
    _, block, _ = of_day(ledger_of())
    # a: tea twice, jam; b: rum (two lines of one order), tea; c: rum. d has only ale, which is no item yet.
    assert np.bincount(block.customer, minlength=4).tolist() == [3, 2, 1, 0]


def test_buy_again_counts_each_order_by_its_age() -> None:
    items, block, found = of_day(ledger_of())
    pairs = Pairs.of(block.before(DAY), DAY)
    # At a half-life of 30 days: tea of `a` 60 and 30 days ago, 1/4 + 1/2 = .75; jam a day ago, 2^(-1/30) = .977.
    assert pairs.decayed(30)[:2] == pytest.approx([2 ** (-1 / 30), 0.75])
    assert listed(items, buy_again(pairs, AgainRule(30), found.order, 28))[0] == ["jam", "tea"]
    # At 240 days tea is worth 2^(-60/240) + 2^(-30/240) = 1.758, jam 2^(-1/240) = .997.
    assert listed(items, buy_again(pairs, AgainRule(240), found.order, 28))[0] == ["tea", "jam"]


def test_what_is_not_due_within_the_window_goes_further_down() -> None:
    lines = [("a", f"2024-{day}", day, "tea", "x", "1") for day in ("01-01", "01-31", "02-29")]
    ledger = ledger_of(lines)
    _, block, _ = of_day(ledger)
    # Gaps of 30 and 29 days: mean 29.5. Last bought a day ago; a window of 14 days reaches to 15 of 29.5 days.
    assert Pairs.of(block.before(DAY), DAY).dueness(14) == pytest.approx([15 / 29.5])
    assert Pairs.of(block.before(DAY), DAY).dueness(60).tolist() == [1.0]


def test_demand_counts_buyers_of_28_days_against_the_28_before() -> None:
    items, _, found = of_day(ledger_of())
    # [2024-02-02, 2024-03-01): jam a; rum b; tea b. [2024-01-05, 2024-02-02): rum c; tea a.
    assert dict(zip(items.names, found.buyers.tolist(), strict=True)) == {"jam": 1, "rum": 1, "tea": 1}
    assert dict(zip(items.names, found.buyers_before.tolist(), strict=True)) == {"jam": 0, "rum": 1, "tea": 1}
    # All: 3 buyers against 2, growth of all 1.5. Jam: (1 + 20 x 1.5) / (0 + 20) - 1 = .55; tea: 31 / 21 - 1.
    assert found.growth() == pytest.approx([0.55, 31 / 21 - 1, 31 / 21 - 1])
    # In 90 days rum and tea have two buyers, jam one: they go first, by name.
    assert [items.names[i] for i in found.by_popularity] == ["rum", "tea", "jam"]


def test_growth_is_missing_where_the_history_does_not_cover_both_windows() -> None:
    # The first row is of 2024-02-10, 20 days before the day.
    _, _, found = of_day(ledger_of(LINES[3:6]))
    assert not found.covered
    assert np.isnan(found.growth()).all()


def test_new_for_you_is_never_what_the_customer_owns() -> None:
    items, block, found = of_day(ledger_of())
    shelf = Shelf(items, found, shared_by_customers([block], found))
    pairs = Pairs.of(block.before(DAY), DAY)
    # a owns jam and tea, b rum and tea, c rum; d nothing known yet. Of c's: tea is as popular as rum, then jam.
    assert shelf.rules[:4] == ("popular", "categories", "similar", "fitting")
    for rule in shelf.rules:
        assert listed(items, shelf.best(pairs, rule))[:3] == [["rum"], ["jam"], ["tea", "jam"]]


def test_items_that_the_same_people_buy_are_similar() -> None:
    # Of 3 groups two have item 0, one of these item 1: cosine 1 / sqrt(2 x 1).
    together = Together(np.array([0, 1]), np.array([[2, 1], [1, 1]]), 3)
    assert together.cosine[0, 1] == pytest.approx(1 / np.sqrt(2))
    assert together.cosine[0, 0] == 0


def test_lift_is_both_over_what_chance_would_give() -> None:
    # 40 baskets of tea and jam, 60 of rum alone: lift = .4 / (.4 x .4) = 2.5; lower limit 2.5 (1 - 1.645 / sqrt(40)).
    lines = [("a", "2024-02-01", f"t{i}", name, "x", "1") for i in range(40) for name in ("tea", "jam")]
    lines += [("b", "2024-02-01", f"r{i}", "rum", "x", "1") for i in range(60)]
    items, block, found = of_day(ledger_of(lines))
    counted = baskets([block], found, len(items), DAY.minus(180), DAY, DAY)
    (pair,) = goes_with(counted)
    assert {items.names[pair.item], items.names[pair.other]} == {"jam", "tea"}
    assert (pair.orders, pair.lift) == (40, 2.5)
    assert pair.lift_low == pytest.approx(2.5 * (1 - 1.645 / 40**0.5))
    assert goes_with(counted, support=41) == []
    assert held([pair], counted) == (1, 1)


def test_a_pair_that_was_never_seen_later_is_not_counted_as_held() -> None:
    later = Together(np.array([0, 1]), np.array([[0, 0], [0, 5]]), 5)
    assert np.isnan(lifts(later)[0, 1])


def test_recall_divides_by_what_could_have_been_hit() -> None:
    # Customer 0 bought three, one is on the list: 1/3. Customer 1 bought 12 with ten listed, all hit: 10 / min(10, 12).
    ranked = Ranked(np.array([[0, *[-1] * 9], list(range(10))]), np.zeros((2, 10)))
    customer, item = np.array([0] * 3 + [1] * 12), np.array([0, 20, 21, *range(12)])
    assert recall(ranked, customer, item, 30)[1] == pytest.approx([1 / 3, 1.0])


def test_the_backtest_judges_repeat_and_new_apart() -> None:
    lines = [
        ("a", "2024-01-05", "1", "tea", "x", "1"),
        ("b", "2024-02-05", "2", "jam", "x", "1"),
        ("a", "2024-03-02", "3", "tea", "x", "1"),
        ("a", "2024-03-02", "3", "jam", "x", "1"),
        ("z", "2024-03-02", "4", "jam", "x", "1"),
    ]
    ledger = ledger_of(lines)
    items, block, found = of_day(ledger)
    judging = Judging(Shelf(items, found), DAY.plus(28))
    judging.add(block)
    # Only `a` had bought before and bought again (z is new): of tea and jam buy again lists tea, 1/2; of what is a
    # repeat 1/1; of what is new jam, which is the only thing not owned, 1/1. Popular are both: 2/2.
    rule = AgainRule(60).name
    assert judging.recalls(rule, ALL).tolist() == [0.5]
    assert judging.recalls(rule, REPEAT).tolist() == [1.0]
    assert judging.recalls(NAIVE, NEW).tolist() == [1.0]
    assert judging.recalls(NAIVE, ALL).tolist() == [1.0]
    assert judging.gain(rule, ALL) == (-0.5, -0.5, -0.5)


def lists_of(ledger: Ledger) -> list[object]:
    items, block, found = of_day(ledger)
    pairs = Pairs.of(block.before(DAY), DAY)
    shelf = Shelf(items, found, shared_by_customers([block], found))
    told = [listed(items, buy_again(pairs, AgainRule(60, due), found.order, 28))[:3] for due in (False, True)]
    counted = baskets([block], found, len(items), DAY.minus(180), DAY, DAY)
    new = [listed(items, shelf.best(pairs, rule))[:3] for rule in shelf.rules]
    return [items.names, items.category.tolist(), told, new, found.buyers.tolist(), counted.both.tolist()]


def test_rows_at_or_after_the_day_change_nothing() -> None:
    noise = [(who, "2024-03-01", f"n{who}{what}", what, "food", "5") for who in "abc" for what in ("rum", "gin", "jam")]
    assert lists_of(ledger_of(LINES[:-1])) == lists_of(ledger_of([*LINES, *noise]))


def test_rows_that_became_known_at_or_after_the_day_change_nothing() -> None:
    late = [(who, "2024-02-20", f"n{who}", "rum", "food", "5") for who in "abc"]
    known = [line[1] for line in LINES] + ["2024-03-01"] * 3
    assert lists_of(ledger_of([*LINES, *late], known)) == lists_of(ledger_of(LINES))


def test_the_order_of_rows_changes_nothing() -> None:
    assert lists_of(ledger_of(LINES[::-1])) == lists_of(ledger_of(LINES))


def test_what_is_left_out_is_in_no_list_by_product_or_category() -> None:
    assert of_day(ledger_of(), exclude=["rum"])[0].names == ("jam", "tea")
    items, block, _ = of_day(ledger_of(), exclude=["drinks"])
    assert items.names == ("jam",)
    assert block.customer.tolist() == [0]
    with pytest.raises(ConfigError, match=r"RG480.*did you mean `drinks`"):
        of_day(ledger_of(), exclude=["drink"])


def test_without_products_an_item_is_a_category_and_without_both_there_is_none() -> None:
    frame = {"customer_id": ["a"], "purchased_at": ["2024-01-05"], "amount": ["9.90"], "category": ["food"]}
    assert kind_of(Ledger.from_frame(pa.table(frame), Config.of(purchases={"category": "category"}))) == "category"
    assert kind_of(Ledger.from_frame(pa.table(frame), Config.of())) is None
    with pytest.raises(ConfigError, match="RG481"):
        kind_of(ledger_of(), "brand")


def test_some_customers_of_a_block_keep_their_rows_and_order() -> None:
    _, block, _ = of_day(ledger_of())
    some = block.only(np.array([0, 2]))
    # a: jam, tea, tea; c: rum. b and d are gone, so that c is the second.
    assert some.customer_ids.to_pylist() == ["a", "c"]
    assert some.customer.tolist() == [0, 0, 0, 1]
    assert some.item.tolist() == [0, 2, 2, 1]
