"""Themes: which features tell the same story, so that five reasons are not five times the same.

In: a line of the features' catalogue. Out: the name of its theme, in a marketer's words. Kinds of events and attributes
of customers are themes of their own; a feature of the user's own is grouped with those that differ from it by their
window of time only.
"""

from __future__ import annotations

import re

from ..features.family import BUILT_IN, Entry

RHYTHM = "rhythm of purchases"
"""What the classical models read: how often, how regularly, how long ago. Their own part belongs to it, too."""

RECENT = "recent purchases"
SPEND = "spend"
ORDER_VALUE = "value of a purchase"
RETURNS = "returns"
BASKET = "size of the basket"
DISCOUNTS = "discounts"
BREADTH = "variety"
ITEMS = "what is bought"
HABITS = "time of day and week"
TIME_OF_YEAR = "time of the year"
AGE = "time as a customer"
CHANNELS = "channels"
OFFERS = "offers"
POINTS = "points"

_BUILT_IN: tuple[tuple[str, str], ...] = (
    (r"rfm\.(frequency|recency.*|orders|orders_per_30d|one_time)", RHYTHM),
    (r"cadence\..*", RHYTHM),
    (r"rfm\.T|people\.(tenure_days|joined_to_first_days|cohort_.*)", AGE),
    (r"rfm\.(returns|returned_.*)|windows\.(returns|returned)_.*|basket\.returned_line_share", RETURNS),
    (r"(rfm|windows)\.(order_value|repeat_day_value)_.*|basket\.(line_value_mean|price_level)", ORDER_VALUE),
    (r"(rfm|windows)\.spend.*", SPEND),
    (r"windows\.(orders|days)_.*", RECENT),
    (r"basket\.discount.*", DISCOUNTS),
    (r"basket\.(categories|products).*", BREADTH),
    (r"basket\..*", BASKET),
    (r"items\..*", ITEMS),
    (r"calendar\..*", HABITS),
    (r"season\..*", TIME_OF_YEAR),
    (r"offers\..*", OFFERS),
    (r"engagement\.(points_|events_points_).*", POINTS),
    (r"engagement\.channel_.*|people\.first_channel_.*", CHANNELS),
    (r"engagement\.survey_score_.*", "surveys"),
    (r"engagement\.clicks_per_open_.*", "clicks"),
    (r"people\.was_referred", "referral"),
)
_QUOTED = re.compile(r"`(.+?)`")
_WINDOW = re.compile(r"(_(trend|slope|decayed|ever|last|mean))?(_\d+)?(_\d+d|_ever)?$")


def theme_of(entry: Entry) -> str:
    """The theme of a feature.

    Examples
    --------
    >>> theme_of(Entry("recency_days", "rfm", "days", "", "")), theme_of(Entry("weekend_90d", "mine", "share", "", ""))
    ('rhythm of purchases', 'weekend')
    >>> theme_of(Entry("events_visit_30d", "engagement", "events", "`visit` in the last 30 days", ""))
    'visit'
    """
    if entry.family not in BUILT_IN:
        return _WINDOW.sub("", entry.name).replace("_", " ") or entry.name
    for pattern, theme in _BUILT_IN:
        if re.fullmatch(pattern, f"{entry.family}.{entry.name}"):
            return theme
    quoted = _QUOTED.search(entry.meaning)
    return quoted[1].removesuffix("_resolved") if quoted else entry.family


def quoted_in(meaning: str) -> str:
    """The kind of event, channel or column that a meaning names; nothing where it names none."""
    found = _QUOTED.search(meaning)
    return found[1] if found else ""
