"""Where in the year the cutoff stands: by hand and against the oracle."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.clock import Cutoff
from regulars.features.family import families
from regulars.features.shape import Shape

from .agreement import disagreements, family_values, wrong
from .beside import FullLedger, full, full_ledgers
from .strategies import PROPERTY, ledger_of

BOUGHT = [("a", "2016-12-01 10:00", "o1", "10"), ("b", "2016-12-01 10:00", "o1", "99")]


@PROPERTY
@given(full_ledgers(), st.lists(st.integers(-400, 800), max_size=3))
def test_the_season_is_what_the_oracle_says(ledger: FullLedger, days: list[int]) -> None:
    holidays = tuple(ledger.cutoffs[0].day + day for day in days)
    assert disagreements(replace(ledger, shape=replace(ledger.shape, holidays=holidays)), "season") == []


def test_the_season_is_a_point_on_a_circle() -> None:
    # 1 January 2017 is day 17167 = 47 years of 365.2425 days and .6025 of a day.
    angle = 2 * math.pi * 0.6025 / 365.2425
    expected = {"season_sin": math.sin(angle), "season_cos": math.cos(angle)}
    assert wrong(full(ledger_of(BOUGHT, "2017-01-01"), Shape()), "season", expected) == []
    # Half a year later it stands opposite.
    found = family_values(full(ledger_of(BOUGHT, "2017-07-02"), Shape()), "season")
    assert found["season_cos", "a", Cutoff.parse("2017-07-02").day] == pytest.approx(-1, abs=1e-3)


@pytest.mark.parametrize(
    ("cutoff", "days"),
    [("2017-12-01", 24), ("2017-12-25", 0), ("2017-12-26", 6), ("2018-01-01", 0), ("2018-01-02", None)],
)
def test_days_to_the_next_holiday(cutoff: str, days: int | None) -> None:
    holidays = tuple(Cutoff.parse(day).day for day in ("2018-01-01", "2017-12-25"))
    ledger = full(ledger_of(BOUGHT, cutoff), Shape(holidays=holidays))
    assert wrong(ledger, "season", {"days_to_holiday": days}) == []


def test_a_holiday_more_than_a_year_away_is_none() -> None:
    cutoff = dt.date(2017, 1, 1)
    for ahead, days in ((366, 366), (367, None)):
        holiday = Cutoff.parse((cutoff + dt.timedelta(ahead)).isoformat()).day
        ledger = full(ledger_of(BOUGHT, "2017-01-01"), Shape(holidays=(holiday,)))
        assert wrong(ledger, "season", {"days_to_holiday": days}) == []


def test_the_season_names_the_cutoff_so_it_is_off_by_default() -> None:
    assert "season" not in {family.name for family in families()}
    found = family_values(full(ledger_of(BOUGHT, "2017-01-01"), Shape()), "season")
    day = Cutoff.parse("2017-01-01").day
    assert found["season_sin", "a", day] == found["season_sin", "b", day]
