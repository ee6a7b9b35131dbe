"""Engagement: visits, e-mails, complaints, referrals, points, surveys and whatever else customers do beside buying.

In: what was known before each cutoff. Out: counts, recency, decay and ratios per kind and channel, and what is special
about kinds whose meaning is known. What the company does (an e-mail sent) is left out by default: whom it writes to is
its own decision, and a model would learn the marketing calendar instead of the customer. Missing: the window starts
before the ledger or the events do, there was no such event, or there is nothing to compare with.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..schema import SCALE
from .family import NOT_COVERED, Feature, family
from .naming import slugs
from .past import Past, ratio
from .points import NEAR, Points
from .reference import Reference
from .track import Float64
from .view import View

WINDOWS = (30, 90)
HALF_LIFE, BUCKET, BUCKETS = 30, 30, 12
FADED = tuple(BUCKET * k for k in range(BUCKETS + 1))
NONE_YET = "missing without such an event"
CASES = {"complaint": "complaints", "support": "support"}
"""Kinds of events that may be followed by one of the same name with `_resolved`."""


@family("engagement")
def engagement(past: Past, reference: Reference) -> Iterator[Feature]:
    """Counts, recency, decay and ratios of events."""
    kinds = past.shape.kinds
    for kind, name in slugs(kinds).items():
        yield from _kind(past, kind, f"events_{name}")
    if kinds:
        yield from _channels(past)
    for kind, name in CASES.items():
        if {kind, f"{kind}_resolved"} <= set(kinds):
            yield from _cases(past, kind, name)
    if "points_earned" in kinds:
        yield from _points(past)
    if "survey" in kinds:
        yield from _survey(past)
    if {"email_open", "email_click"} <= set(kinds):
        opened, clicked = (past.events(k).last(90).sum("count") for k in ("email_open", "email_click"))
        missing = f"{NOT_COVERED}, or none was opened in it"
        yield Feature("clicks_per_open_90d", "ratio", "clicks / opens, last 90 days", ratio(clicked, opened), missing)


def _kind(past: Past, kind: str, name: str) -> Iterator[Feature]:
    """What is asked of every kind."""
    view = past.events(kind)
    yield Feature(f"{name}_ever", "events", f"`{kind}` ever", view.all().sum("count"))
    for days in WINDOWS:
        count = view.last(days).sum("count")
        yield Feature(f"{name}_{days}d", "events", f"`{kind}` in the last {days} days", count, NOT_COVERED)
    recent, before = view.last(30).sum("count"), view.between(60, 30).sum("count")
    meaning = f"`{kind}` in the last 30 days against the 30 before, as share of both"
    missing = f"{NOT_COVERED}, or none in both"
    yield Feature(f"{name}_trend_30d", "share", meaning, ratio(recent, recent + before), missing)
    meaning = f"`{kind}`, each counting half as much every {HALF_LIFE} days, in steps of {BUCKET} days"
    yield Feature(f"{name}_decayed", "events", meaning, decayed(view, "count"))
    since = view.days_since("day")
    yield Feature(f"{name}_days_since", "days", f"cutoff date minus date of the last `{kind}`", since, NONE_YET)
    count, purchases = view.last(90).sum("count"), past.last(90).sum("purchase")
    meaning, missing = f"`{kind}` / (`{kind}` + purchases), last 90 days", f"{NOT_COVERED}, or neither happened in it"
    yield Feature(f"{name}_of_activity_90d", "share", meaning, ratio(count, count + purchases), missing)


def _channels(past: Past) -> Iterator[Feature]:
    """Through which channels the customer is heard of."""
    missing = f"{NOT_COVERED}, or without an event in it"
    for days in WINDOWS:
        total = past.events().last(days).sum("count")
        for channel, name in slugs(past.shape.channels).items():
            count = past.events(channel=channel).last(days).sum("count")
            meaning = f"share of the events of the last {days} days that came through `{channel}`"
            yield Feature(f"channel_{name}_share_{days}d", "share", meaning, ratio(count, total), missing)


def _cases(past: Past, kind: str, name: str) -> Iterator[Feature]:
    """Cases that are opened and resolved."""
    opened, resolved = past.events(kind).all().sum("count"), past.events(f"{kind}_resolved").all().sum("count")
    open_ = np.maximum(opened - resolved, 0)
    yield Feature(f"{name}_open", "events", f"`{kind}` less `{kind}_resolved`, ever, at least 0", open_)
    share = ratio(np.minimum(resolved, opened), opened)
    meaning = f"`{kind}_resolved` / `{kind}`, ever, at most 1"
    yield Feature(f"{name}_resolved_share", "share", meaning, share, NONE_YET)


def _points(past: Past) -> Iterator[Feature]:
    """The balance of loyalty points, and what of it is about to expire."""
    points = Points(past)
    balance = points.balance / SCALE
    yield Feature("points_balance", "points", "points earned less those spent, expired and taken back", balance)
    days = past.shape.points_expire_days
    if days is not None:
        near = points.near_expiry / SCALE
        meaning = f"points of the balance that expire within {NEAR} days, {days} days after they were earned"
        yield Feature("points_near_expiry", "points", meaning, near)
        share, missing = ratio(near, balance), "missing without a balance"
        yield Feature("points_near_expiry_share", "share", "such points / balance", share, missing)


def _survey(past: Past) -> Iterator[Feature]:
    """Scores given in surveys."""
    surveys = past.events("survey")
    mean = ratio(surveys.all().sum("value"), surveys.all().integer("told"))
    total, n = (surveys.at_last("told_day", surveys.track.values(m)) for m in ("value", "told"))
    missing = "missing when no score was given"
    yield Feature("survey_score_mean", "score", "mean score given", mean, missing)
    yield Feature("survey_score_last", "score", "mean score given on the last day with one", total / n / SCALE, missing)


def decayed(view: View, measure: str, half_life: int = HALF_LIFE) -> Float64:
    """A sum in which 30-day buckets weigh half as much every `half_life` days; before the ledger there is nothing."""
    edges = view.at_each(measure, FADED)
    weights = np.array([2.0 ** (-(BUCKET * k + BUCKET / 2) / half_life) for k in range(BUCKETS)])
    # One after the other: a sum over an axis is free to choose another order where there is one row only.
    total = (weights[:, None] * (edges[:-1] - edges[1:])).cumsum(axis=0)[-1]
    return np.asarray(total / view.track.measure(measure).scale)
