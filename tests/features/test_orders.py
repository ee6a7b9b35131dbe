"""What the lines of one order on one day are together, and lines regrouped into pairs: by hand."""

from __future__ import annotations

import numpy as np
import pytest

from regulars.clock import Zone
from regulars.features.lines import Lines
from regulars.features.orders import Orders
from regulars.features.pairs import Pairs

from .strategies import Row, ledger_of


def _orders(rows: list[Row], count_free: bool = False) -> tuple[list[int], list[int], list[int]]:
    lines = Lines.from_arrow(ledger_of(rows, []).table())
    customer = np.repeat(np.arange(lines.n_customers), np.diff(lines.starts))
    key = customer * 10**6 + Zone("UTC").local_day(lines.time)
    orders = Orders.of(lines, np.unique(key, return_inverse=True)[1], count_free)
    return orders.purchase.tolist(), orders.returned.tolist(), (orders.value // 10_000).tolist()


def test_lines_of_one_day_are_judged_together() -> None:
    # A return line and a sale in one order on one day: never a return, one purchase of 10 - 3.
    rows = [("a", "2017-01-01 10:00", "o", "-3"), ("a", "2017-01-01 11:00", "o", "10")]
    assert _orders(rows) == ([1], [0], [7])
    assert _orders(rows[::-1]) == ([1], [0], [7])


def test_an_order_is_a_return_until_it_becomes_a_purchase() -> None:
    # 1 January negative: a return. The 2nd zero: still one. The 3rd positive: a purchase of 10, no return any more.
    # The 4th negative again: stays a purchase, and 10 it was worth.
    rows = [("a", f"2017-01-0{k + 1} 10:00", "o", amount) for k, amount in enumerate(["-3", "0", "10", "-2"])]
    assert _orders(rows) == ([0, 0, 1, 0], [1, 0, -1, 0], [0, 0, 10, 0])


def test_an_order_of_zeros_becomes_what_its_next_line_says() -> None:
    zero = ("a", "2017-01-01 10:00", "o", "0")
    assert _orders([zero]) == ([0], [0], [0])
    assert _orders([zero, ("a", "2017-01-02 10:00", "o", "5")]) == ([0, 1], [0, 0], [0, 5])
    assert _orders([zero, ("a", "2017-01-02 10:00", "o", "-5")]) == ([0, 0], [0, 1], [0, 0])


def test_a_free_order_is_a_purchase_where_it_counts() -> None:
    zero = ("a", "2017-01-01 10:00", "o", "0")
    assert _orders([zero], count_free=True) == ([1], [0], [0])
    # What comes that same day decides what it is; what comes on later days does not change it any more.
    assert _orders([zero, ("a", "2017-01-01 11:00", "o", "5")], count_free=True) == ([1], [0], [5])
    assert _orders([zero, ("a", "2017-01-01 11:00", "o", "-5")], count_free=True) == ([0], [1], [0])
    assert _orders([zero, ("a", "2017-01-02 10:00", "o", "5")], count_free=True) == ([1, 0], [0, 0], [0, 0])
    assert _orders([zero, ("a", "2017-01-02 10:00", "o", "-5")], count_free=True) == ([1, 0], [0, 0], [0, 0])
    # An order that had a negative line first is a return, and a later zero does not make it free.
    back = [("a", "2016-12-31 10:00", "o", "-5"), zero]
    assert _orders(back, count_free=True) == ([0, 0], [1, 0], [0, 0])


def test_orders_that_take_turns_do_not_mix() -> None:
    rows = [
        ("a", "2017-01-01 10:00", "o1", "1"),
        ("a", "2017-01-01 10:00", "o2", "-2"),
        ("a", "2017-01-01 10:00", "o1", "4"),
        ("b", "2017-01-01 10:00", "o2", "8"),
        ("b", "2017-01-01 10:01", "o1", "-16"),
    ]
    # o1 of a is worth 5, o2 of a is a return; o2 of b is another order.
    assert _orders(rows) == ([1, 0, 1, 0], [0, 1, 0, 1], [5, 0, 8, 0])


def test_no_lines_are_no_orders() -> None:
    orders = Orders.of(Lines.empty(), np.zeros(0, np.int64), count_free=False)
    assert [len(a) for a in (orders.purchase, orders.returned, orders.value)] == [0, 0, 0]


@pytest.mark.parametrize("count_free", [False, True])
def test_the_changes_of_an_order_add_up_to_its_last_state(count_free: bool) -> None:
    rows = [("a", f"2017-01-{d:02d} 10:00", "o", amount) for d, amount in ((1, "-1"), (2, "3"), (3, "-9"), (4, "0"))]
    # A return of day 1 that becomes a purchase on day 2; its value is that of day 2, later days do not count.
    assert _orders(rows, count_free) == ([0, 1, 0, 0], [1, -1, 0, 0], [0, 3, 0, 0])


def test_pairs_are_customers_and_codes_in_order_of_time() -> None:
    customer = np.array([0, 0, 0, 0, 1, 1])
    codes = np.array([2, -1, 0, 2, 2, -1])
    pairs = Pairs.of(customer, codes)
    # Pairs (0, code 0) of line 2; (0, code 2) of lines 0 and 3; (1, code 2) of line 4. Lines without a code are out.
    assert pairs.line.tolist() == [2, 0, 3, 4]
    assert pairs.new.tolist() == [True, True, False, True]
    assert pairs.occurrence.tolist() == [0, 0, 1, 0]
    assert pairs.next_of(np.array([10, 11, 12, 13, 14, 15]), 99).tolist() == [99, 13, 99, 99]


def test_more_codes_than_fit_in_sixteen_bits_are_sorted_all_the_same() -> None:
    codes = np.array([70_000, 5, 70_000, 4_464])
    # 70000 and 4464 are equal in their lower 16 bits.
    pairs = Pairs.of(np.zeros(4, np.int64), codes)
    assert pairs.line.tolist() == [1, 3, 0, 2]
    assert pairs.new.tolist() == [True, True, True, False]


def test_without_codes_there_are_no_pairs() -> None:
    for codes in (np.array([-1, -1]), np.zeros(0, np.int64)):
        pairs = Pairs.of(np.zeros(len(codes), np.int64), codes)
        assert (len(pairs.line), len(pairs.new), len(pairs.occurrence)) == (0, 0, 0)
        assert len(pairs.next_of(np.zeros(2, np.int64), 9)) == 0
