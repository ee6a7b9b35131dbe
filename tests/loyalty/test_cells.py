"""Entries of points as events tell them: on their local day, of the programme, and as far as they were known."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

from regulars.clock import Cutoff, Zone
from regulars.errors import DataError
from regulars.loyalty.cells import Cells, points_reckoned, points_told
from regulars.schema import INSTANT, MONEY

ZONE = Zone("Europe/Berlin")
DAY = Cutoff.parse("2024-07-02")


def rows(*events: tuple[str, str, str | None, str | None]) -> pa.Table:
    """Events: when (UTC), kind, points, when it became known."""
    when, kind, value, known = zip(*events, strict=True)
    return pa.table(
        {
            "occurred_at": pa.array([np.datetime64(text, "us") for text in when]).cast(INSTANT),
            "kind": pa.array(kind, pa.string()),
            "value": pa.array([None if v is None else Decimal(v) for v in value], MONEY),
            "known_at": pa.array(
                [None if k is None else np.datetime64(k, "us") for k in known], pa.timestamp("us")
            ).cast(INSTANT),
        }
    )


def told(table: pa.Table, starts: Cutoff | None = None) -> Cells:
    return points_told(table, np.zeros(table.num_rows, np.int64), 1, ZONE, DAY, starts)


def test_an_entry_is_of_its_local_day_and_that_of_the_day_itself_is_not_known_yet() -> None:
    # 21:59 UTC is 23:59 in Berlin on 30 June; a minute later it is 1 July. 22:00 UTC on 1 July is the day itself.
    table = rows(
        ("2024-06-30T21:59", "points_earned", "1", None),
        ("2024-06-30T22:00", "points_earned", "2", None),
        ("2024-07-01T22:00", "points_earned", "4", None),
    )
    found = told(table)
    assert found.day.tolist() == [Cutoff.parse(day).day for day in ("2024-06-30", "2024-07-01")]
    assert found.values("earned").tolist() == [10_000, 20_000]
    # A programme that began on 1 July has no entry before it.
    assert told(table, Cutoff.parse("2024-07-01")).values("earned").tolist() == [20_000]


def test_signs_kinds_and_missing_numbers_are_read_as_the_rules_say() -> None:
    table = rows(
        ("2024-06-01T10:00", "points_earned", "-3", None),  # taken back
        ("2024-06-01T10:00", "points_spent", "-2.5", None),  # by its size
        ("2024-06-01T10:00", "points_expired", "7", None),
        ("2024-06-01T10:00", "points_earned", None, None),  # counts as 0
        ("2024-06-01T10:00", "visit", "9", None),
    )
    found = told(table)
    named = {name: values.tolist() for name, values in found.amounts.items()}
    assert named == {"earned": [0], "spent": [25_000], "taken_back": [30_000], "expired": [70_000]}
    assert (found.values("net").tolist(), found.values("lost").tolist()) == ([-30_000], [125_000])


def test_what_became_known_on_the_day_or_later_is_left_out() -> None:
    # Midnight in Berlin is 22:00 UTC of the day before.
    table = rows(
        ("2024-06-01T10:00", "points_earned", "1", "2024-07-01T21:59"),
        ("2024-06-01T10:00", "points_earned", "2", "2024-07-01T22:00"),
        ("2024-06-01T10:00", "points_earned", "4", None),
    )
    assert told(table).values("earned").tolist() == [50_000]


def test_a_rate_that_64_bits_cannot_hold_is_refused() -> None:
    one, zero = np.array([0]), np.array([0])
    bought = Cells(1, one, one, {"sold": np.array([2**52]), "returned": zero})
    assert points_reckoned(bought, 10_000, None).values("earned").tolist() == [2**52]
    with pytest.raises(DataError, match="RG486"):
        points_reckoned(bought, 10**10, None)
