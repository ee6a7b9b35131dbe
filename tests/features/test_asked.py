"""What a plan asks, looked up at once for a few rows: the same bits as one look after the other, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.clock import Cutoff
from regulars.features import view
from regulars.features.asked import Asked
from regulars.features.family import families, plan_for
from regulars.features.history import History
from regulars.features.panel import Panel, panel_block
from regulars.features.past import Past
from regulars.features.shape import Shape

from .beside import SHAPES, full, full_ledgers
from .strategies import OPTIONAL, PROPERTY, Ledger, ledger_of, ledgers

TRAILING = (7, 90)
ROWS = [
    ("a", "2017-01-01 10:00", "o1", "10"),
    ("a", "2017-01-15 10:00", "o2", "5"),
    ("b", "2017-01-20 10:00", "o1", "3"),
]


def _bits(panel: Panel) -> list[bytes]:
    spend = [panel.totals.trailing[days] for days in TRAILING]
    return [panel.values.tobytes(), panel.rhythm.value.tobytes(), *(part.tobytes() for part in spend)]


def _both_ways(ledger: Ledger) -> tuple[list[bytes], list[bytes]]:
    """The panel with all look-ups at once, and with one after the other."""
    reference, plan = ledger.reference(), ledger.plan
    plain = replace(plan, asked=Asked())
    found = [panel_block(ledger.history(), p, reference, ledger.cutoffs, (), TRAILING) for p in (plan, plain)]
    return _bits(found[0]), _bits(found[1])


@PROPERTY
@given(st.one_of(ledgers(), full_ledgers()))
def test_looked_up_at_once_or_one_by_one_the_features_have_the_same_bits(ledger: Ledger) -> None:
    at_once, one_by_one = _both_ways(ledger)
    assert at_once == one_by_one


def test_many_rows_are_looked_up_one_by_one_and_get_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = ledger_of(ROWS, ("2017-01-10", "2017-02-01"))
    few = _both_ways(ledger)[0]
    monkeypatch.setattr(view, "FEW", 0)
    assert _both_ways(ledger)[0] == few


@pytest.mark.parametrize("shape", [Shape(columns=OPTIONAL), replace(SHAPES[0], columns=(*OPTIONAL, "channel"))])
def test_a_plan_foresees_everything_that_its_families_look_up(shape: Shape) -> None:
    plain = ledger_of(
        ROWS,
        "2017-02-01",
        category=["x", "y", "x"],
        product_id=["p", "p", "q"],
        channel=["web"] * 3,
        quantity=["1"] * 3,
        discount=["0"] * 3,
    )
    ledger = full(plain, shape)
    plan, reference = plan_for(shape), ledger.reference()
    past = Past(ledger.history(), ledger.cutoffs, plan.offsets, plan.shape, plan.asked)
    for family in families(shape.families):
        list(family.function(past, reference))
    asked = past.was_asked
    # Nothing is left to be looked up alone, and no sum is worked out that nobody asks.
    assert set(asked.sums) == set(plan.asked.sums)
    assert set(asked.counts) <= set(plan.asked.counts)
    for chosen, seen in asked.beside.items():
        assert set(seen.counts) <= set(plan.asked.beside[chosen].counts)
        assert set(seen.sums) == set(plan.asked.beside[chosen].sums)


def test_counts_and_sums_by_hand() -> None:
    # Days 0 and 4 of one customer, cutoff on day 5, a ledger that starts on day 1.
    ledger = ledger_of([("a", "1970-01-01 10:00", "o1", "10"), ("a", "1970-01-05 10:00", "o2", "2")], [])
    history = replace(ledger, history_starts=Cutoff(1)).history()
    sums = {("spend", None, 0): 10_000, ("spend", 3, 0): 10_000, ("purchase", 9, 1): 1}
    asked = Asked.of([("day", 2)], sums)
    assert (asked.offsets, asked.measures) == ((0, 1, 2, 3, 9), ("day", "spend", "purchase"))
    past = Past(history, [Cutoff(5)], planned=asked)
    # 10 and 2 ever; 2 in the three days before; nine days before the cutoff the ledger had not begun.
    assert [past.added(*added).tolist() for added in list(sums)[:2]] == [[12.0], [2.0]]
    assert np.isnan(past.added("purchase", 9, 1)).all()
    # Before day 3 there is one day with a purchase.
    assert past.at("day", 2).tolist() == [1]
    assert past.at_each("day", (2, 0)).tolist() == [[1], [2]]
    assert not past.all().sum("spend").flags.writeable


@pytest.mark.parametrize("order", [(3, 1, 2, 0), (1, 0, 3, 2)])
def test_the_codes_of_orders_are_names_and_no_more(order: Sequence[int]) -> None:
    # Four orders of one customer on three days, and a return: whatever their codes, the features are the same.
    told = zip("1233", "abcd", ("5", "7", "-2", "9"), strict=True)
    rows = [("a", f"2017-01-0{day} 10:00", name, amount) for day, name, amount in told]
    ledger = ledger_of(rows, "2017-02-01")
    history, reference = ledger.history(), ledger.reference()
    lines = replace(history.lines, order=np.array(order)[history.lines.order])
    known, renamed = (
        panel_block(History(part, ledger.rules, ledger.history_starts), ledger.plan, reference, ledger.cutoffs)
        for part in (history.lines, lines)
    )
    assert known.values.tobytes() == renamed.values.tobytes()
