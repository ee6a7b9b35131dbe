"""Phrases: what each feature of ours says, in a marketer's words, by its family and name.

In: a line of the features' catalogue. Out: the phrase that fits it, if it is ours; a feature of the user's own has
none. Values, and what is missing, are filled in by `words`.
"""

from __future__ import annotations

import re
from functools import lru_cache

from ..features.family import BUILT_IN, Entry

PHRASES: tuple[tuple[str, str], ...] = (
    ("rfm.spend", "spent {v} in all"),
    ("rfm.spend_per_30d", "spends {v} in 30 days on average"),
    ("rfm.order_value_mean", "spends {v} a purchase"),
    ("rfm.repeat_day_value_mean", "spends {v} on a day of buying again"),
    ("rfm.order_value_sd", "purchases differ in value by {v}"),
    ("rfm.order_value_last", "spent {v} a purchase on the last day"),
    ("rfm.order_value_last_of_mean", "the last purchase was worth {p} of this customer's usual one"),
    ("rfm.returns", "returned goods {times} in all"),
    ("rfm.returned_share", "returned {v} of what was bought, in money"),
    ("rfm.T", "has been a customer for {v}"),
    ("rfm.frequency", "came back on {v}"),
    ("rfm.recency", "bought for {v} from the first to the last time"),
    ("rfm.recency_days", "last bought {v} ago"),
    ("rfm.recency_of_T", "bought again until {v} of the time as a customer had passed"),
    ("rfm.orders", "{bought} in all"),
    ("rfm.orders_per_30d", "{bought} in 30 days on average"),
    (r"windows.orders_(\d+)d", "{bought} in the last {0} days"),
    (r"windows.spend_(\d+)d", "spent {v} in the last {0} days"),
    (r"windows.days_(\d+)d", "bought on {v} in the last {0} days"),
    (r"windows.order_value_(\d+)d", "spent {v} a purchase in the last {0} days"),
    (r"windows.returned_(\d+)d", "returned goods for {v} in the last {0} days"),
    (r"windows.returns_(\d+)d", "returned goods {times} in the last {0} days"),
    (r"windows.orders_(\d+)_(\d+)d", "{bought} between {1} and {0} days ago"),
    (r"windows.spend_(\d+)_(\d+)d", "spent {v} between {1} and {0} days ago"),
    (r"windows.orders_year_ago_(\d+)d", "{bought} in the {0} days from this date on a year ago"),
    (r"windows.spend_year_ago_(\d+)d", "spent {v} in the {0} days from this date on a year ago"),
    (r"windows.orders_decayed_\d+d", "{bought} lately, when older purchases count less"),
    (r"windows.spend_decayed_\d+d", "spent {v} lately, when older spend counts less"),
    ("cadence.gap_mean", "buys every {v} on average"),
    ("cadence.gap_sd", "the time between purchases varies by {v}"),
    ("cadence.gap_cv", "the time between purchases varies by {p} of its mean"),
    ("cadence.gap_longest", "paused for {v} at most"),
    ("cadence.gap_last", "paused for {v} before the last purchase"),
    ("cadence.gap_last_of_mean", "the last pause was {p} of this customer's usual one"),
    ("cadence.lateness", "silent for {p} of this customer's usual pause"),
    ("cadence.silence_of_longest", "silent for {p} of this customer's longest pause"),
    ("cadence.lateness_z", "silent beyond the usual pause by {n} times what it varies"),
    ("cadence.gap_mean_180d", "bought every {v} in the last 180 days"),
    ("cadence.regularity", "buys with a regularity of {v}, where 1 is clockwork"),
    ("basket.lines_per_order", "buys {v} at a time"),
    ("basket.line_value_mean", "spends {v} a line"),
    ("basket.free_line_share", "{v} of the lines were free"),
    ("basket.lines_90d", "bought {v} in the last 90 days"),
    ("basket.returned_line_share", "{v} of the lines were returns"),
    ("basket.quantity_per_order", "buys {v} at a time"),
    ("basket.price_level", "pays {v} a piece"),
    ("basket.discount_share", "got {v} off by discounts"),
    ("basket.discount_share_90d", "got {v} off by discounts in the last 90 days"),
    ("basket.discounted_line_share", "{v} of the lines had a discount"),
    ("basket.discount_depth", "got {v} off what was discounted"),
    ("basket.discounted_spend_share", "{v} of the money was spent on what was discounted"),
    (r"basket.(categories|products)", "{v} bought so far"),
    (r"basket.(categories|products)_90d", "{v} in the last 90 days"),
    (r"basket.(categories|products)_per_order", "{v} for every purchase"),
    (r"basket.(categories|products)_top_share", "{v} of the lines in the favourite of the {0}"),
    (r"basket.(categories|products)_entropy", "spreads purchases over {0} by {v}, where 0 is a single one"),
    (r"basket.(categories|products)_new_90d", "{v} bought for the first time in the last 90 days"),
    (r"basket.(categories|products)_repeat_share", "{v} of the lines in {0} bought before"),
    (r"calendar.weekend_share", "{v} of the purchases at the weekend"),
    (r"calendar.(morning|afternoon|evening)_share", "{v} of the purchases in the {0}"),
    (r"items.(categories|products)_popularity", "buys {0} that make up {v} of what all customers buy"),
    (r"items.(categories|products)_staleness", "buys {0} that anyone last bought {v} ago"),
    (r"items.(categories|products)_comeback", "buys {0} to which {v} of the buyers came back"),
    ("season.season_(sin|cos)", "the time of the year"),
    ("season.days_to_holiday", "{v} to the next holiday"),
    (r"engagement.events_.*_ever", "`{kind}` {times} so far"),
    (r"engagement.events_.*?_(30|90)d", "`{kind}` {times} in the last {0} days"),
    (r"engagement.events_.*_decayed", "`{kind}` {times} lately, when older ones count less"),
    (r"engagement.events_.*_days_since", "`{kind}` {v} ago for the last time"),
    (r"engagement.events_.*_of_activity_90d", "`{kind}` is {v} of `{kind}` and purchases together in the last 90 days"),
    (r"engagement.channel_.*_share_(30|90)d", "{v} of the events of the last {0} days through `{kind}`"),
    (r"engagement.(complaint|support)s?_open", "{n} open `{0}`"),
    (r"engagement.(complaint|support)s?_resolved_share", "{v} of `{0}` resolved"),
    ("engagement.points_balance", "has {v}"),
    ("engagement.points_near_expiry", "{v} expire within 30 days"),
    ("engagement.points_near_expiry_share", "{v} of the points expire within 30 days"),
    ("engagement.survey_score_mean", "gave a mean score of {v}"),
    ("engagement.survey_score_last", "gave a score of {v} the last time"),
    ("engagement.clicks_per_open_90d", "{v} clicks for every opened mail in the last 90 days"),
    ("offers.offers_(received|redeemed)", "{0} {v} so far"),
    ("offers.offers_redeemed_share", "redeemed {v} of the offers received"),
    (r"offers.offers_(received|redeemed)_(\d+)d", "{0} {v} in the last {1} days"),
    ("offers.offer_days_since", "received the last offer {v} ago"),
    ("offers.redeemed_days_since", "redeemed the last offer {v} ago"),
    ("offers.redeemed_per_order_180d", "redeemed {v} offers a purchase in the last 180 days"),
    (r"people.customer_.*_active_90d", "of customers with the same `{kind}` {v} bought in the last 90 days"),
    (r"people.customer_.*_size", "{v} of the customers have the same `{kind}`"),
    (r"people.customer_.*", "`{kind}` is {v}"),
    ("people.cohort_active_90d", "of customers of the same first month {v} bought in the last 90 days"),
    ("people.cohort_size", "{v} of the customers first bought in the same month"),
    ("people.first_channel_active_90d", "of customers of the same first channel {v} bought in the last 90 days"),
    ("people.first_channel_size", "{v} of the customers first bought through the same channel"),
    ("people.tenure_days", "joined {v} ago"),
    ("people.joined_to_first_days", "first bought {v} after joining"),
)
"""Features by family and name: {v} is the number with its unit, {n} bare, {p} in per cent, the others how often."""

