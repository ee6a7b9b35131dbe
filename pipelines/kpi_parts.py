"""Tables of key figures that only some data allow: by segment, of events, of what relationships cost and bring.

In: a ledger, its configuration, what is counted already. Out: a `Part` for each: a table, or why there is none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..clock import Cutoff
from ..config import Config
from ..intake import Ledger
from ..kpis.by_channel import by_channel
from ..kpis.by_period import Window
from ..kpis.by_segment import by_segment
from ..kpis.engagement import OPTIONAL, READ, Deeds, engagement, unsaid
from ..kpis.periods import Periods
from ..kpis.purchases import Purchases
from ..kpis.table import Table
from ..segments.scheme import Off
from .published import Book
from .relations import relations
from .score import scores_folder
from .segments import segments

RELATIONS = ("cost_to_serve", "acquisition")
"""Tables of `regulars relations` that are key figures."""


@dataclass(frozen=True)
class Part:
    """A table or none.

    Parameters
    ----------
    table : Table or None
    said : sequence of str
        What to keep in mind; without a table the first says why.
    headline : str
        What is told first.
    """

    table: Table | None
    said: Sequence[str] = ()
    headline: str = ""

    @classmethod
    def of(cls, table: Table | None, headline: str, said: Sequence[str]) -> Part:
        """Of what the flows give."""
        return cls(table, said, headline)


def segment_part(
    ledger: Ledger, config: Config, purchases: Purchases, window: Window, scheme: str | None
) -> Part:  # fmt: skip
    """By segment of a scheme, or of the newest published scores.

    Raises
    ------
    ConfigError
        ``RG476``: there is no such scheme.
    """
    run = Book(scores_folder(config)).latest
    if scheme is not None:
        return _of_scheme(ledger, config, purchases, window, scheme)
    if run is None:
        return Part(None, ["No table by segment: there are no published scores (`regulars score` makes them)."])
    frame = run.frame(["customer_id", "segment"])
    ids, names = (frame[name].to_numpy(object) for name in ("customer_id", "segment"))
    table = by_segment(purchases, ids, names, run.as_of, window)
    return Part(table, _not_covered(run.as_of, window, "scores"))


def _of_scheme(ledger: Ledger, config: Config, purchases: Purchases, window: Window, scheme: str) -> Part:
    run = Book(scores_folder(config)).latest
    day = ledger.ends if run is None else min(run.as_of, ledger.ends)
    given = segments(ledger, config, scheme, day)
    ((name, found),) = given.schemes.items()
    if isinstance(found, Off):
        return Part(None, [f"No table by segment: the scheme `{name}` is left out: {found.why}."])
    names = np.array(found.names, object)[found.place]
    table = by_segment(purchases, np.asarray(given.facts.ids, object), names, day, window, name, found.names)
    return Part(table, [*found.notes, *_not_covered(day, window, "segments")])


def _not_covered(day: Cutoff, window: Window, what: str) -> list[str]:
    if day.day <= window.ends.day and window.starts.day <= day.minus(window.days).day:
        return []
    said = f"By segment only customers are counted: the data do not cover the {window.days} days before"
    return [f"{said} {day}, the day of the {what}."]


def event_parts(
    ledger: Ledger, purchases: Purchases, periods: Periods, window: Window, detractors_up_to: float | None
) -> dict[str, Part]:
    """Engagement with satisfaction, and engagement by channel."""
    name, by_name = "engagement", "engagement_by_channel"
    none = "No engagement and no satisfaction"
    if not ledger.has_table("events"):
        return {name: Part(None, [f"{none}: there are no events ([data.events])."])}
    about = ledger.manifest.tables["events"]
    if not about.first_day or not about.last_day:
        return {name: Part(None, [f"{none}: the log of events is empty."])}
    wanted = [column for column in READ if column not in OPTIONAL or column in about.columns]
    deeds = Deeds.of(ledger.rows_of("events", columns=wanted), purchases, ledger.zone)
    covered = (Cutoff.parse(about.first_day), Cutoff.parse(about.last_day).plus(1))
    table = engagement(deeds, covered, purchases, periods, window, detractors_up_to)
    found = {name: Part(table, unsaid(deeds, detractors_up_to))}
    if not deeds.channels:
        return found | {by_name: Part(None, ["No engagement by channel: map `channel` in [data.events]."])}
    return found | {by_name: Part(by_channel(deeds, covered, purchases, periods, window))}


def relation_parts(
    ledger: Ledger, config: Config, progress: Callable[[str, float], None] | None = None
) -> dict[str, Part]:  # fmt: skip
    """What relationships cost and bring, as of the day of the newest scores, else of the end of the data."""
    run = Book(scores_folder(config)).latest
    day = ledger.ends if run is None else min(run.as_of, ledger.ends)
    found = relations(ledger, config, day, progress=progress)
    parts = {}
    for name in RELATIONS:
        table, why = found.table(name), found.off.get(name)
        parts[name] = Part(table, [f"No table `{name}`: {why}."] if table is None and why else [])
    return parts
