"""Weekdays and hours on the local clock: both changes of it, dates without a time, one moment a customer and day."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from regulars.clock import Zone
from regulars.timing.moments import Moments


def moments(zone: str, *texts: str, who: int = 0) -> Moments:
    """Of one customer, from local times, or instants with a shift."""
    read = [datetime.fromisoformat(text) for text in texts]
    aware = [t if t.tzinfo else t.replace(tzinfo=ZoneInfo(zone)) for t in read]
    return Moments.of(np.full(len(texts), who), np.array([round(t.timestamp() * 1e6) for t in aware]), Zone(zone))


@pytest.mark.parametrize(
    ("text", "weekday", "hour"),
    [
        # 2024-03-31, a Sunday: in Berlin 01:59 is followed by 03:00.
        ("2024-03-31T00:59:00+00:00", 6, 1),
        ("2024-03-31T01:00:00+00:00", 6, 3),
        # 2024-10-27, a Sunday: 02:30 comes twice.
        ("2024-10-27T00:30:00+00:00", 6, 2),
        ("2024-10-27T01:30:00+00:00", 6, 2),
        # 23:30 UTC on a Saturday is Sunday half past midnight, or half past one in summer.
        ("2024-01-06T23:30:00+00:00", 6, 0),
        ("2024-07-06T23:30:00+00:00", 6, 1),
    ],
)
def test_the_hour_is_that_of_the_local_clock_through_both_changes(text: str, weekday: int, hour: int) -> None:
    found = moments("Europe/Berlin", text)
    assert (found.weekday.tolist(), found.hour.tolist()) == ([weekday], [hour])


def test_the_first_of_a_day_that_has_a_time_stands_for_the_day() -> None:
    found = moments("Europe/Berlin", "2024-05-02T18:00", "2024-05-02T09:30", "2024-05-02", "2024-05-03")
    assert (found.weekday.tolist(), found.hour.tolist()) == ([3, 4], [9, -1])


def test_dates_without_a_time_tell_no_hour_even_where_a_day_begins_at_one_o_clock() -> None:
    # In Asuncion the clock went forward over midnight on 2023-10-01: that day began at 01:00.
    found = moments("America/Asuncion", "2023-09-30T00:00", "2023-10-01T01:00", "2023-10-02T00:00", "2023-10-03T00:01")
    assert found.hour.tolist() == [-1, -1, -1, 0]
    assert not found.tell_hours


def test_hours_are_told_where_half_of_the_days_tell_one() -> None:
    assert moments("UTC", "2024-05-02", "2024-05-03T08:00").tell_hours
    assert not moments("UTC", "2024-05-02", "2024-05-03", "2024-05-04T08:00").tell_hours
    assert not Moments.none().tell_hours


def test_the_order_of_instants_does_not_matter() -> None:
    rng = np.random.default_rng(4)
    who, at = rng.integers(0, 9, 200), rng.integers(0, 40 * 86_400, 200) * 1_000_000
    shuffled = rng.permutation(200)
    one, other = Moments.of(who, at, Zone("UTC")), Moments.of(who[shuffled], at[shuffled], Zone("UTC"))
    assert all(np.array_equal(getattr(one, n), getattr(other, n)) for n in ("customer", "day", "hour"))


def test_what_happens_on_days_of_others_is_left_out_for_the_same_customer_only() -> None:
    visits, bought = (
        Moments.told(*np.array([[0, 0, 1], [5, 6, 5], [1, 2, 3]])),
        Moments.told(*np.array([[0], [5], [9]])),
    )
    assert visits.without(bought).hour.tolist() == [2, 3]
    assert visits.without(Moments.none()) is visits
