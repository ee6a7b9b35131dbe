"""The parts of the what-ifs: one point less silence by segment, and the years to come.

In: a ledger, its configuration, a day, its scores where there are any; segments. Out: tables, and in the `Flow` what is
left out with the reason, and what is to be kept in mind. Nothing is missing from a table that is there.
"""

from __future__ import annotations

from collections.abc import Sequence
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
from ..relations.silence import YEAR, Present, silence_table, worth_of
from ..segments.scheme import Assigned
from .published import Run
from .whatif_read import Stand, least_history, net_share, past_day, purchases_before

DRAWS = 32
"""Models as likely as the fitted one."""


@dataclass(eq=False)
class Flow:
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


def begun(ledger: Ledger, config: Config, day: Cutoff, run: Run | None) -> Flow:
    """What all parts rest on."""
    purchases = purchases_before(ledger, day)
    here = Stand.of(purchases, day, config.target.active_within_days)
    stated = "margin" in config.economics.model_fields_set
    measured = None if stated else measured_margin(ledger, day)
    terms = Terms.of(config, measured)
    known = (stated or measured is not None) and terms.margin > 0
    # Nothing is earned of money whose margin is 0: then money itself is told.
    terms = terms if known else replace(terms, margin=1.0)
    return Flow(ledger, config, day, run, purchases, here, prior_of(here), terms, known)


def prior_of(stand: Stand) -> Prior:
    """The classical models of a day."""
    s = stand.summary
    columns = (s.frequency.astype(np.float64), s.recency, s.T, s.value, s.n_valued.astype(np.float64))
    return Prior.fit(Rhythm(*columns), stand.day)


def places(flow: Flow, ids: NDArray[np.str_], found: Assigned) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """The segment of each customer at risk."""
    own = np.asarray(flow.purchases.ids[flow.here.customer], str)
    return found.place[np.searchsorted(ids, own)], found.names


def _told(flow: Flow, name: str) -> NDArray[np.float64] | None:
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


def silence(flow: Flow, place: NDArray[np.int64], names: tuple[str, ...]) -> list[Table]:
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


def _too_few(flow: Flow) -> str:
    n, again = len(flow.here.customer), int((flow.here.summary.frequency > 0).sum())
    return (
        f"of {n:,} customers {again:,} have bought again before {flow.day}, too few to learn from; add older purchases"
    )


def _level(flow: Flow, net: float) -> Level:
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
    flow: Flow, stand: Stand, before: Present, spend: NDArray[np.float64], net: float
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


def possible(flow: Flow, levers: Levers) -> Levers:
    """The levers, without the margin where that is not known.

    Raises
    ------
    ConfigError
        ``RG494``: a margin below nothing, or above all.
    """
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


def years_to_come(
    flow: Flow, place: NDArray[np.int64], names: tuple[str, ...], levers: Levers, years: int
) -> list[Table]:  # fmt: skip
    """The years to come, and what the levers change."""
    model, summary = flow.prior.pareto, flow.here.summary
    if model is None:
        flow.off["what_if"] = _too_few(flow)
        return []
    value, error = _value(flow, model, summary)
    known = flow.terms.horizon_days
    future = Future(model, summary.T, value, known, years, flow.terms.force)
    models: list[ParetoNbd] = alike(model, covariance(model, summary), DRAWS)
    found = WhatIf(
        future, model.p_alive(summary), place, names, levers, flow.terms.margin, error, tuple(models)
    )  # fmt: skip
    tables = [found.table(flow.money)] if any(True for _ in levers.alone()) else []
    return [*tables, found.years(flow.money)]


def _value(flow: Flow, model: ParetoNbd, summary: Summary) -> tuple[NDArray[np.float64], float]:
    """Everyone's discounted margin to the lifetime horizon, and the deviation of the log of its total."""
    told, terms = _told(flow, "lifetime_value"), flow.terms
    # The likelier model of time sets the height; in years to come Pareto/NBD tells who stays.
    tail = Tail(timing_of(flow.prior) or model, flow.prior.gamma, flow.prior.mean_value)
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
    error = 2 * ERROR
    if low is not None and high is not None and 0 < low < high:
        error = float(np.log(high / low)) / (2 * NORMAL_90)
    return np.where(np.isfinite(told), told, classical), error


def _level_error(misses: Sequence[float]) -> float:
    """Of the log of a total: what the years looked back at were missed by, and the usual error."""
    return float(np.sqrt((ERROR_WEIGHT * ERROR**2 + sum(m**2 for m in misses)) / (ERROR_WEIGHT + len(misses))))
