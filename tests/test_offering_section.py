"""The sections [offers], [contact] and what [economics] says of contacts: wrong values say what would be right."""

from __future__ import annotations

import pytest

from regulars.config import Config
from regulars.errors import ConfigError


@pytest.mark.parametrize(
    ("section", "given", "said"),
    [
        ("economics", {"contact_cost": -1}, "RG016: `economics.contact_cost`"),
        ("economics", {"complaint_cost": float("inf")}, "RG016: `economics.complaint_cost`"),
        ("offers", {"holdout": 0.6}, "RG016: `offers.holdout`"),
        ("offers", {"hold_out": 0.1}, "RG014: unknown key `offers.hold_out`.*did you mean `holdout`"),
        ("contact", {"quiet_from": "25:00", "quiet_until": "08:00"}, "a local time such as 20:00"),
        ("contact", {"quiet_from": "20:00"}, "`quiet_from` and `quiet_until` go together"),
        ("contact", {"quiet_from": "20:00", "quiet_until": "20:00"}, "nothing could ever be sent"),
        ("contact", {"quiet_weekdays": ["funday"]}, "`quiet_weekdays` takes monday.*not funday"),
        ("contact", {"caps": [{"contacts": -1, "days": 7}]}, "RG016: `contact.caps"),
        ("contact", {"caps": [{"contacts": 1}]}, "`contact.caps\\[0\\].days` is missing"),
    ],
)
def test_a_setting_that_cannot_be_is_refused(section: str, given: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Config.of(**{section: dict(given)})


def test_every_day_quiet_would_mean_that_nothing_is_ever_sent() -> None:
    week = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    with pytest.raises(ConfigError, match="every day is quiet"):
        Config.of(contact={"quiet_weekdays": week})
    assert Config.of(contact={"quiet_weekdays": week[5:]}).contact.quiet_weekdays == ("saturday", "sunday")
