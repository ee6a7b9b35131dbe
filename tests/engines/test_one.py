"""The row of one customer is the one that all customers' panel has, and nobody is found who is not there."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from regulars.config import Config
from regulars.engines import lines_of_one, panel_of, panel_of_one, reference_of
from regulars.features.family import plan_for
from regulars.features.panel import RHYTHM, Panel
from regulars.features.shape import Shape
from regulars.intake import Ledger

from ..simulated import PLANTED, ZONE, mapped, purchases, shop

FEW = 500
"""Lines of a block: the small shop has ten."""


def visited() -> Ledger:
    """A small shop whose customers also visit: two of three of them, two days before each purchase."""
    frame = purchases(60)
    seen = frame[frame["customer_id"].str[-1].isin(list("012345"))].drop_duplicates("order_id")
    when = (pd.to_datetime(seen["purchased_at"]) - pd.Timedelta(days=2)).dt.strftime("%Y-%m-%dT%H:%M:%S")
    events = pd.DataFrame({"customer_id": seen["customer_id"], "occurred_at": when, "kind": "visit"})
    columns = {name: name for name in events.columns}
    config = Config.model_validate({"data": {"timezone": ZONE, "purchases": mapped(), "events": columns}})
    return Ledger.from_frame(frame, config, events=events)


def same(one: Panel, whole: Panel, row: int) -> bool:
    own = whole.take(np.array([row]))
    pairs = [(one.values, own.values), (one.totals.spend, own.totals.spend), (one.cutoff_day, own.cutoff_day)]
    pairs += [(getattr(one.rhythm, name), getattr(own.rhythm, name)) for name in RHYTHM]
    trailing = [(one.totals.trailing[h], own.totals.trailing[h]) for h in own.totals.trailing]
    return all(np.array_equal(a, b, equal_nan=True) for a, b in (*pairs, *trailing))


@pytest.mark.parametrize("events", [False, True])
def test_the_row_of_one_is_that_of_all_to_the_bit(events: bool) -> None:
    ledger = visited() if events else shop()
    plan = plan_for(Shape(columns=("quantity", "discount", "category"), kinds=("visit",) if events else ()))
    reference = reference_of(ledger, [ledger.ends], plan)
    whole = panel_of(ledger, plan, reference, [ledger.ends], (), 1, None, (30,))
    for row in (0, whole.n_rows // 2, whole.n_rows - 1):
        lines = lines_of_one(ledger, plan, str(whole.customer_id[row]), FEW)
        assert lines is not None
        one = panel_of_one(ledger, plan, reference, ledger.ends, lines, (30,))
        assert one.customer_id.tolist() == [whole.customer_id[row]]
        assert same(one, whole, row)


def test_whoever_is_not_there_has_no_lines() -> None:
    plan = plan_for(Shape())
    for name in ("", "a", "\uffff", f"{PLANTED}00005x", f"{PLANTED}0000", PLANTED.upper()):
        assert lines_of_one(shop(), plan, name, FEW) is None
    found = lines_of_one(shop(), plan, f"{PLANTED}00005", FEW)
    assert found is not None
    assert found.num_rows == int((purchases()["customer_id"] == f"{PLANTED}00005").sum())


def test_before_the_first_purchase_there_is_no_row() -> None:
    plan, ledger = plan_for(Shape()), shop()
    lines = lines_of_one(ledger, plan, f"{PLANTED}00005")
    assert lines is not None
    early = ledger.history_starts.plus(1)
    assert panel_of_one(ledger, plan, reference_of(ledger, [early], plan), early, lines).n_rows == 0
