"""What keeping more customers would be worth: one point less silence in a year, and what-ifs over the years to come.

In: a ledger, its configuration, the published scores of a day where there are any. Out: `Asked`, for a screen and as
figures, which name nobody; nothing is written. What the data do not allow (too few repeat buyers, no past year, an
unknown margin) switches a part off with a sentence that says what to add.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from ..clock import Cutoff
from ..config import Config
from ..errors import ConfigError
from ..features.panel import Rhythm
from ..intake import Ledger
from ..kpis.purchases import Purchases
from ..kpis.table import Table
from ..models.doubt import alike, covariance
from ..models.lifetime import ERROR, ERROR_WEIGHT
from ..models.margins import measured_margin
from ..models.pareto_nbd import ParetoNbd
from ..models.prior import Prior
from ..models.summary import Summary
from ..models.tail import Tail
from ..models.terms import Terms
from ..models.worth import NORMAL_90
from ..relations.future import Future
from ..relations.level import Level
from ..relations.levers import Levers, WhatIf
from ..relations.saved import timing_of
from ..relations.silence import ALL, YEAR, Present, silence_table, worth_of
from ..schema import SCALE
from ..segments.scheme import Assigned
from .published import Book, Run
from .score import scores_folder
from .segments import segments
from .whatif_read import Stand, least_history, net_share, past_day, purchases_before

Progress = Callable[[str, float], None]

YEARS = 5
MOST_YEARS = 10
DRAWS = 32
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


@dataclass(eq=False)
class _Flow:
    """What the parts share while they are made."""

    ledger: Ledger
    config: Config
    day: Cutoff
    run: Run | None
    purchases: Purchases
    here: Stand
    prior: Prior
    terms: Terms
    margin_known: bool
    off: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    misses: list[float] = field(default_factory=list)

    @property
    def window_days(self) -> int:
        """Of the scores, else the configuration's horizon."""
        return self.config.target.primary if self.run is None else int(self.run.facts["horizon_days"])

    @property
    def money(self) -> str:
        """What is counted."""
        return "margin" if self.margin_known else "net spend"


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
    newest = book.latest
    day = day or (newest.as_of if newest is not None else ledger.ends)
    _within(ledger, day)
    tell("purchases", 0.0)
    flow = _begun(ledger, config, day, book.of(day))
    changed = _possible(flow, levers or Levers.one())
    name = scheme or _DEFAULT[0 if flow.run is not None else 1]
    found = segments(ledger, config, name, day)
    place, names = _places(flow, np.asarray(found.facts.ids, str), found.assigned(name))
    tell("silence", 0.3)
    tables = [*_silence(flow, place, names)]
    tell("years", 0.8)
    tables += _years(flow, place, names, changed, years)
    notes = (*_about(flow), *flow.notes)
    told = _headline(flow, tables, years)
    return Asked(day, found.assigned(name).scheme, flow.window_days, config.data.currency, tuple(tables), told,
                 flow.off, notes)  # fmt: skip


def _silent(_: str, __: float) -> None:
    """The progress of someone who does not want to know."""


def _within(ledger: Ledger, day: Cutoff) -> None:
    if not ledger.history_starts < day <= ledger.ends:
        raise ConfigError(
            f"{day} is not a day of the ledger",
            needed=f"a day after {ledger.history_starts} and up to {ledger.ends}",
            do="name such a day with --as-of",
            code="RG496",
        )


def _begun(ledger: Ledger, config: Config, day: Cutoff, run: Run | None) -> _Flow:
    purchases = purchases_before(ledger, day)
    here = Stand.of(purchases, day, config.target.active_within_days)
    stated = "margin" in config.economics.model_fields_set
    measured = None if stated else measured_margin(ledger, day)
    terms = Terms.of(config, measured)
    known = (stated or measured is not None) and terms.margin > 0
    # Nothing is earned of money whose margin is 0: then money itself is told.
    terms = terms if known else replace(terms, margin=1.0)
    return _Flow(ledger, config, day, run, purchases, here, prior_of(here), terms, known)


