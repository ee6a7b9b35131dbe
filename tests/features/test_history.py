"""What is counted on each line, and the targets: by hand, and targets against the oracle."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.clock import Cutoff
from regulars.errors import DataError
from regulars.features.history import History
from regulars.features.lines import Lines
from regulars.features.measures import MEASURES
from regulars.features.panel import Label
from regulars.features.track import Edges, Measure, Track
from regulars.schema import Rules

from .strategies import PROPERTY, Ledger, ledger_of, ledgers

# a: Sunday 1 January twice, a return, then 11 January; b: 2 January.
ROWS = [
    ("a", "2017-01-01 10:00", "o1", "10"),
    ("a", "2017-01-01 19:00", "o2", "5"),
    ("a", "2017-01-03 10:00", "r1", "-4"),
    ("a", "2017-01-11 13:00", "o3", "20"),
    ("b", "2017-01-02 07:00", "o1", "0"),
    ("b", "2017-01-02 08:00", "o1", "3"),
]


@pytest.mark.parametrize(
    ("measure", "expected"),
    [
        # Cells: a on 1, 3 and 11 January, b on 2 January.
        ("cell", [1, 1, 1, 1]),
        ("line", [2, 1, 1, 2]),
        ("purchase_line", [2, 0, 1, 1]),
        ("purchase", [2, 0, 1, 1]),
        ("return", [0, 1, 0, 0]),
        ("day", [1, 0, 1, 1]),
        ("gap", [0, 0, 10, 0]),
        ("gap_ended", [0, 0, 1, 0]),
        ("gap_squared", [0, 0, 100, 0]),
        ("weekend", [2, 0, 0, 0]),
        ("morning", [1, 0, 0, 1]),
        ("afternoon", [0, 0, 1, 0]),
        ("evening", [1, 0, 0, 0]),
        ("spend", [15, -4, 20, 3]),
        ("purchase_amount", [15, 0, 20, 3]),
        ("repeat_day_value", [0, 0, 20, 0]),
        ("repeat_day_valued", [0, 0, 1, 0]),
        ("returned", [0, 4, 0, 0]),
        ("sold", [15, 0, 20, 3]),
        ("free_line", [0, 0, 0, 1]),
    ],
)
def test_each_measure_is_one_exact_integer_a_day(measure: str, expected: list[int]) -> None:
    history = ledger_of(ROWS, []).history()
    assert history.values(measure).dtype == np.int64
    assert (history.values(measure) / MEASURES[measure].scale).tolist() == expected
    sums = np.concatenate([[0], np.cumsum(expected)])
    assert (history.prefix(measure) / MEASURES[measure].scale).tolist() == sums.tolist()


def test_a_history_is_compressed_to_customers_and_days() -> None:
    history = ledger_of(ROWS, []).history()
    first = Cutoff.parse("2017-01-01").day
    assert (history.day - first).tolist() == [0, 2, 10, 1]
    assert history.customer.tolist() == [0, 0, 0, 1]
    assert history.starts.tolist() == [0, 3, 4]
    assert history.daily(np.arange(6)).tolist() == [1, 2, 3, 9]


@pytest.mark.parametrize("measure", list(MEASURES))
def test_nobody_has_nothing_of_any_measure(measure: str) -> None:
    assert History(Lines.empty(), Rules("UTC"), Cutoff(0)).prefix(measure).tolist() == [0]


def test_pieces_are_counted_on_lines_that_are_sold() -> None:
    ledger = ledger_of(ROWS[:3], [], quantity=["2", "0.5", "1"], discount=["0", "1", "0"])
    history = ledger.history()
    # Two pieces and a half on 1 January; the one that came back on the 3rd is not sold.
    assert history.values("quantity").tolist() == [25_000, 0]
    assert history.values("discounted").tolist() == [1, 0]


def test_returns_kept_separate_are_no_spend() -> None:
    history = ledger_of(ROWS, [], returns="separate").history()
    assert (history.values("spend") // 10_000).tolist() == [15, 0, 20, 3]


def test_the_longest_gap_so_far_starts_anew_with_each_customer() -> None:
    days = {"a": (1, 11, 14), "b": (2, 5, 6)}
    rows = [(who, f"2017-01-{d:02d} 10:00", f"o{d}", "1") for who, ds in days.items() for d in ds]
    history = ledger_of(rows, []).history()
    assert history.values("gap").tolist() == [0, 10, 3, 0, 3, 1]
    assert history.values("longest_gap").tolist() == [0, 10, 10, 0, 3, 3]


def test_money_too_large_to_be_added_exactly_is_refused() -> None:
    rows = [("a", "2017-01-01 10:00", f"o{i}", "99999999999999.9999") for i in range(5)]
    # 5 lines of 10**18 ten-thousandths exceed 2**62, 4 do not.
    assert ledger_of(rows[:4], []).history().prefix("spend")[-1] == 4 * (10**18 - 1)
    with pytest.raises(DataError, match="RG022"):
        ledger_of(rows, []).history()


class _Visits(Track):
    def measure(self, name: str) -> Measure:
        return Measure(1, lambda track: np.ones(track.n_cells, np.int64))


def test_one_position_per_customer_and_edge() -> None:
    # Customer 0 has days 1 and 5; customer 1 none; customer 2 has 5 and 9. A day at the edge is not before it.
    track = _Visits(3, np.array([0, 0, 2, 2]), np.array([1, 5, 5, 9]))
    found = track.before(Edges(np.array([0, 5, 6, 10])))
    assert found.tolist() == [[0, 1, 2, 2, 2], [2, 2, 2, 2, 2], [2, 2, 3, 4, 4]]


def test_a_mark_is_0_or_1() -> None:
    history = ledger_of(ROWS, []).history()
    assert history.marks("day").tolist() == [0, 2, 3]
    with pytest.raises(DataError, match="RG028"):
        history.marks("purchase")


def test_the_lines_of_one_thing_are_numbered_within_their_customer() -> None:
    history = ledger_of(ROWS, [], category=["x", None, "y", "x", "x", "x"]).history()
    assert history.occurrence("category").tolist() == [0, -1, 0, 1, 0, 1]
    assert history.values("new_category").tolist() == [1, 1, 0, 1]
    assert history.values("top_category").tolist() == [1, 1, 2, 2]


def test_what_was_known_leaves_out_later_rows_of_any_age() -> None:
    known = ["2017-01-01 10:00", "2017-02-01 00:00", "2017-01-31 23:59:59.999999", "2017-03-01 00:00"]
    history = ledger_of(ROWS[:4], [], known_at=known).history()
    assert (history.known_before(Cutoff.parse("2017-02-01")).lines.money["amount"] // 10_000).tolist() == [10, -4]
    plain = ledger_of(ROWS, []).history()
    assert plain.known_before(Cutoff.parse("2017-01-01")) is plain


def test_targets_count_from_the_cutoff_to_before_the_end() -> None:
    # a at 2 January: [2, 11) January has the return only: no purchase and spend below 0; one day more has 20.
    history = ledger_of(ROWS, []).history()
    row, day = np.array([0, 1]), np.array([Cutoff.parse("2017-01-02").day] * 2)
    nine, ten = history.future(row, day, 9), history.future(row, day, 10)
    assert (nine.orders.tolist(), nine.spend.tolist()) == ([0, 1], [-4.0, 3.0])
    assert (ten.orders.tolist(), ten.spend.tolist()) == ([1, 1], [16.0, 3.0])
    # The return on the 3rd is no purchase: a's is that of the 11th, nine days after the cutoff; b's is on the very day.
    assert (nine.first.tolist(), ten.first.tolist()) == ([-1, 0], [9, 0])
    assert nine.orders.dtype == nine.first.dtype == np.int32


def test_a_target_of_nobody_is_empty() -> None:
    none = np.zeros(0, np.int64)
    future = ledger_of(ROWS, []).history().future(none, none, 30)
    assert (len(future.orders), len(future.spend), len(future.first)) == (0, 0, 0)


@PROPERTY
@given(ledgers(), st.sampled_from([1, 7, 30, 90]), st.sampled_from([None, 0, 1, 30]))
def test_targets_are_what_the_oracle_says(ledger: Ledger, horizon: int, known_after: int | None) -> None:
    last = ledger.cutoffs[-1].plus(horizon)
    known_on = None if known_after is None else last.plus(known_after)
    label, oracle = Label(horizon, known_on), ledger.oracle()
    panel = ledger.panel(labels=[label])
    found = panel.targets[label]
    for i, (customer, day) in enumerate(zip(panel.customer_id, panel.cutoff_day, strict=True)):
        date = Cutoff(int(day)).date
        orders, spend, first = oracle.targets(str(customer), date, horizon, known_on.date if known_on else None)
        assert (found.orders[i], found.spend[i], found.first[i]) == (orders, float(spend), first), (customer, date)


def test_a_line_that_became_known_too_late_is_in_no_target() -> None:
    known = ["2017-01-01 10:00", "2017-01-01 19:00", "2017-01-03 10:00", "2017-02-01 00:00"]
    ledger = ledger_of(ROWS[:4], "2017-01-02", known_at=known)
    late, all_rows = Label(30, Cutoff.parse("2017-02-01")), Label(30)
    panel = ledger.panel(labels=[late, all_rows])
    assert (panel.targets[late].orders.tolist(), panel.targets[late].spend.tolist()) == ([0], [-4.0])
    assert (panel.targets[all_rows].orders.tolist(), panel.targets[all_rows].spend.tolist()) == ([1], [16.0])


def test_repeat_days_without_value_are_days_all_the_same() -> None:
    rows = [
        ("a", "2017-01-01 10:00", "o1", "1"),
        ("a", "2017-01-05 10:00", "o2", "4"),
        ("a", "2017-01-05 11:00", "o2", "-6"),
    ]
    history = ledger_of(rows, []).history()
    # 5 January is a repeat day worth 4 - 6 < 0: a day, but not one with value above 0.
    assert history.values("day").tolist() == [1, 1]
    assert history.prefix("repeat_day_valued")[-1] == 0
    assert history.prefix("repeat_day_value")[-1] == 0
    assert history.values("purchase_amount").sum() == int(Decimal(-1) * 10_000)
