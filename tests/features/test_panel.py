"""The panel: its rows, its rhythm, joining, taking, maturing; by hand and against the oracle."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.clock import Cutoff
from regulars.errors import DataError
from regulars.features.panel import RHYTHM, Label, Panel, Rhythm, Totals, regrouped

from .agreement import agree, family_values
from .strategies import PROPERTY, Ledger, ledger_of, ledgers

ROWS = [
    ("a", "2017-01-01 10:00", "o1", "10"),
    ("a", "2017-01-11 10:00", "o2", "20"),
    ("a", "2017-01-31 10:00", "o3", "30"),
    ("b", "2017-01-20 10:00", "o1", "3"),
    ("b", "2017-02-05 10:00", "r1", "-1"),
]
CUTOFFS = ("2017-01-15", "2017-02-01")
LABEL = Label(30)


def _keys(panel: Panel) -> list[tuple[str, int]]:
    return list(zip(panel.customer_id.tolist(), panel.cutoff_day.tolist(), strict=True))


def test_rows_are_sorted_by_customer_then_cutoff() -> None:
    first, second = (Cutoff.parse(c).day for c in CUTOFFS)
    assert _keys(ledger_of(ROWS, CUTOFFS).panel()) == [("a", first), ("a", second), ("b", second)]


def test_rhythm_totals_and_targets_of_two_customers() -> None:
    panel = ledger_of(ROWS, CUTOFFS).panel(labels=[LABEL])
    rhythm, totals, future = panel.rhythm, panel.totals, panel.targets[LABEL]
    # a on 15 January: days 1 and 11; on 1 February also 31. b on 1 February: 20 January.
    assert rhythm.frequency.tolist() == [1, 2, 0]
    assert rhythm.recency.tolist() == [10, 30, 0]
    assert rhythm.T.tolist() == [13, 30, 11]
    assert rhythm.n_valued.tolist() == [1, 2, 0]
    assert rhythm.value[:2].tolist() == [20, 25]
    assert math.isnan(rhythm.value[2])
    assert panel.recency_days.tolist() == [4, 1, 12]
    assert (totals.orders.tolist(), totals.spend.tolist()) == ([2, 3, 1], [30, 60, 3])
    # [2 January, 1 February) leaves out a's first purchase; [16 December, 15 January) does not.
    assert totals.trailing[30].tolist() == [30, 50, 3]
    # [15 January, 14 February): a buys once; [1 February, 3 March): nothing but b's return.
    assert (future.orders.tolist(), future.spend.tolist()) == ([1, 0, 0], [30, 0, -1])


@PROPERTY
@given(ledgers())
def test_rows_and_rhythm_are_what_the_oracle_says(ledger: Ledger) -> None:
    panel, oracle = ledger.panel(), ledger.oracle()
    at_risk = [(who, c.day) for who in oracle.customers() for c in ledger.cutoffs if oracle.at_risk(who, c.date)]
    assert _keys(panel) == at_risk
    for i, (customer, day) in enumerate(at_risk):
        meant = oracle.rhythm(customer, Cutoff(day).date)
        for name in RHYTHM:
            assert agree(float(getattr(panel.rhythm, name)[i]), meant[name]), (name, customer, day)


@PROPERTY
@given(ledgers(), st.sampled_from([1, 7, 30, 90, 400]))
def test_bought_within_some_days_is_a_purchase_in_so_many_local_days(ledger: Ledger, days: int) -> None:
    panel, oracle = ledger.panel(), ledger.oracle()
    active = [oracle.at_risk(customer, Cutoff(day).date, active_within_days=days) for customer, day in _keys(panel)]
    assert (panel.recency_days <= days).tolist() == active


@PROPERTY
@given(ledgers())
def test_values_are_the_families_numbers_in_float32(ledger: Ledger) -> None:
    panel = ledger.panel()
    exact = {k: v for f in ledger.plan.families for k, v in family_values(ledger, f.name).items()}
    expected = [[exact[name, customer, day] for customer, day in _keys(panel)] for name in panel.names]
    assert panel.values.dtype == np.float32
    assert panel.values.tobytes() == np.array(expected, np.float32).reshape(panel.values.shape).tobytes()


@PROPERTY
@given(ledgers(known_at=False))
def test_rows_known_at_once_are_as_good_as_rows_that_do_not_tell(ledger: Ledger) -> None:
    told = []
    for line in ledger.lines:
        told.append(line.copy())
        told[-1]["known_at"] = line["purchased_at"]
    telling = replace(ledger, lines=tuple(told), columns=(*ledger.columns, "known_at"))
    one, other = ledger.panel(labels=[LABEL]), telling.panel(labels=[LABEL])
    assert _keys(one) == _keys(other)
    assert one.values.tobytes() == other.values.tobytes()
    assert one.targets[LABEL].spend.tolist() == other.targets[LABEL].spend.tolist()


def _columns(panel: Panel) -> list[list[object]]:
    rhythm = [getattr(panel.rhythm, name) for name in RHYTHM]
    totals = [panel.totals.orders, panel.totals.spend, *panel.totals.trailing.values()]
    targets = [column for f in panel.targets.values() for column in (f.orders, f.spend, f.first)]
    return [
        [repr(x) for x in c.tolist()]
        for c in (panel.customer_id, panel.cutoff_day, *panel.values, *rhythm, *totals, *targets)
    ]


def test_taking_rows_takes_all_of_them() -> None:
    panel = ledger_of(ROWS, CUTOFFS).panel(labels=[LABEL, Label(7)])
    whole = _columns(panel)
    for rows in (np.array([2, 0]), np.array([True, False, True])):
        index = rows.nonzero()[0] if rows.dtype == bool else rows
        assert _columns(panel.take(rows)) == [[column[i] for i in index] for column in whole]


@pytest.mark.parametrize("most", [3, 100])
@pytest.mark.parametrize("cut", [0, 1, 2, 3])
def test_gathered_blocks_are_one_after_the_other(cut: int, most: int) -> None:
    panel = ledger_of(ROWS, CUTOFFS).panel(labels=[LABEL, Label(7)])
    blocks = [panel.take(np.arange(cut)), panel.take(np.arange(cut, 3))]
    assert _columns(Panel.gathered(blocks, most)) == _columns(panel)
    assert _columns(Panel.gathered([panel], most)) == _columns(panel)


def test_nothing_to_gather_is_refused() -> None:
    with pytest.raises(DataError, match="RG027"):
        Panel.gathered([], 3)


@pytest.mark.parametrize("known_at", [False, True])
def test_nobody_at_risk_is_a_panel_without_rows(known_at: bool) -> None:
    rows = ROWS[4:]
    ledger = ledger_of(rows, CUTOFFS, known_at=["2017-02-05 10:00"]) if known_at else ledger_of(rows, CUTOFFS)
    panel = ledger.panel(labels=[LABEL])
    assert panel.n_rows == 0
    assert panel.values.shape == (len(panel.names), 0)
    assert len(panel.targets[LABEL].orders) == 0


def test_a_feature_is_found_by_its_name() -> None:
    panel = ledger_of(ROWS, CUTOFFS).panel()
    assert panel.feature("orders").tolist() == [2, 3, 1]


def test_a_window_that_runs_past_the_data_has_no_target() -> None:
    panel = ledger_of(ROWS, CUTOFFS).panel(labels=[LABEL, Label(7)])
    # 15 January + 30 days = 14 February; 1 February + 7 = 8 February, + 30 = 3 March.
    matured = panel.matured(Cutoff.parse("2017-02-14"))
    assert matured.targets[LABEL].orders.tolist() == [1, -1, -1]
    assert np.isnan(matured.targets[LABEL].spend).tolist() == [False, True, True]
    assert matured.targets[Label(7)].orders.tolist() == panel.targets[Label(7)].orders.tolist()
    # A day less and the window of 15 January is open too; the panel itself has not changed.
    assert panel.matured(Cutoff.parse("2017-02-13")).targets[LABEL].orders.tolist() == [-1, -1, -1]
    assert panel.targets[LABEL].orders.tolist() == [1, 0, 0]


@pytest.mark.parametrize("sizes", [[5], [1, 1, 1, 1, 1], [0, 2, 0, 3], [3, 2], [4, 1], [2, 2, 1]])
@pytest.mark.parametrize("n_rows", [1, 2, 3, 5, 9])
def test_regrouped_blocks_hold_the_same_rows_in_the_same_order(sizes: list[int], n_rows: int) -> None:
    whole = _numbered(5)
    ends = np.cumsum(sizes).tolist()
    blocks = [whole.part(end - size, end) for size, end in zip(sizes, ends, strict=True)]
    found = list(regrouped(iter(blocks), n_rows))
    # Every block is full but the last, and none is empty where there are rows.
    assert [b.n_rows for b in found] == [n_rows] * (5 // n_rows) + ([5 % n_rows] if 5 % n_rows else [])
    assert np.concatenate([b.values[0] for b in found]).tolist() == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert np.concatenate([b.customer_id for b in found]).tolist() == whole.customer_id.tolist()


def test_without_rows_there_is_one_block_without_rows() -> None:
    empty = _numbered(5).part(0, 0)
    (found,) = regrouped(iter([empty, empty]), 3)
    assert (found.n_rows, found.names) == (0, ("x",))


def _numbered(n: int) -> Panel:
    """A panel of one feature that counts its rows."""
    numbers = np.arange(n, dtype=np.float64)
    rhythm = Rhythm(numbers, numbers, numbers, numbers, numbers)
    ids = np.array([f"c{i}" for i in range(n)], object)
    days = np.zeros(n, np.int64)
    return Panel(
        ("x",), ids, days, numbers[None].astype(np.float32), rhythm, Totals(numbers, numbers, {30: numbers}), {}
    )
