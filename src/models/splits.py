"""Which cutoffs train and which judge, under the matured-label embargo.

In: when the ledger starts and ends, the horizon, the label's lag. Out: training cutoffs (every label's window closed,
and its label was known, by the day on which one trains) and rolling origins. Too little history is `NotEnoughData`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..clock import Cutoff, cutoffs, matured, panel_step
from ..errors import ConfigError, NotEnoughData

MIN_HISTORY_DAYS = 60
MIN_TRAINING_CUTOFFS = 2


@dataclass(frozen=True)
class Span:
    """What the ledger covers and what is asked of it.

    Parameters
    ----------
    starts, ends : Cutoff
        First day covered; the day after the last.
    horizon_days, lag_days, every_days : int
        Target window, days until a label is known, days between panel cutoffs.

    Examples
    --------
    >>> span = Span(Cutoff.parse("1997-01-01"), Cutoff.parse("1998-07-01"), 90, 0, 30)
    >>> [str(o.cutoff) for o in origins(span, 9)]
    ['1997-10-04', '1998-01-02', '1998-04-02']
    """

    starts: Cutoff
    ends: Cutoff
    horizon_days: int
    lag_days: int
    every_days: int

    def training(self, known_on: Cutoff) -> tuple[Cutoff, ...]:
        """Training cutoffs whose labels were known on a day, ascending; perhaps none."""
        latest = known_on.minus(self.horizon_days + self.lag_days)
        earliest = self.starts.plus(max(self.horizon_days, MIN_HISTORY_DAYS))
        found = tuple(cutoffs(latest, earliest, self.every_days)) if latest >= earliest else ()
        if not all(matured(c, self.horizon_days, self.lag_days, known_on) for c in found):
            raise AssertionError("a training label lies in the future")
        return found


@dataclass(frozen=True)
class Origin:
    """A day on which one stands: it trains on the past and is judged on the window that follows."""

    cutoff: Cutoff
    training: tuple[Cutoff, ...]
    overlapping: bool = False


def origins(span: Span, wanted: int) -> tuple[Origin, ...]:
    """Rolling origins, ascending: disjoint windows as far as two training cutoffs remain, else overlapping ones.

    Raises
    ------
    NotEnoughData
        When not even the last window leaves two matured training cutoffs.
    """
    last = span.ends.minus(span.horizon_days + span.lag_days)

    def stepping(days: int, overlapping: bool) -> tuple[Origin, ...]:
        found = []
        for k in range(wanted):
            here = last.minus(k * days)
            training = span.training(here)
            if len(training) < MIN_TRAINING_CUTOFFS:
                break
            found.append(Origin(here, training, overlapping and k > 0))
        return tuple(reversed(found))

    disjoint = stepping(span.horizon_days, overlapping=False)
    if len(disjoint) >= min(wanted, 2):
        return disjoint
    overlapping = stepping(min(span.every_days, span.horizon_days), overlapping=True)
    if not overlapping:
        raise too_short(span, span.ends, judged=True)
    return overlapping


def holdout(span: Span, cutoff: Cutoff) -> Origin:
    """One origin at a given date.

    Raises
    ------
    ConfigError
        When its window does not lie inside the ledger.
    NotEnoughData
        When it has no matured training cutoff.
    """
    end = cutoff.plus(span.horizon_days + span.lag_days)
    if end > span.ends or cutoff <= span.starts:
        raise ConfigError(
            f"the window [{cutoff}, {end}) is not inside the data, which run from {span.starts} to {span.ends}",
            do=f"choose a cutoff no later than {span.ends.minus(span.horizon_days + span.lag_days)}",
            code="RG040",
        )
    training = span.training(cutoff)
    if not training:
        raise too_short(span, cutoff, judged=False)
    return Origin(cutoff, training)


def too_short(span: Span, known_on: Cutoff, judged: bool) -> NotEnoughData:
    """The refusal of a history that is too short for the horizon, with the horizon that would do.

    Parameters
    ----------
    known_on : Cutoff
        The day on which one would train; with `judged`, the end of the data.
    judged : bool
        Whether a window must remain on which to judge two training cutoffs, as rolling origins need.
    """

    def enough(h: int) -> bool:
        shorter = replace(span, horizon_days=h, every_days=panel_step(h))
        last = known_on.minus(h + span.lag_days) if judged else known_on
        return len(shorter.training(last)) >= (MIN_TRAINING_CUTOFFS if judged else 1)

    window = span.horizon_days + span.lag_days
    need = max(span.horizon_days, MIN_HISTORY_DAYS) + window + (span.every_days + window if judged else 0)
    fits = next((h for h in (180, 90, 60, 30, 28, 14, 7) if h < span.horizon_days and enough(h)), None)
    days = known_on.day - span.starts.day
    return NotEnoughData(
        f"{days} days of history (from {span.starts}) are too few to train for a horizon of {span.horizon_days} days",
        needed=f"about {need} days",
        do=f"set horizon_days = {fits} or bring a longer history" if fits else "bring a longer history",
        code="RG041",
    )
