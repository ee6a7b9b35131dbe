"""Follow-ups: an offer that goes only to whom something happened so many days ago, once each time that it happens.

In: a table `[offers.trigger]`, and columns of an audience. Out: who is in its window, and from which day on what was
given counts as given for the same occurrence. A plan and the endpoint reckon the same days from the same columns. To
whom it never happened, or of whom it is not known, is in no window.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ..clock import Cutoff
from ..sections import Section

Mask = NDArray[np.bool_]
Float64 = NDArray[np.float64]
Columns = Mapping[str, NDArray[Any]]

After = Literal["late", "overdue", "purchase", "first_purchase", "complaint_resolved"]


class Anchor(NamedTuple):
    """What a follow-up follows: the column of days since, what it is called, what is surely so while it lasts."""

    fact: str
    words: str
    implies: Mapping[str, object]


ANCHORS: Mapping[After, Anchor] = {
    "late": Anchor("days_late", "the silence became unusual", {"late": True}),
    "overdue": Anchor("days_overdue", "the usual gap was over", {}),
    "purchase": Anchor("recency_days", "the last purchase", {}),
    "first_purchase": Anchor("days_since_first_purchase", "the first purchase", {"orders": 1}),
    "complaint_resolved": Anchor("days_since_resolved", "a complaint was resolved", {"open_complaint": False}),
}
_SILENT = frozenset({"late", "overdue", "purchase", "first_purchase"})
"""What belongs to a silence: it begins after a purchase, and the next purchase ends it."""
_SINCE_PURCHASE = "recency_days"


class Trigger(Section):
    """When an offer follows something: `[offers.trigger]`.

    Examples
    --------
    >>> Trigger(after="first_purchase", from_days=3).words
    '3 to 10 days after the first purchase'
    """

    after: After = Field(
        description="late (the silence became unusual), overdue (the usual gap is over), purchase, first_purchase "
        "(while it is the only one), complaint_resolved"
    )
    from_days: int = Field(default=0, ge=0, le=3650, description="from so many days after it on")
    within_days: int = Field(default=7, ge=1, le=3650, description="within so many days from then")

    @property
    def last_days(self) -> int:
        """The last day of its window, counted from what it follows."""
        return self.from_days + self.within_days

    @property
    def anchor(self) -> Anchor:
        """What it follows."""
        return ANCHORS[self.after]

    @property
    def is_of_silence(self) -> bool:
        """Whether it belongs to a silence, which the next purchase ends."""
        return self.after in _SILENT

    @property
    def fields(self) -> frozenset[str]:
        """The columns that it looks at."""
        return frozenset({self.anchor.fact, *({_SINCE_PURCHASE} if self.is_of_silence else ())})

    @property
    def words(self) -> str:
        """Its window as a person reads it."""
        return f"{self.from_days} to {self.last_days} days after {self.anchor.words}"

    def said(self, days: float) -> str:
        """Why a customer is in it, so many days after."""
        return f"follow-up: {days:.0f} {'day' if days == 1 else 'days'} after {self.anchor.words}"

    def in_window(self, columns: Columns) -> Mask:
        """Whose days since lie in the window, its first and its last day included."""
        days = columns[self.anchor.fact]
        with np.errstate(invalid="ignore"):
            return np.asarray((days >= self.from_days) & (days <= self.last_days))

    def given_since(self, columns: Columns, as_of: Cutoff) -> Float64:
        """The day from which on what was given is given for the present occurrence; missing where there is none.

        A silence is one occurrence whenever it became unusual, since a model that is learnt anew may say another day of
        that. What was given on the day of the purchase came before it; what was given on the day on which a complaint
        was resolved came after it.
        """
        if self.is_of_silence:
            return np.asarray(as_of.day - columns[_SINCE_PURCHASE] + 1, np.float64)
        return np.asarray(as_of.day - columns[self.anchor.fact], np.float64)


def _late(columns: Columns) -> Float64:
    from ..models.lateness import days_late

    return days_late(*(columns[name] for name in _SOURCES["days_late"]))


def _overdue(columns: Columns) -> Float64:
    from ..models.lateness import days_overdue

    return days_overdue(*(columns[name] for name in _SOURCES["days_overdue"]))


def _first(columns: Columns) -> Float64:
    return np.where(columns["orders"] == 1, columns[_SINCE_PURCHASE], np.nan)


_SOURCES: Mapping[str, tuple[str, ...]] = {
    "days_late": (_SINCE_PURCHASE, "usual_gap_days", "p_so_late"),
    "days_overdue": (_SINCE_PURCHASE, "usual_gap_days"),
    "days_since_first_purchase": (_SINCE_PURCHASE, "orders"),
}
_DERIVED: Mapping[str, Callable[[Columns], Float64]] = {
    "days_late": _late,
    "days_overdue": _overdue,
    "days_since_first_purchase": _first,
}


def with_sources(fields: Iterable[str]) -> frozenset[str]:
    """Fields, and the scores from which those are reckoned that no model says.

    Examples
    --------
    >>> sorted(with_sources(["days_since_first_purchase"]))
    ['days_since_first_purchase', 'orders', 'recency_days']
    """
    named = frozenset(fields)
    return named.union(*(_SOURCES[name] for name in named & _SOURCES.keys()))


def derived(columns: Columns, wanted: Collection[str]) -> dict[str, Float64]:
    """The wanted days that are reckoned from scores, each of shape (n_customers,); NaN where it did not happen.

    Examples
    --------
    >>> scores = {"recency_days": np.array([5.0, 5.0]), "orders": np.array([1.0, 2.0])}
    >>> derived(scores, ["days_since_first_purchase", "p_churn"])["days_since_first_purchase"].tolist()
    [5.0, nan]
    """
    return {name: reckoned(columns) for name, reckoned in _DERIVED.items() if name in wanted}


def unheard(follow_ups: Mapping[str, Trigger], columns: Columns, has_events: bool) -> tuple[str, ...]:
    """What to say of follow-ups that nobody can get, because nothing tells of what they follow.

    Examples
    --------
    >>> sorry = {"sorry": Trigger(after="complaint_resolved")}
    >>> for said in unheard(sorry, {"days_since_resolved": np.array([np.nan])}, has_events=True):
    ...     print(said)
    nobody gets the follow-up `sorry`: no customer with a score has a complaint that was resolved
    """
    found = []
    for name, trigger in follow_ups.items():
        why = _unheard(trigger, columns, has_events)
        if why:
            found.append(f"nobody gets the follow-up `{name}`: {why}")
    return tuple(found)


def _unheard(trigger: Trigger, columns: Columns, has_events: bool) -> str:
    if trigger.after in ("late", "overdue") and np.isnan(columns["usual_gap_days"]).all():
        return "the scores say of nobody which silence is usual"
    if trigger.after == "complaint_resolved" and not has_events:
        return "there is no table of events; add [data.events] with the kinds `complaint` and `complaint_resolved`"
    if trigger.after == "complaint_resolved" and np.isnan(columns["days_since_resolved"]).all():
        return "no customer with a score has a complaint that was resolved"
    return ""
