"""What is told of weekdays and hours: everybody's place, the shares of all, and the backtest, as tables.

In: `Evidence` as of a day and what the backtest found. Out: `BestTimes` of a kind, and `Table`s. A customer's own place
is told only where the backtest says that habits surely foretell better than what all do; else all have the same place.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..kpis.table import Column, Row, Table, ratio
from ..offering_section import WEEKDAYS
from .evidence import KINDS, Evidence, Tried
from .own import LIMIT, Own, own_places

BACKTEST = (
    Column("moment", "text", "weekday or hour of later purchases"),
    Column("evidence", "text", "what habits were learnt from; chosen in an earlier window where visits are known"),
    Column("judged_from", "text", "first day of the window"),
    Column("judged_until", "text", "the day after it"),
    Column("customers", "count", "who bought before it and in it"),
    Column("purchases", "count", "their purchase days in it"),
    Column("concentration", "number", "for how many purchases of a customer the population counts, fitted before it"),
    Column("loss_own", "number", "log loss by own shares, half a time added to each place; mean over customers"),
    Column("loss_shrunk", "number", "the same by own shares shrunk to the population"),
    Column("loss_population", "number", "the same by the population's shares alone"),
    Column("gain", "number", "loss_population - loss_shrunk; paired by customer"),
    Column("gain_low", "number", "lower end of its 95 % interval"),
    Column("gain_high", "number", "upper end of its 95 % interval"),
    Column("gain_over_own", "number", "loss_own - loss_shrunk; paired by customer"),
    Column("told", "count", "customers of these who would have been told a place of their own"),
    Column("at_own", "share", "their purchase days in the window at their own place / all of these"),
    Column("at_usual", "share", "the same at the population's best place"),
    Column("at_own_expected", "share", "what at_own was expected to be"),
    Column("told_gain_low", "share", "lower end of the 95 % interval of at_own - at_usual, mean over customers"),
    Column("told_gain_high", "share", "upper end of it"),
    Column("used", "flag", "whether gain_low is above 0, so that places of customers' own are told"),
)


@dataclass(frozen=True, eq=False)
class BestTimes:
    """Weekdays or hours of everybody.

    Parameters
    ----------
    kind : str
    own : Own
    evidence : Evidence
    """

    kind: str
    own: Own
    evidence: Evidence

    @classmethod
    def of(cls, kind: str, evidence: Evidence, found: Tried | None) -> BestTimes | None:
        """Of a kind; None where no purchase tells it."""
        source = "purchases" if found is None else found.source
        habits = evidence.habits(kind, source)
        if habits is None:
            return None
        if found is None or not found.sure:
            return cls(kind, Own.alike(habits, evidence.n_customers), evidence)
        return cls(kind, own_places(evidence.counts(kind, source), habits, LIMIT), evidence)

    @property
    def names(self) -> tuple[str, ...]:
        """Of the places."""
        return names_of(self.kind)

    @property
    def usual(self) -> str:
        """The place that is best of all."""
        return self.names[self.own.usual]

    @property
    def table(self) -> Table:
        """How purchases lie, and who has a place of their own where."""
        place = getattr(self.evidence.purchases, self.kind)
        times = np.bincount(place[place >= 0], minlength=KINDS[self.kind])
        own = np.bincount(self.own.place[self.own.differs], minlength=KINDS[self.kind])
        about = "purchases by " + ("weekday" if self.kind == "weekday" else "hour of the local clock")
        columns = (
            Column(self.kind, "text", "the weekday" if self.kind == "weekday" else "the hour, from its first minute"),
            Column("purchases", "count", "customers' days with a purchase; the first of a day tells the hour"),
            Column("share", "share", "purchases / purchases of all rows"),
            Column("own", "count", f"customers whose own it is, and surely: with a chance above {LIMIT:.0%}"),
        )
        rows: list[Row] = [
            {self.kind: name, "purchases": int(n), "share": ratio(int(n), int(times.sum())), "own": int(k)}
            for name, n, k in zip(self.names, times, own, strict=True)
        ]
        return Table(f"by_{self.kind}", about, columns, tuple(rows))


def names_of(kind: str) -> tuple[str, ...]:
    """Monday to Sunday, or hours such as 09:00.

    Examples
    --------
    >>> names_of("weekday")[0], names_of("hour")[9]
    ('monday', '09:00')
    """
    return WEEKDAYS if kind == "weekday" else tuple(f"{hour:02d}:00" for hour in range(KINDS["hour"]))


def backtest(found: list[Tried]) -> Table:
    """A row for each kind that could be judged."""
    rows = tuple(_row(one) for one in found if one.judged is not None)
    return Table("backtest", "weekday and hour of later purchases, foretold in three ways", BACKTEST, rows)


def _row(found: Tried) -> Row:
    j = found.judged
    assert j is not None
    return {
        "moment": found.kind,
        "evidence": found.source,
        "judged_from": str(found.begins),
        "judged_until": str(found.ends),
        "customers": j.customers,
        "purchases": j.times,
        "concentration": j.concentration,
        "loss_own": j.own,
        "loss_shrunk": j.shrunk,
        "loss_population": j.population,
        "gain": j.gain.value,
        "gain_low": j.gain.low,
        "gain_high": j.gain.high,
        "gain_over_own": j.gain_own.value,
        "told": j.shown.customers,
        "at_own": j.shown.own,
        "at_usual": j.shown.usual,
        "at_own_expected": j.shown.expected,
        "told_gain_low": None if j.shown.gain is None else j.shown.gain.low,
        "told_gain_high": None if j.shown.gain is None else j.shown.gain.high,
        "used": found.sure,
    }


def words(found: Tried, told: BestTimes) -> str:
    """What is used, and why, in a sentence."""
    j, name = found.judged, {"weekday": "a weekday", "hour": "an hour"}[found.kind]
    if j is None:
        return f"nobody has {name} of their own: too few bought before {found.begins} and after it"
    gain = f"{j.gain.value:+.4f} [{j.gain.low:.4f}, {j.gain.high:.4f}]"
    if not found.sure:
        return (
            f"nobody has {name} of their own: habits do not surely foretell better than what all do (gain {gain}, "
            f"{j.customers:,} customers)"
        )
    n = int(told.own.differs.sum())
    return (
        f"{n:,} customers have {name} of their own: habits, shrunk, foretell better than what all do (gain {gain}, "
        f"{j.customers:,} customers) and than habits as they are (gain {j.gain_own.value:+.4f})"
    )
