"""Which cutoffs train and which judge, under the matured-label embargo.

In: when the ledger starts and ends, the horizon, the label's lag. Out: training cutoffs (every label's window closed,
and its label was known, by the day on which one trains) and rolling origins. Where fewer than two windows of the
horizon have closed, models are trained at a shorter one, and the classical prior carries them to the one asked. Too
little history even for that is `NotEnoughData`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from ..clock import Cutoff, cutoffs, matured, panel_step
from ..errors import ConfigError, DataError, NotEnoughData

MIN_HISTORY_DAYS = 60
MIN_TRAINING_CUTOFFS = 2
SHORTER = (540, 365, 270, 180, 120, 90, 60, 30, 28, 14, 7)
"""Horizons to train at when windows of the one asked have not closed yet, and to suggest when nothing else will do."""
TIMING = (7, 14, 30, 60, 90)
"""Within how many days of a cutoff the next purchase is expected."""


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
        return tuple(cutoffs(latest, earliest, self.every_days)) if latest >= earliest else ()

    def at(self, horizon_days: int) -> Span:
        """The same with another horizon; the panel's step follows it, unless it was chosen by hand."""
        by_hand = self.every_days != panel_step(self.horizon_days)
        every = self.every_days if by_hand else panel_step(horizon_days)
        return replace(self, horizon_days=horizon_days, every_days=every)

    def carried(self, known_on: Cutoff) -> Span | None:
        """The same with the longest shorter horizon of which two windows had closed by a day; None without one.

        Examples
        --------
        >>> span = Span(Cutoff.parse("1997-01-01"), Cutoff.parse("1998-07-01"), 273, 0, 30)
        >>> span.training(Cutoff.parse("1997-10-01")), span.carried(Cutoff.parse("1997-10-01")).horizon_days
        ((), 120)
        """
        shorter = (self.at(h) for h in SHORTER if h < self.horizon_days)
        return next((s for s in shorter if len(s.training(known_on)) >= MIN_TRAINING_CUTOFFS), None)


@dataclass(frozen=True)
class Origin:
    """A day on which one stands: it trains on the past and is judged on the window that follows.

    Parameters
    ----------
    cutoff : Cutoff
    training : tuple of Cutoff
        Ascending; the windows of all of them had closed.
    trained_days : int
        The horizon of the training labels: that asked, or a shorter one that the prior carries to it.
    overlapping : bool
        Whether its window overlaps with that of the next origin.

    Raises
    ------
    DataError
        When a training window ends after the day on which one stands.
    """

    cutoff: Cutoff
    training: tuple[Cutoff, ...]
    trained_days: int
    overlapping: bool = False

    def __post_init__(self) -> None:
        refuse_peeking(self.training, self.trained_days, 0, self.cutoff)


def refuse_peeking(training: Iterable[Cutoff], horizon_days: int, lag_days: int, known_on: Cutoff) -> None:
    """Refuse cutoffs whose labels were not known yet on a day.

    Raises
    ------
    DataError
        When a window ends after that day, or its label became known later.

    Examples
    --------
    >>> try:
    ...     refuse_peeking([Cutoff.parse("2024-02-15")], 30, 0, Cutoff.parse("2024-03-01"))
    ... except DataError as refused:
    ...     print(refused.needed)
    cutoffs up to 2024-01-31
    """
    ahead = [c for c in training if not matured(c, horizon_days, lag_days, known_on)]
    if ahead:
        late = f", known {lag_days} days later," if lag_days else ""
        raise DataError(
            f"labels of the next {horizon_days} days{late} look ahead of {known_on}",
            needed=f"cutoffs up to {known_on.minus(horizon_days + lag_days)}",
            do="leave these rows out: on that day nobody knows them",
            offending=ahead,
            code="RG265",
        )


def standing(span: Span, cutoff: Cutoff) -> Origin | None:
    """What one can train on at a day: two closed windows of the horizon asked, or of a shorter one; else a single."""
    training = span.training(cutoff)
    shorter = span.carried(cutoff) if len(training) < MIN_TRAINING_CUTOFFS else None
    if shorter is not None:
        return Origin(cutoff, shorter.training(cutoff), shorter.horizon_days)
    return Origin(cutoff, training, span.horizon_days) if training else None