def prior_of(stand: Stand) -> Prior:
    """The classical models of a day."""
    s = stand.summary
    columns = (s.frequency.astype(np.float64), s.recency, s.T, s.value, s.n_valued.astype(np.float64))
    return Prior.fit(Rhythm(*columns), stand.day)


def _places(flow: _Flow, ids: NDArray[np.str_], found: Assigned) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """The segment of each customer at risk."""
    own = np.asarray(flow.purchases.ids[flow.here.customer], str)
    return found.place[np.searchsorted(ids, own)], found.names


def _told(flow: _Flow, name: str) -> NDArray[np.float64] | None:
    """A column of the scores for each customer at risk, NaN where they do not speak of one; None without scores."""
    if flow.run is None:
        return None
    frame = flow.run.verified().frame(["customer_id", name])
    names, values = frame["customer_id"].to_numpy(str), frame[name].to_numpy(np.float64)
    own = np.asarray(flow.purchases.ids[flow.here.customer], str)
    if not len(names):
        return np.full(len(own), np.nan)
    order = np.argsort(names, kind="stable")
    at = order[np.minimum(np.searchsorted(names, own, sorter=order), len(names) - 1)]
    return np.where(names[at] == own, values[at], np.nan)


def _silence(flow: _Flow, place: NDArray[np.int64], names: tuple[str, ...]) -> list[Table]:
    """One point less silence, by segment."""
    window, part, timing = flow.window_days, "silence_in_money", timing_of(flow.prior)
    if window >= YEAR:
        flow.off[part] = f"silence is {window} days here, and what it costs is told of {YEAR}; name a shorter horizon"
        return []
    if timing is None:
        flow.off[part] = _too_few(flow)
        return []
    net = net_share(flow.purchases, flow.day)
    level = _level(flow, net)
    here = Present.of(flow.here.summary, flow.prior, timing, window, _told(flow, "p_churn"))
    found = worth_of(here, place, names, level, net, flow.terms.margin)
    return [silence_table(found, window, flow.money, bool(level.customers))]


def _too_few(flow: _Flow) -> str:
    n, again = len(flow.here.customer), int((flow.here.summary.frequency > 0).sum())
    return (
        f"of {n:,} customers {again:,} have bought again before {flow.day}, too few to learn from; add older purchases"
    )


def _level(flow: _Flow, net: float) -> Level:
    """What a past year tells of the level, where there is one."""
    unseen, window = Level.unseen(net), flow.window_days
    then = past_day(flow.ledger, flow.config, flow.day, YEAR)
    first = least_history(flow.ledger, window)
    if then < first:
        lacking = first.day - then.day
        flow.off["past year"] = (
            f"what came of customers in the {YEAR} days from a past day needs {lacking:,} more days of history before "
            f"{flow.ledger.history_starts}; until then one point less silence is told by the model alone"
        )
        return unseen
    stand = Stand.of(flow.purchases, then, flow.config.target.active_within_days)
    prior = prior_of(stand)
    timing = timing_of(prior)
    if timing is None:
        flow.off["past year"] = f"on {then} too few customers had bought again; the model speaks alone"
        return unseen
    before = Present.of(stand.summary, prior, timing, window)
    spend = stand.spend(flow.purchases, YEAR)
    level = unseen.seen(before.found, before.value, stand.bought(flow.purchases, window), spend)
    flow.notes.append(_looked_back(flow, stand, before, spend, net))
    if not level.customers:
        flow.off["past year"] = f"on {then} there were too few customers of either kind; the model speaks alone"
    return level


def _looked_back(
    flow: _Flow, stand: Stand, before: Present, spend: NDArray[np.float64], net: float
) -> str:  # fmt: skip
    expected = net * float((before.value * before.timing.expected_purchases(stand.summary, YEAR)).sum())
    came = float(spend.sum())
    if min(came, expected) > 0:
        flow.misses.append(float(np.log(came / expected)))
    money = flow.config.data.currency
    return (
        f"Looking back: on {stand.day} the classical model expected {expected:,.0f} {money} of net spend from the "
        f"customers of that day within {YEAR} days; {came:,.0f} came."
    ).replace("  ", " ")


