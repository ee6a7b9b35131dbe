"""Orders judged at each of their instants, and lines regrouped into pairs: by hand."""

from __future__ import annotations

import numpy as np
import pytest

from regulars.clock import Zone
from regulars.features.lines import Lines
from regulars.features.orders import Orders, Pairs

from .strategies import Row, ledger_of


def _orders(rows: list[Row], count_free: bool = False) -> tuple[list[int], list[int], list[int]]:
    lines = Lines.from_arrow(ledger_of(rows, []).table())
    orders = Orders.of(lines, Zone("UTC").local_day(lines.time), count_free)
    return orders.purchase.tolist(), orders.returned.tolist(), (orders.purchase_amount // 10_000).tolist()


def test_lines_of_one_instant_are_judged_together() -> None:
    # A return line and a sale in one order at one instant: never a return, one purchase of 10 - 3.
    rows = [("a", "2017-01-01 10:00", "o", "-3"), ("a", "2017-01-01 10:00", "o", "10")]
    assert _orders(rows) == ([0, 1], [0, 0], [0, 7])
    assert _orders(rows[::-1]) == ([0, 1], [0, 0], [0, 7])


def test_an_order_is_a_return_until_it_becomes_a_purchase() -> None:
    # 10:00 negative: a return. 11:00 zero: still one. 12:00 positive: a purchase of -3 + 0 + 10, no return any
    # more. 13:00 negative again: stays a purchase, worth 2 less.
    rows = [("a", f"2017-01-01 1{k}:00", "o", amount) for k, amount in enumerate(["-3", "0", "10", "-2"])]
    assert _orders(rows) == ([0, 0, 1, 0], [1, 0, -1, 0], [0, 0, 7, -2])


def test_an_order_of_zeros_becomes_what_its_next_line_says() -> None:
    zero = ("a", "2017-01-01 10:00", "o", "0")
    assert _orders([zero]) == ([0], [0], [0])
    assert _orders([zero, ("a", "2017-01-02 10:00", "o", "5")]) == ([0, 1], [0, 0], [0, 5])
    assert _orders([zero, ("a", "2017-01-02 10:00", "o", "-5")]) == ([0, 0], [0, 1], [0, 0])


def test_a_free_order_is_a_purchase_at_once_where_it_counts() -> None:
    zero = ("a", "2017-01-01 10:00", "o", "0")
    assert _orders([zero], count_free=True) == ([1], [0], [0])
    # It became one; what comes later that day changes its worth, what comes on later days neither.
    assert _orders([zero, ("a", "2017-01-01 11:00", "o", "5")], count_free=True) == ([1, 0], [0, 0], [0, 5])
    assert _orders([zero, ("a", "2017-01-01 11:00", "o", "-5")], count_free=True) == ([1, 0], [0, 0], [0, -5])
    assert _orders([zero, ("a", "2017-01-02 10:00", "o", "5")], count_free=True) == ([1, 0], [0, 0], [0, 0])
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
    # o1 of a is judged at its last line of 10:00 (5), o2 of a is a return; o2 of b is another order.
    assert _orders(rows) == ([0, 0, 1, 1, 0], [0, 1, 0, 0, 1], [0, 0, 5, 8, 0])


def test_no_lines_are_no_orders() -> None:
    orders = Orders.of(Lines.empty(), np.zeros(0, np.int64), count_free=False)
    assert [len(a) for a in (orders.purchase, orders.returned, orders.purchase_amount)] == [0, 0, 0]


@pytest.mark.parametrize("count_free", [False, True])
def test_the_changes_of_an_order_add_up_to_its_last_state(count_free: bool) -> None:
    rows = [("a", f"2017-01-{d:02d} 10:00", "o", amount) for d, amount in ((1, "-1"), (2, "3"), (3, "-9"), (4, "0"))]
    # A return of day 1 that becomes a purchase on day 2; its value is that of day 2, later days do not count.
    assert _orders(rows, count_free) == ([0, 1, 0, 0], [1, -1, 0, 0], [0, 3, 0, 0])


def test_pairs_are_customers_and_codes_in_order_of_time() -> None:
    customer = np.array([0, 0, 0, 0, 1, 1])
    codes = np.array([2, -1, 0, 2, 2, -1])
    pairs = Pairs.of(customer, 3, codes)
    # Pairs (0, code 0) of line 2; (0, code 2) of lines 0 and 3; (1, code 2) of line 4. Lines without a code are out.
    # The first two pairs are of customer 0, the third of customer 1, none of customer 2.
    assert pairs.bounds.tolist() == [0, 2, 3, 3]
    assert pairs.first_line.tolist() == [0, 1, 3]
    assert pairs.pair.tolist() == [0, 1, 1, 2]
    assert pairs.line.tolist() == [2, 0, 3, 4]


def test_without_codes_there_are_no_pairs() -> None:
    for codes in (np.array([-1, -1]), np.zeros(0, np.int64)):
        pairs = Pairs.of(np.zeros(len(codes), np.int64), 1, codes)
        assert (len(pairs.first_line), len(pairs.pair), len(pairs.line)) == (0, 0, 0)
        assert pairs.bounds.tolist() == [0, 0]
