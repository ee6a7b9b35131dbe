"""What keeping more customers would be worth: one point less silence in a year, and what-ifs over the years to come.

In: a ledger, its configuration, the published scores of a day where there are any. Out: `Asked`, for a screen and as
figures, which name nobody; nothing is written. What the data do not allow (too few repeat buyers, no past year, an
unknown margin) switches a part off with a sentence that says what to add.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from ..clock import Cutoff
from ..config import Config
from ..errors import ConfigError
from ..intake import Ledger
from ..kpis.table import Table
from ..relations.levers import Levers
from ..relations.silence import ALL
from ..schema import SCALE
from .days import check_covered, usual_day
from .published import Book
from .score import scores_folder
from .segments import segments
from .whatif_parts import Flow, begun, places, possible, silence, years_to_come

Progress = Callable[[str, float], None]

YEARS = 5
MOST_YEARS = 10
TWO_YEARS = 730
FEW = 100
"""Below so many customers a note says that the figures are rough."""
_DEFAULT = ("value-churn", "lifecycle")
"""The scheme with scores of the day, and without."""


@dataclass(frozen=True, eq=False)
class Asked:
    """The answers as of a day.

    Parameters
    ----------
    as_of : Cutoff
    scheme : str
    window_days : int
        For so long one is silent.
    currency : str
    tables : tuple of Table
        Those of `silence_in_money`, `what_if`, `years` that the data allow.
    headline : str
    off : mapping of str to str
        What is left out, and what to add.
    notes : tuple of str
    """

    as_of: Cutoff
    scheme: str
    window_days: int
    currency: str
    tables: tuple[Table, ...]
    headline: str
    off: Mapping[str, str]
    notes: tuple[str, ...]

    @property
    def lines(self) -> list[str]:
        """For a screen."""
        told = [f"as of {self.as_of}, by {self.scheme}", self.headline]
        for table in self.tables:
            told += ["", f"{table.name}: {table.about}", *table.lines([column.name for column in table.columns])]
        return [*told, *(f"{part} is left out: {why}" for part, why in self.off.items())]

    def figures(self) -> dict[str, object]:
        """As JSON takes it: nobody is named."""
        return {
            "headline": self.headline,
            "as_of": str(self.as_of),
            "scheme": self.scheme,
            "horizon_days": self.window_days,
            "currency": self.currency,
            "tables": {table.name: table.figures() for table in self.tables},
            "off": dict(self.off),
            "notes": list(self.notes),
        }


def whatif(
    ledger: Ledger,
    config: Config,
    day: Cutoff | None = None,
    scheme: str | None = None,
    levers: Levers | None = None,
    years: int = YEARS,
    progress: Progress | None = None,
) -> Asked:
    """What one point less silence is worth, and what changes of the years to come.

    Parameters
    ----------
    ledger : Ledger
    config : Config
    day : Cutoff, optional
        Default: the day of the newest scores, else the day after the purchases.
    scheme : str, optional
        Of `regulars segments`; default: value-churn with scores of the day, else lifecycle.
    levers : Levers, optional
        Default: one point or per cent of each.
    years : int
        From 1 to `MOST_YEARS`.
    progress : callable, optional

    Raises
    ------
    ConfigError
        ``RG494``: a change that cannot be; ``RG495``: as many years; ``RG496``: a day outside the ledger; ``RG476``:
        no such scheme, or one that the data do not allow.
    """
    if not 1 <= years <= MOST_YEARS:
        raise ConfigError(f"{years} years cannot be", needed=f"1 to {MOST_YEARS}", do="name --years", code="RG495")
    tell, book = progress or _silent, Book(scores_folder(config))
    day = day or usual_day(ledger, book)
    check_covered(ledger, day, "RG496")
    tell("purchases", 0.0)
    flow = begun(ledger, config, day, book.of(day))
    changed = possible(flow, levers or Levers.one())
    name = scheme or _DEFAULT[0 if flow.run is not None else 1]
    found = segments(ledger, config, name, day)
    place, names = places(flow, np.asarray(found.facts.ids, str), found.assigned(name))
    tell("silence", 0.3)
    tables = [*silence(flow, place, names)]
    tell("years", 0.8)
    tables += years_to_come(flow, place, names, changed, years)
    notes = (*_about(flow), *flow.notes)
    told = _headline(flow, tables, years)
    return Asked(day, found.assigned(name).scheme, flow.window_days, config.data.currency, tuple(tables), told,
                 flow.off, notes)  # fmt: skip


def _silent(_: str, __: float) -> None:
    """The progress of someone who does not want to know."""


def _about(flow: Flow) -> list[str]:
    """What to keep in mind."""
    notes = [
        "No experiment: what silence costs is an association, corrected by a model for faster buyers; what it costs to "
        "keep a customer is not taken off.",
        "The years to come are those of the present customers; new ones are not in them.",
    ]
    if not flow.margin_known:
        notes.append("Money is net spend, not margin: the margin is not known.")
    n, history = len(flow.here.customer), flow.day.day - flow.ledger.history_starts.day
    if history < TWO_YEARS:
        notes.append(
            f"The data cover {history:,} days before {flow.day}: under two years, what is said of later years is "
            "extrapolated from a time in which hardly anybody can be seen to leave, and is more likely too high."
        )
    if n < FEW:
        notes.append(f"There are {n:,} customers: the figures are rough.")
    if flow.config.target.active_within_days is not None:
        told = flow.config.target.active_within_days
        notes.append(f"Only customers with a purchase within {told} days before {flow.day} are looked at.")
    guests = flow.ledger.manifest.lines["guest"]
    if guests:
        money = float(flow.ledger.manifest.money["guest"])
        notes.append(f"{guests:,} lines of guests ({money:,.2f} in all of the ledger) are nobody's.")
    return notes


def _headline(flow: Flow, tables: list[Table], years: int) -> str:
    """What a marketer would read first."""
    rows = {table.name: [row for row in table.rows if row.get("segment") == ALL] for table in tables}
    told, currency = list[str](), f" {flow.config.data.currency}".rstrip()
    for row in rows.get("silence_in_money", []):
        if row["one_point"] is not None:
            one, low, high = (float(row[name] or 0) / SCALE for name in ("one_point", "low", "high"))
            told.append(
                f"One point less silence in {flow.window_days} days, in every segment, would be worth about "
                f"{one:,.0f}{currency} of {flow.money} a year ({low:,.0f} to {high:,.0f})"
            )
    for row in rows.get("what_if", [])[:1]:
        gain = float(row["difference"] or 0) / SCALE
        told.append(f"{row['lever']} would change the next {years} years by {gain:,.0f}{currency}")
    return "; ".join(told) + "." if told else "Too little is known to say what keeping more customers is worth."


def changes(**texts: str | None) -> Levers | None:
    """The levers that were named, as they are typed; None where none was.

    Raises
    ------
    ConfigError
        ``RG494``: one is no number.

    Examples
    --------
    >>> changes(retention="+1", order_value="2%", margin=None)
    Levers(retention=1.0, frequency=0.0, order_value=2.0, margin=0.0)
    """
    named = {name: text for name, text in texts.items() if text is not None}
    if not named:
        return None
    found = {}
    for name, text in named.items():
        try:
            found[name] = float(text.strip().removesuffix("%").strip())
        except ValueError:
            option = "--" + name.replace("_", "-")
            do = f"write {option} 1, or {option} -2.5"
            raise ConfigError(f"`{text}` is no change of {option}", needed="a number", do=do, code="RG494") from None
    return Levers(**found)
