"""When a wave is sent: never in quiet hours, over midnight and over both changes of the clock."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.clock import Cutoff, Zone
from regulars.errors import ConfigError
from regulars.offering_section import WEEKDAYS, ContactConfig
from regulars.offers.catalogue import Campaign
from regulars.offers.offer import Offer
from regulars.offers.send import send_at, valid_until

BERLIN = "Europe/Berlin"


def sent(day: str, quiet: dict[str, Any] | None = None, zone: str = BERLIN, **campaign: Any) -> dt.datetime:
    """Local time of sending, by the standard library's own reading of the zone."""
    found = send_at(Cutoff.parse(day), Zone(zone), ContactConfig(**(quiet or {})), Campaign(name="spring", **campaign))
    return dt.datetime.fromtimestamp(found / 1_000_000, dt.UTC).astimezone(zoneinfo.ZoneInfo(zone))


def test_without_rules_it_is_sent_as_the_day_begins() -> None:
    assert str(sent("2026-03-04")) == "2026-03-04 00:00:00+01:00"


def test_quiet_hours_over_midnight_end_in_the_morning() -> None:
    assert str(sent("2026-03-04", {"quiet_from": "20:00", "quiet_until": "08:30"})) == "2026-03-04 08:30:00+01:00"


def test_quiet_hours_within_a_day_leave_the_night() -> None:
    assert str(sent("2026-03-04", {"quiet_from": "09:00", "quiet_until": "17:00"})) == "2026-03-04 00:00:00+01:00"
    later = sent("2026-03-04", {"quiet_from": "09:00", "quiet_until": "17:00"}, send_from="10:00")
    assert str(later) == "2026-03-04 17:00:00+01:00"


def test_quiet_weekdays_wait_for_the_next_one() -> None:
    # 2026-03-07 is a Saturday.
    quiet = {"quiet_weekdays": ("saturday", "sunday"), "quiet_from": "20:00", "quiet_until": "08:00"}
    assert str(sent("2026-03-07", quiet)) == "2026-03-09 08:00:00+01:00"
    assert str(sent("2026-03-07", quiet, send_weekdays=("thursday",))) == "2026-03-12 08:00:00+01:00"


def test_where_the_clock_skips_the_end_of_the_quiet_hours_it_is_sent_after_the_gap() -> None:
    # On 2026-03-29 Berlin goes from 02:00 to 03:00: 02:30 does not exist, and is read as 03:30.
    quiet = {"quiet_from": "20:00", "quiet_until": "02:30"}
    assert str(sent("2026-03-29", quiet)) == "2026-03-29 03:30:00+02:00"
    assert str(sent("2026-03-29", quiet | {"quiet_until": "08:00"})) == "2026-03-29 08:00:00+02:00"


def test_where_the_end_of_the_quiet_hours_comes_twice_the_second_counts() -> None:
    # On 2026-10-25 Berlin goes from 03:00 back to 02:00: after the first 02:30 it is 02:00 and quiet once more.
    quiet = {"quiet_from": "20:00", "quiet_until": "02:30"}
    assert str(sent("2026-10-25", quiet)) == "2026-10-25 02:30:00+01:00"
    assert str(sent("2026-10-25", quiet | {"quiet_until": "08:00"})) == "2026-10-25 08:00:00+01:00"


def test_where_midnight_itself_is_skipped_the_day_begins_after_it() -> None:
    # Beirut goes from 2022-03-27 00:00 to 01:00.
    assert str(sent("2022-03-27", zone="Asia/Beirut")) == "2022-03-27 01:00:00+03:00"


def test_rules_that_leave_no_moment_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"RG418.*`spring` can never be sent"):
        sent("2026-03-04", {"quiet_weekdays": ("monday",)}, send_weekdays=("monday",))
    with pytest.raises(ConfigError, match="RG418"):
        sent("2026-03-04", {"quiet_from": "08:00", "quiet_until": "20:00"}, send_from="09:00", send_until="18:00")


_TIMES = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.sampled_from((0, 30)))


@given(
    day=st.sampled_from(("2026-03-28", "2026-03-29", "2026-10-24", "2026-10-25", "2026-10-26")),
    zone=st.sampled_from((BERLIN, "America/New_York", "Australia/Lord_Howe", "UTC")),
    hours=st.tuples(_TIMES, _TIMES).filter(lambda t: t[0] != t[1]),
    weekdays=st.sets(st.sampled_from(WEEKDAYS), max_size=6),
)
def test_no_wave_is_sent_in_a_quiet_time(day: str, zone: str, hours: tuple[str, str], weekdays: set[str]) -> None:
    start, end = hours
    quiet = {"quiet_from": start, "quiet_until": end, "quiet_weekdays": tuple(sorted(weekdays))}
    found = sent(day, quiet, zone)
    time = f"{found:%H:%M}"
    assert not (start <= time < end if start < end else time >= start or time < end)
    assert WEEKDAYS[found.weekday()] not in weekdays
    assert found.date() >= dt.date.fromisoformat(day)
    assert (found.date() - dt.date.fromisoformat(day)).days <= 7


def test_the_last_day_of_an_offer_counts_the_day_of_sending() -> None:
    offer = Offer(id="one", type="gift", value=1, title="One", channels=("email",), valid_days=7)
    # 2026-03-04 23:30 UTC is the 5th in Berlin: 7 days from the 5th end on the 11th.
    late = Cutoff.parse("2026-03-05").instant(Zone("UTC")) - 1_800_000_000
    assert valid_until(late, Zone(BERLIN), offer) == "2026-03-11"
    assert valid_until(late, Zone("UTC"), offer) == "2026-03-10"
    assert valid_until(late, Zone("UTC"), offer.model_copy(update={"valid_days": None})) == ""
