"""The stage of a relationship: prospect, lapsed, late, new, reactivated, due or active; the first that holds.

In: `Facts`. Out: `Assigned`. Silence is counted in days since the last purchase, and the horizon h of the scores says
when it is one. Without scores nobody is known to be late or due, and only a silence of two horizons is a lapse; where
the ledger begins less than h days before the day nobody is known to be new. Each is said in a note.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .facts import Bool, Facts
from .scheme import Assigned, Segment, first_that_holds

NAME = "lifecycle"
TIMES_USUAL = 2
"""A silence that was so many times the usual gap was no pause."""
HORIZONS_UNSCORED = 2
"""Of whom no model speaks is lapsed after so many horizons."""
EVEN = 0.5


def lifecycle(facts: Facts) -> Assigned:
    """The stage of each customer.

    Parameters
    ----------
    facts : Facts
    """
    h = facts.horizon_days
    silent = facts.recency_days > h
    gone = np.where(facts.scored, facts.late | (facts.p_churn >= EVEN), facts.recency_days > HORIZONS_UNSCORED * h)
    rules = (
        ~facts.bought,
        silent & gone,
        facts.late,
        _new(facts),
        _reactivated(facts),
        facts.recency_days >= facts.usual_gap_days,
    )
    place = first_that_holds(rules)
    known = f"{h} days, {'' if facts.has_scores else 'no '}scores, {'' if facts.knows_newcomers else 'no '}newcomers"
    return Assigned(NAME, stages(h), place, _reasons(facts, place), notes=_notes(facts), basis=known)


def stages(h: int) -> tuple[Segment, ...]:
    """The stages with their rules, for a horizon in days.

    Examples
    --------
    >>> [stage.name for stage in stages(30)]
    ['prospect', 'lapsed', 'late', 'new', 'reactivated', 'due', 'active']
    """
    back = f"came back within the last {h} days after a silence of more than {h} days and {TIMES_USUAL} usual gaps"
    gone = f"silent for more than {h} days, and late or rather silent for {h} days more than not"
    unscored = f"without a score: silent for more than {HORIZONS_UNSCORED * h} days"
    return (
        Segment("prospect", "no purchase before the day"),
        Segment("lapsed", f"{gone}; {unscored}"),
        Segment("late", "an active customer with this rhythm is silent for so long at most one time in ten"),
        Segment("new", f"one purchase so far, within the last {h} days"),
        Segment("reactivated", back),
        Segment("due", "silent for at least the usual gap between their purchases"),
        Segment("active", "everybody else: has bought, and the next purchase is not due yet"),
    )


def _new(facts: Facts) -> Bool:
    if not facts.knows_newcomers:
        return np.zeros(facts.n, bool)
    return np.asarray((facts.orders == 1) & (facts.first_days <= facts.horizon_days))


def _reactivated(facts: Facts) -> Bool:
    usual = np.nan_to_num(facts.usual_gap_days, nan=0.0)
    return np.asarray(facts.silence_days > np.maximum(facts.horizon_days, TIMES_USUAL * usual))


def _reasons(facts: Facts, place: NDArray[np.int64]) -> NDArray[np.object_]:
    told = [_reason(facts, row, stage) for row, stage in enumerate(place.tolist())]
    return np.array(told, object)


def _reason(facts: Facts, row: int, stage: int) -> str:
    """Why, with the numbers that the rule of the stage looked at."""
    if stage == 0:
        return "has not bought yet"
    silent = f"last purchase {facts.recency_days[row]:,} days ago"
    gap = facts.usual_gap_days[row]
    usual = f", usual gap {gap:,.0f} days" if np.isfinite(gap) else ""
    expected = f", next expected from {facts.next_from[row]} to {facts.next_until[row]}" if facts.next_from[row] else ""
    chance = f", chance of no purchase {100 * facts.p_churn[row]:.0f} %" if facts.scored[row] else ", no score"
    return {
        1: f"{silent}{usual}{chance}",
        2: f"{silent}{usual}{chance}",
        3: f"first and only purchase {facts.recency_days[row]:,} days ago{expected}",
        4: f"came back after {facts.silence_days[row]:,} days of silence; {silent}{usual}",
        5: f"{silent}{usual}{expected}",
    }.get(stage, f"{silent}{usual}{expected}")


def _notes(facts: Facts) -> tuple[str, ...]:
    notes, h = [], facts.horizon_days
    unscored = int((facts.bought & ~facts.scored).sum())
    if not facts.has_scores:
        notes.append("there are no scores of this day, so nobody is known to be late or due")
    elif unscored:
        notes.append(f"{unscored:,} customers have no score, so none of them is known to be late or due")
    if not facts.knows_newcomers:
        notes.append(f"the ledger begins less than {h} days before this day, so nobody is known to be new")
    return tuple(notes)