COMPARED: tuple[tuple[str, str], ...] = (
    (r"windows.orders_trend_(\d+)d", "bought"),
    (r"windows.spend_trend_(\d+)d", "spent"),
    (r"engagement.events_.*_trend_(\d+)d", "`{kind}`"),
    (r"items.(categories|products)_growth", "the {0} bought sell"),
)
"""Shares that set the last days against as many before: what was done."""

CHANGED: tuple[tuple[str, str], ...] = (
    ("windows.orders_slope_180d", "purchases {move} by {size} a month over the last 180 days"),
    ("windows.spend_slope_180d", "spend {move} by {size} a month over the last 180 days"),
    ("rfm.order_value_slope", "purchases {move} in value by {share} from one to the next"),
    ("cadence.gap_slope", "the pauses {move} by {share} from one purchase to the next"),
)
"""Slopes: what moves, and by how much."""

EITHER: tuple[tuple[str, str, str], ...] = (
    ("rfm.one_time", "bought on one day only", "bought on more than one day"),
    ("people.was_referred", "was referred by another customer", "was not referred by another customer"),
)
"""Yes or no."""

ABSENT: tuple[tuple[str, str], ...] = (
    (r"windows.order_value_(\d+)d", "did not buy in the last {0} days"),
    (r"windows.(orders|spend)_trend_30d", "did not buy in the last 60 days"),
    (r"windows.(orders|spend)_trend_90d", "did not buy in the last 180 days"),
    ("basket.discount_share_90d", "bought nothing for money in the last 90 days"),
    (r"items.(categories|products)_.*", "bought nothing of known {0} in the last 180 days"),
    (r"engagement.events_.*_days_since", "no `{kind}` so far"),
    (r"engagement.events_.*_trend_30d", "no `{kind}` in the last 60 days"),
    (r"engagement.events_.*_of_activity_90d", "neither `{kind}` nor a purchase in the last 90 days"),
    (r"engagement.channel_.*_share_(30|90)d", "no event in the last {0} days"),
    (r"engagement.survey_score_.*", "gave no score so far"),
    ("engagement.clicks_per_open_90d", "opened no mail in the last 90 days"),
    ("offers.(offer_days_since|offers_redeemed_share)", "received no offer so far"),
    ("offers.redeemed_days_since", "redeemed no offer so far"),
    ("offers.redeemed_per_order_180d", "did not buy in the last 180 days"),
)
"""What it means that a number is missing, where the records do go back far enough."""

SIBLINGS: tuple[tuple[str, str], ...] = (
    (r"windows.(orders|spend)_decayed_\d+d", "{0}_30d {0}_90d {0}_180d {0}_365d"),
    (r"basket.(categories|products)_entropy", "{0}_top_share {0}"),
)
"""Formulas, and the plain features that tell the same."""


@lru_cache(maxsize=4096)
def found_in(entry: Entry, table: tuple[tuple[str, ...], ...]) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """The row of a table that fits a feature of ours, and what its pattern caught.

    Examples
    --------
    >>> found_in(Entry("orders_90d", "windows", "orders", "", ""), PHRASES)[1]
    ('90',)
    """
    if entry.family not in BUILT_IN:
        return None
    for row in table:
        caught = re.fullmatch(row[0], f"{entry.family}.{entry.name}")
        if caught:
            return row, tuple(caught.groups())
    return None
