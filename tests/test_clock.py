"""Zones against `zoneinfo`, days that never run backwards, cutoffs, maturity, the panel's step."""

from __future__ import annotations

import datetime as dt
import os
import zoneinfo
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from regulars.clock import DAY_US, Cutoff, Zone, cutoffs, date_of, day_of, matured, panel_step, parse_date, today
from regulars.errors import ConfigError

EXAMPLES = 300 if os.environ.get("REGULARS_SOAK") else 25
PROPERTY = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])

ZONES = [
    "UTC",
    "Europe/Berlin",
    "Europe/London",
    "Europe/Dublin",  # its winter is the daylight saving
    "America/New_York",
    "America/St_Johns",  # fell back at 00:01 until 2011
    "America/Sao_Paulo",  # sprang forward at midnight until 2018
    "Africa/Casablanca",  # changes for Ramadan
    "Asia/Tehran",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",  # by half an hour
    "Pacific/Apia",  # left out 30 December 2011
]
EPOCH = dt.datetime(1970, 1, 1)
MICROSECOND = dt.timedelta(microseconds=1)


def _us(naive: dt.datetime) -> int:
    return (naive - EPOCH) // MICROSECOND


def _utc(us: int) -> dt.datetime:
    return EPOCH.replace(tzinfo=dt.UTC) + us * MICROSECOND


def _changes(name: str, years: range) -> Iterator[int]:
    """UTC microseconds at which a zone's offset changes, found by halving days."""
    zone = zoneinfo.ZoneInfo(name)

    def offset(second: int) -> dt.timedelta | None:
        return dt.datetime.fromtimestamp(second, zone).utcoffset()

    first, last = (int(dt.datetime(y, 1, 1, tzinfo=dt.UTC).timestamp()) for y in (years.start, years.stop))
    for day in range(first, last, 86_400):
        low, high = day, day + 86_400
        if offset(low) == offset(high):
            continue
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if offset(middle) == offset(low) else (low, middle)
        yield high * 1_000_000


_AROUND = (-DAY_US, -3_600_000_000, -60_000_000, -1, 0, 1, 60_000_000, 1_800_000_000, 3_599_999_999, 7_200_000_000)


