"""The programme and the features reckon points by one rule: the same balance, the same about to expire."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from regulars.clock import Cutoff
from regulars.config import Config
from regulars.engines.local import panel_of, reference_of
from regulars.features.family import plan_for
from regulars.features.points import KINDS
from regulars.features.shape import Shape
from regulars.intake import Ledger
from regulars.pipelines.loyalty_read import members_of, programme_of
from regulars.schema import SCALE

EVENTS = {name: name for name in ("customer_id", "occurred_at", "kind", "value")}


def tables(told: bool) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Twelve customers who bought once, and earn, spend and lose points at random."""
    rng = np.random.default_rng(8 + told)
    days = [f"2023-{m:02d}-{d:02d}" for m, d in zip(rng.integers(1, 13, 160), rng.integers(1, 29, 160), strict=True)]
    kinds = ["points_earned"] * 4 + [k for k in KINDS if told or k != "points_expired"]
    rows = zip(rng.integers(0, 12, 160), days, rng.choice(kinds, 160), rng.integers(-9, 30, 160), strict=True)
    events = pd.DataFrame([(f"c{who:02d}", *rest) for who, *rest in rows], columns=list(EVENTS))
    bought = pd.DataFrame(
        {"customer_id": [f"c{i:02d}" for i in range(12)], "purchased_at": "2022-12-01", "amount": 1.0}
    )
    return bought, events


@pytest.mark.parametrize("told", [False, True])
def test_the_balance_of_a_member_is_that_of_the_features(told: bool) -> None:
    config = Config.of(data={"events": EVENTS, "history_ends": "2024-01-31"}, loyalty={"expire_days": 90})
    bought, events = tables(told)
    ledger, day = Ledger.from_frame(bought, config, events=events), Cutoff.parse("2023-10-10")
    shape = Shape(families=("engagement",), kinds=tuple(sorted(set(events["kind"]))), points_expire_days=90)
    plan = plan_for(shape)
    panel = panel_of(ledger, plan, reference_of(ledger, [day], plan), [day])
    found, _, _ = members_of(ledger, programme_of(ledger, config, day))
    assert found.points is not None
    place = [panel.names.index(name) for name in ("points_balance", "points_near_expiry")]
    balance, near = (panel.values[at].astype(np.float64) for at in place)
    assert (balance > 0).sum() > 5
    assert (near > 0).any()
    assert np.array_equal(found.points.balance / SCALE, balance)
    # What is too old and was not taken away is about to expire for the features, and told apart here.
    assert np.array_equal((found.points.expiring + found.points.overdue) / SCALE, near)
