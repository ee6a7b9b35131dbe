"""What becomes of each follow-up of a plan: who is in its window, who gets it, and why the others do not.

In: a plan. Out: for each offer with a trigger, its window in words and counts of customers that add up: all in the
window are those who get it and those who are held back, each under one reason. Nothing of a plan without follow-ups.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .follow_up import Trigger
from .permitted import REASONS

if TYPE_CHECKING:
    from .plan import Plan

ANOTHER = "another offer"


def follow_up_figures(plan: Plan) -> list[dict[str, Any]]:
    """One row for each follow-up, in the order of the catalogue."""
    return [_of(plan, name, trigger) for name, trigger in plan.decided_by.catalogue.follow_ups.items()]


def _of(plan: Plan, name: str, trigger: Trigger) -> dict[str, Any]:
    options = [o.index for o in plan.decided_by.catalogue.options if o.offer.id == name]
    inside = trigger.in_window(plan.audience.columns)
    given = np.isin(plan.given, options)
    why = _why(plan, options, np.flatnonzero(inside & ~given))
    names, counts = np.unique(why.astype(str), return_counts=True)
    order = sorted(range(len(names)), key=lambda i: (-counts[i], names[i]))
    return {
        "offer": name,
        "after": trigger.after,
        "from_days": trigger.from_days,
        "until_days": trigger.last_days,
        "words": trigger.words,
        "in_window": int(inside.sum()),
        "meant": int((inside & np.isin(plan.meant, options)).sum()),
        "given": int(given.sum()),
        "held_back": {str(names[i]): int(counts[i]) for i in order},
    }


def _why(plan: Plan, options: list[int], rows: NDArray[np.intp]) -> NDArray[np.object_]:
    """Why customers in the window do not get it: what forbids it, else the draw, else what they get instead."""
    codes = plan.permitted.reason[rows][:, options]
    # Filters are asked in the order of their codes: the last channel falls with the greatest of them.
    forbidden = np.where((codes > 0).all(axis=1), codes.max(axis=1, initial=0), 0)
    nothing = np.array(plan.why.phrases, object)[plan.why.code[rows]]
    instead = np.where(plan.given[rows] >= 0, ANOTHER, nothing)
    return np.where(forbidden > 0, np.array(REASONS, object)[forbidden], instead)
