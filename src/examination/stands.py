"""Where one would stand: the past days to be judged on and the last day, what each would learn from, what each lacks.

In: a span, how many origins are wanted, who counts as at risk. Out: `Stands`: questions for `kinds.Buyers`, and once
they are answered the origins that are usable, or what is lacking. Nothing is computed of a customer here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from ..clock import Cutoff, panel_step
from ..errors import ConfigError, NotEnoughData
from ..models.sample import MIN_OF_EACH
from ..models.splits import SHORTER, Origin, Span, final, holdout, origins
from .finding import said
from .kinds import Asked, Buyers, Kinds
from .silence import WINDOWS

MIN_CUSTOMERS = 25
"""Of either kind, beside `MIN_OF_EACH` rows: the rows of one customer repeat each other, and a share that is learnt
from fewer customers has a standard error of more than ten points (the root of 1/4 over 25)."""


@dataclass(frozen=True)
class Lacking:
    """What was found, what was needed, the code of the refusal, and the training rows that are too few."""

    found: str
    needed: str
    code: str
    asked: Asked | None = None


@dataclass(frozen=True)
class Stands:
    """The days on which one would stand under some settings.

    Parameters
    ----------
    span : Span
    chosen : tuple of Origin
        Past days to be judged on, ascending.
    final : Origin or None
        The last day, on which the model itself is trained; None for a holdout.
    active_days : int or None
        Who counts as at risk bought within so many days.
    day : Cutoff or None
        That of a holdout.
    short : NotEnoughData or None
        Why there is none: the history is too short.
    change : str
        What to type for these settings; empty for those that are asked.
    """

    span: Span
    chosen: tuple[Origin, ...]
    final: Origin | None
    active_days: int | None
    day: Cutoff | None = None
    short: NotEnoughData | None = None
    change: str = ""

    @classmethod
    def of(
        cls, span: Span, wanted: int, active_days: int | None, day: Cutoff | None = None, change: str = ""
    ) -> Stands:
        """All days of a span, or a holdout at one day; `ConfigError` when the window of that is not inside the data."""
        try:
            if day is not None:
                return cls(span, (holdout(span, day),), None, active_days, day, change=change)
            return cls(span, origins(span, wanted), final(span), active_days, change=change)
        except NotEnoughData as error:
            return cls(span, (), None, active_days, day, error, change)

    @property
    def days(self) -> tuple[Origin, ...]:
        """All of them."""
        return (*self.chosen, *(() if self.final is None else (self.final,)))

    def learnt(self, origin: Origin) -> Asked:
        """The training rows of a day."""
        return Asked(origin.trained_days, origin.training, self.active_days)

    def judged(self, origin: Origin) -> Asked:
        """The rows of a day itself."""
        return Asked(self.span.horizon_days, (origin.cutoff,), self.active_days)

    def asked(self) -> Iterator[Asked]:
        """All that must be counted."""
        yield from map(self.learnt, self.days)
        yield from map(self.judged, self.chosen)

    def usable(self, buyers: Buyers) -> tuple[Origin, ...]:
        """The origins at which there is enough to learn from and somebody to judge."""
        return tuple(
            o for o in self.chosen if _lacking(self.learnt(o), buyers) is None and buyers.kinds(self.judged(o)).rows
        )

    def lacking(self, buyers: Buyers) -> Lacking | None:
        """What is lacking, the first thing first; None when one can train and be judged."""
        if self.short is not None:
            return Lacking(self.short.found, self.short.needed, self.short.code)
        lacking = None if self.final is None else _lacking(self.learnt(self.final), buyers)
        if lacking is None and not self.usable(buyers):
            last = self.chosen[-1]
            lacking = _lacking(self.learnt(last), buyers)
            if lacking is not None:
                where = f"on the last past day to be judged on, {last.cutoff}, "
                carried = last.trained_days < self.span.horizon_days
                why = f"; no two windows longer than {last.trained_days} days had closed by then" if carried else ""
                return replace(lacking, found=f"{where}{lacking.found}{why}")
        return lacking or self._one_sided(buyers)

    def _one_sided(self, buyers: Buyers) -> Lacking | None:
        """Nobody to be judged on, or only customers of one kind; of a day that was asked for, that is an answer too."""
        usable = self.usable(buyers)
        judged = [buyers.kinds(self.judged(o)) for o in usable or self.chosen]
        rows, silent = sum(k.rows for k in judged), sum(k.silent_rows for k in judged)
        if 0 < silent < rows or (rows and self.day is not None):
            return None
        n, day = len(judged), (usable or self.chosen)[-1].cutoff
        where = f"on {day}, " + ("the only past day to be judged on," if n == 1 else f"as on all {n} past days,")
        if not rows:
            found = f"{where} nobody is at risk{_active(self.active_days)}"
        else:
            did, last = "nothing" if silent else "something", judged[-1].rows
            who = "the one customer" if last == 1 else f"all {last:,} customers"
            found = f"{where} {who} at risk bought {did} in the {self.span.horizon_days} days that followed"
        if buyers.last_purchase < day:
            found += f"; the last purchase is of {buyers.last_purchase}"
        return Lacking(found, "some who bought and some who did not", "RG042")

    def others(self) -> tuple[Stands, ...]:
        """Settings that might do: whatever is set by hand, then other horizons, the nearest first."""
        span, h = self.span, self.span.horizon_days
        found = []
        if span.every_days != panel_step(h):
            found.append(self._other(replace(span, every_days=panel_step(h)), "leave out every_days in [panel]"))
        for lag in self._shorter_lags():
            found.append(self._other(replace(span, lag_days=lag), f"set label_lag_days to {lag} or less"))
        if self.active_days is not None:
            everyone = replace(self, active_days=None)
            found.append(everyone._other(span, "raise active_within_days, or leave it out"))
        for days in sorted({*SHORTER, *WINDOWS} - {h}, key=lambda d: (max(d, h) / min(d, h), d)):
            other = self._other(span.at(days), f"set horizon_days = {days}")
            # A horizon that must itself be carried is no advice.
            found.append(other if other and all(o.trained_days == days for o in other.days) else None)
        return tuple(s for s in found if s is not None and s.short is None)

    def _other(self, span: Span, change: str) -> Stands | None:
        try:
            return Stands.of(span, 1, self.active_days, self.day, change)
        except ConfigError:  # a longer window that runs past the data
            return None

    def _shorter_lags(self) -> tuple[int, ...]:
        """The longest that the splits allow, and shorter ones, for which there are more rows."""
        low, high = 0, self.span.lag_days - 1
        if high < low:
            return ()
        while low < high:
            middle = (low + high + 1) // 2
            other = self._other(replace(self.span, lag_days=middle), "")
            low, high = (low, middle - 1) if other is None or other.short else (middle, high)
        return tuple(sorted({low, low // 2, low // 4, 0}, reverse=True))


def _lacking(asked: Asked, buyers: Buyers) -> Lacking | None:
    """What training rows lack."""
    kinds = buyers.kinds(asked)
    if not kinds.rows:
        first, last = asked.cutoffs[0], asked.cutoffs[-1]
        where = f"the training cutoff {first}" if first == last else f"the training cutoffs from {first} to {last}"
        found = f"nobody is at risk at {where}{_active(asked.active_days)}"
        if buyers.first_purchase >= last:
            found += f"; the first purchase is of {buyers.first_purchase}"
        return Lacking(found, "customers who bought before", "RG042", asked)
    if rare(kinds) >= 1.0:
        return None
    return Lacking(
        f"of {kinds.rows:,} training rows {kinds.silent_rows:,} were silent for {asked.horizon_days} days and "
        f"{kinds.bought_rows:,} were not, of {said(kinds.gone, 'customer', 'customers')} and {kinds.stayed:,}",
        f"at least {MIN_OF_EACH} of each, of {MIN_CUSTOMERS} customers each",
        "RG042",
        asked,
    )


def _active(days: int | None) -> str:
    return "" if days is None else f" (bought within {said(days, 'day', 'days')} before)"


def rare(kinds: Kinds) -> float:
    """How much there is of the rarer kind, as a share of what is needed; 1 or more is enough.

    Examples
    --------
    >>> rare(Kinds((1_000,), (25,), 25, 400)), rare(Kinds((1_000,), (500,), 5, 400))
    (0.5, 0.2)
    """
    rows, customers = min(kinds.silent_rows, kinds.bought_rows), min(kinds.gone, kinds.stayed)
    return min(rows / MIN_OF_EACH, customers / MIN_CUSTOMERS)