def _possible(flow: _Flow, levers: Levers) -> Levers:
    """The levers without the margin where that is not known."""
    if not levers.margin:
        return levers
    if not flow.margin_known:
        flow.off["margin lever"] = (
            "what is earned of a sale is not known, so money is net spend; state `margin` under [economics], or map "
            "`cost` in [data.purchases]"
        )
        return replace(levers, margin=0.0)
    after = flow.terms.margin + levers.margin / 100.0
    if not 0.0 <= after <= 1.0:
        raise ConfigError(
            f"a margin of {flow.terms.margin:.1%} cannot change by {levers.margin:+g} points",
            needed="a margin from 0 to 100 % afterwards",
            do="name another --margin",
            code="RG494",
        )
    return levers


def _years(
    flow: _Flow, place: NDArray[np.int64], names: tuple[str, ...], levers: Levers, years: int
) -> list[Table]:  # fmt: skip
    """The years to come, and what the levers change."""
    model, summary = flow.prior.pareto, flow.here.summary
    if model is None:
        flow.off["what_if"] = _too_few(flow)
        return []
    value, error = _value(flow, summary)
    known = flow.terms.horizon_days
    future = Future(model, summary.T, value, known, years, flow.terms.force)
    models: list[ParetoNbd] = alike(model, covariance(model, summary), DRAWS)
    found = WhatIf(
        future, model.p_alive(summary), place, names, levers, flow.terms.margin, error, tuple(models)
    )  # fmt: skip
    tables = [found.table(flow.money)] if any(True for _ in levers.alone()) else []
    return [*tables, found.years(flow.money)]


def _value(flow: _Flow, summary: Summary) -> tuple[NDArray[np.float64], float]:
    """Everyone's discounted margin to the lifetime horizon, and the deviation of the log of its total."""
    told, terms = _told(flow, "lifetime_value"), flow.terms
    tail = Tail.of(flow.prior)
    assert tail is not None
    edges, net = (0.0, float(terms.horizon_days)), net_share(flow.purchases, flow.day)
    classical = terms.margin * net * tail.spend(summary, edges, terms.force)[:, 0]
    if told is None or flow.run is None or not np.nansum(told) > 0:
        doubt = tail.doubt(summary, edges, terms.force)
        flow.notes.append(
            f"No lifetime values of {flow.day} are published: the height of the years to come is that of the classical "
            "model alone (`regulars score` makes them)."
        )
        return classical, float(np.hypot(doubt, _level_error(flow.misses)))
    totals = flow.run.facts.get("totals") or {}
    low, high = totals.get("lifetime_low"), totals.get("lifetime_high")
    sure = low is not None and high is not None and 0 < low < high
    error = float(np.log(high / low)) / (2 * NORMAL_90) if sure else 2 * ERROR
    return np.where(np.isfinite(told), told, classical), error


def _level_error(misses: Sequence[float]) -> float:
    """Of the log of a total: what the years looked back at were missed by, and the usual error."""
    return float(np.sqrt((ERROR_WEIGHT * ERROR**2 + sum(m**2 for m in misses)) / (ERROR_WEIGHT + len(misses))))


def _about(flow: _Flow) -> list[str]:
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


def _headline(flow: _Flow, tables: list[Table], years: int) -> str:
    """What a marketer would read first."""
    rows = {table.name: [row for row in table.rows if row.get("segment") == ALL] for table in tables}
    told, currency = list[str](), f" {flow.config.data.currency}".rstrip()
    for row in rows.get("silence_in_money", []):
        if row["one_point"] is not None:
            one, low, high = (float(row[name] or 0) / SCALE for name in ("one_point", "low", "high"))
            told.append(
                f"One point less silence in {flow.window_days} days would be worth about {one:,.0f}{currency} of "
                f"{flow.money} a year ({low:,.0f} to {high:,.0f})"
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
