"""Silence with and without a problem: to which purchase a problem belongs; chance alone makes no difference."""

from __future__ import annotations

import numpy as np
import pytest

from regulars.clock import Cutoff
from regulars.kpis import landmarks
from regulars.kpis.by_period import Window
from regulars.kpis.landmarks import Landmarks, with_and_without
from regulars.kpis.purchases import Purchases

BEGIN = Cutoff.parse("2022-01-03")


def bought(customer: list[int], day: list[int]) -> Purchases:
    """Purchases of a unit on days counted from a day of January."""
    who, one = np.array(customer, np.int64), np.ones(len(customer), np.int64)
    ids = np.array([f"c{i:04d}" for i in range(max(customer) + 1)], object)
    return Purchases(ids, who, np.array(day, np.int64) + BEGIN.day, one, 0 * one, one, one, one, 0 * one)


def compared(purchases: Purchases, events: list[tuple[int, int]], days: int) -> dict[str, object]:
    marks = Landmarks.of(purchases, Window(90, BEGIN, BEGIN.plus(days)), 30)
    who, day = (np.array([event[k] for event in events], np.int64) for k in (0, 1))
    return dict(with_and_without(marks, (purchases.customer, purchases.day), (who, day + BEGIN.day)))


def test_a_problem_belongs_to_the_last_purchase_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(landmarks, "LEAST", 1)
    # Customer 0 buys on days 0 and 9 and complains on day 12: of the second purchase; customer 1 does the same and does
    # not complain. First purchases are alike, and so are second ones; silent are both.
    told = compared(bought([0, 0, 1, 1], [0, 9, 0, 9]), [(0, 12)], 200)
    assert (told["compared"], told["silent_with"], told["silent_without"]) == (1, 1.0, 1.0)


def test_a_problem_of_one_customer_is_none_of_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(landmarks, "LEAST", 1)
    # Customer 1 complains before any purchase of theirs; customer 0 bought the day before.
    assert compared(bought([0, 1], [5, 20]), [(1, 6)], 300)["compared"] == 0


@pytest.mark.soak
def test_what_happens_by_chance_makes_no_difference() -> None:
    # Customers of very different rhythms, some of whom leave; one purchase in ten has a problem that changes nothing.
    # Where a problem belonged to every purchase of the 30 days before it, the difference was -.04.
    rng, found = np.random.default_rng(1), []
    for _ in range(40):
        customer, day, events = list[int](), list[int](), list[tuple[int, int]]()
        for i in range(500):
            now, gone, gap = rng.integers(0, 400), rng.exponential(500), 1 / rng.gamma(1.2, 1 / 40)
            gone += now
            while now < min(720, gone):
                if not day or customer[-1] != i or day[-1] != int(now):
                    customer.append(i)
                    day.append(int(now))
                    events += [(i, int(now) + int(rng.integers(0, 10)))] if rng.random() < 0.1 else []
                now += rng.exponential(gap)
        found.append(compared(bought(customer, day), events, 720))
    gaps = np.array([float(str(one["difference"])) for one in found])
    held = [float(str(one["low"])) <= 0 <= float(str(one["high"])) for one in found]
    assert abs(gaps.mean()) < 0.015
    assert np.mean(held) >= 0.9