@pytest.mark.parametrize("name", ZONES)
def test_both_directions_are_those_of_zoneinfo_around_every_change(name: str) -> None:
    zone, oracle = Zone(name), zoneinfo.ZoneInfo(name)
    changes = [c for years in (range(1998, 2000), range(2006, 2008), range(2011, 2019)) for c in _changes(name, years)]
    instants = np.array([c + a for c in changes or [0] for a in _AROUND], np.int64)
    locals_ = [_utc(int(i)).astimezone(oracle).replace(tzinfo=None) for i in instants]
    assert zone.to_local(instants).tolist() == [_us(local) for local in locals_]
    # Every wall-clock time near a change, those that do not exist or exist twice too. PEP 495, fold 0: a time in a gap
    # is read with the offset before it, so it moves forward by the gap; one in a fold is the first.
    walls = sorted({local + k * dt.timedelta(minutes=15) for local in locals_ for k in range(-8, 9)})
    expected = [(w.replace(tzinfo=oracle).astimezone(dt.UTC) - _utc(0)) // MICROSECOND for w in walls]
    assert zone.to_utc(np.array([_us(w) for w in walls], np.int64)).tolist() == expected


def test_a_time_in_a_gap_moves_forward_by_the_gap() -> None:
    # Berlin, 26 March 2017: 02:00 -> 03:00. 02:30 is read as 03:30 summer time, 01:30 UTC.
    zone = Zone("Europe/Berlin")
    there = zone.to_utc(np.array([_us(dt.datetime(2017, 3, 26, 2, 30))]))
    assert _utc(int(there[0])) == dt.datetime(2017, 3, 26, 1, 30, tzinfo=dt.UTC)
    assert zone.to_local(there).tolist() == [_us(dt.datetime(2017, 3, 26, 3, 30))]


def test_a_time_in_a_fold_is_the_first_of_the_two() -> None:
    # Berlin, 29 October 2017: 02:30 comes at 00:30 UTC in summer time and again at 01:30 UTC.
    there = Zone("Europe/Berlin").to_utc(np.array([_us(dt.datetime(2017, 10, 29, 2, 30))]))
    assert _utc(int(there[0])) == dt.datetime(2017, 10, 29, 0, 30, tzinfo=dt.UTC)


def test_a_day_whose_midnight_does_not_exist_begins_with_its_first_hour() -> None:
    # Sao Paulo, 15 October 2017: 00:00 -> 01:00 at 03:00 UTC.
    zone, day = Zone("America/Sao_Paulo"), day_of(dt.date(2017, 10, 15))
    assert _utc(zone.midnight(day)) == dt.datetime(2017, 10, 15, 3, tzinfo=dt.UTC)
    assert zone.local_day(np.array([zone.midnight(day) - 1, zone.midnight(day)])).tolist() == [day - 1, day]
    assert zone.midnight(day + 1) - zone.midnight(day) == 23 * 3_600_000_000


def test_a_day_that_began_does_not_end_when_clocks_go_back_over_midnight() -> None:
    # St. John's, 29 October 2006: at 00:01 (02:31 UTC) clocks go back to 23:01 of the 28th; midnight comes again at
    # 03:30 UTC. The 29th begins at its first midnight, 02:30 UTC, and lasts 25 hours.
    zone, day = Zone("America/St_Johns"), day_of(dt.date(2006, 10, 29))
    first = zone.midnight(day)
    assert _utc(first) == dt.datetime(2006, 10, 29, 2, 30, tzinfo=dt.UTC)
    minutes = np.array([first + m * 60_000_000 for m in (-1, 0, 1, 30, 60, 61)])
    assert zone.local_day(minutes).tolist() == [day - 1, day, day, day, day, day]
    # The wall clock shows 23:59, 00:00, 23:01, 23:30, 00:00, 00:01.
    assert (zone.to_local(minutes) % DAY_US // 60_000_000).tolist() == [1439, 0, 1381, 1410, 0, 1]
    assert zone.midnight(day + 1) - first == 25 * 3_600_000_000


@pytest.mark.parametrize("name", [zone for zone in ZONES if zone != "Pacific/Apia"])
def test_every_day_begins_at_its_own_midnight(name: str) -> None:
    zone = Zone(name)
    days = np.arange(day_of(dt.date(1995, 1, 1)), day_of(dt.date(2030, 1, 1)))
    midnights = np.array([zone.midnight(int(d)) for d in days])
    assert (zone.local_day(midnights) == days).all()
    assert (zone.local_day(midnights - 1) == days - 1).all()
    lengths = np.diff(midnights) // 60_000_000
    assert lengths.min() >= 22 * 60
    assert lengths.max() <= 26 * 60


def test_a_day_that_was_left_out_has_no_time() -> None:
    # Samoa went from 29 to 31 December 2011 at once.
    zone, day = Zone("Pacific/Apia"), day_of(dt.date(2011, 12, 30))
    assert zone.midnight(day) == zone.midnight(day + 1)
    around = np.array([zone.midnight(day) - 1, zone.midnight(day)])
    assert zone.local_day(around).tolist() == [day - 1, day + 1]


@pytest.mark.parametrize("name", ZONES)
@PROPERTY
@given(st.lists(st.integers(0, 4 * 10**15), min_size=2, max_size=50))
def test_days_never_run_backwards(name: str, instants: list[int]) -> None:
    ordered = np.array(sorted(instants), np.int64)
    days = Zone(name).local_day(ordered)
    assert (np.diff(days) >= 0).all()
    # Off a fold over midnight the day is the date on the wall.
    dates = [_utc(int(i)).astimezone(zoneinfo.ZoneInfo(name)).date() for i in ordered]
    assert all(0 <= day - day_of(date) <= 1 for day, date in zip(days.tolist(), dates, strict=True))


@pytest.mark.soak
@pytest.mark.parametrize("name", sorted(zoneinfo.available_timezones()))
def test_every_zone_there_is_has_the_offsets_of_zoneinfo(name: str) -> None:
    oracle = zoneinfo.ZoneInfo(name)
    seconds = np.arange(0, 2_208_988_800, 86_400 // 2)
    found = (Zone(name).to_local(seconds * 1_000_000) - seconds * 1_000_000) // 1_000_000
    deltas = [dt.datetime.fromtimestamp(int(s), dt.UTC).astimezone(oracle).utcoffset() for s in seconds]
    assert found.tolist() == [delta.total_seconds() for delta in deltas if delta is not None]


def test_an_unknown_zone_is_told_the_nearest_name() -> None:
    with pytest.raises(ConfigError, match=r"RG011: unknown time zone `Europe/Berln`.*did you mean `Europe/Berlin`"):
        Zone("Europe/Berln")
    for name in ("", "x", "../UTC", "/etc/localtime"):
        with pytest.raises(ConfigError, match="RG011"):
            Zone(name)


@pytest.mark.parametrize("day", [-1, -365, day_of(dt.date(2200, 1, 1))])
def test_a_day_beyond_the_calendar_is_refused_not_wrapped_around(day: int) -> None:
    with pytest.raises(ConfigError):
        Zone("UTC").midnight(day)


@pytest.mark.parametrize("text", ["1970-01-01", "2016-02-29", "2017-10-02", "2099-12-31"])
def test_a_cutoff_is_written_as_it_is_read(text: str) -> None:
    assert str(Cutoff.parse(text)) == text
    assert Cutoff.parse(text).date == dt.date.fromisoformat(text) == date_of(Cutoff.parse(text).day)


_NOT_ISO = [
    "2017-1-2",
    "02.10.2017",
    "2017/10/02",
    "20171002",
    "2017-13-01",
    "2017-02-29",
    "",
    "today",
    "2017-10-02T00:00",
]


@pytest.mark.parametrize("text", [*_NOT_ISO, " 2017-10-2", "2017-W01-1", "20170101  "])
def test_anything_but_a_date_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"RG010.*YYYY-MM-DD"):
        parse_date(text)


def test_cutoffs_move_by_calendar_days_over_leap_days() -> None:
    leap = Cutoff.parse("2016-03-01")
    assert str(leap.minus(1)) == "2016-02-29"
    assert str(leap.minus(366)) == "2015-03-01"
    assert leap.minus(7).plus(7) == leap
    assert leap.minus(1) < leap < leap.plus(1)


def test_a_cutoff_is_an_instant_only_in_a_zone() -> None:
    # 2 October 2017: midnight in Berlin is 22:00 UTC on the 1st, in New York 04:00 UTC on the 2nd.
    cutoff = Cutoff.parse("2017-10-02")
    assert _utc(cutoff.instant(Zone("Europe/Berlin"))) == dt.datetime(2017, 10, 1, 22, tzinfo=dt.UTC)
    assert _utc(cutoff.instant(Zone("America/New_York"))) == dt.datetime(2017, 10, 2, 4, tzinfo=dt.UTC)


def test_cutoffs_count_back_from_the_latest() -> None:
    # 31, 21, 11 January: the earliest is included only where the steps meet it.
    latest = Cutoff.parse("2017-01-31")
    assert [str(c) for c in cutoffs(latest, Cutoff.parse("2017-01-11"), 10)] == [
        "2017-01-11",
        "2017-01-21",
        "2017-01-31",
    ]
    assert [str(c) for c in cutoffs(latest, Cutoff.parse("2017-01-12"), 10)] == ["2017-01-21", "2017-01-31"]
    assert cutoffs(latest, latest, 10) == [latest]
    assert cutoffs(latest, latest.plus(1), 10) == []


@pytest.mark.parametrize("every_days", [0, -28])
def test_cutoffs_need_a_step_forward(every_days: int) -> None:
    with pytest.raises(ConfigError, match="RG012"):
        cutoffs(Cutoff(20), Cutoff(10), every_days)


def test_a_label_is_known_when_its_window_and_its_lag_are_over() -> None:
    # The window [10, 15) ends as day 15 begins; with a lag of 2 days the label is known as day 17 begins.
    assert [matured(Cutoff(10), 5, 0, Cutoff(d)) for d in (14, 15, 16)] == [False, True, True]
    assert [matured(Cutoff(10), 5, 2, Cutoff(d)) for d in (16, 17)] == [False, True]


def test_the_step_divides_the_horizon_where_a_month_can() -> None:
    # 90 = 3 x 30; 180 = 6 x 30; 84 = 3 x 28; 60 = 2 x 30; 63 = 3 x 21; 30 = 30; 91 has only 7 and 13, 365 5 and 73.
    steps = {90: 30, 180: 30, 84: 28, 60: 30, 63: 21, 30: 30, 28: 28, 91: 28, 365: 28, 7: 28, 14: 28}
    assert {horizon: panel_step(horizon) for horizon in steps} == steps


@PROPERTY
@given(st.integers(1, 1000))
def test_a_step_is_about_a_month(horizon: int) -> None:
    step = panel_step(horizon)
    assert 21 <= step <= 35
    nearer = [d for d in range(21, 36) if horizon % d == 0 and abs(d - 28) < abs(step - 28)]
    assert nearer == []
    assert step == 28 or horizon % step == 0


@pytest.mark.parametrize(
    "name", ["UTC", "Pacific/Kiritimati", "Pacific/Apia", "Etc/GMT+12", "America/St_Johns", "Asia/Gaza"]
)
def test_the_day_of_an_instant_is_that_of_the_last_midnight_before_it(name: str) -> None:
    zone = Zone(name)
    midnights = np.array([zone.midnight(d) for d in range(0, 47_000, 7)], np.int64)
    instants = np.concatenate([midnights - 1, midnights, midnights + 1, np.array([-1, -(10**17), 5 * 10**15])])
    all_midnights = np.array([zone.midnight(d) for d in range(47_482)], np.int64)
    expected = np.searchsorted(all_midnights, instants, side="right") - 1
    assert zone.local_day(instants).tolist() == expected.tolist()


def test_today_is_the_local_day_of_the_present_instant(monkeypatch: pytest.MonkeyPatch) -> None:
    # 2024-03-01 03:30 UTC is still the evening of 29 February in New York, and the afternoon of 1 March in Tokyo.
    monkeypatch.setattr("time.time_ns", lambda: 1_709_263_800_000_000_000)
    assert str(today(Zone("America/New_York"))) == "2024-02-29"
    assert str(today(Zone("Asia/Tokyo"))) == "2024-03-01"
