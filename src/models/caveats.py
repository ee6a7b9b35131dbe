"""What must be known of lifetime values before one acts on them, in words.

In: the terms, the rows of the day, what could be fitted and learnt. Out: sentences without a full stop; none where
there is nothing to say. Nothing is missing.
"""

from __future__ import annotations

import numpy as np

from .prior import Prior
from .sample import Sample
from .summary import Summary
from .tail import Tail
from .terms import Terms

YEAR = 365


def notes_of(
    terms: Terms,
    now: Sample,
    tail: Tail | None,
    prior: Prior,
    head_days: int,
    learnt: bool,
    persistence: float,
    part: float,
) -> tuple[str, ...]:
    """What must be known of the value."""
    horizon, history, notes = terms.horizon_days, now.day.day - now.starts.day, []
    if history < 2 * YEAR:
        notes.append(
            f"there are {history} days of history, less than two years: no season was seen twice and few customers "
            "were seen to leave for good, so that lifetime values are extrapolated; compare customers by them rather "
            "than count on the total"
        )
    if horizon > history:
        notes.append(
            f"the horizon of lifetime value, {horizon} days, is longer than the history of {history} days: nobody was "
            "ever seen for so long; set a shorter horizon_days in [lifetime] to see what rests on what was seen"
        )
    if tail is None:
        notes.append(
            f"no classical model could be fitted, so that nothing is known of the time after {head_days} days: "
            "lifetime value ends there"
        )
        return tuple(notes)
    if prior.pareto is None:
        notes.append("lifetime value rests on BG/NBD, as Pareto/NBD could not be fitted")
    if prior.gamma is None:
        notes.append("purchases are taken to be worth their mean later on, as Gamma-Gamma could not be fitted")
    if horizon > head_days:
        since = "as learnt from earlier days" if learnt else "assumed, as no window had closed after another's end"
        notes.append(
            f"after {head_days} days the classical model speaks; of what the learnt one knows better of a customer "
            f"{persistence:.0%} is kept from one window of {now.horizon_days} days to the next ({since})"
        )
    if part < 1:
        notes.append(
            f"of what the classical model expects after that {part:.0%} is counted: customers spent less in the past "
            "year, which has every season once"
        )
    if not np.isfinite(tail.timing.residual_purchases(Summary.newcomers(), (0.0, np.inf), terms.force)).all():
        notes.append("there is no value for ever: without discounting, customers leave too slowly for it to be finite")
    return tuple(notes)
