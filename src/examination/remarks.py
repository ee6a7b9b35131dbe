"""What to know of data that are enough all the same: little history, few customers, windows that overlap.

In: where one stands, and the counts. Out: sentences without the full stop, the one that changes most first. None of
them refuses anything.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..models.level import YEAR_DAYS, gate_days
from ..models.sample import MIN_OF_EACH
from .finding import said
from .kinds import Buyers
from .stands import Stands

FEW_CUSTOMERS = 200
"""Buy-till-you-die models are known to work from about so many; below, the boosters have hardly a say."""

FEW_REPEATERS = 10
LEFT_CENSORED = 0.3
"""Of the customers, seen for the first time in the first horizon of the history: most were customers before."""


def remarks(stands: Stands, buyers: Buyers) -> Iterator[str]:
    """All that holds."""
    yield from _carried(stands)
    yield from _season(stands)
    yield from _origins(stands, buyers)
    yield from _customers(stands, buyers)


def _carried(stands: Stands) -> Iterator[str]:
    """Training at a shorter horizon."""
    h, last = stands.span.horizon_days, stands.final or stands.chosen[-1]
    if last.trained_days < h:
        yield (
            f"fewer than two past windows of {h} days have closed: the model is trained on windows of "
            f"{last.trained_days} days, and the classical models carry it to {h}"
        )
    elif any(o.trained_days < h for o in stands.chosen):
        shorter = sorted({o.trained_days for o in stands.chosen if o.trained_days < h})
        yield (
            f"on past days to be judged on, fewer than two windows of {h} days had closed: models are trained there on "
            f"windows of {' and '.join(str(d) for d in shorter)} days, so that the final one should do better"
        )


def _season(stands: Stands) -> Iterator[str]:
    """Whether the same season of an earlier year is known."""
    span = stands.span
    one = YEAR_DAYS + gate_days(span.horizon_days)
    days = span.ends.day - span.starts.day
    if days < one:
        yield (
            f"the season is not known: that takes {one:,} days of history, a year and what must lie before it; there "
            f"are {days:,}"
        )
    elif days < one + YEAR_DAYS:
        yield f"the season is known from one earlier year only; from {one + YEAR_DAYS:,} days of history it is two"


def _origins(stands: Stands, buyers: Buyers) -> Iterator[str]:
    """How well the model can be judged."""
    usable = stands.usable(buyers)
    left = [str(o.cutoff) for o in stands.chosen if o not in usable]
    if left:
        yield f"left out, because there was too little to learn from by then: {', '.join(left)}"
    if any(o.overlapping for o in usable):
        yield "the windows of the origins overlap, so that their figures are not independent; more history parts them"
    if len(usable) == 1 and stands.final is not None:
        yield f"there is one past day to be judged on, {usable[0].cutoff}: its season may not be the usual one"
    for origin in usable:
        kinds = buyers.kinds(stands.judged(origin))
        fewest = min(kinds.silent_rows, kinds.bought_rows)
        if fewest < MIN_OF_EACH:
            did = "bought nothing" if kinds.silent_rows <= kinds.bought_rows else "bought something"
            yield f"of {kinds.rows:,} customers at risk on {origin.cutoff} {fewest:,} {did}: figures there are rough"


def _customers(stands: Stands, buyers: Buyers) -> Iterator[str]:
    """Who is there to learn from."""
    last = stands.final or stands.chosen[-1]
    empty = sum(not n for n in buyers.kinds(stands.learnt(last)).at_risk)
    if empty:
        yield (
            f"at {empty} of {said(len(last.training), 'training cutoff', 'training cutoffs')} nobody is at risk"
            f"{' yet' if stands.active_days is None else ''}"
        )
    if buyers.n < FEW_CUSTOMERS:
        yield (
            f"{buyers.n:,} customers are few: below {FEW_CUSTOMERS} the classical models speak, and the boosters add "
            "little"
        )
    if buyers.repeaters < FEW_REPEATERS:
        who = said(buyers.repeaters, "customer", "customers")
        yield f"only {who} bought on two days or more: the classical models know little"
    early = buyers.joined_before(stands.span.starts.plus(stands.span.horizon_days).day) / buyers.n
    if early > LEFT_CENSORED:
        yield (
            f"{early:.0%} of the customers first appear in the first {stands.span.horizon_days} days: unless the shop "
            "began then, most were customers before, and look younger than they are (left-censored)"
        )
