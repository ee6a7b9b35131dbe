"""Problems by hand: what is complained of or comes back, how often, and who is silent after it.

Silence is 30 days; a problem belongs to a purchase at most 29 days before it, and one looks from the 30th day on.

| customer | days                                                                                       |
|----------|--------------------------------------------------------------------------------------------|
| a        | 5 Jan pot 10.00, 10 Jan pot back; nothing more                                             |
| b        | 6 Jan pot 10.00, 8 Jan complains of it (broken), resolved 11 Jan; 10 Feb tea 4.00          |
| c        | 7 Jan pot 10.00; 20 Feb tea 4.00, complains on 25 Feb of something that is not named       |
| d        | 9 Jan pot 10.00, asks for help on 10 Jan; nothing more                                     |
| e        | 20 Jun pot 10.00, complains of it on 21 Jun; its window is not over                        |
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest

from regulars.clock import Cutoff
from regulars.config import Config
from regulars.intake import Ledger
from regulars.kpis import landmarks, problems
from regulars.kpis.by_period import Window
from regulars.kpis.purchases import Purchases
from regulars.pipelines.kpis import Kpis, kpis

LINES = [
    ("a", "2024-01-05", "o1", 10.0, "pot", "things"),
    ("a", "2024-01-10", "o2", -10.0, "pot", "things"),
    ("b", "2024-01-06", "o3", 10.0, "pot", "things"),
    ("b", "2024-02-10", "o4", 4.0, "tea", "leaves"),
    ("c", "2024-01-07", "o5", 10.0, "pot", "things"),
    ("c", "2024-02-20", "o6", 4.0, "tea", "leaves"),
    ("d", "2024-01-09", "o7", 10.0, "pot", "things"),
    ("e", "2024-06-20", "o8", 10.0, "pot", "things"),
]
EVENTS = [
    ("b", "2024-01-08", "complaint", "pot", "broken"),
    ("b", "2024-01-11", "complaint_resolved", None, None),
    ("c", "2024-02-25", "complaint", None, "late"),
    ("e", "2024-06-21", "complaint", "pot", "broken"),
    ("a", "2024-01-10", "return_reason", "pot", "broken"),
    ("z", "2024-01-10", "complaint", "pot", "broken"),
    ("d", "2024-01-10", "support", "pot", None),
    ("d", "2024-01-10", "returning_visit", "pot", None),
]
COLUMNS = ["customer_id", "occurred_at", "kind", "product_id", "reason"]


Rows = Sequence[tuple[Any, ...]]


@cache
def ledger_of(
    lines: tuple[tuple[Any, ...], ...], events: tuple[tuple[Any, ...], ...] | None, without: tuple[str, ...]
) -> tuple[Ledger, Config]:  # fmt: skip
    names = ["customer_id", "purchased_at", "order_id", "amount", "product_id", "category"]
    data: dict[str, Any] = {"history_starts": "2024-01-01", "history_ends": "2024-06-30"}
    if events is not None:
        data["events"] = {name: name for name in COLUMNS if name not in without}
    mapped = {name: name for name in names[2:] if name != "amount" and name not in without}
    config = Config.of(amount="amount", purchases=mapped, data=data, target={"horizon_days": 30})
    frames = {} if events is None else {"events": pd.DataFrame(events, columns=COLUMNS)}
    return Ledger.from_frame(pd.DataFrame(lines, columns=names), config, **frames), config


def found_in(lines: Rows = LINES, events: Rows | None = EVENTS, without: tuple[str, ...] = ()) -> Kpis:
    return kpis(*ledger_of(tuple(lines), None if events is None else tuple(events), without))


def row(found: Kpis, by: str, name: str) -> dict[str, Any]:
    table = found.table("problems")
    assert table is not None
    (only,) = [r for r in table.shown() if (r["by"], r["name"]) == (by, name)]
    return only


@pytest.fixture
def everyone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A row however few had a problem."""
    monkeypatch.setattr(problems, "LEAST", 1)
    monkeypatch.setattr(landmarks, "LEAST", 1)


@pytest.mark.usefixtures("everyone")
def test_a_product_by_hand() -> None:
    pot = row(found_in(), "product", "pot")
    # a gave it back, b and e complained; five bought it. z never bought anything and is nobody's.
    assert (pot["complaints"], pot["returns"], pot["customers"], pot["buyers"]) == (2, 1, 3, 5)
    assert pot["problem_share"] == 3 / 5
    # 10 of 50 came back.
    assert (pot["given_back"], pot["return_share"]) == (10.0, 0.2)
    # Of two complaints b's was resolved, after three days.
    assert (pot["resolved_share"], pot["days_to_resolve"]) == (0.5, 3.0)


