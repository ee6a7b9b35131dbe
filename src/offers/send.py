"""When a wave is sent: the first moment of its day, or after it, at which nobody is disturbed.

In: the day of the wave, quiet hours and weekdays in local time, and when the campaign wants to send. Out: one instant
in UTC. A local time that the clock skips moves forward with it; of one that comes twice, the second counts, so that the
clock does not fall back into the quiet hours. Where no moment fits, the plan is refused.
"""

from __future__ import annotations

import numpy as np

from ..clock import Cutoff, Zone
from ..errors import ConfigError
from ..offering_section import WEEKDAYS, ContactConfig
from .catalogue import Campaign
from .offer import Offer

_MINUTE = 60_000_000
_DAY = 1440
_AHEAD = 14
"""Days within which every weekday comes up, twice."""


def send_at(as_of: Cutoff, zone: Zone, contact: ContactConfig, campaign: Campaign) -> int:
    """The instant (UTC microseconds) at which a wave may first be sent.

    Raises
    ------
    ConfigError
        ``RG418`` where quiet times leave none of the campaign's.

    Examples
    --------
    >>> quiet = ContactConfig(quiet_from="20:00", quiet_until="08:00")
    >>> found = send_at(Cutoff.parse("2024-03-04"), Zone("UTC"), quiet, Campaign(name="spring"))
    >>> found // 3_600_000_000 % 24
    8
    """
    times = sorted({0, *(_minutes(t) for t in (contact.quiet_until, campaign.send_from) if t is not None)})
    for day in range(as_of.day, as_of.day + _AHEAD):
        for minutes in times:
            instant = _instant(day, minutes, zone)
            if _may_send(instant, zone, contact, campaign):
                return instant
    raise ConfigError(
        f"the campaign `{campaign.name}` can never be sent: its days and hours all lie in quiet ones",
        needed="a weekday and an hour that [contact] does not call quiet",
        do="change send_weekdays, send_from or send_until under [campaign], or the quiet times under [contact]",
        code="RG418",
    )


def valid_until(sent: int, zone: Zone, offer: Offer) -> str:
    """The last local day (YYYY-MM-DD) on which an offer can be redeemed; empty where it does not end.

    Examples
    --------
    >>> ten = Offer(id="ten", type="percent", value=10, title="10 % off", channels=("email",), valid_days=7)
    >>> valid_until(0, Zone("UTC"), ten)
    '1970-01-07'
    """
    if offer.valid_days is None:
        return ""
    day = int(zone.local_day(np.array([sent], np.int64))[0])
    return str(Cutoff(day + offer.valid_days - 1))


def _may_send(instant: int, zone: Zone, contact: ContactConfig, campaign: Campaign) -> bool:
    local = int(zone.to_local(np.array([instant], np.int64))[0]) // _MINUTE
    weekday, minute = WEEKDAYS[Cutoff(local // _DAY).date.weekday()], local % _DAY
    if weekday in contact.quiet_weekdays or (campaign.send_weekdays and weekday not in campaign.send_weekdays):
        return False
    earliest = _minutes(campaign.send_from or "00:00")
    latest = _minutes(campaign.send_until) if campaign.send_until is not None else _DAY
    return earliest <= minute < latest and not _is_quiet(minute, contact)


def _is_quiet(minute: int, contact: ContactConfig) -> bool:
    if contact.quiet_from is None or contact.quiet_until is None:
        return False
    start, end = _minutes(contact.quiet_from), _minutes(contact.quiet_until)
    return start <= minute < end if start < end else minute >= start or minute < end


def _minutes(time: str) -> int:
    return int(time[:2]) * 60 + int(time[3:])


def _instant(day: int, minutes: int, zone: Zone) -> int:
    """The instant of a local time: after the gap where the clock skips it, the second where it comes twice."""
    local = (day * _DAY + minutes) * _MINUTE
    first = int(zone.to_utc(np.array([local], np.int64))[0])
    # Clocks go back by three hours at most: the offset that holds then gives the second of two readings.
    later = first + 3 * 60 * _MINUTE
    second = local - (int(zone.to_local(np.array([later], np.int64))[0]) - later)
    is_a_reading = int(zone.to_local(np.array([second], np.int64))[0]) == local
    return max(first, second) if is_a_reading else first
