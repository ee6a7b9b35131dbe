"""Words: a feature with the customer's own number, and what is usual, as a sentence that a marketer reads.

In: a line of the features' catalogue, a value, the median customer's value, a currency. Out: a clause without a full
stop or semicolon. Features of ours have phrases; any other is said by its own meaning, so that every feature has a
sentence. A missing value is "not known". Nothing here says because: numbers go with a risk, they do not cause it.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import lru_cache

from ..errors import visible
from ..features.family import BUILT_IN, NOT_COVERED, Entry
from .themes import quoted_in

_SINGULAR = {
    "days": "day",
    "orders": "order",
    "lines": "line",
    "pieces": "piece",
    "categories": "category",
    "products": "product",
    "events": "event",
    "points": "point",
    "offers": "offer",
}
_BARE = {"ratio", "score", "nats", "as given", "-1 to 1", "0 or 1", "", "events"}


@dataclass(frozen=True)
class Said:
    """A clause, and whether the number in it is unlike that of the median customer, or not known."""

    words: str
    telling: bool


def number(value: float) -> str:
    """A number with as many decimals as help.

    Examples
    --------
    >>> [number(v) for v in (3.0, 17.3333, 0.4567, 1234.5, -0.001, 0.0012)]
    ['3', '17.3', '0.46', '1,234', '0', '0']
    """
    size = abs(value)
    text = f"{value:,.{0 if size >= 100 else 1 if size >= 9.95 else 2}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return text.lstrip("-") if text.strip("-0.") == "" else text


def money(value: float, currency: str = "") -> str:
    """An amount: cents below 100, whole above.

    Examples
    --------
    >>> money(12.5, "USD"), money(-1234.56)
    ('USD 12.50', '-1,235')
    """
    text = f"{abs(value):,.{2 if abs(value) < 99.995 and value != 0 else 0}f}"
    sign = "-" if value < 0 and text.strip("0.,") else ""
    return f"{currency} {sign}{text}" if currency else sign + text


def percent(value: float) -> str:
    """A share in per cent.

    Examples
    --------
    >>> percent(0.345), percent(0.052), percent(0.0001), percent(0)
    ('34 %', '5.2 %', '<0.1 %', '0 %')
    """
    if 0 < value < 0.0005:
        return "<0.1 %"
    return f"{100 * value:,.{1 if 0 < abs(value) < 0.0995 else 0}f} %"


def measured(value: float, unit: str, currency: str = "") -> str:
    """A number with its unit.

    Examples
    --------
    >>> measured(1, "days"), measured(2.5, "categories"), measured(0.5, "share"), measured(3, "ratio")
    ('1 day', '2.5 categories', '50 %', '3')
    """
    if unit == "money":
        return money(value, currency)
    if unit == "share":
        return percent(value)
    if unit == "0 or 1" and value in (0.0, 1.0):
        return "yes" if value else "no"
    text = number(value)
    if unit in _BARE:
        return text
    return f"{text} {_SINGULAR.get(unit, unit) if text == '1' else unit}"


def _bare(value: float, unit: str, currency: str) -> str:
    """The same after a number in that unit: the unit is not said twice."""
    return measured(value, unit, currency) if unit in ("money", "share", "0 or 1") else number(value)


def times(value: float) -> str:
    """How often.

    Examples
    --------
    >>> times(0), times(1), times(2.5)
    ('never', 'once', '2.5 times')
    """
    text = number(value)
    return {"0": "never", "1": "once"}.get(text, f"{text} times")


def bought(value: float) -> str:
    """How often somebody bought.

    Examples
    --------
    >>> bought(0), bought(1), bought(4)
    ('did not buy', 'bought once', 'bought 4 times')
    """
    text = times(value)
    return "did not buy" if text == "never" else f"bought {text}"


_PHRASES: tuple[tuple[str, str], ...] = (
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
_COMPARED: tuple[tuple[str, str], ...] = (
    (r"windows.orders_trend_(\d+)d", "bought"),
    (r"windows.spend_trend_(\d+)d", "spent"),
    (r"engagement.events_.*_trend_(\d+)d", "`{kind}`"),
    (r"items.(categories|products)_growth", "all customers buy of these {0}"),
)
_CHANGED: tuple[tuple[str, str], ...] = (
    ("windows.orders_slope_180d", "purchases {move} by {size} a month over the last 180 days"),
    ("windows.spend_slope_180d", "spend {move} by {size} a month over the last 180 days"),
    ("rfm.order_value_slope", "the value {move} by {share} from one purchase to the next"),
    ("cadence.gap_slope", "the pauses {move} by {share} from one purchase to the next"),
)
_EITHER: tuple[tuple[str, str, str], ...] = (
    ("rfm.one_time", "bought on one day only", "bought on more than one day"),
    ("people.was_referred", "was referred by another customer", "was not referred by another customer"),
)
_ABSENT: tuple[tuple[str, str], ...] = (
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
_SIBLINGS: tuple[tuple[str, str], ...] = (
    (r"windows.(orders|spend)_decayed_\d+d", "{0}_30d {0}_90d {0}_180d {0}_365d"),
    (r"basket.(categories|products)_entropy", "{0}_top_share {0}"),
)
_COMPARED_DAYS = 90


def clause(entry: Entry, value: float, usual: float, currency: str = "") -> Said:
    """What a feature says of a customer, beside what is usual.

    Parameters
    ----------
    value, usual : float
        The customer's, and the median customer's; NaN where it is not known.

    Examples
    --------
    >>> recent = Entry("orders_90d", "windows", "orders", "purchases in the last 90 days", NOT_COVERED)
    >>> clause(recent, 3, 1).words
    'bought 3 times in the last 90 days, the median customer 1'
    >>> own = Entry("weekend_share", "mine", "share", "share of purchases made on a weekend", "never missing")
    >>> clause(own, 0.5, 0.5), clause(own, math.nan, 0.5).words
    (Said(words='share of purchases made on a weekend: 50 %, like the median customer', telling=False), \
'share of purchases made on a weekend: not known')
    """
    if not math.isfinite(value):
        return _unknown(entry, usual)
    written = _written(entry, value, currency)
    if written is not None:
        return Said(cleaned(written), not math.isfinite(usual) or _written(entry, usual, currency) != written)
    phrase, groups = _phrase(entry)
    words = phrase.format(
        *groups,
        v=measured(value, entry.unit, currency),
        n=number(value),
        p=percent(value),
        times=times(value),
        bought=bought(value),
        kind=quoted_in(entry.meaning),
    )
    if entry.family == "season":
        return Said(cleaned(words), True)
    ratio = "{p}" in phrase
    own, theirs = (percent(v) if ratio else _bare(v, entry.unit, currency) for v in (value, usual))
    if not math.isfinite(usual):
        return Said(cleaned(words), True)
    beside = "like the median customer" if own == theirs else f"the median customer {theirs}"
    return Said(cleaned(f"{words}, {beside}"), own != theirs)


def siblings(entry: Entry) -> tuple[str, ...]:
    """Features that tell plainly what one tells by a formula, in the order in which they should be tried.

    Examples
    --------
    >>> siblings(Entry("spend_decayed_30d", "windows", "money", "", ""))
    ('spend_30d', 'spend_90d', 'spend_180d', 'spend_365d')
    """
    found = _found(entry, _SIBLINGS)
    return tuple(found[0][1].format(*found[1]).split()) if found else ()


def _unknown(entry: Entry, usual: float) -> Said:
    """What a missing value tells: where the median customer has one, the records do go back that far."""
    absent = _found(entry, _ABSENT)
    covered = math.isfinite(usual) or NOT_COVERED not in entry.missing
    if absent is not None and covered:
        return Said(cleaned(absent[0][1].format(*absent[1], kind=quoted_in(entry.meaning))), math.isfinite(usual))
    return Said(cleaned(f"{_meaning(entry)}: not known{_why(entry)}"), False)


def cleaned(text: str) -> str:
    """Somebody's text on one line, without what separates reasons.

    Examples
    --------
    >>> cleaned("spend; of\\nall")
    'spend, of all'
    """
    return visible(" ".join(text.replace(";", ",").split()))


def _meaning(entry: Entry) -> str:
    return (entry.meaning or entry.name).strip().rstrip(".")


def _why(entry: Entry) -> str:
    """What a missing value means, where that is a plain condition."""
    if entry.missing == NOT_COVERED:
        return ", no records go back so far"
    said = entry.missing.removeprefix("missing ")
    plain = said.startswith(("with ", "without ")) and NOT_COVERED not in entry.missing and "_" not in said
    return f" {said}" if plain else ""


@lru_cache(maxsize=4096)
def _found(entry: Entry, table: tuple[tuple[str, ...], ...]) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """The row of a table that fits a feature of ours, and what its pattern caught."""
    if entry.family not in BUILT_IN:
        return None
    for row in table:
        caught = re.fullmatch(row[0], f"{entry.family}.{entry.name}")
        if caught:
            return row, tuple(caught.groups())
    return None


def _phrase(entry: Entry) -> tuple[str, tuple[str, ...]]:
    found = _found(entry, _PHRASES)
    if found is None:
        plain = _meaning(entry).replace("{", "{{").replace("}", "}}")
        return plain + ": {v}", ()
    return found[0][1], found[1]


def _written(entry: Entry, value: float, currency: str) -> str | None:
    """Features that need no median beside them: a comparison with the customer's own past, a change, a yes or no."""
    either, compared, changed = _found(entry, _EITHER), _found(entry, _COMPARED), _found(entry, _CHANGED)
    if either is not None:
        return either[0][1] if value else either[0][2]
    if compared is not None:
        caught = compared[1][0]
        days = int(caught) if caught.isdigit() else _COMPARED_DAYS
        return _against(compared[0][1].format(caught, kind=quoted_in(entry.meaning)), value, days)
    if changed is not None:
        move = "rose" if value > 0 else "fell"
        size = measured(abs(value), entry.unit, currency) if entry.unit == "money" else number(abs(value))
        still = number(100 * value) == "0"
        return changed[0][1].format(move=move, size=size, share=percent(abs(value))) if not still else None
    return None


def _against(verb: str, share: float, days: int) -> str:
    """The last days against as many before, from their share of both."""
    if share <= 0:
        return f"{verb} nothing in the last {days} days, but in the {days} days before"
    if share >= 1:
        return f"{verb} something in the last {days} days and nothing in the {days} days before"
    how = "as much" if abs(share - 0.5) < 0.005 else "less" if share < 0.5 else "more"
    return f"{verb} {how} in the last {days} days {'as' if how == 'as much' else 'than'} in the {days} days before"
