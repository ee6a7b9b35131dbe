"""The facts that segments ask for: one pass over the ledger, and the scores published for the day.

In: a ledger, a day, perhaps a run of scores. Out: `Facts` of everybody who had a line before the day, or stands in the
table of customers and had joined by then. Rows that became known on the day or later do not count. Whom the scores know
and the ledger does not is left out and counted. No scores: nobody is scored, and the horizon is that of the
configuration.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..clock import Cutoff
from ..config import Config
from ..engines.local import reader, shards_of
from ..features.family import plan_for
from ..features.history import History
from ..features.shape import Shape
from ..features.track import Edges
from ..intake import Ledger
from ..models.prospects import prospect_rows
from ..segments.facts import Facts
from ..segments.years import grace_of, year_sums
from .published import PROSPECTS, Run

if TYPE_CHECKING:
    import pandas as pd

Int64 = NDArray[np.int64]
GRACE_DAYS = 90
READ = (
    *("customer_id", "p_churn", "expected_spend", "usual_gap_days", "late", "segment"),
    *("next_order_from", "next_order_until"),
)
"""The columns of the scores that are looked at."""
_COUNTS = ("orders", "spend", "recency", "first", "silence", "orders_year", "spend_year", "best_year")


@dataclass(frozen=True)
class FactsOfDay:
    """Facts, and what is to be said of where they come from."""

    facts: Facts
    notes: tuple[str, ...] = field(default=())


def facts_of(
    ledger: Ledger, config: Config, day: Cutoff, run: Run | None, grace_days: int = GRACE_DAYS
) -> FactsOfDay:  # fmt: skip
    """What is known of everybody as of a day.

    Parameters
    ----------
    run : Run or None
        The scores of that day.
    grace_days : int, >= 0
        How long a tier by spend is kept; shortened to what the ledger covers.
    """
    horizon = config.target.primary if run is None else int(run.facts["horizon_days"])
    grace = grace_of(day, ledger.history_starts, grace_days)
    ids, counts = _bought(ledger, day, horizon, grace)
    everybody = np.union1d(ids, np.asarray(prospect_rows(ledger, [day]).customer_id, np.str_))
    table = np.zeros((len(_COUNTS), len(everybody)), np.int64)
    table[2:5] = -1
    table[:, np.searchsorted(everybody, ids)] = counts
    of = dict(zip(_COUNTS, table, strict=True))
    told, notes = _told(run, everybody)
    facts = Facts(
        as_of=str(day),
        horizon_days=horizon,
        currency=config.data.currency if run is None else str(run.facts["currency"]),
        ids=everybody,
        orders=of["orders"],
        spend=of["spend"],
        recency_days=of["recency"],
        first_days=of["first"],
        silence_days=of["silence"],
        orders_year=of["orders_year"] if grace is not None else None,
        spend_year=of["spend_year"] if grace is not None else None,
        best_year=of["best_year"] if grace else None,
        grace_days=grace or 0,
        knows_newcomers=ledger.history_starts <= day.minus(horizon),
        scored=told["scored"].astype(bool),
        p_churn=told["p_churn"].astype(np.float64),
        expected_spend=told["expected_spend"].astype(np.float64),
        usual_gap_days=told["usual_gap_days"].astype(np.float64),
        late=told["late"].astype(bool),
        value_churn=told["segment"],
        next_from=told["next_order_from"],
        next_until=told["next_order_until"],
    )
    return FactsOfDay(facts, notes)


def _bought(ledger: Ledger, day: Cutoff, horizon: int, grace: int | None) -> tuple[NDArray[np.str_], Int64]:
    """Who had a line before the day, and the rows of `_COUNTS`; no grace (None) where a year is not covered."""
    plan = plan_for(Shape())
    read, found, ids = reader(ledger, plan), [np.zeros((len(_COUNTS), 0), np.int64)], [np.zeros(0, np.str_)]
    for shard in shards_of(ledger, plan):
        history = read(shard).known_before(day)
        if not history.n_customers:
            continue
        cells = history.before(Edges(np.array([day.day])))[:, 0]
        there = cells > history.starts[:-1]
        ids.append(history.lines.customer_ids[there].astype(str))
        found.append(np.stack([*_ever(history, day, horizon), *_years(history, day, grace)])[:, there])
    return np.concatenate(ids), np.concatenate(found, axis=1)


def _ever(history: History, day: Cutoff, horizon: int) -> tuple[Int64, ...]:
    """Orders, spend, days since the last and the first purchase, the longest silence that was just ended."""
    n = history.n_customers
    last = history.before(Edges(np.array([day.day])))[:, 0]
    sums = [history.prefix(name)[last] - history.prefix(name)[history.starts[:-1]] for name in ("purchase", "spend")]
    marks = history.marks("day")
    marks = marks[history.day[marks] < day.day]
    who, when = history.customer[marks], history.day[marks]
    first, latest, silence = np.full(n, -1, np.int64), np.full(n, -1, np.int64), np.full(n, -1, np.int64)
    # Days ascend within a customer: of what is written to one place the last one stays.
    latest[who], first[who[::-1]] = day.day - when, (day.day - when)[::-1]
    ended = np.flatnonzero((who[1:] == who[:-1]) & (when[1:] >= day.day - horizon)) + 1
    np.maximum.at(silence, who[ended], when[ended] - when[ended - 1])
    return *sums, latest, first, silence


def _years(history: History, day: Cutoff, grace: int | None) -> tuple[Int64, ...]:
    """Orders and spend of the last 365 days, and the largest spend of 365 that ended within the grace period."""
    if grace is None:
        nothing = np.zeros(history.n_customers, np.int64)
        return nothing, nothing, nothing
    years = year_sums(history, "spend", np.arange(day.day - grace, day.day + 1))
    orders = year_sums(history, "purchase", np.array([day.day]))
    return orders[:, -1], years[:, -1], years.max(axis=1)


def _told(run: Run | None, ids: NDArray[np.str_]) -> tuple[dict[str, NDArray[np.object_]], tuple[str, ...]]:
    """The columns of the scores, a place per customer, with who was scored; and what is to be said of them."""
    n = len(ids)
    missing = {"late": False, "segment": "", "next_order_from": "", "next_order_until": ""}
    told = {name: np.full(n, missing.get(name, np.nan), object) for name in READ[1:]}
    told["scored"] = np.zeros(n, object)
    if run is None:
        return told, ()
    scores = run.frame(READ)
    at, here = _places(scores, ids)
    for name in READ[1:]:
        values = scores[name].to_numpy(object)[here]
        told[name][at] = [missing.get(name, np.nan) if v is None else v for v in values]
    told["scored"][at] = True
    if run.has(PROSPECTS):
        cohort = run.frame(("customer_id", "expected_spend"), PROSPECTS)
        at, there = _places(cohort, ids)
        told["expected_spend"][at] = cohort["expected_spend"].to_numpy(object)[there]
    unknown = int((~here).sum())
    note = f"{unknown:,} customers of the scores are not in the ledger as of this day and are left out"
    return told, (note,) if unknown else ()


def _places(frame: pd.DataFrame, ids: NDArray[np.str_]) -> tuple[Int64, NDArray[np.bool_]]:
    """The places of those rows of a table whose customers are among the ids, and which rows these are."""
    names = frame["customer_id"].to_numpy(str)
    if not len(ids):
        return np.zeros(0, np.int64), np.zeros(len(names), bool)
    at = np.minimum(np.searchsorted(ids, names), len(ids) - 1)
    here = ids[at] == names
    return np.asarray(at[here], np.int64), np.asarray(here)
