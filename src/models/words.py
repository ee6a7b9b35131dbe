"""Words: a feature with the customer's own number, and what is usual, as a sentence that a marketer reads.

In: a line of the features' catalogue, a value, the median customer's value, a currency. Out: a clause without a full
stop or semicolon. Features of ours have phrases; any other is said by its own meaning, so that every feature has a
sentence. A missing value is "not known". Nothing here says because: numbers go with a risk, they do not cause it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..errors import visible
from ..features.family import NOT_COVERED, Entry
from .phrases import ABSENT, CHANGED, COMPARED, EITHER, PHRASES, SIBLINGS, found_in
from .quantities import bare, bought, measured, number, percent, times
from .themes import quoted_in

COMPARED_DAYS = 90
"""Of a comparison whose name does not say how many."""


@dataclass(frozen=True)
class Said:
    """A clause, and whether the number in it is unlike that of the median customer, or not known."""

    words: str
    telling: bool


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
    own, theirs = (percent(v) if ratio else bare(v, entry.unit, currency) for v in (value, usual))
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
    found = found_in(entry, SIBLINGS)
    return tuple(found[0][1].format(*found[1]).split()) if found else ()


def _unknown(entry: Entry, usual: float) -> Said:
    """What a missing value tells: where the median customer has one, the records do go back that far."""
    absent = found_in(entry, ABSENT)
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


def _phrase(entry: Entry) -> tuple[str, tuple[str, ...]]:
    found = found_in(entry, PHRASES)
    if found is None:
        plain = _meaning(entry).replace("{", "{{").replace("}", "}}")
        return plain + ": {v}", ()
    return found[0][1], found[1]


def _written(entry: Entry, value: float, currency: str) -> str | None:
    """Features that need no median beside them: a comparison with the customer's own past, a change, a yes or no."""
    either, compared, changed = found_in(entry, EITHER), found_in(entry, COMPARED), found_in(entry, CHANGED)
    if either is not None:
        return either[0][1] if value else either[0][2]
    if compared is not None:
        caught = compared[1][0]
        days = int(caught) if caught.isdigit() else COMPARED_DAYS
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
        return f"{verb} in the {days} days before the last {days}, and not in these"
    if share >= 1:
        return f"{verb} in the last {days} days, and not in the {days} days before"
    how = "as much" if abs(share - 0.5) < 0.005 else "less" if share < 0.5 else "more"
    return f"{verb} {how} in the last {days} days {'as' if how == 'as much' else 'than'} in the {days} days before"
