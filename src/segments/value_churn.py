"""Value and risk of churn: the segment that the scores name, for everybody the ledger knows.

In: `Facts` with scores. Out: `Assigned`, or `Off` without any. The words of a score are taken as they were published:
high value are the fewest customers who hold 80 % of all expected spend, at risk is whose chance of no purchase within
the horizon is at least one half. Who has bought and has no score is "not scored"; who has not bought is a prospect.
"""

from __future__ import annotations

import numpy as np

from ..models.concentration import SEGMENTS as PUBLISHED
from .facts import Facts
from .scheme import Assigned, Off, Segment, first_that_holds

NAME = "value-churn"
_HIGH = "among the fewest customers who hold 80 % of all expected spend"
_LOW = "not among them"
_RULES = tuple(
    f"{_HIGH if name.startswith('high') else _LOW}; chance of no purchase "
    + ("at least 50 %" if name.endswith("at risk") else "below 50 %")
    for name in PUBLISHED
)
SEGMENTS = (
    Segment("prospect", "no purchase before the day"),
    *(Segment(name, rule) for name, rule in zip(PUBLISHED, _RULES, strict=True)),
    Segment("not scored", "has bought, but the model did not speak of them that day"),
)


def value_churn(facts: Facts) -> Assigned | Off:
    """The segment of each customer by value and risk.

    Parameters
    ----------
    facts : Facts
    """
    if not facts.has_scores:
        return Off(NAME, "there are no scores of this day; `regulars score` makes them")
    place = first_that_holds((~facts.bought, *(facts.value_churn == name for name in PUBLISHED)))
    money = f" {facts.currency}".rstrip()
    told = zip(facts.bought.tolist(), facts.scored.tolist(), facts.p_churn, facts.expected_spend, strict=True)
    reasons = [
        f"expected to spend {spend:,.2f}{money} within {facts.horizon_days} days, chance of no purchase {100 * p:.0f} %"
        if bought and scored
        else ("no score of this day" if bought else "has not bought yet")
        for bought, scored, p, spend in told
    ]
    return Assigned(NAME, SEGMENTS, place, np.array(reasons, object), basis=f"{facts.horizon_days} days")
