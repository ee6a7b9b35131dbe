"""Prospects and margins: whom a table of customers names, what became of such people, what the lines say they cost."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from regulars.clock import Cutoff
from regulars.config import Config
from regulars.errors import NotEnoughData
from regulars.intake import Ledger
from regulars.models.margins import measured_margin
from regulars.models.prospects import SHRUNK, ProspectRows, Prospects, age_class, prospect_rows

CONFIG = Config.of(data={"customers": {"customer_id": "customer_id", "joined_at": "joined_at"}})


def ledger(joined: dict[str, str | None], bought: list[tuple[str, str, float]]) -> Ledger:
    purchases = pd.DataFrame(bought, columns=["customer_id", "purchased_at", "amount"])
    people = pd.DataFrame({"customer_id": list(joined), "joined_at": list(joined.values())})
    return Ledger.from_frame(purchases, CONFIG, customers=people)


SMALL = ledger(
    {"a": "2024-01-01", "b": "2024-01-20", "c": "2024-03-01", "d": None, "e": "2024-01-05"},
    [
        ("a", "2024-01-10", 9.0),  # a customer before February
        ("b", "2024-02-01", 5.0),  # the first purchase on the cutoff belongs to the future
        ("b", "2024-02-20", 7.0),
        ("d", "2024-04-01", 3.0),  # after the window
        ("x", "2024-02-02", 1.0),  # not in the table
    ],
)


def test_prospects_have_joined_and_not_bought_before_the_day() -> None:
    rows = prospect_rows(SMALL, [Cutoff.parse("2024-02-01")], (30,))
    # a has bought, c has not joined yet; when d joined is not known. b joined 12 days before, e 27.
    assert rows.customer_id.tolist() == ["b", "d", "e"]
    assert rows.age_days.tolist()[::2] == [12.0, 27.0]
    assert np.isnan(rows.age_days[1])
    assert rows.orders[30].tolist() == [2.0, 0.0, 0.0]
    assert rows.spend[30].tolist() == [12.0, 0.0, 0.0]


def test_a_later_day_has_other_prospects() -> None:
    rows = prospect_rows(SMALL, [Cutoff.parse("2024-02-01"), Cutoff.parse("2024-03-02")], (30,))
    assert rows.customer_id[rows.cutoff_day == Cutoff.parse("2024-03-02").day].tolist() == ["c", "d", "e"]
    assert rows.orders[30][rows.cutoff_day == Cutoff.parse("2024-03-02").day].tolist() == [0.0, 0.0, 0.0]
    # d buys on the 1st of April, 30 days after the 2nd of March: the day after the window.


def test_without_a_table_of_customers_there_are_none() -> None:
    bare = Ledger.from_frame(
        pd.DataFrame({"customer_id": ["a"], "purchased_at": ["2024-01-10"], "amount": [9.0]}), Config.of()
    )
    assert prospect_rows(bare, [Cutoff.parse("2024-02-01")], (30,)).n_rows == 0


def made_up(n: int = 400) -> ProspectRows:
    """Half of them joined lately and a half of these buy once for 10; of the others a tenth does."""
    young = np.arange(n) % 2 == 0
    buys = np.where(young, np.arange(n) % 4 == 0, np.arange(n) % 20 == 1).astype(np.float64)
    ids = np.array([f"p{i}" for i in range(n)], object)
    day = np.where(np.arange(n) < n // 2, 100, 500)
    return ProspectRows(ids, day, np.where(young, 10.0, 200.0), {30: buys}, {30: 10 * buys})


def test_chances_are_those_of_matured_rows_drawn_to_all_of_them() -> None:
    found = Prospects.fit(made_up(), Cutoff(200))
    # Of the 200 rows of day 100 a half is young; 50 of 100 buy, and 10 of 100 of the others: 60 of 200 in all.
    expected = [(50 + SHRUNK * 0.3) / (100 + SHRUNK), (10 + SHRUNK * 0.3) / (100 + SHRUNK)]
    first, orders, spend = found.of(np.array([10.0, 200.0]), 30)
    assert first == pytest.approx(expected)
    assert orders == pytest.approx(expected)
    assert spend == pytest.approx([10 * p for p in expected])
    # A class that nobody was seen in has the mean of all.
    assert found.of(np.array([np.nan]), 30)[0] == pytest.approx([0.3])


def test_later_rows_change_nothing() -> None:
    rows = made_up()
    changed = ProspectRows(rows.customer_id, rows.cutoff_day, rows.age_days, *(
        {30: np.where(rows.cutoff_day == 500, 7.0, column[30])} for column in (rows.orders, rows.spend)
    ))  # fmt: skip
    assert Prospects.fit(changed, Cutoff(529)) == Prospects.fit(rows, Cutoff(529))
    assert Prospects.fit(changed, Cutoff(530)) != Prospects.fit(rows, Cutoff(530))


def test_too_few_prospects_are_refused() -> None:
    with pytest.raises(NotEnoughData, match="RG269"):
        Prospects.fit(made_up(150), Cutoff(200))


def test_a_lifetime_is_window_after_window_by_hand() -> None:
    chances = {30: (0.5, 0.2, 0.1, 0.1, 0.1, 0.3)}
    found = Prospects(chances, chances, chances, 100)
    # Aged 0, 45 days ahead, windows of 30 and 15: .5 x 8, then by the class of 30 days, .5 x (1 - .8^(1/2)) x 6.
    assert found.lifetime(np.array([0.0]), 30, 45, [8.0, 6.0]) == pytest.approx([0.5 * 8 + 0.5 * (1 - 0.8**0.5) * 6])


def test_it_is_the_same_after_json() -> None:
    found = Prospects.fit(made_up(), Cutoff(200))
    assert Prospects.from_dict(json.loads(json.dumps(found.to_dict()))) == found
    assert age_class(np.array([29.9, 30.0])).tolist() == [0, 1]


def test_the_margin_is_that_of_lines_with_a_cost_before_the_day() -> None:
    lines = pd.DataFrame(
        {
            "customer_id": ["a", "b", "a", "b"],
            "purchased_at": ["2024-01-01", "2024-01-02", "2024-01-03", "2024-02-01"],
            "amount": [10.0, 30.0, -10.0, 50.0],
            "cost": [6.0, 14.0, 6.0, 50.0],
        }
    )
    config = Config.of(purchases={"cost": "cost"})
    # 1 - 20 / 40: the return does not count, the last line is not known yet.
    assert measured_margin(Ledger.from_frame(lines, config), Cutoff.parse("2024-02-01")) == pytest.approx(0.5)
    assert measured_margin(Ledger.from_frame(lines, config), Cutoff.parse("2024-01-01")) is None
    assert (
        measured_margin(Ledger.from_frame(lines.drop(columns="cost"), Config.of()), Cutoff.parse("2024-02-01")) is None
    )
    # A cost of a fifth of the money says nothing of the rest.
    sparse = lines.assign(cost=[6.0, None, None, None])
    assert measured_margin(Ledger.from_frame(sparse, config), Cutoff.parse("2024-02-01")) is None