def final(span: Span) -> Origin:
    """What the model is trained on in the end: all that has matured by the last day.

    Raises
    ------
    NotEnoughData
        When no window of any horizon has closed twice.
    """
    found = standing(span, span.ends)
    if found is None:
        raise too_short(span, span.ends, judged=False)
    return found


def calibrating(stand: Origin, lag_days: int, wanted: int) -> tuple[Origin, ...]:
    """Earlier days on which one could have stood, and whose windows had closed by then, ascending: at most so many.

    Their predictions, beside what came of them, show how far predictions may be trusted. Their windows are disjoint, at
    the horizon at which the stand is trained; they and what they train on are among its training cutoffs.

    Examples
    --------
    >>> span = Span(Cutoff.parse("1997-01-01"), Cutoff.parse("1998-07-01"), 90, 0, 30)
    >>> [str(o.cutoff) for o in calibrating(final(span), 0, 9)]
    ['1997-10-04', '1998-01-02', '1998-04-02']
    """
    days, found = stand.trained_days, list[Origin]()
    for cutoff in reversed(stand.training):
        if found and cutoff.plus(days) > found[-1].cutoff:
            continue
        known = tuple(c for c in stand.training if matured(c, days, lag_days, cutoff))
        if len(found) == wanted or len(known) < MIN_TRAINING_CUTOFFS:
            break
        found.append(Origin(cutoff, known, days))
    return tuple(reversed(found))


def origins(span: Span, wanted: int) -> tuple[Origin, ...]:
    """Rolling origins, ascending: disjoint windows as far as two training cutoffs remain, else overlapping ones.

    Where no window leaves two training cutoffs of the horizon asked, the origins train at shorter ones.

    Raises
    ------
    NotEnoughData
        When not even that is possible.
    """
    found = _origins(span, wanted, span.horizon_days) or _origins(span, wanted, 1)
    if not found:
        raise too_short(span, span.ends, judged=True)
    return found


def _origins(span: Span, wanted: int, least_days: int) -> tuple[Origin, ...]:
    """Origins whose two training windows or more have at least so many days."""
    last = span.ends.minus(span.horizon_days + span.lag_days)

    def stepping(days: int, overlapping: bool) -> tuple[Origin, ...]:
        found = []
        for k in range(wanted):
            here = standing(span, last.minus(k * days))
            if here is None or len(here.training) < MIN_TRAINING_CUTOFFS or here.trained_days < least_days:
                break
            found.append(replace(here, overlapping=overlapping and k > 0))
        return tuple(reversed(found))

    disjoint = stepping(span.horizon_days, overlapping=False)
    if len(disjoint) >= min(wanted, 2):
        return disjoint
    return stepping(min(span.every_days, span.horizon_days), overlapping=True)


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
    found = standing(span, cutoff)
    if found is None:
        raise too_short(span, cutoff, judged=False)
    return found


def too_short(span: Span, known_on: Cutoff, judged: bool) -> NotEnoughData:
    """The refusal of a history that is too short for the horizon, with the horizon that would do.

    Parameters
    ----------
    known_on : Cutoff
        The day on which one would train; with `judged`, the end of the data.
    judged : bool
        Whether a window must remain on which to judge two training cutoffs, as rolling origins need.
    """

    def enough(h: int, day: Cutoff, carry: bool) -> bool:
        other = span.at(h)
        found = standing(other, day.minus(h + span.lag_days) if judged else day)
        return found is not None and (carry or found.trained_days == h) and (not judged or len(found.training) > 1)

    h, days = span.horizon_days, known_on.day - span.starts.day
    # Where nothing fits, the least history that would is found by halving: more days never do less.
    low, high = max(days, 1), max(days, 1) + 2 * (h + span.lag_days) + 4 * (MIN_HISTORY_DAYS + span.every_days)
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(h, span.starts.plus(middle), carry=True) else (middle + 1, high)
    fits = next((s for s in SHORTER if s < h and enough(s, known_on, carry=False)), None)
    return NotEnoughData(
        f"{days} {'day' if days == 1 else 'days'} of history (from {span.starts}) are too few to train for a horizon "
        f"of {h} {'day' if h == 1 else 'days'}",
        needed=f"about {low} days",
        do=f"set horizon_days = {fits} or bring a longer history" if fits else "bring a longer history",
        code="RG041",
    )