@pytest.mark.usefixtures("everyone")
def test_silence_with_and_without_a_problem_by_hand() -> None:
    pot = row(found_in(), "product", "pot")
    # With one: a bought nothing in [4 Feb, 5 Mar), b did on 10 Feb; e's window ends after June. Without: c did buy, on
    # 20 Feb in [6 Feb, 7 Mar), d did not.
    assert (pot["compared"], pot["silent_with"], pot["silent_without"], pot["difference"]) == (2, 0.5, 0.5, 0.0)
    # Each of four customers adds 1/2 x 1/2 to the difference, up or down: their squares sum to 1/4, times 4/3.
    assert pot["high"] == pytest.approx(1.96 * (1 / 3) ** 0.5)
    assert pot["low"] == pytest.approx(-1.96 * (1 / 3) ** 0.5)


@pytest.mark.usefixtures("everyone")
def test_a_problem_thirty_days_later_does_not_belong_to_the_purchase() -> None:
    late = [("b", "2024-02-05", "complaint", "pot", "broken"), ("d", "2024-02-07", "complaint", "pot", "broken")]
    pot = row(found_in(events=late), "product", "pot")
    # b complains on the 30th day after 6 Jan, d on the 29th after 9 Jan; a's return counts as before.
    assert (pot["compared"], pot["silent_with"]) == (2, 1.0)
    # b and c bought again.
    assert pot["silent_without"] == 0.0


@pytest.mark.usefixtures("everyone")
def test_what_is_not_named_stays_in_all_and_in_its_reason() -> None:
    found = found_in()
    whole = row(found, "all", "all")
    # b's, c's and e's complaints; c's names no product.
    assert (whole["complaints"], whole["returns"], whole["customers"], whole["buyers"]) == (3, 1, 4, 5)
    late, broken = row(found, "reason", "late"), row(found, "reason", "broken")
    assert (late["complaints"], late["customers"], late["problem_share"]) == (1, 1, 0.2)
    # The event about the return is no complaint; its money stands with the product.
    assert (broken["complaints"], broken["returns"], broken["given_back"]) == (2, 1, None)
    things = row(found, "category", "things")
    assert (things["complaints"], things["given_back"]) == (2, 10.0)


def test_few_customers_are_not_told_by_product() -> None:
    table = found_in().table("problems")
    assert table is not None
    assert [r["by"] for r in table.rows] == ["all"]


@pytest.mark.usefixtures("everyone")
def test_the_headline_names_the_worst_product() -> None:
    # Three of five: Wilson's interval is (.6 + z2/10 -+ z sqrt(.24/5 + z2/100)) / (1 + z2/5) with z2 = 3.8416.
    said = "60% of the buyers of pot complained of it or gave it back (23% to 88% with 95 % certainty)."
    assert found_in().headlines["problems"] == said
    assert said in found_in().lines


def test_what_the_data_lack_is_said() -> None:
    quiet = [line for line in LINES if line[3] > 0]
    found = found_in(quiet, None)
    assert found.table("problems") is None
    assert found.off["problems"].startswith("No table of problems: there are no complaints ([data.events])")
    assert "nobody complained" in found_in(quiet, [("a", "2024-01-05", "visit", None, None)]).off["problems"]
    plain = found_in(without=("product_id", "category", "reason"))
    assert [r["by"] for r in plain.table("problems").rows] == ["all"]
    said = " ".join(plain.notes)
    assert "map `product_id` in [data.events]" in said
    assert "map `reason` in [data.events]" in said
    assert "map `product_id` or `category` in [data.purchases]" in said


@pytest.mark.usefixtures("everyone")
def test_small_numbers_do_not_shout() -> None:
    # One of one buyer of the cup gave it back, six of eight of the bowl: surely more than half of the latter.
    lines = [(f"k{i}", "2024-01-05", f"b{i}", 5.0, "bowl", "things") for i in range(8)]
    lines += [(f"k{i}", "2024-01-06", f"r{i}", -5.0, "bowl", "things") for i in range(6)]
    lines += [("m", "2024-01-05", "c1", 90.0, "cup", "things"), ("m", "2024-01-06", "c2", -90.0, "cup", "things")]
    found = found_in(lines, None)
    assert row(found, "product", "cup")["problem_share"] == 1.0
    assert row(found, "product", "cup")["problem_low"] < row(found, "product", "bowl")["problem_low"]
    assert found.headlines["problems"].startswith("75% of the buyers of bowl ")
    # Ordered by money.
    table = found.table("problems")
    assert table is not None
    assert [r["name"] for r in table.rows if r["by"] == "product"] == ["cup", "bowl"]


