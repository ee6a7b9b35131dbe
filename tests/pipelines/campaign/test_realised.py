"""What customers did in windows, to the cent: purchases, returns, money; and how often what is bought comes back."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from regulars.clock import Cutoff
from regulars.config import Config
from regulars.intake import Ledger
from regulars.pipelines.campaign.compared import came
from regulars.pipelines.campaign.realised import Asked, realised, return_rate

ROWS = [
    ("ann", "2023-12-31", "o1", 7.0),  # before the window
    ("ann", "2024-01-05", "o2", 30.0),
    ("ann", "2024-01-20", "o3", -12.5),  # an order that only gives back: one return
    ("bob", "2024-01-10", "o4", 20.0),
    ("bob", "2024-01-10", "o4", -5.0),  # a line of a purchase that comes back: no return of its own
    ("cat", "2024-02-01", "o5", 9.0),  # the day on which the window ends: not in it
]


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    config = Config.of(purchases={"order_id": "order_id"}, economics={"margin": 0.5})
    return Ledger.from_frame(pd.DataFrame(ROWS, columns=["customer_id", "purchased_at", "order_id", "amount"]), config)


def test_purchases_returns_and_money_of_a_window_and_nobody_is_lost(ledger: Ledger) -> None:
    begins, ends = Cutoff.parse("2024-01-01"), Cutoff.parse("2024-02-01")
    window = Asked(np.array(["ann", "bob", "cat", "dan"]), begins, ends, ends)
    (found,), lacking = realised(ledger, [window])
    assert (found.orders.tolist(), found.returns.tolist(), lacking) == ([1, 1, 0, 0], [1, 0, 0, 0], 0)
    assert found.spend.tolist() == [175_000, 150_000, 0, 0]
    assert found.known.tolist() == [True, True, True, False]
    # A margin of a half, and 3 for each return: ann .5 x 17.5 - 3, bob .5 x 15.
    nothing = np.zeros(4)
    assert came(found, (nothing, nothing), 0.5, 3.0)["profit"].tolist() == [5.75, 7.5, 0.0, 0.0]


def test_how_often_purchases_come_back_is_read_off_the_year_before(ledger: Ledger) -> None:
    # Before February three purchases (ann's two, bob's) and one return; before January only ann's first.
    everybody = ["cat", "ann", "bob"]
    assert return_rate(ledger, everybody, Cutoff.parse("2024-02-01")) == pytest.approx(1 / 3)
    assert return_rate(ledger, everybody, Cutoff.parse("2024-01-01")) == 0.0
    assert return_rate(ledger, ["nobody"], Cutoff.parse("2024-01-01")) == 0.0
