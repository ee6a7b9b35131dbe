"""The counts behind groups: by hand, and with a hundred thousand values."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from regulars.clock import Cutoff
from regulars.errors import DataError
from regulars.features.groups import BILLIONTH, MOST
from regulars.features.notes import group_note
from regulars.features.reference import Reference
from regulars.features.tallies import Items, Pool, Table

from .strategies import ledger_of


def test_rows_of_several_blocks_add_up_whatever_their_order() -> None:
    one, other = Table({"n": 2}), Table({"n": 2})
    blocks = [(["b", "a"], [0, 1, 0], [0, 1, 1]), (["c", "b"], [1, 1, 0], [0, 0, 1])]
    for table, order in ((one, blocks), (other, blocks[::-1])):
        for names, code, bucket in order:
            table.add("n", table.rows(pa.array(names))[code], np.array(bucket))
    # b: bucket 0 once and twice, bucket 1 once; a: bucket 1; c: bucket 1.
    assert (one.names(), one.content("n").tolist()) == (["a", "b", "c"], [[0, 1], [3, 1], [0, 1]])
    assert other.content("n").tolist() == one.content("n").tolist()


def test_the_latest_day_stays_even_before_1970() -> None:
    table = Table({"day": 1}, nothing=-1_000_000)
    row = table.rows(pa.array(["x", "y"]))
    table.lift("day", row[[0, 0, 1]], np.zeros(3, np.int64), np.array([-5, -9, 3]))
    assert table.content("day").tolist() == [[-5], [3]]


def test_the_most_frequent_values_are_told_apart_and_the_first_of_equals() -> None:
    rows = np.full((1, MOST + 2), 30)
    rows[0, -1] = 31
    told = Pool(rows).told[0]
    # The last is the most frequent; of the others all but the last two.
    assert told.sum() == MOST
    assert told[[0, MOST - 2, MOST - 1, MOST, MOST + 1]].tolist() == [True, True, False, False, True]


def test_shares_of_the_others_are_their_mean_and_rates_those_of_all_together() -> None:
    # 60 and 20 of 100 rows of two that are told apart; 8 and 12 of two that are not; of the last there is none yet.
    rows, active = np.array([[60, 20, 8, 12, 0]]), np.array([[30, 5, 5, 10, 0]])
    pool = Pool(rows)
    assert pool.share(rows).tolist() == [[s * BILLIONTH // 100 for s in (60, 20, 10, 10, 10, 10)]]
    # Usual: 50.5 / 101 = 1/2. (30 + 10) / 80, (5 + 10) / 40, (15 + 10) / 40.
    assert pool.rate(active, rows).tolist() == [[500_000_000, 375_000_000, *[625_000_000] * 4]]


def test_where_there_was_nothing_the_latest_of_any_counts() -> None:
    never = -1_000_000
    pool = Pool(np.array([[30, 0], [0, 0]]))
    assert pool.silence(np.array([10, 10]), np.array([[4, never], [never, never]])).tolist() == [[6, 6, 6], [0, 0, 0]]


def test_a_column_of_a_hundred_thousand_values_says_how_many_are_told_apart() -> None:
    # Products 0 .. 11,999 on 20 lines each, so that 2,000 are too many; 88,000 others on one line each.
    n_often, n = 12_000, 100_000
    items = Items("product_id", [100])
    code = np.concatenate([np.repeat(np.arange(n_often), 20), np.arange(n_often, n)])
    row = items.counts.rows(pa.array([f"p{i:06}" for i in range(n)]))[code]
    items.counts.add("lines", row, np.zeros(len(row), np.int64))
    items.last.rows(pa.array([f"p{i:06}" for i in range(n)]))
    group = items.group()
    assert (len(group.names), group.names[-1], int(group.n_values[0])) == (MOST, "p009999", n)
    # (2,000 x 20 + 88,000) / (12,000 x 20 + 88,000) = 128 / 328
    assert group_note("product_id", group) == (
        "`product_id` has 100,000 values: the 10,000 most frequent are told apart, the others (39.0 % of lines) "
        "count as one"
    )


def test_a_group_that_was_not_counted_is_refused_by_name() -> None:
    ledger = ledger_of([("a", "2017-01-01 10:00", "o1", "1")], "2017-02-01", category=["x"])
    reference = Reference.of([ledger.history()], ledger.cutoffs)
    with pytest.raises(DataError, match=r"RG024.*category"):
        reference.group("category")
    # One of no cutoff, for planning, knows every group and nothing of it.
    assert Reference.empty().group("customers.town").stats["size"].shape == (0, 1)


def test_blocks_of_which_only_some_know_two_clocks_are_refused() -> None:
    rows = [("a", "2017-01-01 10:00", "o1", "1")]
    plain, telling = ledger_of(rows, []), ledger_of(rows, [], known_at=["2017-01-01 10:00"])
    with pytest.raises(DataError, match="RG024"):
        Reference.of([plain.history(), telling.history()], [Cutoff(20_000)])