def test_churn_of_few_customers_is_not_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(problems, "LEAST", 1)
    pot = row(found_in(), "product", "pot")
    # Two with a problem, and two without one.
    assert (pot["compared"], pot["silent_with"], pot["difference"], pot["low"]) == (2, None, None, None)


@pytest.mark.usefixtures("everyone")
def test_all_silent_is_no_certainty() -> None:
    # Two with the problem were silent, ten without it were not: no spread in either, and yet two are few.
    lines = [(f"k{i:02d}", "2024-01-05", f"b{i}", 5.0, "pot", "things") for i in range(12)]
    lines += [(f"k{i:02d}", "2024-02-10", f"n{i}", 5.0, "tea", "leaves") for i in range(2, 12)]
    told = [(f"k{i:02d}", "2024-01-06", "complaint", "pot", "late") for i in range(2)]
    pot = row(found_in(lines, told), "product", "pot")
    assert (pot["compared"], pot["silent_with"], pot["silent_without"]) == (2, 1.0, 0.0)
    # Two of two, moved by two of each kind: 4 of 6; the variance is 2/3 x 1/3 / 2 = 1/9.
    assert pot["low"] == pytest.approx(1 - 1.96 / 3)


@pytest.mark.usefixtures("everyone")
def test_a_reason_is_compared_with_purchases_without_any_problem() -> None:
    # a's pot came back and b's was complained of as late: of the reason late, a is neither with nor without.
    events = [("b", "2024-01-08", "complaint", "pot", "late")]
    late = row(found_in(events=events), "reason", "late")
    # b bought again on 10 Feb, within [5 Feb, 6 Mar); without a problem: c on 20 Feb, d not. January, first orders.
    assert (late["compared"], late["silent_with"], late["silent_without"]) == (1, 0.0, 0.5)
    # Nobody asked for help, and no event is about a return: that is not known, and not zero.
    assert (late["support"], late["returns"]) == (None, None)


def test_strata_are_months_and_numbers_of_orders() -> None:
    # The only one with a problem was in March, the only ones without in January: nothing is alike.
    days = np.array([0, 1, 60]) + Cutoff.parse("2024-01-05").day
    who, one = np.arange(3), np.ones(3, np.int64)
    bought = Purchases(np.array(["a", "b", "c"], object), who, days, one, 0 * one, one, one, one, 0 * one)
    marks = landmarks.Landmarks.of(bought, Window(30, Cutoff(0), Cutoff(days[-1] + 200)), 30)
    told = landmarks.with_and_without(marks, (who, days), (who[2:], days[2:]))
    assert (told["compared"], told["difference"]) == (0, None)


@pytest.mark.usefixtures("everyone")
def test_who_asks_for_help_or_returns_to_the_shop_has_no_problem() -> None:
    pot = row(found_in(), "product", "pot")
    # d did both; with a problem are a, b and e.
    assert (pot["support"], pot["complaints"], pot["customers"]) == (1, 2, 3)


@pytest.mark.usefixtures("everyone")
def test_what_the_data_cannot_fill_is_missing_and_not_zero() -> None:
    told = ("complaints", "resolved_share", "days_to_resolve")
    # No events; events that name no product; events without a resolution.
    none = row(found_in(events=None), "product", "pot")
    assert [none[name] for name in told] == [None, None, None]
    unnamed = found_in(without=("product_id",), events=EVENTS)
    assert row(unnamed, "category", "things")["complaints"] is None
    assert row(unnamed, "all", "all")["complaints"] == 3
    assert row(unnamed, "all", "all")["returns"] == 1
    open_ones = found_in(events=[event for event in EVENTS if event[2] != "complaint_resolved"])
    assert [row(open_ones, "product", "pot")[name] for name in told] == [2, None, None]
    assert any("No days to a resolution" in note for note in open_ones.notes)


def test_complaints_of_strangers_are_said() -> None:
    # z never had a line.
    assert "1 complaints and the like are of customers without a line: they are not counted." in found_in().notes


@pytest.mark.usefixtures("everyone")
def test_the_order_of_rows_means_nothing() -> None:
    assert found_in(LINES[::-1], EVENTS[::-1]).figures() == found_in().figures()


def test_money_given_back_is_that_of_the_ledger() -> None:
    found = found_in()
    # Every negative line is in `all`, whatever else is known of it.
    assert row(found, "all", "all")["given_back"] == -sum(line[3] for line in LINES if line[3] < 0)
